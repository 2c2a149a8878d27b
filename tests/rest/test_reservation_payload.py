"""A reservation is read out of whatever the platform sends, and nothing about it is guessed."""

import copy
import json
import math
import pickle
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias, TypedDict, cast
from urllib.parse import urlencode

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reservation_core import (
    MalformedReply,
    PayloadFault,
    Reservation,
    ReservationError,
    Status,
    UnknownStatus,
    read_reservation,
)
from reservation_core.rest.reservation_payload import read_resource
from reservation_core.testing.strategies.texts import near_sids, words
from tests.reference.oracle import load, rows

Body: TypeAlias = dict[str, object]


class Response(TypedDict):
    """One recorded body of the reference files."""

    id: str
    kind: str
    http_status: int | None
    reservation_status: str | None
    body: Body


RESPONSES: Final = cast("dict[str, list[Response]]", load("responses"))["responses"]
REST: Final = {
    **{
        response["id"]: response["body"]
        for response in RESPONSES
        if response["kind"] == "rest_resource"
    },
    **{
        f"{response['id']}[{number}]": row
        for response in RESPONSES
        if response["kind"] == "list"
        for number, row in enumerate(cast("list[Body]", response["body"]["reservations"]))
    },
}
"""Every reservation that official material shows in the REST API's own shape, by the name of its source."""

TODAY: Final = {
    name: body for name, body in REST.items() if body["reservation_status"] != "reserved"
}
WORKER_SDK: Final = {
    response["id"]: response["body"]
    for response in RESPONSES
    if response["kind"] == "event_bridge_reservation"
}

SID_PREFIXES: Final = {
    "sid": "WR",
    "account_sid": "AC",
    "workspace_sid": "WS",
    "task_sid": "WT",
    "worker_sid": "WK",
}
FULL: Final = TODAY["rest-resource-00"]

CALLBACK: Final = {
    "Timestamp": "1400000000",
    "AccountSid": "AC" + "0" * 32,
    "WorkspaceSid": "WS" + "1" * 32,
    "WorkflowSid": "WW" + "2" * 32,
    "TaskQueueSid": "WQ" + "3" * 32,
    "WorkerSid": "WK" + "4" * 32,
    "WorkerName": "Käthe & Söhne",
    "WorkerAttributes": '{"contact_uri": "+15005550006"}',
    "TaskSid": "WT" + "5" * 32,
    "TaskAttributes": '{"from": "+15005550009", "note": "a=b&c"}',
    "TaskAge": "0",
    "TaskPriority": "0",
    "ReservationSid": "WR" + "6" * 32,
}
"""The documented form of an assignment callback."""

TEXTS: Final[Mapping[str, Callable[[str], str | bytes]]] = {
    "str": str,
    "bytes": str.encode,
    "bytes with a byte order mark": lambda text: text.encode("utf-8-sig"),
}
"""The ways a text arrives."""

NO_JSON: Final[tuple[str, ...]] = (
    "[" * 100_000,
    '{"a":' * 100_000,
    '{"sid": ' + "[" * 970 + "]" * 970 + "}",
    '{"date_created": %s}' % ("9" * 9_999),
)
"""Texts that stop a reader by their depth or their length."""


def faults_of(payload: Mapping[str, object] | str | bytes) -> list[str]:
    """Give the paths of all faults of a payload that must not be readable."""
    with pytest.raises(MalformedReply) as caught:
        read_reservation(payload)
    return [fault.path for fault in caught.value.faults]


def without(body: Mapping[str, object], *names: str) -> Body:
    """Copy a body but for some keys."""
    return {name: value for name, value in body.items() if name not in names}


# --- what official material shows ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TODAY)
def test_every_official_body_is_read_whole(name: str) -> None:
    """Each field of each official body arrives as it stands there."""
    body = TODAY[name]
    reservation = read_reservation(body, etag='W/"3"')
    for field in [*SID_PREFIXES, "worker_name", "url"]:
        assert getattr(reservation, field) == body[field]
    assert reservation.status.value == body["reservation_status"]
    assert reservation.date_created == datetime(2014, 5, 14, 10, 50, 2, tzinfo=UTC)
    assert reservation.date_updated == datetime(2014, 5, 15, 16, 3, 42, tzinfo=UTC)
    assert reservation.links is not None
    assert dict(reservation.links) == body["links"]
    assert reservation.etag == 'W/"3"'
    assert reservation.on_hold is False


@pytest.mark.parametrize("write", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("name", TODAY)
def test_text_is_read_like_the_mapping(name: str, write: Callable[[str], str | bytes]) -> None:
    """A body gives the same reservation as a mapping, as text, as bytes, and with a byte order mark."""
    assert read_reservation(write(json.dumps(TODAY[name], ensure_ascii=False))) == read_reservation(
        TODAY[name]
    )


@pytest.mark.parametrize("name", sorted(REST.keys() - TODAY.keys()))
def test_a_historic_status_is_an_unknown_one(name: str) -> None:
    """The old status ``reserved`` is a typed error that carries the word, and the body's only fault."""
    with pytest.raises(UnknownStatus) as caught:
        read_reservation(REST[name])
    assert caught.value.raw_status == "reserved"
    assert [fault.path for fault in caught.value.faults] == ["reservation_status"]


@pytest.mark.parametrize("name", WORKER_SDK)
def test_placeholder_sids_are_the_only_faults_of_the_worker_sdk_bodies(name: str) -> None:
    """The worker SDK's bodies, whose SIDs are placeholders, are refused for exactly these SIDs."""
    body = WORKER_SDK[name]
    wrong = {field for field in SID_PREFIXES if field in body} | {"task_sid"}
    paths = [path.replace("task.sid", "task_sid") for path in faults_of(body)]
    assert sorted(paths) == sorted(wrong)


def _mended(value: object) -> object:
    assert isinstance(value, str)
    return value[:2] + value[2:].encode().hex().rjust(32, "0")


@pytest.mark.parametrize("name", WORKER_SDK)
def test_worker_sdk_bodies_with_real_sids_are_read(name: str) -> None:
    """With well-formed SIDs the worker SDK's bodies are read: epoch dates, the nested task, and keys the REST API lacks."""
    raw = WORKER_SDK[name]
    body = {key: _mended(value) if key in SID_PREFIXES else value for key, value in raw.items()}
    task = cast("Body | None", raw.get("task"))
    if task is not None:
        body["task"] = {**task, "sid": _mended(task["sid"])}
    reservation = read_reservation(body)
    assert reservation.status.value == raw["reservation_status"]
    assert reservation.task_sid == (
        _mended(raw["task_sid"]) if task is None else _mended(task["sid"])
    )
    assert reservation.sid == _mended(raw["sid"])
    assert reservation.date_created == datetime.fromtimestamp(cast("int", raw["date_created"]), UTC)
    assert reservation.date_updated == datetime.fromtimestamp(cast("int", raw["date_updated"]), UTC)
    assert reservation.worker_name == raw.get("worker_name")


def test_a_nested_sid_is_blamed_where_it_stands() -> None:
    """A wrong SID inside the nested task has the path of its own place."""
    assert faults_of({"reservation_status": "pending", "task": {"sid": "WTxx1"}}) == ["task.sid"]


@pytest.mark.parametrize("task", [None, {}, {"sid": None}, "WTxx1", 5, []], ids=repr)
def test_a_task_without_a_sid_is_no_fault(task: object) -> None:
    """A nested task that tells no SID leaves the task unknown."""
    assert read_reservation({"reservation_status": "pending", "task": task}).task_sid is None


def test_the_own_task_sid_comes_before_the_nested_one() -> None:
    """A body that names the task twice is read by its own field."""
    body = {
        "reservation_status": "pending",
        "task_sid": "WT" + "a" * 32,
        "task": {"sid": "WT" + "b" * 32},
    }
    assert read_reservation(body).task_sid == "WT" + "a" * 32


# --- assignment callbacks ------------------------------------------------------------------------------------------------------------


def _as_form(fields: Mapping[str, str]) -> dict[str, Mapping[str, object] | str | bytes]:
    text = urlencode(fields)
    return {
        "mapping": fields,
        "mapping of lists": {name: [value] for name, value in fields.items()},
        "str": text,
        "bytes": text.encode(),
        "bytes with a byte order mark and a line end": text.encode("utf-8-sig") + b"\r\n",
    }


@pytest.mark.parametrize("payload", _as_form(CALLBACK).values(), ids=_as_form(CALLBACK))
def test_an_assignment_callback_is_a_pending_reservation(
    payload: Mapping[str, object] | str | bytes,
) -> None:
    """A callback is read from any form it comes in; it names no status and is sent for a pending reservation."""
    assert read_reservation(payload) == Reservation(
        sid=CALLBACK["ReservationSid"],
        account_sid=CALLBACK["AccountSid"],
        workspace_sid=CALLBACK["WorkspaceSid"],
        task_sid=CALLBACK["TaskSid"],
        worker_sid=CALLBACK["WorkerSid"],
        worker_name="Käthe & Söhne",
        status=Status.PENDING,
    )


@pytest.mark.parametrize(
    "name", ["AccountSid", "WorkspaceSid", "TaskSid", "WorkerSid", "WorkerName"]
)
@pytest.mark.parametrize("left", ["missing", "empty", "no values"])
def test_a_callback_may_leave_out_all_but_the_reservation(name: str, left: str) -> None:
    """A field that a callback leaves out, or empty, is unknown; the others are read."""
    form: dict[str, object] = dict(CALLBACK)
    form[name] = "" if left == "empty" else []
    if left == "missing":
        del form[name]
    field = {
        "AccountSid": "account_sid",
        "WorkspaceSid": "workspace_sid",
        "TaskSid": "task_sid",
        "WorkerSid": "worker_sid",
    }
    reservation = read_reservation(form)
    assert getattr(reservation, field.get(name, "worker_name")) is None
    assert reservation.sid == CALLBACK["ReservationSid"]


@pytest.mark.parametrize(
    "payload",
    _as_form({**CALLBACK, "EventType": "reservation.accepted"}).values(),
    ids=_as_form(CALLBACK),
)
def test_an_event_callback_is_not_taken_for_an_assignment(
    payload: Mapping[str, object] | str | bytes,
) -> None:
    """An event callback, whose status is not pending, is refused and says that it is an event."""
    with pytest.raises(MalformedReply, match=r"EventType: .*event callback.*not pending") as caught:
        read_reservation(payload)
    assert [fault.path for fault in caught.value.faults] == ["EventType"]


@pytest.mark.parametrize("name", ["ReservationSid", "TaskSid", "WorkerName"])
def test_a_repeated_key_of_a_callback_is_refused(name: str) -> None:
    """A callback that gives a field twice leaves open which one counts."""
    text = urlencode([*CALLBACK.items(), (name, CALLBACK[name])])
    with pytest.raises(MalformedReply, match=f"{name}: is given 2 times") as caught:
        read_reservation(text)
    assert [fault.path for fault in caught.value.faults] == [name]


@pytest.mark.parametrize(
    "payload", _as_form({**CALLBACK, "ReservationSid": ""}).values(), ids=_as_form(CALLBACK)
)
def test_a_callback_without_a_reservation_is_refused(
    payload: Mapping[str, object] | str | bytes,
) -> None:
    """A callback whose reservation SID is empty names no reservation."""
    assert faults_of(payload) == ["ReservationSid"]


def test_all_faults_of_a_callback_are_told_in_its_own_words() -> None:
    """Everything that is wrong with a callback is told together, under the names of its form."""
    form = {
        **CALLBACK,
        "ReservationSid": ["", ""],
        "TaskSid": "WT1",
        "WorkerSid": ["WK1"],
        "WorkerName": 5,
        "EventType": "x",
    }
    assert sorted(faults_of(form)) == [
        "EventType",
        "ReservationSid",
        "ReservationSid",
        "TaskSid",
        "WorkerName",
        "WorkerSid",
    ]


def test_a_date_without_an_offset_is_utc_wherever_it_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The clock of the machine says nothing about what the platform meant."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        read = read_reservation({**FULL, "date_created": "2014-05-14T10:50:02"})
    time.tzset()
    assert read.date_created == MOMENT


@pytest.mark.parametrize("before", ["\n ", "a=1&", "\ufeff"])
def test_a_form_is_known_by_its_first_letter(before: str) -> None:
    """White space, a short name or a byte order mark may come first; a form begins with a letter, and JSON never does."""
    text = f"{before}ReservationSid={CALLBACK['ReservationSid']}"
    assert read_reservation(text.encode()).sid == CALLBACK["ReservationSid"]


def test_form_of_more_than_1000_fields_is_refused() -> None:
    fields = "&a=1" * 999
    assert read_reservation(f"ReservationSid={CALLBACK['ReservationSid']}{fields}").sid
    with pytest.raises(MalformedReply) as caught:
        read_reservation(f"ReservationSid={CALLBACK['ReservationSid']}{fields}&a=1")
    assert caught.value.faults == (PayloadFault("(body)", "is a form of more than 1,000 fields"),)


def test_a_body_with_a_status_is_no_callback() -> None:
    """A resource that happens to have a key of a callback is read as the resource it is."""
    assert read_reservation({**FULL, "ReservationSid": "x"}).status is Status.ACCEPTED


# --- dates -----------------------------------------------------------------------------------------------------------------------------

MOMENT: Final = datetime(2014, 5, 14, 10, 50, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "said",
    [
        "2014-05-14T10:50:02Z",
        "2014-05-14T10:50:02+00:00",
        "2014-05-14T12:50:02+02:00",
        "2014-05-14T03:20:02-07:30",
        "2014-05-14T10:50:02",
        "2014-05-14 10:50:02Z",
        "2014-05-14T10:50:02.000000Z",
        "20140514T105002Z",
        1400064602,
        1400064602.0,
    ],
    ids=repr,
)
@pytest.mark.parametrize("field", ["date_created", "date_updated"])
def test_every_spelling_of_a_moment_is_the_same_moment(field: str, said: object) -> None:
    """A date with Z, with an offset, without one (which is GMT) or in epoch seconds is one aware moment in UTC."""
    read = getattr(read_reservation({"reservation_status": "pending", field: said}), field)
    assert read == MOMENT
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "said",
    [
        "",
        "soon",
        "14.05.2014",
        "Wed, 14 May 2014 10:50:02 GMT",
        "2014-13-01T00:00:00Z",
        "2014-05-14T10:50:02+99:00",
        "1400064602",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00",
        "\ud800",
        True,
        False,
        10**18,
        -(10**18),
        1e300,
        math.nan,
        math.inf,
        [],
        {},
        ["2014-05-14T10:50:02Z"],
    ],
)
@pytest.mark.parametrize("field", ["date_created", "date_updated"])
def test_what_is_no_date_is_a_fault(field: str, said: object) -> None:
    """A date that cannot be a moment is refused under its path, whatever its type."""
    assert faults_of({"reservation_status": "pending", field: said}) == [field]


@given(st.datetimes(timezones=st.timezones(no_cache=True)))
@settings(max_examples=60)
def test_a_date_with_an_offset_is_moved_to_utc(moment: datetime) -> None:
    """Any moment written with its offset is read back as the same moment, or refused where UTC has none such."""
    try:
        wanted = moment.astimezone(UTC)
        read = read_reservation(
            {"reservation_status": "pending", "date_updated": moment.isoformat()}
        )
    except (OverflowError, MalformedReply):
        return
    assert read.date_updated is not None
    assert read.date_updated == wanted
    assert read.date_updated.tzinfo is UTC


# --- generous, but nothing guessed -----------------------------------------------------------------------------------------------------

NULLABLE: Final = [row["name"] for row in rows("fields") if row["nullable"] == "yes"]
DEFAULTS: Final = Reservation(status=Status.ACCEPTED)


def test_only_the_status_must_be_there() -> None:
    """The fields that the API description makes nullable are all the fields but the status."""
    assert {*NULLABLE, "reservation_status"} == FULL.keys() - {"attention"}
    assert read_reservation({"reservation_status": "accepted"}) == DEFAULTS


@pytest.mark.parametrize("kept", [True, False], ids=["null", "missing"])
@pytest.mark.parametrize("name", NULLABLE)
def test_a_nullable_field_may_be_null_or_missing(name: str, kept: bool) -> None:
    """Without one field, that field is unknown and all others are read."""
    body = {**FULL, name: None} if kept else without(FULL, name)
    reservation, whole = read_reservation(body), read_reservation(FULL)
    for field in ("status", "etag", *NULLABLE):
        if field != "reservation_status":
            assert getattr(reservation, field) == (None if field == name else getattr(whole, field))


@pytest.mark.parametrize(
    "body", [{}, {"reservation_status": None}, {"status": "accepted"}], ids=repr
)
def test_a_body_without_a_status_is_refused(body: Body) -> None:
    """A status is never assumed: missing or null, it is the fault, and no unknown word."""
    with pytest.raises(MalformedReply) as caught:
        read_reservation(body)
    assert [fault.path for fault in caught.value.faults] == ["reservation_status"]
    assert not isinstance(caught.value, UnknownStatus)


@pytest.mark.parametrize(
    "word", ["", "ACCEPTED", "accept", " accepted", "onHold", "reserved", "canceled\n", "wrapup"]
)
def test_a_status_is_one_of_eight_words_exactly(word: str) -> None:
    """A status in another spelling is an unknown one, and comes as it was sent."""
    with pytest.raises(UnknownStatus) as caught:
        read_reservation({**FULL, "reservation_status": word})
    assert caught.value.raw_status == word


@pytest.mark.parametrize(
    ("etag", "held"), [("3", "3"), ('"3"', '"3"'), ('W/"x"', 'W/"x"'), ("", None), (None, None)]
)
def test_the_version_is_the_one_that_came_with_it(etag: str | None, held: str | None) -> None:
    """The ETag is held as it came; an empty one is none."""
    assert read_reservation(FULL, etag=etag).etag == held
    assert read_reservation(CALLBACK, etag=etag).etag == held


HALVES: Final = st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF, categories=["Cs"])
JSON: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.text(HALVES, max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=12) | st.sampled_from([*FULL, "task"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)
"""Every value JSON has, and halves of characters, which its escapes can say too."""


@given(
    st.dictionaries(
        st.text(max_size=12)
        | st.sampled_from(("attention", "version", "reservation_timeout", "task_transfer")),
        JSON,
        max_size=5,
    )
)
@settings(max_examples=60)
def test_unknown_keys_are_left_alone(extra: Body) -> None:
    """Whatever else stands in a body changes nothing."""
    known = {*FULL, "task", "ReservationSid"} - {"attention"}
    assert read_reservation({**FULL, **without(extra, *known)}) == read_reservation(FULL)


BROKEN: Final[Mapping[str, st.SearchStrategy[object]]] = {
    **{
        field: near_sids(prefix) | st.integers() | st.just([])
        for field, prefix in SID_PREFIXES.items()
    },
    "reservation_status": st.sampled_from(("reserved", "", 5, None, ["accepted"])),
    "date_created": st.sampled_from(("soon", "", True, [], 1e300)),
    "date_updated": st.sampled_from(("soon", "", True, [], 1e300)),
    "worker_name": st.sampled_from((5, True, [], {})),
    "url": st.sampled_from((5, True, [], {})),
    "links": st.sampled_from((5, "x", True, [])),
}


@given(st.data())
@settings(max_examples=100)
def test_every_fault_is_told_with_its_path(data: st.DataObject) -> None:
    """With any fields of a body broken, exactly these are named, all together."""
    wrong = data.draw(st.sets(st.sampled_from(sorted(BROKEN)), min_size=1))
    body = {**FULL, **{name: data.draw(BROKEN[name]) for name in sorted(wrong)}}
    assert sorted(faults_of(body)) == sorted(wrong)


def test_every_wrong_link_is_told_with_its_path() -> None:
    """Each link that is no text is a fault of its own; a null one is left out."""
    assert faults_of(
        {**FULL, "links": {"task": 5, "worker": [], "workspace": "https://example.com"}}
    ) == ["links.task", "links.worker"]
    reservation = read_reservation(
        {**FULL, "links": {"task": None, "worker": "https://example.com"}}
    )
    assert dict(reservation.links or {}) == {"worker": "https://example.com"}


# --- never another exception -----------------------------------------------------------------------------------------------------------


def outcome(payload: Mapping[str, object] | str | bytes) -> Reservation | ReservationError:
    """Read a payload, or give the error it is refused with."""
    try:
        return read_reservation(payload)
    except ReservationError as error:
        return error


def attempt(payload: Mapping[str, object] | str | bytes) -> None:
    """Read a payload that may be anything: what comes is a reservation, or an error with its faults that can be written out."""
    read = outcome(payload)
    if isinstance(read, Reservation):
        assert read.status in Status
    else:
        assert isinstance(read, MalformedReply)
        assert read.faults
        assert str(read)
        assert repr(read)


@given(JSON)
@settings(max_examples=150)
@example(math.nan)
@example({"sid": "\ud800", "reservation_status": "\udfff", "links": {"a": 1}})
@example({"ReservationSid": "WR", "TaskSid": [1, 2], "WorkerName": {}})
@example("ReservationSid=1")
def test_any_json_text_is_read_or_refused(value: object) -> None:
    """Whatever JSON says, as text or bytes, gives a reservation or the faults that it has."""
    text = json.dumps(value)
    attempt(text)
    attempt(text.encode())
    attempt(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


@given(st.dictionaries(st.sampled_from([*FULL, *CALLBACK, "task", "EventType"]), JSON))
@settings(max_examples=150)
def test_any_values_of_the_known_keys_are_read_or_refused(body: Body) -> None:
    """Whatever the known keys hold gives a reservation or the faults that it has."""
    attempt(body)


@given(
    st.binary()
    | st.text().map(lambda text: text.encode("utf-16"))
    | st.text().map(lambda text: b"ReservationSid=" + text.encode())
)
@settings(max_examples=150)
@example(b"")
@example(b" \n")
@example(b"\xff\xfe{\x00}\x00")
@example(b"\xef\xbb\xbf")
@example(b"ReservationSid=%ff%ED%A0%80")
@example(b'{"reservation_status": "\xed\xa0\x80"}')
@example(b"{}{}")
@example(b"[]")
@example(b"null")
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    """Whatever bytes arrive, in any encoding or none, give a reservation or the faults that they have."""
    attempt(payload)


@pytest.mark.parametrize("text", NO_JSON, ids=["arrays", "objects", "a deep SID", "a long number"])
@pytest.mark.parametrize("write", TEXTS.values(), ids=TEXTS)
def test_a_text_too_deep_or_too_long_is_refused(
    text: str, write: Callable[[str], str | bytes]
) -> None:
    """A text that no reader can follow is a fault like any other."""
    attempt(write(text))
    assert faults_of(write(text))


def _nested(depth: int) -> object:
    value: object = []
    for _ in range(depth):
        value = [value]
    return value


UNWRITABLE: Final[Mapping[str, object]] = {
    "long": 10**5000,
    "negative": -(10**5000),
    "deep": _nested(5000),
    "deep in a list": [_nested(5000)],
}
"""Values that Python refuses to write out."""


@pytest.mark.parametrize("value", UNWRITABLE.values(), ids=UNWRITABLE)
@pytest.mark.parametrize(
    "field", ["sid", "reservation_status", "date_created", "worker_name", "links"]
)
def test_a_value_that_cannot_be_written_out_is_a_fault(field: str, value: object) -> None:
    """A value of a mapping that is too long or too deep to be written out is a fault like any other."""
    assert faults_of({**FULL, field: value}) == [field]


@pytest.mark.parametrize(
    "body",
    [{"sid": "\ud800"}, {"reservation_status": "\udfff"}, {"links": {"\ud800": 5}}],
    ids=["sid", "status", "link"],
)
def test_half_a_character_does_not_stop_the_error_from_being_printed(body: Body) -> None:
    """The text of an error can be written in UTF-8, whatever stood in the body."""
    with pytest.raises(MalformedReply) as caught:
        read_reservation({**FULL, **body})
    assert str(caught.value).encode()
    assert repr(caught.value).encode()


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (b"", "is empty"),
        (" \n", "is empty"),
        (b"\xff", "is not UTF-8 text"),
        ('{\n "a": }', ": line 2, column 7"),
        ("<html>", "neither JSON nor a form"),
        ("[1]", "is a JSON array, not an object"),
        ("5", "is a JSON number, not an object"),
        ("true", "is a JSON boolean, not an object"),
        ("null", "is a JSON null, not an object"),
        ('"accepted"', "is a JSON string, not an object"),
    ],
)
def test_an_unreadable_text_is_told_what_it_is(payload: str | bytes, says: str) -> None:
    """A text that is no object is refused in words that say what it is instead."""
    with pytest.raises(MalformedReply) as caught:
        read_reservation(payload)
    (fault,) = caught.value.faults
    assert fault.path == "(body)"
    assert says in fault.problem


# --- nothing personal ------------------------------------------------------------------------------------------------------------------

PHONE: Final = "+15005550006"


@pytest.mark.parametrize(
    "body",
    [
        {"reservation_status": PHONE},
        {"reservation_status": "pending", "sid": PHONE},
        {"reservation_status": "pending", "sid": [PHONE]},
        {"reservation_status": "pending", "date_created": PHONE},
        {"reservation_status": "pending", "worker_name": [PHONE]},
        {"reservation_status": "pending", "url": {"to": PHONE}},
        {"reservation_status": "pending", "links": PHONE},
        {"reservation_status": "pending", "links": {"task": [PHONE]}},
        {"reservation_status": "pending", "links": {PHONE: 5}},
        {"ReservationSid": PHONE},
        {"ReservationSid": "WR" + "a" * 32, "WorkerName": {"name": PHONE}},
    ],
    ids=repr,
)
def test_no_fault_shows_a_phone_number(body: Body) -> None:
    """A phone number that stands where it should not is not repeated by the error, in its text or its ``repr``."""
    with pytest.raises(MalformedReply) as caught:
        read_reservation(body)
    assert "5005550006" not in str(caught.value)
    assert "5005550006" not in repr(caught.value)


@given(words(min_size=6))
@settings(max_examples=30)
def test_the_name_of_the_worker_is_never_shown(name: str) -> None:
    """The name of a person is held, but shown neither by the reservation nor by a fault of the same body."""
    name = f"Zq{name}"
    reservation = read_reservation({**FULL, "worker_name": name})
    assert reservation.worker_name == name
    assert name not in repr(reservation)
    with pytest.raises(MalformedReply) as caught:
        read_reservation({**FULL, "worker_name": name, "sid": 5, "reservation_status": "reserved"})
    assert name not in str(caught.value) + repr(caught.value)


# --- what is made of it ----------------------------------------------------------------------------------------------------------


def test_a_reservation_that_was_read_is_as_one_that_was_built() -> None:
    """It has the same class, equality, hash, pickle and text, is as frozen, and moves to one that is."""
    body: dict[str, object] = {**FULL, "attention": {}}
    read = read_reservation(body, etag="4")
    built = Reservation(
        **{field.name: getattr(read, field.name) for field in attrs.fields(Reservation)}
    )
    for one, other in (
        (read, built),
        (read.with_status(Status.WRAPPING, etag="5"), built.with_status(Status.WRAPPING, etag="5")),
    ):
        assert type(one) is type(other) is Reservation
        assert (one, hash(one), repr(one), pickle.dumps(one)) == (
            other,
            hash(other),
            repr(other),
            pickle.dumps(other),
        )
        assert copy.copy(one) == one == pickle.loads(pickle.dumps(one)) == attrs.evolve(one)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            one.etag = "6"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
        assert not hasattr(one, "__dict__")


def test_links_that_are_told_again_are_kept() -> None:
    """The held addresses are taken over when the same are told, and only then."""
    links = read_reservation(FULL).links
    assert links is not None
    assert read_resource(dict(FULL), links=links).links is links
    for told in ({}, {"task": "https://example.com"}, {**links, "task": None}):
        assert dict(read_resource({**FULL, "links": told}, links=links).links or {}) == {
            k: v for k, v in told.items() if v is not None
        }
    assert read_resource({**FULL, "links": None}, links=links).links is None


@pytest.mark.parametrize("form", TEXTS.values(), ids=list(TEXTS))
def test_nothing_but_white_space_may_stand_around_an_object(
    form: Callable[[str], str | bytes],
) -> None:
    """White space before and after a body is passed over; anything else there makes it unreadable."""
    body = json.dumps(FULL)
    for text in (f"{body}\n", f" \t\r\n{body} \n"):
        assert read_reservation(form(text)) == read_reservation(FULL)
    for text in (f"{body}x", f"{body} {{}}", f"{body},", f"x{body}", f"{body}\0"):
        assert faults_of(form(text)) == ["(body)"]
