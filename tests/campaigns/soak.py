"""Update the emulator for a long time and watch its memory.

Reservations are made, accepted, wrapped and completed, and their tasks deleted later, as in a
service that runs for weeks. The number of stored reservations is bounded, so the memory must be
too. The resident set of the emulator's process is measured after each tenth of the updates. It is
flat if it never exceeds the first value by more than a tenth. By then the journal and all caches
are full.

    python -m tests.campaigns.soak --updates 1000000 [--http]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TypeAlias

import attrs

from reservation_core import Accept, Complete, Reservation, Wrap, aperform, perform
from reservation_core.delivery.policy import ONCE
from reservation_core.emulator import InMemoryGateway, ManualClock, Platform
from reservation_core.emulator.server import running_emulator
from reservation_core.gateways.pyreqwest import AsyncPyreqwestGateway
from reservation_core.gateways.settings import Credentials
from tests.emulator.worlds import WORKERS, WORKSPACE, people

COMMANDS: Final = (Accept(), Wrap(), Complete())
IN_FLIGHT: Final = 32
TENTHS: Final = 10
MAX_GROWTH: Final = 1.1


@attrs.frozen
class SoakResult:
    """Result of a soak.

    :param seconds: the duration.
    :param sizes: the resident set in MB after each tenth.
    :param stored: reservations on the platform at the end.
    """

    updates: int
    seconds: float
    sizes: tuple[float, ...]
    stored: int

    @property
    def is_flat(self) -> bool:
        """True if the memory did not grow after the first tenth."""
        return max(self.sizes[1:]) <= self.sizes[0] * MAX_GROWTH


Soak: TypeAlias = Callable[[int], SoakResult]
"""Function that makes so many updates."""


def read_resident_set() -> float:
    """Return the resident set of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def _reserve(platform: Platform) -> Reservation:
    """Advance the clock a second, and reserve a worker."""
    platform.advance(1)
    task = platform.add_task(WORKSPACE)
    return platform.reserve(task.sid, WORKERS[0])


def soak_in_process(updates: int) -> SoakResult:
    """Update through the gateway in this process."""
    platform = Platform(ManualClock())
    people(platform)
    gateway = InMemoryGateway(platform)
    start, sizes = time.perf_counter(), list[float]()
    for _ in range(TENTHS):
        for _ in range(updates // TENTHS // len(COMMANDS)):
            reservation = _reserve(platform)
            for command in COMMANDS:
                reservation = perform(reservation, command, gateway, policy=ONCE)
        sizes.append(read_resident_set())
    return SoakResult(updates, time.perf_counter() - start, tuple(sizes), len(platform.all()))


def soak_over_http(updates: int) -> SoakResult:
    """Update over HTTP, 32 reservations at a time, from the same process."""
    with running_emulator(Platform(ManualClock())) as emulator:
        people(emulator.platform)
        start = time.perf_counter()
        sizes = asyncio.run(_update(emulator.url, emulator.platform, updates))
        stored = len(emulator.platform.all())
        return SoakResult(updates, time.perf_counter() - start, sizes, stored)


async def _update(url: str, platform: Platform, updates: int) -> tuple[float, ...]:
    sizes: list[float] = []
    credentials = Credentials("AC" + "0" * 32, "token")
    async with AsyncPyreqwestGateway(credentials, base_url=url) as gateway:

        async def run(numbers: Iterable[int]) -> None:
            for _ in numbers:
                reservation = _reserve(platform)
                for command in COMMANDS:
                    reservation = await aperform(reservation, command, gateway, policy=ONCE)

        for _ in range(TENTHS):
            # Every runner takes the next number.
            shared = iter(range(updates // TENTHS // len(COMMANDS)))
            await asyncio.gather(*(run(shared) for _ in range(IN_FLIGHT)))
            sizes.append(read_resident_set())
    return tuple(sizes)


def main() -> None:
    """Run a soak and print its result. The exit code is 1 if the memory grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=1_000_000)
    parser.add_argument("--http", action="store_true")
    options = parser.parse_args()
    result = (soak_over_http if options.http else soak_in_process)(options.updates)
    sizes = " ".join(f"{size:.1f}" for size in result.sizes)
    rate = result.updates / result.seconds
    print(
        f"{result.updates} updates in {result.seconds:.0f} s ({rate:.0f}/s), "
        f"{result.stored} reservations stored"
    )
    print(f"resident MB after each tenth: {sizes} ({'flat' if result.is_flat else 'growing'})")
    sys.exit(not result.is_flat)


if __name__ == "__main__":
    main()
