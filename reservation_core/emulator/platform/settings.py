"""How the emulated platform behaves where no source settles it, as named settings with a default and an evidence mark.

A setting stands here only where more than one reading is live. What limits the double itself (sizes, times, accounts) stands here too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final, TypeVar, cast

import attrs

from reservation_core.domain.evidence import Evidence, Source
from reservation_core.domain.lifecycle import ON_HOLD, Status

SETTING: Final = "reservation_core.setting"
"""The metadata key under which a field of :class:`Settings` holds its :class:`SettingInfo`."""


class ErrorCodes(StrEnum):
    """Which number a 400 carries for what the platform's error dictionary has a number for."""

    DICTIONARY = "dictionary"  #: the dictionary's, such as 40136
    GENERIC = "generic"  #: 20001, the generic one
    NONE = "none"  #: no ``code`` at all


class StatusAndInstruction(StrEnum):
    """What an update is that gives a status and an instruction."""

    REFUSED = "refused"
    INSTRUCTION = "instruction"  #: the instruction counts, the status is passed over
    STATUS = "status"  #: the status counts, the instruction is passed over


class EmptyUpdate(StrEnum):
    """What an update is that gives neither a status nor an instruction."""

    REFUSED = "refused"
    UNCHANGED = "unchanged"  #: a 200 with the reservation as it is


class OnHoldStatus(StrEnum):
    """Which status a body shows while the reservation is on hold."""

    PENDING = Status.PENDING.value
    ACCEPTED = Status.ACCEPTED.value
    ON_HOLD = ON_HOLD  #: the word that the error messages know and the API description does not


class SystemStatus(StrEnum):
    """What happens when a client sets a status that only the platform is known to set."""

    REFUSED = "refused"
    CARRIED_OUT = "carried out"  #: where the lifecycle has such a fact


class ForeignParameters(StrEnum):
    """What a parameter of another command is."""

    IGNORED = "ignored"
    REFUSED = "refused"


class BlankValues(StrEnum):
    """What an empty value of a parameter is."""

    CHECKED = "checked"  #: a value like any other
    UNSET = "unset"  #: as if the parameter had not been sent


@attrs.frozen
class SettingInfo:
    """What is known of a setting: what it decides, how the default is known, and from where."""

    description: str
    evidence: Evidence
    source: Source


def _about(
    says: str, evidence: Evidence = Evidence.UNKNOWN, source: Source = Source.OWN_INTERPRETATION
) -> dict[str, object]:
    return {SETTING: SettingInfo(says, evidence, source)}


N = TypeVar("N", bound=float)


def _check_bounds(_: object, field: attrs.Attribute[N], value: N) -> None:
    low, high = _BOUNDS[field.name]
    if not low <= value <= high:
        raise ValueError(f"{field.name} must be from {low:g} to {high:g}, not {value!r}")


def _check_rate(settings: object, field: attrs.Attribute[int | None], value: int | None) -> None:
    if value is not None:
        _check_bounds(settings, cast("attrs.Attribute[int]", field), value)


def _read_accounts(accounts: Mapping[str, str]) -> Mapping[str, str]:
    for username, password in accounts.items():
        if not username or ":" in username or not password:
            raise ValueError(
                "accounts must map a username without a colon to a password, neither of them empty"
            )
    return dict(accounts)


_BOUNDS: Final = {
    "rate_limit": (1, 1e6),
    "reservation_timeout": (1, 86_400),
    "delete_after": (0, 1e9),
    "max_rounds": (1, 1e6),
    "callback_timeout": (0.001, 3600),
    "max_body_bytes": (1, 1e9),
    "journal_length": (1, 1e9),
}


@attrs.frozen(kw_only=True, eq=False)
class Settings:
    """What an emulated platform is told about itself. Every field has a default; :func:`describe_settings` tells what is known of each.

    :raises ValueError: for a number out of its bounds, or an account that Basic authentication cannot say.
    """

    state_codes: ErrorCodes = attrs.field(
        default=ErrorCodes.GENERIC,
        metadata=_about(
            "the number of a 400 for a command that does not fit the state (supervise has the dictionary's, unless none)"
        ),
    )
    instruction_codes: ErrorCodes = attrs.field(
        default=ErrorCodes.DICTIONARY,
        metadata=_about(
            "the number of a 400 for a missing or bad parameter, or for what a task or worker lacks",
            Evidence.INFERRED,
        ),
    )
    both_given: StatusAndInstruction = attrs.field(
        default=StatusAndInstruction.REFUSED,
        metadata=_about("what an update is that gives a status and an instruction"),
    )
    neither_given: EmptyUpdate = attrs.field(
        default=EmptyUpdate.REFUSED, metadata=_about("what an update is that gives neither")
    )
    checks_version_first: bool = attrs.field(
        default=True,
        metadata=_about(
            "whether If-Match is compared (412) before the form and the state are looked at (400)"
        ),
    )
    has_quoted_etag: bool = attrs.field(
        default=False,
        metadata=_about(
            "whether an ETag is in quotes; If-Match is taken either way",
            Evidence.OBSERVED,
            Source.WORKER_SDK,
        ),
    )
    on_hold_shown_as: OnHoldStatus = attrs.field(
        default=OnHoldStatus.PENDING,
        metadata=_about("which status is shown while a reservation is on hold"),
    )
    can_reject_on_hold: bool = attrs.field(
        default=False, metadata=_about("whether a reservation on hold can still be rejected")
    )
    can_rescind_on_hold: bool = attrs.field(
        default=False,
        metadata=_about("whether a reservation on hold is rescinded when a sibling is accepted"),
    )
    system_status: SystemStatus = attrs.field(
        default=SystemStatus.REFUSED,
        metadata=_about(
            "what happens when a client sets pending, timeout, canceled or rescinded",
            Evidence.INFERRED,
            Source.RESERVATIONS,
        ),
    )
    foreign_parameters: ForeignParameters = attrs.field(
        default=ForeignParameters.IGNORED,
        metadata=_about(
            "what a parameter of another command is; strict refuses it",
            Evidence.INFERRED,
            Source.RESERVATIONS,
        ),
    )
    blank_values: BlankValues = attrs.field(
        default=BlankValues.CHECKED, metadata=_about("what an empty value of a parameter is")
    )
    dequeue_needs_from: bool = attrs.field(
        default=False,
        metadata=_about(
            "whether a dequeue without a caller ID is refused (40132)",
            Evidence.DOCUMENTED,
            Source.ASSIGNMENT_CALLBACK,
        ),
    )
    conference_needs_from: bool = attrs.field(
        default=False,
        metadata=_about(
            "whether a conference without a caller ID is refused (40138)",
            Evidence.DOCUMENTED,
            Source.RESERVATIONS,
        ),
    )
    redirects_only_task_calls: bool = attrs.field(
        default=False,
        metadata=_about("whether a redirect of any call but the task's own is refused (40122)"),
    )
    strict: bool = attrs.field(
        default=False,
        metadata=_about(
            "whether unknown fields and odd page sizes are refused, not tolerated",
            Evidence.OBSERVED,
            Source.WORKER_SDK,
        ),
    )
    accounts: Mapping[str, str] = attrs.field(
        factory=dict[str, str],
        converter=_read_accounts,
        repr=False,
        metadata=_about("who is let in, username and password; everybody when empty"),
    )
    rate_limit: int | None = attrs.field(
        default=None,
        validator=_check_rate,
        metadata=_about("requests a second of one operation before a 429; None for no limit"),
    )
    reservation_timeout: int = attrs.field(
        default=120,
        validator=_check_bounds,
        metadata=_about(
            "seconds until a pending reservation times out, unless its task says",
            Evidence.DOCUMENTED,
            Source.LIMITS,
        ),
    )
    delete_after: float = attrs.field(
        default=300,
        validator=_check_bounds,
        metadata=_about(
            "seconds from its end until a task is deleted, with its reservations",
            Evidence.DOCUMENTED,
            Source.LIFECYCLE,
        ),
    )
    max_rounds: int = attrs.field(
        default=1000,
        validator=_check_bounds,
        metadata=_about(
            "how often a task is reserved in vain before it is canceled",
            Evidence.DOCUMENTED,
            Source.LIMITS,
        ),
    )
    callback_timeout: float = attrs.field(
        default=5,
        validator=_check_bounds,
        metadata=_about(
            "seconds an assignment callback has for its answer",
            Evidence.DOCUMENTED,
            Source.ASSIGNMENT_CALLBACK,
        ),
    )
    max_body_bytes: int = attrs.field(
        default=65_536,
        validator=_check_bounds,
        metadata=_about("bytes that a request's body may have before a 413"),
    )
    journal_length: int = attrs.field(
        default=10_000,
        validator=_check_bounds,
        metadata=_about("how many acts the journal remembers"),
    )


def describe_settings() -> Iterator[tuple[str, object, SettingInfo]]:
    """Tell every setting's name, its default, and what is known of it, in their order."""
    usual = Settings()
    for field in attrs.fields(Settings):
        yield field.name, getattr(usual, field.name), field.metadata[SETTING]
