"""Request and reply: what a gateway sends and receives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, cast

import attrs

from reservation_core.domain.commands.parsing import FormPairs
from reservation_core.rest.urlencoding import encode_form

FORM_CONTENT_TYPE: Final = "application/x-www-form-urlencoded"
IF_MATCH: Final = "If-Match"


def is_header_value(text: object) -> bool:
    """Whether something can be sent as a header: ASCII text, no control characters, no space at either end."""
    return (
        isinstance(text, str)
        and text != ""
        and text.isascii()
        and text.isprintable()
        and text.strip() == text
    )


@attrs.frozen
class Headers(Mapping[str, str]):
    """HTTP headers in the order they came; looking one up ignores case, and the first of a name is the one found."""

    pairs: FormPairs = ()

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


def to_headers(given: Mapping[str, str] | Iterable[tuple[str, str]]) -> Headers:
    """Make headers of a mapping or of pairs."""
    if type(given) is Headers:
        return given
    if isinstance(given, (dict, Mapping)):  # a dict is told at once
        return Headers(tuple(cast("Mapping[str, str]", given).items()))
    return Headers(tuple(given))


JSON_HEADERS: Final = Headers((("Accept", "application/json"),))
FORM_HEADERS: Final = Headers((*JSON_HEADERS.pairs, ("Content-Type", FORM_CONTENT_TYPE)))


@attrs.frozen(slots=False)  # it lives for one exchange, and is filled sooner without slots
class Request:
    """One HTTP request, but for what is the gateway's: origin, credentials and transport headers.

    :param path: from the first slash, with the query where there is one.
    :param form: the pairs of the body, in order; a ``repr`` shows their names only.
    """

    method: str
    path: str
    headers: Headers = attrs.field(default=JSON_HEADERS, converter=to_headers)
    form: FormPairs = attrs.field(
        default=(), repr=lambda form: f"<{', '.join(name for name, _ in form)}>"
    )

    @property
    def body(self) -> bytes:
        """The form as it goes over the wire; empty when there is none."""
        return encode_form(self.form)


@attrs.frozen
class RateLimit:
    """What the platform says of this method's rate: the ceiling, what is left of it, and its configuration."""

    limit: int | None
    remaining: int | None
    config: str | None


@attrs.frozen(slots=False)  # as a request
class Reply:
    """One HTTP reply as a gateway brings it: status, headers, and the whole body as bytes."""

    status: int
    headers: Headers = attrs.field(default=Headers(), converter=to_headers)
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

        return RateLimit(
            number("X-Rate-Limit-Limit"),
            number("X-Rate-Limit-Remaining"),
            self.headers.get("X-Rate-Limit-Config"),
        )

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
