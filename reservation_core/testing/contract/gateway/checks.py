"""Checks that the tests of the contract share. Each failure says what to do."""

import traceback
from collections.abc import Iterator

from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.rest.messages import Request
from reservation_core.testing.contract.gateway.drivers import GatewayDriver
from reservation_core.testing.contract.gateway.support import SECRETS, update_request
from reservation_core.testing.contract.loopback import ReceivedRequest


def only_request(driver: GatewayDriver) -> ReceivedRequest:
    """Check that the server received one request, and return it."""
    requests = driver.server.requests
    assert len(requests) == 1, "send the request exactly once"
    return requests[0]


def expect_failures(driver: GatewayDriver, *requests: Request) -> list[GatewayError]:
    """Send requests that must fail without showing a secret.

    The check covers each error with its whole chain of causes.
    """
    results = driver.send_all(requests)
    errors = [result for result in results if isinstance(result, GatewayError)]
    assert len(errors) == len(requests), "raise GatewayError or NotSent: no complete reply arrived"
    for error in errors:
        chain = " ".join(map(repr, _chain(error)))
        check_no_secret("".join(traceback.format_exception(error)) + chain)
    return errors


def expect_failure(driver: GatewayDriver, request: Request) -> GatewayError:
    """Send a request that must fail without showing a secret. Return the error."""
    (error,) = expect_failures(driver, request)
    return error


def expect_not_sent(driver: GatewayDriver, request: Request) -> NotSent:
    """Send a request that must fail with NotSent. Return the error."""
    error = expect_failure(driver, request)
    assert isinstance(error, NotSent), "raise NotSent: the request was certainly not sent"
    return error


def expect_outcome_unknown(driver: GatewayDriver, request: Request) -> GatewayError:
    """Send a request that must fail with an unknown outcome."""
    error = expect_failure(driver, request)
    check_outcome_unknown(error)
    return error


def check_outcome_unknown(error: object) -> None:
    """Check that an error means an unknown outcome."""
    assert isinstance(error, GatewayError), "raise GatewayError"
    assert not isinstance(error, NotSent), "raise GatewayError: the request may have been sent"


def check_still_works(driver: GatewayDriver, expected: bytes = b"next") -> None:
    """Check that the next request gets its own reply."""
    body = driver.send(update_request()).body
    assert body == expected, "drop a connection that may hold bytes of an earlier exchange"


def check_no_secret(text: str) -> None:
    """Check that a text shows no secret and no phone number."""
    shown = [secret for secret in SECRETS if secret in text]
    assert not shown, "show no secret: log no request, chain no error that holds it"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
