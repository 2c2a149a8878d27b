"""Text of the values of the book."""

from __future__ import annotations

import attrs
import pytest

from reservation_core import GatewayError, NotFound, ReservationError
from reservation_core.book import Doubt, Ending, Entry, Intent, Recorded, Swept, Verdict
from reservation_core.rest.addresses import Route
from tests.book.scenario import NOON, pending, sid
from tests.book.world import CALL

WR = sid("WR", 0)
ENTRY = Entry(reservation=pending(0), revision=3, refreshed_at=NOON)
INTENT = Intent(
    token="t", command=CALL, reservation=ENTRY.reservation, route=Route.TASK, created_at=NOON
)


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (ENTRY, f"{WR}: pending, revision 3"),
        (
            attrs.evolve(ENTRY, reservation=attrs.evolve(ENTRY.reservation, on_hold=True)),
            f"{WR}: on hold, revision 3",
        ),
        (
            attrs.evolve(ENTRY, deleted=True, doubt=Doubt.GAP, intent=INTENT),
            f"{WR}: pending, revision 3, deleted, in doubt: gap, call is open",
        ),
    ],
)
def test_entry_is_one_line_without_personal_data(entry: Entry, text: str) -> None:
    assert str(entry) == text


def test_recorded_is_one_line() -> None:
    assert str(Recorded(Verdict.IGNORED, None)) == "ignored"
    assert str(Recorded(Verdict.APPLIED, ENTRY)) == f"applied; {WR}: pending, revision 3"


def test_swept_counts_outcomes_and_errors() -> None:
    done, applied = Recorded(Ending.DONE, ENTRY), Recorded(Verdict.APPLIED, ENTRY)
    failed: dict[str, ReservationError] = {
        "a": GatewayError("+15005550006"),
        "b": GatewayError("+15005550006"),
        "c": NotFound(404),
    }
    assert str(Swept((), {})) == "settled 0, failed 0"
    assert (
        str(Swept((done, applied, done), failed))
        == "settled 3 (1 applied, 2 done), failed 3 (2 GatewayError, 1 NotFound)"
    )
