"""Pages of a list of reservations: their requests and replies. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple, cast
from urllib.parse import urlsplit

import attrs

from reservation_core.domain.commands.kinds import Integer
from reservation_core.domain.commands.parsing import STATUS_FIELD
from reservation_core.domain.errors import IncompleteReservation, ReplyError, hides_locals
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.addresses import Address, Route, collection_path, is_sid
from reservation_core.rest.bodies import mismatch, read_object
from reservation_core.rest.error_payload import read_error
from reservation_core.rest.errors import MalformedReply, PayloadFault
from reservation_core.rest.field_reader import FieldReader
from reservation_core.rest.messages import Reply, Request
from reservation_core.rest.reservation_payload import read_resource
from reservation_core.rest.urlencoding import encode_form

WORKER_SID_FILTER: Final = "WorkerSid"
"""The query parameter that filters a task's list by worker."""

PAGE_SIZE: Final = "PageSize"
"""The query parameter of the page size."""

LARGEST_PAGE: Final = 1000
"""The largest page that the platform sends (documented)."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def _check_page_size(_: object, field: attrs.Attribute[int | None], value: object) -> None:
    problem = None if value is None else Integer(1, LARGEST_PAGE).find_problem(value)
    if problem is not None:
        raise ValueError(f"{field.name} {problem.rule}")


@attrs.frozen(kw_only=True)
class ListQuery:
    """Query for the reservations of a task or of a worker.

    :param task_sid: lists the reservations of this task. Without it, ``worker_sid`` is required.
    :param worker_sid: lists the reservations of this worker, of the task if it is given too.
    :param status: lists only the reservations in this status.
    :param page_size: reservations per page, 1 to 1000. The platform's default is 50.
    :raises ValueError: if the status or the page size is not valid.
    """

    workspace_sid: str
    task_sid: str | None = None
    worker_sid: str | None = None
    status: Status | None = attrs.field(default=None, converter=attrs.converters.optional(Status))
    page_size: int | None = attrs.field(default=None, validator=_check_page_size)

    @property
    def route(self) -> Route:
        """The route of the list."""
        return Route.WORKER if self.task_sid is None else Route.TASK

    @property
    def path(self) -> str:
        """The path of the list.

        :raises IncompleteReservation: if a SID in it is unset or not a SID.
        """
        address = Address(
            workspace_sid=self.workspace_sid, task_sid=self.task_sid, worker_sid=self.worker_sid
        )
        return collection_path(address, self.route)


class ReservationPage(NamedTuple):
    """One page of a list, and the request of the next page."""

    reservations: tuple[Reservation, ...]
    next_request: Request | None


def prepare_list(query: ListQuery) -> Request:
    """Build the request of the first page.

    :raises IncompleteReservation: if a SID is unset or not a SID.
    """
    path = query.path
    worker_sid = query.worker_sid if query.route is Route.TASK else None
    if worker_sid is not None and not is_sid(worker_sid, "worker_sid"):
        raise IncompleteReservation(("worker_sid",))
    filters = (
        (STATUS_FIELD, query.status),
        (WORKER_SID_FILTER, worker_sid),
        (PAGE_SIZE, query.page_size),
    )
    pairs = tuple((name, str(value)) for name, value in filters if value is not None)
    return Request("GET", f"{path}?{encode_form(pairs).decode()}" if pairs else path)


@hides_locals(ReplyError)
def conclude_list(
    query: ListQuery,
    reply: Reply,
    *,
    origin: str | None = None,
    on_unreadable: Callable[[MalformedReply], object] | None = None,
) -> ReservationPage:
    """Read the reply with one page.

    :param origin: the gateway's origin (``https://host[:port]``), if it is known. A link to a next
        page on another origin is a fault.
    :param on_unreadable: called with the error of each unreadable reservation, such as one with an
        unknown status. The others are returned. Without it, one makes the page unreadable.
    :raises ReplyError: for any other reply. A :class:`MalformedReply` has the faults of all
        reservations on the page. A page of more than 1,000 reservations is refused, too.
    """
    if not 200 <= reply.status < 300:
        raise read_error(reply, is_read_only=True)
    reader = FieldReader(read_object(reply.body))
    reservations = tuple(_read_rows(reader, on_unreadable))
    next_request = None
    meta: object = reader.fields.get("meta")
    fields = cast("Mapping[str, object]", meta if isinstance(meta, dict) else {})
    if (link := fields.get("next_page_url")) not in (None, ""):
        next_request = _follow_link(link, query.path, _origin_of(origin or fields.get("url")))
        if next_request is None:
            problem = "leads away from this list"
            reader.faults.add(PayloadFault("meta.next_page_url", problem, "<not followed>"))
    reader.raise_faults()
    return ReservationPage(reservations, next_request)


def _read_rows(
    reader: FieldReader, on_unreadable: Callable[[MalformedReply], object] | None
) -> Iterator[Reservation]:
    rows = reader.take("reservations")
    if not isinstance(rows, list):
        problem = "is missing" if rows is None else mismatch(rows, "a list")
        reader.add_fault("reservations", problem)
        return
    rows = cast("list[object]", rows)
    if len(rows) > LARGEST_PAGE:
        reader.add_fault("reservations", f"has {len(rows)} items, more than {LARGEST_PAGE}")
        return
    for number, item in enumerate(rows):
        if reader.faults.is_full:
            return
        row = FieldReader(item, f"reservations[{number}]")
        try:
            row.raise_faults()
            yield read_resource(row.fields, path=row.path)
        except MalformedReply as error:
            if on_unreadable is None:
                reader.faults.extend(error.faults, error.omitted)
            else:
                on_unreadable(error)


def _origin_of(url: object) -> str | None:
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname:
        return None
    is_default = port is None or port == _DEFAULT_PORTS.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname}{'' if is_default else f':{port}'}"


def _follow_link(link: object, path: str, own_origin: str | None) -> Request | None:
    """Build the request of a link, ``None`` if it leaves the list."""
    if not isinstance(link, str) or not re.fullmatch("[!-~]+", link):
        return None
    origin = _origin_of(link)
    if origin is None and not re.match("/(?!/)", link):
        return None
    if None not in (origin, own_origin) and origin != own_origin:
        return None
    link_path, _, query = link.partition("#")[0].partition("?")
    if not link_path.endswith(path):  # a gateway's base URL may have a path of its own
        return None
    return Request("GET", f"{path}?{query}" if query else path)
