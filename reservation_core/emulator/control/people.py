"""Tasks and workers as a page shows them."""

from __future__ import annotations

from typing import Final

from reservation_core.emulator.platform.model import Task, Worker
from reservation_core.emulator.platform.platform import Platform

MAX_PEOPLE: Final = 500
"""Number of tasks and of workers that are shown, the newest ones."""


def describe_tasks(platform: Platform) -> dict[str, object]:
    """Return the newest tasks as JSON, with their queues and workers."""
    tasks = platform.tasks()
    shown = [_describe_task(platform, task) for task in tasks[-MAX_PEOPLE:]]
    return {"total": len(tasks), "tasks": shown}


def describe_workers(platform: Platform) -> dict[str, object]:
    """Return the newest workers as JSON, with their activity and live reservations."""
    workers = platform.workers()
    shown = [_describe_worker(platform, worker) for worker in workers[-MAX_PEOPLE:]]
    return {"total": len(workers), "workers": shown}


def _describe_task(platform: Platform, task: Task) -> dict[str, object]:
    reservations = platform.all(task.sid)
    order, tables = task.order, platform.parts.storage.tables
    return {
        "sid": task.sid,
        "status": task.status,
        "priority": None if order is None else order.priority,
        "queue": None if order is None else tables.name_of(order.task_queue_sid),
        "expires": None if order is None else order.expires,
        "reservations": len(reservations),
        "last_reservation_sid": reservations[-1].sid if reservations else None,
        "workers": [
            each.worker_name or each.worker_sid
            for each in reservations
            if not each.status.is_terminal
        ],
    }


def _describe_worker(platform: Platform, worker: Worker) -> dict[str, object]:
    live = [str(each.sid) for each in platform.all(worker.sid) if not each.status.is_terminal]
    activity = platform.parts.storage.tables.name_of(worker.activity_sid)
    return {
        "sid": worker.sid,
        "name": worker.name,
        "activity": activity or worker.activity_sid,
        "reservations": live,
    }
