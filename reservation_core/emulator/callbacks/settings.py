"""Callback URLs of the emulator, its signing token, and simulated unreliability."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

import attrs

from reservation_core.domain.commands.kinds import Uri
from reservation_core.domain.errors import hides_locals
from reservation_core.emulator.platform.model import ResourceEventType
from reservation_core.webhooks.events import EVENT_STATUSES
from reservation_core.webhooks.request import redact_url

_NIL: Final = "0" * 32
_NAME: Final = "Emulator"

DEFAULT_FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "WorkspaceName": _NAME,
        "WorkflowSid": f"WW{_NIL}",
        "WorkflowName": _NAME,
        "TaskQueueSid": f"WQ{_NIL}",
        "TaskQueueName": _NAME,
        "TaskQueueTargetExpression": "1==1",
        "TaskChannelSid": f"TC{_NIL}",
        "TaskChannelUniqueName": "default",
        "TaskPriority": "0",
        "TaskIgnoreCapacity": "false",
        "WorkerActivitySid": f"WA{_NIL}",
        "WorkerActivityName": "Available",
        "OperatingUnitSid": f"OU{_NIL}",
    }
)
"""Values of callback fields that the emulator does not know."""

ALL_EVENT_TYPES: Final = (*EVENT_STATUSES, *(type_.value for type_ in ResourceEventType))
"""Types of all events that the emulator sends."""

_URI: Final = Uri()


@hides_locals(ValueError)
def _check_url(_: object, field: attrs.Attribute[str | None], url: str | None) -> None:
    if url is not None and not is_callable_url(url):
        raise ValueError(
            f"{field.name} must be an http or https URL in ASCII, without user information. "
            "Escape other characters"
        )


def is_callable_url(url: str) -> bool:
    """Return true if the emulator can call a URL."""
    if not url.isascii() or " " in url or _URI.find_problem(url) or "@" in urlsplit(url).netloc:
        return False
    with suppress(ValueError):  # the port is greater than 65535
        return urlsplit(url).port != 0
    return False


def _check_share(_: object, field: attrs.Attribute[float], share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"{field.name} must be from 0 (never) to 1 (always), not {share!r}")


@hides_locals(ValueError)
def _check_token(_: object, __: object, token: str | None) -> None:
    if token is not None and (not token or token != token.strip()):
        raise ValueError(
            "auth_token must not be empty or surrounded by white space. "
            "Omit it to send unsigned callbacks"
        )


def _url_repr(url: str | None) -> str:
    return repr(url and redact_url(url))


def _convert_fields(given: Mapping[str, str]) -> Mapping[str, str]:
    if not all(isinstance(text, str) for pair in given.items() for text in pair):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError("fields must map names to strings")
    return {**DEFAULT_FIELDS, **given}


def _convert_types(types: Iterable[str] | None) -> frozenset[str]:
    return frozenset(ALL_EVENT_TYPES if types is None else types)


def _check_types(_: object, __: object, types: frozenset[str]) -> None:
    if unknown := types.difference(ALL_EVENT_TYPES):
        raise ValueError(
            f"event_types must be among {', '.join(ALL_EVENT_TYPES)}: {len(unknown)} are not"
        )


@attrs.frozen(kw_only=True, eq=False)
class CallbackSettings:
    """Callback URLs of an emulator, and how reliably they are called.

    By default only the URLs of workflows and workspaces are called, if they have any. The fragment
    of a URL is never sent.

    :param assignment_url: called for each new reservation whose workflow has no URL.
    :param fallback_url: called when the assignment URL gives no valid response.
    :param event_url: called for each event of a workspace that has no URL.
    :param calls_resources: true to call the URLs that clients set for workflows and workspaces.
    :param auth_token: token that signs every callback, as the platform does with the account's;
        ``None`` for unsigned callbacks.
    :param event_types: events to send, such as ``reservation.accepted``; ``None`` for all.
    :param fields: values of callback fields that the emulator does not know. They replace or
        extend :data:`DEFAULT_FIELDS`.
    :param duplicates: share of the callbacks that are sent twice, from 0 (none) to 1 (all).
    :param reordered: share of the events that arrive after later ones, from 0 to 1.
    :param seed: seed of the random choice of duplicates and reordered events.
    :raises ValueError: for a URL that cannot be called, an invalid token, an unknown event type
        or a share out of range.
    """

    assignment_url: str | None = attrs.field(default=None, validator=_check_url, repr=_url_repr)
    fallback_url: str | None = attrs.field(default=None, validator=_check_url, repr=_url_repr)
    event_url: str | None = attrs.field(default=None, validator=_check_url, repr=_url_repr)
    auth_token: str | None = attrs.field(default=None, validator=_check_token, repr=False)
    event_types: frozenset[str] = attrs.field(
        default=None, converter=_convert_types, validator=_check_types
    )
    fields: Mapping[str, str] = attrs.field(
        default=DEFAULT_FIELDS, converter=_convert_fields, repr=False
    )
    duplicates: float = attrs.field(default=0.0, validator=_check_share)
    reordered: float = attrs.field(default=0.0, validator=_check_share)
    seed: int = 0
    calls_resources: bool = True

    @property
    def urls(self) -> tuple[str, ...]:
        """All URLs that are set."""
        return tuple(filter(None, (self.assignment_url, self.fallback_url, self.event_url)))
