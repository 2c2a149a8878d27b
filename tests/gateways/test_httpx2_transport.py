"""Tests of the private state that the httpx2 gateways look at."""

import asyncio
import contextlib
import ssl
import types
from collections.abc import Callable

import httpcore2
import httpx2
import pytest
import trustme

from reservation_core.gateways import httpx2_transport
from reservation_core.gateways.httpx2 import AsyncHttpx2Gateway, Httpx2Gateway
from reservation_core.gateways.httpx2_transport import (
    has_surplus_bytes,
    holds_bytes,
    require_pool,
)
from reservation_core.gateways.settings import ConfigurationError
from reservation_core.testing.contract.gateway import CREDENTIALS
from reservation_core.testing.contract.gateway.support import server_tls, update_request
from reservation_core.testing.contract.loopback import LoopbackServer


def connection(**state: object) -> object:
    return types.SimpleNamespace(_connection=types.SimpleNamespace(**state))


@pytest.mark.parametrize(
    ("checked", "expected"),
    [
        (connection(_h11_state=types.SimpleNamespace(trailing_data=(b"", False))), False),
        (connection(_h11_state=types.SimpleNamespace(trailing_data=(b"HTTP", False))), True),
        (types.SimpleNamespace(_connection=None), False),
        # another version of httpcore2 or h11
        (connection(_h11_state=types.SimpleNamespace()), True),
        (connection(), True),
        (types.SimpleNamespace(), True),
    ],
)
def test_connection_has_surplus_bytes_unless_known_to_have_none(
    checked: object, *, expected: bool
) -> None:
    assert has_surplus_bytes(checked) is expected


@pytest.mark.parametrize("is_async", [False, True])
def test_gateway_reuses_no_connection_when_the_private_state_is_missing(
    monkeypatch: pytest.MonkeyPatch, *, is_async: bool
) -> None:
    def check_another_version(_connection: object) -> bool:
        return has_surplus_bytes(object())

    monkeypatch.setattr(httpx2_transport, "has_surplus_bytes", check_another_version)

    async def send_twice(origin: str) -> None:
        async with AsyncHttpx2Gateway(CREDENTIALS, base_url=origin) as gateway:
            for _ in range(2):
                assert (await gateway.asend(update_request())).status == 200

    with LoopbackServer() as server:
        if is_async:
            asyncio.run(send_twice(server.origin))
        else:
            with Httpx2Gateway(CREDENTIALS, base_url=server.origin) as gateway:
                for _ in range(2):
                    assert gateway.send(update_request()).status == 200
    assert server.connections == 2


def test_transport_with_its_pool_elsewhere_is_refused() -> None:
    require_pool(httpx2.HTTPTransport(), httpcore2.ConnectionPool)
    with pytest.raises(ConfigurationError, match=r"httpx2 .* is not supported"):
        require_pool(object(), httpcore2.ConnectionPool)


# --- bytes in a TLS object -----------------------------------------------------------------------


def exchange_records(client: ssl.SSLObject, server: ssl.SSLObject) -> None:
    """Do a TLS handshake in memory."""
    for _ in range(4):
        for side in (client, server):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()


def send_byte(server: ssl.SSLObject) -> None:
    """Send a byte that nobody asked for."""
    server.write(b"H")


@pytest.mark.parametrize(
    ("act", "expected"),
    [(repr, False), (send_byte, True), (ssl.SSLObject.unwrap, True)],
    ids=["nothing", "byte", "end"],
)
def test_tls_object_holds_what_the_server_sent(
    act: Callable[[ssl.SSLObject], object], *, expected: bool
) -> None:
    authority = trustme.CA()
    trust = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    upstream, downstream = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trust.wrap_bio(downstream, upstream, server_hostname="a.example")
    server = server_tls(authority, "a.example").wrap_bio(upstream, downstream, server_side=True)
    exchange_records(client, server)
    with contextlib.suppress(ssl.SSLWantReadError):
        act(server)
    assert holds_bytes(client) is expected


def test_plain_connection_has_no_tls_object() -> None:
    assert not holds_bytes(None)
