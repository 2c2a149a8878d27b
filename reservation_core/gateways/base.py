"""What every gateway is but for its library: what is refused beforehand, how a reply is gathered, how a failure is worded.

1. A closed or forked gateway, and an event loop other than the first, are refused before anything leaves.
2. A reply is unpacked while it streams in, and never to more than ``max_reply_bytes``; one that is packed but not whole is no reply.
3. A header value outside ASCII is dropped rather than the whole reply.
4. A failure is told in the system's own words or by the class of the library's error, never by what was sent or received.
"""

import asyncio
import os
import ssl
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from types import TracebackType
from typing import Final, Self, Unpack

from reservation_core.gateways.settings import Credentials, GatewayOptions, GatewaySettings
from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.rest.messages import Reply, Request

IDLE_TIMEOUT: Final = 20.0
"""Seconds an unused connection is kept: less than the minute or so after which servers drop it, when a request might just be under way."""


class BaseGateway:
    """One gateway's settings, and what it may say of an exchange."""

    def __init__(
        self, credentials: Credentials | None = None, **options: Unpack[GatewayOptions]
    ) -> None:
        """Take the settings; without credentials, those of the environment. Raises ConfigurationError."""
        self._settings: Final = GatewaySettings(
            credentials=credentials or Credentials.from_environment(), **options
        )
        self._process: Final = os.getpid()
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def origin(self) -> str:
        """Where the requests go: scheme, host, and the port where it is not the usual one."""
        return self._settings.origin

    def __repr__(self) -> str:
        """Show where to and as whom; nothing secret."""
        return f"<{type(self).__name__} {self.origin} as {self._settings.credentials.username}>"

    def _address(self, request: Request) -> str:
        """Give the URL of a request, once nothing speaks against sending it."""
        if self._closed:
            raise NotSent("the gateway is closed; open a new one")
        if self._process != os.getpid():
            raise NotSent(
                "the gateway was opened before a fork, which would share its connections; open it in the child only"
            )
        if not request.path.startswith("/"):
            raise ValueError(
                "the path of a request starts with a slash; anything else could change the host it goes to"
            )
        return self._settings.base_url + request.path

    def _tls(self) -> ssl.SSLContext:
        """Make what verifies certificates; it is not asked over plain http, so nothing is loaded for that."""
        return (
            ssl.create_default_context()
            if self.origin.startswith("https:")
            else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        )

    def _stay(self) -> None:
        """Stay with the first event loop, for clients whose connections belong to one."""
        running = asyncio.get_running_loop()
        self._loop = self._loop or running
        if self._loop is not running:
            raise NotSent("the gateway was first used in another event loop; open one in each")

    def _occupied(self) -> NotSent:
        return NotSent(
            f"none of the {self._settings.max_connections} connections to {self.origin} became free in time"
        )

    def _unconnected(self, why: str | None = None) -> NotSent:
        return NotSent(
            f"no connection to {self.origin}: {why or f'not in {self._settings.connect_timeout:g} s'}"
        )

    def _late(self) -> GatewayError:
        return GatewayError(f"no whole reply from {self.origin} in {self._settings.timeout:g} s")

    def _broken(self, why: str) -> GatewayError:
        return GatewayError(f"the exchange with {self.origin} broke off: {why}")

    def _overlong(self, status: int) -> GatewayError:
        limit = self._settings.max_reply_bytes
        return GatewayError(
            f"the reply of {self.origin} (HTTP {status}) is longer than max_reply_bytes, {limit}"
        )


class StreamingGateway(BaseGateway):
    """A gateway that gathers replies piece by piece, where its library does not unpack and bound them itself."""

    def _gather(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> "ReplyBuilder":
        pairs = [
            (name.decode(), value.decode())
            for name, value in headers
            if name.isascii() and value.isascii()
        ]
        return ReplyBuilder(
            Reply(status, pairs),
            self._settings.max_reply_bytes,
            self._overlong(status),
            self._broken("bad gzip"),
        )


class ReplyBuilder:
    """A reply while its body comes in."""

    def __init__(
        self, head: Reply, limit: int, overlong: GatewayError, unreadable: GatewayError
    ) -> None:
        self._head = head
        self._limit = limit
        self._overlong = overlong
        self._unreadable = unreadable
        self._body = bytearray()
        self._empty = True
        self._zip = (
            zlib.decompressobj(wbits=31)
            if head.headers.get("Content-Encoding", "").lower() == "gzip"
            else None
        )

    def add(self, piece: bytes) -> None:
        """Take the next piece as it came. Raises GatewayError."""
        self._empty = False
        if self._zip:
            try:
                piece = self._zip.decompress(piece, self._limit + 1 - len(self._body))
            except zlib.error as error:
                raise self._unreadable from error
        self._body += piece
        if len(self._body) > self._limit:
            raise self._overlong

    def reply(self) -> Reply:
        """Give the reply, now that it is whole. Raises GatewayError."""
        if self._zip and not self._empty and (self._zip.unused_data or not self._zip.eof):
            raise self._unreadable
        return Reply(self._head.status, self._head.headers, bytes(self._body))


def cause(error: BaseException) -> str:
    """Say what is behind a library's error: the system's own words where there are any, else the class of the error."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror
        inner = inner.__cause__ or inner.__context__
    return type(error).__name__


class ClosableGateway(ABC):
    """A gateway for threads as a context manager."""

    @abstractmethod
    def close(self) -> None:
        """Close the gateway."""

    def __enter__(self) -> Self:
        """Hand out the gateway."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the gateway."""
        self.close()


class AsyncClosableGateway(ABC):
    """A gateway for asyncio as a context manager."""

    @abstractmethod
    async def aclose(self) -> None:
        """Close the gateway."""

    async def __aenter__(self) -> Self:
        """Hand out the gateway."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the gateway."""
        await self.aclose()
