"""Settings of the emulated platform: unsettled behavior, and limits.

A behavior has a setting only if sources allow more than one interpretation. Every setting has a
default, a description and the evidence of the default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, cast, get_type_hints

import attrs

from reservation_core.domain.errors import hides_locals
from reservation_core.domain.evidence import Evidence, Source
from reservation_core.domain.lifecycle import ON_HOLD, Status
from reservation_core.domain.member_docs import document_members
from reservation_core.domain.redaction import shorten
from reservation_core.emulator.platform.settings_file import (
    SettingsFileError,
    read_settings_file,
    write_settings_file,
)


@document_members
class ErrorCodes(StrEnum):
    """Error number in the body of a 400."""

    DICTIONARY = "dictionary"
    """The number of the error dictionary, such as 40136."""
    GENERIC = "generic"
    """The number 20001."""
    NONE = "none"
    """The body has no ``code``."""


@document_members
class StatusAndInstruction(StrEnum):
    """Result of an update with both a status and an instruction."""

    REFUSED = "refused"
    """The update is refused."""
    INSTRUCTION = "instruction"
    """The instruction is carried out and the status is ignored."""
    STATUS = "status"
    """The status is set and the instruction is ignored."""


@document_members
class EmptyUpdate(StrEnum):
    """Result of an update with neither a status nor an instruction."""

    REFUSED = "refused"
    """The update is refused."""
    UNCHANGED = "unchanged"
    """The reply is a 200 with the reservation as it is."""


@document_members
class OnHoldStatus(StrEnum):
    """Status that a body shows while the reservation is on hold."""

    PENDING = Status.PENDING.value
    """The status that the reservation still has."""
    ACCEPTED = Status.ACCEPTED.value
    """The status that follows if the call setup succeeds."""
    ON_HOLD = ON_HOLD
    """The word of the error messages. The API description does not have it."""


@document_members
class SystemStatus(StrEnum):
    """Result of a client's update to a status of the platform."""

    REFUSED = "refused"
    """The update is refused."""
    CARRIED_OUT = "carried out"
    """The update is carried out if the lifecycle has such a fact."""


@document_members
class ForeignParameters(StrEnum):
    """Treatment of a parameter of another command."""

    IGNORED = "ignored"
    """The parameter is ignored."""
    REFUSED = "refused"
    """The update is refused."""


@document_members
class BlankValues(StrEnum):
    """Treatment of an empty parameter value."""

    CHECKED = "checked"
    """It is checked as any other value."""
    UNSET = "unset"
    """It is treated as if the parameter were missing."""


@document_members
class AttributesWithStatus(StrEnum):
    """Treatment of attributes in a task's update to wrapping or completed."""

    IGNORED = "ignored"
    """The status is set and the attributes stay as they are."""
    APPLIED = "applied"
    """Both are set."""
    REFUSED = "refused"
    """The update is refused."""


@attrs.frozen
class SettingInfo:
    """Description of a setting, with the evidence and source of its default."""

    description: str
    evidence: Evidence = Evidence.UNKNOWN
    source: Source = Source.OWN_INTERPRETATION


def _copy_accounts(accounts: Mapping[str, str]) -> Mapping[str, str]:
    for username, password in accounts.items():
        if not username or ":" in username or not password:
            raise ValueError(
                "accounts must map non-empty usernames without a colon to non-empty passwords"
            )
    return dict(accounts)


def _read_word(name: str, word: str, kind: type[StrEnum]) -> StrEnum:
    try:
        return kind(word)
    except ValueError:
        raise ValueError(f"{name} must be one of {', '.join(kind)}, not {word!r}") from None


@attrs.frozen(kw_only=True, eq=False)
class Settings:
    """Settings of an emulated platform. :func:`describe_settings` describes each field.

    A file can keep them: :meth:`save`, :meth:`load`. The accounts are secret and never in a file.

    A setting with words takes a member of its class, or the word as text.

    :raises ValueError: for another word, a number out of bounds, or an account that Basic
        authentication cannot carry.
    """

    state_codes: ErrorCodes = ErrorCodes.GENERIC
    instruction_codes: ErrorCodes = ErrorCodes.DICTIONARY
    both_given: StatusAndInstruction = StatusAndInstruction.INSTRUCTION
    neither_given: EmptyUpdate = EmptyUpdate.REFUSED
    checks_version_first: bool = True
    has_quoted_etag: bool = False
    on_hold_shown_as: OnHoldStatus = OnHoldStatus.PENDING
    can_reject_on_hold: bool = False
    can_rescind_on_hold: bool = False
    orchestrated_accept: bool = False
    dequeue_rescinds: bool = False
    accepts_unanswered: bool = False
    system_status: SystemStatus = SystemStatus.REFUSED
    foreign_parameters: ForeignParameters = ForeignParameters.IGNORED
    blank_values: BlankValues = BlankValues.UNSET
    dequeue_needs_from: bool = False
    conference_needs_from: bool = False
    redirects_only_task_calls: bool = False
    strict: bool = False
    accounts: Mapping[str, str] = attrs.field(
        factory=dict[str, str], converter=_copy_accounts, repr=False
    )
    rate_limit: int | None = None
    attributes_with_status: AttributesWithStatus = AttributesWithStatus.IGNORED
    task_end_needs_reason: bool = False
    can_leave_with_pending: bool = True
    worker_capacity: int = 1
    refills_reservations: bool = True
    reservation_timeout: int = 120
    delete_after: float = 300
    max_rounds: int = 1000
    callback_timeout: float = 5
    max_body_bytes: int = 65_536
    journal_length: int = 10_000

    def __attrs_post_init__(self) -> None:
        for field in attrs.fields(Settings):
            if isinstance(field.default, StrEnum):
                word = _read_word(field.name, getattr(self, field.name), type(field.default))
                object.__setattr__(self, field.name, word)
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise ValueError(f"{name} must be from {low:g} to {high:g}, not {value!r}")

    @classmethod
    @hides_locals(SettingsFileError)
    def load(cls, path: str | Path) -> Settings:
        """Return the settings of a file. What it does not name has its default.

        :param path: a JSON file, or TOML if its name ends in ``.toml``.
        :raises SettingsFileError: if the file is missing or damaged, or a setting in it is unknown
            or has a wrong value. The error names the file, the setting and the remedy.
        """
        path = Path(path)
        hints = get_type_hints(cls)
        values = read_settings_file(path, {name: hints[name] for name in _STORED})
        for name, value in values.items():
            try:
                cls(**{name: cast("Any", value)})
            except ValueError as error:
                bounds = str(error).partition(" must be ")[2].partition(", not ")[0]
                problem, remedy = f"is {shorten(value)}", f"It must be {bounds}"
                raise SettingsFileError(str(path), problem, remedy, name) from None
        return cls(**cast("dict[str, Any]", values))

    def save(self, path: str | Path) -> None:
        """Write all settings but the accounts to a file.

        :param path: a JSON file, or TOML if its name ends in ``.toml``. It is replaced.
        :raises SettingsFileError: if it cannot be written.
        """
        write_settings_file(Path(path), {name: getattr(self, name) for name in _STORED})


_BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "rate_limit": (1, 1e6),
    "worker_capacity": (1, 1e6),
    "reservation_timeout": (1, 86_400),
    "delete_after": (0, 1e9),
    "max_rounds": (1, 1e6),
    "callback_timeout": (0.001, 3600),
    "max_body_bytes": (1, 1e9),
    "journal_length": (1, 1e9),
}
_DESCRIPTIONS: Final[Mapping[str, SettingInfo]] = {
    "state_codes": SettingInfo(
        "error number of a 400 for a state conflict; generic does not apply to supervise",
        Evidence.OBSERVED,
        Source.PUBLIC_CODE,
    ),
    "instruction_codes": SettingInfo(
        "error number of a 400 for an invalid parameter or an unmet precondition", Evidence.INFERRED
    ),
    "both_given": SettingInfo(
        "result of an update with both a status and an instruction; strict refuses it"
    ),
    "neither_given": SettingInfo("result of an update with neither a status nor an instruction"),
    "checks_version_first": SettingInfo(
        "If-Match is compared (412) before the form and the state are checked (400)"
    ),
    "has_quoted_etag": SettingInfo(
        "the ETag is in quotes; If-Match is accepted with and without",
        Evidence.OBSERVED,
        Source.WORKER_SDK,
    ),
    "on_hold_shown_as": SettingInfo("status that is shown while a reservation is on hold"),
    "can_reject_on_hold": SettingInfo("a reservation on hold can be rejected"),
    "can_rescind_on_hold": SettingInfo(
        "a reservation on hold is rescinded when a sibling is accepted; otherwise it is canceled"
    ),
    "orchestrated_accept": SettingInfo(
        "an accept puts the reservation on hold first, as in Flex; a task can have its own value",
        Evidence.DOCUMENTED,
        Source.CANCELED_HELP,
    ),
    "dequeue_rescinds": SettingInfo(
        "a dequeue rescinds the pending siblings at once, as a conference does (documented)"
    ),
    "accepts_unanswered": SettingInfo(
        "a missed call accepts the reservation; by default it is canceled (sources contradict)",
        Evidence.OBSERVED,
        Source.PUBLIC_CODE,
    ),
    "system_status": SettingInfo(
        "result of a client's update to pending, timeout, canceled or rescinded"
    ),
    "foreign_parameters": SettingInfo(
        "treatment of a parameter of another command; strict refuses it",
        Evidence.INFERRED,
        Source.RESERVATIONS,
    ),
    "blank_values": SettingInfo("treatment of an empty parameter value; strict checks it"),
    "dequeue_needs_from": SettingInfo(
        "a dequeue without a caller ID is refused (40132)",
        Evidence.DOCUMENTED,
        Source.ASSIGNMENT_CALLBACK,
    ),
    "conference_needs_from": SettingInfo(
        "a conference without a caller ID is refused (40138)",
        Evidence.DOCUMENTED,
        Source.RESERVATIONS,
    ),
    "redirects_only_task_calls": SettingInfo(
        "a redirect of another call than the task's is refused (40122)"
    ),
    "strict": SettingInfo(
        "blank, foreign and unknown parameters, a status with an instruction and invalid list "
        "queries are refused",
        Evidence.OBSERVED,
        Source.WORKER_SDK,
    ),
    "accounts": SettingInfo("allowed usernames and passwords; all are allowed if empty"),
    "rate_limit": SettingInfo(
        "requests per second of one operation before a 429; None for no limit"
    ),
    "attributes_with_status": SettingInfo(
        "treatment of attributes in a task's update to wrapping or completed (documented: the two"
        " need two requests)",
        Evidence.INFERRED,
        Source.TASKS,
    ),
    "task_end_needs_reason": SettingInfo(
        "a task's update to canceled or completed is refused without a reason (documented as"
        " required; public code leaves it out)",
        Evidence.OBSERVED,
        Source.PUBLIC_CODE,
    ),
    "can_leave_with_pending": SettingInfo(
        "a worker with pending reservations can change to an unavailable activity; they stay"
    ),
    "worker_capacity": SettingInfo(
        "number of live reservations of a worker before a routed task is not offered to it",
        Evidence.INFERRED,
        Source.WORKER_CHANNELS,
    ),
    "refills_reservations": SettingInfo(
        "a routed task that lost one of several reservations is offered to the next worker at once;"
        " otherwise when all of them have ended"
    ),
    "reservation_timeout": SettingInfo(
        "seconds until a pending reservation times out, unless its task has its own timeout",
        Evidence.DOCUMENTED,
        Source.LIMITS,
    ),
    "delete_after": SettingInfo(
        "seconds between a task's end and its deletion, with its reservations",
        Evidence.DOCUMENTED,
        Source.LIFECYCLE,
    ),
    "max_rounds": SettingInfo(
        "number of times a task is reserved without an accept before it is canceled",
        Evidence.DOCUMENTED,
        Source.LIMITS,
    ),
    "callback_timeout": SettingInfo(
        "seconds for the response to an assignment callback",
        Evidence.DOCUMENTED,
        Source.ASSIGNMENT_CALLBACK,
    ),
    "max_body_bytes": SettingInfo("size of a request's body in bytes before a 413"),
    "journal_length": SettingInfo("number of journal entries that are kept"),
}


_STORED: Final = tuple(name for name in _DESCRIPTIONS if name != "accounts")
"""Names of the settings that a file has."""


def describe_settings() -> Iterator[tuple[str, object, SettingInfo]]:
    """Yield the name, default and description of every setting, in their order."""
    defaults = Settings()
    for name, description in _DESCRIPTIONS.items():
        yield name, getattr(defaults, name), description
