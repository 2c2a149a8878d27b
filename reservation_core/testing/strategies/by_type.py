"""The strategy of each class that ``st.from_type`` can draw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hypothesis.strategies import SearchStrategy

from reservation_core.domain.commands.base import Command
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.addresses import Address
from reservation_core.rest.messages import Reply, Request
from reservation_core.testing.strategies.commands import commands
from reservation_core.testing.strategies.replies import (
    refusals,
    replies,
    requests,
    unreadable_replies,
)
from reservation_core.testing.strategies.reservations import addresses, reservations

_STRATEGIES: Final[Mapping[type[object], SearchStrategy[object]]] = {
    Command: commands(),
    Reservation: reservations(on_hold=None),
    Address: addresses(),
    Request: requests(),
    Reply: replies() | refusals().map(lambda refusal: refusal.reply) | unreadable_replies(),
}


def strategy_for(kind: type[object]) -> SearchStrategy[object]:
    """Return the strategy that draws objects of a class.

    :raises KeyError: for a class that is not one of the registered ones.
    """
    if issubclass(kind, Command) and kind is not Command:
        return commands(kind)
    return _STRATEGIES[kind]
