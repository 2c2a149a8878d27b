"""Events that follow from changes of routed tasks and of workers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from reservation_core.emulator.platform.actions import EXPIRED
from reservation_core.emulator.platform.model import ResourceEvent, Task, TaskStatus, Worker

_TYPE_OF_STATUS: Final = {
    TaskStatus.CANCELED: "task.canceled",
    TaskStatus.WRAPPING: "task.wrapup",
    TaskStatus.COMPLETED: "task.completed",
}


def task_events(before: Task | None, after: Task | None, at: datetime) -> Iterator[ResourceEvent]:
    """Yield the events of a change of a routed task.

    The deletion of an ended task in time is no event (observed).
    """
    task = after or before
    if task is None or task.order is None:
        return
    if before is None:
        yield _task_event("task.created", task, at)
    elif after is None:
        if before.due is None or before.due > at:
            yield _task_event("task.deleted", task, at)
    else:
        if after.status is not before.status and after.status in _TYPE_OF_STATUS:
            yield _task_event(_TYPE_OF_STATUS[after.status], task, at)
        if after.attributes != before.attributes or after.order != before.order:
            yield _task_event("task.updated", task, at)


def _task_event(type_: str, task: Task, at: datetime) -> ResourceEvent:
    has_expired = type_ == "task.canceled" and task.reason == EXPIRED
    description = EXPIRED if has_expired else f"Task {task.sid} {type_.partition('.')[2]}"
    return ResourceEvent(type_, at, description, task=task)


def worker_events(
    before: Worker | None, after: Worker | None, at: datetime
) -> Iterator[ResourceEvent]:
    """Yield the events of a change of a worker."""
    worker = after or before
    if worker is None:
        return
    if before is None or after is None:
        type_ = "worker.created" if before is None else "worker.deleted"
        yield _worker_event(type_, before, worker, at)
        return
    if after.activity_sid != before.activity_sid:
        yield _worker_event("worker.activity.update", before, worker, at)
    if after.attributes != before.attributes:
        yield _worker_event("worker.attributes.update", before, worker, at)


def _worker_event(type_: str, before: Worker | None, worker: Worker, at: datetime) -> ResourceEvent:
    words = type_.partition(".")[2].replace(".", " ")
    return ResourceEvent(
        type_, at, f"Worker {worker.sid} {words}", worker=worker, worker_before=before
    )
