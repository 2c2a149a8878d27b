"""Events that follow from changes of routed tasks and of workers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from reservation_core.emulator.platform.model import (
    ResourceEvent,
    ResourceEventType,
    Task,
    TaskStatus,
    Worker,
)
from reservation_core.emulator.platform.routing import EXPIRED

_TYPE_OF_STATUS: Final = {
    TaskStatus.CANCELED: ResourceEventType.TASK_CANCELED,
    TaskStatus.WRAPPING: ResourceEventType.TASK_WRAPUP,
    TaskStatus.COMPLETED: ResourceEventType.TASK_COMPLETED,
}


def task_events(before: Task | None, after: Task | None, at: datetime) -> Iterator[ResourceEvent]:
    """Yield the events of a change of a routed task.

    The deletion of an ended task in time is no event (observed).
    """
    if before is None:
        assert after is not None
        yield _task_event(ResourceEventType.TASK_CREATED, after, at)
    elif after is None:
        if before.due is None or before.due > at:
            yield _task_event(ResourceEventType.TASK_DELETED, before, at)
    else:
        if after.status is not before.status and after.status in _TYPE_OF_STATUS:
            yield _task_event(_TYPE_OF_STATUS[after.status], after, at)
        if after.attributes != before.attributes or after.order != before.order:
            yield _task_event(ResourceEventType.TASK_UPDATED, after, at)


def _task_event(type_: ResourceEventType, task: Task, at: datetime) -> ResourceEvent:
    has_expired = type_ is ResourceEventType.TASK_CANCELED and task.reason == EXPIRED
    description = EXPIRED if has_expired else f"Task {task.sid} {type_.partition('.')[2]}"
    return ResourceEvent(type_, at, description, task=task)


def worker_events(
    before: Worker | None, after: Worker | None, at: datetime
) -> Iterator[ResourceEvent]:
    """Yield the events of a change of a worker."""
    if before is None:
        assert after is not None
        yield _worker_event(ResourceEventType.WORKER_CREATED, before, after, at)
    elif after is None:
        yield _worker_event(ResourceEventType.WORKER_DELETED, before, before, at)
    else:
        if after.activity_sid != before.activity_sid:
            yield _worker_event(ResourceEventType.WORKER_ACTIVITY_UPDATE, before, after, at)
        if after.attributes != before.attributes:
            yield _worker_event(ResourceEventType.WORKER_ATTRIBUTES_UPDATE, before, after, at)


def _worker_event(
    type_: ResourceEventType, before: Worker | None, worker: Worker, at: datetime
) -> ResourceEvent:
    description = f"Worker {worker.sid} {type_.partition('.')[2].replace('.', ' ')}"
    return ResourceEvent(type_, at, description, worker=worker, worker_before=before)
