"""What an instruction needs of the task, the worker and the call it is about, beyond its own parameters: one row a need.

Most rows say: an attribute must be there, or a parameter that stands in for it. The numbers are those of the platform's error
dictionary; only one of the sentences was ever seen in an answer, the others are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import attrs

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import Redirect, Supervise
from reservation_core.domain.evidence import Evidence, Source
from reservation_core.emulator.platform.model import Attributes, Task, Worker
from reservation_core.emulator.platform.settings import Settings
from reservation_core.rest.addresses import SID_PREFIXES


class NeedTarget(StrEnum):
    """Whose attributes a need is about."""

    TASK = "task"
    WORKER = "worker"
    SUPERVISOR = "supervisor"


@attrs.frozen
class Need:
    """One of some attributes that an instruction cannot do without.

    :param names: the attributes, one of which must be there and say something.
    :param parameter: the field of the command that stands in for them.
    :param transfer: ask it only of a transfer (``True``), only of any other reservation (``False``), or of both (``None``).
    """

    trigger: str
    of: NeedTarget
    names: tuple[str, ...]
    code: int
    message: str
    parameter: str = ""
    transfer: bool | None = None
    evidence: Evidence = Evidence.DOCUMENTED
    source: Source = Source.ERROR_DICTIONARY


_NO_CONTACT: Final = (
    "The worker's attributes have no contact_uri and the instruction does not say where to call"
)
NEEDS: Final = (
    Need(
        "dequeue", NeedTarget.TASK, ("call_sid",), 40140, "The task's attributes have no call_sid"
    ),
    Need("dequeue", NeedTarget.WORKER, ("contact_uri",), 40131, _NO_CONTACT, "to"),
    Need("call", NeedTarget.WORKER, ("contact_uri",), 40110, _NO_CONTACT, "to"),
    Need(
        "conference",
        NeedTarget.TASK,
        ("call_sid", "outbound_to"),
        40142,
        "The conference instruction can only be issued on a task that was created using the <Enqueue> TwiML verb.",
        transfer=False,
    ),
    Need(
        "conference",
        NeedTarget.TASK,
        ("conference_sid",),
        40149,
        "The task's attributes have no conference_sid",
        transfer=True,
    ),
    Need("conference", NeedTarget.WORKER, ("contact_uri",), 40137, _NO_CONTACT, "to"),
    Need(
        "supervise",
        NeedTarget.SUPERVISOR,
        ("contact_uri",),
        40147,
        "The supervisor's attributes have no contact_uri",
    ),
    Need("supervise", NeedTarget.TASK, ("from",), 40148, "The task's attributes have no from"),
)
"""What each instruction needs, in the order in which it is asked for."""

_NEEDS: Final = {
    trigger: tuple(need for need in NEEDS if need.trigger == trigger)
    for trigger in {need.trigger for need in NEEDS}
}

NOT_ON_TRANSFERS: Final[Mapping[str, tuple[int, str]]] = dict.fromkeys(
    ("dequeue", "call", "redirect"),
    (40151, "The instruction is not allowed on a task that is being transferred"),
)
"""What a transfer has no use for: only accept, reject, conference and supervise are valid there (documented: error 40151)."""

_CALLERS: Final = {
    "dequeue": (40132, "dequeue_needs_from"),
    "conference": (40138, "conference_needs_from"),
}
"""Where sources disagree whether the caller ID is required: the number if it is, and the setting that says so."""

_NOT_LIVE: Final = (40122, "The call is not in progress")


def unmet(
    command: Command,
    task: Task,
    worker: Worker | None,
    supervisor: Worker | None,
    *,
    transfer: bool,
    settings: Settings,
) -> tuple[int, str] | None:
    """Find the first need of an instruction that is not met: the platform's number and the sentence; ``None`` when all are.

    A supervisor named by an address is taken to be reachable, and so is one that the workspace of a merely assumed task does not know.
    """
    trigger = command.trigger
    if transfer and trigger in NOT_ON_TRANSFERS:
        return NOT_ON_TRANSFERS[trigger]
    if trigger in _CALLERS:
        code, setting = _CALLERS[trigger]
        if getattr(settings, setting) and getattr(command, "from_", None) is None:
            return code, "The instruction does not say who is calling (from)"
    if isinstance(command, Redirect):
        own = command.call_sid == task.attributes.get("call_sid")
        if not task.has_live_call if own else settings.redirects_only_task_calls:
            return _NOT_LIVE
    for need in _NEEDS.get(trigger, ()):
        if need.transfer is not None and need.transfer is not transfer:
            continue
        if need.parameter and getattr(command, need.parameter) is not None:
            continue
        attributes = _attributes(need.of, command, task, worker, supervisor)
        if attributes is not None and not any(attributes.get(name) for name in need.names):
            return need.code, need.message
    return None


def _attributes(
    of: NeedTarget, command: Command, task: Task, worker: Worker | None, supervisor: Worker | None
) -> Attributes | None:
    """Give whose attributes are asked for; ``None`` where they need not be asked."""
    if of is NeedTarget.TASK:
        return task.attributes
    someone = worker if of is NeedTarget.WORKER else supervisor
    if someone is not None:
        return someone.attributes
    by_address = isinstance(command, Supervise) and not command.supervisor.startswith(
        SID_PREFIXES["worker_sid"]
    )
    return None if task.is_assumed or by_address else {}
