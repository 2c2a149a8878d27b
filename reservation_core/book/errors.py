"""Errors that only the book raises."""

from __future__ import annotations

import attrs

from reservation_core.domain.errors import CommandError, ReservationError


@attrs.frozen(slots=False)
class NotInBook(CommandError):
    """The book has no entry of this reservation."""

    sid: str

    def __str__(self) -> str:
        """Name the reservation and the remedy."""
        return f"the book has no entry of reservation {self.sid}. Fetch it and record it first."


@attrs.frozen(slots=False)
class CommandInProgress(CommandError):
    """Another command to this reservation is open.

    Its outcome is not recorded yet.

    :param trigger: name of the other command.
    """

    sid: str
    trigger: str

    def __str__(self) -> str:
        """Name the reservation, the other command and the remedy."""
        return (
            f"the {self.trigger} to reservation {self.sid} is still in progress. "
            "Wait for it, or call book.resume(sid, gateway) if its delivery has ended."
        )


@attrs.frozen(slots=False)
class StoreFailed(ReservationError):
    """The store failed. ``reason`` names error classes and codes, and nothing personal."""

    reason: str

    def __str__(self) -> str:
        """Give the reason and the remedy."""
        return (
            f"the book's store failed: {self.reason}. "
            "Each change was written whole or not at all: read the entry again."
        )


@attrs.frozen(slots=False)
class StoreUnavailable(StoreFailed):
    """The store is locked, full or unreachable: every request would fail. Try again later."""
