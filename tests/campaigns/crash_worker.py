"""Worker process of the campaign of crashes (:mod:`tests.campaigns.crashes`)."""

from __future__ import annotations

import time
from collections.abc import Sequence
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
from reservation_core.book import Book, CommandInProgress, SQLiteStore, Store
from reservation_core.book.stores.postgres import PostgresStore
from reservation_core.gateways.pyreqwest import PyreqwestGateway
from reservation_core.gateways.settings import Credentials

COMMANDS: Final[Sequence[Command]] = (
    Accept(),
    Reject(),
    Call(from_="+15005550006", url="https://example.com"),
    Wrap(),
    Complete(),
)
MIN_AGE: Final = 0.3
"""Least age of the commands that one of several workers recovers, in seconds.

It is shorter than a slow delivery: then two workers deliver one command, and a fence must keep the
first one from sending it again.
"""
MAX_SECONDS: Final = 10.0
"""Seconds after which a worker is killed in any case."""


def open_store(kind: str, location: str) -> Store:
    """Open a store."""
    if kind == "sqlite":
        return SQLiteStore(location)
    return PostgresStore(location, max_connections=2)


def make_policy(*, is_alone: bool) -> Policy:
    """Make the policy of a worker."""
    return Policy(backoff=0.001, sole_writer=is_alone)


def work(
    kind: str,
    location: str,
    origin: str,
    new: Sequence[Reservation],
    first_sid: str,
    seed: int,
    is_alone: bool,
    min_age: float,
) -> None:
    """Recover, then perform random commands until all reservations have ended.

    :param origin: the address of the platform.
    :param new: reservations to record first.
    :param first_sid: commands go to the reservations from this SID on.
    :param min_age: least age in seconds of the commands that are recovered. It is 0 if no other
        worker runs.
    """
    random, policy = Random(seed), make_policy(is_alone=is_alone)
    book = Book(open_store(kind, location))
    gateway = PyreqwestGateway(
        Credentials("AC" + "0" * 32, "token"), base_url=origin, timeout=MAX_SECONDS
    )
    book.recover(gateway, older_than=min_age, lease=min_age, policy=policy)
    book.record_all(new)
    while live := [entry for entry in book.live() if entry.sid >= first_sid]:
        entry = random.choice(live)
        allowed = [command for command in COMMANDS if entry.reservation.allows(command)]
        try:
            if allowed:
                book.perform(entry.sid, random.choice(allowed), gateway, policy=policy)
        except CommandInProgress:  # of another worker, which may have been killed
            time.sleep(0.01)
            if random.random() < 0.1:
                book.recover(gateway, older_than=min_age, lease=min_age, policy=policy)
        except ReservationError:
            pass
        if random.random() < 0.1:
            book.reconcile(gateway, older_than=0, lease=0, limit=2)
