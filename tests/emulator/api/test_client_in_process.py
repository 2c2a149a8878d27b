"""The official client, unchanged but for what carries its requests, understands the double in this process."""

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


class InProcess:
    """What the official client calls its HTTP client: it hands each request to a gateway of ours."""

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
        """Answer one request of the official client."""
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
        many = cast("list[object]", value) if isinstance(value, list) else [value]
        yield from ((name, str(one)) for one in many)


@pytest.fixture
def gateway() -> InMemoryGateway:
    """Give a gateway to a platform with three reservations of one task."""
    return holding(PENDING, numbered(1), numbered(2))


@pytest.fixture
def transport(gateway: InMemoryGateway) -> InProcess:
    """Give what the official client sends through."""
    return InProcess(gateway)


@pytest.fixture
def client(transport: InProcess, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Give an official client that knows nothing of the machine's own settings."""
    for name in ("TWILIO_EDGE", "TWILIO_REGION", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return Client(ACCOUNT, "token", http_client=cast("HttpClient", transport))


def test_the_official_client_accepts(
    client: Client, gateway: InMemoryGateway, transport: InProcess
) -> None:
    """The official client accepts a reservation, and what it sent is what the library sends."""
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
    assert {held.status for held in gateway.platform.all()} == {Status.ACCEPTED, Status.RESCINDED}


def test_the_official_client_rejects_on_the_worker_route(
    client: Client, gateway: InMemoryGateway
) -> None:
    """The official client rejects on the worker route, whose body has that route's address."""
    theirs = client.taskrouter.v1.workspaces(WORKSPACE).workers(WORKER).reservations(SID)
    rejected = theirs.update(reservation_status="rejected", worker_activity_sid=f"WA{HEX}")
    assert (rejected.reservation_status, rejected.url) == (
        "rejected",
        f"{gateway.origin}{BASES[Route.WORKER]}/{SID}",
    )
    assert gateway.platform.get(SID).status is Status.REJECTED


def test_the_official_client_confers(
    client: Client, gateway: InMemoryGateway, transport: InProcess
) -> None:
    """A conference of the official client, with lists and booleans, is understood: the reservation is on hold and shown pending."""
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


def test_the_official_client_reads_one_and_many(client: Client, gateway: InMemoryGateway) -> None:
    """The official client fetches and lists, over several pages, what the platform holds."""
    task = client.taskrouter.v1.workspaces(WORKSPACE).tasks(TASK)
    one = task.reservations(SID).fetch()
    held = gateway.platform.get(SID)
    assert (one.sid, one.worker_name, one.date_created, one.task_sid) == (
        held.sid,
        held.worker_name,
        held.date_created,
        held.task_sid,
    )
    assert [item.sid for item in task.reservations.list(page_size=1)] == [
        item.sid for item in gateway.platform.all()
    ]
    assert [
        item.sid for item in task.reservations.list(worker_sid=WORKER, reservation_status="pending")
    ] == [SID]
    assert task.reservations.list(reservation_status="accepted") == []


@pytest.mark.parametrize(
    ("sid", "arguments", "status", "code", "says"),
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
def test_the_official_client_understands_a_refusal(
    client: Client,
    gateway: InMemoryGateway,
    sid: str,
    arguments: dict[str, str],
    status: int,
    code: int,
    says: str,
) -> None:
    """A refusal reaches the user of the official client with its status, its code and its sentence, and nothing is changed."""
    before = gateway.platform.all()
    with pytest.raises(TwilioRestException) as caught:
        client.taskrouter.v1.workspaces(WORKSPACE).tasks(TASK).reservations(sid).update(**arguments)
    assert (caught.value.status, caught.value.code) == (status, code)
    assert says in caught.value.msg
    assert gateway.platform.all() == before


def test_both_clients_read_the_same(client: Client, gateway: InMemoryGateway) -> None:
    """What the official client reads of a body is what the library reads of it."""
    theirs = client.taskrouter.v1.workspaces(WORKSPACE).tasks(TASK).reservations(SID).fetch()
    ours = read_reservation(gateway.send(Request("GET", f"{BASES[Route.TASK]}/{SID}")).body)
    assert (theirs.sid, theirs.reservation_status, theirs.date_updated, theirs.links) == (
        ours.sid,
        ours.status.value,
        ours.date_updated,
        dict(ours.links or {}),
    )
    assert ours.sid == fetch(Address(workspace_sid=WORKSPACE, task_sid=TASK, sid=SID), gateway).sid
