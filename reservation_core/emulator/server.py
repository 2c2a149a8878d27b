"""The emulator on a port, in this thread or its own."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, TypeVar, Unpack, cast

import attrs

from reservation_core._extras import extra
from reservation_core.emulator.callbacks.dispatcher import CallbackDispatcher
from reservation_core.emulator.callbacks.queue import CallbackQueue
from reservation_core.emulator.callbacks.settings import CallbackSettings
from reservation_core.emulator.control.assets import page_files
from reservation_core.emulator.control.surface import Control
from reservation_core.emulator.faults import FaultPlan
from reservation_core.emulator.http.asgi import EmulatorApplication, ExchangeObserver
from reservation_core.emulator.http.sites import SITE_OPTIONS, SiteOptions, Sites
from reservation_core.emulator.http.uvicorn_server import BACKLOG, EmulatorServer
from reservation_core.emulator.platform.platform import Platform
from reservation_core.emulator.resources.gateway import WorkspaceGateway

with extra("emulator"):
    from starlette.routing import BaseRoute


LOCALHOST: Final = "127.0.0.1"

_Client = TypeVar("_Client")


@attrs.frozen
class Emulator:
    """Running emulator on a port.

    Its platform may be used from any thread, at the same time as HTTP clients.

    :param url: base URL of the emulated API.
    :param faults: faults to inject into coming requests.
    :param callback_queue: the callbacks, their results and alerts.
    :param dispatcher: sends the callbacks.
    """

    url: str
    platform: Platform
    faults: FaultPlan
    callback_queue: CallbackQueue
    dispatcher: CallbackDispatcher

    def settle(self, timeout: float = 10.0) -> None:
        """Wait until all callbacks are sent and answered.

        This includes the callbacks that follow from responses.

        :param timeout: seconds to wait at most.
        :raises TimeoutError: if it takes longer.
        """
        self.dispatcher.settle(timeout)

    def point(self, client: _Client) -> _Client:
        """Point a client of the official Python library to this emulator.

        :param client: a ``twilio.rest.Client``. The base URL of its TaskRouter is changed.
        :returns: the client.
        """
        cast("Any", client).taskrouter.base_url = self.url
        return client


class EmulatorOptions(SiteOptions, total=False):
    """Options of the emulator's application: the following, and :class:`SiteOptions`.

    * ``on_exchange``: called after each exchange of the emulated API.
    * ``routes``: more routes under ``/_emulator``. They take precedence over its own.
    * ``lifespans``: context managers that are entered at the start and left at the end.
    """

    on_exchange: ExchangeObserver | None
    routes: Sequence[BaseRoute]
    lifespans: Iterable[Callable[[], AbstractAsyncContextManager[object]]]


@contextlib.contextmanager
def _build(
    platform: Platform, host: str, port: int, queue: CallbackQueue, options: EmulatorOptions
) -> Generator[tuple[Emulator, EmulatorServer, socket.socket]]:
    """Bind the port and build the emulator. Stop its callbacks afterwards."""
    given: dict[str, Any] = {**options}
    is_ipv6 = ":" in host
    site_options: Any = {name: given.pop(name) for name in SITE_OPTIONS if name in given}
    with (
        contextlib.closing(queue),
        socket.create_server(
            (host, port), family=socket.AF_INET6 if is_ipv6 else socket.AF_INET, backlog=BACKLOG
        ) as listener,
    ):
        address, bound_port, *_ = listener.getsockname()
        url = f"http://{f'[{host}]' if is_ipv6 else host}:{bound_port}"
        faults = FaultPlan()
        application = EmulatorApplication(
            WorkspaceGateway(platform, origin=url),
            Control(platform, faults, queue),
            faults,
            Sites(url, address, **site_options),
            **given,
        )
        with CallbackDispatcher(queue) as dispatcher:
            emulator = Emulator(url, platform, faults, queue, dispatcher)
            yield emulator, EmulatorServer(application), listener


def serve(
    platform: Platform,
    *,
    host: str = LOCALHOST,
    port: int = 0,
    callbacks: CallbackSettings | None = None,
    on_start: Callable[[Emulator], object] | None = None,
    **options: Unpack[EmulatorOptions],
) -> None:
    """Serve an emulator on a port until the process is interrupted.

    :param platform: the platform to serve.
    :param host: the address to listen on.
    :param port: 0 (the default) for a free one.
    :param callbacks: callback URLs for what happens from now on; none by default.
    :param on_start: called when the port is bound, before the first request is answered.
    :param options: see :class:`EmulatorOptions`.
    :raises OSError: if the port cannot be bound.
    :raises ValueError: if an option about hosts is malformed.
    :raises RuntimeError: if one of the lifespans fails.
    """
    page_files()  # now, as a server that is out of open files can read none
    queue = CallbackQueue(platform, callbacks)
    with _build(platform, host, port, queue, options) as (emulator, server, listener):
        if on_start is not None:
            on_start(emulator)
        server.run_on(listener)
        server.wait_until_started()


@contextlib.contextmanager
def running_emulator(
    platform: Platform | None = None,
    *,
    host: str = LOCALHOST,
    port: int = 0,
    callbacks: CallbackSettings | None = None,
    **options: Unpack[EmulatorOptions],
) -> Generator[Emulator]:
    """Run an emulator in its own thread during a block.

    :param platform: the platform to serve; a new, empty one by default.
    :param host: the address to listen on.
    :param port: 0 (the default) for a free one.
    :param callbacks: callback URLs; none by default. ``Emulator.settle`` waits for them.
    :param options: see :class:`EmulatorOptions`.
    :raises OSError: if the port cannot be bound.
    :raises ValueError: if an option about hosts is malformed.
    :raises RuntimeError: if one of the lifespans fails.

    ::

        with running_emulator() as emulator:
            client = emulator.point(twilio.rest.Client("AC…", "…"))
    """
    platform = platform or Platform()
    queue = CallbackQueue(platform, callbacks)
    with _build(platform, host, port, queue, options) as (emulator, server, listener):
        thread = threading.Thread(
            target=server.run_on, args=(listener,), name="emulator", daemon=True
        )
        thread.start()
        try:
            server.wait_until_started()
            yield emulator
        finally:
            server.stop()
            thread.join()
