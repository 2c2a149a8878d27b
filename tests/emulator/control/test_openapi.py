"""Description of the control surface in OpenAPI 3.1."""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from reservation_core.emulator.control.openapi import describe_openapi
from reservation_core.emulator.control.route import CONTROL_ROOT
from reservation_core.emulator.control.routes import CONTROL_ROUTES
from reservation_core.emulator.server import Emulator
from tests.emulator.control.conftest import Send
from tests.emulator.wire import ask
from tests.emulator.worlds import ZEROS


@pytest.fixture
def document(send: Send) -> Any:
    return send("GET", "/openapi.json").json


def test_describe_openapi_returns_a_valid_document(document: Any) -> None:
    schemathesis.openapi.from_dict(document).validate()
    document["paths"][f"{CONTROL_ROOT}/routes"]["get"]["parameters"] = 3
    with pytest.raises(ValueError, match="is not of type"):
        schemathesis.openapi.from_dict(document).validate()


def test_describe_openapi_has_each_route_once(document: Any) -> None:
    operations = {
        (method.upper(), re.sub(r"\{\w+\}", "*", path)): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    expected = {
        (route.method, CONTROL_ROOT + re.sub("/W[KTR]\\b", "/*", route.path))
        for route in CONTROL_ROUTES
    }
    assert operations.keys() == expected | {("GET", f"{CONTROL_ROOT}/events")}
    identifiers = [operation["operationId"] for operation in operations.values()]
    assert len(set(identifiers)) == len(identifiers)


def test_describe_openapi_describes_parameters_and_body(document: Any) -> None:
    paths = document["paths"]
    reserve = paths[f"{CONTROL_ROOT}/tasks/{{task_sid}}/reservations"]["post"]
    assert reserve["summary"] == "Reserve worker_sid for a task"
    assert [(each["name"], each["in"]) for each in reserve["parameters"]] == [("task_sid", "path")]
    assert reserve["requestBody"]["content"]["application/json"]["schema"]["required"] == [
        "worker_sid"
    ]
    journal = paths[f"{CONTROL_ROOT}/journal"]["get"]
    assert [each["name"] for each in journal["parameters"]] == ["since"]
    assert "requestBody" not in journal


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/workers", {}),
        ("GET", f"/reservations/WR{ZEROS}", None),
        ("GET", "/journal?since=x", None),
        ("PUT", "/reset", None),
    ],
)
def test_refusal_matches_the_error_schema(
    send: Send, document: Any, method: str, path: str, body: object
) -> None:
    schema = document["components"]["schemas"]["Error"]
    jsonschema_rs.validate(schema, send(method, path, body).json)
    assert not jsonschema_rs.is_valid(schema, {})


@pytest.mark.parametrize("route", CONTROL_ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_fields_in_a_description_are_fields_of_the_body(route: Any) -> None:
    named = set(re.findall(r"\{(\w+)\}", route.description))
    operation: Any = describe_openapi([route])["paths"]
    (methods,) = (value for path, value in operation.items() if not path.endswith("/events"))
    body = methods[route.method.lower()].get("requestBody")
    assert not named or named <= set(body["content"]["application/json"]["schema"]["properties"])


def test_openapi_is_served_over_http(emulator: Emulator, document: Any) -> None:
    answer = ask(emulator.url, "GET", f"{CONTROL_ROOT}/openapi.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json == document
