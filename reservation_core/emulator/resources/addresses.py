"""Paths of the emulated resources."""

from __future__ import annotations

import re
from typing import Final

import attrs

from reservation_core.emulator.resources.declarations import RESOURCES, WORKSPACE, Resource


@attrs.frozen
class ResourceAddress:
    """Place of a resource or of a list of resources.

    :param workspace_sid: the workspace in the path; ``None`` for a workspace or their list.
    :param sid: the resource in the path; ``None`` for a list.
    """

    resource: Resource
    workspace_sid: str | None
    sid: str | None


_match: Final = re.compile(
    r"/v1/Workspaces(?:/(?P<workspace>[^/?]+)"
    rf"(?:/(?P<segment>{'|'.join(RESOURCES)})(?:/(?P<sid>[^/?]+))?)?)?(?:\?.*)?"
).fullmatch


def parse_resource_path(target: str) -> ResourceAddress | None:
    """Parse the path of a resource. Any other path gives ``None``. The query is ignored."""
    match = _match(target)
    if match is None or match["segment"] == WORKSPACE.segment:
        return None
    if match["segment"] is None:
        return ResourceAddress(WORKSPACE, None, match["workspace"])
    return ResourceAddress(RESOURCES[match["segment"]], match["workspace"], match["sid"])


def workspace_path(workspace_sid: str) -> str:
    """Return the path of a workspace."""
    return f"/v1/Workspaces/{workspace_sid}"


def resource_path(resource: Resource, workspace_sid: str, sid: str) -> str:
    """Return the path of a resource."""
    if resource is WORKSPACE:
        return workspace_path(sid)
    return f"{workspace_path(workspace_sid)}/{resource.segment}/{sid}"
