"""The official API description as an OpenAPI document, from ``tests/reference/openapi.json``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, cast

from tests.reference.oracle import load

FORM = "application/x-www-form-urlencoded"


def _parameters(place: str, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": place, "required": place == "path", "schema": schema}
        for name, schema in facts.items()
    ]


def _operation(facts: Mapping[str, Any]) -> dict[str, Any]:
    placed = (("path", "path_parameters"), ("query", "query"), ("header", "request_headers"))
    operation: dict[str, Any] = {
        "operationId": facts["operationId"],
        "parameters": [
            parameter for place, name in placed for parameter in _parameters(place, facts[name])
        ],
        "responses": {
            str(facts["response_status"]): {
                "description": "",
                "headers": {
                    name: {"schema": {"type": kind}}
                    for name, kind in facts["response_headers"].items()
                },
                "content": {"application/json": {"schema": facts["response"]}},
            }
        },
    }
    if facts["body"]:
        operation["requestBody"] = {
            "content": {FORM: {"schema": {"type": "object", "properties": facts["body"]}}}
        }
    return operation


def describe() -> dict[str, Any]:
    """Return the six operations as an OpenAPI 3.0 document."""
    facts = cast("Mapping[str, Any]", load("openapi"))
    paths: dict[str, dict[str, Any]] = {}
    for operation in facts["operations"]:
        paths.setdefault(operation["path"], {})[operation["method"].lower()] = _operation(operation)
    return {
        "openapi": "3.0.1",
        "info": {"title": "Reservations", "version": "1"},
        "paths": paths,
        "components": {"securitySchemes": {"basic": {"type": "http", "scheme": "basic"}}},
        "security": [{"basic": []}],
    }


if __name__ == "__main__":  # for programs that read it from a file
    json.dump(describe(), sys.stdout)
