"""The lifecycle as an SVG picture.

The picture is generated from the edges. Only the places of the states (:data:`PLACES`) and the
bends of the lines (:data:`ROUTES`) are given here. Seen in the direction of a line, commands are
drawn on its left and facts on its right.

A page can highlight a part by its id:

* ``state-<state>``: a box of class ``state``, and also ``initial``, ``hidden`` or ``terminal``
* ``edge-<source>-<trigger>-<target>``: the label of one edge, of class ``command`` or ``fact``
* ``line-<source>-<target>-<class>``: a group of class ``line`` that holds one path and its labels
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from itertools import pairwise
from typing import Final, NamedTuple

from reservation_core.diagrams.labels import (
    DRAWN_STATES,
    GENERATED,
    group_edges,
    label_edge,
)
from reservation_core.domain.evidence import Evidence
from reservation_core.domain.lifecycle import (
    EDGES,
    ON_HOLD,
    TERMINAL,
    Edge,
    State,
    Status,
    describe_state,
    label_state,
)


class Point(NamedTuple):
    """A place on the canvas in pixels, or a direction. The y axis points down."""

    x: int
    y: int


class LineRoute(NamedTuple):
    """Points of a line, and the index of its labelled segment."""

    label_segment: int
    points: tuple[Point, ...]


def _route(label_segment: int, *points: tuple[int, int]) -> LineRoute:
    return LineRoute(label_segment, tuple(Point(*point) for point in points))


WIDTH, HEIGHT = 1070, 548
HALF = Point(64, 26)  # half the size of a box
PLACES: Final[Mapping[State, Point]] = {
    Status.REJECTED: Point(100, 140),
    Status.WRAPPING: Point(680, 140),
    Status.TIMEOUT: Point(100, 310),
    Status.PENDING: Point(390, 310),
    Status.ACCEPTED: Point(680, 310),
    Status.COMPLETED: Point(970, 310),
    Status.RESCINDED: Point(100, 480),
    Status.CANCELED: Point(390, 480),
    ON_HOLD: Point(680, 480),
}
"""The centre of each box."""

ROUTES: Final[Mapping[tuple[State, State], LineRoute]] = {
    (Status.PENDING, Status.REJECTED): _route(2, (326, 293), (270, 293), (270, 140), (164, 140)),
    (Status.PENDING, Status.TIMEOUT): _route(1, (326, 310), (270, 310), (164, 310)),
    (Status.PENDING, Status.RESCINDED): _route(2, (326, 323), (270, 323), (270, 480), (164, 480)),
    (Status.PENDING, ON_HOLD): _route(1, (430, 336), (430, 396), (640, 396), (640, 454)),
    (Status.PENDING, Status.PENDING): _route(1, (410, 284), (410, 244), (448, 244), (448, 284)),
    (Status.ACCEPTED, Status.ACCEPTED): _route(0, (732, 336), (732, 366), (704, 366), (704, 336)),
    (Status.WRAPPING, Status.WRAPPING): _route(1, (616, 154), (586, 154), (586, 126), (616, 126)),
    (Status.WRAPPING, Status.COMPLETED): _route(0, (744, 140), (970, 140), (970, 284)),
}
"""The lines with bends. All others are straight, within one row or column."""

SPREAD = 5  # distance of each of two parallel lines from the middle
BEND = 11  # radius of a bend
LINE_HEIGHT = 18  # from label to label
MARKS: Final = {Evidence.INFERRED: " *", Evidence.UNKNOWN: " ?"}

_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"


def draw_lifecycle() -> str:
    """Return the lifecycle as an SVG document for light and dark backgrounds."""
    style = (files("reservation_core.diagrams") / "lifecycle.css").read_text("utf-8")
    steps = "; ".join(
        f"{label_edge(edge)} leads from {label_state(edge.source)} to {label_state(edge.target)}"
        for edge in EDGES
    )
    terminal = ", ".join(state for state in DRAWN_STATES if state in TERMINAL)
    subtitle = "commands, which a client sends, and facts, which the platform reports"
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    names = 'role="img" aria-labelledby="lifecycle-title lifecycle-desc"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lifecycle" {size} {names}',
        f' font-size="15" font-family="{_FONT}">',
        f"<!-- {GENERATED} -->",
        '<title id="lifecycle-title">The lifecycle of a reservation</title>',
        f'<desc id="lifecycle-desc">It begins as pending. {steps}. Terminal: {terminal}.</desc>',
        f"<style>\n{style}</style>",
        *map(_arrow, ("command", "fact", "dot")),
        f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="12"/>',
        _text(36, 50, "The lifecycle of a reservation", 'font-size="22" font-weight="600"'),
        _text(36, 74, subtitle, 'class="quiet" font-size="14"'),
        *(part for ends, kinds in group_edges().items() for part in _line(*ends, kinds)),
        '<g id="start"><title>It begins here.</title>',
        '<circle class="dot" cx="352" cy="250" r="6"/>',
        '<path class="dot" d="M352 256V282" marker-end="url(#lifecycle-dot)"/></g>',
        *(part for state in DRAWN_STATES for part in _box(state)),
        *_legend(800, 416),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


# --- elements ------------------------------------------------------------------------------------


def _arrow(kind: str) -> str:
    size = 'viewBox="0 0 9 8" refX="9" refY="4" markerWidth="9" markerHeight="8"'
    head = f'<path class="head {kind}" d="M0 0 9 4 0 8z"/>'
    attributes = f'{size} orient="auto" markerUnits="userSpaceOnUse"'
    return f'<defs><marker id="lifecycle-{kind}" {attributes}>{head}</marker></defs>'


def _text(x: int, y: int, text: str, attributes: str, title: str = "") -> str:
    title = title and f"<title>{escape(title, quote=False)}</title>"
    return f'<text x="{x}" y="{y}" {attributes}>{title}{escape(text, quote=False)}</text>'


def _rect(x: int, y: int, half_width: int, half_height: int, radius: int) -> str:
    place = f'x="{x - half_width}" y="{y - half_height}"'
    return f'<rect {place} width="{2 * half_width}" height="{2 * half_height}" rx="{radius}"/>'


def _box(state: State) -> Iterator[str]:
    (x, y), is_hidden, is_terminal = PLACES[state], state == ON_HOLD, state in TERMINAL
    classes = "state"
    if state == Status.PENDING:
        classes += " initial"
    if is_hidden:
        classes += " hidden"
    if is_terminal:
        classes += " terminal"
    yield f'<g id="state-{state}" class="{classes}"><title>{describe_state(state)}</title>'
    for inset in (0, 4) if is_terminal else (0,):
        yield _rect(x, y, HALF.x - inset, HALF.y - inset, 10 - inset)
    font = 'text-anchor="middle" font-size="17" font-weight="600"'
    yield _text(x, y - 1 if is_hidden else y + 6, label_state(state), font)
    if is_hidden:
        font = 'class="quiet" text-anchor="middle" font-size="13"'
        yield _text(x, y + 16, "never in a body", font)
    yield "</g>"


def _line(source: State, target: State, kinds: Mapping[str, Sequence[Edge]]) -> Iterator[str]:
    route = ROUTES.get((source, target)) or _straight(PLACES[source], PLACES[target])
    for kind, edges in kinds.items():
        side = 1 if kind == "command" else -1
        shift = side * SPREAD if len(kinds) > 1 else 0
        points = _shift_left(route.points, shift)
        path = f'class="{kind}" d="{_round_bends(points, shift)}"'
        yield f'<g id="line-{source}-{target}-{kind}" class="line">'
        yield f'<path {path} marker-end="url(#lifecycle-{kind})"/>'
        start, end = points[route.label_segment : route.label_segment + 2]
        places = _place_labels(start, end, side, len(edges))
        for edge, (x, y, anchor) in zip(edges, places, strict=True):
            edge_id = f"edge-{source}-{edge.trigger}-{target}"
            attributes = f'id="{edge_id}" class="{kind}" text-anchor="{anchor}"'
            title = f"{edge.note} [{edge.evidence}: {edge.reference}]"
            yield _text(x, y, label_edge(edge) + MARKS.get(edge.evidence, ""), attributes, title)
        yield "</g>"


def _legend(x: int, y: int) -> Iterator[str]:
    def arrow(kind: str, y: int) -> str:
        line = f'class="{kind}" d="M{x} {y}H{x + 36}"'
        return f'<path {line} marker-end="url(#lifecycle-{kind})"/>'

    borders = _rect(x + 18, y + 48, 17, 8, 4) + _rect(x + 18, y + 48, 14, 5, 1)
    samples = {
        "command: a client sends": arrow("command", y),
        "fact: the platform reports": arrow("fact", y + 24),
        "terminal: nothing follows": f'<g class="sample">{borders}</g>',
        "hidden: no status names it": (
            f'<g class="sample hidden">{_rect(x + 18, y + 72, 17, 8, 4)}</g>'
        ),
    }
    marked = {edge.evidence for edge in EDGES}
    for evidence, mark in MARKS.items():
        if evidence in marked:
            baseline = y + 7 + 24 * len(samples)
            centred = 'class="command" text-anchor="middle"'
            samples[f"evidence: {evidence}"] = _text(x + 18, baseline, mark.strip(), centred)
    yield '<g id="legend">'
    for row, (text, sample) in enumerate(samples.items()):
        yield sample + _text(x + 48, y + 5 + 24 * row, text, 'class="quiet" font-size="13"')
    yield "</g>"


# --- geometry ------------------------------------------------------------------------------------


def _straight(a: Point, b: Point) -> LineRoute:
    step = _direction(a, b)
    dx, dy = step.x * HALF.x, step.y * HALF.y
    return _route(0, (a.x + dx, a.y + dy), (b.x - dx, b.y - dy))


def _direction(a: Point, b: Point) -> Point:
    """Return the direction of a segment along one of the axes."""
    return Point((b.x > a.x) - (b.x < a.x), (b.y > a.y) - (b.y < a.y))


def _left(a: Point, b: Point) -> Point:
    direction = _direction(a, b)
    return Point(direction.y, -direction.x)


def _shift_left(points: Sequence[Point], shift: int) -> list[Point]:
    """Move a line to the left of its direction."""
    sides = [_left(a, b) for a, b in pairwise(points)]
    moves = [{before, after} for before, after in pairwise([sides[0], *sides, sides[-1]])]
    return [
        Point(p.x + shift * sum(m.x for m in move), p.y + shift * sum(m.y for m in move))
        for p, move in zip(points, moves, strict=True)
    ]


def _round_bends(points: Sequence[Point], shift: int) -> str:
    """Return the path data of a line."""
    # Of two parallel lines the outer one has the wider bend.
    path = f"M{points[0].x} {points[0].y}"
    for a, b, c in zip(points, points[1:], points[2:], strict=False):
        before, after = _direction(a, b), _direction(b, c)
        bend = BEND + shift * (before.x * after.y - before.y * after.x)
        path += f"L{b.x - bend * before.x} {b.y - bend * before.y}"
        path += f"Q{b.x} {b.y} {b.x + bend * after.x} {b.y + bend * after.y}"
    return f"{path}L{points[-1].x} {points[-1].y}"


def _place_labels(a: Point, b: Point, side: int, count: int) -> Iterator[tuple[int, int, str]]:
    """Yield x, baseline and anchor of each label of a segment."""
    x, y, left = (a.x + b.x) // 2, (a.y + b.y) // 2, _left(a, b)
    for index in range(count):
        if left.x:
            offset = LINE_HEIGHT * (2 * index - count + 1) // 2
            yield x + 9 * side * left.x, y + 5 + offset, "start" if side * left.x > 0 else "end"
        elif side * left.y < 0:
            yield x, y - 8 - LINE_HEIGHT * (count - 1 - index), "middle"
        else:
            yield x, y + 18 + LINE_HEIGHT * index, "middle"
