"""What a developer looks at while debugging: every reservation as it stands, what may happen to it next, and why things went as they did.

What is offered is one line of the table ``OFFERS`` each; whether it is possible the platform says, and the lifecycle for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from typing import Final

import attrs

from reservation_core.domain import lifecycle
from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import Accept, Complete, Conference, Reject, Wrap
from reservation_core.domain.decisions import decide, find_fact_edge
from reservation_core.domain.lifecycle import Status
from reservation_core.emulator.platform.clock import Clock
from reservation_core.emulator.platform.errors import StateConflict, UnmetPrecondition
from reservation_core.emulator.platform.model import JournalEntry, StoredReservation
from reservation_core.emulator.platform.platform import Platform
from reservation_core.rest.addresses import Route, reservation_path
from reservation_core.rest.urlencoding import encode_form

MOST: Final = 2000
"""How many reservations are shown, the newest."""

_CALLER: Final = "+15005550006"  # the vendor's own magic number for tests
_HOUR: Final = timedelta(hours=1)


class OfferTarget(StrEnum):
    """What something that may happen belongs to."""

    CALL = "The call"
    PLATFORM = "The platform reports"
    TASK = "The task"
    CLIENT = "A client asks"


@attrs.frozen
class Offer:
    """Something that may be let happen to a reservation: how it is named, and the request that does it.

    :param name: by which :func:`standing` says that it is possible.
    :param path: below the control surface; ``WR`` and ``WT`` stand for the SIDs. Empty for the reservation's own address.
    :param body: a JSON object, or a form for the reservation's own address.
    """

    name: str
    says: str
    of: OfferTarget
    method: str
    path: str
    body: object = None


_FACTS: Final = tuple(dict.fromkeys(edge.trigger for edge in lifecycle.FACT_EDGES))
_ASKED: Final[dict[str, Command]] = {
    command.trigger: command
    for command in (Accept(), Reject(), Conference(from_=_CALLER), Wrap(), Complete())
}

OFFERS: Final = (
    Offer(
        "answer_call",
        "Worker answers",
        OfferTarget.CALL,
        "POST",
        "/reservations/WR/answer-call",
    ),
    Offer(
        "miss_call",
        "Does not answer",
        OfferTarget.CALL,
        "POST",
        "/reservations/WR/miss-call",
    ),
    Offer("fail_call", "Leg fails", OfferTarget.CALL, "POST", "/reservations/WR/fail-call"),
    Offer(
        "hang_up",
        "Caller hangs up",
        OfferTarget.CALL,
        "POST",
        "/reservations/WR/hang-up",
    ),
    *(
        Offer(
            fact,
            fact.capitalize(),
            OfferTarget.PLATFORM,
            "POST",
            "/reservations/WR/facts",
            {"fact": fact},
        )
        for fact in _FACTS
    ),
    Offer("wrap_task", "Wrap up", OfferTarget.TASK, "POST", "/tasks/WT/wrap"),
    Offer("complete_task", "Complete", OfferTarget.TASK, "POST", "/tasks/WT/complete"),
    Offer("cancel_task", "Cancel", OfferTarget.TASK, "POST", "/tasks/WT/cancel"),
    Offer("delete_task", "Delete", OfferTarget.TASK, "DELETE", "/tasks/WT"),
    *(
        Offer(
            f"ask_{trigger}",
            trigger.capitalize(),
            OfferTarget.CLIENT,
            "POST",
            "",
            encode_form(command.form()).decode(),
        )
        for trigger, command in _ASKED.items()
    ),
)
"""All that a page offers to let happen, in the order in which it does."""


def overview(platform: Platform) -> dict[str, object]:
    """Show the time, what may be offered, and the newest reservations, oldest first."""
    sids = [str(reservation.sid) for reservation in platform.all()]
    return {
        **time(platform),
        "offers": OFFERS,
        "tasks": len(platform.tasks()),
        "workers": len(platform.workers()),
        "held": len(sids),
        "reservations": [standing(platform, sid) for sid in sids[-MOST:]],
    }


def time(platform: Platform) -> dict[str, object]:
    """Tell the time, and how many of its seconds pass in a real one (0 where it is moved by hand)."""
    return {"now": platform.now(), "pace": pace(platform.clock)}


def pace(clock: Clock) -> float:
    """Tell how many seconds of a clock pass in a real one."""
    wait = clock.wait(clock.now() + _HOUR)
    return 0.0 if wait is None else round(_HOUR.total_seconds() / wait, 3)


def standing(platform: Platform, sid: str) -> dict[str, object]:
    """Show a reservation as it stands, and name what may happen to it.

    :raises KeyError: when there is none, or none any more.
    """
    held = platform.stored(sid)
    reservation = held.reservation
    task = platform.task(str(reservation.task_sid))
    return {
        "sid": sid,
        "number": held.number,
        "state": reservation.state,
        "status": reservation.status,
        "version": reservation.etag,
        "workspace_sid": reservation.workspace_sid,
        "task_sid": task.sid,
        "task_status": task.status,
        "worker_sid": reservation.worker_sid,
        "worker_name": reservation.worker_name,
        "transfer": held.is_transfer,
        "code": held.canceled_reason_code,
        "due": held.due,
        "left": _left(held, task.reservation_timeout),
        "path": reservation_path(reservation, Route.TASK),
        "may": [*platform.available_actions(sid), *_askable(platform, sid)],
    }


def siblings(platform: Platform, task_sid: str) -> list[object]:
    """Show all reservations of a task, oldest first."""
    return [standing(platform, str(reservation.sid)) for reservation in platform.all(task_sid)]


def _askable(platform: Platform, sid: str) -> Iterator[str]:
    for trigger, command in _ASKED.items():
        try:
            platform.check_command(sid, command)
        except (StateConflict, UnmetPrecondition):
            continue
        yield f"ask_{trigger}"


def _left(held: StoredReservation, timeout: int) -> float | None:
    """Tell how many seconds were left when the timer stopped because the reservation is on hold."""
    reservation = held.reservation
    if (
        not reservation.on_hold
        or reservation.date_created is None
        or reservation.date_updated is None
    ):
        return None
    return max(0.0, timeout - (reservation.date_updated - reservation.date_created).total_seconds())


def why(act: JournalEntry) -> str | None:
    """Say on what ground an act was possible: the lifecycle's word for the step, its evidence and its source."""
    if act.before is None:
        return None
    if act.trigger in lifecycle.TRIGGERS:
        decision = decide(act.before, act.trigger, act.reservation.status is Status.ACCEPTED)
        return decision.reason if decision.is_allowed else None
    edge = find_fact_edge(act.before, Status(act.trigger))
    return None if edge is None else f"{edge.note} [{edge.evidence}: {edge.reference}]"
