"""Remedies about webhooks that fail verification."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace
from typing import Any
from unittest import mock

import attrs

from reservation_core.webhooks import Forged, Verifier, Webhook
from reservation_core.webhooks import django as on_django
from tests.project.remedies.base import (
    VERIFIER,
    follows,
    text_of,
)
from tests.webhooks.examples import TOKEN, signed, signed_get, signed_json


def refusal(webhook: Webhook, verifier: Verifier = VERIFIER) -> str:
    return text_of(Forged, lambda: verifier.verify(webhook))


@follows(
    "If it is the platform's, configure smaller batches or a larger max_body.",
)
def set_a_larger_max_body() -> str:
    webhook = signed_json(b"[%b]" % (b" " * 100))
    text = refusal(webhook, Verifier(TOKEN, max_body=50))
    assert Verifier(TOKEN, max_body=200).verify(webhook)
    return text


@follows("If it is the platform's, configure smaller batches or a larger setting.")
def set_a_larger_setting_of_django() -> str:
    webhook = signed()

    def receive(limit: int) -> bytes:
        request: Any = SimpleNamespace(
            META={
                "HTTP_HOST": "hooks.example.com",
                "HTTP_X_TWILIO_SIGNATURE": webhook.headers["X-Twilio-Signature"],
                "CONTENT_TYPE": webhook.headers["Content-Type"],
                "REQUEST_URI": "/assign?node=7",
            },
            scheme="https",
            read=io.BytesIO(webhook.body).read,
        )
        settings = SimpleNamespace(ALLOWED_HOSTS=["*"], DATA_UPLOAD_MAX_MEMORY_SIZE=limit)
        with mock.patch.object(on_django, "conf", SimpleNamespace(settings=settings)):
            return on_django.receive(request, VERIFIER)

    text = text_of(Forged, lambda: receive(20))
    assert receive(1000) == webhook.body
    return text


@follows("Pass the whole URL: scheme, host, path and query.")
def pass_the_whole_url() -> str:
    text = refusal(signed(received="/assign?node=7"))
    assert VERIFIER.verify(signed())
    return text


@follows("If it is the platform's, add it to {}, or set public_url.")
def add_the_host() -> str:
    text = refusal(signed(), Verifier(TOKEN, allowed_hosts=("example.org",)))
    assert Verifier(TOKEN, allowed_hosts=("hooks.example.com",)).verify(signed())
    assert Verifier(TOKEN, public_url="https://hooks.example.com").verify(signed())
    return text


@follows("Let the outermost proxy set it and drop received ones, or set public_url.")
def set_the_header_once() -> str:
    received = "http://10.0.0.9/assign?node=7"
    proxies = ("10.0.0.0/8",)
    behind = Verifier(TOKEN, trusted_proxies=proxies)

    def forwarded(host: str) -> Webhook:
        return signed(
            received=received, peer="10.0.0.1", X_Forwarded_Proto="https", X_Forwarded_Host=host
        )

    text = refusal(forwarded("evil.example, hooks.example.com"), behind)
    assert behind.verify(forwarded("hooks.example.com"))
    public = Verifier(TOKEN, public_url="https://hooks.example.com")
    assert public.verify(forwarded("evil.example, hooks.example.com"))
    return text


@follows("If it is the platform's, check that the proxies pass this header on unchanged.")
def pass_the_signature_on() -> str:
    webhook = signed()
    headers = {"Content-Type": webhook.headers["Content-Type"]}
    text = refusal(attrs.evolve(webhook, headers=headers))
    assert VERIFIER.verify(webhook)
    return text


@follows("Pass the whole body as it was received, before any other code reads it.")
def pass_the_whole_body() -> str:
    body = signed().body
    text = refusal(signed(Content_Length=str(len(body) + 1)))
    assert VERIFIER.verify(signed(Content_Length=str(len(body))))
    return text


@follows("Known are {}; a later version may know more.")
def use_a_known_algorithm() -> str:
    text = refusal(signed_get(X_Twilio_Webhooks_Signature_Settings="algorithm=MD5"))
    (known,) = re.findall(r"Known are (\w+)", text)
    assert VERIFIER.verify(signed_get(X_Twilio_Webhooks_Signature_Settings=f"algorithm={known}"))
    return text


@follows("Pass the headers as they were received.")
def pass_the_headers() -> str:
    text = refusal(signed(Content_Type="text/plain"))
    assert VERIFIER.verify(signed())
    return text


@follows("Pass the body as it was received.")
def pass_the_body() -> str:
    text = refusal(attrs.evolve(signed(), body=b"\xff"))
    assert VERIFIER.verify(signed())
    return text


@follows("Pass the URL with its query.")
def pass_the_query() -> str:
    webhook = signed_json()
    text = refusal(attrs.evolve(webhook, url=webhook.url.partition("?")[0]))
    assert VERIFIER.verify(webhook)
    return text


@follows("Pass the body as it was received, byte for byte.")
def pass_each_byte() -> str:
    webhook = signed_json()
    text = refusal(attrs.evolve(webhook, body=webhook.body + b" "))
    assert VERIFIER.verify(webhook)
    return text


@follows(
    "If it is the platform's, check that scheme, host, path and query are those of the URL "
    "configured there (behind a proxy, set public_url or trusted_proxies), and that the tokens are "
    "this account's."
)
def check_url_and_tokens() -> str:
    inside = signed(received="http://10.0.0.9/assign?node=7", peer="10.0.0.1")
    text = refusal(inside)
    assert Verifier(TOKEN, public_url="https://hooks.example.com").verify(inside)
    other = "f" * 32
    assert "tokens" in refusal(signed(by=other))
    assert Verifier([TOKEN, other]).verify(signed(by=other))
    return text
