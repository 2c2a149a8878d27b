"""A webhook as the server received it, and the URL the platform asked for, which may be another one behind a proxy.

1. A public base URL, where one is given, stands in place of whatever the server and its proxies say of scheme and host.
2. Else a proxy in one of the trusted networks is believed: its ``X-Forwarded-Proto`` and ``X-Forwarded-Host``, one value each.
3. Else nobody is believed: the URL is the one the server saw.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias
from urllib.parse import quote

import attrs

from reservation_core.domain.errors import ReservationError
from reservation_core.domain.redaction import mask
from reservation_core.rest.messages import Headers, to_headers

ProxyNetwork: TypeAlias = IPv4Network | IPv6Network

PORTS: Final = {"http": "80", "https": "443"}
"""The port that goes without saying."""

_url: Final = re.compile(r"(https?)://([^/?#\s]+)([^#\s]*)", re.IGNORECASE).fullmatch
_HOST: Final = 253
"""The longest name of a host."""

_scheme: Final = re.compile("https?").fullmatch
_authority: Final = re.compile(
    r"((?:[^@/?#\s]*@)?)(\[[0-9a-f:.]+\]|[^:@/?#\s\[\]]+)(?::([0-9]{0,5}))?", re.IGNORECASE
).fullmatch


@attrs.frozen(slots=False)
class Forged(ReservationError):
    """A request is not believed to be the platform's: act on nothing in it, and answer 403.

    ``reason`` says why, ``url`` the URL that its signature was checked against as it may be shown: without userinfo and the values of
    its query.
    """

    reason: str
    url: str
    remedy: str

    def __str__(self) -> str:
        """Give the reason, the URL and the remedy; never a token, and never the signature that was expected."""
        return f"{self.reason} (the URL it was checked against: {self.url}); {self.remedy}"


@attrs.frozen
class Webhook:
    """One HTTP request to a service of ours, as its server received it.

    :param url: scheme, host, path and query as the server saw them, the path as it was escaped on the wire; :func:`received_url` puts it
        together.
    :param peer: the address of whoever is at the other end of the connection: a proxy's, where there is one. Empty when unknown.
    """

    url: str = attrs.field(repr=lambda url: repr(redact_url(url)))
    headers: Headers = attrs.field(default=Headers(), converter=to_headers)
    body: bytes = attrs.field(default=b"", repr=lambda body: f"<{len(body)} bytes>")
    peer: str = ""

    def with_body(self, body: bytes) -> Webhook:
        """Put in the body, once it was read."""
        return attrs.evolve(self, body=body)


def received_url(scheme: str, host: str, target: str) -> str:
    """Put together the URL that a server saw, of what its framework tells.

    :param host: as the request named it; with a path of its own it would shift the path that is verified.
    :param target: path and query.
    :raises Forged: when the host is none.
    """
    if not _authority(host):
        raise doubt(
            "the Host header is no host",
            f"{scheme}://{host}{target}",
            "the platform names the host it was given, and no more",
        )
    return f"{scheme}://{host}{target}"


def server_host(name: str, port: object) -> str:
    """Name the server itself, where a request names no host."""
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def redact_url(url: str) -> str:
    """Write a URL as it may be shown: nobody's password, none of its query's values, no contact."""
    address, _, query = url.partition("?")
    names = [field.partition("=")[0] for field in query.split("&") if field]
    rest = "?" + "&".join(f"{name}=…" for name in names) if names else ""
    if (parts := _url(address)) and (authority := _authority(parts[2])) and parts[2].isprintable():
        port = "" if authority[3] is None else f":{authority[3]}"
        return f"{parts[1]}://{'<secret>@' if authority[1] else ''}{authority[2][:_HOST]}{port}{mask(parts[3] + rest)}"
    return mask(re.sub("(?<=://)[^/]*@", "<secret>@", address) + rest)


def doubt(reason: str, url: str, remedy: str) -> Forged:
    """Make the refusal of a request, its URL as it may be shown."""
    return Forged(reason, redact_url(url), remedy)


def escape_path(path: str | bytes) -> str:
    """Escape a path anew, where nobody tells how it came over the wire."""
    return quote(path, safe="/!$&'()*+,;=:@~")


def spellings(url: str) -> tuple[str, str]:
    """Spell a URL with its port and without: the platform signs now the one, now the other.

    :raises ValueError: when it is no ``http`` or ``https`` URL.

    >>> spellings("https://example.com/assign?a=1")
    ('https://example.com:443/assign?a=1', 'https://example.com/assign?a=1')
    """
    if not (parts := _url(url)) or not (authority := _authority(parts[2])):
        raise ValueError("is no http or https URL")
    scheme, user, host = parts[1], authority[1], authority[2]
    port = authority[3] or PORTS[scheme.lower()]
    return f"{scheme}://{user}{host}:{port}{parts[3]}", f"{scheme}://{user}{host}{parts[3]}"


def _check_base(url: str | None) -> str | None:
    if url is None:
        return None
    parts = _url(url)
    if not parts or not _authority(parts[2]) or "?" in parts[3]:
        raise ValueError(
            "public_url is scheme, host and, where there is one, a path before every path: such as https://example.com"
        )
    return url.rstrip("/")


def _networks(given: Iterable[str] | str) -> tuple[ProxyNetwork, ...]:
    try:
        return tuple(ip_network(one) for one in ([given] if isinstance(given, str) else given))
    except ValueError as error:
        raise ValueError(
            f"trusted_proxies are addresses or networks, such as 10.0.0.0/8: {error}"
        ) from None


@attrs.frozen(repr=False)
class Front:
    """Where a service stands as the platform sees it; by default, where its server says."""

    public_url: str | None = attrs.field(default=None, converter=_check_base)
    trusted_proxies: tuple[ProxyNetwork, ...] = attrs.field(default=(), converter=_networks)

    def __attrs_post_init__(self) -> None:
        if self.public_url is not None and self.trusted_proxies:
            raise ValueError(
                "give public_url or trusted_proxies: with the one, the other would never be asked"
            )

    def url_of(self, webhook: Webhook) -> str:
        """Tell the URL the platform asked for.

        :raises Forged: when it cannot be told.
        """
        if not (parts := _url(webhook.url)) or not _authority(parts[2]):
            remedy = "hand over the whole URL: scheme, host, path and query"
            raise doubt("the request's URL is no http or https URL", webhook.url, remedy)
        scheme, host, target = parts.groups()
        if self.public_url is not None:
            return self.public_url + target
        if self.trusted_proxies and self._is_trusted(webhook.peer):
            scheme = _forwarded(webhook, "X-Forwarded-Proto", scheme, _scheme)
            host = _forwarded(webhook, "X-Forwarded-Host", host, _authority)
        return f"{scheme}://{host}{target}"

    def _is_trusted(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:  # unknown, or a socket's name
            return False
        if isinstance(address, IPv6Address):
            address = address.ipv4_mapped or address
        return any(address in network for network in self.trusted_proxies)


def _forwarded(webhook: Webhook, name: str, seen: str, is_right: Callable[[str], object]) -> str:
    """Take what the proxy says, where it says one thing; of several, somebody who is not trusted may have said the first."""
    said = [value.strip() for key, value in webhook.headers.pairs if key.lower() == name.lower()]
    if not said:
        return seen
    if len(said) > 1 or not is_right(said[0]) or "," in said[0]:
        remedy = "let the outermost proxy set it and drop what it was sent, or give public_url"
        raise doubt(f"{name} is not one plain value", webhook.url, remedy)
    return said[0]
