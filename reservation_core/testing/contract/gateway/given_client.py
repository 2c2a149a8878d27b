"""Tests of a gateway on an HTTP client that it is given."""

from collections.abc import Callable
from typing import Protocol, Unpack

import pytest

from reservation_core.gateways.settings import GatewayOptions
from reservation_core.rest.messages import Reply
from reservation_core.testing.contract.gateway import checks
from reservation_core.testing.contract.gateway.drivers import GatewayDriver
from reservation_core.testing.contract.gateway.support import (
    CREDENTIALS,
    named_cases,
    update_request,
)


class GivenDriverFactory(Protocol):
    """Opens a gateway on an HTTP client, and returns a driver."""

    def __call__(
        self, respond: Callable[[], object], **options: Unpack[GatewayOptions]
    ) -> GatewayDriver:
        """Open a gateway.

        :param respond: called by the HTTP client for each request. The client returns or raises
            what this function does.
        """
        ...


class ResponseMaker(Protocol):
    """Makes a response of the HTTP client's library."""

    def __call__(self, status: int, text: str) -> object:
        """Make a response."""
        ...


class _ForeignError(Exception):
    """Stands for the error of an unknown library."""


class _BrokenResponse:
    status_code = 200
    text = "{}"

    @property
    def headers(self) -> object:
        raise _ForeignError(CREDENTIALS.password)


def _error_that_is_its_own_cause() -> Exception:
    """Return an error as ``raise error from error`` leaves it."""
    error = _ForeignError()
    error.__cause__ = error
    return error


_ERRORS = named_cases(
    of_a_library=_ForeignError(f"https://{CREDENTIALS.username}:{CREDENTIALS.password}@proxy"),
    of_python=AttributeError("'NoneType' object has no attribute 'items'"),
    of_the_system=OSError(5, "Input/output error"),
    of_a_lookup=KeyError(CREDENTIALS.authorization),
    of_its_own_cause=_error_that_is_its_own_cause(),
)

_UNUSABLE = named_cases(
    nothing=None, text="{}", a_pair=(200, "{}"), an_object=object(), a_broken_one=_BrokenResponse()
)


class GivenClientTests:
    """Promises about whatever the HTTP client returns or raises."""

    @pytest.mark.parametrize("status", [200, 201, 400, 404, 503])
    def test_response_with_the_defaults_of_its_class_is_a_reply(
        self, open_given: GivenDriverFactory, make_response: ResponseMaker, status: int
    ) -> None:
        """A response that sets nothing but status and text is a reply."""
        with open_given(lambda: make_response(status, '{"n": "é"}')) as driver:
            reply = driver.send(update_request())
        assert (reply.status, reply.body) == (status, '{"n": "é"}'.encode()), (
            "return a reply, with or without headers"
        )

    @pytest.mark.parametrize("error", _ERRORS)
    def test_any_error_is_outcome_unknown(
        self, open_given: GivenDriverFactory, error: Exception
    ) -> None:
        """Any error of the client is GatewayError. It shows no secret of the client's error."""

        def fail() -> object:
            raise error

        with open_given(fail) as driver:
            checks.expect_outcome_unknown(driver, update_request())

    @pytest.mark.parametrize("response", _UNUSABLE)
    def test_unusable_response_is_outcome_unknown(
        self, open_given: GivenDriverFactory, response: object
    ) -> None:
        """An object that is not a response is GatewayError: the platform may have acted."""
        with open_given(lambda: response) as driver:
            checks.expect_outcome_unknown(driver, update_request())

    def test_failed_exchange_frees_its_connection(
        self, open_given: GivenDriverFactory, make_response: ResponseMaker
    ) -> None:
        """The next request gets the connection of one that failed."""
        responses = [object(), make_response(200, "next")]
        with open_given(lambda: responses.pop(0), max_connections=1, connect_timeout=0.1) as driver:
            checks.expect_outcome_unknown(driver, update_request())
            checks.check_still_works(driver)

    def test_response_beyond_the_limit_is_refused(
        self, open_given: GivenDriverFactory, make_response: ResponseMaker
    ) -> None:
        """A text beyond max_reply_bytes is refused, measured in UTF-8."""
        with open_given(lambda: make_response(200, "é" * 5), max_reply_bytes=10) as driver:
            (result,) = driver.send_all([update_request()])
            assert isinstance(result, Reply), "return a reply of exactly max_reply_bytes"
        with open_given(lambda: make_response(200, "é" * 5), max_reply_bytes=9) as driver:
            checks.expect_outcome_unknown(driver, update_request())
