"""The gateway port: the protocols that every gateway implements.

A gateway may also have an ``origin`` (``https://host[:port]``). Lists of reservations then refuse
page links that lead to another origin.
"""

from __future__ import annotations

from typing import Protocol

from reservation_core.rest.messages import Reply, Request


class Gateway(Protocol):
    """A blocking HTTP client that sends one request at a time."""

    def send(self, request: Request) -> Reply:
        """Send one request, once, and return its complete reply.

        Every status is a reply, redirects included. Nothing is repeated.

        :raises NotSent: when the request was certainly not sent.
        :raises GatewayError: when no complete reply arrived. The platform may have acted.
        """
        ...


class AsyncGateway(Protocol):
    """An asynchronous HTTP client that sends one request at a time."""

    async def asend(self, request: Request) -> Reply:
        """Send one request, once, and return its complete reply.

        Every status is a reply, redirects included. Nothing is repeated.

        :raises NotSent: when the request was certainly not sent.
        :raises GatewayError: when no complete reply arrived. The platform may have acted.
        """
        ...
