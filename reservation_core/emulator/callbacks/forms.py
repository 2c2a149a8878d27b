"""Forms of assignment and event callbacks, made from an act of the platform.

1. The names of the fields are documented, or were observed in services that read them.
2. Only a change of the public status is an event: a reservation that goes on hold stays
   ``pending``, so no event reports it.
3. Times are epoch seconds. This was observed in events and is inferred for assignment callbacks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from reservation_core.domain.commands.parsing import FormPairs
from reservation_core.emulator.platform.model import JournalEntry, Task, TaskStatus, Worker
from reservation_core.webhooks.events import EVENT_TYPES

_ASSIGNMENT_FIELDS: Final = ("WorkflowSid", "TaskQueueSid", "TaskPriority")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_REASON_FIELDS: Final = {
    TaskStatus.CANCELED: "TaskCanceledReason",
    TaskStatus.COMPLETED: "TaskCompletedReason",
}


def event_type(act: JournalEntry) -> str | None:
    """Return the type of the event that reports an act, or ``None`` if none does."""
    status = act.reservation.status  # pending while the reservation is on hold
    return None if status == act.before else EVENT_TYPES[status]


def assignment_form(act: JournalEntry, fields: Mapping[str, str]) -> FormPairs:
    """Return the documented fields of an assignment callback about a new reservation.

    :param fields: values that the emulator does not know; see ``CallbackSettings.fields``.
    """
    form = {
        "Timestamp": _epoch_seconds(act.at),
        **_sid_fields(act),
        **{name: fields[name] for name in _ASSIGNMENT_FIELDS},
        "TaskAttributes": json.dumps(act.task.attributes),
        "TaskAge": _age(act.task, act.at),
        "WorkerAttributes": json.dumps(act.worker.attributes if act.worker else {}),
    }
    return tuple(form.items())


def event_form(act: JournalEntry, type_: str, sid: str, fields: Mapping[str, str]) -> FormPairs:
    """Return the documented and the observed fields of an event callback about an act.

    :param type_: type of the event.
    :param sid: SID of the event.
    :param fields: values that the emulator does not know; see ``CallbackSettings.fields``.
    """
    form = {
        **fields,
        "EventType": type_,
        "Sid": sid,
        **_sid_fields(act),
        "EventDescription": f"Reservation {act.sid} {type_.partition('.')[2]}",
        "ResourceType": "reservation",
        "ResourceSid": act.sid,
        "ReservationVersion": act.version,
        "Timestamp": _epoch_seconds(act.at),
        "TimestampMs": str((act.at - _EPOCH) // timedelta(milliseconds=1)),
        "TaskAssignmentStatus": act.task_status.value,
        **_task_fields(act.task, act.at),
        **(_worker_fields(act.worker) if act.worker else {}),
    }
    return tuple(form.items())


def _sid_fields(act: JournalEntry) -> dict[str, str]:
    reservation = act.reservation
    return _present(
        AccountSid=reservation.account_sid,
        WorkspaceSid=reservation.workspace_sid,
        TaskSid=reservation.task_sid,
        WorkerSid=reservation.worker_sid,
        ReservationSid=act.sid,
    )


def _task_fields(task: Task, at: datetime) -> dict[str, str]:
    created = _epoch_seconds(task.date_created)
    fields = {
        "TaskAttributes": json.dumps(task.attributes),
        "TaskAge": _age(task, at),
        "TaskVersion": str(task.version),
        "TaskDateCreated": created,
        "TaskQueueEnteredDate": created,  # the one queue, which a task enters when it is created
        "TaskVirtualStartTime": created,
    }
    if task.reason and task.status in _REASON_FIELDS:
        fields[_REASON_FIELDS[task.status]] = task.reason
    return fields


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
