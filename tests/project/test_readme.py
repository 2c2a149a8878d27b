"""The README says what is so."""

import re
from typing import Any

import pytest
from hypothesis import settings

from reservation_core.domain.commands.catalogue import COMMANDS
from tests.project.readme import README, blocks, quickstart


@pytest.mark.parametrize(
    "block", blocks(), ids=[f"block-{number}" for number in range(1, len(blocks()) + 1)]
)
def test_every_code_block_runs(block: str) -> None:
    """Each Python block of the README runs by itself, from a reader's empty file."""
    exec(compile(block, "README.md", "exec"), {"__name__": "__main__"})


def test_the_quickstart_explains_its_refusal(capsys: pytest.CaptureFixture[str]) -> None:
    """The quickstart prints why the second answer is refused."""
    exec(compile(quickstart(), "README.md", "exec"), {"__name__": "__main__"})
    assert "Accept is refused while pending" in capsys.readouterr().out


def test_the_kit_finds_what_the_readme_says_it_finds() -> None:
    """The worked example's suite fails, and after shrinking it says, line by line, what the README shows."""
    text = README.read_text("utf-8")
    shown = re.search(
        r"<!-- the counterexample -->\n```text\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE
    )
    assert shown is not None
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(
        compile(
            next(block for block in blocks() if "ReservationRuns" in block), "README.md", "exec"
        ),
        names,
    )
    test = names["TestDesk"]
    test.settings = settings(test.settings, derandomize=True, database=None)
    with pytest.raises(AssertionError) as found:
        test("runTest").debug()
    said = "\n".join([str(found.value), *found.value.__notes__])
    for line in shown[1].splitlines():
        before, shows, said = said.partition(line)
        assert shows, f"{line!r} is not said after {before!r}"


def test_every_command_is_in_the_table() -> None:
    """The README's table of commands names all nine, with the right number of parameters where it gives one."""
    text = README.read_text("utf-8")
    for command in COMMANDS:
        assert f"`{command.__name__}`" in text
    counts = {command.__name__: len(command.parameters) for command in COMMANDS}
    for first, second, a, b in re.findall(
        r"\| `(\w+)`, `(\w+)` \|.*\| (\d+) and (\d+) parameters \|", text
    ):
        # the instruction itself is one of the page's parameters of that family
        assert (counts[first], counts[second]) == (int(a), int(b))


def test_it_links_only_to_files_that_are_there() -> None:
    """Every relative link and picture of the README leads to a file of the repository."""
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text("utf-8")):
        assert (README.parent / target).exists(), target
