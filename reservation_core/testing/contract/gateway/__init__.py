"""The promises every gateway keeps, as tests that its author inherits with one fixture.

::

    from reservation_core.testing.contract.gateway import CREDENTIALS, GatewayContract

    class TestMine(GatewayContract):
        @pytest.fixture
        def open_gateway(self):
            return lambda **options: MyGateway(CREDENTIALS, **options)

===========================  ==============================  =========================================================================
for threads                  for asyncio                     the promises
===========================  ==============================  =========================================================================
``GatewayContract``          ``AsyncGatewayContract``        of every gateway, also on an HTTP client that somebody else configured
``OwnClientContract``        ``AsyncOwnClientContract``      these, and those of a gateway that has its HTTP client to itself
===========================  ==============================  =========================================================================

Every gateway: encoding, headers, credentials, time-outs, failure classes (nothing sent, or unknown), size limit, no redirect, nothing
secret shown, concurrency, cancellation, closing. With a client of its own, further: the time-outs cover connecting alone and the head
of a reply, a reply is measured and unpacked while it streams in, a broken handshake is known as not sent, no cookie or proxy variable
has a say, and closing ends what is under way. No promise can be waived; a gateway on somebody else's client that keeps one of the
further ones as well says so by its name: ``test_proxy_variables_are_ignored = OwnClientContract.test_proxy_variables_are_ignored``.

For asyncio the fixture's function is called within the event loop. The options are ``base_url``, ``connect_timeout``, ``timeout``,
``max_reply_bytes`` and ``max_connections``, as :class:`reservation_core.gateways.settings.Settings` has them; each test gives those
that matter to it.

The server is the suite's own, on 127.0.0.1 and bounded; proxies and credentials of the environment are out of the way. The TLS tests
need ``trustme``, and name whom to trust in ``SSL_CERT_FILE`` and ``REQUESTS_CA_BUNDLE`` (a client that reads neither is configured
to, in the fixture). For telling failures, add ``pytest.register_assert_rewrite("reservation_core.testing.contract.gateway")`` to ``conftest.py``.
"""

import functools
from collections.abc import Callable

import pytest

from reservation_core.testing.contract.gateway.concurrency import (
    AsyncioConcurrencyTests,
    ThreadConcurrencyTests,
)
from reservation_core.testing.contract.gateway.drivers import (
    AsyncGatewayUnderTest,
    DriverFactory,
    GatewayUnderTest,
    tasks,
    threads,
)
from reservation_core.testing.contract.gateway.failures import FailureTests
from reservation_core.testing.contract.gateway.own_client import OwnClientTests
from reservation_core.testing.contract.gateway.replies import ReplyTests
from reservation_core.testing.contract.gateway.sending import SendingTests
from reservation_core.testing.contract.gateway.support import (
    CREDENTIALS,
    PATH,
    SECRETS,
    clear_environment,
    expect_failure,
    expect_failures,
    fetch_request,
    update_request,
)

__all__ = [
    "CREDENTIALS",
    "PATH",
    "SECRETS",
    "AsyncGatewayContract",
    "AsyncOwnClientContract",
    "GatewayContract",
    "OwnClientContract",
    "clear_environment",
    "expect_failure",
    "expect_failures",
    "fetch_request",
    "update_request",
]


class _Prepared:
    @pytest.fixture(autouse=True)
    def _prepared(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clear_environment(monkeypatch)


class GatewayContract(SendingTests, ReplyTests, FailureTests, ThreadConcurrencyTests, _Prepared):
    """What a gateway for threads promises; give the fixture ``open_gateway``."""

    @pytest.fixture
    def open_driver(self, open_gateway: Callable[..., GatewayUnderTest]) -> DriverFactory:
        """Use the gateway from threads."""
        return functools.partial(threads, open_gateway)


class AsyncGatewayContract(
    SendingTests, ReplyTests, FailureTests, AsyncioConcurrencyTests, _Prepared
):
    """What a gateway for asyncio promises; give the fixture ``open_gateway``."""

    @pytest.fixture
    def open_driver(self, open_gateway: Callable[..., AsyncGatewayUnderTest]) -> DriverFactory:
        """Use the gateway from tasks."""
        return functools.partial(tasks, open_gateway)


class OwnClientContract(OwnClientTests, GatewayContract):
    """What a gateway for threads promises that has its HTTP client to itself; give the fixture ``open_gateway``."""


class AsyncOwnClientContract(OwnClientTests, AsyncGatewayContract):
    """What a gateway for asyncio promises that has its HTTP client to itself; give the fixture ``open_gateway``."""
