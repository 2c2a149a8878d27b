"""Simulate nodes that work on one book.

    python -m tests.simulation                            # everything within the bound
    python -m tests.simulation --store sqlite             # the same over a SQLite file
    python -m tests.simulation --runs 5000 --seed 1       # drawn runs beyond the bound
    python -m tests.simulation --runs 1 --seed 17 --steps # one of them again, with its steps
    python -m tests.simulation --orders 2                 # every order of reports, with 2 replies

The exit code is 1 if an invariant does not hold. The run is then printed as a list of steps.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.simulation.invariants import Broken
from tests.simulation.orders import check_orders
from tests.simulation.runs import STORES, draw, explore
from tests.simulation.scenarios import SCENARIOS


def main(arguments: list[str] | None = None) -> int:
    """Explore everything within the bound, or draw runs."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--store", choices=sorted(STORES), default="memory")
    parser.add_argument("--runs", type=int, default=0, help="number of drawn runs; 0 explores all")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first drawn run")
    parser.add_argument("--steps", action="store_true", help="print the steps of each run")
    parser.add_argument("--orders", type=int, help="most replies of a set of reports")
    options = parser.parse_args(arguments)
    if options.orders is not None:
        sets, orders, wrong = check_orders(options.orders)
        lines = [f"{sets:,} sets, {orders:,} orders, {len(wrong):,} wrong", *wrong, ""]
        sys.stdout.write("\n".join(lines))
        return bool(wrong)
    began, steps = time.perf_counter(), 0
    try:
        with STORES[options.store]() as new_store:
            if options.runs:
                for seed in range(options.seed, options.seed + options.runs):
                    world = draw(seed, new_store())
                    steps += len(world.steps)
                    if options.steps:
                        sys.stdout.write("\n".join((f"seed {seed}", *world.steps, "")))
                sys.stdout.write(f"{options.runs:,} runs, {steps:,} steps, none is wrong\n")
            else:
                for scenario in SCENARIOS:
                    explored = explore(scenario, new_store)
                    sys.stdout.write(
                        f"{explored.runs:>8,} runs {explored.states:>8,} states  {scenario.name}\n"
                    )
                    sys.stdout.flush()
    except Broken as broken:
        sys.stdout.write(f"{broken}\n")
        return 1
    sys.stdout.write(f"{time.perf_counter() - began:.0f} s, {options.store}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
