"""A process that works with a book until it is killed; who kills it is in :mod:`tests.campaigns.crashes`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Final

from reservation_core import (
    Accept,
    Call,
    Command,
    Complete,
    Policy,
    Reject,
    Reservation,
    ReservationError,
    Wrap,
)
from reservation_core.book import Book, SQLiteStore, Store
from reservation_core.gateways.pyreqwest import PyreqwestGateway
from reservation_core.gateways.settings import Credentials

COMMANDS: Final[Sequence[Command]] = (
    Accept(),
    Reject(),
    Call(from_="+15005550006", url="https://example.com"),
    Wrap(),
    Complete(),
)
LONGEST: Final = 10.0
"""Seconds after which a worker is killed that nothing else has killed."""


def open_store(kind: str, place: str) -> Store:
    """Open the store of a book."""
    if kind == "sqlite":
        return SQLiteStore(place)
    from reservation_core.book.stores.postgres import PostgresStore

    return PostgresStore(place, max_connections=2)


def policy_of(*, alone: bool) -> Policy:
    """Give the policy of the workers."""
    return Policy(backoff=0.001, sole_writer=alone)


def work(
    kind: str,
    place: str,
    origin: str,
    news: Sequence[Reservation],
    since: str,
    seed: int,
    alone: bool,
) -> None:
    """Recover, and then perform commands until nothing is live, or until this process is killed.

    :param since: the SID of the first reservation that this process is to command.
    """
    random, policy = Random(seed), policy_of(alone=alone)
    book = Book(open_store(kind, place))
    gateway = PyreqwestGateway(
        Credentials("AC" + "0" * 32, "token"), base_url=origin, timeout=LONGEST
    )
    book.recover(gateway, older_than=0, lease=0, policy=policy)
    book.record_all(news)
    while live := [entry for entry in book.live() if entry.sid >= since]:
        entry = random.choice(live)
        command = random.choice(
            [command for command in COMMANDS if entry.reservation.allows(command)]
        )
        with suppress(ReservationError):
            book.perform(entry.sid, command, gateway, policy=policy)
        if random.random() < 0.1:
            book.reconcile(gateway, older_than=0, lease=0, limit=2)
