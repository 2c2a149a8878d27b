"""The URL that the platform called is resolved, and shown redacted."""

from __future__ import annotations

import pickle

import attrs
import pytest

from reservation_core.webhooks import Forged, Verifier, Webhook
from reservation_core.webhooks.request import url_variants
from tests.webhooks.examples import (
    TOKEN,
    URL,
    passes,
    signed,
)


@pytest.mark.parametrize("url", ["ftp://example.com", "https://", "example.com", "https://a:port/"])
def test_variants_of_a_malformed_url_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not an http or https URL"):
        url_variants(url)


# --- proxies -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "public",
    ["https://hooks.example.com", "https://hooks.example.com/", "https://hooks.example.com:443"],
)
def test_public_url_replaces_scheme_and_host(public: str) -> None:
    """Forwarding headers are ignored. Path and query are those of the request."""
    verifier = Verifier(TOKEN, public_url=public)
    assert passes(
        verifier,
        signed(
            received="http://10.1.2.3:8000/assign?node=7",
            X_Forwarded_Host="evil.example",
            X_Forwarded_Proto="ftp",
        ),
    )
    assert not passes(verifier, signed(received="http://10.1.2.3:8000/assign?node=8"))
    assert not passes(verifier, signed(received="http://10.1.2.3:8000/reject?node=7"))


def test_public_url_may_have_a_path_and_a_user() -> None:
    verifier = Verifier(TOKEN, public_url="https://user:word@example.com/base")
    assert passes(
        verifier, signed("https://user:word@example.com/base/assign", received="http://app/assign")
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
def test_forwarding_headers_of_a_trusted_proxy_are_used(
    peer: str, networks: list[str] | str, believed: bool
) -> None:
    verifier = Verifier(TOKEN, trusted_proxies=networks)
    forwarded = {"X_Forwarded_Proto": "https", "X_Forwarded_Host": "hooks.example.com"}
    webhook = signed(received="http://app:8000/assign?node=7", peer=peer, **forwarded)
    assert passes(verifier, webhook) is believed
    direct = signed("http://app:8000/assign", peer=peer, **forwarded)
    assert passes(verifier, direct) is not believed


def test_trusted_proxy_may_send_one_of_the_headers() -> None:
    verifier = Verifier(TOKEN, trusted_proxies="10.0.0.1")
    assert passes(
        verifier,
        signed(
            received="http://hooks.example.com/assign?node=7",
            peer="10.0.0.1",
            X_Forwarded_Proto="https",
        ),
    )
    assert passes(
        verifier,
        signed(
            received="https://app/assign?node=7",
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
def test_malformed_forwarding_header_is_refused(name: str, value: str) -> None:
    verifier = Verifier(TOKEN, trusted_proxies="10.0.0.1")
    with pytest.raises(Forged, match=f"{name} is not one plain value .*public_url"):
        verifier.verify(signed(peer="10.0.0.1", **{name.replace("-", "_"): value}))


def test_repeated_forwarding_header_is_refused() -> None:
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
def test_malformed_public_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="public_url"):
        Verifier(TOKEN, public_url=url)


def test_malformed_network_and_both_settings_are_refused() -> None:
    with pytest.raises(
        ValueError,
        match=r"trusted_proxies must be addresses or networks, such as 10.0.0.0/8: 'proxy'",
    ):
        Verifier(TOKEN, trusted_proxies=["proxy"])
    with pytest.raises(ValueError, match="public_url or trusted_proxies"):
        Verifier(TOKEN, public_url="https://example.com", trusted_proxies="10.0.0.1")


# --- redaction -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("received", "shown"),
    [
        ("http://app:8000/assign", "http://app:8000/assign"),
        ("https://my-app:/client:zoe?client:zoe=1", "https://my-app:/<personal>"),
        ("http://user:word@[::1]:80", "http://<secret>@[::1]:80"),
        ("http://tel:5550006/x", "http://<personal>"),
        ("http://a\x1bb/", r"http://a\x1bb/"),
        ("http://" + "a" * 300 + "/x", "http://" + "a" * 253 + "/x"),
    ],
)
def test_url_is_shown_with_its_host_and_redacted(received: str, shown: str) -> None:
    assert Forged("x", received, "y").url == shown


def test_forged_is_a_value() -> None:
    error = Forged("the signature does not match", "https://example.com/", "look")
    assert pickle.loads(pickle.dumps(error)) == error
    assert (
        str(error)
        == "the signature does not match (checked against the URL https://example.com/). look"
    )


# --- allowed hosts -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowed", "host", "is_allowed"),
    [
        ("hooks.example.com", "hooks.example.com", True),
        ("hooks.example.com", "HOOKS.example.com:8443", True),
        ("Hooks.Example.com", "hooks.example.com.", True),
        ("hooks.example.com", "user@hooks.example.com", True),
        ("hooks.example.com", "other.example.com", False),
        ("hooks.example.com", "a.hooks.example.com", False),
        ("hooks.example.com", "hooks.example.com.evil.example", False),
        (".example.com", "example.com", True),
        (".example.com", "a.b.example.com", True),
        (".example.com", "evilexample.com", False),
        ("*", "anything", True),
        (["a.example", "b.example"], "b.example", True),
        (["a.example", "b.example"], "c.example", False),
        ("[::1]", "[::1]:8000", True),
        ("127.0.0.1", "127.0.0.1:80", True),
    ],
)
def test_host_must_be_allowed(allowed: str | list[str], host: str, *, is_allowed: bool) -> None:
    webhook = signed(f"https://{host}/assign")
    assert passes(Verifier(TOKEN), webhook)
    assert passes(Verifier(TOKEN, allowed_hosts=allowed), webhook) is is_allowed
    framework = (allowed,) if isinstance(allowed, str) else tuple(allowed)
    given = attrs.evolve(webhook, allowed_hosts=framework)
    assert passes(Verifier(TOKEN), given) is is_allowed
    assert passes(Verifier(TOKEN, allowed_hosts="*"), given)
    assert passes(Verifier(TOKEN, public_url=f"https://{host}"), given)


def test_forwarded_host_must_be_allowed() -> None:
    """The host of the connection is the proxy's, and need not be."""
    webhook = signed(received="http://inner/assign?node=7", peer="10.0.0.1")
    headers = (*webhook.headers.pairs, ("X-Forwarded-Host", "hooks.example.com"))
    webhook = attrs.evolve(
        webhook, headers=(*headers, ("X-Forwarded-Proto", "https")), allowed_hosts=("inner",)
    )
    proxies = "10.0.0.0/8"
    assert passes(Verifier(TOKEN, trusted_proxies=proxies, allowed_hosts=".example.com"), webhook)
    with pytest.raises(Forged, match="not one of the framework's allowed hosts"):
        Verifier(TOKEN, trusted_proxies=proxies).verify(webhook)


def test_webhook_without_allowed_hosts_of_its_framework_is_refused() -> None:
    """An empty list allows nothing."""
    with pytest.raises(Forged, match=r"not one of .* set public_url"):
        Verifier(TOKEN).check_head(attrs.evolve(signed(), allowed_hosts=()))


@pytest.mark.parametrize("hosts", [[], "", "https://example.com", ["a.example", "b/c"], "a,b"])
def test_malformed_allowed_hosts_are_refused(hosts: str | list[str]) -> None:
    with pytest.raises(ValueError, match="allowed_hosts must be hosts without a scheme"):
        Verifier(TOKEN, allowed_hosts=hosts)


def test_allowed_hosts_and_public_url_are_refused() -> None:
    with pytest.raises(ValueError, match="set public_url or allowed_hosts"):
        Verifier(TOKEN, public_url="https://a.example", allowed_hosts="a.example")
