"""Dispatcher of the emulator's callbacks, with threads of its own.

1. Nothing that happens on the platform waits for a callback.
2. Events are sent one after the other, in the order in which they are due. Assignment callbacks
   are sent side by side.
3. The time limits are in real time, at any pace of the platform's clock. An assignment callback
   has the platform's setting ``callback_timeout``, an event has 15 seconds. Each attempt to connect
   takes at most 5 of these seconds.
"""

from __future__ import annotations

import http.client
import logging
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, Self

from reservation_core.emulator.callbacks.exchange import (
    CallbackExchange,
    InvalidResponse,
    NotConnected,
)
from reservation_core.emulator.callbacks.model import (
    CONNECTION_FAILURE,
    RETRIEVAL_FAILURE,
    CallbackKind,
)
from reservation_core.emulator.callbacks.queue import CallbackQueue

EVENT_TIMEOUT: Final = 15.0
"""Seconds for an event callback."""

MAX_CONCURRENT: Final = 8
"""Number of assignment callbacks that are sent at once."""

_MAX_DELAY: Final = 0.5  # seconds that a delayed event waits when nothing else happens
_log: Final = logging.getLogger("reservation_core.emulator")


class CallbackDispatcher:
    """Sender of the callbacks in a queue.

    It sends from its creation until it is closed. It is a context manager that closes itself and
    leaves no thread behind.

    :param queue: source of the callbacks, and receiver of the results.
    :param tls: settings for the verification of certificates; the system's by default.
    """

    def __init__(self, queue: CallbackQueue, *, tls: ssl.SSLContext | None = None) -> None:
        self.queue: Final = queue
        self._tls = tls
        self._changed = threading.Condition()  # guards the attributes below
        self._in_flight: set[CallbackExchange] = set()
        self._settling_count = 0
        self._is_closed = False
        self._event_pool = ThreadPoolExecutor(1, "emulator: events")
        self._assignment_pool = ThreadPoolExecutor(MAX_CONCURRENT, "emulator: assignments")
        queue.on_new = self._submit
        if queue.due_count(event=True) or queue.delayed_count:
            self._submit(CallbackKind.EVENT)
        for _ in range(queue.due_count(event=False)):
            self._submit(CallbackKind.ASSIGNMENT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Abort what is in flight and leave the rest in the queue."""
        self.queue.on_new = None
        with self._changed:
            self._is_closed = True
            for exchange in self._in_flight:
                exchange.abort()
            self._changed.notify_all()
        for pool in (self._event_pool, self._assignment_pool):
            pool.shutdown(cancel_futures=True)

    def settle(self, timeout: float = 10.0) -> None:
        """Wait until all callbacks are sent and answered.

        This includes the callbacks that follow from responses.

        :param timeout: seconds to wait at most.
        :raises TimeoutError: if it takes longer.
        """
        with self._changed:
            self._settling_count += 1
            self._changed.notify_all()
            try:
                if not self._changed.wait_for(self._is_settled, timeout):
                    raise TimeoutError(
                        f"callbacks are not settled after {timeout:g} s: {len(self._in_flight)} "
                        f"in flight, {self.queue.waiting_count} waiting"
                    )
            finally:
                self._settling_count -= 1

    def _is_settled(self) -> bool:
        return not self._in_flight and not self.queue.waiting_count

    def _submit(self, kind: CallbackKind) -> None:
        pool = self._event_pool if kind.is_event else self._assignment_pool
        with suppress(RuntimeError):  # the pool was closed meanwhile
            pool.submit(self._send_due, event=kind.is_event)
        with self._changed:
            self._changed.notify_all()

    # --- in the threads --------------------------------------------------------------------------

    def _send_due(self, *, event: bool) -> None:
        while (exchange := self._begin_next(event=event)) is not None:
            try:
                self._send(exchange)
            except Exception:  # noqa: BLE001 - the other callbacks are still sent
                _log.exception("a callback or its response could not be processed")
            with self._changed:
                self._in_flight.discard(exchange)
                self._changed.notify_all()
        if event and self.queue.delayed_count:
            self._flush_when_idle()

    def _begin_next(self, *, event: bool) -> CallbackExchange | None:
        with self._changed:
            if self._is_closed or (callback := self.queue.next(event=event)) is None:
                return None
            timeout = EVENT_TIMEOUT if event else self.queue.platform.settings.callback_timeout
            exchange = CallbackExchange(callback, timeout, self._tls)
            self._in_flight.add(exchange)
            return exchange

    def _send(self, exchange: CallbackExchange) -> None:
        reply, reason, code = None, "", RETRIEVAL_FAILURE
        try:
            reply = exchange.run()
        except NotConnected as error:
            reason, code = f"no connection could be made ({error})", CONNECTION_FAILURE
        except TimeoutError:
            reason = f"no response within {exchange.timeout:g} s"
        except InvalidResponse as error:
            reason = str(error)
        except (OSError, http.client.HTTPException) as error:
            name = type(error).__name__
            reason = f"the connection broke, or the response is not HTTP ({name})"
        if self._is_closed:
            return
        if reply is None:
            self.queue.record_failure(exchange.callback, reason, code, exchange.seconds)
        else:
            self.queue.record_response(exchange.callback, reply, exchange.seconds)

    def _flush_when_idle(self) -> None:
        """Make delayed events due if no other event follows soon."""

        def is_woken() -> bool:
            is_due = self.queue.due_count(event=True) > 0
            return self._is_closed or is_due or self._settling_count > 0

        with self._changed:
            self._changed.wait_for(is_woken, _MAX_DELAY)
            is_idle = not self._is_closed and not self.queue.due_count(event=True)
        if is_idle:
            self.queue.flush_delayed()
