"""Where the emulated platform reports to, and what it says there: the forms of an assignment callback and of an event callback.

1. The names of the fields are documented, or were observed in services that read them. Of workflows, queues, channels and the names of
   activities the double knows nothing: what it says of them is settled once, in ``CallbackSettings.fields``.
2. What happened is told by the public status alone: that a reservation is on hold is no event.
3. Times are epoch seconds, as they were observed in events; that they are so in assignment callbacks is inferred.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

import attrs

from reservation_core.domain.commands.kinds import Uri
from reservation_core.domain.commands.parsing import FormPairs
from reservation_core.emulator.platform.model import JournalEntry, Task, TaskStatus, Worker
from reservation_core.webhooks.events import EVENT_STATUSES, EVENT_TYPES
from reservation_core.webhooks.request import redact_url

_NIL: Final = "0" * 32
_NAME: Final = "Emulator"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "WorkspaceName": _NAME,
        "WorkflowSid": f"WW{_NIL}",
        "WorkflowName": _NAME,
        "TaskQueueSid": f"WQ{_NIL}",
        "TaskQueueName": _NAME,
        "TaskQueueTargetExpression": "1==1",
        "TaskChannelSid": f"TC{_NIL}",
        "TaskChannelUniqueName": "default",
        "TaskPriority": "0",
        "TaskIgnoreCapacity": "false",
        "WorkerActivitySid": f"WA{_NIL}",
        "WorkerActivityName": "Available",
        "OperatingUnitSid": f"OU{_NIL}",
    }
)
"""What is said of that which the double does not know, unless ``CallbackSettings.fields`` says otherwise."""

_ASKED: Final = ("WorkflowSid", "TaskQueueSid", "TaskPriority")
_URI: Final = Uri()


def _check_url(_: object, field: attrs.Attribute[str | None], url: str | None) -> None:
    if url is None:
        return
    try:
        right = (
            url.isascii()
            and " " not in url
            and not _URI.find_problem(url)
            and "@" not in urlsplit(url).netloc
        )
        right = right and urlsplit(url).port != 0
    except ValueError:  # a port beyond all ports
        right = False
    if not right:
        raise ValueError(
            f"{field.name} must be an http or https URL in ASCII, without user information; escape what is not"
        )


def _check_share(_: object, field: attrs.Attribute[float], share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"{field.name} must be from 0 (never) to 1 (always), not {share!r}")


def _check_token(_: object, __: object, token: str | None) -> None:
    if token is not None and (not token or token != token.strip()):
        raise ValueError(
            "auth_token must not be empty, nor have white space around it; leave it out to sign nothing"
        )


def _show_url(url: str | None) -> str:
    return repr(url and redact_url(url))


def _read_fields(given: Mapping[str, str]) -> Mapping[str, str]:
    if not all(isinstance(text, str) for pair in given.items() for text in pair):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError("fields must map names to texts")
    return {**FIELDS, **given}


def _read_types(types: Iterable[str] | None) -> frozenset[str]:
    return frozenset(EVENT_STATUSES if types is None else types)


def _check_types(_: object, __: object, types: frozenset[str]) -> None:
    if unknown := types - EVENT_STATUSES.keys():
        raise ValueError(
            f"event_types must be among {', '.join(EVENT_STATUSES)}; {len(unknown)} given are not"
        )


@attrs.frozen(kw_only=True, eq=False)
class CallbackSettings:
    """Whom the emulated platform tells what happens, and how reliably. By default, nobody.

    :param assignment_url: is asked what to do with each reservation that is made.
    :param fallback_url: is asked when nothing that counts came from there.
    :param event_url: is told of each event.
    :param auth_token: what everything is signed with, as the platform does with the account's; ``None`` to sign nothing.
    :param event_types: the events that are told, such as ``reservation.accepted``; ``None`` for all.
    :param fields: what to say of that which the double does not know, in place of, or besides, :data:`FIELDS`.
    :param duplicates: how many of the notices are sent twice, from 0 (none) to 1 (all).
    :param reordered: how many of the events are overtaken by later ones, from 0 to 1.
    :param seed: settles which.
    :raises ValueError: for a URL that cannot be asked, an unknown event or a share that is none. A URL's fragment is never sent.
    """

    assignment_url: str | None = attrs.field(default=None, validator=_check_url, repr=_show_url)
    fallback_url: str | None = attrs.field(default=None, validator=_check_url, repr=_show_url)
    event_url: str | None = attrs.field(default=None, validator=_check_url, repr=_show_url)
    auth_token: str | None = attrs.field(default=None, validator=_check_token, repr=False)
    event_types: frozenset[str] = attrs.field(
        default=None, converter=_read_types, validator=_check_types
    )
    fields: Mapping[str, str] = attrs.field(default=FIELDS, converter=_read_fields, repr=False)
    duplicates: float = attrs.field(default=0.0, validator=_check_share)
    reordered: float = attrs.field(default=0.0, validator=_check_share)
    seed: int = 0

    @property
    def urls(self) -> tuple[str, ...]:
        """Everything that is called back."""
        return tuple(filter(None, (self.assignment_url, self.fallback_url, self.event_url)))


def event_of(act: JournalEntry) -> str | None:
    """Name the event that tells of an act; ``None`` where the public status did not change."""
    status = act.reservation.status  # pending, while it is on hold
    return None if status == act.before else EVENT_TYPES[status]


def assignment_form(act: JournalEntry, fields: Mapping[str, str]) -> FormPairs:
    """Write what an assignment callback says of a reservation that was made: the documented fields."""
    form = {
        "Timestamp": _seconds(act.at),
        **_whereabouts(act),
        **{name: fields[name] for name in _ASKED},
        "TaskAttributes": json.dumps(act.task.attributes),
        "TaskAge": _age(act.task, act.at),
        "WorkerAttributes": json.dumps(act.worker.attributes if act.worker else {}),
    }
    return tuple(form.items())


def event_form(act: JournalEntry, type_: str, sid: str, fields: Mapping[str, str]) -> FormPairs:
    """Write what an event callback says of an act: the documented fields, and those that were observed beside them.

    :param sid: the event's own.
    """
    form = {
        **fields,
        "EventType": type_,
        "Sid": sid,
        **_whereabouts(act),
        "EventDescription": f"Reservation {act.sid} {type_.partition('.')[2]}",
        "ResourceType": "reservation",
        "ResourceSid": act.sid,
        "ReservationVersion": act.version,
        "Timestamp": _seconds(act.at),
        "TimestampMs": str((act.at - _EPOCH) // timedelta(milliseconds=1)),
        "TaskAssignmentStatus": act.task_status.value,
        **_task_group(act.task, act.at),
    }
    if act.worker is not None:
        form |= _worker_group(act.worker)
    return tuple(form.items())


def _whereabouts(act: JournalEntry) -> dict[str, str]:
    reservation = act.reservation
    sids = {
        "AccountSid": reservation.account_sid,
        "WorkspaceSid": reservation.workspace_sid,
        "TaskSid": reservation.task_sid,
        "WorkerSid": reservation.worker_sid,
        "ReservationSid": act.sid,
    }
    return {name: sid for name, sid in sids.items() if sid is not None}


def _task_group(task: Task, at: datetime) -> dict[str, str]:
    created = _seconds(task.date_created)
    group = {
        "TaskAttributes": json.dumps(task.attributes),
        "TaskAge": _age(task, at),
        "TaskVersion": str(task.version),
        "TaskDateCreated": created,
        "TaskQueueEnteredDate": created,  # there is but one queue, which a task enters when it is made
        "TaskVirtualStartTime": created,
    }
    ended = {
        TaskStatus.CANCELED: "TaskCanceledReason",
        TaskStatus.COMPLETED: "TaskCompletedReason",
    }.get(task.status)
    return group | ({ended: task.reason} if ended and task.reason else {})


def _worker_group(worker: Worker) -> dict[str, str]:
    group = {
        "WorkerAttributes": json.dumps(worker.attributes),
        "WorkerVersion": str(worker.version),
    }
    known = {"WorkerName": worker.name, "WorkerActivitySid": worker.activity_sid}
    return group | {name: value for name, value in known.items() if value is not None}


def _seconds(at: datetime) -> str:
    return str((at - _EPOCH) // timedelta(seconds=1))


def _age(task: Task, at: datetime) -> str:
    return str((at - task.date_created) // timedelta(seconds=1))
