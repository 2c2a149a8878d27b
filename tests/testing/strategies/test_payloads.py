from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Final

import attrs
import pytest

from reservation_core import (
    MalformedReply,
    Reservation,
    Route,
    Status,
    conclude_fetch,
    read_reservation,
)
from reservation_core.rest.addresses import SID_PREFIXES, parse_path
from reservation_core.rest.error_payload import read_error
from reservation_core.testing import strategies as kit
from tests.reference.oracle import rows
from tests.testing.drawing import drawn

FIELDS: Final = {row["name"]: row for row in rows("fields")}
NULLABLE: Final = {
    "status" if name == "reservation_status" else name
    for name in FIELDS
    if FIELDS[name]["nullable"] == "yes"
}
REFERENCE: Final = {
    (row["http_status"], row["code"], row["expected_error"]) for row in rows("messages")
}


@cache
def _bodies() -> list[kit.DrawnPayload]:
    return drawn(kit.bodies(), 100)


@cache
def _callbacks() -> list[kit.DrawnPayload]:
    return drawn(kit.callbacks(), 40)


@cache
def _refusals() -> list[kit.RefusalReply]:
    return drawn(kit.refusals(), 400)


@cache
def _malformed() -> list[kit.MalformedPayload]:
    return [*drawn(kit.malformed_bodies(), 200), *drawn(kit.malformed_callbacks(), 40)]


def test_reservations_are_valid_and_cover_every_status() -> None:
    found = drawn(kit.reservations(), 100)
    for one in found:
        assert all(
            re.fullmatch(FIELDS[field]["pattern"], str(getattr(one, field)))
            for field in SID_PREFIXES
        )
        assert one.date_created is not None
        assert one.date_updated is not None
        assert one.date_created <= one.date_updated
        assert parse_path((one.url or "").removeprefix("https://taskrouter.twilio.com")) is not None
        assert not one.on_hold
    assert {one.status for one in found} == set(Status)
    assert (
        {one.worker_name is None for one in found}
        == {one.etag is None for one in found}
        == {True, False}
    )


def test_reservations_keep_to_the_given_statuses_and_holds() -> None:
    ended = drawn(kit.reservations(Status.TIMEOUT, Status.WRAPPING), 30)
    assert {one.status for one in ended} == {Status.TIMEOUT, Status.WRAPPING}
    held = drawn(kit.reservations(on_hold=True), 10)
    assert {(one.status, one.on_hold) for one in held} == {(Status.PENDING, True)}
    either = drawn(kit.reservations(Status.PENDING, Status.ACCEPTED, on_hold=None), 60)
    assert {(one.status, one.on_hold) for one in either} == {
        (Status.PENDING, True),
        (Status.PENDING, False),
        (Status.ACCEPTED, False),
    }
    with pytest.raises(ValueError, match="only a pending reservation"):
        kit.reservations(Status.ACCEPTED, on_hold=True)


def test_incomplete_reservations_lack_any_nullable_field() -> None:
    found = drawn(kit.reservations(complete=False), 100)
    for field in NULLABLE:
        assert {getattr(one, field) is None for one in found} == {True, False}, field
    assert {one.status for one in found} == set(Status)


def test_payloads_parse_as_their_reservation() -> None:
    for one in (*_bodies(), *_callbacks(), *drawn(kit.payloads(), 25)):
        assert read_reservation(one.payload) == one.reservation


def test_bodies_cover_every_form() -> None:
    assert {type(one.payload) for one in _bodies()} == {dict, str, bytes}
    plain = [one.payload for one in _bodies() if isinstance(one.payload, Mapping)]
    assert any(isinstance(body.get("task"), dict) for body in plain)
    assert any(isinstance(body.get("date_created"), int) for body in plain)
    assert any("attention" in body for body in plain)
    assert any(body.get("worker_sid", 1) is None for body in plain)
    assert any("worker_sid" not in body for body in plain)
    one = Reservation(status="accepted", sid=f"WR{'a' * 32}", etag="3")
    assert {one.reservation for one in drawn(kit.bodies(one), 20)} == {
        attrs.evolve(one, etag=version) for version in (None, "3")
    }


def test_callbacks_have_the_documented_fields() -> None:
    documented = {
        "Timestamp",
        "AccountSid",
        "WorkspaceSid",
        "WorkflowSid",
        "TaskQueueSid",
        "WorkerSid",
        "WorkerAttributes",
        "TaskSid",
        "TaskAttributes",
        "TaskAge",
        "TaskPriority",
        "ReservationSid",
    }
    assert {type(one.payload) for one in _callbacks()} == {dict, str, bytes}
    for one in _callbacks():
        assert one.reservation.status is Status.PENDING
        if isinstance(one.payload, dict):
            assert one.payload.keys() >= documented
            assert {type(value) for value in one.payload.values()} == {str}
    announced = drawn(kit.reservations(), 5)[-1]
    assert {one.reservation.sid for one in drawn(kit.callbacks(announced), 10)} == {announced.sid}


def test_malformed_payloads_have_exactly_the_fault_they_name() -> None:
    for bad in (*_malformed(), *drawn(kit.malformed_payloads(), 25)):
        with pytest.raises(MalformedReply) as caught:
            read_reservation(bad.payload)
        assert [fault.path for fault in caught.value.faults] == [bad.path], bad
    callback = {"ReservationSid", "AccountSid", "WorkspaceSid", "TaskSid", "WorkerSid"}
    assert {bad.path for bad in _malformed()} == {*FIELDS, "links.task", "(body)", *callback}
    assert any(
        bad.path not in str(bad.payload) for bad in _malformed() if bad.path == "reservation_status"
    )


def test_malformed_bodies_cover_every_form_of_broken_json() -> None:
    found = {
        bad.payload
        for bad in _malformed()
        if isinstance(bad.payload, (str, bytes)) and bad.path == "(body)"
    }
    assert {"", "[]", "null", "<html></html>", b"\xff\xfe{\x00"} <= found
    assert any(isinstance(text, str) and text.startswith('{"sid": "WR') for text in found)


def test_replies_parse_as_their_reservation_with_its_version() -> None:
    versioned = Reservation(status="accepted", sid=f"WR{'a' * 32}", etag="3")
    found = drawn(kit.replies(versioned), 60)
    assert {conclude_fetch(versioned, reply) for reply in found} == {versioned}
    assert {next(name for name in reply.headers if name.lower() == "etag") for reply in found} == {
        "ETag",
        "etag",
        "Etag",
    }
    assert {reply.rate_limit.remaining for reply in found} == {None, 99}
    assert {reply.etag is None for reply in drawn(kit.replies(), 60)} == {True, False}


def test_refusals_parse_as_the_error_of_the_reference_table() -> None:
    for one in _refusals():
        read = read_error(one.reply)
        assert (type(read), read.code) == (one.error, one.code), one
        if one.family.is_readable:
            assert (str(one.reply.status), str(one.code or ""), one.error.__name__) in REFERENCE
        else:
            assert one.reply.status != 400 or one.error.__name__ == "Refused"
    assert {one.family for one in _refusals()} == set(kit.ErrorFamily)
    assert {one.error.__name__ for one in _refusals() if one.family.is_readable} == {
        row[2] for row in REFERENCE
    }
    assert {one.reply.retry_after is None for one in _refusals() if one.reply.status == 429} == {
        True,
        False,
    }


def test_error_body_is_an_object_only_in_readable_families() -> None:
    for one in _refusals():
        try:
            body: object = json.loads(one.reply.body)
        except ValueError:
            body = None
        assert isinstance(body, dict) is one.family.is_readable
        if isinstance(body, dict):
            assert ("title" in body) is (one.family is kit.ErrorFamily.RFC_9457)


def test_unreadable_replies_are_malformed_replies_of_status_200() -> None:
    for reply in drawn(kit.unreadable_replies(), 60):
        assert reply.status == 200
        with pytest.raises(MalformedReply):
            conclude_fetch(Reservation(status="pending"), reply)


def test_requests_cover_both_routes_and_methods() -> None:
    found = drawn(kit.requests(), 75)
    assert {
        (request.method, where[0]) for request in found if (where := parse_path(request.path))
    } == {(method, route) for method in ("GET", "POST") for route in Route}
    assert all(bool(request.form) == (request.method == "POST") for request in found)


def test_addresses_have_the_sids_of_both_routes() -> None:
    for where in drawn(kit.addresses(), 30):
        for field in ("sid", "workspace_sid", "task_sid", "worker_sid"):
            assert re.fullmatch(FIELDS[field]["pattern"], str(getattr(where, field)))
