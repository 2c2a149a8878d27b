"""The webhook of a WSGI environment, as Flask and Django keep it.

The path is the one on the wire if the server keeps it (``REQUEST_URI`` or ``RAW_URI``). Otherwise
it is the decoded path, escaped again. That may differ from the wire, and then the signature does
not match.

An environment has the query twice: in that target, and as ``QUERY_STRING``. If they differ, the
webhook has both URLs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reservation_core.domain.errors import hides_locals
from reservation_core.webhooks.request import (
    Forged,
    Webhook,
    escape_path,
    received_url,
    server_host,
)


@hides_locals(Forged)
def from_environ(
    environ: Mapping[str, object],
    *,
    scheme: str | None = None,
    allowed_hosts: Iterable[str] | None = None,
) -> Webhook:
    """Build the webhook of an environment, without its body.

    :param scheme: the scheme that the framework determined, by default that of the environment.
    :param allowed_hosts: the framework's list of hosts, if it has one.
    :raises Forged: if the ``Host`` header is not a host.
    """

    def text(name: str) -> str:
        return str(environ.get(name, ""))

    def url_of(target: str) -> str:
        return received_url(scheme or text("wsgi.url_scheme"), host, target)

    own_host = server_host(text("SERVER_NAME"), text("SERVER_PORT"))
    host = text("HTTP_HOST") if "HTTP_HOST" in environ else own_host
    targets = [uri for name in ("REQUEST_URI", "RAW_URI") if (uri := text(name)).startswith("/")]
    if targets:
        path = targets[0].partition("?")[0]
    else:
        # WSGI decodes the path as Latin-1: one character for each byte.
        path = escape_path((text("SCRIPT_NAME") + text("PATH_INFO")).encode("latin-1"))
    parsed = f"{path}?{query}" if (query := text("QUERY_STRING")) else path
    target = targets[0] if targets else parsed
    is_ambiguous = parsed != target and "QUERY_STRING" in environ
    return Webhook(
        url_of(target),
        tuple(_headers(environ)),
        peer=text("REMOTE_ADDR"),
        other_url=url_of(parsed) if is_ambiguous else None,
        allowed_hosts=None if allowed_hosts is None else tuple(allowed_hosts),
    )


def _headers(environ: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key, value in environ.items():
        is_set = value != "" and key in ("CONTENT_TYPE", "CONTENT_LENGTH")
        if is_set or key.startswith("HTTP_"):
            yield key.removeprefix("HTTP_").replace("_", "-").title(), str(value)
