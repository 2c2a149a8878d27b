"""Reservations on the emulated platform, and the events that report them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from reservation_core import Command, Reservation, Status
from reservation_core.emulator import ManualClock, Platform, Settings, StateConflict
from reservation_core.webhooks import EVENT_TYPES, Event, read_event

NOON: Final = datetime(2024, 2, 29, 12, tzinfo=UTC)


class Clock(ManualClock):
    """Manual clock that advances by a millisecond each time it is read."""

    def now(self) -> datetime:
        """Return the time."""
        self.advance(0.001)
        return super().now()

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now()


def sid(prefix: str, number: int) -> str:
    """Return the SID of a number."""
    return f"{prefix}{number:032x}"


def pending(number: int) -> Reservation:
    """Make a pending reservation with a task of its own."""
    return Reservation(
        sid=sid("WR", number),
        account_sid=sid("AC", 1),
        workspace_sid=sid("WS", 1),
        task_sid=sid("WT", number),
        worker_sid=sid("WK", 1),
        worker_name="Alice",
        status=Status.PENDING,
    )


class Scenario:
    """Platform with some reservations, and the event of each status they had.

    Nothing ends by itself.

    :param versions: true if events carry ``ReservationVersion``.
    """

    def __init__(self, count: int = 1, *, versions: bool = True) -> None:
        self.clock = Clock(NOON)
        self.platform = Platform(
            self.clock, settings=Settings(reservation_timeout=86_400, delete_after=1e9)
        )
        self.events: list[Event] = []
        self._versions = versions
        for number in range(count):
            self.platform.add(pending(number))
            self._report(number)

    def get(self, number: int = 0) -> Reservation:
        """Return a reservation of the platform."""
        return self.platform.get(sid("WR", number))

    def apply(self, change: Status | Command, number: int = 0) -> bool:
        """Set a status or execute a command. Return false if it is impossible."""
        before = self.get(number)
        try:
            if isinstance(change, Status):
                self.platform.set_status(sid("WR", number), change)
            else:
                self.platform.execute(sid("WR", number), change)
        except StateConflict:
            return False
        if self.get(number).status is not before.status:
            self._report(number)
        return True

    def _report(self, number: int) -> None:
        self.events.append(event_of(self.get(number), self.clock(), versions=self._versions))


def event_of(reservation: Reservation, time: datetime, *, versions: bool) -> Event:
    """Make the event callback that reports the present status of a reservation."""
    form = {
        "EventType": EVENT_TYPES[reservation.status],
        "Sid": f"EV{reservation.task_sid}{reservation.etag}",
        "ReservationSid": str(reservation.sid),
        "AccountSid": str(reservation.account_sid),
        "WorkspaceSid": str(reservation.workspace_sid),
        "TaskSid": str(reservation.task_sid),
        "WorkerSid": str(reservation.worker_sid),
        "TimestampMs": str(int(time.timestamp() * 1000)),
        **({"ReservationVersion": str(reservation.etag)} if versions else {}),
    }
    return read_event(form)
