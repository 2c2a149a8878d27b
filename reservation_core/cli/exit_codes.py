"""Exit codes, and the errors that lead to them."""

from __future__ import annotations

from typing import Final

from reservation_core.domain.errors import CommandError, ReplyError, ReservationError
from reservation_core.rest.errors import GatewayError

DONE: Final = 0
USAGE: Final = 2
EXPLAINED_REFUSAL: Final = 5
NOT_WRITTEN: Final = 6
NOT_CONSENTED: Final = 7
LEFT_OVER: Final = 8
INTERRUPTED: Final = 130  # as in a shell

EXIT_CODES: Final = (
    (DONE, "done"),
    (1, "refused before it was sent: the command is not valid, or not allowed"),
    (USAGE, "wrong usage, or a missing file, credentials or extra"),
    (3, "refused by the platform, or its reply cannot be used"),
    (4, "no usable answer: not sent (the error says so), or outcome unknown"),
    (EXPLAINED_REFUSAL, "explain: the command is refused in this status"),
    (NOT_WRITTEN, "the output cannot be written"),
    (NOT_CONSENTED, "parity: nothing was done, because --yes is missing"),
    (LEFT_OVER, "parity: something could not be deleted; it is listed"),
    (INTERRUPTED, "interrupted"),
)
"""All exit codes with their meanings."""

_BY_ERROR: Final = ((CommandError, 1), (ReplyError, 3), (GatewayError, 4))


class UsageError(Exception):
    """Wrong usage of the command line. The text says what to change."""


def find_exit_code(error: ReservationError) -> int:
    """Return the exit code of an error."""
    return next(code for kind, code in _BY_ERROR if isinstance(error, kind))


def format_exit_codes() -> str:
    """Return the exit codes as a table."""
    return "\n".join(["Exit codes:", *(f"{code:>5}  {meaning}" for code, meaning in EXIT_CODES)])
