"""A fetch sends the recorded request."""

import pytest

from reservation_core import (
    Address,
    MalformedReply,
    Reservation,
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
