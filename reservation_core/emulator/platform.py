"""The state of the platform's double: reservations with their versions, moved by commands and facts along the lifecycle.

It does no I/O and knows nothing of HTTP; time comes from an injected clock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime

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


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


class Platform:
    """Reservations as the platform holds them. Safe to share between threads: one command or fact at a time.

    :param clock: gives the present as an aware datetime in UTC; the real one by default.
    """

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        self._held: dict[str, Reservation] = {}
        self._lock = threading.RLock()

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

    def carry_out(self, sid: str, command: Command) -> Reservation:
        """Do what a command asks; when it accepts at once, the pending siblings of the same task are rescinded.

        :raises KeyError: when there is no such reservation.
        :raises StateConflict: when the command is no step of the lifecycle from where it stands.
        """
        with self._lock:
            held = self.get(sid)
            return self._move(held, command.trigger, decide(held.state, command.trigger, command.accepting).edge)

    def report(self, sid: str, fact: Status) -> Reservation:
        """Let a fact happen that no client asked for: the worker answers, the timer runs out, the caller hangs up.

        :raises KeyError: when there is no such reservation.
        :raises StateConflict: when the fact is no step of the lifecycle from where it stands.
        """
        with self._lock:
            held = self.get(sid)
            return self._move(held, fact.value, step(held.state, fact))

    def _move(self, held: Reservation, trigger: str, edge: Edge | None) -> Reservation:
        assert held.sid is not None
        if edge is None:
            raise StateConflict(held.sid, held.state, trigger)
        on_hold = edge.target == ON_HOLD
        status = held.status if on_hold else Status(edge.target)
        moved = held.moved(status, on_hold=on_hold, etag=str(int(held.etag or 0) + 1), date_updated=self._clock())
        self._held[held.sid] = moved
        if moved.status is Status.ACCEPTED and held.status is Status.PENDING:
            for sibling in self.all():
                if sibling.task_sid == held.task_sid and sibling.status is Status.PENDING and not sibling.on_hold and sibling.sid:
                    self.report(sibling.sid, Status.RESCINDED)
        return moved
