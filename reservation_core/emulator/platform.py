"""The state of the platform's double: reservations with their versions, moved by commands and facts along the lifecycle.

It does no I/O and knows nothing of HTTP; time comes from an injected clock.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import attrs

from reservation_core.addresses import Route, path_to
from reservation_core.errors import ReservationError
from reservation_core.lifecycle import ON_HOLD, Edge, State, Status, decide, step
from reservation_core.parameters import Command
from reservation_core.reservation import Reservation


@attrs.frozen(slots=False)
class StateConflict(ReservationError):
    """A command or fact that is no step from where the reservation stands, on the platform's side."""

    sid: str
    state: State
    trigger: str

    def __str__(self) -> str:
        """Name the reservation, its state, what was asked, and the remedy."""
        return f"reservation {self.sid} is {self.state}; {self.trigger} is no step from there"


@attrs.frozen
class Act:
    """One thing that happened to a reservation: what, by whom, and the version it made."""

    sid: str
    trigger: str
    by: str
    version: str


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


class Platform:
    """Reservations as the platform holds them. Safe to share between threads: one command or fact at a time.

    Its ``journal`` holds the last 10,000 things that happened, oldest first: who looks there knows what a client can only guess.

    :param clock: gives the present as an aware datetime in UTC; the real one by default.
    """

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        self._held: dict[str, Reservation] = {}
        self._lock = threading.RLock()
        self.journal: Final[deque[Act]] = deque(maxlen=10_000)

    @contextmanager
    def exclusively(self) -> Generator[None]:
        """Let nothing else happen meanwhile (so that a version can be compared and a command carried out as one)."""
        with self._lock:
            yield

    def add(self, reservation: Reservation) -> Reservation:
        """Hold a reservation, at version 0.

        :raises IncompleteReservation: when it lacks a SID that its two addresses are made of.
        """
        for route in Route:
            path_to(reservation, route)
        assert reservation.sid is not None
        now = self._clock()
        held = attrs.evolve(reservation, date_created=reservation.date_created or now, date_updated=now, etag="0")
        with self._lock:
            self._held[reservation.sid] = held
        return held

    def get(self, sid: str) -> Reservation:
        """Give a reservation as it stands; its ``on_hold`` is the truth, which the API never shows.

        :raises KeyError: when there is none.
        """
        return self._held[sid]

    def all(self) -> tuple[Reservation, ...]:
        """Give every reservation, oldest first."""
        with self._lock:
            return tuple(self._held.values())

    def carry_out(self, sid: str, command: Command, *, by: str = "client") -> Reservation:
        """Do what a command asks; when it accepts at once, the pending siblings of the same task are rescinded.

        :param by: who asks, for the journal.
        :raises KeyError: when there is no such reservation.
        :raises StateConflict: when the command is no step of the lifecycle from where it stands.
        """
        with self._lock:
            held = self.get(sid)
            return self._move(held, command.trigger, decide(held.state, command.trigger, command.accepting).edge, by)

    def report(self, sid: str, fact: Status, *, by: str = "platform") -> Reservation:
        """Let a fact happen that no client asked for: the worker answers, the timer runs out, the caller hangs up.

        :param by: who did it, for the journal.
        :raises KeyError: when there is no such reservation.
        :raises StateConflict: when the fact is no step of the lifecycle from where it stands.
        """
        with self._lock:
            held = self.get(sid)
            return self._move(held, fact.value, step(held.state, fact), by)

    def _move(self, held: Reservation, trigger: str, edge: Edge | None, by: str) -> Reservation:
        assert held.sid is not None
        if edge is None:
            raise StateConflict(held.sid, held.state, trigger)
        on_hold = edge.target == ON_HOLD
        version = str(int(held.etag or 0) + 1)
        status = held.status if on_hold else Status(edge.target)
        moved = held.moved(status, on_hold=on_hold, etag=version, date_updated=self._clock())
        self._held[held.sid] = moved
        self.journal.append(Act(held.sid, trigger, by, version))
        if moved.status is Status.ACCEPTED and held.status is Status.PENDING:
            for sibling in self.all():
                if sibling.task_sid == held.task_sid and sibling.status is Status.PENDING and not sibling.on_hold and sibling.sid:
                    self.report(sibling.sid, Status.RESCINDED)
        return moved
