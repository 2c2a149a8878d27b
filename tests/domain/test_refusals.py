"""The refusal of commands that are not allowed."""

import pytest

from reservation_core import Accept, CommandNotAllowed, Reservation, Wrap
from reservation_core.domain.decisions import Decision, decide
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.refusals import listen_to_refusals, require_allowed


def refuse() -> None:
    with pytest.raises(CommandNotAllowed):
        require_allowed(Reservation(status=Status.PENDING), Wrap())


def test_refusal_names_status_reason_and_alternatives() -> None:
    reason = "only accepted work can be wrapped up"
    with pytest.raises(CommandNotAllowed, match=f"^Wrap is refused while pending: {reason}") as e:
        require_allowed(Reservation(status=Status.PENDING), Wrap())
    assert e.value.allowed == Reservation(status=Status.PENDING).allowed
    assert str(e.value).endswith(
        "Allowed instead: Accept, Reject, Dequeue, Call, Redirect, Conference."
    )


def test_refusal_of_terminal_reservation_advises_a_fetch() -> None:
    with pytest.raises(CommandNotAllowed) as e:
        require_allowed(Reservation(status=Status.COMPLETED), Accept())
    assert str(e.value).endswith("Fetch the reservation to see if it has changed.")


def test_allowed_command_is_not_refused() -> None:
    require_allowed(Reservation(status=Status.PENDING), Accept())


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
