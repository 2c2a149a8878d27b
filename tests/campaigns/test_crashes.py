"""No process that is killed loses a command or doubles one, whatever the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.campaigns.crashes import campaign, main


@pytest.mark.parametrize(("kind", "rounds"), [("sqlite", 6), ("postgres", 4)])
def test_no_crash_loses_or_doubles_a_command(
    kind: str, rounds: int, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    """Processes are killed at random points, and in the end the book is as the platform, and every command acted as the book says."""
    audit = campaign(
        kind, new_database() if kind == "postgres" else str(tmp_path / "book.db"), rounds, 1
    )
    assert (audit.lost, audit.double, audit.wrong) == (0, 0, ())
    assert 0 < audit.kills.total() <= rounds
    assert audit.commands > 0


def test_a_campaign_of_one_half_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A campaign without both of its halves is refused."""
    with pytest.raises(SystemExit, match="2"):
        main(["--rounds", "1"])
    assert "--rounds must be 2 or more" in capsys.readouterr().err


def test_the_counts_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints how many commands and kills there were, and what went wrong, which is nothing."""
    assert main(["--rounds", "2", "--seed", "3"]) == 0
    counts = dict(
        line.partition("(")[0].rsplit(maxsplit=1) for line in capsys.readouterr().out.splitlines()
    )
    assert (counts["lost commands"], counts["double actions"], counts["otherwise wrong"]) == (
        "0",
        "0",
        "0",
    )
    assert int(counts["commands"]) > 0
