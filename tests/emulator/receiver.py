"""A service on a loopback port that is called back: it keeps what it receives, and answers as it is told."""

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

Behaviour: TypeAlias = "Callable[[Exchange], Reply | None]"
"""What is done with a request: the reply, or ``None`` when there is none, or it was said by hand."""


@attrs.frozen(eq=False)
class Exchange:
    """A request that came in, and the line to answer on."""

    webhook: Webhook
    path: str
    handler: BaseHTTPRequestHandler

    def say(self, said: bytes) -> None:
        """Write bytes as they are."""
        self.handler.wfile.write(said)
        self.handler.wfile.flush()


def _acknowledge(_: Exchange) -> Reply | None:
    return ACKNOWLEDGEMENT


class Receiver:
    """What came in, in order, and what is done with it, by path; where nothing is said, it is acknowledged."""

    def __init__(self) -> None:
        self.url = ""
        self.received: list[Exchange] = []
        self.behave: dict[str, Behaviour] = {}
        self.released: Final = threading.Event()

    def at(self, path: str) -> list[Webhook]:
        """Give what came in at a path."""
        return [exchange.webhook for exchange in self.received if exchange.path == path]

    def stay_silent(self, _: Exchange) -> None:
        """Wait to be released, and say nothing."""
        self.released.wait(10)


class _Server(ThreadingHTTPServer):
    """The server of one receiver."""

    daemon_threads = False
    receiver: Receiver

    def handle_error(self, request: object, client_address: object) -> None:
        """Mind nothing: clients here come and go."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        receiver = cast("_Server", self.server).receiver
        body = self.rfile.read(int(self.headers["Content-Length"]))
        webhook = Webhook(receiver.url + self.path, Headers(tuple(self.headers.items())), body)
        exchange = Exchange(webhook, self.path, self)
        receiver.received.append(exchange)
        self.close_connection = True
        reply = receiver.behave.get(self.path, _acknowledge)(exchange)
        if reply is not None:
            self.send_response(reply.status)
            for name, value in (*reply.headers.pairs, ("Content-Length", str(len(reply.body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the server's name for it
        """Say nothing."""


@contextmanager
def receiving(*, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Generator[Receiver]:
    """Let a receiver answer while the block runs."""
    receiver = Receiver()
    kind = type("_Server6", (_Server,), {"address_family": 10}) if ":" in host else _Server
    server = kind((host, 0), _Handler)
    server.receiver = receiver
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver.url = f"{'https' if tls else 'http'}://{'localhost' if tls else f'[{host}]' if ':' in host else host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
