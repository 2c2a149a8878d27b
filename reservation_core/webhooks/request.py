"""A received webhook, and the URL that the platform called.

The signature covers that URL. Behind a proxy it may differ from the URL that the server received:

1. A public base URL, if configured, replaces the scheme and host that the server received.
2. Otherwise the headers of a trusted proxy are used: ``X-Forwarded-Proto`` and
   ``X-Forwarded-Host``, one value each.
3. Otherwise the URL is the one that the server received, with its ``Host`` header.

In the last two cases the caller chooses the host. A webhook that the platform signed for another
service of the same account then passes here, if that service sends it on with its own host. So
set the public base URL, or the allowed hosts. Without both, the framework's own list applies, such
as Django's ``ALLOWED_HOSTS``.
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
from reservation_core.rest.errors import with_remedy
from reservation_core.rest.messages import Headers, show_length, to_headers

ProxyNetwork: TypeAlias = IPv4Network | IPv6Network

DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
"""The default port of each scheme, as text."""

_MAX_HOST_LENGTH: Final = 253

_parse_url: Final = re.compile(r"(https?)://([^/?#\s]+)([^#\s]*)", re.IGNORECASE).fullmatch
_parse_authority: Final = re.compile(
    r"((?:[^@/?#\s]*@)?)(\[[0-9a-f:.]+\]|[^:@,/?#\s\[\]]+)(?::([0-9]{0,5}))?", re.IGNORECASE
).fullmatch
_is_scheme: Final = re.compile("https?").fullmatch


def redact_url(url: str) -> str:
    """Return a URL without user information, query values and contacts."""
    address, _, query = url.partition("?")
    names = [field.partition("=")[0] for field in query.split("&") if field]
    rest = "?" + "&".join(f"{name}=…" for name in names) if names else ""
    parts = _parse_url(address)
    authority = parts and parts[2].isprintable() and _parse_authority(parts[2])
    if not parts or not authority:
        return mask(re.sub("(?<=://)[^/]*@", "<secret>@", address) + rest)
    user = "<secret>@" if authority[1] else ""
    port = "" if authority[3] is None else f":{authority[3]}"
    return f"{parts[1]}://{user}{authority[2][:_MAX_HOST_LENGTH]}{port}{mask(parts[3] + rest)}"


@attrs.frozen(slots=False)
class Forged(ReservationError):
    """A webhook fails verification. Ignore its content, and respond with 403.

    :param reason: the failed check.
    :param url: the URL that the signature was checked against. It is stored redacted.
    :param remedy: what to do if the webhook is from the platform after all.
    """

    reason: str
    url: str = attrs.field(converter=redact_url)
    remedy: str

    def __str__(self) -> str:
        """Return reason, URL and remedy, without token and signature."""
        return with_remedy(f"{self.reason} (checked against the URL {self.url})", self.remedy)


@attrs.frozen
class Webhook:
    """One HTTP request to the service, as its server received it.

    :param url: scheme, host, path and query as the server received them. The path is escaped as on
        the wire. :func:`received_url` builds it.
    :param other_url: the same with the query that the server reports separately, where it differs.
        A WSGI server reports the query twice, and a test client or proxy may change one of them.
    :param allowed_hosts: the hosts that the framework allows, such as ``.example.com``. ``None`` if
        it has no such list. A verifier with ``public_url`` or ``allowed_hosts`` ignores it.
    :param peer: the IP address of the other end of the connection, such as a proxy. Empty if
        unknown.
    """

    url: str = attrs.field(repr=lambda url: repr(redact_url(url)))
    headers: Headers = attrs.field(default=Headers(), converter=to_headers)
    body: bytes = attrs.field(default=b"", repr=show_length)
    peer: str = ""
    other_url: str | None = attrs.field(default=None, repr=False)
    allowed_hosts: tuple[str, ...] | None = attrs.field(default=None, repr=False)

    def with_body(self, body: bytes) -> Webhook:
        """Return a copy with this body."""
        return attrs.evolve(self, body=body)


def received_url(scheme: str, host: str, target: str) -> str:
    """Build the URL that the server received.

    :param host: the ``Host`` header. A value with a slash in it would move the path that is
        verified, so it is refused.
    :param target: path and query.
    :raises Forged: if the host is not a host with an optional port.
    """
    url = f"{scheme}://{host}{target}"
    if not _parse_authority(host):
        remedy = "The platform sends the host of its configured URL, and nothing else."
        raise Forged("the Host header is not a host", url, remedy)
    return url


def read_up_to(size: int, read: Callable[[int], bytes]) -> bytes:
    """Read a body up to a size, whatever the headers say.

    :param read: reads up to so many bytes. It may return fewer before the end.
    """
    body = b""
    while len(body) < size and (part := read(size - len(body))):
        body += part
    return body


def long_body(size: str, limit: int, url: str) -> Forged:
    """Return the error for a body that is longer than ``max_body``.

    :param size: its size in words.
    """
    reason = f"the body has {size}, more than the limit of {limit}"
    remedy = "If it is the platform's, configure smaller batches or a larger max_body."
    return Forged(reason, url, remedy)


def broken_body(url: str) -> Forged:
    """Return the error for a body that breaks off."""
    remedy = "If it is the platform's, it sends it again: its connection broke off."
    return Forged("the body cannot be read: the request broke off", url, remedy)


def server_host(name: str, port: object) -> str:
    """Return the server's own host, for a request without a Host header."""
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def escape_path(path: str | bytes) -> str:
    """Escape a path again, where its form on the wire is unknown."""
    return quote(path, safe="/!$&'()*+,;=:@~")


def url_variants(url: str) -> tuple[str, str]:
    """Return a URL with its port and without it. The platform signs one or the other.

    :raises ValueError: if it is not an ``http`` or ``https`` URL.

    >>> url_variants("https://example.com/assign?a=1")
    ('https://example.com:443/assign?a=1', 'https://example.com/assign?a=1')
    """
    if not (parts := _parse_url(url)) or not (authority := _parse_authority(parts[2])):
        raise ValueError("is not an http or https URL")
    scheme, user, host = parts[1], authority[1], authority[2]
    port = authority[3] or DEFAULT_PORTS[scheme.lower()]
    return f"{scheme}://{user}{host}:{port}{parts[3]}", f"{scheme}://{user}{host}{parts[3]}"


def _check_base(url: str | None) -> str | None:
    if url is None:
        return None
    parts = _parse_url(url)
    if not parts or not _parse_authority(parts[2]) or "?" in parts[3]:
        raise ValueError(
            "public_url must be a scheme, a host and optionally the path before every path, "
            "such as https://example.com"
        )
    return url.rstrip("/")


def _parse_networks(given: Iterable[str] | str) -> tuple[ProxyNetwork, ...]:
    try:
        return tuple(ip_network(one) for one in ([given] if isinstance(given, str) else given))
    except ValueError as error:
        raise ValueError(
            f"trusted_proxies must be addresses or networks, such as 10.0.0.0/8: {error}"
        ) from None


def _check_hosts(given: Iterable[str] | str | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    hosts = (given,) if isinstance(given, str) else tuple(given)
    if not hosts or not all(host == "*" or _parse_authority(host) for host in hosts):
        raise ValueError(
            "allowed_hosts must be hosts without a scheme, such as hooks.example.com or "
            ".example.com, or * for any"
        )
    return hosts


def _is_allowed(host: str, patterns: Iterable[str]) -> bool:
    authority = _parse_authority(host)
    name = authority[2].lower().rstrip(".") if authority else ""
    for pattern in map(str.lower, patterns):
        is_domain = pattern.startswith(".") and f".{name}".endswith(pattern)
        if pattern == "*" or is_domain or name == pattern:
            return True
    return False


@attrs.frozen(repr=False)
class UrlResolver:
    """Resolver of the URL that the platform called.

    :param public_url: the scheme and host that replace those of every request.
    :param trusted_proxies: the networks whose ``X-Forwarded-`` headers are used. Without both, the
        URL is the one that the server received.
    :param allowed_hosts: the hosts that a URL without ``public_url`` may have. A port is ignored, a
        leading dot includes all subdomains, and ``*`` is any host. ``None`` for the framework's.
    :raises ValueError: if a setting is malformed, or ``public_url`` is set with another.
    """

    public_url: str | None = attrs.field(default=None, converter=_check_base)
    trusted_proxies: tuple[ProxyNetwork, ...] = attrs.field(default=(), converter=_parse_networks)
    allowed_hosts: tuple[str, ...] | None = attrs.field(default=None, converter=_check_hosts)

    def __attrs_post_init__(self) -> None:
        """Refuse settings that have no effect."""
        if self.public_url is None:
            return
        if self.trusted_proxies:
            raise ValueError("set public_url or trusted_proxies: public_url replaces the other")
        if self.allowed_hosts is not None:
            raise ValueError("set public_url or allowed_hosts: public_url replaces every host")

    def resolve(self, webhook: Webhook) -> str:
        """Return the URL that the platform called.

        :raises Forged: if it cannot be determined.
        """
        if not (parts := _parse_url(webhook.url)) or not _parse_authority(parts[2]):
            remedy = "Pass the whole URL: scheme, host, path and query."
            raise Forged("the request's URL is not an http or https URL", webhook.url, remedy)
        scheme, host, target = parts.groups()
        if self.public_url is not None:
            return self.public_url + target
        if self.trusted_proxies and self._is_trusted(webhook.peer):
            scheme = _forwarded(webhook, "X-Forwarded-Proto", scheme, _is_scheme)
            host = _forwarded(webhook, "X-Forwarded-Host", host, _parse_authority)
        own = self.allowed_hosts
        allowed = webhook.allowed_hosts if own is None else own
        if allowed is not None and not _is_allowed(host, allowed):
            name = "the framework's allowed hosts" if own is None else "allowed_hosts"
            remedy = f"If it is the platform's, add it to {name}, or set public_url."
            raise Forged(f"the URL's host is not one of {name}", webhook.url, remedy)
        return f"{scheme}://{host}{target}"

    def _is_trusted(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:  # unknown, or the name of a socket
            return False
        if isinstance(address, IPv6Address):
            address = address.ipv4_mapped or address
        return any(address in network for network in self.trusted_proxies)


def _forwarded(webhook: Webhook, name: str, default: str, is_valid: Callable[[str], object]) -> str:
    """Return a header of the proxy. Refuse several values: a client may have sent one."""
    values = [value.strip() for value in webhook.headers.get_all(name)]
    if not values:
        return default
    if len(values) > 1 or not is_valid(values[0]) or "," in values[0]:
        remedy = "Let the outermost proxy set it and drop received ones, or set public_url."
        raise Forged(f"{name} is not one plain value", webhook.url, remedy)
    return values[0]
