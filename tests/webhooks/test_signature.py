"""A webhook is the platform's when one of the tokens has signed it, and nothing that cannot be checked passes."""

from __future__ import annotations

import hashlib
import pickle
import random
import re
from collections import Counter
from typing import Final, TypeAlias
from urllib.parse import urlencode

import pytest

from reservation_core import ReservationError
from reservation_core.webhooks import Algorithm, Forged, Verifier, Webhook, add_body_hash, sign
from reservation_core.webhooks.request import url_variants
from tests.webhooks.referee import fields as as_fields
from tests.webhooks.referee import referee, verdict

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
    url: str = URL, *, by: str = TOKEN, seen: str | None = None, peer: str = "", **more: str
) -> Webhook:
    """Give a form as the platform sends it, signed over ``url``; the server may have ``seen`` another one."""
    headers = {
        "X-Twilio-Signature": sign(url, FIELDS, by),
        "Content-Type": f"{FORM}; charset=UTF-8",
    }
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    return Webhook(seen or url, headers, urlencode(FIELDS).encode(), peer)


def signed_json(body: bytes = b'[{"id": "x"}]', url: str = URL) -> Webhook:
    """Give a JSON webhook as the platform sends it."""
    whole = add_body_hash(url, body)
    return Webhook(
        whole, {"X-Twilio-Signature": sign(whole, (), TOKEN), "Content-Type": JSON}, body
    )


def passes(verifier: Verifier, webhook: Webhook) -> bool:
    """Tell whether a webhook is believed."""
    try:
        verifier.verify(webhook)
    except Forged:
        return False
    return True


# --- the algorithm ---------------------------------------------------------------------------------------------------------------


def test_the_documented_example_is_signed_as_documented() -> None:
    """The platform's own worked example comes out as its page shows it."""
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


def test_a_repeated_name_is_signed_by_its_different_values_in_order() -> None:
    """Order and repetition of equal pairs make no difference; a second value does."""
    once = sign(URL, (("a", "1"), ("a", "2")), TOKEN)
    assert once == sign(URL, (("a", "2"), ("a", "1"), ("a", "2")), TOKEN)
    assert once != sign(URL, (("a", "1"),), TOKEN)


# --- the official validator as referee -------------------------------------------------------------------------------------------


LETTERS: Final = "abcXYZ019 +&=%/?#~äß漢\U0001f4de\n\"'"
HOSTS: Final = (
    "example.com",
    "hooks.example.com",
    "127.0.0.1",
    "user:p%40ss@example.com",
    "xn--bcher-kva.example",
)


def _words(rng: random.Random, most: int = 6) -> str:
    return "".join(rng.choices(LETTERS, k=rng.randrange(most)))


def _url(rng: random.Random) -> str:
    host = rng.choice(HOSTS)
    scheme = rng.choice(("http", "https"))
    port = (
        "" if "@" in host else rng.choice(("", "", ":80", ":443", ":8443"))
    )  # the official validator loses the host of user@host:port
    query = urlencode([(f"q{n}", _words(rng)) for n in range(rng.randrange(3))])
    return f"{scheme}://{host}{port}/{rng.choice(('', 'assign', 'a/b%20c', 'x;y=1'))}" + (
        f"?{query}" if query else ""
    )


def _spelled(rng: random.Random, url: str) -> str:
    """Spell a URL as some part of the platform does: as it is, or with the port it goes without."""
    scheme, host = re.split(":?/+", url)[:2]
    if ":" in host.rpartition("@")[2] or rng.random() < 0.5:
        return url
    return url.replace(host, f"{host}:{'443' if scheme == 'https' else '80'}", 1)


def _sign(rng: random.Random, url: str, fields: Pairs) -> str:
    """Sign, half of the time as the official library does."""
    if rng.random() < 0.5:
        return sign(url, fields, TOKEN)
    return referee(TOKEN).compute_signature(url, as_fields(fields))


TAMPERED: Final = (
    "value",
    "added",
    "dropped",
    "path",
    "host",
    "scheme",
    "query",
    "signature",
    "cut",
    "empty",
)
HARMLESS: Final = ("none", "none", "none", "shuffled", "repeated", "port")


def _form_case(rng: random.Random) -> tuple[str, bool, Webhook]:
    """Give a form, what was done to it, and whether it is still the platform's."""
    url = _url(rng)
    fields = [
        (f"{rng.choice('ABC')}{_words(rng, 3)}", _words(rng)) for _ in range(rng.randrange(1, 8))
    ]
    signature = _sign(rng, _spelled(rng, url), tuple(fields))
    deed = rng.choice(HARMLESS + TAMPERED)
    at = rng.randrange(len(fields))
    match deed:
        case "value":
            fields[at] = (fields[at][0], fields[at][1] + "!")
        case "added":
            fields.append(("Z", "1"))
        case "dropped":
            fields = [pair for pair in fields if pair != fields[at]]
        case "shuffled":
            rng.shuffle(fields)
        case "repeated":
            fields.append(fields[at])
        case _:
            url, signature = _elsewhere(rng, deed, url, signature)
    headers = {"x-twilio-signature": signature, "content-type": FORM}
    return f"form {deed}", deed in HARMLESS, Webhook(url, headers, urlencode(fields).encode())


def _elsewhere(rng: random.Random, deed: str, url: str, signature: str) -> tuple[str, str]:
    """Tamper with the URL or the signature."""
    scheme, host = re.split(":?/+", url)[:2]
    match deed:
        case "path":
            url += "/x" if "?" not in url else ""
            url = url.replace("?", "/x?")
        case "host":
            url = url.replace("example", "exbmple").replace("127", "128")
        case "scheme":
            url = url.replace(scheme, "http" if scheme == "https" else "https", 1)
        case "query":
            url += "&" if "?" in url else "?x=1"
        case "signature":
            at = rng.randrange(
                len(signature) - 2
            )  # the last letter before the padding holds bits that do not count, but are compared
            signature = (
                f"{signature[:at]}{'A' if signature[at] != 'A' else 'B'}{signature[at + 1 :]}"
            )
        case "cut":
            signature = signature[: rng.randrange(1, len(signature))]
        case "empty":
            signature = ""
        case "port" if ":" not in host and "@" not in host:
            url = url.replace(host, f"{host}:{'443' if scheme == 'https' else '80'}", 1)
        case _:
            pass
    return url, signature


def _json_case(rng: random.Random) -> tuple[str, bool, Webhook]:
    """Give a JSON body, what was done to it, and whether it is still the platform's."""
    body = f'{{"note": "{_words(rng, 30)}"}}'.encode()
    url = add_body_hash(_url(rng), body)
    signature = _sign(rng, _spelled(rng, url), ())
    deed = rng.choice(
        (
            "none",
            "none",
            "none",
            "body",
            "hash",
            "unhashed",
            "path",
            "host",
            "signature",
            "cut",
            "empty",
        )
    )
    match deed:
        case "body":
            body += b" "
        case "hash":
            url = url[:-1] + ("0" if url[-1] != "0" else "1")
        case "unhashed":
            url = url.partition("?")[0]
            signature = _sign(rng, url, ())
        case _:
            url, signature = _elsewhere(rng, deed, url, signature)
    return (
        f"json {deed}",
        deed == "none",
        Webhook(url, {"X-TWILIO-SIGNATURE": signature, "CONTENT-TYPE": JSON}, body),
    )


@pytest.mark.parametrize("seed", range(4))
def test_the_official_validator_and_we_agree(seed: int) -> None:
    """On 12,000 requests, signed by either and half of them tampered with, both give the verdict that how they were made demands."""
    rng = random.Random(seed)
    seen = Counter[tuple[str, bool]]()
    verifier = Verifier(TOKEN)
    for number in range(3000):
        deed, is_real, webhook = (_form_case if number % 3 else _json_case)(rng)
        passed = passes(verifier, webhook)
        assert (passed, verdict(webhook, TOKEN)) == (is_real, is_real), (deed, webhook)
        assert not passes(Verifier(OTHER), webhook)
        seen[deed.split()[0], passed] += 1
    assert min(seen[kind, passed] for kind in ("form", "json") for passed in (True, False)) > 200


@pytest.mark.parametrize("url", ["ftp://example.com", "https://", "example.com", "https://a:port/"])
def test_only_a_url_is_spelled(url: str) -> None:
    """What is not an http or https URL has no spellings."""
    with pytest.raises(ValueError, match="is not an http or https URL"):
        url_variants(url)


def test_where_the_official_validator_loses_the_host_we_do_not() -> None:
    """A URL with a user and a port, or with an IPv6 host, is verified in both spellings."""
    for url in (
        "https://user:word@example.com:8443/a",
        "https://[2001:db8::1]/a",
        "https://[2001:db8::1]:8443/a",
    ):
        assert passes(Verifier(TOKEN), signed(url))
    assert passes(
        Verifier(TOKEN), signed("https://[2001:db8::1]:443/a", seen="https://[2001:db8::1]/a")
    )
    assert passes(
        Verifier(TOKEN), signed("https://example.com/a", seen="https://example.com:8443/a")
    )


# --- tokens, algorithms ----------------------------------------------------------------------------------------------------------


def test_during_a_rotation_both_tokens_are_good() -> None:
    """Any one of the tokens suffices, in any place; one that is not among them does not."""
    for tokens in ((TOKEN, OTHER), [OTHER, TOKEN]):
        assert passes(Verifier(tokens), signed())
        assert passes(Verifier(tokens), signed(by=OTHER))
        assert not passes(Verifier(tokens), signed(by="x"))


@pytest.mark.parametrize("tokens", [(), "", ("",), (TOKEN, ""), f"{TOKEN}\n", (" " + TOKEN,)])
def test_a_verifier_without_a_usable_token_is_not_made(tokens: tuple[str, ...] | str) -> None:
    """No token, an empty one or one with white space around it is refused at once, and not shown."""
    with pytest.raises(ValueError, match="auth tokens") as caught:
        Verifier(tokens)
    assert TOKEN not in str(caught.value)


def test_a_shared_key_signs_with_the_algorithm_it_names() -> None:
    """The algorithm in the settings header is used; the official validator agrees."""
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


def test_an_unknown_algorithm_is_refused() -> None:
    """An algorithm that is not known is named, and nothing is believed on its account."""
    with pytest.raises(
        Forged, match=r"unknown algorithm, HMAC_MD5 .* Known are HMAC_SHA1, HMAC_SHA256"
    ):
        Verifier(TOKEN).verify(signed(X_Twilio_Webhooks_Signature_Settings="algorithm=HMAC_MD5"))


# --- proxies ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "public",
    ["https://hooks.example.com", "https://hooks.example.com/", "https://hooks.example.com:443"],
)
def test_a_public_url_stands_for_scheme_and_host(public: str) -> None:
    """What the server saw of scheme, host and port is not asked, nor what anybody says was forwarded; path and query are."""
    verifier = Verifier(TOKEN, public_url=public)
    assert passes(
        verifier,
        signed(
            seen="http://10.1.2.3:8000/assign?node=7",
            X_Forwarded_Host="evil.example",
            X_Forwarded_Proto="ftp",
        ),
    )
    assert not passes(verifier, signed(seen="http://10.1.2.3:8000/assign?node=8"))
    assert not passes(verifier, signed(seen="http://10.1.2.3:8000/reject?node=7"))


def test_a_public_url_may_hold_the_path_a_proxy_takes_away_and_a_user() -> None:
    """What stands before every path, and the user the platform authenticates as, belong to the URL that is signed."""
    verifier = Verifier(TOKEN, public_url="https://user:word@example.com/base")
    assert passes(
        verifier, signed("https://user:word@example.com/base/assign", seen="http://app/assign")
    )
    with pytest.raises(Forged) as caught:
        verifier.verify(Webhook("http://app/assign"))
    assert caught.value.url == "https://<secret>@example.com/base/assign"


@pytest.mark.parametrize(
    ("peer", "networks", "believed"),
    [
        ("10.1.2.3", ["10.0.0.0/8"], True),
        ("10.1.2.3", "10.1.2.3", True),
        ("::ffff:10.1.2.3", ["10.0.0.0/8"], True),
        ("fd00::7", ["10.0.0.0/8", "fd00::/8"], True),
        ("11.1.2.3", ["10.0.0.0/8"], False),
        ("fe80::7", ["10.0.0.0/8", "fd00::/8"], False),
        ("", ["0.0.0.0/0"], False),
        ("unix:/run/app.sock", ["0.0.0.0/0"], False),
        ("10.1.2.3", [], False),
    ],
)
def test_only_a_trusted_proxy_is_believed(
    peer: str, networks: list[str] | str, believed: bool
) -> None:
    """What was forwarded counts when the other end of the connection is in a trusted network, and not otherwise."""
    verifier = Verifier(TOKEN, trusted_proxies=networks)
    forwarded = {"X_Forwarded_Proto": "https", "X_Forwarded_Host": "hooks.example.com"}
    webhook = signed(seen="http://app:8000/assign?node=7", peer=peer, **forwarded)
    assert passes(verifier, webhook) is believed
    direct = signed("http://app:8000/assign", peer=peer, **forwarded)
    assert passes(verifier, direct) is not believed


def test_a_trusted_proxy_may_say_half_of_it() -> None:
    """Scheme and host are taken from the server where the proxy does not tell them."""
    verifier = Verifier(TOKEN, trusted_proxies="10.0.0.1")
    assert passes(
        verifier,
        signed(
            seen="http://hooks.example.com/assign?node=7",
            peer="10.0.0.1",
            X_Forwarded_Proto="https",
        ),
    )
    assert passes(
        verifier,
        signed(
            seen="https://app/assign?node=7",
            peer="10.0.0.1",
            X_Forwarded_Host="hooks.example.com:443",
        ),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Forwarded-Host", "evil.example, hooks.example.com"),
        ("X-Forwarded-Host", "hooks.example.com/x"),
        ("X-Forwarded-Host", "hooks.example.com?x"),
        ("X-Forwarded-Host", ""),
        ("X-Forwarded-Proto", "https, http"),
        ("X-Forwarded-Proto", "gopher"),
    ],
)
def test_an_unclear_word_of_a_trusted_proxy_is_refused(name: str, value: str) -> None:
    """Several values, or one that is no host or scheme, are refused with the way out."""
    verifier = Verifier(TOKEN, trusted_proxies="10.0.0.1")
    with pytest.raises(Forged, match=f"{name} is not one plain value .*public_url"):
        verifier.verify(signed(peer="10.0.0.1", **{name.replace("-", "_"): value}))


def test_a_header_given_twice_is_several_values() -> None:
    """Two lines of one forwarding header are as unclear as one with a comma."""
    headers = (
        *signed().headers.pairs,
        ("X-Forwarded-Host", "a.example"),
        ("x-forwarded-host", "hooks.example.com"),
    )
    with pytest.raises(Forged, match="X-Forwarded-Host is not one plain value"):
        Verifier(TOKEN, trusted_proxies="10.0.0.1").verify(Webhook(URL, headers, b"", "10.0.0.1"))


@pytest.mark.parametrize(
    "url",
    [
        "example.com",
        "ftp://example.com",
        "https://",
        "https://example.com?a=1",
        "https://e.com/#x",
        "https://a@b@c",
    ],
)
def test_a_public_url_that_is_none_is_refused(url: str) -> None:
    """A verifier that could not build a URL is not made."""
    with pytest.raises(ValueError, match="public_url"):
        Verifier(TOKEN, public_url=url)


def test_a_network_that_is_none_is_refused() -> None:
    """A name is no address, and both policies at once are none."""
    with pytest.raises(
        ValueError,
        match=r"trusted_proxies must be addresses or networks, such as 10.0.0.0/8: 'proxy'",
    ):
        Verifier(TOKEN, trusted_proxies=["proxy"])
    with pytest.raises(ValueError, match="public_url or trusted_proxies"):
        Verifier(TOKEN, public_url="https://example.com", trusted_proxies="10.0.0.1")


# --- it fails closed -------------------------------------------------------------------------------------------------------------


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
        Webhook(URL, {"X-Twilio-Signature": sign(URL, (), TOKEN)}),
        r"content type \(none\)",
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
    "a body that is no UTF-8": (Webhook(URL, signed().headers, b"a=\xff"), "cannot be decoded"),
    "a field that is no UTF-8": (Webhook(URL, signed().headers, b"a=%FF"), "cannot be decoded"),
    "a thousand and one fields": (
        Webhook(URL, signed().headers, b"a&" * 1001),
        "cannot be decoded",
    ),
    "JSON that is no UTF-8": (signed_json(b'"\xff"'), "cannot be decoded"),
    "JSON without its hash": (
        Webhook(URL, {"X-Twilio-Signature": sign(URL, (), TOKEN), "Content-Type": JSON}, b"{}"),
        "bodySHA256 in the query",
    ),
    "JSON with another hash": (
        Webhook(signed_json().url, signed_json().headers, b"{}"),
        "bodySHA256 in the query is not the hash of the body",
    ),
    "a URL of another kind": (signed(seen="ftp://example.com/"), "not an http or https URL"),
    "a path only": (signed(seen="/assign"), "not an http or https URL"),
    "a host that is none": (signed(seen="https://a]b/"), "not an http or https URL"),
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
def test_what_cannot_be_checked_is_refused(name: str) -> None:
    """Each defect alone is reason enough, and the text says which it was, where, and what to do."""
    webhook, reason = REFUSED[name]
    with pytest.raises(Forged, match=reason) as caught:
        Verifier(TOKEN).verify(webhook)
    assert isinstance(caught.value, ReservationError)
    assert caught.value.remedy in str(caught.value)


@pytest.mark.parametrize(
    "content_type",
    [JSON, "application/cloudevents+json", "application/cloudevents-batch+json; charset=utf-8"],
)
def test_json_is_known_by_any_of_its_types(content_type: str) -> None:
    """CloudEvents come under types of their own, and are signed like all JSON."""
    webhook = signed_json()
    headers = (webhook.headers.pairs[0], ("Content-Type", content_type))
    Verifier(TOKEN).verify(Webhook(webhook.url, headers, webhook.body))


def test_nothing_secret_is_shown() -> None:
    """No token, expected signature, value of the query, number or body is in an error, nor in the repr of what was given."""
    verifier = Verifier((TOKEN, OTHER), public_url="https://user:word@example.com")
    webhook = signed(seen="https://example.com/+15005550006?key=hidden&bodySHA256=x&&plain", by="x")
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


@pytest.mark.parametrize(
    ("seen", "shown"),
    [
        ("http://app:8000/assign", "http://app:8000/assign"),
        ("https://my-app:/client:zoe?client:zoe=1", "https://my-app:/<personal>"),
        ("http://user:word@[::1]:80", "http://<secret>@[::1]:80"),
        ("http://tel:5550006/x", "http://<personal>"),
        ("http://a\x1bb/", r"http://a\x1bb/"),
        ("http://" + "a" * 300 + "/x", "http://" + "a" * 253 + "/x"),
    ],
)
def test_which_host_it_was_is_shown(seen: str, shown: str) -> None:
    """That is what helps behind proxies; all the rest may be somebody's."""
    assert Forged("x", seen, "y").url == shown


def test_what_is_worth_reading_is_told_before_the_body_is_read() -> None:
    """No signature, a length that is too much, a URL that is none: nobody need wait for the body."""
    verifier = Verifier(TOKEN, max_body=100)
    verifier.check_head(signed().with_body(b""))
    verifier.check_head(signed(Content_Length="100").with_body(b""))
    verifier.check_head(signed(Content_Length="many").with_body(b""))
    with pytest.raises(
        Forged, match=r"the body has 101 bytes, more than the limit of 100 .*larger max_body"
    ):
        verifier.check_head(signed(Content_Length="101").with_body(b""))
    with pytest.raises(Forged, match="X-Twilio-Signature is missing"):
        verifier.check_head(Webhook(URL, {"Content-Type": FORM}))
    with pytest.raises(Forged, match="not an http or https URL"):
        verifier.check_head(signed(seen="/assign").with_body(b""))


def test_a_refusal_is_a_value() -> None:
    """It compares, pickles and says all it knows."""
    error = Forged("the signature does not match", "https://example.com/", "look")
    assert pickle.loads(pickle.dumps(error)) == error
    assert (
        str(error)
        == "the signature does not match (checked against the URL https://example.com/). look"
    )


def test_the_hash_of_a_body_is_put_where_the_platform_puts_it() -> None:
    """It becomes the query, or joins it."""
    digest = hashlib.sha256(b"{}").hexdigest()
    assert (
        add_body_hash("https://example.com/e", b"{}")
        == f"https://example.com/e?bodySHA256={digest}"
    )
    assert (
        add_body_hash("https://example.com/e?a=1", b"{}")
        == f"https://example.com/e?a=1&bodySHA256={digest}"
    )
