"""uvicorn's server, with a quick end and a fallback.

uvicorn checks ten times a second if it should stop, and then sleeps 0.1 s. So stopping takes
200 ms. Here it takes 0.5 ms, a time that every test with its own emulator spends.

The overrides use private parts of ``uvicorn.Server``. They are tested with uvicorn 0.34.0 to
0.54.0. Where an attribute that they use is missing, uvicorn's own methods run. To remove them, use
``uvicorn.Server`` and end the feed in the application's lifespan.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from typing import Any, Final

from reservation_core._extras import extra
from reservation_core.emulator.http.asgi import EmulatorApplication
from reservation_core.emulator.http.connection import (
    KEEP_ALIVE_SECONDS,
    USED_ATTRIBUTES,
    EmulatorConnection,
)

with extra("emulator"):
    import uvicorn
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


BACKLOG: Final = 2048
"""Number of connections that may wait to be accepted."""

_ACCEPTED_AT_ONCE: Final = 16
_GRACE_SECONDS: Final = 2  # for what is being answered when the server ends
_ABORT_SECONDS: Final = 0.5  # for requests to notice that their connection is gone
_WARNING_SECONDS: Final = 60.0  # between two warnings that nothing can be accepted
_log: Final = logging.getLogger("reservation_core.emulator")


class EmulatorServer(uvicorn.Server):
    """Server of one emulator application."""

    def __init__(self, application: EmulatorApplication) -> None:
        config = uvicorn.Config(
            application,
            http=EmulatorConnection,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            backlog=_ACCEPTED_AT_ONCE,
        )
        super().__init__(config)
        self._application = application
        self._has_begun = threading.Event()
        self._next_warning = 0.0

    def run_on(self, listener: socket.socket) -> None:
        """Answer on a listening socket until the server is stopped."""
        try:
            with contextlib.suppress(SystemExit):  # uvicorn's way to report a failed start
                self.run(sockets=[listener])
        finally:
            listener.close()
            self._has_begun.set()

    def wait_until_started(self) -> None:
        """Wait until the server answers.

        :raises RuntimeError: if it did not start.
        """
        self._has_begun.wait()
        if not self.started:
            raise RuntimeError(
                "the emulator did not start: one of its lifespans failed. See the log of uvicorn"
            )

    def stop(self) -> None:
        """Stop the server, from any thread."""
        self.should_exit = True
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop_requested.set)

    # --- overrides of uvicorn.Server -------------------------------------------------------------

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, with uvicorn's own protocol if it lacks an attribute."""
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._handle_loop_error)
        self._stop_requested = asyncio.Event()
        probe = HttpToolsProtocol(self.config, self.server_state, {}, self._loop)
        probe.on_message_begin()
        if missing := [name for name in USED_ATTRIBUTES if not hasattr(probe, name)]:
            _log.warning(
                "uvicorn %s has no %s: requests are not limited, and no connection can be reset",
                uvicorn.__version__,
                ", ".join(missing),
            )
            self.config.http_protocol_class = HttpToolsProtocol
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(BACKLOG)
        self._has_begun.set()

    def _handle_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log once a minute that no connection can be accepted.

        asyncio reports it each second for each connection that it would accept at once. It also
        reports that it cannot try again once the server has stopped.
        """
        message = str(context["message"])
        if self.should_exit and "_start_serving" in message:
            return
        if "socket.accept()" not in message:
            loop.default_exception_handler(context)
        elif loop.time() >= self._next_warning:
            self._next_warning = loop.time() + _WARNING_SECONDS
            _log.error(
                "no connection can be accepted: %s. Close some, or allow more open files",
                context["exception"].strerror,
            )

    async def main_loop(self) -> None:
        """Run until the server is stopped."""
        loops = (
            asyncio.create_task(super().main_loop()),
            asyncio.create_task(self._stop_requested.wait()),
        )
        await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
        for loop in loops:
            loop.cancel()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more requests, and wait two seconds for pending replies."""
        self._application.stop()
        if self.config.http_protocol_class is not EmulatorConnection:
            await super().shutdown(sockets)
            return
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        for connection in tuple(self.server_state.connections):
            connection.shutdown()
        await self._wait_for_replies(_GRACE_SECONDS)
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()
        await self._wait_for_replies(_ABORT_SECONDS)
        for task in self.server_state.tasks:
            task.cancel()
        await asyncio.sleep(0)
        await self.lifespan.shutdown()

    async def _wait_for_replies(self, seconds: float) -> None:
        if unanswered := tuple(self.server_state.tasks):
            await asyncio.wait(unanswered, timeout=seconds)
