"""The picture: complete, and legible without overlaps or crossings."""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain, combinations, pairwise, product
from typing import NamedTuple
from xml.etree import ElementTree as ET

from reservation_core import ON_HOLD, Status
from reservation_core.diagrams.svg import draw_lifecycle
from reservation_core.domain.lifecycle import COMMAND_EDGES, FACT_EDGES, TERMINAL, Edge

EDGES = (*COMMAND_EDGES, *FACT_EDGES)


STATES = (*Status, ON_HOLD)


SVG = draw_lifecycle()


PICTURE = ET.fromstring(SVG)


class Box(NamedTuple):
    """The extent of one element."""

    name: str
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Return true if the boxes share a point."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def frame(self) -> list[complex]:
        """Return the outline as a closed polyline."""
        across, down = (self.left, self.right), (self.top, self.bottom)
        return [complex(across[x], down[y]) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))]

    def holds(self, point: complex) -> bool:
        """Return true if a point lies in the box."""
        return self.left <= point.real <= self.right and self.top <= point.imag <= self.bottom


def number(element: ET.Element, name: str) -> float:
    """Return a numeric attribute."""
    return float(element.attrib[name])


def find_all(tag: str, within: ET.Element = PICTURE) -> list[ET.Element]:
    """Return the elements of one tag."""
    return list(within.iter(f"{{http://www.w3.org/2000/svg}}{tag}"))


def find_groups(css: str) -> list[ET.Element]:
    """Return the groups of one class."""
    return [group for group in find_all("g") if css in group.get("class", "").split()]


def measure_text(text: ET.Element) -> Box:
    """Return the extent of a text in a wide font."""
    label, size = (
        "".join([text.text or "", *(child.tail or "" for child in text)]),
        float(text.get("font-size", "15")),
    )
    width = len(label) * size * 0.6
    left = (
        number(text, "x")
        - {"start": 0, "middle": width / 2, "end": width}[text.get("text-anchor", "start")]
    )
    return Box(
        label, left, number(text, "y") - size * 0.8, left + width, number(text, "y") + size * 0.25
    )


def measure_state(group: ET.Element) -> Box:
    """Return the extent of a state, by its outer border."""
    rect = find_all("rect", group)[0]
    x, y = number(rect, "x"), number(rect, "y")
    return Box(
        group.attrib["id"].removeprefix("state-"),
        x,
        y,
        x + number(rect, "width"),
        y + number(rect, "height"),
    )


def sample_path(data: str) -> list[complex]:
    """Convert path data to a fine polyline."""
    line: list[complex] = []
    for step, numbers in re.findall(r"([MLQ])([^MLQ]+)", data):
        x = [float(each) for each in numbers.split()]
        points = [complex(*pair) for pair in zip(x[::2], x[1::2], strict=True)]
        if step == "Q":
            start, (bend, end) = line[-1], points
            points = [
                start * (1 - t) ** 2 + 2 * bend * t * (1 - t) + end * t**2
                for t in (0.25, 0.5, 0.75, 1)
            ]
        line.extend(points)
    return line


def cross(a: complex, b: complex, c: complex, d: complex) -> bool:
    """Return true if the segments a-b and c-d meet."""

    def turn(p: complex, q: complex, r: complex) -> float:
        return ((q - p).conjugate() * (r - p)).imag

    def apart(p: float, q: float, r: float, s: float) -> bool:
        return max(p, q) < min(r, s) or max(r, s) < min(p, q)

    if apart(a.real, b.real, c.real, d.real) or apart(a.imag, b.imag, c.imag, d.imag):
        return False
    return turn(a, b, c) * turn(a, b, d) <= 0 and turn(c, d, a) * turn(c, d, b) <= 0


LINES = {
    group.attrib["id"].removeprefix("line-"): sample_path(find_all("path", group)[0].attrib["d"])
    for group in find_groups("line")
}


BOXES = {box.name: box for box in map(measure_state, find_groups("state"))}


LABELS = [measure_text(text) for text in find_all("text") if not text.get("font-weight")]


def edge_id(edge: Edge) -> str:
    """Return the ID of an edge in the picture."""
    return f"edge-{edge.source}-{edge.trigger}-{edge.target}"


def test_every_state_and_edge_has_one_id() -> None:
    ids = Counter(element.attrib["id"] for element in PICTURE.iter() if "id" in element.attrib)
    assert set(ids.values()) == {1}
    assert {name for name in ids if name.startswith(("state-", "edge-"))} == {
        f"state-{state}" for state in STATES
    } | set(map(edge_id, EDGES))
    assert len(set(map(edge_id, EDGES))) == len(EDGES)


def test_edge_label_has_its_class_line_and_guard() -> None:
    found: dict[str, tuple[str, str, str, str]] = {}
    for group in find_groups("line"):
        path = find_all("path", group)[0]
        for text in find_all("text", group):
            found[text.attrib["id"]] = (
                group.attrib["id"],
                path.attrib["class"],
                text.attrib["class"],
                measure_text(text).name,
            )
    for kind, edges in (("command", COMMAND_EDGES), ("fact", FACT_EDGES)):
        for edge in edges:
            guard = {None: "", True: " [accept]", False: " [no accept]"}[edge.accept]
            guard = " [orchestrated]" if edge.orchestrated else guard
            line, *classes, label = found.pop(edge_id(edge))
            assert line == f"line-{edge.source}-{edge.target}-{kind}"
            assert classes == [kind, kind]
            assert label.rstrip(" *?") == edge.trigger + guard
    assert not found


def test_states_are_marked_as_initial_hidden_or_terminal() -> None:
    borders = {
        group.attrib["id"].removeprefix("state-"): len(find_all("rect", group))
        for group in find_groups("state")
    }
    assert {name for name, count in borders.items() if count == 2} == set(TERMINAL)
    assert {group.attrib["id"] for group in find_groups("terminal")} == {
        f"state-{state}" for state in TERMINAL
    }
    assert len(TERMINAL) == 5
    assert [group.attrib["id"] for group in find_groups("initial")] == ["state-pending"]
    assert [group.attrib["id"] for group in find_groups("hidden") if "id" in group.attrib] == [
        "state-onHold"
    ]
    assert "never in a body" in {label.name for label in LABELS}


def test_inferred_and_unknown_edges_have_a_mark_in_the_legend() -> None:
    marked = {
        text.attrib["id"]
        for text in find_all("text")
        if "id" in text.attrib and measure_text(text).name[-1] in "*?"
    }
    assert marked == {edge_id(edge) for edge in EDGES if edge.evidence in ("inferred", "unknown")}
    legend = {
        measure_text(text).name
        for text in find_all("text", next(g for g in find_all("g") if g.get("id") == "legend"))
    }
    assert {label for label in legend if label.startswith("evidence: ")} == {
        f"evidence: {edge.evidence}" for edge in EDGES if edge_id(edge) in marked
    }


def test_document_is_accessible_and_self_contained() -> None:
    assert PICTURE.attrib["role"] == "img"
    named = {element.get("id"): element.text for element in PICTURE}
    assert all(named[name] for name in PICTURE.attrib["aria-labelledby"].split())
    assert "prefers-color-scheme: dark" in SVG
    assert not find_all("script") + find_all("image") + find_all("use")
    assert set(re.findall(r'(?:href|src|xmlns)="([^"]*)"|@import', SVG)) == {
        "http://www.w3.org/2000/svg"
    }


def test_labels_do_not_overlap() -> None:
    assert len(LABELS) > len(EDGES)
    assert [(a.name, b.name) for a, b in combinations(LABELS, 2) if a.overlaps(b)] == []


def test_labels_do_not_overlap_boxes() -> None:
    found = {
        (label.name, box.name)
        for label, box in product(LABELS, BOXES.values())
        if label.overlaps(box)
    }
    assert found == {("never in a body", "onHold")}


def test_state_names_fit_their_boxes() -> None:
    for group in find_groups("state"):
        box = measure_state(group)
        for text in map(measure_text, find_all("text", group)):
            assert box.left < text.left < text.right < box.right, text
            assert box.top < text.top < text.bottom < box.bottom, text


def test_labels_do_not_touch_lines() -> None:
    frames = {label: label.frame() for label in LABELS}
    struck = [
        (label.name, name)
        for (label, frame), (name, line) in product(frames.items(), LINES.items())
        if any(cross(*stretch, *side) for stretch, side in product(pairwise(line), pairwise(frame)))
    ]
    assert struck == []


def test_lines_do_not_cross() -> None:
    met = [
        (one, other)
        for (one, first), (other, second) in combinations(LINES.items(), 2)
        if any(cross(*a, *b) for a, b in product(pairwise(first), pairwise(second)))
    ]
    assert met == []


def test_lines_run_from_border_to_border() -> None:
    assert len(LINES) == len({(edge.source, edge.target, edge in FACT_EDGES) for edge in EDGES})
    for name, line in LINES.items():
        source, target, _ = name.split("-")
        assert BOXES[source].holds(line[0]), name
        assert BOXES[target].holds(line[-1]), name
        inside = [
            Box(box.name, box.left + 1, box.top + 1, box.right - 1, box.bottom - 1)
            for box in BOXES.values()
        ]
        points = [a + (b - a) * part / 50 for a, b in pairwise(line) for part in range(51)]
        assert [(name, box.name) for box in inside if any(map(box.holds, points))] == []


def test_everything_lies_within_the_canvas() -> None:
    _, _, width, height = map(float, PICTURE.attrib["viewBox"].split())
    canvas = Box("canvas", 12, 12, width - 12, height - 12)
    corners = [
        point
        for box in (*LABELS, *BOXES.values())
        for point in (complex(box.left, box.top), complex(box.right, box.bottom))
    ]
    assert [point for point in chain(corners, *LINES.values()) if not canvas.holds(point)] == []


def test_geometry_helpers_detect_overlap_and_crossing() -> None:
    assert Box("a", 0, 0, 2, 2).overlaps(Box("b", 1, 1, 3, 3))
    assert not Box("a", 0, 0, 2, 2).overlaps(Box("b", 2, 0, 3, 3))
    assert cross(0, 2 + 2j, 2j, 2)
    assert cross(0, 2, 1, 3)
    assert not cross(0, 2, 1j, 2 + 1j)
    assert not cross(0, 2, 3, 5)
    assert sample_path("M0 0L8 0Q10 0 10 2")[-3:] == [
        complex(9.5, 0.5),
        complex(9.875, 1.125),
        complex(10, 2),
    ]
