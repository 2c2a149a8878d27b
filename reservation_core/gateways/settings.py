"""Settings of an HTTP gateway: address, credentials, timeouts and limits.

1. A setting that cannot work is refused when it is given, not at the first request.
2. No ``repr``, error or log line shows the password. A username (an account SID or an API key SID)
   may be shown.
3. Plain http sends the credentials in clear text. It is refused for any other machine, unless
   ``allow_plain_http`` is set.
"""

import base64
import functools
import importlib.metadata
import ipaddress
import os
import re
from collections.abc import Mapping
from typing import TypedDict, cast
from urllib.parse import urlsplit

import attrs

from reservation_core.domain.errors import hides_locals

_CREDENTIAL_VARIABLES = (
    ("TWILIO_API_KEY", "TWILIO_API_SECRET"),
    ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"),
)
_LOCATION_VARIABLES = ("TWILIO_EDGE", "TWILIO_REGION")
_MAX_SECONDS = 86_400.0  # one day; no client overflows on it
_MAX_COUNT = 2**31 - 1

_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}))?"
    r"(?P<prefix>(?:/(?!\.\.?(?:/|$))[\w.~-]+)*)/*",
    re.ASCII | re.IGNORECASE,
)
_DEFAULT_PORTS = {"https": 443, "http": 80}


class ConfigurationError(ValueError):
    """Settings that a gateway cannot work with.

    The text says what to change. It holds nothing secret.
    """


@functools.cache
def user_agent() -> str:
    """Return the ``User-Agent`` header: the name and version of this library."""
    try:
        return f"reservation-core/{importlib.metadata.version('reservation-core')}"
    except importlib.metadata.PackageNotFoundError:  # used from a checkout that is not installed
        return "reservation-core"


@hides_locals(ConfigurationError)
def _check_printable(_: object, field: "attrs.Attribute[str]", value: object) -> None:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"the {field.name} is missing. Give a non-empty string")
    if not value.isprintable():
        raise ConfigurationError(
            f"the {field.name} contains control characters. Strip the line break or tab"
        )


@attrs.frozen
class Credentials:
    """Username and password for basic authentication.

    :param username: an API key SID (preferred, as a key can be revoked) or an account SID.
    :param password: the secret of the API key, or the auth token of the account.
    :raises ConfigurationError: if either is empty or cannot be sent.
    """

    username: str = attrs.field(validator=_check_printable)
    password: str = attrs.field(validator=_check_printable, repr=False)

    @hides_locals(ConfigurationError)
    def __attrs_post_init__(self) -> None:
        """Refuse a username that basic authentication cuts short.

        RFC 7617, section 2.
        """
        if ":" in self.username:
            raise ConfigurationError(
                "the username contains a colon. Give the SID alone, and the secret as the password"
            )

    @classmethod
    @hides_locals(ConfigurationError)
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Credentials":
        """Read the credentials from environment variables.

        ``TWILIO_API_KEY`` and ``TWILIO_API_SECRET`` win over ``TWILIO_ACCOUNT_SID`` and
        ``TWILIO_AUTH_TOKEN``. An empty variable counts as missing. Half an API key pair is an
        error even beside a complete account pair, because the account's token was probably not
        meant. An account SID beside a complete API key pair is common, and is ignored.

        :raises ConfigurationError: if variables are missing. The message names them.
        """
        for number, pair in enumerate(_CREDENTIAL_VARIABLES):
            missing = [name for name in pair if not environ.get(name)]
            if not missing:
                return cls(*(environ[name] for name in pair))
            if len(missing) == 1:
                present = next(name for name in pair if name not in missing)
                other = " and ".join(_CREDENTIAL_VARIABLES[not number])
                raise ConfigurationError(
                    f"{missing[0]} is missing while {present} is set. "
                    f"Set both, or remove {present} and set {other}, or pass Credentials"
                )
        wanted = ", or ".join(" and ".join(pair) for pair in _CREDENTIAL_VARIABLES)
        raise ConfigurationError(f"credentials are missing. Set {wanted}, or pass Credentials")

    @property
    def authorization(self) -> str:
        """The ``Authorization`` header for basic authentication. As secret as the password."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


@hides_locals(ConfigurationError)
def default_base_url(environ: Mapping[str, str] = os.environ) -> str:
    """Return the platform's address in the region and edge of the environment.

    ``TWILIO_REGION`` and ``TWILIO_EDGE`` shape the host as in every official client. With an edge
    alone, the region is ``us1``. An empty variable counts as missing.

    :raises ConfigurationError: if a variable is not part of a host name.

    >>> default_base_url({"TWILIO_EDGE": "dublin", "TWILIO_REGION": "ie1"})
    'https://taskrouter.dublin.ie1.twilio.com'
    """
    edge, region = (environ.get(name, "") for name in _LOCATION_VARIABLES)
    for name, value in zip(_LOCATION_VARIABLES, (edge, region), strict=True):
        if value and not re.fullmatch("[a-z0-9]+(?:-[a-z0-9]+)*", value):
            raise ConfigurationError(
                f"{name} is not part of a host name. Set it as in the official clients, such as "
                f"{'dublin' if name == 'TWILIO_EDGE' else 'ie1'}, or pass base_url"
            )
    labels = ["taskrouter", edge, region or (edge and "us1"), "twilio", "com"]
    return f"https://{'.'.join(label for label in labels if label)}"


class GatewayOptions(TypedDict, total=False):
    """Keyword arguments of a gateway, as ``GatewaySettings`` describes them."""

    base_url: str
    connect_timeout: float
    timeout: float
    max_reply_bytes: int
    max_connections: int
    allow_plain_http: bool


def _normalize_base_url(url: object) -> str:
    """Return the normal form of a base URL.

    Scheme and host are lower case. The default port and a slash at the end are left out.
    """
    parts = _URL.fullmatch(url) if isinstance(url, str) else None
    if parts:
        scheme, host = parts["scheme"].lower(), parts["host"].lower()
        port = int(parts["port"] or _DEFAULT_PORTS[scheme])
        is_numeric = host.startswith("[") or host.rpartition(".")[2].isdigit()
        if 1 <= port <= 65_535 and (_ip_address(host) or not is_numeric):
            shown_port = "" if port == _DEFAULT_PORTS[scheme] else f":{port}"
            return f"{scheme}://{host}{shown_port}{parts['prefix']}"
    raise ConfigurationError(  # the URL is not shown: it may hold a password
        "base_url must have the form https://host[:port][/prefix]. Leave out credentials, query "
        "and fragment, and write an international host in ASCII"
    )


def _ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _check_seconds(_: object, field: "attrs.Attribute[float]", value: object) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0.001 <= cast("float", value) <= _MAX_SECONDS:
        raise ConfigurationError(
            f"{field.name} must be a number of seconds from 0.001 to {_MAX_SECONDS:g}"
        )


def _check_count(_: object, field: "attrs.Attribute[int]", value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MAX_COUNT:
        raise ConfigurationError(f"{field.name} must be a whole number from 1 to {_MAX_COUNT}")


@attrs.frozen(kw_only=True)
class GatewaySettings:
    """Checked settings of a gateway.

    :param credentials: the username and password for basic authentication.
    :param base_url: address of the platform, with a path prefix if a proxy needs one. By default
        it follows ``TWILIO_REGION`` and ``TWILIO_EDGE`` (:func:`default_base_url`).
    :param connect_timeout: seconds to wait for a free connection, or to open one (name lookup and
        TLS included).
    :param timeout: seconds for a whole exchange, connecting included. Keep it above
        ``connect_timeout``: if it expires first, a failure to connect counts as an unknown
        outcome.
    :param max_reply_bytes: maximum length of a body in bytes, after decompression.
    :param max_connections: maximum number of requests under way at a time. Further ones wait for
        up to ``connect_timeout``.
    :param allow_plain_http: allow http to another machine. Everyone on the way can then read the
        credentials.
    :raises ConfigurationError: if the gateway cannot work with a setting.
    """

    credentials: Credentials
    base_url: str = attrs.field(factory=default_base_url, converter=_normalize_base_url)
    connect_timeout: float = attrs.field(default=5.0, validator=_check_seconds)
    timeout: float = attrs.field(default=15.0, validator=_check_seconds)
    max_reply_bytes: int = attrs.field(default=1_048_576, validator=_check_count)
    max_connections: int = attrs.field(default=100, validator=_check_count)
    allow_plain_http: bool = False

    def __attrs_post_init__(self) -> None:
        """Refuse to send credentials in clear text beyond this machine."""
        parts = urlsplit(self.base_url)  # safe to split: the URL is normalized
        address = _ip_address(parts.hostname or "")
        is_local = parts.hostname == "localhost" or (address is not None and address.is_loopback)
        if parts.scheme == "http" and not is_local and not self.allow_plain_http:
            raise ConfigurationError(
                f"base_url is plain http to {parts.hostname}, which shows the credentials to the "
                "network. Use https, or set allow_plain_http=True"
            )

    @property
    def origin(self) -> str:
        """The base URL without its path: scheme, host and any unusual port."""
        return "/".join(self.base_url.split("/", 3)[:3])
