"""Rules on which the sources disagree.

A command that depends on one can be built and sent. Its ``cautions`` name the rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from reservation_core.domain.commands.cautions import Dispute, Interpretation
from reservation_core.domain.commands.rules import is_sip
from reservation_core.domain.evidence import Evidence, Source

_Condition: TypeAlias = Callable[[object, object], bool]


def _is_unset(value: object, _: object) -> bool:
    return value is None


def _is_set(value: object, _: object) -> bool:
    return value is not None


def _matches(pattern: str) -> _Condition:
    return lambda value, _: (
        isinstance(value, str) and re.search(pattern, value, re.IGNORECASE) is not None
    )


_NAMED_FORM: Final = r"\+[1-9][0-9]{1,14}|(?-i:client):\S.*|sips?:[^\s@]+@[^\s@]+"
_BARE_NAME: Final = r"[a-z_][\w.@-]*"
_APPLICATION: Final = "(?-i:app:AP)[0-9a-f]{32}"


def _is_other_than(*patterns: str) -> _Condition:
    return _matches(rf"^(?!(?:{'|'.join(patterns)})$)")


def _is_outside(minimum: int, maximum: int) -> _Condition:
    return lambda value, _: isinstance(value, int) and not minimum <= value <= maximum


def _has_no_sip_contact(value: object, command: object) -> bool:
    to = getattr(command, "to", None)
    return value is not None and to is not None and not is_sip(to)


def _dispute(
    condition: _Condition,
    first: tuple[str, Source],
    second: tuple[str, Source],
    applied: str,
    evidence: Evidence = Evidence.DOCUMENTED,
    *,
    is_about_callback: bool = False,
) -> Dispute:
    both = Interpretation(*first), Interpretation(*second)
    return Dispute(condition, both, applied, evidence, is_about_callback)


# --- disputes about a parameter ------------------------------------------------------------------

RECORDING_MODE: Final = _dispute(
    _is_other_than("record-from-answer", "do-not-record"),
    ("the values are record-from-answer and do-not-record", Source.ASSIGNMENT_CALLBACK),
    ("a value may also name the leg to record", Source.RESERVATIONS),
    "sent as given",
)
BARE_CLIENT_NAME: Final = _dispute(
    _matches(f"^{_BARE_NAME}$"),
    ("a contact is a number, client:name or a SIP address", Source.RESERVATIONS),
    ("an example calls a client by its bare name", Source.ASSIGNMENT_CALLBACK),
    "sent as given; client:name is certain to work",
)
APPLICATION_CONTACT: Final = _dispute(
    _matches(f"^{_APPLICATION}$"),
    ("a contact is a number, client:name or a SIP address", Source.RESERVATIONS),
    ("the participants API also takes an application", Source.PARTICIPANTS),
    "sent as given",
)
UNNAMED_CONTACT: Final = _dispute(
    _is_other_than(_NAMED_FORM, _BARE_NAME, _APPLICATION),
    ("a contact is a number, client:name or a SIP address", Source.RESERVATIONS),
    ("its type is a plain string, and no source says that other forms are refused", Source.OPENAPI),
    "sent as given",
    Evidence.INFERRED,
)
CONTACT_FORMS: Final = (BARE_CLIENT_NAME, APPLICATION_CONTACT, UNNAMED_CONTACT)
"""The disputes about the form of a contact. A contact meets one of them at most."""
SUPERVISOR_FORM: Final = _dispute(
    _is_other_than("(?-i:WK)[0-9a-f]{32}", _NAMED_FORM),
    ("every example has a worker SID", Source.WORKER_SDK),
    ("it is a SID or a URI, and its type is a plain string", Source.OPENAPI),
    "sent as given",
    Evidence.INFERRED,
)
CALL_TIMEOUT_LIMIT: Final = _dispute(
    _is_outside(1, 600),
    ("a call rings up to 999 seconds", Source.RESERVATIONS),
    ("the calls API stops at 600", Source.CALLS),
    "1 to 999, and 600 for a SIP address",
)
CALLER_ID_REQUIRED: Final = _dispute(
    _is_unset,
    ("the caller ID is required", Source.RESERVATIONS),
    ("without it the number that the caller dialled is shown", Source.ASSIGNMENT_CALLBACK),
    "sent without it; set it to be sure",
)
CONFERENCE_CALLER_ID_REQUIRED: Final = _dispute(
    _is_unset,
    ("the caller ID is optional", Source.RESERVATIONS),
    ("without it the platform answers with errors 40138 and 40141", Source.ERROR_DICTIONARY),
    "sent without it; set it to be sure",
)
REJECT_ACTIVITY_DEFAULT: Final = _dispute(
    _is_unset,
    ("without it the worker's previous activity is used", Source.RESERVATIONS),
    ("it is listed as required, and without it the activity stays", Source.ASSIGNMENT_CALLBACK),
    "sent without",
)
REDIRECT_ACCEPT_DEFAULT: Final = _dispute(
    _is_unset,
    ("a redirect without the flag does not accept", Source.RESERVATIONS),
    ("a redirect accepts the reservation", Source.ASSIGNMENT_CALLBACK),
    "an unset flag does not accept; set it to be sure",
)
CALLBACK_METHOD: Final = _dispute(
    _is_set,
    ("the callback is a GET", Source.ASSIGNMENT_CALLBACK),
    ("the method is not stated", Source.RESERVATIONS),
    "unknown; be ready for both methods",
)
SPACE_IN_URL: Final = _dispute(
    _matches(" "),
    ("a URL must be well formed", Source.ERROR_DICTIONARY),
    ("the official clients send a URL with a space as it is", Source.WORKER_SDK),
    "sent as given; write %20 to be sure",
)
RECORD_TYPE: Final = _dispute(
    _is_set,
    ("the value is a boolean", Source.RESERVATIONS),
    ("the worker SDK sends a word such as do-not-record", Source.WORKER_SDK),
    "a boolean; the words are read in a form",
)
NEWER_REGION: Final = _dispute(
    _matches("^(?:us2|de1)$"),
    ("there are eight regions", Source.RESERVATIONS),
    ("the worker SDK knows six, without us2 and de1", Source.WORKER_SDK),
    "all eight are allowed",
)
POST_WORK_ACTIVITY_DEPRECATED: Final = _dispute(
    _is_set,
    ("the activity is changed after the work", Source.RESERVATIONS),
    ("it is deprecated, and not valid in a multitasking workspace", Source.ERROR_DICTIONARY),
    "sent as given",
)
SIP_CREDENTIALS_WITHOUT_SIP: Final = _dispute(
    _has_no_sip_contact,
    ("it can have an effect only when the contact is a SIP address", Source.PARTICIPANTS),
    ("no source says that the platform refuses it with another contact", Source.OPENAPI),
    "it is sent as given",
    Evidence.INFERRED,
)

# --- disputes about a command itself -------------------------------------------------------------

WRAP_FOR_FLEX_ONLY: Final = _dispute(
    _is_set,
    ("wrapping is for Flex accounts", Source.RESERVATIONS),
    ("it is for multitasking workspaces in general", Source.LIFECYCLE),
    "allowed everywhere",
)
STATUS_OF_PLATFORM: Final = _dispute(
    _is_set,
    ("the platform sets this status by itself", Source.EVENTS),
    ("the API description lists it among the values of an update", Source.OPENAPI),
    "sent as given; no source shows the platform's answer",
    Evidence.UNKNOWN,
)
CONFERENCE_IN_CALLBACK: Final = _dispute(
    _is_set,
    ("the callback page does not list conference among its answers", Source.ASSIGNMENT_CALLBACK),
    ("the call-control page answers a callback with it", Source.CALL_CONTROL),
    "allowed in callbacks as over REST",
    is_about_callback=True,
)
SUPERVISE_UNLISTED: Final = _dispute(
    _is_set,
    ("the reservations page does not list supervise", Source.RESERVATIONS),
    ("the API description, the error dictionary and the worker SDK have it", Source.OPENAPI),
    "allowed on the task route",
)
