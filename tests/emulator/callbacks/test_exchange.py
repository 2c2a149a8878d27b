"""HTTP exchanges of callbacks, with services that misbehave."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from functools import partial

import pytest
import trustme

from reservation_core import Accept, Reject, Status
from reservation_core.emulator import CallbackQueue, CallbackSettings
from reservation_core.emulator.callbacks.dispatcher import CallbackDispatcher
from reservation_core.emulator.callbacks.exchange import MAX_RESPONSE_BYTES
from reservation_core.emulator.callbacks.model import (
    CONNECTION_FAILURE,
    RETRIEVAL_FAILURE,
    CallbackKind,
)
from reservation_core.emulator.callbacks.queue import TOKEN_HEADER
from reservation_core.rest.messages import Reply
from reservation_core.webhooks import answer
from tests.emulator.callbacks.scene import (
    TOKEN,
    Connect,
    all_callbacks,
    outcomes,
    without_events,
    world_with_timeout,
)
from tests.emulator.receiver import ReceivedCallback, Receiver, running_receiver
from tests.emulator.worlds import WORKSPACE, World
from tests.webhooks.referee import verdict

JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


ACCEPT = b'{"instruction": "accept"}'


def drip(content: bytes) -> Callable[[Receiver, ReceivedCallback], None]:
    """Write once, and then a space now and then without end."""

    def behave(receiver: Receiver, callback: ReceivedCallback) -> None:
        callback.write(content)
        while not receiver.released.wait(0.02):
            callback.write(b" ")

    return behave


def write_once(content: bytes) -> Callable[[Receiver, ReceivedCallback], None]:
    return lambda _, callback: callback.write(content)


def reset(_: Receiver, callback: ReceivedCallback) -> None:
    callback.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    callback.handler.connection.close()


SILENT = "no response within 0.5 s"


INVALID_EXCHANGES: dict[str, tuple[Callable[[Receiver, ReceivedCallback], None], str]] = {
    "silence": (Receiver.stay_silent, SILENT),
    "a head without end": (drip(b"HTTP/1.1 200 OK\r\nX: "), SILENT),
    "a body without end": (drip(JSON + b"\r\n" + ACCEPT), SILENT),
    "a body too long": (
        write_once(JSON + b"\r\n" + b" " * (MAX_RESPONSE_BYTES + 1)),
        f"the response has more than {MAX_RESPONSE_BYTES} bytes",
    ),
    "a body cut off": (
        write_once(JSON + b"Content-Length: 30\r\n\r\n" + ACCEPT),
        "the response is incomplete",
    ),
    "no body where one was announced": (
        write_once(JSON + b"Content-Length: 30\r\n\r\n"),
        "the response is incomplete",
    ),
    "chunks cut off": (
        write_once(JSON + b"Transfer-Encoding: chunked\r\n\r\n30\r\n" + ACCEPT),
        "IncompleteRead",
    ),
    "not HTTP": (write_once(b"SSH-2.0\r\n"), "BadStatusLine"),
    "no response": (write_once(b""), "RemoteDisconnected"),
    "a reset": (reset, "ConnectionResetError"),
}


@pytest.mark.parametrize("case", INVALID_EXCHANGES)
def test_invalid_response_goes_to_fallback(receiver: Receiver, case: str) -> None:
    behave, message = INVALID_EXCHANGES[case]
    receiver.answers["/assign"] = partial(behave, receiver)
    receiver.answers["/fallback"] = lambda _: answer(Accept())
    world = world_with_timeout(0.5 if message == SILENT else 5)
    with CallbackDispatcher(CallbackQueue(world.platform, all_callbacks(receiver))) as dispatcher:
        sid = world.sid()
        dispatcher.settle()
        assert message in outcomes(dispatcher)[0]
        assert [alert.code for alert in dispatcher.queue.alerts] == [RETRIEVAL_FAILURE]
        assert world.platform.get(sid).status is Status.ACCEPTED
        assert outcomes(dispatcher, CallbackKind.FALLBACK) == ["accept: accepted"]
        assert [sent.seconds > 0 for sent in dispatcher.queue.sent] == [True] * 4


def test_redirect_is_not_followed(
    dispatcher: CallbackDispatcher, receiver: Receiver, world: World
) -> None:
    receiver.answers["/assign"] = lambda _: Reply(307, {"Location": f"{receiver.url}/elsewhere"})
    world.reserve()
    dispatcher.settle()
    assert outcomes(dispatcher) == ["11200: the response has status 307. Respond with 200"]
    assert not receiver.webhooks_at("/elsewhere")


def test_refused_connection_adds_alert(world: World, receiver: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with CallbackDispatcher(
        CallbackQueue(
            world.platform,
            CallbackSettings(assignment_url=closed, fallback_url=closed, event_url=closed),
        )
    ) as dispatcher:
        sid = world.sid()
        dispatcher.settle()
        assert [alert.code for alert in dispatcher.queue.alerts] == [CONNECTION_FAILURE] * 3
        assert {alert.text for alert in dispatcher.queue.alerts} == {
            "no connection could be made (ConnectionRefusedError)"
        }
        assert world.platform.get(sid).status is Status.PENDING
    assert not receiver.received


@pytest.mark.parametrize("host", ["a..b", "a" * 70 + ".example"])
def test_invalid_host_name_adds_alert(world: World, receiver: Receiver, host: str) -> None:
    receiver.answers["/fallback"] = lambda _: answer(Accept())
    callbacks = CallbackSettings(
        assignment_url=f"http://{host}/", fallback_url=f"{receiver.url}/fallback", auth_token=TOKEN
    )
    with CallbackDispatcher(CallbackQueue(world.platform, callbacks)) as dispatcher:
        sid = world.sid()
        dispatcher.settle()
        assert [alert.text for alert in dispatcher.queue.alerts] == [
            "no connection could be made (UnicodeError)"
        ]
        assert world.platform.get(sid).status is Status.ACCEPTED


def test_failed_connection_is_tried_once_more(
    dispatcher: CallbackDispatcher,
    receiver: Receiver,
    world: World,
    connect: Callable[[Connect], Connect],
) -> None:
    tries: list[float] = []

    def fail_first(address: tuple[str, int], timeout: float, *more: object) -> socket.socket:
        tries.append(timeout)
        if len(tries) == 1:
            raise TimeoutError
        return plain(address, timeout, *more)

    plain = connect(fail_first)
    dispatcher.queue.settings = CallbackSettings(assignment_url=f"{receiver.url}/assign")
    receiver.answers["/assign"] = lambda _: answer(Reject())
    sid = world.sid()
    dispatcher.settle()
    assert (len(tries), len(receiver.received)) == (2, 1)
    assert all(0 < timeout <= 5 for timeout in tries)
    assert (
        receiver.received[0].webhook.headers[TOKEN_HEADER]
        == dispatcher.queue.sent[0].callback.headers[TOKEN_HEADER]
    )
    assert world.platform.get(sid).status is Status.REJECTED


def test_second_attempt_needs_time_left(connect: Callable[[Connect], Connect]) -> None:
    tries: list[float] = []

    def take_long(_: tuple[str, int], timeout: float, *__: object) -> socket.socket:
        tries.append(timeout)
        threading.Event().wait(timeout)
        raise TimeoutError

    connect(take_long)
    world = world_with_timeout(0.1)
    with CallbackDispatcher(
        CallbackQueue(world.platform, CallbackSettings(assignment_url="http://127.0.0.1:9/"))
    ) as dispatcher:
        world.reserve()
        dispatcher.settle()
        assert len(tries) == 1
        assert outcomes(dispatcher) == ["11205: no connection could be made (TimeoutError)"]


def test_late_connection_sends_nothing(
    receiver: Receiver, connect: Callable[[Connect], Connect]
) -> None:

    def take_long(address: tuple[str, int], timeout: float, *more: object) -> socket.socket:
        threading.Event().wait(timeout + 0.01)
        return plain(address, timeout, *more)

    plain = connect(take_long)
    world = world_with_timeout(0.1)
    with CallbackDispatcher(
        CallbackQueue(world.platform, CallbackSettings(assignment_url=receiver.url))
    ) as dispatcher:
        world.reserve()
        dispatcher.settle()
        assert outcomes(dispatcher) == ["11200: no response within 0.1 s"]
    assert not receiver.received


def test_request_target_is_path_and_query_without_fragment(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    callbacks = CallbackSettings(
        assignment_url=f"{receiver.url}/a%20b?x=1&y=#rc=3", event_url=receiver.url, auth_token=TOKEN
    )
    with CallbackDispatcher(CallbackQueue(world.platform, callbacks)) as dispatcher:
        world.reserve()
        dispatcher.settle()
    assert sorted(exchange.path for exchange in receiver.received) == ["/", "/a%20b?x=1&y="]
    (assignment,) = receiver.webhooks_at("/a%20b?x=1&y=")
    assert verdict(assignment, TOKEN)
    assert verdict(receiver.webhooks_at("/")[0], TOKEN)
    assert assignment.headers["User-Agent"] == "reservation-core emulator"


def test_callback_reaches_an_ipv6_address(world: World) -> None:
    with (
        running_receiver(host="::1") as receiver,
        CallbackDispatcher(CallbackQueue(world.platform, all_callbacks(receiver))) as dispatcher,
    ):
        world.reserve()
        dispatcher.settle()
        assert not [alert for alert in dispatcher.queue.alerts if alert.code == CONNECTION_FAILURE]
        assert verdict(receiver.webhooks_at("/events")[0], TOKEN)


def test_callback_verifies_the_certificate(world: World) -> None:
    authority = trustme.CA()
    service, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(service)  # pyright: ignore[reportUnknownMemberType]
    authority.configure_trust(trusting)  # pyright: ignore[reportUnknownMemberType]
    with running_receiver(tls=service) as receiver:
        receiver.answers["/assign"] = lambda _: answer(Accept())
        queue = CallbackQueue(world.platform, without_events(all_callbacks(receiver)))
        with CallbackDispatcher(queue, tls=trusting) as dispatcher:
            sid = world.sid()
            dispatcher.settle()
            assert world.platform.get(sid).status is Status.ACCEPTED
        with CallbackDispatcher(queue) as dispatcher:
            world.sid(task=world.platform.add_task(WORKSPACE).sid)
            dispatcher.settle()
            assert {alert.text for alert in queue.alerts} == {
                "no connection could be made (SSLCertVerificationError)"
            }
