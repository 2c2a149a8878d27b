"""The program that writes the folder of diagrams."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from reservation_core.diagrams import __main__ as program

FOLDER = Path(__file__).parents[2] / "diagrams"


@pytest.mark.parametrize("name", program.FILES)
def test_committed_file_is_up_to_date(name: str) -> None:
    kept = (FOLDER / name).read_bytes()
    assert kept == program.FILES[name]().encode(), (
        "out of date: run python -m reservation_core.diagrams diagrams"
    )
    assert b"\r" not in kept
    assert kept.endswith(b"\n")


def test_folder_holds_only_generated_files() -> None:
    others = {"emulator.md"}  # of tests.docs.generated
    assert {path.name for path in FOLDER.iterdir()} == {*program.FILES, *others}


def test_check_names_outdated_files_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "diagrams"
    assert program.run([str(folder)]) == 0
    assert program.run([str(folder), "--check"]) == 0
    assert not capsys.readouterr().out

    (folder / "lifecycle.svg").write_text("old")
    (folder / "statuses.md").unlink()
    assert program.run([str(folder), "--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{folder / name} is out of date" for name in ("lifecycle.svg", "statuses.md")
    ]
    assert (folder / "lifecycle.svg").read_text() == "old"

    assert program.run([str(folder)]) == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        name: draw().encode() for name, draw in program.FILES.items()
    }


def test_program_exits_with_result_of_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["render", str(tmp_path), "--check"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(program.__file__, run_name="__main__")
    assert ended.value.code == 1
