"""Hypothesis draws right objects of the library's classes, whichever of the two is imported first, and neither import costs the other."""

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

import _reservation_core_hypothesis
import reservation_core
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
PROMISED: Final = {Command, Conference, Reservation, Status}
USE: Final = """
from hypothesis import find, strategies as st
from reservation_core import Conference
assert find(st.from_type(Conference), lambda command: True) == Conference()
"""


@pytest.mark.parametrize(
    "kind",
    [Command, *COMMANDS, Reservation, Status, Address, Request, Reply],
    ids=lambda kind: kind.__name__,
)
def test_every_draw_is_right(kind: type[object]) -> None:
    """All draws from a class are objects of it, a hundred of a hundred of those that are promised."""
    number = 100 if kind in PROMISED else 20
    found = drawn(st.from_type(kind), number)
    assert len(found) == number
    assert all(isinstance(one, kind) for one in found)


def test_they_are_of_use() -> None:
    """Reservations are of every status, on hold too, and can be addressed; replies are good ones and refusals."""
    reservations = drawn(st.from_type(Reservation), 100)
    assert {one.status for one in reservations} == set(Status)
    assert {one.on_hold for one in reservations} == {True, False}
    found: list[Reservation | Address] = [*reservations, *drawn(st.from_type(Address), 10)]
    assert all(prepare_fetch(one).method == "GET" for one in found)
    replies = drawn(st.from_type(Reply), 100)
    assert {reply.status // 100 for reply in replies} == {2, 4, 5}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write what an installer leaves of the project's entry points, and give its place."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    place = tmp_path_factory.mktemp("site")
    info = place / "reservation_core-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: reservation-core\nVersion: 0\n")
    points = cast("Mapping[str, str]", project["entry-points"]["hypothesis"])
    (info / "entry_points.txt").write_text(
        "[hypothesis]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
    )
    return str(place)


def modules_after(installed: str, *steps: str) -> list[set[str]]:
    """Give the names of the library's and the kit's modules that a fresh interpreter holds after each of these steps."""
    wanted = "[name for name in sys.modules if name.startswith(('reservation_core', 'hypothesis'))]"
    script = f"import sys, json; sys.path[:0] = [{str(ROOT)!r}, {installed!r}]\n"
    script += "".join(f"{step}\nprint(json.dumps({wanted}))\n" for step in steps)
    run = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return [set(cast("list[str]", json.loads(line))) for line in run.stdout.splitlines()]


KIT: Final = "reservation_core.testing.strategies"


def test_hypothesis_first(installed: str) -> None:
    """Hypothesis does not import the library; imported after it, the library registers itself, and the kit comes with the first draw."""
    alone, both, used = modules_after(
        installed, "import hypothesis", "import reservation_core", USE
    )
    assert not any(name.startswith("reservation_core") for name in alone)
    assert "reservation_core.testing.registration" in both
    assert not any(name.startswith(KIT) for name in both)
    assert KIT in used


def test_the_library_first(installed: str) -> None:
    """The library does not import hypothesis; imported after it, hypothesis finds it, and the kit comes with the first draw."""
    alone, both, used = modules_after(
        installed, "import reservation_core", "import hypothesis", USE
    )
    assert not any(name.startswith("hypothesis") for name in alone)
    assert "reservation_core.testing.registration" in both
    assert not any(name.startswith(KIT) for name in both)
    assert KIT in used


def test_pytest_stays_without_hypothesis(installed: str) -> None:
    """Importing pytest, or the library beside it, imports no hypothesis."""
    after, beside = modules_after(
        installed,
        "import pytest",
        "import reservation_core.testing, reservation_core.testing.faults",
    )
    assert not any(name.startswith("hypothesis") for name in after | beside)


def test_each_registers_only_when_the_other_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry point and the library's import each register once when the other is there, and not at all when it is not."""
    registered: list[str] = []
    monkeypatch.setattr(registration, "register", lambda: registered.append("now"))
    for module, act in (
        ("reservation_core", _reservation_core_hypothesis.register),
        ("hypothesis.strategies", lambda: importlib.reload(reservation_core)),
    ):
        registered.clear()
        act()
        assert registered == ["now"]
        with monkeypatch.context() as without:
            without.delitem(sys.modules, module)
            if module == "reservation_core":
                act()
            else:
                exec(
                    compile(
                        Path(reservation_core.__file__).read_bytes(),
                        reservation_core.__file__,
                        "exec",
                    ),
                    {"__name__": "again"},
                )
        assert registered == ["now"]
