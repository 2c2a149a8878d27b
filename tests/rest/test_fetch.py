"""A fetch sends the recorded request."""

from typing import Any

import pytest

from reservation_core import (
    Address,
    MalformedReply,
    Reply,
    Reservation,
    ServerFailed,
    conclude_fetch,
    prepare_fetch,
)
from tests.rest.examples import ACCEPTED, HEX, PENDING, RECORDED, body_of, reply_of


@pytest.mark.parametrize("name", ["python-sync/task/fetch", "python-sync/worker/fetch"])
@pytest.mark.parametrize(
    "known",
    [
        PENDING,
        Address(
            workspace_sid=f"WS{HEX}", task_sid=f"WT{HEX}", worker_sid=f"WK{HEX}", sid=f"WR{HEX}"
        ),
    ],
)
def test_recorded_fetch_is_reproduced(name: str, known: Reservation | Address) -> None:
    recorded = RECORDED[name]
    request = prepare_fetch(known, route=recorded["route"])
    assert (request.method, request.path, request.body) == (
        recorded["method"],
        recorded["path"],
        b"",
    )
    assert dict(request.headers) == {"Accept": "application/json"}


def test_fetch_by_address_checks_the_sids_of_the_address() -> None:
    address = Address(
        workspace_sid=PENDING.workspace_sid, task_sid=PENDING.task_sid, sid=PENDING.sid
    )
    assert conclude_fetch(address, reply_of(body_of(ACCEPTED, task_sid=None))) == ACCEPTED
    with pytest.raises(MalformedReply, match=r"task_sid.*\n.* sid|sid.*\n.*task_sid"):
        conclude_fetch(
            address, reply_of(body_of(ACCEPTED, sid="WR" + "f" * 32, task_sid="WT" + "f" * 32))
        )


def test_fetch_needs_an_address() -> None:
    untyped: Any = prepare_fetch
    with pytest.raises(TypeError) as raised:
        untyped(5)
    assert str(raised.value) == (
        "not an address: it is of type int. Give a Reservation, or an "
        "Address(workspace_sid=..., task_sid=..., sid=...)"
    )


def test_failed_fetch_says_that_nothing_was_commanded() -> None:
    with pytest.raises(ServerFailed, match="Nothing was commanded: read again"):
        conclude_fetch(PENDING, Reply(503))
