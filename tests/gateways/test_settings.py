"""GatewaySettings: what cannot work is refused when it is given, and nothing shows the password."""

import base64
import importlib.metadata
import pickle

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyreqwest.http import Url

from reservation_core.gateways.settings import (
    ConfigurationError,
    Credentials,
    GatewayOptions,
    GatewaySettings,
    user_agent,
)

WHO = Credentials("AC0", "hush")
KEY = {"TWILIO_API_KEY": "SK1", "TWILIO_API_SECRET": "key-secret"}
ACCOUNT = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "token"}

printable = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters=":"), min_size=1
)


def refusal(**options: object) -> str:
    """Give what ``GatewaySettings`` says to these options."""
    with pytest.raises(ConfigurationError) as caught:
        GatewaySettings(credentials=WHO, **options)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # wrong on purpose
    return str(caught.value)


# --- credentials ------------------------------------------------------------------------------------------------------------------


@given(username=printable, password=printable | st.just("a: b"))
def test_authorization_is_basic(username: str, password: str) -> None:
    """The header decodes to username, colon, password in UTF-8."""
    scheme, _, encoded = Credentials(username, password).authorization.partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(encoded).decode() == f"{username}:{password}"


@given(password=printable.map(lambda text: f"pa55{text}"))
def test_the_password_is_never_shown(password: str) -> None:
    """Neither credentials nor settings show the password, or the header made of it; both show the username."""
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
    ("username", "password", "says"),
    [
        ("", "p", "the username is missing"),
        ("AC1", "", "the password is missing"),
        ("AC1", None, "the password is missing"),
        ("AC\n1", "p", "the username holds control characters"),
        ("AC1", "hush\n", "the password holds control characters"),
        ("AC1", "hu\x7fsh", "the password holds control characters"),
        ("AC1", "hu\udc80sh", "the password holds control characters"),
        ("AC1:hush", "p", "the username holds a colon"),
    ],
)
def test_credentials_that_cannot_be_sent_are_refused(
    username: str, password: str, says: str
) -> None:
    """A missing part, a control character or a colon in the username is refused, without showing the value."""
    with pytest.raises(ConfigurationError, match=says) as caught:
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
def test_the_environment_is_read(environ: dict[str, str], expected: tuple[str, str]) -> None:
    """A whole API key pair wins, else the account pair; an empty variable counts as missing."""
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
def test_half_a_pair_or_none_is_refused(environ: dict[str, str], missing: list[str]) -> None:
    """Missing variables are named, and no value is."""
    with pytest.raises(ConfigurationError) as caught:
        Credentials.from_environment(environ)
    assert all(name in str(caught.value) for name in missing)
    assert "hush" not in str(caught.value)


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a mapping, the process environment is read, as it is at that moment."""
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)
    assert Credentials.from_environment() == Credentials("SK1", "key-secret")


# --- base_url ---------------------------------------------------------------------------------------------------------------------


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
def test_a_base_url_has_one_spelling(given_as: str, base_url: str, origin: str) -> None:
    """Scheme and host are lower case; the usual port and a slash at the end are dropped; a prefix stays."""
    settings = GatewaySettings(credentials=WHO, base_url=given_as)
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
def test_a_base_url_that_cannot_work_is_refused(base_url: str) -> None:
    """Another scheme, credentials, query, fragment, or what is no URL at all is refused, without showing it."""
    text = refusal(base_url=base_url)
    assert text.startswith("base_url is not of the form https://host[:port][/prefix]; leave out")
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
def test_plain_http_stays_on_this_machine(host: str) -> None:
    """Plain http beyond loopback is refused, naming the ways out, unless it is allowed by name."""
    text = refusal(base_url=f"http://{host}")
    assert "allow_plain_http=True" in text
    assert "https" in text
    assert (
        GatewaySettings(credentials=WHO, base_url=f"http://{host}", allow_plain_http=True).origin
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
def test_two_readers_of_a_base_url_agree(url: str) -> None:
    """What is accepted, the client reads the same way: same origin, nothing but scheme, host, port and path, and http is loopback."""
    try:
        settings = GatewaySettings(credentials=WHO, base_url=url)
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
    assert GatewaySettings(credentials=WHO, base_url=settings.base_url) == settings


# --- the rest ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["connect_timeout", "timeout"])
@pytest.mark.parametrize(
    "value", [0, -1, 0.0001, 86_401, float("inf"), float("nan"), True, "5", None]
)
def test_a_time_out_that_is_none_is_refused(name: str, value: object) -> None:
    """A time-out is a finite number of seconds, from a millisecond to a day."""
    assert refusal(**{name: value}) == f"{name} must be a number of seconds, from 0.001 to 86400"


@pytest.mark.parametrize("name", ["max_reply_bytes", "max_connections"])
@pytest.mark.parametrize("value", [0, -1, 2**31, 1.5, True, "5", None])
def test_a_bound_that_is_none_is_refused(name: str, value: object) -> None:
    """A bound is a positive whole number."""
    assert refusal(**{name: value}) == f"{name} must be a whole number, from 1 to 2147483647"


def test_the_defaults() -> None:
    """The defaults are the platform's address, 5 and 15 seconds, 1 MiB and 100 connections."""
    settings = GatewaySettings(credentials=WHO)
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


def test_every_setting_is_an_option() -> None:
    """A gateway's constructor takes every setting by name, but for the credentials."""
    assert {"credentials", *GatewayOptions.__annotations__} == {
        field.name for field in attrs.fields(GatewaySettings)
    }


def test_settings_are_values() -> None:
    """GatewaySettings cannot change, compare by what they hold, and pickle."""
    settings = GatewaySettings(credentials=WHO, timeout=3)
    assert (
        pickle.loads(pickle.dumps(settings))
        == settings
        == GatewaySettings(credentials=Credentials("AC0", "hush"), timeout=3.0)
    )
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        settings.timeout = 4  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  # wrong on purpose


def test_the_user_agent_names_the_library() -> None:
    """The user agent is the library's name, with its version where it is installed."""
    name, _, version = user_agent().partition("/")
    assert name == "reservation-core"
    assert version == "" or version[0].isdigit()


def test_a_checkout_has_a_user_agent_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the library is used without being installed, its name goes without a version."""

    def absent(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", absent)
    assert user_agent.__wrapped__() == "reservation-core"
