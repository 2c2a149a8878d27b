"""The webhook of an ASGI scope, for Starlette, FastAPI and Django.

The path is the one on the wire if the server keeps it (``raw_path``). Otherwise it is the decoded
path, escaped again. That may differ from the wire, and then the signature does not match.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from reservation_core.webhooks.request import Webhook, escape_path, received_url, server_host


def from_scope(scope: Mapping[str, object], *, scheme: str | None = None) -> Webhook:
    """Build the webhook of a scope, without its body.

    :param scheme: the scheme that the framework determined, by default that of the scope.
    :raises Forged: if the ``Host`` header is not a host.
    """
    pairs = cast("Iterable[tuple[bytes, bytes]]", scope["headers"])
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)
    host = next((value for name, value in headers if name.lower() == "host"), "")
    url = received_url(
        scheme or str(scope.get("scheme", "http")), host or _server_host(scope), _target(scope)
    )
    peer = cast("tuple[str, int] | None", scope.get("client"))
    return Webhook(url, headers, b"", peer[0] if peer else "")


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
