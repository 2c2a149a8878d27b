"""Gateway for tests that replies by script and records every exchange.

Leftovers are unexpected requests and unused scripted replies. A request is unexpected if nothing
replies to it: no script, and no gateway below or a platform that does not hold the reservation.
A leftover is shown without query, values and headers, any of which may be personal.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias

import attrs

from reservation_core.gateways.port import AsyncGateway, Gateway
from reservation_core.rest.errors import GatewayError
from reservation_core.rest.messages import Reply, Request
from reservation_core.testing.wrapping import GatewayWrapper, WrappedExchange

ScriptedReply: TypeAlias = Reply | Exception | Callable[[Request], Reply]
"""A reply, an exception to raise, or a function that returns or raises one for a request."""


class UnexpectedRequest(AssertionError):
    """A request without a scripted reply or a gateway to reply.

    It fails the test: no handling of gateway errors catches it.
    """


@attrs.frozen
class RecordedExchange:
    """A request and its outcome."""

    request: Request
    outcome: Reply | Exception


def describe_request(request: Request) -> str:
    """Return a request's method, path without query, and form names."""
    path = request.path.partition("?")[0]
    names = ", ".join(dict.fromkeys(name for name, _ in request.form))
    return f"{request.method} {path}" + (f" with {names}" if names else "")


class RecordingGateway(GatewayWrapper):
    """Gateway that replies by script, then by the gateway it wraps.

    It works sync and async. ``exchanges`` holds every exchange, ``unexpected`` the requests without
    a reply.

    :param gateway: replies once the script is used up; sync or async.
    :param on_exchange: called with each request that the wrapped gateway answered, and its reply.
    """

    def __init__(
        self,
        gateway: Gateway | AsyncGateway | None = None,
        *,
        on_exchange: Callable[[Request, Reply], None] | None = None,
    ) -> None:
        super().__init__(gateway)
        self._on_exchange = on_exchange
        self._script: deque[ScriptedReply] = deque()
        self.exchanges: Final[list[RecordedExchange]] = []
        self.unexpected: Final[list[Request]] = []

    @property
    def requests(self) -> tuple[Request, ...]:
        """Requests that got an outcome, in order."""
        return tuple(exchange.request for exchange in self.exchanges)

    def script(self, *replies: ScriptedReply) -> None:
        """Script the replies to the next requests, in order.

        They are used before the wrapped gateway. An exception is raised. A function is called with
        the request.
        """
        self._script.extend(replies)

    def exchange(self, request: Request) -> WrappedExchange:
        """Reply to one request.

        :raises UnexpectedRequest: if there is no scripted reply and no wrapped gateway.
        """
        if self._gateway is None or self._script:
            return self._reply_by_script(request)
        try:
            reply = yield request
        except GatewayError as error:
            self.exchanges.append(RecordedExchange(request, error))
            raise
        return self.record(request, reply)

    def _reply_by_script(self, request: Request) -> Reply:
        if not self._script:
            self.unexpected.append(request)
            raise UnexpectedRequest(
                f"no reply for {describe_request(request)}. Script one, or wrap a gateway"
            )
        scripted = self._script.popleft()
        try:
            reply = _play(scripted, request)
        except Exception as error:
            self.exchanges.append(RecordedExchange(request, error))
            raise
        self.exchanges.append(RecordedExchange(request, reply))
        return reply

    def record(self, request: Request, reply: Reply) -> Reply:
        """Record an exchange. A 404 makes the request unexpected."""
        self.exchanges.append(RecordedExchange(request, reply))
        if reply.status == 404:
            self.unexpected.append(request)
        if self._on_exchange is not None:
            self._on_exchange(request, reply)
        return reply

    def leftovers(self) -> tuple[str, ...]:
        """Return a phrase for each unexpected request and each unused scripted reply."""
        return (
            *(f"unexpected request: {describe_request(each)}" for each in self.unexpected),
            *(f"unused scripted reply: {_describe_scripted(each)}" for each in self._script),
        )


def _play(scripted: ScriptedReply, request: Request) -> Reply:
    if isinstance(scripted, Exception):
        raise scripted
    return scripted if isinstance(scripted, Reply) else scripted(request)


def _describe_scripted(scripted: ScriptedReply) -> str:
    return f"HTTP {scripted.status}" if isinstance(scripted, Reply) else type(scripted).__name__
