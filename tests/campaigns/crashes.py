"""Processes that perform commands through a book and are killed, again and again: no command is lost, none is carried out twice.

``python -m tests.campaigns.crashes --store sqlite --rounds 200 --seed 1`` prints the counts; the exit code is 1 when anything is wrong. Also
``--store postgres``. The emulated platform lives in this process, behind a server on 127.0.0.1; each round a worker process opens the
book, recovers what the one before it left, and goes on, until it is killed (SIGKILL, by its id):

* *before* its request is carried out, which then is lost, or *late*: carried out when the next worker is at work;
* *between* the carrying out and the reply;
* *after* the reply, within the thousandths of a second in which the book writes it down;
* at *any* moment after its start: while it opens the book, or reads, or writes.

In the first half of the rounds the workers are known to be the sole writers, and then every command must end as done, and must have acted
exactly once. In the second half reservations also time out and are canceled, and what came of a command cannot always be known; but
what is called done has acted once, what is called not done never, and what is called unknown at most once.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Final
from urllib.parse import parse_qsl

import attrs

from reservation_core import Request, Status
from reservation_core.book import Book, Ending
from reservation_core.emulator import InMemoryGateway, Platform, StateConflict
from reservation_core.rest.messages import IF_MATCH
from reservation_core.testing.contract.loopback import Connection, LoopbackServer, response_head
from tests.book.scenario import pending
from tests.campaigns.crash_worker import COMMANDS, LONGEST, open_store, policy_of, work

STORES: Final = ("sqlite", "postgres")
POINTS: Final = ("before", "late", "between", "after", "any")
ENDS: Final = (Status.TIMEOUT, Status.CANCELED)
NEW: Final = 6
"""How many reservations each round begins with."""


class Scene:
    """The platform behind its server, and what befalls the worker that asks it."""

    def __init__(self, random: Random) -> None:
        self.random: Final = random
        self.platform: Final = Platform()
        self.gateway: Final = InMemoryGateway(self.platform)
        self.acts = Counter[tuple[str, str]]()
        self.kills = Counter[str]()
        self.rivals = False
        self.since = ""  # the first SID of the present half
        self._late: list[Request] = []
        self._lock: Final = threading.Lock()
        self._count = 0
        self._worker = 0
        self._point, self._at = "", 0

    def begin(self, worker: int, point: str, at: int) -> None:
        """Watch a worker, to kill it at such a point of the request of such a number."""
        with self._lock:
            self._worker, self._point, self._at, self._count = worker, point, at, 0

    def kill(self, point: str) -> None:
        """Kill the worker, once."""
        with self._lock:
            worker, self._worker = self._worker, 0
        if worker:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
                self.kills[point] += 1

    def answer(self, connection: Connection) -> bool:
        """Answer one request of the worker's, unless it is to be killed by then."""
        received = connection.receive()
        method, path, _ = received.line.split(" ")
        versions = [(IF_MATCH, version) for version in received.all(IF_MATCH)]
        request = Request(
            method, path, versions, tuple(parse_qsl(received.body.decode(), keep_blank_values=True))
        )
        with self._lock:
            self._count += 1
            point = self._point if self._count >= self._at and self._worker else ""
            late = [self._late.pop()] if self._late and self.random.random() < 0.5 else []
        for one in late:
            self.gateway.send(one)
        if point in ("before", "late") and method == "POST":
            self.kill(point)
            if point == "late":
                self._late.append(request)
            return False
        self._happen()
        reply = self.gateway.send(request)
        if point == "between" and method == "POST":
            self.kill(point)
            return False
        length = ("Content-Length", str(len(reply.body)))
        connection.write(
            response_head(f"{reply.status} -", [*reply.headers.pairs, length]) + reply.body
        )
        if point == "after":
            connection.pause(self.random.random() * 0.003)
            self.kill(point)
            return False
        return True

    def _happen(self) -> None:
        """Let what others do befall a reservation, now and then."""
        if self.rivals and self.random.random() < 0.15:
            held = self.random.choice(
                [held for held in self.platform.all() if str(held.sid) >= self.since]
            )
            with suppress(StateConflict):
                self.platform.set_status(str(held.sid), self.random.choice(ENDS))

    def count(self) -> None:
        """Count what was carried out since."""
        for act in tuple(self.platform.journal):
            if act.by == "client":
                self.acts[act.sid, act.trigger] += 1
        self.platform.journal.clear()

    def arrive(self) -> None:
        """Let what is under way arrive."""
        for one in self._late:
            self.gateway.send(one)
        self._late = []
        self.count()


@attrs.frozen
class Audit:
    """What the rounds came to."""

    commands: int
    endings: Counter[str]
    kills: Counter[str]
    lost: int
    double: int
    wrong: tuple[str, ...]


def campaign(kind: str, place: str, rounds: int, seed: int) -> Audit:
    """Run so many workers one after the other, each to be killed, and audit what the book says against what the platform did."""
    random = Random(seed)
    scene = Scene(random)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["tests.campaigns.crash_worker", "reservation_core.book.stores.postgres"]
    )
    sids: list[tuple[str, bool]] = []
    failed: list[str] = []
    with LoopbackServer(scene.answer, max_connections=8) as server:
        for number in range(rounds):
            alone = number < rounds // 2
            if scene.rivals is alone:  # what the first half left is made good as in the first half
                _make_good(kind, place, scene, sids, alone=True)
                scene.rivals, scene.since = True, pending(len(sids)).sid or ""
            news = [scene.platform.add(pending(len(sids) + index)) for index in range(NEW)]
            sids += [(str(new.sid), alone) for new in news]
            worker = context.Process(
                target=work,
                args=(
                    kind,
                    place,
                    server.origin,
                    news,
                    scene.since,
                    random.randrange(2**32),
                    alone,
                ),
            )
            worker.start()
            assert worker.pid
            point = random.choice(POINTS)
            scene.begin(worker.pid, point, random.randint(1, 20))
            worker.join(random.random() * 0.2 if point == "any" else LONGEST)
            if worker.is_alive():
                scene.kill("any")
            worker.join()
            if worker.exitcode not in (0, -signal.SIGKILL):
                failed.append(f"a worker ended with {worker.exitcode}")
            worker.close()
            scene.count()
            server.requests.clear()  # what is on record stays small
    scene.arrive()
    _make_good(kind, place, scene, sids, alone=False)
    scene.arrive()
    book = Book(open_store(kind, place))
    try:
        audit = _audit(book, scene, sids)
        return attrs.evolve(audit, wrong=(*failed, *audit.wrong))
    finally:
        book.close()


@contextmanager
def place_of(kind: str) -> Generator[str]:
    """Give a place for the book to be."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as directory:
            yield str(Path(directory) / "book.db")
    else:
        from tests.book.server import server

        with server() as make:
            yield make("book")


def _make_good(
    kind: str, place: str, scene: Scene, sids: Sequence[tuple[str, bool]], *, alone: bool
) -> None:
    """Recover and reconcile, as a service does after its start."""
    book, gateway = Book(open_store(kind, place)), scene.gateway
    try:
        for _ in range(20):  # the database may still be busy with what a worker left
            book.recover(gateway, older_than=0, lease=0, policy=policy_of(alone=alone))
            if not any(entry.intent for sid, _ in sids if (entry := book.get(sid))):
                break
            time.sleep(0.1)
        book.reconcile(gateway, older_than=0, lease=0, limit=len(sids))
    finally:
        book.close()
    scene.count()


def _audit(book: Book, scene: Scene, sids: Sequence[tuple[str, bool]]) -> Audit:
    endings, wrong = Counter[str](), list[str]()
    commands = lost = double = 0
    for sid, alone in sids:
        entry = book.get(sid)
        if entry is None:  # the worker that was told of it was killed before it could write
            if any(act[0] == sid for act in scene.acts):
                wrong.append("acted, but nothing is in the book")
            continue
        if entry.intent is not None:
            wrong.append("an intent is open")
        if entry.status is not scene.platform.get(sid).status:
            wrong.append("the book is not as the platform")
        ended = Counter(
            (line.type, line.outcome)
            for line in book.history(sid)
            if line.type in {command.trigger for command in COMMANDS}
        )
        for command in COMMANDS:
            name, acted = command.trigger, scene.acts[sid, command.trigger]
            intended, done, unknown, undone = (
                ended[name, ending]
                for ending in (Ending.INTENDED, Ending.DONE, Ending.UNKNOWN, Ending.NOT_DONE)
            )
            commands += intended
            endings += Counter(
                {str(Ending.DONE): done, str(Ending.UNKNOWN): unknown, str(Ending.NOT_DONE): undone}
            )
            lost += (
                max(0, done - acted)
                + max(0, intended - done - unknown - undone)
                + (intended - done if alone else 0)
            )
            double += max(0, acted - done - unknown)
    return Audit(commands, endings, scene.kills, lost, double, tuple(wrong))


def main(arguments: list[str] | None = None) -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.campaigns.crashes", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--store", choices=STORES, default="sqlite")
    parser.add_argument(
        "--rounds",
        type=int,
        default=200,
        help="how many workers, one after the other (default: 200)",
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    if options.rounds < 2:
        parser.error("--rounds must be 2 or more")
    began = time.perf_counter()
    with place_of(options.store) as place:
        audit = campaign(options.store, place, options.rounds, options.seed)
    say = sys.stdout.write
    say(
        f"commands           {audit.commands:>7,}   (seed {options.seed}, {options.store}, {time.perf_counter() - began:.0f} s)\n"
    )
    for name, count in sorted(audit.endings.items()):
        say(f"  {name:<16} {count:>7,}\n")
    say(f"kills              {audit.kills.total():>7,}\n")
    for name, count in sorted(audit.kills.items()):
        say(f"  {name:<16} {count:>7,}\n")
    say(f"lost commands      {audit.lost:>7,}\n")
    say(f"double actions     {audit.double:>7,}\n")
    say(f"otherwise wrong    {len(audit.wrong):>7,}\n")
    for what, count in sorted(Counter(audit.wrong).items()):
        say(f"  {what}: {count}\n")
    return bool(audit.lost or audit.double or audit.wrong)


if __name__ == "__main__":
    sys.exit(main())
