"""A command becomes exactly the request of the reference, and any answer at all becomes a reservation or an error of ours."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final, TypedDict, cast
from urllib.parse import urlencode

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reservation_core import (
    Accept,
    Address,
    Call,
    Command,
    CommandNotAllowed,
    Complete,
    Conference,
    Dequeue,
    Headers,
    IllegalSuccession,
    IncompleteReservation,
    InvalidCommand,
    LostRace,
    MalformedReply,
    NotFound,
    RateLimit,
    Redirect,
    Refused,
    Reject,
    Reply,
    ReplyError,
    Request,
    Reservation,
    Route,
    ServerFailed,
    Status,
    Supervise,
    Throttled,
    Unauthorized,
    UnknownStatus,
    Wrap,
    conclude,
    conclude_fetch,
    prepare,
    prepare_fetch,
)
from reservation_core.domain.reservation import Links
from reservation_core.testing.strategies import build, commands, reservations
from reservation_core.testing.strategies.texts import near_sids
from tests.reference.oracle import load, rows

HEX: Final = "0123456789abcdef" * 2
PATHS: Final = {
    Route.TASK: f"/v1/Workspaces/WS{HEX}/Tasks/WT{HEX}/Reservations/WR{HEX}",
    Route.WORKER: f"/v1/Workspaces/WS{HEX}/Workers/WK{HEX}/Reservations/WR{HEX}",
}
PENDING: Final = Reservation(
    sid=f"WR{HEX}",
    account_sid=f"AC{HEX}",
    workspace_sid=f"WS{HEX}",
    task_sid=f"WT{HEX}",
    worker_sid=f"WK{HEX}",
    status=Status.PENDING,
)
ACCEPTED: Final = attrs.evolve(PENDING, status=Status.ACCEPTED)
EMPTY: Final = Reservation(status=Status.PENDING)

KINDS: Final[Mapping[str, type[Command]]] = {
    kind.__name__.lower(): kind
    for kind in (Accept, Reject, Dequeue, Call, Redirect, Conference, Supervise, Wrap, Complete)
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
    "supervise": Supervise(supervisor_mode="monitor", supervisor=f"WK{HEX}"),
    "wrap": Wrap(),
    "complete": Complete(),
}
"""One command for each that the matrix of the reference names."""


def changed(reservation: Reservation, **fields: object) -> Reservation:
    """Give a reservation with some fields replaced, by whatever a test likes."""
    evolve = cast("Callable[..., Reservation]", attrs.evolve)
    return evolve(reservation, **fields)


def body_of(reservation: Reservation, **changes: object) -> dict[str, object]:
    """Write a reservation as the platform's JSON, with some keys changed."""
    fields = ("sid", "account_sid", "workspace_sid", "task_sid", "worker_sid", "worker_name")
    body: dict[str, object] = {name: getattr(reservation, name) for name in fields}
    return {**body, "reservation_status": reservation.status.value, **changes}


ASKS: Final[Sequence[Callable[[Reply], Reservation]]] = (
    lambda reply: conclude(PENDING, Accept(), reply),
    lambda reply: conclude_fetch(PENDING, reply),
)
"""The two questions whose answer is one reservation."""


def reply_of(
    body: object, status: int = 200, headers: Mapping[str, str] | Sequence[tuple[str, str]] = ()
) -> Reply:
    """Make a reply of a body that is written as JSON."""
    return Reply(status, headers, json.dumps(body).encode())


# --- the update ------------------------------------------------------------------------------------------------------------------------


class Recorded(TypedDict):
    """One request of the official client, as it was recorded."""

    id: str
    route: str
    call_arguments: dict[str, object] | None
    method: str
    path: str
    if_match: str | None
    body: str
    form_pairs: list[tuple[str, str]]
    verdict: str


RECORDED: Final = {
    request["id"]: request
    for request in cast("dict[str, list[Recorded]]", load("requests"))["requests"]
    if request["verdict"] == "reproduce"
}
UPDATES: Final = [name for name, request in RECORDED.items() if request["method"] == "POST"]


def _command(arguments: Mapping[str, object]) -> Command:
    """Build the command that the official client's keyword arguments mean."""
    given_ = {
        name: value for name, value in arguments.items() if value is not None and name != "if_match"
    }
    status, instruction = given_.pop("reservation_status", None), given_.pop("instruction", None)
    trigger = {
        "accepted": "accept",
        "rejected": "reject",
        "wrapping": "wrap",
        "completed": "complete",
    }.get(str(status), str(instruction))
    prefix = f"{trigger}_" if trigger in ("dequeue", "call", "redirect") else ""
    own = {name.removeprefix(prefix): value for name, value in given_.items()}
    return build(
        KINDS[trigger], {"from_" if name == "from" else name: value for name, value in own.items()}
    )


def test_the_recorded_updates_are_there() -> None:
    """The reference holds updates of all nine commands on the task route and of six on the worker route."""
    made = {
        (RECORDED[name]["route"], type(_command(RECORDED[name]["call_arguments"] or {})).__name__)
        for name in UPDATES
    }
    assert len({kind for route, kind in made if route == "task"}) == 9
    assert len({kind for route, kind in made if route == "worker"}) == 6


@pytest.mark.parametrize("name", UPDATES)
def test_a_recorded_update_is_reproduced(name: str) -> None:
    """What is sent is byte for byte what the official client was recorded to send."""
    recorded = RECORDED[name]
    command = _command(recorded["call_arguments"] or {})
    start = ACCEPTED if isinstance(command, Wrap | Complete | Supervise) else PENDING
    request = prepare(
        attrs.evolve(start, etag=recorded["if_match"]), command, route=recorded["route"]
    )
    assert (request.method, request.path) == (recorded["method"], recorded["path"])
    assert request.headers.get("If-Match") == recorded["if_match"]
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.headers["Accept"] == "application/json"
    assert request.form == tuple((name, value) for name, value in recorded["form_pairs"])
    assert request.body == recorded["body"].encode()


@pytest.mark.parametrize("name", ["python-sync/task/fetch", "python-sync/worker/fetch"])
@pytest.mark.parametrize(
    "known",
    [
        PENDING,
        Address(
            workspace_sid=f"WS{HEX}", task_sid=f"WT{HEX}", worker_sid=f"WK{HEX}", sid=f"WR{HEX}"
        ),
    ],
)
def test_a_recorded_fetch_is_reproduced(name: str, known: Reservation | Address) -> None:
    """A fetch asks for the recorded address, with no form, whether by a reservation or by its address."""
    recorded = RECORDED[name]
    request = prepare_fetch(known, route=recorded["route"])
    assert (request.method, request.path, request.body) == (
        recorded["method"],
        recorded["path"],
        b"",
    )
    assert dict(request.headers) == {"Accept": "application/json"}


@pytest.mark.parametrize("route", [*Route, "task", "worker"])
@pytest.mark.parametrize("etag", ["3", '"3"', 'W/"3"', "a b", "*", "~"])
def test_the_version_is_sent_as_it_is_held(etag: str, route: Route | str) -> None:
    """An ETag goes back as ``If-Match`` exactly as it came, on both routes; without one there is no such header."""
    request = prepare(attrs.evolve(PENDING, etag=etag), Accept(), route=route)
    assert [value for name, value in request.headers.pairs if name == "If-Match"] == [etag]
    assert "If-Match" not in prepare(PENDING, Accept(), route=route).headers


@pytest.mark.parametrize(
    "etag",
    [
        "3\r\nX-Evil: 1",
        "3\n",
        "\n3",
        "3\r",
        "\x00",
        "3\x7f",
        "ü",
        "3\u2028",
        " 3",
        "3 ",
        "\t3",
        "",
        " ",
        "\ud800",
    ],
)
def test_a_version_that_is_no_header_is_refused(etag: str) -> None:
    """An ETag that could break out of its header, or would not survive in it, is refused; the error names the header."""
    with pytest.raises(InvalidCommand) as caught:
        prepare(attrs.evolve(PENDING, etag=etag), Accept())
    (violation,) = caught.value.violations
    assert (violation.parameter, violation.field) == ("If-Match", "etag")
    assert str(caught.value).encode()


ADDRESS_FIELDS: Final = [
    (route, field) for route in Route for field in ("sid", "workspace_sid", f"{route.value}_sid")
]


@pytest.mark.parametrize(
    "wrong",
    [
        "WR{}?x=1",
        "WR{}/",
        "/WR{}",
        "..",
        "../WR{}",
        "WR{}\n",
        "\nWR{}",
        "WR{}#",
        "WR{}%2F..",
        " WR{}",
        "WR1",
        "",
        None,
        5,
        b"WR",
        "XX{}",
    ],
)
@pytest.mark.parametrize(("route", "field"), ADDRESS_FIELDS)
def test_only_sids_come_into_an_address(route: Route, field: str, wrong: object) -> None:
    """A SID that is missing, of another kind, or brings more with it than itself is refused by its name."""
    right = getattr(PENDING, field)
    value = wrong.replace("WR{}", right).format(HEX) if isinstance(wrong, str) else wrong
    broken = changed(PENDING, **{field: value})
    with pytest.raises(IncompleteReservation, match=field) as caught:
        prepare(broken, Accept(), route=route)
    assert caught.value.missing == (field,)
    with pytest.raises(IncompleteReservation, match=field):
        prepare_fetch(broken, route=route)


@given(st.data(), st.sampled_from(ADDRESS_FIELDS))
@settings(max_examples=60)
def test_nothing_that_is_almost_a_sid_comes_into_an_address(
    data: st.DataObject, place: tuple[Route, str]
) -> None:
    """No near miss of a SID gets into a path."""
    route, field = place
    broken = changed(PENDING, **{field: data.draw(near_sids(getattr(PENDING, field)[:2]))})
    with pytest.raises(IncompleteReservation):
        prepare(broken, Accept(), route=route)


@pytest.mark.parametrize("route", Route)
def test_every_missing_sid_is_named_at_once(route: Route) -> None:
    """All SIDs that an address lacks are named together; what the route does not need is not asked for."""
    with pytest.raises(IncompleteReservation) as caught:
        prepare(EMPTY, Accept(), route=route)
    assert set(caught.value.missing) == {"workspace_sid", f"{route.value}_sid", "sid"}
    other = {"task_sid": None} if route is Route.WORKER else {"worker_sid": None}
    assert (
        prepare(changed(PENDING, account_sid=None, **other), Accept(), route=route).path
        == PATHS[route]
    )


@pytest.mark.parametrize("status", [Status.ACCEPTED, Status.WRAPPING])
def test_supervise_is_only_on_the_task_route(status: Status) -> None:
    """Supervise is refused on the worker route, for each of its parameters, and sent on the task route."""
    reservation = attrs.evolve(PENDING, status=status)
    with pytest.raises(InvalidCommand) as caught:
        prepare(reservation, EXAMPLES["supervise"], route="worker")
    assert [violation.parameter for violation in caught.value.violations] == [
        "SupervisorMode",
        "Supervisor",
    ]
    assert prepare(reservation, EXAMPLES["supervise"]).path == PATHS[Route.TASK]


MATRIX: Final = rows("matrix")
LEGAL: Final = {
    state: {
        row["command"].partition("+")[0]
        for row in MATRIX
        if row["state"] == state and row["allowed"] == "yes"
    }
    for state in {row["state"] for row in MATRIX}
}


def in_state(reservation: Reservation, state: str) -> Reservation:
    """Put a reservation into one of the nine states."""
    on_hold = state == "onHold"
    return attrs.evolve(
        reservation, status=Status.PENDING if on_hold else Status(state), on_hold=on_hold
    )


@pytest.mark.parametrize(
    "row",
    [row for row in MATRIX if row["allowed"] == "no"],
    ids=lambda row: f"{row['command']} {row['state']}",
)
@pytest.mark.parametrize(
    "reservation", [PENDING, attrs.evolve(EMPTY, etag="\r\n")], ids=["sound", "nothing else right"]
)
@pytest.mark.parametrize("route", Route)
def test_every_illegal_command_is_refused_before_anything_else(
    row: dict[str, str], reservation: Reservation, route: Route
) -> None:
    """Every command that is no step from a state is refused, saying why and what may be asked, whatever else is wrong."""
    held, command = in_state(reservation, row["state"]), EXAMPLES[row["command"]]
    with pytest.raises(CommandNotAllowed) as caught:
        prepare(held, command, route=route)
    error = caught.value
    assert error.command is command
    assert error.status is held.status
    assert {kind.__name__.lower() for kind in error.allowed} == LEGAL[row["state"]]
    assert error.reason
    assert error.reason in str(error)
    assert all(kind.__name__ in str(error) for kind in error.allowed)
    assert "+15005550006" not in str(error) + repr(error)


@pytest.mark.parametrize(
    "row",
    [row for row in MATRIX if row["allowed"] == "yes"],
    ids=lambda row: f"{row['command']} {row['state']}",
)
def test_every_legal_command_is_prepared(row: dict[str, str]) -> None:
    """Every command that is a step from a state becomes a request with its form."""
    command = EXAMPLES[row["command"]]
    request = prepare(in_state(PENDING, row["state"]), command)
    assert request.form == command.form()


def test_an_unknown_route_is_no_route() -> None:
    """A route is one of the two."""
    with pytest.raises(ValueError, match="banana"):
        prepare(PENDING, Accept(), route="banana")


# --- encoding --------------------------------------------------------------------------------------------------------------------------

TEXT: Final = st.text(st.characters(exclude_categories=["Cs"])) | st.text(
    "\t\n\r\x00\x7f &=+%~ azAZ09-._*'()!", max_size=20
)


@given(st.lists(st.tuples(TEXT, TEXT), max_size=6))
@settings(max_examples=300)
@example([])
@example([("", "")])
@example([("a\tb", "c")])
@example([("a", "b\nc\td")])
@example([("a", "\t"), ("\n", "b")])
@example([("To", "client:käthe+ü@example.com"), ("P", "~*-._ !'()&=+%20")])
@example([("".join(map(chr, range(128))), "")])
@example([("a", "".join(map(chr, range(32, 127))))])
def test_a_form_is_encoded_as_the_standard_library_does(pairs: list[tuple[str, str]]) -> None:
    """Any pairs of any texts become the bytes that ``urllib.parse.urlencode`` makes of them."""
    assert Request("POST", "/", form=tuple(pairs)).body == urlencode(pairs).encode()


@pytest.mark.parametrize(
    "char", [chr(code) for code in range(256)], ids=lambda char: f"{ord(char):02x}"
)
def test_every_single_character_is_encoded_as_the_standard_library_does(char: str) -> None:
    """Each of the first 256 characters is escaped exactly where the standard library escapes it, in a name and in a value."""
    pairs = ((f"a{char}b", "1"), ("c", f"d{char}{char}e"), (char, char))
    assert Request("POST", "/", form=pairs).body == urlencode(pairs).encode()


@pytest.mark.parametrize("name", UPDATES)
def test_recorded_pairs_are_encoded_to_the_recorded_bytes(name: str) -> None:
    """The recorded pairs give the recorded body."""
    pairs = tuple((name, value) for name, value in RECORDED[name]["form_pairs"])
    assert Request("POST", "/", form=pairs).body == RECORDED[name]["body"].encode()


@pytest.mark.parametrize("half", ["\ud800", "a\udc80b"])
def test_half_a_character_is_refused_as_the_standard_library_does(half: str) -> None:
    """What no encoding can write is not sent as something else."""
    with pytest.raises(UnicodeEncodeError):
        urlencode([("a", half)])
    with pytest.raises(UnicodeEncodeError):
        _ = Request("POST", "/", form=(("a", half),)).body


def test_a_request_and_a_reply_show_no_values() -> None:
    """The ``repr`` of either message names what it holds, but shows no value of a form, a header or a body."""
    request = prepare(attrs.evolve(PENDING, etag="secret-etag"), EXAMPLES["conference"])
    assert repr(request).count("Instruction, To, From") == 1
    reply = Reply(200, {"Authorization": "secret-header"}, b"secret-body")
    assert "If-Match" in repr(request)
    assert "Authorization" in repr(reply)
    for secret in ("secret", "alice", "5550006"):
        assert secret not in repr(request) + repr(reply)


def test_headers_are_looked_up_in_any_letter_case() -> None:
    """Headers keep their order and spelling; the first of a name is found in any letter case."""
    headers = Headers((("ETag", "1"), ("etag", "2"), ("X", "3")))
    assert (headers["etag"], headers["ETAG"], headers["x"]) == ("1", "1", "3")
    assert "eTaG" in headers
    assert headers.get("Y") is None
    assert headers.pairs == (("ETag", "1"), ("etag", "2"), ("X", "3"))
    assert Reply(200, headers).headers is headers
    assert Reply(200, [("a", "b")]).headers == Reply(200, {"a": "b"}).headers


def test_headers_of_one_name_are_counted_once() -> None:
    """A mapping holds each name once, and names that differ in letter case alone are one name."""
    headers = Headers((("ETag", "1"), ("etag", "2"), ("X", "3")))
    assert list(headers) == ["ETag", "X"]
    assert len(headers) == 2
    assert dict(headers) == {"ETag": "1", "X": "3"}


# --- answers that are a reservation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spell", [str, str.lower, str.upper, str.swapcase])
@pytest.mark.parametrize("status", [200, 201, 202, 299])
def test_a_success_is_read_with_its_headers(status: int, spell: Callable[[str], str]) -> None:
    """Any 2xx with a reservation is one; its ETag and its rate limit are found in any letter case."""
    told = {
        "ETag": '"4"',
        "X-Rate-Limit-Limit": "100",
        "X-Rate-Limit-Remaining": " 99 ",
        "X-Rate-Limit-Config": "TaskRouter",
    }
    reply = reply_of(
        body_of(ACCEPTED, attention=0), status, {spell(name): value for name, value in told.items()}
    )
    assert conclude(attrs.evolve(PENDING, etag="3"), Accept(), reply) == attrs.evolve(
        ACCEPTED, etag='"4"'
    )
    assert reply.rate_limit == RateLimit(100, 99, "TaskRouter")


@pytest.mark.parametrize("text", ["", "many", "-1", "1.5", "1e3", "٣", "9" * 5000])
def test_a_rate_limit_that_is_no_number_is_unknown(text: str) -> None:
    """A rate-limit header that is no plain number is ``None``, and so is an absent one."""
    reply = Reply(200, {"X-Rate-Limit-Limit": text})
    assert reply.rate_limit == RateLimit(None, None, None)


@pytest.mark.parametrize(
    ("headers", "etag"), [({}, None), ({"ETag": ""}, None), ({"ETag": "5"}, "5")]
)
def test_the_version_is_the_answers_own(headers: dict[str, str], etag: str | None) -> None:
    """After an answer the old version is gone: the ETag is the answer's own, or unknown."""
    held = attrs.evolve(PENDING, etag="4")
    assert conclude(held, Accept(), reply_of(body_of(ACCEPTED), headers=headers)).etag == etag
    assert conclude_fetch(held, reply_of(body_of(PENDING), headers=headers)).etag == etag


SIDS: Final = ("sid", "account_sid", "workspace_sid", "task_sid", "worker_sid")


@pytest.mark.parametrize("kept", [True, False], ids=["null", "missing"])
@pytest.mark.parametrize("field", SIDS)
def test_a_sid_that_the_answer_leaves_out_is_kept(field: str, kept: bool) -> None:
    """What an answer leaves out of the address is still known from before."""
    body = body_of(ACCEPTED, **{field: None})
    if not kept:
        del body[field]
    assert conclude(PENDING, Accept(), reply_of(body)) == ACCEPTED
    assert conclude_fetch(PENDING, reply_of(body)) == ACCEPTED


@pytest.mark.parametrize("field", SIDS)
def test_a_sid_that_was_unknown_is_learnt(field: str) -> None:
    """What was unknown of the address is taken from the answer."""
    assert (
        conclude(changed(PENDING, **{field: None}), Accept(), reply_of(body_of(ACCEPTED)))
        == ACCEPTED
    )


@pytest.mark.parametrize("field", SIDS)
def test_an_answer_about_another_reservation_is_refused(field: str) -> None:
    """An answer that names another SID than the one asked for is malformed, and says which."""
    other = getattr(PENDING, field)[:2] + "f" * 32
    for ask in ASKS:
        with pytest.raises(MalformedReply) as caught:
            ask(reply_of(body_of(ACCEPTED, **{field: other})))
        assert [fault.path for fault in caught.value.faults] == [field]


def test_links_told_again_are_not_made_anew() -> None:
    """A reply that tells the links that are held gives those very links, so that many reports of a reservation keep one copy."""
    told = {"task": "https://example.com/task"}
    held = attrs.evolve(PENDING, links=Links(tuple(told.items())))
    assert conclude_fetch(held, reply_of(body_of(ACCEPTED, links=told))).links is held.links
    assert conclude(held, Accept(), reply_of(body_of(ACCEPTED, links=told))).links is held.links
    assert conclude_fetch(held, reply_of(body_of(ACCEPTED, links={"worker": "x"}))).links == Links(
        (("worker", "x"),)
    )


def test_an_address_is_held_against_the_answer_too() -> None:
    """A fetch by address checks the SIDs of the address, and knows nothing that the reservation may not follow."""
    address = Address(
        workspace_sid=PENDING.workspace_sid, task_sid=PENDING.task_sid, sid=PENDING.sid
    )
    assert conclude_fetch(address, reply_of(body_of(ACCEPTED, task_sid=None))) == ACCEPTED
    with pytest.raises(MalformedReply, match=r"task_sid.*\n.* sid|sid.*\n.*task_sid"):
        conclude_fetch(
            address, reply_of(body_of(ACCEPTED, sid="WR" + "f" * 32, task_sid="WT" + "f" * 32))
        )


@pytest.mark.parametrize(
    "row", rows("reachable"), ids=lambda row: f"{row['before']} {row['after']}"
)
def test_an_answer_must_be_reachable(row: dict[str, str]) -> None:
    """A status that no run of facts leads to is an illegal succession that names both; any other is believed."""
    before, after = (changed(PENDING, status=row[name]) for name in ("before", "after"))
    if row["reachable"] == "yes":
        assert conclude_fetch(before, reply_of(body_of(after))) == after
    else:
        with pytest.raises(IllegalSuccession) as caught:
            conclude_fetch(before, reply_of(body_of(after)))
        assert (caught.value.before, caught.value.after) == (before.status, after.status)


# --- on hold ---------------------------------------------------------------------------------------------------------------------------

HOLDING: Final = ("accept", "dequeue", "conference", "call+accept", "redirect+accept")
DATED: Final = attrs.evolve(PENDING, date_updated=datetime(2026, 1, 1, 12, tzinfo=UTC), etag="3")
HELD: Final = attrs.evolve(DATED, on_hold=True)


def report_of(reservation: Reservation, **changes: object) -> Reply:
    """Make the reply that reports a reservation, with its version and its date."""
    date = reservation.date_updated and reservation.date_updated.isoformat()
    headers = {"ETag": reservation.etag} if reservation.etag else {}
    return reply_of(body_of(reservation, date_updated=date, **changes), headers=headers)


@pytest.mark.parametrize(
    "name",
    [row["command"] for row in MATRIX if row["state"] == "pending" and row["allowed"] == "yes"],
)
def test_an_answer_still_pending_means_on_hold_after_what_accepts(name: str) -> None:
    """After a command that accepts, at once or later, an answer still pending is on hold; after one that accepts nothing it is not."""
    after = conclude(PENDING, EXAMPLES[name], report_of(DATED))
    assert after == attrs.evolve(DATED, on_hold=name in HOLDING)


@pytest.mark.parametrize("name", HOLDING)
@pytest.mark.parametrize(
    "status", [Status.ACCEPTED, Status.CANCELED, Status.WRAPPING, Status.RESCINDED]
)
def test_an_answer_past_pending_is_not_on_hold(name: str, status: Status) -> None:
    """An answer that shows an outcome leaves nothing to wait for."""
    after = attrs.evolve(DATED, status=status)
    assert conclude(PENDING, EXAMPLES[name], report_of(after)) == after


def test_a_fetch_that_says_nothing_new_keeps_the_hold() -> None:
    """The same report again is no outcome, so the reservation stays on hold, however often it is read."""
    assert conclude_fetch(HELD, report_of(DATED)) == HELD
    assert conclude_fetch(conclude_fetch(HELD, report_of(DATED)), report_of(DATED)) == HELD


@pytest.mark.parametrize(
    "newer",
    [
        attrs.evolve(DATED, etag="4"),
        attrs.evolve(DATED, date_updated=datetime(2026, 1, 1, 12, 0, 1, tzinfo=UTC)),
        attrs.evolve(DATED, status=Status.ACCEPTED),
        attrs.evolve(DATED, status=Status.CANCELED),
    ],
    ids=["version", "date", "accepted", "canceled"],
)
def test_a_newer_report_clears_the_hold(newer: Reservation) -> None:
    """A report of another version, a later date or another status ends the hold."""
    assert conclude_fetch(HELD, report_of(newer)) == newer


def test_a_route_that_tells_no_version_keeps_the_hold() -> None:
    """The worker route tells no version: the same date and status read there say nothing new."""
    assert conclude_fetch(HELD, report_of(attrs.evolve(DATED, etag=None))).on_hold


def test_a_version_learnt_only_now_keeps_the_hold() -> None:
    """A hold that began on the worker route, where no version is told, is not ended by reading the same on the task route."""
    assert conclude_fetch(attrs.evolve(HELD, etag=None), report_of(DATED)).on_hold


def test_an_older_report_keeps_the_hold() -> None:
    """A late report, dated before what is known, is no outcome."""
    older = datetime(2026, 1, 1, 12, tzinfo=UTC) - timedelta(seconds=5)
    assert conclude_fetch(HELD, report_of(attrs.evolve(DATED, date_updated=older))).on_hold


def test_a_command_while_on_hold_is_answered_without_a_guess() -> None:
    """The answer to a command that went out before the hold was known keeps the hold unless it is newer."""
    assert conclude(HELD, Accept(), report_of(DATED)) == HELD
    newer = attrs.evolve(DATED, etag="4")
    assert conclude(HELD, Accept(), report_of(newer)) == newer


# --- answers that are none --------------------------------------------------------------------------------------------------------------

CLASSES: Final[Mapping[str, type[Refused]]] = {
    kind.__name__: kind
    for kind in (Refused, LostRace, NotFound, Throttled, Unauthorized, ServerFailed)
}
MESSAGES: Final = rows("messages")


@pytest.mark.parametrize(
    "row",
    MESSAGES,
    ids=lambda row: f"{row['http_status']} {row['code']} {row['expected_error']} {row['meaning']}",
)
def test_every_known_refusal_has_its_error(row: dict[str, str]) -> None:
    """Each answer of the reference is the error it stands for, with the platform's own status, code and message."""
    said = {"code": int(row["code"]) if row["code"] else None, "message": row["message"] or None}
    body = {name: value for name, value in said.items() if value is not None}
    with pytest.raises(Refused) as caught:
        conclude(
            PENDING,
            EXAMPLES["conference"],
            reply_of({**body, "status": int(row["http_status"])}, int(row["http_status"])),
        )
    assert type(caught.value) is CLASSES[row["expected_error"]]
    assert caught.value.http_status == int(row["http_status"])
    assert (caught.value.code, caught.value.message) == (said["code"], said["message"])


@pytest.mark.parametrize("code", [20409, 20412])
def test_a_generic_conflict_is_a_lost_race_under_400_too(code: int) -> None:
    """The platform's general numbers for a conflict and for a stale version mean the same under a plain 400."""
    with pytest.raises(LostRace) as caught:
        conclude(PENDING, Accept(), reply_of({"code": code, "message": "Conflict"}, 400))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "caller", ["state", "already", "Pending", "expected", "updated", "cannot be updated to"]
)
@pytest.mark.parametrize(
    "row",
    [row for row in MESSAGES if "state" in row["message"] and not row["code"]],
    ids=lambda row: row["meaning"],
)
def test_masking_does_not_hide_a_lost_race(row: dict[str, str], caller: str) -> None:
    """A refusal is told by what the platform said, even where a caller's name is a word of it and is masked for showing."""
    with pytest.raises(LostRace):
        conclude(
            PENDING,
            Conference(to="client:alice", from_=caller),
            reply_of({"message": row["message"]}, 400),
        )


def test_a_lost_race_is_told_however_long_the_message() -> None:
    """A refusal is told by the whole of what the platform said, not by what is shown of it."""
    message = (
        "x " * 400
        + "Reservation WR is already in state [accepted] and cannot be updated to [accepted]"
    )
    with pytest.raises(LostRace):
        conclude(PENDING, Accept(), reply_of({"message": message}, 400))


LEGACY: Final = {
    "code": 20404,
    "message": "Not here",
    "more_info": "https://www.twilio.com/docs/errors/20404",
    "status": 404,
}
RFC_9457: Final = {
    "type": "https://www.twilio.com/docs/api/errors/20001",
    "title": "Invalid parameter",
    "status": 400,
    "code": 20001,
    "detail": "Timeout is out of range",
    "instance": "/v1/Workspaces",
    "errors": [{"detail": "x", "pointer": "#/Timeout"}],
}


@pytest.mark.parametrize(
    ("body", "code", "message", "more_info"),
    [
        (json.dumps(LEGACY), 20404, "Not here", "https://www.twilio.com/docs/errors/20404"),
        (
            json.dumps({"message": "Authenticate", "detail": "The token was incorrect."}),
            None,
            "Authenticate: The token was incorrect.",
            None,
        ),
        (
            json.dumps(RFC_9457),
            20001,
            "Invalid parameter: Timeout is out of range",
            "https://www.twilio.com/docs/api/errors/20001",
        ),
        (json.dumps({"type": "about:blank", "title": "Gone", "status": 410}), None, "Gone", None),
        (
            json.dumps({"code": "20001", "message": 5, "more_info": "javascript:alert(1)"}),
            None,
            None,
            None,
        ),
        (json.dumps({"code": True, "message": " ", "detail": None}), None, None, None),
        (json.dumps({"code": 20001.0}), None, None, None),
        ("{}", None, None, None),
        ("", None, None, None),
        (" \r\n", None, None, None),
        (
            "<html><body>Bad Gateway</body></html>",
            None,
            "the body is not a JSON object (text/html)",
            None,
        ),
        ("upstream timed out", None, "the body is not a JSON object (text/html)", None),
        ('{"code": 20404, "mess', None, "the body is not a JSON object (text/html)", None),
        ("[]", None, "the body is not a JSON object (text/html)", None),
        ("null", None, "the body is not a JSON object (text/html)", None),
        ('"gone"', None, "the body is not a JSON object (text/html)", None),
        ("5", None, "the body is not a JSON object (text/html)", None),
    ],
)
@pytest.mark.parametrize("status", [301, 304, 400, 404, 410, 500])
def test_every_family_of_error_bodies_is_read(
    status: int, body: str, code: int | None, message: str | None, more_info: str | None
) -> None:
    """The platform's own errors, RFC 9457, and whatever a proxy says are read as far as they go."""
    with pytest.raises(Refused) as caught:
        conclude(PENDING, Accept(), Reply(status, {"content-type": "text/html"}, body.encode()))
    assert (
        caught.value.http_status,
        caught.value.code,
        caught.value.message,
        caught.value.more_info,
    ) == (status, code, message, more_info)
    assert str(status) in str(caught.value)


def test_a_body_of_no_stated_type_says_so() -> None:
    """An answer that is no JSON and has no content type is told apart from an empty one."""
    with pytest.raises(ServerFailed, match="not a JSON object \\(of unknown type\\)"):
        conclude(PENDING, Accept(), Reply(502, {}, b"oops"))


@pytest.mark.parametrize(
    ("statuses", "kind", "remedy"),
    [
        ((300, 301, 302, 303, 304, 307, 308, 399), Refused, "not followed"),
        ((100, 199, 400, 402, 405, 410, 413, 415, 422, 451, 499), Refused, "Correct the request"),
        ((401, 403), Unauthorized, "credentials"),
        ((404,), NotFound, "five minutes"),
        ((409, 412), LostRace, "moved on"),
        ((429,), Throttled, "not processed"),
        ((500, 501, 502, 503, 504, 599, 999), ServerFailed, "unknown"),
    ],
)
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", json.dumps(body_of(ACCEPTED)).encode()],
    ids=["empty", "html", "a reservation"],
)
def test_every_status_outside_2xx_is_a_refusal(
    statuses: Sequence[int], kind: type[Refused], remedy: str, body: bytes
) -> None:
    """The HTTP status decides which error an answer is, whatever stands in it, and each error names its remedy."""
    for status in statuses:
        for ask in ASKS:
            with pytest.raises(Refused, match=remedy) as caught:
                ask(Reply(status, {}, body))
            assert type(caught.value) is kind


@pytest.mark.parametrize("status", [401, 404, 422, 429, 500])
def test_a_message_about_a_state_counts_only_with_400(status: int) -> None:
    """Text is only a hint: with another status the same sentence makes no lost race."""
    body = {
        "code": 40136,
        "message": "Reservation WR is already in state [accepted] and cannot be updated to [accepted]",
    }
    with pytest.raises(Refused) as caught:
        conclude(PENDING, Accept(), reply_of(body, status))
    assert not isinstance(caught.value, LostRace)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"", "(body)"),
        (b"\xff\xfe", "(body)"),
        (b"<html>", "(body)"),
        (b'{"sid": "WR', "(body)"),
        (b"[]", "(body)"),
        (b"null", "(body)"),
        (b"{}", "reservation_status"),
        (b'{"reservation_status": 5}', "reservation_status"),
        (b"ReservationSid=WR" + HEX.encode(), "reservation_status"),
        (b'{"reservation_status": "accepted", "date_updated": "soon"}', "date_updated"),
    ],
)
@pytest.mark.parametrize("status", [200, 204])
def test_a_success_without_a_reservation_is_malformed(status: int, body: bytes, path: str) -> None:
    """A 2xx that shows no reservation is no success: whether the command was carried out is to be looked up."""
    for ask in ASKS:
        with pytest.raises(MalformedReply, match="Fetch the reservation") as caught:
            ask(Reply(status, {}, body))
        assert [fault.path for fault in caught.value.faults] == [path]


def test_an_unknown_status_in_an_answer_carries_its_word() -> None:
    """A status of tomorrow is a typed error, not a guess."""
    with pytest.raises(UnknownStatus) as caught:
        conclude(PENDING, Accept(), reply_of(body_of(PENDING, reservation_status="escalated")))
    assert caught.value.raw_status == "escalated"


NOW: Final = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "5"}, 5.0),
        ({"retry-after": " 5 "}, 5.0),
        ({"RETRY-AFTER": "1.5"}, 1.5),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": NOW}, 30.0),
        ({"Retry-After": "Wed, 21 Oct 2026 09:28:30 +0200", "date": NOW}, 30.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:27:00 GMT", "Date": NOW}, 0.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 -0000", "Date": NOW}, None),
        ({"Retry-After": "Wed, 99 Oct 2026 07:28:30 GMT", "Date": NOW}, None),
        ({"Retry-After": "soon", "Date": NOW}, None),
        ({"Retry-After": "", "Date": NOW}, None),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "+1"}, None),
        ({"Retry-After": "1e3"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "٣"}, None),
        ({"Retry-After": "9" * 5000}, None),
        ({}, None),
    ],
)
def test_the_wait_is_told_in_seconds(headers: dict[str, str], seconds: float | None) -> None:
    """How long to wait is a number, or a date held against the answer's own; anything else is unsaid."""
    with pytest.raises(Throttled) as caught:
        conclude(PENDING, Accept(), Reply(429, headers, b""))
    assert caught.value.retry_after == seconds
    assert ("after a back-off" if seconds is None else f"after {seconds:g} s") in str(caught.value)


# --- any answer at all -----------------------------------------------------------------------------------------------------------------

NAMES: Final = (
    "ETag",
    "Retry-After",
    "Date",
    "Content-Type",
    "X-Rate-Limit-Limit",
    "X-Rate-Limit-Remaining",
    "X-Rate-Limit-Config",
)
LOOSE: Final = (
    st.text(max_size=12)
    | st.text("0123456789:,+- GMTWedOct", max_size=30)
    | st.sampled_from((NOW, "3", '"3"', "application/json"))
)
WORDS: Final = [
    *(status.value for status in Status),
    *(row["message"] for row in MESSAGES),
    "2014-05-14T10:50:02Z",
    "\ud800",
    HEX,
]
VALUES: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.lists(st.integers(), max_size=2),
    st.sampled_from(WORDS),
    st.sampled_from([getattr(PENDING, field) for field in SIDS]),
    st.sampled_from([int(row["code"]) for row in MESSAGES if row["code"]]),
)
KEYS: Final = (
    *SIDS,
    "reservation_status",
    "date_updated",
    "worker_name",
    "url",
    "links",
    "code",
    "message",
    "more_info",
    "type",
    "title",
    "detail",
)
SOME: Final[st.SearchStrategy[dict[str, object]]] = st.dictionaries(st.sampled_from(KEYS), VALUES)


def _likely(status: Status, extra: dict[str, object]) -> dict[str, object]:
    return {**body_of(PENDING), "reservation_status": status.value, **extra}


OBJECTS: Final = SOME | st.builds(_likely, st.sampled_from(Status), SOME)
BODIES: Final = (
    st.binary(max_size=60)
    | OBJECTS.map(lambda body: json.dumps(body).encode())
    | VALUES.map(lambda value: json.dumps(value).encode())
)
REPLIES: Final = st.builds(
    Reply,
    st.sampled_from((200, 200, 200, 201, 204, 301, 400, 401, 404, 412, 429, 500, 503))
    | st.integers(0, 999),
    st.lists(
        st.tuples(st.sampled_from([*NAMES, *map(str.lower, NAMES)]) | st.text(max_size=5), LOOSE),
        max_size=4,
    ).map(tuple),
    BODIES,
)


def outcome(ask: Callable[[], Reservation]) -> Reservation | ReplyError:
    """Give what an answer ends in."""
    try:
        return ask()
    except ReplyError as error:
        return error


@given(reservations(), commands(), REPLIES, st.booleans())
@settings(max_examples=300)
def test_any_answer_is_a_reservation_or_an_error_of_ours(
    reservation: Reservation, command: Command, reply: Reply, own: bool
) -> None:
    """Whatever comes back, and whatever was asked, ends in a reservation or in a reply error; what was held stays as it was."""
    before = PENDING if own else reservation
    copy = attrs.evolve(before)
    for after in (
        outcome(lambda: conclude(before, command, reply)),
        outcome(lambda: conclude_fetch(before, reply)),
    ):
        if isinstance(after, Reservation):
            assert 200 <= reply.status < 300
            assert after.sid == before.sid
            assert after.etag == (reply.headers.get("etag") or None)
            assert after is not before
        else:
            assert str(after)
            assert repr(after)
    assert before == copy


@pytest.mark.parametrize("field", ["message", "title", "detail", "more_info"])
def test_half_a_character_in_a_message_does_not_stop_the_error_from_being_printed(
    field: str,
) -> None:
    """The text of a refusal can be written in UTF-8, whatever the platform said."""
    with pytest.raises(Refused) as caught:
        conclude(PENDING, Accept(), reply_of({field: "http://\ud800 \udfff"}, 400))
    assert str(caught.value).encode()
    assert repr(caught.value).encode()


@pytest.mark.parametrize("mark", ["\n", "\r", "\x1b[31m", "\x00", "\u2028"])
def test_a_message_stays_on_one_line(mark: str) -> None:
    """What the platform says cannot begin a line of its own in a log, nor speak to a terminal."""
    with pytest.raises(Refused) as caught:
        conclude(PENDING, Accept(), reply_of({"message": f"no{mark}ERROR all is lost"}, 400))
    assert mark not in str(caught.value)


# --- nothing personal ------------------------------------------------------------------------------------------------------------------

SPOKEN: Final = Conference(
    to="sip:zoe.quill@pbx.example",
    from_="zoequill",
    sip_auth_username="quillzoe77",
    sip_auth_password="hush-hush-9!(.*)",
)
PRIVATE: Final[Mapping[str, tuple[Command, tuple[str, ...]]]] = {
    "conference": (
        SPOKEN,
        ("sip:zoe.quill@pbx.example", "zoequill", "quillzoe77", "hush-hush-9!(.*)"),
    ),
    "conference to a client": (
        Conference(to="client:zoé quill", from_="Zoé's desk"),
        ("client:zoé quill", "Zoé's desk"),
    ),
    "call": (
        Call(from_="18001234567", to="joey_b", url="https://example.com"),
        ("18001234567", "joey_b"),
    ),
    "dequeue": (Dequeue(from_="+15005550006", to="+15005550009"), ("+15005550006", "+15005550009")),
    "supervise": (Supervise(supervisor_mode="barge", supervisor="client:zoe"), ("client:zoe",)),
}


@pytest.mark.parametrize("name", PRIVATE)
@pytest.mark.parametrize(
    "around",
    ["{}", "'{}'", '"{}"', "({})", "={}&", ": {}.", "{}, {}", "<{}>", "x {} y", "[{}]", "„{}“"],
)
@pytest.mark.parametrize("key", ["message", "title", "detail"])
def test_what_was_sent_is_not_repeated_by_the_refusal(name: str, around: str, key: str) -> None:
    """Personal and secret values of the command are masked where the platform repeats them, in the text and in the ``repr``."""
    command, values = PRIVATE[name]
    for value, status in product(values, (400, 404, 429, 500)):
        with pytest.raises(Refused) as caught:
            conclude(
                ACCEPTED if name == "supervise" else PENDING,
                command,
                reply_of({key: around.format(value, value)}, status),
            )
        assert value not in str(caught.value) + repr(caught.value)
        assert re.search("<personal>|<secret>", str(caught.value))


@given(
    st.data(),
    st.sampled_from(sorted(PRIVATE)),
    st.sampled_from((301, 400, 401, 404, 409, 412, 429, 500, 503)),
)
@settings(max_examples=100)
def test_no_refusal_repeats_what_was_sent(data: st.DataObject, name: str, status: int) -> None:
    """Whatever the platform says around them, and wherever, no value that is personal or secret comes out of a refusal."""
    command, values = PRIVATE[name]
    said = {
        key: data.draw(st.text(max_size=6))
        + data.draw(st.sampled_from(values))
        + data.draw(st.text(max_size=6))
        for key in data.draw(st.sets(st.sampled_from(("message", "title", "detail")), min_size=1))
    }
    with pytest.raises(Refused) as caught:
        conclude(ACCEPTED if name == "supervise" else PENDING, command, reply_of(said, status))
    for value in values:
        assert value not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize(
    "part",
    [
        "zoe:hush-pw",
        "hush-pw",
        "token=s3cr3t",
        "https://zoe:hush-pw@example.com/twiml?token=s3cr3t",
    ],
)
def test_what_an_address_hides_is_not_repeated_by_the_refusal(part: str) -> None:
    """User information and the query of an address that was sent are masked where the platform repeats them."""
    command = Call(from_="+15005550006", url="https://zoe:hush-pw@example.com/twiml?token=s3cr3t")
    with pytest.raises(Refused, match="<secret>") as caught:
        conclude(PENDING, command, reply_of({"message": f"Url {part} is not reachable"}, 400))
    for secret in ("hush", "s3cr3t"):
        assert secret not in str(caught.value) + repr(caught.value)


def test_a_secret_is_masked_as_the_form_writes_it() -> None:
    """A password is masked too where the platform repeats the form as it was sent."""
    command = Conference(to="client:alice", from_="+15005550006", sip_auth_password="p@ss word&9")
    sent = prepare(PENDING, command).body.decode()
    with pytest.raises(Refused) as caught:
        conclude(PENDING, command, reply_of({"message": f"Cannot read {sent}"}, 400))
    assert "ss+word" not in str(caught.value)
    with pytest.raises(Refused, match="<secret>") as caught:
        conclude(
            PENDING, command, reply_of({"message": "bad SipAuthPassword=p%40ss%20word%269"}, 400)
        )
    assert "ss%20word" not in str(caught.value)


def test_a_value_that_holds_another_is_masked_whole() -> None:
    """A password that begins with the user's name is masked whole, and not only its beginning."""
    command = Conference(
        to="sip:zoe@pbx.example",
        from_="zoe",
        sip_auth_username="zoe",
        sip_auth_password="zoe-s3cret",
    )
    with pytest.raises(Refused) as caught:
        conclude(PENDING, command, reply_of({"message": "Bad password zoe-s3cret for zoe"}, 400))
    assert "s3cret" not in str(caught.value)
    assert "zoe" not in str(caught.value)


@pytest.mark.parametrize("around", ["x{}", "{}x", "_{}_", "password{}9"])
def test_a_secret_is_masked_inside_a_word_too(around: str) -> None:
    """A password is masked even where the platform runs it together with other text."""
    command = Conference(to="sip:a@pbx.example", from_="a", sip_auth_password="hush-hush-9")
    with pytest.raises(Refused) as caught:
        conclude(PENDING, command, reply_of({"message": around.format("hush-hush-9")}, 400))
    assert "hush-hush-9" not in str(caught.value)


@pytest.mark.parametrize(
    "contact",
    [
        "+15005550006",
        "+1 500 555 0006",
        "+1 (500) 555-0006",
        "15005550006",
        "client:alice",
        "sip:alice@example.com",
        "SIPS:a@b",
        "tel:5550006",
    ],
)
@pytest.mark.parametrize("key", ["message", "title", "detail", "more_info"])
def test_a_contact_of_somebody_else_is_masked(key: str, contact: str) -> None:
    """What looks like a phone number or a contact is masked in any text of the platform, whoever's it is."""
    said = (
        f"https://example.com/?to={contact}"
        if key == "more_info"
        else f"Cannot call {contact}, try later"
    )
    with pytest.raises(Refused) as caught:
        conclude(PENDING, Accept(), reply_of({key: said}, 400))
    assert contact not in str(caught.value) + repr(caught.value)
    assert "<personal>" in str(caught.value)


def test_a_contact_in_a_header_is_masked() -> None:
    """A content type that is none is shown masked and short."""
    with pytest.raises(Refused) as caught:
        conclude(
            PENDING, Accept(), Reply(400, {"Content-Type": "x" * 999 + "+15005550006"}, b"no json")
        )
    assert "5005550006" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_long_message_is_cut() -> None:
    """A message of any length makes an error of a bounded one, and masks before it cuts."""
    with pytest.raises(Refused) as caught:
        conclude(
            PENDING,
            Accept(),
            reply_of({"message": "x" * 490 + " +15005550006 " + "y" * 99_999}, 400),
        )
    assert len(caught.value.message or "") == 500
    assert "+1500" not in str(caught.value)


@pytest.mark.parametrize("sid", SIDS)
def test_sids_in_a_message_stay_readable(sid: str) -> None:
    """A SID is no phone number: without it nobody could look the reservation up."""
    with pytest.raises(Refused, match=getattr(PENDING, sid)):
        conclude(
            PENDING,
            EXAMPLES["conference"],
            reply_of({"message": f"Resource {getattr(PENDING, sid)} was not found"}, 404),
        )
