"""Tests of what a gateway sends."""

import pytest

from reservation_core.rest.errors import NotSent
from reservation_core.testing.contract.gateway import checks
from reservation_core.testing.contract.gateway.drivers import DriverFactory
from reservation_core.testing.contract.gateway.support import (
    CREDENTIALS,
    PATH,
    fetch_request,
    serving,
    update_request,
)
from reservation_core.testing.contract.loopback import LoopbackServer


class SendingTests:
    """Encoding, headers and authentication of a request."""

    def test_post_is_sent_as_prepared(self, open_driver: DriverFactory) -> None:
        """A POST has its path, headers, credentials and body, byte for byte."""
        form = [("Instruction", "conference"), ("To", "client:\u00e9 ~*"), ("Empty", "")]
        request = update_request([*form, ("Event", "a"), ("Event", "b")], '"7"')
        with (
            LoopbackServer() as server,
            open_driver(base_url=f"{server.origin}/prefix/") as driver,
        ):
            driver.send(request)
        (received,) = server.requests
        assert received.line == f"POST /prefix{PATH} HTTP/1.1", "send the path after the base URL"
        expected = b"Instruction=conference&To=client%3A%C3%A9+~%2A&Empty=&Event=a&Event=b"
        assert received.body == request.body == expected, "send request.body unchanged"
        headers = {
            "Authorization": CREDENTIALS.authorization,
            "If-Match": '"7"',
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
            "Content-Length": str(len(request.body)),
            "Host": server.origin.removeprefix("http://"),
        }
        for name, value in headers.items():
            assert received.all(name) == [value], f"send the header {name} once, unchanged"
        assert len(received.all("User-Agent")) == 1, "send one User-Agent"
        for name in ("Transfer-Encoding", "Expect", "Cookie"):
            assert received.all(name) == [], f"do not send the header {name}"

    @pytest.mark.parametrize("tag", ["7", '"7"', 'W/"7"'])
    def test_if_match_is_sent_unchanged(self, open_driver: DriverFactory, tag: str) -> None:
        """An entity tag is neither quoted nor changed."""
        with serving(open_driver) as driver:
            driver.send(update_request(if_match=tag))
        assert checks.only_request(driver).all("If-Match") == [tag], "send If-Match unchanged"

    def test_empty_post_has_zero_content_length(self, open_driver: DriverFactory) -> None:
        """A POST without parameters has a Content-Length of 0.

        The official client sends it so.
        """
        with serving(open_driver) as driver:
            driver.send(update_request([]))
        received = checks.only_request(driver)
        assert received.all("Content-Length") == ["0"], "send Content-Length: 0 with an empty POST"
        assert received.body == b"", "send no body with an empty form"

    def test_get_is_sent_without_body(self, open_driver: DriverFactory) -> None:
        """A GET keeps its query and has no body, length or type."""
        path = f"{PATH}?ReservationStatus=pending&PageSize=50&PageToken=a%2Fb+c"
        with serving(open_driver) as driver:
            driver.send(fetch_request(path))
        received = checks.only_request(driver)
        assert received.line == f"GET {path} HTTP/1.1", "send the query unchanged"
        assert received.body == b"", "send no body with a GET"
        for name in ("Content-Length", "Content-Type", "Transfer-Encoding"):
            assert received.all(name) == [], f"do not send the header {name} with a GET"
        assert received.all("Authorization") == [CREDENTIALS.authorization], (
            "send the credentials by basic authentication"
        )

    @pytest.mark.parametrize("path", ["@elsewhere.example/", ".elsewhere.example/", "", "v1"])
    def test_path_without_leading_slash_is_refused(
        self, open_driver: DriverFactory, path: str
    ) -> None:
        """A path without a leading slash could change the host: it is refused."""
        with serving(open_driver) as driver, pytest.raises((ValueError, NotSent)):
            driver.send(fetch_request(path))
        assert driver.server.connections == 0, "check the path before connecting"

    def test_path_with_two_slashes_stays_on_the_host(self, open_driver: DriverFactory) -> None:
        """A path that looks like another host is still a path."""
        with serving(open_driver) as driver:
            driver.send(fetch_request("//elsewhere.example/v1"))
        line = checks.only_request(driver).line
        assert line.endswith("/elsewhere.example/v1 HTTP/1.1"), "send the path unchanged"
