"""Shared base of the HTTP gateways.

A gateway raises ``NotSent`` if it is closed or was opened before a fork. One for asyncio may do so
in a second event loop. A forked child leaves the connections open, as they are its parent's.
"""

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncGenerator
from typing import Final, Self, Unpack

from reservation_core.domain.errors import hides_locals
from reservation_core.gateways.failures import ErrorFactory
from reservation_core.gateways.settings import (
    ConfigurationError,
    Credentials,
    GatewayOptions,
    GatewaySettings,
    user_agent,
)
from reservation_core.rest.errors import NotSent
from reservation_core.rest.messages import Request

IDLE_TIMEOUT: Final = 20.0
"""Seconds for which an unused connection is kept.

Servers drop an idle connection after about a minute. A request that is sent at that moment is lost.
"""


class BaseGateway:
    """Settings of a gateway, and the checks before it sends a request."""

    def __init__(
        self, credentials: Credentials | None = None, **options: Unpack[GatewayOptions]
    ) -> None:
        """Check the settings.

        :param credentials: read from the environment by default
            (:meth:`Credentials.from_environment`).
        :param options: see :class:`GatewaySettings`.
        :raises ConfigurationError: if the gateway cannot work with these settings.
        """
        self._settings: Final = GatewaySettings(
            credentials=credentials or Credentials.from_environment(), **options
        )
        self._errors: Final = ErrorFactory(self._settings)
        self._process: Final = os.getpid()
        self._closed = False

    @property
    def origin(self) -> str:
        """The scheme, the host and any unusual port that requests go to."""
        return self._settings.origin

    def __repr__(self) -> str:
        """Show the origin and the username."""
        return f"<{type(self).__name__} {self.origin} as {self._settings.credentials.username}>"

    def _url(self, request: Request) -> str:
        """Return the URL of a request. Raise NotSent if it cannot be sent."""
        if self._closed:
            raise NotSent("the gateway is closed: open a new one")
        if not self._owns_connections:
            raise NotSent(
                "the gateway was opened before a fork, which would share its connections: "
                "open it in the child process"
            )
        if not request.path.startswith("/"):
            raise ValueError("the path of a request must start with a slash")
        return self._settings.base_url + request.path

    @property
    def _owns_connections(self) -> bool:
        """False in a forked child: the connections are its parent's, also to close."""
        return self._process == os.getpid()

    def _default_headers(self) -> dict[str, str]:
        return {
            "Authorization": self._settings.credentials.authorization,
            "User-Agent": user_agent(),
            "Accept-Encoding": "gzip",
        }

    def _ssl_context(self) -> ssl.SSLContext:
        # Plain http never asks for it, so it need not load the system's certificates.
        if self.origin.startswith("https:"):
            return ssl.create_default_context()
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class ThreadGatewayBase(BaseGateway):
    """A gateway for threads, as a context manager that closes it."""

    def close(self) -> None:
        """Refuse further requests. Closing twice is allowed."""
        self._closed = True

    def __enter__(self) -> Self:
        """Return the gateway."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the gateway."""
        self.close()


class AsyncioGatewayBase(BaseGateway):
    """A gateway for asyncio, as a context manager that closes it."""

    @hides_locals(ConfigurationError)
    def __init__(
        self, credentials: Credentials | None = None, **options: Unpack[GatewayOptions]
    ) -> None:
        """Check the settings, as :class:`BaseGateway` does. It needs no running event loop."""
        super().__init__(credentials, **options)
        self._slots: Final = asyncio.Semaphore(self._settings.max_connections)
        self._loop: asyncio.AbstractEventLoop | None = None

    async def aclose(self) -> None:
        """Refuse further requests. Closing twice is allowed."""
        self._closed = True

    async def __aenter__(self) -> Self:
        """Return the gateway."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the gateway."""
        await self.aclose()

    def _check_event_loop(self) -> None:
        """Refuse a second event loop: the client's connections belong to the first."""
        running = asyncio.get_running_loop()
        self._loop = self._loop or running
        if self._loop is not running:
            raise NotSent("the gateway was first used in another event loop: open one in each")

    @contextlib.asynccontextmanager
    async def _slot(self) -> AsyncGenerator[None]:
        """Hold one of ``max_connections`` slots, after a wait of up to ``connect_timeout``."""
        seconds = self._settings.connect_timeout if self._slots.locked() else None
        try:
            async with asyncio.timeout(seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise self._errors.no_free_connection() from None
        try:
            yield
        finally:
            self._slots.release()
