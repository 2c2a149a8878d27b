"""Client: perform and fetch, and the two loops that drive a delivery."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, cast

import attrs
import pytest

from reservation_core import (
    ONCE,
    Accept,
    Address,
    Call,
    Command,
    CommandNotAllowed,
    Conference,
    GatewayError,
    IncompleteReservation,
    InvalidCommand,
    LostRace,
    MalformedReply,
    NotFound,
    NotSent,
    Policy,
    Reply,
    ReplyError,
    Request,
    Reservation,
    ServerFailed,
    Status,
    Wrap,
    aperform,
    conclude,
    perform,
    prepare,
    prepare_fetch,
)
from tests.delivery.clients import Client
from tests.delivery.scripted import (
    ACCEPTED,
    PENDING,
    SUPERVISE,
    TIMED_OUT,
    RecordingObserver,
    ScriptedGateway,
    deliver,
    shows,
)

ADDRESS: Final = Address(
    workspace_sid=PENDING.workspace_sid,
    task_sid=PENDING.task_sid,
    worker_sid=PENDING.worker_sid,
    sid=PENDING.sid,
)

# --- one request ---------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ["task", "worker"])
def test_perform_sends_the_prepared_request_and_returns_the_reported_reservation(
    client: Client, route: str
) -> None:
    gateway = ScriptedGateway(shows("accepted", "4"))
    after = client.perform(PENDING, Accept(), gateway, route=route)
    assert after == attrs.evolve(ACCEPTED, etag="4")
    assert gateway.requests == (prepare(PENDING, Accept(), route=route),)


def test_perform_returns_a_reservation_on_hold_after_a_conference(client: Client) -> None:
    gateway = ScriptedGateway(shows("pending", "3"))
    held = client.perform(PENDING, Conference(to="client:alice"), gateway)
    assert held == attrs.evolve(PENDING, on_hold=True)
    with pytest.raises(CommandNotAllowed):
        client.perform(held, Accept(), gateway)
    assert gateway.methods == "P"


def test_perform_is_prepare_and_conclude(client: Client) -> None:
    command = Call(from_="+15005550006", url="https://example.com", accept=True)
    reply = shows("pending", "1")
    after = client.perform(PENDING, command, ScriptedGateway(reply))
    assert after == conclude(PENDING, command, reply)


@pytest.mark.parametrize("route", ["task", "worker"])
@pytest.mark.parametrize("where", [PENDING, ADDRESS])
def test_fetch_sends_the_prepared_request_and_returns_the_reported_reservation(
    client: Client, where: Reservation | Address, route: str
) -> None:
    gateway = ScriptedGateway(shows("accepted", "4"))
    fetched = client.fetch(where, gateway, route=route)
    assert (fetched.sid, fetched.status, fetched.etag) == (PENDING.sid, "accepted", "4")
    assert fetched.task_sid == PENDING.task_sid
    assert gateway.requests == (prepare_fetch(where, route=route),)


@pytest.mark.parametrize(
    ("reservation", "command", "route", "error"),
    [
        (PENDING, Wrap(), "task", CommandNotAllowed),
        (attrs.evolve(PENDING, on_hold=True), Accept(), "task", CommandNotAllowed),
        (ACCEPTED, SUPERVISE, "worker", InvalidCommand),
        (attrs.evolve(PENDING, etag="\r\n"), Accept(), "task", InvalidCommand),
        (attrs.evolve(PENDING, task_sid=None), Accept(), "task", IncompleteReservation),
        (attrs.evolve(PENDING, sid="WR1?x=1"), Accept(), "worker", IncompleteReservation),
    ],
)
def test_perform_sends_nothing_if_the_command_is_refused_locally(
    client: Client, reservation: Reservation, command: Command, route: str, error: type[Exception]
) -> None:
    gateway = ScriptedGateway()
    with pytest.raises(error):
        client.perform(reservation, command, gateway, route=route)
    assert gateway.unexpected == []


def test_fetch_sends_nothing_without_an_address(client: Client) -> None:
    gateway = ScriptedGateway()
    with pytest.raises(IncompleteReservation, match="task_sid"):
        client.fetch(attrs.evolve(ADDRESS, task_sid=None), gateway)
    assert gateway.unexpected == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Reply(404), NotFound),
        (Reply(412), LostRace),
        (Reply(200), MalformedReply),
        (Reply(503), ReplyError),
        (NotSent("no route to the host"), NotSent),
        (GatewayError("timed out"), GatewayError),
        (RuntimeError("a bug in the gateway"), RuntimeError),
    ],
    ids=repr,
)
def test_failure_is_raised_after_one_request(
    client: Client, answer: Reply | Exception, error: type[Exception]
) -> None:
    calls: Sequence[Callable[[ScriptedGateway], object]] = (
        lambda gateway: client.perform(PENDING, Accept(), gateway, policy=ONCE),
        lambda gateway: client.fetch(PENDING, gateway),
        lambda gateway: client.take(
            gateway, {"workspace_sid": PENDING.workspace_sid, "task_sid": PENDING.task_sid}
        ),
    )
    for call in calls:
        gateway = ScriptedGateway(answer, shows("pending"))
        with pytest.raises(error):
            call(gateway)
        assert len(gateway.methods) == 1


# --- the loops -----------------------------------------------------------------------------------


def aperform_accept(gateway: ScriptedGateway, **more: Any) -> Coroutine[Any, Any, Reservation]:
    return aperform(PENDING, Accept(), gateway, clock=gateway.clock, random=lambda: 0.5, **more)


def test_aperform_sends_the_same_requests_and_pauses_as_perform() -> None:
    script = (TIMED_OUT, shows("pending", "4"), NotSent("no"), shows("accepted", "5"))
    blocking, awaited = ScriptedGateway(*script), ScriptedGateway(*script)
    after = asyncio.run(aperform_accept(awaited, sleep=awaited.asleep))
    assert deliver(blocking) == after
    assert (blocking.requests, blocking.pauses) == (awaited.requests, awaited.pauses)


def test_default_sleep_waits(client: Client) -> None:
    gateway = ScriptedGateway(NotSent("no"), shows("accepted"))
    after = client.perform(PENDING, Accept(), gateway, policy=Policy(backoff=0.001))
    assert after.status is Status.ACCEPTED


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), RuntimeError("a bug"), StopIteration()], ids=repr
)
def test_interruption_is_raised_and_observed_as_abandoned(error: BaseException) -> None:
    requests: list[Request] = []

    class InterruptedGateway:
        def send(self, request: Request) -> Reply:
            requests.append(request)
            raise error

    observer, gateway = RecordingObserver(), InterruptedGateway()
    with pytest.raises(type(error)):
        perform(PENDING, Accept(), gateway, observer=observer)
    assert observer.lines == ["before 1 None", "after 1 abandoned"]
    assert len(requests) == 1


@pytest.mark.parametrize("at", range(1, 7))
def test_cancellation_completes_each_announced_attempt(at: int) -> None:
    observer, waits = RecordingObserver(), 0

    async def cancel_at(_: object = None) -> None:
        nonlocal waits
        waits += 1
        if waits == at:
            current = asyncio.current_task()
            assert current is not None
            current.cancel()
        await asyncio.sleep(0)

    class SlowGateway(ScriptedGateway):
        async def asend(self, request: Request) -> Reply:
            await cancel_at()
            return self.send(request)

    gateway = SlowGateway(
        TIMED_OUT, shows("pending", "4"), Reply(429), NotSent("no"), shows("accepted")
    )

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(aperform_accept(gateway, sleep=cancel_at, observer=observer))
    announced = [line for line in observer.lines if line.startswith("before")]
    completed = [line for line in observer.lines if line.startswith("after")]
    assert len(announced) == len(completed)
    assert len(gateway.requests) <= at
    assert sum("abandoned" in line for line in observer.lines) <= 1


# --- reads ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [TIMED_OUT, Reply(503), NotSent("no connection")])
def test_failed_read_says_that_nothing_was_commanded(
    client: Client, failure: Reply | GatewayError
) -> None:
    query = {"workspace_sid": PENDING.workspace_sid, "task_sid": PENDING.task_sid}
    for read in (
        lambda: client.fetch(PENDING, ScriptedGateway(failure)),
        lambda: client.take(ScriptedGateway(failure), query),
    ):
        with pytest.raises((GatewayError, ServerFailed)) as caught:
            read()
        text = str(caught.value)
        assert "unknown" not in text
        assert text.endswith(("Nothing was commanded: read again.", "it may be sent again."))
        assert type(caught.value) is (ServerFailed if isinstance(failure, Reply) else type(failure))
    with pytest.raises((GatewayError, ServerFailed)) as caught:
        client.perform(PENDING, Accept(), ScriptedGateway(failure), policy=ONCE)
    assert "Nothing was commanded" not in str(caught.value)


def test_error_of_a_read_keeps_its_cause_and_traceback(client: Client) -> None:
    cause = OSError("reset")

    class Broken:
        origin = None

        def send(self, _: Request) -> Reply:
            raise GatewayError("no whole reply") from cause

        async def asend(self, request: Request) -> Reply:
            return self.send(request)

    with pytest.raises(GatewayError) as caught:
        client.fetch(PENDING, cast("ScriptedGateway", Broken()))
    assert caught.value.is_read_only
    assert caught.value.__cause__ is cause
    assert "send" in [entry.name for entry in caught.traceback]
