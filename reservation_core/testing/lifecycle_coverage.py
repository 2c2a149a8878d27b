"""Which edges of the lifecycle a suite walked, and which refusals it met: coverage of the lifecycle, in two numbers.

Its rules:

1. **An edge is walked when it happens on a platform that is observed**, whoever caused it: the service, a rival, the platform.
2. **A refusal is met when the library refuses to prepare a command, or an observed platform answers 400 to it**, because the command
   is no step from that state.
3. Nothing of this is known to the core: while :meth:`LifecycleCoverage.recording` is open, it listens to
   refusals, and whatever of the kit makes a platform finds the coverage by :func:`current`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from reservation_core.domain.commands.base import Command
from reservation_core.domain.decisions import Decision, decide
from reservation_core.domain.errors import InvalidCommand
from reservation_core.domain.refusals import listen_to_refusals
from reservation_core.emulator import JournalEntry, Platform
from reservation_core.rest.addresses import parse_path
from reservation_core.rest.messages import Reply, Request
from reservation_core.testing.paths import EDGES, refused_commands, trigger_label

_CURRENT: ContextVar[LifecycleCoverage | None] = ContextVar(
    "reservation_core.testing.lifecycle_coverage", default=None
)

ALL_EDGES: Final = tuple(
    f"{edge.source} --{trigger_label(edge)}--> {edge.target}" for edge in EDGES
)
"""The name of each edge, as a report shows it."""

ALL_REFUSALS: Final = tuple(map(str, refused_commands()))

_NAMES: Final = {
    (edge.trigger, edge.source, edge.target): name
    for edge, name in zip(EDGES, ALL_EDGES, strict=True)
}


def current() -> LifecycleCoverage | None:
    """Give the coverage that is being recorded, if any is."""
    return _CURRENT.get()


class LifecycleCoverage:
    """Counts how often each edge was walked and each refusal met, by its name."""

    def __init__(
        self, edges: Mapping[str, int] | None = None, refused: Mapping[str, int] | None = None
    ) -> None:
        self.edges: Final = Counter(edges or {})
        self.refusals: Final = Counter(refused or {})

    @contextmanager
    def recording(self) -> Generator[LifecycleCoverage]:
        """Count the refusals of every thread, and be :func:`current`, until the block ends."""
        token = _CURRENT.set(self)
        stop_listening = listen_to_refusals(self.heard)
        try:
            yield self
        finally:
            stop_listening()
            _CURRENT.reset(token)

    def observe(self, platform: Platform) -> Callable[[], None]:
        """Count what happens on a platform from now on; what is returned ends it."""
        return platform.subscribe(self.happened)

    def happened(self, act: JournalEntry) -> None:
        """Count one act of a platform; a creation is no edge."""
        if act.before and (name := _NAMES.get((act.trigger, act.before, act.reservation.state))):
            self.edges[name] += 1

    def answered(self, platform: Platform, request: Request, reply: Reply) -> None:
        """Count a refusal by a platform, which changes nothing: what was asked is judged by where the reservation stands."""
        where = parse_path(request.path)
        if reply.status != 400 or request.method != "POST" or where is None:
            return
        try:
            command = Command.from_form(request.form)
            state = platform.get(str(where[1].sid)).state
        except (InvalidCommand, KeyError):
            return
        self.heard(decide(state, command.trigger, command.is_accepting))

    def heard(self, decision: Decision) -> None:
        """Count a decision, if it is a refusal."""
        if not decision.is_allowed:
            self.refusals[f"{decision.trigger}-while-{decision.state}"] += 1

    def add(self, other: LifecycleCoverage) -> None:
        """Count what another one counted: another worker's, another run's."""
        self.edges.update(other.edges)
        self.refusals.update(other.refusals)

    @property
    def percent(self) -> float:
        """How much was covered, edges or refusals, whichever is less: 100.0 only when nothing is missing."""
        return 100.0 * min(
            1 - len(self.missing_edges) / len(ALL_EDGES),
            1 - len(self.missing_refusals) / len(ALL_REFUSALS),
        )

    @property
    def missing_edges(self) -> tuple[str, ...]:
        """The edges nobody walked, in the tables' order."""
        return tuple(name for name in ALL_EDGES if not self.edges[name])

    @property
    def missing_refusals(self) -> tuple[str, ...]:
        """The refusals nobody met, in the tables' order."""
        return tuple(name for name in ALL_REFUSALS if not self.refusals[name])

    def report(self) -> str:
        """Say how often each edge was walked, and which refusals were not met."""
        walked, met = (
            len(ALL_EDGES) - len(self.missing_edges),
            len(ALL_REFUSALS) - len(self.missing_refusals),
        )
        lines = [f"edges walked   {walked:>3} of {len(ALL_EDGES)}"]
        lines += [f"  {self.edges[name]:>7,}  {name}" for name in ALL_EDGES]
        lines += [
            f"refusals met   {met:>3} of {len(ALL_REFUSALS)}",
            *(f"  not met  {name}" for name in self.missing_refusals),
        ]
        return "\n".join(lines)
