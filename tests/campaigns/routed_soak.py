"""Route a million tasks in one process and watch memory and cost.

A task is created through the emulated API every second. Its worker rejects every seventh offer,
lets every eleventh time out, and else accepts and completes the task. Ended tasks are deleted after
five minutes, so the number of stored tasks is bounded: memory and the cost of a task must be too.
Both are measured after each tenth. They are flat if they never exceed the first tenth's by more
than a tenth (memory) or a quarter (processor time, which other processes disturb).

    python -m tests.campaigns.routed_soak --tasks 1000000
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from typing import Final, cast

import attrs

from reservation_core import Accept, Complete, Reject
from reservation_core.emulator import JournalEntry, ManualClock, Platform
from reservation_core.emulator.resources.gateway import WorkspaceGateway
from tests.campaigns.soak import MAX_GROWTH, TENTHS, read_resident_set

WORKERS: Final = 10
REJECT_EVERY: Final = 7
TIME_OUT_EVERY: Final = 11
RESERVATION_TIMEOUT: Final = 5
MAX_COST_GROWTH: Final = 1.25
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


@attrs.frozen
class RoutedSoakResult:
    """Result of a soak of routed tasks.

    :param costs: microseconds of processor time for a task, in each tenth.
    :param sizes: the resident set in MB after each tenth.
    :param stored: tasks on the platform at the end.
    :param statuses: number of journal entries by status.
    """

    tasks: int
    costs: tuple[float, ...]
    sizes: tuple[float, ...]
    stored: int
    statuses: Counter[str]

    @property
    def is_flat(self) -> bool:
        """True if neither memory nor cost grew after the first tenth."""
        return (
            max(self.sizes[1:]) <= self.sizes[0] * MAX_GROWTH
            and max(self.costs[1:]) <= self.costs[0] * MAX_COST_GROWTH
        )


class RoutedPlatform:
    """A platform whose workers answer their offers at once."""

    def __init__(self) -> None:
        self.platform = Platform(ManualClock())
        self.statuses: Counter[str] = Counter()
        self._gateway = WorkspaceGateway(self.platform)
        self._offered: deque[str] = deque()
        self._offers = 0
        self.platform.subscribe(self._note)
        self._root = "/v1/Workspaces"
        self._root += f"/{self._post('', 'FriendlyName=a&Template=FIFO')['sid']}"
        self._free = self._sid_of("/Activities?FriendlyName=Available", "activities")
        workflow = self._sid_of("/Workflows", "workflows")
        timeout = f"TaskReservationTimeout={RESERVATION_TIMEOUT}"
        self._post(f"/Workflows/{workflow}", timeout)
        self._post("", f"TimeoutActivitySid={self._free}")  # workers stay available
        for number in range(WORKERS):
            self._post("/Workers", f"FriendlyName={number}&ActivitySid={self._free}")

    def _send(self, method: str, path: str, form: str = "") -> dict[str, object]:
        reply = self._gateway.receive(method, self._root + path, _FORM, form.encode())
        assert reply.status in (200, 201), reply.body
        content: dict[str, object] = json.loads(reply.body)
        return content

    def _post(self, path: str, form: str) -> dict[str, object]:
        return self._send("POST", path, form)

    def _sid_of(self, path: str, key: str) -> str:
        rows = cast("list[dict[str, str]]", self._send("GET", path)[key])
        return rows[0]["sid"]

    def _note(self, entry: JournalEntry) -> None:
        self.statuses[entry.reservation.status] += 1
        if entry.before is None:
            self._offered.append(entry.sid)

    def run_task(self) -> None:
        """Create a task, answer its offers, and advance the clock."""
        self._post("/Tasks", "Attributes=%7B%7D")
        while self._offered:
            self._offers += 1
            sid = self._offered.popleft()
            if self._offers % TIME_OUT_EVERY == 0:
                continue
            if self._offers % REJECT_EVERY == 0:
                self.platform.execute(sid, Reject())
                continue
            self.platform.execute(sid, Accept())
            self.platform.execute(sid, Complete())
        self.platform.advance(1)


def soak(tasks: int, report: Callable[[str], object] = str) -> RoutedSoakResult:
    """Route so many tasks.

    :param report: called with the numbers of each tenth.
    """
    world = RoutedPlatform()
    sizes, costs = list[float](), list[float]()
    for _ in range(TENTHS):
        start = time.process_time()
        for _ in range(tasks // TENTHS):
            world.run_task()
        costs.append((time.process_time() - start) / (tasks // TENTHS) * 1e6)
        sizes.append(read_resident_set())
        report(f"{costs[-1]:.0f} microseconds per task, {sizes[-1]:.1f} MB resident")
    stored = len(world.platform.tasks())
    return RoutedSoakResult(tasks, tuple(costs), tuple(sizes), stored, world.statuses)


def main() -> None:
    """Run a soak and print its result. The exit code is 1 if memory or cost grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    result = soak(parser.parse_args().tasks, partial(print, flush=True))
    print(f"{result.tasks} tasks, {result.stored} stored, {dict(result.statuses)}")
    print("flat" if result.is_flat else "growing")
    sys.exit(not result.is_flat)


if __name__ == "__main__":
    main()
