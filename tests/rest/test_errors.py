"""Errors match the drawn tree, behave as values, and name their remedy."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
import traceback
from typing import cast

import attrs
import pytest

import reservation_core
from reservation_core import (
    Accept,
    Attempt,
    CommandError,
    CommandNotAllowed,
    Complete,
    Evidence,
    GatewayError,
    IllegalSuccession,
    IncompleteReservation,
    Indistinguishable,
    InvalidCommand,
    InvalidDocument,
    LostRace,
    MalformedReply,
    NotFound,
    NotSent,
    OutcomeUnknown,
    PayloadFault,
    Refused,
    ReplyError,
    Request,
    Reservation,
    ReservationError,
    ServerFailed,
    Status,
    Supervise,
    Throttled,
    Unauthorized,
    UnknownStatus,
    Violation,
)
from reservation_core.rest import errors

HEX = "0123456789abcdef" * 2
FAULT = PayloadFault("links.task", "is not a URL", "5")
VIOLATION = Violation("To", "to", "must be a contact", "<personal>", "give a contact", 40137)
HELD = Reservation(sid=f"WR{HEX}", status=Status.ACCEPTED, worker_name="Zoë Quick")
TRIES = (
    Attempt(1, Request("POST", "/", form=(("To", "+15005550006"),)), 0.0, 0.0, "GatewayError", 1.5),
)
REFUSAL: dict[str, object] = {
    "http_status": 400,
    "code": 20001,
    "message": "no",
    "more_info": "https://www.twilio.com/docs/errors/20001",
}
NINTH = UnknownStatus(
    (PayloadFault("reservation_status", "is unknown", "'reserved'"),), "reserved", {"etag": "4"}
)
EXAMPLES: list[tuple[ReservationError, str]] = [
    # an error, and a part of its remedy
    (ReservationError(), "Catch"),
    (CommandError(), "Nothing was sent"),
    (InvalidCommand("Conference", (VIOLATION, VIOLATION)), "Give a contact"),
    (
        CommandNotAllowed(
            Accept(), Status.ACCEPTED, (Supervise, Complete), "it is accepted [observed: x]"
        ),
        "Allowed instead: Supervise, Complete.",
    ),
    (
        CommandNotAllowed(
            Accept(), Status.COMPLETED, (), "it has ended [inferred: x]", Evidence.INFERRED
        ),
        "prepare(..., strict=False), sends it.",
    ),
    (IncompleteReservation(("sid", "task_sid")), "Set it, or read"),
    (InvalidDocument("Entry", ("status is missing",)), "Write it with to_dict"),
    (ReplyError(), "Fetch the reservation again"),
    (Refused(400, 20001, "no", "https://example.com/20001"), "Correct the request"),
    (Refused(400), "Correct the request"),
    (ServerFailed(302), "base URL"),
    (LostRace(412, 20412, "moved", None, HELD), "is accepted now: decide again"),
    (LostRace(400), "fetch it and decide again"),
    (NotFound(404, 20404, "gone"), "Check the SIDs"),
    (Throttled(429, retry_after=1.5), "may be sent again after 1.5 s"),
    (Throttled(429), "may be sent again after a back-off"),
    (Throttled(429, retry_after=30.0), "may be sent again after 30 s"),
    (Throttled(429, retry_after=0), "may be sent again after 0 s"),
    (Unauthorized(401), "Check the gateway's credentials"),
    (ServerFailed(503), "fetch the reservation before sending anything again"),
    (
        MalformedReply((FAULT, PayloadFault("sid", "is missing"))),
        "Fetch the reservation before assuming",
    ),
    (LostRace(400, unknown_status=NINTH), "unknown status 'reserved': decide by that status"),
    (NINTH, "Decide by this error's raw_status"),
    (IllegalSuccession(Status.COMPLETED, HELD), "Continue with this error's reservation"),
    (GatewayError("the connection broke"), "fetch the reservation before sending anything again"),
    (NotSent("no connection"), "may be sent again"),
    (
        OutcomeUnknown("gave up", HELD, attempts=TRIES),
        "Fetch the reservation before sending anything again",
    ),
    (
        Indistinguishable("accepted by another client", HELD, HELD, attempts=TRIES),
        "Continue from the reservation",
    ),
]
KINDS = [
    kind
    for _, kind in inspect.getmembers(reservation_core, inspect.isclass)
    if issubclass(kind, Exception)
]
ids = [f"{type(error).__name__}-{number}" for number, (error, _) in enumerate(EXAMPLES)]
each = pytest.mark.parametrize(("error", "remedy"), EXAMPLES, ids=ids)


def _fields(error: ReservationError) -> list[str]:
    kind: type = type(error)
    return [made.name for made in attrs.fields(kind)] if attrs.has(kind) else []


def _raise_instead(error: Exception) -> None:
    try:
        int("first")
    except ValueError:
        raise error from None


def test_tree_matches_the_drawing() -> None:
    drawn: dict[str, str | None] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"^    ((?:[│ ]   )*)(?:[├└]── )?(\w+)(?:  |$)", line):
            depth = len(match[1]) // 4 + ("── " in line)
            del above[depth:]
            drawn[match[2]] = above[-1] if above else None
            above.append(match[2])
    parents = {kind.__name__: cast("type", kind.__base__).__name__ for kind in KINDS}
    assert drawn == {**parents, "ReservationError": None}
    assert parents["ReservationError"] == "Exception"


def test_drawn_fields_are_fields_of_their_class() -> None:
    found = 0
    for line in (errors.__doc__ or "").splitlines():
        names = re.findall(r"(?<![\w)])\.([a-z_]+)", line)
        if names and (match := re.search(r"[├└]── (\w+)", line)):
            kind = cast("type[attrs.AttrsInstance]", getattr(reservation_core, match[1]))
            assert set(names) <= {made.name for made in attrs.fields(kind)}
            found += len(names)
    assert found == 26


def test_every_error_is_public_and_has_an_example() -> None:
    assert {kind.__name__ for kind in KINDS} <= set(reservation_core.__all__)
    assert {type(error) for error, _ in EXAMPLES} == set(KINDS)


@each
def test_text_names_the_remedy_and_no_person(error: ReservationError, remedy: str) -> None:
    assert remedy in str(error)
    assert str(error) == str(error).strip()
    assert "None" not in str(error)
    assert "Zoë" not in f"{error} {error!r}"


@each
def test_error_survives_pickling_and_copying(error: ReservationError, remedy: str) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        back = pickle.loads(pickle.dumps(error, protocol))
        assert type(back) is type(error)
        assert str(back) == str(error)
        assert remedy in str(back)
        if attrs.has(type(error)):
            assert back == error
            assert hash(back) == hash(error)
    for copied in (copy.copy(error), copy.deepcopy(error)):
        assert type(copied) is type(error)
        assert str(copied) == str(error)
        assert copied == error or not attrs.has(type(error))
    assert [other for other, _ in EXAMPLES if other == error] == [error]


@each
def test_error_can_be_chained_annotated_and_grouped(error: ReservationError, remedy: str) -> None:
    error = copy.deepcopy(error)
    with pytest.raises(type(error)) as caught:
        raise error from KeyError("cause")
    assert caught.value is error
    assert isinstance(error.__cause__, KeyError)
    error.add_note("asked by a test")
    printed = "".join(traceback.format_exception(error))
    assert "asked by a test" in printed
    assert remedy in printed
    with pytest.raises(type(error)) as again:
        _raise_instead(error)
    assert isinstance(again.value.__context__, ValueError)
    assert again.value.__suppress_context__
    with pytest.raises(ExceptionGroup) as group:
        raise ExceptionGroup("several", [error])
    assert group.value.subgroup(type(error)) is not None


def test_notes_survive_pickling_and_copying() -> None:
    error = NotSent("no connection")
    error.add_note("asked by a test")
    for back in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert getattr(back, "__notes__", None) == ["asked by a test"]


def test_errors_of_different_classes_are_not_equal() -> None:
    assert NotFound(404) == NotFound(404) != Refused(404)
    assert NotSent("x") == NotSent("x") != GatewayError("x")
    assert LostRace(412) != LostRace(412, reservation=HELD)
    assert len({NotFound(404), NotFound(404), Refused(404), ServerFailed(404)}) == 3
    assert NotSent("x") != cast("object", "x")


@each
def test_fields_of_an_error_are_frozen(error: ReservationError, remedy: str) -> None:
    """Python itself may still set its attributes."""
    assert remedy
    for name in _fields(error):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(error, name, None)
    error.__traceback__ = None


def test_raw_status_is_kept_but_not_shown() -> None:
    error = UnknownStatus(
        (PayloadFault("reservation_status", "is not a status", "<personal>"),), "+15005550006"
    )
    assert error.raw_status == "+15005550006"
    assert "15005550006" not in f"{error} {error!r} {''.join(traceback.format_exception(error))}"


def test_every_error_is_in_one_branch() -> None:
    for kind in KINDS:
        branches = [
            branch
            for branch in (CommandError, ReplyError, GatewayError)
            if issubclass(kind, branch)
        ]
        assert len(branches) == (kind is not ReservationError)


def test_violation_and_fault_print_and_pickle() -> None:
    assert str(FAULT) == "links.task: is not a URL (got 5)"
    assert str(PayloadFault("sid", "is missing")) == "sid: is missing"
    assert (
        str(VIOLATION)
        == "To = <personal>: must be a contact (platform error 40137). Give a contact."
    )
    assert pickle.loads(pickle.dumps((FAULT, VIOLATION))) == (FAULT, VIOLATION)
    assert str(InvalidCommand("Call", (VIOLATION,))).splitlines() == [
        "Call cannot be sent:",
        f"  {VIOLATION}",
    ]


def test_refusal_shows_status_code_message_and_link() -> None:
    error = Refused(
        http_status=400,
        code=20001,
        message="Reservation is gone",
        more_info="https://www.twilio.com/docs/errors/20001",
    )
    assert str(error) == (
        "HTTP 400, code 20001: Reservation is gone "
        "(see https://www.twilio.com/docs/errors/20001). "
        "Correct the request before sending it again."
    )
    assert str(Refused(418)) == "HTTP 418: no message. Correct the request before sending it again."
    assert "code 0" in str(Refused(400, 0))
