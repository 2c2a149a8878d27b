"""Paths of resources."""

from __future__ import annotations

import pytest

from reservation_core.emulator.resources.addresses import parse_resource_path, resource_path
from reservation_core.emulator.resources.declarations import RESOURCES, WORKSPACE

WS, SID = "WS" + "1" * 32, "WX" + "2" * 32


def test_path_of_resource_is_parsed_back() -> None:
    for each in RESOURCES.values():
        where = parse_resource_path(resource_path(each, WS, SID) + "?a=b")
        assert where is not None
        assert (where.resource, where.sid) == (each, SID)
        assert where.workspace_sid == (None if each is WORKSPACE else WS)


def test_path_of_list_has_no_sid() -> None:
    workspaces = parse_resource_path("/v1/Workspaces")
    tasks = parse_resource_path(f"/v1/Workspaces/{WS}/Tasks?PageSize=1")
    assert workspaces is not None
    assert tasks is not None
    assert (workspaces.resource, workspaces.sid) == (WORKSPACE, None)
    assert (tasks.resource.kind, tasks.workspace_sid, tasks.sid) == ("task", WS, None)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/Workspaces/",
        "/v2/Workspaces",
        f"/v1/Workspaces/{WS}/Statistics",
        f"/v1/Workspaces/{WS}/Workspaces",
        f"/v1/Workspaces/{WS}/Tasks/",
        f"/v1/Workspaces/{WS}/Tasks/{SID}/Reservations",
        f"/v1/Workspaces/{WS}/tasks",
    ],
)
def test_other_path_is_not_parsed(path: str) -> None:
    assert parse_resource_path(path) is None
