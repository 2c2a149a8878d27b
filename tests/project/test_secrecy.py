"""Canaries: no error on a reply shows a value of it, in any part that a tracker reads."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator

import pytest

from reservation_core import Accept, ReservationError, conclude, read_reservation
from reservation_core.rest.messages import Reply
from tests.delivery.scripted import PENDING

CANARY = "+15005550006"
SID = "WR" + "a" * 32

BODIES = {
    "a status": json.dumps({"sid": SID, "reservation_status": CANARY}),
    "every field": json.dumps(
        dict.fromkeys(("sid", "account_sid", "reservation_status", "date_created", "url"), CANARY)
    ),
    "broken JSON": f'{{"sid": "{CANARY}", x',
    "a list": json.dumps([CANARY]),
    "a form that is none": f"{CANARY}=%ff&ReservationSid=%ff",
    "a message": json.dumps({"code": 20001, "message": f"{CANARY} is busy", "status": 400}),
    "details": json.dumps({"code": CANARY, "message": [CANARY], "detail": {CANARY: CANARY}}),
}


def parts(error: BaseException | None) -> Iterator[object]:
    """Yield what an error tracker reads of an error and its causes."""
    while error is not None:
        yield from (str(error), repr(error), error.args, getattr(error, "__notes__", ()))
        if not isinstance(error, ReservationError):
            yield vars(error)
            yield getattr(error, "doc", "")
            yield getattr(error, "object", "")
        error = error.__cause__ or error.__context__


def conclude_with(status: int) -> Callable[[str], object]:
    """Return a function that concludes an accept with a body."""
    return lambda body: conclude(PENDING, Accept(), Reply(status, (), body.encode()))


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize(
    "read",
    [read_reservation, *map(conclude_with, (200, 400, 404, 412, 503))],
    ids=["read", "200", "400", "404", "412", "503"],
)
def test_error_on_a_reply_shows_no_value(read: Callable[[str], object], body: str) -> None:
    with pytest.raises(ReservationError) as caught:
        read(body)
    assert CANARY not in repr(list(parts(caught.value)))


def test_error_keeps_its_fields_when_it_is_pickled() -> None:
    with pytest.raises(ReservationError) as caught:
        read_reservation(BODIES["a status"])
    assert pickle.loads(pickle.dumps(caught.value)) == caught.value
    assert caught.value.args == (str(caught.value),)


def test_bytes_that_are_not_text_are_not_kept() -> None:
    with pytest.raises(ReservationError) as caught:
        read_reservation(CANARY.encode() + b"\xff")
    assert CANARY not in repr(list(parts(caught.value)))
