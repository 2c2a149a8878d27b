"""The reservation as a value, and the commands it allows."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservation_core import (
    ON_HOLD,
    Accept,
    Call,
    Command,
    CommandNotAllowed,
    Complete,
    Conference,
    IllegalSuccession,
    Redirect,
    Reject,
    Reservation,
    Status,
    Supervise,
    decide,
    explain,
)
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.reservation import Links
from reservation_core.testing.strategies import commands, reservations
from tests.reference.oracle import load, rows

few = settings(max_examples=40)


URL = "https://example.com/"


HEX = "0123456789abcdef" * 2


BY_TRIGGER = {command.trigger: command for command in COMMANDS}


ACCEPTING: dict[str, Command] = {
    "call+accept": Call(from_="5550006", url=URL, accept=True),
    "redirect+accept": Redirect(call_sid=f"CA{HEX}", url=URL, accept=True),
    "call": Call(from_="5550006", url=URL),
    "redirect": Redirect(call_sid=f"CA{HEX}", url=URL, accept=False),
    "supervise": Supervise(supervisor_mode="whisper", supervisor=f"WK{HEX}"),
}


def reservation_in(state: str) -> Reservation:
    """Return a reservation in a state of the table."""
    return (
        Reservation(status=Status.PENDING, on_hold=True)
        if state == "onHold"
        else Reservation(status=Status(state))
    )


@pytest.mark.parametrize(
    "row",
    [row for row in rows("matrix") if row["command"] != "accept+orchestrated"],
    ids=lambda row: f"{row['command']}-{row['state']}",
)
def test_reservation_allows_the_commands_of_the_matrix(row: dict[str, str]) -> None:
    reservation = reservation_in(row["state"])
    kind = BY_TRIGGER[row["command"].partition("+")[0]]
    command = ACCEPTING.get(row["command"]) or kind()
    is_right = row["allowed"] == "yes"
    assert reservation.state == row["state"]
    assert (
        reservation.allows(command)
        == reservation.allows(kind)
        == (kind in reservation.allowed)
        == is_right
    )
    decision = reservation.explain(command)
    assert decision.is_allowed == is_right
    assert decision == explain(reservation, command) == explain(reservation.state, command)
    if decision.edge is not None:
        assert decision.edge.target == {"later": ON_HOLD, "nothing": row["state"]}.get(
            row["sets"], row["sets"]
        )
    assert explain(reservation, kind).trigger == kind.trigger


@few
@given(reservations(), commands())
def test_questions_do_not_change_the_reservation(
    reservation: Reservation, command: Command
) -> None:
    before = pickle.dumps(reservation)
    answers = [
        (reservation.allows(command), reservation.allowed, reservation.explain(command))
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert pickle.dumps(reservation) == before
    assert reservation.explain(command) == decide(
        reservation.status, command.trigger, command.is_accepting
    )


@few
@given(reservations())
def test_reservation_is_an_immutable_value(reservation: Reservation) -> None:
    for one in (
        copy.copy(reservation),
        copy.deepcopy(reservation),
        pickle.loads(pickle.dumps(reservation)),
        attrs.evolve(reservation),
    ):
        assert one == reservation
        assert hash(one) == hash(reservation)
        assert one.links == reservation.links
    for name in [made.name for made in attrs.fields(Reservation)]:
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(reservation, name, None)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        cast("attrs.AttrsInstance", reservation).anything = 1  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    assert not hasattr(reservation, "__dict__")


@few
@given(reservations(), st.text("bcdfghjkmnp", min_size=8))
def test_worker_name_is_redacted(reservation: Reservation, name: str) -> None:
    named = attrs.evolve(reservation, worker_name=name)
    assert name not in f"{named!r} {named}"
    assert "worker_name=<personal>" in repr(named)
    assert "worker_name=None" in repr(attrs.evolve(reservation, worker_name=None))
    assert "taskrouter.twilio.com" not in repr(named)


def test_status_is_converted_from_text() -> None:
    assert Reservation(status=cast("Status", "wrapping")).status is Status.WRAPPING
    with pytest.raises(ValueError, match="the status must be one of pending, ") as caught:
        Reservation(status=cast("Status", "reserved"))
    assert "reserved" not in repr((caught.value, caught.value.__context__))
    with pytest.raises(TypeError):
        Reservation()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_fields_are_those_of_the_api_description_plus_etag_and_on_hold() -> None:
    operations = cast("dict[str, list[dict[str, object]]]", load("openapi"))["operations"]
    (fetch,) = (
        operation for operation in operations if operation["operationId"] == "FetchTaskReservation"
    )
    described = set(cast("dict[str, dict[str, object]]", fetch["response"])["properties"])
    ours = {
        "reservation_status" if made.name == "status" else made.name
        for made in attrs.fields(Reservation)
    }
    assert ours - described == {"etag", "on_hold", "on_hold_since"}
    assert described - ours == set()


def test_on_hold_reservation_is_in_the_ninth_state() -> None:
    held = Reservation(status=Status.PENDING, on_hold=True)
    assert held.status is Status.PENDING
    assert held.state == ON_HOLD
    assert held.allowed == ()
    assert attrs.evolve(held, on_hold=False).state is Status.PENDING


def test_links_are_a_mapping_and_a_value() -> None:
    links = Links((("task", "https://a/"), ("worker", "https://b/")))
    assert dict(links) == {"task": "https://a/", "worker": "https://b/"}
    assert (links["task"], len(links), "worker" in links, links.get("workspace")) == (
        "https://a/",
        2,
        True,
        None,
    )
    assert repr(links) == "{'task': 'https://a/', 'worker': 'https://b/'}"
    assert links == pickle.loads(pickle.dumps(links)) != Links()
    assert hash(links) == hash(copy.copy(links))
    with pytest.raises(KeyError):
        links["workspace"]


def test_with_status_changes_five_fields_only() -> None:
    values = {field.name: object() for field in attrs.fields(Reservation) if field.name != "status"}
    before = Reservation(status=Status.PENDING, **cast("dict[str, Any]", values))
    after = before.with_status(Status.ACCEPTED)
    reset = {"on_hold": False, "on_hold_since": None, "etag": None, "date_updated": None}
    changed = {"status": Status.ACCEPTED, **reset}
    assert {field.name: getattr(after, field.name) for field in attrs.fields(Reservation)} == {
        **values,
        **changed,
    }


@few
@given(reservations(), st.sampled_from(Status), st.booleans())
def test_with_status_keeps_all_other_fields(
    reservation: Reservation, status: Status, on_hold: bool
) -> None:
    moved = reservation.with_status(status, on_hold=on_hold, etag="9")
    assert moved == attrs.evolve(
        reservation, status=status, on_hold=on_hold, etag="9", date_updated=None
    )
    assert reservation.with_status(status) == attrs.evolve(
        reservation, status=status, on_hold=False, etag=None, date_updated=None
    )


# --- the reservation moves without a reply -------------------------------------------------------

MOVED_AT = datetime(2026, 1, 1, tzinfo=UTC)
SIDS: dict[str, Any] = {
    "sid": f"WR{HEX}",
    "account_sid": f"AC{HEX}",
    "workspace_sid": f"WS{HEX}",
    "task_sid": f"WT{HEX}",
    "worker_sid": f"WK{HEX}",
}


@pytest.mark.parametrize("row", rows("matrix"), ids=lambda row: f"{row['command']}-{row['state']}")
def test_after_leads_to_the_state_of_the_matrix(row: dict[str, str]) -> None:
    before = attrs.evolve(reservation_in(row["state"]), etag="3", date_updated=MOVED_AT)
    trigger, _, flag = row["command"].partition("+")
    command = ACCEPTING.get(row["command"]) or BY_TRIGGER[trigger]()
    if row["allowed"] == "no":
        with pytest.raises(CommandNotAllowed):
            before.after(command, orchestrated=flag == "orchestrated")
        return
    held = before.after(command, orchestrated=flag == "orchestrated", at=MOVED_AT)
    expected = {"later": ON_HOLD, "nothing": row["state"]}.get(row["sets"], row["sets"])
    assert (held.state, held.etag, held.date_updated) == (expected, None, None)
    assert held.on_hold_since == (MOVED_AT if held.on_hold else None)


def test_after_a_refusal_on_weak_evidence_leads_to_the_usual_effect() -> None:
    accepted, held = Reservation(status="accepted"), reservation_in("onHold")
    assert Reservation(status="pending").after(Complete(), strict=False).status == "completed"
    assert held.after(Reject(), strict=False).state == "rejected"
    assert held.after(ACCEPTING["call"], strict=False).on_hold
    since = attrs.evolve(held, on_hold_since=MOVED_AT)
    for command in (Conference(), ACCEPTING["call"]):
        again = since.after(command, strict=False, at=MOVED_AT + timedelta(seconds=1))
        assert again.on_hold_since == (MOVED_AT if again.on_hold else None)
    for reservation, command in ((accepted, Reject()), (held, Accept())):
        with pytest.raises(CommandNotAllowed, match=r"observed|documented"):
            reservation.after(command, strict=False)


@pytest.mark.parametrize("row", rows("reachable"), ids=lambda r: f"{r['before']}-{r['after']}")
def test_follow_takes_over_the_reports_of_the_table(row: dict[str, str]) -> None:
    before, report = Reservation(status=row["before"], **SIDS), Reservation(status=row["after"])
    taken = Reservation(status=row["after"], **SIDS)
    if row["reachable"] == "yes":
        assert before.follow(report) == taken
        return
    with pytest.raises(IllegalSuccession) as caught:
        before.follow(report)
    error = caught.value
    assert (error.before, error.after, error.reservation) == (row["before"], row["after"], taken)
    assert f"{row['after']} cannot follow {row['before']}" in str(error.caution)


def test_follow_keeps_a_hold_until_a_newer_report() -> None:
    held = Reservation(status="pending", **SIDS).after(Conference(), at=MOVED_AT)
    again = held.follow(Reservation(status="pending", date_updated=MOVED_AT))
    assert (again.on_hold, again.on_hold_since) == (True, MOVED_AT)
    later = Reservation(status="pending", date_updated=MOVED_AT + timedelta(seconds=1))
    assert not again.follow(later).on_hold
    accepted = held.follow(Reservation(status="accepted"))
    assert (accepted.on_hold, accepted.on_hold_since) == (False, None)


@pytest.mark.parametrize("field", SIDS)
def test_follow_refuses_another_reservation(field: str) -> None:
    other = attrs.evolve(Reservation(status="pending"), **{field: SIDS[field][:2] + "f" * 32})
    with pytest.raises(ValueError, match=f"{field} differs"):
        Reservation(status="pending", **SIDS).follow(other)


def test_released_reservation_allows_the_commands_of_a_pending_one() -> None:
    """The remedy that the refusal names."""
    held = Reservation(status="pending", etag="3", on_hold=True, on_hold_since=MOVED_AT)
    with pytest.raises(
        CommandNotAllowed, match=r"give up the hold: book\.release\(sid\), or released\(\)"
    ):
        held.after(Accept())
    released = held.released()
    assert (released.state, released.on_hold_since, released.etag) == ("pending", None, "3")
    assert released.after(Accept()).status == "accepted"
