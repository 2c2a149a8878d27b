import pytest

from reservation_core import CommandNotAllowed, Reservation, Wrap
from reservation_core.domain.decisions import Decision, decide
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.refusals import listen_to_refusals, require_allowed


def refuse() -> None:
    with pytest.raises(CommandNotAllowed):
        require_allowed(Reservation(status=Status.PENDING), Wrap())


def test_listeners_receive_refusals_until_they_are_removed() -> None:
    refusal = decide(Status.PENDING, "wrap")
    first: list[Decision] = []
    second: list[Decision] = []
    stop_first = listen_to_refusals(first.append)
    refuse()
    stop_second = listen_to_refusals(second.append)
    refuse()
    stop_first()
    refuse()
    stop_second()
    refuse()
    assert (first, second) == ([refusal, refusal], [refusal, refusal])
