"""Commands and facts move a reservation of the double exactly as the hand-written lifecycle has it, and its siblings with it."""

import pickle
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs
import pytest

from reservation_core import (
    Accept,
    Complete,
    IncompleteReservation,
    LostRace,
    Refused,
    Route,
    Status,
    Wrap,
    conclude,
)
from reservation_core.emulator import InMemoryGateway, Platform, StateConflict
from tests.emulator.samples import (
    BASES,
    EXAMPLES,
    HEX,
    PENDING,
    SID,
    STATES,
    holding,
    in_state,
    numbered,
    said,
    update,
)
from tests.reference.oracle import rows

# --- the lifecycle, over both routes ----------------------------------------------------------------------------------------------------

MATRIX: Final = rows("matrix")
CASES: Final = [
    pytest.param(row, route, id=f"{row['command']} {row['state']} {route.value}")
    for row in MATRIX
    for route in Route
]


@pytest.mark.parametrize(("row", "route"), CASES)
def test_every_command_is_answered_by_the_lifecycle(row: dict[str, str], route: Route) -> None:
    """From every state and on both routes a legal command is carried out and reported, and an illegal one changes nothing."""
    gateway, command = holding(in_state(row["state"])), EXAMPLES[row["command"]]
    before = gateway.platform.get(SID)
    reply = gateway.send(update(command.form(), route))
    after = gateway.platform.get(SID)
    if row["allowed"] == "no" or (command.is_task_route_only and route is Route.WORKER):
        assert reply.status == 400
        assert said(reply)["status"] == 400
        assert after == before
        return
    assert reply.status == 200
    sets = before.status.value if row["sets"] in ("later", "nothing") else row["sets"]
    assert said(reply)["reservation_status"] == sets
    assert reply.etag == ("1" if route is Route.TASK else None)
    assert after == attrs.evolve(
        before,
        status=sets,
        etag="1",
        on_hold=row["sets"] == "later",
        date_updated=datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC),
    )
    assert BASES[route] in str(said(reply)["url"])


SENTENCES: Final[Mapping[tuple[str, str], str]] = {
    (
        "accept",
        "accepted",
    ): f"Reservation {SID} is already in state [accepted] and cannot be updated to [accepted]",
    (
        "accept",
        "onHold",
    ): f"Reservation {SID} not in expected state [pending] and cannot be updated to [onHold]",
    (
        "wrap",
        "pending",
    ): f"Reservation {SID} not in expected state [accepted] and cannot be updated to [wrapping]",
    (
        "complete",
        "completed",
    ): f"Reservation {SID} is already in state [completed] and cannot be updated to [completed]",
    (
        "accept",
        "canceled",
    ): f"Reservation {SID} not in expected state [pending] and cannot be updated to [accepted]",
}
FAMILIES: Final = re.compile(
    rf"Reservation {SID} (is already in state|not in expected state) \[\w+\] and cannot be updated to \[\w+\]"
    rf"|Unable to execute (Dequeue|Call|Redirect|Conference) instruction\. Reservation {SID} is not currently in a Pending state\."
)


@pytest.mark.parametrize(
    "row",
    [row for row in MATRIX if row["allowed"] == "no" and row["command"] != "supervise"],
    ids=lambda row: f"{row['command']} {row['state']}",
)
def test_a_conflict_is_said_in_the_observed_words(row: dict[str, str]) -> None:
    """An illegal command is answered with a sentence of the families seen, which the library takes for a lost race."""
    gateway, command = holding(in_state(row["state"])), EXAMPLES[row["command"]]
    reply = gateway.send(update(command.form()))
    sentence = SENTENCES.get((row["command"], row["state"]))
    assert sentence is None or said(reply)["message"] == sentence
    assert FAMILIES.fullmatch(str(said(reply)["message"]))
    with pytest.raises(LostRace):
        conclude(PENDING, command, reply)


@pytest.mark.parametrize(
    "state",
    [row["state"] for row in MATRIX if row["command"] == "supervise" and row["allowed"] == "no"],
)
def test_a_supervise_too_early_or_too_late_is_a_lost_race(state: str) -> None:
    """Supervise where there is nothing to supervise is a conflict of states, and its sentence does not deny what is so."""
    reply = holding(in_state(state)).send(update(EXAMPLES["supervise"].form()))
    with pytest.raises(LostRace):
        conclude(PENDING, EXAMPLES["supervise"], reply)
    if state in ("pending", "onHold"):
        assert "not currently in a Pending state" not in str(said(reply)["message"])


def test_supervise_is_not_on_the_worker_route() -> None:
    """Supervise on the worker route is refused as a mistake, not as a lost race."""
    reply = holding(in_state("accepted")).send(update(EXAMPLES["supervise"].form(), Route.WORKER))
    with pytest.raises(Refused, match="not available on this route") as caught:
        conclude(in_state("accepted"), EXAMPLES["supervise"], reply)
    assert not isinstance(caught.value, LostRace)


# --- facts ------------------------------------------------------------------------------------------------------------------------------

FACTS: Final = {(row["from"], row["to"]) for row in rows("facts")}


@pytest.mark.parametrize("fact", Status)
@pytest.mark.parametrize("state", STATES)
def test_a_fact_happens_only_where_it_can(state: str, fact: Status) -> None:
    """Exactly the facts of the reference happen; any other is a conflict that names the reservation, its state and the fact."""
    gateway = holding(in_state(state))
    before = gateway.platform.get(SID)
    if (state, fact.value) in FACTS:
        after = gateway.platform.set_status(SID, fact)
        assert (after.status, after.etag, after.on_hold) == (fact, "1", False)
        assert after.date_updated == datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC)
        assert gateway.platform.get(SID) == after
    else:
        with pytest.raises(StateConflict) as caught:
            gateway.platform.set_status(SID, fact)
        assert (caught.value.sid, caught.value.state, caught.value.trigger) == (
            SID,
            state,
            fact.value,
        )
        assert all(word in str(caught.value) for word in (SID, state, fact.value))
        assert gateway.platform.get(SID) == before


def test_a_conflict_survives_its_journey() -> None:
    """A conflict can be pickled, as errors of a test run in several processes are."""
    conflict = StateConflict(SID, Status.PENDING, "wrap")
    copy: object = pickle.loads(pickle.dumps(conflict))
    assert isinstance(copy, StateConflict)
    assert (copy.sid, copy.state, copy.trigger, str(copy)) == (
        SID,
        Status.PENDING,
        "wrap",
        str(conflict),
    )


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: f"{row['command']} {row['state']}")
def test_the_platform_can_be_asked_directly(row: dict[str, str]) -> None:
    """A command given to the platform itself is carried out, or is a conflict that names the command."""
    platform, command = holding(in_state(row["state"])).platform, EXAMPLES[row["command"]]
    if row["allowed"] == "yes":
        assert platform.execute(SID, command) == platform.get(SID)
    else:
        with pytest.raises(StateConflict) as caught:
            platform.execute(SID, command)
        assert (caught.value.state, caught.value.trigger) == (row["state"], command.trigger)


def test_the_platform_knows_only_what_it_was_given() -> None:
    """Of a reservation that was never added nothing can be asked, reported or known."""
    platform = Platform()
    assert platform.all() == ()
    with pytest.raises(KeyError):
        platform.get(SID)
    with pytest.raises(KeyError):
        platform.execute(SID, Accept())
    with pytest.raises(KeyError):
        platform.set_status(SID, Status.TIMEOUT)


def test_a_reservation_is_added_at_version_0() -> None:
    """What is added gets the version 0 and the clock's dates; a date of creation it has is kept."""
    platform = holding().platform
    first = platform.add(attrs.evolve(PENDING, etag="9"))
    created = datetime(2020, 1, 1, tzinfo=UTC)
    second = platform.add(numbered(1, date_created=created))
    assert (first.etag, first.date_created, first.date_updated) == (
        "0",
        first.date_updated,
        datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert (second.etag, second.date_created) == ("0", created)
    assert platform.all() == (first, second)


def test_the_real_clock_is_the_usual_one() -> None:
    """Without a clock of its own a platform dates by the real one, in UTC and to the second, as its replies do."""
    held = Platform().add(PENDING)
    assert held.date_updated is not None
    assert abs(held.date_updated - datetime.now(UTC)) < timedelta(seconds=60)
    assert held.date_updated.microsecond == 0


@pytest.mark.parametrize("wrong", [None, "", "WR1", "XX" + HEX, f"WR{HEX}\n"], ids=repr)
@pytest.mark.parametrize("field", ["sid", "workspace_sid", "task_sid", "worker_sid"])
def test_only_what_has_an_address_is_held(field: str, wrong: str | None) -> None:
    """A reservation that could not be asked for on both routes is refused, naming the SID."""
    platform = Platform()
    with pytest.raises(IncompleteReservation) as caught:
        platform.add(numbered(1, **{field: wrong}))
    assert caught.value.missing == (field,)
    assert platform.all() == ()


# --- siblings ---------------------------------------------------------------------------------------------------------------------------

ACCEPTING: Final[Mapping[str, Callable[[InMemoryGateway], object]]] = {
    "accept": lambda gateway: gateway.send(update(Accept().form())),
    "accept on the worker route": lambda gateway: gateway.send(
        update(Accept().form(), Route.WORKER)
    ),
    "call": lambda gateway: gateway.platform.execute(SID, EXAMPLES["call+accept"]),
    "redirect": lambda gateway: gateway.platform.execute(SID, EXAMPLES["redirect+accept"]),
    "fact": lambda gateway: gateway.platform.set_status(SID, Status.ACCEPTED),
    "conference": lambda gateway: (
        gateway.platform.execute(SID, EXAMPLES["conference"]),
        gateway.platform.set_status(SID, Status.ACCEPTED),
    ),
}


@pytest.mark.parametrize("accept", ACCEPTING.values(), ids=ACCEPTING)
def test_an_acceptance_rescinds_the_pending_siblings(
    accept: Callable[[InMemoryGateway], object],
) -> None:
    """When one is accepted, by whatever way, the pending reservations of its task are rescinded, and no others."""
    others = [
        numbered(3, status=Status.REJECTED),
        numbered(4, status=Status.ACCEPTED),
        numbered(5, task_sid="WT" + "f" * 32),
        numbered(6, on_hold=True),
    ]
    gateway = holding(numbered(1), PENDING, numbered(2), *others)
    untouched = [gateway.platform.get(str(other.sid)) for other in others]
    accept(gateway)
    assert gateway.platform.get(SID).status is Status.ACCEPTED
    for number in (1, 2):
        sibling = gateway.platform.get(f"WR{number:032x}")
        assert (sibling.status, sibling.etag) == (Status.RESCINDED, "1")
    assert [gateway.platform.get(str(other.sid)) for other in others] == untouched


@pytest.mark.parametrize("name", ["reject", "call", "redirect", "dequeue", "conference"])
def test_what_accepts_nothing_rescinds_nobody(name: str) -> None:
    """A command that accepts nothing, or nothing yet, leaves the siblings alone."""
    gateway = holding(PENDING, numbered(1))
    gateway.send(update(EXAMPLES[name].form()))
    sibling = gateway.platform.get(f"WR{1:032x}")
    assert (sibling.status, sibling.etag) == (Status.PENDING, "0")


def test_only_the_acceptance_itself_rescinds() -> None:
    """What happens to a reservation that was accepted before, as in a transfer, leaves the siblings alone."""
    gateway = holding(in_state("accepted"), numbered(1))
    for command in (EXAMPLES["supervise"], Wrap(), Complete()):
        gateway.platform.execute(SID, command)
    assert gateway.platform.get(f"WR{1:032x}").status is Status.PENDING


def test_the_version_rises_by_one() -> None:
    """Every change, by a command or a fact, raises the version by exactly one; a refusal does not."""
    gateway = holding(PENDING)
    seen = [gateway.platform.get(SID).etag]
    changes: Sequence[Callable[[], object]] = (
        lambda: gateway.send(update(EXAMPLES["call"].form())),
        lambda: gateway.send(update(Wrap().form())),
        lambda: gateway.send(update(EXAMPLES["dequeue"].form())),
        lambda: gateway.platform.set_status(SID, Status.ACCEPTED),
        lambda: gateway.send(update(EXAMPLES["supervise"].form())),
        lambda: gateway.platform.set_status(SID, Status.WRAPPING),
        lambda: gateway.send(update(Complete().form())),
        lambda: gateway.send(update(Complete().form())),
    )
    for change in changes:
        change()
        seen.append(gateway.platform.get(SID).etag)
    assert seen == ["0", "1", "1", "2", "3", "4", "5", "6", "6"]
