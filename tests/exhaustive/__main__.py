"""Explore every run of a delivery within a bound.

    python -m tests.exhaustive --depth 3

It prints how many runs and states there are, each wrong verdict with a scenario that shows it, and
where a verdict could have said more. The exit code is 1 if any verdict is wrong.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Sequence
from itertools import groupby

from tests.exhaustive.cases import Case, all_cases
from tests.exhaustive.explorer import Bound, Totals, explore_group
from tests.exhaustive.verdicts import COULD_SAY_MORE


def explore_all(cases: Sequence[Case], bound: Bound, workers: int) -> Totals:
    """Explore cases in several processes."""
    groups = [
        (tuple(group), bound)
        for _, group in groupby(cases, key=lambda case: (case.command, case.first))
    ]
    totals = Totals()
    with multiprocessing.get_context("spawn").Pool(workers, maxtasksperchild=1) as pool:
        for one in pool.imap_unordered(explore_group, groups):
            totals.add(one)
    return totals


def main(arguments: list[str] | None = None) -> int:
    """Explore, and print the counts."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.exhaustive", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--depth", type=int, default=3, help="exchanges of a delivery")
    parser.add_argument("--moves", type=int, default=1, help="steps of others between exchanges")
    parser.add_argument("--delayed", type=int, default=1, help="requests that are late at once")
    parser.add_argument("--attempts", type=int, default=2, help="how often a command is sent")
    parser.add_argument("--small", action="store_true", help="leave out cases like another one")
    parser.add_argument("--only", default="", help="a part of the cases' description")
    parser.add_argument("--workers", type=int, default=multiprocessing.cpu_count())
    options = parser.parse_args(arguments)
    cases = [
        case
        for case in all_cases(options.attempts, is_small=options.small)
        if options.only in str(case)
    ]
    bound = Bound(options.depth, options.moves, options.attempts, options.delayed)
    began = time.perf_counter()
    totals = explore_all(cases, bound, options.workers)
    write = sys.stdout.write
    write(f"cases              {len(cases):>13,}   ({time.perf_counter() - began:.0f} s)\n")
    write(f"runs               {totals.runs:>13,}\n")
    write(f"runs that were cut {totals.cut:>13,}\n")
    write(f"states             {totals.states:>13,}   (in {totals.nodes:,} sequences of answers)\n")
    for name, count in sorted(totals.verdicts.items()):
        write(f"  {name:<16} {count:>13,}\n")
    wrong = {kind for kind in totals.findings if not kind.startswith(COULD_SAY_MORE)}
    for kind, finding in sorted(totals.findings.items()):
        if kind in wrong:
            write(f"\nwrong ({totals.found[kind]:,} times): {finding}\n")
    write(f"\nkinds of wrong verdicts: {len(wrong)}\n")
    for kind in sorted(totals.findings.keys() - wrong):
        write(f"{totals.found[kind]:>9,} times {kind}\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
