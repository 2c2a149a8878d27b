"""Registration of the library's classes with hypothesis, so that ``st.from_type`` draws them.

Hypothesis may be imported before or after the library, and neither imports the other. The library
calls :func:`register` when hypothesis is imported already. Otherwise hypothesis' entry point does,
when hypothesis is imported. The strategies are imported with the first draw: they take 60 ms.

This module must not import hypothesis at its top. Importing hypothesis runs the entry point, which
would use this module before it is complete.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reservation_core._extras import extra
from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import COMMANDS, SetStatus
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.addresses import Address
from reservation_core.rest.messages import Reply, Request

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def register() -> None:
    """Register the commands, ``Reservation``, ``Address``, ``Request`` and ``Reply``.

    Registering again is harmless.
    """
    with extra("testing"):
        from hypothesis import strategies as st  # noqa: PLC0415 - see above

    kinds: tuple[type[object], ...]
    kinds = (Command, *COMMANDS, SetStatus, Reservation, Address, Request, Reply)
    for kind in kinds:
        st.register_type_strategy(kind, _strategy_for)


def _strategy_for(kind: type[object]) -> SearchStrategy[object]:
    from reservation_core.testing import strategies as kit  # noqa: PLC0415 - see above

    if issubclass(kind, Command):
        return kit.commands() if kind is Command else kit.commands(kind)
    drawn: Mapping[type[object], SearchStrategy[object]] = {
        Reservation: kit.reservations(on_hold=None),
        Address: kit.addresses(),
        Request: kit.requests(),
        Reply: kit.replies()
        | kit.refusals().map(lambda refusal: refusal.reply)
        | kit.unreadable_replies(),
    }
    return drawn[kind]
