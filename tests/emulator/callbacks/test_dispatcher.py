"""CallbackQueue go out over HTTP in their times and order, whatever the other side does; nothing waits for them, and nothing is left."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Callable, Generator
from functools import partial

import pytest
import trustme

from reservation_core import Accept, Reject, Status, perform
from reservation_core.emulator import (
    CallbackQueue,
    CallbackSettings,
    ManualClock,
    Platform,
    Settings,
)
from reservation_core.emulator.api.gateway import InMemoryGateway
from reservation_core.emulator.callbacks import dispatcher as courier
from reservation_core.emulator.callbacks.dispatcher import MAX_CONCURRENT, CallbackDispatcher
from reservation_core.emulator.callbacks.exchange import MAX_RESPONSE_BYTES
from reservation_core.emulator.callbacks.model import (
    CONNECTION_FAILURE,
    RETRIEVAL_FAILURE,
    CallbackKind,
    SentCallback,
)
from reservation_core.emulator.callbacks.queue import TOKEN_HEADER
from reservation_core.emulator.server import running_emulator
from reservation_core.rest.messages import Reply
from reservation_core.webhooks import Verifier, answer, read_assignment, read_event
from tests.emulator.receiver import Exchange, Receiver, receiving
from tests.emulator.wire import ask
from tests.emulator.worlds import TASK, WORKERS, WORKSPACE, World, people
from tests.webhooks.referee import verdict

TOKEN = "12345"


@pytest.fixture
def receiver() -> Generator[Receiver]:
    """Let a service be called back."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def world() -> World:
    """Three workers and a task."""
    return people(Platform(ManualClock()))


def hurried(seconds: float) -> World:
    """Give the same world where an answer has less time than usual."""
    return people(Platform(ManualClock(), settings=Settings(callback_timeout=seconds)))


def every(receiver: Receiver) -> CallbackSettings:
    """Call a receiver back in every way."""
    url = receiver.url
    return CallbackSettings(
        assignment_url=f"{url}/assign",
        fallback_url=f"{url}/fallback",
        event_url=f"{url}/events",
        auth_token=TOKEN,
    )


@pytest.fixture
def sending(world: World, receiver: Receiver) -> Generator[CallbackDispatcher]:
    """Let a courier go between the two."""
    with CallbackDispatcher(CallbackQueue(world.platform, every(receiver))) as courier:
        yield courier


def outcomes(
    courier: CallbackDispatcher, kind: CallbackKind = CallbackKind.ASSIGNMENT
) -> list[str]:
    """Give what came of the notices of a kind."""
    return [sent.outcome for sent in courier.queue.sent if sent.callback.kind is kind]


def sent_by_us() -> list[str]:
    """Give the names of the courier's threads that live."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("emulator: ")]


# --- a life ----------------------------------------------------------------------------------------------------------------------


def test_a_life_moved_by_callbacks(receiver: Receiver) -> None:
    """A service of ours takes one task and refuses another by its answers alone, and follows both by the events; all is signed."""
    decisions = {"en": Accept(), "fr": Reject(), "de": None}

    def assign(exchange: Exchange) -> Reply:
        assignment = read_assignment(exchange.webhook.body)
        return answer(decisions[str(assignment.task_attributes["language"])])

    receiver.behave["/assign"] = assign
    with running_emulator(Platform(ManualClock()), callbacks=every(receiver)) as emulator:
        people(emulator.platform)
        sids: dict[str, str] = {}
        for language in decisions:
            task = ask(
                emulator.url,
                "POST",
                "/_emulator/tasks",
                {"workspace_sid": WORKSPACE, "attributes": {"language": language}},
            ).json["sid"]
            sids[language] = ask(
                emulator.url,
                "POST",
                f"/_emulator/tasks/{task}/reservations",
                {"worker_sid": WORKERS[0]},
            ).json["sid"]
        emulator.settle()
        held = {language: emulator.platform.get(sid).status for language, sid in sids.items()}
        assert held == {"en": "accepted", "fr": "rejected", "de": "pending"}
        perform(emulator.platform.get(sids["de"]), Accept(), InMemoryGateway(emulator.platform))
        emulator.platform.set_status(sids["en"], Status.WRAPPING)
        emulator.settle()
        assert not emulator.callback_queue.alerts
    for exchange in receiver.received:
        assert verdict(exchange.webhook, TOKEN)
        Verifier(TOKEN).verify(exchange.webhook)
    events = [read_event(webhook.body) for webhook in receiver.at("/events")]
    told = {
        language: [event.status for event in events if event.reservation_sid == sid]
        for language, sid in sids.items()
    }
    assert told == {
        "en": ["pending", "accepted", "wrapping"],
        "fr": ["pending", "rejected"],
        "de": ["pending", "accepted"],
    }
    assert [event.version for event in events if event.reservation_sid == sids["en"]] == [0, 1, 2]
    assert not sent_by_us()


def test_it_is_set_and_seen_over_http(receiver: Receiver) -> None:
    """While the emulator runs one sets who is called back, sees what was sent and what went wrong, and never the token."""
    receiver.behave["/assign?team=secret"] = lambda _: Reply(500)
    with running_emulator(Platform(ManualClock())) as emulator:
        people(emulator.platform)
        sent = {
            "assignment_url": f"{receiver.url}/assign?team=secret",
            "event_url": f"{receiver.url}/events",
            "auth_token": TOKEN,
        }
        shown = ask(emulator.url, "POST", "/_emulator/callbacks", sent)
        assert (shown.status, shown.json["signed"]) == (200, True)
        assert shown.json["assignment_url"] == f"{receiver.url}/assign?team=…"
        emulator.platform.reserve(TASK, WORKERS[0])
        emulator.settle()
        queue = ask(emulator.url, "GET", "/_emulator/callbacks/sent")
        assert queue.json["waiting"] == 0
        found = {one["kind"]: one for one in queue.json["sent"]}
        assert (found["assignment"]["status"], found["assignment"]["outcome"]) == (
            500,
            "11200: the response has status 500. Respond with 200",
        )
        assert (found["event"]["event"], found["event"]["outcome"]) == (
            "reservation.created",
            "taken",
        )
        assert found["event"]["form"]["TaskSid"] == TASK
        assert {one["number"] for one in queue.json["sent"]} == {1, 2}
        assert [
            one["number"]
            for one in ask(emulator.url, "GET", "/_emulator/callbacks/sent?since=1").json["sent"]
        ] == [2]
        alerts = ask(emulator.url, "GET", "/_emulator/callbacks/alerts")
        assert [(alert["code"], alert["warning"]) for alert in alerts.json] == [(11200, False)]
        looked_at = [
            ask(emulator.url, "GET", f"/_emulator/{name}")
            for name in ("callbacks", "state", "journal", "settings")
        ]
        everything = [shown, queue, alerts, *looked_at]
        assert not any(
            TOKEN in each.body.decode() or "secret" in each.body.decode() for each in everything
        )
        assert verdict(receiver.at("/events")[0], TOKEN)
        assert ask(emulator.url, "DELETE", "/_emulator/callbacks").json["event_url"] is None
        emulator.platform.reserve(TASK, WORKERS[1])
        emulator.settle()
        assert len(receiver.received) == 2


# --- whatever the other side does ------------------------------------------------------------------------------------------------

JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
YES = b'{"instruction": "accept"}'


def drip(said: bytes) -> Callable[[Receiver, Exchange], None]:
    """Say one thing, and then a little now and then, without end."""

    def behave(receiver: Receiver, exchange: Exchange) -> None:
        exchange.say(said)
        while not receiver.released.wait(0.02):
            exchange.say(b" ")

    return behave


def once(said: bytes) -> Callable[[Receiver, Exchange], None]:
    """Say one thing and close."""
    return lambda _, exchange: exchange.say(said)


def reset(_: Receiver, exchange: Exchange) -> None:
    """Break the connection."""
    exchange.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    exchange.handler.connection.close()


SILENT = "no response within 0.5 s"
BAD: dict[str, tuple[Callable[[Receiver, Exchange], None], str]] = {
    "silence": (Receiver.stay_silent, SILENT),
    "a head without end": (drip(b"HTTP/1.1 200 OK\r\nX: "), SILENT),
    "a body without end": (drip(JSON + b"\r\n" + YES), SILENT),
    "a body too long": (
        once(JSON + b"\r\n" + b" " * (MAX_RESPONSE_BYTES + 1)),
        f"the response has more than {MAX_RESPONSE_BYTES} bytes",
    ),
    "a body cut off": (
        once(JSON + b"Content-Length: 30\r\n\r\n" + YES),
        "the response is incomplete",
    ),
    "nothing where something was promised": (
        once(JSON + b"Content-Length: 30\r\n\r\n"),
        "the response is incomplete",
    ),
    "chunks cut off": (
        once(JSON + b"Transfer-Encoding: chunked\r\n\r\n30\r\n" + YES),
        "IncompleteRead",
    ),
    "no HTTP": (once(b"SSH-2.0\r\n"), "BadStatusLine"),
    "no answer": (once(b""), "RemoteDisconnected"),
    "a reset": (reset, "ConnectionResetError"),
}


@pytest.mark.parametrize("case", BAD)
def test_whatever_comes_back_the_fallback_is_asked(receiver: Receiver, case: str) -> None:
    """What is no whole answer in time is an alert that says so, and the fallback URL is asked, whose answer then counts."""
    behave, says = BAD[case]
    receiver.behave["/assign"] = partial(behave, receiver)
    receiver.behave["/fallback"] = lambda _: answer(Accept())
    world = hurried(0.5 if says == SILENT else 5)
    with CallbackDispatcher(CallbackQueue(world.platform, every(receiver))) as sending:
        sid = world.sid()
        sending.settle()
        assert says in outcomes(sending)[0]
        assert [alert.code for alert in sending.queue.alerts] == [RETRIEVAL_FAILURE]
        assert world.platform.get(sid).status is Status.ACCEPTED
        assert outcomes(sending, CallbackKind.FALLBACK) == ["accept: accepted"]
        assert [sent.seconds > 0 for sent in sending.queue.sent] == [True] * 4


def test_a_redirect_is_not_followed(
    sending: CallbackDispatcher, receiver: Receiver, world: World
) -> None:
    """An answer that points elsewhere is no answer."""
    receiver.behave["/assign"] = lambda _: Reply(307, {"Location": f"{receiver.url}/elsewhere"})
    world.reserve()
    sending.settle()
    assert outcomes(sending) == ["11200: the response has status 307. Respond with 200"]
    assert not receiver.at("/elsewhere")


def test_nobody_there_is_an_alert(world: World, receiver: Receiver) -> None:
    """Where nobody listens, neither at the fallback, each is an alert with its number, and the reservation stays pending."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with CallbackDispatcher(
        CallbackQueue(
            world.platform,
            CallbackSettings(assignment_url=closed, fallback_url=closed, event_url=closed),
        )
    ) as sending:
        sid = world.sid()
        sending.settle()
        assert [alert.code for alert in sending.queue.alerts] == [CONNECTION_FAILURE] * 3
        assert {alert.text for alert in sending.queue.alerts} == {
            "no connection could be made (ConnectionRefusedError)"
        }
        assert world.platform.get(sid).status is Status.PENDING
    assert not receiver.received


@pytest.mark.parametrize("host", ["a..b", "a" * 70 + ".example"])
def test_a_host_that_cannot_be_is_an_alert(world: World, receiver: Receiver, host: str) -> None:
    """What can be no host's name is as one that is not there: the fallback is asked."""
    receiver.behave["/fallback"] = lambda _: answer(Accept())
    callbacks = CallbackSettings(
        assignment_url=f"http://{host}/", fallback_url=f"{receiver.url}/fallback", auth_token=TOKEN
    )
    with CallbackDispatcher(CallbackQueue(world.platform, callbacks)) as sending:
        sid = world.sid()
        sending.settle()
        assert [alert.text for alert in sending.queue.alerts] == [
            "no connection could be made (UnicodeError)"
        ]
        assert world.platform.get(sid).status is Status.ACCEPTED


Connect = Callable[..., socket.socket]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[[Connect], Connect]:
    """Put something in the place of what connects; gives what it replaces."""
    plain: Connect = socket.create_connection

    def replace(by: Connect) -> Connect:
        monkeypatch.setattr(socket, "create_connection", by)
        return plain

    return replace


def test_a_connection_is_tried_twice(
    sending: CallbackDispatcher,
    receiver: Receiver,
    world: World,
    connect: Callable[[Connect], Connect],
) -> None:
    """When the first connection fails the second one carries the same, once."""
    tries: list[float] = []

    def fail_first(address: tuple[str, int], timeout: float, *more: object) -> socket.socket:
        tries.append(timeout)
        if len(tries) == 1:
            raise TimeoutError
        return plain(address, timeout, *more)

    plain = connect(fail_first)
    sending.queue.settings = CallbackSettings(assignment_url=f"{receiver.url}/assign")
    receiver.behave["/assign"] = lambda _: answer(Reject())
    sid = world.sid()
    sending.settle()
    assert (len(tries), len(receiver.received)) == (2, 1)
    assert all(0 < timeout <= 5 for timeout in tries)
    assert (
        receiver.received[0].webhook.headers[TOKEN_HEADER]
        == sending.queue.sent[0].callback.headers[TOKEN_HEADER]
    )
    assert world.platform.get(sid).status is Status.REJECTED


def test_no_time_is_left_for_a_second_try(connect: Callable[[Connect], Connect]) -> None:
    """A connection that takes all the time there is for an answer is not tried again."""
    tries: list[float] = []

    def take_long(_: tuple[str, int], timeout: float, *__: object) -> socket.socket:
        tries.append(timeout)
        threading.Event().wait(timeout)
        raise TimeoutError

    connect(take_long)
    world = hurried(0.1)
    with CallbackDispatcher(
        CallbackQueue(world.platform, CallbackSettings(assignment_url="http://127.0.0.1:9/"))
    ) as sending:
        world.reserve()
        sending.settle()
        assert len(tries) == 1
        assert outcomes(sending) == ["11205: no connection could be made (TimeoutError)"]


def test_a_connection_may_take_all_the_time(
    receiver: Receiver, connect: Callable[[Connect], Connect]
) -> None:
    """When the connection is there too late for anything to be sent, nothing is."""

    def take_long(address: tuple[str, int], timeout: float, *more: object) -> socket.socket:
        threading.Event().wait(timeout + 0.01)
        return plain(address, timeout, *more)

    plain = connect(take_long)
    world = hurried(0.1)
    with CallbackDispatcher(
        CallbackQueue(world.platform, CallbackSettings(assignment_url=receiver.url))
    ) as sending:
        world.reserve()
        sending.settle()
        assert outcomes(sending) == ["11200: no response within 0.1 s"]
    assert not receiver.received


def test_what_is_asked_for_is_what_was_set(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The query is sent, an empty path is the root, the fragment is not sent; no proxy of the environment is asked."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    callbacks = CallbackSettings(
        assignment_url=f"{receiver.url}/a%20b?x=1&y=#rc=3", event_url=receiver.url, auth_token=TOKEN
    )
    with CallbackDispatcher(CallbackQueue(world.platform, callbacks)) as sending:
        world.reserve()
        sending.settle()
    assert sorted(exchange.path for exchange in receiver.received) == ["/", "/a%20b?x=1&y="]
    (asked,) = receiver.at("/a%20b?x=1&y=")
    assert verdict(asked, TOKEN)
    assert asked.headers["User-Agent"] == "reservation-core emulator"


def test_it_calls_back_on_ipv6(world: World) -> None:
    """An IPv6 address is called back."""
    with (
        receiving(host="::1") as receiver,
        CallbackDispatcher(CallbackQueue(world.platform, every(receiver))) as sending,
    ):
        world.reserve()
        sending.settle()
        assert not [alert for alert in sending.queue.alerts if alert.code == CONNECTION_FAILURE]
        assert verdict(receiver.at("/events")[0], TOKEN)


def test_it_calls_back_over_tls(world: World) -> None:
    """An https address is called back where its certificate is good, and is an alert where it is not."""
    authority = trustme.CA()
    service, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(service)  # pyright: ignore[reportUnknownMemberType]
    authority.configure_trust(trusting)  # pyright: ignore[reportUnknownMemberType]
    with receiving(tls=service) as receiver:
        receiver.behave["/assign"] = lambda _: answer(Accept())
        queue = CallbackQueue(world.platform, without_events(every(receiver)))
        with CallbackDispatcher(queue, tls=trusting) as sending:
            sid = world.sid()
            sending.settle()
            assert world.platform.get(sid).status is Status.ACCEPTED
        with CallbackDispatcher(queue) as sending:
            world.sid(task=world.platform.add_task(WORKSPACE).sid)
            sending.settle()
            assert {alert.text for alert in queue.alerts} == {
                "no connection could be made (SSLCertVerificationError)"
            }


def without_events(callbacks: CallbackSettings) -> CallbackSettings:
    """Leave the events out."""
    return CallbackSettings(
        assignment_url=callbacks.assignment_url,
        fallback_url=callbacks.fallback_url,
        auth_token=callbacks.auth_token,
    )


# --- order, and what does not wait -----------------------------------------------------------------------------------------------


def test_nothing_waits_for_a_notice(
    sending: CallbackDispatcher, receiver: Receiver, world: World
) -> None:
    """While a service stays silent the platform goes on, and others may use it; events wait for each other, questions do not."""
    receiver.behave["/events"] = receiver.stay_silent
    receiver.behave["/assign"] = lambda _: answer(Accept())
    for _ in range(3):
        world.reserve(task=world.platform.add_task(WORKSPACE).sid)
    while len(outcomes(sending)) < 3:
        assert len(receiver.at("/events")) <= 1
        threading.Event().wait(0.002)
    assert [held.status for held in world.platform.all()] == ["accepted"] * 3
    assert len(receiver.at("/events")) == 1
    assert sending.queue.due_count(event=True) == 5
    receiver.released.set()
    sending.settle()
    told = [
        (event.reservation_sid, event.version)
        for event in (read_event(webhook.body) for webhook in receiver.at("/events"))
    ]
    assert [sid for sid, version in told if version == 0] == [
        held.sid for held in world.platform.all()
    ]
    assert len(told) == len(set(told)) == 6


def test_questions_are_asked_side_by_side(
    sending: CallbackDispatcher, receiver: Receiver, world: World
) -> None:
    """Eight services may ponder at once: each waits until all eight have been asked, be it that one was asked before."""
    world.reserve()
    sending.settle()
    together = threading.Barrier(MAX_CONCURRENT)

    def ponder(_: Exchange) -> Reply:
        together.wait(4)
        return answer(Accept())

    receiver.behave["/assign"] = ponder
    with world.platform.transaction():
        for _ in range(2 * MAX_CONCURRENT):
            world.reserve(task=world.platform.add_task(WORKSPACE).sid)
    sending.settle()
    assert outcomes(sending)[1:] == ["accept: accepted"] * 2 * MAX_CONCURRENT
    assert len(sent_by_us()) == MAX_CONCURRENT + 1


def test_what_comes_twice_is_the_same(receiver: Receiver, world: World) -> None:
    """SentCallback twice, a notice has the same body, token and signature; an acceptance that was asked for twice is done once."""
    receiver.behave["/assign"] = lambda _: answer(Accept())
    url = receiver.url
    callbacks = CallbackSettings(
        assignment_url=f"{url}/assign", event_url=f"{url}/events", auth_token=TOKEN, duplicates=1
    )
    with CallbackDispatcher(CallbackQueue(world.platform, callbacks)) as sending:
        sid = world.sid()
        sending.settle()
        assert world.platform.get(sid).etag == "1"
        assert [alert.code for alert in sending.queue.alerts] == [None]
    for path, different in (("/assign", 1), ("/events", 2)):
        came = [
            (webhook.body, webhook.headers[TOKEN_HEADER], webhook.headers["X-Twilio-Signature"])
            for webhook in receiver.at(path)
        ]
        assert (len(came), len(set(came))) == (2 * different, different)


def test_the_order_on_the_wire_is_the_plan_s(receiver: Receiver, world: World) -> None:
    """Events that are to be overtaken arrive in the order that the seed settles, the same as in process."""
    plan = {"reordered": 0.5, "seed": 3}

    def live(platform: Platform) -> None:
        with platform.transaction():
            for _ in range(6):
                platform.execute(str(platform.reserve(TASK, WORKERS[0]).sid), Reject())

    other = people(Platform(ManualClock())).platform
    expected = CallbackQueue(other, CallbackSettings(event_url="http://here/", **plan))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    live(other)
    planned = [read_event(notice.body).sid for notice in expected.take()]
    callbacks = CallbackSettings(event_url=f"{receiver.url}/events", **plan)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with CallbackDispatcher(CallbackQueue(world.platform, callbacks)) as sending:
        live(world.platform)
        sending.settle()
    assert [read_event(webhook.body).sid for webhook in receiver.at("/events")] == planned


def test_an_event_does_not_wait_for_ever(
    receiver: Receiver, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that is to be overtaken, while nothing else happens, is sent all the same after a while."""
    monkeypatch.setattr(courier, "_MAX_DELAY", 0.01)
    came = threading.Event()
    receiver.behave["/events"] = lambda _: came.set()
    with CallbackDispatcher(
        CallbackQueue(
            world.platform, CallbackSettings(event_url=f"{receiver.url}/events", reordered=1)
        )
    ):
        world.reserve()
        assert came.wait(10)


def test_what_was_due_before_is_sent(receiver: Receiver, world: World) -> None:
    """What became due before there was a courier is sent when there is one."""
    queue = CallbackQueue(world.platform, every(receiver))
    world.reserve()
    world.reserve(WORKERS[1])
    with CallbackDispatcher(queue) as sending:
        sending.settle()
    assert (len(receiver.at("/assign")), len(receiver.at("/events"))) == (2, 2)


def test_a_fault_of_ours_stops_nothing(
    sending: CallbackDispatcher, receiver: Receiver, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """When somebody who is told fails, it is logged, and the next notice is sent."""

    def fail(_: SentCallback) -> None:
        raise LookupError("by plan")

    sending.queue.subscribe(fail)
    with caplog.at_level(logging.ERROR):
        world.reserve()
        world.reserve(WORKERS[1])
        sending.settle()
    assert len(receiver.at("/events")) == 2
    assert "could not be processed" in caplog.text


# --- its end ---------------------------------------------------------------------------------------------------------------------


def test_settling_does_not_wait_for_ever(
    sending: CallbackDispatcher, receiver: Receiver, world: World
) -> None:
    """Who waits for a service that stays silent is told so in time."""
    receiver.behave["/events"] = receiver.stay_silent
    world.reserve()
    world.reserve(WORKERS[1])
    with pytest.raises(
        TimeoutError,
        match=r"not settled after 0\.05 s: 1 in flight, 1 waiting|not settled after 0\.05 s: 2 in flight, 1 waiting",
    ):
        sending.settle(0.05)


def test_closing_leaves_nothing(receiver: Receiver, world: World) -> None:
    """Closed in the middle of everything, it breaks off what is under way at once; what waits stays due, and no thread is left."""
    receiver.behave["/events"] = receiver.behave["/assign"] = receiver.stay_silent
    queue = CallbackQueue(world.platform, every(receiver))
    with CallbackDispatcher(queue):
        world.reserve()
        world.reserve(WORKERS[1])
        while len(receiver.received) < 3:
            threading.Event().wait(0.002)
    assert not sent_by_us()
    assert (list(queue.sent), list(queue.alerts), queue.due_count(event=True)) == ([], [], 1)
    world.reserve(WORKERS[2])
    assert (queue.due_count(event=True), queue.due_count(event=False)) == (2, 1)
    assert not sent_by_us()


@pytest.mark.parametrize("made", [True, False])
def test_closing_does_not_wait_for_a_connection_s_use(
    made: bool, receiver: Receiver, world: World, connect: Callable[[Connect], Connect]
) -> None:
    """Closed while it connects, it sends nothing on the connection that it gets then, and tries no second one."""
    begun, closing = threading.Event(), threading.Event()
    tries: list[None] = []

    def wait(*given: object) -> socket.socket:
        tries.append(None)
        begun.set()
        closing.wait(10)
        if made:
            return plain(*given)
        raise ConnectionRefusedError

    plain = connect(wait)
    sending = CallbackDispatcher(CallbackQueue(world.platform, without_events(every(receiver))))
    world.reserve()
    assert begun.wait(10)
    ending = threading.Thread(target=sending.close)
    ending.start()
    while not sending._is_closed:  # pyright: ignore[reportPrivateUsage]
        threading.Event().wait(0.002)
    closing.set()
    ending.join()
    assert (len(tries), receiver.received, list(sending.queue.sent)) == (1, [], [])
