"""Canaries in files: settings, seeds, reports of parity runs and state files."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from reservation_core import ReservationError
from reservation_core.emulator import ManualClock, Settings, SettingsFileError
from reservation_core.emulator.control.seed import read_seed_file
from reservation_core.emulator.documents import UnreadableDocument
from reservation_core.emulator.state_file import StateFileError, open_platform
from reservation_core.parity.observations import ParityFileError, read_observations
from tests.emulator.worlds import people
from tests.project.secrecy.canaries import CONTACT, NAME, PASSWORD, PHONE, Case

_CONTENTS: Final = {
    "broken": f'{{"name": "{NAME}", "number": "{PHONE}", '.encode(),
    "not UTF-8": f'{{"name": "{NAME}'.encode() + b"\xff",
    "a list": json.dumps([PHONE, NAME]).encode(),
    "unknown fields": json.dumps({CONTACT: NAME}).encode(),
    "wrong fields": json.dumps(
        {"strict": PHONE, "workers": [{"sid": CONTACT, "name": [NAME]}], "format": NAME}
    ).encode(),
    "damaged findings": json.dumps({"format": 1, "findings": [NAME]}).encode(),
    "accounts": json.dumps({"accounts": {"AC1": PASSWORD}}).encode(),
}


def _open_state(path: Path) -> None:
    with open_platform(path, ManualClock()):
        pass


_READERS: Final[dict[str, tuple[Callable[[Path], object], type[ReservationError]]]] = {
    "settings": (Settings.load, SettingsFileError),
    "a seed": (read_seed_file, UnreadableDocument),
    "a report": (read_observations, ParityFileError),
    "a state file": (_open_state, StateFileError),
}


def _read(read: Callable[[Path], object], content: bytes, error: type[ReservationError]) -> Case:
    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "file.json")
            path.write_bytes(content)
            read(path)

    return Case(run, error)


_DAMAGES: Final = {
    "cut": "substr(value, 1, length(value) - 3)",
    "not an object": "json_array(value)",
    "with a wrong status": f"json_set(value, '$.status', '{CONTACT}')",
    "with a wrong date": f"json_set(value, '$.date_created', '{PHONE}')",
    "with a wrong SID": f"json_set(value, '$.sid', '{CONTACT}')",
    "with an unknown field": f"json_set(value, '$.\"{CONTACT}\"', '{NAME}')",
    "that is not UTF-8": "CAST(x'ff' || CAST(value AS BLOB) AS TEXT)",
}


def _damaged(damage: str) -> Case:
    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "state.db")
            with open_platform(path, ManualClock()) as platform:
                world = people(platform)
                platform.set_task_attributes(platform.tasks()[0].sid, {"from": PHONE, "name": NAME})
                world.reserve()
            with sqlite3.connect(path) as database:
                database.execute(f"UPDATE objects SET value = {damage}")
            database.close()
            _open_state(path)

    return Case(run, StateFileError)


CASES: Final = {
    **{
        f"{kind}: {name}": _read(read, content, error)
        for kind, (read, error) in _READERS.items()
        for name, content in _CONTENTS.items()
    },
    **{f"a state {name}": _damaged(damage) for name, damage in _DAMAGES.items()},
}
