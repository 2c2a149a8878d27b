"""The declared resources, held against the official API description."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from reservation_core.emulator.resources.declarations import (
    RESOURCES,
    Effect,
    On,
    Resource,
    default_values,
    snake_case,
)
from tests.emulator.resources.scene import Workplace
from tests.reference.oracle import load

OPERATIONS: Mapping[str, Mapping[str, Any]] = {
    f"{each['method']} {each['path']}": each
    for each in cast("Any", load("workspace_openapi"))["operations"]
}
PAGING = {"PageSize", "Page", "PageToken"}
EACH = pytest.mark.parametrize("resource", RESOURCES.values(), ids=lambda each: each.kind)


def _operation(resource: Resource, method: str, suffix: str = "") -> Mapping[str, Any]:
    root = "/v1/Workspaces"
    if resource.kind != "workspace":
        root = f"{root}/{{WorkspaceSid}}/{resource.segment}"
    return OPERATIONS[f"{method} {root}{suffix}"]


def _names(resource: Resource, on: On) -> set[str]:
    return {each.name for each in resource.parameters if on in each.on}


@EACH
def test_parameters_are_those_of_the_description(resource: Resource) -> None:
    create, update = _operation(resource, "POST"), _operation(resource, "POST", "/{Sid}")
    assert _names(resource, On.CREATE) == set(create["body"])
    assert _names(resource, On.UPDATE) == set(update["body"])
    required = {each.name for each in resource.parameters if each.is_required}
    assert required == set(create["required"])
    assert update["required"] == []


@EACH
def test_filters_are_those_of_the_description(resource: Resource) -> None:
    described = set(_operation(resource, "GET")["query"]) - PAGING
    declared = {each.name for each in resource.filters}
    assert declared | ({"Ordering"} if resource.orderings else set()) == described


@EACH
def test_version_is_checked_where_the_description_has_if_match(resource: Resource) -> None:
    update, delete = (_operation(resource, method, "/{Sid}") for method in ("POST", "DELETE"))
    fetch = _operation(resource, "GET", "/{Sid}")
    assert ("If-Match" in update["request_headers"]) is resource.has_version
    assert ("If-Match" in delete["request_headers"]) is resource.has_version
    assert ("etag" in {name.lower() for name in fetch["response_headers"]}) is resource.has_version


@EACH
def test_key_of_list_is_that_of_the_description(resource: Resource) -> None:
    assert resource.key in _operation(resource, "GET")["response"]["properties"]


@EACH
def test_accepted_texts_are_those_of_the_description(resource: Resource) -> None:
    described = {
        **_operation(resource, "POST")["body"],
        **_operation(resource, "POST", "/{Sid}")["body"],
    }
    for parameter in resource.parameters:
        schema = described[parameter.name]
        good, bad = _samples(schema)
        for text in good:
            parameter.kind(text)
        for text in bad:
            with pytest.raises(ValueError, match="must be"):
                parameter.kind(text)


def _samples(schema: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    if "enum" in schema:
        return schema["enum"], ["no such word"]
    if "pattern" in schema:
        prefix = schema["pattern"][1:3]
        return [prefix + "a" * 32], [f"{prefix}1", "AA" + "a" * 32]
    if schema["type"] == "integer":
        return ["1"], ["one", "1.5", "99999999999"]
    if schema["type"] == "boolean":
        return ["true", "false"], []
    if schema.get("format") == "uri":
        return ["https://example.com/x"], ["example.com"]
    if schema.get("format") == "date-time":
        return ["2030-01-01T00:00:00Z"], ["yesterday"]
    return [], []


def test_properties_of_every_resource_are_those_of_the_description() -> None:
    place = Workplace()
    place.route()
    place.add_workers("ann")
    place.add_task()
    for resource in RESOURCES.values():
        path = "" if resource.kind == "workspace" else f"/{resource.segment}"
        row = place.rows(path, resource.key)[-1] if path else place.fetch("")
        described = _operation(resource, "GET", "/{Sid}")["response"]["properties"]
        assert set(row) == set(described), resource.kind
        for name, schema in described.items():
            _check(row[name], schema, f"{resource.kind}.{name}")
        assert set(row["links"]) <= set(resource.links)
        assert all(link.startswith(("https://", "http://")) for link in row["links"].values())


def _check(value: object, schema: Mapping[str, Any], name: str) -> None:
    types = {"string": str, "integer": int, "boolean": bool, "object": dict}
    if value is None:
        assert schema.get("nullable"), name
        return
    assert type(value) is types[schema["type"]], name
    assert value in schema.get("enum", [value]), name


def test_default_values_leave_out_what_is_not_shown() -> None:
    assert default_values(RESOURCES["Workflows"]) == {
        "friendly_name": None,
        "configuration": None,
        "assignment_callback_url": None,
        "fallback_assignment_callback_url": None,
        "task_reservation_timeout": None,  # that of the settings
    }


def test_every_effect_is_declared() -> None:
    effects = {each.effect for resource in RESOURCES.values() for each in resource.parameters}
    assert effects == {Effect.ACTS, Effect.KEPT, Effect.IGNORED}
    assert snake_case("FriendlyName") == "friendly_name"
