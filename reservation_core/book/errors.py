"""Errors that only the book raises."""

from __future__ import annotations

from typing import Final

import attrs

from reservation_core.domain.errors import CommandError, ReservationError
from reservation_core.rest.addresses import is_sid

_DAMAGED: Final = "<damaged>"


def _show_sid(sid: object) -> str:
    """Return a SID, if it is one. A damaged one may hold anything."""
    return str(sid) if is_sid(sid, "sid") else _DAMAGED


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


@attrs.frozen(slots=False)
class StoreDamaged(StoreFailed):
    """The store is damaged, or is not a book."""

    def __str__(self) -> str:
        """Give the reason and the remedy."""
        return (
            f"the book's store is damaged, or is not a book: {self.reason}. "
            "Stop all processes that use it, and repair it or restore a backup."
        )


SHARED_FAILURES: Final = (StoreUnavailable, StoreDamaged)
"""Failures that every request would meet."""


@attrs.frozen(slots=False)
class UnreadableEntry(StoreFailed):
    """An entry or its history cannot be read or written.

    Other entries are not affected. ``reason`` shows no values.

    :param sid: SID of the reservation.
    """

    sid: str = attrs.field(repr=_show_sid)

    def __str__(self) -> str:
        """Name the entry, the reason and the remedy."""
        if _show_sid(self.sid) == _DAMAGED:
            return (
                f"an entry of the book whose SID is damaged cannot be used: {self.reason}. A "
                "command may be open. Stop all processes that use the store, and repair it or "
                "restore a backup."
            )
        return (
            f"the book's entry of reservation {self.sid} cannot be used: {self.reason}. "
            "A command may be open. Delete the entry with book.forget(sid), then fetch the "
            "reservation and record it."
        )
