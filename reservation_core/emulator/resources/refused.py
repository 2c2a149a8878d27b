"""Refusal of a request by the emulated API."""

from __future__ import annotations

import attrs

from reservation_core.domain.errors import ReservationError


@attrs.frozen(slots=False)
class RefusedRequest(ReservationError):
    """The emulated API refuses a request with a 400. Nothing has changed.

    :param is_conflict: true if the state of the resource does not allow it. A setting says which
        error number the reply has then, and another one for a wrong parameter.
    """

    message: str
    is_conflict: bool = False

    def __str__(self) -> str:
        """Return the message."""
        return self.message
