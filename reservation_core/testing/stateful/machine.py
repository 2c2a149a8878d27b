"""Stateful test of a service: generated runs of many reservations."""

from __future__ import annotations

import sys
from collections.abc import Container, Generator
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import ClassVar, Final, cast

from hypothesis import event as label_run
from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from reservation_core.domain.lifecycle import TERMINAL, Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator import (
    InMemoryGateway,
    JournalEntry,
    ManualClock,
    Platform,
    TaskStatus,
)
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
    Move,
)

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
        self._network: Final = FaultyGateway(recorder, platform=self.platform)
        self._notes: Final[list[str]] = []  # acts may happen in a server's thread
        self.gateway: Final = ServiceMonitor(
            self._network, recorder, self._name, self._notes.append
        )
        self.delivered: Final[list[ReportedEvent]] = []
        self._sids: Final[list[str]] = []
        self._actual: Final[dict[str, Reservation]] = {}  # as the platform holds them
        self._undelivered: Final[list[ReportedEvent]] = []
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
        """Reserve a worker for each of some tasks."""
        note("  # Each step stands below the notes of what happened in it.")
        supervisor = _sid("WK", 0)  # for a rival's supervise
        self.platform.add_worker(_WORKSPACE, sid=supervisor, attributes=_WORKER)
        for _ in range(tasks):
            self.reserve(promptly=False)

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
        self.platform.reserve(_sid("WT", self._tasks), worker, sid=self._sids[number])
        if promptly:
            self._deliver(self._undelivered.pop())

    @precondition(lambda self: self.active)
    @rule(move=_moves(FACT_STEPS))
    def report_fact(self, move: Move) -> None:
        """Let the platform report a fact."""
        self.platform.set_status(self._sids[move.number], Status(move.step))
        self.check()

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
            self._beliefs.check(self._name(sid), self.look_up(sid), self._actual[sid].state)

    def check_up_to_date(self) -> None:
        """Deliver everything, and check that the service is up to date."""
        self.check()
        self._network.plan.clear()
        self._network.settle()
        while self._undelivered:
            self._deliver(self._undelivered.pop(0))
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
