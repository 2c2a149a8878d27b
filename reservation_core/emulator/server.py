"""The emulator on a port: uvicorn, in this thread (:func:`serve`) or in one of its own (:func:`running_emulator`)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from random import Random
from types import FrameType
from typing import Any, Final, TypedDict, TypeVar, Unpack, cast

import attrs
import uvicorn
from starlette.routing import BaseRoute

from reservation_core.emulator.api.gateway import InMemoryGateway
from reservation_core.emulator.callbacks.dispatcher import CallbackDispatcher
from reservation_core.emulator.callbacks.queue import CallbackQueue
from reservation_core.emulator.callbacks.settings import CallbackSettings
from reservation_core.emulator.control.surface import Control
from reservation_core.emulator.faults import FaultPlan
from reservation_core.emulator.http.asgi import EmulatorApplication, Note
from reservation_core.emulator.http.connection import KEEP_ALIVE, EmulatorConnection
from reservation_core.emulator.platform.platform import Platform

HERE: Final = "127.0.0.1"

_ENDS: Final = 2  # seconds in which what is under way may end when the server does

C = TypeVar("C")


class _Server(uvicorn.Server):
    """Uvicorn's server, which tells when it has begun, and ends at once when it is told to."""

    def __init__(self, config: uvicorn.Config, application: EmulatorApplication) -> None:
        super().__init__(config)
        self.begun: Final = threading.Event()
        self._application = application

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._told = asyncio.Event()
        await super().startup(sockets)
        self.begun.set()

    async def main_loop(self) -> None:
        tenths = 0
        while not await self.on_tick(tenths):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(
                    self._told.wait(), 1
                )  # a second, after which it is to look at the date
            tenths += 10

    def live(self, listener: socket.socket) -> None:
        """Answer on a port until it is told to end."""
        try:
            with contextlib.suppress(SystemExit):  # uvicorn's way to say that it has not begun
                self.run(sockets=[listener])
        finally:
            listener.close()
            self.begun.set()

    def check_begun(self) -> None:
        """Tell whoever waited for the beginning when there was none."""
        if not self.started:
            raise RuntimeError(
                "the emulator did not start: what is beside it failed, as the log of uvicorn says"
            )

    def end(self) -> None:
        """Tell it to end, from any thread."""
        self.should_exit = True
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._told.set)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._loop.call_soon_threadsafe(self._told.set)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nothing more, and let end what is under way, for two seconds at most."""
        self._application.end_feeds()
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        for connection in tuple(self.server_state.connections):
            connection.shutdown()
        if under_way := tuple(self.server_state.tasks):
            _, late = await asyncio.wait(under_way, timeout=_ENDS)
            for task in late:
                task.cancel()
        for connection in tuple(self.server_state.connections):
            cast("EmulatorConnection", connection).transport.abort()
        await asyncio.sleep(0)
        await self.lifespan.shutdown()


# --- the emulator and its surfaces -----------------------------------------------------------------------------------------------


@attrs.frozen
class Emulator:
    """An emulator that answers on a port: its address, its state, what is to go wrong with the requests to come, and whom it calls back.

    The platform may be used from any thread, beside what comes in over HTTP.
    """

    url: str
    platform: Platform
    faults: FaultPlan
    callback_queue: CallbackQueue
    dispatcher: CallbackDispatcher

    def settle(self, timeout: float = 10.0) -> None:
        """Wait until everybody who is called back has been, and what they answered has been done; see :meth:`CallbackDispatcher.settle`."""
        self.dispatcher.settle(timeout)

    def point(self, client: C) -> C:
        """Let a client of the official Python library send here what it has for TaskRouter; gives that client."""
        cast("Any", client).taskrouter.base_url = self.url
        return client


class Extras(TypedDict, total=False):
    """What may be added to the emulator; see :class:`reservation_core.emulator.http.asgi.EmulatorApplication`."""

    on_exchange: Note | None
    routes: Sequence[BaseRoute]
    lifespans: Iterable[Callable[[], AbstractAsyncContextManager[object]]]


@contextlib.contextmanager
def _assembled(
    platform: Platform, host: str, port: int, callback_queue: CallbackQueue, extras: Extras
) -> Generator[tuple[Emulator, _Server, socket.socket]]:
    """Take the port, and put together what is to answer on it; what it calls back with is ended afterwards."""
    listener = socket.create_server(
        (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048
    )
    taken: int = listener.getsockname()[1]
    url = f"http://{f'[{host}]' if ':' in host else host}:{taken}"
    faults = FaultPlan()
    application = EmulatorApplication(
        InMemoryGateway(platform, origin=url),
        Control(platform, faults, callback_queue),
        faults,
        **extras,
    )
    config = uvicorn.Config(
        application,
        http=EmulatorConnection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
    )
    try:
        with listener, CallbackDispatcher(callback_queue) as dispatcher:
            yield (
                Emulator(url, platform, faults, callback_queue, dispatcher),
                _Server(config, application),
                listener,
            )
    finally:
        callback_queue.close()


def serve(
    platform: Platform,
    *,
    host: str = HERE,
    port: int = 0,
    callbacks: CallbackSettings | None = None,
    on_start: Callable[[Emulator], object] | None = None,
    **extras: Unpack[Extras],
) -> None:
    """Answer on a port until the process is interrupted or told to end.

    :param port: 0 for a free one.
    :param callbacks: who is called back, for what happens from now on.
    :param on_start: is called once the port is taken, before the first request is answered.
    :raises OSError: when the port is not to be had.
    :raises RuntimeError: when something beside it cannot be entered.
    """
    callback_queue = CallbackQueue(platform, callbacks, random=Random())  # noqa: S311 - no SID is to come again when it is started again
    with _assembled(platform, host, port, callback_queue, extras) as (emulator, server, listener):
        if on_start is not None:
            on_start(emulator)
        server.live(listener)
        server.check_begun()


@contextlib.contextmanager
def running_emulator(
    platform: Platform | None = None,
    *,
    host: str = HERE,
    port: int = 0,
    callbacks: CallbackSettings | None = None,
    **extras: Unpack[Extras],
) -> Generator[Emulator]:
    """Let an emulator answer on a port while the block runs, in a thread of its own; nothing of it is left afterwards.

    :param platform: what it holds; a new, empty one by default.
    :param port: 0, as is the default, for a free one.
    :param callbacks: who is called back; nobody by default. Its ``settle()`` waits until they have been.
    :raises OSError: when the port is not to be had.
    :raises RuntimeError: when something beside it cannot be entered.

    ::

        with running_emulator() as emulator:
            client = emulator.point(twilio.rest.Client("AC…", "…"))
    """
    platform = platform or Platform()
    with _assembled(platform, host, port, CallbackQueue(platform, callbacks), extras) as (
        emulator,
        server,
        listener,
    ):
        thread = threading.Thread(
            target=server.live, args=(listener,), name="emulator", daemon=True
        )
        thread.start()
        server.begun.wait()
        try:
            server.check_begun()
            yield emulator
        finally:
            server.end()
            thread.join()
