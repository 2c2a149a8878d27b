"""The pages' code and links."""

import doctest
import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, PAGES, ROOT, read_code_blocks

CHECKER = doctest.OutputChecker()


def _name(page: Path) -> str:
    return str(page.relative_to(DOCS))


@pytest.mark.parametrize("page", [page for page in PAGES if any(read_code_blocks(page))], ids=_name)
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


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_output_block_follows_a_python_block(page: Path) -> None:
    shown = page.read_text("utf-8").count("\n```output\n")
    assert shown == sum(block.output is not None for block in read_code_blocks(page))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_to_existing_files(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing == []
    outside = [link for link in links if not (page.parent / link).resolve().is_relative_to(DOCS)]
    assert outside == [], f"name a file outside {DOCS.relative_to(ROOT)}/ as code, not as a link"
