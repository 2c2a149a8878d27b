"""Order, concurrency and end of the dispatcher."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from random import Random

import pytest

from reservation_core import Accept, Reject, Status, perform
from reservation_core.emulator import CallbackQueue, CallbackSettings, ManualClock, Platform
from reservation_core.emulator.api.gateway import InMemoryGateway
from reservation_core.emulator.callbacks import dispatcher as dispatcher_module
from reservation_core.emulator.callbacks.dispatcher import MAX_CONCURRENT, CallbackDispatcher
from reservation_core.emulator.callbacks.model import SentCallback
from reservation_core.emulator.callbacks.queue import TOKEN_HEADER
from reservation_core.emulator.server import running_emulator
from reservation_core.rest.messages import Reply
from reservation_core.webhooks import Verifier, answer, read_assignment, read_event
from tests.emulator.callbacks.scene import (
    TOKEN,
    Connect,
    all_callbacks,
    dispatcher_threads,
    outcomes,
    without_events,
)
from tests.emulator.receiver import ReceivedCallback, Receiver
from tests.emulator.wire import ask
from tests.emulator.worlds import TASK, WORKERS, WORKSPACE, World, people
from tests.webhooks.referee import verdict


def test_service_decides_by_its_responses_alone(receiver: Receiver) -> None:
    decisions = {"en": Accept(), "fr": Reject(), "de": None}

    def assign(callback: ReceivedCallback) -> Reply:
        assignment = read_assignment(callback.webhook.body)
        return answer(decisions[str(assignment.task_attributes["language"])])

    receiver.answers["/assign"] = assign
    with running_emulator(Platform(ManualClock()), callbacks=all_callbacks(receiver)) as emulator:
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
    for callback in receiver.received:
        assert verdict(callback.webhook, TOKEN)
        Verifier(TOKEN).verify(callback.webhook)
    events = [read_event(as_webhook.body) for as_webhook in receiver.webhooks_at("/events")]
    event_callback = {
        language: [event.status for event in events if event.reservation_sid == sid]
        for language, sid in sids.items()
    }
    assert event_callback == {
        "en": ["pending", "accepted", "wrapping"],
        "fr": ["pending", "rejected"],
        "de": ["pending", "accepted"],
    }
    assert [event.version for event in events if event.reservation_sid == sids["en"]] == [0, 1, 2]
    assert not dispatcher_threads()


def test_platform_does_not_wait_for_silent_service(
    dispatcher: CallbackDispatcher, receiver: Receiver, world: World
) -> None:
    receiver.answers["/events"] = receiver.stay_silent
    receiver.answers["/assign"] = lambda _: answer(Accept())
    for _ in range(3):
        world.reserve(task=world.platform.add_task(WORKSPACE).sid)
    while len(outcomes(dispatcher)) < 3:
        assert len(receiver.webhooks_at("/events")) <= 1
        threading.Event().wait(0.002)
    assert [held.status for held in world.platform.all()] == ["accepted"] * 3
    assert len(receiver.webhooks_at("/events")) == 1
    assert dispatcher.queue.due_count(event=True) == 5
    receiver.released.set()
    dispatcher.settle()
    event_callback = [
        (event.reservation_sid, event.version)
        for event in (read_event(as_webhook.body) for as_webhook in receiver.webhooks_at("/events"))
    ]
    assert [sid for sid, version in event_callback if version == 0] == [
        held.sid for held in world.platform.all()
    ]
    assert len(event_callback) == len(set(event_callback)) == 6


def test_assignment_callbacks_are_sent_side_by_side(
    dispatcher: CallbackDispatcher, receiver: Receiver, world: World
) -> None:
    world.reserve()
    dispatcher.settle()
    barrier = threading.Barrier(MAX_CONCURRENT)

    def answer_together(_: ReceivedCallback) -> Reply:
        barrier.wait(4)
        return answer(Accept())

    receiver.answers["/assign"] = answer_together
    with world.platform.transaction():
        for _ in range(2 * MAX_CONCURRENT):
            world.reserve(task=world.platform.add_task(WORKSPACE).sid)
    dispatcher.settle()
    assert outcomes(dispatcher)[1:] == ["accept: accepted"] * 2 * MAX_CONCURRENT
    assert len(dispatcher_threads()) == MAX_CONCURRENT + 1


def test_duplicates_on_the_wire_have_the_same_bytes(receiver: Receiver, world: World) -> None:
    receiver.answers["/assign"] = lambda _: answer(Accept())
    url = receiver.url
    callbacks = CallbackSettings(
        assignment_url=f"{url}/assign", event_url=f"{url}/events", auth_token=TOKEN, duplicates=1
    )
    with CallbackDispatcher(CallbackQueue(world.platform, callbacks)) as dispatcher:
        sid = world.sid()
        dispatcher.settle()
        assert world.platform.get(sid).etag == "1"
        assert [alert.code for alert in dispatcher.queue.alerts] == [None]
    for path, different in (("/assign", 1), ("/events", 2)):
        received = [
            (
                as_webhook.body,
                as_webhook.headers[TOKEN_HEADER],
                as_webhook.headers["X-Twilio-Signature"],
            )
            for as_webhook in receiver.webhooks_at(path)
        ]
        assert (len(received), len(set(received))) == (2 * different, different)


def test_events_are_sent_in_the_order_of_the_queue(receiver: Receiver, world: World) -> None:
    plan = {"reordered": 0.5, "seed": 3}

    def run(platform: Platform) -> None:
        with platform.transaction():
            for _ in range(6):
                platform.execute(str(platform.reserve(TASK, WORKERS[0]).sid), Reject())

    other = people(Platform(ManualClock())).platform
    settings = CallbackSettings(event_url="http://here/", **plan)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    expected = CallbackQueue(other, settings, random=Random(0))
    run(other)
    planned = [read_event(callback.body).sid for callback in expected.take()]
    callbacks = CallbackSettings(event_url=f"{receiver.url}/events", **plan)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    queue = CallbackQueue(world.platform, callbacks, random=Random(0))
    with CallbackDispatcher(queue) as dispatcher:
        run(world.platform)
        dispatcher.settle()
    assert [
        read_event(as_webhook.body).sid for as_webhook in receiver.webhooks_at("/events")
    ] == planned


def test_delayed_event_is_sent_when_nothing_else_happens(
    receiver: Receiver, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher_module, "_MAX_DELAY", 0.01)
    received = threading.Event()
    receiver.answers["/events"] = lambda _: received.set()
    with CallbackDispatcher(
        CallbackQueue(
            world.platform, CallbackSettings(event_url=f"{receiver.url}/events", reordered=1)
        )
    ):
        world.reserve()
        assert received.wait(10)


def test_callbacks_due_before_the_dispatcher_are_sent(receiver: Receiver, world: World) -> None:
    queue = CallbackQueue(world.platform, all_callbacks(receiver))
    world.reserve()
    world.reserve(WORKERS[1])
    with CallbackDispatcher(queue) as dispatcher:
        dispatcher.settle()
    assert (len(receiver.webhooks_at("/assign")), len(receiver.webhooks_at("/events"))) == (2, 2)


def test_failing_observer_does_not_stop_the_dispatcher(
    dispatcher: CallbackDispatcher,
    receiver: Receiver,
    world: World,
    caplog: pytest.LogCaptureFixture,
) -> None:

    def fail(_: SentCallback) -> None:
        raise LookupError("by plan")

    dispatcher.queue.subscribe(fail)
    with caplog.at_level(logging.ERROR):
        world.reserve()
        world.reserve(WORKERS[1])
        dispatcher.settle()
    assert len(receiver.webhooks_at("/events")) == 2
    assert "could not be processed" in caplog.text


def test_settle_times_out(dispatcher: CallbackDispatcher, receiver: Receiver, world: World) -> None:
    receiver.answers["/events"] = receiver.stay_silent
    world.reserve()
    world.reserve(WORKERS[1])
    with pytest.raises(
        TimeoutError, match=r"not settled after 0\.05 s: [1-9] in flight, 1 waiting"
    ):
        dispatcher.settle(0.05)


def test_close_aborts_exchanges_and_leaves_the_queue(receiver: Receiver, world: World) -> None:
    receiver.answers["/events"] = receiver.answers["/assign"] = receiver.stay_silent
    queue = CallbackQueue(world.platform, all_callbacks(receiver))
    with CallbackDispatcher(queue):
        world.reserve()
        world.reserve(WORKERS[1])
        while len(receiver.received) < 3:
            threading.Event().wait(0.002)
    assert not dispatcher_threads()
    assert (list(queue.sent), list(queue.alerts), queue.due_count(event=True)) == ([], [], 1)
    world.reserve(WORKERS[2])
    assert (queue.due_count(event=True), queue.due_count(event=False)) == (2, 1)
    assert not dispatcher_threads()


@pytest.mark.parametrize("made", [True, False])
def test_close_while_connecting_sends_nothing(
    made: bool, receiver: Receiver, world: World, connect: Callable[[Connect], Connect]
) -> None:
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
    dispatcher = CallbackDispatcher(
        CallbackQueue(world.platform, without_events(all_callbacks(receiver)))
    )
    world.reserve()
    assert begun.wait(10)
    ending = threading.Thread(target=dispatcher.close)
    ending.start()
    while not dispatcher._is_closed:  # pyright: ignore[reportPrivateUsage]
        threading.Event().wait(0.002)
    closing.set()
    ending.join()
    assert (len(tries), receiver.received, list(dispatcher.queue.sent)) == (1, [], [])
