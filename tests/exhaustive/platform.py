"""Small model of the platform, with a journal.

It is written from the platform's documents and what was observed, not from the emulator. It holds
one reservation. Where the platform is unknown, a field of :class:`Settings` has both answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from reservation_core import Command

PENDING, ACCEPTED, REJECTED, TIMEOUT, CANCELED, RESCINDED, WRAPPING, COMPLETED = (
    "pending",
    "accepted",
    "rejected",
    "timeout",
    "canceled",
    "rescinded",
    "wrapping",
    "completed",
)
START_VERSION: Final = 3
ENDS_SET_BY_PLATFORM: Final = (CANCELED, TIMEOUT, RESCINDED)


class Settings(NamedTuple):
    """Answers to what no source settles. ``None`` until an outcome depends on one.

    :param holds_accept: an accept is put on hold first.
    :param holds_dequeue: a dequeue puts on hold.
    :param hold_raises: what puts on hold raises the version, and a supervise, too.
    :param call_shows_accepted: an accepting call or redirect shows accepted at once. Otherwise it
        shows pending, and the platform accepts later.
    :param state_first: the state is checked before ``If-Match``.
    :param rewords: a plain status update that does not fit the state gets a 400 without a known
        code or text.
    :param obeys: a command that no source allows in its first state is carried out there.
    """

    holds_accept: bool | None = None
    holds_dequeue: bool | None = None
    hold_raises: bool | None = None
    call_shows_accepted: bool | None = None
    state_first: bool | None = None
    rewords: bool | None = None
    obeys: bool | None = None

    def __str__(self) -> str:
        """Return the settings that were decided."""
        decided = {name: flag for name, flag in self._asdict().items() if flag is not None}
        return ", ".join(name if flag else f"not {name}" for name, flag in decided.items())


class View(NamedTuple):
    """Status and version as a read shows them."""

    status: str
    version: int


class World(NamedTuple):
    """State of the platform and of the network.

    :param is_held: the platform is carrying out a command, and shows pending.
    :param is_ringing: an accepting call acted, and pending is still shown.
    :param acted: how often our command acted.
    :param under_way: the versions of requests that may still arrive, ``None`` for one without.
    :param past: earlier views, which a replica may still show.
    """

    status: str
    version: int = START_VERSION
    is_held: bool = False
    is_ringing: bool = False
    acted: int = 0
    under_way: tuple[int | None, ...] = ()
    past: tuple[View, ...] = ()
    settings: Settings = Settings()

    @property
    def view(self) -> View:
        """The status and version that a read shows now."""
        return View(self.status, self.version)

    def settle(self, name: str) -> Iterator[tuple[bool, World]]:
        """Yield each answer of a setting, with its world."""
        decided: bool | None = getattr(self.settings, name)
        for flag in (True, False) if decided is None else (decided,):
            yield flag, self._replace(settings=self.settings._replace(**{name: flag}))

    def hold(self) -> Iterator[World]:
        """Yield the world on hold, with and without a new version."""
        for raises, world in self.settle("hold_raises"):
            yield world.change(PENDING, is_held=True, raises=raises)

    def change(
        self, status: str | None = None, *, is_held: bool = False, raises: bool = True
    ) -> World:
        """Return the world after a change of the reservation."""
        after = self._replace(
            status=status or self.status,
            version=self.version + raises,
            is_held=is_held,
            is_ringing=self.is_ringing and status is None,
        )
        seen = self.view
        if after.view == seen or seen in self.past:
            return after
        return after._replace(past=(*self.past, seen))


class Step(NamedTuple):
    """The world after something happened, and the line that the scenario shows.

    :param moves: the least number of steps of others in it.
    """

    world: World
    line: str
    moves: int = 0


class Order(NamedTuple):
    """Our command, as the platform sees it.

    :param first: the state in which it is first sent, ``onHold`` for on hold.
    """

    name: str
    accepts: bool = False
    first: str = PENDING

    @property
    def is_listed(self) -> bool:
        """True if the lifecycle has the command in its first state."""
        return self.first in _FITTING[self.name]


def order_of(command: Command, first: str) -> Order:
    """Describe a command as the platform sees it."""
    return Order(command.trigger, command.is_accepting, first)


def carry_out(world: World, order: Order) -> Iterator[tuple[bool, World]]:
    """Yield each possible result: if it acts, and the world after."""
    state = "onHold" if world.is_held else world.status
    if state in _FITTING[order.name]:
        yield from _act(world, order)
    elif state == order.first != _TARGETS.get(order.name):
        for obeys, settled in world.settle("obeys"):
            if not obeys:
                yield False, settled
            elif world.acted == 0:  # a bound: a copy, which it would obey, too, is not explored
                yield from _act(settled, order)
    else:
        yield False, world


def _act(world: World, order: Order) -> Iterator[tuple[bool, World]]:
    for after in _effect(world, order):
        yield True, after._replace(acted=world.acted + 1)


def _effect(world: World, order: Order) -> Iterator[World]:
    name = order.name
    if name == "accept":
        for is_held, settled in world.settle("holds_accept"):
            yield from settled.hold() if is_held else (settled.change(ACCEPTED),)
    elif name == "conference":
        yield from world.hold()
    elif name == "dequeue":
        for is_held, settled in world.settle("holds_dequeue"):
            yield settled.change(PENDING, is_held=True) if is_held else settled.change()
    elif name in ("call", "redirect") and order.accepts:
        for is_shown, settled in world.settle("call_shows_accepted"):
            ringing = settled.change(is_held=world.is_held)._replace(is_ringing=True)
            yield settled.change(ACCEPTED) if is_shown else ringing
    elif name in ("call", "redirect"):
        yield world.change(is_held=world.is_held)
    elif name == "supervise":
        for raises, settled in world.settle("hold_raises"):
            yield settled.change(raises=raises, is_held=world.is_held)
    else:
        yield world.change(_TARGETS[name])


_FITTING: Final = {
    **dict.fromkeys(("accept", "reject", "dequeue", "call", "redirect", "conference"), (PENDING,)),
    "supervise": (ACCEPTED, WRAPPING),
    "wrap": (ACCEPTED,),
    "complete": (ACCEPTED, WRAPPING),
    **{f"set_{status}": () for status in ENDS_SET_BY_PLATFORM},
}
_TARGETS: Final = {
    "reject": REJECTED,
    "wrap": WRAPPING,
    "complete": COMPLETED,
    **{f"set_{status}": status for status in ENDS_SET_BY_PLATFORM},
}


def own_statuses(order: Order) -> tuple[str, ...]:
    """Return the statuses that show a command's effect."""
    if order.name in ("accept", "dequeue", "conference") or order.accepts:
        return (ACCEPTED, WRAPPING, COMPLETED)
    target = _TARGETS.get(order.name)
    return () if target is None else (WRAPPING, COMPLETED) if target == WRAPPING else (target,)


def can_still_act(world: World, order: Order) -> bool:
    """Return True if a request under way can act."""
    return any(
        version in (None, world.version) and any(acts for acts, _ in carry_out(world, order))
        for version in world.under_way
    )


# --- others ---------------------------------------------------------------------------------------


class Others(NamedTuple):
    """Other parties that change the reservation.

    :param is_alone: only the platform itself does.
    :param is_unlisted: the platform also takes steps that the lifecycle does not have.
    """

    is_alone: bool = False
    is_unlisted: bool = False


def steps_of_others(world: World, others: Others) -> Iterator[Step]:
    """Yield each step that the platform or a concurrent writer can take."""
    writes = () if others.is_alone else tuple(_writes(world))
    yield from (*_own_steps(world, others), *writes)


def _own_steps(world: World, others: Others) -> Iterator[Step]:
    if world.is_held:
        yield Step(world.change(ACCEPTED), "the platform: the set-up succeeds, now accepted")
        yield Step(world.change(CANCELED), "the platform: the set-up fails, now canceled")
    elif world.status == PENDING:
        if world.is_ringing:
            yield Step(world.change(ACCEPTED), "the platform: the call is taken, now accepted")
        for status in (CANCELED, TIMEOUT, RESCINDED):
            yield Step(world.change(status), f"the platform: now {status}")
    elif others.is_unlisted and world.status in (ACCEPTED, WRAPPING):
        back = (ACCEPTED,) if world.status == WRAPPING else ()
        for status in (CANCELED, TIMEOUT, *back):
            yield Step(world.change(status), f"the platform, against the lifecycle: now {status}")


def _writes(world: World) -> Iterator[Step]:
    if world.is_held:
        return
    if world.status == PENDING:
        yield Step(world.change(ACCEPTED), "another writer accepts: now accepted")
        yield Step(world.change(REJECTED), "another writer rejects: now rejected")
        for held in world.hold():
            yield Step(held, "another writer starts a conference: now on hold")
    if world.status == ACCEPTED:
        yield Step(world.change(WRAPPING), "another writer wraps: now wrapping")
    if world.status in (ACCEPTED, WRAPPING):
        yield Step(world.change(COMPLETED), "another writer completes: now completed")
    if world.status in (PENDING, ACCEPTED, WRAPPING):
        yield Step(world.change(), "another writer acts, which only the version shows")
