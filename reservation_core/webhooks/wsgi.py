"""The webhook of a WSGI environment, as Flask and Django keep it.

The path is the one on the wire if the server keeps it (``REQUEST_URI`` or ``RAW_URI``). Otherwise
it is the decoded path, escaped again. That may differ from the wire, and then the signature does
not match.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reservation_core.webhooks.request import Webhook, escape_path, received_url, server_host


def from_environ(environ: Mapping[str, object], *, scheme: str | None = None) -> Webhook:
    """Build the webhook of an environment, without its body.

    :param scheme: the scheme that the framework determined, by default that of the environment.
    :raises Forged: if the ``Host`` header is not a host.
    """

    def text(name: str) -> str:
        return str(environ.get(name, ""))

    targets = [uri for name in ("REQUEST_URI", "RAW_URI") if (uri := text(name)).startswith("/")]
    if not targets:
        # WSGI decodes the path as Latin-1: one character for each byte.
        path = escape_path((text("SCRIPT_NAME") + text("PATH_INFO")).encode("latin-1"))
        targets = [f"{path}?{query}" if (query := text("QUERY_STRING")) else path]
    host = text("HTTP_HOST") or server_host(text("SERVER_NAME"), text("SERVER_PORT"))
    url = received_url(scheme or text("wsgi.url_scheme"), host, targets[0])
    return Webhook(url, tuple(_headers(environ)), b"", text("REMOTE_ADDR"))


def _headers(environ: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key, value in environ.items():
        if key.startswith("HTTP_") or key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            yield key.removeprefix("HTTP_").replace("_", "-").title(), str(value)
