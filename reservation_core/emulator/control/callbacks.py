"""Callback settings, results and alerts as JSON. A signing token can be set and is never shown."""

from __future__ import annotations

from typing import Any, Final, cast

import attrs

from reservation_core.emulator.callbacks.model import SentCallback
from reservation_core.emulator.callbacks.queue import CallbackQueue
from reservation_core.emulator.callbacks.settings import ALL_EVENT_TYPES, CallbackSettings
from reservation_core.emulator.documents import as_json
from reservation_core.rest.field_reader import FieldReader
from reservation_core.webhooks.request import redact_url

_URLS: Final = ("assignment_url", "fallback_url", "event_url")


def describe_callback_settings(settings: CallbackSettings) -> object:
    """Return callback settings as JSON, without token and URL queries."""
    content = attrs.asdict(settings, filter=lambda field, _: field.name != "auth_token")
    for name in _URLS:
        content[name] = content[name] and redact_url(content[name])
    return {
        **content,
        "event_types": sorted(settings.event_types),
        "signed": settings.auth_token is not None,
    }


def read_callback_settings(body: FieldReader) -> CallbackSettings:
    """Read callback settings.

    :raises UnreadableDocument: for fields of the wrong type.
    :raises ValueError: for values that :class:`CallbackSettings` refuses.
    """
    fields = body.mapping("fields") or {}
    texts = FieldReader(fields, "fields", body.faults)
    for name, value in fields.items():
        if not isinstance(value, str):
            texts.add_fault(name, "is not a string")
    values: dict[str, Any] = {
        **{name: body.text(name) for name in (*_URLS, "auth_token")},
        "event_types": body.choices("event_types", ALL_EVENT_TYPES) or None,
        "fields": fields,
        "duplicates": body.number("duplicates", 0.0, maximum=1),
        "reordered": body.number("reordered", 0.0, maximum=1),
        "seed": body.integer("seed", 0),
        "calls_resources": body.flag("calls_resources") is not False,
    }
    body.finish()
    return CallbackSettings(**values)


def describe_sent(queue: CallbackQueue, since: int) -> object:
    """Return the results after a number as JSON.

    The count of waiting callbacks is returned with them.
    """
    sent = [describe_result(each) for each in list(queue.sent) if each.number > since]
    return {"waiting": queue.waiting_count, "sent": sent}


def describe_result(sent: SentCallback) -> object:
    """Return a result as JSON. The query of its URL is not shown."""
    callback = sent.callback
    return {
        "number": sent.number,
        "callback": callback.number,
        "kind": callback.kind,
        "event": callback.event,
        "again": callback.again,
        "reservation_sid": callback.reservation_sid,
        "url": redact_url(callback.url),
        "form": dict(callback.form),
        "at": sent.at,
        "status": sent.status,
        "seconds": sent.seconds,
        "outcome": sent.outcome,
    }


def describe_alerts(queue: CallbackQueue) -> object:
    """Return the alerts as JSON, oldest first."""
    return [
        {**cast("dict[str, object]", as_json(alert)), "warning": alert.is_warning}
        for alert in list(queue.alerts)
    ]
