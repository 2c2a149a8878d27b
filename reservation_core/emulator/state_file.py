"""File of a platform's workers, tasks, reservations and records.

It is a SQLite database with one row of JSON for each of them. Every transaction of the platform is
one transaction of the file, on the disk before it is acknowledged. After a crash the file is as it
was after the last acknowledged transaction, or after one more that was not acknowledged yet.

The journal is not stored. One process at a time can open the file. A forked child cannot use its
parent's: SQLite would write over what the parent writes.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import attrs

from reservation_core.domain.errors import hides_locals
from reservation_core.domain.redaction import mask
from reservation_core.emulator.documents import as_json
from reservation_core.emulator.platform.clock import Clock
from reservation_core.emulator.platform.errors import StorageFailure
from reservation_core.emulator.platform.model import (
    Changes,
    Record,
    Snapshot,
    StoredReservation,
    Task,
    Worker,
)
from reservation_core.emulator.platform.platform import Platform
from reservation_core.emulator.platform.settings import Settings
from reservation_core.emulator.resources.declarations import find_wrong_value
from reservation_core.emulator.stored_values import from_json
from reservation_core.rest.addresses import SID_PREFIXES, is_sid

FORMAT: Final = 3
"""Format number of the file."""

READ_FORMATS: Final = (2, FORMAT)
"""Formats that are read. A file in an older one has the newest from then on."""

_KINDS: Final[Mapping[str, type[Any]]] = {
    "worker": Worker,
    "task": Task,
    "reservation": StoredReservation,
    "record": Record,
}
"""Kinds of rows, in the order of the fields of a snapshot."""

_ADDRESS: Final = tuple(name for name in SID_PREFIXES if name != "account_sid")
"""Fields of a reservation that its two paths need."""

_MAX_STEP: Final = 9e8  # seconds by which a clock can be advanced at once


@attrs.frozen(slots=False)
class StateFileError(StorageFailure):
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
        self._process: Final = os.getpid()
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
        except UnicodeDecodeError:  # a message of SQLite that repeats damaged text
            raise self._damage("its text is not UTF-8") from None
        except sqlite3.Error as error:
            is_locked = "locked" in str(error)
            problem = "it is open in another process" if is_locked else str(error)
            raise StateFileError(str(self.path), problem) from None

    def write(self, changes: Changes) -> None:
        """Write one transaction and wait until it is on the disk.

        :raises StateFileError: if it cannot be written. Nothing of it is written then.
        """
        if os.getpid() != self._process:
            raise StateFileError(str(self.path), "it was opened before a fork")
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
        values = (changes.workers, changes.tasks, changes.reservations, changes.records)
        tables: Iterable[tuple[str, Mapping[str, object]]] = zip(_KINDS, values, strict=True)
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

    @hides_locals(StateFileError)
    def load(self) -> Snapshot:
        """Return everything in the file.

        :raises StateFileError: if it cannot be read, or its content is damaged.
        """
        with self._translate_errors():
            (check,) = self._database.execute("PRAGMA quick_check(1)").fetchone()
            if check != "ok":
                raise self._damage(check)
            found: dict[str, list[Any]] = {kind: [] for kind in _KINDS}
            for row_sid, kind, text in self._database.execute(
                "SELECT sid, kind, value FROM objects ORDER BY rowid"
            ):
                try:
                    value = from_json(_KINDS[kind], json.loads(text, parse_constant=_refuse))
                except KeyError:
                    raise self._damage(f"{row_sid} is of the unknown kind {kind}") from None
                except (ValueError, TypeError, RecursionError) as error:
                    raise self._damage(f"{kind} {row_sid}: {error}") from None
                found[kind].append(value)
                if row_sid != _sid_of(value):
                    raise self._damage(f"{kind} {row_sid} has another SID inside")
        snapshot = Snapshot(*map(tuple, found.values()))
        if problem := _find_problem(snapshot):
            raise self._damage(problem)
        return snapshot

    def _damage(self, problem: str) -> StateFileError:
        return StateFileError(
            str(self.path), f"its content is damaged ({mask(problem, limit=200)})"
        )

    def close(self) -> None:
        """Close the file. A forked child leaves it open, as it is its parent's."""
        if os.getpid() == self._process:
            self._database.close()


def _refuse(word: str) -> object:
    raise ValueError(f"{word} is not JSON")


def _sid_of(value: Worker | Task | StoredReservation | Record) -> str | None:
    return value.reservation.sid if isinstance(value, StoredReservation) else value.sid


def _find_problem(snapshot: Snapshot) -> str | None:
    """Return a problem between rows, such as a missing task."""
    tasks = {task.sid for task in snapshot.tasks}
    numbers = set[int]()
    for stored in snapshot.reservations:
        reservation = stored.reservation
        if reservation.task_sid not in tasks:  # a worker may have been deleted since
            return f"reservation {reservation.sid}: its task {reservation.task_sid} is missing"
        if not re.fullmatch("[0-9]{1,15}", str(reservation.etag)):
            return f"reservation {reservation.sid}: its version is not a number"
        if stored.number in numbers:
            return f"reservation {reservation.sid}: its number is used twice"
        numbers.add(stored.number)
        for name in _ADDRESS:
            if not is_sid(getattr(reservation, name), name):
                return f"reservation {reservation.sid}: its {name} is not a SID"
    for record in snapshot.records:
        if (wrong := find_wrong_value(record.kind, record.fields)) is not None:
            return f"{record.kind} {record.sid}: {wrong} is missing or wrong"
    return None


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
        while (behind := (latest - clock.now()).total_seconds()) > 0:
            clock.advance(min(behind, _MAX_STEP))
        platform = Platform(clock, settings=settings, on_commit=file.write)
        platform.restore(snapshot)
        yield platform
    finally:
        file.close()
