"""Invariants of a run, after each step and at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from reservation_core import NotSent, Refused, Reservation
from reservation_core.book import AsyncBook, Ending, Entry, HistoryLine, ReportSource
from reservation_core.book.stores.adapters import InlineStore
from reservation_core.domain.decisions import follow
from reservation_core.gateways.port import AsyncGateway
from reservation_core.rest.messages import Reply, Request
from tests.simulation.scenarios import POLICY
from tests.simulation.world import WR, World, run_to_end

ENDED: Final = (Ending.DONE, Ending.NOT_DONE, Ending.UNKNOWN, Ending.DELETED)


class Broken(AssertionError):
    """An invariant does not hold. The text shows the run."""


class Checks:
    """Checks of one run."""

    def __init__(self) -> None:
        self._before: Entry | None = None

    def after_step(self, world: World) -> None:
        """Check that the entry is not behind its past or ahead."""
        entry = world.store.look_up([WR], []).entries.get(WR)
        before, self._before = self._before, entry
        for trigger, count in world.actions.items():
            performed = sum(task.name.endswith(f"performs {trigger}") for task in world.tasks)
            require(count <= performed, world, f"the {trigger} acted {count} times")
        if entry is None:
            return
        require(
            follow(entry.status, world.reservation.status) is not None,
            world,
            f"the book shows {entry.status}, and the platform {world.reservation.status}",
        )
        if before is not None and entry.revision >= before.revision:
            require(
                follow(before.status, entry.status) is not None,
                world,
                f"the entry went back from {before.status} to {entry.status}",
            )


def finish(world: World) -> None:
    """Let all that is left happen: late requests arrive, a new node recovers and reconciles."""
    steps = [*world.late]
    is_early = world.chooser.choose(2 if steps else 1, lambda: ("end", world.state)) == 1
    if is_early:
        _arrive(world, steps)
    gateway, book = _Direct(world), AsyncBook(InlineStore(world.store), clock=world.clock.now)
    for _ in range(3):
        world.clock.advance(3600)
        run_to_end(book.recover(gateway, lease=0, policy=POLICY))
        entry = run_to_end(book.get(WR))
        if entry is None or entry.intent is None:
            break
    world.steps.append("all is recovered")
    if not is_early:
        _arrive(world, steps)
    world.clock.advance(3600)
    run_to_end(book.reconcile(gateway, lease=0))
    check_end(world, run_to_end(book.get(WR)), run_to_end(book.history(WR)))


def _arrive(world: World, requests: Sequence[Request]) -> None:
    for request in requests:
        world.gateway.send(request)
        world.steps.append(f"late {request.method} arrives")


class _Direct(AsyncGateway):
    def __init__(self, world: World) -> None:
        self._gateway = world.gateway

    async def asend(self, request: Request) -> Reply:
        """Send a request without a fault."""
        return self._gateway.send(request)


def check_end(world: World, entry: Entry | None, history: Sequence[HistoryLine]) -> None:
    """Check that no intent was lost or doubled."""
    actions, counts = world.actions, Counter[tuple[str, str]]()
    for line in history:
        if line.source is ReportSource.COMMAND:
            counts[line.type, str(line.outcome)] += 1
    for trigger in {type_ for type_, _ in counts}:
        intended = counts[trigger, Ending.INTENDED]
        ended = sum(counts[trigger, each] for each in ENDED)
        require(intended == ended, world, f"{intended} {trigger} intended, {ended} ended")
        done, unknown = counts[trigger, Ending.DONE], counts[trigger, Ending.UNKNOWN]
        acted = actions[trigger]
        require(
            done <= acted <= done + unknown,
            world,
            f"the {trigger} is done {done} times, unknown {unknown} times, and acted {acted} times",
        )
    for task in world.tasks:
        _, is_performer, trigger = task.name.partition(" performs ")
        if is_performer and isinstance(task.result, Reservation):
            require(bool(actions[trigger]), world, f"{task.name}: a reservation, but did not act")
        if is_performer and isinstance(task.result, Refused | NotSent):
            name = type(task.result).__name__
            require(not actions[trigger], world, f"{task.name}: {name}, but it acted")
    if entry is not None:
        require(entry.intent is None, world, "an intent is open")
        require(
            entry.status is world.reservation.status,
            world,
            f"the book ends in {entry.status}, and the platform in {world.reservation.status}",
        )
        require(entry.doubt is None, world, f"the book is in doubt: {entry.doubt}")


def require(holds: bool, world: World, broken: str) -> None:
    """Raise the run as a text if something does not hold."""
    if not holds:
        steps = "\n".join(f"  {number:>3}  {step}" for number, step in enumerate(world.steps, 1))
        raise Broken(f"{world.scenario.name}: {broken}\n{steps}")
