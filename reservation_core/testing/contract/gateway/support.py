"""What every promise is tested with: whom the gateway asks as, what it sends, and what its failures must not show."""

import os
import traceback
from collections.abc import Iterator, Sequence

import pytest

from reservation_core.gateways.settings import Credentials
from reservation_core.rest.errors import GatewayError
from reservation_core.rest.messages import FORM_HEADERS, Request
from reservation_core.testing.contract.gateway.drivers import GatewayDriver

CREDENTIALS = Credentials("SK0123", "hush-this-is-the-secret")
"""Whom the gateway under test asks as."""

SECRETS = ("hush-this", CREDENTIALS.authorization.removeprefix("Basic "), "5550006")
"""What no text may show: the password, the header made of it, and the number that ``update`` sends."""

PATH = "/v1/Workspaces/WS0/AsyncioDriver/WT0/Reservations/WR0"

_NUMBER = (("Instruction", "call"), ("CallTo", "+15005550006"))


def update_request(
    form: Sequence[tuple[str, str]] = _NUMBER, if_match: str | None = None
) -> Request:
    """Make an update as the core prepares it."""
    return Request(
        "POST",
        PATH,
        [*FORM_HEADERS.pairs, *([] if if_match is None else [("If-Match", if_match)])],
        tuple(form),
    )


def fetch_request(path: str = PATH) -> Request:
    """Make a fetch as the core prepares it."""
    return Request("GET", path)


def clear_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the machine's own proxies, credentials and certificates out of the way."""
    for name in os.environ:
        if name.startswith(("TWILIO_", "SSL_CERT_")) or name.lower().endswith(
            ("_proxy", "_ca_bundle")
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", os.devnull)


def expect_failures(driver: GatewayDriver, *requests: Request) -> list[GatewayError]:
    """Give the failures that sending ends with: none shows anything secret in all its chain."""
    errors = [outcome for outcome in driver.send_all(requests) if isinstance(outcome, GatewayError)]
    assert len(errors) == len(requests)
    for error in errors:
        text = "".join(traceback.format_exception(error)) + " ".join(map(repr, _chain(error)))
        assert not [secret for secret in SECRETS if secret in text]
    return errors


def expect_failure(driver: GatewayDriver, request: Request) -> GatewayError:
    """Give the failure that sending one request ends with."""
    (error,) = expect_failures(driver, request)
    return error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def named_cases(**cases: object) -> list[object]:
    """Give the cases of a parametrized test, each under its name."""
    return [pytest.param(case, id=name.replace("_", " ")) for name, case in cases.items()]
