"""Tests of the worker threads."""

import contextvars
import gc
import threading
import time
import weakref
from collections.abc import Callable

import pytest

from reservation_core.gateways import workers as module
from reservation_core.gateways.workers import Job, Result, Workers
from reservation_core.rest.messages import Reply

REPLY = Reply(200)


def test_exchange_runs_in_another_thread_with_the_context_of_its_caller() -> None:
    variable = contextvars.ContextVar[str]("variable")
    variable.set("seen")
    seen: list[object] = []

    def exchange(_job: Job[Result]) -> Result:
        seen.append((variable.get(), threading.current_thread() is threading.main_thread()))
        return REPLY

    assert Workers().run(exchange, 5) is REPLY
    assert seen == [("seen", False)]


def test_wait_ends_in_time_and_the_exchange_goes_on() -> None:
    go_on, is_over = threading.Event(), threading.Event()

    def exchange(_job: Job[Result]) -> Result:
        go_on.wait(5)
        is_over.set()
        return REPLY

    assert Workers().run(exchange, 0.01) is None
    go_on.set()
    assert is_over.wait(5)


def test_error_of_an_exchange_is_raised_in_the_caller() -> None:
    def exchange(_job: Job[Result]) -> Result:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Workers().run(exchange, 5)


def test_exchange_is_not_begun_for_a_caller_who_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []

    def exchange(name: str) -> Callable[[Job[Result]], Result]:
        def run(_job: Job[Result]) -> Result:
            begun.append(name)
            return REPLY

        return run

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    workers = Workers()
    with monkeypatch.context() as interrupted:
        interrupted.setattr(threading.Thread, "start", interrupt)
        with pytest.raises(KeyboardInterrupt):
            workers.run(exchange("first"), 5)
    assert workers.run(exchange("second"), 5) is REPLY
    assert begun == ["second"]


def test_exchanges_run_at_once() -> None:
    together = threading.Barrier(5)
    workers = Workers()

    def exchange(_job: Job[Result]) -> Result:
        together.wait(5)
        return REPLY

    callers = [threading.Thread(target=workers.run, args=(exchange, 5)) for _ in range(4)]
    for caller in callers:
        caller.start()
    assert workers.run(exchange, 5) is REPLY
    for caller in callers:
        caller.join()


def test_exchange_waits_for_a_worker_where_no_thread_can_be_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start, started = threading.Thread.start, list[threading.Thread]()

    def start_one(thread: threading.Thread) -> None:
        if started:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_one)
    workers = Workers()
    for _ in range(3):
        assert workers.run(lambda _: REPLY, 5) is REPLY


def alive() -> int:
    """Return the number of workers."""
    return sum(thread.name == "reservation-core" for thread in threading.enumerate())


def wait_until(is_reached: Callable[[], bool]) -> None:
    """Wait for up to five seconds."""
    end = time.monotonic() + 5
    while not is_reached():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_workers_end_with_the_gateway() -> None:
    gc.collect()
    wait_until(lambda: alive() == 0)
    workers = Workers()
    assert workers.run(lambda _: REPLY, 5) is REPLY
    wait_until(lambda: alive() == 2)
    gone = weakref.ref(workers)
    del workers
    assert gone() is None
    wait_until(lambda: alive() == 0)


def test_unused_workers_end_except_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.collect()
    wait_until(lambda: alive() == 0)
    monkeypatch.setattr(module, "IDLE_TIMEOUT", 0.02)
    workers = Workers()
    assert workers.run(lambda _: REPLY, 5) is REPLY
    wait_until(lambda: alive() == 1)
    time.sleep(0.05)
    assert alive() == 1
    assert workers.run(lambda _: REPLY, 5) is REPLY
    workers.stop()
    workers.stop()
    wait_until(lambda: alive() == 0)
