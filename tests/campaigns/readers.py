"""Every reader of untrusted bytes, as one function of the bytes.

A reader may raise a :class:`ReservationError`, and what its documentation names. The growth
campaign and the fuzzing try all of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, TypeAlias, cast

from reservation_core import (
    Accept,
    Command,
    Conference,
    Reply,
    Reservation,
    ReservationError,
    read_reservation,
)
from reservation_core.book.records import Entry, HistoryLine
from reservation_core.domain.redaction import mask, shorten
from reservation_core.emulator.api.update_reading import read_pairs, read_update
from reservation_core.emulator.control.callbacks import read_callback_settings
from reservation_core.emulator.control.routes import CONTROL_ROUTES
from reservation_core.emulator.control.seed import read_seed
from reservation_core.emulator.control.surface import Control
from reservation_core.emulator.documents import UnreadableDocument, read_document
from reservation_core.emulator.faults import FaultPlan
from reservation_core.emulator.platform.clock import ManualClock
from reservation_core.emulator.platform.platform import Platform
from reservation_core.emulator.platform.settings import Settings
from reservation_core.rest.addresses import Address
from reservation_core.rest.bodies import parse_json
from reservation_core.rest.error_payload import read_error
from reservation_core.rest.fetch import conclude_fetch
from reservation_core.rest.field_reader import FieldReader
from reservation_core.rest.listing import ListQuery, conclude_list
from reservation_core.rest.update import conclude
from reservation_core.rest.urlencoding import decode_form
from reservation_core.webhooks import (
    Verifier,
    Webhook,
    read_assignment,
    read_event,
    read_events,
)
from reservation_core.webhooks.request import redact_url

Reader: TypeAlias = Callable[[bytes], object]
"""A function of untrusted bytes."""

_WS: Final = "WS" + "0" * 32
_HELD: Final = Reservation(
    status="pending",
    sid="WR" + "0" * 32,
    account_sid="AC" + "0" * 32,
    workspace_sid=_WS,
    task_sid="WT" + "0" * 32,
    worker_sid="WK" + "0" * 32,
)
_ADDRESS: Final = Address(workspace_sid=_WS, task_sid="WT" + "0" * 32, sid=_HELD.sid)
_LIST: Final = ListQuery(workspace_sid=_WS, task_sid="WT" + "0" * 32)
_CALLER: Final = Conference(
    from_="+14155550123", to="client:alice", conference_status_callback="https://x"
)
_VERIFIER: Final = Verifier("token", max_body=1 << 30)
_STRICT: Final = Settings(strict=True)
_MOST_FIELDS: Final = 1000  # there are nearly twenty such routes
_BODY_ROUTES: Final = [route for route in CONTROL_ROUTES if route.read is not None]


def ignore(_: object) -> None:
    """Take an unreadable part, and go on."""


def _mapping(body: bytes) -> Mapping[str, object]:
    value = parse_json(body)
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _pairs(body: bytes) -> tuple[tuple[str, str], ...]:
    with suppress(ValueError):
        return decode_form(body.decode(errors="replace"))
    return ()


def _webhook(content_type: str) -> Reader:
    headers = {"X-Twilio-Signature": "abc", "Content-Type": content_type}
    url = "https://example.com/a?bodySHA256=x"
    return lambda body: _VERIFIER.verify(Webhook(url, headers, body))


def _error(status: int) -> Reader:
    return lambda body: read_error(Reply(status, {"Content-Type": "application/json"}, body))


def _control(body: bytes) -> None:
    """Read some fields of a body as every control route does."""
    fields = dict(itertools.islice(read_document(body).fields.items(), _MOST_FIELDS))
    for route in _BODY_ROUTES:
        reader = FieldReader(fields, error=UnreadableDocument)
        with suppress(ReservationError, ValueError):
            assert route.read is not None
            route.read(reader)
            reader.finish()


def _surface(body: bytes) -> Reply:
    return Control(Platform(ManualClock()), FaultPlan()).receive("POST", "/_emulator/seed", body)


def _callback_settings(body: bytes) -> object:
    with suppress(ValueError):
        return read_callback_settings(read_document(body))
    return None


def _text(body: bytes) -> str:
    return body.decode(errors="surrogateescape")


READERS: Final[dict[str, Reader]] = {
    "read_event": read_event,
    "read_events": read_events,
    "read_events, lenient": lambda body: read_events(body, on_unreadable=ignore),
    "read_assignment": read_assignment,
    "read_reservation": read_reservation,
    "verify a form": _webhook("application/x-www-form-urlencoded"),
    "verify JSON": _webhook("application/json"),
    "conclude": lambda body: conclude(_HELD, _CALLER, Reply(200, {}, body)),
    "conclude_fetch": lambda body: conclude_fetch(_HELD, Reply(200, {}, body)),
    "conclude_fetch, by address": lambda body: conclude_fetch(_ADDRESS, Reply(200, {}, body)),
    "conclude_list": lambda body: conclude_list(_LIST, Reply(200, {}, body)),
    "conclude_list, lenient": lambda body: conclude_list(
        _LIST, Reply(200, {}, body), on_unreadable=ignore
    ),
    "read_error 400": _error(400),
    "read_error 503": _error(503),
    "conclude a refusal": lambda body: conclude(_HELD, _CALLER, Reply(400, {}, body)),
    "from_form": lambda body: Command.from_form(_pairs(body)),
    "from_instruction": lambda body: Command.from_instruction(_mapping(body)),
    "Accept.from_dict": lambda body: Accept.from_dict(_mapping(body)),
    "Reservation.from_dict": lambda body: Reservation.from_dict(_mapping(body)),
    "Entry.from_dict": lambda body: Entry.from_dict(_mapping(body)),
    "HistoryLine.from_dict": lambda body: HistoryLine.from_dict(_mapping(body)),
    "emulator form": lambda body: read_update(read_pairs(body), Settings()),
    "emulator form, strict": lambda body: read_update(read_pairs(body), _STRICT),
    "emulator seed": lambda body: read_seed(read_document(body)),
    "emulator control bodies": _control,
    "emulator control surface": _surface,
    "emulator callback settings": _callback_settings,
    "mask": lambda body: mask(_text(body)),
    "shorten": lambda body: shorten(_text(body)),
    "redact_url": lambda body: redact_url(_text(body)),
}
"""The readers by name."""


def read_by_first_byte(body: bytes) -> object:
    """Let the first byte choose the reader of the others."""
    readers = [*READERS.values()]
    return readers[body[0] % len(readers)](body[1:]) if body else None


def read(reader: Reader, body: bytes) -> str:
    """Read a body and show its error, and return the error's class.

    Any error that is not a :class:`ReservationError` is raised.
    """
    try:
        reader(body)
    except ReservationError as error:
        str(error)
        repr(error)
        return type(error).__name__
    return "read"
