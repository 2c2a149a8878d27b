"""Start every installed server as a child process: ``python -m tests.webhooks.raw.servers``.

All frameworks are imported once. Each server is a fork of this process, with a socket of its own. A
line of JSON names the ports. The servers end when standard input does.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import signal
import socket
import socketserver
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from tests.webhooks.raw.services import build_asgi, build_wsgi


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


def _serve_wsgiref(listener: socket.socket) -> None:
    _serve_simply(listener, _QuietHandler)


def _serve_django(listener: socket.socket) -> None:
    handler = importlib.import_module("django.core.servers.basehttp").WSGIRequestHandler
    quiet = type("Quiet", (handler,), {"log_message": _QuietHandler.log_message})
    _serve_simply(listener, quiet)


class _ThreadingServer(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


def _serve_simply(listener: socket.socket, handler: type[WSGIRequestHandler]) -> None:
    address = listener.getsockname()
    server = _ThreadingServer(address, handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.server_name, server.server_port = address
    server.setup_environ()
    server.set_app(build_wsgi())
    server.serve_forever()


def _serve_werkzeug(listener: socket.socket) -> None:
    serving = importlib.import_module("werkzeug.serving")
    quiet = type("Quiet", (serving.WSGIRequestHandler,), {"log": _QuietHandler.log_message})
    serving.make_server(
        "127.0.0.1",
        0,
        build_wsgi(),
        threaded=True,
        request_handler=quiet,
        fd=listener.fileno(),
    ).serve_forever()


def _serve_gunicorn(listener: socket.socket) -> None:
    base = importlib.import_module("gunicorn.app.base").BaseApplication

    class Application(base):  # type: ignore[misc, valid-type]
        def load_config(self) -> None:
            for name, value in {
                "bind": [f"fd://{listener.fileno()}"],
                "loglevel": "critical",
                "workers": 1,
                "worker_class": "gthread",
                "threads": 4,
                "graceful_timeout": 0,
            }.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return build_wsgi()

    Application().run()


def _serve_waitress(listener: socket.socket) -> None:
    importlib.import_module("waitress").serve(
        build_wsgi(),
        sockets=[listener],
        clear_untrusted_proxy_headers=False,
        max_request_body_size=1 << 16,
    )


def _uvicorn(http: str) -> Callable[[socket.socket], None]:
    def serve(listener: socket.socket) -> None:
        uvicorn = importlib.import_module("uvicorn")
        config = uvicorn.Config(
            build_asgi(), http=http, loop="asyncio", lifespan="off", log_config=None
        )
        uvicorn.Server(config).run(sockets=[listener])

    return serve


def _serve_hypercorn(listener: socket.socket) -> None:
    asyncio = importlib.import_module("asyncio")
    config = importlib.import_module("hypercorn.config").Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.errorlog = None
    asyncio.run(importlib.import_module("hypercorn.asyncio").serve(build_asgi(), config))


def _serve_daphne(listener: socket.socket) -> None:
    endpoint = f"fd:fileno={listener.fileno()}"
    server = importlib.import_module("daphne.server").Server
    server(build_asgi(), endpoints=[endpoint], verbosity=0).run()


SERVERS: Final[dict[str, tuple[str, Callable[[socket.socket], None]]]] = {
    "wsgiref": ("wsgiref", _serve_wsgiref),
    "django": ("django", _serve_django),
    "werkzeug": ("werkzeug", _serve_werkzeug),
    "gunicorn": ("gunicorn", _serve_gunicorn),
    "waitress": ("waitress", _serve_waitress),
    "uvicorn_h11": ("uvicorn", _uvicorn("h11")),
    "uvicorn_httptools": ("uvicorn", _uvicorn("httptools")),
    "hypercorn": ("hypercorn", _serve_hypercorn),
    "daphne": ("daphne", _serve_daphne),
}
"""The package and the function of each server."""


def main() -> None:
    """Start the servers, and stop them at the end of standard input."""
    children: list[int] = []
    ports: dict[str, int] = {}
    for name, (package, serve) in SERVERS.items():
        if importlib.util.find_spec(package) is None:
            continue
        listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        listener.set_inheritable(True)
        ports[name] = listener.getsockname()[1]
        if (child := os.fork()) == 0:
            _run(serve, listener)
        os.setpgid(child, child)  # a group with its workers
        children.append(child)
        listener.close()
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    for child in children:
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    for child in children:
        os.waitpid(child, 0)


def _run(serve: Callable[[socket.socket], None], listener: socket.socket) -> None:
    """Serve in this child process."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if not os.environ.get("RAW_SERVERS_VERBOSE"):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        serve(listener)
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
