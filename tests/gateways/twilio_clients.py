"""Twilio clients for the tests, configured as a service would."""

import functools
import os
import ssl
from typing import Any

from aiohttp import ClientSession, TCPConnector
from twilio.http.async_http_client import AsyncTwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.rest import Client  # pyright: ignore[reportMissingTypeStubs]

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


def make_async_http_client() -> AsyncTwilioHttpClient:
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


class OwningGateway(TwilioGateway):
    """A gateway that closes its client too, as the service would."""

    def close(self) -> None:
        super().close()
        self._client.http_client.session.close()


class AsyncOwningGateway(AsyncTwilioGateway):
    """A gateway that closes its client too, as the service would."""

    async def aclose(self) -> None:
        await super().aclose()
        await self._client.http_client.close()
