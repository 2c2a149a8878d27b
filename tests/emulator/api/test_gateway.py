"""The gateway answers valid and invalid requests as the platform does."""

import asyncio
import re
from typing import Final, TypedDict, cast

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservation_core import (
    Accept,
    Complete,
    LostRace,
    NotFound,
    Request,
    Reservation,
    Route,
    Status,
    afetch,
    aperform,
    conclude,
    fetch,
    perform,
)
from reservation_core.emulator import InMemoryGateway
from reservation_core.testing.strategies import commands
from tests.emulator.samples import (
    BASES,
    HEX,
    PENDING,
    SID,
    STATES,
    TASK,
    WORKER,
    WORKSPACE,
    holding,
    in_state,
    read_json,
    update,
)
from tests.reference.oracle import load, rows

UNKNOWN_ADDRESSES: Final = [
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
@pytest.mark.parametrize("path", UNKNOWN_ADDRESSES)
def test_unknown_address_is_not_found(path: str, method: str) -> None:
    """In the platform's words. A reservation under another parent is unknown too."""
    reply = holding(PENDING).send(
        Request(method, path, form=Accept().form() if method == "POST" else ())
    )
    assert reply.status == 404
    body = read_json(reply)
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
def test_other_methods_are_405(method: str, path: str) -> None:
    """They change nothing."""
    gateway = holding(PENDING)
    before = gateway.platform.all()
    assert gateway.send(Request(method, path, form=Accept().form())).status == 405
    assert gateway.platform.all() == before


@pytest.mark.parametrize("route", Route)
def test_head_is_answered_like_get(route: Route) -> None:
    """A server leaves the body out."""
    gateway = holding(PENDING)
    for path in (BASES[route], f"{BASES[route]}/{SID}", "/nowhere"):
        get, head = (gateway.send(Request(method, path)) for method in ("GET", "HEAD"))
        assert head == get


@pytest.mark.parametrize("route", Route)
@pytest.mark.parametrize("version", ["0", '"0"'])
def test_current_version_is_accepted_bare_and_quoted(version: str, route: Route) -> None:
    gateway = holding(PENDING)
    assert gateway.send(update(Accept().form(), route, **{"if-match": version})).status == 200
    assert gateway.platform.get(SID).status is Status.ACCEPTED


@pytest.mark.parametrize("route", Route)
@pytest.mark.parametrize("version", ["1", '"1"', "00", "", "x", "-1"])
@pytest.mark.parametrize("state", ["pending", "completed"])
def test_other_version_is_stale(state: str, version: str, route: Route) -> None:
    """A 412 before any other check. The library takes it for a lost race."""
    gateway = holding(in_state(state))
    before = gateway.platform.all()
    reply = gateway.send(update(Accept().form(), route, **{"If-Match": version}))
    assert (reply.status, read_json(reply)["code"]) == (412, 20412)
    assert gateway.platform.all() == before
    with pytest.raises(LostRace):
        conclude(PENDING, Accept(), reply)


@pytest.mark.parametrize(
    ("form", "code", "message"),
    [
        ((), 20001, "exactly one status or instruction"),
        ((("To", "client:alice"),), 20001, "exactly one status or instruction"),
        (
            (("ReservationStatus", "accepted"), ("ReservationStatus", "accepted")),
            20001,
            "exactly one",
        ),
        ((("ReservationStatus", "accept"),), 20001, "is not a status that a client may set"),
        ((("ReservationStatus", "pending"),), 20001, "is not a status that a client may set"),
        ((("ReservationStatus", "timeout"),), 20001, "is not a status that a client may set"),
        ((("ReservationStatus", "canceled"),), 20001, "is not a status that a client may set"),
        ((("ReservationStatus", "rescinded"),), 20001, "is not a status that a client may set"),
        ((("Instruction", "banana"),), 55555, "is not an instruction"),
        ((("Instruction", ""),), 55555, "is not an instruction"),
        ((("Instruction", "call"), ("CallFrom", "+15005550006")), 40112, "CallUrl is required"),
        (
            (("Instruction", "call"), ("CallUrl", "https://example.com")),
            40111,
            "CallFrom is required",
        ),
        ((("Instruction", "conference"), ("To", " ")), 40137, "To must be"),
        ((("Instruction", "conference"), ("Timeout", "1000")), 14233, "Timeout must be"),
        (
            (("Instruction", "conference"), ("Timeout", "1"), ("Timeout", "2")),
            20001,
            "Timeout is given more than once",
        ),
        (
            (("ReservationStatus", "rejected"), ("WorkerActivitySid", "WA1")),
            40100,
            "WorkerActivitySid must be",
        ),
        ((("Instruction", "conference"), ("Timeout", "x"), ("Beep", "y")), 14233, "Beep must be"),
    ],
)
@pytest.mark.parametrize("route", Route)
def test_invalid_form_is_400_and_names_every_parameter(
    form: tuple[tuple[str, str], ...], code: int, message: str, route: Route
) -> None:
    """With the platform's number. No value is shown."""
    gateway = holding(PENDING)
    before = gateway.platform.all()
    reply = gateway.send(update(form, route))
    body = read_json(reply)
    assert (reply.status, body["status"], body["code"]) == (400, 400, code)
    assert message in str(body["message"])
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
def test_tolerated_forms_are_carried_out(form: tuple[tuple[str, str], ...]) -> None:
    """Unknown parameters, letter case, lists of the worker SDK."""
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
def test_recorded_update_is_carried_out(recorded: _Recorded) -> None:
    """Recorded from the official client."""
    pairs = tuple((name, value) for name, value in recorded["form_pairs"])
    gateway = holding(
        in_state("accepted" if pairs[0][1] in ("wrapping", "completed", "supervise") else "pending")
    )
    assert gateway.send(Request("POST", recorded["path"], form=pairs)).status == 200
    assert gateway.platform.get(SID).etag == "1"


NAMES: Final = [
    *(row["name"] for row in rows("parameters")),
    "DequeueStatusCallbackEvents",
    "Transcribe",
]
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
    st.sampled_from(
        [
            *UNKNOWN_ADDRESSES,
            *(
                f"{base}{rest}"
                for base in BASES.values()
                for rest in ("", f"/{SID}", "?PageSize=1", "?Page=[&=;%")
            ),
        ]
    )
    | st.text(),
    st.lists(
        st.tuples(st.sampled_from(NAMES) | st.text(max_size=3), st.sampled_from(WORDS) | st.text()),
        max_size=4,
    )
    | commands().map(lambda command: list(command.form())),
    st.none() | st.text(max_size=3),
)
@settings(max_examples=200)
def test_any_request_has_a_json_reply(
    method: str, path: str, form: list[tuple[str, str]], version: str | None
) -> None:
    """Never an exception."""
    headers = {} if version is None else {"If-Match": version}
    reply = holding(PENDING).send(Request(method, path, headers, tuple(form)))
    assert reply.status in (200, 400, 404, 405, 412)
    assert read_json(reply)
    assert reply.headers["content-type"] == "application/json"


@pytest.mark.parametrize("route", Route)
@pytest.mark.parametrize("state", STATES)
def test_fetch_returns_the_stored_reservation(state: str, route: Route) -> None:
    """Except for the hold, which the API never shows."""
    gateway = holding(in_state(state))
    stored, fetched = (
        gateway.platform.get(SID),
        fetch(PENDING if state in ("pending", "onHold") else in_state(state), gateway, route=route),
    )
    assert fetched == attrs.evolve(
        stored,
        on_hold=False,
        url=fetched.url,
        links=fetched.links,
        etag="0" if route is Route.TASK else None,
    )
    assert fetched.url == f"https://taskrouter.twilio.com{BASES[route]}/{SID}"
    assert dict(fetched.links or {}) == {
        "task": f"https://taskrouter.twilio.com/v1/Workspaces/{WORKSPACE}/Tasks/{TASK}",
        "worker": f"https://taskrouter.twilio.com/v1/Workspaces/{WORKSPACE}/Workers/{WORKER}",
        "workspace": f"https://taskrouter.twilio.com/v1/Workspaces/{WORKSPACE}",
    }


def test_body_has_exactly_the_fields_of_the_reference() -> None:
    body = read_json(holding(PENDING).send(Request("GET", f"{BASES[Route.TASK]}/{SID}")))
    assert set(body) == {row["name"] for row in rows("fields")}
    assert re.fullmatch(r"2026-01-01T00:00:00Z", str(body["date_updated"]))


def test_gateways_to_one_platform_see_the_same() -> None:
    """A gateway with its own platform begins empty."""
    assert InMemoryGateway().platform.all() == ()
    gateway = holding(PENDING)
    perform(PENDING, Accept(), InMemoryGateway(gateway.platform))
    assert fetch(PENDING, gateway).status is Status.ACCEPTED


def test_async_gateway_gives_the_same_replies() -> None:

    async def run() -> list[Reservation]:
        gateway = holding(PENDING)
        accepted = await aperform(PENDING, Accept(), gateway)
        return [
            accepted,
            await afetch(accepted, gateway),
            await aperform(accepted, Complete(), gateway, route="worker"),
        ]

    accepted, fetched, completed = asyncio.run(run())
    assert accepted == fetched
    assert [reservation.status for reservation in (accepted, completed)] == [
        Status.ACCEPTED,
        Status.COMPLETED,
    ]
