"""The webhook in an ASGI scope, which Starlette, FastAPI and Django keep.

The path is the one that came over the wire where the server tells it (``raw_path``); else it is escaped anew, which may not be how it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from reservation_core.webhooks.request import Webhook, escape_path, received_url, server_host


def from_scope(scope: Mapping[str, object], *, scheme: str | None = None) -> Webhook:
    """Make the webhook of a scope, still without its body.

    :param scheme: as the framework knows it, where the scope does not.
    :raises Forged: when the host that the request names is none.
    """
    pairs = cast("Iterable[tuple[bytes, bytes]]", scope["headers"])
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)
    host = next((value for name, value in headers if name.lower() == "host"), "") or _own_host(
        scope
    )
    peer = cast("tuple[str, int] | None", scope.get("client"))
    return Webhook(
        received_url(scheme or str(scope.get("scheme", "http")), host, _target(scope)),
        headers,
        b"",
        peer[0] if peer else "",
    )


def _own_host(scope: Mapping[str, object]) -> str:
    server = cast("tuple[str, int | None] | None", scope.get("server"))
    return server_host(server[0], server[1] or 0) if server else ""


def _target(scope: Mapping[str, object]) -> str:
    raw = cast("bytes | None", scope.get("raw_path"))
    path = raw.decode("latin-1") if raw else escape_path(cast("str", scope["path"]))
    told = cast("bytes | str", scope.get("query_string", b""))
    query = (
        told if isinstance(told, str) else told.decode("latin-1")
    )  # a text from Django's own test client
    return f"{path}?{query}" if query else path
