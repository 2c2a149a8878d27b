"""Contract of a gateway: tests to inherit with one fixture.

::

    from reservation_core.testing.contract.gateway import CREDENTIALS, GatewayContract

    class TestMyGateway(GatewayContract):
        @pytest.fixture
        def open_gateway(self):
            return lambda **options: MyGateway(CREDENTIALS, **options)

=======================  ============================  ===========================================
for threads              for asyncio                   for a gateway
=======================  ============================  ===========================================
``GatewayContract``      ``AsyncGatewayContract``      of any kind, also on an HTTP client that
                                                       the service configured
``OwnClientContract``    ``AsyncOwnClientContract``    with an HTTP client of its own. It includes
                                                       the first contract.
``GivenClientContract``  ``AsyncGivenClientContract``  with an HTTP client that the service passes
                                                       in
=======================  ============================  ===========================================

The first contract covers encoding, headers, credentials, timeouts, the class of each failure (not
sent, or outcome unknown), the size limit, bytes that the server sends unasked, redirects, secrecy,
concurrency, cancellation and closing.

With a client of its own, a gateway promises more. The timeouts cover connecting alone and each part
of a reply, whatever the server sends. A reply is measured and decompressed while it arrives, in
bounded memory. A connection with bytes behind a reply is dropped. A failed TLS handshake is known
as not sent. Cookies are not kept, and proxy variables are ignored. Closing ends the exchanges under
way.

Every test must pass. A gateway on another's client that keeps a further promise adds it by name:
``test_cookies_are_not_kept = OwnClientContract.test_cookies_are_not_kept``.

``GivenClientContract`` holds a gateway to its promises about foreign code: whatever the HTTP client
returns or raises becomes a reply or a ``GatewayError``. It needs two fixtures: ``open_gateway_on``,
a function that opens a gateway whose HTTP client calls its first argument for each request, and
``make_response``, a function that makes a response of that client's library from status and text.

The fixture's function gets ``base_url``, ``connect_timeout``, ``timeout``, ``max_reply_bytes`` and
``max_connections`` as keyword arguments, where a test needs them.
:class:`reservation_core.gateways.settings.GatewaySettings` describes them. For asyncio the function
is called within the event loop.

The server runs on 127.0.0.1, with bounds. Proxies and credentials of the environment are removed.
The TLS tests need ``trustme``, and name the trusted authority in ``SSL_CERT_FILE`` and
``REQUESTS_CA_BUNDLE``. A client that reads neither must be configured to, in the fixture.

A failed test says which promise is broken and what to do. To see the values too, put
``pytest.register_assert_rewrite("reservation_core.testing.contract.gateway")`` in ``conftest.py``.
"""

import functools
from collections.abc import Callable
from typing import Unpack

from reservation_core._extras import extra
from reservation_core.gateways.settings import GatewayOptions

with extra("testing"):
    import pytest

    from reservation_core.testing.contract.gateway.concurrency import (
        AsyncioSharingTests,
        ThreadSharingTests,
    )
    from reservation_core.testing.contract.gateway.drivers import (
        AsyncGatewayUnderTest,
        AsyncioDriver,
        DriverFactory,
        GatewayDriver,
        GatewayUnderTest,
        ThreadDriver,
    )
    from reservation_core.testing.contract.gateway.failures import FailureTests
    from reservation_core.testing.contract.gateway.given_client import (
        GivenClientTests,
        GivenDriverFactory,
    )
    from reservation_core.testing.contract.gateway.own_client import OwnClientTests
    from reservation_core.testing.contract.gateway.replies import ReplyTests
    from reservation_core.testing.contract.gateway.sending import SendingTests
    from reservation_core.testing.contract.gateway.support import (
        CREDENTIALS,
        TrustFixtures,
        clear_environment,
    )
    from reservation_core.testing.contract.gateway.unasked import UnaskedTests


__all__ = [
    "CREDENTIALS",
    "AsyncGatewayContract",
    "AsyncGivenClientContract",
    "AsyncOwnClientContract",
    "GatewayContract",
    "GivenClientContract",
    "OwnClientContract",
    "clear_environment",
]


class _CleanEnvironment(TrustFixtures):
    @pytest.fixture(autouse=True)
    def _clean_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clear_environment(monkeypatch)


class GatewayContract(
    SendingTests, ReplyTests, UnaskedTests, FailureTests, ThreadSharingTests, _CleanEnvironment
):
    """Promises of a gateway for threads. Define the fixture ``open_gateway``."""

    @pytest.fixture
    def open_driver(self, open_gateway: Callable[..., GatewayUnderTest]) -> DriverFactory:
        """Use the gateway from threads."""
        return functools.partial(ThreadDriver, open_gateway)


class AsyncGatewayContract(
    SendingTests, ReplyTests, UnaskedTests, FailureTests, AsyncioSharingTests, _CleanEnvironment
):
    """Promises of a gateway for asyncio. Define the fixture ``open_gateway``."""

    @pytest.fixture
    def open_driver(self, open_gateway: Callable[..., AsyncGatewayUnderTest]) -> DriverFactory:
        """Use the gateway from asyncio tasks."""
        return functools.partial(AsyncioDriver, open_gateway)


class OwnClientContract(OwnClientTests, GatewayContract):
    """Promises of a gateway for threads with its own HTTP client.

    Define the fixture ``open_gateway``.
    """


class AsyncOwnClientContract(OwnClientTests, AsyncGatewayContract):
    """Promises of a gateway for asyncio with its own HTTP client.

    Define the fixture ``open_gateway``.
    """


class GivenClientContract(GivenClientTests, _CleanEnvironment):
    """Promises of a gateway for threads about a given HTTP client.

    Define the fixtures ``open_gateway_on`` and ``make_response``.
    """

    @pytest.fixture
    def open_given(self, open_gateway_on: Callable[..., GatewayUnderTest]) -> GivenDriverFactory:
        """Use the gateway from threads."""

        def open_given(
            respond: Callable[[], object], **options: Unpack[GatewayOptions]
        ) -> GatewayDriver:
            return ThreadDriver(functools.partial(open_gateway_on, respond), **options)

        return open_given


class AsyncGivenClientContract(GivenClientTests, _CleanEnvironment):
    """Promises of a gateway for asyncio about a given HTTP client.

    Define the fixtures ``open_gateway_on`` and ``make_response``.
    """

    @pytest.fixture
    def open_given(
        self, open_gateway_on: Callable[..., AsyncGatewayUnderTest]
    ) -> GivenDriverFactory:
        """Use the gateway from asyncio tasks."""

        def open_given(
            respond: Callable[[], object], **options: Unpack[GatewayOptions]
        ) -> GatewayDriver:
            return AsyncioDriver(functools.partial(open_gateway_on, respond), **options)

        return open_given
