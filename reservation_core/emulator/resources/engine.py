"""Create, fetch, list, update and delete: the same for every resource."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final, cast

from reservation_core.domain.commands.extra import FormPairs
from reservation_core.emulator.api.paging import (
    PAGING,
    PageQuery,
    describe_page,
    find_start,
    page_reply,
    read_page_query,
)
from reservation_core.emulator.api.replies import CORS_HEADERS, json_reply, show_etag
from reservation_core.emulator.platform.platform import Platform
from reservation_core.emulator.platform.settings import BlankValues
from reservation_core.emulator.resources.addresses import (
    ResourceAddress,
    resource_path,
    workspace_path,
)
from reservation_core.emulator.resources.declarations import (
    RESOURCES,
    TASK,
    WORKER,
    WORKSPACE,
    Effect,
    On,
    Resource,
    snake_case,
)
from reservation_core.emulator.resources.records import RecordStore
from reservation_core.emulator.resources.refused import RefusedRequest
from reservation_core.emulator.resources.scene import Scene
from reservation_core.emulator.resources.store import ResourceRow, ResourceStore, Values
from reservation_core.emulator.resources.tasks import TaskStore
from reservation_core.emulator.resources.workers import WorkerStore
from reservation_core.rest.bodies import Json
from reservation_core.rest.messages import Headers, Reply

_ORDERING: Final = "Ordering"
_LIST_PARAMETERS: Final = PAGING | {_ORDERING}
_find_names: Final = re.compile(r"{(\w+)}").findall


class NotHere(Exception):
    """The path leads to nothing."""


class Stale(Exception):
    """The version in If-Match is not the resource's."""


class Engine:
    """Operations on the resources of one platform. Every method is called inside a transaction."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._settings = platform.settings
        self._scene = Scene(platform)
        self._stores: dict[str, ResourceStore] = {
            resource.kind: RecordStore(platform, resource, self._scene)
            for resource in RESOURCES.values()
        }
        self._stores[WORKER.kind] = WorkerStore(platform, WORKER)
        self._stores[TASK.kind] = TaskStore(platform, TASK)

    def _find(self, where: ResourceAddress) -> tuple[ResourceStore, ResourceRow]:
        store, sid = self._stores[where.resource.kind], str(where.sid)
        workspace = self._scene.find(where.workspace_sid or sid)
        row = None if workspace is None else store.find(workspace.sid, sid)
        if row is None:
            raise NotHere
        return store, row

    # --- operations ------------------------------------------------------------------------------

    def fetch(self, where: ResourceAddress, origin: str, rates: FormPairs) -> Reply:
        """Answer a request for one resource."""
        store, row = self._find(where)
        return self._show(200, store.resource, row, origin, rates)

    def create(
        self,
        where: ResourceAddress,
        pairs: FormPairs,
        account_sid: str,
        origin: str,
        rates: FormPairs,
    ) -> Reply:
        """Answer a creation."""
        if where.workspace_sid is not None and self._scene.find(where.workspace_sid) is None:
            raise NotHere
        resource = where.resource
        given = self._read(resource, On.CREATE, pairs, where.workspace_sid)
        defaults = {each.property_name: each.default for each in resource.parameters}
        store = self._stores[resource.kind]
        row = store.create(where.workspace_sid or "", {**defaults, **given}, account_sid)
        return self._show(201, resource, row, origin, rates)

    def update(
        self,
        where: ResourceAddress,
        pairs: FormPairs,
        if_match: str | None,
        origin: str,
        rates: FormPairs,
    ) -> Reply:
        """Answer an update."""
        store, row = self._find(where)
        is_stale = self._is_stale(store.resource, row, if_match)
        if is_stale and self._settings.checks_version_first:
            raise Stale
        values = self._read(store.resource, On.UPDATE, pairs, row.workspace_sid)
        row = store.update(row.sid, values)
        if is_stale:
            raise Stale
        return self._show(200, store.resource, row, origin, rates)

    def delete(self, where: ResourceAddress, if_match: str | None, rates: FormPairs) -> Reply:
        """Answer a deletion."""
        store, row = self._find(where)
        if self._is_stale(store.resource, row, if_match):
            raise Stale
        store.delete(row.sid)
        return Reply(204, Headers((*rates, *CORS_HEADERS)))

    def list_page(
        self, where: ResourceAddress, target: str, origin: str, rates: FormPairs
    ) -> Reply:
        """Answer a request for a page of a list."""
        path, _, text = target.partition("?")
        query = read_page_query(text, is_strict=self._settings.strict)
        resource = where.resource
        if where.workspace_sid is not None and self._scene.find(where.workspace_sid) is None:
            raise NotHere
        everything = list(self._stores[resource.kind].rows(where.workspace_sid or ""))
        _order(everything, resource, query.fields.get(_ORDERING, ""))
        rows = [*self._filter(everything, resource, query)]
        sids = [row.sid for row in rows]
        start = find_start(query, [row.sid for row in everything], sids)
        meta = describe_page(query, sids, start, resource.key, origin + path)
        shown = rows[start : start + query.size]
        written = [json.dumps(_write(row, resource, origin)) for row in shown]
        return page_reply(meta, written, self._settings, rates)

    # --- reading ---------------------------------------------------------------------------------

    def _is_stale(self, resource: Resource, row: ResourceRow, if_match: str | None) -> bool:
        is_checked = resource.has_version and if_match is not None
        return is_checked and str(if_match).strip('"') != row.version

    def _read(
        self, resource: Resource, on: On, pairs: FormPairs, workspace_sid: str | None
    ) -> Values:
        given = dict(reversed(pairs))  # the first of a name wins
        is_blank_unset = (
            self._settings.blank_values is BlankValues.UNSET and not self._settings.strict
        )
        values: dict[str, Json] = {}
        for parameter in resource.parameters:
            if parameter.is_required and on is On.CREATE and not given.get(parameter.name):
                raise RefusedRequest(
                    f"Missing required parameter {parameter.name} in the post body"
                )
            if on not in parameter.on or parameter.name not in given:
                continue
            text = given.pop(parameter.name)
            try:
                value = parameter.kind(text)
            except ValueError as error:
                if is_blank_unset and not text:
                    continue
                raise RefusedRequest(f"{parameter.name} {error}") from None
            if parameter.refers_to is not None:
                self._check_reference(
                    parameter.name, str(value), parameter.refers_to, workspace_sid
                )
            values[parameter.property_name] = value
        if self._settings.strict and given:
            raise RefusedRequest(f"{', '.join(given)} is not a parameter of this operation")
        return values

    def _check_reference(self, name: str, sid: str, kind: str, workspace_sid: str | None) -> None:
        store = self._stores[kind]
        if workspace_sid is None or store.find(workspace_sid, sid) is None:
            raise RefusedRequest(f"{name} {sid} is not in workspace {workspace_sid}")

    def _filter(
        self, rows: Sequence[ResourceRow], resource: Resource, query: PageQuery
    ) -> Iterator[ResourceRow]:
        known = {each.name: each for each in resource.filters}
        wanted: dict[str, set[str | int]] = {}
        for name, text in query.pairs:
            if name not in known:
                if self._settings.strict and name not in _LIST_PARAMETERS:
                    raise RefusedRequest(f"{name} is not a parameter of this list")
                continue
            each = known[name]
            texts = re.split(r"[,\s]+", text) if each.is_list else [text]
            try:
                values = {cast("str | int", each.kind(one)) for one in texts}
            except ValueError as error:
                raise RefusedRequest(f"{name} {error}") from None
            if each.effect is Effect.ACTS:
                wanted.setdefault(each.property_name, set()).update(values)
        for row in rows:
            if all(row.properties[name] in values for name, values in wanted.items()):
                yield row

    # --- writing ---------------------------------------------------------------------------------

    def _show(
        self, status: int, resource: Resource, row: ResourceRow, origin: str, rates: FormPairs
    ) -> Reply:
        etag = show_etag(row.version, self._settings) if resource.has_version else None
        body = json.dumps(_write(row, resource, origin)).encode()
        return json_reply(status, body, etag=etag, headers=rates)


def _order(rows: list[ResourceRow], resource: Resource, ordering: str) -> None:
    """Order rows as ``Property:asc,Property:desc`` says. Unknown properties are ignored."""
    for part in reversed(ordering.split(",")):
        name, _, direction = part.strip().partition(":")
        if name in resource.orderings:
            column = snake_case(name)
            rows.sort(
                key=lambda row: _sort_key(row.properties[column]),
                reverse=direction.lower() == "desc",
            )


def _sort_key(value: Json) -> tuple[bool, str | int]:
    """Return a key that puts null first. Workers of an old state file have no dates."""
    return (False, 0) if value is None else (True, cast("str | int", value))


def _write(row: ResourceRow, resource: Resource, origin: str) -> dict[str, object]:
    """Return a resource as replies show it. A link without its property is left out."""
    path = resource_path(resource, row.workspace_sid, row.sid)
    written: dict[str, object] = {**row.properties, "sid": row.sid, "url": origin + path}
    if resource is not WORKSPACE:
        written["workspace_sid"] = row.workspace_sid
    places = {**row.properties, "self": path, "workspace": workspace_path(row.workspace_sid)}
    written["links"] = {
        name: origin + link.format_map(places)
        for name, link in resource.links.items()
        if all(places[used] is not None for used in _find_names(link))
    }
    return written
