"""Gateway that also answers the resources of a workspace."""

from __future__ import annotations

from typing import Final

from reservation_core.domain.commands.extra import FormPairs
from reservation_core.emulator.api import refusals
from reservation_core.emulator.api.gateway import (
    AUTHORIZATION,
    CONTENT_TYPE,
    IF_MATCH_KEY,
    ORIGIN,
    ApiRequest,
    InMemoryGateway,
    read_authorization,
)
from reservation_core.emulator.api.update_reading import (
    UnreadableRequest,
    check_content_type,
    read_pairs,
)
from reservation_core.emulator.offers.router import Router
from reservation_core.emulator.platform.model import DEFAULT_ACCOUNT_SID
from reservation_core.emulator.platform.platform import Platform
from reservation_core.emulator.resources.addresses import ResourceAddress, parse_resource_path
from reservation_core.emulator.resources.engine import Engine, NotHere, Stale
from reservation_core.emulator.resources.refused import RefusedRequest
from reservation_core.rest.addresses import is_sid
from reservation_core.rest.messages import Reply

_LIST_METHODS: Final = ("GET", "POST")
_METHODS: Final = ("GET", "POST", "DELETE")


class WorkspaceGateway(InMemoryGateway):
    """Gateway to an emulated platform that also has the resources of workspaces.

    Workspaces, activities, queues, workflows, channels, workers and tasks are created, fetched,
    listed, updated and deleted by the official paths. Tasks that are created there are routed: see
    :mod:`reservation_core.emulator.offers`.

    :param platform: the platform; a new, empty one by default. Its tasks are routed from now on.
    :param origin: start of the addresses in replies, ``https://host[:port]``.
    """

    def __init__(self, platform: Platform | None = None, *, origin: str = ORIGIN) -> None:
        super().__init__(platform, origin=origin)
        Router.attach(self.platform)
        self.platform.run_due_timers()  # what was due without a router happens at its own time
        self._engine = Engine(self.platform)

    def _answer_elsewhere(self, request: ApiRequest) -> Reply:
        method, target = request.method, request.target
        where = parse_resource_path(target)
        if where is None:
            return refusals.not_found(target)
        allowed = _LIST_METHODS if where.sid is None else _METHODS
        if method not in allowed:
            return refusals.method_not_allowed(allowed)
        try:
            with self.platform.transaction():
                operation = (method, where.resource.kind, where.sid is None)
                rates = self._rate_limiter.take(operation)
                if rates is None:
                    return refusals.too_many_requests(self._rate_limiter.headers(0))
                return self._operate(request, where, rates)
        except NotHere:
            return refusals.not_found(target)
        except Stale:
            return refusals.STALE
        except RefusedRequest as error:
            settings = self._settings
            codes = settings.state_codes if error.is_conflict else settings.instruction_codes
            return refusals.bad_request(refusals.GENERIC_CODE, error.message, codes)
        except UnreadableRequest as error:
            return refusals.unreadable(error)

    def _operate(self, request: ApiRequest, where: ResourceAddress, rates: FormPairs) -> Reply:
        method, form, origin = request.method, request.form, request.origin
        engine, if_match = self._engine, request.headers.get(IF_MATCH_KEY)
        if method == "DELETE":
            return engine.delete(where, if_match, rates)
        if method == "GET" and where.sid is None:
            return engine.list_page(where, request.target, origin, rates)
        if method == "GET":
            return engine.fetch(where, origin, rates)
        if isinstance(form, bytes):
            if form:
                check_content_type(request.headers.get(CONTENT_TYPE, ""))
            form = read_pairs(form)
        if where.sid is None:
            account_sid = _read_account(request.headers.get(AUTHORIZATION, ""))
            return engine.create(where, form, account_sid, origin, rates)
        return engine.update(where, form, if_match, origin, rates)


def _read_account(authorization: str) -> str:
    """Return the account that a client names itself by. An API key does not name it."""
    _, username, _ = read_authorization(authorization)
    return username if is_sid(username, "account_sid") else DEFAULT_ACCOUNT_SID
