"""Tests of the campaign of crashes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.campaigns.crashes import Campaign, main

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("kind", "rounds", "workers"), [("sqlite", 6, 1), ("sqlite", 6, 3), ("postgres", 6, 3)]
)
def test_crashes_neither_lose_nor_double_a_command(
    kind: str, rounds: int, workers: int, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    location = new_database() if kind == "postgres" else str(tmp_path / "book.db")
    audit = Campaign(kind, location, rounds, seed=1, workers=workers).run()
    assert (audit.lost, audit.double, audit.wrong) == (0, 0, ())
    assert 0 < audit.kills.total() <= rounds
    assert audit.commands > 0


def test_campaign_needs_two_rounds(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--rounds", "1"])
    assert "--rounds must be 2 or more" in capsys.readouterr().err


def test_main_prints_the_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rounds", "2", "--seed", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    counts = dict(line.partition("(")[0].rsplit(maxsplit=1) for line in lines)
    for name in ("lost commands", "double actions", "otherwise wrong"):
        assert counts[name] == "0"
    assert int(counts["commands"]) > 0
