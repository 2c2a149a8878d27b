"""Remedies about the settings and the state of a gateway."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any
from unittest import mock

import httpcore2
import httpx2
import pytest
from twilio.credential.client_credential_provider import ClientCredentialProvider  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.async_http_client import AsyncTwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.http_client import TwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.rest import Client  # pyright: ignore[reportMissingTypeStubs]

from reservation_core import GatewayError, NotSent, afetch, fetch
from reservation_core.emulator import InMemoryGateway
from reservation_core.emulator.server import running_emulator
from reservation_core.gateways.httpx2 import AsyncHttpx2Gateway, Httpx2Gateway
from reservation_core.gateways.httpx2_transport import require_pool
from reservation_core.gateways.settings import (
    ConfigurationError,
    Credentials,
    GatewaySettings,
    default_base_url,
)
from reservation_core.gateways.twilio import AsyncTwilioGateway, TwilioGateway
from tests.gateways.twilio_clients import make_client
from tests.project.remedies.base import World, cast_any, follows, text_of

KEY = Credentials("SK" + "0" * 32, "secret")


def refusal(ask: Any) -> str:
    return text_of(ConfigurationError, ask)


@follows("the gateway is closed: open a new one")
def open_a_new_one() -> str:
    world = World()
    gateway = InMemoryGateway(world.platform)
    gateway.close()
    text = text_of(NotSent, lambda: fetch(world.held, gateway))
    fetch(world.held, InMemoryGateway(world.platform))
    return text


@follows(
    "the gateway was opened before a fork, which would share its connections: open it in the child "
    "process"
)
def open_it_in_the_child() -> str:
    world = World()
    with running_emulator(world.platform) as emulator:
        inherited = Httpx2Gateway(KEY, base_url=emulator.url)
        with mock.patch("os.getpid", return_value=-1):  # in the child
            text = text_of(NotSent, lambda: fetch(world.held, inherited))
            with Httpx2Gateway(KEY, base_url=emulator.url) as own:
                fetch(world.held, own)
        inherited.close()
    return text


@follows("the gateway was first used in another event loop: open one in each")
def open_one_in_each_loop() -> str:
    world = World()

    with running_emulator(world.platform) as emulator, asyncio.Runner() as loop:
        gateway = AsyncHttpx2Gateway(KEY, base_url=emulator.url)
        loop.run(afetch(world.held, gateway))
        text = text_of(GatewayError, lambda: asyncio.run(afetch(world.held, gateway)))
        loop.run(gateway.aclose())

        async def read_in_another() -> None:
            async with AsyncHttpx2Gateway(KEY, base_url=emulator.url) as another:
                await afetch(world.held, another)

        asyncio.run(read_in_another())
    return text


@follows(
    "base_url must have the form https://host[:port][/prefix]. Leave out credentials, query and "
    "fragment, and write an international host in ASCII"
)
def write_the_base_url() -> str:
    text = refusal(lambda: GatewaySettings(credentials=KEY, base_url="https://a:b@example.com/?q"))
    for url in ("https://example.com", "https://xn--bcher-kva.example:8443/prefix"):
        GatewaySettings(credentials=KEY, base_url=url)
    return text


@follows("the {} is missing. Give a non-empty string")
def give_a_string() -> str:
    text = refusal(lambda: Credentials("", "secret"))
    Credentials("SK1", "secret")
    return text


@follows("the {} contains control characters. Strip the line break or tab")
def strip_the_line_break() -> str:
    text = refusal(lambda: Credentials("SK1", "secret\n"))
    Credentials("SK1", "secret\n".strip())
    return text


@follows("the username contains a colon. Give the SID alone, and the secret as the password")
def give_the_sid_alone() -> str:
    text = refusal(lambda: Credentials("SK1:secret", "x"))
    Credentials("SK1", "secret")
    return text


@follows("credentials are missing. Set {}, or pass Credentials")
def set_the_variables() -> str:
    text = refusal(lambda: Credentials.from_environment({}))
    pairs = text.partition("Set ")[2].split(", or ")[:2]
    for pair in pairs:
        Credentials.from_environment(dict.fromkeys(pair.split(" and "), "x"))
    return text


@follows("{} is missing while {} is set. Set both, or remove {} and set {}, or pass Credentials")
def set_both_or_the_other_pair() -> str:
    half = {"TWILIO_API_KEY": "SK1"}
    text = refusal(lambda: Credentials.from_environment(half))
    Credentials.from_environment({**half, "TWILIO_API_SECRET": "x"})
    other = text.partition("and set ")[2].partition(", or pass")[0].split(" and ")
    Credentials.from_environment(dict.fromkeys(other, "x"))
    return text


@follows(
    "{} is not part of a host name. Set it as in the official clients, such as {}, or pass base_url"
)
def set_edge_and_region() -> str:
    texts = [
        refusal(lambda: default_base_url({"TWILIO_EDGE": "Du blin"})),
        refusal(lambda: default_base_url({"TWILIO_REGION": "ie1/"})),
    ]
    edge, region = (text.rpartition("such as ")[2].partition(",")[0] for text in texts)
    assert default_base_url({"TWILIO_EDGE": edge, "TWILIO_REGION": region}).startswith("https://")
    GatewaySettings(credentials=KEY, base_url="https://example.com")
    return texts[0]


@follows(
    "base_url is plain http to {}, which shows the credentials to the network. Use https, or set "
    "allow_plain_http=True"
)
def use_https() -> str:
    text = refusal(lambda: GatewaySettings(credentials=KEY, base_url="http://example.com"))
    GatewaySettings(credentials=KEY, base_url="https://example.com")
    GatewaySettings(credentials=KEY, base_url="http://example.com", allow_plain_http=True)
    return text


@follows("httpx2 {} is not supported. Install httpx2 2.16")
def install_httpx2() -> str:
    text = refusal(lambda: require_pool(object(), httpcore2.ConnectionPool))
    assert httpx2.__version__.startswith(text.rpartition("httpx2 ")[2])
    require_pool(httpx2.HTTPTransport(), httpcore2.ConnectionPool)
    return text


# --- the official clients ------------------------------------------------------------------------


@follows("the client must be a twilio.rest.Client")
def give_an_official_client() -> str:
    text = refusal(lambda: TwilioGateway(SimpleNamespace()))
    TwilioGateway(Client("AC1", "x")).close()
    return text


@follows("this gateway needs {} http_client")
def give_the_other_http_client() -> str:
    async def build() -> str:
        text = refusal(lambda: AsyncTwilioGateway(Client("AC1", "x")))
        assert "an async" in text
        client = AsyncTwilioHttpClient()
        await AsyncTwilioGateway(Client("AC1", "x", http_client=client)).aclose()
        await client.close()
        return text

    return asyncio.run(build())


@follows(
    "the client has a credential provider, which has no time limit. Build the client with a "
    "username and password"
)
def give_username_and_password() -> str:
    provider = ClientCredentialProvider("id", "secret")
    text = refusal(lambda: TwilioGateway(Client(credential_provider=cast_any(provider))))
    TwilioGateway(Client("AC1", "x")).close()
    return text


@follows("the client repeats requests, updates included. Build it without max_retries")
def build_without_retries() -> str:
    repeating = TwilioHttpClient(max_retries=2)
    text = refusal(lambda: TwilioGateway(Client("AC1", "x", http_client=repeating)))
    TwilioGateway(Client("AC1", "x", http_client=TwilioHttpClient())).close()
    return text


@follows("the client's session does not verify certificates. Do not set its verify to False")
def verify_certificates() -> str:
    http_client = cast_any(TwilioHttpClient())
    http_client.session.verify = False
    text = refusal(lambda: TwilioGateway(Client("AC1", "x", http_client=http_client)))
    http_client.session.verify = True
    TwilioGateway(Client("AC1", "x", http_client=http_client)).close()
    return text


@follows(
    "the client's edge or region works only with hosts of twilio.com. Build the client without them"
)
def build_without_edge() -> str:
    client = Client("AC1", "x", edge="dublin")
    client.taskrouter.base_url = "https://example.com"
    text = refusal(lambda: TwilioGateway(client))
    other = Client("AC1", "x")
    other.taskrouter.base_url = "https://example.com"
    TwilioGateway(other).close()
    return text


@follows("the client is closed: open a new one")
def open_a_new_client() -> str:
    world = World()

    async def read(client: Any) -> None:
        await afetch(world.held, AsyncTwilioGateway(client))

    async def run() -> str:
        closed, another = (
            make_client(emulator.url, http_client=AsyncTwilioHttpClient()) for _ in range(2)
        )
        await closed.http_client.close()
        with pytest.raises(NotSent) as caught:
            await read(closed)
        await read(another)
        await another.http_client.close()
        return str(caught.value)

    with running_emulator(world.platform) as emulator:
        return asyncio.run(run())
