"""The errors: their tree is the drawn one, they are values, and each text names the remedy."""

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
    GatewayError,
    IllegalSuccession,
    IncompleteReservation,
    Indistinguishable,
    InvalidCommand,
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
FAULT = PayloadFault("links.task", "is no URL", "5")
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
EXAMPLES: list[tuple[ReservationError, str]] = [
    # an error, and the words of its remedy
    (ReservationError(), "catch"),
    (CommandError(), "nothing was sent"),
    (InvalidCommand("Conference", (VIOLATION, VIOLATION)), "Give a contact"),
    (
        CommandNotAllowed(
            Accept(), Status.ACCEPTED, (Supervise, Complete), "it is accepted [observed: x]"
        ),
        "Allowed instead: Supervise, Complete.",
    ),
    (
        CommandNotAllowed(Accept(), Status.COMPLETED, (), "it has ended [inferred: x]"),
        "Fetch the reservation",
    ),
    (IncompleteReservation(("sid", "task_sid")), "set the field"),
    (ReplyError(), "look again"),
    (Refused(400, 20001, "no", "https://example.com/20001"), "Correct the request"),
    (Refused(400), "Correct the request"),
    (Refused(302), "base URL"),
    (LostRace(412, 20412, "moved", None, HELD), "fetch it and decide again"),
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
    (UnknownStatus((FAULT,), "reserved"), "Fetch the reservation before assuming"),
    (IllegalSuccession(Status.COMPLETED, Status.ACCEPTED), "fetch it and trust the newest"),
    (GatewayError("the connection broke"), "fetch the reservation before sending anything again"),
    (NotSent("no connection"), "may be sent again"),
    (
        OutcomeUnknown("gave up", HELD, attempts=TRIES),
        "Fetch the reservation before sending anything again",
    ),
    (
        Indistinguishable("accepted by somebody", HELD, HELD, attempts=TRIES),
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


def test_the_tree_is_the_drawn_one() -> None:
    """Each line of the drawing is a class, its parent is the line it hangs on, and no class is missing from it."""
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


def test_the_drawn_fields_are_there() -> None:
    """Each field that the drawing names is a field of that class."""
    found = 0
    for line in (errors.__doc__ or "").splitlines():
        names = re.findall(r"(?<![\w)])\.([a-z_]+)", line)
        if names and (match := re.search(r"[├└]── (\w+)", line)):
            kind = cast("type[attrs.AttrsInstance]", getattr(reservation_core, match[1]))
            assert set(names) <= {made.name for made in attrs.fields(kind)}
            found += len(names)
    assert found == 20


def test_every_error_is_public_and_has_an_example_here() -> None:
    """No error hides, and none escapes the tests below."""
    assert {kind.__name__ for kind in KINDS} <= set(reservation_core.__all__)
    assert {type(error) for error, _ in EXAMPLES} == set(KINDS)


@each
def test_a_text_names_the_remedy(error: ReservationError, remedy: str) -> None:
    """The text of an error says what to do, and is made of its fields only when it is asked for."""
    assert remedy in str(error)
    assert str(error) == str(error).strip()
    assert "None" not in str(error)
    assert "Zoë" not in f"{error} {error!r}"


@each
def test_an_error_is_a_value(error: ReservationError, remedy: str) -> None:
    """An error is equal to and hashes as its pickle and its copies; it differs from one of another class or with another field."""
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
def test_an_error_survives_what_python_does_to_errors(error: ReservationError, remedy: str) -> None:
    """An error may be raised again, chained, annotated and printed, alone or in a group."""
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


def test_notes_travel_with_an_error() -> None:
    """What was noted on an error is still there after it went through a process pool, or was copied."""
    error = NotSent("no connection")
    error.add_note("asked by a test")
    for back in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert getattr(back, "__notes__", None) == ["asked by a test"]


def test_an_error_without_fields_of_its_own_differs_from_its_parent() -> None:
    """Two errors with the same fields are equal only when they are of the same class."""
    assert NotFound(404) == NotFound(404) != Refused(404)
    assert NotSent("x") == NotSent("x") != GatewayError("x")
    assert LostRace(412) != LostRace(412, reservation=HELD)
    assert len({NotFound(404), NotFound(404), Refused(404), ServerFailed(404)}) == 3
    assert NotSent("x") != cast("object", "x")


@each
def test_an_error_cannot_be_changed(error: ReservationError, remedy: str) -> None:
    """The fields of an error are fixed; what Python itself sets on it is not."""
    assert remedy
    for name in _fields(error):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(error, name, None)
    error.__traceback__ = None


def test_a_word_of_somebody_else_is_not_shown() -> None:
    """What stood where a status should is kept for who asks for it, and shown only as the fault shows it."""
    error = UnknownStatus(
        (PayloadFault("reservation_status", "is no status", "<personal>"),), "+15005550006"
    )
    assert error.raw_status == "+15005550006"
    assert "15005550006" not in f"{error} {error!r} {''.join(traceback.format_exception(error))}"


def test_three_branches_for_three_things_to_do() -> None:
    """Every error is in exactly one of the three branches."""
    for kind in KINDS:
        branches = [
            branch
            for branch in (CommandError, ReplyError, GatewayError)
            if issubclass(kind, branch)
        ]
        assert len(branches) == (kind is not ReservationError)


def test_a_violation_and_a_fault_are_values() -> None:
    """What an error lists is frozen, compared by its fields, and says where, what and how."""
    assert str(FAULT) == "links.task: is no URL (got 5)"
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


def test_a_refusal_gives_the_platform_s_own_words() -> None:
    """HTTP status, code, message and the page to read are all in the text, and what is unknown is not made up."""
    said = Refused(
        http_status=400,
        code=20001,
        message="Reservation is gone",
        more_info="https://www.twilio.com/docs/errors/20001",
    )
    assert str(said) == (
        "HTTP 400, code 20001: Reservation is gone (see https://www.twilio.com/docs/errors/20001). Correct the request before sending it again."
    )
    assert str(Refused(418)) == "HTTP 418: no message. Correct the request before sending it again."
    assert "code 0" in str(Refused(400, 0))
