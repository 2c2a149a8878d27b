"""The gateway port: the protocols that every gateway implements.

A gateway may also have an attribute ``origin`` (``https://host[:port]``). Lists of reservations
then refuse page links that lead to another origin.
"""

from __future__ import annotations

import inspect
from collections.abc import Hashable
from functools import lru_cache
from typing import Protocol, cast

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


def require_gateway(gateway: object, *, is_async: bool, instead: str) -> None:
    """Raise TypeError for a value that is not such a gateway.

    :param is_async: True for a gateway of an event loop.
    :param instead: the function or class that takes the other kind of gateway.
    """
    if _has_method(cast("Hashable", type(gateway)), is_async):
        return
    if isinstance(gateway, type) or not _can_send(gateway, is_async):
        raise _wrong_gateway(gateway, is_async, instead)


@lru_cache(maxsize=64)
def _has_method(kind: Hashable, is_async: bool) -> bool:
    # Cached because every update asks: 0.3 µs instead of 3 µs, of 8 µs (benchmark row 7).
    return _can_send(kind, is_async)


def _can_send(gateway: object, is_async: bool) -> bool:
    method = getattr(gateway, "asend" if is_async else "send", None)
    return callable(method) and (is_async or not _is_coroutine_function(method))


def _is_coroutine_function(method: object) -> bool:
    return callable(method) and inspect.iscoroutinefunction(inspect.unwrap(method))


def _wrong_gateway(gateway: object, is_async: bool, instead: str) -> TypeError:
    if isinstance(gateway, type):
        name = gateway.__name__
        return TypeError(f"not a gateway: it is the class {name}. Build it, as in {name}(...)")
    if _is_coroutine_function(getattr(gateway, "send", None)):
        return TypeError(
            "the gateway's send() is a coroutine function: name it asend(), and use it in an event "
            "loop"
        )
    if _can_send(gateway, not is_async):
        kinds = ("threads", "an event loop") if is_async else ("an event loop", "threads")
        return TypeError(
            f"the gateway is for {kinds[0]}: use {instead}, or a gateway for {kinds[1]}"
        )
    return TypeError(
        f"not a gateway: it is of type {type(gateway).__name__}. Give one, such as "
        "PyreqwestGateway() or AsyncPyreqwestGateway()"
    )
