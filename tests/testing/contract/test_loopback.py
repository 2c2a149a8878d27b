"""Tests of the loopback server."""

import socket
import time

import pytest

from reservation_core.testing.contract.loopback import (
    LoopbackServer,
    echo_response,
    endless_response,
)


@pytest.fixture
def server() -> LoopbackServer:
    return LoopbackServer(echo_response(), max_connections=1)


def connect(server: LoopbackServer) -> socket.socket:
    """Connect to the server."""
    sock = socket.create_connection(("127.0.0.1", int(server.origin.rpartition(":")[2])), 5)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def test_request_may_arrive_in_pieces(server: LoopbackServer) -> None:
    with server, connect(server) as sock:
        for piece in (b"POST / HT", b"TP/1.1\r\nContent-", b"Length: 4\r\n\r\n", b"ab", b"cd"):
            sock.sendall(piece)
            time.sleep(0.02)
        assert sock.recv(999).endswith(b"\r\n\r\nabcd")


def test_requests_may_arrive_together(server: LoopbackServer) -> None:
    with server, connect(server) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\na" * 2)
        while len(server.requests) < 2:
            assert sock.recv(999)


@pytest.mark.parametrize("sent", [b"POST / HTTP/1.1\r\n", b"x" * 2_000_000])
def test_incomplete_request_is_not_recorded(server: LoopbackServer, sent: bytes) -> None:
    with server, connect(server) as sock:
        try:
            sock.sendall(sent)
            sock.shutdown(socket.SHUT_WR)
            assert sock.recv(999) == b""
        except ConnectionError:
            pass
    assert server.requests == []


def test_connection_beyond_the_limit_is_closed(server: LoopbackServer) -> None:
    with server, connect(server) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\na")
        assert sock.recv(999)
        with connect(server) as another:
            assert another.recv(999) == b""
    assert server.connections == 2


def test_server_stops_with_a_connection_open(server: LoopbackServer) -> None:
    started = time.monotonic()
    with connect(server) as sock:
        with server:
            sock.sendall(b"POST / HTTP/1.1\r\n")
            time.sleep(0.05)
        assert time.monotonic() - started < 2


def test_endless_response_has_a_limit() -> None:
    received = 0
    with LoopbackServer(endless_response(mebibytes=2)) as server, connect(server) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        while piece := sock.recv(65_536):
            received += len(piece)
    assert received // 2**20 == 2
