"""The gateway port: the protocols that every gateway implements.

A gateway may also have an attribute ``origin`` (``https://host[:port]``). Lists of reservations
then refuse page links that lead to another origin.
"""

from __future__ import annotations

from typing import Protocol

from reservation_core.rest.messages import Reply, Request


class Gateway(Protocol):
    """Blocking HTTP client of the library."""

    def send(self, request: Request) -> Reply:
        """Send one request, once, and return its complete reply.

        A reply of any HTTP status is returned, redirects included. Nothing is repeated.

        :raises NotSent: if the request was certainly not sent.
        :raises GatewayError: if no complete reply arrived. The platform may have acted.
        """
        ...


class AsyncGateway(Protocol):
    """Asynchronous HTTP client of the library."""

    async def asend(self, request: Request) -> Reply:
        """Send one request, once, and return its complete reply.

        A reply of any HTTP status is returned, redirects included. Nothing is repeated.

        :raises NotSent: if the request was certainly not sent.
        :raises GatewayError: if no complete reply arrived. The platform may have acted.
        """
        ...
