"""Paths of reservations on the two routes, and the SIDs in them.

One reservation has two paths: on the task route (``…/Tasks/WT…/Reservations/WR…``) and on the
worker route (``…/Workers/WK…/Reservations/WR…``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from typing import Final, TypeGuard

import attrs

from reservation_core.domain.commands.kinds import sid_kind
from reservation_core.domain.errors import IncompleteReservation
from reservation_core.domain.member_docs import document_members
from reservation_core.domain.reservation import Reservation

SID_PREFIXES: Final = {
    "sid": "WR",
    "account_sid": "AC",
    "workspace_sid": "WS",
    "task_sid": "WT",
    "worker_sid": "WK",
}
"""The SID fields of a reservation, and the two letters each SID begins with."""


def require_sid(value: object) -> None:
    """Raise TypeError for anything but a text, such as a reservation."""
    if not isinstance(value, str):
        raise TypeError(
            f"not a SID: it is of type {type(value).__name__}. Give the text, such as "
            "reservation.sid"
        )


def is_sid(value: object, field: str) -> TypeGuard[str]:
    """Return True if a value is a valid SID for a field.

    :param field: a field of :data:`SID_PREFIXES`.
    """
    return isinstance(value, str) and re.fullmatch(_pattern(field), value) is not None


def _pattern(field: str) -> str:
    return sid_kind(SID_PREFIXES[field]).pattern


@document_members
class Route(StrEnum):
    """The two routes to a reservation. The worker route has no supervise and no ETag."""

    TASK = "task"
    """The path through the task. It has all commands, and the ETag."""
    WORKER = "worker"
    """The path through the worker."""


@attrs.frozen(kw_only=True)
class Address:
    """The SIDs in the path of a reservation or of a list.

    The task route needs ``task_sid``, the worker route ``worker_sid``. A list needs no ``sid``.
    """

    workspace_sid: str | None
    sid: str | None = None
    task_sid: str | None = None
    worker_sid: str | None = None


_OWNERS: Final = {Route.TASK: ("Tasks", "task_sid"), Route.WORKER: ("Workers", "worker_sid")}


def _join_path(route: Route, workspace_sid: str | None, owner_sid: str | None) -> str:
    return f"/v1/Workspaces/{workspace_sid}/{_OWNERS[route][0]}/{owner_sid}/Reservations"


@cache  # compiled at the first use: that takes 0.3 ms of the import (benchmark row 12)
def _path_matcher() -> Callable[[str], object]:
    """Return the matcher of paths with valid SIDs."""
    collections = "|".join(
        _join_path(route, _pattern("workspace_sid"), _pattern(field))
        for route, (_, field) in _OWNERS.items()
    )
    return re.compile(f"(?:{collections})(?:/{_pattern('sid')})?").fullmatch


@cache
def _path_parser() -> Callable[[str], re.Match[str] | None]:
    """Return the matcher of paths with any SIDs."""
    segment, owners = "([^/?]+)", "|".join(collection for collection, _ in _OWNERS.values())
    path = rf"/v1/Workspaces/{segment}/({owners})/{segment}/Reservations(?:/{segment})?"
    return re.compile(rf"{path}(?:\?.*)?").fullmatch


def reservation_path(where: Address | Reservation, route: Route) -> str:
    """Return the path of a reservation.

    :raises IncompleteReservation: if a SID in it is unset or not a SID.
    """
    owner = _OWNERS[route][1]
    path = f"{_join_path(route, where.workspace_sid, getattr(where, owner))}/{where.sid}"
    if not _path_matcher()(path):
        raise _incomplete(where, "workspace_sid", owner, "sid")
    return path


def collection_path(where: Address | Reservation, route: Route) -> str:
    """Return the path of the list of a task's or worker's reservations.

    :raises IncompleteReservation: if a SID in it is unset or not a SID.
    """
    owner = _OWNERS[route][1]
    path = _join_path(route, where.workspace_sid, getattr(where, owner))
    if not _path_matcher()(path):
        raise _incomplete(where, "workspace_sid", owner)
    return path


def _incomplete(where: Address | Reservation, *fields: str) -> IncompleteReservation:
    return IncompleteReservation(
        tuple(field for field in fields if not is_sid(getattr(where, field), field))
    )


def parent_paths(where: Address | Reservation) -> tuple[str, str, str]:
    """Return the paths of a reservation's workspace, task and worker.

    :raises IncompleteReservation: if a SID in them is unset or not a SID.
    """
    task, worker = (collection_path(where, route).rpartition("/")[0] for route in Route)
    return task.rsplit("/", 2)[0], task, worker


def parse_path(path: str) -> tuple[Route, Address] | None:
    """Parse the path of a reservation or of a list of reservations.

    Any other path gives ``None``. The query is ignored. The address of a list has no ``sid``.

    >>> parse_path("/v1/Workspaces/WS1/Tasks/WT1/Reservations")
    (<Route.TASK: 'task'>, Address(workspace_sid='WS1', sid=None, task_sid='WT1', worker_sid=None))
    """
    match = _path_parser()(path)
    if match is None:
        return None
    workspace_sid, collection, owner_sid, sid = match.groups()
    if collection == _OWNERS[Route.TASK][0]:
        return Route.TASK, Address(workspace_sid=workspace_sid, sid=sid, task_sid=owner_sid)
    return Route.WORKER, Address(workspace_sid=workspace_sid, sid=sid, worker_sid=owner_sid)
