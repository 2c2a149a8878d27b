"""Asks a running emulator what the official API description allows, and what it does not: ``python -m tests.campaigns.api_schema``.

What is drawn from the description alone seldom finds a reservation and hardly ever is a command; so half of the requests are about one
that is there, and an update is given a status or an instruction.
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
from schemathesis import checks as every
from schemathesis.specs.openapi import checks as described

from reservation_core import Status
from reservation_core.emulator import ManualClock, Platform
from reservation_core.emulator.server import Emulator, running_emulator
from tests.campaigns.api_description import describe
from tests.emulator.wire import WAIT
from tests.emulator.worlds import TASK, WORKERS, WORKSPACE, people

_NAMES: Final = (
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
CHECKS: Final[list[Any]] = [
    getattr(every, "not_a_server_error"),  # noqa: B009 - half typed
    *(getattr(described, name) for name in _NAMES),
]
"""The description names no answer but the 200, so that an error's status cannot be held against it."""

_schema: Final[Any] = schemathesis.openapi.from_dict(describe())
OPERATIONS: Final[Mapping[str, Any]] = {
    result.ok().definition.raw["operationId"]: result.ok()
    for result in _schema.get_all_operations()
}
Mode = schemathesis.GenerationMode
MODES: Final = tuple(Mode)

_HEADS: Final = st.sampled_from(
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


def _make(emulator: Emulator) -> dict[str, str]:
    """Let the emulator hold one pending reservation, and nothing else; gives what stands in the path to it."""
    emulator.platform.reset()
    sid = people(emulator.platform).sid()
    return {"WorkspaceSid": WORKSPACE, "TaskSid": TASK, "WorkerSid": WORKERS[0], "Sid": sid}


def _ask(emulator: Emulator, session: requests.Session, case: Any) -> int:
    """Ask, hold the answer against the description, and give its status."""
    response = case.call(base_url=emulator.url, session=session, timeout=WAIT)
    case.validate_response(response, checks=CHECKS)
    return int(response.status_code)


def succeed(emulator: Emulator, session: requests.Session, operation: str) -> int:
    """Ask what is certain to succeed."""
    known = _make(emulator)
    declared = OPERATIONS[operation]
    case = declared.Case(
        path_parameters={each.name: known[each.name] for each in declared.path_parameters}
    )
    if declared.method == "post":
        case.body, case.media_type = (
            {"ReservationStatus": "accepted"},
            "application/x-www-form-urlencoded",
        )
    return _ask(emulator, session, case)


def draw(
    emulator: Emulator, session: requests.Session, operation: str, mode: Mode, examples: int
) -> Counter[int]:
    """Ask so many things that are drawn, and count the answers by status."""

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
        head=_HEADS,
        real=st.booleans(),
        accepted=st.booleans(),
    )
    def check(case: Any, head: Mapping[str, str], real: bool, accepted: bool) -> None:
        known = _make(emulator)
        if accepted:
            emulator.platform.set_status(known["Sid"], Status.ACCEPTED)
        if real:
            case.path_parameters = {name: known[name] for name in case.path_parameters}
        body: object = case.body
        if isinstance(body, dict):
            case.body = {**cast("dict[str, object]", body), **head}
        seen[_ask(emulator, session, case)] += 1

    seen: Counter[int] = Counter()
    check()
    return seen


def main() -> None:
    """Ask, and print how often each status came back; what is not as described ends it."""
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
                print(
                    f"{operation}, {mode.value}: {', '.join(f'{count} x {status}' for status, count in sorted(seen.items()))}"
                )


if __name__ == "__main__":
    main()
