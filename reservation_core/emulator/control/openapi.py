"""The control surface in OpenAPI 3.1, generated from its table of routes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from reservation_core.emulator.control.body_schema import Schema, describe_body, describe_sid
from reservation_core.emulator.control.route import CONTROL_ROOT, SID_IN_PATH, ControlRoute
from reservation_core.rest.errors import PayloadFault

_SID_NAMES: Final = {"WK": "worker_sid", "WT": "task_sid", "WR": "reservation_sid"}
_ERROR: Final[Schema] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {"type": "string"},
        "faults": {
            "description": "Every fault of a body or query that cannot be read.",
            "type": "array",
            "items": {
                "type": "object",
                "required": [*PayloadFault._fields],
                "properties": {name: {"type": "string"} for name in PayloadFault._fields},
            },
        },
    },
}
_SINCE: Final[Schema] = {
    "name": "since",
    "in": "query",
    "description": "The last number that the client has read.",
    "schema": {"type": "integer", "minimum": 0, "maximum": 10**15 - 1, "default": 0},
}
_FEED: Final[Schema] = {
    "operationId": "get_events",
    "summary": "Stream everything that happens from now on",
    "responses": {
        "200": {
            "description": "Server-sent events: hello, entry, exchange, callback, clock, deleted.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
}


def describe_openapi(routes: Iterable[ControlRoute]) -> Schema:
    """Return routes, and the event feed, in OpenAPI 3.1."""
    paths: dict[str, Schema] = {}
    for route in routes:
        path = SID_IN_PATH.sub(lambda sid: f"{{{_SID_NAMES[sid[0]]}}}", route.path)
        paths.setdefault(CONTROL_ROOT + path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Control surface of the reservation_core emulator",
            "description": "Steers the emulated platform. It needs no credentials.",
            "version": "1",
        },
        "servers": [{"url": "/"}],
        "paths": {**paths, f"{CONTROL_ROOT}/events": {"get": _FEED}},
        "components": {
            "schemas": {"Error": _ERROR},
            "responses": {
                "Error": _json(
                    "The error, with its remedy.", {"$ref": "#/components/schemas/Error"}
                )
            },
        },
    }


def _operation(route: ControlRoute) -> Schema:
    parameters = [
        {"name": _SID_NAMES[sid], "in": "path", "required": True, "schema": describe_sid(sid)}
        for sid in SID_IN_PATH.findall(route.path)
    ]
    operation: Schema = {
        "operationId": re.sub("[^A-Za-z]+", "_", f"{route.method.lower()}{route.path}"),
        "summary": re.sub("[{}]", "", route.description[0].upper() + route.description[1:]),
        "parameters": [*parameters, _SINCE] if route.has_since else parameters,
        "responses": {
            "200": _json("The result.", {}),
            "default": {"$ref": "#/components/responses/Error"},
        },
    }
    if route.read is not None:
        operation["requestBody"] = _json("A JSON object.", describe_body(route.read))
    return operation


def _json(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
