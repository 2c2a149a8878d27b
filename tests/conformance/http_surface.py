"""Headers, bodies, pages and accounts (wire 1.3, 1.4, 2, 3 and 6)."""

from __future__ import annotations

from typing import cast

import pytest

from reservation_core.emulator import Settings
from tests.conformance.scene import (
    ACCEPT,
    CALL,
    CALL_WORKER,
    COMPLETE,
    HEX,
    URL,
    WORKSPACE,
    Form,
    Launch,
    Scene,
)


class HttpSurface:
    """Headers, bodies, pages and accounts (wire 1.3, 1.4, 2, 3 and 6)."""

    @pytest.mark.parametrize("written", ["{}", '"{}"'], ids=["bare", "quoted"])
    def test_if_match_accepts_the_current_version_only(self, scene: Scene, written: str) -> None:
        """It may be bare or quoted. Any other is a 412 with 20412 that changes nothing."""
        sid = scene.reserve()
        assert scene.update(sid, ACCEPT, If_Match=written.format(7)).fields("code", "status") == (
            412,
            20412,
            412,
        )
        assert scene.status(sid) == "pending"
        assert scene.update(sid, ACCEPT, if_match=written.format(0)).status == 200
        assert scene.update(sid, COMPLETE, worker=0, If_Match=written.format(0)).status == 412

    def test_worker_route_has_an_etag_only_on_its_list(self, scene: Scene) -> None:
        """API description."""
        sid = scene.reserve()
        for reply, has_etag in (
            (scene.fetch(sid), True),
            (scene.list(), True),
            (scene.update(sid, CALL_WORKER), True),
            (scene.list(worker=0), True),
            (scene.fetch(sid, worker=0), False),
            (scene.update(sid, CALL_WORKER, worker=0), False),
        ):
            assert reply.status == 200
            assert ("etag" in {name.lower() for name in reply.headers}) is has_etag

    def test_body_has_the_fields_of_the_reference(self, scene: Scene) -> None:
        """API description."""
        sid, worker = scene.reserve(), scene.workers[0]
        body = scene.fetch(sid, worker=0).body
        base = f"{scene.transport.origin}/v1/Workspaces/{WORKSPACE}"
        assert body == {
            "sid": sid,
            "account_sid": scene.task.account_sid,
            "workspace_sid": WORKSPACE,
            "task_sid": scene.task.sid,
            "worker_sid": worker.sid,
            "worker_name": worker.name,
            "reservation_status": "pending",
            "date_created": "2030-01-01T00:00:00Z",
            "date_updated": "2030-01-01T00:00:00Z",
            "url": scene.transport.origin + scene.path(sid, worker=0),
            "links": {
                "task": f"{base}/Tasks/{scene.task.sid}",
                "worker": f"{base}/Workers/{worker.sid}",
                "workspace": base,
            },
        }

    def test_supervise_is_only_on_the_task_route(self, scene: Scene) -> None:
        """API description."""
        sid = scene.reserve()
        scene.update(sid, ACCEPT)
        form = [
            ("Instruction", "supervise"),
            ("SupervisorMode", "monitor"),
            ("Supervisor", scene.workers[1].sid),
        ]
        assert scene.update(sid, form, worker=0).status == 400
        assert scene.update(sid, form).status == 200

    def test_page_links_lead_to_every_reservation_once(self, scene: Scene) -> None:
        """Every link leads to the emulator itself."""
        reserved = [scene.reserve(worker) for worker in (0, 1, 2)]
        seen: list[object] = []
        target: str | None = "?PageSize=1"
        while target is not None:
            found = scene.list(target)
            seen += [
                row["sid"] for row in cast("list[dict[str, object]]", found.body["reservations"])
            ]
            meta = cast("dict[str, str | None]", found.body["meta"])
            links = [
                meta[name]
                for name in ("url", "first_page_url", "previous_page_url", "next_page_url")
            ]
            assert all(
                link.startswith(f"{scene.transport.origin}{scene.path()}?")
                for link in links
                if link is not None
            )
            following = meta["next_page_url"]
            target = None if following is None else "?" + following.partition("?")[2]
        assert seen == reserved

    @pytest.mark.parametrize(
        "form",
        [
            (*ACCEPT, ("Transcribe", "true"), ("undefined", "x")),
            (
                ("Instruction", "Conference"),
                ("Record", "True"),
                ("Beep", "TRUE"),
                ("Muted", "fAlSe"),
            ),
            (("Instruction", "dequeue"), ("DequeueStatusCallbackEvents", "initiated,ringing")),
            (
                ("Instruction", "dequeue"),
                ("DequeueStatusCallbackEvent", "initiated"),
                ("DequeueStatusCallbackEvent", "ringing"),
            ),
            (
                ("Instruction", "Redirect"),
                ("RedirectCallSid", CALL),
                ("RedirectUrl", URL),
                ("RedirectAccept", "TRUE"),
            ),
        ],
        ids=["unknown fields", "letter case", "comma-joined", "repeated", "capital"],
    )
    def test_spellings_of_other_clients_are_accepted(self, scene: Scene, form: Form) -> None:
        """Unknown fields, letter case, both kinds of lists."""
        assert scene.update(scene.reserve(), form).status == 200

    def test_wrong_credentials_are_401(self, launch: Launch) -> None:
        """With 20003, if accounts are set."""
        scene = Scene(launch(Settings(accounts={"AC1": "token"})))
        sid = scene.reserve()
        for credentials in (
            "",
            "Basic",
            "Basic !",
            "Basic QUMxOndyb25n",
            "Bearer QUMxOnRva2Vu",
            "Basic QUMyOnRva2Vu",
            "Basic /w==",
        ):
            refused = scene.update(sid, ACCEPT, Authorization=credentials)
            assert refused.fields("code", "message") == (401, 20003, "Authenticate")
        assert scene.fetch(sid).status == 401
        assert scene.stored(sid).etag == "0"
        assert scene.update(sid, ACCEPT, Authorization="Basic QUMxOnRva2Vu").status == 200

    def test_rate_limit_is_429_and_refills(self, launch: Launch) -> None:
        """A refused request is not processed."""
        scene = Scene(launch(Settings(rate_limit=2)))
        sid = scene.reserve()
        replies = [scene.update(sid, CALL_WORKER) for _ in range(3)]
        assert [each.status for each in replies] == [200, 200, 429]
        assert [each.headers["X-Rate-Limit-Remaining"] for each in replies] == ["1", "0", "0"]
        assert {each.headers["X-Rate-Limit-Limit"] for each in replies} == {"2"}
        assert replies[2].body["code"] == 20429
        assert (scene.stored(sid).etag, scene.fetch(sid).status) == ("2", 200)
        scene.platform.advance(0.5)
        assert [scene.update(sid, CALL_WORKER).status for _ in range(2)] == [200, 429]

    def test_preflight_allows_any_origin(self, scene: Scene) -> None:
        """Worker SDK. A page may read the version."""
        preflight = scene.transport.send(
            "OPTIONS", scene.path("WR" + HEX), [("Origin", "https://example.com")], b""
        )
        assert preflight.status == 204
        allowed = preflight.headers["Access-Control-Allow-Headers"].lower()
        assert all(
            name in allowed
            for name in ("authorization", "content-type", "if-match", "apiversion", "clientversion")
        )
        assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
        fetched = scene.fetch(scene.reserve())
        assert fetched.headers["Access-Control-Allow-Origin"] == "*"
        assert "ETag" in fetched.headers["Access-Control-Expose-Headers"]
