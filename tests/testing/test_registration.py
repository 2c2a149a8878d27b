from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

import pytest
from hypothesis import strategies as st

import reservation_core
from _reservation_core_plugins import hypothesis_plugin
from reservation_core import (
    Address,
    Command,
    Conference,
    Reply,
    Request,
    Reservation,
    Status,
    prepare_fetch,
)
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.testing import registration
from tests.testing.drawing import drawn

ROOT: Final = Path(reservation_core.__file__).parent.parent
MOST_USED: Final = {Command, Conference, Reservation, Status}
STRATEGIES: Final = "reservation_core.testing.strategies"
DRAW: Final = """
from hypothesis import find, strategies as st
from reservation_core import Conference
assert find(st.from_type(Conference), lambda command: True) == Conference()
"""


@pytest.mark.parametrize(
    "kind",
    [Command, *COMMANDS, Reservation, Status, Address, Request, Reply],
    ids=lambda kind: kind.__name__,
)
def test_every_class_can_be_drawn(kind: type[object]) -> None:
    number = 100 if kind in MOST_USED else 20
    found = drawn(st.from_type(kind), number)
    assert len(found) == number
    assert all(isinstance(each, kind) for each in found)


def test_draws_cover_the_interesting_cases() -> None:
    reservations = drawn(st.from_type(Reservation), 100)
    assert {each.status for each in reservations} == set(Status)
    assert {each.on_hold for each in reservations} == {True, False}
    addressed: list[Reservation | Address] = [*reservations, *drawn(st.from_type(Address), 10)]
    assert all(prepare_fetch(each).method == "GET" for each in addressed)
    replies = drawn(st.from_type(Reply), 100)
    assert {reply.status // 100 for reply in replies} == {2, 4, 5}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write the metadata of entry points. Return its directory."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    place = tmp_path_factory.mktemp("installed")
    info = place / "reservation_core-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: reservation-core\nVersion: 0\n")
    points = cast("Mapping[str, str]", project["entry-points"]["hypothesis"])
    (info / "entry_points.txt").write_text(
        "[hypothesis]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
    )
    return str(place)


def modules_after(installed: str, *steps: str) -> list[set[str]]:
    """Return the loaded modules after each statement."""
    wanted = "[name for name in sys.modules if name.startswith(('reservation_core', 'hypothesis'))]"
    script = f"import sys, json; sys.path[:0] = [{str(ROOT)!r}, {installed!r}]\n"
    script += "".join(f"{step}\nprint(json.dumps({wanted}))\n" for step in steps)
    run = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return [set(cast("list[str]", json.loads(line))) for line in run.stdout.splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "second"),
    [("hypothesis", "reservation_core"), ("reservation_core", "hypothesis")],
    ids=["hypothesis first", "library first"],
)
def test_classes_are_registered_in_either_import_order(
    installed: str, first: str, second: str
) -> None:
    alone, both, used = modules_after(installed, f"import {first}", f"import {second}", DRAW)
    assert not any(name.startswith(second) for name in alone)
    assert "reservation_core.testing.registration" in both
    assert not any(name.startswith(STRATEGIES) for name in both)
    assert STRATEGIES in used


@pytest.mark.slow
@pytest.mark.parametrize("module", ["registration", "strategies", "stateful"])
def test_module_of_the_kit_can_be_imported_first(installed: str, module: str) -> None:
    first, _ = modules_after(installed, f"import reservation_core.testing.{module}", DRAW)
    assert f"reservation_core.testing.{module}" in first


def test_pytest_and_the_kit_s_gateways_do_not_import_hypothesis(installed: str) -> None:
    after, beside = modules_after(
        installed,
        "import pytest",
        "import reservation_core.testing, reservation_core.testing.faults",
    )
    assert not any(name.startswith("hypothesis") for name in after | beside)


@pytest.mark.parametrize("is_imported", [True, False])
def test_entry_point_registers_only_an_imported_library(
    monkeypatch: pytest.MonkeyPatch, *, is_imported: bool
) -> None:
    registered: list[bool] = []
    monkeypatch.setattr(registration, "register", lambda: registered.append(True))
    if not is_imported:
        monkeypatch.delitem(sys.modules, "reservation_core")
    hypothesis_plugin.register()
    assert registered == [True] * is_imported


@pytest.mark.parametrize("is_imported", [True, False])
def test_library_registers_only_with_an_imported_hypothesis(
    monkeypatch: pytest.MonkeyPatch, *, is_imported: bool
) -> None:
    registered: list[bool] = []
    monkeypatch.setattr(registration, "register", lambda: registered.append(True))
    if is_imported:
        importlib.reload(reservation_core)
    else:
        monkeypatch.delitem(sys.modules, "hypothesis.strategies")
        file = reservation_core.__file__
        exec(compile(Path(file).read_bytes(), file, "exec"), {"__name__": "again"})
    assert registered == [True] * is_imported
