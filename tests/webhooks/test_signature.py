"""A webhook passes if one of the tokens signed it."""

from __future__ import annotations

import hashlib
from typing import Final

import attrs
import pytest

from reservation_core import ReservationError
from reservation_core.webhooks import Algorithm, Forged, Verifier, Webhook, add_body_hash, sign
from tests.webhooks.examples import (
    FIELDS,
    FORM,
    JSON,
    OTHER,
    TOKEN,
    URL,
    passes,
    signed,
    signed_get,
    signed_json,
)
from tests.webhooks.referee import fields as as_fields
from tests.webhooks.referee import referee

# --- the algorithm -------------------------------------------------------------------------------


def test_documented_example_is_signed_as_documented() -> None:
    caller = "+12349013030"
    fields = (
        ("Digits", "1234"),
        ("To", "+18005551212"),
        ("From", caller),
        ("Caller", caller),
        ("CallSid", "CA1234567890ABCDE"),
    )
    assert (
        sign("https://mycompany.com/myapp.php?foo=1&bar=2", fields, "12345")
        == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="
    )


def test_repeated_pairs_are_signed_once_and_sorted() -> None:
    once = sign(URL, (("a", "1"), ("a", "2")), TOKEN)
    assert once == sign(URL, (("a", "2"), ("a", "1"), ("a", "2")), TOKEN)
    assert once != sign(URL, (("a", "1"),), TOKEN)


def test_body_hash_is_added_to_the_query() -> None:
    digest = hashlib.sha256(b"{}").hexdigest()
    assert (
        add_body_hash("https://example.com/e", b"{}")
        == f"https://example.com/e?bodySHA256={digest}"
    )
    assert (
        add_body_hash("https://example.com/e?a=1", b"{}")
        == f"https://example.com/e?a=1&bodySHA256={digest}"
    )


# --- tokens and algorithms -----------------------------------------------------------------------


def test_any_of_several_tokens_is_accepted() -> None:
    for tokens in ((TOKEN, OTHER), [OTHER, TOKEN]):
        assert passes(Verifier(tokens), signed())
        assert passes(Verifier(tokens), signed(by=OTHER))
        assert not passes(Verifier(tokens), signed(by="x"))


@pytest.mark.parametrize("tokens", [(), "", ("",), (TOKEN, ""), f"{TOKEN}\n", (" " + TOKEN,)])
def test_malformed_tokens_are_refused_and_not_shown(tokens: tuple[str, ...] | str) -> None:
    with pytest.raises(ValueError, match="auth tokens") as caught:
        Verifier(tokens)
    assert TOKEN not in str(caught.value)


def test_algorithm_of_the_settings_header_is_used() -> None:
    signature = sign(URL, FIELDS, TOKEN, Algorithm.SHA256)
    assert referee(TOKEN).validate(URL, as_fields(FIELDS), signature, "HMAC_SHA256")
    settings = "key=webhooks_sharedkey_1,algorithm=hmac_sha256"
    more = {"X_Twilio_Webhooks_Signature_Settings": settings, "X_Twilio_Signature": signature}
    assert passes(Verifier(TOKEN), signed(**more))
    assert not passes(Verifier(TOKEN), signed(X_Twilio_Signature=signature))
    assert passes(
        Verifier(TOKEN),
        signed(X_Twilio_Webhooks_Signature_Settings="key=webhooks_sharedkey_1,algorithm="),
    )


def test_unknown_algorithm_is_refused() -> None:
    with pytest.raises(
        Forged, match=r"unknown algorithm, HMAC_MD5 .* Known are HMAC_SHA1, HMAC_SHA256"
    ):
        Verifier(TOKEN).verify(signed(X_Twilio_Webhooks_Signature_Settings="algorithm=HMAC_MD5"))


# --- refusals ------------------------------------------------------------------------------------

REFUSED: Final = {
    "no signature": (Webhook(URL, {"Content-Type": FORM}, b"a=1"), "X-Twilio-Signature is missing"),
    "an empty signature": (
        Webhook(URL, {"X-Twilio-Signature": "", "Content-Type": FORM}),
        "X-Twilio-Signature is missing",
    ),
    "two signatures": (
        Webhook(URL, signed().headers.pairs * 2, signed().body),
        "X-Twilio-Signature is given more than once",
    ),
    "a signature beyond ASCII": (signed(X_Twilio_Signature="ü\udc80"), "does not match"),
    "no content type": (
        Webhook(URL, {"X-Twilio-Signature": sign(URL, (), TOKEN)}, b"a=1"),
        r"content type \(none\)",
    ),
    "no body, and the hash of another one": (
        signed_get(add_body_hash(URL, b"{}")),
        "bodySHA256 in the query is not the hash of the body",
    ),
    "a body that is missing": (
        signed_get(URL, Content_Length="512"),
        "only 0 of the body's 512 bytes",
    ),
    "a wrong content type": (signed(Content_Type="text/plain"), "content type text/plain"),
    "several parts": (
        signed(Content_Type="multipart/form-data; boundary=x"),
        "content type multipart/form-data",
    ),
    "another charset": (
        signed(Content_Type=f'{FORM}; Charset="latin-1"'),
        "content type .*latin-1",
    ),
    "a body that is not UTF-8": (Webhook(URL, signed().headers, b"a=\xff"), "cannot be decoded"),
    "a field that is not UTF-8": (Webhook(URL, signed().headers, b"a=%FF"), "cannot be decoded"),
    "a thousand and one fields": (
        Webhook(URL, signed().headers, b"a&" * 1001),
        "cannot be decoded",
    ),
    "a form of more than 1,000 fields": (
        Webhook(URL, signed().headers, b"a=&" * 1000 + b"a="),
        "the body cannot be decoded: it is a form of more than 1,000 fields",
    ),
    "JSON that is not UTF-8": (signed_json(b'"\xff"'), "cannot be decoded"),
    "JSON without its hash": (
        Webhook(URL, {"X-Twilio-Signature": sign(URL, (), TOKEN), "Content-Type": JSON}, b"{}"),
        "bodySHA256 in the query",
    ),
    "JSON with another hash": (
        Webhook(signed_json().url, signed_json().headers, b"{}"),
        "bodySHA256 in the query is not the hash of the body",
    ),
    "a URL of another kind": (signed(received="ftp://example.com/"), "not an http or https URL"),
    "a path only": (signed(received="/assign"), "not an http or https URL"),
    "a malformed host": (signed(received="https://a]b/"), "not an http or https URL"),
    "a body too long": (
        Webhook(URL, signed().headers, b"a" * (1 << 20) + b"="),
        "the body has 1048577 bytes, more than the limit of 1048576",
    ),
    "a body that was read before": (
        Webhook(URL, dict(signed(Content_Length="512").headers), b"a"),
        "only 1 of the body's 512 bytes",
    ),
    "JSON that was read before": (
        Webhook(signed_json().url, {**signed_json().headers, "Content-Length": "512"}, b"[]"),
        "only 2 of the body's 512 bytes",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_request_that_cannot_be_checked_is_refused(name: str) -> None:
    webhook, reason = REFUSED[name]
    with pytest.raises(Forged, match=reason) as caught:
        Verifier(TOKEN).verify(webhook)
    assert isinstance(caught.value, ReservationError)
    assert caught.value.remedy in str(caught.value)


@pytest.mark.parametrize(
    "content_type",
    [JSON, "application/cloudevents+json", "application/cloudevents-batch+json; charset=utf-8"],
)
def test_json_is_recognised_by_any_of_its_types(content_type: str) -> None:
    webhook = signed_json()
    headers = (webhook.headers.pairs[0], ("Content-Type", content_type))
    Verifier(TOKEN).verify(Webhook(webhook.url, headers, webhook.body))


# --- without a body ------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", [None, "", FORM, JSON, "text/plain"])
def test_request_without_a_body_is_verified_by_its_query(content_type: str | None) -> None:
    more = {} if content_type is None else {"Content_Type": content_type}
    webhook = signed_get(URL, **more)
    assert referee(TOKEN).validate(URL, as_fields(()), webhook.headers["X-Twilio-Signature"])
    assert Verifier(TOKEN).verify(webhook) == b"node=7"
    Verifier(TOKEN).check_head(webhook)
    assert not passes(Verifier(TOKEN), attrs.evolve(webhook, url=URL + "&more=1"))
    assert not passes(Verifier(OTHER), webhook)


def test_request_without_a_body_may_have_the_hash_of_no_bytes() -> None:
    url = add_body_hash(URL, b"")
    assert Verifier(TOKEN).verify(signed_get(url)) == url.partition("?")[2].encode()


def test_verified_fields_are_the_body_if_there_is_one() -> None:
    assert Verifier(TOKEN).verify(signed()) == signed().body
    assert Verifier(TOKEN).verify(signed_get("https://hooks.example.com/assign")) == b""


# --- a query that is known twice -----------------------------------------------------------------


def test_either_url_of_an_ambiguous_request_is_accepted() -> None:
    first, second = f"{URL}&a=1", f"{URL}&a=2"
    for signed_url in (first, second):
        webhook = attrs.evolve(signed_get(signed_url), url=first, other_url=second)
        assert Verifier(TOKEN).verify(webhook) == signed_url.partition("?")[2].encode()
    webhook = attrs.evolve(signed_get(URL), url=first, other_url=second)
    with pytest.raises(Forged, match="does not match") as caught:
        Verifier(TOKEN).verify(webhook)
    assert caught.value == _forged(attrs.evolve(webhook, other_url=None))


def _forged(webhook: Webhook) -> Forged:
    with pytest.raises(Forged) as caught:
        Verifier(TOKEN).verify(webhook)
    return caught.value


def test_error_and_repr_show_nothing_secret() -> None:
    verifier = Verifier((TOKEN, OTHER), public_url="https://user:word@example.com")
    webhook = signed(
        received="https://example.com/+15005550006?key=hidden&bodySHA256=x&&plain", by="x"
    )
    with pytest.raises(Forged) as caught:
        verifier.verify(webhook)
    assert caught.value.url == "https://<secret>@example.com/<personal>?key=…&bodySHA256=…&plain=…"
    text = f"{caught.value} {caught.value!r} {verifier!r} {webhook!r}"
    expected = [
        sign("https://user:word@example.com/+15005550006?key=hidden&bodySHA256=x", FIELDS, token)
        for token in (TOKEN, OTHER)
    ]
    for secret in (TOKEN, OTHER, "user:word", "hidden", "15005550006", "WT1", *expected):
        assert secret not in text
    assert repr(verifier) == "<Verifier with 2 tokens>"
    assert repr(Verifier(TOKEN)) == "<Verifier with 1 token>"


def test_check_head_refuses_before_the_body_is_read() -> None:
    verifier = Verifier(TOKEN, max_body=100)
    verifier.check_head(signed().with_body(b""))
    verifier.check_head(signed(Content_Length="100").with_body(b""))
    verifier.check_head(signed(Content_Length="0000000000000000000000100").with_body(b""))
    with pytest.raises(
        Forged, match=r"the body has 101 bytes, more than the limit of 100 .*larger max_body"
    ):
        verifier.check_head(signed(Content_Length="101").with_body(b""))
    with pytest.raises(Forged, match="X-Twilio-Signature is missing"):
        verifier.check_head(Webhook(URL, {"Content-Type": FORM}))
    with pytest.raises(Forged, match="not an http or https URL"):
        verifier.check_head(signed(received="/assign").with_body(b""))


def test_mapping_is_signed_as_its_pairs() -> None:
    form = {"TaskSid": "WT1", "AccountSid": "AC1"}
    assert sign(URL, form, TOKEN) == sign(URL, tuple(form.items()), TOKEN)


@pytest.mark.parametrize("length", ["abc", "1e3", "0x10", "5, 5", "+5", "-1", "1_0", "²", " 5", ""])
def test_length_that_is_not_one_whole_number_is_refused(length: str) -> None:
    verifier = Verifier(TOKEN)
    webhook = signed(Content_Length=length)
    for check in (verifier.check_head, verifier.verify):
        with pytest.raises(Forged, match="Content-Length is not one whole number"):
            check(webhook)


def test_two_lengths_are_refused_even_if_equal() -> None:
    webhook = signed()
    pairs = (*webhook.headers.pairs, *(("content-length", str(len(webhook.body))),) * 2)
    with pytest.raises(Forged, match="Content-Length is not one whole number"):
        Verifier(TOKEN).verify(attrs.evolve(webhook, headers=pairs))


@pytest.mark.parametrize("digits", [18, 19, 20, 4300, 5000])
def test_length_of_many_digits_is_refused_before_the_body_is_read(digits: int) -> None:
    with pytest.raises(Forged, match=r"the body has (at least )?[0-9]{18,19} bytes, more than"):
        Verifier(TOKEN).check_head(signed(Content_Length="9" * digits))


@pytest.mark.parametrize(
    ("length", "reason"),
    [
        ("65", "only 64 of the body's 65 bytes are present"),
        ("999", "only 64 of the body's 999 bytes are present"),
        ("63", "the body has 64 bytes, and its Content-Length is 63"),
        ("0", "the body has 64 bytes, and its Content-Length is 0"),
    ],
)
def test_signed_body_of_another_length_than_declared_is_refused(length: str, reason: str) -> None:
    """The signature alone would match."""
    with pytest.raises(Forged, match=reason):
        Verifier(TOKEN).verify(signed(Content_Length=length))
    assert passes(Verifier(TOKEN), signed(Content_Length="64"))
