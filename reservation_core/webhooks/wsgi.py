"""The webhook in a WSGI environment, which Flask and Django both keep.

The path is the one that came over the wire where the server tells it (``REQUEST_URI`` or ``RAW_URI``); else it is escaped anew, which may
not be how it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from reservation_core.webhooks.request import Webhook, escape_path, received_url, server_host


def from_environ(environ: Mapping[str, object], *, scheme: str | None = None) -> Webhook:
    """Make the webhook of an environment, still without its body.

    :param scheme: as the framework knows it, where the environment does not.
    :raises Forged: when the host that the request names is none.
    """

    def text(name: str) -> str:
        return str(environ.get(name, ""))

    raw = next(
        (uri for name in ("REQUEST_URI", "RAW_URI") if (uri := text(name)).startswith("/")), None
    )
    host = text("HTTP_HOST") or server_host(text("SERVER_NAME"), text("SERVER_PORT"))
    url = received_url(scheme or text("wsgi.url_scheme"), host, raw or _target(text))
    return Webhook(url, tuple(_headers(environ)), b"", text("REMOTE_ADDR"))


def _headers(environ: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            yield key.removeprefix("HTTP_").replace("_", "-").title(), str(value)
        elif key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            yield key.replace("_", "-").title(), str(value)


def _target(text: Callable[[str], str]) -> str:
    """Give the path, which an environment holds as bytes of one character each, with the query."""
    path = escape_path((text("SCRIPT_NAME") + text("PATH_INFO")).encode("latin-1"))
    return f"{path}?{query}" if (query := text("QUERY_STRING")) else path
