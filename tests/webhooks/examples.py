"""Signed webhooks that the tests of this room share."""

from __future__ import annotations

from typing import Final, TypeAlias
from urllib.parse import urlencode

from reservation_core.webhooks import Forged, Verifier, Webhook, add_body_hash, sign

Pairs: TypeAlias = tuple[tuple[str, str], ...]


FORM: Final = "application/x-www-form-urlencoded"


JSON: Final = "application/json"


TOKEN: Final = "0123456789abcdef" * 2


OTHER: Final = "fedcba9876543210" * 2


URL: Final = "https://hooks.example.com/assign?node=7"


FIELDS: Final[Pairs] = (
    ("TaskSid", "WT1"),
    ("AccountSid", "AC1"),
    ("Note", "a b&c=ü"),
    ("Note", "+"),
    ("Empty", ""),
)


def signed(
    url: str = URL, *, by: str = TOKEN, received: str | None = None, peer: str = "", **more: str
) -> Webhook:
    """Return a form signed over ``url``, received by the server at ``received``."""
    headers = {
        "X-Twilio-Signature": sign(url, FIELDS, by),
        "Content-Type": f"{FORM}; charset=UTF-8",
    }
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    return Webhook(received or url, headers, urlencode(FIELDS).encode(), peer)


def signed_json(body: bytes = b'[{"id": "x"}]', url: str = URL) -> Webhook:
    """Return a signed JSON webhook."""
    whole = add_body_hash(url, body)
    return Webhook(
        whole, {"X-Twilio-Signature": sign(whole, (), TOKEN), "Content-Type": JSON}, body
    )


def signed_get(url: str = URL, **more: str) -> Webhook:
    """Return a signed webhook without a body."""
    headers = {name.replace("_", "-"): value for name, value in more.items()}
    return Webhook(url, {"X-Twilio-Signature": sign(url, (), TOKEN)} | headers)


def passes(verifier: Verifier, webhook: Webhook) -> bool:
    """Return true if a webhook passes verification."""
    try:
        verifier.verify(webhook)
    except Forged:
        return False
    return True
