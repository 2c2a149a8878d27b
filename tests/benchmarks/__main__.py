"""The command line: ``python -m tests.benchmarks [--json] [--rows 1,2,…] [--rounds N]``."""

import argparse
import sys

from tests.benchmarks.measure import OPEN
from tests.benchmarks.report import as_json, as_table
from tests.benchmarks.rows import ROWS, run


def _numbers(text: str) -> list[int]:
    numbers = [int(number) for number in text.split(",")]
    if unknown := set(numbers) - ROWS.keys():
        raise argparse.ArgumentTypeError(
            f"no such row: {unknown}; there are {', '.join(map(str, ROWS))}"
        )
    return numbers


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description="This library beside its peers, as ratios."
    )
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument(
        "--rows",
        type=_numbers,
        default=list(ROWS),
        help="row numbers, joined by commas (default: all)",
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=15,
        help="rounds of each side; fewer than 7 say little (default: 15)",
    )
    given = parser.parse_args()
    with OPEN:
        results = run(given.rows, rounds=max(1, given.rounds))
    sys.stdout.write((as_json(results) if given.json else as_table(results)) + "\n")


if __name__ == "__main__":
    main()
