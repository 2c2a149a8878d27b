"""Drivers: one way to use a gateway, for threads or for asyncio.

With them, each promise is tested by the same code for both kinds of gateway.
"""

import asyncio
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
    """Gateway for threads, with a way to close it."""

    def close(self) -> None:
        """Close the gateway."""
        ...


class AsyncGatewayUnderTest(AsyncGateway, Protocol):
    """Gateway for asyncio, with a way to close it."""

    async def aclose(self) -> None:
        """Close the gateway."""
        ...


class GatewayDriver(ABC):
    """An open gateway of either kind. As a context manager, it closes the gateway."""

    gateway: object
    server: LoopbackServer
    """The server that the gateway sends to, if :func:`support.serving` opened both."""

    def __init__(self) -> None:
        """Start an event loop."""
        self._runner = asyncio.Runner()

    @abstractmethod
    async def _send(self, request: Request) -> Reply: ...

    @abstractmethod
    async def _close(self) -> None: ...

    async def _result(self, request: Request) -> SendResult:
        try:
            return await self._send(request)
        except GatewayError as error:
            return error
        except Exception as error:
            raise AssertionError(
                f"the gateway raised {type(error).__name__}: raise GatewayError instead, or NotSent"
                " if nothing of the request was written"
            ) from error

    def send(self, request: Request) -> Reply:
        """Send one request."""
        return self._runner.run(self._send(request))

    def send_all(self, requests: Sequence[Request]) -> list[SendResult]:
        """Send requests concurrently. Return the results in the order of the requests."""

        async def send_all() -> list[SendResult]:
            return await asyncio.gather(*map(self._result, requests))

        return self._runner.run(send_all())

    def send_and_close(self, requests: Sequence[Request], seconds: float) -> list[SendResult]:
        """Send requests concurrently, and close the gateway ``seconds`` later."""

        async def send_and_close() -> list[SendResult]:
            sending = asyncio.gather(*map(self._result, requests))
            await asyncio.sleep(seconds)
            await self._close()
            return await sending

        return self._runner.run(send_and_close())

    def idle(self, seconds: float) -> None:
        """Run the event loop, and send nothing."""
        self._runner.run(asyncio.sleep(seconds))

    def close(self) -> None:
        """Close the gateway."""
        self._runner.run(self._close())

    def __enter__(self) -> Self:
        """Return the driver."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the gateway and the event loop."""
        with self._runner:
            self.close()


class DriverFactory(Protocol):
    """Opens a gateway with these settings, and returns a driver of it."""

    def __call__(self, **options: Unpack[GatewayOptions]) -> GatewayDriver:
        """Open a gateway."""
        ...


class ThreadDriver(GatewayDriver):
    """A gateway for threads, used from the main thread and 16 others."""

    def __init__(
        self, open_gateway: Callable[..., GatewayUnderTest], **options: Unpack[GatewayOptions]
    ) -> None:
        """Open the gateway."""
        super().__init__()
        self._gateway = open_gateway(**options)
        self.gateway: object = self._gateway
        self._runner.get_loop().set_default_executor(ThreadPoolExecutor(_THREADS))

    def send(self, request: Request) -> Reply:
        """Send one request from this thread."""
        return self._gateway.send(request)

    async def _send(self, request: Request) -> Reply:
        return await asyncio.to_thread(self._gateway.send, request)

    async def _close(self) -> None:
        self._gateway.close()


class AsyncioDriver(GatewayDriver):
    """A gateway for asyncio, used from one asyncio task per request."""

    def __init__(
        self, open_gateway: Callable[..., AsyncGatewayUnderTest], **options: Unpack[GatewayOptions]
    ) -> None:
        """Open the gateway within the event loop."""
        super().__init__()

        async def open_within_loop() -> AsyncGatewayUnderTest:
            return open_gateway(**options)

        self._gateway = self._runner.run(open_within_loop())
        self.gateway: object = self._gateway

    async def _send(self, request: Request) -> Reply:
        return await self._gateway.asend(request)

    async def _close(self) -> None:
        await self._gateway.aclose()
