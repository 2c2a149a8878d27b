"""Fates of a request, and the answers that the client receives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final, NamedTuple

from reservation_core import GatewayError, NotSent, Reply
from tests.campaigns.delivery_cases import SID
from tests.exhaustive.platform import (
    START_VERSION,
    Order,
    Others,
    Step,
    View,
    World,
    carry_out,
    steps_of_others,
)

_EPOCH: Final = datetime(2024, 1, 1, tzinfo=UTC)


class Shown(NamedTuple):
    """Answer with a reservation."""

    view: View
    suffix: str = ""


class Answer(NamedTuple):
    """Answer without a reservation, by its name."""

    name: str


NO_ANSWER: Final = Answer("no answer")
NOT_SENT: Final = Answer("not sent")
MISSING: Final = Answer("404")
STALE: Final = Answer("412")
REFUSED: Final = Answer("400 about the state")
REWORDED: Final = Answer("400 without a known reason")

Received = Shown | Answer


def as_seen(answer: Received, tokens: Tokens) -> Received:
    """Return an answer without what the client cannot see.

    Without an ETag, the date of the update shows if there was one, but not how many.
    """
    if isinstance(answer, Answer) or tokens.is_shown:
        return answer
    status, version = answer.view
    most = START_VERSION + 1
    return Shown(View(status, min(version, most)))


_REPLIES: Final[dict[Answer, Reply | GatewayError]] = {
    NO_ANSWER: GatewayError("no whole reply"),
    NOT_SENT: NotSent("no connection"),
    MISSING: Reply(404),
    STALE: Reply(412),
    REFUSED: Reply(
        400,
        {},
        b'{"message": "Reservation WR not in expected state [x] and cannot be updated to [y]"}',
    ),
    REWORDED: Reply(400, {}, b'{"code": 20001, "message": "It does not fit"}'),
}

SPELLINGS: Final[dict[Answer, tuple[Reply | GatewayError, ...]]] = {
    NO_ANSWER: (
        Reply(500),
        Reply(503),
        Reply(200, {}, b"<html>"),
        Reply(101),
        Reply(302, {"Location": "https://example.com/login"}),
    ),
    NOT_SENT: (Reply(429), Reply(429, {"Retry-After": "1"})),
}
"""Other answers that tell as little. The client must do the same after each."""


class Tokens(NamedTuple):
    """Form in which versions are shown.

    :param is_held: the client knows the version at first.
    :param is_shown: replies carry an ETag.
    :param form: the ETag of a version.
    """

    name: str
    is_held: bool
    is_shown: bool
    form: str = "{}"

    def etag(self, version: int) -> str | None:
        """Return the ETag of a version."""
        return self.form.format(version) if self.is_shown else None


TOKENS: Final = (
    Tokens("version held", is_held=True, is_shown=True),
    Tokens("version not held", is_held=False, is_shown=True),
    Tokens("no versions", is_held=False, is_shown=False),
    Tokens("opaque version held", is_held=True, is_shown=True, form='"v{}x"'),
)


@cache
def reply_of(answer: Received, tokens: Tokens) -> Reply | GatewayError:
    """Return what the gateway returns or raises."""
    if isinstance(answer, Answer):
        return _REPLIES[answer]
    view, suffix = answer
    etag = tokens.etag(view.version)
    headers = {} if etag is None else {"ETag": etag + suffix}
    updated = _EPOCH + timedelta(seconds=view.version)
    body = {"reservation_status": view.status, "sid": SID, "date_updated": updated.isoformat()}
    return Reply(200, headers, json.dumps(body).encode())


class Outcome(NamedTuple):
    """Answer to the client, the world after it, and its line.

    :param is_bounded: others took as many steps before it as the bound allows.
    """

    answer: Received
    world: World
    line: str
    is_bounded: bool = False


_INSTRUCTIONS: Final = ("call", "redirect", "supervise", "dequeue", "conference")


def posts(
    world: World, order: Order, version: int | None, delayed: int, *, is_repeated: bool
) -> Iterator[Outcome]:
    """Yield each outcome of sending our command.

    :param version: its ``If-Match``, 0 for one that no version has.
    :param delayed: how many requests may be under way.
    :param is_repeated: a proxy may repeat the request.
    """
    yield Outcome(NO_ANSWER, world, "it is lost")
    yield Outcome(NOT_SENT, world, "it is not sent")
    if len(world.under_way) < delayed:
        later = world._replace(under_way=(*world.under_way, version))
        yield Outcome(NO_ANSWER, later, "it is delayed, and no answer arrives")
    # Without a version, no sender can prevent that a copy acts in this or another state.
    can_copy = is_repeated and (
        version is not None or (order.name not in _INSTRUCTIONS and order.is_listed)
    )
    for after, answer in _arrive(world, order, version):
        did = _describe(world, after, answer)
        yield Outcome(answer, after, did)
        yield Outcome(NO_ANSWER, after, f"{did}; the answer is lost")
        if can_copy and len(after.under_way) < delayed:
            copied = after._replace(under_way=(*after.under_way, version))
            yield Outcome(answer, copied, f"{did}; a copy is under way")
        for again, second in _arrive(after, order, version) if can_copy else ():
            if second != answer:
                yield Outcome(second, again, f"{did}; a proxy repeats it: {_name(second)}")


def _arrive(world: World, order: Order, version: int | None) -> Iterator[tuple[World, Received]]:
    is_stale = version not in (None, world.version)
    for state_first, settled in world.settle("state_first") if is_stale else ((True, world),):
        if not state_first:
            yield settled, STALE
            continue
        for acts, after in carry_out(settled, order):
            if not acts:
                yield from _refuse(after, order)
            elif is_stale:
                yield settled, STALE
            else:
                yield after, Shown(after.view)


def _refuse(world: World, order: Order) -> Iterator[tuple[World, Received]]:
    if world.is_held or order.name in _INSTRUCTIONS:
        yield world, REFUSED
        return
    for rewords, settled in world.settle("rewords"):
        yield settled, REWORDED if rewords else REFUSED


def fetches(world: World, *, is_respelled: bool) -> Iterator[Outcome]:
    """Yield each outcome of a fetch."""
    fresh = Shown(world.view)
    yield Outcome(fresh, world, _name(fresh))
    if is_respelled:
        yield Outcome(fresh._replace(suffix="-gzip"), world, f"{_name(fresh)}, ETag respelled")
    # A bound: a fetch fails or is stale only where a refusal is worded as it was observed, and
    # where the platform does not carry out what no source allows.
    settings = world.settings._replace(
        rewords=bool(world.settings.rewords), obeys=bool(world.settings.obeys)
    )
    if settings.rewords or settings.obeys:
        return
    settled = world._replace(settings=settings)
    yield Outcome(NO_ANSWER, settled, "no answer arrives")
    yield Outcome(MISSING, settled, "404")
    for view in world.past:
        yield Outcome(Shown(view), settled, f"a replica shows {_name(Shown(view))}")


def between(world: World, order: Order, others: Others, moves: int) -> Iterator[Step]:
    """Yield each world that can follow before the next exchange.

    :param moves: how many steps others may take.
    """
    found: dict[World, Step] = {world: Step(world, "")}
    fewest = {world: 0}
    waiting = [world]
    while waiting:
        before = waiting.pop(0)
        count = fewest[before]
        steps = [(step, count) for step in _late(before, order)]
        if count < moves:
            steps += [(step, count + 1) for step in steps_of_others(before, others)]
        for (after, line, _), needed in steps:
            if after not in found:
                earlier = found[before].line
                found[after] = Step(after, f"{earlier}; {line}" if earlier else line)
            elif needed >= fewest[after]:
                continue
            fewest[after] = needed
            waiting.append(after)
    yield from (step._replace(moves=fewest[world]) for world, step in found.items())


def _late(world: World, order: Order) -> Iterator[Step]:
    for place, version in enumerate(world.under_way):
        rest = world.under_way[:place] + world.under_way[place + 1 :]
        for after, answer in _arrive(world._replace(under_way=rest), order, version):
            yield Step(after, f"the delayed request arrives: {_describe(world, after, answer)}")


def _describe(before: World, after: World, answer: Received) -> str:
    return f"it acts, {_name(answer)}" if after.acted > before.acted else _name(answer)


def _name(answer: Received) -> str:
    if isinstance(answer, Answer):
        return answer.name
    return f"{answer.view.status}, version {answer.view.version}{answer.suffix}"
