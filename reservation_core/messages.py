"""The two messages a gateway moves: a request without origin and credentials, and a reply with its whole body."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, cast

import attrs

from reservation_core.fields import ByFields
from reservation_core.forms import Pairs

FORM_TYPE: Final = "application/x-www-form-urlencoded"
VERSION_HEADER: Final = "If-Match"


def is_visible(text: object) -> bool:
    """Whether something can be sent as a header: ASCII text, no control characters, no space at either end."""
    return isinstance(text, str) and text != "" and text.isascii() and text.isprintable() and text.strip() == text


@attrs.frozen(eq=False, repr=False)
class Headers(ByFields, Mapping[str, str]):
    """HTTP headers in the order they came; looking one up ignores case, and the first of a name is the one found."""

    pairs: Pairs = ()

    def __getitem__(self, name: str) -> str:
        """Give the first header of that name."""
        wanted = name.lower()
        for key, value in self.pairs:
            if key.lower() == wanted:
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        """Go through the names, each once, as first written."""
        names: dict[str, str] = {}
        for key, _ in self.pairs:
            names.setdefault(key.lower(), key)
        return iter(names.values())

    def __len__(self) -> int:
        """Count the names."""
        return len({key.lower() for key, _ in self.pairs})

    def __repr__(self) -> str:
        """Name the headers without their values, any of which may be secret."""
        return f"<headers: {', '.join(self)}>"


def as_headers(given: Mapping[str, str] | Iterable[tuple[str, str]]) -> Headers:
    """Make headers of a mapping or of pairs."""
    if type(given) is Headers:
        return given
    if isinstance(given, (dict, Mapping)):  # a dict is told at once
        return Headers(tuple(cast("Mapping[str, str]", given).items()))
    return Headers(tuple(given))


AS_JSON: Final = Headers((("Accept", "application/json"),))
AS_FORM: Final = Headers((*AS_JSON.pairs, ("Content-Type", FORM_TYPE)))


@attrs.frozen(slots=False, eq=False, repr=False)  # it lives for one exchange, and is filled sooner without slots
class Request(ByFields):
    """One HTTP request, but for what is the gateway's: origin, credentials and transport headers.

    :param path: from the first slash, with the query where there is one.
    :param form: the pairs of the body, in order; a ``repr`` shows their names only.
    """

    method: str
    path: str
    headers: Headers = attrs.field(default=AS_JSON, converter=as_headers)
    form: Pairs = attrs.field(default=(), repr=lambda form: f"<{', '.join(name for name, _ in form)}>")

    @property
    def body(self) -> bytes:
        """The form as it goes over the wire; empty when there is none."""
        return encode_form(self.form)


@attrs.frozen(eq=False, repr=False)
class RateLimit(ByFields):
    """What the platform says of this method's rate: the ceiling, what is left of it, and its configuration."""

    limit: int | None
    remaining: int | None
    config: str | None


@attrs.frozen(slots=False, eq=False, repr=False)  # as a request
class Reply(ByFields):
    """One HTTP reply as a gateway brings it: status, headers, and the whole body as bytes."""

    status: int
    headers: Headers = attrs.field(default=Headers(), converter=as_headers)
    body: bytes = attrs.field(default=b"", repr=lambda body: f"<{len(body)} bytes>")

    @property
    def etag(self) -> str | None:
        """The version of the resource, opaque; ``None`` where the route tells none."""
        for name, value in self.headers.pairs:
            if len(name) == 4 and name.lower() == "etag":  # most others are told by their length
                return value or None
        return None

    @property
    def rate_limit(self) -> RateLimit:
        """The rate-limit headers; each part is ``None`` where it is absent or no number."""

        def number(name: str) -> int | None:
            text = self.headers.get(name, "").strip()
            return int(text) if re.fullmatch("[0-9]{1,18}", text) else None

        return RateLimit(number("X-Rate-Limit-Limit"), number("X-Rate-Limit-Remaining"), self.headers.get("X-Rate-Limit-Config"))

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait before asking again: a number, or a date measured from the reply's own ``Date``; ``None`` when unsaid."""
        text = self.headers.get("Retry-After", "").strip()
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
            return float(text)
        from email.utils import parsedate_to_datetime  # noqa: PLC0415 - a throttled reply is rare, and the import is not small

        try:
            wait = parsedate_to_datetime(text) - parsedate_to_datetime(self.headers.get("Date", ""))
        except (TypeError, ValueError, OverflowError):
            return None
        return max(0.0, wait.total_seconds())


_PLAIN: Final = (string.ascii_letters + string.digits + "_.-~").encode()  # what stays as it is
_APART: Final = b"\t\n %"  # what has its own turn


def encode_form(pairs: Pairs) -> bytes:
    """Encode a form as the official client does: UTF-8, a space as ``+``, ``~`` kept.

    The whole form is escaped at once, one kind of special byte at a time: eight times as fast as quoting each name and value.

    >>> encode_form((("To", "client:alice"), ("WaitUrl", "https://example.com/a b")))
    b'To=client%3Aalice&WaitUrl=https%3A%2F%2Fexample.com%2Fa+b'
    """
    text = "\n".join(map("\t".join, pairs)).encode()
    special = text.translate(None, delete=_PLAIN)
    if special.count(b"\t") != len(pairs) or special.count(b"\n") != len(pairs) - 1:  # a value holds one of the two that part them
        from urllib.parse import urlencode  # noqa: PLC0415 - rare, and the import is not small

        return urlencode(pairs).encode()
    text = text.replace(b"%", b"%25")  # before any code brings another one in
    special = special.translate(None, delete=_APART)
    while special:
        byte = special[:1]
        text, special = text.replace(byte, b"%%%02X" % byte[0]), special.replace(byte, b"")
    return text.replace(b" ", b"+").replace(b"\t", b"=").replace(b"\n", b"&")
