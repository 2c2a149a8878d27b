"""The results as a Markdown table or as JSON."""

import json
from collections.abc import Iterable, Sequence

import attrs

from tests.benchmarks.measure import Relation, Result

_HEADINGS = ("row", "measure", "against", "ours", "peer", "ratio", "reach", "met")


def as_table(results: Iterable[Result]) -> str:
    """Write the results as a Markdown table, its columns aligned."""
    lines = [_HEADINGS, *map(_cells, results)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(_line(cells, widths) for cells in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return (
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        + " |"
    )


def _cells(result: Result) -> tuple[str, ...]:
    figures = [
        f"{figure:,.4g} {result.unit}" if figure < 1000 else f"{figure:,.0f} {result.unit}"
        for figure in (result.ours, result.peer)
    ]
    sign = result.unit if result.relation is Relation.MORE else "x"
    ratios = [f"{ratio:.2f} {sign}" for ratio in (result.ratio, result.reach)]
    return (str(result.row), result.measure, result.against, *figures, *ratios, result.met)


def as_json(results: Iterable[Result]) -> str:
    """Write the results as a JSON list of objects."""
    return json.dumps([attrs.asdict(result) for result in results], indent=2, ensure_ascii=False)
