"""Functions that make a route."""

from __future__ import annotations

import pytest

from reservation_core.emulator.control.route import (
    SID_IN_PATH,
    body_route,
    plain_route,
    sid_route,
    since_route,
)
from reservation_core.emulator.control.state import ControlRequest
from reservation_core.emulator.control.surface import Control
from reservation_core.emulator.documents import UnreadableDocument, read_document
from reservation_core.emulator.platform.platform import Platform
from tests.emulator.worlds import WORKERS, World


def request(body: str = "", **query: str) -> ControlRequest:
    return ControlRequest((WORKERS[0],), query, read_document(body))


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/tasks/WT/reservations", ["WT"]),
        ("/workers/WK", ["WK"]),
        ("/WORKERS/WRAP", []),
        ("/reservations/WR/facts", ["WR"]),
    ],
)
def test_sid_in_path_matches_whole_segments(path: str, found: list[str]) -> None:
    assert SID_IN_PATH.findall(path) == found


def test_plain_route_refuses_a_body(control: Control) -> None:
    route = plain_route("GET", "/x", "show x", lambda _, __: "x")
    assert (route.handle(control, request()), route.read, route.has_since) == ("x", None, False)
    with pytest.raises(UnreadableDocument):
        route.handle(control, request('{"a": 1}'))


def test_since_route_passes_the_number(control: Control) -> None:
    route = since_route("/x", "show x", lambda _, since: since)
    assert (route.method, route.has_since) == ("GET", True)
    assert route.handle(control, request(since="7")) == 7


def test_body_route_reads_the_whole_body_first(control: Control) -> None:
    acts: list[str | None] = []
    route = body_route(
        "/x", "set {a}", lambda body: body.text("a"), lambda _, __, text: acts.append(text)
    )
    route.handle(control, request('{"a": "text"}'))
    with pytest.raises(UnreadableDocument):
        route.handle(control, request('{"a": "text", "b": 1}'))
    assert acts == ["text"]


def test_sid_route_calls_the_platform(control: Control, world: World) -> None:
    route = sid_route("GET", "/workers/WK", "show a worker", Platform.worker)
    assert route.handle(control, request()) == world.platform.worker(WORKERS[0])
