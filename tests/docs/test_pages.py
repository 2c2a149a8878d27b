"""The pages' code and links."""

import doctest
import importlib
import logging
import pkgutil
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.docs.pages import DOCS, PAGES, README, ROOT, read_code_blocks

ALL = [README, *PAGES]
CHECKER = doctest.OutputChecker()


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def restored_logging() -> Generator[None]:
    """Restore the loggers that a page configures."""
    names = (None, "reservation_core.delivery", "transitions")
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger, logger.level, logger.handlers[:]) for logger in loggers]
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.mark.usefixtures("restored_logging")
@pytest.mark.parametrize("page", [page for page in ALL if any(read_code_blocks(page))], ids=_name)
def test_code_blocks_run_and_print_what_is_shown(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for block in read_code_blocks(page):
        code = "\n" * (block.line - 1) + block.code  # so that a traceback shows the page's line
        exec(compile(code, str(page), "exec"), names)
        printed = capsys.readouterr().out
        if block.output is not None:
            same = CHECKER.check_output(block.output, printed, doctest.ELLIPSIS)
            assert same, f"{_name(page)}:{block.line} printed:\n{printed}"


@pytest.mark.parametrize("page", ALL, ids=_name)
def test_every_output_block_follows_a_python_block(page: Path) -> None:
    shown = page.read_text("utf-8").count("\n```output\n")
    assert shown == sum(block.output is not None for block in read_code_blocks(page))


@pytest.mark.parametrize("page", ALL, ids=_name)
def test_links_and_pictures_lead_to_existing_files(page: Path) -> None:
    missing = [target for _, target in _links(page) if not (page.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_stay_inside_the_site(page: Path) -> None:
    outside = [
        target
        for mark, target in _links(page)
        if mark != "!" and not (page.parent / target).resolve().is_relative_to(DOCS)
    ]
    assert outside == [], "name a file outside docs/ as code, not as a link"


def _links(page: Path) -> list[tuple[str, str]]:
    """Return the mark and the target of links to files. Pictures have the mark ``!``."""
    return re.findall(
        r"(!?)\[[^\]]*\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")
    )


def test_readme_names_every_room_and_is_short() -> None:
    text = README.read_text("utf-8")
    rooms = re.findall(r"^\*\*`(\w+)`\*\*:", text, flags=re.MULTILINE)
    package = importlib.import_module("reservation_core")
    found = {module.name for module in pkgutil.iter_modules(package.__path__) if module.ispkg}
    assert set(rooms) == found
    assert len(text.splitlines()) <= 130


def test_kit_prints_the_shown_counterexample() -> None:
    page = DOCS / "explanation" / "testing.md"
    shown = re.search(
        r"<!-- the counterexample -->\n```text\n(.*?)^```$",
        page.read_text("utf-8"),
        flags=re.DOTALL | re.MULTILINE,
    )
    assert shown is not None
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(next(read_code_blocks(page)).code, str(page), "exec"), names)
    test = names["TestDesk"]
    test.settings = settings(test.settings, derandomize=True, database=None)
    with pytest.raises(AssertionError) as found:
        test("runTest").debug()
    text = "\n".join([str(found.value), *found.value.__notes__])
    for line in shown[1].splitlines():
        before, is_shown, text = text.partition(line)
        assert is_shown, f"{line!r} is not printed after {before!r}"
