"""Pages of a list of reservations, requested one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reservation_core.domain.reservation import Reservation
from reservation_core.gateways.port import AsyncGateway, Gateway
from reservation_core.rest.errors import MalformedReply, PayloadFault
from reservation_core.rest.listing import ListQuery, conclude_list, prepare_list
from reservation_core.rest.messages import Reply, Request


class Pages:
    """Requests of a list, and the reservations of each reply."""

    def __init__(
        self,
        query: ListQuery,
        gateway: Gateway | AsyncGateway,
        on_unreadable: Callable[[MalformedReply], object] | None = None,
    ) -> None:
        self._query = query
        self._on_unreadable = on_unreadable
        self._origin: str | None = getattr(gateway, "origin", None)
        self._next: Request | None = prepare_list(query)

    def requests(self) -> Iterator[Request]:
        """Yield the request for each page. Raise for a page that was already read."""
        paths: set[str] = set()
        while (request := self._next) is not None:
            if request.path in paths:
                problem = "leads back to a page that was already read"
                raise MalformedReply(
                    (PayloadFault("meta.next_page_url", problem, "<not followed>"),)
                )
            paths.add(request.path)
            yield request

    def read(self, reply: Reply) -> tuple[Reservation, ...]:
        """Return the reservations of one page."""
        page = conclude_list(
            self._query, reply, origin=self._origin, on_unreadable=self._on_unreadable
        )
        self._next = page.next_request
        return page.reservations
