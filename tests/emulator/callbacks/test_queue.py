"""Callbacks that are due, their signatures, order and results."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservation_core import Accept, Call, Conference, Redirect, Reject, Status
from reservation_core.emulator import (
    Callback,
    CallbackQueue,
    CallbackSettings,
    ManualClock,
    Platform,
    Settings,
)
from reservation_core.emulator.callbacks.model import CallbackKind
from reservation_core.emulator.callbacks.queue import MAX_WAITING, TOKEN_HEADER
from reservation_core.rest.messages import Reply
from reservation_core.webhooks import Verifier, Webhook, answer, read_event
from reservation_core.webhooks.signature import SIGNATURE_HEADER
from tests.emulator.callbacks.scene import (
    ALL_URLS,
    ASSIGNMENT_URL,
    EVENT_URL,
    FALLBACK_URL,
    NUMBER,
    TOKEN,
    URL,
    CallbackScene,
    only_alert_code,
)
from tests.emulator.worlds import CALL, TASK, WORKERS, WORKSPACE, people
from tests.webhooks.referee import fields, referee


def as_webhook(callback: Callback) -> Webhook:
    return Webhook(callback.url, callback.headers, callback.body)


def test_new_reservation_makes_assignment_callback_and_event() -> None:
    scene = CallbackScene()
    sid = scene.sid()
    assignment, event_callback = scene.queue.take()
    assert [(n.kind, n.url, n.event, n.reservation_sid) for n in (assignment, event_callback)] == [
        (CallbackKind.ASSIGNMENT, ASSIGNMENT_URL, None, sid),
        (CallbackKind.EVENT, EVENT_URL, "reservation.created", sid),
    ]
    assert scene.queue.take() == ()


def test_hold_makes_no_event() -> None:
    scene = CallbackScene()
    sid = scene.sid()
    scene.platform.execute(sid, Call(from_=NUMBER, url=URL))
    scene.platform.execute(sid, Conference())
    assert scene.events() == ["reservation.created"]
    scene.platform.answer_call(sid)
    assert scene.events() == ["reservation.accepted"]


def test_acceptance_makes_events_of_rescinded_siblings() -> None:
    scene = CallbackScene()
    first, second = scene.sid(), scene.sid(WORKERS[1])
    scene.queue.take()
    scene.platform.execute(second, Accept())
    event_callback = [
        (read_event(callback.body).reservation_sid, read_event(callback.body).status)
        for callback in scene.queue.take()
    ]
    assert event_callback == [(second, Status.ACCEPTED), (first, Status.RESCINDED)]


def test_queue_makes_only_selected_events() -> None:
    scene = CallbackScene(
        CallbackSettings(event_url=EVENT_URL, event_types={"reservation.accepted"})
    )
    sid = scene.sid()
    scene.platform.execute(sid, Accept())
    assert scene.events() == ["reservation.accepted"]
    scene.queue.settings = CallbackSettings()
    scene.platform.set_status(sid, Status.COMPLETED)
    assert scene.queue.take() == ()
    scene.queue.settings = ALL_URLS
    scene.platform.add(scene.platform.get(sid))
    assert scene.queue.take() == ()
    scene.queue.close()
    scene.reserve(task=scene.platform.add_task(WORKSPACE).sid)
    assert scene.queue.take() == ()


def test_failed_transaction_makes_no_callback() -> None:
    scene = CallbackScene()

    def fail() -> None:
        with scene.platform.transaction():
            scene.reserve()
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert scene.queue.take() == ()


@settings(max_examples=40)
@given(
    st.dictionaries(st.text(max_size=5), st.text(max_size=8), max_size=3),
    st.sampled_from(
        [
            ASSIGNMENT_URL,
            "http://localhost:8080/a",
            "https://example.com:8443/a%20b?x=1&y=",
            "http://[::1]:80/",
            "https://example.com",
            "https://Example.com:8443?x=1",
        ]
    ),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1),
)
def test_official_validator_accepts_each_signature(
    attributes: dict[str, str], url: str, token: str
) -> None:
    scene = CallbackScene(CallbackSettings(assignment_url=url, event_url=url, auth_token=token))
    task = scene.platform.add_task(WORKSPACE, attributes=attributes)
    scene.platform.execute(scene.sid(task=task.sid), Accept())
    queue = scene.queue.take()
    assert len(queue) == 3
    for callback in queue:
        assert referee(token).validate(
            callback.url, fields(callback.form), callback.headers[SIGNATURE_HEADER]
        )
        Verifier(token).verify(as_webhook(callback))


def test_fragment_is_neither_sent_nor_signed() -> None:
    scene = CallbackScene(
        CallbackSettings(assignment_url=f"{ASSIGNMENT_URL}#rc=2", auth_token=TOKEN)
    )
    assignment = scene.take_assignment()
    assert assignment.url == ASSIGNMENT_URL
    assert referee(TOKEN).validate(
        ASSIGNMENT_URL, fields(assignment.form), assignment.headers[SIGNATURE_HEADER]
    )


def test_callback_without_token_is_unsigned() -> None:
    assignment = CallbackScene(CallbackSettings(assignment_url=ASSIGNMENT_URL)).take_assignment()
    assert list(assignment.headers) == ["Content-Type", TOKEN_HEADER]
    assert assignment.headers["Content-Type"] == "application/x-www-form-urlencoded; charset=UTF-8"


def test_repr_hides_secrets_and_personal_data() -> None:
    scene = CallbackScene(
        CallbackSettings(
            assignment_url="https://example.com/a?key=hush", event_url=EVENT_URL, auth_token="hush"
        )
    )
    scene.queue.record_response(scene.take_assignment(), Reply(500))
    scene.queue.record_response(scene.take_assignment(), answer(Redirect(call_sid=CALL, url=URL)))
    shown = repr(
        (scene.queue.settings, scene.queue.take(), list(scene.queue.sent), list(scene.queue.alerts))
    )
    assert "hush" not in shown
    assert NUMBER not in shown
    assert "client:worker0" not in shown


def test_response_after_the_timeout_goes_to_fallback() -> None:
    scene = CallbackScene()
    scene.queue.record_response(scene.take_assignment(), answer(Reject()), 5.0)
    assert not scene.queue.alerts
    assignment = scene.take_assignment()
    scene.queue.record_response(assignment, answer(Accept()), 5.001)
    assert scene.platform.get(assignment.reservation_sid).status is Status.PENDING
    assert only_alert_code(scene) == 11200
    (fallback,) = (
        callback for callback in scene.queue.take() if callback.kind is not CallbackKind.EVENT
    )
    assert (fallback.kind, fallback.url, fallback.form) == (
        CallbackKind.FALLBACK,
        FALLBACK_URL,
        assignment.form,
    )
    assert fallback.headers[TOKEN_HEADER] != assignment.headers[TOKEN_HEADER]
    assert referee(TOKEN).validate(
        FALLBACK_URL, fields(fallback.form), fallback.headers[SIGNATURE_HEADER]
    )
    scene.queue.record_response(fallback, answer(Accept()), 1.0)
    assert scene.platform.get(assignment.reservation_sid).status is Status.ACCEPTED


def test_callback_timeout_is_a_setting() -> None:
    scene = CallbackScene(settings=Settings(callback_timeout=0.5))
    scene.queue.record_response(scene.take_assignment(), answer(Accept()), 0.6)
    assert only_alert_code(scene) == 11200


def test_reservation_times_out_after_failed_fallback() -> None:
    scene = CallbackScene()
    assignment = scene.take_assignment()
    scene.queue.record_failure(assignment, "no connection", 11205)
    (fallback,) = scene.queue.take()
    scene.queue.record_response(fallback, Reply(503))
    assert scene.queue.take() == ()
    assert [alert.code for alert in scene.queue.alerts] == [11205, 11200]
    scene.platform.advance(119)
    assert scene.platform.get(assignment.reservation_sid).status is Status.PENDING
    scene.platform.advance(1)
    assert scene.platform.get(assignment.reservation_sid).status is Status.TIMEOUT


def test_failure_without_fallback_only_adds_alert() -> None:
    scene = CallbackScene(CallbackSettings(assignment_url=ASSIGNMENT_URL))
    scene.queue.record_failure(scene.take_assignment(), "no connection")
    assert (len(scene.queue.alerts), scene.queue.take()) == (1, ())


def test_event_is_taken_by_any_2xx() -> None:
    scene = CallbackScene()
    scene.reserve()
    _, event_callback = scene.queue.take()
    scene.queue.record_response(event_callback, Reply(204))
    scene.queue.record_response(event_callback, Reply(200, {}, b"thanks"), 14.0)
    assert not scene.queue.alerts
    scene.queue.record_response(event_callback, Reply(500))
    scene.queue.record_failure(event_callback, "no connection", 11205)
    assert [alert.code for alert in scene.queue.alerts] == [11200, 11205]
    assert scene.queue.take() == ()
    assert [(sent.number, sent.status, sent.outcome) for sent in scene.queue.sent] == [
        (1, 204, "taken"),
        (2, 200, "taken"),
        (3, 500, "11200: the response has status 500. Respond with 204"),
        (4, None, "11205: no connection"),
    ]


def make_and_reject(callbacks: CallbackSettings, number: int = 12) -> list[tuple[int, str, bool]]:
    """Make and reject reservations. Return number, name and `again` of each callback."""
    scene = CallbackScene(callbacks)
    for _ in range(number):
        scene.platform.execute(scene.sid(), Reject())
    return [
        (callback.number, str(callback.event or callback.kind), callback.again)
        for callback in scene.queue.take()
    ]


def test_callbacks_are_ordered_and_unique_by_default() -> None:
    callbacks = make_and_reject(ALL_URLS)
    assert [number for number, _, _ in callbacks] == list(range(1, 37))
    assert not any(again for _, _, again in callbacks)


def test_duplicates_have_the_same_bytes() -> None:
    scene = CallbackScene(
        CallbackSettings(
            assignment_url=ASSIGNMENT_URL, event_url=EVENT_URL, auth_token=TOKEN, duplicates=1
        )
    )
    scene.reserve()
    assignment, assignment_copy, event_callback, event_copy = scene.queue.take()
    for one, other in ((assignment, assignment_copy), (event_callback, event_copy)):
        assert (one.again, other.again) == (False, True)
        assert (one.number, one.headers, one.body, one.url) == (
            other.number,
            other.headers,
            other.body,
            other.url,
        )
    assert read_event(event_callback.body).key == read_event(event_copy.body).key


def test_fallback_is_not_duplicated() -> None:
    scene = CallbackScene(
        CallbackSettings(assignment_url=ASSIGNMENT_URL, fallback_url=FALLBACK_URL, duplicates=1)
    )
    scene.reserve()
    for assignment in scene.queue.take():
        scene.queue.record_failure(assignment, "no connection")
    assert [(callback.kind, callback.again) for callback in scene.queue.take()] == [
        (CallbackKind.FALLBACK, False)
    ] * 2


def test_seed_decides_duplicates_and_order() -> None:

    def plan(seed: int) -> list[tuple[int, str, bool]]:
        return make_and_reject(
            CallbackSettings(
                assignment_url=ASSIGNMENT_URL,
                event_url=EVENT_URL,
                duplicates=0.3,
                reordered=0.4,
                seed=seed,
            )
        )

    callbacks = plan(1)
    assert callbacks == plan(1)
    assert callbacks != plan(2)
    assert {number for number, _, _ in callbacks} == set(range(1, 37))
    assert 36 < len(callbacks) < 72
    numbers = [number for number, event, _ in callbacks if event != "assignment"]
    assert numbers != sorted(numbers)
    assignment = [number for number, event, _ in callbacks if event == "assignment"]
    assert assignment == sorted(assignment)


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.floats(0, 1), st.integers(1, 8))
def test_delayed_event_is_overtaken_by_at_most_three(seed: int, share: float, number: int) -> None:
    events = [
        n
        for n, _, _ in make_and_reject(
            CallbackSettings(event_url=EVENT_URL, reordered=share, seed=seed), number
        )
    ]
    assert sorted(events) == list(range(1, 2 * number + 1))
    in_turn = [event for place, event in enumerate(events) if event == max(events[: place + 1])]
    for place, event in enumerate(events):
        assert sum(event < other for other in in_turn if other in events[:place]) <= 3
    if share == 1:
        assert events == sorted(events)  # nothing is there to overtake


def test_random_decides_event_sids() -> None:

    def sid(random: Random | None = None) -> str | None:
        platform = people(Platform(ManualClock())).platform
        queue = CallbackQueue(platform, ALL_URLS, random=random)
        platform.reserve(TASK, WORKERS[0])
        return read_event(queue.take()[1].body).sid

    assert sid() != sid()  # a book would take the second event for a repeated one
    assert sid(Random(7)) == sid(Random(7)) != sid(Random(8))
    assert str(sid()).startswith("EV")


def test_callback_beyond_the_limit_is_dropped_with_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_WAITING >= 1000
    monkeypatch.setattr("reservation_core.emulator.callbacks.queue.MAX_WAITING", 2)
    scene = CallbackScene()
    for worker in WORKERS:
        scene.reserve(worker)
    assert scene.queue.waiting_count == 4
    assert [alert.text for alert in scene.queue.alerts] == ["dropped: 2 callbacks are waiting"] * 2
    assert len(scene.queue.take()) == 4


def test_clear_drops_everything_but_settings() -> None:
    scene = CallbackScene(
        CallbackSettings(assignment_url=ASSIGNMENT_URL, event_url=EVENT_URL, reordered=1)
    )
    scene.queue.record_failure(scene.take_assignment(), "no connection")
    scene.reserve(WORKERS[1])
    scene.queue.clear()
    assert (scene.queue.waiting_count, list(scene.queue.sent), list(scene.queue.alerts)) == (
        0,
        [],
        [],
    )
    scene.reserve(WORKERS[2])
    assert scene.queue.waiting_count == 2
    assert scene.queue.next(event=True) is None
    assert scene.queue.next(event=False) is not None


def test_new_settings_apply_to_new_callbacks() -> None:
    scene = CallbackScene(CallbackSettings(event_url=EVENT_URL, reordered=1))
    scene.reserve()
    scene.queue.settings = CallbackSettings(event_url=FALLBACK_URL)
    scene.reserve(WORKERS[1])
    assert [callback.url for callback in scene.queue.take()] == [EVENT_URL, FALLBACK_URL]
