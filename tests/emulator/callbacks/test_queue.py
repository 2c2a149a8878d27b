"""What happens is told, and asked, as the platform does: signed, readable, in its order, and with the effect that the answers have."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Final

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservation_core import (
    ON_HOLD,
    Accept,
    Call,
    Command,
    Conference,
    Dequeue,
    Redirect,
    Reject,
    Status,
)
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
from reservation_core.webhooks import (
    EVENT_TYPES,
    Verifier,
    Webhook,
    answer,
    read_assignment,
    read_event,
)
from reservation_core.webhooks.signature import SIGNATURE_HEADER
from tests.emulator.worlds import ACTIVITY, CALL, NOBODY, TASK, WORKERS, WORKSPACE, people
from tests.webhooks.referee import fields, referee

ASK: Final = "https://example.com/assign?team=a"
AGAIN: Final = "https://example.com/fallback"
TELL: Final = "https://example.com/events"
TOKEN: Final = "12345"
URL: Final = "https://example.com/twiml"
NUMBER: Final = "+15005550006"

BOTH: Final = CallbackSettings(
    assignment_url=ASK, fallback_url=AGAIN, event_url=TELL, auth_token=TOKEN
)


class Owing:
    """The small world, and what it owes."""

    def __init__(self, callbacks: CallbackSettings = BOTH, told: Settings | None = None) -> None:
        world = people(Platform(ManualClock(), settings=told or Settings()))
        self.platform, self.reserve, self.sid = world.platform, world.reserve, world.sid
        self.queue = CallbackQueue(self.platform, callbacks)

    def asked(self) -> Callback:
        """Reserve a worker, and take the assignment callback that is due then; the event beside it is dropped."""
        self.reserve()
        return next(
            notice for notice in self.queue.take() if notice.kind is CallbackKind.ASSIGNMENT
        )

    def events(self) -> list[str]:
        """Take all that is due, and give the types of the events."""
        return [notice.event for notice in self.queue.take() if notice.event is not None]


def webhook(notice: Callback) -> Webhook:
    """Give a notice as a server receives it."""
    return Webhook(notice.url, notice.headers, notice.body)


def code_of(owing: Owing) -> int | None:
    """Give the number of the only alert."""
    (alert,) = owing.queue.alerts
    return alert.code


# --- what is due -----------------------------------------------------------------------------------------------------------------


def test_a_reservation_is_asked_about_and_told() -> None:
    """When a worker is reserved the assignment callback and the created event are due at once, each to its own address."""
    owing = Owing()
    sid = owing.sid()
    asked, told = owing.queue.take()
    assert [(n.kind, n.url, n.event, n.reservation_sid) for n in (asked, told)] == [
        (CallbackKind.ASSIGNMENT, ASK, None, sid),
        (CallbackKind.EVENT, TELL, "reservation.created", sid),
    ]
    assert owing.queue.take() == ()


def test_our_reader_reads_the_question() -> None:
    """The assignment callback holds the twelve documented fields; our own reader finds in it all that the platform holds."""
    owing = Owing()
    owing.platform.advance(7)
    asked = owing.asked()
    read = read_assignment(asked.body)
    held = owing.platform.get(asked.reservation_sid)
    assert read.reservation == type(held)(
        sid=held.sid,
        account_sid=held.account_sid,
        workspace_sid=WORKSPACE,
        task_sid=TASK,
        worker_sid=WORKERS[0],
        status=Status.PENDING,
    )
    assert read.task_attributes == {"call_sid": CALL, "from": NUMBER}
    assert read.worker_attributes == {"contact_uri": "client:worker0"}
    assert (read.task_age, read.task_priority, read.time) == (7, 0, owing.platform.now())
    assert (read.workflow_sid, read.task_queue_sid, read.other_fields) == (
        f"WW{NOBODY}",
        f"WQ{NOBODY}",
        {},
    )
    assert len(asked.form) == 12


#: how the world is brought to each status, and the events that tell of the way
WAYS: Final[dict[Status, tuple[Callable[[Platform, str], object], list[str]]]] = {
    Status.PENDING: (lambda platform, sid: platform.get(sid), ["created"]),
    Status.ACCEPTED: (
        lambda platform, sid: platform.execute(sid, Accept()),
        ["created", "accepted"],
    ),
    Status.REJECTED: (
        lambda platform, sid: platform.execute(sid, Reject()),
        ["created", "rejected"],
    ),
    Status.TIMEOUT: (lambda platform, _: platform.advance(120), ["created", "timeout"]),
    Status.CANCELED: (lambda platform, sid: platform.hang_up(sid), ["created", "canceled"]),
    Status.RESCINDED: (
        lambda platform, _: platform.execute(str(platform.reserve(TASK, WORKERS[1]).sid), Accept()),
        [],
    ),
    Status.WRAPPING: (
        lambda platform, sid: (
            platform.set_status(sid, Status.ACCEPTED),
            platform.set_status(sid, Status.WRAPPING),
        ),
        ["created", "accepted", "wrapup"],
    ),
    Status.COMPLETED: (
        lambda platform, sid: (
            platform.set_status(sid, Status.ACCEPTED),
            platform.set_status(sid, Status.COMPLETED),
        ),
        ["created", "accepted", "completed"],
    ),
}


@pytest.mark.parametrize("status", Status)
def test_our_reader_reads_every_event(status: Status) -> None:
    """Each status is told by the event of its name (wrapping by wrapup); our reader finds the fact, the version and the time."""
    owing = Owing()
    sid = owing.sid()
    bring, names = WAYS[status]
    bring(owing.platform, sid)
    told = [
        notice
        for notice in owing.queue.take()
        if notice.kind is CallbackKind.EVENT and notice.reservation_sid == sid
    ]
    if names:
        assert [notice.event for notice in told] == [f"reservation.{name}" for name in names]
    event = read_event(told[-1].body)
    held = owing.platform.get(sid)
    assert (event.status, event.type, event.version) == (
        status,
        EVENT_TYPES[status],
        int(held.etag or -1),
    )
    assert event.reservation is not None
    assert (event.reservation.sid, event.reservation.status, event.reservation.worker_name) == (
        sid,
        status,
        "Worker 0",
    )
    assert (event.task_sid, event.worker_sid, event.workspace_sid) == (TASK, WORKERS[0], WORKSPACE)
    assert (event.time, event.task_status) == (
        owing.platform.now(),
        owing.platform.task(TASK).status,
    )
    assert len({read_event(notice.body).sid for notice in told}) == len(told)


#: the fields that a public service asks of the event callback, and refuses it without (two of them optional there, left out here)
OBSERVED: Final = """
    Sid EventType EventDescription ResourceType ResourceSid Timestamp TimestampMs AccountSid WorkspaceSid WorkspaceName OperatingUnitSid
    ReservationSid ReservationVersion TaskSid TaskVersion TaskAttributes TaskAssignmentStatus TaskAge TaskPriority TaskChannelSid
    TaskChannelUniqueName TaskDateCreated TaskQueueEnteredDate TaskQueueSid TaskQueueName TaskQueueTargetExpression TaskVirtualStartTime
    TaskIgnoreCapacity WorkerSid WorkerName WorkerVersion WorkerAttributes WorkerActivitySid WorkerActivityName WorkflowSid WorkflowName
""".split()  # noqa: SIM905 - a table


def test_every_observed_field_is_told() -> None:
    """An event has each field that was ever seen to be required, once, and nothing else."""
    owing = Owing()
    owing.reserve()
    (_, told) = owing.queue.take()
    assert sorted(name for name, _ in told.form) == sorted(OBSERVED)
    said = dict(told.form)
    assert (said["TaskVersion"], said["WorkerVersion"]) == (
        str(owing.platform.task(TASK).version),
        "1",
    )
    assert (said["Timestamp"], said["TimestampMs"]) == ("1893456000", "1893456000000")
    assert (said["ResourceType"], said["ResourceSid"]) == ("reservation", told.reservation_sid)


def test_what_the_double_does_not_know_can_be_set() -> None:
    """Workflow, queue and the like are what the callbacks say; what the double knows better, such as the worker's activity, it says."""
    owing = Owing(
        CallbackSettings(
            assignment_url=ASK,
            event_url=TELL,
            fields={"WorkflowSid": "WW1", "TaskPriority": "5", "Tier": "gold", "Sid": "EV1"},
        )
    )
    owing.platform.set_worker_activity(WORKERS[0], ACTIVITY)
    owing.reserve()
    asked, told = (dict(notice.form) for notice in owing.queue.take())
    assert (asked["WorkflowSid"], asked["TaskPriority"], "Tier" in asked) == ("WW1", "5", False)
    assert told["Sid"] != "EV1"
    assert (told["WorkflowSid"], told["Tier"], told["WorkerActivitySid"], told["TaskQueueSid"]) == (
        "WW1",
        "gold",
        ACTIVITY,
        f"WQ{NOBODY}",
    )


def test_times_are_told_to_the_millisecond() -> None:
    """Seconds and milliseconds are cut off, never rounded up, and our reader finds the very millisecond."""
    for micro in (0, 999, 1_000, 1_999, 57_000, 999_999):
        owing = Owing()
        owing.platform.advance(1.0)
        owing.platform.advance(micro / 1e6)
        at = owing.platform.now()
        owing.reserve()
        _, told = owing.queue.take()
        assert (dict(told.form)["Timestamp"], dict(told.form)["TimestampMs"]) == (
            "1893456001",
            f"1893456001{micro // 1000:03}",
        )
        assert read_event(told.body).time == at.replace(microsecond=micro // 1000 * 1000)


def test_the_task_s_end_is_told_with_its_reason() -> None:
    """The reason of a cancelation and of a completion stands under the name of each."""
    owing = Owing()
    owing.reserve()
    owing.platform.cancel_task(TASK, reason="hangup")
    assert dict(owing.queue.take()[-1].form)["TaskCanceledReason"] == "hangup"
    task = owing.platform.add_task(WORKSPACE)
    sid = owing.sid(task=task.sid)
    owing.platform.execute(sid, Accept())
    owing.platform.complete_task(task.sid, reason="sold")
    assert dict(owing.queue.take()[-1].form)["TaskCompletedReason"] == "sold"


def test_the_end_of_a_deleted_task_is_told_in_full() -> None:
    """What a deletion did to a reservation is told with the task as it was, though it is gone."""
    owing = Owing()
    owing.reserve()
    owing.platform.delete_task(TASK)
    last = owing.queue.take()[-1]
    assert (last.event, dict(last.form)["TaskAssignmentStatus"]) == (
        "reservation.canceled",
        "canceled",
    )
    assert json.loads(dict(last.form)["TaskAttributes"]) == {"call_sid": CALL, "from": NUMBER}


def test_a_worker_whom_nobody_knows_is_left_out() -> None:
    """In a restored state that lacks the worker, what happens is told with the worker's SID, and no more of the worker."""
    owing = Owing()
    sid = owing.sid()
    platform = Platform(ManualClock())
    platform.restore(attrs.evolve(owing.platform.snapshot(), workers=()))
    queue = CallbackQueue(platform, BOTH)
    platform.execute(sid, Accept())
    (told,) = queue.take()
    assert {name for name, _ in told.form if name.startswith("Worker")} == {
        "WorkerSid",
        "WorkerActivitySid",
        "WorkerActivityName",
    }
    assert read_event(told.body).worker_sid == WORKERS[0]


def test_on_hold_is_no_event() -> None:
    """That a reservation is on hold is told to nobody, nor an instruction that changes nothing; that the worker answered then is."""
    owing = Owing()
    sid = owing.sid()
    owing.platform.execute(sid, Call(from_=NUMBER, url=URL))
    owing.platform.execute(sid, Conference())
    assert owing.events() == ["reservation.created"]
    owing.platform.answer_call(sid)
    assert owing.events() == ["reservation.accepted"]


def test_siblings_are_told_of_the_winner() -> None:
    """An acceptance and the rescinding that comes with it are told one after the other, with the versions they made."""
    owing = Owing()
    first, second = owing.sid(), owing.sid(WORKERS[1])
    owing.queue.take()
    owing.platform.execute(second, Accept())
    told = [
        (read_event(notice.body).reservation_sid, read_event(notice.body).status)
        for notice in owing.queue.take()
    ]
    assert told == [(second, Status.ACCEPTED), (first, Status.RESCINDED)]


def test_only_what_is_wanted_is_told() -> None:
    """Only the events that are wanted are due, and nothing where there is no address; a reservation put there as it is was not made."""
    owing = Owing(CallbackSettings(event_url=TELL, event_types={"reservation.accepted"}))
    sid = owing.sid()
    owing.platform.execute(sid, Accept())
    assert owing.events() == ["reservation.accepted"]
    owing.queue.settings = CallbackSettings()
    owing.platform.set_status(sid, Status.COMPLETED)
    assert owing.queue.take() == ()
    owing.queue.settings = BOTH
    owing.platform.add(owing.platform.get(sid))
    assert owing.queue.take() == ()
    owing.queue.close()
    owing.reserve(task=owing.platform.add_task(WORKSPACE).sid)
    assert owing.queue.take() == ()


def test_a_failed_unit_of_work_is_not_told() -> None:
    """What is undone was never due."""
    owing = Owing()

    def fail() -> None:
        with owing.platform.transaction():
            owing.reserve()
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert owing.queue.take() == ()


# --- its signature ---------------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    st.dictionaries(st.text(max_size=5), st.text(max_size=8), max_size=3),
    st.sampled_from(
        [
            ASK,
            "http://localhost:8080/a",
            "https://example.com:8443/a%20b?x=1&y=",
            "http://[::1]:80/",
        ]
    ),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1),
)
def test_the_official_validator_believes_every_notice(
    attributes: dict[str, str], url: str, token: str
) -> None:
    """Whatever is in the attributes, wherever it goes: the official validator and our own take every notice for the platform's."""
    owing = Owing(CallbackSettings(assignment_url=url, event_url=url, auth_token=token))
    task = owing.platform.add_task(WORKSPACE, attributes=attributes)
    owing.platform.execute(owing.sid(task=task.sid), Accept())
    queue = owing.queue.take()
    assert len(queue) == 3
    for notice in queue:
        assert referee(token).validate(
            notice.url, fields(notice.form), notice.headers[SIGNATURE_HEADER]
        )
        Verifier(token).verify(webhook(notice))


def test_a_fragment_is_neither_sent_nor_signed() -> None:
    """The fragment in which the platform is told of time-outs is no part of what is asked for."""
    owing = Owing(CallbackSettings(assignment_url=f"{ASK}#rc=2", auth_token=TOKEN))
    asked = owing.asked()
    assert asked.url == ASK
    assert referee(TOKEN).validate(ASK, fields(asked.form), asked.headers[SIGNATURE_HEADER])


def test_without_a_token_nothing_is_signed() -> None:
    """Where no token is set there is no signature; all else is there."""
    asked = Owing(CallbackSettings(assignment_url=ASK)).asked()
    assert list(asked.headers) == ["Content-Type", TOKEN_HEADER]
    assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded; charset=UTF-8"


def test_nothing_secret_or_personal_is_shown() -> None:
    """No repr holds the token, the query of an address, a number or an attribute."""
    owing = Owing(
        CallbackSettings(
            assignment_url="https://example.com/a?key=hush", event_url=TELL, auth_token="hush"
        )
    )
    owing.queue.record_response(owing.asked(), Reply(500))
    owing.queue.record_response(owing.asked(), answer(Redirect(call_sid=CALL, url=URL)))
    shown = repr(
        (
            owing.queue.settings,
            owing.queue.take(),
            list(owing.queue.sent),
            list(owing.queue.alerts),
        )
    )
    assert "hush" not in shown
    assert NUMBER not in shown
    assert "client:worker0" not in shown


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"assignment_url": "ftp://example.com"}, "assignment_url must be an http or https URL"),
        ({"fallback_url": "/assign"}, "fallback_url must be"),
        (
            {"event_url": "https://user:hush@example.com/"},
            "event_url must be .* without user information",
        ),
        ({"event_url": "https://example.com/ä"}, "event_url must be .* ASCII"),
        ({"event_url": "https://example.com/a b"}, "event_url must be"),
        ({"event_url": "https://example.com:70000/"}, "event_url must be"),
        ({"event_url": "https://example.com:0/"}, "event_url must be"),
        ({"event_url": "https://example.com/\r\nX: 1"}, "event_url must be"),
        ({"auth_token": ""}, "auth_token must not be empty"),
        ({"auth_token": "hush "}, "auth_token must not be empty"),
        (
            {"event_types": ["reservation.created", "hush"]},
            "event_types must be among .*: 1 are not",
        ),
        ({"fields": {"TaskPriority": 5}}, "fields must map names to strings"),
        ({"duplicates": 1.5}, "duplicates must be from 0 .* to 1"),
        ({"reordered": float("nan")}, "reordered must be"),
    ],
)
def test_callbacks_that_cannot_be_are_refused(wrong: dict[str, object], says: str) -> None:
    """What cannot be called back, or sent so, is refused by its name; the value is not repeated."""
    with pytest.raises(ValueError, match=says) as refused:
        CallbackSettings(**wrong)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert "hush" not in str(refused.value)


# --- what the answer brings about ------------------------------------------------------------------------------------------------

OBEYED: Final[list[tuple[Command, str]]] = [
    (Accept(), "accepted"),
    (Reject(worker_activity_sid=ACTIVITY), "rejected"),
    (
        Dequeue(
            to="client:somebody",
            status_callback_url=URL,
            status_callback_event=["answered", "completed"],
        ),
        ON_HOLD,
    ),
    (Call(from_=NUMBER, url=URL, accept=True), "accepted"),
    (Call(from_=NUMBER, url=URL), "pending"),
    (Redirect(call_sid=CALL, url=URL, accept=True), "accepted"),
    (Conference(from_=NUMBER, timeout=20, muted=True), ON_HOLD),
]


@pytest.mark.parametrize(
    ("command", "state"),
    OBEYED,
    ids=lambda value: value.trigger if isinstance(value, Command) else value,
)
def test_every_instruction_is_carried_out(command: Command, state: str) -> None:
    """What the callback is answered with is done, as if it had been asked over the API; the journal says by whom."""
    owing = Owing()
    asked = owing.asked()
    owing.queue.record_response(asked, answer(command), 0.3)
    assert owing.platform.get(asked.reservation_sid).state == state
    assert (owing.platform.journal[-1].trigger, owing.platform.journal[-1].by) == (
        command.trigger,
        "callback",
    )
    (sent,) = owing.queue.sent
    assert (sent.callback, sent.status, sent.outcome, sent.seconds) == (
        asked,
        200,
        f"{command.trigger}: {state}",
        0.3,
    )
    assert not owing.queue.alerts
    if isinstance(command, Reject):
        assert owing.platform.worker(WORKERS[0]).activity_sid == ACTIVITY


def test_a_sloppy_answer_is_understood() -> None:
    """Letter case, texts for flags and numbers, a list and unknown names are taken as they are meant."""
    owing = Owing()
    asked = owing.asked()
    said = {
        "instruction": "Call",
        "from": NUMBER,
        "url": URL,
        "accept": "TRUE",
        "timeout": "20",
        "room_name": "x",
    }
    owing.queue.record_response(
        asked,
        Reply(200, {"content-type": "Application/JSON; charset=utf-8"}, json.dumps(said).encode()),
    )
    assert owing.platform.get(asked.reservation_sid).status is Status.ACCEPTED


@pytest.mark.parametrize(
    "reply",
    [
        answer(),
        Reply(200),
        Reply(200, {"Content-Type": "application/json"}, b" {} "),
        Reply(200, {}, b"\r\n"),
    ],
    ids=repr,
)
def test_nothing_decides_later(reply: Reply) -> None:
    """An empty answer, or an empty object, leaves the reservation as it is, and is no fault."""
    owing = Owing()
    asked = owing.asked()
    owing.queue.record_response(asked, reply)
    assert owing.platform.get(asked.reservation_sid).state == "pending"
    assert owing.queue.sent[-1].outcome == "decided later"
    assert (list(owing.queue.alerts), owing.queue.take()) == ([], ())


def as_json(body: object) -> Reply:
    """Answer with JSON."""
    return Reply(
        200,
        {"Content-Type": "application/json"},
        body if isinstance(body, bytes) else json.dumps(body).encode(),
    )


ACCEPT: Final = b'{"instruction": "accept"}'
#: what an answer is, the number of the alert, and whether the fallback URL is asked then
MISANSWERED: Final[dict[str, tuple[Reply, int | None, bool]]] = {
    "another status": (Reply(201, {"Content-Type": "application/json"}, ACCEPT), 11200, True),
    "a redirect": (Reply(302, {"Location": "https://example.com"}), 11200, True),
    "a failure": (Reply(500), 11200, True),
    "no type": (Reply(200, {}, ACCEPT), 40000, True),
    "text": (Reply(200, {"Content-Type": "text/html"}, ACCEPT), 40000, True),
    "no JSON": (as_json(b"accept"), 40001, False),
    "no UTF-8": (as_json(b"\xff{}"), 40001, False),
    "JSON twice over": (as_json(json.dumps({"instruction": "accept"})), 40001, False),
    "a list": (as_json([]), 40001, False),
    "depth": (as_json(b"[" * 100_000), 40001, False),
    "is not an instruction": (as_json({"to": "client:alice"}), 40005, False),
    "no instruction but null": (as_json({"instruction": None}), 40005, False),
    "an unknown instruction": (as_json({"instruction": "banana"}), 55555, False),
    "a number": (as_json({"instruction": 7}), 55555, False),
    "one that cannot be said here": (as_json({"instruction": "supervise"}), 55555, False),
    "a bad activity": (as_json({"instruction": "reject", "activity_sid": "WA1"}), 40100, False),
    "a call without from": (as_json({"instruction": "call", "url": URL}), 40111, False),
    "a call without url": (as_json({"instruction": "call", "from": NUMBER}), 40112, False),
    "a redirect without call": (as_json({"instruction": "redirect", "url": URL}), 40121, False),
    "a bad event": (
        as_json({"instruction": "dequeue", "status_callback_events": "answered,banana"}),
        40134,
        False,
    ),
    "an object for a text": (as_json({"instruction": "dequeue", "to": {}}), 40131, False),
    "an endless time-out": (
        as_json({"instruction": "conference", "timeout": 100_000}),
        None,
        False,
    ),
    "another's call": (as_json({"instruction": "dequeue"}), 40140, False),
}


@pytest.mark.parametrize("case", MISANSWERED)
def test_a_bad_answer_is_an_alert(case: str) -> None:
    """What cannot be done changes nothing and is told by the platform's number; the fallback URL is asked where it is documented to be."""
    reply, code, asks_again = MISANSWERED[case]
    owing = Owing()
    owing.platform.set_task_attributes(TASK, {"from": NUMBER})
    asked = owing.asked()
    owing.queue.record_response(asked, reply)
    assert owing.platform.get(asked.reservation_sid).state == "pending"
    (alert,) = owing.queue.alerts
    assert (alert.code, alert.callback, alert.reservation_sid) == (
        code,
        asked.number,
        asked.reservation_sid,
    )
    assert alert.is_warning is (code in (40001, 40005))
    assert NUMBER not in alert.text
    assert owing.queue.sent[-1].outcome.endswith(alert.text)
    assert [notice.kind for notice in owing.queue.take()] == (
        [CallbackKind.FALLBACK] if asks_again else []
    )


STATE_ERROR_CODES: Final = {
    "dequeue": 40135,
    "call": 40114,
    "redirect": 40123,
    "conference": 40136,
    "accept": None,
    "reject": None,
}


@pytest.mark.parametrize(
    ("command", "state"),
    OBEYED,
    ids=lambda value: value.trigger if isinstance(value, Command) else value,
)
def test_a_decision_that_comes_too_late_is_an_alert(command: Command, state: str) -> None:
    """What was decided by somebody else meanwhile is an alert with the instruction's own number, where it has one."""
    del state
    owing = Owing()
    asked = owing.asked()
    owing.platform.execute(asked.reservation_sid, Accept())
    owing.queue.record_response(asked, answer(command))
    assert code_of(owing) == STATE_ERROR_CODES[command.trigger]


def test_a_reservation_that_has_gone_is_an_alert() -> None:
    """An answer about a reservation that is no longer exists is told, and does no harm."""
    owing = Owing()
    asked = owing.asked()
    owing.platform.reset()
    owing.queue.record_response(asked, answer(Accept()))
    assert "no longer exists" in owing.queue.alerts[0].text


def test_what_cannot_be_kept_is_an_alert() -> None:
    """When the platform cannot keep what was asked for, nothing has happened, and an alert says so."""
    from reservation_core.emulator.state_file import StateFileError

    def keep(_: object) -> None:
        if broken:
            raise StateFileError("state.db", "the disk is full")

    broken: list[int] = []
    platform = people(Platform(ManualClock(), on_commit=keep)).platform
    queue = CallbackQueue(platform, BOTH)
    sid = str(platform.reserve(TASK, WORKERS[0]).sid)
    broken.append(1)
    queue.record_response(queue.take()[0], answer(Accept()))
    assert platform.get(sid).status is Status.PENDING
    assert "the disk is full" in queue.alerts[0].text


# --- five seconds, and the fallback ----------------------------------------------------------------------------------------------


def test_what_comes_after_five_seconds_does_not_count() -> None:
    """At five seconds an answer still counts; a moment later it does not, and the fallback URL is asked the same, by another token."""
    owing = Owing()
    owing.queue.record_response(owing.asked(), answer(Reject()), 5.0)
    assert not owing.queue.alerts
    asked = owing.asked()
    owing.queue.record_response(asked, answer(Accept()), 5.001)
    assert owing.platform.get(asked.reservation_sid).status is Status.PENDING
    assert code_of(owing) == 11200
    (fallback,) = (notice for notice in owing.queue.take() if notice.kind is not CallbackKind.EVENT)
    assert (fallback.kind, fallback.url, fallback.form) == (
        CallbackKind.FALLBACK,
        AGAIN,
        asked.form,
    )
    assert fallback.headers[TOKEN_HEADER] != asked.headers[TOKEN_HEADER]
    assert referee(TOKEN).validate(AGAIN, fields(fallback.form), fallback.headers[SIGNATURE_HEADER])
    owing.queue.record_response(fallback, answer(Accept()), 1.0)
    assert owing.platform.get(asked.reservation_sid).status is Status.ACCEPTED


def test_the_budget_is_a_setting() -> None:
    """How long an answer may take is the platform's setting."""
    owing = Owing(told=Settings(callback_timeout=0.5))
    owing.queue.record_response(owing.asked(), answer(Accept()), 0.6)
    assert code_of(owing) == 11200


def test_when_both_fail_the_timer_decides() -> None:
    """When neither address answers, the reservation stays pending until its time runs out, and nothing is asked a third time."""
    owing = Owing()
    asked = owing.asked()
    owing.queue.record_failure(asked, "no connection", 11205)
    (fallback,) = owing.queue.take()
    owing.queue.record_response(fallback, Reply(503))
    assert owing.queue.take() == ()
    assert [alert.code for alert in owing.queue.alerts] == [11205, 11200]
    owing.platform.advance(119)
    assert owing.platform.get(asked.reservation_sid).status is Status.PENDING
    owing.platform.advance(1)
    assert owing.platform.get(asked.reservation_sid).status is Status.TIMEOUT


def test_without_a_fallback_nobody_else_is_asked() -> None:
    """Where there is no fallback URL, a failure is an alert and no more."""
    owing = Owing(CallbackSettings(assignment_url=ASK))
    owing.queue.record_failure(owing.asked(), "no connection")
    assert (len(owing.queue.alerts), owing.queue.take()) == (1, ())


def test_an_event_needs_no_answer_but_a_good_one() -> None:
    """Any 2xx takes an event; anything else, or nothing, is an alert, and asks no fallback."""
    owing = Owing()
    owing.reserve()
    _, told = owing.queue.take()
    owing.queue.record_response(told, Reply(204))
    owing.queue.record_response(told, Reply(200, {}, b"thanks"), 14.0)
    assert not owing.queue.alerts
    owing.queue.record_response(told, Reply(500))
    owing.queue.record_failure(told, "no connection", 11205)
    assert [alert.code for alert in owing.queue.alerts] == [11200, 11205]
    assert owing.queue.take() == ()
    assert [(sent.number, sent.status, sent.outcome) for sent in owing.queue.sent] == [
        (1, 204, "taken"),
        (2, 200, "taken"),
        (3, 500, "11200: the response has status 500. Respond with 204"),
        (4, None, "11205: no connection"),
    ]


# --- twice, and out of order -----------------------------------------------------------------------------------------------------


def lives(callbacks: CallbackSettings, number: int = 12) -> list[tuple[int, str, bool]]:
    """Let as many reservations be made and rejected, and give all that is due: number, event and whether again."""
    owing = Owing(callbacks)
    for _ in range(number):
        owing.platform.execute(owing.sid(), Reject())
    return [
        (notice.number, str(notice.event or notice.kind), notice.again)
        for notice in owing.queue.take()
    ]


def test_in_order_and_once_by_default() -> None:
    """Unless it is asked for, nothing comes twice, and everything in the order it happened."""
    due = lives(BOTH)
    assert [number for number, _, _ in due] == list(range(1, 37))
    assert not any(again for _, _, again in due)


def test_all_can_come_twice() -> None:
    """A duplicate is the same to the last byte: event SID, token and signature."""
    owing = Owing(
        CallbackSettings(assignment_url=ASK, event_url=TELL, auth_token=TOKEN, duplicates=1)
    )
    owing.reserve()
    asked, asked_again, told, told_again = owing.queue.take()
    for one, other in ((asked, asked_again), (told, told_again)):
        assert (one.again, other.again) == (False, True)
        assert (one.number, one.headers, one.body, one.url) == (
            other.number,
            other.headers,
            other.body,
            other.url,
        )
    assert read_event(told.body).key == read_event(told_again.body).key


def test_a_fallback_comes_once() -> None:
    """Each of the two that are sent asks the fallback by itself when it fails; what is asked there does not come twice again."""
    owing = Owing(CallbackSettings(assignment_url=ASK, fallback_url=AGAIN, duplicates=1))
    owing.reserve()
    for asked in owing.queue.take():
        owing.queue.record_failure(asked, "no connection")
    assert [(notice.kind, notice.again) for notice in owing.queue.take()] == [
        (CallbackKind.FALLBACK, False)
    ] * 2


def test_the_seed_settles_what_comes_twice_and_when() -> None:
    """The same seed gives the same order and the same duplicates, another one others; none is lost, and questions keep their order."""

    def plan(seed: int) -> list[tuple[int, str, bool]]:
        return lives(
            CallbackSettings(
                assignment_url=ASK, event_url=TELL, duplicates=0.3, reordered=0.4, seed=seed
            )
        )

    due = plan(1)
    assert due == plan(1)
    assert due != plan(2)
    assert {number for number, _, _ in due} == set(range(1, 37))
    assert 36 < len(due) < 72
    numbers = [number for number, event, _ in due if event != "assignment"]
    assert numbers != sorted(numbers)
    asked = [number for number, event, _ in due if event == "assignment"]
    assert asked == sorted(asked)


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.floats(0, 1), st.integers(1, 8))
def test_an_event_is_overtaken_by_three_at_most(seed: int, share: float, number: int) -> None:
    """However much is reordered, all events come; each waits for three at most that are not overtaken themselves."""
    events = [
        n for n, _, _ in lives(CallbackSettings(event_url=TELL, reordered=share, seed=seed), number)
    ]
    assert sorted(events) == list(range(1, 2 * number + 1))
    in_turn = [event for place, event in enumerate(events) if event == max(events[: place + 1])]
    for place, event in enumerate(events):
        assert sum(event < other for other in in_turn if other in events[:place]) <= 3
    if share == 1:
        assert events == sorted(events)  # nothing is there to overtake


def test_event_sids_are_repeatable_and_can_be_others() -> None:
    """Event SIDs and tokens are the same in every run, unless chance is handed in."""

    def sid(random: Random | None) -> str | None:
        platform = people(Platform(ManualClock())).platform
        queue = CallbackQueue(platform, BOTH, random=random)
        platform.reserve(TASK, WORKERS[0])
        return read_event(queue.take()[1].body).sid

    assert sid(None) == sid(None)
    assert sid(None) != sid(Random(7))
    assert str(sid(None)).startswith("EV")


# --- its bounds ------------------------------------------------------------------------------------------------------------------


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit what becomes due is dropped, and an alert tells of it; the limit holds for events and for questions apart."""
    assert MAX_WAITING >= 1000
    monkeypatch.setattr("reservation_core.emulator.callbacks.queue.MAX_WAITING", 2)
    owing = Owing()
    for worker in WORKERS:
        owing.reserve(worker)
    assert owing.queue.waiting_count == 4
    assert [alert.text for alert in owing.queue.alerts] == ["dropped: 2 callbacks are waiting"] * 2
    assert len(owing.queue.take()) == 4


def test_it_can_be_cleared() -> None:
    """Cleared, it owes and remembers nothing, and still calls back what happens then."""
    owing = Owing(CallbackSettings(assignment_url=ASK, event_url=TELL, reordered=1))
    owing.queue.record_failure(owing.asked(), "no connection")
    owing.reserve(WORKERS[1])
    owing.queue.clear()
    assert (owing.queue.waiting_count, list(owing.queue.sent), list(owing.queue.alerts)) == (
        0,
        [],
        [],
    )
    owing.reserve(WORKERS[2])
    assert owing.queue.waiting_count == 2
    assert owing.queue.next(event=True) is None
    assert owing.queue.next(event=False) is not None


def test_who_is_called_back_can_change() -> None:
    """What is due goes where it was to go, even what still waited to be overtaken; what comes then goes elsewhere."""
    owing = Owing(CallbackSettings(event_url=TELL, reordered=1))
    owing.reserve()
    owing.queue.settings = CallbackSettings(event_url=AGAIN)
    owing.reserve(WORKERS[1])
    assert [notice.url for notice in owing.queue.take()] == [TELL, AGAIN]
