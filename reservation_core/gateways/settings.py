"""What every HTTP gateway needs to know: where to, as whom, how long to wait, how much to read and how many at once.

1. A setting that cannot work is refused when it is given, with the remedy; never at the first request.
2. The password is in no ``repr``, no error and no log; a username (an account SID or an API key SID) may be shown.
3. Credentials travel in clear over http, so plain http goes to this machine only, unless ``allow_plain_http`` says otherwise.
"""

import base64
import functools
import importlib.metadata
import ipaddress
import os
import re
from collections.abc import Mapping
from typing import TypedDict
from urllib.parse import urlsplit

import attrs

_PAIRS = (("TWILIO_API_KEY", "TWILIO_API_SECRET"), ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"))
_LONGEST = 86_400.0  # seconds; a day is longer than any call, and no client overflows on it

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}))?"
    r"(?P<prefix>(?:/(?!\.\.?(?:/|$))[\w.~-]+)*)/*",
    re.ASCII | re.IGNORECASE,
)
_USUAL_PORT = {"https": 443, "http": 80}


class ConfigurationError(ValueError):
    """A gateway cannot work with what it was given; the text says what to change, and holds nothing secret."""


@functools.cache
def user_agent() -> str:
    """Name this library and its version, for the ``User-Agent`` header."""
    try:
        return f"reservation-core/{importlib.metadata.version('reservation-core')}"
    except importlib.metadata.PackageNotFoundError:  # used from a checkout that is not installed
        return "reservation-core"


def _printable(_: object, field: "attrs.Attribute[str]", value: object) -> None:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"the {field.name} is missing; give it as text that is not empty")
    if not value.isprintable():
        raise ConfigurationError(
            f"the {field.name} holds control characters; strip the line break or tab it was read with"
        )


@attrs.frozen
class Credentials:
    """Who asks: an API key SID and its secret (to be preferred, it can be revoked), or an account SID and its auth token."""

    username: str = attrs.field(validator=_printable)
    password: str = attrs.field(validator=_printable, repr=False)

    def __attrs_post_init__(self) -> None:
        """Refuse a username that basic authentication would cut short (RFC 7617, section 2)."""
        if ":" in self.username:
            raise ConfigurationError(
                "the username holds a colon; give the SID alone, and the secret as the password"
            )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Credentials":
        """Read ``TWILIO_API_KEY`` and ``TWILIO_API_SECRET``, or else ``TWILIO_ACCOUNT_SID`` and ``TWILIO_AUTH_TOKEN``.

        An empty variable counts as missing. Half an API key pair is an error even when the account pair is whole: whoever set it
        did not mean the account's own token. An account SID beside a whole API key pair is usual and of no concern.

        Raises ConfigurationError, naming the variables that are missing.
        """
        for pair in _PAIRS:
            missing = [name for name in pair if not environ.get(name)]
            if not missing:
                return cls(*(environ[name] for name in pair))
            if len(missing) == 1:
                present = next(name for name in pair if name not in missing)
                raise ConfigurationError(
                    f"{missing[0]} is missing while {present} is set; set both, or neither, or pass Credentials"
                )
        wanted = ", or ".join(f"{username} and {password}" for username, password in _PAIRS)
        raise ConfigurationError(
            f"no credentials in the environment; set {wanted}, or pass Credentials"
        )

    @property
    def authorization(self) -> str:
        """The value of the ``Authorization`` header: basic, in UTF-8. It is as secret as the password."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


class GatewayOptions(TypedDict, total=False):
    """The settings a gateway's constructor takes by name; ``GatewaySettings`` has their meaning and their defaults."""

    base_url: str
    connect_timeout: float
    timeout: float
    max_reply_bytes: int
    max_connections: int
    allow_plain_http: bool


def _normal(url: object) -> str:
    """Bring a base URL to its one spelling: lower-case scheme and host, no port where it is the usual one, no slash at the end."""
    parts = _URL.fullmatch(url) if isinstance(url, str) else None
    if parts:
        scheme, host = parts["scheme"].lower(), parts["host"].lower()
        port = int(parts["port"] or _USUAL_PORT[scheme])
        numeric = host.startswith("[") or host.rpartition(".")[2].isdigit()
        if 1 <= port <= 65_535 and (_address(host) or not numeric):
            return f"{scheme}://{host}{'' if port == _USUAL_PORT[scheme] else f':{port}'}{parts['prefix']}"
    raise ConfigurationError(  # the URL is not shown: it may hold a password
        "base_url is not of the form https://host[:port][/prefix]; leave out credentials, query and fragment, "
        "and spell an international host in ASCII"
    )


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _seconds(_: object, field: "attrs.Attribute[float]", value: object) -> None:
    fits = (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and 0.001 <= value <= _LONGEST
    )
    if not fits:
        raise ConfigurationError(
            f"{field.name} must be a number of seconds, from 0.001 to {_LONGEST:g}"
        )


def _positive(_: object, field: "attrs.Attribute[int]", value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 2**31:
        raise ConfigurationError(f"{field.name} must be a whole number, from 1 to {2**31 - 1}")


@attrs.frozen(kw_only=True)
class GatewaySettings:
    """What a gateway works with, checked. Raises ConfigurationError.

    ``base_url``: where the platform is, with a path prefix if it stands behind one.
    ``connect_timeout``: seconds to get a connection: to wait for a free one, or to make one (name look-up and TLS included).
    ``timeout``: seconds for a whole exchange, connecting included. Keep it above ``connect_timeout``: where it runs out first, a
    connection never made looks like a reply never received, and counts as outcome unknown.
    ``max_reply_bytes``: the longest body read, after decompression.
    ``max_connections``: requests under way at a time; more than that wait their turn, for ``connect_timeout`` at most.
    """

    credentials: Credentials
    base_url: str = attrs.field(default="https://taskrouter.twilio.com", converter=_normal)
    connect_timeout: float = attrs.field(default=5.0, validator=_seconds)
    timeout: float = attrs.field(default=15.0, validator=_seconds)
    max_reply_bytes: int = attrs.field(default=1_048_576, validator=_positive)
    max_connections: int = attrs.field(default=100, validator=_positive)
    allow_plain_http: bool = False

    def __attrs_post_init__(self) -> None:
        """Refuse to send credentials in clear beyond this machine."""
        where = urlsplit(self.base_url)  # safe to split: it has been brought to its one spelling
        address = _address(where.hostname or "")
        here = where.hostname == "localhost" or (address is not None and address.is_loopback)
        if where.scheme == "http" and not here and not self.allow_plain_http:
            raise ConfigurationError(
                f"base_url is plain http to {where.hostname}, which shows the credentials to the network; use https, "
                "or set allow_plain_http=True"
            )

    @property
    def origin(self) -> str:
        """The base URL up to its path: scheme, host, and the port where it is not the usual one."""
        return "/".join(self.base_url.split("/", 3)[:3])
