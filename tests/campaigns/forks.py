"""Use all that holds a socket, thread or file in forked children.

    python -m tests.campaigns.forks postgres-conninfo directory

Prints one JSON object: per child the outcome of each use, and the outcome of each use in the parent
afterwards. A child closes everything and ends as any process does. Whatever hangs ends the child.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

from twilio.http.async_http_client import AsyncTwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]

from reservation_core.book import AsyncBook, Book, MemoryStore, SQLiteStore, ThreadedStore
from reservation_core.book.stores.postgres import AsyncPostgresStore, PostgresStore
from reservation_core.domain.errors import ReservationError
from reservation_core.emulator import ManualClock
from reservation_core.emulator.server import running_emulator
from reservation_core.emulator.state_file import open_platform
from reservation_core.gateways.aiohttp import AiohttpGateway
from reservation_core.gateways.httpx2 import AsyncHttpx2Gateway, Httpx2Gateway
from reservation_core.gateways.port import AsyncGateway, Gateway
from reservation_core.gateways.pyreqwest import AsyncPyreqwestGateway, PyreqwestGateway
from reservation_core.gateways.twilio import AsyncTwilioGateway, TwilioGateway
from reservation_core.testing.contract.gateway import CREDENTIALS
from reservation_core.testing.contract.gateway.support import update_request
from reservation_core.testing.contract.loopback import LoopbackServer
from tests.book.scenario import pending
from tests.gateways.twilio_clients import make_client

MAX_SECONDS: Final = 20
"""Seconds after which a child that hangs ends with a traceback."""

_T = TypeVar("_T")
Use: TypeAlias = Callable[[], object]


class Opened:
    """All objects, each with two calls: use and close it."""

    def __init__(self, conninfo: str, directory: Path, origin: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.uses: dict[str, Use] = {}
        self.closes: dict[str, Use] = {}
        wait = self.wait
        sqlite, postgres = SQLiteStore(directory / "book.db"), PostgresStore(conninfo)
        self._add("SQLiteStore", sqlite, lambda: sqlite.live("", 1))
        self._add("PostgresStore", postgres, lambda: postgres.live("", 1))
        self._add("Book", Book(sqlite), lambda: Book(sqlite).record(pending(1)))
        waited = wait(AsyncPostgresStore.open(conninfo))
        self._add("AsyncPostgresStore", waited, lambda: wait(waited.live("", 1)))
        threaded = ThreadedStore(MemoryStore())
        self._add("ThreadedStore", threaded, lambda: wait(threaded.live("", 1)))
        aiobook = AsyncBook(threaded)
        self._add("AsyncBook", aiobook, lambda: wait(aiobook.record(pending(1))))
        self._state_file = open_platform(directory / "state.db", ManualClock())
        platform = self._state_file.__enter__()
        self.uses["StateFile"] = partial(platform.add_task, f"WS{'0' * 32}")
        self.closes["StateFile"] = partial(self._state_file.__exit__, None, None, None)
        threads: list[Gateway] = [
            PyreqwestGateway(CREDENTIALS, base_url=origin),
            Httpx2Gateway(CREDENTIALS, base_url=origin),
            TwilioGateway(make_client(origin)),
        ]
        for gateway in threads:
            name = type(gateway).__name__
            self._add(name, gateway, partial(gateway.send, update_request()))
        loops: list[AsyncGateway] = [
            AsyncPyreqwestGateway(CREDENTIALS, base_url=origin),
            AsyncHttpx2Gateway(CREDENTIALS, base_url=origin),
            AiohttpGateway(CREDENTIALS, base_url=origin),
            AsyncTwilioGateway(wait(self._make_async_client(origin))),
        ]
        for agateway in loops:
            name = type(agateway).__name__
            self._add(name, agateway, partial(self._asend, agateway))

    def _asend(self, gateway: AsyncGateway) -> object:
        return self.wait(gateway.asend(update_request()))

    @staticmethod
    async def _make_async_client(origin: str) -> Any:
        return make_client(origin, http_client=AsyncTwilioHttpClient())

    def _add(self, name: str, opened: Any, use: Use) -> None:
        self.uses[name] = use
        if hasattr(opened, "aclose"):
            self.closes[name] = lambda: self.wait(opened.aclose())
        elif name.startswith("Async") or name == "ThreadedStore":
            self.closes[name] = lambda: self.wait(opened.close())
        else:
            self.closes[name] = opened.close

    def wait(self, awaitable: Awaitable[_T]) -> _T:
        """Await something in the loop of this object."""

        async def wait() -> _T:
            return await awaitable

        return self.loop.run_until_complete(wait())

    def use_all(self) -> dict[str, str]:
        """Use each object. Return the outcomes."""
        return {name: outcome_of(use) for name, use in self.uses.items()}

    def close_all(self) -> None:
        """Close each object."""
        for close in self.closes.values():
            close()


def outcome_of(use: Use) -> str:
    """Return the error of a call, or ``used``."""
    try:
        use()
    except ReservationError as error:
        return str(error)
    return "used"


def fork_child(opened: Opened) -> tuple[int, int]:
    """Fork a child that uses all. Return its process and where its outcomes can be read."""
    reader, writer = os.pipe()
    if child := os.fork():
        os.close(writer)
        return child, reader
    faulthandler.dump_traceback_later(MAX_SECONDS, exit=True)
    opened.loop = asyncio.new_event_loop()
    with os.fdopen(writer, "w") as pipe:
        json.dump(opened.use_all(), pipe)
    opened.close_all()
    opened.loop.close()
    sys.exit(0)  # as a worker ends, through all context managers and finalizers


def main(conninfo: str, directory: str) -> None:
    """Open all, fork twice, and print what happened."""
    children: list[dict[str, str]] = []
    with LoopbackServer() as server, running_emulator() as emulator:
        opened = Opened(conninfo, Path(directory), server.origin)
        first = opened.use_all()
        recorder = threading.Thread(target=_record_for_a_while, args=(opened,))
        recorder.start()
        for child, reader in [fork_child(opened) for _ in range(2)]:
            with os.fdopen(reader) as pipe:
                outcomes = json.loads(pipe.read() or "{}")
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            children.append({**outcomes, "exit": str(status)})
        recorder.join()
        after = opened.use_all()
        opened.close_all()
        opened.loop.close()
        emulator.settle()
    json.dump({"first": first, "children": children, "after": after}, sys.stdout)


def _record_for_a_while(opened: Opened) -> None:
    for _ in range(200):
        opened.uses["Book"]()


if __name__ == "__main__":
    main(*sys.argv[1:])
