"""A gateway of one's own, on urllib3: what it takes to bring another HTTP client to the library.

It shows the whole of a gateway's duty: one request out and one whole reply back, nothing followed, nothing repeated, and a failure told
as ``NotSent`` only when nothing can have left.
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
    """Moves requests by a pool of urllib3; share one between threads."""

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
        """Send one request and bring back its whole reply."""
        if self._closed:
            raise NotSent("the gateway is closed; open a new one")
        if not request.path.startswith("/"):
            raise ValueError("the path of a request starts with a slash")
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
            raise GatewayError(f"the exchange broke off: {type(error).__name__}") from None
        return Reply(reply.status, list(reply.headers.items()), body)

    def _read(self, reply: urllib3.BaseHTTPResponse, end: float) -> bytes:
        """Read the body as it comes: not for ever, not without bound, and not after a head that http.client reads in its own way."""
        length = reply.headers.get("Content-Length")
        if reply.status < HTTPStatus.OK:
            raise GatewayError("early hints came where the reply was due")
        if not (length or "0").isdecimal():
            raise GatewayError("the length of the reply is no number")
        body = b""
        while piece := reply.read1(16_384, decode_content=True):
            body += piece
            if len(body) > self._settings.max_reply_bytes:
                raise GatewayError(
                    f"the reply is longer than {self._settings.max_reply_bytes} bytes"
                )
            if time.monotonic() > end:
                raise GatewayError(f"the reply took longer than {self._settings.timeout:g} s")
        if (
            not body
            and length is None
            and "Transfer-Encoding" not in reply.headers
            and reply.status not in _BODILESS
        ):
            raise GatewayError("the reply ends within its head")
        return body

    def close(self) -> None:
        """Close it."""
        self._closed = True
        self._pool.clear()
