"""How the platform signs its webhooks, and whether a request is signed so.

The signature is the base64 of an HMAC, keyed with the account's auth token, over the URL and every field of the form: sorted by name,
then by value, each different pair once, name and value joined without anything between. A body that is no form is not signed itself:
its SHA-256 stands in the URL, as the query's ``bodySHA256``. The port may or may not be in the URL that was signed.

Whatever cannot be checked is refused: no signature, several, no body hash, an unknown content type, a body that is too long or cannot
be decoded.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qs

from reservation_core.domain.commands.parsing import FormPairs
from reservation_core.domain.redaction import mask
from reservation_core.rest.messages import FORM_CONTENT_TYPE
from reservation_core.rest.urlencoding import decode_form
from reservation_core.webhooks.request import Front, Webhook, doubt, spellings

SIGNATURE_HEADER: Final = "X-Twilio-Signature"
SETTINGS_HEADER: Final = "X-Twilio-Webhooks-Signature-Settings"
"""What names the key and the algorithm, where a webhook is signed with a shared key instead of the auth token."""

BODY_HASH: Final = "bodySHA256"

MAX_BODY_BYTES: Final = 1 << 20
"""The bytes of a body that are read, unless a verifier is told otherwise."""

_is_length: Final = re.compile("[0-9]{1,18}").fullmatch
_is_json: Final = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json").fullmatch
_charset: Final = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]*)", re.IGNORECASE).search


class Algorithm(StrEnum):
    """The hash of the HMAC: SHA-1 for auth tokens; a shared key's webhook names its own."""

    SHA1 = "HMAC_SHA1"
    SHA256 = "HMAC_SHA256"

    @property
    def digest(self) -> str:
        """Its name in the standard library."""
        return self.removeprefix("HMAC_").lower()


def sign(url: str, form: FormPairs, token: str, algorithm: Algorithm = Algorithm.SHA1) -> str:
    """Sign a webhook as the platform does.

    :param url: as the platform was given it, without a fragment; for JSON, with the hash that :func:`add_body_hash` puts in.
    :param form: the fields of the body, in any order; empty for JSON.

    >>> sign("https://example.com/assign", (("TaskSid", "WT1"), ("AccountSid", "AC1")), "12345")
    '4XRItHJIW5D9Oq594IBQW5QjetE='
    """
    return _mac(url + _join(form), token.encode(), algorithm.digest).decode()


def _join(form: FormPairs) -> str:
    return "".join(name + value for name, value in sorted(set(form)))


def _mac(text: str, token: bytes, digest: str) -> bytes:
    return base64.b64encode(hmac.digest(token, text.encode(errors="surrogatepass"), digest))


def add_body_hash(url: str, body: bytes) -> str:
    """Put the hash of a body that is no form into the URL it is sent to.

    >>> add_body_hash("https://example.com/events?node=1", b"[]")
    'https://example.com/events?node=1&bodySHA256=4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945'
    """
    return f"{url}{'&' if '?' in url else '?'}{BODY_HASH}={hashlib.sha256(body).hexdigest()}"


def _check_tokens(given: Iterable[str] | str) -> tuple[str, ...]:
    tokens = (given,) if isinstance(given, str) else tuple(given)
    if not tokens or any(not token or token != token.strip() for token in tokens):
        raise ValueError(
            "tokens are the account's auth tokens: at least one, none of them empty, without white space around them"
        )
    return tokens


class Verifier:
    """Tells the platform's webhooks from everybody else's.

    :param tokens: the account's auth tokens (an API key's secret does not sign); two while one is being replaced. Or the secrets of the
        shared keys that sign.
    :param public_url: scheme and host as the platform was given them, with the path that a proxy takes away where it does:
        ``https://example.com``. The surest choice behind a proxy.
    :param trusted_proxies: or else the addresses or networks (``10.0.0.0/8``) of the proxies whose ``X-Forwarded-Proto`` and
        ``X-Forwarded-Host`` are believed. With neither, the URL is what the server saw.
    :param max_body: bytes; a longer body is refused without a look at it, for anybody may send one. A callback has some kilobytes;
        let it be more where batches of Event Streams are.
    :raises ValueError: when it could not tell: no token, an empty one, a URL or a network that is none.
    """

    def __init__(
        self,
        tokens: Iterable[str] | str,
        *,
        public_url: str | None = None,
        trusted_proxies: Iterable[str] | str = (),
        max_body: int = MAX_BODY_BYTES,
    ) -> None:
        self._tokens: Final = [token.encode() for token in _check_tokens(tokens)]
        self._front: Final = Front(public_url, trusted_proxies)
        self.max_body: Final = max_body

    def admit(self, head: Webhook) -> None:
        """Let a webhook pass whose body is worth reading: its URL can be told, it has a signature, and says of no body too long.

        :param head: without its body. It is not verified yet.
        :raises Forged: in every other case.
        """
        url = self._front.url_of(head)
        _given(head, url)
        self._check_length(_declared(head), url)

    def _check_length(self, length: int, url: str) -> None:
        if length > self.max_body:
            remedy = "if it is the platform's, let its batches be smaller or max_body larger"
            raise doubt(
                f"the body has {length} bytes, more than the {self.max_body} that are read",
                url,
                remedy,
            )

    def verify(self, webhook: Webhook) -> None:
        """Let a webhook pass that one of the tokens has signed.

        Every token and both spellings of the URL are tried, each compared in constant time.

        :raises Forged: in every other case.
        """
        url = self._front.url_of(webhook)
        given = _given(webhook, url)
        self._check_length(len(webhook.body), url)
        digest = _algorithm(webhook, url).digest
        fields = _join(_signed_form(webhook, url))
        texts = [spelling + fields for spelling in spellings(url)]
        matches = False
        for token in self._tokens:
            for text in texts:
                matches |= hmac.compare_digest(_mac(text, token, digest), given)
        if not matches:
            _check_whole(webhook, url)
            remedy = (
                "if it is the platform's, see that scheme, host, path and query are those the platform was given (behind a proxy, "
                "set public_url or trusted_proxies), and that the tokens are this account's"
            )
            raise doubt("the signature does not match", url, remedy)

    def __repr__(self) -> str:
        """Show how many tokens there are, and nothing of them."""
        return f"<Verifier with {len(self._tokens)} token{'s'[: len(self._tokens) > 1]}>"


def _given(webhook: Webhook, url: str) -> bytes:
    signatures = [
        value for name, value in webhook.headers.pairs if name.lower() == SIGNATURE_HEADER.lower()
    ]
    if len(signatures) != 1 or not signatures[0]:
        reason = (
            f"{SIGNATURE_HEADER} is given more than once"
            if len(signatures) > 1
            else f"{SIGNATURE_HEADER} is missing"
        )
        raise doubt(
            reason,
            url,
            "if it is the platform's, see that the proxies pass this header on as it is",
        )
    return signatures[0].encode(errors="surrogatepass")


def _declared(webhook: Webhook) -> int:
    """Give how long the body is said to be; 0 where nothing is said."""
    length = _is_length(webhook.headers.get("Content-Length", ""))
    return int(length[0]) if length else 0


def _check_whole(webhook: Webhook, url: str) -> None:
    """Blame what does not match on the rest of the body, where it is missing."""
    if (declared := _declared(webhook)) > len(webhook.body):
        remedy = "hand over the whole body as it was received, before anything else reads it"
        raise doubt(
            f"only {len(webhook.body)} of the body's {declared} bytes are there", url, remedy
        )


def _algorithm(webhook: Webhook, url: str) -> Algorithm:
    for setting in webhook.headers.get(SETTINGS_HEADER, "").split(","):
        name, _, word = setting.partition("=")
        if name.strip() == "algorithm" and word.strip():
            try:
                return Algorithm(word.strip().upper())
            except ValueError:
                reason = (
                    f"{SETTINGS_HEADER} names an unknown algorithm, {mask(word.strip(), limit=40)}"
                )
                raise doubt(
                    reason,
                    url,
                    f"known are {', '.join(Algorithm)}; a later version of this library may know more",
                ) from None
    return Algorithm.SHA1


def _signed_form(webhook: Webhook, url: str) -> FormPairs:
    """Give the fields that the signature is made over: a form's own; of a JSON body none, once its hash is found right."""
    content_type = webhook.headers.get("Content-Type", "")
    kind = content_type.partition(";")[0].strip().lower()
    charset = _charset(content_type)
    if charset and charset[1].lower() not in ("utf-8", "utf8"):
        kind = ""
    try:
        text = webhook.body.decode()
        if kind == FORM_CONTENT_TYPE:
            return decode_form(text)
    except ValueError:
        raise doubt(
            "the body cannot be decoded",
            url,
            "the platform sends UTF-8; hand over the body as it was received",
        ) from None
    if not _is_json(kind):
        reason = f"the content type {mask(content_type, limit=60) or '(none)'} is neither a form's nor JSON's"
        raise doubt(
            reason,
            url,
            "the platform sends forms and JSON in UTF-8; hand over the headers as they were received",
        )
    hashes = parse_qs(url.partition("?")[2]).get(BODY_HASH)
    if not hashes:
        raise doubt(
            f"a JSON body is signed by {BODY_HASH} in the query, and there is none",
            url,
            "hand over the URL with its query",
        )
    if not hmac.compare_digest(
        hashlib.sha256(webhook.body).hexdigest().encode(), hashes[0].encode(errors="surrogatepass")
    ):
        _check_whole(webhook, url)
        raise doubt(
            f"{BODY_HASH} in the query is not the body's",
            url,
            "hand over the body as it was received, byte for byte",
        )
    return ()
