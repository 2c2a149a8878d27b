"""The emulated REST API as a gateway in this process.

It answers updates, fetches and lists on both routes as the platform was observed to. What no
source settles is a setting of the platform.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, cast

import attrs

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.cautions import Caution
from reservation_core.domain.commands.extra import FormPairs
from reservation_core.domain.errors import InvalidCommand
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.api import refusals
from reservation_core.emulator.api.lists import list_page
from reservation_core.emulator.api.rate_limits import RateLimiter
from reservation_core.emulator.api.replies import (
    json_reply,
    preflight_reply,
    show_etag,
    write_reservation,
)
from reservation_core.emulator.api.update_reading import (
    UnreadableRequest,
    UpdateReading,
    check_content_type,
    read_pairs,
    read_update,
)
from reservation_core.emulator.platform.errors import StateConflict, UnmetPrecondition
from reservation_core.emulator.platform.platform import Platform
from reservation_core.gateways.closing import ClosableGateway
from reservation_core.rest.addresses import Address, Route, parse_path
from reservation_core.rest.messages import IF_MATCH, Reply, Request

ORIGIN: Final = "https://taskrouter.twilio.com"
_MAX_CACHED_BYTES: Final = 512
_LIST_METHODS: Final = ("GET",)
_METHODS: Final = ("GET", "POST")
AUTHORIZATION, CONTENT_TYPE, IF_MATCH_KEY = "authorization", "content-type", IF_MATCH.lower()
"""Headers that are read, in lower case."""

_READ_HEADERS: Final = frozenset({AUTHORIZATION, CONTENT_TYPE, IF_MATCH_KEY})


@attrs.frozen
class ApiRequest:
    """A request of the emulated API as a gateway answers it.

    :param target: the path and the query, still percent-encoded.
    :param headers: the headers that are read, by name in lower case.
    :param form: the form as pairs, or percent-encoded.
    :param origin: start of the addresses in the reply.
    """

    method: str
    target: str
    headers: Mapping[str, str] = attrs.field(repr=False)
    form: FormPairs | bytes = attrs.field(repr=False)
    origin: str


class InMemoryGateway(ClosableGateway):
    """Gateway to an emulated platform in this process, without sockets. Sync and async.

    What it tolerates in a form is a warning of the logger ``reservation_core.emulator``.

    Once closed it sends nothing. The platform stays as it is.

    :param platform: the platform; a new, empty one by default.
    :param origin: start of the addresses in replies, ``https://host[:port]``.
    """

    def __init__(self, platform: Platform | None = None, *, origin: str = ORIGIN) -> None:
        self.platform: Final = platform or Platform()
        self.origin: Final = origin.rstrip("/")
        self._settings: Final = self.platform.settings
        self._rate_limiter: Final = RateLimiter(self._settings.rate_limit, self.platform.now)
        self._read_cached: Final = lru_cache(maxsize=1024)(self._read_body)

    def send(self, request: Request) -> Reply:
        """Answer one request."""
        self._check_open()
        headers = _select_headers(request.headers.pairs)
        form = request.form or b""
        return self._answer(ApiRequest(request.method, request.path, headers, form, self.origin))

    async def asend(self, request: Request) -> Reply:
        """Answer one request. It never waits."""
        return self.send(request)

    def receive(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | Iterable[tuple[str, str]],
        body: bytes,
        origin: str | None = None,
    ) -> Reply:
        """Answer one raw request. Every request has a reply.

        :param method: the HTTP method in upper case.
        :param target: the path and the query, still percent-encoded.
        :param headers: the headers, as a mapping or as pairs. Names are compared in any case.
        :param body: the form, percent-encoded.
        :param origin: start of the addresses in the reply. By default that of the gateway.
        """
        if isinstance(headers, Mapping):
            headers = cast("Mapping[str, str]", headers).items()
        if len(body) > (limit := self._settings.max_body_bytes):
            return refusals.refuse(413, None, f"The body has more than {limit} bytes")
        selected = _select_headers(headers)
        return self._answer(ApiRequest(method, target, selected, body, origin or self.origin))

    def _answer(self, request: ApiRequest) -> Reply:
        if request.method == "HEAD":  # a server leaves the body out
            request = attrs.evolve(request, method="GET")
        method, target = request.method, request.target
        if method == "OPTIONS":
            return preflight_reply()
        if self._settings.accounts and not self._is_known(request.headers.get(AUTHORIZATION, "")):
            return refusals.UNAUTHORIZED
        where = parse_path(target)
        if where is None:
            return self._answer_elsewhere(request)
        route, address = where
        is_list = address.sid is None
        if method not in (allowed := _LIST_METHODS if is_list else _METHODS):
            return refusals.method_not_allowed(allowed)
        try:
            with self.platform.transaction():
                rates = self._rate_limiter.take((method, route, is_list))
                if rates is None:
                    return refusals.too_many_requests(self._rate_limiter.headers(0))
                if is_list:
                    return list_page(self.platform, request.origin, target, route, address, rates)
                reservation = self._find(address)
                if reservation is None:
                    return refusals.not_found(target)
                if method == "GET":
                    return self._show(reservation, route, request.origin, rates)
                return self._update(reservation, route, request, rates)
        except UnreadableRequest as error:
            return refusals.unreadable(error)

    def _answer_elsewhere(self, request: ApiRequest) -> Reply:
        """Answer a request for anything but reservations. A subclass may know more."""
        return refusals.not_found(request.target)

    def _is_known(self, authorization: str) -> bool:
        scheme, username, password = read_authorization(authorization)
        expected = self._settings.accounts.get(username, "")
        is_equal = hmac.compare_digest(expected.encode(), password.encode())
        return scheme == "basic" and bool(expected) and is_equal

    def _find(self, address: Address) -> Reservation | None:
        try:
            found = self.platform.get(str(address.sid))
        except KeyError:
            return None
        is_here = (
            found.workspace_sid == address.workspace_sid
            and address.task_sid in (None, found.task_sid)
            and address.worker_sid in (None, found.worker_sid)
        )
        return found if is_here else None

    def _read_body(self, body: bytes) -> UpdateReading:
        return read_update(read_pairs(body), self._settings)

    def _read_update(self, request: ApiRequest) -> Command | Status | None:
        form = request.form
        if isinstance(form, tuple):
            update, cautions = read_update(form, self._settings)
            if cautions:
                _warn(cautions)
            return update
        if form:
            check_content_type(request.headers.get(CONTENT_TYPE, ""))
        read = self._read_cached if len(form) <= _MAX_CACHED_BYTES else self._read_body
        return read(form).update

    def _update(
        self, reservation: Reservation, route: Route, request: ApiRequest, rates: FormPairs
    ) -> Reply:
        wanted = request.headers.get(IF_MATCH_KEY)
        is_stale = wanted is not None and wanted.strip('"') != reservation.etag
        if is_stale and self._settings.checks_version_first:
            return refusals.STALE
        codes = self._settings.instruction_codes
        try:
            update = self._read_update(request)
        except InvalidCommand as error:
            return refusals.invalid_command(error, codes)
        if isinstance(update, Command) and update.is_task_route_only and route is not Route.TASK:
            message = f"{type(update).__name__} is not available on this route"
            return refusals.bad_request(refusals.GENERIC_CODE, message, codes)
        try:
            if is_stale:
                if isinstance(update, Command):
                    self.platform.check_command(str(reservation.sid), update)
                return refusals.STALE
            updated = self._apply(reservation, update)
            return self._show(updated, route, request.origin, rates)
        except StateConflict as conflict:
            return refusals.state_conflict(conflict, update, self._settings.state_codes)
        except UnmetPrecondition as error:
            return refusals.bad_request(error.code, error.message, codes)

    def _apply(self, reservation: Reservation, update: Command | Status | None) -> Reservation:
        if update is None:
            return reservation
        if isinstance(update, Status):
            return self.platform.set_status(str(reservation.sid), update, by="client")
        return self.platform.execute(str(reservation.sid), update)

    def _show(self, reservation: Reservation, route: Route, origin: str, rates: FormPairs) -> Reply:
        # The worker route is documented without a version.
        etag = None if route is Route.WORKER else show_etag(reservation.etag, self._settings)
        body = write_reservation(reservation, route, origin, self._settings).encode()
        return json_reply(200, body, etag=etag, headers=rates)


def read_authorization(header: str) -> tuple[str, str, str]:
    """Return the scheme, the username and the password. What cannot be read is empty."""
    scheme, _, encoded = header.partition(" ")
    try:
        username, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:  # neither base64 nor UTF-8
        return scheme.lower(), "", ""
    return scheme.lower(), username, password


def _select_headers(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the headers that are read here, by name in lower case. The first of a name wins."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if (key := name.lower()) in _READ_HEADERS and key not in found:
            found[key] = value
    return found


def _warn(cautions: Iterable[Caution]) -> None:
    import logging  # noqa: PLC0415 - it takes 2.5 ms, and only a tolerated form needs it

    for caution in cautions:
        logging.getLogger("reservation_core.emulator").warning("tolerated: %s", caution)
