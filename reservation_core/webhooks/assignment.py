"""The assignment callback: what it tells of the reservation, its task and its worker.

It names no status: it is sent when the worker is reserved, so the reservation is pending.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import cast

import attrs

from reservation_core.domain.reservation import Reservation
from reservation_core.rest.bodies import Attributes, Payload, read_body
from reservation_core.rest.field_reader import LARGEST_INTEGER, LenientFieldReader
from reservation_core.rest.reservation_payload import read_callback


def _names(told: Mapping[str, object]) -> str:
    return f"<{', '.join(told)}>"


@attrs.frozen(kw_only=True)
class Assignment:
    """One assignment callback. A ``repr`` shows the names of the attributes and of the other fields, and none of their values.

    :param reservation: pending, with every SID that was told.
    :param task_attributes: the JSON object as it was told; empty where none was. So are ``worker_attributes``.
    :param task_age: in seconds.
    :param time: when the callback was made, aware, in UTC.
    :param other_fields: the fields that are not documented, as they came.
    """

    reservation: Reservation
    task_attributes: Attributes = attrs.field(repr=_names)
    worker_attributes: Attributes = attrs.field(repr=_names)
    workflow_sid: str | None
    task_queue_sid: str | None
    task_age: int | None
    task_priority: int | None
    time: datetime | None
    other_fields: Mapping[str, object] = attrs.field(repr=_names)


def read_assignment(payload: Payload) -> Assignment:
    """Read an assignment callback.

    :param payload: its form: a mapping of its fields, or the body as it was sent.
    :raises MalformedReply: with every fault, that of attributes which are no JSON object among them.

    >>> assignment = read_assignment("ReservationSid=WR" + "a" * 32 + "&TaskAttributes=%7B%22language%22%3A%22en%22%7D")
    >>> assignment.reservation.status, assignment.task_attributes
    (<Status.PENDING: 'pending'>, {'language': 'en'})
    """
    reader = LenientFieldReader(read_body(payload), wanted="an assignment callback")
    reader.raise_faults()
    task_attributes = reader.attributes("TaskAttributes")
    worker_attributes = reader.attributes("WorkerAttributes")
    workflow_sid, task_queue_sid = reader.text("WorkflowSid"), reader.text("TaskQueueSid")
    task_age = reader.integer("TaskAge", None, maximum=LARGEST_INTEGER)
    task_priority = reader.integer("TaskPriority", None, maximum=LARGEST_INTEGER)
    time = reader.date("Timestamp")
    return Assignment(
        reservation=read_callback(reader),
        task_attributes=task_attributes,
        worker_attributes=worker_attributes,
        workflow_sid=workflow_sid,
        task_queue_sid=task_queue_sid,
        task_age=task_age,
        task_priority=task_priority,
        time=time,
        other_fields={name: _single(value) for name, value in reader.unread().items()},
    )


def _single(value: object) -> object:
    """Take a single value out of the list of a form's values."""
    values = cast("list[object]", value) if isinstance(value, list) else []
    return values[0] if len(values) == 1 else value
