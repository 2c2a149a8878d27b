"""Rules over several parameters of a command.

A command that breaks one cannot be built.
"""

from __future__ import annotations

import re
from typing import Final

from reservation_core.domain.commands.parameters import Rule


def is_sip(contact: str) -> bool:
    """Return True if a contact is a SIP address."""
    return contact[:5].lower().startswith(("sip:", "sips:"))


def _rings_too_long(timeout: int, to: str) -> bool:
    return timeout > 600 and is_sip(to)


def _is_not_number(from_: str, to: str) -> bool:
    digits = from_.removeprefix("+")  # documented examples have caller IDs without the plus
    return to[0] == "+" and not (3 <= len(digits) <= 15 and digits.isascii() and digits.isdecimal())


def _is_not_sip_user(from_: str, to: str) -> bool:
    return is_sip(to) and re.fullmatch(r"[^\s@:]+", from_) is None


SIP_RINGS_600_SECONDS: Final = Rule(
    ("timeout", "to"),
    _rings_too_long,
    "must be at most 600 seconds when the contact is a SIP address",
    "",
)
NUMBER_CALLS_NUMBER: Final = Rule(
    ("from_", "to"),
    _is_not_number,
    "must be a phone number when the contact is a phone number",
    "give one of your numbers, starting with + and its country code",
)
USER_CALLS_SIP: Final = Rule(
    ("from_", "to"),
    _is_not_sip_user,
    "must be a SIP user part when the contact is a SIP address",
    "give the part before the @, without sip:",
)
