"""The rules that are more than one parameter's type: over several parameters of a command, and those that sources dispute.

The first are refused when they are broken. The second are met by a caution: the command is built, and both readings are shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.parameters import Dispute, Interpretation, Rule
from reservation_core.domain.evidence import Evidence, Source

# --- rules over several parameters -----------------------------------------------------------------------------------------------


def _is_sip(contact: str) -> bool:
    return contact[:5].lower().startswith(("sip:", "sips:"))


def _rings_too_long(timeout: int, to: str) -> bool:
    return timeout > 600 and _is_sip(to)


def _no_number(from_: str, to: str) -> bool:
    digits = from_.removeprefix("+")  # documented examples have caller IDs without the plus
    return to[0] == "+" and not (3 <= len(digits) <= 15 and digits.isascii() and digits.isdecimal())


def _no_sip_user(from_: str, to: str) -> bool:
    return _is_sip(to) and re.fullmatch(r"[^\s@:]+", from_) is None


SIP_RINGS_600_SECONDS: Final = Rule(
    ("timeout", "to"),
    _rings_too_long,
    "must be at most 600 seconds when the contact is a SIP address",
    "give 600 or less",
)
NUMBER_CALLS_NUMBER: Final = Rule(
    ("from_", "to"),
    _no_number,
    "must be a phone number when the contact is one",
    "give a number of yours, + and its country code first",
)
USER_CALLS_SIP: Final = Rule(
    ("from_", "to"),
    _no_sip_user,
    "must be a SIP user part when the contact is a SIP address",
    "give the part before the @, without sip:",
)

# --- rules that sources dispute --------------------------------------------------------------------------------------------------


_Case: TypeAlias = Callable[[object, Command], bool]


def _unset(value: object, _: Command) -> bool:
    return value is None


def _set(value: object, _: Command) -> bool:
    return value is not None


def _like(pattern: str) -> _Case:
    return lambda value, _: (
        isinstance(value, str) and re.search(pattern, value, re.IGNORECASE) is not None
    )


def _outside(minimum: int, maximum: int) -> _Case:
    return lambda value, _: isinstance(value, int) and not minimum <= value <= maximum


def _without_sip(value: object, command: Command) -> bool:
    to = getattr(command, "to", None)
    return value is not None and to is not None and not _is_sip(to)


def _dispute(
    when: _Case,
    first: tuple[str, Source],
    second: tuple[str, Source],
    taken: str,
    evidence: Evidence = Evidence.DOCUMENTED,
) -> Dispute:
    return Dispute(when, (Interpretation(*first), Interpretation(*second)), taken, evidence)


LEGS: Final = _dispute(
    _like(r"^(?!(?:record-from-answer|do-not-record)$)"),
    ("record-from-answer and do-not-record are the values", Source.ASSIGNMENT_CALLBACK),
    ("a value may also say which leg to record", Source.RESERVATIONS),
    "any word is sent",
)
BARE_NAME: Final = _dispute(
    _like(r"^(?!\+|client:|sips?:|app:)"),
    ("a contact is a number, client:name or a SIP address", Source.RESERVATIONS),
    ("an example calls a client by its bare name", Source.ASSIGNMENT_CALLBACK),
    "sent as given; client:name is the sure way to say it",
)
APP: Final = _dispute(
    _like("^app:"),
    ("a contact is a number, client:name or a SIP address", Source.RESERVATIONS),
    ("the participants API also takes an application", Source.PARTICIPANTS),
    "sent as given",
)
RING: Final = _dispute(
    _outside(1, 600),
    ("a call rings up to 999 seconds", Source.RESERVATIONS),
    ("the calls API stops at 600", Source.CALLS),
    "1 to 999, and 600 for a SIP address",
)
PARTICIPANT_RING: Final = _dispute(
    _outside(5, 600),
    ("a call rings up to 999 seconds", Source.RESERVATIONS),
    ("the participants API takes 5 to 600", Source.PARTICIPANTS),
    "1 to 999, and 600 for a SIP address",
)
NO_CALLER: Final = _dispute(
    _unset,
    ("the caller ID is required", Source.RESERVATIONS),
    ("without it the number that the caller dialled is shown", Source.ASSIGNMENT_CALLBACK),
    "sent without; give it to be sure",
)
NO_CONFERENCE_CALLER: Final = _dispute(
    _unset,
    ("the caller ID is optional", Source.RESERVATIONS),
    ("40138 and 40141 are the answers to its absence", Source.ERROR_DICTIONARY),
    "sent without; give it to be sure",
)
NO_ACTIVITY: Final = _dispute(
    _unset,
    ("without it the worker's previous activity is taken", Source.RESERVATIONS),
    ("it is listed as required, and without it the activity stays", Source.ASSIGNMENT_CALLBACK),
    "sent without",
)
REDIRECT_ACCEPTS: Final = _dispute(
    _unset,
    ("unset means that nothing is accepted", Source.RESERVATIONS),
    ("a redirect is said to accept the reservation", Source.ASSIGNMENT_CALLBACK),
    "unset accepts nothing; say which you mean",
)
CALLBACK_METHOD: Final = _dispute(
    _set,
    ("the callback is a GET", Source.ASSIGNMENT_CALLBACK),
    ("the method is not stated", Source.RESERVATIONS),
    "unknown: be ready for both methods",
)
SPACE_IN_URL: Final = _dispute(
    _like(" "),
    ("a URL must be well formed", Source.ERROR_DICTIONARY),
    ("the official clients send one with a space as it is", Source.WORKER_SDK),
    "sent as given; write %20 to be sure",
)
RECORD_TYPE: Final = _dispute(
    _set,
    ("the value is a boolean", Source.RESERVATIONS),
    ("the worker SDK sends a word such as do-not-record", Source.WORKER_SDK),
    "a boolean",
)
NEWER_REGION: Final = _dispute(
    _like("^(?:us2|de1)$"),
    ("there are eight regions", Source.RESERVATIONS),
    ("the worker SDK knows six, without us2 and de1", Source.WORKER_SDK),
    "eight",
)
CROWD: Final = _dispute(
    _unset,
    ("250 take part unless it is said otherwise", Source.RESERVATIONS),
    ("the worker SDK says 10", Source.WORKER_SDK),
    "250",
)
SINGLE_TASKING: Final = _dispute(
    _set,
    ("the activity is changed after the work", Source.RESERVATIONS),
    ("it is deprecated, and not valid in a multitasking workspace", Source.ERROR_DICTIONARY),
    "sent as given",
)
SIP_ONLY: Final = _dispute(
    _without_sip,
    ("it can have an effect only when the contact is a SIP address", Source.PARTICIPANTS),
    ("nothing says that the platform refuses it otherwise", Source.OPENAPI),
    "it is sent as given",
    Evidence.INFERRED,
)
FLEX_ONLY: Final = _dispute(
    _set,
    ("wrapping is for Flex accounts", Source.RESERVATIONS),
    ("it is for multitasking workspaces in general", Source.LIFECYCLE),
    "allowed everywhere",
)
SPOKEN: Final = _dispute(
    _set,
    ("the callback page does not have conference among its answers", Source.ASSIGNMENT_CALLBACK),
    ("the call-control page answers a callback with it", Source.CALL_CONTROL),
    "allowed there as over REST",
)
UNLISTED: Final = _dispute(
    _set,
    ("the reservations page does not list supervise", Source.RESERVATIONS),
    ("the API description, the error dictionary and the worker SDK have it", Source.OPENAPI),
    "allowed on the task route",
)
