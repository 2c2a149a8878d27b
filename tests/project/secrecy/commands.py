"""Canaries in commands, reservations and their documents."""

from __future__ import annotations

from typing import Any, Final

from reservation_core import (
    Command,
    CommandNotAllowed,
    Conference,
    IncompleteReservation,
    InvalidCommand,
    Reservation,
    Status,
    explain,
    prepare,
)
from reservation_core.domain.errors import InvalidDocument
from tests.project.secrecy.canaries import CONTACT, NAME, PASSWORD, PHONE, TOKEN, Case

FORM: Final = (
    ("Instruction", "conference"),
    ("To", PHONE),
    ("From", NAME),
    ("SipAuthPassword", PASSWORD),
)
CONFERENCE: Final = Conference(
    to=PHONE, from_="+15005550001", sip_auth_password=PASSWORD, extra=(("Unknown", TOKEN),)
)
RESERVATION: Final = Reservation(
    sid="WR" + "a" * 32,
    workspace_sid="WS" + "a" * 32,
    task_sid="WT" + "a" * 32,
    worker_sid="WK" + "a" * 32,
    worker_name=NAME,
    status=Status.PENDING,
    etag="1",
)


def _from_form(*more: tuple[str, str]) -> Case:
    return Case(lambda: Command.from_form((*FORM, *more)), InvalidCommand)


def _from_instruction(**more: object) -> Case:
    document = {"instruction": "conference", "to": PHONE, "from": NAME, **more}
    return Case(lambda: Command.from_instruction(document), InvalidCommand)


def _from_dict(kind: Any, document: object, error: type[Exception] = InvalidDocument) -> Case:
    return Case(lambda: kind.from_dict(document), error)


CASES: Final = {
    "a command": Case(lambda: CONFERENCE),
    "a reservation": Case(lambda: RESERVATION),
    "documents to log": Case(
        lambda: [each.to_redacted_dict() for each in (CONFERENCE, RESERVATION)]
    ),
    "a request": Case(lambda: prepare(RESERVATION, CONFERENCE)),
    "cautions": Case(lambda: [CONFERENCE.cautions, CONFERENCE.callback_cautions]),
    "a decision": Case(lambda: explain(RESERVATION, CONFERENCE)),
    "invalid arguments": Case(
        lambda: Conference(to=PHONE, from_=NAME, sip_auth_password=f"{PASSWORD}\n"), InvalidCommand
    ),
    "a wrong type": Case(lambda: Conference(to=[PHONE]), InvalidCommand),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    "a form with a wrong value": _from_form(("Timeout", "soon")),
    "a form with two values": _from_form(("To", CONTACT), ("SipAuthPassword", TOKEN)),
    "a form of another command": _from_form(("DequeueFrom", PHONE)),
    "a form with unknown parameters": _from_form((CONTACT, TOKEN), ("Unknown", f"{NAME}\ud800")),
    "a form without a command": Case(lambda: Command.from_form(FORM[1:]), InvalidCommand),
    "a form of two commands": _from_form(("ReservationStatus", PHONE)),
    "a form with an unknown command": Case(
        lambda: Command.from_form((("Instruction", CONTACT), *FORM[1:])), InvalidCommand
    ),
    "a form for another class": Case(lambda: Conference.from_form(FORM), InvalidCommand),
    "an instruction with a wrong value": _from_instruction(timeout="soon"),
    "an instruction with a nested value": _from_instruction(sip_auth_password=[PASSWORD, TOKEN]),
    "an unknown instruction": _from_instruction(instruction=CONTACT),
    "a document of a command": _from_dict(Command, {"form": [PHONE, PASSWORD]}),
    "a document of an invalid command": _from_dict(
        Command, {"form": [["Timeout", "soon"], *FORM]}, InvalidCommand
    ),
    "a document of a reservation": _from_dict(
        Reservation, {"status": NAME, "worker_name": [NAME], "date_created": PHONE}
    ),
    "a refused command": Case(
        lambda: prepare(RESERVATION.with_status(Status.CANCELED), CONFERENCE), CommandNotAllowed
    ),
    "a reservation without an address": Case(
        lambda: prepare(Reservation(status="pending", worker_name=NAME), CONFERENCE),
        IncompleteReservation,
    ),
}
