"""Send the whole table to every framework under every installed server.

``python -m tests.webhooks.raw`` prints each other outcome. The tests send the same table to fewer
pairs of a framework and a server.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, NamedTuple

from tests.webhooks.raw.exchange import CLOSED, exchange
from tests.webhooks.raw.table import TABLE, UNREAD, Outcome, expected

_WSGI: Final = ("flask", "django")
_ASGI: Final = ("starlette", "fastapi", "django")

ALL: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("wsgiref", "django", "werkzeug", "gunicorn", "waitress"), _WSGI),
    **dict.fromkeys(("uvicorn_h11", "uvicorn_httptools", "hypercorn", "daphne"), _ASGI),
}
"""The frameworks under each server."""

SOME: Final[Mapping[str, tuple[str, ...]]] = {
    "wsgiref": ("flask",),
    "django": ("django",),
    "werkzeug": ("flask",),
    "gunicorn": _WSGI,
    "uvicorn_h11": ("fastapi",),
    "uvicorn_httptools": ("starlette", "django"),
}
"""Each framework and each server of the test environment at least once."""


class Result(NamedTuple):
    """The result of one request on one server."""

    name: str
    server: str
    framework: str
    expected: Outcome
    status: int
    sent: int

    @property
    def is_right(self) -> bool:
        """True if the outcome is expected and no long body was read."""
        return self.expected.allows(self.status) and self.sent < UNREAD


@contextmanager
def running_servers() -> Generator[Mapping[str, int]]:
    """Start all installed servers, and return their ports."""
    command = [sys.executable, "-m", "tests.webhooks.raw.servers"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()


def send_table(
    ports: Mapping[str, int], frameworks: Mapping[str, tuple[str, ...]] = ALL
) -> list[Result]:
    """Send the table to all servers, which work side by side."""
    pairs = [(server, name) for server in ports for name in frameworks.get(server, ())]
    with ThreadPoolExecutor(len(pairs)) as threads:
        sending = [threads.submit(_send_to, ports[server], server, name) for server, name in pairs]
        return [result for done in sending for result in done.result()]


def _send_to(port: int, server: str, framework: str) -> list[Result]:
    return list(_send_rows(port, server, framework))


def _send_rows(port: int, server: str, framework: str) -> Iterator[Result]:
    for raw in TABLE:
        if (outcome := expected(raw, server, framework)) is None:
            continue
        prefix = f"/{framework}/{raw.verifier}/"
        status, sent = exchange(port, raw.build(prefix), half_close=raw.half_close)
        if status == CLOSED and not outcome.allows(status):
            # A reset may have overtaken the response.
            status, sent = exchange(port, raw.build(prefix), half_close=raw.half_close)
        yield Result(raw.name, server, framework, outcome, status, sent)
