"""Objects with a socket, thread or file refuse work after a fork."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_children_are_refused_at_once_and_end_and_the_parent_continues(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    """Two children use everything that their parent opened, close it and end."""
    command = [sys.executable, "-m", "tests.campaigns.forks", new_database(), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    outcomes = json.loads(done.stdout or "{}")
    assert done.returncode == 0, done.stderr
    used = dict.fromkeys(outcomes["first"], "used")
    assert (outcomes["first"], outcomes["after"]) == (used, used)
    assert len(used) == 14
    for child in outcomes["children"]:
        assert child.pop("exit") == "0", done.stderr
        assert _not_refused(child) == {}


def _not_refused(child: Mapping[str, str]) -> Mapping[str, str]:
    """Return the outcomes that are not a refusal with the remedy."""
    texts = ("opened before a fork", "in another event loop: open one in each")
    return {
        name: outcome
        for name, outcome in child.items()
        if not any(text in outcome for text in texts)
    }
