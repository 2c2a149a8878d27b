"""Tests of the gateway settings and credentials."""

import base64
import importlib.metadata
import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyreqwest.http import Url
from twilio.rest import Client  # pyright: ignore[reportMissingTypeStubs]

from reservation_core.gateways.pyreqwest import PyreqwestGateway
from reservation_core.gateways.settings import (
    ConfigurationError,
    Credentials,
    GatewayOptions,
    GatewaySettings,
    user_agent,
)

CREDENTIALS = Credentials("AC0", "hush")
KEY = {"TWILIO_API_KEY": "SK1", "TWILIO_API_SECRET": "key-secret"}
ACCOUNT = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "token"}

printable = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters=":"), min_size=1
)


def refusal(**options: object) -> str:
    """Return the error message for these options."""
    with pytest.raises(ConfigurationError) as caught:
        GatewaySettings(credentials=CREDENTIALS, **options)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # wrong on purpose
    return str(caught.value)


# --- credentials ---------------------------------------------------------------------------------


@given(username=printable, password=printable | st.just("a: b"))
def test_authorization_is_basic(username: str, password: str) -> None:
    scheme, _, encoded = Credentials(username, password).authorization.partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(encoded).decode() == f"{username}:{password}"


@given(password=printable.map(lambda text: f"pa55{text}"))
def test_password_is_never_shown(password: str) -> None:
    credentials = Credentials("SK-shown", password)
    for text in (
        repr(credentials),
        str(credentials),
        repr(GatewaySettings(credentials=credentials)),
        f"{GatewaySettings(credentials=credentials)}",
    ):
        assert "SK-shown" in text
        assert "pa55" not in text
        assert credentials.authorization[6:] not in text


@pytest.mark.parametrize(
    ("username", "password", "message"),
    [
        ("", "p", "the username is missing"),
        ("AC1", "", "the password is missing"),
        ("AC1", None, "the password is missing"),
        ("AC\n1", "p", "the username contains control characters"),
        ("AC1", "hush\n", "the password contains control characters"),
        ("AC1", "hu\x7fsh", "the password contains control characters"),
        ("AC1", "hu\udc80sh", "the password contains control characters"),
        ("AC1:hush", "p", "the username contains a colon"),
    ],
)
def test_credentials_that_cannot_be_sent_are_refused(
    username: str, password: str, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        Credentials(username, password)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (KEY, ("SK1", "key-secret")),
        (ACCOUNT, ("AC1", "token")),
        (ACCOUNT | KEY, ("SK1", "key-secret")),
        (KEY | {"TWILIO_ACCOUNT_SID": "AC1"}, ("SK1", "key-secret")),
        (ACCOUNT | {"TWILIO_API_KEY": "", "TWILIO_API_SECRET": ""}, ("AC1", "token")),
    ],
)
def test_environment_pair_is_chosen(environ: dict[str, str], expected: tuple[str, str]) -> None:
    assert Credentials.from_environment(environ) == Credentials(*expected)


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({}, ["TWILIO_API_KEY", "TWILIO_API_SECRET", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"]),
        ({"TWILIO_API_KEY": "SK1"}, ["TWILIO_API_SECRET is missing"]),
        ({"TWILIO_API_SECRET": "hush"}, ["TWILIO_API_KEY is missing"]),
        ({"TWILIO_ACCOUNT_SID": "AC1"}, ["TWILIO_AUTH_TOKEN is missing"]),
        ({"TWILIO_AUTH_TOKEN": "hush"}, ["TWILIO_ACCOUNT_SID is missing"]),
        (ACCOUNT | {"TWILIO_API_KEY": "SK1"}, ["TWILIO_API_SECRET is missing"]),
    ],
)
def test_incomplete_environment_names_missing_variables(
    environ: dict[str, str], missing: list[str]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Credentials.from_environment(environ)
    assert all(name in str(caught.value) for name in missing)
    assert "hush" not in str(caught.value)


def test_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)
    assert Credentials.from_environment() == Credentials("SK1", "key-secret")


# --- region and edge -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "host"),
    [
        ({}, "taskrouter.twilio.com"),
        ({"TWILIO_EDGE": "", "TWILIO_REGION": ""}, "taskrouter.twilio.com"),
        ({"TWILIO_REGION": "ie1"}, "taskrouter.ie1.twilio.com"),
        ({"TWILIO_EDGE": "dublin"}, "taskrouter.dublin.us1.twilio.com"),
        (
            {"TWILIO_EDGE": "ashburn-ix", "TWILIO_REGION": "us1"},
            "taskrouter.ashburn-ix.us1.twilio.com",
        ),
    ],
)
def test_region_and_edge_of_the_environment_shape_the_host_as_in_the_official_client(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], host: str
) -> None:
    official: Any = Client("AC0", "token", environment=environ or {"": ""})
    assert official.get_hostname("https://taskrouter.twilio.com") == f"https://{host}"
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert GatewaySettings(credentials=CREDENTIALS).base_url == f"https://{host}"
    assert PyreqwestGateway(CREDENTIALS).origin == f"https://{host}"
    given = GatewaySettings(credentials=CREDENTIALS, base_url="https://example.com")
    assert given.base_url == "https://example.com"


@pytest.mark.parametrize("name", ["TWILIO_EDGE", "TWILIO_REGION"])
@pytest.mark.parametrize("value", ["a.evil", "a/b", "-a", "a-", "a b", "Ä", "a@b", "a:1"])
def test_malformed_region_or_edge_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"{name} is not part of a host name"):
        GatewaySettings(credentials=CREDENTIALS)


# --- base_url ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_as", "base_url", "origin"),
    [
        (
            "https://taskrouter.twilio.com/",
            "https://taskrouter.twilio.com",
            "https://taskrouter.twilio.com",
        ),
        (
            "HTTPS://TaskRouter.Twilio.com:443",
            "https://taskrouter.twilio.com",
            "https://taskrouter.twilio.com",
        ),
        (
            "https://gateway.example:8443/Twilio/v2//",
            "https://gateway.example:8443/Twilio/v2",
            "https://gateway.example:8443",
        ),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.1.2.3:80", "http://127.1.2.3", "http://127.1.2.3"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x", "http://[::1]:8080"),
        ("http://localhost", "http://localhost", "http://localhost"),
    ],
)
def test_base_url_is_normalized(given_as: str, base_url: str, origin: str) -> None:
    settings = GatewaySettings(credentials=CREDENTIALS, base_url=given_as)
    assert (settings.base_url, settings.origin) == (base_url, origin)


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        None,
        "taskrouter.twilio.com",
        "ftp://host",
        "https://",
        "https://AC1:hush@host",
        "https://hush@host",
        "https://host\\@elsewhere",
        "https://host?hush",
        "https://host#hush",
        "https://host/hush?",
        "https://ho st",
        "https://host\n",
        " https://host",
        "https://host:0",
        "https://host:65536",
        "https://host:hush",
        "https://host/a/../b",
        "https://host/.",
        "https://host/a%2fb",
        "https://a..b",
        "https://1.2.3.256",
        "https://1.2.3",
        "https://[::hush]",
        "https://[:::1]",
        "https://h\u00f6st",
        "https://\u212aelvin",
    ],
)
def test_invalid_base_url_is_refused_and_not_shown(base_url: str) -> None:
    text = refusal(base_url=base_url)
    assert text.startswith("base_url must have the form https://host[:port][/prefix]. Leave out")
    assert "hush" not in text


@pytest.mark.parametrize(
    "host",
    [
        "taskrouter.twilio.com",
        "10.0.0.1",
        "0.0.0.0",
        "[::]",
        "127.0.0.1.example",
        "localhost.example",
    ],
)
def test_plain_http_to_another_machine_needs_permission(host: str) -> None:
    text = refusal(base_url=f"http://{host}")
    assert "allow_plain_http=True" in text
    assert "https" in text
    assert (
        GatewaySettings(
            credentials=CREDENTIALS, base_url=f"http://{host}", allow_plain_http=True
        ).origin
        == f"http://{host}"
    )


hosts = st.sampled_from(
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "example.com",
        "0x7f.1",
        "2130706433",
        "127.1",
        "EXAMPLE.com.",
        "\u3002",
    ]
)
pieces = (
    hosts
    | st.sampled_from(
        ["@", ":", ":80", ":443", "/", "\\", "?", "#", ".", "/..", "%2e", "\t", "/a", "a:b@"]
    )
    | st.text(max_size=3)
)
urls = st.tuples(
    st.sampled_from(["http://", "https://", "HTTP:", "http:/"]),
    hosts,
    st.lists(pieces, max_size=3).map("".join),
).map("".join)


@given(url=urls)
def test_accepted_base_url_is_parsed_alike_by_the_client(url: str) -> None:
    try:
        settings = GatewaySettings(credentials=CREDENTIALS, base_url=url)
    except ConfigurationError:
        return
    read = Url(settings.base_url)
    assert read.origin_ascii == settings.origin
    assert (read.username, read.password, read.query_string, read.fragment) == (
        "",
        None,
        None,
        None,
    )
    assert read.scheme == "https" or read.host_str in {"127.0.0.1", "localhost", "[::1]"}
    assert GatewaySettings(credentials=CREDENTIALS, base_url=settings.base_url) == settings


# --- other settings ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["connect_timeout", "timeout"])
@pytest.mark.parametrize(
    "value", [0, -1, 0.0001, 86_401, float("inf"), float("nan"), True, "5", None]
)
def test_invalid_timeout_is_refused(name: str, value: object) -> None:
    assert refusal(**{name: value}) == f"{name} must be a number of seconds from 0.001 to 86400"


@pytest.mark.parametrize("name", ["max_reply_bytes", "max_connections"])
@pytest.mark.parametrize("value", [0, -1, 2**31, 1.5, True, "5", None])
def test_invalid_limit_is_refused(name: str, value: object) -> None:
    assert refusal(**{name: value}) == f"{name} must be a whole number from 1 to 2147483647"


def test_default_settings() -> None:
    settings = GatewaySettings(credentials=CREDENTIALS)
    assert (settings.base_url, settings.connect_timeout, settings.timeout) == (
        "https://taskrouter.twilio.com",
        5.0,
        15.0,
    )
    assert (settings.max_reply_bytes, settings.max_connections, settings.allow_plain_http) == (
        1_048_576,
        100,
        False,
    )


def test_every_setting_is_a_gateway_option() -> None:
    assert {"credentials", *GatewayOptions.__annotations__} == {
        field.name for field in attrs.fields(GatewaySettings)
    }


def test_settings_are_immutable_comparable_and_picklable() -> None:
    settings = GatewaySettings(credentials=CREDENTIALS, timeout=3)
    assert (
        pickle.loads(pickle.dumps(settings))
        == settings
        == GatewaySettings(credentials=Credentials("AC0", "hush"), timeout=3.0)
    )
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        settings.timeout = 4  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  # wrong on purpose


def test_user_agent_names_the_library() -> None:
    name, _, version = user_agent().partition("/")
    assert name == "reservation-core"
    assert version == "" or version[0].isdigit()


def test_user_agent_has_no_version_when_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:

    def absent(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", absent)
    assert user_agent.__wrapped__() == "reservation-core"
