"""The diagrams are up to date and complete, and the picture can be read: nothing in it overlaps or crosses."""

from __future__ import annotations

import re
import runpy
import sys
from collections import Counter
from itertools import chain, combinations, pairwise, product
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest

from reservation_core import ON_HOLD, Status
from reservation_core.diagrams import __main__ as render
from reservation_core.diagrams import tables
from reservation_core.diagrams.lifecycle_pictures import lifecycle_svg
from reservation_core.diagrams.tables import parameters_markdown, statuses_markdown
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.lifecycle import COMMAND_EDGES as ASKED
from reservation_core.domain.lifecycle import FACT_EDGES, TERMINAL, TRIGGERS, Edge
from tests.reference.oracle import rows

DIAGRAMS = Path(__file__).parents[2] / "diagrams"
EDGES = (*ASKED, *FACT_EDGES)
STATES = (*Status, ON_HOLD)
SVG = lifecycle_svg()
PICTURE = ET.fromstring(SVG)


class Box(NamedTuple):
    """Where something stands, for telling whether two things overlap."""

    name: str
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Tell whether they share any place."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def frame(self) -> list[complex]:
        """Give its outline as a closed polyline."""
        across, down = (self.left, self.right), (self.top, self.bottom)
        return [complex(across[x], down[y]) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))]

    def holds(self, point: complex) -> bool:
        """Tell whether a point lies in it."""
        return self.left <= point.real <= self.right and self.top <= point.imag <= self.bottom


def number(element: ET.Element, name: str) -> float:
    """Read an attribute that is a number."""
    return float(element.attrib[name])


def all_of(tag: str, within: ET.Element = PICTURE) -> list[ET.Element]:
    """Find the elements of one kind."""
    return list(within.iter(f"{{http://www.w3.org/2000/svg}}{tag}"))


def groups(css: str) -> list[ET.Element]:
    """Find the groups of one class."""
    return [group for group in all_of("g") if css in group.get("class", "").split()]


def text_box(text: ET.Element) -> Box:
    """Measure a text as a wide font would set it."""
    says, size = (
        "".join([text.text or "", *(child.tail or "" for child in text)]),
        float(text.get("font-size", "15")),
    )
    width = len(says) * size * 0.6
    left = (
        number(text, "x")
        - {"start": 0, "middle": width / 2, "end": width}[text.get("text-anchor", "start")]
    )
    return Box(
        says, left, number(text, "y") - size * 0.8, left + width, number(text, "y") + size * 0.25
    )


def state_box(group: ET.Element) -> Box:
    """Measure a state by its outer border."""
    rect = all_of("rect", group)[0]
    x, y = number(rect, "x"), number(rect, "y")
    return Box(
        group.attrib["id"].removeprefix("state-"),
        x,
        y,
        x + number(rect, "width"),
        y + number(rect, "height"),
    )


def sampled(data: str) -> list[complex]:
    """Turn path data into a fine polyline."""
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
    """Tell whether the stretch from a to b meets the one from c to d, if only in a point."""

    def turn(p: complex, q: complex, r: complex) -> float:
        return ((q - p).conjugate() * (r - p)).imag

    def apart(p: float, q: float, r: float, s: float) -> bool:
        return max(p, q) < min(r, s) or max(r, s) < min(p, q)

    if apart(a.real, b.real, c.real, d.real) or apart(a.imag, b.imag, c.imag, d.imag):
        return False
    return turn(a, b, c) * turn(a, b, d) <= 0 and turn(c, d, a) * turn(c, d, b) <= 0


LINES = {
    group.attrib["id"].removeprefix("line-"): sampled(all_of("path", group)[0].attrib["d"])
    for group in groups("line")
}
BOXES = {box.name: box for box in map(state_box, groups("state"))}
LABELS = [text_box(text) for text in all_of("text") if not text.get("font-weight")]


def edge_id(edge: Edge) -> str:
    """Name an edge as the picture does."""
    return f"edge-{edge.source}-{edge.trigger}-{edge.target}"


def cells(row: str) -> list[str]:
    """Take a row of a Markdown table apart."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def table(page: str, first: str) -> list[list[str]]:
    """Find the rows of the table whose head begins with ``first``."""
    lines = page.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first}"))
    return [cells(line) for line in "\n".join(lines[start + 2 :]).split("\n\n")[0].splitlines()]


# --- the folder ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", render.FILES)
def test_files_are_up_to_date(name: str) -> None:
    """What stands in the folder is what the tables say now."""
    kept = (DIAGRAMS / name).read_bytes()
    assert kept == render.FILES[name]().encode(), (
        "stale: run python -m reservation_core.diagrams diagrams"
    )
    assert b"\r" not in kept
    assert kept.endswith(b"\n")


def test_folder_holds_nothing_else() -> None:
    """Every file of the folder is generated."""
    assert {path.name for path in DIAGRAMS.iterdir()} == set(render.FILES)


def test_check_names_what_is_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The check fails on a missing or changed file, names it alone, and mends nothing."""
    folder = tmp_path / "new" / "diagrams"
    assert render.main([str(folder)]) == 0
    assert render.main([str(folder), "--check"]) == 0
    assert not capsys.readouterr().out

    (folder / "lifecycle.svg").write_text("old")
    (folder / "statuses.md").unlink()
    assert render.main([str(folder), "--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{folder / name} is stale" for name in ("lifecycle.svg", "statuses.md")
    ]
    assert (folder / "lifecycle.svg").read_text() == "old"

    assert render.main([str(folder)]) == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        name: draw().encode() for name, draw in render.FILES.items()
    }


def test_runs_as_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program ends with what the check found."""
    monkeypatch.setattr(sys, "argv", ["render", str(tmp_path), "--check"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(render.__file__, run_name="__main__")
    assert ended.value.code == 1


# --- the picture: complete -------------------------------------------------------------------------------------------------------


def test_picture_addresses_every_state_and_edge() -> None:
    """Every state and every edge has its id exactly once, and no other id looks like one."""
    ids = Counter(element.attrib["id"] for element in PICTURE.iter() if "id" in element.attrib)
    assert set(ids.values()) == {1}
    assert {name for name in ids if name.startswith(("state-", "edge-"))} == {
        f"state-{state}" for state in STATES
    } | set(map(edge_id, EDGES))
    assert len(set(map(edge_id, EDGES))) == len(EDGES)


def test_picture_tells_commands_from_facts() -> None:
    """Each edge has its class, stands in the group of the line that has the same, and names its trigger and its guard."""
    found: dict[str, tuple[str, str, str, str]] = {}
    for group in groups("line"):
        path = all_of("path", group)[0]
        for text in all_of("text", group):
            found[text.attrib["id"]] = (
                group.attrib["id"],
                path.attrib["class"],
                text.attrib["class"],
                text_box(text).name,
            )
    for kind, edges in (("command", ASKED), ("fact", FACT_EDGES)):
        for edge in edges:
            guard = {None: "", True: " [accept]", False: " [no accept]"}[edge.accept]
            line, *classes, says = found.pop(edge_id(edge))
            assert line == f"line-{edge.source}-{edge.target}-{kind}"
            assert classes == [kind, kind]
            assert says.rstrip(" *?") == edge.trigger + guard
    assert not found


def test_picture_marks_states() -> None:
    """The terminal statuses are the five with a double border, one state is the first, and one is hidden."""
    borders = {
        group.attrib["id"].removeprefix("state-"): len(all_of("rect", group))
        for group in groups("state")
    }
    assert {name for name, count in borders.items() if count == 2} == set(TERMINAL)
    assert {group.attrib["id"] for group in groups("terminal")} == {
        f"state-{state}" for state in TERMINAL
    }
    assert len(TERMINAL) == 5
    assert [group.attrib["id"] for group in groups("initial")] == ["state-pending"]
    assert [group.attrib["id"] for group in groups("hidden") if "id" in group.attrib] == [
        "state-onHold"
    ]
    assert "never in a body" in {label.name for label in LABELS}


def test_picture_marks_doubtful_edges() -> None:
    """What is inferred or unknown bears a mark that the legend explains, and nothing else does."""
    marked = {
        text.attrib["id"]
        for text in all_of("text")
        if "id" in text.attrib and text_box(text).name[-1] in "*?"
    }
    assert marked == {edge_id(edge) for edge in EDGES if edge.evidence in ("inferred", "unknown")}
    legend = {
        text_box(text).name
        for text in all_of("text", next(g for g in all_of("g") if g.get("id") == "legend"))
    }
    assert {says for says in legend if says.startswith("evidence: ")} == {
        f"evidence: {edge.evidence}" for edge in EDGES if edge_id(edge) in marked
    }


def test_picture_stands_alone() -> None:
    """It has a role, a title and a description, both colour schemes, and neither a script nor anything from elsewhere."""
    assert PICTURE.attrib["role"] == "img"
    named = {element.get("id"): element.text for element in PICTURE}
    assert all(named[name] for name in PICTURE.attrib["aria-labelledby"].split())
    assert "prefers-color-scheme: dark" in SVG
    assert not all_of("script") + all_of("image") + all_of("use")
    assert set(re.findall(r'(?:href|src|xmlns)="([^"]*)"|@import', SVG)) == {
        "http://www.w3.org/2000/svg"
    }


# --- the picture: legible --------------------------------------------------------------------------------------------------------


def test_no_two_labels_overlap() -> None:
    """No label lies over another label."""
    assert len(LABELS) > len(EDGES)
    assert [(a.name, b.name) for a, b in combinations(LABELS, 2) if a.overlaps(b)] == []


def test_no_label_overlaps_a_state() -> None:
    """No label lies over a box, but for the note in the hidden one."""
    found = {
        (label.name, box.name)
        for label, box in product(LABELS, BOXES.values())
        if label.overlaps(box)
    }
    assert found == {("never in a body", "onHold")}


def test_names_fit_their_states() -> None:
    """Each state's name lies within its own box."""
    for group in groups("state"):
        box = state_box(group)
        for text in map(text_box, all_of("text", group)):
            assert box.left < text.left < text.right < box.right, text
            assert box.top < text.top < text.bottom < box.bottom, text


def test_no_label_lies_over_a_line() -> None:
    """No line runs through a label."""
    frames = {label: label.frame() for label in LABELS}
    struck = [
        (label.name, name)
        for (label, frame), (name, line) in product(frames.items(), LINES.items())
        if any(cross(*stretch, *side) for stretch, side in product(pairwise(line), pairwise(frame)))
    ]
    assert struck == []


def test_no_two_lines_cross() -> None:
    """No line meets another line."""
    met = [
        (one, other)
        for (one, first), (other, second) in combinations(LINES.items(), 2)
        if any(cross(*a, *b) for a, b in product(pairwise(first), pairwise(second)))
    ]
    assert met == []


def test_lines_lead_from_border_to_border() -> None:
    """Each line begins at its source's box, ends at its target's, and runs through no box."""
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


def test_nothing_is_clipped() -> None:
    """Everything lies within the canvas, a little away from its edge."""
    _, _, width, height = map(float, PICTURE.attrib["viewBox"].split())
    canvas = Box("canvas", 12, 12, width - 12, height - 12)
    corners = [
        point
        for box in (*LABELS, *BOXES.values())
        for point in (complex(box.left, box.top), complex(box.right, box.bottom))
    ]
    assert [point for point in chain(corners, *LINES.values()) if not canvas.holds(point)] == []


def test_geometry_can_tell() -> None:
    """The measures used here see an overlap and a crossing where there is one."""
    assert Box("a", 0, 0, 2, 2).overlaps(Box("b", 1, 1, 3, 3))
    assert not Box("a", 0, 0, 2, 2).overlaps(Box("b", 2, 0, 3, 3))
    assert cross(0, 2 + 2j, 2j, 2)
    assert cross(0, 2, 1, 3)
    assert not cross(0, 2, 1j, 2 + 1j)
    assert not cross(0, 2, 3, 5)
    assert sampled("M0 0L8 0Q10 0 10 2")[-3:] == [
        complex(9.5, 0.5),
        complex(9.875, 1.125),
        complex(10, 2),
    ]


# --- for other programs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lifecycle.mmd", "lifecycle.dot"])
def test_other_programs_hear_of_everything(name: str) -> None:
    """Mermaid and Graphviz are told every state, every edge's trigger between the right ends, and every terminal status."""
    text, arrow = render.FILES[name](), {"lifecycle.mmd": "-->", "lifecycle.dot": "->"}[name]
    said = [line for line in text.splitlines() if arrow in line]
    for edge in EDGES:
        ends = f"{edge.source} {arrow} {edge.target}"
        mine = [
            line
            for line in said
            if line.strip().removeprefix(ends)[:1] in {":", " "} and line.strip().startswith(ends)
        ]
        words = set(
            re.findall(
                r"\w+",
                " ".join(line.strip().removeprefix(ends) for line in mine).replace("\\n", " "),
            )
        )
        assert edge.trigger in words, edge
    ended = re.findall(r"(\w+) --> \[\*\]|(\w+) \[.*peripheries=2", text)
    assert sorted("".join(pair) for pair in ended) == sorted(TERMINAL)
    assert all(re.search(rf"\b{state}\b", text) for state in STATES)


# --- Markdown --------------------------------------------------------------------------------------------------------------------


def test_parameters_are_the_references() -> None:
    """The table has the reference's 54 parameters, each in one row, in the reference's order within each command."""
    written = table(parameters_markdown(), "parameter")
    names = [row[0].strip("`") for row in written]
    reference = rows("parameters")
    assert len(reference) == 54
    assert Counter(names) == Counter(row["name"] for row in reference)
    assert names[:2] == ["ReservationStatus", "Instruction"]
    for command in COMMANDS:
        mine = [
            name for name, owner in zip(names, written, strict=True) if owner[1] == command.trigger
        ]
        wanted = [row["name"] for row in reference if row["command"] == command.trigger]
        assert sorted(mine, key=wanted.index) == wanted
        assert mine == [parameter.wire_name for parameter in command.parameters]


def test_parameters_agree_with_the_reference() -> None:
    """Whether a parameter is required, its callback name, its route and its error are what the reference says; nothing is less private."""
    reference = {row["name"]: row for row in rows("parameters")}
    for name, command, required, _, _, _, code, callback_name, route, privacy, says in table(
        parameters_markdown(), "parameter"
    ):
        row = reference[name.strip("`")]
        assert (required == "yes") == (row["required"] == "yes") or "heads" in required, name
        assert callback_name.strip("`") == row["callback_name"], name
        assert route[:2] == row["worker_route"][:2], name
        assert privacy == {"pii": "personal", "secret": "secret"}.get(row["personal"], privacy), (
            name
        )
        assert code in row["code"].split() or not row["code"] or command == "supervise", name
        assert says.endswith("."), name


def test_cautions_name_both_readings() -> None:
    """Every dispute of every command and parameter has its row, with both readings, their sources, and the one taken."""
    written = table(parameters_markdown(), "command | parameter |")
    expected = {
        (
            command.trigger,
            wire,
            *(reading.statement for reading in dispute.interpretations),
            dispute.applied,
        )
        for command in COMMANDS
        for wire, disputes in (
            (command.first_pair[0], command.disputes),
            *((parameter.wire_name, parameter.info.disputes) for parameter in command.parameters),
        )
        for dispute in disputes
    }
    found = {
        (command, wire.strip("`"), first.rpartition(" ([")[0], second.rpartition(" ([")[0], taken)
        for command, wires, first, second, taken, _ in written
        for wire in wires.split(", ")
    }
    assert found == expected
    assert len(expected) > 20


def test_rules_over_several_parameters_are_told() -> None:
    """Every rule over several parameters has its row."""
    written = table(parameters_markdown(), "command | parameters |")
    assert [(command, rule, remedy) for command, _, rule, remedy in written] == [
        (command.trigger, rule.rule, rule.remedy) for command in COMMANDS for rule in command.rules
    ]


def test_matrix_is_the_references() -> None:
    """Every cell of the status × command table says what the hand-written matrix says."""
    page = statuses_markdown()
    written = {
        row[0].replace("on hold", ON_HOLD): dict(zip(TRIGGERS, row[1:], strict=True))
        for row in table(page, " |")
    }
    assert set(written) == set(STATES)
    for row in rows("matrix"):
        trigger, _, flag = row["command"].partition("+")
        cell = written[row["state"]][trigger]
        assert cell.startswith("—") == (row["allowed"] == "no"), row
        wanted = {"later": "nothing yet", "": "—"}.get(row["sets"], row["sets"])
        guard = "" if "[" not in cell else " [accept]" if flag else " [no accept]"
        assert any(part.startswith(wanted + guard) for part in cell.split("; ")), (row, cell)


def test_statuses_are_all_described() -> None:
    """Every state has its meaning, whether it is terminal, and the facts that may come next."""
    written = {
        row[0].strip("*").replace("on hold", ON_HOLD): row
        for row in table(statuses_markdown(), "status |")
    }
    assert set(written) == set(STATES)
    for state, (_, meaning, terminal, asked, reported) in written.items():
        assert meaning.endswith("."), state
        assert (terminal == "yes") == (state in TERMINAL) == (asked == reported == "—"), state
        assert set(reported.split("<br>")) - {"—"} == {
            edge.trigger for edge in FACT_EDGES if edge.source == state
        }, state


def test_edges_and_refusals_are_all_listed() -> None:
    """Every edge has its row with evidence and source; every refused cell has its reason."""
    page = statuses_markdown()
    listed = Counter((row[0].split()[0], row[2], row[3], row[5]) for row in table(page, "trigger"))
    hold = {ON_HOLD: "on hold"}
    assert listed == Counter(
        (e.trigger, hold.get(e.source, e.source), hold.get(e.target, e.target), str(e.evidence))
        for e in EDGES
    )
    assert all(row[6].startswith(("[", "the reading")) for row in table(page, "trigger"))
    refused = Counter(
        (row[0], state) for row in table(page, "command | while") for state in row[1].split(", ")
    )
    no = {
        (row["command"].partition("+")[0], row["state"].replace(ON_HOLD, "on hold"))
        for row in rows("matrix")
        if row["allowed"] == "no"
    }
    assert refused == Counter(dict.fromkeys(no, 1))


def test_tables_hold_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row has as many cells as its head, even with a pipe in a cell."""
    monkeypatch.setattr(tables, "STATE_DESCRIPTIONS", dict.fromkeys(STATES, "one|other"))
    statuses, parameters = statuses_markdown(), parameters_markdown()
    assert {row[1] for row in table(statuses, "status |")} == {r"one\|other"}
    found: list[str] = re.findall(r"(?:^\|.*\n)+", statuses + parameters, re.MULTILINE)
    assert [len({len(cells(line)) for line in one.splitlines()}) for one in found] == [1] * 7
