"""Tells hypothesis which strategy draws each class of the library, so that ``st.from_type`` gives right objects.

Hypothesis may be imported before the library or after it, and neither is imported for the other's sake: the library's ``__init__``
comes here when hypothesis is there already, and hypothesis' entry point does when the library is. The strategies themselves are
imported when the first object is drawn.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.addresses import Address
from reservation_core.rest.messages import Reply, Request


def register() -> None:
    """Register the commands, ``Command`` itself, ``Reservation``, ``Address``, ``Request`` and ``Reply``; to do so again is harmless."""
    st.register_type_strategy(Command, _commands)
    for kind in COMMANDS:
        st.register_type_strategy(kind, _commands_of)
    st.register_type_strategy(Reservation, _reservations)
    st.register_type_strategy(Address, _addresses)
    st.register_type_strategy(Request, _requests)
    st.register_type_strategy(Reply, _replies)


def _commands(_: type[Command]) -> SearchStrategy[Command]:
    from reservation_core.testing.strategies.commands import commands  # noqa: PLC0415 - here as below, see above

    return commands()


def _commands_of(kind: type[Command]) -> SearchStrategy[Command]:
    from reservation_core.testing.strategies.commands import commands  # noqa: PLC0415

    return commands(kind)


def _reservations(_: type[Reservation]) -> SearchStrategy[Reservation]:
    from reservation_core.testing.strategies.reservations import reservations  # noqa: PLC0415

    return reservations(on_hold=None)


def _addresses(_: type[Address]) -> SearchStrategy[Address]:
    from reservation_core.testing.strategies.reservations import addresses  # noqa: PLC0415

    return addresses()


def _requests(_: type[Request]) -> SearchStrategy[Request]:
    from reservation_core.testing.strategies.replies import requests  # noqa: PLC0415

    return requests()


def _replies(_: type[Reply]) -> SearchStrategy[Reply]:
    from reservation_core.testing.strategies.replies import refusals, replies, unreadable_replies  # noqa: PLC0415

    return replies() | refusals().map(lambda refusal: refusal.reply) | unreadable_replies()
