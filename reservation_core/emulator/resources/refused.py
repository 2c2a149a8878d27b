"""Refusal of a request by the emulated API."""

from __future__ import annotations

import attrs

from reservation_core.domain.errors import ReservationError
from reservation_core.emulator.api.refusals import GENERIC_CODE


@attrs.frozen(slots=False)
class RefusedRequest(ReservationError):
    """The emulated API refuses a request. Nothing has changed.

    :param status: HTTP status of the reply.
    :param code: the platform's error number, if it has one.
    """

    message: str
    status: int = 400
    code: int | None = GENERIC_CODE

    def __str__(self) -> str:
        """Return the message."""
        return self.message
