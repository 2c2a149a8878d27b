"""Generated lives: many reservations at once, moved by the platform and by rivals over a failing network, around a service of yours.

::

    class Lives(ReservationRuns):
        def __init__(self):
            super().__init__()
            self.service = MyService(self.gateway)  # it commands through the gateway it is handed

        def tell(self, notice):                     # how my service is told what happened
            self.service.hear(notice)

        def ask(self, sid):                         # how I ask what it believes
            return self.service.known.get(sid)

    TestMyService = Lives.TestCase

Each life is a run of steps: a worker is reserved, a fact or a rival's command moves a reservation, a notice arrives (late, out of order
or twice, as the platform documents), an exchange to come is disturbed. What is required of the service, after every step:

1. **It believes nothing that is not so.** From what it believes, the lifecycle leads to where the reservation stands: it may lag, but
   never be ahead or on another branch; what it believes never goes back; and when everything was told, it is up to date.
2. **Nothing is acted on twice.** No command acts twice on a reservation, and after an exchange whose outcome is not known nothing is
   sent again that could act again (without ``If-Match``) before the reservation was read, or a newer notice told what became of it.
3. **It asks nothing it could know to be refused**: no command for a reservation that it was told is over, none while its own earlier
   answer is still being carried out, none that is no step from the status it was last told.
"""

from __future__ import annotations

import sys
from collections.abc import Container
from functools import partial
from typing import ClassVar, Final, TypeAlias, cast

import attrs
from hypothesis import event, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from reservation_core.domain.lifecycle import (
    COMMAND_EDGES,
    FACT_EDGES,
    ON_HOLD,
    TERMINAL,
    State,
    Status,
)
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator import (
    InMemoryGateway,
    JournalEntry,
    ManualClock,
    Platform,
    TaskStatus,
)
from reservation_core.emulator.faults import FaultKind
from reservation_core.gateways.port import AsyncGateway, Gateway
from reservation_core.testing.faults import Fault, FaultyGateway, Rival
from reservation_core.testing.lifecycle_coverage import LifecycleCoverage, current
from reservation_core.testing.paths import EDGES, STATES, example, shortest_paths, trigger_label
from reservation_core.testing.stateful.supervision import Arrivals, Supervision

Belief: TypeAlias = Reservation | Status | None
"""What a service believes of a reservation: the reservation, its status, or nothing."""

_WRAPUP: Final = "wrapup"  # what the platform's events call wrapping
_WORKED_ON: Final = (Status.ACCEPTED, Status.WRAPPING)
_REACHABLE: Final = {(state, path.end) for state in STATES for path in shortest_paths(state)}


@attrs.frozen
class ReportedEvent:
    """What a service is told: that a reservation was made, or what became of it.

    :param event: the platform's name for it, such as ``reservation.created`` or ``reservation.wrapup``.
    :param reservation: as the notice tells it: its SIDs and its status, and no ETag; a hold is not told.
    :param version: of the reservation, which rises with everything that happens to it.
    """

    event: str
    reservation: Reservation
    version: int


def reported_event(act: JournalEntry) -> ReportedEvent | None:
    """Make the notice that the platform sends of an act; ``None`` where it sends none, for nothing it shows has changed."""
    after = act.reservation
    if act.before is None:
        name = "created"
    elif after.state == ON_HOLD or after.state == act.before:
        return None
    else:
        name = _WRAPUP if after.status is Status.WRAPPING else after.status.value
    return ReportedEvent(
        f"reservation.{name}", attrs.evolve(after, etag=None, on_hold=False), int(act.version)
    )


@attrs.frozen
class Move:
    """A step of one reservation, by its number in this life: a fact by the platform, or a command by a rival."""

    which: int
    step: str


_STEPS_A_LIFE: Final = 100
"""As many that 100 lives, hypothesis' usual number of examples, walk every edge twenty times and more."""

_WEIGHTS: Final = {ON_HOLD: 6}
_STEPS: Final = {
    state: tuple(
        trigger_label(edge)
        for edge in EDGES
        if edge.source == state
        for _ in range(_WEIGHTS.get(edge.target, 3))
    )
    for state in STATES
}
"""The steps from each state, each as often as it is wanted: what leads on hold more often, for only facts lead on from there."""

_FACTS: Final = {edge.trigger for edge in FACT_EDGES}
_COMMANDS: Final = {
    trigger_label(edge): example(edge.trigger, accept=edge.accept) for edge in COMMAND_EDGES
}


def _sid(prefix: str, number: int) -> str:
    return f"{prefix}{number:032x}"


@st.composite
def _moves(draw: st.DrawFn, steps: Container[str]) -> Move:
    """Draw a reservation that some of these steps may move now, and one of them: by number, which is quick and shrinks well."""
    lives = cast("ReservationRuns", draw(st.runner()))
    movable = list(lives.movable(steps).items())
    number, possible = movable[draw(st.integers(0, 11)) % len(movable)]
    return Move(number, possible[draw(st.integers(0, 59)) % len(possible)])


@st.composite
def _heard_of(draw: st.DrawFn) -> int:
    numbers = cast("ReservationRuns", draw(st.runner())).heard_of()
    return numbers[draw(st.integers(0, 11)) % len(numbers)]


def _can_go_on(lives: ReservationRuns) -> bool:
    return bool(lives.heard) and type(lives).work is not ReservationRuns.work


_TROUBLES: Final = (
    FaultKind.NONE,
    *(Rival.WRITES,) * 3,
    *(trouble for trouble in (*Rival, *FaultKind) if trouble not in (FaultKind.NONE, Rival.WRITES)),
)
"""What may happen to an exchange; that another writes first comes more often, for only the version shows it."""

_WORKSPACE: Final = _sid("WS", 0)
_TASK: Final = {"call_sid": _sid("CA", 0), "from": "+15005550006"}
_WORKER: Final = {"contact_uri": "client:worker"}
"""What the platform asks for before it carries out every instruction."""


class ReservationRuns(RuleBasedStateMachine):
    """Lives of reservations around a service; subclass it with :meth:`tell` and :meth:`ask`, and run its ``TestCase``.

    ``gateway`` is what the service commands through, sync or async as the one beneath; ``platform`` is what all happens on.
    """

    most_live: ClassVar[int] = 4
    """How many reservations may be under way at once."""

    walked: ClassVar[LifecycleCoverage]
    """The edges that all lives of this class have walked so far, and how often; ``walked.report()`` prints them."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.walked = LifecycleCoverage()
        usual = cls.TestCase.settings
        cls.TestCase.settings = settings(
            usual, stateful_step_count=max(_STEPS_A_LIFE, usual.stateful_step_count)
        )

    def __init__(self) -> None:
        super().__init__()
        self.platform: Final = self.arrange()
        self._life: Final = LifecycleCoverage()
        arrivals = Arrivals(
            self.connect(self.platform), partial(self._life.answered, self.platform)
        )
        self._network: Final = FaultyGateway(arrivals, platform=self.platform)
        self.gateway: Final = Supervision(self._network, arrivals, self._name)
        self.heard: Final[list[ReportedEvent]] = []
        self._sids: Final[list[str]] = []
        self._now: Final[dict[str, Reservation]] = {}  # as the platform holds them
        self._ahead: Final[list[ReportedEvent]] = []  # notices that have not arrived yet
        self._beliefs: Final[dict[str, State]] = {}
        self._tasks = 0
        self._watching: Final = (
            self.platform.subscribe(self._happened),
            self._life.observe(self.platform),
        )

    # --- what a subclass says --------------------------------------------------------------------------------------------------------

    def tell(self, notice: ReportedEvent) -> None:
        """Tell my service what happened. What it raises fails the test."""
        raise NotImplementedError(
            f"{type(self).__name__} must say how the service is told: define tell(self, notice)"
        )

    def ask(self, sid: str) -> Belief:
        """Ask my service what it believes of a reservation; ``None`` when it knows nothing of it, or has let go of it since it ended."""
        raise NotImplementedError(
            f"{type(self).__name__} must say what the service believes: define ask(self, sid)"
        )

    def work(self, sid: str) -> None:
        """Let my service do what it does by itself with a reservation it was told of: a click, a timer. Nothing, unless defined."""

    def arrange(self) -> Platform:
        """Give the platform of one life, empty; one in memory unless defined otherwise."""
        return Platform(ManualClock())

    def connect(self, platform: Platform) -> Gateway | AsyncGateway:
        """Give the gateway to it, over which the network fails; in memory unless defined otherwise."""
        return InMemoryGateway(platform)

    # --- what happens ----------------------------------------------------------------------------------------------------------------

    @property
    def live(self) -> list[int]:
        """Give the numbers of the reservations that are not over."""
        return [
            number for number, sid in enumerate(self._sids) if self._now[sid].status not in TERMINAL
        ]

    def movable(self, steps: Container[str]) -> dict[int, list[str]]:
        """Give the reservations that some of these steps may move now, by their numbers, with those steps."""
        states = ((number, self._now[self._sids[number]].state) for number in self.live)
        possible = (
            (number, [step for step in _STEPS[state] if step in steps]) for number, state in states
        )
        return {number: found for number, found in possible if found}

    @initialize(tasks=st.integers(1, 4))
    def begin(self, tasks: int) -> None:
        """Reserve a worker for each of some tasks."""
        self.platform.add_worker(
            _WORKSPACE, sid=_sid("WK", 0), attributes=_WORKER
        )  # whom a rival lets supervise
        for _ in range(tasks):
            self.reserve(promptly=False)

    @precondition(lambda self: len(self.live) < self.most_live)
    @rule(promptly=st.booleans())
    def reserve(self, promptly: bool) -> None:
        """Reserve a worker for a new task; ``promptly`` tells the service at once."""
        self._tasks += 1
        self.platform.add_task(_WORKSPACE, sid=_sid("WT", self._tasks), attributes=_TASK)
        self._reserve(promptly)

    @precondition(lambda self: len(self.live) < self.most_live and self._is_open())
    @rule(promptly=st.booleans())
    def reserve_another(self, promptly: bool) -> None:
        """Reserve another worker for the last task, which nobody works on yet; ``promptly`` tells the service at once."""
        self._reserve(promptly)

    def _is_open(self) -> bool:
        task = self.platform.task(_sid("WT", self._tasks))
        siblings = (held for held in self._now.values() if held.task_sid == task.sid)
        return task.status in (TaskStatus.PENDING, TaskStatus.RESERVED) and not any(
            held.status in _WORKED_ON for held in siblings
        )

    def _reserve(self, promptly: bool) -> None:
        number = len(self._sids)
        self._sids.append(_sid("WR", number))
        worker = self.platform.add_worker(
            _WORKSPACE, sid=_sid("WK", number + 1), attributes=_WORKER
        )
        self.platform.reserve(_sid("WT", self._tasks), worker.sid, sid=self._sids[number])
        if promptly:
            self._tell(self._ahead.pop())

    @precondition(lambda self: self.live)
    @rule(move=_moves(_FACTS))
    def happen(self, move: Move) -> None:
        """Let the platform report a fact."""
        self.platform.set_status(self._sids[move.which], Status(move.step))
        self.check()

    @precondition(lambda self: self.movable(_COMMANDS))
    @rule(move=_moves(_COMMANDS))
    def meddle(self, move: Move) -> None:
        """Let a rival's command be carried out: another client's, a worker's click."""
        self.platform.execute(self._sids[move.which], _COMMANDS[move.step], by="rival")
        self.check()

    @precondition(lambda self: self._ahead)
    @rule(early=st.integers(0, 3), again=st.integers(0, 3))
    def arrive(self, early: int, again: int) -> None:
        """Let a notice arrive: the next one, or one that overtakes so many; and let that many arrive again, the latest first."""
        self._tell(self._ahead.pop(min(early, len(self._ahead) - 1)))
        for notice in self.heard[: -again - 1 : -1]:
            self._tell(notice)

    @precondition(_can_go_on)
    @rule(which=_heard_of())
    def go_on(self, which: int) -> None:
        """Let the service do what it does by itself."""
        self.work(self._sids[which])
        self.check()

    @precondition(lambda self: len(self._network.plan.pending) < 4)
    @rule(by=st.lists(st.sampled_from(_TROUBLES), min_size=1, max_size=5), late=st.integers(1, 3))
    def disturb(self, by: list[FaultKind | Rival], late: int) -> None:
        """Let exchanges to come go wrong, or rivals be there first: one trouble an exchange, of which none is one."""
        self._network.plan.add(
            *(
                Fault(each, late=late) if isinstance(each, FaultKind) else Fault(rival=each)
                for each in by
            )
        )

    def heard_of(self) -> list[int]:
        """Give the numbers of the reservations that the service was told of."""
        return sorted({self._sids.index(str(notice.reservation.sid)) for notice in self.heard})

    def _name(self, sid: str) -> str:
        return f"reservation {self._sids.index(sid)}"

    def _tell(self, notice: ReportedEvent) -> None:
        note(f"  # notice: {notice.event} of {self._sids.index(str(notice.reservation.sid))}")
        self.heard.append(notice)
        self.gateway.learn(notice.reservation)
        self.tell(notice)
        self.check()

    def _happened(self, act: JournalEntry) -> None:
        self._now[act.sid] = act.reservation
        if act.before is not None:
            note(
                f"  # {self._sids.index(act.sid)} was {act.before}: {act.trigger} by {act.by}, now {act.reservation.state}"
            )
        if (notice := reported_event(act)) is not None:
            self._ahead.append(notice)

    # --- what is required ------------------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Require rules 1 to 3; it is done after every step, and a rule of your own may do it too."""
        if self.gateway.wrongs:
            raise AssertionError("; ".join(self.gateway.wrongs))
        for number, sid in enumerate(self._sids):
            belief, before = _state(self.ask(sid)), self._beliefs.get(sid)
            now = self._now[sid].state
            if belief is None:
                if before is not None and before not in TERMINAL:
                    raise AssertionError(
                        f"the service has forgotten reservation {number}, which it believed to be {before}"
                    )
                continue
            if (belief, now) not in _REACHABLE:
                raise AssertionError(
                    f"the service believes reservation {number} to be {belief}, and it is {now}"
                )
            if before is not None and (before, belief) not in _REACHABLE:
                raise AssertionError(
                    f"the service believed reservation {number} to be {before}, and has gone back to {belief}"
                )
            self._beliefs[sid] = belief

    def it_is_up_to_date(self) -> None:
        """When everything has been told, in order, the service believes what the platform says, or has let go of what is over."""
        self.check()
        self._network.plan.clear()
        self._network.settle()
        while self._ahead:
            self._tell(self._ahead.pop(0))
        for number, sid in enumerate(self._sids):
            belief, now = self.ask(sid), self._now[sid].status
            status = belief.status if isinstance(belief, Reservation) else belief
            if status is not now and not (belief is None and now in TERMINAL):
                raise AssertionError(
                    f"everything was told, and the service believes reservation {number} to be {status}, not {now}"
                )

    def teardown(self) -> None:
        """End the life: unless it failed already, tell what is left, and see whether the service is up to date."""
        try:
            if sys.exc_info()[0] is None:
                self.it_is_up_to_date()
        finally:
            for end in self._watching:
                end()
            for walked in filter(None, (type(self).walked, current())):
                walked.add(self._life)
            for name in self._life.edges:
                event(name)


def _state(belief: Belief) -> State | None:
    return belief.state if isinstance(belief, Reservation) else belief
