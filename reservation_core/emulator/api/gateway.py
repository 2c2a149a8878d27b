"""Requests in, replies out: the double's REST surface, which is at once the gateway for tests and the demo.

It answers updates, fetches and lists on both routes as the platform is seen to. What no source settles is a setting of the platform.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, cast

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.parsing import INSTRUCTION_FIELD, FormPairs
from reservation_core.domain.errors import InvalidCommand
from reservation_core.domain.lifecycle import COMMAND_EDGES, ON_HOLD, STATE_ERROR_CODES, Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.api import lists
from reservation_core.emulator.api.rate_limits import RateLimiter
from reservation_core.emulator.api.replies import error, json_reply, preflight, write
from reservation_core.emulator.api.update_reading import (
    UnreadableRequest,
    check_type,
    read_pairs,
    read_update,
)
from reservation_core.emulator.platform.errors import StateConflict, UnmetPrecondition
from reservation_core.emulator.platform.platform import Platform
from reservation_core.emulator.platform.settings import ErrorCodes
from reservation_core.rest.addresses import Address, HasReservationSids, Route, parse_path
from reservation_core.rest.messages import IF_MATCH, Reply, Request

ORIGIN: Final = "https://taskrouter.twilio.com"
_GENERIC: Final = 20001
_SMALL: Final = 512  # bytes of a body that is remembered with what it says


class InMemoryGateway:
    """A gateway to a platform in this process: no sockets, every answer by the lifecycle. Sync and async.

    :param platform: the reservations it answers for; a new, empty one by default.
    :param origin: where the addresses in its answers lead: ``https://host[:port]``.
    """

    def __init__(self, platform: Platform | None = None, *, origin: str = ORIGIN) -> None:
        self.platform: Final = platform or Platform()
        self.origin: Final = origin.rstrip("/")
        self._settings: Final = self.platform.settings
        self._rates: Final = RateLimiter(self._settings.rate_limit, self.platform.now)
        self._read: Final = lru_cache(maxsize=1024)(self._read_bytes)

    def send(self, request: Request) -> Reply:
        """Answer one request."""
        if request.form:
            return self._answer(
                request.method, request.path, _hear(request.headers.pairs), request.form
            )
        return self._answer(request.method, request.path, _hear(request.headers.pairs), b"")

    async def asend(self, request: Request) -> Reply:
        """Answer one request, in an event loop; it never waits."""
        return self.send(request)

    def receive(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | Iterable[tuple[str, str]],
        body: bytes,
    ) -> Reply:
        """Answer one request as it came over a wire; whatever it is, there is an answer.

        :param target: the path and the query, still percent-encoded.
        """
        said = _hear(
            cast("Mapping[str, str]", headers).items() if isinstance(headers, Mapping) else headers
        )
        if len(body) > self._settings.max_body_bytes:
            return error(413, None, f"The body has more than {self._settings.max_body_bytes} bytes")
        return self._answer(method, target, said, body)

    def _answer(
        self, method: str, target: str, headers: Mapping[str, str], form: FormPairs | bytes
    ) -> Reply:
        if method == "OPTIONS":
            return preflight()
        if self._settings.accounts and not self._is_known(headers.get(_AUTHORIZATION, "")):
            return error(
                401, 20003, "Authenticate", more=(("WWW-Authenticate", 'Basic realm="Twilio API"'),)
            )
        where = parse_path(target)
        if where is None:
            return _not_found(target)
        route, address = where
        if method not in _METHODS[address.sid is None]:
            return error(
                405,
                20004,
                "Method not allowed",
                more=(("Allow", ", ".join(_METHODS[address.sid is None])),),
            )
        try:
            with self.platform.transaction():
                rates = self._rates.take((method, route, address.sid is None))
                if rates is None:
                    return error(429, 20429, "Too Many Requests", more=self._rates.spent)
                if address.sid is None:
                    return lists.list_page(
                        self.platform, self.origin, target, route, address, rates
                    )
                held = self._find(address)
                if held is None:
                    return _not_found(target)
                if method == "GET":
                    return self._show(held, route, rates)
                return self._update(held, route, headers, form, rates)
        except UnreadableRequest as fault:
            return error(fault.status, _GENERIC if fault.status == 400 else None, fault.reason)

    def _is_known(self, authorization: str) -> bool:
        scheme, _, encoded = authorization.partition(" ")
        try:
            username, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:  # neither base64 nor UTF-8
            return False
        expected = self._settings.accounts.get(username, "")
        return (
            scheme.lower() == "basic"
            and bool(expected)
            and hmac.compare_digest(expected.encode(), password.encode())
        )

    def _find(self, address: Address) -> Reservation | None:
        try:
            held = self.platform.get(str(address.sid))
        except KeyError:
            return None
        return held if _is_at(held, address) else None

    def _read_bytes(self, body: bytes) -> Command | Status | None:
        return read_update(read_pairs(body), self._settings)

    def _understand(
        self, headers: Mapping[str, str], form: FormPairs | bytes
    ) -> Command | Status | None:
        if isinstance(form, tuple):
            return read_update(form, self._settings)
        if form:
            check_type(headers.get(_TYPE, ""))
        return self._read(form) if len(form) <= _SMALL else self._read_bytes(form)

    def _update(
        self,
        held: Reservation,
        route: Route,
        headers: Mapping[str, str],
        form: FormPairs | bytes,
        rates: FormPairs,
    ) -> Reply:
        wanted = headers.get(_VERSION)
        stale = wanted is not None and wanted.strip('"') != held.etag
        if stale and self._settings.checks_version_first:
            return _STALE
        try:
            asked = self._understand(headers, form)
        except InvalidCommand as wrong:
            code = next(
                (violation.code for violation in wrong.violations if violation.code), _GENERIC
            )
            return error(
                400,
                self._code(code),
                "; ".join(f"{v.parameter} {v.rule}" for v in wrong.violations),
            )
        sid = str(held.sid)
        try:
            if asked is None:
                return _STALE if stale else self._show(held, route, rates)
            if isinstance(asked, Status):
                return (
                    _STALE
                    if stale
                    else self._show(self.platform.set_status(sid, asked, by="client"), route, rates)
                )
            if asked.is_task_route_only and route is not Route.TASK:
                return error(
                    400,
                    self._code(_GENERIC),
                    f"{type(asked).__name__} is not available on this route",
                )
            if stale:
                self.platform.check_command(sid, asked)
                return _STALE
            return self._show(self.platform.execute(sid, asked), route, rates)
        except StateConflict as conflict:
            return self._conflict(conflict, asked)
        except UnmetPrecondition as lacking:
            return error(400, self._code(lacking.code), lacking.message)

    def _code(self, code: int) -> int | None:
        return {ErrorCodes.DICTIONARY: code, ErrorCodes.GENERIC: _GENERIC, ErrorCodes.NONE: None}[
            self._settings.instruction_codes
        ]

    def _show(self, held: Reservation, route: Route, rates: FormPairs) -> Reply:
        shown = self._settings.on_hold_shown_as.value if held.on_hold else held.status.value
        # The worker route is documented without a version.
        etag = (
            None
            if route is Route.WORKER
            else f'"{held.etag}"'
            if self._settings.has_quoted_etag
            else held.etag
        )
        return json_reply(
            200, write(held, shown, route, self.origin).encode(), etag=etag, more=rates
        )

    def _conflict(self, conflict: StateConflict, asked: Command | Status | None) -> Reply:
        """Say it as the platform does: one family of messages for statuses, another for instructions."""
        codes, sid = self._settings.state_codes, conflict.sid
        trigger = conflict.trigger
        # No message of supervise's is known, so it has the dictionary's number to be told by.
        dictionary = codes is ErrorCodes.DICTIONARY or (
            codes is ErrorCodes.GENERIC and trigger == "supervise"
        )
        code = (
            None
            if codes is ErrorCodes.NONE
            else STATE_ERROR_CODES.get(trigger, _GENERIC)
            if dictionary
            else _GENERIC
        )
        if isinstance(asked, Command) and asked.first_pair[0] == INSTRUCTION_FIELD:
            name = type(asked).__name__
            if asked.is_task_route_only:
                return error(
                    400,
                    code,
                    f"Unable to execute {name} instruction on reservation {sid} in its present state.",
                )
            return error(
                400,
                code,
                f"Unable to execute {name} instruction. Reservation {sid} is not currently in a Pending state.",
            )
        word = asked.first_pair[1] if isinstance(asked, Command) else trigger
        if conflict.state == word:
            return error(
                400,
                code,
                f"Reservation {sid} is already in state [{word}] and cannot be updated to [{word}]",
            )
        expected = next(
            (edge.source for edge in COMMAND_EDGES if edge.trigger == trigger), Status.PENDING
        )
        target = ON_HOLD if conflict.state == ON_HOLD else word
        return error(
            400,
            code,
            f"Reservation {sid} not in expected state [{expected}] and cannot be updated to [{target}]",
        )


_METHODS: Final = {True: ("GET",), False: ("GET", "POST")}
_STALE: Final = error(412, 20412, "The version given in If-Match is not the resource's present one")


_AUTHORIZATION, _TYPE, _VERSION = "authorization", "content-type", IF_MATCH.lower()
_HEARD: Final = frozenset({_AUTHORIZATION, _TYPE, _VERSION})


def _hear(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Give the headers that matter here by name, in lower case; the first of a name counts."""
    found: dict[str, str] = {}
    for given, value in pairs:
        if (name := given.lower()) in _HEARD and name not in found:
            found[name] = value
    return found


def _is_at(held: Reservation, address: HasReservationSids) -> bool:
    return (
        held.workspace_sid == address.workspace_sid
        and address.task_sid in (None, held.task_sid)
        and address.worker_sid in (None, held.worker_sid)
    )


def _not_found(target: str) -> Reply:
    return error(404, 20404, f"The requested resource {target.partition('?')[0]} was not found")
