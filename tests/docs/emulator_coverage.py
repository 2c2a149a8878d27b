"""Coverage of the official API description by the emulator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

import attrs

from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.emulator.resources.addresses import parse_resource_path
from reservation_core.emulator.resources.declarations import Effect, On, Resource
from reservation_core.rest.addresses import parse_path
from tests.reference.oracle import load

_CHECKED: Final = "checked"
EFFECTS: Final[Mapping[str, str]] = {
    "acts": "It has the documented effect.",
    _CHECKED: "A wrong value is refused. It has no other effect, as the emulator has no calls.",
    "kept": "It is kept and shown, without an effect on the routing.",
    "ignored": "It has no effect. In a filter, an expression other than `1==1` is refused.",
    "missing": "The emulator does not have it.",
}
"""The effects of a parameter in the emulator, and their meaning."""

ACTING: Final = frozenset(
    {
        *("If-Match", "ReservationStatus", "Instruction"),
        *("WorkerActivitySid", "DequeuePostWorkActivitySid", "PostWorkActivitySid"),
        *("CallAccept", "RedirectAccept", "RedirectCallSid", "Supervisor"),
        *("DequeueTo", "CallTo", "To", "DequeueFrom", "From"),
    }
)
"""Parameters of a reservation's update that decide what the emulator does."""

_HEX: Final = "0" * 32
_PAGING: Final = ("PageSize", "Page", "PageToken", "Ordering")


@attrs.frozen
class Operation:
    """One operation of the description.

    :param effects: the effect of each parameter, by its name.
    """

    method: str
    path: str
    is_emulated: bool
    effects: Mapping[str, str]

    @property
    def collection(self) -> str:
        """The path without the SID at its end."""
        return self.path.removesuffix("/{Sid}")


def read_operations() -> list[Operation]:
    """Return all operations of the description, by path."""
    described = [
        *cast("Any", load("openapi"))["operations"],
        *cast("Any", load("workspace_openapi"))["operations"],
    ]
    read = (_read_operation(each) for each in described)
    return sorted(read, key=lambda operation: (operation.path, operation.method))


def _read_operation(described: Mapping[str, Any]) -> Operation:
    method, path = described["method"], described["path"]
    names = (*described["query"], *described["request_headers"], *described["body"])
    target = _fill(path, described["path_parameters"])
    if parse_path(target) is not None:
        find = _reservation_effects()
        return Operation(method, path, True, {name: find.get(name, _CHECKED) for name in names})
    where = parse_resource_path(target)
    if where is None or not (where.sid is None or where.sid.endswith(_HEX)):
        return Operation(method, path, False, dict.fromkeys(names, "missing"))
    declared = _resource_effects(where.resource, method, is_list=where.sid is None)
    return Operation(method, path, True, {name: declared.get(name, "missing") for name in names})


def _fill(path: str, parameters: Mapping[str, Mapping[str, str]]) -> str:
    for name, schema in parameters.items():
        path = path.replace(f"{{{name}}}", schema.get("pattern", "^WS")[1:3] + _HEX)
    return path


def _reservation_effects() -> dict[str, str]:
    acting = dict.fromkeys((*ACTING, *_PAGING, "WorkerSid"), "acts")
    checked = {p.wire_name: _CHECKED for command in COMMANDS for p in command.parameters}
    return {**checked, **acting}


def _resource_effects(resource: Resource, method: str, *, is_list: bool) -> dict[str, str]:
    found = {"If-Match": "acts"} if resource.has_version else {}
    if method == "POST":
        on = On.CREATE if is_list else On.UPDATE
        found |= {p.name: _word(p.effect) for p in resource.parameters if on in p.on}
    if method == "GET" and is_list:
        found |= dict.fromkeys(_PAGING, "acts")
        found |= {each.name: _word(each.effect) for each in resource.filters}
    return found


def _word(effect: Effect) -> str:
    return str(effect.name).lower()


def write_emulator() -> str:
    """Return the counts of operations and parameters."""
    operations = read_operations()
    emulated = [each for each in operations if each.is_emulated]
    counts = _count(operations)
    total = sum(counts.values())
    lines = [
        f"Of {len(operations)} operations in the official description, it has {len(emulated)}.",
        f"Of {total} parameters, {_describe(counts)}.",
        "",
        *(f"* *{effect}*: {meaning}" for effect, meaning in EFFECTS.items()),
        "",
        f"| path, below `/v1/Workspaces` | operations | {' | '.join(EFFECTS)} | not acting |",
        f"| --- | --- | {' | '.join('---' for _ in EFFECTS)} | --- |",
        *_rows(operations),
        "",
    ]
    return "\n".join(lines)


def _rows(operations: Iterable[Operation]) -> Iterator[str]:
    by_collection: dict[str, list[Operation]] = {}
    for operation in operations:
        by_collection.setdefault(operation.collection, []).append(operation)
    for collection, found in by_collection.items():
        counts = _count(found)
        emulated = sum(each.is_emulated for each in found)
        numbers = " | ".join(str(counts[effect] or "") for effect in EFFECTS)
        share = f"{emulated} of {len(found)}"
        shown = collection.removeprefix("/v1/Workspaces") or "/"
        yield f"| `{shown}` | {share} | {numbers} | {_name_others(found) if emulated else ''} |"


def _name_others(found: Iterable[Operation]) -> str:
    """Return the names of the parameters that are kept, ignored or missing."""
    parts: list[str] = []
    for effect in ("kept", "ignored", "missing"):
        names = {n: None for each in found for n, value in each.effects.items() if value == effect}
        if names:
            parts.append(f"{effect}: {', '.join(f'`{name}`' for name in names)}")
    return "; ".join(parts)


def _count(operations: Iterable[Operation]) -> dict[str, int]:
    effects = [effect for each in operations for effect in each.effects.values()]
    return {effect: effects.count(effect) for effect in EFFECTS}


def _describe(counts: Mapping[str, int]) -> str:
    words = {"acts": "act", "missing": "are missing"}
    *first, last = (f"{n} {words.get(effect, f'are {effect}')}" for effect, n in counts.items())
    return f"{', '.join(first)} and {last}"
