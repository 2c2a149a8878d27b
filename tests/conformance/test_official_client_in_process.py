"""The official client works with the emulator in process."""

from collections.abc import Iterator, Mapping
from typing import cast
from urllib.parse import urlencode, urlsplit

import attrs
import pytest
from twilio.base.exceptions import TwilioRestException  # pyright: ignore[reportMissingTypeStubs]
from twilio.http import HttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.response import Response  # pyright: ignore[reportMissingTypeStubs]
from twilio.rest import Client  # pyright: ignore[reportMissingTypeStubs]

from reservation_core import (
    Accept,
    Address,
    Conference,
    Request,
    Route,
    Status,
    fetch,
    prepare,
    read_reservation,
)
from reservation_core.emulator import InMemoryGateway
from tests.emulator.samples import (
    ACCOUNT,
    BASES,
    HEX,
    PENDING,
    SID,
    TASK,
    WORKER,
    WORKSPACE,
    holding,
    numbered,
)


class InProcessHttpClient:
    """HTTP client of the official client that passes requests to our gateway."""

    def __init__(self, gateway: InMemoryGateway) -> None:
        self.requests: list[Request] = []
        self._gateway = gateway

    def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Answer one request."""
        assert auth == (ACCOUNT, "token")
        assert timeout is None
        assert not allow_redirects
        parts = urlsplit(uri)
        query = "&".join(filter(None, (parts.query, urlencode(params or {}, doseq=True))))
        assert f"{parts.scheme}://{parts.netloc}" == self._gateway.origin
        request = Request(
            method,
            parts.path + (f"?{query}" if query else ""),
            headers or {},
            tuple(_pairs(data or {})),
        )
        self.requests.append(request)
        reply = self._gateway.send(request)
        return Response(reply.status, reply.body.decode(), dict(reply.headers))


def _pairs(data: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in data.items():
        values = cast("list[object]", value) if isinstance(value, list) else [value]
        yield from ((name, str(item)) for item in values)


@pytest.fixture
def gateway() -> InMemoryGateway:
    """Return a gateway to a platform with three reservations of one task."""
    return holding(PENDING, numbered(1), numbered(2))


@pytest.fixture
def transport(gateway: InMemoryGateway) -> InProcessHttpClient:
    """Return the HTTP client of the official client."""
    return InProcessHttpClient(gateway)


@pytest.fixture
def client(transport: InProcessHttpClient, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Return an official client without settings from the environment."""
    for name in ("TWILIO_EDGE", "TWILIO_REGION", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return Client(ACCOUNT, "token", http_client=cast("HttpClient", transport))


def test_official_client_accepts(
    client: Client, gateway: InMemoryGateway, transport: InProcessHttpClient
) -> None:
    """It sends what the library sends."""
    theirs = client.taskrouter.v1.workspaces(WORKSPACE).tasks(TASK).reservations(SID)
    accepted = theirs.update(reservation_status="accepted", if_match="0")
    assert accepted.reservation_status == "accepted"
    assert accepted.date_updated == gateway.platform.get(SID).date_updated
    ours = prepare(attrs.evolve(PENDING, etag="0"), Accept())
    sent = transport.requests[0]
    assert (sent.method, sent.path, sent.body, sent.headers["If-Match"]) == (
        ours.method,
        ours.path,
        ours.body,
        "0",
    )
    assert {each.status for each in gateway.platform.all()} == {Status.ACCEPTED, Status.RESCINDED}


def test_official_client_rejects_on_the_worker_route(
    client: Client, gateway: InMemoryGateway
) -> None:
    """The body has that route's address."""
    theirs = client.taskrouter.v1.workspaces(WORKSPACE).workers(WORKER).reservations(SID)
    rejected = theirs.update(reservation_status="rejected", worker_activity_sid=f"WA{HEX}")
    assert (rejected.reservation_status, rejected.url) == (
        "rejected",
        f"{gateway.origin}{BASES[Route.WORKER]}/{SID}",
    )
    assert gateway.platform.get(SID).status is Status.REJECTED


def test_official_client_starts_a_conference(
    client: Client, gateway: InMemoryGateway, transport: InProcessHttpClient
) -> None:
    """With lists and booleans. The reservation is on hold and shown pending."""
    theirs = client.taskrouter.v1.workspaces(WORKSPACE).tasks(TASK).reservations(SID)
    answered = theirs.update(
        instruction="conference",
        to="client:alice",
        from_="+15005550006",
        record=True,
        timeout=20,
        status_callback="https://example.com/cb?a=1&b=2",
        status_callback_event=["initiated", "completed"],
    )
    assert answered.reservation_status == "pending"
    assert gateway.platform.get(SID).on_hold
    command = Conference(
        to="client:alice",
        from_="+15005550006",
        record=True,
        timeout=20,
        status_callback="https://example.com/cb?a=1&b=2",
        status_callback_event=["initiated", "completed"],
    )
    assert transport.requests[0].body == prepare(PENDING, command).body


def test_official_client_fetches_and_lists(client: Client, gateway: InMemoryGateway) -> None:
    task = client.taskrouter.v1.workspaces(WORKSPACE).tasks(TASK)
    fetched = task.reservations(SID).fetch()
    stored = gateway.platform.get(SID)
    assert (fetched.sid, fetched.worker_name, fetched.date_created, fetched.task_sid) == (
        stored.sid,
        stored.worker_name,
        stored.date_created,
        stored.task_sid,
    )
    assert [item.sid for item in task.reservations.list(page_size=1)] == [
        item.sid for item in gateway.platform.all()
    ]
    assert [
        item.sid for item in task.reservations.list(worker_sid=WORKER, reservation_status="pending")
    ] == [SID]
    assert task.reservations.list(reservation_status="accepted") == []


@pytest.mark.parametrize(
    ("sid", "arguments", "status", "code", "message"),
    [
        (SID, {"reservation_status": "accepted", "if_match": "7"}, 412, 20412, "If-Match"),
        (SID, {"reservation_status": "wrapping"}, 400, 20001, "not in expected state [accepted]"),
        (SID, {"reservation_status": "bogus"}, 400, 20001, "is not a status that a client may set"),
        (SID, {"instruction": "call"}, 400, 40111, "CallFrom is required"),
        (SID, {}, 400, 20001, "exactly one"),
        ("WR" + "f" * 32, {"reservation_status": "accepted"}, 404, 20404, "was not found"),
        (f"{SID}?x=1", {"reservation_status": "wrapping"}, 400, 20001, "not in expected state"),
        ("", {"reservation_status": "accepted"}, 405, 20004, "not allowed"),
    ],
)
def test_official_client_gets_status_code_and_message_of_a_refusal(
    client: Client,
    gateway: InMemoryGateway,
    sid: str,
    arguments: dict[str, str],
    status: int,
    code: int,
    message: str,
) -> None:
    """A refusal changes nothing."""
    before = gateway.platform.all()
    with pytest.raises(TwilioRestException) as caught:
        client.taskrouter.v1.workspaces(WORKSPACE).tasks(TASK).reservations(sid).update(**arguments)
    assert (caught.value.status, caught.value.code) == (status, code)
    assert message in caught.value.msg
    assert gateway.platform.all() == before


def test_both_clients_read_the_same_fields(client: Client, gateway: InMemoryGateway) -> None:
    theirs = client.taskrouter.v1.workspaces(WORKSPACE).tasks(TASK).reservations(SID).fetch()
    ours = read_reservation(gateway.send(Request("GET", f"{BASES[Route.TASK]}/{SID}")).body)
    assert (theirs.sid, theirs.reservation_status, theirs.date_updated, theirs.links) == (
        ours.sid,
        ours.status.value,
        ours.date_updated,
        dict(ours.links or {}),
    )
    assert ours.sid == fetch(Address(workspace_sid=WORKSPACE, task_sid=TASK, sid=SID), gateway).sid
