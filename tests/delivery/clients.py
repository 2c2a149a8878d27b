"""The sync and the async functions behind one interface."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import Any, TypeAlias

from reservation_core import (
    Command,
    Reservation,
    afetch,
    alist_reservations,
    aperform,
    fetch,
    list_reservations,
    perform,
)
from reservation_core.rest.addresses import Address
from tests.delivery.scripted import ScriptedGateway

Query: TypeAlias = dict[str, Any]
"""The keyword arguments of a list."""


class SyncClient:
    """The functions for threads."""

    def perform(
        self, reservation: Reservation, command: Command, gateway: ScriptedGateway, **options: Any
    ) -> Reservation:
        """Send a command."""
        return perform(reservation, command, gateway, **options)

    def fetch(
        self, where: Address | Reservation, gateway: ScriptedGateway, **options: Any
    ) -> Reservation:
        """Fetch one reservation."""
        return fetch(where, gateway, **options)

    def list(self, gateway: ScriptedGateway, query: Query) -> Iterator[Reservation]:
        """Start a list, without taking anything from it."""
        return list_reservations(gateway, **query)

    def take(
        self, gateway: ScriptedGateway, query: Query, count: int | None = None
    ) -> tuple[Reservation, ...]:
        """Take a number of reservations from a list, or all."""
        return tuple(islice(self.list(gateway, query), count))


class AsyncClient:
    """The functions for an event loop."""

    def perform(
        self, reservation: Reservation, command: Command, gateway: ScriptedGateway, **options: Any
    ) -> Reservation:
        """Send a command."""
        return asyncio.run(aperform(reservation, command, gateway, **options))

    def fetch(
        self, where: Address | Reservation, gateway: ScriptedGateway, **options: Any
    ) -> Reservation:
        """Fetch one reservation."""
        return asyncio.run(afetch(where, gateway, **options))

    def list(self, gateway: ScriptedGateway, query: Query) -> AsyncIterator[Reservation]:
        """Start a list, without taking anything from it."""
        return alist_reservations(gateway, **query)

    def take(
        self, gateway: ScriptedGateway, query: Query, count: int | None = None
    ) -> tuple[Reservation, ...]:
        """Take a number of reservations from a list, or all."""

        async def run() -> tuple[Reservation, ...]:
            taken: tuple[Reservation, ...] = ()
            reservations = self.list(gateway, query)
            while count is None or len(taken) < count:
                try:
                    taken += (await anext(reservations),)
                except StopAsyncIteration:
                    break
            return taken

        return asyncio.run(run())


Client: TypeAlias = SyncClient | AsyncClient
