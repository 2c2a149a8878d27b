"""Interrupt gateways at random, as the time limits of Celery do.

A signal handler raises an exception in the middle of ``send``. For asyncio, an exchange is
cancelled. (A signal handler that raises may break the event loop itself.) Meanwhile another thread
or asyncio task sends through the same gateway. Afterwards every place must be free and the gateway
must work. Each gateway has a process of its own, which is killed if it hangs.

    python -m tests.campaigns.interrupts --interrupts 5000 [--gateway httpx2]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import attrs
from twilio.http.async_http_client import AsyncTwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]

from reservation_core.gateways.aiohttp import AiohttpGateway
from reservation_core.gateways.httpx2 import AsyncHttpx2Gateway, Httpx2Gateway
from reservation_core.gateways.pyreqwest import AsyncPyreqwestGateway, PyreqwestGateway
from reservation_core.rest.errors import GatewayError
from reservation_core.testing.contract.gateway import CREDENTIALS
from reservation_core.testing.contract.gateway.drivers import (
    AsyncGatewayUnderTest,
    GatewayUnderTest,
)
from reservation_core.testing.contract.gateway.support import update_request
from reservation_core.testing.contract.loopback import LoopbackServer, echo_response
from tests.gateways.twilio_clients import AsyncOwningGateway, OwningGateway, make_client

PLACES: Final = 4
OPTIONS: Final[dict[str, Any]] = {"max_connections": PLACES, "timeout": 3, "connect_timeout": 2}

THREAD_GATEWAYS: Final[dict[str, Callable[[str], GatewayUnderTest]]] = {
    "pyreqwest": lambda origin: PyreqwestGateway(CREDENTIALS, base_url=origin, **OPTIONS),
    "httpx2": lambda origin: Httpx2Gateway(CREDENTIALS, base_url=origin, **OPTIONS),
    "twilio": lambda origin: OwningGateway(make_client(origin), **OPTIONS),
}
ASYNCIO_GATEWAYS: Final[dict[str, Callable[[str], AsyncGatewayUnderTest]]] = {
    "async pyreqwest": lambda origin: AsyncPyreqwestGateway(
        CREDENTIALS, base_url=origin, **OPTIONS
    ),
    "async httpx2": lambda origin: AsyncHttpx2Gateway(CREDENTIALS, base_url=origin, **OPTIONS),
    "aiohttp": lambda origin: AiohttpGateway(CREDENTIALS, base_url=origin, **OPTIONS),
    "async twilio": lambda origin: AsyncOwningGateway(
        make_client(origin, http_client=AsyncTwilioHttpClient()), **OPTIONS
    ),
}
GATEWAYS: Final = (*THREAD_GATEWAYS, *ASYNCIO_GATEWAYS)


class TimeLimit(Exception):
    """Raised by the signal handler."""


@attrs.frozen
class Interrupted:
    """Result of one campaign.

    :param interrupts: exceptions that reached the caller.
    :param replies: exchanges that ended before an interrupt.
    :param others: exchanges of the other thread.
    :param lost: places that were not free at the end.
    """

    interrupts: int
    replies: int
    others: int
    lost: int


@contextmanager
def handling() -> Generator[None]:
    """Let the timer's signal raise an exception."""

    def interrupt(_number: int, _frame: object) -> None:
        raise TimeLimit

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def interrupt_often(send: Callable[[], object], count: int, seed: int) -> tuple[int, int]:
    """Interrupt a function so often, each time at a random moment.

    :return: interrupts, and calls that ended before one.
    """
    generator, usual = random.Random(seed), usual_seconds(send)
    interrupts = replies = 0
    with handling():
        while interrupts < count:
            try:
                signal.setitimer(signal.ITIMER_REAL, generator.uniform(0.00001, 1.5 * usual))
                send()
                signal.setitimer(signal.ITIMER_REAL, 0)
                replies += 1
            except (TimeLimit, GatewayError):  # a client may turn it into an error of its own
                interrupts += 1
    return interrupts, replies


def usual_seconds(send: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    samples: list[float] = []
    for _ in range(15):
        started = time.perf_counter()
        send()
        samples.append(time.perf_counter() - started)
    return statistics.median(samples)


def interrupt_threads(
    open_gateway: Callable[[str], GatewayUnderTest], count: int, seed: int
) -> Interrupted:
    """Interrupt a gateway for threads."""
    with LoopbackServer(echo_response()) as server:
        gateway = open_gateway(server.origin)
        is_over = threading.Event()
        others: list[int] = []

        def send_meanwhile() -> None:
            while not is_over.is_set():
                gateway.send(update_request())
                others.append(1)
                is_over.wait(0.001)

        other = threading.Thread(target=send_meanwhile, daemon=True)
        other.start()
        interrupts, replies = interrupt_often(lambda: gateway.send(update_request()), count, seed)
        is_over.set()
        other.join(10)
        assert not other.is_alive(), "an interrupt in one thread blocks another"
        time.sleep(0.1)
        together = threading.Barrier(PLACES)

        def take_place(number: int) -> bool:
            request = update_request([("Number", str(number))])
            together.wait()
            return gateway.send(request).body == request.body

        with ThreadPoolExecutor(PLACES) as threads:
            free = sum(threads.map(take_place, range(PLACES)))
        gateway.close()
        return Interrupted(interrupts, replies, len(others), PLACES - free)


async def cancel_often(gateway: AsyncGatewayUnderTest, count: int, seed: int) -> Interrupted:
    """Cancel so many exchanges, each at a random moment."""

    async def send() -> None:
        await gateway.asend(update_request())

    async def send_meanwhile() -> None:
        while True:
            await send()
            others.append(1)
            await asyncio.sleep(0.001)

    async def take_place(number: int) -> bool:
        request = update_request([("Number", str(number))])
        return (await gateway.asend(request)).body == request.body

    generator = random.Random(seed)
    others: list[int] = []
    started = time.perf_counter()
    for _ in range(15):
        await send()
    usual = (time.perf_counter() - started) / 15
    other = asyncio.create_task(send_meanwhile())
    interrupts = replies = 0
    while interrupts < count:
        sending = asyncio.create_task(send())
        await asyncio.wait([sending], timeout=generator.uniform(0.00001, 1.5 * usual))
        sending.cancel()
        try:
            await sending
            replies += 1
        except asyncio.CancelledError:
            interrupts += 1
    other.cancel()
    await asyncio.wait([other])
    taken = await asyncio.gather(*map(take_place, range(PLACES)), return_exceptions=True)
    return Interrupted(interrupts, replies, len(others), PLACES - taken.count(True))


def interrupt_asyncio(
    open_gateway: Callable[[str], AsyncGatewayUnderTest], count: int, seed: int
) -> Interrupted:
    """Interrupt a gateway for asyncio."""

    async def run(origin: str) -> Interrupted:
        gateway = open_gateway(origin)
        try:
            return await cancel_often(gateway, count, seed)
        finally:
            await gateway.aclose()

    with LoopbackServer(echo_response()) as server:
        return asyncio.run(run(server.origin))


def interrupt_gateway(name: str, count: int, seed: int) -> Interrupted:
    """Interrupt one gateway in this process."""
    if name in THREAD_GATEWAYS:
        return interrupt_threads(THREAD_GATEWAYS[name], count, seed)
    return interrupt_asyncio(ASYNCIO_GATEWAYS[name], count, seed)


def run_apart(name: str, count: int, seed: int, seconds: float) -> Interrupted:
    """Interrupt one gateway in a process of its own.

    :raises subprocess.TimeoutExpired: if the gateway hangs.
    """
    command = [sys.executable, "-W", "ignore", "-m", "tests.campaigns.interrupts", "--apart"]
    command += ["--gateway", name, "--interrupts", str(count), "--seed", str(seed)]
    output = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=seconds
    ).stdout
    return Interrupted(**json.loads(output.splitlines()[-1]))


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interrupts", type=int, default=5000)
    parser.add_argument("--gateway", choices=GATEWAYS, action="append")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=600, help="until a gateway hangs")
    parser.add_argument("--apart", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    names: list[str] = options.gateway or list(GATEWAYS)
    if options.apart:
        result = interrupt_gateway(names[0], options.interrupts, options.seed)
        print(json.dumps(attrs.asdict(result)), flush=True)
        return 0
    failed = 0
    for name in names:
        try:
            result = run_apart(name, options.interrupts, options.seed, options.seconds)
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
            print(f"{name}: {type(error).__name__}: {str(error.stderr)[-300:]}")
            failed += 1
        else:
            print(f"{name}: {result}")
            failed += result.lost > 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
