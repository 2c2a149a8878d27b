"""Credentials, requests and checks that the tests of the contract share."""

import contextlib
import os
import ssl
import traceback
from collections.abc import Generator, Iterator, Sequence
from typing import Unpack

import pytest

from reservation_core.gateways.settings import Credentials, GatewayOptions
from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.rest.messages import FORM_HEADERS, Request
from reservation_core.testing.contract.gateway.drivers import DriverFactory, GatewayDriver
from reservation_core.testing.contract.loopback import LoopbackServer, ReceivedRequest, Responder

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


# --- checks ---------------------------------------------------------------------------------------


def only_request(driver: GatewayDriver) -> ReceivedRequest:
    """Return the request that the server received, and check that it is the only one."""
    requests = driver.server.requests
    assert len(requests) == 1, "send the request exactly once"
    return requests[0]


def expect_failures(driver: GatewayDriver, *requests: Request) -> list[GatewayError]:
    """Send requests that must fail, and check that no error shows a secret.

    The check covers each error with its whole chain of causes.
    """
    results = driver.send_all(requests)
    errors = [result for result in results if isinstance(result, GatewayError)]
    assert len(errors) == len(requests), (
        f"no complete reply can have arrived, but the gateway returned {results}. "
        "Raise GatewayError or NotSent"
    )
    for error in errors:
        chain = " ".join(map(repr, _chain(error)))
        check_shows_no_secret("".join(traceback.format_exception(error)) + chain)
    return errors


def expect_failure(driver: GatewayDriver, request: Request) -> GatewayError:
    """Send a request that must fail, and return the error. No error may show a secret."""
    (error,) = expect_failures(driver, request)
    return error


def expect_not_sent(driver: GatewayDriver, request: Request) -> NotSent:
    """Send a request that must fail without being sent, and return the error."""
    error = expect_failure(driver, request)
    assert isinstance(error, NotSent), (
        f"the request was certainly not sent, but {error!r} says that the outcome is unknown. "
        "Raise NotSent"
    )
    return error


def expect_outcome_unknown(driver: GatewayDriver, request: Request) -> GatewayError:
    """Send a request that must fail with an unknown outcome, and return the error."""
    error = expect_failure(driver, request)
    check_outcome_unknown(error)
    return error


def check_outcome_unknown(error: object) -> None:
    """Check that an error says that the request may have been sent."""
    assert isinstance(error, GatewayError), f"{error!r} must be a GatewayError"
    assert not isinstance(error, NotSent), (
        f"the request may have been sent, but {error!r} says that it was not. Raise GatewayError"
    )


def check_still_works(driver: GatewayDriver, expected: bytes = b"next") -> None:
    """Check that the next request gets its own reply."""
    body = driver.send(update_request()).body
    assert body == expected, (
        "the next request must get its own reply. "
        "Drop a connection that may still hold bytes of an earlier exchange"
    )


def check_shows_no_secret(text: str) -> None:
    """Check that a text shows no secret and no phone number."""
    shown = [secret for secret in SECRETS if secret in text]
    assert not shown, (
        "an error, a log line or the repr of the gateway shows a secret or a phone number. "
        "Chain no error of the HTTP client that holds the request, and log no request"
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
