"""Preconditions of instructions on the task, the worker and the call.

Most of them require an attribute, unless a parameter takes its place. They are documented in the
platform's error dictionary, which has the numbers. Only the message of 40142 was observed. The
others are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import attrs

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import Conference, Dequeue, Redirect, Supervise
from reservation_core.emulator.platform.model import StoredReservation
from reservation_core.emulator.platform.settings import Settings
from reservation_core.emulator.platform.tables import Tables
from reservation_core.rest.addresses import SID_PREFIXES
from reservation_core.rest.bodies import Attributes


@attrs.frozen
class RequiredAttribute:
    """Attributes of which an instruction needs at least one.

    :param owner: the object whose attributes are meant.
    :param code: the platform's error number if they are missing.
    :param parameter: field of the command that takes the attributes' place.
    :param on_transfer: true if only a transfer needs it, false if only other reservations do.
    """

    owner: Literal["task", "worker", "supervisor"]
    names: tuple[str, ...]
    code: int
    message: str
    parameter: str = ""
    on_transfer: bool | None = None


_NO_CONTACT: Final = (
    "The worker's attributes have no contact_uri and the instruction does not say where to call"
)
_ENQUEUE_ONLY: Final = (
    "The conference instruction can only be issued on a task that was created using the <Enqueue>"
    " TwiML verb."
)
_NO_CONFERENCE: Final = "The task's attributes have no conference_sid"
_NO_SUPERVISOR_CONTACT: Final = "The supervisor's attributes have no contact_uri"
REQUIRED_ATTRIBUTES: Final[Mapping[str, tuple[RequiredAttribute, ...]]] = {
    "dequeue": (
        RequiredAttribute("task", ("call_sid",), 40140, "The task's attributes have no call_sid"),
        RequiredAttribute("worker", ("contact_uri",), 40131, _NO_CONTACT, "to"),
    ),
    "call": (RequiredAttribute("worker", ("contact_uri",), 40110, _NO_CONTACT, "to"),),
    "conference": (
        RequiredAttribute(
            "task", ("call_sid", "outbound_to"), 40142, _ENQUEUE_ONLY, on_transfer=False
        ),
        RequiredAttribute("task", ("conference_sid",), 40149, _NO_CONFERENCE, on_transfer=True),
        RequiredAttribute("worker", ("contact_uri",), 40137, _NO_CONTACT, "to"),
    ),
    "supervise": (
        RequiredAttribute("supervisor", ("contact_uri",), 40147, _NO_SUPERVISOR_CONTACT),
        RequiredAttribute("task", ("from",), 40148, "The task's attributes have no from"),
    ),
}
"""Required attributes of each instruction, in the order in which they are checked."""

_NOT_ON_TRANSFERS: Final = ("dequeue", "call", "redirect")
_NOT_ON_TRANSFER: Final = (
    40151,
    "The instruction is not allowed on a task that is being transferred",
)
_NO_CALLER_ID: Final = "The instruction does not say who is calling (from)"
_CALL_NOT_LIVE: Final = (40122, "The call is not in progress")


def find_unmet(
    command: Command, stored: StoredReservation, tables: Tables, settings: Settings
) -> tuple[int, str] | None:
    """Return the error number and message of the first unmet precondition."""
    trigger, task = command.trigger, tables.tasks[str(stored.reservation.task_sid)]
    if stored.is_transfer and trigger in _NOT_ON_TRANSFERS:
        return _NOT_ON_TRANSFER
    # Sources disagree about the caller ID.
    if isinstance(command, Dequeue) and settings.dequeue_needs_from and command.from_ is None:
        return 40132, _NO_CALLER_ID
    if isinstance(command, Conference) and settings.conference_needs_from and command.from_ is None:
        return 40138, _NO_CALLER_ID
    if isinstance(command, Redirect):
        is_task_call = command.call_sid == task.attributes.get("call_sid")
        if is_task_call and not task.has_live_call:
            return _CALL_NOT_LIVE
        if settings.redirects_only_task_calls and not is_task_call:
            return _CALL_NOT_LIVE
    for required in REQUIRED_ATTRIBUTES.get(trigger, ()):
        if required.on_transfer is not None and required.on_transfer is not stored.is_transfer:
            continue
        if required.parameter and getattr(command, required.parameter) is not None:
            continue
        attributes = _find_attributes(required.owner, command, stored, tables)
        if attributes is not None and not any(attributes.get(name) for name in required.names):
            return required.code, required.message
    return None


def _find_attributes(
    owner: str, command: Command, stored: StoredReservation, tables: Tables
) -> Attributes | None:
    """Return the owner's attributes, or ``None`` to check nothing.

    A supervisor given by an address counts as reachable. So does an unknown one of an assumed task.
    """
    task = tables.tasks[str(stored.reservation.task_sid)]
    if owner == "task":
        return task.attributes
    sid, by_address = str(stored.reservation.worker_sid), False
    if owner == "supervisor" and isinstance(command, Supervise):
        sid = command.supervisor
        by_address = not sid.startswith(SID_PREFIXES["worker_sid"])
    if (worker := tables.workers.get(sid)) is not None:
        return worker.attributes
    return None if task.is_assumed or by_address else {}
