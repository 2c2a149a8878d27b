"""The graphs for Mermaid and Graphviz."""

from __future__ import annotations

import re

import pytest

from reservation_core import ON_HOLD, Status
from reservation_core.diagrams import __main__ as program
from reservation_core.domain.lifecycle import COMMAND_EDGES, FACT_EDGES, TERMINAL

EDGES = (*COMMAND_EDGES, *FACT_EDGES)


STATES = (*Status, ON_HOLD)


@pytest.mark.parametrize("name", ["lifecycle.mmd", "lifecycle.dot"])
def test_graph_has_every_state_edge_and_end(name: str) -> None:
    text, arrow = program.FILES[name](), {"lifecycle.mmd": "-->", "lifecycle.dot": "->"}[name]
    lines = [line for line in text.splitlines() if arrow in line]
    for edge in EDGES:
        ends = f"{edge.source} {arrow} {edge.target}"
        mine = [
            line
            for line in lines
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
