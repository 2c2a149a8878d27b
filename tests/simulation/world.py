"""Nodes, their store, the platform and the time of one run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Hashable, Sequence
from datetime import datetime, timedelta
from types import coroutine
from typing import Any, Final, ParamSpec, TypeAlias, TypeVar

import attrs
import pytest

from reservation_core import (
    Command,
    GatewayError,
    Reply,
    Request,
    Reservation,
    ReservationError,
    Status,
)
from reservation_core.book import AsyncBook, Store
from reservation_core.book.stores.adapters import InlineStore
from reservation_core.emulator import (
    InMemoryGateway,
    ManualClock,
    Platform,
    Settings,
    StateConflict,
)
from reservation_core.webhooks import Event
from tests.book.scenario import NOON, event_of, pending, sid
from tests.simulation.choices import Chooser

P = ParamSpec("P")
T = TypeVar("T")

WR: Final = sid("WR", 0)
LEASE: Final = 120.0
"""Lease and minimum age of the sweeps, in seconds."""
JUMP: Final = 121.0
"""Seconds by which the time jumps: a lease ends meanwhile."""

Program: TypeAlias = Callable[["World", AsyncBook], Coroutine[Any, Any, object]]
Gate: TypeAlias = tuple[str, tuple[str, ...]]
"""The next step of a program, and its possible results. All but the first are faults."""


@attrs.define(eq=False)
class Task:
    """A program that runs on a node.

    :param result: the error or the value with which it ended.
    :param seen: hash of everything it has seen so far. Its next steps depend on nothing else.
    """

    name: str
    node: int
    running: Coroutine[Any, Any, object]
    gate: Gate | None = ("begin", ("",))
    result: object = None
    has_crashed: bool = False
    seen: int = 0
    tokens: int = 0


@attrs.frozen(kw_only=True)
class Budget:
    """Number of times that something may happen in one run."""

    crashes: int = 0
    faults: int = 0
    jumps: int = 0

    def spend(self, name: str) -> Budget:
        """Return what is left."""
        return attrs.evolve(self, **{name: getattr(self, name) - 1})


@attrs.frozen(kw_only=True)
class Scenario:
    """Programs of the nodes, and limits of what goes wrong.

    :param programs: a node and a program each. Node -1 stands for the world outside.
    :param offsets: seconds by which the clock of each node is ahead.
    :param has_etag: true if the book knows the version of the reservation.
    """

    name: str
    programs: Sequence[tuple[int, str, Program]]
    budget: Budget
    offsets: Sequence[float] = (0.0, 0.0, 0.0)
    has_etag: bool = True


@coroutine
def at_gate(label: str, *outcomes: str) -> Generator[Gate, str, str]:
    """Wait until the scheduler continues, and return the outcome."""
    return (yield label, outcomes or ("",))


class GatedStore(InlineStore):
    """Store whose calls wait at a gate. Each call is atomic, as those of every store."""

    def __init__(self, world: World, store: Store) -> None:
        super().__init__(store)
        self._world = world

    async def _call(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        name = method.__name__
        if self._world.is_running:
            await at_gate(name)
        result = method(*args, **kwargs)
        self._world.note_call(name, args, kwargs, result)
        return result


class GatedGateway:
    """Gateway whose requests and replies may be lost or late."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def asend(self, request: Request) -> Reply:
        """Send a request."""
        is_command = request.method == "POST"
        way = ("arrives", "is lost", "is late") if is_command else ("arrives", "is lost")
        outcome = await at_gate(request.method, *way)
        if outcome != "arrives":
            if outcome == "is late":
                self._world.late.append(request)
            raise self._world.lost(outcome)
        reply = self._world.gateway.send(request)
        self._world.note_platform()
        if await at_gate(f"{request.method} reply", "arrives", "is lost") != "arrives":
            raise self._world.lost("reply is lost")
        self._world.observe(reply)
        return reply


class World:
    """One run of a scenario.

    :param store: an empty store.
    """

    def __init__(self, scenario: Scenario, chooser: Chooser, store: Store) -> None:
        self.scenario, self.store = scenario, store
        self.chooser = chooser
        self.clock = ManualClock(NOON)
        self.platform = Platform(
            self.clock, settings=Settings(reservation_timeout=86_400, delete_after=1e9)
        )
        self.gateway = InMemoryGateway(self.platform)
        self.late: list[Request] = []
        self.events: list[Event] = []
        self.steps: list[str] = []
        self.calls: list[tuple[str, tuple[object, ...], dict[str, object], object]] = []
        self.budget = scenario.budget
        self.was_deleted = False
        self._current: Task | None = None
        self._store_state: Hashable = None
        self._platform_state: Hashable = None
        self.platform.add(pending(0))
        self._report()
        book = AsyncBook(GatedStore(self, store), clock=self.clock.now)
        run_to_end(book.record_all(self.events))
        if scenario.has_etag:
            run_to_end(book.record_all([self.reservation]))
        self.note_platform()
        self.note_store()
        self.tasks = [
            Task(name, node, program(self, self.open_node(node)))
            for node, name, program in scenario.programs
        ]

    @property
    def is_running(self) -> bool:
        """True while a task takes a step."""
        return self._current is not None

    # --- for programs ----------------------------------------------------------------------------

    @property
    def reservation(self) -> Reservation:
        """The reservation on the platform."""
        return self.platform.get(WR)

    def open_node(self, node: int) -> AsyncBook:
        """Open the book on a node."""
        offset = timedelta(seconds=self.scenario.offsets[node])

        async def do_not_wait(_: float) -> None:
            """Time passes by jumps."""

        def read_clock() -> datetime:
            now = self.clock.now() + offset
            self.observe(now)
            return now

        return AsyncBook(GatedStore(self, self.store), clock=read_clock, sleep=do_not_wait)

    def apply(self, change: Status | Command) -> None:
        """Change the reservation as a concurrent writer, if it is possible."""
        try:
            if isinstance(change, Status):
                self.platform.set_status(WR, change)
            else:
                self.platform.execute(WR, change)
        except StateConflict:
            return
        self._report()
        self.note_platform()

    def _report(self) -> None:
        self.events.append(event_of(self.reservation, self.clock.now(), versions=True))

    def lost(self, what: str) -> GatewayError:
        """Note a fault, and return its error."""
        self.observe(what)
        return GatewayError("no whole reply")

    def observe(self, seen: object) -> None:
        """Note what the running task sees."""
        assert self._current is not None
        self._current.seen = hash((self._current.seen, repr(seen)))

    def note_call(
        self, name: str, args: tuple[object, ...], kwargs: dict[str, object], result: object
    ) -> None:
        """Note a call of the store."""
        self.calls.append((name, args, kwargs, result))
        if self.is_running:
            self.observe(result)
        if name in ("write", "claim", "delete", "purge"):
            self.note_store()

    def note_store(self) -> None:
        """Note what the store holds."""
        found = self.store.look_up([WR], []).entries.get(WR)
        entry = None if found is None else (found, found.intent)
        claims = getattr(self.store, "_claims", None)
        self._store_state = hash((repr(entry), repr(self.store.history(WR)), repr(claims)))

    def note_platform(self) -> None:
        """Note the state of the platform."""
        now = self.reservation
        self._platform_state = (now.state, now.etag, tuple(self.actions.items()), len(self.events))

    @property
    def actions(self) -> Counter[str]:
        """Number of times that each command acted."""
        journal = self.platform.journal
        return Counter(each.trigger for each in journal if each.by == "client")

    def new_token(self) -> FixedToken:
        """Return a token that depends on the task only."""
        assert self._current is not None
        self._current.tokens += 1
        return FixedToken(f"{self._current.name} {self._current.tokens}")

    # --- scheduling ------------------------------------------------------------------------------

    @property
    def state(self) -> Hashable:
        """Everything on which the rest of the run depends."""
        return (
            self._store_state,
            self._platform_state,
            self.clock.now(),
            self.budget,
            tuple(repr(request) for request in self.late),
            tuple(
                (task.seen, task.gate, task.has_crashed, task.tokens, repr(task.result))
                for task in self.tasks
            ),
        )

    def possible_steps(self) -> list[tuple[str, Callable[[], None]]]:
        """Return what can happen next. The first one continues without a fault."""
        going_on: list[tuple[str, Callable[[], None]]] = []
        faults: list[tuple[str, Callable[[], None]]] = []
        waiting = [task for task in self.tasks if task.gate is not None]
        for task in waiting:
            assert task.gate is not None
            label, (usual, *others) = task.gate
            going_on.append((f"{task.name}: {label} {usual}".rstrip(), self._advance(task, usual)))
            if self.budget.faults:
                faults += (
                    (f"{task.name}: {label} {other}", self._advance(task, other, "faults"))
                    for other in others
                )
        if self.budget.crashes:
            nodes = sorted({task.node for task in waiting if task.node >= 0})
            faults += ((f"node {node} crashes", self._crash(node)) for node in nodes)
        if self.budget.jumps and waiting:
            faults.append((f"{JUMP:.0f} seconds pass", self._jump))
        if waiting:
            going_on += ((f"late {each.method} arrives", self._arrive(each)) for each in self.late)
        return going_on + faults

    def _advance(self, task: Task, outcome: str, costs: str = "") -> Callable[[], None]:
        def advance() -> None:
            if costs:
                self.budget = self.budget.spend(costs)
            self._current = task
            try:
                task.gate = task.running.send(None if task.gate == ("begin", ("",)) else outcome)
            except StopIteration as end:
                task.gate, task.result = None, end.value
            except ReservationError as error:
                task.gate, task.result = None, error
            self._current = None

        return advance

    def _crash(self, node: int) -> Callable[[], None]:
        def crash() -> None:
            self.budget = self.budget.spend("crashes")
            for task in self.tasks:
                if task.node == node and task.gate is not None:
                    task.running.close()
                    task.gate, task.has_crashed = None, True

        return crash

    def _jump(self) -> None:
        self.budget = self.budget.spend("jumps")
        self.clock.advance(JUMP)

    def _arrive(self, request: Request) -> Callable[[], None]:
        def arrive() -> None:
            self.late.remove(request)
            self.gateway.send(request)
            self.note_platform()

        return arrive

    def run(self, check: Callable[[World], None]) -> None:
        """Run to the end, and check after each step.

        :raises SeenBefore: if nothing new can follow.
        """
        try:
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr("reservation_core.book.transactions.uuid4", self.new_token)
                while steps := self.possible_steps():
                    number = self.chooser.choose(len(steps), lambda: self.state)
                    self.steps.append(steps[number][0])
                    steps[number][1]()
                    check(self)
        finally:
            for task in self.tasks:
                task.running.close()


@attrs.frozen
class FixedToken:
    """Stands for a UUID."""

    hex: str


def run_to_end(running: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that does not wait."""
    try:
        running.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("it waits")
