"""The tutorial and the how-to guides, followed literally."""

import sysconfig
from pathlib import Path

import pytest

from tests.docs.follow import Reader, read_steps
from tests.docs.pages import DOCS

TUTORIAL = DOCS / "tutorial.md"
GUIDES = [
    page for page in sorted(DOCS.glob("how-to/*.md")) if any(step.file for step in read_steps(page))
]

OFFLINE = {
    "PYTHONPATH": sysconfig.get_path("purelib"),  # where pip finds the dependencies
    "PIP_NO_INDEX": "1",
    "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it as the value of build_isolation
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}
"""Settings with which a new virtual environment needs no network."""


def test_tutorial_works_in_a_new_virtual_environment(tmp_path: Path) -> None:
    with Reader(tmp_path, OFFLINE) as reader:
        reader.follow(TUTORIAL)


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_guide_works(page: Path, tmp_path: Path) -> None:
    with Reader(tmp_path) as reader:
        reader.follow(page)


@pytest.mark.parametrize(
    ("blocks", "problem"),
    [
        ("```sh\necho one\n```\n<!-- prints -->\n```text\ntwo\n```\n", "not printed:\ntwo"),
        ("```sh\nfalse\n```\n", "is not in what was printed"),
        ('<!-- leave running: it, until "ready" -->\n```sh\nexit\n```\n', "'ready' is not in"),
    ],
    ids=["wrong output", "failed command", "command that ended"],
)
def test_reader_names_the_block_that_does_not_work(
    blocks: str, problem: str, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{blocks}", "utf-8")
    with Reader(tmp_path) as reader, pytest.raises(AssertionError, match=problem) as failure:
        reader.follow(page)
    assert failure.value.__notes__[0].startswith("in the block at page.md:")
