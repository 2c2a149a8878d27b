"""How two things are compared: meters that take one round each, rounds in turn, the median of them.

Time is the processor's, not the clock's: what other programs take of a shared machine does not count.
"""

import atexit
import gc
import math
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from itertools import repeat
from statistics import median
from typing import Final, TypeAlias

import attrs

Meter: TypeAlias = Callable[[], float]
"""Measures one round and gives its figure: microseconds a call, bytes an instance, milliseconds an import."""

OPEN: Final = ExitStack()
"""What stays open until the benchmark ends: servers, pools, connections. Whoever runs it to its end closes this, before threads are
waited for."""
atexit.register(OPEN.close)


@attrs.frozen
class Effort:
    """How much is done for one round; ``QUICK`` proves that a comparison works and measures nothing."""

    seconds: float = 0.02
    instances: int = 100_000


FULL = Effort()
QUICK = Effort(seconds=0.0, instances=100)


@attrs.frozen(kw_only=True)
class Comparison:
    """Ours and one peer, ready to be measured, and what the ratio is to reach.

    :param share: whether the ratio is our share of the peer's (less is better) in place of the peer's multiple of ours.
    """

    row: int
    measure: str
    against: str
    ours: Meter
    peer: Meter
    reach: float
    aim: float
    unit: str = "µs"
    share: bool = False


@attrs.frozen(kw_only=True)
class Result:
    """What a comparison came to; ``met`` is ``aim``, ``reach`` or ``missed``; ``absent`` where the peer could not be measured."""

    row: int
    measure: str
    against: str
    unit: str
    ours: float
    peer: float
    ratio: float
    reach: float
    aim: float
    share: bool
    met: str


def compare(comparison: Comparison, rounds: int) -> Result:
    """Let both sides take turns, and compare their medians."""
    figures = [(comparison.ours(), comparison.peer()) for _ in range(rounds)]
    ours, peer = (median(side) for side in zip(*figures, strict=True))
    ratio = ours / peer if comparison.share else peer / ours
    met = next(
        (
            name
            for name in ("aim", "reach")
            if _holds(ratio, getattr(comparison, name), share=comparison.share)
        ),
        "missed",
    )
    met = "absent" if math.isnan(ratio) else met
    same = ("row", "measure", "against", "unit", "reach", "aim", "share")
    return Result(
        ours=ours,
        peer=peer,
        ratio=ratio,
        met=met,
        **{name: getattr(comparison, name) for name in same},
    )


def _holds(ratio: float, target: float, *, share: bool) -> bool:
    return ratio <= target if share else ratio >= target


# --- meters ----------------------------------------------------------------------------------------------------------------------


def clock(call: Callable[[], object], effort: Effort) -> Meter:
    """Time a call, in microseconds of this process: a loop as long as the effort asks, without the collector."""
    loops = _calibrate(call, effort.seconds)
    return lambda: _loop(call, loops) / loops * 1e6


def _calibrate(call: Callable[[], object], seconds: float) -> int:
    loops = 1
    while (taken := _loop(call, loops)) < seconds / 2:
        loops *= 2
    return max(1, round(loops * seconds / taken))


def _loop(call: Callable[[], object], loops: int) -> float:
    gc.collect()
    gc.disable()
    try:
        start = time.process_time()
        for _ in repeat(None, loops):
            call()
        return time.process_time() - start
    finally:
        gc.enable()


def weigh(make: Callable[[], object], instances: int) -> Meter:
    """Weigh an instance, in bytes: all that is allocated while many are made and kept, shared among them; once, for it does not vary."""

    @cache
    def bytes_each() -> float:
        kept: list[object] = [None] * instances  # made before, so that it weighs nothing
        gc.collect()
        tracemalloc.start()
        try:
            for index in range(instances):
                kept[index] = make()
            return tracemalloc.get_traced_memory()[0] / instances
        finally:
            tracemalloc.stop()

    return bytes_each


def time_import(statement: str, effort: Effort) -> Meter:
    """Time an import, in milliseconds, in a fresh interpreter whose start does not count, the bytecode cached as it is when installed."""
    program = (
        f"import time; start = time.process_time(); {statement}; print(time.process_time() - start)"
    )
    cache_at = tempfile.TemporaryDirectory()
    environment = {
        **os.environ,
        "PYTHONPYCACHEPREFIX": cache_at.name,
        "PYTHONDONTWRITEBYTECODE": "",
    }  # empty means that it is written

    def milliseconds() -> float:
        return (
            float(
                subprocess.check_output([sys.executable, "-c", program], env=environment, text=True)
            )
            * 1e3
        )

    weakref.finalize(milliseconds, cache_at.cleanup)
    if effort is not QUICK:
        milliseconds()  # fills the cache
    return milliseconds
