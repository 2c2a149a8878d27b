"""The official validator, typed, as the second opinion on signatures."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Protocol, cast
from urllib.parse import parse_qs, urlencode

from reservation_core.webhooks import Webhook


class Fields(dict[str, list[str]]):
    """A form as the official validator takes it from a framework, parsed by other means than ours."""

    def getlist(self, name: str) -> list[str]:
        """Give all values of a name."""
        return self[name]


class Referee(Protocol):
    """What of the official validator is used."""

    def validate(
        self, uri: str, params: Fields | str, signature: str, algorithm: str | None = None
    ) -> bool:
        """Tell whether a request is signed with the token."""
        ...

    def compute_signature(self, uri: str, params: Fields, algorithm: str | None = None) -> str:
        """Sign a form."""
        ...


referee = cast(
    "Callable[[str], Referee]", importlib.import_module("twilio.request_validator").RequestValidator
)


def fields(pairs: tuple[tuple[str, str], ...]) -> Fields:
    """Give a form to the official validator as a framework would, having received it."""
    return Fields(parse_qs(urlencode(pairs), keep_blank_values=True))


def verdict(webhook: Webhook, token: str) -> bool:
    """Give the official validator's verdict; it fails on JSON without a hash, which is no pass."""
    body = webhook.body.decode()
    is_form = webhook.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    params = Fields(parse_qs(body, keep_blank_values=True)) if is_form else body
    try:
        return referee(token).validate(webhook.url, params, webhook.headers["X-Twilio-Signature"])
    except TypeError:
        return False
