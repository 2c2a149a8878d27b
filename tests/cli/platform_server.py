"""A real socket in front of the emulated platform."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

from reservation_core import Reply, Request, read_reservation
from reservation_core.emulator import InMemoryGateway, Platform
from tests.cli.running import SID, SIDS, TASK, WORKSPACE


class PlatformServer(ThreadingHTTPServer):
    """Serves a platform that holds one pending reservation."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.platform = Platform()
        self.gateway = InMemoryGateway(self.platform)
        self.requests: list[Request] = []
        self.answer: Callable[[Request], Reply] = self.gateway.send
        self.platform.add(read_reservation({"reservation_status": "pending", **SIDS}))

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags that address the reservation on the task route."""
        return (WORKSPACE, TASK, SID, f"--base-url=http://127.0.0.1:{self.server_port}")

    @property
    def methods(self) -> list[str]:
        """The methods of the requests, in order."""
        return [request.method for request in self.requests]


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the server."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer one request."""
        assert isinstance(self.server, PlatformServer)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        request = Request(
            self.command,
            self.path,
            tuple(self.headers.items()),
            tuple(parse_qsl(body, keep_blank_values=True)),
        )
        self.server.requests.append(request)
        reply = self.server.answer(request)
        self.send_response(reply.status)
        for name, value in [*reply.headers.items(), ("Content-Length", str(len(reply.body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    do_POST = do_GET  # noqa: N815 - the base class names it

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Log nothing."""
