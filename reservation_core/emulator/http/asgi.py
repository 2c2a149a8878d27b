"""ASGI application of the emulator.

It answers the emulated API, the control surface and its page. It reads a request whole, within a
limit, and passes it to the gateway or to the control surface. It also injects faults, logs the
exchanges and runs the platform's timers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Final, TypeAlias

from reservation_core._extras import extra
from reservation_core.emulator.api.exchange_log import RawRequest
from reservation_core.emulator.api.gateway import InMemoryGateway
from reservation_core.emulator.control.assets import page_files
from reservation_core.emulator.control.feed import EventFeed
from reservation_core.emulator.control.route import CONTROL_ROOT
from reservation_core.emulator.control.surface import (
    MAX_CONTROL_BODY_BYTES,
    Control,
    refuse_method,
)
from reservation_core.emulator.faults import ACTING_KINDS, Fault, FaultKind, FaultPlan
from reservation_core.emulator.http.asgi_messages import (
    SiteHeaders,
    error_reply,
    read_request,
    read_site,
    send_reply,
)
from reservation_core.emulator.http.sites import Access, Sites, api_access
from reservation_core.emulator.platform.errors import StorageFailure
from reservation_core.emulator.platform.platform import Platform
from reservation_core.rest.messages import Reply

with extra("emulator"):
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response, StreamingResponse
    from starlette.routing import BaseRoute, Mount, Route
    from starlette.types import ASGIApp, Receive, Scope, Send


RESET_EXTENSION: Final = "reservation_core.reset"
"""Extension of the ASGI scope: a function that resets the connection."""

_READING: Final = ("GET", "HEAD")
_FEED_PATH: Final = f"{CONTROL_ROOT}/events"
_TIMER_SECONDS: Final = 0.1  # between two checks of the timers
_RETRY_SECONDS: Final = 1.0  # after timers that failed
_log: Final = logging.getLogger("reservation_core.emulator")

ExchangeObserver: TypeAlias = Callable[[RawRequest, Reply | None, float, str], None]
"""Called after each exchange of the emulated API.

Its arguments are the request, the reply (``None`` without one), the duration in seconds, and the
injected fault (empty without one).
"""

_Start: TypeAlias = tuple[int, datetime, float]
"""Number of the last journal entry, the platform's time, and the performance counter."""


def is_outside_api(path: str) -> bool:
    """Return True for the control surface and its page.

    ``/`` leads to the page.
    """
    return path == "/" or path.startswith(CONTROL_ROOT)


class EmulatorApplication:
    """ASGI application of one emulator.

    :param gateway: answers the emulated API.
    :param control: answers the control surface.
    :param faults: faults to inject into the emulated API.
    :param sites: names and sites of the emulator.
    :param on_exchange: called after each exchange of the emulated API.
    :param routes: more routes under ``/_emulator``. They take precedence over its own.
    :param lifespans: context managers that are entered at the start and left at the end.
    """

    def __init__(
        self,
        gateway: InMemoryGateway,
        control: Control,
        faults: FaultPlan,
        sites: Sites,
        *,
        on_exchange: ExchangeObserver | None = None,
        routes: Sequence[BaseRoute] = (),
        lifespans: Iterable[Callable[[], AbstractAsyncContextManager[object]]] = (),
    ) -> None:
        self.platform: Final[Platform] = gateway.platform
        self.faults: Final = faults
        self.feed: Final = EventFeed(control)
        self.max_body_bytes: Final = gateway.platform.settings.max_body_bytes
        """Bytes of the longest body. Of a longer one, only a little more is read."""
        self._sites = sites
        self._receive = gateway.receive
        self._control = control
        self._on_exchange = on_exchange
        self._lifespans = tuple(lifespans)
        self._stopping = asyncio.Event()
        feed = Route(_FEED_PATH, self._stream_feed, methods=["GET"])
        self._starlette = Starlette(
            routes=[*routes, feed, Mount("/", app=self._answer_control)],
            lifespan=self._run_lifespan,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one exchange, or run through the server's lifespan."""
        answer: ASGIApp = self._starlette
        if scope["type"] == "http":
            answer = self._admit_control if is_outside_api(scope["path"]) else self._answer_api
        try:
            await answer(scope, receive, send)
        except asyncio.CancelledError:
            if not self._stopping.is_set():
                raise

    # --- the emulated API ------------------------------------------------------------------------

    def find_origin(self, method: str, client: str, site: SiteHeaders) -> str | Reply:
        """Return the start of the reply's links, or the refusal.

        :param client: the client's IP address.
        :param site: the site headers of the request.
        """
        return self._sites.find_origin(api_access(method, site), client, site)

    def answer(self, request: RawRequest, origin: str | Reply) -> Reply:
        """Answer and log a request of the emulated API without a fault.

        :param origin: the start of the links in the reply, or the refusal of the request.
        """
        start = self._start()
        reply = origin if isinstance(origin, Reply) else self._act(request, origin)
        self._log(start, request, reply)
        return reply

    def _start(self) -> _Start:
        return self._control.last_entry, self.platform.now(), time.perf_counter()

    def _log(
        self, start: _Start, request: RawRequest, reply: Reply | None, fault: str = ""
    ) -> None:
        after, at, started = start
        seconds = time.perf_counter() - started
        self._control.exchanges.add(after, at, request, reply, seconds, fault)
        self.feed.send_exchanges()
        if self._on_exchange is not None:
            self._on_exchange(request, reply, seconds, fault)

    def _act(self, request: RawRequest, origin: str) -> Reply:
        method, target, headers, body = request
        try:
            return self._receive(method, target, headers, body, origin)
        except StorageFailure as error:
            _log.error("the emulator could not answer: %s", error)
            return error_reply(500, 20500, str(error))
        except Exception:  # noqa: BLE001 - the server continues
            _log.exception("the emulator could not answer")
            return error_reply(500, 20500, "The emulator failed. See its log")

    async def _answer_api(self, scope: Scope, receive: Receive, send: Send) -> None:
        received = await read_request(scope, receive, self.max_body_bytes)
        if received is None:
            return
        request = received.raw
        origin = self.find_origin(request.method, *read_site(scope))
        fault = None
        if self.faults and not isinstance(origin, Reply):
            fault = self.faults.take(request.method, request.target)
        if fault is None or isinstance(origin, Reply):
            reply: Reply | None = self.answer(request, origin)
        else:
            start = self._start()
            reply = await self._inject(fault, origin, scope, request)
            if reply is None:
                await receive()  # returns when the connection is gone; uvicorn would answer before
            self._log(start, request, reply, fault.kind.value)
        if reply is not None:
            await send_reply(send, reply, received)

    async def _inject(
        self, fault: Fault, origin: str, scope: Scope, request: RawRequest
    ) -> Reply | None:
        """Inject a fault, and return ``None`` when the connection was reset."""
        if fault.kind is FaultKind.DELAYED:
            has_time = await self._pause(fault.delay)
            return self._act(request, origin) if has_time else _reset(scope)
        reply = self._act(request, origin) if fault.kind in ACTING_KINDS else None
        if fault.kind is FaultKind.DUPLICATE:
            self._act(request, origin)
            return reply
        if (planned := fault.planned_reply()) is not None:
            return planned
        await self._pause(fault.delay)
        return _reset(scope)

    async def _pause(self, seconds: float) -> bool:
        """Wait. Return false at once when the server stops."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
                return False
        return True

    # --- the control surface ---------------------------------------------------------------------

    async def _admit_control(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of the control surface, or refuse its site."""
        is_page = scope["method"] in _READING and scope["path"] in page_files()
        client, site = read_site(scope)
        access = Access.OPEN if is_page else Access.CONTROL
        origin = self._sites.find_origin(access, client, site)
        if not isinstance(origin, Reply):
            await self._starlette(scope, receive, send)
        elif (received := await read_request(scope, receive, self.max_body_bytes)) is not None:
            await send_reply(send, origin, received)

    async def _answer_control(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        file = page_files().get(scope["path"])
        if file is not None and method == "GET":
            await send_reply(send, file)
            return
        received = await read_request(scope, receive, MAX_CONTROL_BODY_BYTES)
        if received is None:
            return
        if file is not None or scope["path"] == _FEED_PATH:
            reply = refuse_method(method, ("GET",))
        else:
            reply = self._control.receive(method, received.raw.target, received.raw.body)
        await send_reply(send, reply, received)

    async def _stream_feed(self, request: Request) -> Response:
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        if request.method == "HEAD":
            return Response(headers=headers)
        return StreamingResponse(self.feed.read(), headers=headers)

    def stop(self) -> None:
        """End the feed and the planned faults."""
        self.feed.close()
        self._stopping.set()

    # --- time ------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _run_lifespan(self, _: Starlette) -> AsyncGenerator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for lifespan in self._lifespans:
                await stack.enter_async_context(lifespan())
            timers = asyncio.create_task(self._run_timers())
            try:
                yield
            finally:
                timers.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await timers

    async def _run_timers(self) -> None:
        """Run the platform's timers, each at most 0.1 s late.

        It checks that often because a request may set an earlier timer.
        """
        while True:
            due = self.platform.next_due()
            wait = None if due is None else self.platform.clock.wait(due)
            pause = min(_TIMER_SECONDS, wait or _TIMER_SECONDS)
            try:
                if wait == 0:
                    self.platform.run_due_timers()
                self.feed.send_changes()
            except StorageFailure as error:
                _log.error("the emulator could not run its timers, and tries again: %s", error)
                pause = _RETRY_SECONDS
            except Exception:  # noqa: BLE001 - time passes after a failure, too
                _log.exception("the emulator could not run its timers; it tries again")
                pause = _RETRY_SECONDS
            await asyncio.sleep(pause)


def _reset(scope: Scope) -> Reply | None:
    """Reset the connection, or return an error reply where that is impossible."""
    reset = scope.get("extensions", {}).get(RESET_EXTENSION)
    if reset is None:
        return error_reply(500, 20500, "This server cannot reset a connection")
    reset()
    return None
