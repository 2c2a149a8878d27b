"""The table of raw requests, with their expected outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final, NamedTuple, TypedDict, Unpack
from urllib.parse import urlencode

from reservation_core.domain.commands.extra import FormPairs
from reservation_core.webhooks import add_body_hash, sign
from tests.webhooks.raw.exchange import CLOSED

TOKEN: Final = "0123456789abcdef" * 2
HOST: Final = "hooks.example.com"
MAX_BODY: Final = 1000
"""The limit of each verifier."""

FORM: Final = "application/x-www-form-urlencoded"
FIELDS: Final = (("ReservationSid", "WR" + "6" * 32), ("Note", "a b&c=ü"))
BODY: Final = urlencode(FIELDS).encode()
UNREAD: Final = 16 << 20
"""The bytes of a body that nobody may read to its end."""


class Outcome(Enum):
    """The outcome of a raw request."""

    ACCEPTED = "accepted"
    """Status 200: the adapter returned the body."""
    REFUSED = "refused"
    """Another status than 5xx, but for 501 of a server that does not know a transfer coding."""
    DROPPED = "dropped"
    """Refused, or closed without a response: the request is not whole, or not HTTP."""
    EITHER = "either"
    """Accepted, refused or closed: HTTP leaves it to the server, and the signature holds."""

    def allows(self, status: int) -> bool:
        """Return True if a status is this outcome."""
        is_refusal = 400 <= status < 500 or status == 501
        return {
            Outcome.ACCEPTED: status == 200,
            Outcome.REFUSED: is_refusal,
            Outcome.DROPPED: is_refusal or status == CLOSED,
            Outcome.EITHER: is_refusal or status in (200, CLOSED),
        }[self]


ACCEPTED, REFUSED, DROPPED, EITHER = Outcome


class Raw(NamedTuple):
    """One raw request.

    :param verifier: the name of the verifier, in the path.
    :param half_close: True if the client ends its side after it.
    """

    name: str
    build: Callable[[str], Iterator[bytes]]
    expected: Outcome = REFUSED
    verifier: str = "plain"
    half_close: bool = False


def request(
    prefix: str,
    *lines: str,
    body: bytes = BODY,
    target: str = "hook?a=%20b&c=d+e",
    method: str = "POST",
    version: str = "HTTP/1.1",
    host: str | None = HOST,
    url: str = f"http://{HOST}{{path}}",
    form: FormPairs = FIELDS,
    signature: str = "X-Twilio-Signature: {}",
    content_type: str | None = FORM,
    length: str | None = "",
) -> bytes:
    """Return a request with its signature.

    :param prefix: the path up to the target.
    :param lines: further header lines.
    :param url: the URL that is signed, with braces for path and query.
    :param signature: the line of the signature. Braces stand for the right one.
    :param length: the ``Content-Length``. Empty for the right one, ``None`` for none.
    """
    url = url.format(path=prefix + target)
    head = [f"{method} {prefix}{target} {version}"]
    head += [f"Host: {host}"] if host is not None else []
    head += [signature.format(sign(url, form, TOKEN))]
    head += [f"Content-Type: {content_type}"] if content_type is not None else []
    head += [] if length is None else [f"Content-Length: {length or len(body)}"]
    head += [*lines, "Connection: close", "", ""]
    return "\r\n".join(head).encode("latin-1") + body


def chunked(body: bytes, size: int = 7) -> bytes:
    """Return a body in chunks."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


class Options(TypedDict, total=False):
    """The options of :func:`request`."""

    body: bytes
    target: str
    method: str
    version: str
    host: str | None
    url: str
    form: FormPairs
    signature: str
    content_type: str | None
    length: str | None


def one(*lines: str, **options: Unpack[Options]) -> Callable[[str], Iterator[bytes]]:
    """Return the builder of a request with these options."""

    def build(prefix: str) -> Iterator[bytes]:
        yield request(prefix, *lines, **options)

    return build


def _endless(*lines: str, length: str | None, chunk: bytes) -> Callable[[str], Iterator[bytes]]:
    def build(prefix: str) -> Iterator[bytes]:
        yield request(prefix, *lines, body=b"", length=length)
        for _ in range(UNREAD // len(chunk)):
            yield chunk

    return build


CHUNKED: Final = "Transfer-Encoding: chunked"
_ZEROS: Final = b"a=" + b"0" * 65534
_BIG_CHUNK: Final = b"10000\r\n" + _ZEROS + b"\r\n"


def _long(size: int) -> Callable[[str], Iterator[bytes]]:
    fields = (("Note", "a" * (size - 5)),)
    return one(form=fields, body=urlencode(fields).encode())


def _raw_target(target: bytes) -> Callable[[str], Iterator[bytes]]:
    def build(prefix: str) -> Iterator[bytes]:
        yield request(prefix).replace(b"hook?a=%20b&c=d+e", target)

    return build


def _json(body: bytes, sent: bytes | None = None) -> Callable[[str], Iterator[bytes]]:
    target = add_body_hash("hook", body)
    sent = body if sent is None else sent
    return one(target=target, form=(), content_type="application/json", body=sent)


SIGNED: Final = sign("http://x", (), TOKEN)

TABLE: Final = (
    # the signature
    Raw("signed form", one(), ACCEPTED),
    Raw(
        "signed GET", one(method="GET", body=b"", form=(), content_type=None, length=None), ACCEPTED
    ),
    Raw("signed PUT", one(method="PUT"), ACCEPTED),
    Raw("signed JSON", _json(b'[{"a": 1}]'), ACCEPTED),
    Raw("JSON that was changed", _json(b'[{"a": 1}]', b'[{"a": 2}]')),
    Raw("no signature", one(signature="X-Other: 1")),
    Raw("signature with underscores", one(signature="X_Twilio_Signature: {}")),
    Raw("two signatures", one(f"X-Twilio-Signature: {SIGNED}")),
    Raw("empty signature", one(signature="X-Twilio-Signature:")),
    Raw("another signature", one(signature=f"X-Twilio-Signature: {SIGNED}")),
    Raw("very long signature", one(signature=f"X-Twilio-Signature: {'a' * 7000}")),
    Raw("form that was changed", one(body=BODY + b"&More=1")),
    Raw(
        "query that was changed",
        one(
            url=f"http://{HOST}{{path}}&x=1",
        ),
    ),
    Raw(
        "path that was changed",
        one(url=f"http://{HOST}/other"),
    ),
    Raw("form in Latin-1", one(content_type=f"{FORM}; charset=latin-1")),
    Raw("form that is declared as a file", one(content_type="multipart/form-data; boundary=a")),
    Raw("form without a content type", one(content_type=None)),
    Raw(
        "escapes that are not UTF-8",
        one(
            body=b"Note=%FF%FE",
            form=(("Note", "\udcff\udcfe"),),
            signature=f"X-Twilio-Signature: {SIGNED}",
        ),
    ),
    Raw("expects a go-ahead", one("Expect: 100-continue"), ACCEPTED),
    # the target
    Raw("escapes in the path", one(target="a%20b%2Fc;v=1,d"), ACCEPTED),
    Raw("escapes of letters", one(target="%61%7Eb?%61=%7e"), ACCEPTED),
    Raw("bytes that are not ASCII in the target", _raw_target(b"h\xc3\xb6ok?a=\xff"), DROPPED),
    Raw("space in the target", _raw_target(b"ho ok"), DROPPED),
    # the length
    Raw("body as long as the limit", _long(MAX_BODY), ACCEPTED),
    Raw("body longer than the limit", _long(MAX_BODY + 1)),
    *(
        Raw(f"Content-Length {shown}", one(length=shown), DROPPED)
        for shown in ("abc", "1e3", "0x10", "5, 5", "-1", "1_0", "10.0", "²")
    ),
    Raw("Content-Length with a sign", one(length=f"+{len(BODY)}"), DROPPED),
    Raw("Content-Length of 19 digits", _endless(length="9" * 19, chunk=_ZEROS)),
    Raw("Content-Length of 5,000 digits", _endless(length="9" * 5000, chunk=_ZEROS), DROPPED),
    Raw("Content-Length just over the limit", _endless(length=str(MAX_BODY + 1), chunk=_ZEROS)),
    Raw("Content-Length twice in one", one(length=f"{len(BODY)}, {len(BODY)}"), EITHER),
    Raw("two equal lengths", one(f"Content-Length: {len(BODY)}"), EITHER),
    Raw("two lengths", one("Content-Length: 5"), DROPPED),
    Raw("no length", one(length=None), DROPPED),
    Raw(
        "body longer than its length", one(body=BODY + b"&More=1", length=str(len(BODY))), ACCEPTED
    ),
    Raw("body shorter than its length", one(length=str(len(BODY) + 1)), DROPPED, half_close=True),
    Raw("body much shorter than its length", one(length="999"), DROPPED, half_close=True),
    Raw(
        "no body where one is declared",
        one(body=b"", length="5", form=()),
        DROPPED,
        half_close=True,
    ),
    # chunks
    Raw("chunked form", one(CHUNKED, body=chunked(BODY), length=None), ACCEPTED),
    Raw("endless chunks", _endless(CHUNKED, length=None, chunk=_BIG_CHUNK)),
    Raw(
        "endless chunks and a short length",
        _endless(CHUNKED, length="5", chunk=_BIG_CHUNK),
        DROPPED,
    ),
    Raw("chunks and a short length", one(CHUNKED, body=chunked(BODY), length="5"), DROPPED),
    Raw(
        "chunks of an unknown coding",
        one("Transfer-Encoding: xchunked", body=chunked(BODY), length=None),
        DROPPED,
    ),
    Raw(
        "gzip and chunks",
        _endless("Transfer-Encoding: gzip, chunked", length="5", chunk=_BIG_CHUNK),
        DROPPED,
    ),
    Raw(
        "chunk whose size is not a number",
        one(CHUNKED, body=b"zz\r\n" + BODY, length=None),
        DROPPED,
    ),
    Raw(
        "chunks without an end",
        one(CHUNKED, body=chunked(BODY)[:-9], length=None),
        DROPPED,
        half_close=True,
    ),
    # the host
    Raw("no host", one(host=None), DROPPED),
    Raw("no host in HTTP/1.0", one(host=None, version="HTTP/1.0")),
    Raw("empty host", one(host=""), DROPPED),
    Raw(
        "empty host and a public URL",
        one(url=f"https://{HOST}{{path}}", host=""),
        DROPPED,
        verifier="public",
    ),
    Raw(
        "empty host and a proxy's",
        one(
            f"X-Forwarded-Host: {HOST}",
            url=f"http://{HOST}{{path}}",
            host="",
        ),
        DROPPED,
        verifier="proxied",
    ),
    Raw("two hosts", one(f"Host: {HOST}"), DROPPED),
    *(
        Raw(
            f"host {host}",
            one(url=f"http://{host}{{path}}", host=host),
            DROPPED,
        )
        for host in (
            f"{HOST}/a",
            f"a@{HOST}/",
            f"{HOST},{HOST}",
            f"{HOST} b",
            f"{HOST}#",
            f"[{HOST}",
        )
    ),
    Raw("host of another spelling", one(host=HOST.upper())),
    Raw(
        "host with a port",
        one(url=f"http://{HOST}:8443{{path}}", host=f"{HOST}:8443"),
        ACCEPTED,
    ),
    Raw(
        "host of the public URL does not matter",
        one(url=f"https://{HOST}{{path}}", host="inner:8000"),
        ACCEPTED,
        verifier="public",
    ),
    # the proxy
    Raw(
        "forwarded",
        one(
            "X-Forwarded-Proto: https",
            f"X-Forwarded-Host: {HOST}",
            url=f"https://{HOST}{{path}}",
            host="127.0.0.1",
        ),
        ACCEPTED,
        verifier="proxied",
    ),
    Raw(
        "forwarded, and not trusted",
        one(
            "X-Forwarded-Proto: https",
            f"X-Forwarded-Host: {HOST}",
            url=f"https://{HOST}{{path}}",
            host="127.0.0.1",
        ),
    ),
    Raw(
        "two forwarded hosts",
        one(
            f"X-Forwarded-Host: {HOST}",
            f"X-Forwarded-Host: {HOST}",
            url=f"http://{HOST}{{path}}",
        ),
        verifier="proxied",
    ),
    Raw(
        "forwarded host with underscores",
        one(
            f"X_Forwarded_Host: {HOST}",
            url=f"http://{HOST}{{path}}",
            host="127.0.0.1",
        ),
        verifier="proxied",
    ),
    Raw(
        "list of forwarded hosts",
        one(
            f"X-Forwarded-Host: {HOST}, {HOST}",
            url=f"http://{HOST}{{path}}",
        ),
        verifier="proxied",
    ),
    Raw("bytes that are not ASCII in a header", one("X-Note: \xff\xfe"), ACCEPTED),
)
"""All requests."""

_WHOLE: Final = "it reads the whole body before the application, and has no limit to set"
_UNDERSCORES: Final = "it takes underscores for hyphens; the environment does not show which"
_DECODED: Final = "it keeps only the decoded path"
_UNCHUNKED: Final = "no chunks in WSGI without wsgi.input_terminated"

VARYING: Final = {
    ("escapes in the path", "wsgiref", "*"): (REFUSED, _DECODED),
    ("escapes in the path", "django", "*"): (REFUSED, _DECODED),
    ("escapes of letters", "wsgiref", "*"): (REFUSED, _DECODED),
    ("escapes of letters", "django", "*"): (REFUSED, _DECODED),
    ("chunked form", "wsgiref", "*"): (REFUSED, _UNCHUNKED),
    ("chunked form", "django", "*"): (REFUSED, _UNCHUNKED),
    ("chunked form", "werkzeug", "django"): (REFUSED, "Django reads no chunks under WSGI"),
    ("chunked form", "gunicorn", "django"): (REFUSED, "Django reads no chunks under WSGI"),
    ("chunks and a short length", "waitress", "*"): (ACCEPTED, "it corrects the length"),
    ("two lengths", "wsgiref", "*"): (ACCEPTED, "it takes the first, and drops the other"),
    ("two lengths", "django", "*"): (ACCEPTED, "it takes the first, and drops the other"),
    ("body longer than its length", "hypercorn", "*"): (EITHER, "it reads the next request"),
    ("signature with underscores", "wsgiref", "*"): (ACCEPTED, _UNDERSCORES),
    ("forwarded host with underscores", "wsgiref", "*"): (ACCEPTED, _UNDERSCORES),
    ("Content-Length of 19 digits", "daphne", "*"): (None, _WHOLE),
    ("endless chunks", "daphne", "*"): (None, _WHOLE),
}
"""Other outcomes of a request, by server and framework, and the reason. ``None`` is not sent."""


def expected(raw: Raw, server: str, framework: str) -> Outcome | None:
    """Return the outcome of a request, ``None`` to leave it out."""
    for name in (framework, "*"):
        if (raw.name, server, name) in VARYING:
            return VARYING[raw.name, server, name][0]
    return raw.expected
