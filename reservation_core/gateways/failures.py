"""Errors that gateways raise, and their texts.

A text shows the operating system's message or the class name of the HTTP client's error. It never
shows data that was sent or received.
"""

import attrs

from reservation_core.domain.redaction import mask
from reservation_core.gateways.settings import GatewaySettings
from reservation_core.rest.errors import GatewayError, NotSent


@attrs.frozen
class ErrorFactory:
    """Builds the errors of one gateway."""

    settings: GatewaySettings

    def no_free_connection(self) -> NotSent:
        """Build the error for a request without a free connection."""
        limit, origin = self.settings.max_connections, self.settings.origin
        return NotSent(f"none of {limit} connections to {origin} became free in time")

    def connect_failed(self, reason: str) -> NotSent:
        """Build the error for a connection that could not be made."""
        return NotSent(f"no connection to {self.settings.origin}: {reason}")

    def connect_timed_out(self, seconds: float) -> NotSent:
        """Build the error for a connection that was not made in time."""
        return self.connect_failed(f"timed out after {seconds:g} s")

    def exchange_failed(self, reason: str) -> GatewayError:
        """Build the error for a failure with an unknown outcome."""
        return GatewayError(f"the exchange with {self.settings.origin} failed: {reason}")

    def exchange_timed_out(self) -> GatewayError:
        """Build the error for an exchange that exceeded the timeout."""
        origin, seconds = self.settings.origin, self.settings.timeout
        return GatewayError(f"no complete reply from {origin} within {seconds:g} s")

    def reply_too_long(self, status: int) -> GatewayError:
        """Build the error for a reply longer than the limit."""
        origin, limit = self.settings.origin, self.settings.max_reply_bytes
        return GatewayError(
            f"the reply from {origin} (HTTP {status}) exceeds max_reply_bytes: {limit}"
        )


def describe_cause(error: BaseException) -> str:
    """Return the operating system's message behind an error, or its class name."""
    inner: BaseException | None = error
    seen: set[int] = set()  # "raise error from error" makes an error its own cause
    while inner is not None and id(inner) not in seen:
        seen.add(id(inner))
        if isinstance(inner, OSError) and inner.strerror:
            return mask(inner.strerror, limit=200)
        inner = inner.__cause__ or inner.__context__
    return type(error).__name__
