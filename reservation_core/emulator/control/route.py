"""Route of the control surface, and functions that make one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias, TypeVar

import attrs

from reservation_core.emulator.control.state import ControlRequest, ControlState
from reservation_core.emulator.platform.platform import Platform
from reservation_core.rest.field_reader import FieldReader

CONTROL_ROOT: Final = "/_emulator"
"""Path below which the control surface answers."""

SID_IN_PATH: Final = re.compile("(?<=/)W[KTR](?=/|$)")
"""Matches the place of a SID in the path of a route."""

Handler: TypeAlias = Callable[[ControlState, ControlRequest], object]
"""Function behind a route. It returns JSON, or attrs values to convert."""

_T = TypeVar("_T")


@attrs.frozen
class ControlRoute:
    """Route of the control surface.

    :param path: the path below :data:`CONTROL_ROOT`; ``WK``, ``WT`` and ``WR`` stand for the SID
        of a worker, a task and a reservation.
    :param description: what it does, with fields of the body in braces.
    :param read: reads the body; ``None`` for no body.
    :param has_since: true if it takes the query parameter ``since``.
    :param is_transaction: false if the function is no part of a transaction. It does first what
        may fail to be stored, and then the rest.
    """

    method: str
    path: str
    description: str
    handle: Handler
    read: Callable[[FieldReader], object] | None = None
    has_since: bool = False
    is_transaction: bool = True

    def outside_transaction(self) -> ControlRoute:
        """Return the same route whose function is no part of a transaction."""
        return attrs.evolve(self, is_transaction=False)


def plain_route(method: str, path: str, description: str, act: Handler) -> ControlRoute:
    """Return a route that takes no body."""

    def handle(state: ControlState, request: ControlRequest) -> object:
        request.body.finish()
        return act(state, request)

    return ControlRoute(method, path, description, handle)


def since_route(
    path: str, description: str, act: Callable[[ControlState, int], object]
) -> ControlRoute:
    """Return a GET route that takes the query parameter ``since``."""
    route = plain_route("GET", path, description, lambda state, request: act(state, request.since))
    return attrs.evolve(route, has_since=True)


def body_route(
    path: str,
    description: str,
    read: Callable[[FieldReader], _T],
    act: Callable[[ControlState, ControlRequest, _T], object],
) -> ControlRoute:
    """Return a POST route that reads the whole body first."""

    def handle(state: ControlState, request: ControlRequest) -> object:
        body = read(request.body)
        request.body.finish()
        return act(state, request, body)

    return ControlRoute("POST", path, description, handle, read)


def sid_route(
    method: str, path: str, description: str, act: Callable[[Platform, str], object]
) -> ControlRoute:
    """Return a route that calls a platform method with a SID."""
    return plain_route(
        method, path, description, lambda state, request: act(state.platform, request.sid)
    )
