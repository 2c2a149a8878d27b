"""Coverage of the lifecycle: edges a test suite walked, refusals it met.

1. An edge is walked when it happens on an observed platform. The service's own steps, which it
   commands itself, are counted apart from those of others: the platform, a concurrent writer, the
   emulator's page. A command's edge is covered by the service, a fact's edge by the others. An
   accept by a concurrent writer shows the service the fact ``accepted``, and counts as such.
   Edges of orchestrated tasks are counted, but are not required.
2. A refusal is met when the library refuses to prepare a command, or an observed platform answers
   400 to it, because the lifecycle does not allow the command in that state.
3. Required are the refusals that a good service meets: it sends a command that was allowed when it
   last looked, and the reservation has moved on since. No such move makes an accepted reservation
   pending, so ``wrap-while-pending`` is not required. It is listed if it is met.
4. While :meth:`LifecycleCoverage.recording` is open, the library's refusals are counted in every
   thread. The kit's fixtures and generated runs find the coverage by :func:`current_coverage`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from reservation_core.domain.commands.base import Command
from reservation_core.domain.decisions import Decision, decide, find_allowed_triggers
from reservation_core.domain.errors import InvalidCommand
from reservation_core.domain.lifecycle import COMMAND_EDGES, EDGES, FACT_EDGES
from reservation_core.domain.refusals import listen_to_refusals
from reservation_core.emulator import JournalEntry, Platform
from reservation_core.emulator.callbacks.responses import CALLBACK_ACTOR
from reservation_core.rest.messages import Reply, Request
from reservation_core.testing.paths import (
    STATES,
    RefusedCommand,
    refused_commands,
    shortest_paths,
    trigger_label,
    walkable_edges,
)
from reservation_core.testing.wrapping import find_sid

_CURRENT: ContextVar[LifecycleCoverage | None] = ContextVar(
    "reservation_core.testing.lifecycle_coverage", default=None
)

OWN_ACTORS: Final = frozenset({"client", CALLBACK_ACTOR})
"""Authors of a service's own steps: its requests, and its answers to assignment callbacks."""

_NAMES: Final = {
    (edge.trigger, edge.source, edge.target): (
        f"{edge.source} --{trigger_label(edge)}--> {edge.target}"
    )
    for edge in EDGES
}
_NAME_OF: Final = dict(zip(EDGES, _NAMES.values(), strict=True))

EDGE_NAMES: Final = tuple(_NAME_OF[edge] for edge in walkable_edges())
"""Name of each edge that a suite should walk, in the lifecycle's order."""

_OPTIONAL_NAMES: Final = tuple(name for name in _NAMES.values() if name not in EDGE_NAMES)

OWN_EDGE_NAMES: Final = tuple(_NAME_OF[edge] for edge in walkable_edges() if edge in COMMAND_EDGES)
"""Names of the edges that a service walks itself."""

_SHOWN_BY: Final = {
    _NAME_OF[fact]: tuple(
        _NAME_OF[edge] for edge in EDGES if (edge.source, edge.target) == (fact.source, fact.target)
    )
    for fact in FACT_EDGES
}  # the edges of others that look like a fact to the service

REFUSAL_NAMES: Final = tuple(map(str, refused_commands()))
"""Name of each refusal in a report."""


def _can_be_met(refused: RefusedCommand) -> bool:
    """Return true if the state follows one that allowed the command."""
    return any(
        refused.state in {path.end for path in shortest_paths(state)}
        for state in STATES
        if refused.trigger in find_allowed_triggers(state)
    )


REQUIRED_REFUSAL_NAMES: Final = tuple(str(each) for each in refused_commands() if _can_be_met(each))
"""Names of the refusals that a good service meets."""


def current_coverage() -> LifecycleCoverage | None:
    """Return the coverage being recorded, or ``None``."""
    return _CURRENT.get()


class LifecycleCoverage:
    """Counts of walked edges and met refusals, by name.

    :param own: edges that the service walked.
    :param others: edges that others walked.
    :param refusals: refusals that were met.
    """

    def __init__(
        self,
        own: Mapping[str, int] | None = None,
        others: Mapping[str, int] | None = None,
        refusals: Mapping[str, int] | None = None,
    ) -> None:
        self.own: Final = Counter(own or {})
        self.others: Final = Counter(others or {})
        self.refusals: Final = Counter(refusals or {})

    @property
    def edges(self) -> Counter[str]:
        """Edges that anyone walked."""
        return self.own + self.others

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
            (self.own if entry.by in OWN_ACTORS else self.others)[name] += 1

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
        self.own.update(other.own)
        self.others.update(other.others)
        self.refusals.update(other.refusals)

    @property
    def percent(self) -> float:
        """Percentage covered: the least of own edges, facts and refusals."""
        missing = (self.missing_own_edges, self.missing_facts, self.missing_refusals)
        required = (OWN_EDGE_NAMES, _SHOWN_BY, REQUIRED_REFUSAL_NAMES)
        return 100.0 * min(
            1 - len(left) / len(whole) for left, whole in zip(missing, required, strict=True)
        )

    @property
    def missing_own_edges(self) -> tuple[str, ...]:
        """Commands' edges that the service did not walk, in the lifecycle's order."""
        return tuple(name for name in OWN_EDGE_NAMES if not self.own[name])

    @property
    def missing_facts(self) -> tuple[str, ...]:
        """Facts' edges that others did not walk, in the lifecycle's order."""
        return tuple(
            name
            for name, alike in _SHOWN_BY.items()
            if not any(self.others[each] for each in alike)
        )

    @property
    def missing_refusals(self) -> tuple[str, ...]:
        """Required refusals that were not met, in the lifecycle's order."""
        return tuple(name for name in REQUIRED_REFUSAL_NAMES if not self.refusals[name])

    def report(self) -> str:
        """Return a table of the walked edges and the missing refusals."""
        avoidable = [name for name in REFUSAL_NAMES if name not in REQUIRED_REFUSAL_NAMES]
        return "\n".join(
            [
                _covered("edges walked by the service", self.missing_own_edges, OWN_EDGE_NAMES),
                _covered("facts reported by others", self.missing_facts, _SHOWN_BY),
                "  service   others",
                *(
                    f"  {self.own[name]:>7,}  {self.others[name]:>7,}  {name}"
                    for name in (*EDGE_NAMES, *_OPTIONAL_NAMES)
                    if name in EDGE_NAMES or self.edges[name]
                ),
                _covered("refusals met", self.missing_refusals, REQUIRED_REFUSAL_NAMES),
                *(f"  not met  {name}" for name in self.missing_refusals),
                *(
                    f"  {self.refusals[name]:>7,}  {name} (not required)"
                    for name in avoidable
                    if self.refusals[name]
                ),
            ]
        )


def _covered(title: str, missing: Collection[str], required: Collection[str]) -> str:
    return f"{title:<28} {len(required) - len(missing):>3} of {len(required)}"
