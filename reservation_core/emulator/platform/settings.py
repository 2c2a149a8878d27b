"""Settings of the emulated platform: unsettled behavior, and limits.

A behavior has a setting only if sources allow more than one interpretation. Every setting has a
default, a description and the evidence of the default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Final, TypeVar, cast

import attrs

from reservation_core.domain.evidence import Evidence, Source
from reservation_core.domain.lifecycle import ON_HOLD, Status

_SETTING: Final = "reservation_core.setting"
_T = TypeVar("_T")


class ErrorCodes(StrEnum):
    """Error number in the body of a 400."""

    DICTIONARY = "dictionary"  #: the dictionary's number, such as 40136
    GENERIC = "generic"  #: 20001
    NONE = "none"  #: no ``code`` in the body


class StatusAndInstruction(StrEnum):
    """Result of an update with both a status and an instruction."""

    REFUSED = "refused"
    INSTRUCTION = "instruction"  #: the status is ignored
    STATUS = "status"  #: the instruction is ignored


class EmptyUpdate(StrEnum):
    """Result of an update with neither a status nor an instruction."""

    REFUSED = "refused"
    UNCHANGED = "unchanged"  #: a 200 with the reservation as it is


class OnHoldStatus(StrEnum):
    """Status that a body shows while the reservation is on hold."""

    PENDING = Status.PENDING.value
    ACCEPTED = Status.ACCEPTED.value
    ON_HOLD = ON_HOLD  #: occurs in error messages, but not in the API description


class SystemStatus(StrEnum):
    """Result of a client's update to a status of the platform."""

    REFUSED = "refused"
    CARRIED_OUT = "carried out"  #: if the lifecycle has such a fact


class ForeignParameters(StrEnum):
    """Treatment of a parameter of another command."""

    IGNORED = "ignored"
    REFUSED = "refused"


class BlankValues(StrEnum):
    """Treatment of an empty parameter value."""

    CHECKED = "checked"  #: as any other value
    UNSET = "unset"  #: as if the parameter were missing


@attrs.frozen
class SettingInfo:
    """Description of a setting, with the evidence and source of its default."""

    description: str
    evidence: Evidence
    source: Source


def _about(
    description: str,
    evidence: Evidence = Evidence.UNKNOWN,
    source: Source = Source.OWN_INTERPRETATION,
) -> dict[str, object]:
    return {_SETTING: SettingInfo(description, evidence, source)}


def _between(low: float, high: float) -> Callable[[object, attrs.Attribute[_T], _T], None]:
    def check(_: object, field: attrs.Attribute[_T], value: _T) -> None:
        if value is not None and not low <= cast("float", value) <= high:
            raise ValueError(f"{field.name} must be from {low:g} to {high:g}, not {value!r}")

    return check


def _copy_accounts(accounts: Mapping[str, str]) -> Mapping[str, str]:
    for username, password in accounts.items():
        if not username or ":" in username or not password:
            raise ValueError(
                "accounts must map non-empty usernames without a colon to non-empty passwords"
            )
    return dict(accounts)


@attrs.frozen(kw_only=True, eq=False)
class Settings:
    """Settings of an emulated platform. :func:`describe_settings` describes each field.

    :raises ValueError: for a number out of bounds, or an account that Basic authentication cannot
        carry.
    """

    state_codes: ErrorCodes = attrs.field(
        default=ErrorCodes.GENERIC,
        metadata=_about(
            "error number of a 400 for a command that does not fit the state (for supervise the"
            " dictionary's, unless none)"
        ),
    )
    instruction_codes: ErrorCodes = attrs.field(
        default=ErrorCodes.DICTIONARY,
        metadata=_about(
            "error number of a 400 for an invalid parameter or an unmet precondition",
            Evidence.INFERRED,
        ),
    )
    both_given: StatusAndInstruction = attrs.field(
        default=StatusAndInstruction.REFUSED,
        metadata=_about("result of an update with both a status and an instruction"),
    )
    neither_given: EmptyUpdate = attrs.field(
        default=EmptyUpdate.REFUSED,
        metadata=_about("result of an update with neither a status nor an instruction"),
    )
    checks_version_first: bool = attrs.field(
        default=True,
        metadata=_about(
            "If-Match is compared (412) before the form and the state are checked (400)"
        ),
    )
    has_quoted_etag: bool = attrs.field(
        default=False,
        metadata=_about(
            "the ETag is in quotes; If-Match is accepted with and without",
            Evidence.OBSERVED,
            Source.WORKER_SDK,
        ),
    )
    on_hold_shown_as: OnHoldStatus = attrs.field(
        default=OnHoldStatus.PENDING,
        metadata=_about("status that is shown while a reservation is on hold"),
    )
    can_reject_on_hold: bool = attrs.field(
        default=False, metadata=_about("a reservation on hold can be rejected")
    )
    can_rescind_on_hold: bool = attrs.field(
        default=False,
        metadata=_about("a reservation on hold is rescinded when a sibling is accepted"),
    )
    system_status: SystemStatus = attrs.field(
        default=SystemStatus.REFUSED,
        metadata=_about(
            "result of a client's update to pending, timeout, canceled or rescinded",
            Evidence.INFERRED,
            Source.RESERVATIONS,
        ),
    )
    foreign_parameters: ForeignParameters = attrs.field(
        default=ForeignParameters.IGNORED,
        metadata=_about(
            "treatment of a parameter of another command; strict refuses it",
            Evidence.INFERRED,
            Source.RESERVATIONS,
        ),
    )
    blank_values: BlankValues = attrs.field(
        default=BlankValues.CHECKED, metadata=_about("treatment of an empty parameter value")
    )
    dequeue_needs_from: bool = attrs.field(
        default=False,
        metadata=_about(
            "a dequeue without a caller ID is refused (40132)",
            Evidence.DOCUMENTED,
            Source.ASSIGNMENT_CALLBACK,
        ),
    )
    conference_needs_from: bool = attrs.field(
        default=False,
        metadata=_about(
            "a conference without a caller ID is refused (40138)",
            Evidence.DOCUMENTED,
            Source.RESERVATIONS,
        ),
    )
    redirects_only_task_calls: bool = attrs.field(
        default=False,
        metadata=_about("a redirect of another call than the task's is refused (40122)"),
    )
    strict: bool = attrs.field(
        default=False,
        metadata=_about(
            "unknown fields and odd page sizes are refused, not tolerated",
            Evidence.OBSERVED,
            Source.WORKER_SDK,
        ),
    )
    accounts: Mapping[str, str] = attrs.field(
        factory=dict[str, str],
        converter=_copy_accounts,
        repr=False,
        metadata=_about("allowed credentials, username and password; everybody if empty"),
    )
    rate_limit: int | None = attrs.field(
        default=None,
        metadata=_about("requests per second of one operation before a 429; None for no limit"),
        validator=_between(1, 1e6),
    )
    reservation_timeout: int = attrs.field(
        default=120,
        metadata=_about(
            "seconds until a pending reservation times out, unless its task has its own timeout",
            Evidence.DOCUMENTED,
            Source.LIMITS,
        ),
        validator=_between(1, 86_400),
    )
    delete_after: float = attrs.field(
        default=300,
        metadata=_about(
            "seconds between a task's end and its deletion, with its reservations",
            Evidence.DOCUMENTED,
            Source.LIFECYCLE,
        ),
        validator=_between(0, 1e9),
    )
    max_rounds: int = attrs.field(
        default=1000,
        metadata=_about(
            "number of times a task is reserved in vain before it is canceled",
            Evidence.DOCUMENTED,
            Source.LIMITS,
        ),
        validator=_between(1, 1e6),
    )
    callback_timeout: float = attrs.field(
        default=5,
        metadata=_about(
            "seconds for the response to an assignment callback",
            Evidence.DOCUMENTED,
            Source.ASSIGNMENT_CALLBACK,
        ),
        validator=_between(0.001, 3600),
    )
    max_body_bytes: int = attrs.field(
        default=65_536,
        metadata=_about("size of a request's body in bytes before a 413"),
        validator=_between(1, 1e9),
    )
    journal_length: int = attrs.field(
        default=10_000,
        metadata=_about("number of journal entries that are kept"),
        validator=_between(1, 1e9),
    )


def describe_settings() -> Iterator[tuple[str, object, SettingInfo]]:
    """Return name, default and description of every setting, in their order."""
    defaults = Settings()
    for field in attrs.fields(Settings):
        yield field.name, getattr(defaults, field.name), field.metadata[_SETTING]
