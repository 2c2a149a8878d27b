"""A server on 127.0.0.1 that answers with raw bytes, so that a gateway meets every answer a network can give.

The script is a sequence of answers: each request takes the next one, and the last one repeats. An answer is a function of the
connection; it reads the request, or does not, writes what it likes, and says whether the connection stays open.

Bounds: 256 connections at a time (``max_connections``), 1 MB a request, 5 seconds for any wait.
"""

import contextlib
import functools
import gzip
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Generator, Iterable
from itertools import repeat
from types import TracebackType
from typing import Final, Self

import attrs

MAX_WAIT = 5.0
"""Seconds that any single wait lasts at max_connections."""

MEBIBYTE = 1_048_576

_JSON = ("Content-Type", "application/json")

HeaderPairs = Iterable[tuple[str, str]]


@attrs.frozen
class ReceivedRequest:
    """One request as it arrived, byte for byte."""

    head: bytes
    body: bytes

    @property
    def line(self) -> str:
        """The request line."""
        return self.head.decode("latin-1").partition("\r\n")[0]

    def all(self, name: str) -> list[str]:
        """Every value of a header, in order; empty when it is absent."""
        lines = (line.partition(": ") for line in self.head.decode("latin-1").split("\r\n")[1:])
        return [value for key, _, value in lines if key.lower() == name.lower()]


class Connection:
    """One accepted connection: what an answer reads from and writes to."""

    def __init__(
        self, sock: socket.socket, received: list[ReceivedRequest], stopped: threading.Event
    ) -> None:
        self._sock = sock
        self._received = received
        self._stopped = stopped
        self._unread = b""

    def has_request(self) -> bool:
        """Whether a (further) request begins; false once the client has gone."""
        if not self._unread:
            self._unread = self._sock.recv(65536)
        return bool(self._unread)

    def receive(self) -> ReceivedRequest:
        """Read one whole request and put it on record."""
        while b"\r\n\r\n" not in self._unread:
            self._more()
        head, _, rest = self._unread.partition(b"\r\n\r\n")
        lengths = ReceivedRequest(head, b"").all("content-length")
        length = int(lengths[0]) if lengths else 0
        while len(rest) < length:
            self._unread = b""
            self._more()
            rest += self._unread
        received, self._unread = ReceivedRequest(head, rest[:length]), rest[length:]
        self._received.append(received)
        return received

    def _more(self) -> None:
        more = self._sock.recv(65536)
        if not more or len(self._unread) > MEBIBYTE:
            raise ConnectionError("the request ended early, or never")
        self._unread += more

    def write(self, raw: bytes) -> None:
        """Send bytes as they are."""
        self._sock.sendall(raw)

    def pause(self, seconds: float) -> None:
        """Wait, but no longer than the server lives."""
        self._stopped.wait(min(seconds, MAX_WAIT))

    def reset(self) -> None:
        """Break the connection with a TCP reset, not with an end."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()


Responder = Callable[[Connection], bool]


class LoopbackServer:
    """The server: ``with LoopbackServer(json_response(), no_response()) as server``; then read ``server.requests`` and ``server.connections``."""

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
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        port: int = self._listener.getsockname()[1]
        self.origin: Final = f"{'https' if tls else 'http'}://127.0.0.1:{port}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        with self._lock:
            for sock in [self._listener, *self._open]:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(MAX_WAIT)
        self._listener.close()

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener is shut down at the end
            while True:
                sock, _ = self._listener.accept()
                sock.settimeout(MAX_WAIT)
                with self._lock:
                    self.connections += 1
                    if len(self._open) >= self._max_connections or self._stopped.is_set():
                        sock.close()
                        continue
                self._start(functools.partial(self._serve, sock))

    def _serve(self, accepted: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            accepted,
            self._secured(accepted) as sock,
        ):  # clients leave as they please
            connection = Connection(sock, self.requests, self._stopped)
            while connection.has_request() and self._next()(connection):
                pass

    @contextlib.contextmanager
    def _secured(self, accepted: socket.socket) -> Generator[socket.socket]:
        sock = self._tls.wrap_socket(accepted, server_side=True) if self._tls else accepted
        with self._lock:
            if self._stopped.is_set():  # pragma: no cover - a matter of a moment
                raise ConnectionAbortedError
            self._open.add(sock)
        try:
            with sock:
                yield sock
        finally:
            with self._lock:
                self._open.discard(sock)

    def _next(self) -> Responder:
        with self._lock:
            return self._script.pop(0) if len(self._script) > 1 else self._script[0]


def response_head(status: str = "200 OK", headers: HeaderPairs = ()) -> bytes:
    """Write the bytes of a reply, up to and with the empty line."""
    return "\r\n".join(
        [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers), "", ""]
    ).encode("latin-1")


def raw_response(*parts: bytes, keep: bool = False, pause: float = 0.0) -> Responder:
    """Read the request and write the parts, with a pause before each; then keep the connection, or end it."""

    def answer(connection: Connection) -> bool:
        connection.receive()
        for part in parts:
            connection.pause(pause)
            connection.write(part)
        return keep

    return answer


def json_response(
    body: bytes = b"{}", status: str = "200 OK", headers: HeaderPairs = (), pause: float = 0.0
) -> Responder:
    """Responder whole and correct, as JSON, after a pause; the connection stays open."""
    return raw_response(
        response_head(status, [_JSON, *headers, ("Content-Length", str(len(body)))]) + body,
        keep=True,
        pause=pause,
    )


def chunked_response(pieces: Iterable[bytes], headers: HeaderPairs = ()) -> Responder:
    """Responder correctly in chunks; the connection stays open."""
    frames = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]
    return raw_response(
        response_head(headers=[_JSON, *headers, ("Transfer-Encoding", "chunked")]),
        *frames,
        b"0\r\n\r\n",
        keep=True,
    )


def endless_response() -> Responder:
    """Responder in chunks for as long as the client listens, up to 1 GB."""

    def answer(connection: Connection) -> bool:
        connection.receive()
        connection.write(response_head(headers=[("Transfer-Encoding", "chunked")]))
        return any(
            map(connection.write, repeat(b"%x\r\n%s\r\n" % (MEBIBYTE, b"x" * MEBIBYTE), 1000))
        )

    return answer


def echo_response() -> Responder:
    """Responder correctly with what the request held."""

    def answer(connection: Connection) -> bool:
        body = connection.receive().body
        connection.write(response_head(headers=[("Content-Length", str(len(body)))]) + body)
        return True

    return answer


def gzip_response(body: bytes) -> Responder:
    """Responder correctly, compressed with gzip."""
    return json_response(gzip.compress(body), headers=[("Content-Encoding", "gzip")])


def no_response() -> Responder:
    """Read the request and say nothing until the server stops."""
    return raw_response(b"", pause=MAX_WAIT)


def unsolicited_response(said: bytes) -> Responder:
    """Write without reading, and end the connection."""

    def answer(connection: Connection) -> bool:
        connection.write(said)
        return False

    return answer


def reset_connection(*, after: bytes | None = None) -> Responder:
    """Break the connection: with the request unread, or read and ``after`` written."""

    def answer(connection: Connection) -> bool:
        if after is not None:
            connection.receive()
            connection.write(after)
        connection.reset()
        return False

    return answer


@contextlib.contextmanager
def closed_port() -> Generator[str]:
    """Give the origin of a port on which nobody listens (bound, so that no one else takes it)."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"


@contextlib.contextmanager
def unresponsive_port() -> Generator[str]:
    """Give the origin of a port that leaves every new connection unanswered: its queue is full (as Linux does it)."""
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = sockets.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
