"""The platform's double answers as the platform is seen to, for whoever asks: this library, the official client, many at once."""

import asyncio
import json
import pickle
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Final, TypedDict, cast
from urllib.parse import urlencode, urlsplit

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.base.exceptions import TwilioRestException  # pyright: ignore[reportMissingTypeStubs]
from twilio.http import HttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.response import Response  # pyright: ignore[reportMissingTypeStubs]
from twilio.rest import Client  # pyright: ignore[reportMissingTypeStubs]

from reservation_core import (
    Accept,
    Address,
    Call,
    Command,
    Complete,
    Conference,
    Dequeue,
    Headers,
    IncompleteReservation,
    LostRace,
    NotFound,
    Redirect,
    Refused,
    Reject,
    Reply,
    Request,
    Reservation,
    Route,
    Status,
    Supervise,
    Wrap,
    afetch,
    alist_reservations,
    aperform,
    conclude,
    fetch,
    list_reservations,
    perform,
    prepare,
    read_reservation,
)
from reservation_core.emulator import InMemoryGateway, Platform, StateConflict
from reservation_core.testing.strategies import commands
from tests.oracle import load, rows

HEX: Final = "0123456789abcdef" * 2
WORKSPACE, TASK, WORKER, SID, ACCOUNT = (f"{prefix}{HEX}" for prefix in ("WS", "WT", "WK", "WR", "AC"))
PENDING: Final = Reservation(
    sid=SID,
    account_sid=ACCOUNT,
    workspace_sid=WORKSPACE,
    task_sid=TASK,
    worker_sid=WORKER,
    worker_name="Käthe",
    status=Status.PENDING,
)
BASES: Final = {
    Route.TASK: f"/v1/Workspaces/{WORKSPACE}/Tasks/{TASK}/Reservations",
    Route.WORKER: f"/v1/Workspaces/{WORKSPACE}/Workers/{WORKER}/Reservations",
}
EXAMPLES: Final[Mapping[str, Command]] = {
    "accept": Accept(),
    "reject": Reject(),
    "dequeue": Dequeue(from_="+15005550006"),
    "call": Call(from_="+15005550006", url="https://example.com/twiml"),
    "call+accept": Call(from_="+15005550006", url="https://example.com/twiml", accept=True),
    "redirect": Redirect(call_sid=f"CA{HEX}", url="https://example.com/twiml"),
    "redirect+accept": Redirect(call_sid=f"CA{HEX}", url="https://example.com/twiml", accept=True),
    "conference": Conference(to="client:alice", from_="+15005550006"),
    "supervise": Supervise(supervisor_mode="monitor", supervisor=WORKER),
    "wrap": Wrap(),
    "complete": Complete(),
}
STATES: Final = [*(status.value for status in Status), "onHold"]


def numbered(number: int, **fields: object) -> Reservation:
    """Make a pending reservation of the same task, told apart by its SIDs."""
    evolve = cast("Callable[..., Reservation]", attrs.evolve)
    return evolve(PENDING, **{"sid": f"WR{number:032x}", "worker_sid": f"WK{number:032x}", **fields})


def in_state(state: str) -> Reservation:
    """Make a reservation in one of the nine states."""
    on_hold = state == "onHold"
    return attrs.evolve(PENDING, status=Status.PENDING if on_hold else Status(state), on_hold=on_hold)


def holding(*reservations: Reservation) -> InMemoryGateway:
    """Make a gateway to a platform that holds these, and whose clock goes on by a second each time it is read."""
    ticks = count()
    platform = Platform(clock=lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(ticks)))
    for reservation in reservations:
        platform.add(reservation)
    return InMemoryGateway(platform)


def update(form: tuple[tuple[str, str], ...], route: Route = Route.TASK, **headers: str) -> Request:
    """Make an update that no command of ours stands behind."""
    return Request("POST", f"{BASES[route]}/{SID}", headers, form)


def said(reply: Reply) -> dict[str, object]:
    """Read the body of a reply."""
    body: object = json.loads(reply.body)
    assert isinstance(body, dict)
    return cast("dict[str, object]", body)


# --- the lifecycle, over both routes ----------------------------------------------------------------------------------------------------

MATRIX: Final = rows("matrix")
CASES: Final = [pytest.param(row, route, id=f"{row['command']} {row['state']} {route.value}") for row in MATRIX for route in Route]


@pytest.mark.parametrize(("row", "route"), CASES)
def test_every_command_is_answered_by_the_lifecycle(row: dict[str, str], route: Route) -> None:
    """From every state and on both routes a legal command is carried out and reported, and an illegal one changes nothing."""
    gateway, command = holding(in_state(row["state"])), EXAMPLES[row["command"]]
    before = gateway.platform.get(SID)
    reply = gateway.send(update(command.form(), route))
    after = gateway.platform.get(SID)
    if row["allowed"] == "no" or (command.task_route_only and route is Route.WORKER):
        assert reply.status == 400
        assert said(reply)["status"] == 400
        assert after == before
        return
    assert reply.status == 200
    sets = before.status.value if row["sets"] in ("later", "nothing") else row["sets"]
    assert said(reply)["reservation_status"] == sets
    assert reply.etag == ("1" if route is Route.TASK else None)
    assert after == attrs.evolve(
        before, status=sets, etag="1", on_hold=row["sets"] == "later", date_updated=datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
    )
    assert BASES[route] in str(said(reply)["url"])


SENTENCES: Final[Mapping[tuple[str, str], str]] = {
    ("accept", "accepted"): f"Reservation {SID} is already in state [accepted] and cannot be updated to [accepted]",
    ("accept", "onHold"): f"Reservation {SID} not in expected state [pending] and cannot be updated to [onHold]",
    ("wrap", "pending"): f"Reservation {SID} not in expected state [accepted] and cannot be updated to [wrapping]",
    ("complete", "completed"): f"Reservation {SID} is already in state [completed] and cannot be updated to [completed]",
    ("accept", "canceled"): f"Reservation {SID} not in expected state [pending] and cannot be updated to [accepted]",
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


@pytest.mark.parametrize("state", [row["state"] for row in MATRIX if row["command"] == "supervise" and row["allowed"] == "no"])
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
        after = gateway.platform.report(SID, fact)
        assert (after.status, after.etag, after.on_hold) == (fact, "1", False)
        assert after.date_updated == datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
        assert gateway.platform.get(SID) == after
    else:
        with pytest.raises(StateConflict) as caught:
            gateway.platform.report(SID, fact)
        assert (caught.value.sid, caught.value.state, caught.value.trigger) == (SID, state, fact.value)
        assert all(word in str(caught.value) for word in (SID, state, fact.value))
        assert gateway.platform.get(SID) == before


def test_a_conflict_survives_its_journey() -> None:
    """A conflict can be pickled, as errors of a test run in several processes are."""
    conflict = StateConflict(SID, Status.PENDING, "wrap")
    copy: object = pickle.loads(pickle.dumps(conflict))
    assert isinstance(copy, StateConflict)
    assert (copy.sid, copy.state, copy.trigger, str(copy)) == (SID, Status.PENDING, "wrap", str(conflict))


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: f"{row['command']} {row['state']}")
def test_the_platform_can_be_asked_directly(row: dict[str, str]) -> None:
    """A command given to the platform itself is carried out, or is a conflict that names the command."""
    platform, command = holding(in_state(row["state"])).platform, EXAMPLES[row["command"]]
    if row["allowed"] == "yes":
        assert platform.carry_out(SID, command) == platform.get(SID)
    else:
        with pytest.raises(StateConflict) as caught:
            platform.carry_out(SID, command)
        assert (caught.value.state, caught.value.trigger) == (row["state"], command.trigger)


def test_the_platform_knows_only_what_it_was_given() -> None:
    """Of a reservation that was never added nothing can be asked, reported or known."""
    platform = Platform()
    assert platform.all() == ()
    with pytest.raises(KeyError):
        platform.get(SID)
    with pytest.raises(KeyError):
        platform.carry_out(SID, Accept())
    with pytest.raises(KeyError):
        platform.report(SID, Status.TIMEOUT)


def test_a_reservation_is_added_at_version_0() -> None:
    """What is added gets the version 0 and the clock's dates; a date of creation it has is kept."""
    platform = holding().platform
    first = platform.add(attrs.evolve(PENDING, etag="9"))
    created = datetime(2020, 1, 1, tzinfo=UTC)
    second = platform.add(numbered(1, date_created=created))
    assert (first.etag, first.date_created, first.date_updated) == ("0", first.date_updated, datetime(2026, 1, 1, tzinfo=UTC))
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
    "accept on the worker route": lambda gateway: gateway.send(update(Accept().form(), Route.WORKER)),
    "call": lambda gateway: gateway.platform.carry_out(SID, EXAMPLES["call+accept"]),
    "redirect": lambda gateway: gateway.platform.carry_out(SID, EXAMPLES["redirect+accept"]),
    "fact": lambda gateway: gateway.platform.report(SID, Status.ACCEPTED),
    "conference": lambda gateway: (
        gateway.platform.carry_out(SID, EXAMPLES["conference"]),
        gateway.platform.report(SID, Status.ACCEPTED),
    ),
}


@pytest.mark.parametrize("accept", ACCEPTING.values(), ids=ACCEPTING)
def test_an_acceptance_rescinds_the_pending_siblings(accept: Callable[[InMemoryGateway], object]) -> None:
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
        gateway.platform.carry_out(SID, command)
    assert gateway.platform.get(f"WR{1:032x}").status is Status.PENDING


def test_the_version_rises_by_one() -> None:
    """Every change, by a command or a fact, raises the version by exactly one; a refusal does not."""
    gateway = holding(PENDING)
    seen = [gateway.platform.get(SID).etag]
    changes: Sequence[Callable[[], object]] = (
        lambda: gateway.send(update(EXAMPLES["call"].form())),
        lambda: gateway.send(update(Wrap().form())),
        lambda: gateway.send(update(EXAMPLES["dequeue"].form())),
        lambda: gateway.platform.report(SID, Status.ACCEPTED),
        lambda: gateway.send(update(EXAMPLES["supervise"].form())),
        lambda: gateway.platform.report(SID, Status.WRAPPING),
        lambda: gateway.send(update(Complete().form())),
        lambda: gateway.send(update(Complete().form())),
    )
    for change in changes:
        change()
        seen.append(gateway.platform.get(SID).etag)
    assert seen == ["0", "1", "1", "2", "3", "4", "5", "6", "6"]


# --- requests that are wrong ------------------------------------------------------------------------------------------------------------

ELSEWHERE: Final = [
    BASES[Route.TASK] + "/WR" + "f" * 32,
    f"/v1/Workspaces/WS{'f' * 32}/Tasks/{TASK}/Reservations/{SID}",
    f"/v1/Workspaces/{WORKSPACE}/Tasks/WT{'f' * 32}/Reservations/{SID}",
    f"/v1/Workspaces/{WORKSPACE}/Workers/WK{'f' * 32}/Reservations/{SID}",
    f"/v1/Workspaces/{WORKSPACE}/Tasks/{WORKER}/Reservations/{SID}",
    f"{BASES[Route.TASK]}/{SID}/",
    f"{BASES[Route.TASK]}/{SID}/x",
    f"{BASES[Route.TASK]}/",
    f"/v2{BASES[Route.TASK]}/{SID}",
    f"/v1/Workspaces/{WORKSPACE}",
    "/",
    "",
    "//[x",
    "?",
]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ELSEWHERE)
def test_what_is_not_there_is_not_found(path: str, method: str) -> None:
    """Any other address, and a reservation under another parent, is a 404 in the platform's words."""
    reply = holding(PENDING).send(Request(method, path, form=Accept().form() if method == "POST" else ()))
    assert reply.status == 404
    body = said(reply)
    assert (body["status"], body["code"]) == (404, 20404)
    assert re.fullmatch(r"The requested resource .* was not found", str(body["message"]))
    with pytest.raises(NotFound):
        conclude(PENDING, Accept(), reply)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", BASES[Route.TASK]),
        ("DELETE", f"{BASES[Route.TASK]}/{SID}"),
        ("PUT", f"{BASES[Route.WORKER]}/{SID}"),
        ("DELETE", BASES[Route.WORKER]),
    ],
)
def test_only_the_operations_there_are_are_allowed(method: str, path: str) -> None:
    """A reservation can be read and updated, a list only read; anything else is a 405 that changes nothing."""
    gateway = holding(PENDING)
    before = gateway.platform.all()
    assert gateway.send(Request(method, path, form=Accept().form())).status == 405
    assert gateway.platform.all() == before


@pytest.mark.parametrize("route", Route)
@pytest.mark.parametrize("version", ["0", '"0"'])
def test_the_present_version_is_taken_bare_and_quoted(version: str, route: Route) -> None:
    """An update that names the present version is carried out, with the version bare or quoted."""
    gateway = holding(PENDING)
    assert gateway.send(update(Accept().form(), route, **{"if-match": version})).status == 200
    assert gateway.platform.get(SID).status is Status.ACCEPTED


@pytest.mark.parametrize("route", Route)
@pytest.mark.parametrize("version", ["1", '"1"', "00", "", "x", "-1"])
@pytest.mark.parametrize("state", ["pending", "completed"])
def test_any_other_version_is_stale(state: str, version: str, route: Route) -> None:
    """An update that names another version is a 412 before anything else, and a lost race to the library."""
    gateway = holding(in_state(state))
    before = gateway.platform.all()
    reply = gateway.send(update(Accept().form(), route, **{"If-Match": version}))
    assert (reply.status, said(reply)["code"]) == (412, 20412)
    assert gateway.platform.all() == before
    with pytest.raises(LostRace):
        conclude(PENDING, Accept(), reply)


@pytest.mark.parametrize(
    ("form", "code", "says"),
    [
        ((), 20001, "exactly one status or instruction"),
        ((("To", "client:alice"),), 20001, "exactly one status or instruction"),
        ((("ReservationStatus", "accepted"), ("Instruction", "conference")), 20001, "exactly one status or instruction"),
        ((("ReservationStatus", "accepted"), ("ReservationStatus", "accepted")), 20001, "exactly one"),
        ((("ReservationStatus", "accept"),), 20001, "no status a client may set"),
        ((("ReservationStatus", "pending"),), 20001, "no status a client may set"),
        ((("ReservationStatus", "timeout"),), 20001, "no status a client may set"),
        ((("ReservationStatus", "canceled"),), 20001, "no status a client may set"),
        ((("ReservationStatus", "rescinded"),), 20001, "no status a client may set"),
        ((("Instruction", "banana"),), 55555, "no instruction"),
        ((("Instruction", ""),), 55555, "no instruction"),
        ((("Instruction", "call"), ("CallFrom", "+15005550006")), 40112, "CallUrl is required"),
        ((("Instruction", "call"), ("CallUrl", "https://example.com")), 40111, "CallFrom is required"),
        ((("Instruction", "conference"), ("To", "5005550006")), 40137, "To must be"),
        ((("Instruction", "conference"), ("Timeout", "1000")), 20001, "Timeout must be"),
        ((("Instruction", "conference"), ("Timeout", "1"), ("Timeout", "2")), 20001, "Timeout is given more than once"),
        ((("Instruction", "conference"), ("CallUrl", "https://example.com")), 20001, "CallUrl is not a parameter of Conference"),
        ((("ReservationStatus", "accepted"), ("WorkerActivitySid", f"WA{HEX}")), 20001, "WorkerActivitySid is not a parameter of Accept"),
        ((("ReservationStatus", "rejected"), ("WorkerActivitySid", "WA1")), 40100, "WorkerActivitySid must be"),
        ((("Instruction", "conference"), ("Timeout", "x"), ("Beep", "y")), 20001, "Beep must be"),
    ],
)
@pytest.mark.parametrize("route", Route)
def test_a_wrong_form_is_a_400_that_says_what_is_wrong(form: tuple[tuple[str, str], ...], code: int, says: str, route: Route) -> None:
    """A form that is no command is refused with the platform's number, naming every parameter and showing no value."""
    gateway = holding(PENDING)
    before = gateway.platform.all()
    reply = gateway.send(update(form, route))
    body = said(reply)
    assert (reply.status, body["status"], body["code"]) == (400, 400, code)
    assert says in str(body["message"])
    assert body["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    assert "5005550006" not in str(body["message"])
    assert gateway.platform.all() == before


@pytest.mark.parametrize(
    "form",
    [
        (("ReservationStatus", "accepted"), ("Transcribe", "true")),
        (("Instruction", "Conference"), ("Record", "TRUE"), ("Beep", "onenter")),
        (("Instruction", "DEQUEUE"), ("DequeueStatusCallbackEvents", "initiated,ringing")),
    ],
)
def test_what_the_platform_tolerates_is_carried_out(form: tuple[tuple[str, str], ...]) -> None:
    """Unknown parameters, other letter cases and the worker SDK's lists are taken, as other clients send them."""
    assert holding(PENDING).send(update(form)).status == 200


class _Recorded(TypedDict):
    id: str
    path: str
    form_pairs: list[tuple[str, str]]
    verdict: str
    method: str


RECORDED: Final = [
    request
    for request in cast("dict[str, list[_Recorded]]", load("requests"))["requests"]
    if request["verdict"] == "reproduce" and request["method"] == "POST"
]


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded["id"])
def test_every_recorded_update_is_understood(recorded: _Recorded) -> None:
    """What the official client was recorded to send is carried out where it is legal."""
    pairs = tuple((name, value) for name, value in recorded["form_pairs"])
    gateway = holding(in_state("accepted" if pairs[0][1] in ("wrapping", "completed", "supervise") else "pending"))
    assert gateway.send(Request("POST", recorded["path"], form=pairs)).status == 200
    assert gateway.platform.get(SID).etag == "1"


NAMES: Final = [*(row["name"] for row in rows("parameters")), "DequeueStatusCallbackEvents", "Transcribe"]
WORDS: Final = [
    *(status.value for status in Status),
    "conference",
    "call",
    "redirect",
    "dequeue",
    "supervise",
    "true",
    "1",
    "POST",
    "start,end",
    HEX,
    SID,
]


@given(
    st.sampled_from(["GET", "POST", "PUT"]) | st.text(max_size=5),
    st.sampled_from([*ELSEWHERE, *(f"{base}{rest}" for base in BASES.values() for rest in ("", f"/{SID}", "?PageSize=1", "?Page=[&=;%"))])
    | st.text(),
    st.lists(st.tuples(st.sampled_from(NAMES) | st.text(max_size=3), st.sampled_from(WORDS) | st.text()), max_size=4)
    | commands().map(lambda command: list(command.form())),
    st.none() | st.text(max_size=3),
)
@settings(max_examples=200)
def test_any_request_gets_a_reply(method: str, path: str, form: list[tuple[str, str]], version: str | None) -> None:
    """Whatever is sent, there is an answer with a body of JSON, and never an exception."""
    headers = {} if version is None else {"If-Match": version}
    reply = holding(PENDING).send(Request(method, path, headers, tuple(form)))
    assert reply.status in (200, 400, 404, 405, 412)
    assert said(reply)
    assert reply.headers["content-type"] == "application/json"


# --- what is read back -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", Route)
@pytest.mark.parametrize("state", STATES)
def test_what_is_held_is_read_back(state: str, route: Route) -> None:
    """A fetch gives what the platform holds, except for the hold, which the API never shows."""
    gateway = holding(in_state(state))
    held, read = gateway.platform.get(SID), fetch(PENDING if state in ("pending", "onHold") else in_state(state), gateway, route=route)
    assert read == attrs.evolve(held, on_hold=False, url=read.url, links=read.links, etag="0" if route is Route.TASK else None)
    assert read.url == f"https://taskrouter.twilio.com{BASES[route]}/{SID}"
    assert dict(read.links or {}) == {
        "task": f"https://taskrouter.twilio.com/v1/Workspaces/{WORKSPACE}/Tasks/{TASK}",
        "worker": f"https://taskrouter.twilio.com/v1/Workspaces/{WORKSPACE}/Workers/{WORKER}",
        "workspace": f"https://taskrouter.twilio.com/v1/Workspaces/{WORKSPACE}",
    }


def test_the_body_has_exactly_the_fields_of_the_reference() -> None:
    """A body of the double has the fields that the API description has, and no others."""
    body = said(holding(PENDING).send(Request("GET", f"{BASES[Route.TASK]}/{SID}")))
    assert set(body) == {row["name"] for row in rows("fields")}
    assert re.fullmatch(r"2026-01-01T00:00:00Z", str(body["date_updated"]))


def test_nothing_is_known_twice() -> None:
    """A gateway of its own platform begins empty; two gateways to one platform see the same."""
    assert InMemoryGateway().platform.all() == ()
    gateway = holding(PENDING)
    perform(PENDING, Accept(), InMemoryGateway(gateway.platform))
    assert fetch(PENDING, gateway).status is Status.ACCEPTED


def _many() -> InMemoryGateway:
    statuses = (Status.PENDING, Status.REJECTED, Status.TIMEOUT)
    here = [numbered(number, status=statuses[number % 3], worker_sid=f"WK{number % 2:032x}") for number in range(7)]
    return holding(*here, numbered(90, task_sid="WT" + "f" * 32, worker_sid=f"WK{0:032x}"), numbered(91, workspace_sid="WS" + "f" * 32))


LISTS: Final[Sequence[tuple[str | None, str | None, Status | None, list[int]]]] = [
    (TASK, None, None, [0, 1, 2, 3, 4, 5, 6]),
    (TASK, None, Status.REJECTED, [1, 4]),
    (TASK, None, Status.COMPLETED, []),
    (TASK, f"WK{1:032x}", None, [1, 3, 5]),
    (TASK, f"WK{1:032x}", Status.TIMEOUT, [5]),
    (None, f"WK{0:032x}", None, [0, 2, 4, 6, 90]),
    (None, f"WK{0:032x}", Status.PENDING, [0, 6, 90]),
    ("WT" + "e" * 32, None, None, []),
]


@pytest.mark.parametrize("size", [None, 1, 2, 3, 7, 1000])
@pytest.mark.parametrize(("task", "worker", "status", "numbers"), LISTS)
def test_lists_are_read_back_whole(
    task: str | None, worker: str | None, status: Status | None, numbers: list[int], size: int | None
) -> None:
    """A list gives what is held and asked for, oldest first, whatever the size of a page, in threads and in an event loop."""
    gateway = _many()

    async def read() -> list[str | None]:
        walk = alist_reservations(gateway, workspace_sid=WORKSPACE, task_sid=task, worker_sid=worker, status=status, page_size=size)
        return [item.sid async for item in walk]

    listed = [*list_reservations(gateway, workspace_sid=WORKSPACE, task_sid=task, worker_sid=worker, status=status, page_size=size)]
    assert [item.sid for item in listed] == [f"WR{number:032x}" for number in numbers] == asyncio.run(read())
    assert [attrs.evolve(item, etag="0") for item in listed] == [
        attrs.evolve(gateway.platform.get(str(item.sid)), url=item.url, links=item.links) for item in listed
    ]


@pytest.mark.parametrize(
    ("query", "size", "number", "shown"),
    [
        ("", 50, 0, 7),
        ("?PageSize=3", 3, 0, 3),
        ("?PageSize=3&Page=2", 3, 2, 1),
        ("?PageSize=3&Page=9", 3, 9, 0),
        ("?PageSize=7", 7, 0, 7),
        ("?PageSize=1&Page=6", 1, 6, 1),
        ("?PageSize=0", 1, 0, 1),
        ("?PageSize=1001", 1000, 0, 7),
        ("?PageSize=-3", 50, 0, 7),
        ("?PageSize=x&Page=y", 50, 0, 7),
        ("?PageSize=٣", 50, 0, 7),
        (f"?PageSize={'9' * 5000}", 50, 0, 7),
    ],
)
def test_a_page_tells_where_it_stands(query: str, size: int, number: int, shown: int) -> None:
    """The meta data of a page has the platform's keys, its own place, and links that keep the filters."""
    path = BASES[Route.TASK]
    body = said(_many().send(Request("GET", path + query)))
    meta = cast("dict[str, object]", body["meta"])
    assert len(cast("list[object]", body["reservations"])) == shown
    assert (meta["key"], meta["page_size"], meta["page"]) == ("reservations", size, number)

    def link(at: int) -> str:
        return f"https://taskrouter.twilio.com{path}?PageSize={size}&Page={at}"

    assert (meta["url"], meta["first_page_url"]) == (link(number), link(0))
    assert meta["previous_page_url"] == (link(number - 1) if number else None)
    assert meta["next_page_url"] == (link(number + 1) if (number + 1) * size < 7 else None)
    filtered = said(_many().send(Request("GET", f"{path}?ReservationStatus=rejected&PageSize=1")))
    assert "ReservationStatus=rejected" in str(cast("dict[str, object]", filtered["meta"])["next_page_url"])


def test_an_event_loop_gets_the_same_answers() -> None:
    """The asynchronous port answers as the other does."""

    async def live() -> list[Reservation]:
        gateway = holding(PENDING)
        accepted = await aperform(PENDING, Accept(), gateway)
        return [accepted, await afetch(accepted, gateway), await aperform(accepted, Complete(), gateway, route="worker")]

    accepted, fetched, completed = asyncio.run(live())
    assert accepted == fetched
    assert [reservation.status for reservation in (accepted, completed)] == [Status.ACCEPTED, Status.COMPLETED]


# --- rivals ------------------------------------------------------------------------------------------------------------------------------

RIVALS: Final = 32


def _race(runners: list[Callable[[], Reservation]]) -> list[Reservation | Refused]:
    """Let all run at the same moment, each in a thread of its own."""
    start = threading.Barrier(len(runners))

    def run(runner: Callable[[], Reservation]) -> Reservation | Refused:
        start.wait(10)
        try:
            return runner()
        except Refused as error:
            return error

    with ThreadPoolExecutor(len(runners)) as pool:
        return list(pool.map(run, runners))


def slow(*reservations: Reservation) -> InMemoryGateway:
    """Make a gateway whose platform takes its time in the middle of each change, so that rivals meet there if they can."""

    def tick() -> datetime:
        time.sleep(0.0005)
        return datetime(2026, 1, 1, tzinfo=UTC)

    platform = Platform(clock=tick)
    for reservation in reservations:
        platform.add(reservation)
    return InMemoryGateway(platform)


class SlowHeaders(Headers):
    """Headers that take their time to be read, so that rivals meet between the check of a version and the change."""

    def __getitem__(self, name: str) -> str:
        """Wait, then look."""
        time.sleep(0.0005)
        return super().__getitem__(name)


def test_one_of_many_rivals_changes_a_version() -> None:
    """Of 32 who change the same version at once exactly one does, even where the command is a step again afterwards."""
    gateway, known, command = slow(PENDING), attrs.evolve(PENDING, etag="0"), EXAMPLES["call"]
    request = prepare(known, command)
    request = attrs.evolve(request, headers=SlowHeaders(request.headers.pairs))
    outcomes = _race([lambda: conclude(known, command, gateway.send(request))] * RIVALS)
    assert [outcome.etag for outcome in outcomes if isinstance(outcome, Reservation)] == ["1"]
    assert {outcome.http_status for outcome in outcomes if isinstance(outcome, Refused)} == {412}


RIVALRIES: Final[Mapping[str, Callable[[Platform], Reservation]]] = {
    "command": lambda platform: platform.carry_out(SID, Accept()),
    "fact": lambda platform: platform.report(SID, Status.ACCEPTED),
}


@pytest.mark.parametrize("rivalry", RIVALRIES.values(), ids=RIVALRIES)
def test_one_of_many_rivals_moves_the_platform(rivalry: Callable[[Platform], Reservation]) -> None:
    """Of 32 who move the platform itself at once exactly one does; for the others it is no step any more."""
    platform = slow(PENDING).platform

    def move() -> Reservation:
        try:
            return rivalry(platform)
        except StateConflict as conflict:
            raise Refused(400, message=str(conflict)) from conflict

    outcomes = _race([move] * RIVALS)
    assert [outcome.etag for outcome in outcomes if isinstance(outcome, Reservation)] == ["1"]


@pytest.mark.parametrize("version", ["0", None])
def test_one_of_many_rivals_accepts_a_reservation(version: str | None) -> None:
    """Of 32 who accept the same reservation at once exactly one wins, with or without a version; the others lose the race."""
    gateway, known = slow(PENDING), attrs.evolve(PENDING, etag=version)
    outcomes = _race([partial(perform, known, Accept(), gateway)] * RIVALS)
    assert sum(isinstance(outcome, Reservation) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, LostRace) for outcome in outcomes) == RIVALS - 1
    assert gateway.platform.get(SID).etag == "1"


def test_one_of_many_siblings_is_accepted() -> None:
    """Of 32 workers who accept their own reservation of one task exactly one gets it; every other one is rescinded."""
    rivals = [numbered(number) for number in range(RIVALS)]
    gateway = slow(*rivals)
    outcomes = _race([partial(perform, rival, Accept(), gateway) for rival in rivals])
    assert sum(isinstance(outcome, Reservation) for outcome in outcomes) == 1
    held = [reservation.status for reservation in gateway.platform.all()]
    assert (held.count(Status.ACCEPTED), held.count(Status.RESCINDED)) == (1, RIVALS - 1)
    assert {reservation.etag for reservation in gateway.platform.all()} == {"1"}


# --- the official client ------------------------------------------------------------------------------------------------------------------


class InProcess:
    """What the official client calls its HTTP client: it hands each request to a gateway of ours."""

    def __init__(self, gateway: InMemoryGateway) -> None:
        self.requests: list[Request] = []
        self._gateway = gateway

    def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Answer one request of the official client."""
        assert auth == (ACCOUNT, "token")
        assert timeout is None
        assert not allow_redirects
        parts = urlsplit(uri)
        query = "&".join(filter(None, (parts.query, urlencode(params or {}, doseq=True))))
        assert f"{parts.scheme}://{parts.netloc}" == self._gateway.origin
        request = Request(method, parts.path + (f"?{query}" if query else ""), headers or {}, tuple(_pairs(data or {})))
        self.requests.append(request)
        reply = self._gateway.send(request)
        return Response(reply.status, reply.body.decode(), dict(reply.headers))


def _pairs(data: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in data.items():
        many = cast("list[object]", value) if isinstance(value, list) else [value]
        yield from ((name, str(one)) for one in many)


@pytest.fixture
def gateway() -> InMemoryGateway:
    """Give a gateway to a platform with three reservations of one task."""
    return holding(PENDING, numbered(1), numbered(2))


@pytest.fixture
def transport(gateway: InMemoryGateway) -> InProcess:
    """Give what the official client sends through."""
    return InProcess(gateway)


@pytest.fixture
def client(transport: InProcess, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Give an official client that knows nothing of the machine's own settings."""
    for name in ("TWILIO_EDGE", "TWILIO_REGION", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return Client(ACCOUNT, "token", http_client=cast("HttpClient", transport))


def test_the_official_client_accepts(client: Client, gateway: InMemoryGateway, transport: InProcess) -> None:
    """The official client accepts a reservation, and what it sent is what the library sends."""
    theirs = client.taskrouter.v1.workspaces(WORKSPACE).tasks(TASK).reservations(SID)
    accepted = theirs.update(reservation_status="accepted", if_match="0")
    assert accepted.reservation_status == "accepted"
    assert accepted.date_updated == gateway.platform.get(SID).date_updated
    ours = prepare(attrs.evolve(PENDING, etag="0"), Accept())
    sent = transport.requests[0]
    assert (sent.method, sent.path, sent.body, sent.headers["If-Match"]) == (ours.method, ours.path, ours.body, "0")
    assert {held.status for held in gateway.platform.all()} == {Status.ACCEPTED, Status.RESCINDED}


def test_the_official_client_rejects_on_the_worker_route(client: Client, gateway: InMemoryGateway) -> None:
    """The official client rejects on the worker route, whose body has that route's address."""
    theirs = client.taskrouter.v1.workspaces(WORKSPACE).workers(WORKER).reservations(SID)
    rejected = theirs.update(reservation_status="rejected", worker_activity_sid=f"WA{HEX}")
    assert (rejected.reservation_status, rejected.url) == ("rejected", f"{gateway.origin}{BASES[Route.WORKER]}/{SID}")
    assert gateway.platform.get(SID).status is Status.REJECTED


def test_the_official_client_confers(client: Client, gateway: InMemoryGateway, transport: InProcess) -> None:
    """A conference of the official client, with lists and booleans, is understood: the reservation is on hold and shown pending."""
    theirs = client.taskrouter.v1.workspaces(WORKSPACE).tasks(TASK).reservations(SID)
    answered = theirs.update(
        instruction="conference",
        to="client:alice",
        from_="+15005550006",
        record=True,
        timeout=20,
        status_callback="https://example.com/cb?a=1&b=2",
        status_callback_event=["initiated", "completed"],
    )
    assert answered.reservation_status == "pending"
    assert gateway.platform.get(SID).on_hold
    command = Conference(
        to="client:alice",
        from_="+15005550006",
        record=True,
        timeout=20,
        status_callback="https://example.com/cb?a=1&b=2",
        status_callback_event=["initiated", "completed"],
    )
    assert transport.requests[0].body == prepare(PENDING, command).body


def test_the_official_client_reads_one_and_many(client: Client, gateway: InMemoryGateway) -> None:
    """The official client fetches and lists, over several pages, what the platform holds."""
    task = client.taskrouter.v1.workspaces(WORKSPACE).tasks(TASK)
    one = task.reservations(SID).fetch()
    held = gateway.platform.get(SID)
    assert (one.sid, one.worker_name, one.date_created, one.task_sid) == (held.sid, held.worker_name, held.date_created, held.task_sid)
    assert [item.sid for item in task.reservations.list(page_size=1)] == [item.sid for item in gateway.platform.all()]
    assert [item.sid for item in task.reservations.list(worker_sid=WORKER, reservation_status="pending")] == [SID]
    assert task.reservations.list(reservation_status="accepted") == []


@pytest.mark.parametrize(
    ("sid", "arguments", "status", "code", "says"),
    [
        (SID, {"reservation_status": "accepted", "if_match": "7"}, 412, 20412, "If-Match"),
        (SID, {"reservation_status": "wrapping"}, 400, 20001, "not in expected state [accepted]"),
        (SID, {"reservation_status": "bogus"}, 400, 20001, "no status a client may set"),
        (SID, {"instruction": "call"}, 400, 40111, "CallFrom is required"),
        (SID, {}, 400, 20001, "exactly one"),
        ("WR" + "f" * 32, {"reservation_status": "accepted"}, 404, 20404, "was not found"),
        (f"{SID}?x=1", {"reservation_status": "wrapping"}, 400, 20001, "not in expected state"),
        ("", {"reservation_status": "accepted"}, 405, 20004, "not allowed"),
    ],
)
def test_the_official_client_understands_a_refusal(
    client: Client, gateway: InMemoryGateway, sid: str, arguments: dict[str, str], status: int, code: int, says: str
) -> None:
    """A refusal reaches the user of the official client with its status, its code and its sentence, and nothing is changed."""
    before = gateway.platform.all()
    with pytest.raises(TwilioRestException) as caught:
        client.taskrouter.v1.workspaces(WORKSPACE).tasks(TASK).reservations(sid).update(**arguments)
    assert (caught.value.status, caught.value.code) == (status, code)
    assert says in caught.value.msg
    assert gateway.platform.all() == before


def test_both_clients_read_the_same(client: Client, gateway: InMemoryGateway) -> None:
    """What the official client reads of a body is what the library reads of it."""
    theirs = client.taskrouter.v1.workspaces(WORKSPACE).tasks(TASK).reservations(SID).fetch()
    ours = read_reservation(gateway.send(Request("GET", f"{BASES[Route.TASK]}/{SID}")).body)
    assert (theirs.sid, theirs.reservation_status, theirs.date_updated, theirs.links) == (
        ours.sid,
        ours.status.value,
        ours.date_updated,
        dict(ours.links or {}),
    )
    assert ours.sid == fetch(Address(workspace_sid=WORKSPACE, task_sid=TASK, sid=SID), gateway).sid
