"""The emulator as an ASGI application: the emulated API on the short way, and everything under ``/_emulator`` through Starlette.

It decides nothing. A request of the emulated API is read whole, within a limit, and handed to the gateway's ``receive``; the control
surface answers the same way. What lies in between is what a network does: faults, a log line, and the passing of time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Final, TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Message, Receive, Scope, Send

from reservation_core.domain.commands.parsing import FormPairs
from reservation_core.domain.errors import ReservationError
from reservation_core.emulator.api.exchange_log import ReceivedRequest
from reservation_core.emulator.api.gateway import InMemoryGateway
from reservation_core.emulator.control.assets import page_asset
from reservation_core.emulator.control.feed import Feeds
from reservation_core.emulator.control.surface import MOST, ROOT, Control
from reservation_core.emulator.faults import ACTING_KINDS, Fault, FaultKind, FaultPlan
from reservation_core.emulator.platform.platform import Platform
from reservation_core.rest.messages import Reply

RESET: Final = "reservation_core.reset"
"""The extension of the ASGI scope by which a server of ours lets a connection be reset."""

LOOKED_AT: Final = frozenset((b"authorization", b"content-type", b"if-match"))
"""The request headers that the emulated API looks at."""

_FOREIGN: Final = frozenset((b"sec-fetch-site", site) for site in (b"cross-site", b"same-site"))
"""How a browser tells that a page of another site asks."""

_log: Final = logging.getLogger("reservation_core.emulator")
_GLANCE: Final = 0.1  # seconds between two looks at what is due
_AFTER_FAILURE: Final = 1.0  # and after one at which it failed

Asked: TypeAlias = tuple[str, str, FormPairs, bytes]
"""A request as it came: method, target, headers and body."""

Note: TypeAlias = Callable[[str, str, bytes, Reply | None, float, str], None]
"""Is told of each exchange: method, target, body, reply (``None`` when there was none), seconds it took, and what befell it."""


class EmulatorApplication:
    """The application that a server runs.

    :param gateway: what answers the emulated API.
    :param control: what answers the control surface.
    :param faults: what is to go wrong.
    :param on_exchange: is told of each exchange of the emulated API; ``None`` for nobody.
    :param routes: further routes under ``/_emulator`` (a page, say), which are looked at before the control surface.
    :param lifespans: what is to run as long as the application does, each entered at its start and left at its end.
    """

    def __init__(
        self,
        gateway: InMemoryGateway,
        control: Control,
        faults: FaultPlan,
        *,
        on_exchange: Note | None = None,
        routes: Sequence[BaseRoute] = (),
        lifespans: Iterable[Callable[[], AbstractAsyncContextManager[object]]] = (),
    ) -> None:
        self.platform: Final[Platform] = gateway.platform
        self.faults: Final = faults
        self.most: Final = gateway.platform.settings.max_body_bytes
        """Bytes that a body may have; of a longer one a little more is read, and what is left is not."""
        self._receive = gateway.receive
        self._control = control
        self._on_exchange = on_exchange
        self._lifespans = tuple(lifespans)
        self.feeds: Final = Feeds(control)
        feed = Route(f"{ROOT}/events", self._feed, methods=["GET"])
        self._other = Starlette(
            routes=[*routes, feed, Mount("/", app=self._steer)], lifespan=self._lifespan
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one exchange, or live through the server's start and end."""
        if scope["type"] == "http" and not scope["path"].startswith(ROOT):
            await self._emulate(scope, receive, send)
        else:
            await self._other(scope, receive, send)

    # --- the emulated API ------------------------------------------------------------------------------------------------------------

    def answer(self, method: str, target: str, headers: FormPairs, body: bytes) -> Reply:
        """Answer a request of the emulated API with which nothing goes wrong, and note it."""
        began = self._begin()
        reply = self._act(method, target, headers, body)
        self._end(began, ReceivedRequest(method, target, headers, body), reply)
        return reply

    def _begin(self) -> tuple[int, datetime, float]:
        """Remember how things stood, and what time it was, before a request is answered."""
        return self._control.last_act, self.platform.now(), time.perf_counter()

    def _end(
        self,
        began: tuple[int, datetime, float],
        came: ReceivedRequest,
        reply: Reply | None,
        fault: str = "",
    ) -> None:
        """Note an exchange wherever it is to be noted."""
        after, at, started = began
        seconds = time.perf_counter() - started
        self._control.exchanges.add(after, at, came, reply, seconds, fault)
        self.feeds.tell_exchange()
        if self._on_exchange is not None:
            self._on_exchange(came.method, came.target, came.body, reply, seconds, fault)

    def _act(self, method: str, target: str, headers: FormPairs, body: bytes) -> Reply:
        try:
            return self._receive(method, target, headers, body)
        except Exception as error:  # noqa: BLE001 - a server goes on; it may be that a state file cannot be written
            _log.exception("the emulator could not answer")
            return failed(
                500,
                20500,
                str(error)
                if isinstance(error, ReservationError)
                else "The emulator failed; its log says how",
            )

    async def _emulate(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = await _read(scope, receive, self.most)
        if asked is None:
            return
        method, target, _, body = asked
        fault = self.faults.take(method, target) if self.faults else None
        if fault is None:
            await _answer(send, self.answer(*asked), last=len(body) > self.most)
            return
        began = self._begin()
        reply = await self._inject(fault, scope, asked)
        if reply is None:
            await receive()  # which says that the connection is gone; before that, there would be something to answer on
        else:
            await _answer(send, reply, last=len(body) > self.most)
        self._end(began, ReceivedRequest(*asked), reply, fault.kind.value)

    async def _inject(self, fault: Fault, scope: Scope, asked: Asked) -> Reply | None:
        """Inject a fault; return ``None`` when the connection was reset."""
        if fault.kind is FaultKind.DELAYED:
            await asyncio.sleep(fault.delay)
            return self._act(*asked)
        reply = self._act(*asked) if fault.kind in ACTING_KINDS else None
        if fault.kind is FaultKind.DUPLICATE:
            self._act(*asked)
            return reply
        if (planned := fault.planned_reply()) is not None:
            return planned
        await asyncio.sleep(fault.delay)
        scope["extensions"][RESET]()
        return None

    # --- everything else -------------------------------------------------------------------------------------------------------------

    async def _steer(self, scope: Scope, receive: Receive, send: Send) -> None:
        shown = page_asset().get(scope["path"]) if scope["method"] == "GET" else None
        if shown is not None:
            await _answer(send, shown, last=False)
            return
        if any(header in _FOREIGN for header in scope["headers"]):
            await _answer(
                send,
                failed(
                    403,
                    20403,
                    "Pages of other sites cannot steer the emulator; ask from its own, or not from a page",
                ),
                last=True,
            )
            return
        asked = await _read(scope, receive, MOST)
        if asked is not None:
            await _answer(
                send, self._control.receive(asked[0], asked[1], asked[3]), last=len(asked[3]) > MOST
            )

    async def _feed(self, _: Request) -> Response:
        return StreamingResponse(
            self.feeds.read(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    def end_feeds(self) -> None:
        """Let every reader of the feed go, so that a server may end."""
        self.feeds.end()

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncGenerator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for companion in self._lifespans:
                await stack.enter_async_context(companion())
            timer = asyncio.create_task(self._pass_time())
            try:
                yield
            finally:
                timer.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await timer

    async def _pass_time(self) -> None:
        """Let happen what falls due, at most a tenth of a second late: what comes in meanwhile may set a nearer time."""
        while True:
            due = self.platform.next_due()
            wait = None if due is None else self.platform.clock.wait(due)
            pause = min(_GLANCE, wait or _GLANCE)
            try:
                if wait == 0:
                    self.platform.run_due_timers()
                self.feeds.watch()
            except Exception:  # noqa: BLE001 - time goes on, whatever fails
                _log.exception("the emulator could not carry out what fell due; it tries again")
                pause = _AFTER_FAILURE
            await asyncio.sleep(pause)


def failed(status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    """Make the answer of a failure that the emulated platform knows nothing of."""
    body = json.dumps({"code": code, "message": message, "status": status})
    return Reply(status, {"Content-Type": "application/json", **(headers or {})}, body.encode())


async def _read(scope: Scope, receive: Receive, most: int) -> Asked | None:
    """Read a request whole, or a little more than the most that its body may have; ``None`` when the client has gone."""
    message = await receive()
    if message["type"] != "http.request":
        return None
    body: bytes = message.get("body", b"")
    while message.get("more_body") and len(body) <= most:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
    target = scope["raw_path"]
    if scope["query_string"]:
        target = target + b"?" + scope["query_string"]
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in scope["headers"]
        if name in LOOKED_AT
    )
    return scope["method"], target.decode("latin-1"), headers, body


async def _answer(send: Send, reply: Reply, *, last: bool) -> None:
    """Write a reply; the last one on its connection where what follows cannot be trusted."""
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in reply.headers.pairs
    ]
    if reply.status not in (204, 304):
        headers.append((b"content-length", b"%d" % len(reply.body)))
    if last:
        headers.append((b"connection", b"close"))
    start: Message = {"type": "http.response.start", "status": reply.status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": reply.body})
