"""The official API description of the emulated operations, as an OpenAPI document."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, cast

from tests.docs.emulator_coverage import read_operations
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
        "responses": {str(facts["response_status"]): _response(facts)},
    }
    if facts["body"]:
        schema = {"type": "object", "properties": facts["body"]}
        if required := facts.get("required"):
            schema["required"] = required
        operation["requestBody"] = {"content": {FORM: {"schema": schema}}}
    return operation


def _response(facts: Mapping[str, Any]) -> dict[str, Any]:
    headers = {name: {"schema": {"type": kind}} for name, kind in facts["response_headers"].items()}
    response: dict[str, Any] = {"description": "", "headers": headers}
    if "response" in facts:  # a deletion has none
        response["content"] = {"application/json": {"schema": facts["response"]}}
    return response


def describe() -> dict[str, Any]:
    """Return all operations that the emulator has as an OpenAPI 3.0 document."""
    emulated = {(each.method, each.path) for each in read_operations() if each.is_emulated}
    paths: dict[str, dict[str, Any]] = {}
    for name in ("openapi", "workspace_openapi"):
        for operation in cast("Mapping[str, Any]", load(name))["operations"]:
            method, path = operation["method"], operation["path"]
            if (method, path) in emulated:
                paths.setdefault(path, {})[method.lower()] = _operation(operation)
    return {
        "openapi": "3.0.1",
        "info": {"title": "TaskRouter", "version": "1"},
        "paths": paths,
        "components": {"securitySchemes": {"basic": {"type": "http", "scheme": "basic"}}},
        "security": [{"basic": []}],
    }


if __name__ == "__main__":  # for programs that read it from a file
    json.dump(describe(), sys.stdout)
