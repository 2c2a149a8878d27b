"""The faults of one body while it is read: the first hundred, and the number of the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from reservation_core.rest.errors import PayloadFault

MAX_FAULTS: Final = 100
"""The number of faults of one body that are kept and shown."""


class Faults:
    """Collection of faults, with a limit.

    A body may have a fault in each of its bytes. So only the first are kept, and the others are
    counted. The readers of one body share it.
    """

    __slots__ = ("_kept", "omitted")

    def __init__(self) -> None:
        self._kept: Final[list[PayloadFault]] = []
        self.omitted: int = 0
        """The number of faults that were found and not kept."""

    @property
    def is_full(self) -> bool:
        """True if the next fault is only counted."""
        return len(self._kept) >= MAX_FAULTS

    def add(self, fault: PayloadFault) -> None:
        """Add a fault, unless it was added before."""
        if self.is_full:
            self.omitted += 1
        elif fault not in self._kept:
            self._kept.append(fault)

    def extend(self, faults: Iterable[PayloadFault], omitted: int = 0) -> None:
        """Add the faults of an error.

        :param omitted: the number of faults that the error does not hold.
        """
        for fault in faults:
            self.add(fault)
        self.omitted += omitted

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[PayloadFault]:
        return iter(self._kept)
