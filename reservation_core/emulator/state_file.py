"""File of a platform's workers, tasks, reservations and records.

It is a SQLite database with one row of JSON for each of them. Every transaction of the platform is
one transaction of the file, on the disk before it is acknowledged. After a crash the file is as it
was after the last acknowledged transaction, or after one more that was not acknowledged yet.

The journal is not stored. One process at a time can open the file.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Generator, Mapping
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
    Record,
    Snapshot,
    StoredReservation,
    Task,
    TaskOrder,
    Worker,
)
from reservation_core.emulator.platform.platform import Platform
from reservation_core.emulator.platform.settings import Settings

FORMAT: Final = 3
"""Format number of the file."""

READ_FORMATS: Final = (2, FORMAT)
"""Formats that are read. A file in an older one has the newest from then on."""

_T = TypeVar("_T", Worker, Task, StoredReservation, Record)


@attrs.frozen(slots=False)
class StateFileError(ReservationError):
    """A state file cannot be used.

    :param path: the file.
    :param problem: the reason.
    """

    path: str
    problem: str

    def __str__(self) -> str:
        """Name the file and the problem."""
        return f"cannot use {self.path} as a state file: {self.problem}. Choose another path"


class StateFile:
    """An open state file of one platform.

    :raises StateFileError: if it is another kind of file or format, is not writable, or is open in
        another process.
    """

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        with self._translate_errors():
            self._database = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False, timeout=0
            )
        try:
            with self._translate_errors():
                self._prepare()
        except BaseException:
            self._database.close()
            raise

    def _prepare(self) -> None:
        execute = self._database.execute
        for setting in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"):
            execute(f"PRAGMA {setting}")
        execute("BEGIN IMMEDIATE")  # locks the file for this process
        (found,) = execute("PRAGMA user_version").fetchone()
        is_empty = not execute("SELECT 1 FROM sqlite_schema").fetchone()
        if found not in READ_FORMATS and not (found == 0 and is_empty):
            problem = f"it has format {found}, not {FORMAT}, or is not a state file"
            raise StateFileError(str(self.path), problem)
        execute(
            "CREATE TABLE IF NOT EXISTS objects"
            " (sid TEXT PRIMARY KEY, kind TEXT NOT NULL, value TEXT NOT NULL)"
        )
        execute(f"PRAGMA user_version = {FORMAT}")
        execute("COMMIT")

    @contextmanager
    def _translate_errors(self) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            is_locked = "locked" in str(error)
            problem = "it is open in another process" if is_locked else str(error)
            raise StateFileError(str(self.path), problem) from None

    def write(self, changes: Changes) -> None:
        """Write one transaction and wait until it is on the disk.

        :raises StateFileError: if it cannot be written. Nothing of it is written then.
        """
        with self._translate_errors():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                self._write_rows(changes)
                self._database.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite may have rolled back already
                    self._database.execute("ROLLBACK")
                raise

    def _write_rows(self, changes: Changes) -> None:
        tables: tuple[tuple[str, Mapping[str, object]], ...] = (
            ("worker", changes.workers),
            ("task", changes.tasks),
            ("reservation", changes.reservations),
            ("record", changes.records),
        )
        self._database.executemany(
            "INSERT INTO objects VALUES (?, ?, ?)"
            " ON CONFLICT (sid) DO UPDATE SET value = excluded.value",
            (
                (sid, kind, json.dumps(as_json(value)))
                for kind, values in tables
                for sid, value in values.items()
            ),
        )
        self._database.executemany(
            "DELETE FROM objects WHERE sid = ?", ((sid,) for sid in changes.removed)
        )

    def load(self) -> Snapshot:
        """Return everything in the file.

        :raises StateFileError: if it cannot be read.
        """
        with self._translate_errors():
            try:
                return Snapshot(
                    self._load_all(Worker, "worker"),
                    self._load_all(Task, "task"),
                    self._load_all(StoredReservation, "reservation"),
                    self._load_all(Record, "record"),
                )
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                problem = f"its content is damaged ({type(error).__name__})"
                raise StateFileError(str(self.path), problem) from None

    def _load_all(self, cls: type[_T], kind: str) -> tuple[_T, ...]:
        query = "SELECT value FROM objects WHERE kind = ? ORDER BY rowid"
        rows = self._database.execute(query, (kind,))
        return tuple(cast("_T", _restore(cls, json.loads(value))) for (value,) in rows)

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _restore(cls: type, fields: Mapping[str, object]) -> object:
    readers = _field_readers(cls)
    return cls(**{name: readers[name](value) for name, value in fields.items()})


@cache
def _field_readers(cls: type) -> Mapping[str, Callable[[object], object]]:
    return {name: _field_reader(hint) for name, hint in get_type_hints(cls).items()}


def _field_reader(hint: object) -> Callable[[object], object]:
    """Return the function that converts a field's JSON to the annotated type."""
    for each in get_args(hint) or (hint,):
        if each is datetime:
            return lambda text: None if text is None else datetime.fromisoformat(cast("str", text))
        if each in (Reservation, TaskOrder):
            return lambda value: (
                None if value is None else _restore(each, cast("Mapping[str, object]", value))
            )
        if each is Links:
            return lambda value: (
                None if value is None else Links(tuple(cast("Mapping[str, str]", value).items()))
            )
        if isinstance(each, type) and issubclass(each, Enum):
            return each
    return lambda value: value


@contextmanager
def open_platform(
    path: Path | None, clock: Clock, *, settings: Settings | None = None
) -> Generator[Platform]:
    """Open a platform whose state is stored in a file.

    A clock that is behind the file is advanced, since the platform's time never goes back.

    :param path: the file; ``None`` to store nothing.
    :param clock: the platform's clock.
    :param settings: the platform's settings.
    :raises StateFileError: if the file cannot be used.
    """
    if path is None:
        yield Platform(clock, settings=settings)
        return
    file = StateFile(path)
    try:
        snapshot = file.load()
        dates = [
            *(task.date_updated for task in snapshot.tasks),
            *(worker.date_updated for worker in snapshot.workers),
            *(record.date_updated for record in snapshot.records),
        ]
        latest = max((date for date in dates if date is not None), default=clock.now())
        clock.advance(max(0.0, (latest - clock.now()).total_seconds()))
        platform = Platform(clock, settings=settings, on_commit=file.write)
        platform.restore(snapshot)
        yield platform
    finally:
        file.close()
