"""Lets the emulator carry out updates for long and watches its memory: ``python -m tests.campaigns.soak --updates 1000000`` (``--http`` over HTTP).

Reservations are made, accepted, wrapped up and completed, and their tasks deleted when their time is over, as in a service that runs
for weeks: what is held at any time is bounded, and so must the memory be. It is measured as the resident set of the process that holds
the emulator, after each tenth of the updates; flat means that the last is at most a tenth above the one after the first tenth, in which
the journal and all caches have been filled.
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

LIFE: Final = (Accept(), Wrap(), Complete())
IN_FLIGHT: Final = 32
TENTHS: Final = 10
FLAT: Final = 1.1


@attrs.frozen
class Soaked:
    """What a soak came to: updates, seconds, the resident sets in MB after each tenth, and what the platform held at the end."""

    updates: int
    seconds: float
    sizes: tuple[float, ...]
    held: int

    @property
    def is_flat(self) -> bool:
        """Whether the memory stayed as it was after the first tenth."""
        return max(self.sizes[1:]) <= self.sizes[0] * FLAT


Run: TypeAlias = Callable[[int], Soaked]
"""Soaks with so many updates."""


def resident() -> float:
    """Give the resident set of this process, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def _begin(platform: Platform) -> Reservation:
    """Let a second pass, and reserve a worker for a new task."""
    platform.advance(1)
    task = platform.add_task(WORKSPACE)
    return platform.reserve(task.sid, WORKERS[0])


def in_process(updates: int) -> Soaked:
    """Update through the gateway in this process."""
    platform = Platform(ManualClock())
    people(platform)
    gateway = InMemoryGateway(platform)
    begun, sizes = time.perf_counter(), list[float]()
    for _ in range(TENTHS):
        for _ in range(updates // TENTHS // len(LIFE)):
            reservation = _begin(platform)
            for command in LIFE:
                reservation = perform(reservation, command, gateway, policy=ONCE)
        sizes.append(resident())
    return Soaked(updates, time.perf_counter() - begun, tuple(sizes), len(platform.all()))


def over_http(updates: int) -> Soaked:
    """Update over HTTP, 32 reservations at a time, from the same process."""
    with running_emulator(Platform(ManualClock())) as emulator:
        people(emulator.platform)
        begun = time.perf_counter()
        sizes = asyncio.run(_update(emulator.url, emulator.platform, updates))
        return Soaked(updates, time.perf_counter() - begun, sizes, len(emulator.platform.all()))


async def _update(url: str, platform: Platform, updates: int) -> tuple[float, ...]:
    sizes: list[float] = []
    async with AsyncPyreqwestGateway(
        Credentials("AC" + "0" * 32, "token"), base_url=url
    ) as gateway:

        async def live(lives: Iterable[int]) -> None:
            for _ in lives:
                reservation = _begin(platform)
                for command in LIFE:
                    reservation = await aperform(reservation, command, gateway, policy=ONCE)

        for _ in range(TENTHS):
            lives = iter(
                range(updates // TENTHS // len(LIFE))
            )  # shared: who is free takes the next
            await asyncio.gather(*(live(lives) for _ in range(IN_FLIGHT)))
            sizes.append(resident())
    return tuple(sizes)


def main() -> None:
    """Soak, and print what it came to; the exit code says whether the memory was flat."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=1_000_000)
    parser.add_argument("--http", action="store_true")
    options = parser.parse_args()
    soaked = (over_http if options.http else in_process)(options.updates)
    sizes = " ".join(f"{size:.1f}" for size in soaked.sizes)
    print(
        f"{soaked.updates} updates in {soaked.seconds:.0f} s ({soaked.updates / soaked.seconds:.0f}/s), {soaked.held} reservations held"
    )
    print(f"resident MB after each tenth: {sizes} ({'flat' if soaked.is_flat else 'growing'})")
    sys.exit(not soaked.is_flat)


if __name__ == "__main__":
    main()
