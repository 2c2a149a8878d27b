"""Worker threads, which keep interrupts out of a client with connections.

A signal handler may raise an exception anywhere in the main thread, as the time limits of Celery
and RQ do. In the middle of a client of HTTP or of a database, it leaves locks held and connections
taken, for good. So each exchange runs in a worker thread, where no signal handler runs. The caller
only waits:

1. The wait ends after a time limit, whatever the client does.
2. An exception that is raised in the caller ends the wait, not the exchange. The worker finishes
   it, within its own time limit, and frees its place. A request that still waits for its place is
   not sent.

What the caller shares with the workers is written in C, where an exception cannot leave it half
done: a ``SimpleQueue`` and locks. Workers are daemon threads. Unused ones end after 20 seconds,
except for one. All end with the gateway.
"""

import contextlib
import contextvars
import queue
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Generator
from typing import Any, Final, Generic, TypeAlias, TypeVar, Unpack

from reservation_core.domain.errors import without_frames
from reservation_core.gateways.base import IDLE_TIMEOUT, ThreadGatewayBase
from reservation_core.gateways.settings import Credentials, GatewayOptions
from reservation_core.rest.errors import GatewayError
from reservation_core.rest.messages import Reply, Request

Result: TypeAlias = Reply | GatewayError
"""Result of an exchange. An error is returned, and raised again in the caller's thread."""

_T = TypeVar("_T")

_GRACE: Final = 0.1  # seconds after the deadline in which a worker may still say what failed


class Job(Generic[_T]):
    """One exchange in a worker thread, and its result."""

    def __init__(self, exchange: "Callable[[Job[_T]], _T]") -> None:
        """Prepare an exchange, in the context of the caller."""
        self.is_wanted = True
        self._exchange = exchange
        self._context: Final = contextvars.copy_context()
        self._is_done: Final = threading.Lock()
        self._is_done.acquire()
        self._result: _T | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        """Do the exchange in this thread, unless its caller has gone."""
        try:
            if self.is_wanted:
                self._result = self._context.run(self._exchange, self)
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            self._error = error
        finally:
            self._is_done.release()

    def wait(self, seconds: float) -> _T | None:
        """Return the result, or ``None`` after so many seconds."""
        if not self._is_done.acquire(timeout=seconds):
            return None
        if self._error is not None:
            raise self._error
        return self._result


class Workers:
    """Threads that do the exchanges of other threads."""

    def __init__(self) -> None:
        """Start no thread yet."""
        self._state: Final = _State()

    def run(self, exchange: Callable[[Job[_T]], _T], seconds: float) -> _T | None:
        """Do an exchange in a worker thread.

        :return: the result, or ``None`` if there is none after so many seconds. Then it goes on.
        """
        job = Job(exchange)
        try:
            self._state.jobs.put(job)
            self._state.start_first()
            return job.wait(seconds)
        finally:
            job.is_wanted = False

    def stop(self) -> None:
        """End each worker after its present exchange."""
        self._state.jobs.put(None)

    def __del__(self) -> None:
        """End the workers."""
        self.stop()


class _State:
    """State that the workers share.

    It does not refer to the gateway. So a gateway that is not closed can be collected.
    """

    def __init__(self) -> None:
        self.jobs: Final[queue.SimpleQueue[Job[Any] | None]] = queue.SimpleQueue()
        self.lock: Final = threading.Lock()
        self.waiting = 0
        self.is_started = False

    def start_first(self) -> None:
        # After an interrupt in between, the next caller starts another one.
        if not self.is_started:
            with self.lock:
                _start(self)
                self.is_started = True


def _start(state: _State) -> None:
    threading.Thread(target=_work, args=(state,), name="reservation-core", daemon=True).start()


def _work(state: _State) -> None:
    with state.lock:
        state.waiting += 1
    while True:
        try:
            job = state.jobs.get(timeout=IDLE_TIMEOUT)
        except queue.Empty:
            with state.lock:
                if state.waiting == 1:
                    continue
                state.waiting -= 1
                return
        if job is None:
            state.jobs.put(None)  # for the next worker
            return
        with state.lock:
            state.waiting -= 1
            is_last = state.waiting == 0
        if is_last:
            with contextlib.suppress(RuntimeError):  # out of threads: the next exchange waits
                _start(state)
        job.run()
        del job  # it refers to the gateway
        with state.lock:
            state.waiting += 1


class WorkerGatewayBase(ThreadGatewayBase):
    """A gateway for threads whose exchanges run in worker threads."""

    def __init__(
        self, credentials: Credentials | None = None, **options: Unpack[GatewayOptions]
    ) -> None:
        """Check the settings, as :class:`BaseGateway` does."""
        super().__init__(credentials, **options)
        self._slots: Final = threading.Semaphore(self._settings.max_connections)
        self._workers: Final = Workers()

    def send(self, request: Request) -> Reply:
        """Send the request, once, and return the reply. Raises NotSent, GatewayError."""
        self._url(request)
        deadline = time.monotonic() + self._settings.timeout
        result = self._workers.run(
            lambda job: self._take_slot(job, request, deadline), self._settings.timeout + _GRACE
        )
        if isinstance(result, Reply):
            return result
        raise without_frames(result or self._errors.exchange_timed_out())

    def _take_slot(self, job: Job[Result], request: Request, deadline: float) -> Result:
        try:
            with self._slot():
                if not job.is_wanted:
                    return self._errors.no_free_connection()
                return self._exchange(request, self._url(request), deadline)
        except GatewayError as error:
            return error

    @abstractmethod
    def _exchange(self, request: Request, url: str, deadline: float) -> Result:
        """Do the exchange in a worker thread. Raises GatewayError."""

    @contextlib.contextmanager
    def _slot(self) -> Generator[None]:
        """Hold one of ``max_connections`` slots, after a wait of up to ``connect_timeout``."""
        if not self._slots.acquire(timeout=self._settings.connect_timeout):
            raise self._errors.no_free_connection()
        try:
            yield
        finally:
            self._slots.release()

    def close(self) -> None:
        """Refuse further requests, and end the workers. Closing twice is allowed."""
        super().close()
        self._workers.stop()
