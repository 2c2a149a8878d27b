"""Base class of gateways that wrap another one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import TypeAlias, cast

from reservation_core.gateways.closing import ClosableGateway
from reservation_core.gateways.port import AsyncGateway, Gateway, require_gateway
from reservation_core.rest.addresses import parse_path
from reservation_core.rest.errors import GatewayError
from reservation_core.rest.messages import Reply, Request

WrappedExchange: TypeAlias = Generator[Request, Reply, Reply]
"""One exchange: yields requests for the wrapped gateway, receives replies, returns the reply."""


def find_sid(request: Request) -> str:
    """Return the SID of a request's reservation, or an empty string."""
    parsed = parse_path(request.path)
    return "" if parsed is None else parsed[1].sid or ""


class GatewayWrapper(ClosableGateway, ABC):
    """Gateway that wraps another one, sync or async like that one.

    A subclass writes :meth:`exchange` once, as a generator. Once closed it sends nothing. The
    wrapped gateway stays open: close it where it was opened.

    :param gateway: the gateway to wrap.
    """

    def __init__(self, gateway: Gateway | AsyncGateway | None) -> None:
        self._gateway = gateway

    @abstractmethod
    def exchange(self, request: Request) -> WrappedExchange:
        """Exchange one request.

        Each request that it yields is sent through the wrapped gateway. The reply is sent back to
        it, or the gateway's error raised in it.
        """

    def send(self, request: Request) -> Reply:
        """Send one request."""
        self._check_open()
        return self._drive(self.exchange(request))

    async def asend(self, request: Request) -> Reply:
        """Send one request."""
        self._check_open()
        return await self._adrive(self.exchange(request))

    def _drive(self, exchange: WrappedExchange) -> Reply:
        gateway = cast("Gateway", self._gateway)
        try:
            request = next(exchange)
            require_gateway(gateway, is_async=False, instead="aperform() or afetch()")
            while True:
                try:
                    reply = gateway.send(request)
                except GatewayError as error:
                    request = exchange.throw(error)
                else:
                    request = exchange.send(reply)
        except StopIteration as end:
            return cast("Reply", end.value)

    async def _adrive(self, exchange: WrappedExchange) -> Reply:
        gateway = cast("AsyncGateway", self._gateway)
        try:
            request = next(exchange)
            require_gateway(gateway, is_async=True, instead="perform() or fetch()")
            while True:
                try:
                    reply = await gateway.asend(request)
                except GatewayError as error:
                    request = exchange.throw(error)
                else:
                    request = exchange.send(reply)
        except StopIteration as end:
            return cast("Reply", end.value)
