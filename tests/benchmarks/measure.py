"""Meters, rounds and medians.

Time is processor time, not wall time: other programs on a shared machine do not count.
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
from enum import StrEnum
from functools import cache
from itertools import repeat
from statistics import median
from typing import Final, TypeAlias

import attrs

Meter: TypeAlias = Callable[[], float]
"""Measure one round: microseconds a call, bytes an instance or milliseconds an import."""

OPEN: Final = ExitStack()
"""The servers, pools and connections that stay open until the benchmark ends."""
atexit.register(OPEN.close)


@attrs.frozen
class Effort:
    """The work of one round. ``QUICK`` only proves that a comparison works."""

    seconds: float = 0.02
    instances: int = 100_000


FULL = Effort()
QUICK = Effort(seconds=0.0, instances=100)


class Relation(StrEnum):
    """Relation of the two figures of a comparison."""

    TIMES = "x"
    """The peer's figure divided by ours. More is better."""
    SHARE = "of it"
    """Our figure divided by the peer's. Less is better."""
    MORE = "more"
    """Our figure minus the peer's, in the unit of the figures. Less is better."""

    def of(self, ours: float, peer: float) -> float:
        """Relate two figures."""
        if self is Relation.MORE:
            return ours - peer
        return peer / ours if self is Relation.TIMES else ours / peer


@attrs.frozen(kw_only=True)
class Comparison:
    """One of our operations beside one peer, ready to be measured.

    :param reach: the ratio, share or difference that must hold.
    """

    row: int
    measure: str
    against: str
    ours: Meter
    peer: Meter
    reach: float
    unit: str = "µs"
    relation: Relation = Relation.TIMES


@attrs.frozen(kw_only=True)
class Result:
    """The medians of one comparison, and their relation.

    :param met: ``yes``, ``MISSED``, or ``absent`` where the peer is not installed.
    """

    row: int
    measure: str
    against: str
    unit: str
    relation: Relation
    ours: float
    peer: float
    ratio: float
    reach: float
    met: str


def compare(comparison: Comparison, rounds: int) -> Result:
    """Measure both sides in turn, and compare their medians."""
    figures = [(comparison.ours(), comparison.peer()) for _ in range(rounds)]
    ours, peer = (median(side) for side in zip(*figures, strict=True))
    ratio = comparison.relation.of(ours, peer)
    more_is_better = comparison.relation is Relation.TIMES
    holds = ratio >= comparison.reach if more_is_better else ratio <= comparison.reach
    return Result(
        row=comparison.row,
        measure=comparison.measure,
        against=comparison.against,
        unit=comparison.unit,
        relation=comparison.relation,
        ours=ours,
        peer=peer,
        ratio=ratio,
        reach=comparison.reach,
        met="absent" if math.isnan(ratio) else "yes" if holds else "MISSED",
    )


# --- meters --------------------------------------------------------------------------------------


def clock(call: Callable[[], object], effort: Effort) -> Meter:
    """Time a call in microseconds of this process, without the garbage collector."""
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
    """Weigh an instance in bytes: the memory allocated for many, divided by their number."""

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
    """Time an import in milliseconds, in a fresh interpreter.

    Its bytecode is cached, as it is when installed.
    """
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
