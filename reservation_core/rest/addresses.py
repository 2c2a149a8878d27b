"""Where a reservation stands: the two routes, their paths, and the SIDs they are made of."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from typing import Final, Protocol, TypeGuard

import attrs

from reservation_core.domain.commands.kinds import sid
from reservation_core.domain.errors import IncompleteReservation

SID_PREFIXES: Final = {
    "sid": "WR",
    "account_sid": "AC",
    "workspace_sid": "WS",
    "task_sid": "WT",
    "worker_sid": "WK",
}
"""The SIDs a reservation holds, and how each begins."""


def is_sid(value: object, field: str) -> TypeGuard[str]:
    """Whether a value is the SID that a field asks for."""
    return (
        isinstance(value, str) and re.fullmatch(sid(SID_PREFIXES[field]).pattern, value) is not None
    )


class Route(StrEnum):
    """The two addresses of a reservation. The worker route lacks supervise and tells no version (ETag)."""

    TASK = "task"
    WORKER = "worker"


class HasCollectionSids(Protocol):
    """What has the SIDs that a list of reservations is found by."""

    @property
    def workspace_sid(self) -> str | None:
        """The workspace's."""
        ...

    @property
    def task_sid(self) -> str | None:
        """The task's; the task route needs it."""
        ...

    @property
    def worker_sid(self) -> str | None:
        """The worker's; the worker route needs it."""
        ...


class HasReservationSids(HasCollectionSids, Protocol):
    """What has the SIDs a reservation's address is made of: a :class:`Reservation`, or an :class:`Address`."""

    @property
    def sid(self) -> str | None:
        """The reservation's own."""
        ...


@attrs.frozen(kw_only=True)
class Address:
    """The SIDs of one reservation, for reading it before anything else is known of it; the route in use says which are needed."""

    workspace_sid: str | None
    sid: str | None
    task_sid: str | None = None
    worker_sid: str | None = None


def _task_path(where: HasCollectionSids) -> str:
    return f"/v1/Workspaces/{where.workspace_sid}/Tasks/{where.task_sid}/Reservations"


def _worker_path(where: HasCollectionSids) -> str:
    return f"/v1/Workspaces/{where.workspace_sid}/Workers/{where.worker_sid}/Reservations"


_COLLECTIONS: Final = {
    Route.TASK: (_task_path, ("workspace_sid", "task_sid")),
    Route.WORKER: (_worker_path, ("workspace_sid", "worker_sid")),
}
_FORMS: Final = Address(
    **{
        field: sid(prefix).pattern
        for field, prefix in SID_PREFIXES.items()
        if field != "account_sid"
    }
)
_right: Final = re.compile(
    f"(?:{_task_path(_FORMS)}|{_worker_path(_FORMS)})(?:/{_FORMS.sid})?"
).fullmatch
"""Whether a path is made of SIDs: a whole path is checked at once, by the path that their forms make."""


def reservation_path(where: HasReservationSids, route: Route) -> str:
    """Write the path of one reservation.

    :raises IncompleteReservation: when a SID of it is missing or is none.
    """
    write, fields = _COLLECTIONS[route]
    path = f"{write(where)}/{where.sid}"
    if _right(path) is None:
        raise _lack(where, *fields, "sid")
    return path


def collection_path(where: HasCollectionSids, route: Route) -> str:
    """Write the path of all reservations of a task, or of a worker.

    :raises IncompleteReservation: when a SID of it is missing or is none.
    """
    write, fields = _COLLECTIONS[route]
    path = write(where)
    if _right(path) is None:
        raise _lack(where, *fields)
    return path


def _lack(where: HasCollectionSids, *fields: str) -> IncompleteReservation:
    sids = {field: getattr(where, field) for field in fields}
    return IncompleteReservation(
        tuple(field for field, value in sids.items() if not is_sid(value, field))
    )


def parent_paths(where: HasCollectionSids) -> tuple[str, str, str]:
    """Write the paths of the workspace, the task and the worker that a reservation belongs to."""
    task, worker = (collection_path(where, route).rpartition("/")[0] for route in Route)
    return task.rsplit("/", 2)[0], task, worker


def parse_path(path: str) -> tuple[Route, Address] | None:
    """Read the address out of a path, query left aside; its ``sid`` is ``None`` for a list. ``None`` for any other path.

    >>> parse_path("/v1/Workspaces/WS1/Tasks/WT1/Reservations")
    (<Route.TASK: 'task'>, Address(workspace_sid='WS1', sid=None, task_sid='WT1', worker_sid=None))
    """
    for route, match_path in _readers():
        if match := match_path(path):
            workspace_sid, owner, sid = match.groups()
            if route is Route.TASK:
                return route, Address(workspace_sid=workspace_sid, sid=sid, task_sid=owner)
            return route, Address(workspace_sid=workspace_sid, sid=sid, worker_sid=owner)
    return None


@cache
def _readers() -> tuple[tuple[Route, Callable[[str], re.Match[str] | None]], ...]:
    """Make what takes a path apart, when the first one is read: a client never does."""
    segment = "([^/?]+)"
    anywhere = Address(workspace_sid=segment, task_sid=segment, worker_sid=segment, sid=None)
    rest = rf"(?:/{segment})?(?:\?.*)?"
    return tuple(
        (route, re.compile(write(anywhere) + rest).fullmatch)
        for route, (write, _) in _COLLECTIONS.items()
    )
