"""The loopback server reads what clients send as HTTP has it, and keeps its bounds."""

import socket
import time

import pytest

from reservation_core.testing.contract.loopback import LoopbackServer, echo_response


@pytest.fixture
def server() -> LoopbackServer:
    """Give a server that answers with the body it was sent."""
    return LoopbackServer(echo_response(), max_connections=1)


def dial(server: LoopbackServer) -> socket.socket:
    """Connect to the server."""
    sock = socket.create_connection(("127.0.0.1", int(server.origin.rpartition(":")[2])), 5)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def test_a_request_may_come_in_pieces(server: LoopbackServer) -> None:
    """A request is put together, however it is cut."""
    with server, dial(server) as sock:
        for piece in (b"POST / HT", b"TP/1.1\r\nContent-", b"Length: 4\r\n\r\n", b"ab", b"cd"):
            sock.sendall(piece)
            time.sleep(0.02)
        assert sock.recv(999).endswith(b"\r\n\r\nabcd")


def test_requests_may_come_together(server: LoopbackServer) -> None:
    """What comes with a request is the beginning of the next one."""
    with server, dial(server) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\na" * 2)
        while len(server.requests) < 2:
            assert sock.recv(999)


@pytest.mark.parametrize("said", [b"POST / HTTP/1.1\r\n", b"x" * 2_000_000])
def test_half_a_request_is_none(server: LoopbackServer, said: bytes) -> None:
    """A request that ends early, or never, is not put on record."""
    with server, dial(server) as sock:
        try:
            sock.sendall(said)
            sock.shutdown(socket.SHUT_WR)
            assert sock.recv(999) == b""
        except ConnectionError:
            pass
    assert server.requests == []


def test_one_connection_too_many_is_closed(server: LoopbackServer) -> None:
    """Beyond its bound, the server closes a connection as soon as it comes."""
    with server, dial(server) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\na")
        assert sock.recv(999)
        with dial(server) as another:
            assert another.recv(999) == b""
    assert server.connections == 2
