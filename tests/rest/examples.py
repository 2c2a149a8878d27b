"""Reservations, commands, replies and recorded requests for these tests."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypedDict, cast

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
    Reservation,
    Route,
    Status,
    Supervise,
    Wrap,
    conclude,
    conclude_fetch,
)
from tests.reference.oracle import load

HEX: Final = "0123456789abcdef" * 2

PATHS: Final = {
    Route.TASK: f"/v1/Workspaces/WS{HEX}/Tasks/WT{HEX}/Reservations/WR{HEX}",
    Route.WORKER: f"/v1/Workspaces/WS{HEX}/Workers/WK{HEX}/Reservations/WR{HEX}",
}

PENDING: Final = Reservation(
    sid=f"WR{HEX}",
    account_sid=f"AC{HEX}",
    workspace_sid=f"WS{HEX}",
    task_sid=f"WT{HEX}",
    worker_sid=f"WK{HEX}",
    status=Status.PENDING,
)

ACCEPTED: Final = attrs.evolve(PENDING, status=Status.ACCEPTED)

EMPTY: Final = Reservation(status=Status.PENDING)

SIDS: Final = ("sid", "account_sid", "workspace_sid", "task_sid", "worker_sid")

KINDS: Final[Mapping[str, type[Command]]] = {
    kind.__name__.lower(): kind
    for kind in (Accept, Reject, Dequeue, Call, Redirect, Conference, Supervise, Wrap, Complete)
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
    "supervise": Supervise(supervisor_mode="monitor", supervisor=f"WK{HEX}"),
    "wrap": Wrap(),
    "complete": Complete(),
}
"""One command for each that the matrix of the reference names."""


def changed(reservation: Reservation, **fields: object) -> Reservation:
    """Return a reservation with some fields replaced by any values."""
    evolve = cast("Callable[..., Reservation]", attrs.evolve)
    return evolve(reservation, **fields)


def body_of(reservation: Reservation, **changes: object) -> dict[str, object]:
    """Return a reservation as the platform's JSON, with some keys changed."""
    fields = ("sid", "account_sid", "workspace_sid", "task_sid", "worker_sid", "worker_name")
    body: dict[str, object] = {name: getattr(reservation, name) for name in fields}
    return {**body, "reservation_status": reservation.status.value, **changes}


def reply_of(
    body: object, status: int = 200, headers: Mapping[str, str] | Sequence[tuple[str, str]] = ()
) -> Reply:
    """Return a reply with a JSON body."""
    return Reply(status, headers, json.dumps(body).encode())


DATED: Final = attrs.evolve(PENDING, date_updated=datetime(2026, 1, 1, 12, tzinfo=UTC), etag="3")

HELD: Final = attrs.evolve(DATED, on_hold=True)


def report_of(reservation: Reservation, **changes: object) -> Reply:
    """Return the reply that reports a reservation, with version and date."""
    date = reservation.date_updated and reservation.date_updated.isoformat()
    headers = {"ETag": reservation.etag} if reservation.etag else {}
    return reply_of(body_of(reservation, date_updated=date, **changes), headers=headers)


NOW: Final = "Wed, 21 Oct 2026 07:28:00 GMT"

READERS: Final[Sequence[Callable[[Reply], Reservation]]] = (
    lambda reply: conclude(PENDING, Accept(), reply),
    lambda reply: conclude_fetch(PENDING, reply),
)
"""The two readers of a reply that holds one reservation."""


class Recorded(TypedDict):
    """One recorded request of the official client."""

    id: str
    route: str
    call_arguments: dict[str, object] | None
    method: str
    path: str
    if_match: str | None
    body: str
    form_pairs: list[tuple[str, str]]
    verdict: str


RECORDED: Final = {
    request["id"]: request
    for request in cast("dict[str, list[Recorded]]", load("requests"))["requests"]
    if request["verdict"] == "reproduce"
}

UPDATES: Final = [name for name, request in RECORDED.items() if request["method"] == "POST"]
