"""A command is delivered at most once, the verdict never says more than can be known, and it ends in time."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import warnings
from collections.abc import Coroutine, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar, Final, cast
from urllib.parse import parse_qsl

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from twilio.base.exceptions import TwilioRestException  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.async_http_client import AsyncTwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.rest import Client  # pyright: ignore[reportMissingTypeStubs]

from reservation_core import (
    ONCE,
    Accept,
    Attempt,
    Call,
    Command,
    CommandNotAllowed,
    Complete,
    Conference,
    Dequeue,
    Gateway,
    GatewayError,
    IllegalSuccession,
    Indistinguishable,
    InvalidCommand,
    LoggingObserver,
    LostRace,
    MalformedReply,
    NotFound,
    NotSent,
    Observer,
    OutcomeUnknown,
    Policy,
    Redirect,
    Refused,
    Reject,
    Reply,
    Request,
    Reservation,
    ReservationError,
    Route,
    ServerFailed,
    Status,
    Supervise,
    Throttled,
    Unauthorized,
    Wrap,
    aperform,
    perform,
)
from reservation_core.delivery.engine import deliver as deliver_steps
from reservation_core.delivery.observer import NO_OBSERVER
from reservation_core.delivery.opentelemetry import OpenTelemetryObserver
from reservation_core.delivery.policy import DEFAULT_POLICY
from reservation_core.delivery.reconciliation import acts_between
from reservation_core.emulator import InMemoryGateway, Platform
from reservation_core.emulator.faults import FaultKind
from reservation_core.gateways.pyreqwest import PyreqwestGateway
from reservation_core.gateways.settings import Credentials
from reservation_core.testing.faults import Fault, FaultyGateway, Rival, VirtualClock
from reservation_core.testing.strategies import plans
from tests.campaigns.delivery import (
    ALONE,
    ALONE_RIVALS,
    CAREFUL,
    COMMANDS,
    SID,
    STARTS,
    WHERE,
    Case,
    acts_of,
    kinds_for,
    main,
    run,
)

PENDING: Final = attrs.evolve(WHERE, etag="3")
ACCEPTED: Final = attrs.evolve(PENDING, status=Status.ACCEPTED)
CALL: Final = Call(from_="+15005550006", url="https://example.com")
CONFERENCE: Final = Conference(to="client:alice")
SUPERVISE: Final = Supervise(supervisor=f"WK{'0' * 32}", supervisor_mode="monitor")
TIMED_OUT: Final = GatewayError("no whole reply")
AGAIN: Final = Reply(412)
HELD: Final = Reply(
    400,
    {},
    b'{"message": "Reservation WR not in expected state [pending] and cannot be updated to [onHold]"}',
)


def shows(status: Status | str, etag: str | None = None) -> Reply:
    """Make the reply that shows the reservation."""
    body = {"reservation_status": Status(status).value, "sid": SID}
    return Reply(200, {} if etag is None else {"ETag": etag}, json.dumps(body).encode())


class Script:
    """A gateway of both kinds that keeps what it is sent, answers by a script, and lets time pass."""

    def __init__(self, *answers: Reply | BaseException, takes: float = 0.0) -> None:
        self.requests: list[Request] = []
        self.clock = VirtualClock()
        self.pauses: list[float] = []
        self._answers = list(answers)
        self._takes = takes

    def send(self, request: Request) -> Reply:
        """Answer a thread."""
        self.requests.append(request)
        self.clock.sleep(self._takes)
        answer = self._answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def asend(self, request: Request) -> Reply:
        """Answer a task."""
        return self.send(request)

    def sleep(self, seconds: float) -> None:
        """Let time pass, on record."""
        self.pauses.append(seconds)
        self.clock.sleep(seconds)

    async def asleep(self, seconds: float) -> None:
        """Let time pass, on record, in an event loop."""
        self.sleep(seconds)

    def again(self) -> Script:
        """Give the same script from here on."""
        return Script(*self._answers, takes=self._takes)

    @property
    def methods(self) -> str:
        """The requests, a letter each: P for the command, G for a reading."""
        return "".join(request.method[0] for request in self.requests)


def deliver(
    gateway: Script,
    reservation: Reservation = PENDING,
    command: Command | None = None,
    observer: Observer | None = None,
    resume: bool = False,
    **policy: Any,
) -> Reservation:
    """Deliver through a script; unless a watch is given, twice, heard and unheard, which must agree. The draws are all one half."""

    def end(through: Script, heard: Observer) -> Reservation | ReservationError:
        try:
            return perform(
                reservation,
                command or Accept(),
                cast("Gateway", through),
                policy=Policy(**policy),
                observer=heard,
                resume=resume,
                clock=through.clock,
                sleep=through.sleep,
                random=lambda: 0.5,
            )
        except ReservationError as error:
            return error

    twin = gateway.again()
    ended, expected = end(gateway, observer or NO_OBSERVER), end(twin, Observer())
    assert (ended, gateway.requests, gateway.pauses) == (expected, twin.requests, twin.pauses)
    if isinstance(ended, Reservation):
        return ended
    assert getattr(ended, "attempts", None) == getattr(expected, "attempts", None)
    raise ended


def fails(gateway: Script, kind: type[ReservationError], *arguments: Any, **more: Any) -> Any:
    """Deliver in vain, and give the error."""
    with pytest.raises(kind) as caught:
        deliver(gateway, *arguments, **more)
    assert type(caught.value) is kind
    return caught.value


# --- the policy ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("attempts",) for value in (0, -1, 101, 2.0, True, "4", None)),
        *(
            (name, value)
            for name in ("deadline", "backoff", "backoff_cap")
            for value in (-1, 86_401, float("nan"), "1", True, None)
        ),
        *(
            (name, value)
            for name in ("retry_stale", "repeat_unknown", "sole_writer", "reconcile")
            for value in (0, 1, None, "no")
        ),
    ],
)
def test_a_wrong_policy_is_refused_when_it_is_built(name: str, value: object) -> None:
    """Each setting of a policy is checked, and the error names it and what it may be."""
    with pytest.raises((ValueError, TypeError), match=f"{name} must be"):
        Policy(**cast("Any", {name: value}))


def test_a_policy_may_go_to_its_limits() -> None:
    """A hundred attempts, a day and no pause at all may be asked for."""
    policy = Policy(attempts=100, deadline=86_400, backoff=0, backoff_cap=86_400)
    assert (policy.attempts, policy.deadline, policy.backoff, policy.backoff_cap) == (
        100,
        86_400,
        0,
        86_400,
    )


def test_a_delivery_sends_first_unless_it_is_taken_up() -> None:
    """The command goes out first; only what another process may have sent already is read first."""
    flow = deliver_steps(
        PENDING, Accept(), DEFAULT_POLICY, Route.TASK, lambda: 0.0, lambda: 0.5, NO_OBSERVER
    )
    again = deliver_steps(
        PENDING,
        Accept(),
        DEFAULT_POLICY,
        Route.TASK,
        lambda: 0.0,
        lambda: 0.5,
        NO_OBSERVER,
        resume=True,
    )
    assert [step.method for step in (next(flow), next(again)) if isinstance(step, Request)] == [
        "POST",
        "GET",
    ]


def test_the_usual_policy() -> None:
    """Four attempts in thirty seconds, nothing repeated that may have been taken, and nobody believed to be alone."""
    policy = Policy()
    assert (policy.attempts, policy.deadline, policy.retry_stale, policy.repeat_unknown) == (
        4,
        30.0,
        True,
        False,
    )
    assert not policy.sole_writer
    assert attrs.evolve(policy, attempts=1, reconcile=False) == ONCE


# --- sent again where it is safe -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [Accept(), CALL, CONFERENCE])
def test_what_never_left_is_sent_again(command: Command) -> None:
    """After NotSent any command is sent again, with a growing pause drawn evenly from nothing on."""
    gateway = Script(NotSent("no"), NotSent("no"), NotSent("no"), shows("pending"))
    deliver(gateway, command=command)
    assert gateway.methods == "PPPP"
    assert gateway.pauses == [0.125, 0.25, 0.5]
    assert len(set(gateway.requests)) == 1


def test_what_was_throttled_is_sent_again_when_the_platform_says_so() -> None:
    """After a 429 any command is sent again, after Retry-After or else a back-off."""
    gateway = Script(Reply(429, {"Retry-After": "7"}), Reply(429), shows("pending"))
    assert deliver(gateway, command=CONFERENCE).on_hold
    assert gateway.pauses == [7.0, 0.25]


@pytest.mark.parametrize(("failure", "kind"), [(NotSent("no"), NotSent), (Reply(429), Throttled)])
def test_it_ends_at_the_limit_of_attempts(
    failure: Reply | Exception, kind: type[ReservationError]
) -> None:
    """What was never carried out ends as the failure it is, with every attempt on record."""
    gateway = Script(*[failure] * 9)
    error = fails(gateway, kind, attempts=3)
    assert gateway.methods == "PPP"
    assert [(attempt.number, attempt.outcome, attempt.pause) for attempt in error.attempts] == [
        (1, kind.__name__, 0.0),
        (2, kind.__name__, 0.125),
        (3, kind.__name__, 0.25),
    ]


def test_it_ends_at_the_deadline() -> None:
    """No pause begins that would last beyond the deadline, and nothing is sent after it."""
    assert (
        fails(gateway := Script(Reply(429, {"Retry-After": "31"})), Throttled).attempts[0].outcome
        == "Throttled"
    )
    assert gateway.pauses == []
    late = Script(TIMED_OUT, takes=40.0)
    assert fails(late, OutcomeUnknown).last_known == PENDING
    assert late.methods == "P"
    assert fails(none := Script(NotSent("no")), NotSent, deadline=0).reason == "no"
    assert none.methods == "P"


def test_a_pause_never_exceeds_its_cap() -> None:
    """However often it is tried, a back-off is at most the cap."""
    gateway = Script(*[NotSent("no")] * 80)
    fails(gateway, NotSent, attempts=80, deadline=86_400)
    assert max(gateway.pauses) == 2.5


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(404), NotFound),
        (Reply(401), Unauthorized),
        (Reply(403), Unauthorized),
        (Reply(400), Refused),
        (Reply(301), Refused),
    ],
)
def test_other_refusals_are_final(reply: Reply, kind: type[Refused]) -> None:
    """What the platform refuses for good is sent once, and keeps its fields."""
    gateway = Script(reply)
    error = fails(gateway, kind)
    assert gateway.methods == "P"
    assert error.http_status == reply.status
    assert len(error.attempts) == 1


# --- the outcome is not known ----------------------------------------------------------------------------------------------------

UNKNOWN: Final = [TIMED_OUT, Reply(500), Reply(503), Reply(200, {}, b"<html>"), shows("timeout")]


@pytest.mark.parametrize("unknown", UNKNOWN[:4], ids=["time-out", "500", "503", "unreadable"])
def test_what_did_not_act_is_sent_again_with_the_fresh_version(unknown: Reply | Exception) -> None:
    """After a reading that shows it did not act, a legal command is sent again, with the version that was read."""
    gateway = Script(unknown, shows("pending", "5"), shows("accepted", "6"))
    assert deliver(gateway).etag == "6"
    assert gateway.methods == "PGP"
    assert [request.headers.get("If-Match") for request in gateway.requests] == ["3", None, "5"]
    assert gateway.pauses == [0.125]


@pytest.mark.parametrize(
    ("command", "start", "now", "versions"),
    [
        (Accept(), "pending", "accepted", ("3", "4")),
        (Accept(), "pending", "accepted", (None, None)),
        (Accept(), "pending", "wrapping", ("3", "5")),
        (Accept(), "pending", "completed", ('"3"', 'W/"5"')),
        (Reject(), "pending", "rejected", ("3", "4")),
        (attrs.evolve(CALL, accept=True), "pending", "accepted", ("3", "4")),
        (Wrap(), "accepted", "wrapping", ("3", "4")),
        (Complete(), "accepted", "completed", ("x", "y")),
        (CALL, "pending", "pending", ("3", "4")),
        (CONFERENCE, "pending", "pending", ("3", "4")),
        (CONFERENCE, "pending", "accepted", ("3", "5")),
        (
            CONFERENCE,
            "pending",
            "canceled",
            ("3", "4"),
        ),  # of a conference nobody shows that it raises the version
        (Dequeue(), "pending", "canceled", ("3", "5")),
        (SUPERVISE, "accepted", "wrapping", ("3", "4")),
    ],
)
def test_our_act_and_a_rivals_are_not_told_apart(
    command: Command, start: str, now: str, versions: tuple[str | None, str | None]
) -> None:
    """What may be our act or somebody else's is said to be just that, with the reservation as it stands."""
    gateway = Script(TIMED_OUT, shows(now, versions[1]))
    error = fails(
        gateway, Indistinguishable, attrs.evolve(WHERE, status=start, etag=versions[0]), command
    )
    assert gateway.methods == "PG"
    assert (
        error.reservation == error.last_known == attrs.evolve(WHERE, status=now, etag=versions[1])
    )
    assert "cannot be told apart" in str(error)
    assert [attempt.outcome for attempt in error.attempts] == ["GatewayError", now]
    assert error.__cause__ == TIMED_OUT


def test_the_twins_look_the_same() -> None:
    """A lost reply and a lost request before a rival's accept show a client the same bytes: no verdict could tell them apart."""
    transcripts: list[list[tuple[int, bytes, str | None]]] = []
    for plan in (
        (Fault(FaultKind.LOST_REPLY),),
        (Fault(FaultKind.LOST_REQUEST), Fault(rival=Rival.ACCEPTS)),
    ):
        platform = Platform()
        held = platform.add(attrs.evolve(WHERE, date_created=None))
        heard: list[tuple[int, bytes, str | None]] = []

        class Heard(FaultyGateway):
            def send(self, request: Request) -> Reply:
                reply = super().send(request)
                body = {
                    name: value
                    for name, value in json.loads(reply.body).items()
                    if not name.startswith("date")
                }
                heard.append((reply.status, json.dumps(body).encode(), reply.etag))  # noqa: B023 - used up within its round
                return reply

        with pytest.raises(Indistinguishable):
            perform(held, Accept(), Heard(InMemoryGateway(platform), plan, platform=platform))
        transcripts.append(heard)
    assert transcripts[0] == transcripts[1] != []


@pytest.mark.parametrize(
    ("command", "start", "now", "etag"),
    [
        (Accept(), "pending", "canceled", None),
        (Accept(), "pending", "timeout", "4"),
        (Accept(), "pending", "rejected", "4"),
        (Reject(), "pending", "accepted", None),
        (CALL, "pending", "canceled", "4"),  # one thing happened since, and it was not the call
        (Dequeue(), "pending", "accepted", "4"),
        (Wrap(), "accepted", "completed", "4"),
    ],
)
def test_the_world_moved_on(command: Command, start: str, now: str, etag: str | None) -> None:
    """A reading that cannot follow from our act, and leaves no step for it, says that the race is lost."""
    gateway = Script(TIMED_OUT, shows(now, etag))
    error = fails(gateway, LostRace, attrs.evolve(PENDING, status=start), command)
    assert gateway.methods == "PG"
    assert error.reservation.status == now
    assert now in str(error)
    assert len(error.attempts) == 2


@pytest.mark.parametrize("command", [CONFERENCE, Dequeue(), CALL, SUPERVISE])
def test_what_shows_nothing_is_not_repeated(command: Command) -> None:
    """Where no reading could tell whether it was taken, it is not sent again, unless the caller says so."""
    start = attrs.evolve(WHERE, status="accepted" if command is SUPERVISE else "pending")
    error = fails(gateway := Script(TIMED_OUT, shows(start.status)), OutcomeUnknown, start, command)
    assert gateway.methods == "PG"
    assert f"whether the {command.trigger} was taken" in str(error)
    gateway = Script(TIMED_OUT, shows(start.status), shows(start.status))
    deliver(gateway, start, command, repeat_unknown=True)
    assert gateway.methods == "PGP"


@pytest.mark.parametrize(
    ("command", "repeated"), [(CALL, True), (Dequeue(), True), (CONFERENCE, False)]
)
def test_an_unmoved_version_says_that_it_did_not_act(command: Command, repeated: bool) -> None:
    """A command that is seen to raise the version is sent again under the same one: only one of the two could ever act."""
    gateway = Script(TIMED_OUT, shows("pending", "3"), shows("pending", "4"))
    if not repeated:
        fails(gateway, OutcomeUnknown, command=command)
        return
    deliver(gateway, command=command)
    assert [request.headers.get("If-Match") for request in gateway.requests] == ["3", None, "3"]


@pytest.mark.parametrize(
    ("command", "start", "now", "etag", "on_hold"),
    [
        (Accept(), "pending", "accepted", "4", False),
        (Accept(), "pending", "wrapping", "5", False),
        (Complete(), "accepted", "completed", None, False),
        (CONFERENCE, "pending", "pending", "4", True),
        (CALL, "pending", "pending", "4", False),
    ],
)
def test_who_is_alone_knows_that_it_was_done(
    command: Command, start: str, now: str, etag: str | None, on_hold: bool
) -> None:
    """With nobody else about, what a command sets was set by it: done, with the reservation as it was read."""
    gateway = Script(TIMED_OUT, shows(now, etag))
    done = deliver(gateway, attrs.evolve(PENDING, status=start), command, sole_writer=True)
    assert done == attrs.evolve(WHERE, status=now, etag=etag, on_hold=on_hold)


def test_who_is_alone_still_does_not_know_what_ended_by_itself() -> None:
    """A conference that is canceled may have been begun, or not: the platform cancels by itself."""
    fails(
        Script(TIMED_OUT, shows("canceled", "5")),
        Indistinguishable,
        command=CONFERENCE,
        sole_writer=True,
    )


def test_a_passed_version_frees_of_doubt() -> None:
    """A request that names a version that has passed can never act any more: at the limit it certainly was not carried out."""
    gateway = Script(TIMED_OUT, shows("pending", "4"))
    assert fails(gateway, LostRace, PENDING, Reject(), attempts=1).reservation.etag == "4"
    for version, command in (
        ("3", Reject()),
        ("3", Accept()),
        ("4", Accept()),
    ):  # an accept may be on hold, which no body shows
        still = Script(TIMED_OUT, shows("pending", version))
        assert "may still be" in str(fails(still, OutcomeUnknown, PENDING, command, attempts=1))


def test_an_accept_that_may_be_on_hold_is_never_called_not_done() -> None:
    """The version passed, the second accept is refused for a hold: it may be our own, and is not told for a race that was lost."""
    gateway = Script(TIMED_OUT, shows("pending", "4"), HELD, shows("pending", "4"))
    assert fails(gateway, Indistinguishable).reservation.on_hold
    assert gateway.methods == "PGPG"
    sent = Script(TIMED_OUT, shows("pending", "4"), *[NotSent("no")] * 3)
    assert fails(sent, OutcomeUnknown).last_known.etag == "4"


@pytest.mark.parametrize(
    "command",
    [
        Call(from_="x", url="https://x.y", accept=True),
        Redirect(call_sid="CA" + "0" * 32, url="https://x.y", accept=True),
    ],
)
def test_an_accepting_call_is_not_made_twice(command: Command) -> None:
    """It is documented to accept at once, and seen to leave the reservation pending: so nothing tells that it was not made."""
    gateway = Script(TIMED_OUT, shows("pending", "4"))
    assert fails(gateway, Indistinguishable, PENDING, command).reservation.etag == "4"
    unversioned = Script(TIMED_OUT, shows("pending", None))
    fails(unversioned, OutcomeUnknown, attrs.evolve(PENDING, etag=None), command)
    for script in (gateway, unversioned):
        assert script.methods == "PG"
    alone = Script(TIMED_OUT, shows("pending", "4"))
    assert deliver(
        alone, PENDING, command, sole_writer=True
    ).on_hold  # as after the 200 that was lost: it is not asked for again
    again = Script(TIMED_OUT, shows("pending", "3"), shows("accepted", "4"))
    assert deliver(again, PENDING, command).status is Status.ACCEPTED


def test_what_was_never_sent_is_refused_before_it_is_taken_up() -> None:
    """Also where a delivery is resumed nothing is read for a command that must not be asked."""
    gateway = Script()
    with pytest.raises(CommandNotAllowed):
        perform(ACCEPTED, Accept(), gateway, resume=True)
    with pytest.raises(InvalidCommand):
        perform(ACCEPTED, SUPERVISE, gateway, route="worker", resume=True)
    assert gateway.methods == ""


def test_a_doubt_outlives_later_answers() -> None:
    """Once a request may still be under way, a later refusal is no proof that nothing was done."""
    for answer in (Reply(404), Reply(429), NotSent("no")):
        gateway = Script(TIMED_OUT, shows("pending", "3"), answer)
        error = fails(gateway, OutcomeUnknown, attempts=2)
        assert len(error.attempts) == 3
    assert fails(
        Script(TIMED_OUT, shows("pending", "3"), AGAIN, shows("accepted", "4")), Indistinguishable
    )
    assert fails(
        Script(TIMED_OUT, shows("pending", "3"), HELD, shows("pending", "3")), Indistinguishable
    ).reservation.on_hold
    unheld = attrs.evolve(WHERE, etag=None)
    stale = Script(TIMED_OUT, shows("pending", "4"), AGAIN, shows("pending", "5"))
    assert fails(stale, OutcomeUnknown, unheld, retry_stale=False)


@pytest.mark.parametrize(
    "unread", [NotSent("no"), TIMED_OUT, Reply(429), Reply(503), Reply(200), shows("timeout")]
)
def test_a_reading_is_tried_again(unread: Reply | Exception) -> None:
    """A reading that fails is repeated after a pause, as often as the command may be sent."""
    start = ACCEPTED
    gateway = Script(TIMED_OUT, unread, shows("wrapping", "9"))
    fails(gateway, Indistinguishable, start, Wrap())
    assert gateway.methods == "PGG"
    assert gateway.pauses == [0.125]
    assert (
        fails(in_vain := Script(TIMED_OUT, *[unread] * 9), OutcomeUnknown, start, Wrap()).last_known
        == start
    )
    assert in_vain.methods == "PGGGG"


def test_a_reading_that_is_refused_ends_it() -> None:
    """A reservation that is gone cannot tell what became of the command."""
    gateway = Script(TIMED_OUT, Reply(404))
    assert "could not be read" in str(fails(gateway, OutcomeUnknown))
    assert gateway.methods == "PG"


@pytest.mark.parametrize(
    ("command", "answers", "outcome", "methods"),
    [
        (Accept(), [shows("pending", "3"), shows("accepted", "4")], "accepted", ["GET", "POST"]),
        (Accept(), [shows("accepted", "4")], Indistinguishable, ["GET"]),
        (Accept(), [shows("canceled", "4")], LostRace, ["GET"]),
        (CALL, [shows("pending", "3"), shows("pending", "4")], "pending", ["GET", "POST"]),
        (CONFERENCE, [shows("pending", "3")], OutcomeUnknown, ["GET"]),
        (Accept(), [Reply(404)], OutcomeUnknown, ["GET"]),
    ],
)
def test_what_another_process_left_is_read_first(
    command: Command,
    answers: list[Reply],
    outcome: str | type[ReservationError],
    methods: list[str],
) -> None:
    """A delivery that is resumed goes on as after a lost reply: it reads, and sends only what then cannot have acted."""
    gateway = Script(*answers)
    if isinstance(outcome, str):
        assert deliver(gateway, PENDING, command, resume=True).status == outcome
    else:
        fails(gateway, outcome, PENDING, command, resume=True)
    assert [request.method for request in gateway.requests] == methods


def test_a_version_that_cannot_be_sent_is_left_out() -> None:
    """A version that is read and is no header is not sent back."""
    gateway = Script(AGAIN, shows("pending", "é"), shows("accepted"))
    deliver(gateway)
    assert gateway.requests[2].headers.get("If-Match") is None


# --- refused by state ------------------------------------------------------------------------------------------------------------

STATE: Final = Reply(
    400,
    {},
    b'{"message": "Reservation WR is already in state [accepted] and cannot be updated to [accepted]"}',
)


@pytest.mark.parametrize("refusal", [STATE, AGAIN, Reply(409)], ids=["400", "412", "409"])
def test_what_somebody_else_took_is_lost(refusal: Reply) -> None:
    """A refusal by state with nothing of ours open is a lost race, with the reservation as it now is and the platform's words."""
    gateway = Script(refusal, shows("accepted", "4"))
    error = fails(gateway, LostRace)
    assert gateway.methods == "PG"
    assert (error.http_status, error.reservation) == (
        refusal.status,
        attrs.evolve(PENDING, status="accepted", etag="4"),
    )


def test_what_is_only_stale_is_sent_again() -> None:
    """A 412 for a command that is still legal is sent again with the fresh version, if the policy allows."""
    for command in (Accept(), CALL):
        gateway = Script(AGAIN, shows("pending", "4"), shows("pending", "5"))
        deliver(gateway, command=command)
        assert [request.headers.get("If-Match") for request in gateway.requests] == ["3", None, "4"]
    gateway = Script(AGAIN, shows("pending", "4"))
    assert fails(gateway, LostRace, retry_stale=False).reservation.etag == "4"
    gateway = Script(AGAIN, shows("pending", "4"))
    assert fails(gateway, LostRace, attempts=1).reservation.etag == "4"


def test_what_is_pending_and_refused_as_not_pending_is_on_hold() -> None:
    """Another answer is being carried out: the race is lost, and the reservation is on hold."""
    assert fails(Script(HELD, shows("pending")), LostRace).reservation == attrs.evolve(
        WHERE, on_hold=True
    )
    assert not fails(Script(Reply(409), shows("pending")), LostRace).reservation.on_hold


def test_a_lost_race_that_cannot_be_read_has_no_reservation() -> None:
    """Where the reading fails, the refusal stands by itself, and no older reading is passed off as its own."""
    assert fails(Script(STATE, Reply(404)), LostRace).reservation is None
    assert (
        fails(Script(AGAIN, shows("pending", "4"), STATE, Reply(404)), LostRace).reservation is None
    )


# --- once ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (TIMED_OUT, GatewayError),
        (Reply(503), ServerFailed),
        (Reply(200), MalformedReply),
        (STATE, LostRace),
        (NotSent("no"), NotSent),
        (Reply(429), Throttled),
    ],
)
def test_once_is_once(answer: Reply | Exception, kind: type[ReservationError]) -> None:
    """Told to send once and not to read, the failure comes out as it is after one request."""
    error = fails(gateway := Script(answer), kind, attempts=1, reconcile=False)
    assert gateway.methods == "P"
    assert error.__cause__ is None or error.__cause__ == error
    assert isinstance(
        fails(Script(shows("timeout")), IllegalSuccession, ACCEPTED, Wrap(), reconcile=False),
        IllegalSuccession,
    )


def test_nothing_is_sent_that_must_not_be_asked() -> None:
    """A command that must not be asked is refused before anything is sent, and no hook hears of it."""
    heard, gateway = Heard(), Script()
    fails(gateway, CommandNotAllowed, PENDING, Wrap(), heard)
    with pytest.raises(InvalidCommand):
        perform(ACCEPTED, SUPERVISE, cast("Gateway", gateway), route="worker")
    assert gateway.requests == []
    assert heard.said == []


# --- versions --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "most"),
    [
        (None, "1", None),
        ("1", None, None),
        ("1", "1", 0),
        ("x", "x", 0),
        ("x", "y", None),
        ("1", "4", 3),
        ('W/"1"', '"2"', 1),
        ("4", "1", None),
        ("1", "y", None),
    ],
)
def test_versions_count_what_happened(
    before: str | None, after: str | None, most: int | None
) -> None:
    """Whole numbers count, equal ones say that nothing happened, and others say nothing."""
    assert acts_between(attrs.evolve(WHERE, etag=before), attrs.evolve(WHERE, etag=after)) == most


# --- watching --------------------------------------------------------------------------------------------------------------------


class Heard(Observer):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def before_attempt(self, attempt: Attempt) -> None:
        self.said.append(f"before {attempt.number} {attempt.outcome}")

    def after_attempt(self, attempt: Attempt) -> None:
        self.said.append(f"after {attempt.number} {attempt.outcome}")

    def reconciled(self, reservation: Reservation, verdict: str) -> None:
        self.said.append(f"read {reservation.status}: {verdict}")

    def gave_up(self, error: ReservationError) -> None:
        self.said.append(type(error).__name__)


def test_a_watch_hears_it_all() -> None:
    """Every attempt is announced and reported, every reading judged aloud, and the end told."""
    heard = Heard()
    deliver(Script(TIMED_OUT, shows("pending", "3"), shows("accepted")), observer=heard)
    assert heard.said == [
        "before 1 None",
        "after 1 GatewayError",
        "before 2 None",
        "after 2 pending",
        "read pending: repeat",
        "before 3 None",
        "after 3 accepted",
    ]
    lost = Heard()
    fails(Script(TIMED_OUT, shows("canceled")), LostRace, observer=lost)
    assert lost.said[-2:] == ["read canceled: LostRace", "LostRace"]
    alone = Heard()
    deliver(Script(TIMED_OUT, shows("accepted")), observer=alone, sole_writer=True)
    assert alone.said[-1] == "read accepted: done"


SECRET: Final = Conference(to="+15005550001", from_="+15005550006", sip_auth_password="hush-hush")


def test_a_log_tells_nothing_personal(caplog: pytest.LogCaptureFixture) -> None:
    """The log names attempts, readings and the class of the error, and no contact, name or secret."""
    said = Reply(404, {}, b'{"message": "call +15005550001"}')
    with caplog.at_level(logging.DEBUG, "reservation_core.delivery"):
        error = fails(
            Script(TIMED_OUT, Reply(429), said),
            OutcomeUnknown,
            attrs.evolve(WHERE, worker_name="Zoë"),
            SECRET,
            LoggingObserver(),
        )
        fails(
            Script(TIMED_OUT, shows("accepted")),
            Indistinguishable,
            observer=LoggingObserver(logging.getLogger("reservation_core.delivery.x")),
        )
        fails(
            Script(shows("timeout")),
            IllegalSuccession,
            ACCEPTED,
            Wrap(),
            LoggingObserver(),
            reconcile=False,
        )
    text = caplog.text + repr(error) + str(error)
    assert "attempt 1: POST /v1/Workspaces" in text
    assert "gave up after 3 exchanges: OutcomeUnknown" in text
    assert "was read as accepted: Indistinguishable" in text
    for secret in ("50001", "50006", "hush", "Zoë"):
        assert secret not in text
    assert pickle.loads(pickle.dumps(error)).attempts == error.attempts


def test_a_log_is_written_for_a_reader(caplog: pytest.LogCaptureFixture) -> None:
    """Each attempt, each reading and the end are a line of the library's own logger; an error without attempts was one exchange."""
    with caplog.at_level(logging.DEBUG, "reservation_core.delivery"):
        fails(
            Script(TIMED_OUT, shows("canceled"), takes=0.5),
            LostRace,
            PENDING,
            Accept(),
            LoggingObserver(),
        )
        LoggingObserver().gave_up(InvalidCommand("Accept", ()))
    reservations = f"/v1/Workspaces/{PENDING.workspace_sid}/Tasks/{PENDING.task_sid}/Reservations"
    assert [
        (record.name, record.levelname, record.getMessage())
        for record in caplog.records
        if record.name != "transitions.core"
    ] == [
        ("reservation_core.delivery", level, text)
        for level, text in (
            (
                "DEBUG",
                f"attempt 1: POST {reservations}/{SID}: GatewayError (at 0.000 s, after a pause of 0.000 s, took 0.500 s)",
            ),
            (
                "DEBUG",
                f"attempt 2: GET {reservations}/{SID}: canceled (at 0.500 s, after a pause of 0.000 s, took 0.500 s)",
            ),
            ("DEBUG", f"reservation {SID} was read as canceled: LostRace"),
            ("WARNING", "gave up after 2 exchanges: LostRace"),
            ("WARNING", "gave up after 1 exchanges: InvalidCommand"),
        )
    ]


def test_spans_tell_nothing_personal() -> None:
    """Each attempt is a span with its outcome; readings and the end are events of the caller's span."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("caller"):
        fails(
            Script(TIMED_OUT, shows("canceled")),
            Indistinguishable,
            PENDING,
            SECRET,
            OpenTelemetryObserver(tracer),
            backoff=0,
        )
        fails(
            Script(shows("timeout")),
            IllegalSuccession,
            ACCEPTED,
            Wrap(),
            OpenTelemetryObserver(tracer),
            reconcile=False,
        )
    first, second, _, caller = exporter.get_finished_spans()
    assert (first.name, second.name) == ("POST reservation", "GET reservation")
    assert first.attributes is not None
    assert first.attributes["reservation_core.outcome"] == "GatewayError"
    assert (first.status.is_ok, second.status.is_ok) == (False, True)
    assert first.parent is not None
    assert caller.context is not None
    assert first.parent.span_id == caller.context.span_id
    assert [event.name for event in caller.events] == [
        "reservation_core.reconcile",
        *["reservation_core.give_up"] * 2,
    ]
    shown = "".join(span.to_json() for span in exporter.get_finished_spans())
    for secret in ("50001", "50006", "hush"):
        assert secret not in shown
    OpenTelemetryObserver()  # without a provider nothing is shown, and nothing fails


# --- the drivers -----------------------------------------------------------------------------------------------------------------


def in_a_loop(gateway: Script, **more: Any) -> Coroutine[Any, Any, Reservation]:
    """Deliver in an event loop."""
    return aperform(PENDING, Accept(), gateway, clock=gateway.clock, random=lambda: 0.5, **more)


def test_the_event_loop_does_the_same() -> None:
    """Both drivers send the same requests and make the same pauses."""
    script = (TIMED_OUT, shows("pending", "4"), NotSent("no"), shows("accepted", "5"))
    thread, loop = Script(*script), Script(*script)
    assert deliver(thread) == asyncio.run(in_a_loop(loop, sleep=loop.asleep))
    assert (thread.requests, thread.pauses) == (loop.requests, loop.pauses)


def test_it_really_sleeps() -> None:
    """Without a clock of the caller's, real time passes, in a thread and in an event loop."""
    quick, script = Policy(backoff=0.001), (NotSent("no"), shows("accepted"))
    assert perform(PENDING, Accept(), Script(*script), policy=quick).status is Status.ACCEPTED
    assert (
        asyncio.run(aperform(PENDING, Accept(), Script(*script), policy=quick)).status
        is Status.ACCEPTED
    )


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), RuntimeError("a bug"), StopIteration()], ids=repr
)
def test_an_interruption_comes_out_and_is_reported(error: BaseException) -> None:
    """What is no failure of the exchange comes out as it is; the attempt is reported as abandoned, and nothing is sent after it."""
    heard, gateway = Heard(), Script(error)
    with pytest.raises(type(error)):
        deliver(gateway, observer=heard)
    assert heard.said == ["before 1 None", "after 1 abandoned"]
    assert gateway.methods == "P"


@pytest.mark.parametrize("at", range(1, 7))
def test_cancellation_leaves_nothing_half_reported(at: int) -> None:
    """Cancelled at any point, the task ends cancelled, sends nothing more, and each announced attempt has its report."""
    heard, gateway = (
        Heard(),
        Script(TIMED_OUT, shows("pending", "4"), Reply(429), NotSent("no"), shows("accepted")),
    )
    waits = 0

    async def main_() -> None:
        async def wait(_: object = None) -> None:
            nonlocal waits
            waits += 1
            if waits == at:
                task.cancel()
            await asyncio.sleep(0)

        class Slow(Script):
            async def asend(self, request: Request) -> Reply:
                await wait()
                return gateway.send(request)

        task = asyncio.create_task(in_a_loop(Slow(), sleep=wait, observer=heard))
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main_())
    announced = [said for said in heard.said if said.startswith("before")]
    reported = [said for said in heard.said if said.startswith("after")]
    assert len(announced) == len(reported)
    assert len(gateway.requests) <= at
    assert sum("abandoned" in said for said in heard.said) <= 1


# --- the journal judges ----------------------------------------------------------------------------------------------------------


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw an update among rivals, or alone, with what goes wrong; it shrinks to the fewest faults."""
    command, alone = draw(st.sampled_from(COMMANDS)), draw(st.booleans())
    route = Route.TASK if command.trigger == "supervise" else draw(st.sampled_from(Route))
    versioned = draw(st.booleans())
    plan = draw(
        plans(
            kinds_for(command, versioned=versioned, route=route),
            (Rival.NONE, *ALONE_RIVALS) if alone else Rival,
        )
    )
    start = draw(st.sampled_from(STARTS.get(command.trigger, (Status.PENDING,))))
    policy = attrs.evolve(
        ALONE if alone else CAREFUL,
        attempts=draw(st.integers(1, 5)),
        retry_stale=draw(st.booleans()),
    )
    return Case(command, start, versioned, route, plan, policy)


@given(cases())
@settings(max_examples=1500, deadline=None)
def test_a_command_acts_at_most_once_and_the_verdict_is_true(case: Case) -> None:
    """Whatever the network and the rivals do, the platform's journal bears the verdict out."""
    assert run(case).wrong == ()


@given(cases())
@settings(max_examples=150, deadline=None)
def test_the_event_loop_gives_the_same_verdicts(case: Case) -> None:
    """In an event loop the same faults lead to the same verdict and the same acts."""
    assert run(case, in_a_loop=True) == run(case)


def test_the_campaign_prints_its_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """The campaign can be rerun, and finds nothing wrong."""
    assert main(["--updates", "2000", "--seed", "3"]) == 0
    first = capsys.readouterr().out.splitlines()
    assert main(["--updates", "2000", "--seed", "3"]) == 0
    assert first[1:] == capsys.readouterr().out.splitlines()[1:]
    counts = {
        line.rsplit(maxsplit=1)[0].strip(): line.rsplit(maxsplit=1)[1]
        for line in first
        if "(" not in line
    }
    assert (
        counts["double actions"],
        counts["lost acknowledgements"],
        counts["wrong verdicts"],
    ) == ("0", "0", "0")
    assert {kind.value for kind in FaultKind if kind is not FaultKind.NONE} <= counts.keys()
    assert {rival.value for rival in Rival if rival is not Rival.NONE} <= counts.keys()


# --- beside the official client --------------------------------------------------------------------------------------------------


class FailsAfterActing(BaseHTTPRequestHandler):
    """Lets the emulator act, and answers 503 to every update; readings are answered."""

    protocol_version = "HTTP/1.1"
    emulator: ClassVar[InMemoryGateway]

    def do_POST(self) -> None:
        form = parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode())
        assert self.emulator.send(Request("POST", self.path, form=tuple(form))).status == 200
        self._answer(Reply(503))

    def do_GET(self) -> None:
        self._answer(self.emulator.send(Request("GET", self.path)))

    def _answer(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Length", str(len(reply.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class named it
        """Say nothing."""


@pytest.fixture
def fails_after_acting() -> Iterator[str]:
    """Serve a platform that acts and then fails, on this machine."""
    FailsAfterActing.emulator = InMemoryGateway()
    FailsAfterActing.emulator.platform.add(WHERE)
    server = ThreadingHTTPServer(("127.0.0.1", 0), FailsAfterActing)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_official_client_acts_again_and_again(fails_after_acting: str) -> None:
    """The official async client with retries on calls the worker three times, where the platform acts and then fails."""

    async def official() -> None:
        async with AsyncTwilioHttpClient(max_retries=3) as http:
            client = Client("AC" + "0" * 32, "token", http_client=http, environment={"": ""})
            client.taskrouter.base_url = fails_after_acting
            reservations = (
                client.taskrouter.v1.workspaces(str(WHERE.workspace_sid))
                .tasks(str(WHERE.task_sid))
                .reservations
            )
            await reservations(SID).update_async(
                instruction="call", call_from="+15005550006", call_url="https://example.com"
            )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its own use of aiohttp
        with pytest.raises(TwilioRestException):
            asyncio.run(official())
    assert acts_of(FailsAfterActing.emulator.platform, "client") == 3


def test_ours_acts_once(fails_after_acting: str) -> None:
    """Ours calls the worker once there, and says that nobody can tell."""
    with (
        PyreqwestGateway(
            Credentials("AC" + "0" * 32, "token"), base_url=fails_after_acting
        ) as gateway,
        pytest.raises(OutcomeUnknown),
    ):
        perform(WHERE, CALL, gateway)
    assert acts_of(FailsAfterActing.emulator.platform, "client") == 1
