"""Campaign of corrupted SQLite files.

    python -m tests.campaigns.corruption --files 150 --seed 1

A book of 40 reservations is written, and its file is damaged: bytes are changed, the file is cut,
or a page is filled with zeros. Then every method of the book is called. Each call must return, or
raise an error of the book, within a minute. The command prints how often each error was raised. An
error of another class ends it.
"""

from __future__ import annotations

import argparse
import faulthandler
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from reservation_core import Conference, Status
from reservation_core.book import (
    Book,
    CommandInProgress,
    SQLiteStore,
    StoreFailed,
    UnreadableEntry,
)
from reservation_core.emulator import InMemoryGateway
from reservation_core.testing.contract.book import make
from tests.book.scenario import Scenario, sid

COUNT: Final = 40
PAGE: Final = 4096
IN_MEMORY: Final = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Directory in which files cost no time, on Linux."""
MAX_SECONDS: Final = 60
"""Seconds after which a call counts as hanging, and the command ends with a traceback."""


def write_book(path: Path) -> None:
    """Write a book of several pages, with open commands and histories."""
    store, scenario = SQLiteStore(path), Scenario(COUNT)
    book = Book(store, clock=scenario.clock)
    book.record_all(scenario.events)
    command = Conference(to="client:alice", conference_status_callback="https://example.com/")
    for number in range(10):
        entry = make.entry(number, revision=2, intent=make.intent(command))
        store.write([make.change(entry)])
    for number in range(COUNT):
        scenario.apply(Status.ACCEPTED, number)
    book.record_all(scenario.events)
    book.close()


def corrupt(content: bytes, random: Random) -> bytes:
    """Change bytes, cut the end off, or fill a page with zeros."""
    damaged = bytearray(content)
    match random.choice(("change", "change", "cut", "zeros")):
        case "change":
            for _ in range(random.randint(1, 40)):
                damaged[random.randrange(len(damaged))] ^= random.randint(1, 255)
        case "cut":
            del damaged[random.randrange(len(damaged)) :]
        case _:
            start = random.randrange(len(damaged) // PAGE) * PAGE
            damaged[start : start + PAGE] = bytes(PAGE)
    return bytes(damaged)


def use(path: Path) -> Counter[str]:
    """Call every method of a book. Return how often each class of error was raised."""
    failures = Counter[str]()
    try:
        store = SQLiteStore(path)
    except StoreFailed as error:
        failures[type(error).__name__] += 1
        return failures
    scenario = Scenario(COUNT)
    scenario.clock.advance(1000)
    book = Book(store, clock=scenario.clock, sleep=lambda _: None)
    for call in _calls(book, scenario, failures):
        try:
            call()
        except StoreFailed as error:
            failures[type(error).__name__] += 1
        except CommandInProgress:
            pass
    book.close()
    return failures


def _calls(
    book: Book, scenario: Scenario, failures: Counter[str]
) -> Iterator[Callable[[], object]]:
    gateway = InMemoryGateway(scenario.platform)

    def count(error: UnreadableEntry) -> None:
        failures[type(error).__name__] += 1

    yield lambda: list(book.live(on_unreadable=count))
    yield lambda: book.record_all(scenario.events)
    yield lambda: book.record_all([scenario.get(number) for number in range(COUNT)])
    yield lambda: book.due(0, lease=0)
    yield lambda: book.recover(gateway, lease=0)
    yield lambda: book.reconcile(gateway, lease=0)
    for number in range(0, COUNT, 5):
        yield partial(book.get, sid("WR", number))
        yield partial(book.history, sid("WR", number))
    for number in range(0, COUNT, 12):
        yield partial(book.forget, sid("WR", number))
    yield lambda: book.purge(0)


def corrupt_files(files: int, seed: int) -> Counter[str]:
    """Use many corrupted files. Return how often each class of error was raised."""
    failures = Counter[str]()
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as directory:
        path = Path(directory) / "book.db"
        write_book(path)
        content = path.read_bytes()
        for number in range(files):
            for beside in Path(directory).iterdir():
                beside.unlink()
            path.write_bytes(corrupt(content, Random(seed * 1_000_000 + number)))
            faulthandler.dump_traceback_later(MAX_SECONDS, exit=True, file=2)
            failures += use(path)
            faulthandler.cancel_dump_traceback_later()
    return failures


def main(arguments: list[str] | None = None) -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.campaigns.corruption",
        description=(__doc__ or "").partition("\n")[0],
    )
    parser.add_argument("--files", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    failures = corrupt_files(options.files, options.seed)
    sys.stdout.write(f"files              {options.files:,}   (seed {options.seed})\n")
    for name, count in sorted(failures.items()):
        sys.stdout.write(f"  {name:<16} {count:>7,}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
