"""Coverage of the lifecycle: edges a test suite walked, refusals it met.

1. An edge is walked when it happens on an observed platform, whether the service, a rival or the
   platform caused it.
   Edges of orchestrated tasks are counted, but are not required.
2. A refusal is met when the library refuses to prepare a command, or an observed platform answers
   400 to it, because the lifecycle does not allow the command in that state.
3. While :meth:`LifecycleCoverage.recording` is open, the library's refusals are counted in every
   thread. The kit's fixtures and generated runs find the coverage by :func:`current_coverage`.
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
from reservation_core.domain.lifecycle import EDGES
from reservation_core.domain.refusals import listen_to_refusals
from reservation_core.emulator import JournalEntry, Platform
from reservation_core.rest.messages import Reply, Request
from reservation_core.testing.paths import refused_commands, trigger_label, walkable_edges
from reservation_core.testing.wrapping import find_sid

_CURRENT: ContextVar[LifecycleCoverage | None] = ContextVar(
    "reservation_core.testing.lifecycle_coverage", default=None
)

_NAMES: Final = {
    (edge.trigger, edge.source, edge.target): (
        f"{edge.source} --{trigger_label(edge)}--> {edge.target}"
    )
    for edge in EDGES
}

EDGE_NAMES: Final = tuple(
    _NAMES[edge.trigger, edge.source, edge.target] for edge in walkable_edges()
)
"""Name of each edge that a suite should walk, in the lifecycle's order."""

_OPTIONAL_NAMES: Final = tuple(name for name in _NAMES.values() if name not in EDGE_NAMES)

REFUSAL_NAMES: Final = tuple(map(str, refused_commands()))
"""Name of each refusal in a report."""


def current_coverage() -> LifecycleCoverage | None:
    """Return the coverage being recorded, or ``None``."""
    return _CURRENT.get()


class LifecycleCoverage:
    """Counts of walked edges and met refusals, by name."""

    def __init__(
        self, edges: Mapping[str, int] | None = None, refusals: Mapping[str, int] | None = None
    ) -> None:
        self.edges: Final = Counter(edges or {})
        self.refusals: Final = Counter(refusals or {})

    @contextmanager
    def recording(self) -> Generator[LifecycleCoverage]:
        """Make this the current coverage within a block.

        The library's refusals are counted meanwhile.
        """
        token = _CURRENT.set(self)
        stop_listening = listen_to_refusals(self.count_decision)
        try:
            yield self
        finally:
            stop_listening()
            _CURRENT.reset(token)

    def observe(self, platform: Platform) -> Callable[[], None]:
        """Count the edges that are walked on a platform from now on.

        :returns: a function that stops counting.
        """
        return platform.subscribe(self.count_entry)

    def count_entry(self, entry: JournalEntry) -> None:
        """Count an entry of a platform's journal, unless it is a creation."""
        before, after = entry.before, entry.reservation.state
        if before is not None and (name := _NAMES.get((entry.trigger, before, after))):
            self.edges[name] += 1

    def count_reply(self, platform: Platform, request: Request, reply: Reply) -> None:
        """Count a platform's reply, if it is a refusal for the state."""
        if reply.status != 400 or request.method != "POST":
            return
        try:
            command = Command.from_form(request.form)
            state = platform.get(find_sid(request)).state  # a refusal changes nothing
        except (InvalidCommand, KeyError):
            return
        self.count_decision(decide(state, command.trigger, command.is_accepting))

    def count_decision(self, decision: Decision) -> None:
        """Count a decision, if it is a refusal."""
        if not decision.is_allowed:
            self.refusals[f"{decision.trigger}-while-{decision.state}"] += 1

    def update(self, other: LifecycleCoverage) -> None:
        """Add the counts of another coverage, such as another worker's."""
        self.edges.update(other.edges)
        self.refusals.update(other.refusals)

    @property
    def percent(self) -> float:
        """Percentage of edges or of refusals covered, whichever is less."""
        return 100.0 * min(
            1 - len(self.missing_edges) / len(EDGE_NAMES),
            1 - len(self.missing_refusals) / len(REFUSAL_NAMES),
        )

    @property
    def missing_edges(self) -> tuple[str, ...]:
        """Edges that were not walked, in the lifecycle's order."""
        return tuple(name for name in EDGE_NAMES if not self.edges[name])

    @property
    def missing_refusals(self) -> tuple[str, ...]:
        """Refusals that were not met, in the lifecycle's order."""
        return tuple(name for name in REFUSAL_NAMES if not self.refusals[name])

    def report(self) -> str:
        """Return a table of the walked edges and the missing refusals."""
        walked = len(EDGE_NAMES) - len(self.missing_edges)
        met = len(REFUSAL_NAMES) - len(self.missing_refusals)
        return "\n".join(
            [
                f"edges walked   {walked:>3} of {len(EDGE_NAMES)}",
                *(f"  {self.edges[name]:>7,}  {name}" for name in EDGE_NAMES),
                *(
                    f"  {self.edges[name]:>7,}  {name}"
                    for name in _OPTIONAL_NAMES
                    if name in self.edges
                ),
                f"refusals met   {met:>3} of {len(REFUSAL_NAMES)}",
                *(f"  not met  {name}" for name in self.missing_refusals),
            ]
        )
