"""Schemas of request bodies against the functions that read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import jsonschema_rs
import pytest

from reservation_core.emulator.control.body_schema import describe_body, describe_sid
from reservation_core.emulator.control.routes import CONTROL_ROUTES
from reservation_core.emulator.control.seed import read_seed_task
from reservation_core.emulator.documents import UnreadableDocument
from reservation_core.rest.field_reader import FieldReader
from tests.emulator.worlds import TASK, WORKERS, WORKSPACE

READERS: Final[dict[str, Callable[[FieldReader], object]]] = {
    route.path: route.read for route in CONTROL_ROUTES if route.read is not None
}
RESERVED: Final = {"worker_sid": WORKERS[0], "facts": ["accepted", "wrapping"]}
BODIES: Final[tuple[tuple[str, Any], ...]] = (
    ("/seed", {}),
    ("/seed", {"workers": [{"workspace_sid": WORKSPACE}], "tasks": []}),
    ("/seed", {"workers": [{"workspace_sid": "WS1"}]}),
    ("/seed", {"tasks": [{"workspace_sid": WORKSPACE, "reservations": [{"facts": "x"}]}]}),
    ("/clock", {"seconds": 1.5}),
    ("/clock", {"seconds": -1}),
    ("/clock", {"seconds": "soon"}),
    ("/workers", {"workspace_sid": WORKSPACE, "name": "Zoë", "attributes": {"a": [1]}}),
    ("/workers", {"name": "Zoë"}),
    ("/workers", {"workspace_sid": WORKSPACE, "attributes": "x"}),
    ("/tasks", {"workspace_sid": WORKSPACE, "sid": TASK, "reservations": [RESERVED]}),
    ("/tasks", {"workspace_sid": WORKSPACE, "orchestrated": True, "reservation_timeout": 5}),
    ("/tasks", {"workspace_sid": WORKSPACE, "orchestrated": 1}),
    ("/tasks", {"workspace_sid": WORKSPACE, "reservation_timeout": 0}),
    ("/tasks", {"workspace_sid": WORKSPACE, "reservation_timeout": 86_400}),
    ("/tasks", {"workspace_sid": WORKSPACE, "reservation_timeout": 86_401}),
    ("/tasks", {"workspace_sid": WORKSPACE, "colour": "red"}),
    ("/tasks/WT/reservations", {"worker_sid": WORKERS[0], "facts": "accepted"}),
    ("/tasks/WT/reservations", {}),
    ("/reservations/WR/facts", {"fact": "accepted"}),
    ("/reservations/WR/facts", {"fact": "onHold"}),
    ("/reservations/WR/facts", {}),
    ("/reservations/WR/fail-call", {"code": 13223}),
    ("/reservations/WR/fail-call", {"code": 1.5}),
    ("/reservations/WR/transfers", {"worker_sid": TASK}),
    ("/faults", {"kind": "429", "retry_after": 2, "times": 3}),
    ("/faults", {"kind": "429", "status": 400}),
    ("/faults", {"kind": "not sent"}),
    ("/callbacks", {"assignment_url": "http://here/", "event_types": ["reservation.created"]}),
    ("/callbacks", {"duplicates": 2}),
)


@pytest.mark.parametrize(("path", "body"), BODIES)
def test_body_schema_accepts_what_the_reader_accepts(path: str, body: Any) -> None:
    reader = FieldReader(body, error=UnreadableDocument)
    try:
        READERS[path](reader)
        reader.finish()
    except UnreadableDocument:
        is_readable = False
    else:
        is_readable = True
    assert jsonschema_rs.is_valid(describe_body(READERS[path]), body) is is_readable


@pytest.mark.parametrize("path", READERS)
def test_describe_body_describes_each_route(path: str) -> None:
    schema = describe_body(READERS[path])
    jsonschema_rs.meta.validate(
        {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema
    )
    assert schema["properties"]


def test_describe_body_records_required_fields_defaults_and_nested_objects() -> None:
    task: Any = describe_body(read_seed_task)
    assert task["required"] == ["workspace_sid"]
    assert task["properties"]["workspace_sid"] == describe_sid("WS")
    assert task["properties"]["reservations"]["items"]["required"] == ["worker_sid"]
    fault: Any = describe_body(READERS["/faults"])
    assert fault["properties"]["times"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 10**9,
        "default": 1,
    }
    assert "default" not in fault["properties"]["seconds"]
