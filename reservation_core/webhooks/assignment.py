"""Assignment callbacks: the reservation, its task and its worker.

A callback has no status. The platform sends it when the worker is reserved, so the reservation is
pending.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import cast

import attrs

from reservation_core.domain.errors import hides_locals
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.bodies import Attributes, Payload, read_body
from reservation_core.rest.errors import MalformedReply
from reservation_core.rest.field_reader import LARGEST_INTEGER, LenientFieldReader
from reservation_core.rest.reservation_payload import read_callback


def _show_names(fields: Mapping[str, object]) -> str:
    return f"<{', '.join(fields)}>"


@attrs.frozen(kw_only=True)
class Assignment:
    """One assignment callback.

    The ``repr`` shows the names of the attributes and of the other fields, without values.

    :param reservation: pending, with every SID of the callback.
    :param task_attributes: the attributes of the task, a JSON object. Empty if there are none.
    :param worker_attributes: the attributes of the worker, in the same way.
    :param task_age: the age of the task in seconds.
    :param task_priority: the priority of the task. A higher number is more urgent.
    :param time: the time of the callback, an aware datetime in UTC.
    :param other_fields: the other fields, as they were received.
    """

    reservation: Reservation
    task_attributes: Attributes = attrs.field(repr=_show_names)
    worker_attributes: Attributes = attrs.field(repr=_show_names)
    workflow_sid: str | None
    task_queue_sid: str | None
    task_age: int | None
    task_priority: int | None
    time: datetime | None
    other_fields: Mapping[str, object] = attrs.field(repr=_show_names)


@hides_locals(MalformedReply)
def read_assignment(payload: Payload) -> Assignment:
    """Read an assignment callback.

    :param payload: its form: a mapping of its fields, or the body as it was received.
    :raises MalformedReply: if it cannot be read. The error has all faults. Attributes that are not
        a JSON object are a fault.

    >>> sid = "WR" + "a" * 32
    >>> body = "ReservationSid=" + sid + "&TaskAttributes=%7B%22language%22%3A%22en%22%7D"
    >>> assignment = read_assignment(body)
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
        reservation=read_callback(reader),  # it raises the faults of all fields
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
    """Unwrap a list of one value."""
    if not isinstance(value, list):
        return value
    values = cast("list[object]", value)
    return values[0] if len(values) == 1 else values
