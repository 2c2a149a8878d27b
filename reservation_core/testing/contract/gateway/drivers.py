"""One way to use a gateway, whether it serves threads or tasks, so that each promise is tested once for both.

A :class:`DriverFactory` opens a gateway of its kind; ``send`` sends one request, ``send_all`` many at the same time.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Protocol, TypeAlias, Unpack

from reservation_core.gateways.port import AsyncGateway, Gateway
from reservation_core.gateways.settings import GatewayOptions
from reservation_core.rest.errors import GatewayError
from reservation_core.rest.messages import Reply, Request

SendResult: TypeAlias = Reply | GatewayError


class GatewayUnderTest(Gateway, Protocol):
    """A gateway for threads that can be closed."""

    def close(self) -> None:
        """Close it."""
        ...


class AsyncGatewayUnderTest(AsyncGateway, Protocol):
    """A gateway for asyncio that can be closed."""

    async def aclose(self) -> None:
        """Close it."""
        ...


class GatewayDriver(Protocol):
    """An open gateway of either kind."""

    @property
    def gateway(self) -> object:
        """The gateway itself."""
        ...

    def send(self, request: Request) -> Reply:
        """Send one request."""
        ...

    def send_all(self, requests: Sequence[Request]) -> list[SendResult]:
        """Send all requests at the same time, as far as the flavour can; the outcomes in the order of the requests."""
        ...

    def send_and_close(self, requests: Sequence[Request], seconds: float) -> list[SendResult]:
        """Send all requests at the same time, and close the gateway while they are under way."""
        ...

    def close(self) -> None:
        """Close the gateway."""
        ...


class DriverFactory(Protocol):
    """What opens a gateway of one kind."""

    def __call__(self, **options: Unpack[GatewayOptions]) -> AbstractContextManager[GatewayDriver]:
        """Open a gateway with these settings."""
        ...


class ThreadDriver:
    """A gateway for threads, used from 16 of them."""

    def __init__(self, gateway: GatewayUnderTest) -> None:
        """Take the gateway."""
        self.gateway = gateway

    def send(self, request: Request) -> Reply:
        """Send one request."""
        return self.gateway.send(request)

    def _outcome(self, request: Request) -> SendResult:
        try:
            return self.gateway.send(request)
        except GatewayError as error:
            return error

    def send_all(self, requests: Sequence[Request]) -> list[SendResult]:
        """Send all requests, 16 at a time."""
        with ThreadPoolExecutor(16) as pool:
            return list(pool.map(self._outcome, requests))

    def send_and_close(self, requests: Sequence[Request], seconds: float) -> list[SendResult]:
        """Send all requests, 16 at a time, and close the gateway from another thread."""
        closing = threading.Timer(seconds, self.gateway.close)
        closing.start()
        try:
            return self.send_all(requests)
        finally:
            closing.join()

    def close(self) -> None:
        """Close the gateway."""
        self.gateway.close()


class AsyncioDriver:
    """A gateway for asyncio, used from as many tasks as there are requests."""

    def __init__(self, gateway: AsyncGatewayUnderTest, runner: asyncio.Runner) -> None:
        """Take the gateway, and the event loop it is used in."""
        self.gateway = gateway
        self._runner = runner

    def send(self, request: Request) -> Reply:
        """Send one request."""
        return self._runner.run(self.gateway.asend(request))

    async def _outcome(self, request: Request) -> SendResult:
        try:
            return await self.gateway.asend(request)
        except GatewayError as error:
            return error

    def send_all(self, requests: Sequence[Request]) -> list[SendResult]:
        """Send all requests at the same time."""

        async def outcomes() -> list[SendResult]:
            return await asyncio.gather(*map(self._outcome, requests))

        return self._runner.run(outcomes())

    def send_and_close(self, requests: Sequence[Request], seconds: float) -> list[SendResult]:
        """Send all requests at the same time, and close the gateway from another task."""

        async def both() -> list[SendResult]:
            sending = asyncio.gather(*map(self._outcome, requests))
            await asyncio.sleep(seconds)
            await self.gateway.aclose()
            return await sending

        return self._runner.run(both())

    def close(self) -> None:
        """Close the gateway."""
        self._runner.run(self.gateway.aclose())


@contextlib.contextmanager
def threads(
    open_gateway: Callable[..., GatewayUnderTest], **options: Unpack[GatewayOptions]
) -> Generator[GatewayDriver]:
    """Open a gateway for threads."""
    driver = ThreadDriver(open_gateway(**options))
    try:
        yield driver
    finally:
        driver.close()


@contextlib.contextmanager
def tasks(
    open_gateway: Callable[..., AsyncGatewayUnderTest], **options: Unpack[GatewayOptions]
) -> Generator[GatewayDriver]:
    """Open a gateway for asyncio, within its event loop."""

    async def opening() -> AsyncGatewayUnderTest:
        return open_gateway(**options)

    with asyncio.Runner() as runner:
        driver = AsyncioDriver(runner.run(opening()), runner)
        try:
            yield driver
        finally:
            driver.close()
