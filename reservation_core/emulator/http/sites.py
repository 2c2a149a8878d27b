"""Names of an emulator, and sites whose pages may use it.

A page of any site can send requests to an emulator on the same machine, and can make its own name
resolve to it (DNS rebinding). Two checks keep such pages out:

1. ``Host`` must name the emulator: a loopback name, the bound address, the public URL's host or an
   allowed host. An emulator that is bound to all addresses also answers to any IP address, because
   an address cannot be rebound.
2. ``Origin`` and ``Sec-Fetch-Site`` must not name another site. Reading the emulated API is free,
   as on the platform. Changing it is for pages of the same names, the control surface for its own
   page. Clients that are not browsers send neither header.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, TypedDict, Unpack
from urllib.parse import SplitResult, urlsplit

from reservation_core.domain.member_docs import document_members
from reservation_core.emulator.http.asgi_messages import SiteHeaders, error_reply
from reservation_core.rest.messages import Reply
from reservation_core.webhooks.request import Forged, UrlResolver, Webhook

ANY_HOST: Final = "*"
"""Allowed host that stands for every host."""

_parse_authority: Final = re.compile(
    r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::[0-9]{1,5})?", re.IGNORECASE | re.ASCII
).fullmatch
_parse_origin: Final = re.compile("https?://(.+)").fullmatch
_READING: Final = ("GET", "HEAD")
_OWN_SITE: Final = ("same-origin", "none")


@document_members
class Access(Enum):
    """Access to the emulator, as a request needs it."""

    OPEN = "open"
    """Read what pages of all sites may read."""
    CHANGE = "change"
    """Change a resource of the emulated API."""
    CONTROL = "control"
    """Read or change the control surface."""


def api_access(method: str, headers: SiteHeaders) -> Access:
    """Return the access of a request of the emulated API.

    A preflight request has the access of the request that it announces.
    """
    if method == "OPTIONS":
        asked = dict(headers).get(b"access-control-request-method", b"GET")
        method = asked.decode("latin-1")
    return Access.OPEN if method in _READING else Access.CHANGE


class SiteOptions(TypedDict, total=False):
    """Options of an emulator behind names or proxies of its own.

    * ``public_url``: start of the links in replies, such as ``https://emulator.example``. By
      default links begin with the host that the client asked for.
    * ``allowed_hosts``: further names of the emulator. ``*`` stands for every name.
    * ``trusted_proxies``: addresses or networks of proxies. Their ``X-Forwarded-Host`` and
      ``X-Forwarded-Proto`` are used in links.
    """

    public_url: str | None
    allowed_hosts: Iterable[str]
    trusted_proxies: Iterable[str]


SITE_OPTIONS: Final = tuple(SiteOptions.__annotations__)
"""The names of the options about sites."""


class Sites:
    """Names and sites of one emulator.

    :param url: its own URL, with the host as it was given.
    :param address: the IP address that it is bound to.
    :param options: see :class:`SiteOptions`.
    :raises ValueError: if an option is malformed, or both a public URL and proxies are given.
    """

    def __init__(self, url: str, address: str, **options: Unpack[SiteOptions]) -> None:
        self._resolver: Final = UrlResolver(
            options.get("public_url"), options.get("trusted_proxies", ())
        )
        public = urlsplit(self._resolver.public_url or url)
        if "@" in public.netloc or not _has_valid_port(public):
            raise ValueError("public_url must hold no user information, and a port up to 65535")
        names = options.get("allowed_hosts", ())
        allowed = {_read_name(name) for name in ([names] if isinstance(names, str) else names)}
        given = (address, urlsplit(url).hostname, public.hostname)
        self._names: Final = frozenset({*map(_bare, filter(None, given)), *allowed - {ANY_HOST}})
        self._allows_any: Final = ANY_HOST in allowed
        self._is_on_all_addresses: Final = ip_address(address).is_unspecified

    def find_origin(self, access: Access, client: str, headers: SiteHeaders) -> str | Reply:
        """Return the start of the reply's links, or the refusal.

        :param client: the client's IP address.
        :param headers: the site headers of the request.
        """
        pairs = tuple((name.decode(), value.decode("latin-1").lower()) for name, value in headers)
        hosts = [value for name, value in pairs if name == "host"]
        if len(hosts) != 1 or not _parse_authority(hosts[0]):
            return _refuse(400, "A request needs one Host header: a host, perhaps with a port")
        try:
            origin = self._resolver.resolve(
                Webhook(url=f"http://{hosts[0]}", headers=pairs, peer=client)
            )
        except Forged as error:
            remedy = "let the outermost proxy set it, or start the emulator with --public-url"
            return _refuse(400, f"{error.reason}: {remedy}")
        authority = origin.partition("://")[2]
        is_public = self._resolver.public_url is not None
        for asked in (hosts[0],) if is_public else (hosts[0], authority):
            if not self._is_served(name := _bare(asked)):
                message = f"{name} is not a name of this emulator: start it with --allow-host"
                return _refuse(421, f"{message} {name}")
        own = {_normalize(hosts[0]), _normalize(authority.partition("/")[0])}
        return self._find_refusal(access, pairs, own) or origin

    def _find_refusal(
        self, access: Access, pairs: tuple[tuple[str, str], ...], own: set[str]
    ) -> Reply | None:
        origins = [value for name, value in pairs if name == "origin"]
        sites = [value for name, value in pairs if name == "sec-fetch-site"]
        authorities = [parts[1] if (parts := _parse_origin(each)) else "" for each in origins]
        if access is Access.CHANGE:
            is_foreign = any(
                _normalize(each) not in own and not self._is_named(_bare(each))
                for each in authorities
            )
            if is_foreign or (not origins and "cross-site" in sites):
                return _refuse(
                    403,
                    "Pages of other sites cannot change anything here: start the emulator with "
                    "--allow-host and the host of the page",
                )
        if access is Access.CONTROL and (
            any(_normalize(authority) not in own for authority in authorities)
            or any(site not in _OWN_SITE for site in sites)
        ):
            return _refuse(
                403,
                "Pages of other sites cannot control the emulator: use its own page, and start it "
                "with --public-url if that is behind a proxy",
            )
        return None

    def _is_served(self, name: str) -> bool:
        is_address = self._is_on_all_addresses and _find_address(name) is not None
        return self._allows_any or self._is_named(name) or is_address

    def _is_named(self, name: str) -> bool:
        if name in self._names or name == "localhost" or name.endswith(".localhost"):
            return True
        address = _find_address(name)
        return address is not None and address.is_loopback


def check_site_options(options: SiteOptions) -> None:
    """Check options without an emulator.

    :raises ValueError: if an option is malformed, or both a public URL and proxies are given.
    """
    Sites("http://localhost", "127.0.0.1", **options)


def _refuse(status: int, message: str) -> Reply:
    return error_reply(status, 20_000 + status, message)


def _read_name(given: str) -> str:
    name = _bare(given)
    if name == ANY_HOST or _find_address(name) is not None:
        return name
    with suppress(UnicodeError):  # a part is empty or too long
        name = name.encode("idna").decode()
        if _parse_authority(name):
            return name
    raise ValueError(
        "allowed_hosts must be names or addresses such as emulator.example, or "
        f"{ANY_HOST} for every host"
    )


def _has_valid_port(url: SplitResult) -> bool:
    try:
        return url.port != 0
    except ValueError:
        return False


def _normalize(authority: str) -> str:
    """Return an authority in lower case without a default port."""
    return authority.lower().removesuffix(":80").removesuffix(":443")


def _bare(authority: str) -> str:
    """Return the name in an authority: in lower case, without port, brackets and last dot."""
    parts = _parse_authority(authority)
    name = (parts[1] if parts else authority).strip("[]").lower().removesuffix(".")
    return str(_find_address(name) or name)


def _find_address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(name)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
