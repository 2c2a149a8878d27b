"""Bridge to a store for an event loop, so that the tests exist once for both kinds."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from reservation_core.book.stores.port import AsyncStore

_T = TypeVar("_T")


class EventLoopThread:
    """Event loop in a thread of its own. Any thread may call into it."""

    def __enter__(self) -> "EventLoopThread":
        """Start the thread."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        return self

    def run(self, awaitable: Awaitable[_T]) -> _T:
        """Await something in the loop, for 60 s at most."""

        async def wait() -> _T:
            return await awaitable

        return asyncio.run_coroutine_threadsafe(wait(), self._loop).result(60)

    def __exit__(self, *_: object) -> None:
        """Stop the thread and close the loop."""
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class BlockingStore:
    """Store for an event loop, with the same methods for threads."""

    def __init__(self, store: AsyncStore, loop: EventLoopThread) -> None:
        self._store = store
        self._loop = loop

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return a method that blocks until the store's method is done."""
        method = getattr(self._store, name)
        return lambda *args, **kwargs: self._loop.run(method(*args, **kwargs))
