"""The pyreqwest gateway, shown everything a network can answer: both flavours, real sockets, nothing faked."""

import asyncio
import gzip
import importlib
import logging
import signal
import ssl
import sys
import traceback
from collections.abc import Generator
from typing import Unpack

import pytest
import trustme

from reservation_core.errors import GatewayError, NotSent
from reservation_core.gateways.pyreqwest import AsyncPyreqwestGateway, PyreqwestGateway
from reservation_core.gateways.settings import Options, user_agent
from reservation_core.messages import Reply, Request

from . import loopback
from .flavours import CREDENTIALS, PATH, SECRETS, Flavour, Opened, fetch, update
from .loopback import Answer, Loopback, head, raw, reply

LENGTH_50 = head(headers=[("Content-Length", "50")])
CHUNKED = head(headers=[("Transfer-Encoding", "chunked")])


def failure(opened: Opened, request: Request) -> GatewayError:
    """Give the failure that sending one request ends with, checked."""
    (error,) = failures(opened, request)
    return error


def failures(opened: Opened, *requests: Request) -> list[GatewayError]:
    """Give the failures that sending ends with: each names the place, and shows nothing secret in all its chain."""
    errors = [outcome for outcome in opened.send_all(requests) if isinstance(outcome, GatewayError)]
    assert len(errors) == len(requests)
    for error in errors:
        text = "".join(traceback.format_exception(error)) + repr(error)
        assert not [secret for secret in SECRETS if secret in text]
        assert opened.gateway.origin in error.reason
    return errors


def text_of(outcome: Reply | GatewayError) -> str:
    """Give the body of a reply; fail on anything else."""
    assert isinstance(outcome, Reply), outcome
    return outcome.body.decode()


# --- on the wire ------------------------------------------------------------------------------------------------------------------


def test_a_post_on_the_wire(flavour: Flavour) -> None:
    """A POST arrives with its path, its headers as given, our credentials once, and the body byte for byte."""
    request = update([("Instruction", "conference"), ("To", "client:\u00e9 ~*"), ("Empty", ""), ("Event", "a"), ("Event", "b")], '"7"')
    with Loopback() as server, flavour(base_url=f"{server.origin}/prefix/") as opened:
        opened.send(request)
    (received,) = server.requests
    assert received.line == f"POST /prefix{PATH} HTTP/1.1"
    assert received.body == request.body == b"Instruction=conference&To=client%3A%C3%A9+~%2A&Empty=&Event=a&Event=b"
    expected = {
        "Authorization": CREDENTIALS.authorization,
        "If-Match": '"7"',
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(request.body)),
        "User-Agent": user_agent(),
        "Accept-Encoding": "gzip",
        "Host": server.origin.removeprefix("http://"),
    }
    assert {name: received.all(name) for name in expected} == {name: [value] for name, value in expected.items()}
    assert received.head.count(b"\r\n") == len(expected)  # and no header more


@pytest.mark.parametrize("tag", ["7", '"7"', 'W/"7"'])
def test_if_match_is_sent_as_given(flavour: Flavour, tag: str) -> None:
    """An entity tag is neither quoted nor changed."""
    with Loopback() as server, flavour(base_url=server.origin) as opened:
        opened.send(update(if_match=tag))
    assert server.requests[0].all("If-Match") == [tag]


def test_an_empty_post_says_so(flavour: Flavour) -> None:
    """A POST without parameters has a Content-Length of 0, as the official client sends it."""
    with Loopback() as server, flavour(base_url=server.origin) as opened:
        opened.send(update([]))
    assert server.requests[0].all("Content-Length") == ["0"]
    assert server.requests[0].body == b""


def test_a_get_on_the_wire(flavour: Flavour) -> None:
    """A GET keeps its query as it is and has no body, no length and no content type."""
    path = f"{PATH}?ReservationStatus=pending&PageSize=50&PageToken=a%2Fb+c"
    with Loopback() as server, flavour(base_url=server.origin) as opened:
        opened.send(fetch(path))
    (received,) = server.requests
    assert received.line == f"GET {path} HTTP/1.1"
    assert received.body == b""
    assert [received.all(name) for name in ("Content-Length", "Content-Type", "Transfer-Encoding")] == [[], [], []]
    assert received.all("Authorization") == [CREDENTIALS.authorization]


@pytest.mark.parametrize("path", ["@elsewhere.example/", ".elsewhere.example/", "", "v1"])
def test_a_path_cannot_change_the_host(flavour: Flavour, path: str) -> None:
    """A path without its leading slash is refused before any connection is made."""
    with Loopback() as server, flavour(base_url=server.origin) as opened, pytest.raises(ValueError, match="starts with a slash"):
        opened.send(fetch(path))
    assert server.connections == 0


def test_a_path_cannot_leave_the_host(flavour: Flavour) -> None:
    """A path that looks like another host is a path."""
    with Loopback() as server, flavour(base_url=server.origin) as opened:
        opened.send(fetch("//elsewhere.example/v1"))
    assert server.requests[0].line == "GET //elsewhere.example/v1 HTTP/1.1"


# --- replies ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (reply(b'{"sid": "WR0"}'), b'{"sid": "WR0"}'),
        (reply(b""), b""),
        (raw(head("204 No Content"), keep=True), b""),
        (loopback.chunked([b'{"sid"', b': "WR0"}']), b'{"sid": "WR0"}'),
        (loopback.zipped(b"z" * 100_000), b"z" * 100_000),
        (reply(b"late", pause=0.1), b"late"),
        (raw(head(headers=[("Connection", "close")]), b"up to the end"), b"up to the end"),
        (raw(LENGTH_50, b"x" * 25, b"y" * 25, keep=True, pause=0.02), b"x" * 25 + b"y" * 25),
        (raw(head("103 Early Hints"), LENGTH_50 + b"x" * 50, keep=True), b"x" * 50),
        (reply(b"\x00\xff", headers=[("Content-Encoding", "br")]), b"\x00\xff"),
    ],
)
def test_a_whole_reply_is_handed_back(flavour: Flavour, answer: Answer, body: bytes) -> None:
    """However a whole reply is framed, its body comes back as the platform meant it."""
    with Loopback(answer) as server, flavour(base_url=server.origin) as opened:
        assert opened.send(update()).body == body


@pytest.mark.parametrize("status", ["201 Created", "400 Bad", "401 Who", "412 Stale", "429 Slow", "500 Oh", "503 No", "599 X"])
def test_every_status_is_a_reply(flavour: Flavour, status: str) -> None:
    """A status is never an error of the gateway, and never a reason to send again."""
    with Loopback(reply(b'{"code": 1}', status)) as server, flavour(base_url=server.origin) as opened:
        assert (opened.send(update()).status, len(server.requests)) == (int(status[:3]), 1)


def test_headers_come_back(flavour: Flavour) -> None:
    """The headers of a reply are looked up in any case."""
    with Loopback(reply(headers=[("ETag", '"7"'), ("Retry-After", "3")])) as server, flavour(base_url=server.origin) as opened:
        answered = opened.send(update())
    assert (answered.headers["etag"], answered.headers["ETag"], answered.headers["RETRY-AFTER"]) == ('"7"', '"7"', "3")


def test_an_odd_header_does_not_cost_the_reply(flavour: Flavour) -> None:
    """A header outside ASCII is left out; the reply, and every other header, comes back."""
    with Loopback(reply(headers=[("X-Name", "caf\xe9"), ("ETag", "7")])) as server, flavour(base_url=server.origin) as opened:
        answered = opened.send(update())
    assert ("x-name" in answered.headers, answered.headers["etag"], answered.body) == (False, "7", b"{}")


def test_a_long_header_comes_back(flavour: Flavour) -> None:
    """A header of 100 kB is read."""
    with Loopback(reply(headers=[("X-Long", "v" * 100_000)])) as server, flavour(base_url=server.origin) as opened:
        assert len(opened.send(update()).headers["X-Long"]) == 100_000


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_handed_back(flavour: Flavour, status: str) -> None:
    """A redirect is a reply like any other: nothing, and no credentials, go to the other place, nor to the same one again."""
    with (
        Loopback() as other,
        Loopback(reply(b"", status, [("Location", f"{other.origin}/")])) as server,
        flavour(base_url=server.origin) as opened,
    ):
        answered = opened.send(update())
    assert (answered.status, answered.headers["Location"]) == (int(status[:3]), f"{other.origin}/")
    assert (len(server.requests), other.connections) == (1, 0)


def test_no_cookie_is_kept(flavour: Flavour) -> None:
    """A cookie that is set is not sent back."""
    with Loopback(reply(headers=[("Set-Cookie", "a=b; Path=/")])) as server, flavour(base_url=server.origin) as opened:
        opened.send(update())
        opened.send(update())
    assert [received.all("Cookie") for received in server.requests] == [[], []]


def test_no_proxy_is_asked(flavour: Flavour, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxy variables are not read: the credentials go to the base URL and nowhere else."""
    with Loopback() as proxy, Loopback() as server:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.origin)
        with flavour(base_url=server.origin) as opened:
            opened.send(update())
    assert (proxy.connections, len(server.requests)) == (0, 1)


# --- failures ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nETa"), id="end within the head"),
        pytest.param(raw(LENGTH_50 + b"half"), id="end within the body"),
        pytest.param(raw(CHUNKED + b"9\r\nhalf"), id="end within a chunk"),
        pytest.param(raw(CHUNKED + b"4\r\nhalf\r\n"), id="end between chunks"),
        pytest.param(raw(CHUNKED + b"zz\r\nhalf\r\n"), id="bad chunk length"),
        pytest.param(raw(head(headers=[("Content-Length", "two")]) + b"{}"), id="bad length"),
        pytest.param(raw(head(headers=[("Content-Length", "2"), ("Content-Length", "3")]) + b"{}"), id="two lengths"),
        pytest.param(loopback.reset(), id="reset with the request unread"),
        pytest.param(loopback.reset(after=b""), id="reset after the request"),
        pytest.param(loopback.reset(after=b"HTTP/1.1 200"), id="reset within the head"),
        pytest.param(loopback.reset(after=LENGTH_50 + b"half"), id="reset within the body"),
        pytest.param(raw(), id="end at once"),
        pytest.param(raw(b"\x00\xff what is this?\r\n\r\n"), id="garbage"),
        pytest.param(raw(b"HTTP/1.1 abc OK\r\n\r\n"), id="garbage for a status"),
        pytest.param(raw(b"{}"), id="a body without a head"),
        pytest.param(reply(headers=[(f"X-{number}", "v" * 1000) for number in range(101)]), id="too many headers"),
        pytest.param(reply(headers=[("X-Long", "v" * 1_000_000)]), id="too long a header"),
        pytest.param(reply(b"no gzip", headers=[("Content-Encoding", "gzip")]), id="bad gzip"),
        pytest.param(reply(gzip.compress(b"{}" * 999)[:-9], headers=[("Content-Encoding", "gzip")]), id="half gzip"),
    ],
)
def test_once_sent_the_outcome_is_unknown(flavour: Flavour, answer: Answer) -> None:
    """Whatever breaks after the request may have left is GatewayError and not NotSent; it is not sent again, and the gateway goes on."""
    with Loopback(answer, reply(b"next")) as server, flavour(base_url=server.origin) as opened:
        error = failure(opened, update())
        assert not isinstance(error, NotSent)
        assert "whether the platform acted is unknown" in str(error)
        assert len(server.requests) <= 1
        assert opened.send(update()).body == b"next"


def test_a_time_out_leaves_the_outcome_unknown(flavour: Flavour) -> None:
    """The time-out covers the whole exchange, to the last byte of the body; what comes late answers no later request."""
    answers = [
        loopback.silence(),
        raw(b"HTTP/1.1 200 OK\r\nETa", b"", pause=0.5),
        raw(LENGTH_50 + b"h", *[b"a"] * 9, pause=0.2),
        reply(b"late", pause=1.0),
    ]
    with Loopback(*answers, reply(b"next")) as server, flavour(base_url=server.origin, timeout=0.6) as opened:
        for error in failures(opened, *[update()] * len(answers)):
            assert not isinstance(error, NotSent)
            assert "in 0.6 s" in error.reason
        assert len(server.requests) == len(answers)
        assert opened.send(update()).body == b"next"


@pytest.mark.parametrize(
    "answer", [reply(b"x" * 1001), loopback.chunked([b"x" * 500] * 3), loopback.zipped(b"x" * 1001), loopback.endless()]
)
def test_an_over_long_reply_is_refused(flavour: Flavour, answer: Answer) -> None:
    """A reply longer than the limit, after decompression, is refused while it still streams, naming the limit; the gateway goes on."""
    with Loopback(answer, reply(b"next")) as server, flavour(base_url=server.origin, max_reply_bytes=1000) as opened:
        error = failure(opened, update())
        assert not isinstance(error, NotSent)
        assert "max_reply_bytes, 1000" in error.reason
        assert opened.send(update()).body == b"next"


def test_a_gzip_bomb_is_refused(flavour: Flavour) -> None:
    """A small reply that unpacks to 50 MB is refused at the default limit of 1 MiB."""
    with Loopback(loopback.zipped(b"\0" * 50_000_000)) as server, flavour(base_url=server.origin) as opened:
        assert "max_reply_bytes, 1048576" in failure(opened, update()).reason


@pytest.mark.parametrize("answer", [reply(b"x" * 1000), loopback.chunked([b"x" * 500] * 2), loopback.zipped(b"x" * 1000)])
def test_a_reply_at_the_limit_is_read(flavour: Flavour, answer: Answer) -> None:
    """A reply just as long as the limit comes back whole."""
    with Loopback(answer) as server, flavour(base_url=server.origin, max_reply_bytes=1000) as opened:
        assert opened.send(update()).body == b"x" * 1000


def test_left_over_bytes_answer_nothing(flavour: Flavour) -> None:
    """What a server writes beyond the length it named is never taken for the next reply."""
    stray = raw(head(headers=[("Content-Length", "2")]) + b"{}" + head(headers=[("Content-Length", "5")]) + b"stray", keep=True)
    with Loopback(stray, reply(b"next")) as server, flavour(base_url=server.origin) as opened:
        assert [opened.send(update()).body for _ in range(3)] == [b"{}", b"next", b"next"]


def test_a_refused_connection_was_not_sent(flavour: Flavour) -> None:
    """Nobody listens: nothing was sent."""
    with loopback.nobody() as origin, flavour(base_url=origin) as opened:
        error = failure(opened, update())
    assert isinstance(error, NotSent)
    assert "nothing was sent" in str(error)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux leaves a connection unanswered when the queue is full")
def test_an_unanswered_connection_was_not_sent(flavour: Flavour) -> None:
    """Nobody answers within connect_timeout: nothing was sent, and it does not take the whole time-out."""
    with loopback.unreachable() as origin, flavour(base_url=origin, connect_timeout=0.2, timeout=5) as opened:
        error = failure(opened, update())
    assert isinstance(error, NotSent)
    assert "not in 0.2 s" in error.reason


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux leaves a connection unanswered when the queue is full")
def test_a_total_time_out_counts_as_unknown(flavour: Flavour) -> None:
    """Where the whole time-out runs out first, a connection never made cannot be told from a lost reply: outcome unknown."""
    with loopback.unreachable() as origin, flavour(base_url=origin, connect_timeout=60, timeout=0.2) as opened:
        assert not isinstance(failure(opened, update()), NotSent)


def test_an_unknown_name_was_not_sent(flavour: Flavour) -> None:
    """A host name that is none: nothing was sent."""
    with flavour(base_url="https://nothing.invalid", connect_timeout=2, timeout=60) as opened:
        assert isinstance(failure(opened, update()), NotSent)


def test_waiting_for_a_connection_was_not_sending(flavour: Flavour) -> None:
    """A request that gets no free connection within connect_timeout was not sent; the one under way is answered."""
    with Loopback(reply(b"slow", pause=0.5)) as server, flavour(base_url=server.origin, max_connections=1, connect_timeout=0.1) as opened:
        outcomes = opened.send_all([update(), update()])
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NotSent", "Reply"]
    assert len(server.requests) == 1


# --- TLS --------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Make a certificate authority that nobody knows."""
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Make the authority known the way a user would."""
    with authority.cert_pem.tempfile() as file:
        monkeypatch.setenv("SSL_CERT_FILE", file)
        yield


def serving(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """Make what a server needs to show a certificate for a name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with authority.issue_cert(name).private_key_and_cert_chain_pem.tempfile() as file:
        context.load_cert_chain(file)
    return context


@pytest.mark.usefixtures("trusted")
def test_a_trusted_certificate_is_accepted(flavour: Flavour, authority: trustme.CA) -> None:
    """An authority named by SSL_CERT_FILE is trusted, and the request goes through."""
    with Loopback(tls=serving(authority, "127.0.0.1")) as server, flavour(base_url=server.origin) as opened:
        assert opened.send(update()).status == 200


def test_an_unknown_authority_is_refused(flavour: Flavour, authority: trustme.CA) -> None:
    """A certificate of an unknown authority ends the handshake: nothing was sent."""
    with Loopback(tls=serving(authority, "127.0.0.1")) as server, flavour(base_url=server.origin) as opened:
        error = failure(opened, update())
    assert isinstance(error, NotSent)
    assert "certificate" in error.reason
    assert server.requests == []


@pytest.mark.usefixtures("trusted")
def test_a_certificate_for_another_name_is_refused(flavour: Flavour, authority: trustme.CA) -> None:
    """A trusted certificate of another host ends the handshake: nothing was sent."""
    with Loopback(tls=serving(authority, "other.example")) as server, flavour(base_url=server.origin) as opened:
        assert isinstance(failure(opened, update()), NotSent)
    assert server.requests == []


@pytest.mark.parametrize("answer", [loopback.reset(), loopback.blurt(b"HTTP/1.1 400 Bad\r\n\r\n"), loopback.blurt(b"")])
def test_a_broken_handshake_was_not_sent(flavour: Flavour, answer: Answer) -> None:
    """A server that breaks off, or does not speak TLS: nothing was sent."""
    with Loopback(answer) as server, flavour(base_url=server.origin.replace("http", "https")) as opened:
        assert isinstance(failure(opened, update()), NotSent)


# --- sharing ----------------------------------------------------------------------------------------------------------------------


def test_one_gateway_is_shared(flavour: Flavour) -> None:
    """Many callers share a gateway: each gets its own reply, and the connections are reused."""
    requests = [update([("Number", str(number))]) for number in range(200)]
    with Loopback(loopback.echo()) as server, flavour(base_url=server.origin, max_connections=50) as opened:
        assert [text_of(outcome) for outcome in opened.send_all(requests)] == [f"Number={number}" for number in range(200)]
    assert 1 <= server.connections <= 100  # a connection may come back a moment after its turn is given on


def test_a_connection_is_reused(flavour: Flavour) -> None:
    """Requests one after the other use one connection."""
    with Loopback() as server, flavour(base_url=server.origin) as opened:
        for _ in range(20):
            opened.send(update())
    assert (server.connections, len(server.requests)) == (1, 20)


def test_no_request_arrives_twice(flavour: Flavour) -> None:
    """Connections that the server drops after each reply, or resets, are replaced without sending anything twice."""
    reply_and_drop, reply_and_reset = raw(head(headers=[("Content-Length", "2")]) + b"{}"), loopback.reset(after=b"")
    requests = [update([("Number", str(number))]) for number in range(40)]
    with Loopback(*[reply_and_drop, reply(), reply_and_reset] * 20) as server, flavour(base_url=server.origin) as opened:
        outcomes = [outcome for request in requests for outcome in opened.send_all([request])]
    bodies = [received.body for received in server.requests]
    assert len(bodies) == len(set(bodies))
    never_left = {request.body for request, outcome in zip(requests, outcomes, strict=True) if isinstance(outcome, NotSent)}
    assert never_left.isdisjoint(bodies)
    assert sum(isinstance(outcome, Reply) for outcome in outcomes) >= 20


# --- life -------------------------------------------------------------------------------------------------------------------------


def test_closing_ends_what_is_under_way(flavour: Flavour) -> None:
    """An exchange under way when the gateway is closed has an unknown outcome, and does not wait for its time-out."""
    with (
        Loopback(loopback.silence()) as server,
        flavour(base_url=server.origin, timeout=60) as opened,
        pytest.raises(GatewayError) as caught,
    ):
        opened.send_and_close(update(), 0.2)
    assert not isinstance(caught.value, NotSent)
    assert "Client was closed" in caught.value.reason
    assert len(server.requests) == 1


def test_a_closed_gateway_sends_nothing(flavour: Flavour) -> None:
    """A closed gateway says that it is closed; closing it twice is no error."""
    with Loopback() as server, flavour(base_url=server.origin) as opened:
        opened.close()
        opened.close()
        with pytest.raises(NotSent, match="the gateway is closed"):
            opened.send(update())
    assert server.connections == 0


def test_a_forked_child_is_refused(flavour: Flavour, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another process than the one that opened it, a gateway refuses, where it would wait for ever."""
    with Loopback() as server, flavour(base_url=server.origin) as opened:
        with monkeypatch.context() as forked:
            forked.setattr("os.getpid", lambda: -1)
            with pytest.raises(NotSent, match="before a fork"):
                opened.send(update())
        assert opened.send(update()).status == 200


def test_nothing_secret_is_shown_or_logged(flavour: Flavour, caplog: pytest.LogCaptureFixture) -> None:
    """A gateway shows where to and as whom; neither it nor any log line, at any level, shows a secret or a number."""
    caplog.set_level(1)
    logging.getLogger("pyreqwest").setLevel(1)
    with Loopback(reply(), raw()) as server, flavour(base_url=server.origin) as opened:
        opened.send(update())
        failure(opened, update())
        shown = repr(opened.gateway) + str(opened.gateway) + caplog.text
        assert repr(opened.gateway) == f"<{type(opened.gateway).__name__} {server.origin} as SK0123>"
    assert not [secret for secret in SECRETS if secret in shown + caplog.text]


@pytest.mark.parametrize("kind", [PyreqwestGateway, AsyncPyreqwestGateway])
def test_credentials_come_from_the_environment(
    kind: type[PyreqwestGateway | AsyncPyreqwestGateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without credentials, a gateway takes those of the environment and goes to the platform."""
    with pytest.raises(ValueError, match="TWILIO_ACCOUNT_SID"):
        kind()
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC9")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "hush")
    assert repr(kind()) == f"<{kind.__name__} https://taskrouter.twilio.com as AC9>"


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyreqwest, importing the gateway says what to install."""
    monkeypatch.setitem(sys.modules, "pyreqwest.bytes", None)
    monkeypatch.delitem(sys.modules, "reservation_core.gateways.pyreqwest")
    with pytest.raises(ImportError, match=r"pip install 'reservation-core\[http\]'"):
        importlib.import_module("reservation_core.gateways.pyreqwest")


# --- threads only -----------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer that interrupts")
def test_an_interrupt_passes_through() -> None:
    """Ctrl-C during an exchange comes out as itself, and the gateway goes on."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with Loopback(reply(pause=0.3), reply()) as server, PyreqwestGateway(CREDENTIALS, base_url=server.origin) as gateway:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(KeyboardInterrupt):
                gateway.send(update())
            assert gateway.send(update()).status == 200
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# --- tasks only -------------------------------------------------------------------------------------------------------------------


def test_cancelling_drops_one_exchange() -> None:
    """A cancelled task ends at once, as cancelled; its connection is dropped, and the others and the gateway go on."""

    async def scene(**options: Unpack[Options]) -> None:
        async with AsyncPyreqwestGateway(CREDENTIALS, **options) as gateway:
            dropped = asyncio.ensure_future(gateway.asend(update([("Number", "1")])))
            await asyncio.sleep(0.1)
            kept = asyncio.ensure_future(gateway.asend(update([("Number", "2")])))
            await asyncio.sleep(0.1)
            dropped.cancel()
            with pytest.raises(asyncio.CancelledError):
                await dropped
            assert (await kept).body == b"kept"
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(gateway.asend(update()), 0.1)
            assert (await gateway.asend(update())).body == b"next"

    with Loopback(loopback.silence(), reply(b"kept", pause=0.4), loopback.silence(), reply(b"next")) as server:
        asyncio.run(scene(base_url=server.origin, timeout=60))


def test_a_gateway_outlives_its_event_loop() -> None:
    """A gateway opened outside any event loop serves one after the other, and keeps its connection."""
    with Loopback() as server:
        gateway = AsyncPyreqwestGateway(CREDENTIALS, base_url=server.origin)
        assert [asyncio.run(gateway.asend(update())).status for _ in range(3)] == [200, 200, 200]
        asyncio.run(gateway.aclose())
    assert server.connections == 1


def test_a_task_left_behind_harms_nothing() -> None:
    """An event loop that ends with an exchange under way cancels it; the gateway serves the next loop."""

    async def leave(gateway: AsyncPyreqwestGateway) -> None:
        left = asyncio.ensure_future(gateway.asend(update()))
        await asyncio.sleep(0.1)
        assert not left.done()

    with Loopback(loopback.silence(), reply()) as server:
        gateway = AsyncPyreqwestGateway(CREDENTIALS, base_url=server.origin)
        asyncio.run(leave(gateway))
        assert asyncio.run(gateway.asend(update())).status == 200
        asyncio.run(gateway.aclose())
