"""Public names, their documentation, and the cost of an import."""

import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

import pytest

import reservation_core
from reservation_core import CommandError, GatewayError, ReplyError, ReservationError

DESIGNED: Final = frozenset(
    {
        "Accept",
        "AsyncGateway",
        "Call",
        "Command",
        "CommandError",
        "CommandNotAllowed",
        "Complete",
        "Conference",
        "Dequeue",
        "Gateway",
        "GatewayError",
        "IllegalSuccession",
        "InvalidCommand",
        "LostRace",
        "MalformedReply",
        "NotFound",
        "OutcomeUnknown",
        "Redirect",
        "Refused",
        "Reject",
        "Reply",
        "ReplyError",
        "Request",
        "Reservation",
        "ReservationError",
        "SetStatus",
        "Status",
        "Supervise",
        "Throttled",
        "Unauthorized",
        "Wrap",
        "afetch",
        "alist_reservations",
        "aperform",
        "conclude",
        "fetch",
        "list_reservations",
        "perform",
        "prepare",
        "read_reservation",
    }
)
"""The names that users may rely on from the first version on."""

MORE: Final = frozenset(
    {
        "Address",
        "Attempt",
        "Caution",
        "Decision",
        "Edge",
        "Evidence",
        "PayloadFault",
        "Headers",
        "IncompleteReservation",
        "Indistinguishable",
        "LoggingObserver",
        "NotSent",
        "ONCE",
        "ON_HOLD",
        "Parameter",
        "Policy",
        "RateLimit",
        "Interpretation",
        "Route",
        "ServerFailed",
        "Source",
        "UnknownStatus",
        "InvalidDocument",
        "Violation",
        "build_machine",
        "Observer",
        "conclude_fetch",
        "decide",
        "explain",
        "follow",
        "prepare_fetch",
    }
)
"""The other public names. A new name is added here on purpose."""

ALLOWED: Final = {"attr", "attrs", "reservation_core", "six", "transitions"}
FORBIDDEN: Final = {
    "pyreqwest",
    "rich",
    "cyclopts",
    "hypothesis",
    "pytest",
    "twilio",
    "aiohttp",
    "requests",
    "asyncio",
    "ssl",
}


def _place(name: str) -> tuple[int, str]:
    """Return the sort key of a name: constants, then classes, then functions."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def test_public_names_are_pinned() -> None:
    names = reservation_core.__all__
    assert list(names) == sorted(names, key=_place)
    assert len(names) == len(set(names))
    assert set(names) == DESIGNED | MORE


@pytest.mark.parametrize("name", sorted(DESIGNED | MORE))
def test_public_name_can_be_imported(name: str) -> None:
    assert getattr(reservation_core, name, None) is not None


def test_package_has_no_other_public_name() -> None:
    others = {
        name
        for name, value in vars(reservation_core).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert others == set(reservation_core.__all__)


def _members(name: str) -> Iterator[tuple[str, object]]:
    """Yield a public name, and its public methods and properties."""
    value: object = getattr(reservation_core, name)
    yield name, value
    if inspect.isclass(value):
        for own, member in cast("dict[str, object]", vars(value)).items():
            plain: object = getattr(member, "__func__", member)  # what a class method wraps
            if not own.startswith("_") and (
                inspect.isfunction(plain) or isinstance(plain, property)
            ):
                yield f"{name}.{own}", plain


DOCUMENTED: Final = [
    pair
    for name in sorted(DESIGNED | MORE)
    if name not in {"ON_HOLD", "ONCE"}
    for pair in _members(name)
]


@pytest.mark.parametrize(("name", "value"), DOCUMENTED, ids=[name for name, _ in DOCUMENTED])
def test_public_name_has_own_docstring(name: str, value: object) -> None:
    text = getattr(value, "__doc__", None)
    assert isinstance(text, str), name
    first, *_ = inspect.cleandoc(text).split("\n\n")
    assert first[0].isupper()
    assert first.rstrip()[-1] in ".:;"
    if inspect.isclass(value):
        assert text not in [base.__doc__ for base in value.__mro__[1:]]


def test_error_stands_in_exactly_one_branch() -> None:
    classes = [
        value
        for name in reservation_core.__all__
        if inspect.isclass(value := getattr(reservation_core, name))
    ]
    errors = {value for value in classes if issubclass(value, BaseException)}
    branches = (CommandError, ReplyError, GatewayError)
    assert len(errors) == 20
    for error in errors - {ReservationError}:
        assert issubclass(error, ReservationError)
        assert sum(issubclass(error, branch) for branch in branches) == 1


def _modules_after(statement: str) -> set[str]:
    """Return the top-level modules that a statement loads in a fresh interpreter."""
    script = (
        f"import sys, json; before = set(sys.modules); {statement}; "
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=_root(),
        timeout=60,
    )
    return {name.partition(".")[0] for name in cast("list[str]", json.loads(run.stdout))}


def _root() -> Path:
    return Path(reservation_core.__file__).parent.parent


@pytest.mark.parametrize(
    "module", ["reservation_core", "reservation_core.emulator", "reservation_core.webhooks"]
)
def test_import_loads_only_the_two_dependencies(module: str) -> None:
    loaded = _modules_after(
        f"import {module}, reservation_core as r; r.explain(r.Status.PENDING, r.Accept)"
    )
    assert loaded - sys.stdlib_module_names == ALLOWED
    assert not loaded & FORBIDDEN


def test_typing_marker_is_shipped() -> None:
    assert (Path(reservation_core.__file__).parent / "py.typed").is_file()
