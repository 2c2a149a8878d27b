"""Ordered lines of waiting tasks and idle workers."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import TypeAlias

Place: TypeAlias = tuple[int, int]
"""Place in a line. Lower places come first."""


class Line:
    """SIDs in the order of their places."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._ordered: list[tuple[Place, str]] = []

    def __bool__(self) -> bool:
        return bool(self._ordered)

    def __contains__(self, sid: str) -> bool:
        return sid in self._places

    def __iter__(self) -> Iterator[str]:
        return (sid for _, sid in self._ordered)

    def put(self, sid: str, place: Place) -> None:
        """Insert a SID, or move it to another place."""
        if self._places.get(sid) != place:
            self.remove(sid)
            self._places[sid] = place
            insort(self._ordered, (place, sid))

    def remove(self, sid: str) -> None:
        """Remove a SID if it is in the line."""
        place = self._places.pop(sid, None)
        if place is not None:
            del self._ordered[bisect_left(self._ordered, (place, sid))]
