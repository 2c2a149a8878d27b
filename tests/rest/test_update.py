"""Commands become the recorded requests. Replies become reservations or errors."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservation_core import (
    Accept,
    Command,
    CommandNotAllowed,
    Complete,
    IllegalSuccession,
    InvalidCommand,
    MalformedReply,
    RateLimit,
    Reply,
    ReplyError,
    Reservation,
    Route,
    Status,
    Supervise,
    UnknownStatus,
    Wrap,
    conclude,
    conclude_fetch,
    prepare,
)
from reservation_core.testing.strategies import build, commands, reservations
from tests.reference.oracle import rows
from tests.rest.examples import (
    ACCEPTED,
    DATED,
    EMPTY,
    EXAMPLES,
    HELD,
    HEX,
    KINDS,
    NOW,
    PATHS,
    PENDING,
    READERS,
    RECORDED,
    SIDS,
    UPDATES,
    body_of,
    reply_of,
    report_of,
)

# --- prepare -------------------------------------------------------------------------------------


def _command(arguments: Mapping[str, object]) -> Command:
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


def test_recorded_updates_cover_all_commands_and_routes() -> None:
    made = {
        (RECORDED[name]["route"], type(_command(RECORDED[name]["call_arguments"] or {})).__name__)
        for name in UPDATES
    }
    assert len({kind for route, kind in made if route == "task"}) == 9
    assert len({kind for route, kind in made if route == "worker"}) == 6


@pytest.mark.parametrize("name", UPDATES)
def test_recorded_update_is_reproduced(name: str) -> None:
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


@pytest.mark.parametrize("route", [*Route, "task", "worker"])
@pytest.mark.parametrize("etag", ["3", '"3"', 'W/"3"', "a b", "*", "~"])
def test_etag_is_sent_as_if_match(etag: str, route: Route | str) -> None:
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
def test_etag_that_is_not_a_header_value_is_refused(etag: str) -> None:
    with pytest.raises(InvalidCommand) as caught:
        prepare(attrs.evolve(PENDING, etag=etag), Accept())
    (violation,) = caught.value.violations
    assert (violation.parameter, violation.field) == ("If-Match", "etag")
    assert str(caught.value).encode()


@pytest.mark.parametrize("status", [Status.ACCEPTED, Status.WRAPPING])
def test_supervise_is_refused_on_the_worker_route(status: Status) -> None:
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
    """Return a reservation in one of the nine states."""
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
def test_illegal_command_is_refused_before_any_other_check(
    row: dict[str, str], reservation: Reservation, route: Route
) -> None:
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
def test_legal_command_is_prepared(row: dict[str, str]) -> None:
    command = EXAMPLES[row["command"]]
    request = prepare(in_state(PENDING, row["state"]), command)
    assert request.form == command.form()


# --- conclude ------------------------------------------------------------------------------------


@pytest.mark.parametrize("spell", [str, str.lower, str.upper, str.swapcase])
@pytest.mark.parametrize("status", [200, 201, 202, 299])
def test_success_is_read_with_its_headers(status: int, spell: Callable[[str], str]) -> None:
    sent = {
        "ETag": '"4"',
        "X-Rate-Limit-Limit": "100",
        "X-Rate-Limit-Remaining": " 99 ",
        "X-Rate-Limit-Config": "TaskRouter",
    }
    reply = reply_of(
        body_of(ACCEPTED, attention=0), status, {spell(name): value for name, value in sent.items()}
    )
    assert conclude(attrs.evolve(PENDING, etag="3"), Accept(), reply) == attrs.evolve(
        ACCEPTED, etag='"4"'
    )
    assert reply.rate_limit == RateLimit(100, 99, "TaskRouter")


@pytest.mark.parametrize(
    ("headers", "etag"), [({}, None), ({"ETag": ""}, None), ({"ETag": "5"}, "5")]
)
def test_etag_is_that_of_the_reply(headers: dict[str, str], etag: str | None) -> None:
    held = attrs.evolve(PENDING, etag="4")
    assert conclude(held, Accept(), reply_of(body_of(ACCEPTED), headers=headers)).etag == etag
    assert conclude_fetch(held, reply_of(body_of(PENDING), headers=headers)).etag == etag


HOLDING: Final = (
    "accept",
    "accept+orchestrated",
    "dequeue",
    "conference",
    "call+accept",
    "redirect+accept",
)


@pytest.mark.parametrize(
    "name",
    [row["command"] for row in MATRIX if row["state"] == "pending" and row["allowed"] == "yes"],
)
def test_pending_reply_to_an_accepting_command_is_on_hold(name: str) -> None:
    after = conclude(PENDING, EXAMPLES[name], report_of(DATED))
    assert after == attrs.evolve(DATED, on_hold=name in HOLDING)


@pytest.mark.parametrize("name", HOLDING)
@pytest.mark.parametrize(
    "status", [Status.ACCEPTED, Status.CANCELED, Status.WRAPPING, Status.RESCINDED]
)
def test_reply_past_pending_is_not_on_hold(name: str, status: Status) -> None:
    after = attrs.evolve(DATED, status=status)
    assert conclude(PENDING, EXAMPLES[name], report_of(after)) == after


def test_hold_begins_at_the_date_of_the_reply() -> None:
    date = DATED.date_updated
    assert date is not None
    reply = reply_of(body_of(PENDING, date_updated=date.isoformat()))
    held = conclude(PENDING, EXAMPLES["conference"], reply)
    assert (held.on_hold, held.on_hold_since, held.date_updated) == (True, date, date)


@pytest.mark.parametrize(
    ("command", "state"), [("accept", "rejected"), ("call+accept", "canceled")]
)
def test_effect_of_a_refused_command_is_read(command: str, state: str) -> None:
    """The platform may carry out what the tables do not allow."""
    before = attrs.evolve(PENDING, status=state)
    after = conclude(before, EXAMPLES[command], reply_of(body_of(ACCEPTED)))
    assert after.status is Status.ACCEPTED
    with pytest.raises(IllegalSuccession):
        conclude(before, EXAMPLES["reject"], reply_of(body_of(ACCEPTED)))


def test_request_of_a_command_refused_on_weak_evidence_has_a_caution() -> None:
    (caution,) = prepare(PENDING, Complete(), strict=False).cautions
    assert "only accepted or wrapping work can be completed" in str(caution)


def test_conclude_needs_a_command() -> None:
    untyped: Any = conclude
    with pytest.raises(TypeError, match="it is of type str"):
        untyped(PENDING, "accept", Reply(200))


def test_reply_to_a_command_while_on_hold_keeps_the_hold_unless_newer() -> None:
    assert conclude(HELD, Accept(), report_of(DATED)) == HELD
    newer = attrs.evolve(DATED, etag="4")
    assert conclude(HELD, Accept(), report_of(newer)) == newer


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
def test_success_without_a_reservation_is_malformed(status: int, body: bytes, path: str) -> None:
    for read in READERS:
        with pytest.raises(MalformedReply, match="Fetch the reservation") as caught:
            read(Reply(status, {}, body))
        assert [fault.path for fault in caught.value.faults] == [path]


def test_unknown_status_of_a_reply_is_kept() -> None:
    with pytest.raises(UnknownStatus) as caught:
        conclude(PENDING, Accept(), reply_of(body_of(PENDING, reservation_status="escalated")))
    assert caught.value.raw_status == "escalated"


# --- any reply -----------------------------------------------------------------------------------

MESSAGES: Final = rows("messages")

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
    """Return the reservation or the error that a reply becomes."""
    try:
        return ask()
    except ReplyError as error:
        return error


@given(reservations(), commands(), REPLIES, st.booleans())
@settings(max_examples=300)
def test_any_reply_is_a_reservation_or_a_reply_error(
    reservation: Reservation, command: Command, reply: Reply, own: bool
) -> None:
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
