"""Loopback service that receives callbacks, keeps them and answers them."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, TypeAlias, cast

import attrs

from reservation_core.rest.messages import Headers, Reply
from reservation_core.webhooks import ACKNOWLEDGEMENT, Webhook

Answer: TypeAlias = "Callable[[ReceivedCallback], Reply | None]"
"""Returns the reply to a callback, or ``None`` to send none."""


@attrs.frozen(eq=False)
class ReceivedCallback:
    """Callback, and the connection on which it arrived."""

    webhook: Webhook
    path: str
    handler: BaseHTTPRequestHandler

    def write(self, data: bytes) -> None:
        """Write raw bytes to the connection."""
        self.handler.wfile.write(data)
        self.handler.wfile.flush()


def _acknowledge(_: ReceivedCallback) -> Reply | None:
    return ACKNOWLEDGEMENT


class Receiver:
    """Received callbacks in order, and the answers by path."""

    def __init__(self) -> None:
        self.url = ""
        self.received: list[ReceivedCallback] = []
        self.answers: dict[str, Answer] = {}
        self.released: Final = threading.Event()

    def webhooks_at(self, path: str) -> list[Webhook]:
        """Return the callbacks to a path."""
        return [callback.webhook for callback in self.received if callback.path == path]

    def stay_silent(self, _: ReceivedCallback) -> None:
        """Send no reply until the receiver ends."""
        self.released.wait(10)


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    receiver: Receiver

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that disconnect."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        receiver = cast("_Server", self.server).receiver
        body = self.rfile.read(int(self.headers["Content-Length"]))
        webhook = Webhook(receiver.url + self.path, Headers(tuple(self.headers.items())), body)
        callback = ReceivedCallback(webhook, self.path, self)
        receiver.received.append(callback)
        self.close_connection = True
        reply = receiver.answers.get(self.path, _acknowledge)(callback)
        if reply is not None:
            self.send_response(reply.status)
            for name, value in (*reply.headers.pairs, ("Content-Length", str(len(reply.body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the server's name for it
        """Log nothing."""


@contextmanager
def running_receiver(
    *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Generator[Receiver]:
    """Run a receiver for the duration of a block."""
    receiver = Receiver()
    is_ipv6 = ":" in host
    kind = type("_Server6", (_Server,), {"address_family": 10}) if is_ipv6 else _Server
    server = kind((host, 0), _Handler)
    server.receiver = receiver
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    name = "localhost" if tls else f"[{host}]" if is_ipv6 else host
    receiver.url = f"{'https' if tls else 'http'}://{name}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
