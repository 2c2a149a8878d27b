"""Campaign of processes that perform commands through a book and are killed.

    python -m tests.campaigns.crashes --store sqlite --rounds 200 --workers 3 --seed 1

It checks that no command is lost and none is executed twice, and prints the counts. The exit code
is 1 if anything is wrong. The other store is ``--store postgres``. The emulated platform runs in
this process, behind a server on 127.0.0.1 for each worker. In each round a worker process opens the
book, recovers what the workers before it left, and continues until it is killed (SIGKILL, by its
id). Several workers run at the same time, on one SQLite file or one database:

* *before* its request is executed: the request is lost;
* *late*: as before, but the request is executed while the next worker runs;
* *between* execution and reply;
* *after* the reply, within 3 ms, while the book records it;
* at *any* time after its start: while it opens the book, reads or writes.

In the first half of the rounds the workers are sole writers. Then every command must end as done
and must have acted exactly once. In the second half reservations also time out and are canceled, so
that the outcome of a command cannot always be known. A command that ended as done must have acted
once, one that ended as not done never, and one that ended as unknown at most once.
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
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.context import ForkServerProcess
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
from tests.book.server import server as postgres_server
from tests.campaigns.crash_worker import (
    COMMANDS,
    MAX_SECONDS,
    MIN_AGE,
    make_policy,
    open_store,
    work,
)

STORES: Final = ("sqlite", "postgres")
POINTS: Final = ("before", "late", "between", "after", "any")
FINAL_STATUSES: Final = (Status.TIMEOUT, Status.CANCELED)
NEW_PER_ROUND: Final = 6
"""New reservations of each round."""


class KillingPlatform:
    """Emulated platform that kills the worker at a given point."""

    def __init__(self, random: Random) -> None:
        self.random: Final = random
        self.lock: Final = threading.Lock()
        self.platform: Final = Platform()
        self.gateway: Final = InMemoryGateway(self.platform)
        self.actions = Counter[tuple[str, str]]()
        self.kills = Counter[str]()
        self.has_rivals = False
        self.first_sid = ""  # of the present half
        self.late: list[Request] = []

    def send_a_late_request(self) -> None:
        """Execute one of the requests that are late, now and then."""
        with self.lock:
            late = [self.late.pop()] if self.late and self.random.random() < 0.5 else []
        for request in late:
            self.gateway.send(request)

    def act_as_rival(self) -> None:
        """End a reservation now and then."""
        if self.has_rivals and self.random.random() < 0.15:
            sids = [str(each.sid) for each in self.platform.all()]
            sid = self.random.choice([sid for sid in sids if sid >= self.first_sid])
            with suppress(StateConflict):
                self.platform.set_status(sid, self.random.choice(FINAL_STATUSES))

    def count_actions(self) -> None:
        """Count the commands that were executed, and clear the journal."""
        for action in tuple(self.platform.journal):
            if action.by == "client":
                self.actions[action.sid, action.trigger] += 1
        self.platform.journal.clear()

    def execute_late_requests(self) -> None:
        """Execute all requests that are late."""
        for request in self.late:
            self.gateway.send(request)
        self.late = []
        self.count_actions()


class Line:
    """Way from one worker to the platform, on which it is killed."""

    def __init__(self, platform: KillingPlatform) -> None:
        self._platform: Final = platform
        self._count = 0
        self._worker = 0
        self._point, self._kill_from = "", 0

    def watch_worker(self, worker: int, point: str, kill_from: int) -> None:
        """Kill a worker at a point of a numbered request."""
        with self._platform.lock:
            self._worker, self._point, self._kill_from, self._count = worker, point, kill_from, 0

    def kill(self, point: str) -> None:
        """Kill the worker, once."""
        with self._platform.lock:
            worker, self._worker = self._worker, 0
        if worker:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
                self._platform.kills[point] += 1

    def answer(self, connection: Connection) -> bool:
        """Answer one request of the worker, or kill it."""
        request, platform = _receive(connection), self._platform
        with platform.lock:
            self._count += 1
            point = self._point if self._count >= self._kill_from and self._worker else ""
        platform.send_a_late_request()
        is_update = request.method == "POST"
        if point in ("before", "late") and is_update:
            self.kill(point)
            if point == "late":
                platform.late.append(request)
            return False
        platform.act_as_rival()
        reply = platform.gateway.send(request)
        if point == "between" and is_update:
            self.kill(point)
            return False
        length = ("Content-Length", str(len(reply.body)))
        head = response_head(f"{reply.status} -", [*reply.headers.pairs, length])
        connection.write(head + reply.body)
        if point == "after":
            connection.pause(platform.random.random() * 0.003)
            self.kill(point)
            return False
        return True


def _receive(connection: Connection) -> Request:
    received = connection.receive()
    method, path, _ = received.line.split(" ")
    versions = [(IF_MATCH, version) for version in received.all(IF_MATCH)]
    form = parse_qsl(received.body.decode(), keep_blank_values=True)
    return Request(method, path, versions, tuple(form))


@attrs.frozen
class Audit:
    """Counts of all rounds."""

    commands: int
    endings: Counter[str]
    kills: Counter[str]
    lost: int
    double: int
    wrong: tuple[str, ...]


@attrs.frozen
class Created:
    """A reservation, and true if only the workers wrote to it."""

    sid: str
    is_alone: bool


@attrs.frozen(eq=False)
class _Worker:
    process: ForkServerProcess
    line: Line
    point: str


class Campaign:
    """Rounds of workers on one book.

    :param workers: number of workers at the same time.
    """

    def __init__(
        self, kind: str, location: str, rounds: int, seed: int, *, workers: int = 1
    ) -> None:
        self._kind, self._location, self._rounds = kind, location, rounds
        self._workers = workers
        self._random = Random(seed)
        self._platform = KillingPlatform(self._random)
        self._created: list[Created] = []
        self._failures: list[str] = []
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(
            ["tests.campaigns.crash_worker", "reservation_core.book.stores.postgres"]
        )

    def run(self) -> Audit:
        """Run all workers and audit the book."""
        lines = [Line(self._platform) for _ in range(self._workers)]
        with ExitStack() as running:
            servers = [
                running.enter_context(LoopbackServer(line.answer, max_connections=8))
                for line in lines
            ]
            for number in range(0, self._rounds, self._workers):
                is_alone = number < self._rounds // 2
                if self._platform.has_rivals is is_alone:  # the first half is over
                    self._recover(is_alone=True)
                    self._platform.has_rivals = True
                    self._platform.first_sid = str(pending(len(self._created)).sid)
                started = [
                    self._start_worker(server.origin, line, is_alone=is_alone)
                    for server, line in zip(servers, lines, strict=True)
                ]
                for worker in started:
                    self._await_worker(worker)
                self._platform.count_actions()
                for server in servers:
                    server.requests.clear()  # saves memory
        self._platform.execute_late_requests()
        self._recover(is_alone=False)
        self._platform.execute_late_requests()
        with self._open_book() as book:
            audit = _audit(book, self._platform, self._created)
        return attrs.evolve(audit, wrong=(*self._failures, *audit.wrong))

    @contextmanager
    def _open_book(self) -> Generator[Book]:
        book = Book(open_store(self._kind, self._location))
        try:
            yield book
        finally:
            book.close()

    def _start_worker(self, origin: str, line: Line, *, is_alone: bool) -> _Worker:
        random, platform = self._random, self._platform
        first = len(self._created)
        new = [platform.platform.add(pending(first + index)) for index in range(NEW_PER_ROUND)]
        self._created += [Created(str(each.sid), is_alone) for each in new]
        seed = random.randrange(2**32)
        min_age = MIN_AGE if self._workers > 1 else 0.0
        process = self._processes.Process(
            target=work,
            args=(
                self._kind,
                self._location,
                origin,
                new,
                platform.first_sid,
                seed,
                is_alone,
                min_age,
            ),
        )
        process.start()
        assert process.pid
        point = random.choice(POINTS)
        line.watch_worker(process.pid, point, random.randint(1, 20))
        return _Worker(process, line, point)

    def _await_worker(self, worker: _Worker) -> None:
        process = worker.process
        process.join(self._random.random() * 0.2 if worker.point == "any" else MAX_SECONDS)
        if process.is_alive():
            worker.line.kill("any")
        process.join()
        if process.exitcode not in (0, -signal.SIGKILL):
            self._failures.append(f"a worker ended with {process.exitcode}")
        process.close()

    def _recover(self, *, is_alone: bool) -> None:
        """Recover and reconcile, as a service does after its start."""
        policy = make_policy(is_alone=is_alone)
        with self._open_book() as book:
            for _ in range(20):  # the database may still be busy with the last worker's data
                book.recover(self._platform.gateway, older_than=0, lease=0, policy=policy)
                entries = [book.get(created.sid) for created in self._created]
                if not any(entry.intent for entry in entries if entry):
                    break
                time.sleep(0.1)
            limit = len(self._created)
            book.reconcile(self._platform.gateway, older_than=0, lease=0, limit=limit)
        self._platform.count_actions()


@contextmanager
def temporary_location(kind: str) -> Generator[str]:
    """Give a location for a book."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as directory:
            yield str(Path(directory) / "book.db")
    else:
        with postgres_server() as make:
            yield make("book")


def _audit(book: Book, platform: KillingPlatform, reservations: Sequence[Created]) -> Audit:
    endings, wrong = Counter[str](), list[str]()
    commands = lost = double = 0
    triggers = [command.trigger for command in COMMANDS]
    for created in reservations:
        entry = book.get(created.sid)
        if entry is None:  # its worker was killed before it could record it
            if any(sid == created.sid for sid, _ in platform.actions):
                wrong.append("acted, but the book has no entry")
            continue
        if entry.intent is not None:
            wrong.append("an intent is open")
        if entry.status is not platform.platform.get(created.sid).status:
            wrong.append("the book differs from the platform")
        history = book.history(created.sid)
        counts = Counter((line.type, line.outcome) for line in history if line.type in triggers)
        for trigger in triggers:
            acted = platform.actions[created.sid, trigger]
            intended = counts[trigger, Ending.INTENDED]
            done = counts[trigger, Ending.DONE]
            unknown = counts[trigger, Ending.UNKNOWN]
            not_done = counts[trigger, Ending.NOT_DONE]
            commands += intended
            endings += Counter(
                {
                    Ending.DONE.value: done,
                    Ending.UNKNOWN.value: unknown,
                    Ending.NOT_DONE.value: not_done,
                }
            )
            lost += max(0, done - acted) + max(0, intended - done - unknown - not_done)
            lost += intended - done if created.is_alone else 0
            double += max(0, acted - done - unknown)
    return Audit(commands, endings, platform.kills, lost, double, tuple(wrong))


def main(arguments: list[str] | None = None) -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.campaigns.crashes", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--store", choices=STORES, default="sqlite")
    parser.add_argument("--rounds", type=int, default=200, help="number of workers altogether")
    parser.add_argument("--workers", type=int, default=1, help="number at the same time")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    if options.rounds < 2:
        parser.error("--rounds must be 2 or more")
    start = time.perf_counter()
    with temporary_location(options.store) as location:
        campaign = Campaign(
            options.store, location, options.rounds, options.seed, workers=options.workers
        )
        audit = campaign.run()
    seconds = time.perf_counter() - start
    sys.stdout.write(
        f"commands           {audit.commands:>7,}   "
        f"(seed {options.seed}, {options.store}, {seconds:.0f} s)\n"
    )
    for name, count in sorted(audit.endings.items()):
        sys.stdout.write(f"  {name:<16} {count:>7,}\n")
    sys.stdout.write(f"kills              {audit.kills.total():>7,}\n")
    for name, count in sorted(audit.kills.items()):
        sys.stdout.write(f"  {name:<16} {count:>7,}\n")
    sys.stdout.write(f"lost commands      {audit.lost:>7,}\n")
    sys.stdout.write(f"double actions     {audit.double:>7,}\n")
    sys.stdout.write(f"otherwise wrong    {len(audit.wrong):>7,}\n")
    for problem, count in sorted(Counter(audit.wrong).items()):
        sys.stdout.write(f"  {problem}: {count}\n")
    return bool(audit.lost or audit.double or audit.wrong)


if __name__ == "__main__":
    sys.exit(main())
