"""Reads the reference files: tables about the platform, written by hand.

They are never derived from the code under test.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

FOLDER = Path(__file__).parent


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of one table, as mappings from column to text.

    An empty cell is an empty text.
    """
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def load(name: str) -> object:
    """Read one JSON file."""
    content: object = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return content
