"""Stateful test of a service: generated runs of many reservations."""

from __future__ import annotations

import sys
from collections.abc import Container, Generator
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import ClassVar, Final, cast

import attrs
from hypothesis import event as label_run
from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from reservation_core.domain.commands.base import Command
from reservation_core.domain.lifecycle import TERMINAL, State, Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator import (
    InMemoryGateway,
    JournalEntry,
    ManualClock,
    Platform,
    StateConflict,
    TaskStatus,
    UnmetPrecondition,
)
from reservation_core.emulator.callbacks.responses import CALLBACK_ACTOR
from reservation_core.gateways.port import AsyncGateway, Gateway
from reservation_core.testing.faults import Fault, FaultKind, FaultyGateway, Rival
from reservation_core.testing.lifecycle_coverage import LifecycleCoverage, current_coverage
from reservation_core.testing.stateful.beliefs import Belief, BeliefCheck, check_up_to_date
from reservation_core.testing.stateful.events import ReportedEvent, reported_event
from reservation_core.testing.stateful.monitor import ServiceMonitor, UpdateRecorder
from reservation_core.testing.stateful.moves import (
    COMMAND_STEPS,
    FACT_STEPS,
    FAULTS,
    OUTAGES,
    STEPS,
    UNEXPECTED_STEPS,
    Move,
)
from reservation_core.testing.stateful.unexpected import NINTH_STATUS, UnknownStatusGateway

_STEPS_PER_RUN: Final = 100  # 100 runs, hypothesis' default, then walk every edge over 20 times
_WORKED_ON: Final = (Status.ACCEPTED, Status.WRAPPING)


def _sid(prefix: str, number: int) -> str:
    return f"{prefix}{number:032x}"


# Attributes that satisfy the preconditions of every instruction.
_WORKSPACE: Final = _sid("WS", 0)
_TASK: Final = {"call_sid": _sid("CA", 0), "from": "+15005550006"}
_WORKER: Final = {"contact_uri": "client:worker"}


@st.composite
def _moves(draw: st.DrawFn, steps: Container[str]) -> Move:
    """Draw a possible step by its index, which shrinks well."""
    runs = cast("ReservationRuns", draw(st.runner()))
    movable = list(runs.movable(steps).items())
    number, possible = movable[draw(st.integers(0, 11)) % len(movable)]
    return Move(number, possible[draw(st.integers(0, 59)) % len(possible)])


@st.composite
def _reported_numbers(draw: st.DrawFn) -> int:
    numbers = cast("ReservationRuns", draw(st.runner())).reported_numbers()
    return numbers[draw(st.integers(0, 11)) % len(numbers)]


def _can_work(runs: ReservationRuns) -> bool:
    return bool(runs.delivered) and type(runs).work is not ReservationRuns.work


class ReservationRuns(RuleBasedStateMachine):
    """Runs of reservations around a service.

    Subclass it with :meth:`deliver` and :meth:`look_up`, and run its ``TestCase``. The package's
    documentation has an example and the rules that are checked.

    ``gateway`` is the gateway for the service, sync or async like the one that
    :meth:`make_gateway` returns. ``platform`` is the emulated platform. ``delivered`` holds the
    events that the service received.
    """

    max_active: ClassVar[int] = 4
    """The largest number of reservations under way at once."""

    has_orchestrated_tasks: ClassVar[bool] = True
    """True if an accept may be put on hold first, as in Flex. Each task is drawn so or not."""

    has_unexpected_statuses: ClassVar[bool] = False
    """True if the platform may do what no source shows, and none rules out.

    It may take a step that the lifecycle does not have, such as from accepted to canceled, and its
    replies may show a ninth status for a while. Define :meth:`catch_up`, too.
    """

    coverage: ClassVar[LifecycleCoverage]
    """Edges that the runs of this class have walked; ``coverage.report()`` shows them."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.coverage = LifecycleCoverage()
        usual = cls.TestCase.settings
        cls.TestCase.settings = settings(
            usual, stateful_step_count=max(_STEPS_PER_RUN, usual.stateful_step_count)
        )

    def __init__(self) -> None:
        super().__init__()
        self.platform: Final = self.make_platform()
        self._covered: Final = LifecycleCoverage()
        recorder = UpdateRecorder(
            self.make_gateway(self.platform), partial(self._covered.count_reply, self.platform)
        )
        self._ninth: Final = UnknownStatusGateway(recorder)
        self._network: Final = FaultyGateway(self._ninth, platform=self.platform)
        self._notes: Final[list[str]] = []  # acts may happen in a server's thread
        self.gateway: Final = ServiceMonitor(
            self._network, recorder, self._name, self._notes.append
        )
        self.delivered: Final[list[ReportedEvent]] = []
        self._sids: Final[list[str]] = []
        self._actual: Final[dict[str, Reservation]] = {}  # as the platform holds them
        self._trails: Final[dict[str, list[State]]] = {}  # all true states, in order
        self._took_unlisted: Final[set[str]] = set()
        self._undelivered: Final[list[ReportedEvent]] = []
        self._answers: Final[list[tuple[Reservation, Command]]] = []  # to assignment callbacks
        self._beliefs: Final = BeliefCheck()
        self._tasks = 0
        self._unsubscribe: Final = (
            self.platform.subscribe(self._record_entry),
            self._covered.observe(self.platform),
        )

    # --- defined by a subclass -------------------------------------------------------------------

    def deliver(self, event: ReportedEvent) -> None:
        """Deliver an event to the service. An exception fails the test."""
        raise NotImplementedError(
            f"{type(self).__name__} does not deliver events: define deliver(self, event)"
        )

    def look_up(self, sid: str) -> Belief:
        """Return what the service believes, or ``None`` if it holds nothing."""
        raise NotImplementedError(
            f"{type(self).__name__} does not look up beliefs: define look_up(self, sid)"
        )

    def work(self, sid: str) -> None:
        """Let the service act by itself, as on a click. Optional."""

    def assign(self, reservation: Reservation) -> Command | None:  # noqa: ARG002 - for subclasses
        """Let the service answer the assignment callback of a new reservation. Optional.

        :param reservation: the reservation of the callback, as ``read_assignment`` returns it.
        :returns: the command of the answer, such as the one given to ``book.answer``. The platform
            carries it out some steps later, or not at all because it was too late. ``None`` leaves
            the decision for later.
        """
        return None

    def catch_up(self) -> None:
        """Let the service reconcile what it holds, as a sweeper does. Optional.

        It is called once before the last check, when all exchanges succeed again.
        """

    def make_platform(self) -> Platform:
        """Return the empty platform of one run, by default in memory."""
        return Platform(ManualClock(), random=Random(0))  # noqa: S311 - names, not secrets

    def make_gateway(self, platform: Platform) -> Gateway | AsyncGateway:
        """Return the gateway below the faulty network, by default in memory."""
        return InMemoryGateway(platform)

    # --- steps -----------------------------------------------------------------------------------

    @property
    def active(self) -> list[int]:
        """The numbers of the reservations that have not ended."""
        held = enumerate(self._actual[sid] for sid in self._sids)
        return [number for number, reservation in held if reservation.status not in TERMINAL]

    def movable(self, steps: Container[str]) -> dict[int, list[str]]:
        """Return the steps that are possible now, by reservation number."""
        held = {number: self._actual[self._sids[number]] for number in self.active}
        possible = {
            number: [
                step for step in STEPS[each.state, self._is_orchestrated(each)] if step in steps
            ]
            for number, each in held.items()
        }
        return {number: found for number, found in possible.items() if found}

    def _is_orchestrated(self, reservation: Reservation) -> bool:
        return self.platform.task(str(reservation.task_sid)).is_orchestrated

    def reported_numbers(self) -> list[int]:
        """Return the numbers of the reservations that events reported."""
        return sorted({self._number(event) for event in self.delivered})

    @initialize(tasks=st.integers(1, 4))
    def start(self, tasks: int) -> None:
        """Reserve a worker for each of some tasks, each second one orchestrated."""
        note("  # Each step stands below the notes of what happened in it.")
        supervisor = _sid("WK", 0)  # for a rival's supervise
        self.platform.add_worker(_WORKSPACE, sid=supervisor, attributes=_WORKER)
        for number in range(tasks):
            self.reserve(promptly=False, orchestrated=number % 2 == 1)

    @precondition(lambda self: len(self.active) < self.max_active)
    @rule(promptly=st.booleans(), orchestrated=st.booleans())
    def reserve(self, promptly: bool, orchestrated: bool = False) -> None:
        """Reserve a worker for a new task.

        ``orchestrated`` tells if an accept puts the reservation on hold first, as in Flex.
        """
        self._tasks += 1
        self.platform.add_task(
            _WORKSPACE,
            sid=_sid("WT", self._tasks),
            attributes=_TASK,
            orchestrated=orchestrated and self.has_orchestrated_tasks,
        )
        self._reserve(promptly)

    @precondition(lambda self: len(self.active) < self.max_active and self._is_open())
    @rule(promptly=st.booleans())
    def reserve_another(self, promptly: bool) -> None:
        """Reserve another worker for the last task."""
        self._reserve(promptly)

    def _is_open(self) -> bool:
        """Return true if the last task still waits for a worker."""
        task = self.platform.task(_sid("WT", self._tasks))
        siblings = (held for held in self._actual.values() if held.task_sid == task.sid)
        return task.status in (TaskStatus.PENDING, TaskStatus.RESERVED) and not any(
            held.status in _WORKED_ON for held in siblings
        )

    def _reserve(self, promptly: bool) -> None:
        number = len(self._sids)
        self._sids.append(_sid("WR", number))
        worker = _sid("WK", number + 1)
        self.platform.add_worker(_WORKSPACE, sid=worker, attributes=_WORKER)
        reserved = self.platform.reserve(_sid("WT", self._tasks), worker, sid=self._sids[number])
        if self._answers_callbacks:
            self._ask(reserved)
        if promptly:
            self._deliver(self._undelivered.pop())

    @property
    def _answers_callbacks(self) -> bool:
        return type(self).assign is not ReservationRuns.assign

    def _ask(self, reserved: Reservation) -> None:
        """Send the assignment callback to the service, and keep its answer."""
        callback = attrs.evolve(reserved, etag=None, date_created=None, date_updated=None)
        self.gateway.learn(callback)
        with self._showing_notes():
            command = self.assign(attrs.evolve(callback, url=None, links=None))
            if command is not None:
                self._notes.append(f"{self._name(str(reserved.sid))}: answered: {command.trigger}")
                self._answers.append((callback, command))
                self.gateway.hold(callback)
        self.check()

    @precondition(lambda self: self._answers)
    @rule(arrives=st.booleans())
    def carry_out_answer(self, arrives: bool) -> None:
        """Let the oldest answer to a callback arrive, or be too late."""
        self._carry_out(arrives=arrives)
        self.check()

    def _carry_out(self, *, arrives: bool) -> None:
        reservation, command = self._answers.pop(0)
        sid = str(reservation.sid)
        try:
            if arrives:
                self.platform.execute(sid, command, by=CALLBACK_ACTOR)
                return
        except (StateConflict, UnmetPrecondition):
            pass  # the reservation moved on: the answer has no effect
        self._notes.append(f"{self._name(sid)}: the answer {command.trigger} had no effect")
        self.gateway.release(reservation)

    @precondition(lambda self: self.active)
    @rule(move=_moves(FACT_STEPS))
    def report_fact(self, move: Move) -> None:
        """Let the platform report a fact."""
        self.platform.set_status(self._sids[move.number], Status(move.step))
        self.check()

    @precondition(lambda self: self.has_unexpected_statuses and self.movable(UNEXPECTED_STEPS))
    @rule(move=_moves(UNEXPECTED_STEPS))
    def report_unexpected(self, move: Move) -> None:
        """Let the platform take a step that the lifecycle does not have."""
        sid, status = self._sids[move.number], UNEXPECTED_STEPS[move.step]
        self.gateway.expect_unlisted(sid, undoes_wrap=status is Status.ACCEPTED)
        self._took_unlisted.add(sid)
        self.platform.advance(1.0)  # so that its date is later, in whole seconds
        self.platform.force_status(sid, status)
        self.check()

    @precondition(lambda self: self.has_unexpected_statuses and self.active)
    @rule(choice=st.integers(0, 11))
    def show_ninth_status(self, choice: int) -> None:
        """Begin or end to show a reservation in a ninth status. No event reports it."""
        sid = self._sids[self.active[choice % len(self.active)]]
        self._ninth.sids.symmetric_difference_update({sid})
        how = "as they are" if sid not in self._ninth.sids else f"a ninth status, {NINTH_STATUS}"
        note(f"  # {self._name(sid)}: from now on, replies show {how}")

    @precondition(lambda self: self.movable(COMMAND_STEPS))
    @rule(move=_moves(COMMAND_STEPS))
    def rival_commands(self, move: Move) -> None:
        """Let a rival carry out a command: another client, a worker's click."""
        self.platform.execute(self._sids[move.number], COMMAND_STEPS[move.step], by="rival")
        self.check()

    @precondition(lambda self: self._undelivered)
    @rule(skip=st.integers(0, 3), repeat=st.integers(0, 3))
    def deliver_next(self, skip: int, repeat: int) -> None:
        """Deliver an undelivered event, then repeat the latest delivered ones.

        ``skip`` is the number of older events it overtakes. ``repeat`` is the number of repeats.
        """
        self._deliver(self._undelivered.pop(min(skip, len(self._undelivered) - 1)))
        for delivered in self.delivered[: -repeat - 1 : -1]:
            self._deliver(delivered)

    @precondition(_can_work)
    @rule(number=_reported_numbers())
    def let_work(self, number: int) -> None:
        """Let the service act by itself."""
        with self._showing_notes():
            self.work(self._sids[number])
        self.check()

    @precondition(lambda self: len(self._network.plan.pending) < 4)
    @rule(faults=st.lists(st.sampled_from(FAULTS), min_size=1, max_size=5), late=st.integers(1, 3))
    def plan_faults(self, faults: list[FaultKind | Rival], late: int) -> None:
        """Plan faults or rivals' acts for the next exchanges."""
        self._network.plan.add(
            *(
                Fault(each, late=late) if isinstance(each, FaultKind) else Fault(rival=each)
                for each in faults
            )
        )

    @precondition(lambda self: not self._network.plan.pending)
    @rule(kind=st.sampled_from(OUTAGES), exchanges=st.integers(4, 12))
    def plan_outage(self, kind: FaultKind, exchanges: int) -> None:
        """Plan an outage: the next exchanges fail, until a usual policy gives up."""
        self._network.plan.add(Fault(kind, times=exchanges))

    def _number(self, event: ReportedEvent) -> int:
        return self._sids.index(str(event.reservation.sid))

    def _name(self, sid: str) -> str:
        return f"reservation {self._sids.index(sid)}" if sid in self._sids else sid

    def _deliver(self, event: ReportedEvent) -> None:
        note(f"  # delivered: {event.type} of reservation {self._number(event)}")
        self.delivered.append(event)
        self.gateway.learn(event.reservation)
        with self._showing_notes():
            self.deliver(event)
        self.check()

    def _record_entry(self, entry: JournalEntry) -> None:
        self._actual[entry.sid] = entry.reservation
        self._trails.setdefault(entry.sid, []).append(entry.reservation.state)
        if entry.before is not None:
            change = f"{entry.before} -> {entry.reservation.state}"
            self._notes.append(f"{self._name(entry.sid)}: {entry.trigger} by {entry.by}, {change}")
        if (event := reported_event(entry)) is not None:
            self._undelivered.append(event)

    @contextmanager
    def _showing_notes(self) -> Generator[None]:
        """Show what the service did, also if it raises an exception."""
        try:
            yield
        finally:
            self._show_notes()

    def _show_notes(self) -> None:
        for text in self._notes:
            note(f"  # {text}")
        self._notes.clear()

    # --- checks ----------------------------------------------------------------------------------

    def check(self) -> None:
        """Check the rules now, as every step does."""
        self._show_notes()
        if self.gateway.problems:
            raise AssertionError("\n".join(self.gateway.problems))
        for sid in self._sids:
            belief, actual = self.look_up(sid), self._actual[sid]
            if self._answers_callbacks:
                belief = _without_hold(belief)  # its answer is under way, or was too late
            trail = self._trails[sid] if sid in self._took_unlisted else None
            self._beliefs.check(self._name(sid), belief, actual.state, trail)

    def check_up_to_date(self) -> None:
        """Deliver everything, and check that the service is up to date."""
        self.check()
        self._network.plan.clear()
        self._network.settle()
        self._ninth.sids.clear()
        while self._answers:
            self._carry_out(arrives=True)
        while self._undelivered:
            self._deliver(self._undelivered.pop(0))
        with self._showing_notes():
            self.catch_up()
        self.check()
        for sid in self._sids:
            check_up_to_date(self._name(sid), self.look_up(sid), self._actual[sid].status)

    def teardown(self) -> None:
        """End the run, and check that the service is up to date."""
        try:
            if sys.exc_info()[0] is None:
                self.check_up_to_date()
        finally:
            self._show_notes()
            for unsubscribe in self._unsubscribe:
                unsubscribe()
            for coverage in filter(None, (type(self).coverage, current_coverage())):
                coverage.update(self._covered)
            for name in self._covered.edges:
                label_run(name)


def _without_hold(belief: Belief) -> Belief:
    return belief.released() if isinstance(belief, Reservation) else belief
