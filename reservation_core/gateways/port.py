"""The gateway port.

A gateway sends one :class:`Request` and returns one :class:`Reply`, whatever its status. It raises :class:`NotSent` when the
request was certainly not sent, and :class:`GatewayError` when no whole reply came. It follows no redirect and repeats nothing.
"""

from __future__ import annotations

from typing import Protocol

from reservation_core.rest.messages import Reply, Request


class Gateway(Protocol):
    """What moves requests, waiting for each. It may also tell its ``origin`` (``https://host[:port]``), which pages must not leave."""

    def send(self, request: Request) -> Reply:
        """Send one request and bring back its whole reply.

        :raises NotSent: when nothing left; :raises GatewayError: when no whole reply came.
        """
        ...


class AsyncGateway(Protocol):
    """What moves requests in an event loop; else as :class:`Gateway`."""

    async def asend(self, request: Request) -> Reply:
        """Send one request and bring back its whole reply.

        :raises NotSent: when nothing left; :raises GatewayError: when no whole reply came.
        """
        ...
