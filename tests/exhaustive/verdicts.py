"""Judgement of a verdict by every world that looks the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from reservation_core import (
    Indistinguishable,
    LostRace,
    NotSent,
    OutcomeUnknown,
    Refused,
    Request,
    Reservation,
    ServerFailed,
)
from tests.exhaustive.platform import World, can_still_act, own_statuses

if TYPE_CHECKING:
    from tests.exhaustive.cases import Case

COULD_SAY_MORE: Final = "could say more"


class Finding(NamedTuple):
    """One kind of wrong verdict, with a scenario."""

    kind: str
    case: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        """Return the scenario as a person reads it."""
        return "\n".join([self.kind, f"  {self.case}", *(f"    {line}" for line in self.lines)])


def judge(
    case: Case,
    verdict: Request | Reservation | Exception | None,
    worlds: Mapping[World, object],
    note: str = "",
) -> Iterator[tuple[str, World]]:
    """Yield each problem of a verdict, with a world that shows it.

    :param verdict: ``None`` for a run that the bound cut.
    :param worlds: all worlds that look the same to the client.
    """
    name = f"{case.command.trigger}{' (accepting)' if case.command.is_accepting else ''}"
    about = f"{type(verdict).__name__} of {name}, {_shown(verdict)}{note and f' {note}'}"
    if (twice := _first(worlds, lambda world: world.acted > 1)) is not None:
        yield f"{name} acts twice", twice
    if verdict is not None:
        for problem, world in _problems(case, verdict, worlds):
            yield f"{problem}: {about}", world


def _problems(
    case: Case, verdict: object, worlds: Mapping[World, object]
) -> Iterator[tuple[str, World]]:
    match verdict:
        case Reservation():
            if (idle := _first(worlds, lambda world: world.acted == 0)) is not None:
                yield "done, but it did not act", idle
        case OutcomeUnknown():
            yield from _problems_of_unknown(case, verdict, worlds)
        case Refused() | NotSent() if not isinstance(verdict, ServerFailed):
            if (acted := _first(worlds, lambda world: world.acted > 0)) is not None:
                yield "not done, but it acted", acted
            late = _first(worlds, lambda world: can_still_act(world, case.order))
            if late is not None:
                yield "not done, but it may still act", late
        case _:
            yield "no verdict", next(iter(worlds))


def _problems_of_unknown(
    case: Case, verdict: OutcomeUnknown, worlds: Mapping[World, object]
) -> Iterator[tuple[str, World]]:
    some = next(iter(worlds))
    if all(world.acted for world in worlds):
        yield f"{COULD_SAY_MORE}, it acted", some
    elif not any(world.acted or can_still_act(world, case.order) for world in worlds):
        yield f"{COULD_SAY_MORE}, it did not act", some
    if isinstance(verdict, Indistinguishable):
        now = verdict.reservation
        if now is None or now.status not in own_statuses(case.order):
            yield "the effect is not shown", some


def _first(worlds: Mapping[World, object], test: Callable[[World], bool]) -> World | None:
    return next(filter(test, worlds), None)


def _shown(verdict: object) -> str:
    now = None
    if isinstance(verdict, OutcomeUnknown):
        now = verdict.last_known
    elif isinstance(verdict, LostRace):
        now = verdict.reservation
    elif isinstance(verdict, Reservation):
        now = verdict
    http = f"{verdict.http_status}, " if isinstance(verdict, Refused) else ""
    return f"{http}shown {'nothing' if now is None else now.state}"
