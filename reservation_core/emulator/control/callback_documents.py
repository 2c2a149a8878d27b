"""CallbackQueue on the control surface: who is called back, what was sent and what went wrong. A token can be set there, and is never shown."""

from __future__ import annotations

from typing import cast

from reservation_core.emulator.callbacks.model import SentCallback
from reservation_core.emulator.callbacks.queue import CallbackQueue
from reservation_core.emulator.callbacks.settings import CallbackSettings
from reservation_core.emulator.documents import as_json
from reservation_core.rest.errors import PayloadFault
from reservation_core.rest.field_reader import FieldReader
from reservation_core.webhooks.events import EVENT_STATUSES
from reservation_core.webhooks.request import redact_url


def show_callbacks(notices: CallbackQueue) -> object:
    """Show who is called back, and how reliably."""
    now = notices.settings
    return {
        "assignment_url": now.assignment_url and redact_url(now.assignment_url),
        "fallback_url": now.fallback_url and redact_url(now.fallback_url),
        "event_url": now.event_url and redact_url(now.event_url),
        "signed": now.auth_token is not None,
        "event_types": sorted(now.event_types),
        "fields": now.fields,
        "duplicates": now.duplicates,
        "reordered": now.reordered,
        "seed": now.seed,
    }


def read_callbacks(read: FieldReader) -> CallbackSettings:
    """Read who is to be called back.

    :raises UnreadableOrder: with everything that cannot be read.
    :raises ValueError: for what :class:`CallbackSettings` refuses.
    """
    fields = read.mapping("fields") or {}
    read.faults.extend(
        PayloadFault(f"fields.{name}", "is no text")
        for name, value in fields.items()
        if not isinstance(value, str)
    )
    types = read.choices("event_types", tuple(EVENT_STATUSES))
    assignment_url, fallback_url, event_url = (
        read.text(name) for name in ("assignment_url", "fallback_url", "event_url")
    )
    auth_token = read.text("auth_token")
    duplicates, reordered = (
        read.number("duplicates", 0.0, maximum=1),
        read.number("reordered", 0.0, maximum=1),
    )
    seed = read.integer("seed", 0)
    read.finish()
    return CallbackSettings(
        assignment_url=assignment_url,
        fallback_url=fallback_url,
        event_url=event_url,
        auth_token=auth_token,
        event_types=types or None,
        fields=cast("dict[str, str]", fields),
        duplicates=duplicates,
        reordered=reordered,
        seed=seed,
    )


def show_sent(notices: CallbackQueue, since: int) -> object:
    """Show the notices sent after a number, with what came of each, and how many wait."""
    sent = [show_notice(one) for one in list(notices.sent) if one.number > since]
    return {"waiting": notices.waiting_count, "sent": sent}


def show_notice(sent: SentCallback) -> object:
    """Show a notice that was sent, with what came of it."""
    notice = sent.callback
    return {
        "number": sent.number,
        "notice": notice.number,
        "kind": notice.kind,
        "event": notice.event,
        "again": notice.again,
        "reservation_sid": notice.reservation_sid,
        "url": redact_url(notice.url),
        "form": dict(notice.form),
        "at": sent.at,
        "status": sent.status,
        "seconds": sent.seconds,
        "outcome": sent.outcome,
    }


def show_alerts(notices: CallbackQueue) -> object:
    """Show what went wrong, oldest first."""
    return [
        {**cast("dict[str, object]", as_json(alert)), "warning": alert.is_warning}
        for alert in list(notices.alerts)
    ]
