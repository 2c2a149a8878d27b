"""Canaries: nothing that a log or an error tracker prints shows a secret or personal value."""

from __future__ import annotations

import json
import logging
import pickle
import sys
import warnings

import attrs
import pytest

from reservation_core import ReplyError, ReservationError, read_reservation
from reservation_core.rest.bodies import read_object
from tests.project.secrecy import (
    books,
    command_line,
    commands,
    deliveries,
    emulators,
    files,
    gateways,
    parity_runs,
    replies,
    webhooks,
)
from tests.project.secrecy.canaries import PHONE, Case, find_canaries

PARTS = {
    "commands": commands.CASES,
    "replies": replies.CASES,
    "webhooks": webhooks.CASES,
    "gateways": gateways.CASES,
    "deliveries": deliveries.CASES,
    "books": books.CASES,
    "emulators": emulators.CASES,
    "files": files.CASES,
    "parity": parity_runs.CASES,
    "command line": command_line.CASES,
}
CASES = {f"{part}: {name}": case for part, cases in PARTS.items() for name, case in cases.items()}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_no_canary_is_shown(case: Case) -> None:
    assert find_canaries(case) == []


def _raise_from() -> None:
    raise ValueError from KeyError(PHONE)


def _raise_from_none() -> None:
    try:
        int(f"{PHONE}x")
    except ValueError:
        raise LookupError from None


def _raise_with_a_note() -> None:
    error = ValueError()
    error.add_note(PHONE)
    raise error


def _log_an_error() -> None:
    try:
        _raise_from_none()
    except LookupError:
        logging.getLogger("reservation_core").exception("failed")


LEAKS = {
    "a text": Case(lambda: int(PHONE + "x"), ValueError),
    "an attribute": Case(lambda: json.loads(f'["{PHONE}", '), ValueError),
    "a cause": Case(_raise_from, ValueError),
    "a hidden context": Case(_raise_from_none, LookupError),
    "a note": Case(_raise_with_a_note, ValueError),
    "a log line": Case(lambda: logging.getLogger("reservation_core").debug("%s", PHONE)),
    "a logged error": Case(_log_an_error),
    "the output": Case(lambda: sys.stdout.write(PHONE) and None),
    "a warning": Case(lambda: warnings.warn(PHONE, stacklevel=1)),
    "a result": Case(lambda: PHONE),
    "a result as rich prints it": Case(lambda: _Masked(PHONE)),
    "an argument of our own function": Case(lambda: read_object(f'["{PHONE}"]'), ReplyError),
}


@attrs.frozen(repr=False)
class _Masked:
    phone: str


@pytest.mark.parametrize("case", LEAKS.values(), ids=LEAKS)
def test_search_finds_a_canary(case: Case) -> None:
    assert find_canaries(case) != []


def test_error_keeps_its_fields_when_it_is_pickled() -> None:
    with pytest.raises(ReservationError) as caught:
        read_reservation(replies.BODIES["a status"])
    assert pickle.loads(pickle.dumps(caught.value)) == caught.value
    assert caught.value.args == (str(caught.value),)
