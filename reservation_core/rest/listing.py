"""Listing reservations, a page at a time: which are wanted, the request for a page, and what a page says."""

from __future__ import annotations

import re
from typing import Final, NamedTuple, cast

import attrs

from reservation_core.domain.commands.kinds import Integer
from reservation_core.domain.commands.parsing import STATUS_FIELD
from reservation_core.domain.errors import IncompleteReservation
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.addresses import Route, collection_path, is_sid
from reservation_core.rest.bodies import read_object
from reservation_core.rest.error_payload import read_error
from reservation_core.rest.errors import MalformedReply, PayloadFault
from reservation_core.rest.messages import Reply, Request
from reservation_core.rest.reservation_payload import read_resource
from reservation_core.rest.urlencoding import encode_form

WORKER_SID_FILTER: Final = "WorkerSid"
PAGE_SIZE: Final = "PageSize"


def _check_page_size(_: object, field: attrs.Attribute[int | None], value: object) -> None:
    problem = None if value is None else Integer(1, 1000).find_problem(value)
    if problem is not None:
        raise ValueError(f"{field.name} {problem.rule}")


@attrs.frozen(kw_only=True)
class ListQuery:
    """Which reservations to list: those of a task (some worker's, if one is named), or else those of a worker.

    :param status: only those in this status.
    :param page_size: how many a page, 1 to 1000; the platform's default is 50.
    """

    workspace_sid: str
    task_sid: str | None = None
    worker_sid: str | None = None
    status: Status | None = attrs.field(default=None, converter=attrs.converters.optional(Status))
    page_size: int | None = attrs.field(default=None, validator=_check_page_size)

    @property
    def route(self) -> Route:
        """The route that lists them."""
        return Route.WORKER if self.task_sid is None else Route.TASK


class ReservationPage(NamedTuple):
    """One page of a list, and the request for the next one, where there is one."""

    reservations: tuple[Reservation, ...]
    next_request: Request | None


def prepare_list(query: ListQuery) -> Request:
    """Make the request for the first page.

    :raises IncompleteReservation: when a SID is missing or is none.
    """
    path = collection_path(query, query.route)
    wanted = [
        (STATUS_FIELD, query.status),
        (WORKER_SID_FILTER, query.worker_sid),
        (PAGE_SIZE, query.page_size),
    ]
    if query.route is Route.WORKER:
        del wanted[1]
    elif query.worker_sid is not None and not is_sid(query.worker_sid, "worker_sid"):
        raise IncompleteReservation(("worker_sid",))
    pairs = tuple((name, str(value)) for name, value in wanted if value is not None)
    return Request("GET", path + ("?" + encode_form(pairs).decode() if pairs else ""))


def conclude_list(query: ListQuery, reply: Reply, *, origin: str | None = None) -> ReservationPage:
    """Read a page.

    :param origin: the gateway's own (``https://host[:port]``), where it is known; a next page elsewhere is refused.
    :raises ReplyError: for every other answer, with the faults of every reservation on the page.
    """
    if not 200 <= reply.status < 300:
        raise read_error(reply)
    body = read_object(reply.body)
    rows: object = body.get("reservations")
    if not isinstance(rows, list):
        raise MalformedReply(
            (
                PayloadFault(
                    "reservations", "is not a list" if "reservations" in body else "is missing"
                ),
            )
        )
    faults: list[PayloadFault] = []
    reservations: list[Reservation] = []
    for number, row in enumerate(cast("list[object]", rows)):
        path = f"reservations[{number}]"
        if not isinstance(row, dict):
            faults.append(PayloadFault(path, "is not an object"))
            continue
        try:
            reservations.append(read_resource(cast("dict[str, object]", row), path=path))
        except MalformedReply as error:
            faults.extend(error.faults)
    meta: object = body.get("meta")
    link = cast("dict[str, object]", meta).get("next_page_url") if isinstance(meta, dict) else None
    next_request = None
    if link is not None:
        own = _origin(origin or cast("dict[str, object]", meta).get("url"))
        next_request = _follow_link(link, collection_path(query, query.route), own)
        if next_request is None:
            faults.append(
                PayloadFault("meta.next_page_url", "leads away from this list", "<not followed>")
            )
    if faults:
        raise MalformedReply(tuple(faults))
    return ReservationPage(tuple(reservations), next_request)


def _origin(url: object) -> str | None:
    from urllib.parse import urlsplit  # noqa: PLC0415 - only for lists, and the import is not small

    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname:
        return None
    usual = {"http": 80, "https": 443}.get(parts.scheme) == port
    return f"{parts.scheme}://{parts.hostname}" + ("" if port is None or usual else f":{port}")


def _follow_link(link: object, path: str, origin: str | None) -> Request | None:
    """Make a request of a link to the next page of the list at ``path``, unless it leads anywhere else."""
    if not isinstance(link, str) or not re.fullmatch("[!-~]+", link):
        return None
    its = _origin(link)
    if its is None and not re.match("/(?!/)", link):
        return None
    if None not in (its, origin) and its != origin:
        return None
    there, _, query = link.partition("#")[0].partition("?")
    if not there.endswith(path):  # a gateway's base URL may have a path of its own
        return None
    return Request("GET", path + (f"?{query}" if query else ""))
