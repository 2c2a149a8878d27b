"""A custom gateway, on urllib3: all that another HTTP client needs.

A gateway sends one request and returns one complete reply. It follows no redirect and repeats
nothing. It raises ``NotSent`` only when the request was certainly not sent, and else
``GatewayError``.
"""

from __future__ import annotations

import ssl
import time
from http import HTTPStatus
from typing import Final, Unpack

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    EmptyPoolError,
    HTTPError,
    LocationParseError,
    NewConnectionError,
)

from reservation_core import GatewayError, NotSent, Reply, Request
from reservation_core.gateways.settings import Credentials, GatewayOptions, GatewaySettings

_BODILESS: Final = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class Urllib3Gateway:
    """Sends requests through a pool of urllib3. Threads may share it."""

    def __init__(self, credentials: Credentials, **options: Unpack[GatewayOptions]) -> None:
        self._settings: Final = GatewaySettings(credentials=credentials, **options)
        self._closed = False
        self._pool: Final = urllib3.PoolManager(
            maxsize=self._settings.max_connections,
            block=True,
            retries=False,
            ssl_context=ssl.create_default_context(),
            timeout=urllib3.Timeout(
                connect=self._settings.connect_timeout, read=self._settings.timeout
            ),
        )

    def send(self, request: Request) -> Reply:
        """Send one request and return its complete reply."""
        if self._closed:
            raise NotSent("the gateway is closed: open a new one")
        if not request.path.startswith("/"):
            raise ValueError("the path of a request must start with a slash")
        headers = dict(request.headers.pairs) | {
            "Authorization": self._settings.credentials.authorization,
            "User-Agent": "desk",
        }
        try:
            with self._pool.request(
                request.method,
                self._settings.base_url + request.path,
                body=request.body if request.method == "POST" else None,
                headers=headers,
                redirect=False,
                preload_content=False,
                pool_timeout=self._settings.connect_timeout,
            ) as reply:
                body = self._read(reply, time.monotonic() + self._settings.timeout)
        except (
            ConnectTimeoutError,
            EmptyPoolError,
            LocationParseError,
            NewConnectionError,
        ) as error:
            raise NotSent(f"no connection: {type(error).__name__}") from None
        except HTTPError as error:
            if isinstance(error.args[0], ssl.SSLCertVerificationError):
                raise NotSent("the server's certificate is not trusted") from None
            raise GatewayError(f"the exchange failed: {type(error).__name__}") from None
        return Reply(reply.status, list(reply.headers.items()), body)

    def _read(self, reply: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        """Read the body within the time and the size limit.

        Refuse a head that ``http.client`` misunderstands.
        """
        length = reply.headers.get("Content-Length")
        if reply.status < HTTPStatus.OK:
            raise GatewayError("received early hints instead of the reply")
        if not (length or "0").isdecimal():
            raise GatewayError("the length of the reply is not a number")
        body = b""
        while piece := reply.read1(16_384, decode_content=True):
            body += piece
            if len(body) > self._settings.max_reply_bytes:
                limit = self._settings.max_reply_bytes
                raise GatewayError(f"the reply is longer than {limit} bytes")
            if time.monotonic() > deadline:
                raise GatewayError(f"no complete reply within {self._settings.timeout:g} s")
        has_frame = length is not None or "Transfer-Encoding" in reply.headers
        if not body and not has_frame and reply.status not in _BODILESS:
            raise GatewayError("the reply ended within its head")
        return body

    def close(self) -> None:
        """Refuse further requests and close the connections."""
        self._closed = True
        self._pool.clear()
