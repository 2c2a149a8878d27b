"""A platform with one task and some workers reserved for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reservation_core import Conference, Dequeue
from reservation_core.emulator import Changes, JournalEntry, ManualClock, Platform, Settings

HEX: Final = "0123456789abcdef" * 2
WORKSPACE, ACTIVITY = f"WS{HEX}", f"WA{HEX}"
CONFERENCE: Final = Conference(from_="+15005550006", post_work_activity_sid=ACTIVITY)
DEQUEUE: Final = Dequeue(from_="+15005550006", post_work_activity_sid=ACTIVITY)


class Stage:
    """A platform, with its commits and published entries."""

    def __init__(self, workers: int = 2, *, settings: Settings | None = None) -> None:
        self.committed: list[Changes] = []
        self.published: list[JournalEntry] = []
        self.is_disk_full = False
        self.platform = Platform(ManualClock(), settings=settings, on_commit=self.commit)
        self.task = self.platform.add_task(
            WORKSPACE, attributes={"call_sid": f"CA{HEX}", "from": "+15005550006"}
        ).sid
        self.workers = [
            self.platform.add_worker(WORKSPACE, attributes={"contact_uri": "client:a"}).sid
            for _ in range(workers)
        ]
        self.sids = [str(self.platform.reserve(self.task, worker).sid) for worker in self.workers]
        self.committed.clear()
        self.platform.journal.clear()
        self.platform.subscribe(self.published.append)

    def commit(self, changes: Changes) -> None:
        """Store the changes, or fail."""
        if self.is_disk_full:
            raise OSError("the disk is full")
        self.committed.append(changes)

    def everything(self) -> tuple[object, ...]:
        """Return all that is visible of the platform."""
        platform = self.platform
        stored = [(platform.stored(str(each.sid)), each) for each in platform.all()]
        by_worker = [platform.all(worker) for worker in self.workers]
        by_task = platform.all(self.task)
        tasks, workers = platform.tasks(), platform.workers()
        return stored, tasks, workers, by_task, by_worker, [*platform.journal], platform.next_due()


def steps(entries: Iterable[JournalEntry]) -> list[tuple[str, str]]:
    """Return the reservation and the trigger of each entry."""
    return [(entry.sid, entry.trigger) for entry in entries]
