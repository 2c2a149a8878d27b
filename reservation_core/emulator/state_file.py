"""What a platform holds, kept in a file: every unit of work one transaction, on the disk before anybody is told of it.

The file is a SQLite database in which every worker, task and reservation is one row of JSON. A process that is killed leaves it as it
was after the last unit of work that was acknowledged, or with the one more that was not acknowledged yet: never with half of one.
The journal is not kept. One process at a time has the file.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Final, TypeVar, cast, get_args, get_type_hints

import attrs

from reservation_core.domain.errors import ReservationError
from reservation_core.domain.reservation import Links, Reservation
from reservation_core.emulator.documents import as_json
from reservation_core.emulator.platform.clock import Clock
from reservation_core.emulator.platform.model import (
    Changes,
    Snapshot,
    StoredReservation,
    Task,
    Worker,
)
from reservation_core.emulator.platform.platform import Platform
from reservation_core.emulator.platform.settings import Settings

FORMAT: Final = 1
"""The number of what is written here; a file of another number is not read."""

T = TypeVar("T", Worker, Task, StoredReservation)


@attrs.frozen(slots=False)
class StateFileError(ReservationError):
    """A state file cannot be used; ``problem`` says why."""

    path: str
    problem: str

    def __str__(self) -> str:
        """Name the file, the problem and the remedy."""
        return f"{self.path} cannot be used as a state file: {self.problem}; name another file, or move this one out of the way"


class StateFile:
    """A state file, opened for one platform. It is its ``keep``, and gives what was kept before.

    :raises StateFileError: when the file is of another kind or format, cannot be written, or another process has it.
    """

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        with self._blaming():
            self._base = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False, timeout=0
            )
        try:
            with self._blaming():
                self._prepare()
        except BaseException:
            self._base.close()
            raise

    def _prepare(self) -> None:
        for setting in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"):
            self._base.execute(f"PRAGMA {setting}")
        self._base.execute("BEGIN IMMEDIATE")  # which takes the file for this process
        (found,) = self._base.execute("PRAGMA user_version").fetchone()
        empty = not self._base.execute("SELECT 1 FROM sqlite_schema").fetchone()
        if found != FORMAT and not (found == 0 and empty):
            raise StateFileError(
                str(self.path),
                f"its format is number {found}, not {FORMAT}, or it is no state file at all",
            )
        self._base.execute(
            "CREATE TABLE IF NOT EXISTS kept (sid TEXT PRIMARY KEY, kind TEXT NOT NULL, value TEXT NOT NULL)"
        )
        self._base.execute(f"PRAGMA user_version = {FORMAT}")
        self._base.execute("COMMIT")

    @contextmanager
    def _blaming(self) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            locked = "another process has it" if "locked" in str(error) else str(error)
            raise StateFileError(str(self.path), locked) from None

    def keep(self, changes: Changes) -> None:
        """Write one unit of work, and wait until it is on the disk.

        :raises StateFileError: when it cannot be written; then nothing of it is.
        """
        with self._blaming():
            self._base.execute("BEGIN IMMEDIATE")
            try:
                self._write(changes)
                self._base.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # which says that SQLite has done it already
                    self._base.execute("ROLLBACK")
                raise

    def _write(self, changes: Changes) -> None:
        now: Iterable[tuple[str, Mapping[str, object]]] = (
            ("worker", changes.workers),
            ("task", changes.tasks),
            ("reservation", changes.reservations),
        )
        rows = [
            (sid, kind, json.dumps(as_json(value)))
            for kind, values in now
            for sid, value in values.items()
        ]
        self._base.executemany(
            "INSERT INTO kept VALUES (?, ?, ?) ON CONFLICT (sid) DO UPDATE SET value = excluded.value",
            rows,
        )
        if changes.removed:
            self._base.executemany(
                "DELETE FROM kept WHERE sid = ?", [(sid,) for sid in changes.removed]
            )

    def load(self) -> Snapshot:
        """Give all that was kept.

        :raises StateFileError: when it cannot be read.
        """

        def all_of(kind: type[T], name: str) -> tuple[T, ...]:
            rows = self._base.execute(
                "SELECT value FROM kept WHERE kind = ? ORDER BY rowid", (name,)
            )
            return tuple(cast("T", _restore(kind, json.loads(value))) for (value,) in rows)

        with self._blaming():
            try:
                return Snapshot(
                    all_of(Worker, "worker"),
                    all_of(Task, "task"),
                    all_of(StoredReservation, "reservation"),
                )
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise StateFileError(
                    str(self.path), f"what is in it is damaged ({type(error).__name__})"
                ) from None

    def close(self) -> None:
        """Let the file go."""
        self._base.close()


@cache
def _readers(kind: type) -> Mapping[str, Callable[[object], object]]:
    """Make what reads each field of a value, by its annotation."""
    return {name: _reader(hint) for name, hint in get_type_hints(kind).items()}


def _reader(hint: object) -> Callable[[object], object]:
    for each in get_args(hint) or (hint,):
        if each is datetime:
            return lambda text: None if text is None else datetime.fromisoformat(cast("str", text))
        if isinstance(each, type) and issubclass(each, (Reservation,)):
            return lambda value: _restore(Reservation, cast("Mapping[str, object]", value))
        if each is Links:
            return lambda value: (
                None if value is None else Links(tuple(cast("Mapping[str, str]", value).items()))
            )
        if isinstance(each, type) and issubclass(each, Enum):
            return each
    return lambda value: value


def _restore(kind: type, value: Mapping[str, object]) -> object:
    readers = _readers(kind)
    return kind(**{name: readers[name](each) for name, each in value.items()})


@contextmanager
def open_platform(
    path: Path | None, clock: Clock, *, settings: Settings | None = None
) -> Generator[Platform]:
    """Give a platform that goes on from what a file holds, and keeps there what changes; ``None`` for one that forgets.

    A clock that is behind what was kept is put forward: on the platform, time never goes back.

    :raises StateFileError: when the file cannot be used.
    """
    if path is None:
        yield Platform(clock, settings=settings or Settings())
        return
    store = StateFile(path)
    try:
        snapshot = store.load()
        dates = [task.date_updated for task in snapshot.tasks]
        behind = (max(dates) - clock.now()).total_seconds() if dates else 0
        if behind > 0:
            clock.advance(behind)
        platform = Platform(clock, settings=settings or Settings(), on_commit=store.keep)
        platform.restore(snapshot)
        yield platform
    finally:
        store.close()
