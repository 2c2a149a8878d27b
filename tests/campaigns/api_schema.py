"""Requests drawn from the official API description: ``python -m tests.campaigns.api_schema``.

A request drawn from the description alone seldom finds anything and is hardly ever a command. So
half of the requests address something that exists, and the update of a reservation gets a status or
an instruction.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, cast

import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import checks as general_checks
from schemathesis.specs.openapi import checks as openapi_checks

from reservation_core import Status
from reservation_core.emulator import ManualClock, Platform
from reservation_core.emulator.server import Emulator, running_emulator
from tests.campaigns.api_description import describe
from tests.emulator.resources.scene import Workplace
from tests.emulator.wire import WAIT
from tests.emulator.worlds import TASK, WORKERS, WORKSPACE, people

_NAMES: Final = (
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
CHECKS: Final[list[Any]] = [
    getattr(general_checks, "not_a_server_error"),  # noqa: B009 - half typed
    *(getattr(openapi_checks, name) for name in _NAMES),
]
"""Checks of each reply. The description has only the reply to a success, so an error's status is
not checked."""

_schema: Final[Any] = schemathesis.openapi.from_dict(describe())
OPERATIONS: Final[Mapping[str, Any]] = {
    result.ok().definition.raw["operationId"]: result.ok()
    for result in _schema.get_all_operations()
}
Mode = schemathesis.GenerationMode
MODES: Final = tuple(Mode)

_FIELDS: Final = st.sampled_from(
    [
        {},
        *(
            {"ReservationStatus": word}
            for word in ("accepted", "rejected", "wrapping", "completed", "timeout")
        ),
        *(
            {"Instruction": word}
            for word in ("conference", "Dequeue", "call", "redirect", "supervise")
        ),
    ]
)


_CREATED: Final[Mapping[str, Mapping[str, str]]] = {
    "Activities": {"FriendlyName": "Lunch"},
    "TaskQueues": {"FriendlyName": "Everybody"},
    "TaskChannels": {"FriendlyName": "Fax", "UniqueName": "fax"},
    "Workflows": {"FriendlyName": "Calls", "Configuration": "{}"},
    "Workers": {"FriendlyName": "Ann"},
    "Tasks": {},
}
"""The form of a resource of each kind, by its collection."""


def _reset(emulator: Emulator, path: str) -> dict[str, str]:
    """Reset the emulator to something to address, and return the path parameters."""
    emulator.platform.reset()
    if "/Reservations" in path:
        sid = people(emulator.platform).sid()
        return {"WorkspaceSid": WORKSPACE, "TaskSid": TASK, "WorkerSid": WORKERS[0], "Sid": sid}
    workplace = Workplace(platform=emulator.platform)
    sids = {
        collection: str(workplace.create(f"/{collection}", **form)["sid"])
        for collection, form in _CREATED.items()
    }
    collection = path.removesuffix("/{Sid}").rpartition("/")[2]
    return {"WorkspaceSid": workplace.sid, "Sid": sids.get(collection, workplace.sid)}


def _send(emulator: Emulator, session: requests.Session, case: Any) -> int:
    """Send a request, validate the reply and return its status."""
    response = case.call(base_url=emulator.url, session=session, timeout=WAIT)
    case.validate_response(response, checks=CHECKS)
    return int(response.status_code)


def succeed(emulator: Emulator, session: requests.Session, operation: str) -> int:
    """Send a request that must succeed, and return the status."""
    declared = OPERATIONS[operation]
    parameters = _reset(emulator, declared.path)
    case = declared.Case(
        path_parameters={each.name: parameters[each.name] for each in declared.path_parameters}
    )
    if declared.method == "post":
        collection = declared.path.rpartition("/")[2]
        is_update = "/Reservations" in declared.path
        form = {"ReservationStatus": "accepted"} if is_update else _CREATED.get(collection, {})
        case.body = dict(form) or {"FriendlyName": "Another"}
        case.media_type = "application/x-www-form-urlencoded"
    return _send(emulator, session, case)


def draw(
    emulator: Emulator, session: requests.Session, operation: str, mode: Mode, examples: int
) -> Counter[int]:
    """Send drawn requests, and count the replies by status.

    :param mode: draws requests that follow the description, or that break it.
    :param examples: number of requests.
    """
    path = OPERATIONS[operation].path
    fields = _FIELDS if "/Reservations" in path else st.just(dict[str, str]())

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.filter_too_much,
            HealthCheck.data_too_large,
        ],
    )
    @given(
        case=OPERATIONS[operation].as_strategy(generation_mode=mode),
        fields=fields,
        exists=st.booleans(),
        accepted=st.booleans(),
    )
    def check(case: Any, fields: Mapping[str, str], exists: bool, accepted: bool) -> None:
        parameters = _reset(emulator, path)
        if accepted and "/Reservations" in path:
            emulator.platform.set_status(parameters["Sid"], Status.ACCEPTED)
        if exists:
            case.path_parameters = {name: parameters[name] for name in case.path_parameters}
        body: object = case.body
        if isinstance(body, dict):
            case.body = {**cast("dict[str, object]", body), **fields}
        seen[_send(emulator, session, case)] += 1

    seen: Counter[int] = Counter()
    check()
    return seen


def main() -> None:
    """Run all operations and print the statuses. A reply that breaks the description ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--examples", type=int, default=200, help="of each operation, well-formed and malformed"
    )
    options = parser.parse_args()
    with running_emulator(Platform(ManualClock())) as emulator, requests.Session() as session:
        session.trust_env = False
        for operation in OPERATIONS:
            for mode in MODES:
                seen = draw(emulator, session, operation, mode, options.examples)
                counts = ", ".join(f"{seen[status]} x {status}" for status in sorted(seen))
                print(f"{operation}, {mode.value}: {counts}")


if __name__ == "__main__":
    main()
