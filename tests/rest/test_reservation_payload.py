"""Reservations, read from every payload of the platform."""

import copy
import math
import pickle
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast
from urllib.parse import urlencode

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservation_core import (
    MalformedReply,
    PayloadFault,
    Reservation,
    Status,
    UnknownStatus,
    read_reservation,
)
from reservation_core.rest.reservation_payload import read_resource
from reservation_core.testing.strategies.texts import near_sids, words
from tests.reference.oracle import rows
from tests.rest.payloads import (
    CALLBACK,
    FULL,
    JSON,
    REST,
    SID_PREFIXES,
    TODAY,
    WORKER_SDK,
    Body,
    attempt,
    faults_of,
)

# --- official bodies -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", TODAY)
def test_official_body_is_read_completely(name: str) -> None:
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


@pytest.mark.parametrize("name", sorted(REST.keys() - TODAY.keys()))
def test_historic_status_is_unknown(name: str) -> None:
    with pytest.raises(UnknownStatus) as caught:
        read_reservation(REST[name])
    assert caught.value.raw_status == "reserved"
    assert [fault.path for fault in caught.value.faults] == ["reservation_status"]


@pytest.mark.parametrize("name", WORKER_SDK)
def test_placeholder_sids_are_the_only_faults_of_worker_sdk_bodies(name: str) -> None:
    body = WORKER_SDK[name]
    wrong = {field for field in SID_PREFIXES if field in body} | {"task_sid"}
    paths = [path.replace("task.sid", "task_sid") for path in faults_of(body)]
    assert sorted(paths) == sorted(wrong)


def _mended(value: object) -> object:
    assert isinstance(value, str)
    return value[:2] + value[2:].encode().hex().rjust(32, "0")


@pytest.mark.parametrize("name", WORKER_SDK)
def test_worker_sdk_body_with_real_sids_is_read(name: str) -> None:
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


def test_fault_of_a_nested_sid_has_its_path() -> None:
    assert faults_of({"reservation_status": "pending", "task": {"sid": "WTxx1"}}) == ["task.sid"]


@pytest.mark.parametrize("task", [None, {}, {"sid": None}, "WTxx1", 5, []], ids=repr)
def test_nested_task_without_a_sid_is_ignored(task: object) -> None:
    assert read_reservation({"reservation_status": "pending", "task": task}).task_sid is None


def test_own_task_sid_wins_over_the_nested_one() -> None:
    body = {
        "reservation_status": "pending",
        "task_sid": "WT" + "a" * 32,
        "task": {"sid": "WT" + "b" * 32},
    }
    assert read_reservation(body).task_sid == "WT" + "a" * 32


# --- assignment callbacks ------------------------------------------------------------------------


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
def test_assignment_callback_is_a_pending_reservation(
    payload: Mapping[str, object] | str | bytes,
) -> None:
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
def test_callback_needs_only_the_reservation_sid(name: str, left: str) -> None:
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
def test_event_callback_is_refused_as_an_assignment(
    payload: Mapping[str, object] | str | bytes,
) -> None:
    with pytest.raises(MalformedReply, match=r"EventType: .*event callback.*read_event") as caught:
        read_reservation(payload)
    assert [fault.path for fault in caught.value.faults] == ["EventType"]


@pytest.mark.parametrize("name", ["ReservationSid", "TaskSid", "WorkerName"])
def test_repeated_key_of_a_callback_is_a_fault(name: str) -> None:
    text = urlencode([*CALLBACK.items(), (name, CALLBACK[name])])
    with pytest.raises(MalformedReply, match=f"{name}: is given 2 times") as caught:
        read_reservation(text)
    assert [fault.path for fault in caught.value.faults] == [name]


@pytest.mark.parametrize(
    "payload", _as_form({**CALLBACK, "ReservationSid": ""}).values(), ids=_as_form(CALLBACK)
)
def test_callback_without_a_reservation_sid_is_refused(
    payload: Mapping[str, object] | str | bytes,
) -> None:
    assert faults_of(payload) == ["ReservationSid"]


def test_all_faults_of_a_callback_have_its_field_names() -> None:
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


def test_body_with_a_status_is_not_a_callback() -> None:
    assert read_reservation({**FULL, "ReservationSid": "x"}).status is Status.ACCEPTED


# --- dates ---------------------------------------------------------------------------------------

MOMENT: Final = datetime(2014, 5, 14, 10, 50, 2, tzinfo=UTC)


def test_date_without_an_offset_is_utc_in_any_time_zone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        read = read_reservation({**FULL, "date_created": "2014-05-14T10:50:02"})
    time.tzset()
    assert read.date_created == MOMENT


@pytest.mark.parametrize(
    "value",
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
def test_date_is_read_in_any_format(field: str, value: object) -> None:
    read = getattr(read_reservation({"reservation_status": "pending", field: value}), field)
    assert read == MOMENT
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
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
def test_malformed_date_is_a_fault(field: str, value: object) -> None:
    assert faults_of({"reservation_status": "pending", field: value}) == [field]


@given(st.datetimes(timezones=st.timezones(no_cache=True)))
@settings(max_examples=60)
def test_date_with_an_offset_is_converted_to_utc(moment: datetime) -> None:
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


# --- absent and unknown fields -------------------------------------------------------------------

NULLABLE: Final = [row["name"] for row in rows("fields") if row["nullable"] == "yes"]


DEFAULTS: Final = Reservation(status=Status.ACCEPTED)


def test_version_that_is_not_a_number_is_a_fault() -> None:
    with pytest.raises(MalformedReply) as raised:
        read_reservation({"reservation_status": "pending", "version": "x"})
    assert raised.value.faults == (PayloadFault("version", "is not a whole number", "'x'"),)


def test_array_is_not_an_object() -> None:
    untyped: Any = read_reservation
    with pytest.raises(MalformedReply) as raised:
        untyped([])
    assert raised.value.faults == (PayloadFault("(body)", "is a JSON array, not an object"),)


def test_only_the_status_is_required() -> None:
    assert {*NULLABLE, "reservation_status"} == FULL.keys() - {"attention"}
    assert read_reservation({"reservation_status": "accepted"}) == DEFAULTS


@pytest.mark.parametrize("kept", [True, False], ids=["null", "missing"])
@pytest.mark.parametrize("name", NULLABLE)
def test_nullable_field_may_be_null_or_missing(name: str, kept: bool) -> None:
    body = {**FULL, name: None} if kept else without(FULL, name)
    reservation, whole = read_reservation(body), read_reservation(FULL)
    for field in ("status", "etag", *NULLABLE):
        if field != "reservation_status":
            assert getattr(reservation, field) == (None if field == name else getattr(whole, field))


@pytest.mark.parametrize(
    "body", [{}, {"reservation_status": None}, {"status": "accepted"}], ids=repr
)
def test_body_without_a_status_is_refused(body: Body) -> None:
    with pytest.raises(MalformedReply) as caught:
        read_reservation(body)
    assert [fault.path for fault in caught.value.faults] == ["reservation_status"]
    assert not isinstance(caught.value, UnknownStatus)


@pytest.mark.parametrize("payload", [None, 5, [], [FULL], object(), bytearray(b"{}")], ids=type)
def test_decoded_payload_that_is_not_an_object_is_refused(payload: Any) -> None:
    with pytest.raises(MalformedReply, match=r"\(body\): is a JSON \w+, not an object"):
        read_reservation(payload)


@pytest.mark.parametrize(
    "word", ["", "ACCEPTED", "accept", " accepted", "onHold", "reserved", "canceled\n", "WrapUp"]
)
def test_status_must_match_exactly(word: str) -> None:
    with pytest.raises(UnknownStatus) as caught:
        read_reservation({**FULL, "reservation_status": word})
    assert caught.value.raw_status == word


@pytest.mark.parametrize(
    ("etag", "held"), [("3", "3"), ('"3"', '"3"'), ('W/"x"', 'W/"x"'), ("", None), (None, None)]
)
def test_etag_is_kept_and_empty_is_none(etag: str | None, held: str | None) -> None:
    assert read_reservation(FULL, etag=etag).etag == held
    assert read_reservation(CALLBACK, etag=etag).etag == held


def without(body: Mapping[str, object], *names: str) -> Body:
    """Return a copy of a body without some keys."""
    return {name: value for name, value in body.items() if name not in names}


@given(
    st.dictionaries(
        st.text(max_size=12)
        | st.sampled_from(("attention", "version", "reservation_timeout", "task_transfer")),
        JSON,
        max_size=5,
    )
)
@settings(max_examples=60)
def test_unknown_keys_are_ignored(extra: Body) -> None:
    known = {*FULL, "task", "ReservationSid", "version"} - {"attention"}
    assert read_reservation({**FULL, **without(extra, *known)}) == read_reservation(FULL)


# --- faults --------------------------------------------------------------------------------------

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
def test_every_fault_is_reported_with_its_path(data: st.DataObject) -> None:
    wrong = data.draw(st.sets(st.sampled_from(sorted(BROKEN)), min_size=1))
    body = {**FULL, **{name: data.draw(BROKEN[name]) for name in sorted(wrong)}}
    assert sorted(faults_of(body)) == sorted(wrong)


def test_every_malformed_link_is_reported_with_its_path() -> None:
    assert faults_of(
        {**FULL, "links": {"task": 5, "worker": [], "workspace": "https://example.com"}}
    ) == ["links.task", "links.worker"]
    reservation = read_reservation(
        {**FULL, "links": {"task": None, "worker": "https://example.com"}}
    )
    assert dict(reservation.links or {}) == {"worker": "https://example.com"}


@given(st.dictionaries(st.sampled_from([*FULL, *CALLBACK, "task", "EventType"]), JSON))
@settings(max_examples=150)
def test_any_values_of_known_keys_are_read_or_refused(body: Body) -> None:
    attempt(body)


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
def test_unprintable_value_is_a_fault(field: str, value: object) -> None:
    assert faults_of({**FULL, field: value}) == [field]


@pytest.mark.parametrize(
    "body",
    [{"sid": "\ud800"}, {"reservation_status": "\udfff"}, {"links": {"\ud800": 5}}],
    ids=["sid", "status", "link"],
)
def test_error_with_a_lone_surrogate_can_be_printed(body: Body) -> None:
    with pytest.raises(MalformedReply) as caught:
        read_reservation({**FULL, **body})
    assert str(caught.value).encode()
    assert repr(caught.value).encode()


# --- nothing personal ----------------------------------------------------------------------------

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
def test_fault_shows_no_phone_number(body: Body) -> None:
    with pytest.raises(MalformedReply) as caught:
        read_reservation(body)
    assert "5005550006" not in str(caught.value)
    assert "5005550006" not in repr(caught.value)


@given(words(min_size=6))
@settings(max_examples=30)
def test_name_of_the_worker_is_not_shown(name: str) -> None:
    name = f"Zq{name}"
    reservation = read_reservation({**FULL, "worker_name": name})
    assert reservation.worker_name == name
    assert name not in repr(reservation)
    with pytest.raises(MalformedReply) as caught:
        read_reservation({**FULL, "worker_name": name, "sid": 5, "reservation_status": "reserved"})
    assert name not in str(caught.value) + repr(caught.value)


# --- the result ----------------------------------------------------------------------------------


def test_read_reservation_equals_a_constructed_one() -> None:
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


def test_repeated_links_are_reused() -> None:
    links = read_reservation(FULL).links
    assert links is not None
    assert read_resource(dict(FULL), links=links).links is links
    for links_sent in ({}, {"task": "https://example.com"}, {**links, "task": None}):
        assert dict(read_resource({**FULL, "links": links_sent}, links=links).links or {}) == {
            name: link for name, link in links_sent.items() if link is not None
        }
    assert read_resource({**FULL, "links": None}, links=links).links is None


@given(st.data())
@settings(max_examples=200)
def test_fast_path_reads_what_the_field_reader_reads(data: st.DataObject) -> None:
    """The fast path and the field-by-field path read the same.

    A key with another value type makes the reading take the slow path: here ``worker_name``.
    """
    names = data.draw(st.sets(st.sampled_from(sorted(BROKEN))))
    values: st.SearchStrategy[object] = st.sampled_from([*FULL.values(), "2014-05-14T10:50:02"])
    body = {**FULL, **{name: data.draw(values | BROKEN[name]) for name in sorted(names)}}

    def read(name: str | None) -> Reservation | tuple[PayloadFault, ...]:
        try:
            return attrs.evolve(read_resource({**body, "worker_name": name}), worker_name=None)
        except MalformedReply as error:
            return error.faults

    assert read("Alice") == read(None)


# --- deviations that were observed ---------------------------------------------------------------


def test_wrapup_is_wrapping() -> None:
    """The word of the index that Flex syncs."""
    for read in (FULL, {"sid": FULL["sid"]}):
        found = read_reservation({**read, "reservation_status": "wrapup"})
        assert found.status is Status.WRAPPING


@pytest.mark.parametrize(
    ("version", "etag", "expected"),
    [(3, None, "3"), ("3", None, "3"), (0, None, "0"), (None, None, None), (3, '"4"', '"4"')],
)
def test_version_of_a_worker_sdk_body_is_its_etag(
    version: object, etag: str | None, expected: str | None
) -> None:
    assert read_reservation({**FULL, "version": version}, etag=etag).etag == expected


@pytest.mark.parametrize("version", ["", "x", -1, 1.5, True, [], "3\r\nX: 1", "9" * 19])
def test_malformed_version_is_a_fault(version: object) -> None:
    with pytest.raises(MalformedReply) as caught:
        read_reservation({**FULL, "version": version})
    assert [fault.path for fault in caught.value.faults] == ["version"]


def test_unknown_status_carries_everything_else_that_was_read() -> None:
    with pytest.raises(UnknownStatus) as caught:
        read_reservation({**FULL, "reservation_status": "escalated"}, etag="7")
    error, plain = caught.value, read_reservation(FULL, etag="7")
    assert (error.raw_status, error.fields["etag"]) == ("escalated", "7")
    taken = attrs.evolve(Reservation(status=plain.status), **cast("dict[str, Any]", error.fields))
    assert taken == plain


def test_body_without_a_hold_has_no_time_of_one() -> None:
    assert read_reservation(FULL).on_hold_since is None
