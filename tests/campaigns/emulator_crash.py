"""Kill the emulator during updates and compare its state after a restart.

Every task has three reservations, and every update accepts one of them, which rescinds the other
two in the same transaction. A task with one accepted and one pending reservation is half an update.
Four clients update as fast as they can. The process is killed (SIGKILL) once a given number of
updates is acknowledged, while others are under way.

    python -m tests.campaigns.emulator_crash --rounds 20
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs

from tests.emulator import wire
from tests.emulator.worlds import WORKERS, WORKSPACE, path

CLIENTS: Final = 4
TASKS: Final = 400


@attrs.frozen
class CrashResult:
    """Numbers of updates after kills and restarts.

    :param lost: acknowledged updates that are not in the state.
    :param halves: updates of which only a part is in the state.
    :param unacknowledged: updates in the state that were not acknowledged, which is allowed.
    """

    acknowledged: int = 0
    lost: int = 0
    halves: int = 0
    unacknowledged: int = 0

    def __add__(self, other: CrashResult) -> CrashResult:
        """Add up two results."""
        pairs = zip(attrs.astuple(self), attrs.astuple(other), strict=True)
        return CrashResult(*(mine + others for mine, others in pairs))


@contextmanager
def running_cli(
    state: Path, seed: Path | None = None
) -> Generator[tuple[subprocess.Popen[str], str]]:
    """Start the emulator from the command line, with its URL."""
    command = [sys.executable, "-m", "reservation_core.cli", "serve", "--port", "0", "--quiet"]
    command += ["--state", str(state), *(("--seed", str(seed)) if seed else ())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            output = process.stdout.readline() + process.stdout.readline()
            url = re.search(r"http://\S+:\d+", output)
            assert url, output
            yield process, url[0]
        finally:
            process.kill()


def _task(number: int, turn: int) -> str:
    return f"WT{turn:016x}{number:016x}"


def _reservation(number: int, worker: int, turn: int) -> str:
    return f"WR{turn:016x}{number:012x}{worker:04x}"


def _seed(turn: int) -> dict[str, object]:
    return {
        "workers": [{"workspace_sid": WORKSPACE, "sid": sid} for sid in WORKERS],
        "tasks": [
            {
                "workspace_sid": WORKSPACE,
                "sid": _task(number, turn),
                "reservation_timeout": 86_400,
                "reservations": [
                    {"worker_sid": sid, "sid": _reservation(number, index, turn)}
                    for index, sid in enumerate(WORKERS)
                ],
            }
            for number in range(TASKS)
        ],
    }


def _update(
    url: str, turn: int, tasks: range, acknowledged: list[str], enough: threading.Event, wanted: int
) -> None:
    """Accept one reservation of each task until the emulator is killed."""
    for number in tasks:
        sid = _reservation(number, number % len(WORKERS), turn)
        target = path(sid, _task(number, turn))
        try:
            answer = wire.ask(url, "POST", target, "ReservationStatus=accepted")
        except OSError:
            return
        if answer.status == 200:
            acknowledged.append(sid)
        if len(acknowledged) >= wanted:
            enough.set()
    enough.set()


def _run_round(folder: Path, turn: int, wanted: int) -> CrashResult:
    state, seed = folder / f"state{turn}.db", folder / f"seed{turn}.json"
    seed.write_text(json.dumps(_seed(turn)))
    acknowledged: list[str] = []
    enough = threading.Event()
    with running_cli(state, seed) as (process, url):
        ranges = [range(client, TASKS, CLIENTS) for client in range(CLIENTS)]
        clients = [
            threading.Thread(target=_update, args=(url, turn, tasks, acknowledged, enough, wanted))
            for tasks in ranges
        ]
        for client in clients:
            client.start()
        enough.wait(60)
        process.kill()
        for client in clients:
            client.join()
    with running_cli(state, seed) as (_, url):
        stored = wire.ask(url, "GET", "/_emulator/state").json["reservations"]
    status = {each["reservation"]["sid"]: each["reservation"]["status"] for each in stored}
    by_task = [
        sorted(status[_reservation(number, index, turn)] for index in range(len(WORKERS)))
        for number in range(TASKS)
    ]
    untouched, updated = ["pending"] * 3, ["accepted", "rescinded", "rescinded"]
    return CrashResult(
        acknowledged=len(acknowledged),
        lost=sum(status[sid] != "accepted" for sid in acknowledged),
        halves=sum(statuses not in (untouched, updated) for statuses in by_task),
        unacknowledged=sum(statuses != untouched for statuses in by_task) - len(acknowledged),
    )


def campaign(folder: Path, rounds: int, acknowledged: int) -> CrashResult:
    """Kill one emulator in each round and add up the results.

    :param acknowledged: updates before the first kill; one more in each further round.
    """
    result = CrashResult()
    for turn in range(rounds):
        result += _run_round(folder, turn, acknowledged + turn)
    return result


def main() -> None:
    """Run a campaign and print its result. The exit code is 1 if an update was lost or halved."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument(
        "--acknowledged", type=int, default=60, help="updates acknowledged before the first kill"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = campaign(Path(folder), options.rounds, options.acknowledged)
    print(
        f"{options.rounds} kills: {result.acknowledged} acknowledged updates, {result.lost} lost, "
        f"{result.halves} halved, {result.unacknowledged} stored without acknowledgment"
    )
    sys.exit(bool(result.lost or result.halves))


if __name__ == "__main__":
    main()
