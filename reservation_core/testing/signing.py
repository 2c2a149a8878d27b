"""Signed webhooks for the test clients of web frameworks.

::

    def test_assignment(client):  # Starlette's or FastAPI's TestClient
        webhook = sign_form("http://testserver/assignments", {"TaskSid": "WT…"}, TOKEN)
        response = client.post(**webhook.for_starlette())

With Flask it is ``client.post(**webhook.for_flask())``, with Django
``client.post(**webhook.for_django())``. The URL is signed whole. Take the one that the service's
:class:`~reservation_core.webhooks.Verifier` sees: its ``public_url``, or the test client's own
(``http://testserver`` for Starlette and Django, ``http://localhost`` for Flask).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypedDict
from urllib.parse import urlsplit

import attrs

from reservation_core.domain.commands.extra import FormPairs
from reservation_core.rest.messages import FORM_CONTENT_TYPE
from reservation_core.rest.urlencoding import encode_form
from reservation_core.webhooks.signature import SIGNATURE_HEADER, add_body_hash, sign

_CONTENT_TYPE: Final = "Content-Type"


class StarletteArguments(TypedDict):
    """Arguments of ``post`` of Starlette's and FastAPI's test client."""

    url: str
    headers: dict[str, str]
    content: bytes


class FlaskArguments(TypedDict):
    """Arguments of ``post`` of Flask's test client."""

    path: str
    headers: dict[str, str]
    data: bytes


class DjangoArguments(TypedDict):
    """Arguments of ``post`` of Django's test client."""

    path: str
    headers: dict[str, str]
    data: bytes
    content_type: str
    secure: bool
    RAW_URI: str


@attrs.frozen
class SignedWebhook:
    """Webhook as the platform sends it.

    :param url: the whole URL, with scheme and host.
    :param headers: its signature and its content type.
    :param body: the encoded form or the JSON document.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes

    def for_starlette(self) -> StarletteArguments:
        """Return the arguments for ``post`` of Starlette's or FastAPI's test client."""
        return {"url": self.url, "headers": dict(self.headers), "content": self.body}

    def for_flask(self) -> FlaskArguments:
        """Return the arguments for ``post`` of Flask's test client."""
        return {"path": self.url, "headers": dict(self.headers), "data": self.body}

    def for_django(self) -> DjangoArguments:
        """Return the arguments for ``post`` of Django's test client, 4.2 or later.

        Django refuses a host that is not in ``ALLOWED_HOSTS``.
        """
        parts = urlsplit(self.url)
        path = parts._replace(scheme="", netloc="").geturl()
        return {
            "path": path,
            "headers": {"Host": parts.netloc, SIGNATURE_HEADER: self.headers[SIGNATURE_HEADER]},
            "data": self.body,
            "content_type": self.headers[_CONTENT_TYPE],
            "secure": parts.scheme == "https",
            "RAW_URI": path,  # as servers set it: the path with its escapes
        }


def sign_form(url: str, form: FormPairs | Mapping[str, str], token: str) -> SignedWebhook:
    """Return a signed form, such as an assignment callback.

    :param url: the whole URL, as the service's verifier sees it.
    :param form: the fields, as a mapping or as pairs.
    :param token: the account's auth token.
    """
    pairs = tuple(form.items()) if isinstance(form, Mapping) else form
    headers = {SIGNATURE_HEADER: sign(url, pairs, token), _CONTENT_TYPE: FORM_CONTENT_TYPE}
    return SignedWebhook(url, headers, encode_form(pairs))


def sign_json(url: str, body: bytes, token: str) -> SignedWebhook:
    """Return a signed JSON document, such as a batch of Event Streams.

    :param url: the whole URL, as the service's verifier sees it. The body's hash is added to it.
    :param body: the encoded document.
    :param token: the account's auth token.
    """
    url = add_body_hash(url, body)
    headers = {SIGNATURE_HEADER: sign(url, (), token), _CONTENT_TYPE: "application/json"}
    return SignedWebhook(url, headers, body)
