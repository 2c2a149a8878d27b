"""The entry point: arguments, exit code and missing extras."""

import importlib
import runpy
import sys
from pathlib import Path
from types import ModuleType

import pytest

import reservation_core
from reservation_core import cli
from reservation_core.cli.main import main
from tests.cli.running import Result, run_process


def test_process_separates_output_error_and_exit_code() -> None:
    assert run_process("allowed", "completed") == Result(0, "nothing, completed is terminal\n", "")
    refused = run_process("encode", "call")
    assert (refused.code, refused.out) == (1, "")
    assert "Traceback" not in refused.err


@pytest.mark.parametrize("package", [cli, reservation_core])
def test_module_reads_the_arguments_of_the_process(
    package: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["reservation-core", "allowed", "onHold"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_path(
            str(Path(str(package.__file__)).with_name("__main__.py")), run_name="__main__"
        )
    assert capsys.readouterr().out == "nothing until the platform reports\n"


@pytest.mark.parametrize("missing", ["cyclopts", "rich"])
def test_main_without_its_extra_names_it(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    assert main(["demo"]) == 2
    assert capsys.readouterr() == (
        "",
        "the command line needs an extra: pip install 'reservation-core[cli]'\n",
    )


@pytest.mark.parametrize("name", ["reservation_core.__main__", "reservation_core.cli.__main__"])
def test_import_of_the_module_runs_nothing(name: str) -> None:
    assert importlib.import_module(name).main is main
