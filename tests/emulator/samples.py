"""A pending reservation, an example of every command, and gateways for tests."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, cast

import attrs

from reservation_core import (
    Accept,
    Call,
    Command,
    Complete,
    Conference,
    Dequeue,
    Redirect,
    Reject,
    Reply,
    Request,
    Reservation,
    Route,
    Status,
    Supervise,
    Wrap,
)
from reservation_core.emulator import InMemoryGateway, Platform, Settings
from tests.emulator.clocks import Ticking

HEX: Final = "0123456789abcdef" * 2
WORKSPACE, TASK, WORKER, SID, ACCOUNT = (
    f"{prefix}{HEX}" for prefix in ("WS", "WT", "WK", "WR", "AC")
)
PENDING: Final = Reservation(
    sid=SID,
    account_sid=ACCOUNT,
    workspace_sid=WORKSPACE,
    task_sid=TASK,
    worker_sid=WORKER,
    worker_name="Käthe",
    status=Status.PENDING,
)
BASES: Final = {
    Route.TASK: f"/v1/Workspaces/{WORKSPACE}/Tasks/{TASK}/Reservations",
    Route.WORKER: f"/v1/Workspaces/{WORKSPACE}/Workers/{WORKER}/Reservations",
}
EXAMPLES: Final[Mapping[str, Command]] = {
    "accept": Accept(),
    "accept+orchestrated": Accept(),
    "reject": Reject(),
    "dequeue": Dequeue(from_="+15005550006"),
    "call": Call(from_="+15005550006", url="https://example.com/twiml"),
    "call+accept": Call(from_="+15005550006", url="https://example.com/twiml", accept=True),
    "redirect": Redirect(call_sid=f"CA{HEX}", url="https://example.com/twiml"),
    "redirect+accept": Redirect(call_sid=f"CA{HEX}", url="https://example.com/twiml", accept=True),
    "conference": Conference(to="client:alice", from_="+15005550006"),
    "supervise": Supervise(supervisor_mode="monitor", supervisor=WORKER),
    "wrap": Wrap(),
    "complete": Complete(),
}
STATES: Final = [*(status.value for status in Status), "onHold"]


def numbered(number: int, **fields: object) -> Reservation:
    """Return a pending reservation of the same task with other SIDs."""
    evolve = cast("Callable[..., Reservation]", attrs.evolve)
    return evolve(
        PENDING, **{"sid": f"WR{number:032x}", "worker_sid": f"WK{number:032x}", **fields}
    )


def in_state(state: str) -> Reservation:
    """Return a reservation in one of the nine states."""
    on_hold = state == "onHold"
    return attrs.evolve(
        PENDING, status=Status.PENDING if on_hold else Status(state), on_hold=on_hold
    )


def holding(*reservations: Reservation, command: str = "") -> InMemoryGateway:
    """Return a gateway to a platform with these reservations.

    Its clock advances by a second at each reading.

    :param command: the row of the matrix, which may need orchestrated tasks.
    """
    settings = Settings(orchestrated_accept=command.endswith("+orchestrated"))
    platform = Platform(Ticking(datetime(2026, 1, 1, tzinfo=UTC)), settings=settings)
    for reservation in reservations:
        platform.add(reservation)
    return InMemoryGateway(platform)


def update(form: tuple[tuple[str, str], ...], route: Route = Route.TASK, **headers: str) -> Request:
    """Return an update with any form."""
    return Request("POST", f"{BASES[route]}/{SID}", headers, form)


def read_json(reply: Reply) -> dict[str, object]:
    """Return the JSON object in a reply."""
    body: object = json.loads(reply.body)
    assert isinstance(body, dict)
    return cast("dict[str, object]", body)
