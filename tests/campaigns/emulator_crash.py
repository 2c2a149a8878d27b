"""Kills the emulator in the middle of updates and looks at what it has after a restart: ``python -m tests.campaigns.emulator_crash --rounds 20``.

Every task has three reservations, and every update accepts one of them, which rescinds the other two: one unit of work, so a task of
which one reservation is accepted and another still pending would be half an update. Four clients update as fast as they are answered;
the process is killed (SIGKILL) as soon as so many updates are acknowledged, while others are under way.
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

from reservation_core.emulator.platform.model import Changes
from tests.emulator import wire
from tests.emulator.worlds import WORKERS, WORKSPACE, path

__all__ = ["Changes", "Found", "campaign"]

CLIENTS: Final = 4
TASKS: Final = 400


@attrs.frozen
class Found:
    """What a campaign came to: updates acknowledged, those of them that were lost, and those that were there by halves.

    :param untold: those that were there though nobody had been told, which is no fault.
    """

    acknowledged: int = 0
    lost: int = 0
    halves: int = 0
    untold: int = 0

    def __add__(self, other: Found) -> Found:
        """Add up."""
        return Found(
            *(
                mine + others
                for mine, others in zip(attrs.astuple(self), attrs.astuple(other), strict=True)
            )
        )


@contextmanager
def emulator(state: Path, seed: Path) -> Generator[tuple[subprocess.Popen[str], str]]:
    """Start the emulator from the command line and give its process and its URL."""
    command = [
        sys.executable,
        "-m",
        "reservation_core.cli.main",
        "serve",
        "--port",
        "0",
        "--quiet",
        "--state",
        str(state),
        "--seed",
        str(seed),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            said = process.stdout.readline() + process.stdout.readline()
            found = re.search(r"http://\S+:\d+", said)
            assert found, said
            yield process, found[0]
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
                    {"worker_sid": sid, "sid": _reservation(number, at, turn)}
                    for at, sid in enumerate(WORKERS)
                ],
            }
            for number in range(TASKS)
        ],
    }


def _update(
    url: str, turn: int, mine: range, acknowledged: list[str], enough: threading.Event, wanted: int
) -> None:
    """Accept one reservation after the other until the emulator is gone."""
    for number in mine:
        sid = _reservation(number, number % len(WORKERS), turn)
        try:
            answer = wire.ask(
                url, "POST", path(sid, _task(number, turn)), "ReservationStatus=accepted"
            )
        except OSError:
            return
        if answer.status == 200:
            acknowledged.append(sid)
        if len(acknowledged) >= wanted:
            enough.set()
    enough.set()


def _round(folder: Path, turn: int, wanted: int) -> Found:
    """Let one emulator be killed and started again."""
    state, seed = folder / f"state{turn}.db", folder / f"seed{turn}.json"
    seed.write_text(json.dumps(_seed(turn)))
    acknowledged: list[str] = []
    enough = threading.Event()
    with emulator(state, seed) as (process, url):
        ranges = [range(client, TASKS, CLIENTS) for client in range(CLIENTS)]
        clients = [
            threading.Thread(target=_update, args=(url, turn, mine, acknowledged, enough, wanted))
            for mine in ranges
        ]
        for client in clients:
            client.start()
        enough.wait(60)
        process.kill()
        for client in clients:
            client.join()
    with emulator(state, seed) as (_, url):
        held = wire.ask(url, "GET", "/_emulator/state").json["reservations"]
    status = {each["reservation"]["sid"]: each["reservation"]["status"] for each in held}
    of_task = [
        sorted(status[_reservation(number, at, turn)] for at in range(len(WORKERS)))
        for number in range(TASKS)
    ]
    return Found(
        acknowledged=len(acknowledged),
        lost=sum(status[sid] != "accepted" for sid in acknowledged),
        halves=sum(
            each not in (["pending"] * 3, ["accepted", "rescinded", "rescinded"])
            for each in of_task
        ),
        untold=sum(each != ["pending"] * 3 for each in of_task) - len(acknowledged),
    )


def campaign(folder: Path, rounds: int, acknowledged: int) -> Found:
    """Kill so many emulators, each after so many acknowledged updates (a few more every round), and add up what was found."""
    found = Found()
    for turn in range(rounds):
        found += _round(folder, turn, acknowledged + turn)
    return found


def main() -> None:
    """Run a campaign and print what it came to; the exit code says whether anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument(
        "--acknowledged", type=int, default=60, help="updates acknowledged before the first kill"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = campaign(Path(folder), options.rounds, options.acknowledged)
    print(
        f"{options.rounds} kills: {found.acknowledged} acknowledged updates, {found.lost} lost, {found.halves} by halves, "
        f"{found.untold} done without having been acknowledged"
    )
    sys.exit(bool(found.lost or found.halves))


if __name__ == "__main__":
    main()
