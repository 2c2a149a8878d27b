"""Where a reservation stands: the two routes, their paths, and the SIDs they are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from operator import attrgetter
from typing import Final, Protocol, cast

import attrs

from reservation_core.errors import IncompleteReservation
from reservation_core.vocabulary import sid

PREFIXES: Final = {"sid": "WR", "account_sid": "AC", "workspace_sid": "WS", "task_sid": "WT", "worker_sid": "WK"}
"""The SIDs a reservation holds, and how each begins."""

IS_SID: Final = {field: re.compile(sid(prefix).form).fullmatch for field, prefix in PREFIXES.items()}
"""Whether a text is the SID that a field asks for."""


def are_sids(*fields: str) -> Callable[[Iterable[object]], bool]:
    """Make the check that sees at one glance whether values are the SIDs that these fields ask for, all of them."""
    right = re.compile("\n".join(sid(PREFIXES[field]).form for field in fields)).fullmatch

    def check(values: Iterable[object]) -> bool:
        try:
            return right("\n".join(cast("Iterable[str]", values))) is not None
        except TypeError:  # one of them is no text
            return False

    return check


class Route(StrEnum):
    """The two addresses of a reservation. The worker route lacks supervise and tells no version (ETag)."""

    TASK = "task"
    WORKER = "worker"


class Owned(Protocol):
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


class Addressed(Owned, Protocol):
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


_COLLECTIONS: Final = {
    Route.TASK: ("/v1/Workspaces/%s/Tasks/%s/Reservations", ("workspace_sid", "task_sid")),
    Route.WORKER: ("/v1/Workspaces/%s/Workers/%s/Reservations", ("workspace_sid", "worker_sid")),
}


def _writer(template: str, *fields: str) -> Callable[[Owned], str]:
    """Make what writes the path of a template with the SIDs of these fields; the whole path is checked at once."""
    read = attrgetter(*fields)
    right = re.compile(template % tuple(sid(PREFIXES[field]).form for field in fields)).fullmatch

    def write(where: Owned) -> str:
        sids: tuple[object, ...] = read(where)
        path = template % sids
        if right(path):
            return path
        wrong = (field for field, value in zip(fields, sids, strict=True) if not (isinstance(value, str) and IS_SID[field](value)))
        raise IncompleteReservation(tuple(wrong))

    return write


_TO_ALL: Final = {route: _writer(template, *fields) for route, (template, fields) in _COLLECTIONS.items()}
_TO_ONE: Final = {route: _writer(template + "/%s", *fields, "sid") for route, (template, fields) in _COLLECTIONS.items()}


def path_to(where: Addressed, route: Route) -> str:
    """Write the path of one reservation.

    :raises IncompleteReservation: when a SID of it is missing or is none.
    """
    return _TO_ONE[route](where)


def path_to_all(where: Owned, route: Route) -> str:
    """Write the path of all reservations of a task, or of a worker.

    :raises IncompleteReservation: when a SID of it is missing or is none.
    """
    return _TO_ALL[route](where)


def parents(where: Owned) -> tuple[str, str, str]:
    """Write the paths of the workspace, the task and the worker that a reservation belongs to."""
    task, worker = (path_to_all(where, route).rpartition("/")[0] for route in Route)
    return task.rsplit("/", 2)[0], task, worker


def read_path(path: str) -> tuple[Route, Address] | None:
    """Read the address out of a path, query left aside; its ``sid`` is ``None`` for a list. ``None`` for any other path.

    >>> read_path("/v1/Workspaces/WS1/Tasks/WT1/Reservations")
    (<Route.TASK: 'task'>, Address(workspace_sid='WS1', sid=None, task_sid='WT1', worker_sid=None))
    """
    for route, (template, fields) in _COLLECTIONS.items():
        if match := re.fullmatch(template.replace("%s", "([^/?]+)") + r"(?:/([^/?]+))?(?:\?.*)?", path):
            return route, Address(sid=match[3], **dict(zip(fields, match.groups(), strict=False)))
    return None
