"""The tutorial and the how-to guides, followed literally."""

import sysconfig
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.docs.follow import Reader, read_steps
from tests.docs.installed import PROJECT, hide_others, read_installed
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


@pytest.mark.slow
def test_tutorial_works_in_a_new_virtual_environment(tmp_path: Path) -> None:
    with Reader(tmp_path, OFFLINE) as reader:
        reader.follow(TUTORIAL)


@pytest.mark.slow
@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_guide_works_with_what_it_installs(
    page: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    environment = hide_others(tmp_path_factory.mktemp("hide"), page)
    with Reader(tmp_path, environment) as reader:
        reader.follow(page)


def test_reader_has_only_what_the_page_installs(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Do `pip install '/path/to/reservation-core[testing]'`.\n\n"
        "```sh\npython -c 'import hypothesis, attr'\npython -c 'import flask'\n```\n",
        "utf-8",
    )
    with (
        Reader(tmp_path, hide_others(tmp_path, page)) as reader,
        pytest.raises(AssertionError, match="No module named 'flask'"),
    ):
        reader.follow(page)


@pytest.mark.parametrize("page", sorted(DOCS.glob("how-to/*.md")), ids=lambda page: page.stem)
def test_guide_installs_existing_extras(page: Path) -> None:
    named = {extra for name in read_installed(page) for extra in Requirement(name).extras}
    assert named <= PROJECT["optional-dependencies"].keys()


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
