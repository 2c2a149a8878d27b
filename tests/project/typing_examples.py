"""Code that type checkers must accept, and code that they must refuse. It is never run.

A line with a comment about an expected error fails the check if the checker finds no error there
(``warn_unused_ignores`` and ``reportUnnecessaryTypeIgnoreComment``). So each such line promises
that the mistake is found before the program runs. Each checker reads its own comment, which needs
``enableTypeIgnoreComments = false`` for the second.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=error, reportUnusedExpression=none
# mypy: warn-unused-ignores

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import assert_type

from reservation_core import (
    ONCE,
    Accept,
    AsyncGateway,
    Call,
    Caution,
    Command,
    Complete,
    Conference,
    Decision,
    Dequeue,
    Gateway,
    InvalidCommand,
    LoggingObserver,
    Policy,
    Redirect,
    Reject,
    Reply,
    Request,
    Reservation,
    SetStatus,
    Status,
    Supervise,
    Violation,
    Wrap,
    afetch,
    alist_reservations,
    aperform,
    explain,
    fetch,
    list_reservations,
    perform,
    read_reservation,
)
from reservation_core.domain.commands.declaration import declare
from reservation_core.domain.commands.parameters import param
from reservation_core.domain.commands.types import CONTACT, HTTP_METHOD, SECONDS, HttpMethod
from reservation_core.emulator import InMemoryGateway


def valid_commands(name: str, seconds: int, whether: bool) -> list[Command]:
    """Build commands that both checkers accept."""
    return [
        Accept(),
        Reject(),
        Reject(worker_activity_sid=name),
        Wrap(),
        Complete(),
        Dequeue(),
        Dequeue(from_=name, timeout=seconds, status_callback_event=["initiated", "completed"]),
        Dequeue(status_callback_event=("initiated", "completed")),
        Dequeue(to=None, timeout=None, status_callback_event=None),
        Call(from_=name, url=name),
        Call(from_=name, url=name, to=name, accept=whether, record=name),
        Redirect(call_sid=name, url=name, accept=True),
        Conference(),
        Conference(
            to=name,
            from_=name,
            muted=whether,
            beep="onEnter",
            region="us1",
            wait_method="GET",
            jitter_buffer_size="off",
        ),
        Conference(
            conference_status_callback_event=["start", "end"],
            status_callback_event=("ringing",),
            conference_record="do-not-record",
        ),
        Supervise(supervisor_mode="whisper", supervisor=name),
        Conference(timeout=seconds, extra=(("Transcribe", "true"),)),
        SetStatus(Status.CANCELED),
        SetStatus(status=Status.TIMEOUT, extra=()),
    ]


def invalid_commands(name: str) -> None:
    """Build commands that both checkers refuse."""
    Call()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Call(from_=name)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Redirect(call_sid=name)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Supervise(supervisor=name)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Call(from_=None, url=name)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Accept(name)  # type: ignore[arg-type, call-arg, misc, unused-ignore]  # pyright: ignore[reportCallIssue]
    Reject(name)  # type: ignore[arg-type, call-arg, misc, unused-ignore]  # pyright: ignore[reportCallIssue]
    Conference(room=name)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Accept(worker_activity_sid=name)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Conference(beep=True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Conference(beep="sometimes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Conference(region=name)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Conference(wait_method="PUT")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Conference(timeout="20")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Conference(timeout=20.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Conference(muted="true")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Conference(muted=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Conference(to=15005550006)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Conference(to=b"client:alice")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Conference(status_callback_event=["start"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    Conference(status_callback_event="ringing")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Conference(status_callback_event={"ringing"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Conference(status_callback_event=[name])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    SetStatus()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    SetStatus("canceled")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Conference(extra={"Transcribe": "true"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Supervise(supervisor_mode="listen", supervisor=name)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def wrong_declarations() -> None:
    """Declare parameters whose annotation does not fit their kind."""

    @declare(instruction="example")
    class Example(Command):
        timeout: int | None = param(SECONDS, default=None)
        delay: str | None = param(SECONDS, default=None)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
        mode: str = param(HTTP_METHOD, default=None)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
        method: HttpMethod | None = param(HTTP_METHOD, default=None)
        to: int = param(CONTACT)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


def frozen(conference: Conference, reservation: Reservation, violation: Violation) -> None:
    """Assign to frozen fields, and read fields that do not exist."""
    conference.timeout = 20  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    reservation.status = Status.ACCEPTED  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    violation.rule = "none"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    conference.room  # type: ignore[attr-defined]  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def typed_results(conference: Conference, reservation: Reservation, error: InvalidCommand) -> None:
    """Read values of known types from the public objects."""
    assert_type(conference.form(), tuple[tuple[str, str], ...])
    assert_type(conference.instruction(), dict[str, str | int | bool])
    assert_type(conference.cautions, tuple[Caution, ...])
    assert_type(conference.timeout, int | None)
    assert_type(conference.to, str | None)
    assert_type(Conference.from_form([("Instruction", "conference")]), Conference)
    assert_type(Command.from_form((("Instruction", "conference"),)), Command)
    assert_type(reservation.allowed, tuple[type[Command], ...])
    assert_type(reservation.allows(Conference), bool)
    assert_type(reservation.allows(conference), bool)
    assert_type(reservation.explain(conference), Decision)
    assert_type(explain(Status.PENDING, Conference), Decision)
    assert_type(explain("onHold", Conference), Decision)
    assert_type(error.violations, tuple[Violation, ...])
    assert_type(read_reservation({"reservation_status": "pending"}), Reservation)
    reservation.allows("conference")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    explain("pending", Conference)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Reservation()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Reservation("WR")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


class Stub:
    """A gateway that inherits nothing from the library."""

    def send(self, request: Request) -> Reply:
        """Answer."""
        return Reply(200, {}, request.path.encode())


class NoGateway:
    """Not a gateway: it has no ``send``."""

    def send(self, request: str) -> Reply:
        """Answer something else than a request."""
        return Reply(200, {}, request.encode())


def gateways(
    memory: InMemoryGateway, stub: Stub, deaf: NoGateway, reservation: Reservation
) -> None:
    """Pass an object with the one method as a gateway."""
    waiting: Gateway = memory
    looping: AsyncGateway = memory
    waiting = stub
    looping = stub  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    waiting = deaf  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    assert_type(perform(reservation, Accept(), waiting), Reservation)
    assert_type(
        perform(reservation, Accept(), stub, policy=ONCE, observer=LoggingObserver(), sleep=print),
        Reservation,
    )
    perform(reservation, Accept(), stub, policy=Policy(attempts="4"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_type(fetch(reservation, stub), Reservation)
    assert_type(list_reservations(memory, workspace_sid="WS", task_sid="WT"), Iterator[Reservation])
    assert_type(
        alist_reservations(looping, workspace_sid="WS", worker_sid="WK", status=Status.PENDING),
        AsyncIterator[Reservation],
    )
    perform(reservation, Accept, stub)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    perform(reservation, Accept(), deaf)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    perform(reservation, Accept())  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    list_reservations(stub, task_sid="WT")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def async_twins(memory: InMemoryGateway, stub: Stub, reservation: Reservation) -> None:
    """Await the async twins."""
    assert_type(await aperform(reservation, Accept(), memory), Reservation)
    assert_type(await afetch(reservation, memory), Reservation)
    async for listed in alist_reservations(memory, workspace_sid="WS", task_sid="WT"):
        assert_type(listed, Reservation)
    await aperform(reservation, Accept(), stub)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
