"""Twilio clients for the tests, configured as a service would."""

import base64
import functools
import os
import ssl
from typing import Any

import requests
from aiohttp import ClientSession, ClientTimeout, TCPConnector
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from twilio.http import HttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.async_http_client import AsyncTwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.response import Response  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.validation_client import ValidationClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.rest import Client  # pyright: ignore[reportMissingTypeStubs]
from yarl import URL

from reservation_core.gateways.settings import GatewayOptions, GatewaySettings
from reservation_core.gateways.twilio import AsyncTwilioGateway, TwilioGateway, TwilioOptions
from reservation_core.testing.contract.gateway import CREDENTIALS

PLATFORM = "https://taskrouter.twilio.com"


def make_client(base_url: str = PLATFORM, **settings: Any) -> Any:
    """Configure a client that sends to ``base_url``."""
    client: Any = Client(
        CREDENTIALS.username, CREDENTIALS.password, environment={"": ""}, **settings
    )
    client.taskrouter.base_url = base_url
    return client


def split_options(options: GatewayOptions) -> tuple[str, TwilioOptions]:
    """Return the base URL and the options that are not the client's."""
    settings = GatewaySettings(credentials=CREDENTIALS, **options)
    return settings.base_url, {
        "connect_timeout": settings.connect_timeout,
        "timeout": settings.timeout,
        "max_reply_bytes": settings.max_reply_bytes,
        "max_connections": settings.max_connections,
    }


def make_async_http_client() -> Any:
    """Configure an HTTP client that trusts ``SSL_CERT_FILE``.

    The client's own session reads that variable on import only.
    """
    http_client: Any = AsyncTwilioHttpClient(pool_connections=False)
    ssl_context = _trust(os.environ.get("SSL_CERT_FILE"))
    http_client.session = ClientSession(connector=TCPConnector(ssl=ssl_context))
    return http_client


@functools.cache
def _trust(file: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=file)


class ProxyRecipe(HttpClient):  # type: ignore[misc]
    """The documented client for a proxy, without ``super().__init__()``."""

    def __init__(self, session: requests.Session | None = None) -> None:
        self.session = session or requests.Session()
        self.response: object = None

    def request(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        method: str,
        url: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        auth: Any = None,
        timeout: Any = None,
        allow_redirects: bool = False,
    ) -> Response:
        request = requests.Request(
            method.upper(), url, params=params, data=data, headers=headers, auth=auth
        )
        response = self.session.send(
            self.session.prepare_request(request), allow_redirects=allow_redirects, timeout=timeout
        )
        return Response(int(response.status_code), response.text)


class AsyncProxyRecipe(HttpClient):  # type: ignore[misc]
    """The same for asyncio, on a session of aiohttp."""

    def __init__(self, session: Any) -> None:
        self.session = session

    async def request(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        method: str,
        url: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        auth: Any = None,
        timeout: Any = None,  # noqa: ASYNC109 - the package's name
        allow_redirects: bool = False,
    ) -> Response:
        name, password = auth
        encoded = base64.b64encode(f"{name}:{password}".encode()).decode()
        async with self.session.request(
            method,
            URL(url, encoded=True),
            params=params,
            data=data,
            headers={**headers, "Authorization": f"Basic {encoded}"},
            timeout=ClientTimeout(total=timeout),
            allow_redirects=allow_redirects,
        ) as response:
            return Response(response.status, await response.text())


@functools.cache
def _signing_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def make_validation_client() -> ValidationClient:
    """Configure the package's client that signs requests, with a new key."""
    return ValidationClient(f"AC{'0' * 32}", CREDENTIALS.username, f"CR{'0' * 32}", _signing_key())


class OwningGateway(TwilioGateway):
    """A gateway that closes its client too, as the service would."""

    def close(self) -> None:
        super().close()
        self._client.http_client.session.close()


class AsyncOwningGateway(AsyncTwilioGateway):
    """A gateway that closes its client too, as the service would."""

    async def aclose(self) -> None:
        await super().aclose()
        await self._client.http_client.session.close()
