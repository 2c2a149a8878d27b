"""One way to use a gateway, whether it serves threads or tasks, so that each promise is tested once for both.

A flavour opens a gateway of its kind; ``send`` sends one request, ``send_all`` many at the same time.
"""

import asyncio
import contextlib
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Protocol, Unpack

from reservation_core.errors import GatewayError
from reservation_core.gateways.pyreqwest import AsyncPyreqwestGateway, PyreqwestGateway
from reservation_core.gateways.settings import Credentials, Options
from reservation_core.messages import Reply, Request

CREDENTIALS = Credentials("SK0123", "hush-this-is-the-secret")
SECRETS = ("hush-this", CREDENTIALS.authorization.removeprefix("Basic "), "5550006")
"""What no text may show: the password, the header made of it, and the number that ``update`` sends."""

PATH = "/v1/Workspaces/WS0/Tasks/WT0/Reservations/WR0"


def update(form: Sequence[tuple[str, str]] = (("Instruction", "call"), ("CallTo", "+15005550006")), if_match: str | None = None) -> Request:
    """Make an update as the core prepares it."""
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    return Request("POST", PATH, headers if if_match is None else {**headers, "If-Match": if_match}, tuple(form))


def fetch(path: str = PATH) -> Request:
    """Make a fetch as the core prepares it."""
    return Request("GET", path, {"Accept": "application/json"})


class Opened(Protocol):
    """An open gateway of either kind."""

    @property
    def gateway(self) -> PyreqwestGateway | AsyncPyreqwestGateway:
        """The gateway itself."""
        ...

    def send(self, request: Request) -> Reply:
        """Send one request."""
        ...

    def send_all(self, requests: Sequence[Request]) -> list[Reply | GatewayError]:
        """Send all requests at the same time, as far as the flavour can; the outcomes in the order of the requests."""
        ...

    def send_and_close(self, request: Request, seconds: float) -> Reply:
        """Send one request, and close the gateway while it is under way."""
        ...

    def close(self) -> None:
        """Close the gateway."""
        ...


class Threads:
    """A gateway for threads, used from 16 of them."""

    def __init__(self, gateway: PyreqwestGateway) -> None:
        self.gateway = gateway

    def send(self, request: Request) -> Reply:
        return self.gateway.send(request)

    def send_all(self, requests: Sequence[Request]) -> list[Reply | GatewayError]:
        def outcome(request: Request) -> Reply | GatewayError:
            try:
                return self.gateway.send(request)
            except GatewayError as error:
                return error

        with ThreadPoolExecutor(16) as pool:
            return list(pool.map(outcome, requests))

    def send_and_close(self, request: Request, seconds: float) -> Reply:
        closing = threading.Timer(seconds, self.gateway.close)
        closing.start()
        try:
            return self.gateway.send(request)
        finally:
            closing.join()

    def close(self) -> None:
        self.gateway.close()


class Tasks:
    """A gateway for asyncio, used from as many tasks as there are requests."""

    def __init__(self, gateway: AsyncPyreqwestGateway, runner: asyncio.Runner) -> None:
        self.gateway = gateway
        self._runner = runner

    def send(self, request: Request) -> Reply:
        return self._runner.run(self.gateway.asend(request))

    def send_all(self, requests: Sequence[Request]) -> list[Reply | GatewayError]:
        async def outcome(request: Request) -> Reply | GatewayError:
            try:
                return await self.gateway.asend(request)
            except GatewayError as error:
                return error

        async def outcomes() -> list[Reply | GatewayError]:
            return await asyncio.gather(*map(outcome, requests))

        return self._runner.run(outcomes())

    def send_and_close(self, request: Request, seconds: float) -> Reply:
        async def both() -> Reply:
            sending = asyncio.ensure_future(self.gateway.asend(request))
            await asyncio.sleep(seconds)
            await self.gateway.aclose()
            return await sending

        return self._runner.run(both())

    def close(self) -> None:
        self._runner.run(self.gateway.aclose())


@contextlib.contextmanager
def threads(**options: Unpack[Options]) -> Generator[Opened]:
    """Open a gateway for threads."""
    with PyreqwestGateway(CREDENTIALS, **options) as gateway:
        yield Threads(gateway)


@contextlib.contextmanager
def tasks(**options: Unpack[Options]) -> Generator[Opened]:
    """Open a gateway for asyncio."""
    with asyncio.Runner() as runner:
        opened = Tasks(AsyncPyreqwestGateway(CREDENTIALS, **options), runner)
        yield opened
        opened.close()


class Flavour(Protocol):
    """What opens a gateway of one kind."""

    def __call__(self, **options: Unpack[Options]) -> AbstractContextManager[Opened]:
        """Open a gateway with these settings."""
        ...


FLAVOURS: dict[str, Flavour] = {"threads": threads, "tasks": tasks}
