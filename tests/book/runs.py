"""Whole lives of reservations on the emulated platform, and the events they leave behind."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from reservation_core import Command, Reservation, Status
from reservation_core.emulator import ManualClock, Platform, Settings, StateConflict
from reservation_core.webhooks import EVENT_TYPES, Event, read_event

NOON: Final = datetime(2024, 2, 29, 12, tzinfo=UTC)


class Clock(ManualClock):
    """A clock that goes on when it is told to, and a thousandth of a second whenever it is read; a book's and a platform's."""

    def now(self) -> datetime:
        """Tell the time."""
        self.advance(0.001)
        return super().now()

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now()


def sid(prefix: str, number: int) -> str:
    """Make a SID."""
    return f"{prefix}{number:032x}"


def pending(number: int) -> Reservation:
    """Make a reservation as the platform first has it, each of a task of its own."""
    return Reservation(
        sid=sid("WR", number),
        account_sid=sid("AC", 1),
        workspace_sid=sid("WS", 1),
        task_sid=sid("WT", number),
        worker_sid=sid("WK", 1),
        worker_name="Alice",
        status=Status.PENDING,
    )


class Life:
    """The lives of some reservations, and every event that reports them, as the platform sends it."""

    def __init__(self, count: int = 1, *, versions: bool = True) -> None:
        self.clock = Clock(NOON)
        self.platform = Platform(
            self.clock, settings=Settings(reservation_timeout=86_400, delete_after=1e9)
        )  # nothing ends by itself
        self.events: list[Event] = []
        self._versions = versions
        for number in range(count):
            self.platform.add(pending(number))
            self._tell(number)

    def get(self, number: int = 0) -> Reservation:
        """Give the reservation as the platform holds it."""
        return self.platform.get(sid("WR", number))

    def happen(self, what: Status | Command, number: int = 0) -> bool:
        """Let a fact or a command happen, if it can, and tell of the status when it is another."""
        before = self.get(number)
        try:
            if isinstance(what, Status):
                self.platform.set_status(sid("WR", number), what)
            else:
                self.platform.execute(sid("WR", number), what)
        except StateConflict:
            return False
        if self.get(number).status is not before.status:
            self._tell(number)
        return True

    def _tell(self, number: int) -> None:
        self.events.append(event_of(self.get(number), time=self.clock(), versions=self._versions))


def event_of(held: Reservation, *, time: datetime = NOON, versions: bool = True) -> Event:
    """Make the event callback that reports a reservation as it stands."""
    form = {
        "EventType": EVENT_TYPES[held.status],
        "Sid": f"EV{held.task_sid}{held.etag}",
        "ReservationSid": str(held.sid),
        "AccountSid": str(held.account_sid),
        "WorkspaceSid": str(held.workspace_sid),
        "TaskSid": str(held.task_sid),
        "WorkerSid": str(held.worker_sid),
        "TimestampMs": str(int(time.timestamp() * 1000)),
        **({"ReservationVersion": str(held.etag)} if versions else {}),
    }
    return read_event(form)
