"""What goes out: every request as the core prepared it, once, to the base URL and nowhere else."""

import pytest

from reservation_core.rest.errors import NotSent
from reservation_core.testing.contract.gateway.drivers import DriverFactory
from reservation_core.testing.contract.gateway.support import (
    CREDENTIALS,
    PATH,
    fetch_request,
    update_request,
)
from reservation_core.testing.contract.loopback import LoopbackServer


class SendingTests:
    """Encoding, headers and authentication."""

    def test_post_is_sent_as_prepared(self, open_driver: DriverFactory) -> None:
        """A POST arrives with its path, its headers as given, our credentials once, and the body byte for byte."""
        request = update_request(
            [
                ("Instruction", "conference"),
                ("To", "client:\u00e9 ~*"),
                ("Empty", ""),
                ("Event", "a"),
                ("Event", "b"),
            ],
            '"7"',
        )
        with LoopbackServer() as server, open_driver(base_url=f"{server.origin}/prefix/") as driver:
            driver.send(request)
        (received,) = server.requests
        assert received.line == f"POST /prefix{PATH} HTTP/1.1"
        assert (
            received.body
            == request.body
            == b"Instruction=conference&To=client%3A%C3%A9+~%2A&Empty=&Event=a&Event=b"
        )
        expected = {
            "Authorization": CREDENTIALS.authorization,
            "If-Match": '"7"',
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
            "Content-Length": str(len(request.body)),
            "Host": server.origin.removeprefix("http://"),
        }
        assert {name: received.all(name) for name in expected} == {
            name: [value] for name, value in expected.items()
        }
        assert len(received.all("User-Agent")) == 1
        assert (
            received.all("Transfer-Encoding")
            == received.all("Expect")
            == received.all("Cookie")
            == []
        )

    @pytest.mark.parametrize("tag", ["7", '"7"', 'W/"7"'])
    def test_if_match_is_sent_unchanged(self, open_driver: DriverFactory, tag: str) -> None:
        """An entity tag is neither quoted nor changed."""
        with LoopbackServer() as server, open_driver(base_url=server.origin) as driver:
            driver.send(update_request(if_match=tag))
        assert server.requests[0].all("If-Match") == [tag]

    def test_empty_post_has_zero_content_length(self, open_driver: DriverFactory) -> None:
        """A POST without parameters has a Content-Length of 0, as the official client sends it."""
        with LoopbackServer() as server, open_driver(base_url=server.origin) as driver:
            driver.send(update_request([]))
        assert server.requests[0].all("Content-Length") == ["0"]
        assert server.requests[0].body == b""

    def test_get_is_sent_without_body(self, open_driver: DriverFactory) -> None:
        """A GET keeps its query as it is and has no body, no length and no content type."""
        path = f"{PATH}?ReservationStatus=pending&PageSize=50&PageToken=a%2Fb+c"
        with LoopbackServer() as server, open_driver(base_url=server.origin) as driver:
            driver.send(fetch_request(path))
        (received,) = server.requests
        assert received.line == f"GET {path} HTTP/1.1"
        assert received.body == b""
        assert [
            received.all(name) for name in ("Content-Length", "Content-Type", "Transfer-Encoding")
        ] == [[], [], []]
        assert received.all("Authorization") == [CREDENTIALS.authorization]

    @pytest.mark.parametrize("path", ["@elsewhere.example/", ".elsewhere.example/", "", "v1"])
    def test_path_without_leading_slash_is_refused(
        self, open_driver: DriverFactory, path: str
    ) -> None:
        """A path without its leading slash is refused before any connection is made."""
        with (
            LoopbackServer() as server,
            open_driver(base_url=server.origin) as driver,
            pytest.raises((ValueError, NotSent)),
        ):
            driver.send(fetch_request(path))
        assert server.connections == 0

    def test_path_with_two_slashes_stays_on_the_host(self, open_driver: DriverFactory) -> None:
        """A path that looks like another host is a path."""
        with LoopbackServer() as server, open_driver(base_url=server.origin) as driver:
            driver.send(fetch_request("//elsewhere.example/v1"))
        assert server.requests[0].line.endswith("/elsewhere.example/v1 HTTP/1.1")
