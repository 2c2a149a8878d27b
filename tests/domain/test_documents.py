"""Reservations and commands as JSON documents, and back."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reservation_core import (
    Accept,
    Call,
    Command,
    CommandError,
    Conference,
    InvalidCommand,
    InvalidDocument,
    Reject,
    Reservation,
    Status,
)
from reservation_core.domain.reservation import Links
from reservation_core.testing.strategies.commands import commands
from reservation_core.testing.strategies.reservations import reservations

WHOLE = Reservation(
    sid="WR" + "0" * 32,
    worker_name="Alice",
    status="accepted",
    date_created=datetime(2024, 2, 29, 12, tzinfo=UTC),
    links=Links((("task", "https://example.com"),)),
    etag="7",
)
SECRETS = Conference(
    from_="+15005550006",
    to="client:alice",
    sip_auth_username="alice",
    sip_auth_password="hush",
    timeout=30,
)


def through_json(document: dict[str, object]) -> dict[str, object]:
    return cast("dict[str, object]", json.loads(json.dumps(document)))


def test_document_of_a_reservation_has_its_known_fields() -> None:
    assert WHOLE.to_dict() == {
        "sid": "WR" + "0" * 32,
        "worker_name": "Alice",
        "status": "accepted",
        "date_created": "2024-02-29T12:00:00+00:00",
        "links": {"task": "https://example.com"},
        "etag": "7",
        "on_hold": False,
    }
    assert type(WHOLE.to_dict()["status"]) is str


@given(reservations(on_hold=None, complete=False))
def test_reservation_survives_json(reservation: Reservation) -> None:
    assert Reservation.from_dict(reservation.to_dict()) == reservation
    assert Reservation.from_dict(through_json(reservation.to_dict())) == reservation


@given(commands())
def test_command_survives_json(command: Command) -> None:
    for kind in (Command, type(command)):
        assert kind.from_dict(command.to_dict()) == command
        assert kind.from_dict(through_json(command.to_dict())) == command


def test_unknown_keys_are_ignored() -> None:
    assert Reservation.from_dict({**WHOLE.to_dict(), "later": 1, "etag": None}).etag is None


def test_redacted_documents_hold_nothing_personal() -> None:
    shown = WHOLE.to_redacted_dict()
    assert shown == {**WHOLE.to_dict(), "worker_name": "<personal>"}
    document = SECRETS.to_redacted_dict()
    text = json.dumps(document)
    for secret in ("500555", "alice", "hush"):
        assert secret not in text
    assert "30" in text


@given(commands())
def test_redacted_form_has_the_names_of_the_form(command: Command) -> None:
    full, redacted = (
        cast("list[list[str]]", document["form"])
        for document in (command.to_dict(), through_json(command.to_redacted_dict()))
    )
    assert list(dict.fromkeys(name for name, _ in full)) == [name for name, _ in redacted]
    assert full[0] == redacted[0]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"status": None}, "status is missing"),
        (
            {"status": "busy"},
            f"status is not one of {', '.join(Status)}",
        ),
        ({"status": []}, f"status is not one of {', '.join(Status)}"),
        ({"sid": 7}, "sid is not a text"),
        ({"on_hold": 1}, "on_hold is not true or false"),
        ({"date_created": "yesterday"}, "date_created is not an ISO 8601 time with an offset"),
        (
            {"date_created": "2024-02-29T12:00:00"},
            "date_created is not an ISO 8601 time with an offset",
        ),
        ({"date_created": 7}, "date_created is not an ISO 8601 time with an offset"),
        ({"links": {"task": 7}}, "links is not an object"),
        ({"links": 7}, "links is not an object"),
    ],
)
def test_wrong_field_is_named_without_its_value(change: dict[str, object], fault: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        Reservation.from_dict({**WHOLE.to_dict(), **change})
    assert caught.value == InvalidDocument("Reservation", (fault,))
    assert isinstance(caught.value, CommandError)


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(InvalidDocument) as caught:
        Reservation.from_dict({"worker_name": 5005550006})
    assert str(caught.value) == (
        "cannot read the document of a Reservation: worker_name is not a text, status is missing."
        " Write it with to_dict()."
    )
    assert pickle.loads(pickle.dumps(caught.value)) == caught.value


@given(st.one_of(st.none(), st.integers(), st.text(), st.lists(st.text())))
def test_document_that_is_not_an_object_is_refused(document: object) -> None:
    with pytest.raises(InvalidDocument, match="it is not an object"):
        Reservation.from_dict(cast("dict[str, object]", document))
    with pytest.raises(InvalidDocument, match="form is not a list of pairs of texts"):
        Command.from_dict(cast("dict[str, object]", document))


@pytest.mark.parametrize("form", [None, "ab", [["a"]], [["a", 1]], ["ab"], [["a", "b"], 7]])
def test_form_that_is_not_pairs_of_texts_is_refused(form: object) -> None:
    with pytest.raises(InvalidDocument) as caught:
        Accept.from_dict({"form": form})
    assert caught.value == InvalidDocument("Accept", ("form is not a list of pairs of texts",))


def test_document_of_an_invalid_or_another_command_is_refused() -> None:
    with pytest.raises(InvalidCommand):
        Command.from_dict({"form": [["ReservationStatus", "busy"]]})
    with pytest.raises(InvalidCommand, match="belongs to another command"):
        Call.from_dict(Reject().to_dict())
