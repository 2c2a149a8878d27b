"""The promises every gateway keeps, as tests that its author inherits with one fixture.

::

    from reservation_core.testing.contract import CREDENTIALS, GatewayContract

    class TestMine(GatewayContract):
        @pytest.fixture
        def open_gateway(self):
            return lambda **options: MyGateway(CREDENTIALS, **options)

``AsyncGatewayContract`` is the same for ``asend`` and ``aclose``; there the fixture's function is called within the event loop. The
options are ``base_url``, ``connect_timeout``, ``timeout``, ``max_reply_bytes`` and ``max_connections``, as
:class:`reservation_core.gateways.settings.Settings` has them; each test gives those that matter to it.

A promise that a gateway cannot keep is named in ``exempt`` with the reason, and shown as skipped: never left out in silence.

The server is the suite's own, on 127.0.0.1 and bounded; proxies and credentials of the environment are out of the way. The TLS tests
need ``trustme``. For telling failures, add ``pytest.register_assert_rewrite("reservation_core.testing.contract")`` to ``conftest.py``.
"""

import asyncio
import functools
import gzip
import logging
import os
import signal
import ssl
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import pytest

from reservation_core.errors import GatewayError, NotSent
from reservation_core.gateways.settings import Credentials, Options
from reservation_core.messages import AS_FORM, Reply, Request
from reservation_core.testing import loopback
from reservation_core.testing.bridges import AsyncClosable, Closable, Flavour, Opened, tasks, threads
from reservation_core.testing.loopback import Answer, Loopback, head, raw, reply

if TYPE_CHECKING:
    import trustme

CREDENTIALS = Credentials("SK0123", "hush-this-is-the-secret")
"""Whom the gateway under test asks as."""

SECRETS = ("hush-this", CREDENTIALS.authorization.removeprefix("Basic "), "5550006")
"""What no text may show: the password, the header made of it, and the number that ``update`` sends."""

PATH = "/v1/Workspaces/WS0/Tasks/WT0/Reservations/WR0"

_NUMBER = (("Instruction", "call"), ("CallTo", "+15005550006"))


def update(form: Sequence[tuple[str, str]] = _NUMBER, if_match: str | None = None) -> Request:
    """Make an update as the core prepares it."""
    return Request("POST", PATH, [*AS_FORM.pairs, *([] if if_match is None else [("If-Match", if_match)])], tuple(form))


def fetch(path: str = PATH) -> Request:
    """Make a fetch as the core prepares it."""
    return Request("GET", path)


def forget_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the machine's own proxies, credentials and certificates out of the way."""
    for name in os.environ:
        if name.startswith(("TWILIO_", "SSL_CERT_")) or name.lower().endswith(("_proxy", "_ca_bundle")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", os.devnull)


def failures(opened: Opened, *requests: Request) -> list[GatewayError]:
    """Give the failures that sending ends with: none shows anything secret in all its chain."""
    errors = [outcome for outcome in opened.send_all(requests) if isinstance(outcome, GatewayError)]
    assert len(errors) == len(requests)
    for error in errors:
        text = "".join(traceback.format_exception(error)) + " ".join(map(repr, _chain(error)))
        assert not [secret for secret in SECRETS if secret in text]
    return errors


def failure(opened: Opened, request: Request) -> GatewayError:
    """Give the failure that sending one request ends with."""
    (error,) = failures(opened, request)
    return error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _named(**cases: object) -> list[object]:
    return [pytest.param(case, id=name.replace("_", " ")) for name, case in cases.items()]


_LENGTH_50 = head(headers=[("Content-Length", "50")])
_CHUNKED = head(headers=[("Transfer-Encoding", "chunked")])
_TWO = head(headers=[("Content-Length", "2")])

_WHOLE = _named(
    plain=(reply(b'{"sid": "WR0"}'), b'{"sid": "WR0"}'),
    empty=(reply(b""), b""),
    no_content=(raw(head("204 No Content"), keep=True), b""),
    chunks=(loopback.chunked([b'{"sid"', b': "WR0"}']), b'{"sid": "WR0"}'),
    zipped=(loopback.zipped(b"z" * 100_000), b"z" * 100_000),
    beyond_ascii=(reply('{"n": "é"}'.encode()), '{"n": "é"}'.encode()),
    late=(reply(b"late", pause=0.1), b"late"),
    up_to_the_end=(raw(head(headers=[("Connection", "close")]), b"up to the end"), b"up to the end"),
    slow=(raw(_LENGTH_50, b"x" * 25, b"y" * 25, keep=True, pause=0.02), b"x" * 25 + b"y" * 25),
    hints_first=(raw(head("103 Early Hints"), _LENGTH_50 + b"x" * 50, keep=True), b"x" * 50),
    bytes=(reply(b"\x00\xff", headers=[("Content-Encoding", "br")]), b"\x00\xff"),
)

_BROKEN = _named(
    end_within_the_head=raw(b"HTTP/1.1 200 OK\r\nETa"),
    end_within_the_body=raw(_LENGTH_50 + b"half"),
    end_within_a_chunk=raw(_CHUNKED + b"9\r\nhalf"),
    end_between_chunks=raw(_CHUNKED + b"4\r\nhalf\r\n"),
    bad_chunk_length=raw(_CHUNKED + b"zz\r\nhalf\r\n"),
    bad_length=raw(head(headers=[("Content-Length", "two")]) + b"{}"),
    two_lengths=raw(head(headers=[("Content-Length", "2"), ("Content-Length", "3")]) + b"{}"),
    reset_with_the_request_unread=loopback.reset(),
    reset_after_the_request=loopback.reset(after=b""),
    reset_within_the_head=loopback.reset(after=b"HTTP/1.1 200"),
    reset_within_the_body=loopback.reset(after=_LENGTH_50 + b"half"),
    end_at_once=raw(),
    garbage=raw(b"\x00\xff what is this?\r\n\r\n"),
    garbage_for_a_status=raw(b"HTTP/1.1 abc OK\r\n\r\n"),
    a_body_without_a_head=raw(b"{}"),
    too_long_a_header=reply(headers=[("X-Long", "v" * 1_000_000)]),
    bad_gzip=reply(b"no gzip", headers=[("Content-Encoding", "gzip")]),
    half_gzip=reply(gzip.compress(b"{}" * 999)[:-9], headers=[("Content-Encoding", "gzip")]),
)

_DRIPPING = _named(
    in_the_head=raw(b"HTTP/1.1 200 OK\r\nX-", *[b"a"] * 9, b": a\r\nContent-Length: 2\r\n\r\n{}", pause=0.06),
    in_the_body=raw(head(headers=[("Content-Length", "10")]), *[b"a"] * 10, pause=0.06),
)

_OVERLONG = _named(
    plain=reply(b"x" * 1001), chunks=loopback.chunked([b"x" * 500] * 3), zipped=loopback.zipped(b"x" * 1001), endless=loopback.endless()
)
_AT_THE_LIMIT = _named(plain=reply(b"x" * 1000), chunks=loopback.chunked([b"x" * 500] * 2), zipped=loopback.zipped(b"x" * 1000))


class _Contract:
    """What gateways of both kinds promise."""

    exempt: ClassVar[Mapping[str, str]] = {}
    """Promises that this gateway does not make, by the name of the test (``test_x``, or ``test_x[case]``), each with the reason."""

    @pytest.fixture(autouse=True)
    def _prepared(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        name: str = request.node.name
        if why := self.exempt.get(name, self.exempt.get(name.partition("[")[0])):
            pytest.skip(why)
        forget_environment(monkeypatch)

    # --- on the wire ---------------------------------------------------------------------------------------------------------------

    def test_a_post_on_the_wire(self, flavour: Flavour) -> None:
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
            "Host": server.origin.removeprefix("http://"),
        }
        assert {name: received.all(name) for name in expected} == {name: [value] for name, value in expected.items()}
        assert len(received.all("User-Agent")) == 1
        assert received.all("Transfer-Encoding") == received.all("Expect") == received.all("Cookie") == []

    @pytest.mark.parametrize("tag", ["7", '"7"', 'W/"7"'])
    def test_if_match_is_sent_as_given(self, flavour: Flavour, tag: str) -> None:
        """An entity tag is neither quoted nor changed."""
        with Loopback() as server, flavour(base_url=server.origin) as opened:
            opened.send(update(if_match=tag))
        assert server.requests[0].all("If-Match") == [tag]

    def test_an_empty_post_says_so(self, flavour: Flavour) -> None:
        """A POST without parameters has a Content-Length of 0, as the official client sends it."""
        with Loopback() as server, flavour(base_url=server.origin) as opened:
            opened.send(update([]))
        assert server.requests[0].all("Content-Length") == ["0"]
        assert server.requests[0].body == b""

    def test_a_get_on_the_wire(self, flavour: Flavour) -> None:
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
    def test_a_path_cannot_change_the_host(self, flavour: Flavour, path: str) -> None:
        """A path without its leading slash is refused before any connection is made."""
        with Loopback() as server, flavour(base_url=server.origin) as opened, pytest.raises((ValueError, NotSent)):
            opened.send(fetch(path))
        assert server.connections == 0

    def test_a_path_cannot_leave_the_host(self, flavour: Flavour) -> None:
        """A path that looks like another host is a path."""
        with Loopback() as server, flavour(base_url=server.origin) as opened:
            opened.send(fetch("//elsewhere.example/v1"))
        assert server.requests[0].line.endswith("/elsewhere.example/v1 HTTP/1.1")

    # --- replies -------------------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("case", _WHOLE)
    def test_a_whole_reply_is_handed_back(self, flavour: Flavour, case: tuple[Answer, bytes]) -> None:
        """However a whole reply is framed, its body comes back as the platform meant it."""
        answer, body = case
        with Loopback(answer) as server, flavour(base_url=server.origin) as opened:
            assert opened.send(update()).body == body

    @pytest.mark.parametrize("status", ["201 Created", "400 Bad", "401 Who", "412 Stale", "429 Slow", "500 Oh", "503 No", "599 X"])
    def test_every_status_is_a_reply(self, flavour: Flavour, status: str) -> None:
        """A status is never an error of the gateway, and never a reason to send again."""
        with Loopback(reply(b'{"code": 1}', status)) as server, flavour(base_url=server.origin) as opened:
            assert (opened.send(update()).status, len(server.requests)) == (int(status[:3]), 1)

    def test_headers_come_back(self, flavour: Flavour) -> None:
        """The headers of a reply are looked up in any case."""
        with Loopback(reply(headers=[("ETag", '"7"'), ("Retry-After", "3")])) as server, flavour(base_url=server.origin) as opened:
            answered = opened.send(update())
        assert (answered.headers["etag"], answered.etag, answered.headers["RETRY-AFTER"]) == ('"7"', '"7"', "3")

    def test_an_odd_header_does_not_cost_the_reply(self, flavour: Flavour) -> None:
        """A header outside ASCII costs neither the reply nor any other header."""
        with Loopback(reply(headers=[("X-Name", "caf\xe9"), ("ETag", "7")])) as server, flavour(base_url=server.origin) as opened:
            answered = opened.send(update())
        assert (answered.etag, answered.body) == ("7", b"{}")

    def test_a_long_header_comes_back(self, flavour: Flavour) -> None:
        """A header of 5 kB is read."""
        with Loopback(reply(headers=[("X-Long", "v" * 5_000)])) as server, flavour(base_url=server.origin) as opened:
            assert len(opened.send(update()).headers["X-Long"]) == 5_000

    @pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
    def test_a_redirect_is_handed_back(self, flavour: Flavour, status: str) -> None:
        """A redirect is a reply like any other: nothing, and no credentials, go to the other place, nor to the same one again."""
        with (
            Loopback() as other,
            Loopback(reply(b"", status, [("Location", f"{other.origin}/")])) as server,
            flavour(base_url=server.origin) as opened,
        ):
            answered = opened.send(update())
        assert (answered.status, answered.headers["Location"]) == (int(status[:3]), f"{other.origin}/")
        assert (len(server.requests), other.connections) == (1, 0)

    def test_no_cookie_is_kept(self, flavour: Flavour) -> None:
        """A cookie that is set is not sent back."""
        with Loopback(reply(headers=[("Set-Cookie", "a=b; Path=/")])) as server, flavour(base_url=server.origin) as opened:
            opened.send(update())
            opened.send(update())
        assert [received.all("Cookie") for received in server.requests] == [[], []]

    def test_no_proxy_is_asked(self, flavour: Flavour, monkeypatch: pytest.MonkeyPatch) -> None:
        """Proxy variables are not read: the credentials go to the base URL and nowhere else."""
        with Loopback() as proxy, Loopback() as server:
            for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
                monkeypatch.setenv(name, proxy.origin)
            with flavour(base_url=server.origin) as opened:
                opened.send(update())
        assert (proxy.connections, len(server.requests)) == (0, 1)

    # --- failures ------------------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("answer", _BROKEN)
    def test_once_sent_the_outcome_is_unknown(self, flavour: Flavour, answer: Answer) -> None:
        """Whatever breaks once the request may have left is GatewayError, not NotSent; it is not sent again, and the gateway goes on."""
        with Loopback(answer, reply(b"next")) as server, flavour(base_url=server.origin) as opened:
            error = failure(opened, update())
            assert not isinstance(error, NotSent)
            assert "whether the platform acted is unknown" in str(error)
            assert len(server.requests) <= 1
            assert opened.send(update()).body == b"next"

    def test_silence_leaves_the_outcome_unknown(self, flavour: Flavour) -> None:
        """Where nothing comes in time the outcome is unknown; what comes late answers no later request."""
        answers = [loopback.silence(), raw(b"HTTP/1.1 200 OK\r\nETa", b"", pause=0.2), reply(b"late", pause=0.6)]
        with Loopback(*answers, reply(b"next")) as server, flavour(base_url=server.origin, timeout=0.35) as opened:
            for error in failures(opened, *[update()] * len(answers)):
                assert not isinstance(error, NotSent)
            assert len(server.requests) == len(answers)
            assert opened.send(update()).body == b"next"

    @pytest.mark.parametrize("answer", _DRIPPING)
    def test_the_time_out_covers_the_whole_exchange(self, flavour: Flavour, answer: Answer) -> None:
        """A reply that comes a byte at a time does not stretch the time-out."""
        with Loopback(answer, reply(b"next")) as server, flavour(base_url=server.origin, timeout=0.25) as opened:
            assert not isinstance(failure(opened, update()), NotSent)
            assert opened.send(update()).body == b"next"

    @pytest.mark.parametrize("answer", _OVERLONG)
    def test_an_over_long_reply_is_refused(self, flavour: Flavour, answer: Answer) -> None:
        """A reply longer than the limit, after decompression, is refused, naming the limit; the gateway goes on."""
        with Loopback(answer, reply(b"next")) as server, flavour(base_url=server.origin, max_reply_bytes=1000) as opened:
            error = failure(opened, update())
            assert not isinstance(error, NotSent)
            assert "1000" in error.reason
            assert opened.send(update()).body == b"next"

    def test_a_gzip_bomb_is_refused(self, flavour: Flavour) -> None:
        """A small reply that unpacks to 50 MB is refused at the default limit of 1 MiB."""
        with Loopback(loopback.zipped(b"\0" * 50_000_000)) as server, flavour(base_url=server.origin) as opened:
            assert not isinstance(failure(opened, update()), NotSent)

    @pytest.mark.parametrize("answer", _AT_THE_LIMIT)
    def test_a_reply_at_the_limit_is_read(self, flavour: Flavour, answer: Answer) -> None:
        """A reply just as long as the limit comes back whole."""
        with Loopback(answer) as server, flavour(base_url=server.origin, max_reply_bytes=1000) as opened:
            assert opened.send(update()).body == b"x" * 1000

    def test_left_over_bytes_answer_nothing(self, flavour: Flavour) -> None:
        """What a server writes beyond the length it named is never taken for the next reply."""
        stray = raw(_TWO + b"{}" + head(headers=[("Content-Length", "5")]) + b"stray", keep=True)
        with Loopback(stray, reply(b"next")) as server, flavour(base_url=server.origin) as opened:
            bodies = [outcome.body for _ in range(3) for outcome in opened.send_all([update()]) if isinstance(outcome, Reply)]
        assert b"next" in bodies
        assert set(bodies) <= {b"{}", b"next"}

    def test_a_refused_connection_was_not_sent(self, flavour: Flavour) -> None:
        """Nobody listens: nothing was sent."""
        with loopback.nobody() as origin, flavour(base_url=origin) as opened:
            error = failure(opened, update())
        assert isinstance(error, NotSent)
        assert "nothing was sent" in str(error)

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux leaves a connection unanswered when the queue is full")
    def test_an_unanswered_connection_was_not_sent(self, flavour: Flavour) -> None:
        """Nobody answers within connect_timeout: nothing was sent, and it does not take the whole time-out."""
        with loopback.unreachable() as origin, flavour(base_url=origin, connect_timeout=0.2, timeout=5) as opened:
            assert isinstance(failure(opened, update()), NotSent)

    def test_an_unknown_name_was_not_sent(self, flavour: Flavour) -> None:
        """A host name that is none: nothing was sent."""
        with flavour(base_url="https://nothing.invalid", connect_timeout=2, timeout=60) as opened:
            assert isinstance(failure(opened, update()), NotSent)

    def test_waiting_for_a_connection_was_not_sending(self, flavour: Flavour) -> None:
        """A request that gets no free connection within connect_timeout was not sent; the one under way is answered."""
        slow = reply(b"slow", pause=0.3)
        with Loopback(slow) as server, flavour(base_url=server.origin, max_connections=1, connect_timeout=0.1) as opened:
            outcomes = opened.send_all([update(), update()])
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NotSent", "Reply"]
        assert len(server.requests) == 1

    # --- TLS -----------------------------------------------------------------------------------------------------------------------

    @pytest.fixture
    def authority(self) -> "trustme.CA":
        """Give a certificate authority that nobody knows."""
        return _authority()

    @pytest.fixture
    def trusted(self, authority: "trustme.CA", monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
        """Make the authority known the way a user would."""
        with authority.cert_pem.tempfile() as file:
            monkeypatch.setenv("SSL_CERT_FILE", file)
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", file)
            yield

    @pytest.mark.usefixtures("trusted")
    def test_a_trusted_certificate_is_accepted(self, flavour: Flavour, authority: "trustme.CA") -> None:
        """An authority named by the environment is trusted, and the request goes through."""
        with Loopback(tls=_serving(authority, "127.0.0.1")) as server, flavour(base_url=server.origin) as opened:
            assert opened.send(update()).status == 200

    def test_an_unknown_authority_is_refused(self, flavour: Flavour, authority: "trustme.CA") -> None:
        """A certificate of an unknown authority ends the handshake: nothing was sent."""
        with Loopback(tls=_serving(authority, "127.0.0.1")) as server, flavour(base_url=server.origin) as opened:
            error = failure(opened, update())
        assert isinstance(error, NotSent)
        assert "certificate" in error.reason
        assert server.requests == []

    @pytest.mark.usefixtures("trusted")
    def test_a_certificate_for_another_name_is_refused(self, flavour: Flavour, authority: "trustme.CA") -> None:
        """A trusted certificate of another host ends the handshake: nothing was sent."""
        with Loopback(tls=_serving(authority, "other.example")) as server, flavour(base_url=server.origin) as opened:
            assert isinstance(failure(opened, update()), NotSent)
        assert server.requests == []

    @pytest.mark.parametrize(
        "answer", _named(reset=loopback.reset(), plain=loopback.blurt(b"HTTP/1.1 400 Bad\r\n\r\n"), end=loopback.blurt(b""))
    )
    def test_a_broken_handshake_was_not_sent(self, flavour: Flavour, answer: Answer) -> None:
        """A server that breaks off, or does not speak TLS: nothing was sent."""
        with Loopback(answer) as server, flavour(base_url=server.origin.replace("http", "https")) as opened:
            assert isinstance(failure(opened, update()), NotSent)

    # --- sharing -------------------------------------------------------------------------------------------------------------------

    def test_one_gateway_is_shared(self, flavour: Flavour) -> None:
        """Many callers share a gateway: each gets its own reply, and the connections are reused."""
        requests = [update([("Number", str(number))]) for number in range(200)]
        with Loopback(loopback.echo()) as server, flavour(base_url=server.origin, max_connections=50) as opened:
            outcomes = opened.send_all(requests)
        assert [isinstance(outcome, Reply) and outcome.body for outcome in outcomes] == [request.body for request in requests]
        assert 1 <= server.connections < 200

    def test_a_connection_is_reused(self, flavour: Flavour) -> None:
        """Requests one after the other use one connection."""
        with Loopback() as server, flavour(base_url=server.origin) as opened:
            for _ in range(20):
                opened.send(update())
        assert (server.connections, len(server.requests)) == (1, 20)

    def test_no_request_arrives_twice(self, flavour: Flavour) -> None:
        """Connections that the server drops after each reply, or resets, are replaced without sending anything twice."""
        reply_and_drop, reply_and_reset = raw(_TWO + b"{}"), loopback.reset(after=b"")
        requests = [update([("Number", str(number))]) for number in range(40)]
        with Loopback(*[reply_and_drop, reply(), reply_and_reset] * 20) as server, flavour(base_url=server.origin) as opened:
            outcomes = [outcome for request in requests for outcome in opened.send_all([request])]
        bodies = [received.body for received in server.requests]
        assert len(bodies) == len(set(bodies))
        never_left = {request.body for request, outcome in zip(requests, outcomes, strict=True) if isinstance(outcome, NotSent)}
        assert never_left.isdisjoint(bodies)
        assert sum(isinstance(outcome, Reply) for outcome in outcomes) >= 10

    # --- life ----------------------------------------------------------------------------------------------------------------------

    def test_closing_ends_what_is_under_way(self, flavour: Flavour) -> None:
        """An exchange under way when the gateway is closed has an unknown outcome, and does not wait for its time-out."""
        started = time.monotonic()
        with Loopback(loopback.silence()) as server, flavour(base_url=server.origin, timeout=60) as opened:
            with pytest.raises(GatewayError) as caught:
                opened.send_and_close(update(), 0.2)
            assert time.monotonic() - started < loopback.WAIT - 1
        assert not isinstance(caught.value, NotSent)
        assert len(server.requests) == 1

    def test_a_closed_gateway_sends_nothing(self, flavour: Flavour) -> None:
        """A closed gateway says that it is closed; closing it twice is no error."""
        with Loopback() as server, flavour(base_url=server.origin) as opened:
            opened.send(update())
            opened.close()
            opened.close()
            with pytest.raises(NotSent, match="closed"):
                opened.send(update())
        assert len(server.requests) == 1

    def test_nothing_secret_is_shown_or_logged(self, flavour: Flavour, caplog: pytest.LogCaptureFixture) -> None:
        """Neither the gateway nor any log line, at any level, shows a secret or a number."""
        for logger in (None, *logging.Logger.manager.loggerDict):
            caplog.set_level(1, logger)
        with Loopback(reply(), raw()) as server, flavour(base_url=server.origin) as opened:
            opened.send(update())
            failure(opened, update())
            shown = repr(opened.gateway) + str(opened.gateway)
        assert not [secret for secret in SECRETS if secret in shown + caplog.text]


@functools.cache
def _authority() -> "trustme.CA":
    made: trustme.CA = pytest.importorskip("trustme").CA()
    return made


def _serving(authority: "trustme.CA", name: str) -> ssl.SSLContext:
    """Make what a server needs to show a certificate for a name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with authority.issue_cert(name).private_key_and_cert_chain_pem.tempfile() as file:
        context.load_cert_chain(file)
    return context


class GatewayContract(_Contract):
    """What a gateway for threads promises; give the fixture ``open_gateway``."""

    @pytest.fixture
    def flavour(self, open_gateway: Callable[..., Closable]) -> Flavour:
        """Use the gateway from threads."""
        return functools.partial(threads, open_gateway)

    @pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer that interrupts")
    def test_an_interrupt_passes_through(self, flavour: Flavour) -> None:
        """Ctrl-C during an exchange comes out as itself, and the gateway goes on."""

        def interrupt(_number: int, _frame: object) -> None:
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            with Loopback(reply(pause=0.3), reply()) as server, flavour(base_url=server.origin) as opened:
                signal.setitimer(signal.ITIMER_REAL, 0.1)
                with pytest.raises(KeyboardInterrupt):
                    opened.send(update())
                assert opened.send(update()).status == 200
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


class AsyncGatewayContract(_Contract):
    """What a gateway for asyncio promises; give the fixture ``open_gateway``."""

    @pytest.fixture
    def flavour(self, open_gateway: Callable[..., AsyncClosable]) -> Flavour:
        """Use the gateway from tasks."""
        return functools.partial(tasks, open_gateway)

    def test_cancelling_drops_one_exchange(self, open_gateway: Callable[..., AsyncClosable]) -> None:
        """A cancelled task ends at once, as cancelled; its connection is dropped, and the others and the gateway go on."""

        async def scene(options: Options) -> None:
            gateway = open_gateway(**options)
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
            await gateway.aclose()

        with Loopback(loopback.silence(), reply(b"kept", pause=0.25), loopback.silence(), reply(b"next")) as server:
            asyncio.run(scene({"base_url": server.origin, "timeout": 60}))

    @pytest.mark.filterwarnings("ignore::ResourceWarning")  # of a connection whose event loop has ended
    def test_another_event_loop_is_served_or_refused(self, open_gateway: Callable[..., AsyncClosable]) -> None:
        """An event loop that ends with an exchange under way cancels it; from another loop the gateway sends, or says that it did not."""

        async def leave(options: Options) -> AsyncClosable:
            gateway = open_gateway(**options)
            left = asyncio.ensure_future(gateway.asend(update()))
            await asyncio.sleep(0.1)
            assert not left.done()
            return gateway

        async def use(gateway: AsyncClosable) -> Reply | GatewayError:
            try:
                return await gateway.asend(update())
            except GatewayError as error:
                return error
            finally:
                await gateway.aclose()

        with Loopback(loopback.silence(), reply()) as server:
            outcome = asyncio.run(use(asyncio.run(leave({"base_url": server.origin}))))
        assert isinstance(outcome, Reply | NotSent)
        assert len(server.requests) == 1 + isinstance(outcome, Reply)
