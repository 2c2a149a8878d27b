"""Forms of assignment and event callbacks about a journal entry.

1. The names of the fields are documented, or were observed in services that read them.
2. Only a change of the public status is an event: a reservation that goes on hold stays
   ``pending``, so no event reports it.
3. Times are epoch seconds. This was observed in events and is inferred for assignment callbacks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from reservation_core.domain.commands.extra import FormPairs
from reservation_core.emulator.platform.model import (
    JournalEntry,
    ResourceEvent,
    ResourceEventType,
    Task,
    TaskStatus,
    Worker,
)
from reservation_core.webhooks.events import EVENT_TYPES

_ASSIGNMENT_FIELDS: Final = ("WorkflowSid", "TaskQueueSid", "TaskPriority")
_TASK_FIELDS: Final = ("Task", "Workflow", "Workspace", "OperatingUnit")
_WORKER_FIELDS: Final = ("Worker", "Workspace", "OperatingUnit")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_REASON_FIELDS: Final = {
    TaskStatus.CANCELED: "TaskCanceledReason",
    TaskStatus.COMPLETED: "TaskCompletedReason",
}


def event_type(entry: JournalEntry) -> str | None:
    """Return the type of an entry's event, ``None`` for an unchanged status."""
    status = entry.reservation.status  # pending while the reservation is on hold
    return None if status == entry.before else EVENT_TYPES[status]


def assignment_form(entry: JournalEntry, fields: Mapping[str, str]) -> FormPairs:
    """Return the documented fields of an assignment callback about a new reservation.

    :param fields: values that the emulator does not know; see ``CallbackSettings.fields``.
    """
    form = {
        "Timestamp": _epoch_seconds(entry.at),
        **_sid_fields(entry),
        **{name: fields[name] for name in _ASSIGNMENT_FIELDS},
        "TaskAttributes": json.dumps(entry.task.attributes),
        "TaskAge": _age(entry.task, entry.at),
        "WorkerAttributes": json.dumps(entry.worker.attributes if entry.worker else {}),
    }
    return tuple(form.items())


def event_form(entry: JournalEntry, type_: str, sid: str, fields: Mapping[str, str]) -> FormPairs:
    """Return the documented and observed fields of an event callback.

    :param type_: type of the event.
    :param sid: SID of the event.
    :param fields: values that the emulator does not know; see ``CallbackSettings.fields``.
    """
    form = {
        **fields,
        "EventType": type_,
        "Sid": sid,
        **_sid_fields(entry),
        "EventDescription": f"Reservation {entry.sid} {type_.partition('.')[2]}",
        "ResourceType": "reservation",
        "ResourceSid": entry.sid,
        "ReservationVersion": entry.version,
        "Timestamp": _epoch_seconds(entry.at),
        "TimestampMs": str((entry.at - _EPOCH) // timedelta(milliseconds=1)),
        "TaskAssignmentStatus": entry.task_status.value,
        **_task_fields(entry.task, entry.at),
        **(_worker_fields(entry.worker) if entry.worker else {}),
    }
    return tuple(form.items())


def resource_event_form(event: ResourceEvent, sid: str, fields: Mapping[str, str]) -> FormPairs:
    """Return the form of the event of a task or worker.

    :param sid: SID of the event.
    :param fields: values that the event does not hold; see ``CallbackSettings.fields``.
    """
    task, worker = event.task, event.worker
    own = _WORKER_FIELDS if task is None else _TASK_FIELDS
    subject = task or worker
    assert subject is not None
    form = {
        **{name: value for name, value in fields.items() if name.startswith(own)},
        "EventType": event.type.value,
        "Sid": sid,
        **_present(AccountSid=subject.account_sid, WorkspaceSid=subject.workspace_sid),
        "EventDescription": event.description,
        "ResourceType": "worker" if task is None else "task",
        "ResourceSid": subject.sid,
        "Timestamp": _epoch_seconds(event.at),
        "TimestampMs": str((event.at - _EPOCH) // timedelta(milliseconds=1)),
    }
    if task is not None:
        form |= {"TaskSid": task.sid, "TaskAssignmentStatus": task.status.value}
        form |= _task_fields(task, event.at)
    if worker is not None:
        form |= {"WorkerSid": worker.sid, **_worker_fields(worker)}
    before = event.worker_before
    if before is not None and event.type is ResourceEventType.WORKER_ACTIVITY_UPDATE:
        since = before.date_status_changed or event.at
        form |= _present(
            WorkerPreviousActivitySid=before.activity_sid,
            WorkerTimeInPreviousActivity=str((event.at - since) // timedelta(seconds=1)),
        )
    return tuple(form.items())


def _sid_fields(entry: JournalEntry) -> dict[str, str]:
    reservation = entry.reservation
    return _present(
        AccountSid=reservation.account_sid,
        WorkspaceSid=reservation.workspace_sid,
        TaskSid=reservation.task_sid,
        WorkerSid=reservation.worker_sid,
        ReservationSid=entry.sid,
    )


def _task_fields(task: Task, at: datetime) -> dict[str, str]:
    created = _epoch_seconds(task.date_created)
    fields = {
        "TaskAttributes": json.dumps(task.attributes),
        "TaskAge": _age(task, at),
        "TaskVersion": str(task.version),
        "TaskDateCreated": created,
        "TaskQueueEnteredDate": created,  # a task enters its one queue when it is created
        "TaskVirtualStartTime": _virtual_start(task),
    }
    if task.reason and task.status in _REASON_FIELDS:
        fields[_REASON_FIELDS[task.status]] = task.reason
    return fields


def _virtual_start(task: Task) -> str:
    given = None if task.order is None else task.order.fields.get("virtual_start_time")
    with suppress(ValueError):  # none is given
        return _epoch_seconds(datetime.fromisoformat(str(given)))
    return _epoch_seconds(task.date_created)


def _worker_fields(worker: Worker) -> dict[str, str]:
    return _present(
        WorkerAttributes=json.dumps(worker.attributes),
        WorkerVersion=str(worker.version),
        WorkerName=worker.name,
        WorkerActivitySid=worker.activity_sid,
    )


def _present(**fields: str | None) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value is not None}


def _epoch_seconds(at: datetime) -> str:
    return str((at - _EPOCH) // timedelta(seconds=1))


def _age(task: Task, at: datetime) -> str:
    return str((at - task.date_created) // timedelta(seconds=1))
