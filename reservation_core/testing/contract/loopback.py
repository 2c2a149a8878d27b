"""Scripted server on 127.0.0.1, for tests of HTTP clients.

::

    with LoopbackServer(json_response(), no_response()) as server:
        ...  # send requests to server.origin
    assert len(server.requests) == 2

Each request takes the next responder of the script. The last responder repeats. A responder is a
function of the connection: it may read the request, write any bytes, and returns true to keep the
connection open.

Bounds: 256 connections at a time (``max_connections``), 1 MiB per request, 5 seconds per wait.
"""

import contextlib
import functools
import gzip
import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Generator, Iterable
from typing import Final, Self, TypeAlias

import attrs

MAX_WAIT: Final = 5.0
"""Seconds that a single wait lasts at most."""

MEBIBYTE: Final = 1_048_576

_JSON: Final = ("Content-Type", "application/json")
_CHUNKED: Final = ("Transfer-Encoding", "chunked")

HeaderPairs: TypeAlias = Iterable[tuple[str, str]]


@attrs.frozen
class ReceivedRequest:
    """One request as it was received, byte for byte."""

    head: bytes
    body: bytes

    @property
    def line(self) -> str:
        """The request line."""
        return self.head.decode("latin-1").partition("\r\n")[0]

    def all(self, name: str) -> list[str]:
        """Return every value of a header, in order. The list is empty if there is none."""
        lines = (line.partition(": ") for line in self.head.decode("latin-1").split("\r\n")[1:])
        return [value for key, _, value in lines if key.lower() == name.lower()]


@attrs.define(eq=False)
class Connection:
    """One accepted connection, which a responder reads from and writes to."""

    _sock: socket.socket
    _requests: list[ReceivedRequest]
    _stopped: threading.Event
    _unread: bytes = attrs.field(default=b"", init=False)

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Do the server's part of a TLS handshake."""
        self._sock = context.wrap_socket(self._sock, server_side=True)

    def has_request(self) -> bool:
        """Wait for another request. Return false if the client or the server ends instead."""
        if not self._unread and not self._stopped.is_set():
            self._unread = self._sock.recv(65536)
        return bool(self._unread)

    def receive(self) -> ReceivedRequest:
        """Read and record one complete request."""
        while b"\r\n\r\n" not in self._unread:
            self._read_more()
        head, _, rest = self._unread.partition(b"\r\n\r\n")
        lengths = ReceivedRequest(head, b"").all("content-length")
        length = int(lengths[0]) if lengths else 0
        while len(rest) < length:
            self._unread = b""
            self._read_more()
            rest += self._unread
        request, self._unread = ReceivedRequest(head, rest[:length]), rest[length:]
        self._requests.append(request)
        return request

    def _read_more(self) -> None:
        more = self._sock.recv(65536)
        if not more or len(self._unread) > MEBIBYTE:
            raise ConnectionError("the request is incomplete or too long")
        self._unread += more

    def write(self, raw: bytes) -> None:
        """Send bytes as they are."""
        self._sock.sendall(raw)

    @contextlib.contextmanager
    def corked(self) -> Generator[None]:
        """Send what is written in as few packets as possible."""
        option: int | None = getattr(socket, "TCP_CORK", None)  # Linux
        if option is not None:
            self._sock.setsockopt(socket.IPPROTO_TCP, option, 1)
        yield
        if option is not None:
            self._sock.setsockopt(socket.IPPROTO_TCP, option, 0)

    def pause(self, seconds: float) -> None:
        """Wait, but not after the server is stopped."""
        self._stopped.wait(min(seconds, MAX_WAIT))

    def reset(self) -> None:
        """Close the connection with a TCP reset."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def close(self) -> None:
        """Close the connection."""
        self._sock.close()

    def shut_down(self) -> None:
        """End every read and write, also of another thread."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)


Responder: TypeAlias = Callable[[Connection], bool]


class LoopbackServer:
    """A scripted server on 127.0.0.1, running while its ``with`` block lasts.

    :param script: responders in order. The default is one :func:`json_response`.
    :param tls: the server's certificate. Without it, the server speaks plain http.
    :param max_connections: further connections are closed at once.

    ``origin`` is the URL to send to, ``requests`` the requests received, and ``connections`` the
    number of connections accepted.
    """

    def __init__(
        self, *script: Responder, tls: ssl.SSLContext | None = None, max_connections: int = 256
    ) -> None:
        self.requests: list[ReceivedRequest] = []
        self.connections: int = 0
        self._script = list(script) or [json_response()]
        self._tls = tls
        self._max_connections = max_connections
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._open: set[Connection] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._process = os.getpid()
        port: int = self._listener.getsockname()[1]
        self.origin: Final = f"{'https' if tls else 'http'}://127.0.0.1:{port}"

    @property
    def open_connections(self) -> int:
        """The number of connections that are open now."""
        with self._lock:
            return len(self._open)

    def __enter__(self) -> Self:
        self._start_thread(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        if self._process != os.getpid():
            return  # a forked child would shut down its parent's sockets
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        with self._lock:
            for connection in self._open:
                connection.shut_down()
        for thread in self._threads:
            thread.join(MAX_WAIT)
        self._listener.close()

    def _start_thread(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener is shut down at the end
            while True:
                sock, _ = self._listener.accept()
                sock.settimeout(MAX_WAIT)
                connection = Connection(sock, self.requests, self._stopped)
                with self._lock:
                    self.connections += 1
                    is_full = len(self._open) >= self._max_connections
                    if not is_full:
                        self._open.add(connection)
                if is_full:
                    connection.close()
                else:
                    self._start_thread(functools.partial(self._serve, connection))

    def _serve(self, connection: Connection) -> None:
        with contextlib.suppress(OSError):  # clients disconnect at any time
            if self._tls:
                connection.start_tls(self._tls)
            while connection.has_request() and self._next_responder()(connection):
                pass
        connection.close()
        with self._lock:
            self._open.discard(connection)

    def _next_responder(self) -> Responder:
        with self._lock:
            return self._script.pop(0) if len(self._script) > 1 else self._script[0]


def response_head(status: str = "200 OK", headers: HeaderPairs = ()) -> bytes:
    """Return the head of a reply, with the empty line after it."""
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def raw_response(*parts: bytes, keep: bool = False, pause: float = 0.0) -> Responder:
    """Respond with bytes as they are.

    :param parts: written one by one.
    :param keep: keep the connection open afterwards.
    :param pause: seconds to wait before each part.
    """

    def respond(connection: Connection) -> bool:
        connection.receive()
        for part in parts:
            connection.pause(pause)
            connection.write(part)
        return keep

    return respond


def corked_response(*parts: bytes) -> Responder:
    """Respond with parts that TLS encrypts one by one, in one packet. Keep the connection."""

    def respond(connection: Connection) -> bool:
        connection.receive()
        with connection.corked():
            for part in parts:
                connection.write(part)
        return True

    return respond


def json_response(
    body: bytes = b"{}", status: str = "200 OK", headers: HeaderPairs = (), pause: float = 0.0
) -> Responder:
    """Respond with JSON, after a pause in seconds. Keep the connection."""
    return raw_response(
        response_head(status, [_JSON, *headers, ("Content-Length", str(len(body)))]) + body,
        keep=True,
        pause=pause,
    )


def chunked_response(pieces: Iterable[bytes]) -> Responder:
    """Respond in chunks. Keep the connection."""
    frames = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]
    return raw_response(response_head(headers=[_JSON, _CHUNKED]), *frames, b"0\r\n\r\n", keep=True)


def endless_response(mebibytes: int = 1000) -> Responder:
    """Respond in chunks of 1 MiB, up to ``mebibytes`` of them."""

    def respond(connection: Connection) -> bool:
        connection.receive()
        connection.write(response_head(headers=[_CHUNKED]))
        chunk = b"%x\r\n%s\r\n" % (MEBIBYTE, b"x" * MEBIBYTE)
        for _ in range(mebibytes):
            connection.write(chunk)
        return False

    return respond


def echo_response() -> Responder:
    """Respond with the body of the request."""

    def respond(connection: Connection) -> bool:
        body = connection.receive().body
        connection.write(response_head(headers=[("Content-Length", str(len(body)))]) + body)
        return True

    return respond


def gzip_response(body: bytes) -> Responder:
    """Respond with a body compressed by gzip."""
    return json_response(gzip.compress(body), headers=[("Content-Encoding", "gzip")])


def no_response() -> Responder:
    """Read the request, and send no response until the server stops."""
    return raw_response(b"", pause=MAX_WAIT)


def unsolicited_response(data: bytes) -> Responder:
    """Write bytes without reading the request, and close the connection."""

    def respond(connection: Connection) -> bool:
        connection.write(data)
        return False

    return respond


def reset_connection(*, after: bytes | None = None) -> Responder:
    """Reset the connection.

    :param after: bytes to write before, once the request is read. Without them, the request is left
        unread.
    """

    def respond(connection: Connection) -> bool:
        if after is not None:
            connection.receive()
            connection.write(after)
        connection.reset()
        return False

    return respond


@contextlib.contextmanager
def closed_port() -> Generator[str]:
    """Yield the origin of a port without a listener. It is bound, so that no process takes it."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"


@contextlib.contextmanager
def unresponsive_port() -> Generator[str]:
    """Yield the origin of a port whose queue of connections is full.

    Only Linux leaves such connections unanswered.
    """
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = sockets.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
