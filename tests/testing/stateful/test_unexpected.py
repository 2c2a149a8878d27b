"""Generated runs on a platform that does what no source shows."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import ClassVar, Final

import attrs
import pytest

from reservation_core import (
    Accept,
    Command,
    CommandError,
    Complete,
    Conference,
    GatewayError,
    LostRace,
    MalformedReply,
    NotFound,
    OutcomeUnknown,
    Policy,
    Reject,
    ReplyError,
    Reservation,
    Status,
    UnknownStatus,
    Wrap,
    fetch,
    follow,
    list_reservations,
    prepare,
)
from reservation_core.book import Book, MemoryStore
from reservation_core.domain.lifecycle import State
from reservation_core.emulator import InMemoryGateway, Platform
from reservation_core.rest.fetch import prepare_fetch
from reservation_core.testing.stateful import Belief, ReportedEvent, ReservationRuns
from reservation_core.testing.stateful.beliefs import BeliefCheck
from reservation_core.testing.stateful.unexpected import NINTH_STATUS, UnknownStatusGateway
from tests.testing.stateful.test_machine import Onlooker, generate
from tests.testing.stateful.test_monitor import RESERVED, Service

AT_ONCE: Final = Policy(backoff=0.0)
ACCEPTED, WRAPPING, CANCELED = Status.ACCEPTED, Status.WRAPPING, Status.CANCELED


class BookRuns(ReservationRuns):
    """Runs around a book that takes over what the platform shows."""

    has_unexpected_statuses = True
    seen: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.book = Book(MemoryStore(), sleep=lambda _: None)

    def deliver(self, event: ReportedEvent) -> None:
        before = self.look_up(str(event.reservation.sid))
        if isinstance(before, Reservation) and not follow(before.status, event.reservation.status):
            self.seen["unexpected or late"] += 1
        self.book.record(event)

    def work(self, sid: str) -> None:
        held = self.look_up(sid)
        assert isinstance(held, Reservation)
        for command in (Wrap(), Complete(), Accept()):
            if held.allows(command):
                self.perform(sid, command)
                return

    def perform(self, sid: str, command: Command) -> None:
        try:
            self.book.resume(sid, self.gateway, policy=AT_ONCE)
            self.book.perform(sid, command, self.gateway, policy=AT_ONCE)
        except (OutcomeUnknown, LostRace) as error:
            self.seen["ninth status"] += error.unknown_status is not None
        except (CommandError, ReplyError, GatewayError) as error:
            self.seen[type(error).__name__] += 1

    def look_up(self, sid: str) -> Belief:
        entry = self.book.get(sid)
        return None if entry is None else entry.reservation

    def catch_up(self) -> None:
        self.book.reconcile(self.gateway, older_than=0.0)


def test_book_takes_over_what_the_platform_shows() -> None:
    class Runs(BookRuns):
        seen: ClassVar = Counter[str]()

    generate(Runs, most=15, steps=60)
    assert Runs.seen["unexpected or late"] > 5
    assert Runs.seen["ninth status"] > 0


def test_service_that_ignores_unexpected_reports_is_not_up_to_date() -> None:
    class Runs(Onlooker):
        has_unexpected_statuses = True

    with pytest.raises(AssertionError, match=r"all events were delivered, but the service"):
        generate(Runs, most=20)


def test_service_answers_assignment_callbacks() -> None:
    answered: Counter[Command] = Counter()

    class Runs(BookRuns):
        seen: ClassVar = Counter[str]()

        def assign(self, reservation: Reservation) -> Command | None:
            commands = (Accept(), Reject(), Conference(to="client:alice"), None)
            command = commands[int(str(reservation.sid)[-1], 16) % len(commands)]
            held = self.book.answer(reservation, command).reservation
            assert held.on_hold is (command is not None)
            if command is not None:
                answered[command] += 1
            return command

    generate(Runs, most=15, steps=60)
    assert answered.keys() == {Accept(), Reject(), Conference(to="client:alice")}
    assert Runs.coverage.own["pending --accept--> accepted"] > 0
    assert Runs.coverage.own["pending --conference--> onHold"] > 0


def test_answer_after_the_reservation_moved_on_has_no_effect() -> None:
    class Runs(Onlooker):
        def assign(self, reservation: Reservation) -> Command | None:
            self.platform.set_status(str(reservation.sid), CANCELED)  # the caller hangs up
            return Accept()

    generate(Runs, most=5, steps=20)
    assert Runs.coverage.edges["pending --canceled--> canceled"] > 0
    assert Runs.coverage.own["pending --accept--> accepted"] == 0


def test_service_answers_no_callback_by_default() -> None:
    assert Onlooker().assign(RESERVED) is None


def test_service_that_sends_a_command_during_its_answer_breaks_a_rule() -> None:
    """It could know that the platform refuses it."""

    class Runs(Onlooker):
        def assign(self, reservation: Reservation) -> Command | None:
            self.known[str(reservation.sid)] = reservation
            return Conference(to="client:alice")

        def work(self, sid: str) -> None:
            if self.known[sid].status is Status.PENDING:
                with suppress(GatewayError):
                    self.gateway.send(prepare(self.known[sid], Accept()))

    with pytest.raises(AssertionError, match="accept was sent although it is not allowed"):
        generate(Runs, most=20)


# --- the parts -----------------------------------------------------------------------------------

TRAIL: Final[list[State]] = [Status.PENDING, ACCEPTED, WRAPPING, ACCEPTED, CANCELED]


def follow_trail(*beliefs: Belief, trail: list[State] = TRAIL) -> None:
    checks = BeliefCheck()
    for belief in beliefs:
        checks.check("it", belief, trail[-1], trail)


def test_belief_follows_the_true_states_in_their_order() -> None:
    follow_trail(None, Status.PENDING, ACCEPTED, WRAPPING, ACCEPTED, CANCELED, None)
    follow_trail(ACCEPTED, CANCELED)
    follow_trail(Reservation(status=WRAPPING), ACCEPTED)
    checks = BeliefCheck()
    checks.check("it", ACCEPTED, WRAPPING)  # the first unlisted step is taken afterwards
    checks.check("it", WRAPPING, ACCEPTED, TRAIL[:4])


@pytest.mark.parametrize(
    ("beliefs", "message"),
    [
        ((ACCEPTED, Status.PENDING), "went back from accepted to pending"),
        ((CANCELED, ACCEPTED), "went back from canceled to accepted"),
        ((WRAPPING, ACCEPTED, WRAPPING), "went back from accepted to wrapping"),
        ((Status.TIMEOUT,), "believes it is timeout, but it never was"),
        ((Reservation(status="pending", on_hold=True),), "believes it is onHold, but it never"),
        ((Status.PENDING, None), "forgot it while it was pending"),
    ],
)
def test_belief_that_was_never_true_or_not_in_this_order_is_an_error(
    beliefs: tuple[Belief, ...], message: str
) -> None:
    with pytest.raises(AssertionError, match=f"^it: the service {message}"):
        follow_trail(*beliefs)


def test_second_wrap_is_allowed_once_the_service_knows_that_it_was_undone() -> None:
    service = accepted_service()
    service.post(Wrap())
    service.platform.force_status(str(RESERVED.sid), ACCEPTED)
    service.monitor.expect_unlisted(str(RESERVED.sid), undoes_wrap=True)
    service.monitor.learn(attrs.evolve(RESERVED, status=ACCEPTED))
    service.post(Wrap())
    assert service.problems == []
    service.platform.force_status(str(RESERVED.sid), ACCEPTED)
    service.post(Wrap())  # no event reported the step
    assert service.problems == ["it: the same command acted 3 times"]


def test_second_wrap_after_a_lost_one_acts_twice() -> None:
    service = accepted_service()
    service.outcome = GatewayError("no reply")
    service.post(Wrap())
    service.platform.force_status(str(RESERVED.sid), ACCEPTED)
    service.monitor.expect_unlisted(str(RESERVED.sid), undoes_wrap=True)
    service.outcome = None
    service.monitor.send(prepare_fetch(RESERVED))
    service.post(Wrap())
    assert service.problems == ["it: the same command acted 2 times"]


def accepted_service() -> Service:
    service = Service()
    service.platform.set_status(str(RESERVED.sid), ACCEPTED)
    service.monitor.learn(attrs.evolve(RESERVED, status=ACCEPTED))
    return service


def test_ended_reservation_takes_no_command_also_after_an_unlisted_step() -> None:
    service = accepted_service()
    service.platform.force_status(str(RESERVED.sid), CANCELED)
    service.monitor.expect_unlisted(str(RESERVED.sid), undoes_wrap=False)
    service.monitor.learn(attrs.evolve(RESERVED, status=CANCELED))
    service.post(Complete())
    assert service.problems == [
        "it: complete was sent although the reservation had ended (canceled)"
    ]


def test_replies_show_a_ninth_status() -> None:
    platform = Platform()
    held = platform.add(RESERVED)
    gateway = UnknownStatusGateway(InMemoryGateway(platform))
    assert fetch(held, gateway).status is Status.PENDING
    gateway.sids.add(str(held.sid))
    with pytest.raises(UnknownStatus) as caught:
        fetch(held, gateway)
    assert caught.value.raw_status == NINTH_STATUS
    with pytest.raises(MalformedReply, match=NINTH_STATUS):
        list(
            list_reservations(
                gateway, workspace_sid=str(held.workspace_sid), task_sid=held.task_sid
            )
        )
    other = attrs.evolve(held, sid="WR" + "1" * 32)
    platform.add(other)
    assert fetch(other, gateway).status is Status.PENDING
    with pytest.raises(NotFound):
        fetch(attrs.evolve(held, sid="WR" + "2" * 32), gateway)
