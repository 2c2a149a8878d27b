"""Signatures of webhooks, and their verification.

The signature is the base64 of an HMAC over the URL, followed by the fields of the form. Its key is
the account's auth token. The fields are sorted by name, then by value. Each distinct pair is added
once, name and value without a separator. A JSON body is not signed itself. Its SHA-256 is signed:
it is in the query of the URL, as ``bodySHA256``. A webhook without a body, such as a GET, has its
fields in the query. The signed URL may or may not have the port.

A webhook that cannot be checked is refused: one without a signature or with several, without a body
hash, with a body of an unknown content type, or with one that is too long, has another length than
its ``Content-Length``, or cannot be decoded.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qs

import attrs

from reservation_core.domain.commands.extra import FormPairs
from reservation_core.domain.errors import hides_locals
from reservation_core.domain.member_docs import document_members
from reservation_core.domain.redaction import mask
from reservation_core.rest.messages import FORM_CONTENT_TYPE
from reservation_core.rest.urlencoding import decode_form
from reservation_core.webhooks.request import (
    Forged,
    UrlResolver,
    Webhook,
    long_body,
    url_variants,
)

SIGNATURE_HEADER: Final = "X-Twilio-Signature"
SIGNATURE_SETTINGS_HEADER: Final = "X-Twilio-Webhooks-Signature-Settings"
"""The header that names the key and the algorithm of a webhook signed with a shared key."""

BODY_HASH_FIELD: Final = "bodySHA256"
"""The field of the URL's query that holds the hash of a JSON body."""

MAX_BODY_BYTES: Final = 1 << 20
"""The default limit of a body: 1 MiB."""

_LENGTH_DIGITS: Final = 19
_LENGTH_CAP: Final = 10 ** (_LENGTH_DIGITS - 1)
"""Declared lengths from here on count as this one: the int of thousands of digits would raise."""

_is_length: Final = re.compile("[0-9]+").fullmatch
_is_json: Final = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json").fullmatch
_find_charset: Final = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]*)", re.IGNORECASE).search


@document_members
class Algorithm(StrEnum):
    """The hash of the HMAC.

    Auth tokens use SHA-1. A webhook that is signed with a shared key names its algorithm.
    """

    SHA1 = "HMAC_SHA1"
    """HMAC with SHA-1, for auth tokens."""
    SHA256 = "HMAC_SHA256"
    """HMAC with SHA-256, for shared keys."""

    @property
    def digest(self) -> str:
        """The name of the hash in the standard library."""
        return self.removeprefix("HMAC_").lower()


def sign(
    url: str,
    form: FormPairs | Mapping[str, str],
    token: str,
    algorithm: Algorithm = Algorithm.SHA1,
) -> str:
    """Sign a webhook as the platform does.

    :param url: the URL configured on the platform, without a fragment. For JSON, the result of
        :func:`add_body_hash`.
    :param form: the fields of the body, as a mapping or as pairs in any order. Empty for JSON.
    :param token: the auth token, or the secret of a shared key.
    :returns: the value of the header ``X-Twilio-Signature``.

    >>> sign("https://example.com/assign", {"TaskSid": "WT1", "AccountSid": "AC1"}, "12345")
    '4XRItHJIW5D9Oq594IBQW5QjetE='
    """
    pairs = tuple(form.items()) if isinstance(form, Mapping) else form
    return _sign_text(url + _join(pairs), token.encode(), algorithm.digest).decode()


def _join(form: FormPairs) -> str:
    return "".join(name + value for name, value in sorted(set(form)))


def _sign_text(text: str, token: bytes, digest: str) -> bytes:
    return base64.b64encode(hmac.digest(token, text.encode(errors="surrogatepass"), digest))


def add_body_hash(url: str, body: bytes) -> str:
    """Add the hash of a JSON body to its URL's query.

    >>> add_body_hash("https://example.com/events", b"[]")[:48]
    'https://example.com/events?bodySHA256=4f53cda18c'
    """
    separator = "&" if "?" in url else "?"
    return f"{url}{separator}{BODY_HASH_FIELD}={hashlib.sha256(body).hexdigest()}"


def _check_tokens(given: Iterable[str] | str) -> list[bytes]:
    tokens = [given] if isinstance(given, str) else list(given)
    if not tokens or any(not token or token != token.strip() for token in tokens):
        raise ValueError(
            "tokens must be the account's auth tokens: at least one, and none that is empty or has "
            "white space around it"
        )
    return [token.encode() for token in tokens]


class Verifier:
    """Verifier of webhooks: a webhook passes if the platform signed it.

    :param tokens: the account's auth tokens (two while one is being replaced), or the secrets of
        the shared keys that sign. The secret of an API key is not used for signatures.
    :param public_url: the scheme and host of the URLs that are configured on the platform, such as
        ``https://example.com``. If a proxy removes a leading part of the path, add that part. This
        is the safest choice behind a proxy.
    :param trusted_proxies: alternatively, the addresses or networks (``10.0.0.0/8``) of the proxies
        whose ``X-Forwarded-Proto`` and ``X-Forwarded-Host`` are used. Without both, the URL is the
        one that the server received, with its ``Host`` header.
    :param allowed_hosts: the hosts that a URL without ``public_url`` may have, such as
        ``hooks.example.com``, ``.example.com`` (with its subdomains) or ``*`` (any). By default
        those of the framework: Django's ``ALLOWED_HOSTS``, Flask's ``TRUSTED_HOSTS``. Starlette
        has none, and there any host passes.
    :param max_body: the limit of a body in bytes. A longer body is refused before it is verified.
        A callback has some kilobytes. Batches of Event Streams may need more.
    :raises ValueError: if there is no token or an empty one, a URL or network is malformed, or
        ``public_url`` is set with ``trusted_proxies`` or ``allowed_hosts``.
    """

    @hides_locals(ValueError)
    def __init__(
        self,
        tokens: Iterable[str] | str,
        *,
        public_url: str | None = None,
        trusted_proxies: Iterable[str] | str = (),
        allowed_hosts: Iterable[str] | str | None = None,
        max_body: int = MAX_BODY_BYTES,
    ) -> None:
        self._tokens: Final = _check_tokens(tokens)
        self._resolver: Final = UrlResolver(public_url, trusted_proxies, allowed_hosts)
        self.max_body: Final = max_body

    @hides_locals(Forged)
    def check_head(self, head: Webhook) -> None:
        """Check URL, signature header and length before the body is read.

        It does not verify the signature.

        :param head: the webhook without its body.
        :raises Forged: if the webhook cannot pass :meth:`verify`, whatever its body.
        """
        url = self._resolver.resolve(head)
        _read_signature(head, url)
        self._check_length(_declared_length(head, url) or 0, url)

    def _check_length(self, length: int, url: str) -> None:
        if length > self.max_body:
            shown = f"{length} bytes" if length < _LENGTH_CAP else f"at least {length} bytes"
            raise long_body(shown, self.max_body, url)

    @hides_locals(Forged)
    def verify(self, webhook: Webhook) -> bytes:
        """Verify that a webhook is signed with one of the tokens.

        Every token is tried with the URL with and without its port, and with the ``other_url`` if
        there is one. Each signature is compared in constant time.

        :returns: the signed fields: the body, or the query of the URL if there is no body.
        :raises Forged: if no signature matches, or the webhook cannot be checked.
        """
        try:
            return self._verify(webhook)
        except Forged:
            if webhook.other_url is None:
                raise
            other = attrs.evolve(webhook, url=webhook.other_url)
            with contextlib.suppress(Forged):
                return self._verify(other)
            raise

    def _verify(self, webhook: Webhook) -> bytes:
        url = self._resolver.resolve(webhook)
        signature = _read_signature(webhook, url)
        self._check_length(len(webhook.body), url)
        _check_whole(webhook, url)
        digest = _read_algorithm(webhook, url).digest
        fields = _join(_read_signed_form(webhook, url))
        texts = [variant + fields for variant in url_variants(url)]
        matches = False
        for token in self._tokens:
            for text in texts:
                matches |= hmac.compare_digest(_sign_text(text, token, digest), signature)
        if not matches:
            remedy = (
                "If it is the platform's, check that scheme, host, path and query are those of the "
                "URL configured there (behind a proxy, set public_url or trusted_proxies), and "
                "that the tokens are this account's."
            )
            raise Forged("the signature does not match", url, remedy)
        return webhook.body or webhook.url.partition("?")[2].encode()

    def __repr__(self) -> str:
        """Return the number of tokens, but no token."""
        return f"<Verifier with {len(self._tokens)} token{'s'[: len(self._tokens) > 1]}>"


def _read_signature(webhook: Webhook, url: str) -> bytes:
    signatures = webhook.headers.get_all(SIGNATURE_HEADER)
    if len(signatures) != 1 or not signatures[0]:
        problem = "is given more than once" if len(signatures) > 1 else "is missing"
        remedy = "If it is the platform's, check that the proxies pass this header on unchanged."
        raise Forged(f"{SIGNATURE_HEADER} {problem}", url, remedy)
    return signatures[0].encode(errors="surrogatepass")


def _declared_length(webhook: Webhook, url: str) -> int | None:
    """Return the ``Content-Length``, ``None`` if there is none."""
    texts = webhook.headers.get_all("Content-Length")
    if not texts:
        return None
    if len(texts) > 1 or not _is_length(texts[0]):
        shown = mask(", ".join(texts), limit=40)
        remedy = "Let the server refuse such a request, as HTTP demands."
        raise Forged(f"Content-Length is not one whole number: {shown}", url, remedy)
    return min(int(texts[0].lstrip("0")[:_LENGTH_DIGITS] or "0"), _LENGTH_CAP)


def _check_whole(webhook: Webhook, url: str) -> None:
    """Refuse a body of another length than the declared one."""
    declared, length = _declared_length(webhook, url), len(webhook.body)
    if declared is None or declared == length:
        return
    reason = f"only {length} of the body's {declared} bytes are present"
    if declared < length:
        reason = f"the body has {length} bytes, and its Content-Length is {declared}"
    remedy = "Pass the whole body as it was received, before any other code reads it."
    raise Forged(reason, url, remedy)


def _read_algorithm(webhook: Webhook, url: str) -> Algorithm:
    for setting in webhook.headers.get(SIGNATURE_SETTINGS_HEADER, "").split(","):
        name, _, value = (text.strip() for text in setting.partition("="))
        if name == "algorithm" and value:
            try:
                return Algorithm(value.upper())
            except ValueError:
                shown = mask(value, limit=40)
                reason = f"{SIGNATURE_SETTINGS_HEADER} names an unknown algorithm, {shown}"
                remedy = f"Known are {', '.join(Algorithm)}; a later version may know more."
                raise Forged(reason, url, remedy) from None
    return Algorithm.SHA1


def _read_signed_form(webhook: Webhook, url: str) -> FormPairs:
    """Read the signed fields of the body. JSON has none, and its hash is checked."""
    if not webhook.body:
        _check_body_hash(webhook, url)
        return ()
    content_type = webhook.headers.get("Content-Type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    charset = _find_charset(content_type)
    is_utf8 = charset is None or charset[1].lower() in ("utf-8", "utf8")
    if not is_utf8 or not (media_type == FORM_CONTENT_TYPE or _is_json(media_type)):
        shown = mask(content_type, limit=60) or "(none)"
        reason = f"the content type {shown} is not that of a form or of JSON, in UTF-8"
        raise Forged(reason, url, "Pass the headers as they were received.")
    try:
        text = webhook.body.decode()
        if media_type == FORM_CONTENT_TYPE:
            return decode_form(text)
    except ValueError as error:
        problem = "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
        reason = f"the body cannot be decoded: it is {problem}"
        raise Forged(reason, url, "Pass the body as it was received.") from None
    _check_body_hash(webhook, url)
    return ()


def _check_body_hash(webhook: Webhook, url: str) -> None:
    hashes = parse_qs(url.partition("?")[2]).get(BODY_HASH_FIELD)
    if not hashes:
        if not webhook.body:
            return
        reason = f"a JSON body needs {BODY_HASH_FIELD} in the query, and it is missing"
        raise Forged(reason, url, "Pass the URL with its query.")
    expected = hashlib.sha256(webhook.body).hexdigest().encode()
    if not hmac.compare_digest(expected, hashes[0].encode(errors="surrogatepass")):
        reason = f"{BODY_HASH_FIELD} in the query is not the hash of the body"
        raise Forged(reason, url, "Pass the body as it was received, byte for byte.")
