"""The refusal of commands that are not allowed."""

import pytest

from reservation_core import Accept, Command, CommandNotAllowed, Reservation, Wrap
from reservation_core.domain.decisions import Decision, decide
from reservation_core.domain.lifecycle import ON_HOLD, State, Status
from reservation_core.domain.refusals import (
    find_refusal_cautions,
    listen_to_refusals,
    require_allowed,
)
from reservation_core.testing.paths import example_command
from tests.reference.oracle import rows


def refuse() -> None:
    with pytest.raises(CommandNotAllowed):
        require_allowed(Status.PENDING, Wrap())


def test_refusal_names_status_reason_and_alternatives() -> None:
    reason = "only accepted work can be wrapped up"
    with pytest.raises(CommandNotAllowed, match=f"^Wrap is refused while pending: {reason}") as e:
        require_allowed(Status.PENDING, Wrap())
    assert e.value.allowed == Reservation(status=Status.PENDING).allowed
    assert str(e.value).endswith(
        "Allowed instead: Accept, Reject, Dequeue, Call, Redirect, Conference. "
        "Policy(strict=False), or prepare(..., strict=False), sends it."
    )


def test_refusal_of_terminal_reservation_advises_no_fetch() -> None:
    with pytest.raises(CommandNotAllowed) as e:
        require_allowed(Status.COMPLETED, Accept())
    assert "No command is allowed any more: completed is terminal." in str(e.value)
    assert "Fetch" not in str(e.value)


@pytest.mark.parametrize("command", [Accept(), Wrap()])
def test_refusal_on_hold_names_the_hold_and_how_to_release_it(command: Command) -> None:
    with pytest.raises(CommandNotAllowed, match=" is refused while on hold: ") as e:
        require_allowed(ON_HOLD, command)
    assert (e.value.status, e.value.state) == (Status.PENDING, ON_HOLD)
    assert "the hold: book.release(sid), or released() without a book." in str(e.value)


def test_allowed_command_is_not_refused() -> None:
    require_allowed(Status.PENDING, Accept())


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


WEAK = [row for row in rows("matrix") if row["allowed"] == "no" and row["evidence"] in "IU"]
STRONG = [row for row in rows("matrix") if row["allowed"] == "no" and row["evidence"] in "DS"]


def ask(row: dict[str, str]) -> tuple[State, Command]:
    """Return the state and a command of a row."""
    trigger, _, flag = row["command"].partition("+")
    state: State = ON_HOLD if row["state"] == "onHold" else Status(row["state"])
    return state, example_command(trigger, accept=flag == "accept")


@pytest.mark.parametrize("row", WEAK, ids=lambda row: f"{row['command']}-{row['state']}")
def test_refusal_on_weak_evidence_becomes_a_caution(row: dict[str, str]) -> None:
    state, command = ask(row)
    with pytest.raises(
        CommandNotAllowed,
        match=r"Policy\(strict=False\), or prepare\(\.\.\., strict=False\), sends it\.$",
    ) as caught:
        require_allowed(state, command)
    decision = require_allowed(state, command, strict=False)
    assert decision.refusal is not None
    (caution,) = find_refusal_cautions(decision, command)
    assert caution.evidence is caught.value.evidence is decision.refusal.evidence
    assert decision.refusal.statement in str(caution)
    assert caution.parameter == command.first_pair[0]


@pytest.mark.parametrize("row", STRONG, ids=lambda row: f"{row['command']}-{row['state']}")
def test_refusal_on_strong_evidence_stays(row: dict[str, str]) -> None:
    state, command = ask(row)
    with pytest.raises(CommandNotAllowed) as caught:
        require_allowed(state, command, strict=False)
    assert "strict=False" not in str(caught.value)


def test_allowed_command_has_no_refusal_caution() -> None:
    decision = require_allowed(Status.PENDING, Accept(), strict=False)
    assert find_refusal_cautions(decision, Accept()) == ()
