"""Router: reserves available workers for routed tasks.

It observes the platform's tables and acts at the end of each transaction and after each timer, so
that any change may lead to an offer: a new task, a rejection, a time-out, a worker that becomes
available. Its lines of waiting tasks and idle workers follow from the tables alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from itertools import count

from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.offers.events import task_events, worker_events
from reservation_core.emulator.offers.lines import Line
from reservation_core.emulator.platform.clock import DEFAULT_START
from reservation_core.emulator.platform.model import (
    Record,
    StoredReservation,
    Task,
    TaskOrder,
    TaskStatus,
    Worker,
)
from reservation_core.emulator.platform.platform import Platform


class Router:
    """Offers of one platform's routed tasks. Use :meth:`attach` to make one.

    :param platform: the platform that is observed, and whose workers are reserved.
    """

    def __init__(self, platform: Platform) -> None:
        self._storage = platform.parts.storage
        self._tables = platform.parts.storage.tables
        self._routing = platform.parts.routing
        self._transitions = platform.parts.transitions
        self._settings = platform.settings
        self._touched: dict[str, None] = {}
        self._timed_out: dict[str, None] = {}
        self._worker_of_live: dict[str, str] = {}
        self._live: Counter[str] = Counter()
        self._arrivals: dict[str, int] = {}
        self._waiting: dict[str, Line] = {}
        self._idle: dict[str, Line] = {}
        self._workspaces: dict[str, str] = {}
        self._numbers = count()
        self._is_reloaded = True

    @classmethod
    def attach(cls, platform: Platform) -> Router:
        """Return the router of a platform. The first call makes it.

        It acts from the next transaction on, and on the timers that are due then.
        """
        storage = platform.parts.storage
        with storage.lock:
            found = getattr(storage.on_settle, "__self__", None)
            if isinstance(found, cls):
                return found
            router = cls(platform)
            storage.on_settle = router.settle
            storage.tables.observe(router)
            return router

    # --- observation -----------------------------------------------------------------------------

    def task_changed(self, before: Task | None, after: Task | None) -> None:
        """Note a task, and report its events."""
        task = after or before
        assert task is not None
        if task.order is not None:
            self._touched[task.sid] = None
            self._tables.entries.extend(task_events(before, after, self._storage.time))

    def worker_changed(self, before: Worker | None, after: Worker | None) -> None:
        """Note a worker, and report its events."""
        worker = after or before
        assert worker is not None
        if worker.workspace_sid in self._tables.records:
            self._touched[worker.sid] = None
            self._tables.entries.extend(worker_events(before, after, self._storage.time))

    def reservation_changed(
        self, before: StoredReservation | None, after: StoredReservation | None
    ) -> None:
        """Note the task and the worker of a reservation."""
        stored = after or before
        assert stored is not None
        reservation = stored.reservation
        if reservation.workspace_sid not in self._tables.records:
            return
        sid, task_sid, worker_sid = map(
            str, (reservation.sid, reservation.task_sid, reservation.worker_sid)
        )
        self._count(sid)
        self._touched[task_sid] = self._touched[worker_sid] = None
        if after is not None and reservation.status is Status.TIMEOUT:
            self._timed_out[sid] = None

    def record_changed(self, before: Record | None, after: Record | None) -> None:
        """Note the tasks and the workers that a record concerns."""
        record = after or before
        assert record is not None
        if record.kind == "task_queue":
            for task in self._tables.tasks.values():
                if task.order is not None and task.order.task_queue_sid == record.sid:
                    self._touched[task.sid] = None
        elif record.kind in ("activity", "workspace"):
            for worker in self._tables.workers.values():
                if record.sid in (worker.activity_sid, worker.workspace_sid):
                    self._touched[worker.sid] = None
            for sid, stored in self._tables.reservations.items():
                if stored.reservation.workspace_sid == record.sid:
                    self._count(sid)

    def reloaded(self, sids: Iterable[str]) -> None:
        """Note values that were restored or loaded."""
        self._is_reloaded = True
        for sid in sids:
            self._touched[sid] = None
            self._count(sid)

    def _count(self, sid: str) -> None:
        """Count a reservation for its worker while it is live."""
        stored = self._tables.reservations.get(sid)
        is_live = stored is not None and not stored.reservation.status.is_terminal
        if is_live == (sid in self._worker_of_live):
            return
        if stored is not None and is_live:
            worker_sid = self._worker_of_live[sid] = str(stored.reservation.worker_sid)
            self._live[worker_sid] += 1
            return
        worker_sid = self._worker_of_live.pop(sid)
        self._live[worker_sid] -= 1
        if not self._live[worker_sid]:
            del self._live[worker_sid]

    # --- offers ----------------------------------------------------------------------------------

    def settle(self) -> None:
        """Make the offers that follow from what was noted."""
        while self._touched or self._timed_out:
            self._leave_after_timeout()
            touched, self._touched = self._touched, {}
            sids: Iterable[str] = touched
            if self._is_reloaded:
                self._is_reloaded = False
                sids = sorted(touched, key=self._idle_since)
            for workspace_sid in {self._place(sid): None for sid in sids}:
                if workspace_sid is not None:
                    self._offer(workspace_sid)

    def _leave_after_timeout(self) -> None:
        # Documented: a worker that lets a reservation time out gets the workspace's activity.
        timed_out, self._timed_out = self._timed_out, {}
        for sid in timed_out:
            stored = self._tables.reservations.get(sid)
            if stored is not None and stored.reservation.status is Status.TIMEOUT:
                self._leave(stored.reservation)

    def _leave(self, reservation: Reservation) -> None:
        worker = self._tables.workers.get(str(reservation.worker_sid))
        task = self._tables.tasks[str(reservation.task_sid)]
        is_here = worker is not None and worker.workspace_sid == task.workspace_sid
        if worker is None or not is_here or task.order is None:
            return
        workspace = self._tables.records[str(reservation.workspace_sid)]
        activity_sid = workspace.fields["timeout_activity_sid"]
        if activity_sid != worker.activity_sid:
            self._transitions.set_activity(worker.sid, str(activity_sid))

    def _idle_since(self, sid: str) -> datetime:
        worker = self._tables.workers.get(sid)
        if worker is None:
            return DEFAULT_START
        dates = (stored.reservation.date_updated for stored in self._tables.children(sid))
        known = [date for date in (worker.date_status_changed, *dates) if date is not None]
        return max(known, default=DEFAULT_START)

    def _place(self, sid: str) -> str | None:
        """Update the place of a task or worker, and return its workspace."""
        task, worker = self._tables.tasks.get(sid), self._tables.workers.get(sid)
        if task is not None:
            if task.order is None:
                return None
            workspace_sid = task.workspace_sid
            lines, is_in_line = self._waiting, self._count_wanted(task, task.order) > 0
            arrival = self._arrivals.setdefault(sid, next(self._numbers))
            place = (-task.order.priority, arrival)
        elif worker is not None:
            workspace_sid = worker.workspace_sid
            lines, is_in_line = self._idle, self._is_idle(worker)
            place = (next(self._numbers), 0)
        else:
            self._arrivals.pop(sid, None)
            self._forget(sid)
            return None
        line = lines.get(workspace_sid)
        if not is_in_line:
            self._forget(sid)
        else:
            if line is None:
                line = lines[workspace_sid] = Line()
            if lines is self._waiting or sid not in line:
                line.put(sid, place)
            self._workspaces[sid] = workspace_sid
        return workspace_sid

    def _forget(self, sid: str) -> None:
        workspace_sid = self._workspaces.pop(sid, None)
        if workspace_sid is None:
            return
        for lines in (self._waiting, self._idle):
            line = lines.get(workspace_sid)
            if line is not None and sid in line:
                line.remove(sid)
                if not line:
                    del lines[workspace_sid]

    def _is_idle(self, worker: Worker) -> bool:
        is_available = self._tables.is_available(worker.activity_sid)
        return is_available and self._live[worker.sid] < self._settings.worker_capacity

    def _count_wanted(self, task: Task, order: TaskOrder) -> int:
        """Return the number of workers that a task still waits for."""
        most = self._max_workers(order)
        if task.status is TaskStatus.PENDING:
            return most
        if task.status is not TaskStatus.RESERVED or not self._settings.refills_reservations:
            return 0
        live = self._live_children(task.sid)
        if any(each.status is not Status.PENDING or each.on_hold for each in live):
            return 0  # a worker has it, or will have it
        return max(0, most - len(live))

    def _live_children(self, task_sid: str) -> list[Reservation]:
        children = (stored.reservation for stored in self._tables.children(task_sid))
        return [each for each in children if not each.status.is_terminal]

    def _max_workers(self, order: TaskOrder) -> int:
        if order.worker_sid is not None:
            return 1
        queue = self._tables.records.get(str(order.task_queue_sid))
        found = None if queue is None else queue.fields.get("max_reserved_workers")
        return found if isinstance(found, int) else 0

    def _offer(self, workspace_sid: str) -> None:
        """Offer a workspace's waiting tasks to its idle workers, in order."""
        idle = self._idle.get(workspace_sid)
        if not idle:
            return
        for sid in self._waiting.get(workspace_sid, ()):
            if not idle:
                break
            task = self._tables.tasks[sid]
            assert task.order is not None  # else it would not wait
            self._offer_task(task, task.order, idle)
        if not idle:
            del self._idle[workspace_sid]

    def _offer_task(self, task: Task, order: TaskOrder, idle: Line) -> None:
        children = [stored.reservation for stored in self._tables.children(task.sid)]
        asked = Counter(str(each.worker_sid) for each in children)
        reserved = {str(each.worker_sid) for each in children if not each.status.is_terminal}
        # A refill asks only workers that were asked less often than those that are reserved. Else
        # a worker that rejects at once would be asked again and again.
        limit = max((asked[worker_sid] for worker_sid in reserved), default=None)
        for _ in range(self._count_wanted(task, order)):
            worker_sid = _choose(idle, order, asked, reserved, limit)
            if worker_sid is None:
                return
            self._routing.reserve(task.sid, worker_sid, None)
            asked[worker_sid] += 1
            reserved.add(worker_sid)
            if self._live[worker_sid] >= self._settings.worker_capacity:
                idle.remove(worker_sid)
                del self._workspaces[worker_sid]


def _choose(
    idle: Line,
    order: TaskOrder,
    asked: Mapping[str, int],
    reserved: AbstractSet[str],
    limit: int | None,
) -> str | None:
    """Return the longest idle of the workers that were asked least."""
    only = order.worker_sid
    best, best_count = None, limit
    for worker_sid in idle:
        if worker_sid in reserved or only not in (None, worker_sid):
            continue
        times = asked.get(worker_sid, 0)
        if best_count is None or times < best_count:
            best, best_count = worker_sid, times
            if not times:
                break
    return best
