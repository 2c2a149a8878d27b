"""Tests of bytes that the server sends unasked."""

import contextlib
import functools
import threading
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import pytest

from reservation_core.rest.messages import Reply
from reservation_core.testing.contract import loopback
from reservation_core.testing.contract.gateway import checks
from reservation_core.testing.contract.gateway.drivers import (
    DriverFactory,
    GatewayDriver,
    SendResult,
)
from reservation_core.testing.contract.gateway.support import (
    named_cases,
    server_tls,
    serving,
    update_request,
)
from reservation_core.testing.contract.loopback import (
    Connection,
    Responder,
    json_response,
    raw_response,
    response_head,
)

if TYPE_CHECKING:
    import trustme

_REST: Final = 0.03  # seconds for which a connection is at rest
_PAUSE: Final = 0.02  # seconds from a reply to the bytes behind it


def _reply(body: bytes, status: str = "200 OK") -> bytes:
    return response_head(status, [("Content-Length", str(len(body)))]) + body


_OWN: Final = _reply(b"own")
_STRAY: Final = _reply(b"stray")

_UNASKED: Final[dict[str, bytes]] = {
    "a second reply": _STRAY,
    "two more replies": _STRAY * 2,
    "a 429": response_head("429 Too Many", [("Content-Length", "5"), ("Retry-After", "0")])
    + b"stray",
    "a 408 that ends the connection": response_head(
        "408 Timeout", [("Content-Length", "0"), ("Connection", "close")]
    ),
    "an interim reply": response_head("100 Continue"),
    "early hints": response_head("103 Early Hints"),
    "half a reply": _STRAY[:30],
    "one byte": b"H",
    "garbage": b"\x00\xff what is this?",
    "the end of a body": b"{}",
}
"""Bytes that answer no request. Any prefix of a reply is one that a slow server has begun."""


_COMPLETE: Final = named_cases(
    by_length=_OWN,
    in_chunks=response_head(headers=[("Transfer-Encoding", "chunked")]) + b"3\r\nown\r\n0\r\n\r\n",
    without_a_body=response_head("204 No Content"),
)


class _LateResponder:
    """Responds, and writes further bytes a moment later."""

    def __init__(self) -> None:
        self._written: Final = threading.Semaphore(0)

    def respond(self, unasked: bytes) -> Responder:
        def respond(connection: Connection) -> bool:
            connection.receive()
            connection.write(_OWN)
            connection.pause(_PAUSE)
            connection.write(unasked)
            self._written.release()
            return True

        return respond

    def wait(self, driver: GatewayDriver, count: int = 1, *, in_loop: bool = True) -> None:
        """Wait until the bytes of so many connections are written.

        :param in_loop: run the event loop of the gateway meanwhile.
        """
        for _ in range(count):
            self._written.acquire(timeout=loopback.MAX_WAIT)
        if in_loop:
            driver.idle(_REST)
        else:
            time.sleep(_REST)


def _at_once(responders: Iterable[Responder]) -> list[Responder]:
    """Let each responder wait until all have a request."""
    given = list(responders)
    barrier = threading.Barrier(len(given))

    def wait_for_all(responder: Responder, connection: Connection) -> bool:
        with contextlib.suppress(threading.BrokenBarrierError):
            barrier.wait(loopback.MAX_WAIT)
        return responder(connection)

    return [functools.partial(wait_for_all, responder) for responder in given]


def check_bytes_at_rest(open_driver: DriverFactory) -> int:
    """Check that bytes at rest answer no request.

    :return: the number of connections that were used again.
    """
    late = _LateResponder()
    script = _at_once(map(late.respond, _UNASKED.values()))
    echoes = _at_once([loopback.echo_response()] * len(script))
    requests = [update_request([("Number", str(number))]) for number, _ in enumerate(script)]
    with serving(open_driver, *script, *echoes) as driver:
        own = _bodies(driver.send_all(requests))
        assert own == [b"own"] * len(script), "return the exchange's own reply"
        late.wait(driver, len(script))
        following = _bodies(driver.send_all(requests))
    assert following == [request.body for request in requests], (
        "take bytes that arrived on an idle connection for no reply"
    )
    return 2 * len(script) - driver.server.connections


class UnaskedTests:
    """Bytes that answer no request are no reply."""

    def test_bytes_at_rest_are_not_taken_for_a_reply(self, open_driver: DriverFactory) -> None:
        """Bytes that arrive between two exchanges are not a reply."""
        check_bytes_at_rest(open_driver)

    def test_bytes_at_rest_do_not_shift_the_replies(self, open_driver: DriverFactory) -> None:
        """Each request gets its own reply, whatever arrives in between."""
        late = _LateResponder()
        responders = [late.respond(_STRAY), json_response(b"next")]
        with serving(open_driver, *responders * 2) as driver:
            for in_loop in (False, True):
                assert driver.send(update_request()).body == b"own", "return each one's own reply"
                late.wait(driver, in_loop=in_loop)
                checks.check_still_works(driver)

    @pytest.mark.parametrize("complete", _COMPLETE)
    def test_bytes_behind_a_reply_are_not_taken_for_the_next(
        self, open_driver: DriverFactory, complete: bytes
    ) -> None:
        """Bytes in the same packet as a reply answer no other request."""
        script = _at_once(
            raw_response(complete + unasked, keep=True) for unasked in _UNASKED.values()
        )
        echoes = _at_once([loopback.echo_response()] * len(script))
        requests = [update_request([("Number", str(number))]) for number, _ in enumerate(script)]
        with serving(open_driver, *script, *echoes) as driver:
            own = set(_bodies(driver.send_all(requests)))
            following = _bodies(driver.send_all(requests))
        assert own <= {b"own", b""}, "return the exchange's own reply, or raise GatewayError"
        assert following == [request.body for request in requests], (
            "take bytes behind a reply for no reply"
        )

    def test_reply_before_the_request_is_read_keeps_replies_apart(
        self, open_driver: DriverFactory
    ) -> None:
        """A reply to a request that is still unread answers no other."""

        def respond_early(connection: Connection) -> bool:
            connection.write(_reply(b"own", "413 Too Long"))
            connection.pause(_PAUSE)
            connection.receive()
            return True

        long = update_request([("Number", "5" * 500_000)])
        with serving(open_driver, respond_early, json_response(b"next")) as driver:
            own = _bodies(driver.send_all([long]))
            assert own in ([b"own"], []), "return the reply that came early, or raise GatewayError"
            checks.check_still_works(driver)

    @pytest.mark.usefixtures("trusted")
    def test_tls_bytes_beyond_a_reply_are_not_taken_for_the_next(
        self, open_driver: DriverFactory, authority: "trustme.CA"
    ) -> None:
        """Encrypted bytes behind a reply, or at rest, answer no other request."""
        late = _LateResponder()
        behind = [
            raw_response(_OWN + _STRAY, keep=True),
            loopback.corked_response(_OWN, _STRAY),
            late.respond(_STRAY),
        ]
        script = [each for responder in behind for each in (responder, json_response(b"next"))]
        with serving(open_driver, *script, tls=server_tls(authority, "127.0.0.1")) as driver:
            for is_late in (False, False, True):
                assert _bodies(driver.send_all([update_request()])) in ([b"own"], []), (
                    "return the exchange's own reply, or raise GatewayError"
                )
                if is_late:
                    late.wait(driver)
                checks.check_still_works(driver)


class DroppedConnectionTests:
    """Promises about connections that a gateway has to itself."""

    def test_connection_with_bytes_at_rest_is_dropped(self, open_driver: DriverFactory) -> None:
        """A connection on which bytes arrive between two exchanges is dropped."""
        assert check_bytes_at_rest(open_driver) == 0, (
            "drop a connection on which bytes arrived at rest"
        )

    def test_connection_with_bytes_behind_a_reply_is_dropped(
        self, open_driver: DriverFactory
    ) -> None:
        """A connection with bytes behind a reply, in its packet, is dropped."""
        script = _at_once(raw_response(_OWN + unasked, keep=True) for unasked in _UNASKED.values())
        following = _at_once([json_response(b"next")] * len(script))
        requests = [update_request()] * len(script)
        with serving(open_driver, *script, *following) as driver:
            driver.send_all(requests)
            assert set(_bodies(driver.send_all(requests))) == {b"next"}, "open new connections"
            assert driver.server.connections == 2 * len(script), (
                "drop a connection on which bytes arrived behind a reply"
            )


def _bodies(results: Sequence[SendResult]) -> list[bytes]:
    return [result.body for result in results if isinstance(result, Reply)]
