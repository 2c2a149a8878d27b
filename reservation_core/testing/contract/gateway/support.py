"""Credentials, requests and servers that the tests of the contract share."""

import contextlib
import functools
import os
import ssl
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Unpack

import pytest

from reservation_core.gateways.settings import Credentials, GatewayOptions
from reservation_core.rest.messages import FORM_HEADERS, Request
from reservation_core.testing.contract.gateway.drivers import DriverFactory, GatewayDriver
from reservation_core.testing.contract.loopback import LoopbackServer, Responder

if TYPE_CHECKING:
    import trustme

CREDENTIALS = Credentials("SK0123", "hush-this-is-the-secret")
"""Credentials for the gateway under test."""

SECRETS = ("hush-this", CREDENTIALS.authorization.removeprefix("Basic "), "5550006")
"""Texts that must not be shown: password, header made of it, and the number of an update."""

PATH = "/v1/Workspaces/WS0/Tasks/WT0/Reservations/WR0"

_CALL_FORM = (("Instruction", "call"), ("CallTo", "+15005550006"))


def update_request(
    form: Sequence[tuple[str, str]] = _CALL_FORM, if_match: str | None = None
) -> Request:
    """Build an update as the core prepares it."""
    version = () if if_match is None else (("If-Match", if_match),)
    return Request("POST", PATH, [*FORM_HEADERS.pairs, *version], tuple(form))


def fetch_request(path: str = PATH) -> Request:
    """Build a fetch as the core prepares it."""
    return Request("GET", path)


def clear_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the machine's own proxies, credentials and certificates."""
    for name in os.environ:
        is_proxy_or_bundle = name.lower().endswith(("_proxy", "_ca_bundle"))
        if is_proxy_or_bundle or name.startswith(("TWILIO_", "SSL_CERT_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", os.devnull)


def named_cases(**cases: object) -> list[object]:
    """Return the cases of a parametrized test, each under its name."""
    return [pytest.param(case, id=name.replace("_", " ")) for name, case in cases.items()]


@contextlib.contextmanager
def serving(
    open_driver: DriverFactory,
    *script: Responder,
    tls: ssl.SSLContext | None = None,
    **options: Unpack[GatewayOptions],
) -> Generator[GatewayDriver]:
    """Start a scripted server, and open a gateway that sends to it.

    The server is ``driver.server``.
    """
    with LoopbackServer(*script, tls=tls) as server:
        options["base_url"] = server.origin
        with open_driver(**options) as driver:
            driver.server = server
            yield driver


class TrustFixtures:
    """Fixtures for the tests over TLS."""

    @pytest.fixture
    def authority(self) -> "trustme.CA":
        """Return a certificate authority that no client trusts."""
        return _authority()

    @pytest.fixture
    def trusted(self, authority: "trustme.CA", monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
        """Trust the authority as a user would, by the environment."""
        with authority.cert_pem.tempfile() as file:
            monkeypatch.setenv("SSL_CERT_FILE", file)
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", file)
            yield


@functools.cache
def _authority() -> "trustme.CA":
    authority: trustme.CA = pytest.importorskip("trustme").CA()
    return authority


@functools.cache
def server_tls(authority: "trustme.CA", name: str) -> ssl.SSLContext:
    """Return the server's TLS settings, with a certificate for a host name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with authority.issue_cert(name).private_key_and_cert_chain_pem.tempfile() as file:
        context.load_cert_chain(file)
    return context
