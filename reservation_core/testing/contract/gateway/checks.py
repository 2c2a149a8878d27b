"""Checks that the tests of the contract share. Each failure says what to do."""

import traceback
from collections.abc import Iterator

from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.rest.messages import Reply, Request
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
    assert len(errors) == len(requests), (
        "no complete reply arrived: raise GatewayError, or NotSent if nothing was written."
        f" The gateway returned {sum(isinstance(result, Reply) for result in results)} replies"
    )
    for error in errors:
        chain = " ".join(map(repr, _chain(error)))
        check_no_secret("".join(traceback.format_exception(error)) + chain)
    return errors


def expect_failure(driver: GatewayDriver, request: Request) -> GatewayError:
    """Send a request that must fail without showing a secret. Return the error."""
    (error,) = expect_failures(driver, request)
    return error


def expect_not_sent(driver: GatewayDriver, request: Request, why: str) -> NotSent:
    """Send a request that must fail with NotSent. Return the error.

    :param why: the reason why the request is certainly not sent, for the message.
    """
    error = expect_failure(driver, request)
    assert isinstance(error, NotSent), (
        f"{why}, so nothing was written: raise NotSent, not {_shown(error)}"
    )
    return error


def expect_closed(driver: GatewayDriver) -> None:
    """Send a request through a closed gateway, which must refuse it."""
    check_word(expect_not_sent(driver, update_request(), "the gateway is closed"), "closed")


def expect_outcome_unknown(driver: GatewayDriver, request: Request) -> GatewayError:
    """Send a request that must fail with an unknown outcome."""
    error = expect_failure(driver, request)
    check_outcome_unknown(error)
    return error


def check_outcome_unknown(error: object) -> None:
    """Check that an error means an unknown outcome."""
    assert isinstance(error, GatewayError), (
        f"no complete reply arrived: raise GatewayError, do not return {_shown(error)}"
    )
    assert not isinstance(error, NotSent), (
        f"the request was already written: raise GatewayError, not {_shown(error)}"
    )


def check_word(error: GatewayError, word: str) -> None:
    """Check that an error's reason names its cause, in any case."""
    assert word in error.reason.lower(), (
        f"name the cause: the word {word!r} must stand in the reason of {_shown(error)}"
    )


def check_still_works(driver: GatewayDriver, expected: bytes = b"next") -> None:
    """Check that the next request gets its own reply."""
    body = driver.send(update_request()).body
    assert body == expected, "drop a connection that may hold bytes of an earlier exchange"


def check_no_secret(text: str) -> None:
    """Check that a text shows no secret and no phone number."""
    shown = [secret for secret in SECRETS if secret in text]
    assert not shown, "show no secret: log no request, chain no error that holds it"


def _shown(result: object) -> str:
    """Show the result of an exchange. An error's text was checked for secrets before."""
    if isinstance(result, GatewayError):
        return f"{type(result).__name__}({result.reason!r})"
    return f"a {type(result).__name__}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()  # an error may be its own cause
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
