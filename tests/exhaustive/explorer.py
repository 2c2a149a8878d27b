"""Exploration of one case: every run within a bound.

The client is a function of what it received. So the runs are explored by what was received: each
*node* is a sequence of answers, and holds every world that the client may be in after it, each with
the number of runs that lead to it. Worlds that were reached before are not explored again.

A verdict is judged by all worlds of its node: they are what a reader cannot tell apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final, Literal, NamedTuple

import attrs

from reservation_core import GatewayError, Reply, Request, Reservation, ReservationError
from reservation_core.delivery.engine import Pause, deliver
from reservation_core.delivery.observer import NO_OBSERVER
from tests.exhaustive.cases import Case
from tests.exhaustive.network import (
    NO_ANSWER,
    SPELLINGS,
    Answer,
    Outcome,
    Received,
    as_seen,
    between,
    fetches,
    posts,
    reply_of,
)
from tests.exhaustive.platform import Order, Others, World
from tests.exhaustive.verdicts import COULD_SAY_MORE, Finding, judge

_MOST_VERSION: Final = 30


class Trail(NamedTuple):
    """Lines of the scenario of a world, last one first."""

    before: Trail | None
    exchange: str
    line: str

    def lines(self) -> list[str]:
        """Return the lines in order."""
        found: list[str] = []
        place: Trail | None = self
        while place is not None:
            *earlier, last = place.line.split("\n")
            found.append(f"{place.exchange}: {last}")
            found += earlier[::-1]
            place = place.before
        return found[::-1]


class Reached(NamedTuple):
    """Number of runs that reach a world, and the first of them.

    :param is_bounded: in each of them, others took as many steps as the bound allows in each place.
    """

    runs: int
    trail: Trail
    is_bounded: bool

    def merge(self, other: Reached) -> Reached:
        """Return both runs as one."""
        is_bounded = self.is_bounded and other.is_bounded
        return Reached(self.runs + other.runs, self.trail, is_bounded)


Belief = Mapping[World, Reached]


@attrs.define
class Totals:
    """Counts of an exploration, and what it found."""

    runs: int = 0
    cut: int = 0
    nodes: int = 0
    states: int = 0
    verdicts: dict[str, int] = attrs.Factory(dict[str, int])
    findings: dict[str, Finding] = attrs.Factory(dict[str, Finding])
    found: dict[str, int] = attrs.Factory(dict[str, int])

    def add(self, other: Totals) -> None:
        """Add the counts of another exploration."""
        self.runs += other.runs
        self.cut += other.cut
        self.nodes += other.nodes
        self.states += other.states
        for mine, theirs in ((self.verdicts, other.verdicts), (self.found, other.found)):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count
        for name, finding in other.findings.items():
            if name not in self.findings or len(finding.lines) < len(self.findings[name].lines):
                self.findings[name] = finding


class Bound(NamedTuple):
    """Bound of an exploration.

    :param depth: exchanges of a delivery.
    :param moves: steps of others between two exchanges.
    :param attempts: how often a command may be sent.
    :param delayed: requests that are under way at once.
    """

    depth: int
    moves: int
    attempts: int
    delayed: int


def explore(case: Case, bound: Bound) -> Totals:
    """Explore every run of a case within a bound."""
    explorer = _Explorer(case, bound)
    belief: dict[World, Reached] = {}
    for began in explorer.began(case.world):
        belief.setdefault(
            began.world, Reached(1, Trail(None, "at first", began.line), began.is_bounded)
        )
    explorer.explore((), belief)
    return explorer.totals


@cache
def _outcomes(
    world: World,
    order: Order,
    others: Others,
    sent: int | Literal["fetch"] | None,
    moves: int,
    delayed: int,
    is_respelled: bool,
    is_repeated: bool,
) -> tuple[Outcome, ...]:
    """Return the outcomes of an exchange, with what happens before it.

    :param sent: the version with which our command is sent, or that it is a fetch.
    :param is_respelled: a proxy may spell an ETag otherwise.
    :param is_repeated: a proxy may repeat a command.
    """
    found: dict[tuple[Received, World], Outcome] = {}
    for moved in between(world, order, others, moves):
        if sent == "fetch":
            outcomes = fetches(moved.world, is_respelled=is_respelled)
        else:
            outcomes = posts(moved.world, order, sent, delayed, is_repeated=is_repeated)
        for answer, after, line, _ in outcomes:
            is_bounded = moved.moves == moves
            earlier = found.get((answer, after))
            if earlier is None:
                whole = f"{moved.line}\n{line}" if moved.line else line
                found[answer, after] = Outcome(answer, after, whole, is_bounded)
            elif not is_bounded:
                found[answer, after] = earlier._replace(is_bounded=False)
    return tuple(found.values())


def explore_group(group: tuple[Sequence[Case], Bound]) -> Totals:
    """Explore several cases, which may share what their exchanges lead to."""
    cases, bound = group
    totals = Totals()
    for case in cases:
        totals.add(explore(case, bound))
    return totals


class _Explorer:
    def __init__(self, case: Case, bound: Bound) -> None:
        self.case = case
        self.order = case.order
        self.bound = bound
        self.totals = Totals()
        self._versions = {
            case.tokens.etag(version): version
            for version in range(_MOST_VERSION)
            if case.tokens.is_shown
        }

    def began(self, world: World) -> Iterator[Outcome]:
        """Yield the worlds in which the delivery may begin."""
        line = f"{world.status}, version {world.version}"
        yield Outcome(NO_ANSWER, world, line, is_bounded=True)
        if not self.case.resume:
            return
        case, delayed = self.case, self.bound.delayed
        held = self._versions.get(case.known.etag)
        for moved in between(world, self.order, case.others, self.bound.moves):
            for version in dict.fromkeys((held, held and moved.world.version)):
                is_repeated = case.is_repeated
                for sent in posts(
                    moved.world, self.order, version, delayed, is_repeated=is_repeated
                ):
                    if sent.answer == NO_ANSWER:
                        lines = [moved.line, f"an earlier process sends it: {sent.line}"]
                        line = "; ".join(filter(None, lines))
                        is_bounded = moved.moves == self.bound.moves
                        yield Outcome(NO_ANSWER, sent.world, line, is_bounded)

    def _next(self, answers: tuple[Reply | GatewayError, ...]) -> Request | Reservation | Exception:
        """Return the next request of the client, or its verdict."""
        case = self.case
        steps = deliver(
            case.known,
            case.command,
            route="task" if case.tokens.is_shown else "worker",
            policy=case.policy,
            observer=NO_OBSERVER,
            clock=_no_time,
            random=_no_time,
            began=0.0,
            first=None,
            resume=case.resume,
            has_permission_check=False,
        )
        try:
            step = next(steps)
            for answer in answers:
                while isinstance(step, Pause):
                    step = steps.send(None)
                step = steps.send(answer)
            while isinstance(step, Pause):
                step = steps.send(None)
        except ReservationError as error:
            return error
        assert isinstance(step, (Request, Reservation))
        steps.close()
        return step

    def explore(self, answers: tuple[Received, ...], belief: Belief) -> None:
        """Explore every run after the given answers."""
        totals = self.totals
        totals.nodes += 1
        totals.states += len(belief)
        replies = tuple(reply_of(answer, self.case.tokens) for answer in answers)
        step = self._next(replies)
        if answers and isinstance(answers[-1], Answer) and answers[-1] in SPELLINGS:
            self._check_spellings(answers[-1], replies, step, belief)
        runs = sum(reached.runs for reached in belief.values())
        if not isinstance(step, Request):
            self._judge(step, belief, runs)
            return
        if len(answers) >= self.bound.depth:
            totals.cut += runs
            self._report(judge(self.case, None, belief), belief)
            return
        children = self._children(step, belief)
        for answer, after in children.items():
            self.explore((*answers, answer), after)

    def _children(self, request: Request, belief: Belief) -> dict[Received, dict[World, Reached]]:
        children: dict[Received, dict[World, Reached]] = {}
        case, bound, name = self.case, self.bound, "fetch"
        sent: int | Literal["fetch"] | None = "fetch"
        if request.method == "POST":
            etag = request.headers.get("If-Match")
            sent = None if etag is None else self._versions.get(etag, 0)
            name = "send" if etag is None else f"send with If-Match {etag}"
        fixed = case.order, case.others, sent, bound.moves, bound.delayed
        network = case.tokens.is_shown, case.is_repeated
        for world, reached in belief.items():
            for answer, after, line, is_bounded in _outcomes(world, *fixed, *network):
                trail = Trail(reached.trail, name, line)
                run = Reached(reached.runs, trail, reached.is_bounded and is_bounded)
                found = children.setdefault(as_seen(answer, case.tokens), {})
                earlier = found.get(after)
                found[after] = run if earlier is None else earlier.merge(run)
        return children

    def _check_spellings(
        self,
        answer: Answer,
        replies: tuple[Reply | GatewayError, ...],
        step: Request | Reservation | Exception,
        belief: Belief,
    ) -> None:
        """Check that the client does the same after similar answers."""
        for other in SPELLINGS[answer]:
            instead = self._next((*replies[:-1], other))
            is_same = instead == step if isinstance(step, Request) else type(instead) is type(step)
            if not is_same and not isinstance(step, Request):
                # The client may say it in other words, but not say more.
                self._judge(instead, belief, 0, note=f"after {_short(other)}")
            elif not is_same:
                kind = f"in place of the next request, after {_short(other)}"
                self._report(judge(self.case, instead, belief, note=kind), belief)

    def _judge(
        self,
        verdict: Request | Reservation | Exception,
        belief: Belief,
        runs: int,
        note: str = "",
    ) -> None:
        self.totals.runs += runs
        name = type(verdict).__name__
        self.totals.verdicts[name] = self.totals.verdicts.get(name, 0) + runs
        self._report(judge(self.case, verdict, belief, note=note), belief)

    def _report(self, findings: Iterator[tuple[str, World]], belief: Belief) -> None:
        # Beyond the bound there may be a run that looks the same and contradicts.
        is_bounded = not self.order.is_listed or all(run.is_bounded for run in belief.values())
        for kind, world in findings:
            if is_bounded and kind.startswith(COULD_SAY_MORE):
                continue
            totals, trail = self.totals, belief[world].trail
            totals.found[kind] = totals.found.get(kind, 0) + 1
            lines = (*trail.lines(), f"the platform: {world.settings}".removesuffix(": "))
            if kind not in totals.findings or len(lines) < len(totals.findings[kind].lines):
                totals.findings[kind] = Finding(kind, str(self.case), lines)


def _short(answer: Reply | GatewayError) -> str:
    return f"an answer {answer.status}" if isinstance(answer, Reply) else "no answer"


def _no_time() -> float:
    return 0.0
