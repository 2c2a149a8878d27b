"""Requests and refusals of the control surface."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reservation_core import Status
from reservation_core.emulator import CallbackSettings, ManualClock, Platform
from reservation_core.emulator.control.route import CONTROL_ROOT
from reservation_core.emulator.control.routes import CONTROL_ROUTES
from reservation_core.emulator.control.surface import MAX_CONTROL_BODY_BYTES, Control
from reservation_core.emulator.faults import Fault, FaultKind, FaultPlan
from reservation_core.emulator.server import Emulator
from reservation_core.emulator.state_file import StateFile
from tests.emulator import wire
from tests.emulator.control.conftest import Send
from tests.emulator.worlds import TASK, WORKERS, WORKSPACE, ZEROS, World, people

INVALID_BODIES: Final[dict[str, tuple[str, str, object, dict[str, str]]]] = {
    "not an object": ("POST", "/seed", [], {"(body)": "is a JSON array, not an object"}),
    "a worker": (
        "POST",
        "/workers",
        {"sid": "WK1", "name": 7, "attributes": "x", "colour": "red"},
        {
            "workspace_sid": "is missing; give a SID (WS and 32 hexadecimal digits)",
            "sid": "is not a SID (WK and 32 hexadecimal digits)",
            "name": "is a JSON number, not a string",
            "attributes": "is a JSON string, not an object",
            "colour": "is not a known field; check its spelling, or leave it out",
        },
    ),
    "deep in a seed": (
        "POST",
        "/seed",
        {
            "workers": {},
            "tasks": [
                {"workspace_sid": WORKSPACE},
                {
                    "workspace_sid": 1,
                    "reservations": [1, {"worker_sid": WORKERS[0], "facts": ["x"]}],
                },
            ],
        },
        {
            "workers": "is a JSON object, not a list",
            "tasks[1].workspace_sid": "is not a SID (WS and 32 hexadecimal digits)",
            "tasks[1].reservations[0]": "is a JSON number, not an object",
            "tasks[1].reservations[1].facts": f"must hold only words of {', '.join(Status)}",
        },
    ),
    "a missing fact": (
        "POST",
        f"/reservations/WR{ZEROS}/facts",
        {},
        {"fact": f"must be one of {', '.join(Status)}"},
    ),
    "an invalid time": (
        "POST",
        "/clock",
        {"seconds": "soon"},
        {"seconds": "is not a number from 0 to 1e+09"},
    ),
    "a negative time": (
        "POST",
        "/clock",
        {"seconds": -1},
        {"seconds": "is not a number from 0 to 1e+09"},
    ),
    "a boolean for a number": (
        "POST",
        "/faults",
        {"kind": "429", "times": True},
        {"times": "is not a whole number from 1 to 1000000000"},
    ),
    "an invalid number": (
        "GET",
        "/journal?since=x",
        None,
        {"since": "is not a number; give the last one that was read"},
    ),
    "an unexpected body": (
        "POST",
        "/reset",
        {"all": 1},
        {"all": "is not a known field; check its spelling, or leave it out"},
    ),
}


@pytest.mark.parametrize(
    ("method", "path", "body", "faults"), INVALID_BODIES.values(), ids=INVALID_BODIES
)
def test_invalid_body_reports_each_fault_and_changes_nothing(
    send: Send, world: World, method: str, path: str, body: object, faults: dict[str, str]
) -> None:
    before = world.platform.snapshot()
    answer = send(method, path, body)
    assert answer.status == 400
    assert {fault["path"]: fault["problem"] for fault in answer.json["faults"]} == faults
    assert all(path in answer.json["error"] for path in faults)
    assert world.platform.snapshot() == before


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"attributes": {"a": NaN}}',
        b'{"a": 1e999}',
        b'{"name": "\\ud800"}',
        b"1" * 5000,
    ],
)
def test_body_that_is_not_json_is_refused(send: Send, body: bytes) -> None:
    answer = send("POST", "/workers", body)
    assert (answer.status, answer.json["faults"][0]["path"]) == (400, "(body)")


def test_error_masks_personal_data(send: Send) -> None:
    answer = send("POST", "/clock", {"seconds": "+15005550006"})
    assert b"5005550006" not in answer.body


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("GET", "/nowhere", None, 404, f"See GET {CONTROL_ROOT}/routes"),
        ("PUT", "/reset", None, 405, "Use POST"),
        ("GET", f"/reservations/WR{ZEROS}", None, 404, f"there is no 'WR{ZEROS}'"),
        (
            "POST",
            f"/reservations/WR{ZEROS}/answer-call",
            None,
            404,
            f"See GET {CONTROL_ROOT}/state",
        ),
        ("POST", f"/tasks/{TASK}/wrap", None, 409, f"cannot wrap up task {TASK}: it is pending"),
        ("POST", "/tasks", {"workspace_sid": WORKSPACE, "sid": TASK}, 400, "the SID is in use"),
        ("POST", "/seed", b"x" * (MAX_CONTROL_BODY_BYTES + 1), 413, "bytes"),
    ],
)
def test_refusal_has_a_status_and_a_remedy(
    send: Send, method: str, path: str, body: object, status: int, text: str
) -> None:
    answer = send(method, path, body)
    assert answer.status == status
    assert text in answer.json["error"]


def test_405_names_the_allowed_methods(send: Send) -> None:
    assert send("PATCH", "/faults").headers["allow"] == "GET, HEAD, POST, DELETE"


@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "BREW"]),
    route=st.sampled_from(CONTROL_ROUTES),
    sid=st.sampled_from([WORKERS[0], TASK, "WR" + ZEROS, "%ff", "\u00e4", ""]),
    body=st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=5)
        | st.sampled_from([WORKSPACE, TASK, WORKERS[0]]),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(
                    ["workspace_sid", "sid", "workers", "tasks", "reservations", "seconds", "x"]
                ),
                inner,
                max_size=3,
            )
        ),
        max_leaves=5,
    )
    .map(json.dumps)
    .map(str.encode)
    | st.binary(max_size=20),
)
def test_any_request_gets_a_json_reply(method: str, route: object, sid: str, body: bytes) -> None:
    platform = Platform(ManualClock())
    people(platform)
    path = re.sub("W[KTR](?=/|$)", lambda _: sid, getattr(route, "path"))  # noqa: B009 - the strategy is not typed
    reply = Control(platform, FaultPlan()).receive(method, f"{CONTROL_ROOT}{path}", body)
    assert reply.status in {200, 400, 404, 405, 409}
    json.loads(reply.body)


def test_surface_answers_over_http(emulator: Emulator) -> None:

    def send(method: str, path: str, body: object = None) -> wire.Answer:
        return wire.ask(emulator.url, method, CONTROL_ROOT + path, body)

    worker = send("POST", "/workers", {"workspace_sid": WORKSPACE, "name": "Zo\u00eb"}).json
    task = send(
        "POST",
        "/tasks",
        {"workspace_sid": WORKSPACE, "reservations": [{"worker_sid": worker["sid"]}]},
    ).json
    (reservation,) = emulator.platform.all(task["sid"])
    assert (
        send("POST", f"/reservations/{reservation.sid}/facts", {"fact": "accepted"}).json[
            "worker_name"
        ]
        == "Zo\u00eb"
    )
    assert send("GET", "/journal?since=1").json["entries"][-1]["trigger"] == "accepted"
    refused = send("POST", f"/reservations/{reservation.sid}/facts", {"fact": "pending"})
    assert (refused.status, refused.headers["content-type"]) == (409, "application/json")


# Requests that change what is stored, and the state of the task before each.
STORED_CHANGES: Final[dict[str, tuple[str, str, object]]] = {
    "reset": ("POST", "/reset", None),
    "clock": ("POST", "/clock", {"seconds": 200}),
    "seed": ("POST", "/seed", {"workers": [{"workspace_sid": WORKSPACE}] * 3}),
    "worker": ("POST", "/workers", {"workspace_sid": WORKSPACE}),
    "task": ("POST", "/tasks", {"workspace_sid": WORKSPACE}),
    "reservation": ("POST", f"/tasks/{TASK}/reservations", {"worker_sid": WORKERS[1]}),
    "attributes": ("POST", f"/tasks/{TASK}/attributes", {"attributes": {"a": 1}}),
    "cancel": ("POST", f"/tasks/{TASK}/cancel", None),
    "delete": ("DELETE", f"/tasks/{TASK}", None),
}


@pytest.mark.parametrize(("method", "path", "body"), STORED_CHANGES.values(), ids=STORED_CHANGES)
def test_full_disk_is_a_507_and_nothing_has_changed(
    tmp_path: Path, method: str, path: str, body: object
) -> None:
    file = StateFile(tmp_path / "state.db")
    platform = Platform(ManualClock(), on_commit=file.write)
    people(platform).sid()
    control = Control(platform, FaultPlan([Fault(kind=FaultKind.THROTTLED)]))
    control.callback_queue.settings = CallbackSettings(event_url="http://127.0.0.1:9/")
    platform.reserve(TASK, WORKERS[2])

    def observe() -> object:
        shown = [
            json.loads(control.receive("GET", CONTROL_ROOT + each, b"").body)
            for each in ("/state", "/journal", "/faults", "/callbacks", "/callbacks/sent", "/clock")
        ]
        return shown, platform.next_due()

    before, kept = observe(), file.load()
    sent = b"" if body is None else json.dumps(body).encode()
    with full_disk(file):
        reply = control.receive(method, CONTROL_ROOT + path, sent)
        assert observe() == before
    assert reply.status == 507
    assert "cannot use" in json.loads(reply.body)["error"]
    assert attrs.asdict(file.load()) == attrs.asdict(kept)
    assert control.receive(method, CONTROL_ROOT + path, sent).status == 200
    assert observe() != before
    file.close()


@contextmanager
def full_disk(file: StateFile) -> Generator[None]:
    """Let SQLite refuse every write."""

    def deny(action: int, *_: str | None) -> int:
        is_write = action in (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_DELETE)
        return sqlite3.SQLITE_DENY if is_write else sqlite3.SQLITE_OK

    file._database.set_authorizer(deny)  # pyright: ignore[reportPrivateUsage]
    yield
    file._database.set_authorizer(None)  # pyright: ignore[reportPrivateUsage]


def test_unexpected_error_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: object) -> None:
        raise OSError("the cable is out")

    control = Control(Platform(ManualClock(), on_commit=fail), FaultPlan())
    body = json.dumps({"workspace_sid": WORKSPACE}).encode()
    reply = control.receive("POST", f"{CONTROL_ROOT}/tasks", body)
    assert (reply.status, json.loads(reply.body)) == (
        500,
        {"error": "the emulator failed. See its log"},
    )
    assert "the cable is out" in caplog.text
