"""A callback, its result, and the alert about a failed one."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

import attrs

from reservation_core.domain.commands.extra import FormPairs
from reservation_core.domain.member_docs import document_members
from reservation_core.rest.messages import Headers, show_names
from reservation_core.rest.urlencoding import encode_form
from reservation_core.webhooks.request import redact_url

RETRIEVAL_FAILURE: Final = 11200
"""Error number of a webhook without a valid response."""

CONNECTION_FAILURE: Final = 11205
"""Error number of a webhook that cannot be connected to."""

NO_JSON_TYPE: Final = 40000
"""Error number of a response that is not declared as JSON."""

UNREADABLE_JSON: Final = 40001
"""Warning number of a response that is not a JSON object."""

NO_INSTRUCTION: Final = 40005
"""Warning number of a response without an instruction."""


@document_members
class CallbackKind(StrEnum):
    """Kind of a callback."""

    ASSIGNMENT = "assignment"
    """The assignment callback of a new reservation."""
    FALLBACK = "fallback"
    """The same assignment callback, sent to the fallback URL."""
    EVENT = "event"
    """An event callback."""

    @property
    def is_event(self) -> bool:
        """True for an event callback."""
        return self is CallbackKind.EVENT


@attrs.frozen(kw_only=True, eq=False)
class Callback:
    """One request to send.

    :param number: 1-based number of the callback; the two copies of a duplicate share it.
    :param reservation_sid: the reservation; empty for the event of a task or a worker.
    :param fallback_url: URL to call if this one gives no valid response; ``None`` for none.
    :param url: the URL without its fragment.
    :param event: type of the event, such as ``reservation.accepted``; ``None`` for an
        assignment callback.
    :param form: the form, redacted in the ``repr``.
    :param again: true for the second copy of a duplicate.
    """

    number: int
    kind: CallbackKind
    reservation_sid: str
    url: str = attrs.field(repr=lambda url: repr(redact_url(url)))
    headers: Headers
    form: FormPairs = attrs.field(repr=show_names)
    event: str | None = None
    again: bool = False
    fallback_url: str | None = attrs.field(default=None, repr=False)

    @property
    def subject_sid(self) -> str:
        """SID of the reservation, the task or the worker."""
        return self.reservation_sid or dict(self.form).get("ResourceSid", "")

    @property
    def body(self) -> bytes:
        """The form, encoded."""
        return encode_form(self.form)


@attrs.frozen(kw_only=True, eq=False)
class SentCallback:
    """Result of sending a callback.

    :param number: 1-based number in the order of the results.
    :param at: the platform's time when the result was known.
    :param status: HTTP status of the response; ``None`` without a response.
    :param seconds: duration of the exchange in seconds.
    :param outcome: effect of the response, or the reason of the failure.
    """

    number: int
    callback: Callback
    at: datetime
    status: int | None
    seconds: float
    outcome: str


@attrs.frozen
class CallbackAlert:
    """Failed callback, as the alerts of the platform's console report it.

    :param callback: number of the callback.
    :param at: the platform's time of the failure.
    :param code: number in the platform's error dictionary; ``None`` if it has none.
    """

    callback: int
    reservation_sid: str
    at: datetime
    code: int | None
    text: str

    @property
    def is_warning(self) -> bool:
        """True if the platform reports it as a warning only."""
        return self.code in (UNREADABLE_JSON, NO_INSTRUCTION)
