"""The README's code, tables and links."""

import re
from typing import Any

import pytest
from hypothesis import settings

from reservation_core.domain.commands.catalogue import COMMANDS
from tests.project.readme import README, blocks, quickstart


@pytest.mark.parametrize(
    "block", blocks(), ids=[f"block-{number}" for number in range(1, len(blocks()) + 1)]
)
def test_code_block_runs(block: str) -> None:
    exec(compile(block, "README.md", "exec"), {"__name__": "__main__"})


def test_quickstart_prints_the_refusal(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(quickstart(), "README.md", "exec"), {"__name__": "__main__"})
    assert "Accept is refused while pending" in capsys.readouterr().out


def test_kit_prints_the_shown_counterexample() -> None:
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


def test_command_table_names_all_commands() -> None:
    text = README.read_text("utf-8")
    for command in COMMANDS:
        assert f"`{command.__name__}`" in text
    counts = {command.__name__: len(command.parameters) for command in COMMANDS}
    for first, second, a, b in re.findall(
        r"\| `(\w+)`, `(\w+)` \|.*\| (\d+) and (\d+) parameters \|", text
    ):
        # the instruction itself is one of the page's parameters of that family
        assert (counts[first], counts[second]) == (int(a), int(b))


def test_links_lead_to_existing_files() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text("utf-8")):
        assert (README.parent / target).exists(), target
