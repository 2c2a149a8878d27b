import asyncio

import attrs
import pytest

from reservation_core import (
    Accept,
    Conference,
    GatewayError,
    NotFound,
    NotSent,
    Reply,
    Request,
    aperform,
    fetch,
    perform,
    prepare,
    read_reservation,
)
from reservation_core.emulator import InMemoryGateway, Platform
from reservation_core.testing.faults import Fault, FaultKind, FaultyGateway
from reservation_core.testing.recording import (
    RecordingGateway,
    UnexpectedRequest,
    describe_request,
)

SIDS = {
    "account_sid": "AC",
    "workspace_sid": "WS",
    "task_sid": "WT",
    "worker_sid": "WK",
    "sid": "WR",
}
RESERVED = read_reservation(
    {"reservation_status": "pending"} | {name: prefix + "0" * 32 for name, prefix in SIDS.items()}
)


def send(gateway: RecordingGateway, *, is_async: bool) -> Reply:
    """Send one request, sync or async."""
    request = prepare(RESERVED, Accept())
    return asyncio.run(gateway.asend(request)) if is_async else gateway.send(request)


def test_failures_of_the_wrapped_gateway_are_recorded() -> None:
    wrapped = FaultyGateway(InMemoryGateway(), [Fault(FaultKind.RESET_BEFORE)] * 2)
    gateway = RecordingGateway(wrapped)
    for is_async in (False, True):
        with pytest.raises(GatewayError):
            send(gateway, is_async=is_async)
    assert [type(exchange.outcome) for exchange in gateway.exchanges] == [GatewayError] * 2
    assert gateway.leftovers() == ()


@pytest.mark.parametrize("is_async", [False, True])
def test_script_takes_replies_exceptions_and_functions(*, is_async: bool) -> None:
    gateway = RecordingGateway()

    def echo(request: Request) -> Reply:
        return Reply(200, body=request.method.encode())

    def refuse(request: Request) -> Reply:
        raise NotSent(request.method)

    gateway.script(Reply(503), GatewayError("reset"), OSError("no network"), echo, refuse)
    assert send(gateway, is_async=is_async).status == 503
    for error in (GatewayError, OSError):
        with pytest.raises(error):
            send(gateway, is_async=is_async)
    assert send(gateway, is_async=is_async).body == b"POST"
    with pytest.raises(NotSent):
        send(gateway, is_async=is_async)
    assert [type(exchange.outcome).__name__ for exchange in gateway.exchanges] == [
        "Reply",
        "GatewayError",
        "OSError",
        "Reply",
        "NotSent",
    ]
    assert gateway.leftovers() == ()


def test_script_comes_before_the_wrapped_gateway() -> None:
    platform = Platform()
    held = platform.add(RESERVED)
    gateway = RecordingGateway(InMemoryGateway(platform))
    gateway.script(Reply(404))
    with pytest.raises(NotFound):
        fetch(held, gateway)
    assert gateway.leftovers() == ()  # that 404 was scripted
    assert asyncio.run(aperform(held, Accept(), gateway)).status == "accepted"
    with pytest.raises(NotFound):
        fetch(attrs.evolve(held, sid="WR" + "1" * 32), gateway)
    assert gateway.leftovers() == (f"unexpected request: GET {gateway.requests[-1].path}",)


def test_request_without_a_reply_fails_the_test() -> None:
    gateway = RecordingGateway()
    with pytest.raises(
        UnexpectedRequest, match=r"no reply for POST /v1/.* with Instruction, To\. Script one"
    ):
        perform(RESERVED, Conference(to="client:alice"), gateway)
    with pytest.raises(UnexpectedRequest):
        asyncio.run(gateway.asend(prepare(RESERVED, Accept())))
    assert not issubclass(UnexpectedRequest, GatewayError)
    assert len(gateway.leftovers()) == 2


def test_unused_script_is_left_over() -> None:
    gateway = RecordingGateway()
    gateway.script(Reply(200), NotSent("never"), lambda _: Reply(200))
    assert gateway.leftovers() == (
        "unused scripted reply: HTTP 200",
        "unused scripted reply: NotSent",
        "unused scripted reply: function",
    )


def test_request_is_described_without_its_values() -> None:
    request = Request(
        "POST",
        "/v1/x?name=alice",
        {"If-Match": "hush"},
        (("Event", "a"), ("Event", "b"), ("To", "+15005550006")),
    )
    assert describe_request(request) == "POST /v1/x with Event, To"
    assert describe_request(Request("GET", "/v1/y")) == "GET /v1/y"
