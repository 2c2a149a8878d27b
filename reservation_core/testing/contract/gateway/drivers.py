"""Drivers: one way to use a gateway, for threads or for asyncio.

With them, each promise is tested by the same code for both kinds of gateway.
"""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol, Self, TypeAlias, Unpack

from reservation_core.gateways.port import AsyncGateway, Gateway
from reservation_core.gateways.settings import GatewayOptions
from reservation_core.rest.errors import GatewayError
from reservation_core.rest.messages import Reply, Request
from reservation_core.testing.contract.loopback import LoopbackServer

SendResult: TypeAlias = Reply | GatewayError

_THREADS: Final = 16


class GatewayUnderTest(Gateway, Protocol):
    """A gateway for threads that can be closed."""

    def close(self) -> None:
        """Close the gateway."""
        ...


class AsyncGatewayUnderTest(AsyncGateway, Protocol):
    """A gateway for asyncio that can be closed."""

    async def aclose(self) -> None:
        """Close the gateway."""
        ...


class GatewayDriver(ABC):
    """An open gateway of either kind. As a context manager, it closes the gateway."""

    gateway: GatewayUnderTest | AsyncGatewayUnderTest
    server: LoopbackServer
    """The server that the gateway sends to, if :func:`support.serving` opened both."""

    @abstractmethod
    def send(self, request: Request) -> Reply:
        """Send one request."""

    @abstractmethod
    def send_all(self, requests: Sequence[Request]) -> list[SendResult]:
        """Send requests concurrently. Return the results in the order of the requests."""

    @abstractmethod
    def send_and_close(self, requests: Sequence[Request], seconds: float) -> list[SendResult]:
        """Send requests concurrently, and close the gateway ``seconds`` later."""

    @abstractmethod
    def close(self) -> None:
        """Close the gateway."""

    def __enter__(self) -> Self:
        """Return the driver."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the gateway."""
        self.close()


class DriverFactory(Protocol):
    """Opens a gateway with these settings, and returns a driver of it."""

    def __call__(self, **options: Unpack[GatewayOptions]) -> GatewayDriver:
        """Open a gateway."""
        ...


class ThreadDriver(GatewayDriver):
    """A gateway for threads, used from 16 threads."""

    def __init__(
        self, open_gateway: Callable[..., GatewayUnderTest], **options: Unpack[GatewayOptions]
    ) -> None:
        """Open the gateway."""
        self.gateway: GatewayUnderTest = open_gateway(**options)

    def send(self, request: Request) -> Reply:
        """Send one request."""
        return self.gateway.send(request)

    def _result(self, request: Request) -> SendResult:
        try:
            return self.gateway.send(request)
        except GatewayError as error:
            return error

    def send_all(self, requests: Sequence[Request]) -> list[SendResult]:
        """Send requests, 16 at a time."""
        with ThreadPoolExecutor(_THREADS) as pool:
            return list(pool.map(self._result, requests))

    def send_and_close(self, requests: Sequence[Request], seconds: float) -> list[SendResult]:
        """Send requests, 16 at a time, and close the gateway from another thread."""
        timer = threading.Timer(seconds, self.gateway.close)
        timer.start()
        try:
            return self.send_all(requests)
        finally:
            timer.join()

    def close(self) -> None:
        """Close the gateway."""
        self.gateway.close()


class AsyncioDriver(GatewayDriver):
    """A gateway for asyncio, used from one asyncio task per request."""

    def __init__(
        self, open_gateway: Callable[..., AsyncGatewayUnderTest], **options: Unpack[GatewayOptions]
    ) -> None:
        """Open the gateway within an event loop of its own."""

        async def open_within_loop() -> AsyncGatewayUnderTest:
            return open_gateway(**options)

        self._runner = asyncio.Runner()
        self.gateway: AsyncGatewayUnderTest = self._runner.run(open_within_loop())

    def send(self, request: Request) -> Reply:
        """Send one request."""
        return self._runner.run(self.gateway.asend(request))

    async def _result(self, request: Request) -> SendResult:
        try:
            return await self.gateway.asend(request)
        except GatewayError as error:
            return error

    def send_all(self, requests: Sequence[Request]) -> list[SendResult]:
        """Send all requests concurrently."""

        async def send_all() -> list[SendResult]:
            return await asyncio.gather(*map(self._result, requests))

        return self._runner.run(send_all())

    def send_and_close(self, requests: Sequence[Request], seconds: float) -> list[SendResult]:
        """Send all requests concurrently, and close the gateway from another asyncio task."""

        async def send_and_close() -> list[SendResult]:
            sending = asyncio.gather(*map(self._result, requests))
            await asyncio.sleep(seconds)
            await self.gateway.aclose()
            return await sending

        return self._runner.run(send_and_close())

    def close(self) -> None:
        """Close the gateway."""
        self._runner.run(self.gateway.aclose())

    def __exit__(self, *_: object) -> None:
        """Close the gateway and the event loop."""
        with self._runner:
            self.close()
