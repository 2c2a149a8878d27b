"""The generated parts of the site."""

import importlib
import inspect
import re
from pathlib import Path

import pytest
from twilio.rest.taskrouter.v1.workspace.task.reservation import ReservationContext  # pyright: ignore[reportMissingTypeStubs]

from reservation_core.domain.commands.catalogue import COMMANDS
from tests.docs.api import IMPORTED_FROM, write_room
from tests.docs.generated import (
    FILES,
    PARTS,
    fill,
    update_pages,
    write_cli_help,
    write_generated,
    write_keyword,
)
from tests.docs.pages import DOCS, PAGES


def test_every_part_is_written_and_left_alone_if_up_to_date(tmp_path: Path) -> None:
    folder = tmp_path / "generated"
    write_generated(folder)
    times = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert times.keys() == FILES.keys()
    assert all(path.read_text("utf-8").strip() for path in folder.iterdir())
    write_generated(folder)
    assert times == {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_pages_are_up_to_date() -> None:
    assert update_pages(DOCS, check=True) == [], "run python -m tests.docs.generated"


def test_every_page_with_a_generated_part_is_written(tmp_path: Path) -> None:
    marked = {
        str(page.relative_to(DOCS)) for page in PAGES if "tests.docs.generated" in page.read_text()
    }
    assert marked | {"../diagrams/emulator.md"} == PARTS.keys()
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in PARTS:
        page = docs / name
        page.parent.mkdir(exist_ok=True)
        page.write_text(fill((DOCS / name).read_text("utf-8"), "old"), "utf-8")
    assert update_pages(docs, check=True) == list(PARTS)
    assert update_pages(docs) == list(PARTS)
    assert update_pages(docs) == []
    assert all((docs / name).read_bytes() == (DOCS / name).read_bytes() for name in PARTS)


def test_help_of_every_command_is_shown() -> None:
    shown = write_cli_help()
    overview = shown.partition("Commands\n")[2].partition("--help")[0]
    commands = re.findall(r"^ ([a-z]+) {2,}", overview, re.MULTILINE)
    assert {"demo", "serve", "parity"} < set(commands)
    headings = re.findall(r"^## `reservation-core ([a-z]+)`$", shown, re.MULTILINE)
    assert sorted(headings) == sorted(commands)


def test_only_api_pages_need_sphinx() -> None:
    including = [page for page in PAGES if "_generated/" in page.read_text("utf-8")]
    assert [page.parent.name for page in including] == ["api"] * len(FILES)


def test_keywords_are_those_of_the_official_client() -> None:
    ours = {write_keyword(parameter.wire_name) for c in COMMANDS for parameter in c.parameters}
    ours |= {write_keyword(command.first_pair[0]) for command in COMMANDS}
    theirs = set(inspect.signature(ReservationContext.update).parameters)
    assert ours == theirs - {"self", "if_match"}


@pytest.mark.parametrize("package", sorted(set(filter(None, IMPORTED_FROM.values()))))
def test_every_exported_class_and_function_is_documented_once(package: str) -> None:
    directives = re.findall(
        rf"^\.\. auto(?:class|exception|function):: {re.escape(package)}\.(\w+)$",
        "\n".join(map(write_room, IMPORTED_FROM)),
        flags=re.MULTILINE,
    )
    exporting = importlib.import_module(package)
    assert sorted(directives) == sorted(
        name
        for name in exporting.__all__
        if inspect.isclass(getattr(exporting, name)) or inspect.isfunction(getattr(exporting, name))
    )


def test_help_does_not_depend_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    text = write_cli_help()
    monkeypatch.setenv("COLUMNS", "40")
    assert write_cli_help() == text
