"""Closing of a gateway that holds no connection."""

from __future__ import annotations

from typing import Self

from reservation_core.rest.errors import NotSent


class ClosableGateway:
    """Base of gateways for tests that close like real ones."""

    _is_closed = False

    def close(self) -> None:
        """Refuse further requests with ``NotSent``. Closing twice is allowed."""
        self._is_closed = True

    async def aclose(self) -> None:
        """Refuse further requests with ``NotSent``. Closing twice is allowed."""
        self.close()

    def __enter__(self) -> Self:
        """Return the gateway."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the gateway."""
        self.close()

    async def __aenter__(self) -> Self:
        """Return the gateway."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the gateway."""
        self.close()

    def _check_open(self) -> None:
        """Raise ``NotSent`` if the gateway is closed."""
        if self._is_closed:
            raise NotSent("the gateway is closed: open a new one")
