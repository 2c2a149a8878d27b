"""Reading a reservation out of what the platform sends: a REST body, a worker-SDK body, an assignment callback's form.

Read generously: unknown keys are left alone, nullable fields may be null or missing, dates may be ISO 8601 or epoch seconds. But
nothing is guessed: a SID that is none, a status outside the eight, a date that is no date are faults, all of them reported together,
each with its path.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Final, TypeAlias, cast

from reservation_core.domain.lifecycle import Status
from reservation_core.domain.redaction import mask, shorten
from reservation_core.domain.reservation import Links, Reservation, ReservationBuilder
from reservation_core.rest.addresses import SID_PREFIXES, compile_sid_check, is_sid
from reservation_core.rest.errors import MalformedReply, PayloadFault, UnknownStatus
from reservation_core.rest.urlencoding import decode_form

Payload: TypeAlias = Mapping[str, object] | str | bytes

CALLBACK_FIELDS: Final = {
    "ReservationSid": "sid",
    "AccountSid": "account_sid",
    "WorkspaceSid": "workspace_sid",
    "TaskSid": "task_sid",
    "WorkerSid": "worker_sid",
    "WorkerName": "worker_name",
}
"""A reservation's fields by the names that forms have for them."""

_STATUS: Final = "reservation_status"
_ABSENT: Final = object()
_JSON: Final = json.JSONDecoder()


def read_reservation(payload: Payload, *, etag: str | None = None) -> Reservation:
    """Read a reservation.

    :param payload: a REST body (a mapping, or its JSON as ``str`` or ``bytes``), or an assignment callback (a mapping of its form
        fields, or the form as it was sent). A callback reports no status; it is sent for a pending reservation.
    :param etag: the version that came with it, where one did.
    :raises MalformedReply: with every fault; :class:`UnknownStatus`, which carries the raw word, when the status is one of them.

    >>> read_reservation({"sid": "WR" + "a" * 32, "reservation_status": "wrapping"}).status
    <Status.WRAPPING: 'wrapping'>
    """
    body = read_object(payload) if isinstance(payload, (str, bytes)) else payload
    if "ReservationSid" in body and _STATUS not in body:
        return read_callback(body, etag=etag)
    return read_resource(body, etag=etag)


def read_object(text: str | bytes) -> Mapping[str, object]:
    """Read a JSON object, or a form, from text.

    :raises MalformedReply: when it is neither.
    """
    text = read_text(text)
    if (
        not text.startswith("{") and "ReservationSid=" in text and text.lstrip()[:1].isalpha()
    ):  # no JSON object begins with a letter
        return read_fields(text)
    body = read_json(text)
    if not isinstance(body, dict):
        raise MalformedReply(
            (PayloadFault("(body)", f"is a JSON {json_type_name(body)}, not an object"),)
        )
    return cast("dict[str, object]", body)


def read_text(text: str | bytes) -> str:
    """Decode a body, which is UTF-8, with or without a byte order mark.

    :raises MalformedReply: when it is not.
    """
    if isinstance(text, bytes):
        try:
            return text.decode().removeprefix("\ufeff")  # the codec that skips the mark is no C
        except UnicodeDecodeError:
            raise MalformedReply((PayloadFault("(body)", "is not UTF-8 text"),)) from None
    return text


def read_json(text: str) -> object:
    """Read any JSON value.

    :raises MalformedReply: when it is none.
    """
    try:
        if text.startswith("{"):
            body, end = _JSON.raw_decode(
                text
            )  # as ``decode``, without looking for white space around it
            if end == len(text):
                return body
        return _JSON.decode(text)
    except (ValueError, RecursionError) as error:
        where = (
            f" at line {error.lineno}, column {error.colno}"
            if isinstance(error, json.JSONDecodeError)
            else ""
        )
        raise MalformedReply(
            (
                PayloadFault(
                    "(body)",
                    f"is neither JSON nor a callback's form{where}" if text.strip() else "is empty",
                ),
            )
        ) from None


def read_fields(text: str) -> Mapping[str, object]:
    """Read a form: the list of its values by each name.

    :raises MalformedReply: when what is escaped is no UTF-8, or there are more than a thousand fields.
    """
    fields: dict[str, list[str]] = {}
    try:
        for name, value in decode_form(text.strip()):
            fields.setdefault(name, []).append(value)
    except ValueError:
        raise MalformedReply(
            (PayloadFault("(body)", "is neither JSON nor a callback's form"),)
        ) from None
    return fields


def read_resource(
    body: Mapping[str, object],
    *,
    etag: str | None = None,
    path: str = "",
    links: Links | None = None,
) -> Reservation:
    """Read a reservation resource that is already an object.

    :param path: where it stands in a larger body.
    :param links: those that are held; told again, they are kept and not made anew.
    """
    get = body.get
    faults: list[PayloadFault] = []
    word = get(_STATUS, _ABSENT)
    status = _STATUSES.get(word) if isinstance(word, str) else None
    try:
        seen: tuple[object, ...] = _sids_in(body)
    except KeyError:  # what is not there is not told
        seen = tuple(map(get, SID_PREFIXES))
    sids = seen if _are_sids(seen) else _read_sids(body, path, faults)
    if status is None:
        faults.append(_status_fault(path, word))
    created = read_date(get("date_created"), path + "date_created", faults)
    updated = read_date(get("date_updated"), path + "date_updated", faults)
    worker_name, url, linked = get("worker_name"), get("url"), get("links")
    if not isinstance(worker_name, str):
        worker_name = _read_text(worker_name, path + "worker_name", faults)
    if not isinstance(url, str):
        url = _read_text(url, path + "url", faults)
    links = None if linked is None else _read_links(linked, path, faults, links)
    if faults or status is None:
        if status is None and isinstance(word, str):
            raise UnknownStatus(tuple(faults), word)
        raise MalformedReply(tuple(faults))
    made = ReservationBuilder()
    made.sid, made.account_sid, made.workspace_sid, made.task_sid, made.worker_sid = sids
    made.worker_name = worker_name
    made.status = status
    made.date_created = created
    made.date_updated = updated
    made.url = url
    made.links = links
    made.etag = etag or None
    made.on_hold = False
    return made.build()


_STATUSES: Final = {status.value: status for status in Status}
_are_sids: Final = compile_sid_check(*SID_PREFIXES)
_sids_in: Final = itemgetter(*SID_PREFIXES)


def read_callback(
    form: Mapping[str, object], *, etag: str | None = None, faults: Sequence[PayloadFault] = ()
) -> Reservation:
    """Read an assignment callback: nothing in it names a status, and it is sent when the worker is reserved, so it is pending.

    :param faults: what is found wrong already, to be raised with everything else.
    """
    if "EventType" in form:
        faults = [
            *faults,
            PayloadFault(
                "EventType",
                "makes this an event callback, whose status is not pending; read it as an event",
            ),
        ]
    return read_renamed(form, CALLBACK_FIELDS, Status.PENDING, etag=etag, faults=faults)


def read_renamed(
    told: Mapping[str, object],
    names: Mapping[str, str],
    status: Status,
    *,
    etag: str | None = None,
    path: str = "",
    faults: Sequence[PayloadFault] = (),
) -> Reservation:
    """Read a reservation whose fields have other names, and whose status is known otherwise; an empty field is none.

    :param names: the field by the name it has there.
    :param path: where it stands in a larger body.
    :param faults: what is found wrong already, to be raised with everything else.
    """
    faults = list(faults)
    fields: dict[str, object] = {_STATUS: status.value}
    for name, field in names.items():
        fields[field] = single_value(told, name, path, faults) or None
    named = {field: path + name for name, field in names.items()}
    if fields["sid"] is None:
        faults.append(PayloadFault(named["sid"], "is missing or empty"))
    try:
        reservation = read_resource(fields, etag=etag)
    except MalformedReply as error:
        faults += [
            PayloadFault(named[fault.path], fault.problem, fault.value) for fault in error.faults
        ]
        raise MalformedReply(tuple(faults)) from None
    if faults:
        raise MalformedReply(tuple(faults))
    return reservation


def single_value(
    told: Mapping[str, object], name: str, path: str, faults: list[PayloadFault]
) -> object:
    """Take a field's value; parsers that keep repeated keys give a list, and more than one value is a fault."""
    value = told.get(name)
    if isinstance(value, list):
        values = cast("list[object]", value)
        value = values[0] if values else None
        if len(values) > 1:
            faults.append(PayloadFault(path + name, f"is given {len(values)} times"))
    return value


def _status_fault(path: str, word: object) -> PayloadFault:
    if word is _ABSENT:
        return PayloadFault(path + _STATUS, "is missing")
    known = ", ".join(Status)
    return PayloadFault(path + _STATUS, f"is none of {known}", shorten(word))


def _read_sids(
    body: Mapping[str, object], path: str, faults: list[PayloadFault]
) -> Sequence[str | None]:
    """Read the five SIDs one by one, in the order of their fields: some are missing, or a fault."""
    sids: list[str | None] = []
    for field, prefix in SID_PREFIXES.items():
        name, value = field, body.get(field)
        if field == "task_sid" and value is None and isinstance(task := body.get("task"), Mapping):
            name, value = (
                "task.sid",
                cast("Mapping[str, object]", task).get("sid"),
            )  # the worker SDK's bodies nest the task
        if value is None or is_sid(value, field):
            sids.append(value)
        else:
            sids.append(None)
            faults.append(
                PayloadFault(
                    path + name,
                    f"is not a SID ({prefix} and 32 hexadecimal digits)",
                    shorten(value),
                )
            )
    return sids


def _read_text(value: object, path: str, faults: list[PayloadFault]) -> str | None:
    if value is None or isinstance(value, str):
        return value
    faults.append(PayloadFault(path, f"is a JSON {json_type_name(value)}, not a text"))
    return None


def read_date(value: object, path: str, faults: list[PayloadFault]) -> datetime | None:
    """Read ISO 8601 (without an offset it is GMT, as the reference has it) or epoch seconds, as an aware datetime in UTC."""
    if value is None:
        return None
    try:
        if isinstance(value, str):
            date = datetime.fromisoformat(value)
            if date.tzinfo is UTC:
                return date
            return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    faults.append(
        PayloadFault(path, "is neither an ISO 8601 date nor epoch seconds", shorten(value))
    )
    return None


def _read_links(
    value: object, path: str, faults: list[PayloadFault], held: Links | None
) -> Links | None:
    if not isinstance(value, (dict, Mapping)):
        faults.append(
            PayloadFault(path + "links", f"is a JSON {json_type_name(value)}, not an object")
        )
        return None
    given = cast("Mapping[str, object]", value)
    if held is not None and tuple(given.items()) == held.pairs:
        return held
    pairs: list[tuple[str, str]] = []
    for name, link in given.items():
        if isinstance(link, str):
            pairs.append((name, link))
        elif link is not None:
            faults.append(
                PayloadFault(
                    f"{path}links.{mask(name)}", f"is a JSON {json_type_name(link)}, not a text"
                )
            )
    return Links(tuple(pairs))


_NAMES: Final[Mapping[type, str]] = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    type(None): "null",
}


def json_type_name(value: object) -> str:
    """Say what a value is, in JSON's words."""
    return _NAMES.get(type(value), type(value).__name__)
