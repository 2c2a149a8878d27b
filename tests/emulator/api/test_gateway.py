"""The double's routes answer right and wrong requests as the platform is seen to."""

import asyncio
import re
from collections.abc import Sequence
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
    alist_reservations,
    aperform,
    conclude,
    fetch,
    list_reservations,
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
    numbered,
    said,
    update,
)
from tests.reference.oracle import load, rows

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
    reply = holding(PENDING).send(
        Request(method, path, form=Accept().form() if method == "POST" else ())
    )
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
        (
            (("ReservationStatus", "accepted"), ("Instruction", "conference")),
            20001,
            "exactly one status or instruction",
        ),
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
        ((("Instruction", "conference"), ("To", "5005550006")), 40137, "To must be"),
        ((("Instruction", "conference"), ("Timeout", "1000")), 20001, "Timeout must be"),
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
        ((("Instruction", "conference"), ("Timeout", "x"), ("Beep", "y")), 20001, "Beep must be"),
    ],
)
@pytest.mark.parametrize("route", Route)
def test_a_wrong_form_is_a_400_that_says_what_is_wrong(
    form: tuple[tuple[str, str], ...], code: int, says: str, route: Route
) -> None:
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
            *ELSEWHERE,
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
def test_any_request_gets_a_reply(
    method: str, path: str, form: list[tuple[str, str]], version: str | None
) -> None:
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
    held, read = (
        gateway.platform.get(SID),
        fetch(PENDING if state in ("pending", "onHold") else in_state(state), gateway, route=route),
    )
    assert read == attrs.evolve(
        held,
        on_hold=False,
        url=read.url,
        links=read.links,
        etag="0" if route is Route.TASK else None,
    )
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
    here = [
        numbered(number, status=statuses[number % 3], worker_sid=f"WK{number % 2:032x}")
        for number in range(7)
    ]
    return holding(
        *here,
        numbered(90, task_sid="WT" + "f" * 32, worker_sid=f"WK{0:032x}"),
        numbered(91, workspace_sid="WS" + "f" * 32),
    )


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
    task: str | None,
    worker: str | None,
    status: Status | None,
    numbers: list[int],
    size: int | None,
) -> None:
    """A list gives what is held and asked for, oldest first, whatever the size of a page, in threads and in an event loop."""
    gateway = _many()

    async def read() -> list[str | None]:
        walk = alist_reservations(
            gateway,
            workspace_sid=WORKSPACE,
            task_sid=task,
            worker_sid=worker,
            status=status,
            page_size=size,
        )
        return [item.sid async for item in walk]

    listed = [
        *list_reservations(
            gateway,
            workspace_sid=WORKSPACE,
            task_sid=task,
            worker_sid=worker,
            status=status,
            page_size=size,
        )
    ]
    assert (
        [item.sid for item in listed]
        == [f"WR{number:032x}" for number in numbers]
        == asyncio.run(read())
    )
    assert [attrs.evolve(item, etag="0") for item in listed] == [
        attrs.evolve(gateway.platform.get(str(item.sid)), url=item.url, links=item.links)
        for item in listed
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
        ("?PageSize=%D9%A3", 50, 0, 7),
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
    first, last = number * size, number * size + shown - 1
    assert meta["previous_page_url"] == (
        link(number - 1) + (f"&PageToken=PBWR{first:032x}" if shown else "") if number else None
    )
    assert meta["next_page_url"] == (
        f"{link(number + 1)}&PageToken=PAWR{last:032x}" if (number + 1) * size < 7 else None
    )
    filtered = said(_many().send(Request("GET", f"{path}?ReservationStatus=rejected&PageSize=1")))
    assert "ReservationStatus=rejected" in str(
        cast("dict[str, object]", filtered["meta"])["next_page_url"]
    )


def test_an_event_loop_gets_the_same_answers() -> None:
    """The asynchronous port answers as the other does."""

    async def live() -> list[Reservation]:
        gateway = holding(PENDING)
        accepted = await aperform(PENDING, Accept(), gateway)
        return [
            accepted,
            await afetch(accepted, gateway),
            await aperform(accepted, Complete(), gateway, route="worker"),
        ]

    accepted, fetched, completed = asyncio.run(live())
    assert accepted == fetched
    assert [reservation.status for reservation in (accepted, completed)] == [
        Status.ACCEPTED,
        Status.COMPLETED,
    ]
