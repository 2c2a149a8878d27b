"""Reservations, available actions and lifecycle rules as a page shows them.

Each action is a row of the table ``ACTIONS``. The platform and the lifecycle decide which of them
are available.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from typing import Final, cast

import attrs

from reservation_core.domain import lifecycle
from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import (
    Accept,
    Call,
    Complete,
    Conference,
    Dequeue,
    Redirect,
    Reject,
    Supervise,
    Wrap,
)
from reservation_core.domain.decisions import decide, find_fact_edge
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.member_docs import document_members
from reservation_core.emulator.documents import as_json
from reservation_core.emulator.platform.clock import Clock
from reservation_core.emulator.platform.errors import StateConflict, UnmetPrecondition
from reservation_core.emulator.platform.model import JournalEntry, StoredReservation
from reservation_core.emulator.platform.platform import Platform
from reservation_core.rest.addresses import Route, reservation_path
from reservation_core.rest.urlencoding import encode_form

MAX_RESERVATIONS: Final = 2000
"""Number of reservations that are shown, the newest ones."""

_CALLER: Final = "+15005550006"  # the vendor's own magic number for tests
_CALL_URL: Final = "https://example.com/call"  # the emulator never requests it
_HOUR: Final = timedelta(hours=1)


@document_members
class ActionGroup(StrEnum):
    """Group of actions on the page."""

    CALL = "The call"
    """Acts of the call: its setup succeeds, fails or ends."""
    PLATFORM = "The platform reports"
    """Statuses that the platform sets by itself."""
    TASK = "The task"
    """Acts on the task."""
    CLIENT = "A client asks"
    """Commands that a client may send."""


@attrs.frozen
class PageAction:
    """Action on a reservation, and the request that carries it out.

    :param name: the name by which :func:`describe_reservation` lists it as available.
    :param label: text of its button.
    :param path: path below the control surface; ``WR`` and ``WT`` stand for the SIDs. Empty for
        the reservation's own address in the emulated API.
    :param body: a JSON object, or a form for the reservation's own address.
    """

    name: str
    label: str
    group: ActionGroup
    path: str
    method: str = "POST"
    body: object = None


_FACTS_PATH: Final = "/reservations/WR/facts"
_COMMANDS: Final[dict[str, Command]] = {
    f"ask_{command.trigger}": command
    for command in (
        Accept(),
        Reject(),
        Dequeue(from_=_CALLER),
        Call(from_=_CALLER, url=_CALL_URL),
        Redirect(call_sid=f"CA{'0' * 32}", url=_CALL_URL),
        Conference(from_=_CALLER),
        Supervise(supervisor="client:supervisor", supervisor_mode="monitor"),
        Wrap(),
        Complete(),
    )
}

ACTIONS: Final = (
    PageAction("answer_call", "Worker answers", ActionGroup.CALL, "/reservations/WR/answer-call"),
    PageAction(
        "miss_call", "Worker does not answer", ActionGroup.CALL, "/reservations/WR/miss-call"
    ),
    PageAction("fail_call", "Call fails", ActionGroup.CALL, "/reservations/WR/fail-call"),
    PageAction("hang_up", "Caller hangs up", ActionGroup.CALL, "/reservations/WR/hang-up"),
    *(
        PageAction(fact, fact.capitalize(), ActionGroup.PLATFORM, _FACTS_PATH, body={"fact": fact})
        for fact in dict.fromkeys(edge.trigger for edge in lifecycle.FACT_EDGES)
    ),
    PageAction("wrap_task", "Wrap up", ActionGroup.TASK, "/tasks/WT/wrap"),
    PageAction("complete_task", "Complete", ActionGroup.TASK, "/tasks/WT/complete"),
    PageAction("cancel_task", "Cancel", ActionGroup.TASK, "/tasks/WT/cancel"),
    PageAction("delete_task", "Delete", ActionGroup.TASK, "/tasks/WT", "DELETE"),
    *(
        PageAction(
            name,
            command.trigger.capitalize(),
            ActionGroup.CLIENT,
            "",
            body=encode_form(command.form()).decode(),
        )
        for name, command in _COMMANDS.items()
    ),
)
"""All actions, in the order in which the page shows them."""


def describe_platform(platform: Platform) -> dict[str, object]:
    """Return the time, the actions and the newest reservations as JSON."""
    sids = [str(reservation.sid) for reservation in platform.all()]
    return {
        **describe_time(platform),
        "actions": ACTIONS,
        "tasks": len(platform.tasks()),
        "workers": len(platform.workers()),
        "total": len(sids),
        "reservations": [describe_reservation(platform, sid) for sid in sids[-MAX_RESERVATIONS:]],
    }


def describe_time(platform: Platform) -> dict[str, object]:
    """Return the platform's time and the pace of its clock as JSON."""
    return {"now": platform.now(), "pace": clock_pace(platform.clock)}


def clock_pace(clock: Clock) -> float:
    """Return the seconds of a clock per real second, 0 if manual."""
    wait = clock.wait(clock.now() + _HOUR)
    return 0.0 if wait is None else round(_HOUR.total_seconds() / wait, 3)


def describe_task(platform: Platform, sid: str) -> list[object]:
    """Return all reservations of a task as JSON, oldest first."""
    return [describe_reservation(platform, str(each.sid)) for each in platform.all(sid)]


def describe_reservation(platform: Platform, sid: str) -> dict[str, object]:
    """Return a reservation, its task and its available actions as JSON.

    :raises KeyError: if there is no such reservation.
    """
    stored = platform.stored(sid)
    reservation = stored.reservation
    task = platform.task(str(reservation.task_sid))
    return {
        **cast("dict[str, object]", as_json(reservation)),
        "number": stored.number,
        "state": reservation.state,
        "task_status": task.status,
        "transfer": stored.is_transfer,
        "code": stored.canceled_reason_code,
        "due": stored.due,
        "left": _paused_seconds(stored, task.reservation_timeout),
        "path": reservation_path(reservation, Route.TASK),
        "available": [*platform.available_actions(sid), *_available_commands(platform, sid)],
    }


def _available_commands(platform: Platform, sid: str) -> Iterator[str]:
    for name, command in _COMMANDS.items():
        try:
            platform.check_command(sid, command)
        except (StateConflict, UnmetPrecondition):
            continue
        yield name


def _paused_seconds(stored: StoredReservation, timeout: int) -> float | None:
    """Return the seconds left on the stopped timer of an on-hold reservation."""
    created, updated = stored.reservation.date_created, stored.reservation.date_updated
    if not stored.reservation.on_hold or created is None or updated is None:
        return None
    return max(0.0, timeout - (updated - created).total_seconds())


def describe_entry(number: int, entry: JournalEntry) -> dict[str, object]:
    """Return a journal entry as JSON, with its number and rule."""
    content = cast("dict[str, object]", as_json(entry))
    return {"number": number, **content, "rule": lifecycle_rule(entry)}


def lifecycle_rule(entry: JournalEntry) -> str | None:
    """Return the lifecycle's rule for an entry, with evidence and source.

    ``None`` for a new reservation, and for an entry that a setting of the platform allowed.
    """
    if entry.before is None:
        return None
    if entry.trigger in lifecycle.TRIGGERS:
        is_accepting = entry.reservation.status is Status.ACCEPTED
        is_on_hold = entry.reservation.on_hold
        decision = decide(entry.before, entry.trigger, is_accepting, is_on_hold)
        return decision.reason if decision.is_allowed else None
    edge = find_fact_edge(entry.before, Status(entry.trigger))
    return None if edge is None else f"{edge.note} [{edge.evidence}: {edge.reference}]"
