"""The webhook of an ASGI scope, and a guard before Django.

The path is the one on the wire if the server keeps it (``raw_path``). Otherwise it is the decoded
path, escaped again. That may differ from the wire, and then the signature does not match.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Final, TypeAlias, cast

from reservation_core.domain.errors import hides_locals
from reservation_core.webhooks.request import (
    Forged,
    Webhook,
    escape_path,
    long_body,
    received_url,
    redact_url,
    server_host,
)
from reservation_core.webhooks.responses import refuse_webhook
from reservation_core.webhooks.signature import Verifier

Message: TypeAlias = MutableMapping[str, object]
"""One ASGI message."""

Scope: TypeAlias = MutableMapping[str, object]
"""The scope of an ASGI connection."""

Receive: TypeAlias = Callable[[], Awaitable[Message]]
"""The function that returns the next message of the client."""

Send: TypeAlias = Callable[[Message], Awaitable[None]]
"""The function that sends a message to the client."""

Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application."""


@hides_locals(Forged)
def from_scope(
    scope: Mapping[str, object],
    *,
    scheme: str | None = None,
    allowed_hosts: Iterable[str] | None = None,
) -> Webhook:
    """Build the webhook of a scope, without its body.

    :param scheme: the scheme that the framework determined, by default that of the scope.
    :param allowed_hosts: the framework's list of hosts, if it has one.
    :raises Forged: if the ``Host`` header is not a host.
    """
    pairs = cast("Iterable[tuple[bytes, bytes]]", scope["headers"])
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)
    hosts = [value for name, value in headers if name.lower() == "host"]
    host = ",".join(hosts) if hosts else _server_host(scope)
    url = received_url(scheme or str(scope.get("scheme", "http")), host, _target(scope))
    peer = cast("tuple[str, int] | None", scope.get("client"))
    return Webhook(
        url,
        headers,
        b"",
        peer[0] if peer else "",
        allowed_hosts=None if allowed_hosts is None else tuple(allowed_hosts),
    )


def _server_host(scope: Mapping[str, object]) -> str:
    server = cast("tuple[str, int | None] | None", scope.get("server"))
    return server_host(server[0], server[1] or 0) if server else ""


def _target(scope: Mapping[str, object]) -> str:
    raw = cast("bytes | None", scope.get("raw_path"))
    path = raw.decode("latin-1") if raw else escape_path(cast("str", scope["path"]))
    # Django's test client has a str here.
    query = cast("bytes | str", scope.get("query_string", b""))
    query = query if isinstance(query, str) else query.decode("latin-1")
    return f"{path}?{query}" if query else path


class Guard:
    """ASGI application that refuses webhooks by head and length.

    Django under ASGI stores a whole body before any view runs. Starlette and FastAPI need no guard.

    :param application: the application behind it. It still verifies the webhooks itself.
    :param verifier: the verifier of the webhooks.
    :param paths: the beginnings of the webhooks' paths. Other requests are passed on as they are.
    """

    def __init__(
        self, application: Application, verifier: Verifier, paths: Iterable[str] | str = "/"
    ) -> None:
        self._application: Final = application
        self._verifier: Final = verifier
        self._paths: Final = (paths,) if isinstance(paths, str) else tuple(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or respond with 403."""
        if scope["type"] != "http" or not str(scope["path"]).startswith(self._paths):
            await self._application(scope, receive, send)
            return
        try:
            self._verifier.check_head(head := from_scope(scope))
            counting = _count(receive, self._verifier.max_body, redact_url(head.url))
            await self._application(scope, counting, send)
        except Forged as error:
            await _refuse(send, error)


def _count(receive: Receive, max_body: int, url: str) -> Receive:
    """Return a function that receives, and raises :class:`Forged` beyond the limit."""
    received = 0

    async def receive_and_count() -> Message:
        nonlocal received
        message = await receive()
        received += len(cast("bytes", message.get("body", b"")))
        if received > max_body:
            del message  # an error tracker prints local variables
            raise long_body(f"at least {received} bytes", max_body, url)
        return message

    return receive_and_count


async def _refuse(send: Send, error: Forged) -> None:
    reply = refuse_webhook(error)
    headers = [(name.lower().encode(), value.encode()) for name, value in reply.headers.pairs]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
