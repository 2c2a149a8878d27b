"""Kill the emulator while it routes tasks, and look after a restart.

Four clients create tasks and accept the offers as fast as they can, by the official routes. The
process is killed (SIGKILL) once a given number of accepts is acknowledged, while others are under
way. Afterwards every acknowledged task and accept must be there, and the routing must be complete:
a task that still waits means that no worker is free.

    python -m tests.campaigns.routed_crash --rounds 20
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Final

import attrs

from tests.campaigns.emulator_crash import CLIENTS, running_cli
from tests.emulator import wire

WORKERS: Final = 6


@attrs.frozen
class RoutedCrashResult:
    """Numbers after kills and restarts.

    :param lost: acknowledged tasks and accepts that are not in the state.
    :param halves: tasks with two live reservations, or with none although a worker is free.
    """

    tasks: int = 0
    accepts: int = 0
    lost: int = 0
    halves: int = 0

    def __add__(self, other: RoutedCrashResult) -> RoutedCrashResult:
        """Add up two results."""
        pairs = zip(attrs.astuple(self), attrs.astuple(other), strict=True)
        return RoutedCrashResult(*(mine + others for mine, others in pairs))


def _post(url: str, path: str, form: str) -> dict[str, Any]:
    answer = wire.ask(url, "POST", path, form)
    assert answer.status in (200, 201), answer
    return dict(answer.json)


def _set_up(url: str) -> str:
    """Create a workspace with available workers, and return its path."""
    root = f"/v1/Workspaces/{_post(url, '/v1/Workspaces', 'FriendlyName=a&Template=FIFO')['sid']}"
    rows = wire.ask(url, "GET", f"{root}/Activities?Available=true").json["activities"]
    for number in range(WORKERS):
        _post(url, f"{root}/Workers", f"FriendlyName={number}&ActivitySid={rows[0]['sid']}")
    return root


class _Clients:
    """Clients of one emulator, and what it acknowledged to them."""

    def __init__(self, url: str, root: str, wanted: int) -> None:
        self.tasks: list[str] = []
        self.accepts: list[str] = []
        self.is_enough = threading.Event()
        self._url, self._root, self._wanted = url, root, wanted

    def work(self) -> None:
        """Create, accept and complete tasks until the emulator is killed."""
        try:
            while True:
                self._work_once()
        except (OSError, AssertionError, ValueError):
            self.is_enough.set()

    def _work_once(self) -> None:
        task = _post(self._url, f"{self._root}/Tasks", "Attributes=%7B%7D")["sid"]
        self.tasks.append(task)
        path = f"{self._root}/Tasks/{task}/Reservations"
        for row in wire.ask(self._url, "GET", path).json["reservations"]:
            _post(self._url, f"{path}/{row['sid']}", "ReservationStatus=accepted")
            self.accepts.append(row["sid"])
            if len(self.accepts) >= self._wanted:
                self.is_enough.set()
            _post(self._url, f"{path}/{row['sid']}", "ReservationStatus=completed")


def _run_round(folder: Path, turn: int, wanted: int) -> RoutedCrashResult:
    state = folder / f"state{turn}.db"
    with running_cli(state) as (process, url):
        root = _set_up(url)
        clients = _Clients(url, root, wanted)
        threads = [threading.Thread(target=clients.work) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        clients.is_enough.wait(60)
        process.kill()
        for thread in threads:
            thread.join()
    with running_cli(state) as (_, url):
        stored = wire.ask(url, "GET", "/_emulator/state").json
    live: dict[str, list[str]] = {}
    after: dict[str, str] = {}
    for each in stored["reservations"]:
        reservation = each["reservation"]
        after[reservation["sid"]] = reservation["status"]
        if reservation["status"] in ("pending", "accepted", "wrapping"):
            live.setdefault(reservation["task_sid"], []).append(reservation["worker_sid"])
    is_worker_free = len({worker for workers in live.values() for worker in workers}) < WORKERS
    waiting = [task for task in stored["tasks"] if task["status"] == "pending"]
    known = {task["sid"] for task in stored["tasks"]}
    lost_accepts = [
        sid for sid in clients.accepts if after.get(sid) not in ("accepted", "completed")
    ]
    return RoutedCrashResult(
        tasks=len(clients.tasks),
        accepts=len(clients.accepts),
        lost=len(set(clients.tasks) - known) + len(lost_accepts),
        halves=sum(len(workers) > 1 for workers in live.values()) + len(waiting) * is_worker_free,
    )


def campaign(folder: Path, rounds: int, accepts: int) -> RoutedCrashResult:
    """Kill one emulator in each round and add up the results.

    :param accepts: accepts before the first kill; one more in each further round.
    """
    result = RoutedCrashResult()
    for turn in range(rounds):
        result += _run_round(folder, turn, accepts + turn)
    return result


def main() -> None:
    """Run a campaign and print its result. The exit code is 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument(
        "--accepts", type=int, default=5, help="accepts acknowledged before the first kill"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = campaign(Path(folder), options.rounds, options.accepts)
    print(
        f"{options.rounds} kills: {result.tasks} acknowledged tasks, {result.accepts} accepts, "
        f"{result.lost} lost, {result.halves} halved"
    )
    sys.exit(bool(result.lost or result.halves))


if __name__ == "__main__":
    main()
