"""The official validator and the verifier agree on every request."""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import Final
from urllib.parse import urlencode

import pytest

from reservation_core.webhooks import Verifier, Webhook, add_body_hash, sign
from tests.webhooks.examples import (
    FORM,
    JSON,
    OTHER,
    TOKEN,
    Pairs,
    passes,
    signed,
)
from tests.webhooks.referee import fields as as_fields
from tests.webhooks.referee import referee, verdict

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


def _with_or_without_port(rng: random.Random, url: str) -> str:
    scheme, host = re.split(":?/+", url)[:2]
    if ":" in host.rpartition("@")[2] or rng.random() < 0.5:
        return url
    return url.replace(host, f"{host}:{'443' if scheme == 'https' else '80'}", 1)


def _sign(rng: random.Random, url: str, fields: Pairs) -> str:
    """Sign, half of the time with the official library."""
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
    """Return a form, its change, and true if it is still valid."""
    url = _url(rng)
    fields = [
        (f"{rng.choice('ABC')}{_words(rng, 3)}", _words(rng)) for _ in range(rng.randrange(1, 8))
    ]
    signature = _sign(rng, _with_or_without_port(rng, url), tuple(fields))
    change = rng.choice(HARMLESS + TAMPERED)
    at = rng.randrange(len(fields))
    match change:
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
            url, signature = _tamper(rng, change, url, signature)
    headers = {"x-twilio-signature": signature, "content-type": FORM}
    return f"form {change}", change in HARMLESS, Webhook(url, headers, urlencode(fields).encode())


def _tamper(rng: random.Random, change: str, url: str, signature: str) -> tuple[str, str]:
    """Change the URL or the signature."""
    scheme, host = re.split(":?/+", url)[:2]
    match change:
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
    """Return a JSON body, its change, and true if still valid."""
    body = f'{{"note": "{_words(rng, 30)}"}}'.encode()
    url = add_body_hash(_url(rng), body)
    signature = _sign(rng, _with_or_without_port(rng, url), ())
    change = rng.choice(
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
    match change:
        case "body":
            body += b" "
        case "hash":
            url = url[:-1] + ("0" if url[-1] != "0" else "1")
        case "unhashed":
            url = url.partition("?")[0]
            signature = _sign(rng, url, ())
        case _:
            url, signature = _tamper(rng, change, url, signature)
    return (
        f"json {change}",
        change == "none",
        Webhook(url, {"X-TWILIO-SIGNATURE": signature, "CONTENT-TYPE": JSON}, body),
    )


@pytest.mark.parametrize("seed", range(4))
def test_verifier_agrees_with_the_official_validator(seed: int) -> None:
    """4,000 requests are signed by either, and half of them tampered with."""
    rng = random.Random(seed)
    counts = Counter[tuple[str, bool]]()
    verifier = Verifier(TOKEN)
    for number in range(1000):
        change, is_real, webhook = (_form_case if number % 3 else _json_case)(rng)
        passed = passes(verifier, webhook)
        assert (passed, verdict(webhook, TOKEN)) == (is_real, is_real), (change, webhook)
        assert not passes(Verifier(OTHER), webhook)
        counts[change.split()[0], passed] += 1
    assert min(counts[kind, passed] for kind in ("form", "json") for passed in (True, False)) > 70


def test_url_with_a_user_or_an_ipv6_host_is_verified() -> None:
    """The official validator loses the host of these."""
    for url in (
        "https://user:word@example.com:8443/a",
        "https://[2001:db8::1]/a",
        "https://[2001:db8::1]:8443/a",
    ):
        assert passes(Verifier(TOKEN), signed(url))
    assert passes(
        Verifier(TOKEN), signed("https://[2001:db8::1]:443/a", received="https://[2001:db8::1]/a")
    )
    assert passes(
        Verifier(TOKEN), signed("https://example.com/a", received="https://example.com:8443/a")
    )
