"""The transcript of all messages: decisions, violations, cautions and errors.

    python -m tests.project.messages > tests/project/messages.txt

People act on these texts, so each is kept where it can be read as a whole. A changed text shows in
the diff of that file. Read it again as its reader will.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias, cast

import attrs

from reservation_core import (
    Accept,
    Call,
    Command,
    Complete,
    Conference,
    Dequeue,
    GatewayError,
    InvalidCommand,
    MalformedReply,
    NotSent,
    Policy,
    Redirect,
    Reject,
    Reply,
    Request,
    Reservation,
    ReservationError,
    Status,
    Supervise,
    Wrap,
    perform,
    read_reservation,
)
from reservation_core.delivery.observer import Observer
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.decisions import decide
from reservation_core.domain.lifecycle import ON_HOLD
from reservation_core.rest.addresses import SID_PREFIXES, Address, Route
from reservation_core.rest.errors import Attempt
from reservation_core.rest.fetch import conclude_fetch
from reservation_core.rest.update import conclude, prepare
from reservation_core.testing.faults import VirtualClock

HEX: Final = "0123456789abcdef" * 2
URL: Final = "https://example.com/"
PENDING: Final = Reservation(
    sid=f"WR{HEX}",
    account_sid=f"AC{HEX}",
    workspace_sid=f"WS{HEX}",
    task_sid=f"WT{HEX}",
    worker_sid=f"WK{HEX}",
    status=Status.PENDING,
    etag="3",
)
BODY: Final[Mapping[str, object]] = {
    **{name: getattr(PENDING, name) for name in SID_PREFIXES},
    "reservation_status": "accepted",
}
CALLBACK: Final = {"ReservationSid": f"WR{HEX}", "TaskSid": f"WT{HEX}"}

Lines: TypeAlias = Iterator[str]


def described(value: object) -> Lines:
    """Yield the visible parts of a value or an error."""
    if isinstance(value, InvalidCommand):
        yield from (
            f"{value.command}: {violation.field!r} | {violation}" for violation in value.violations
        )
    elif isinstance(value, MalformedReply):
        yield from (
            f"{type(value).__name__}: {fault.path} | {fault.problem} | {fault.value}"
            for fault in value.faults
        )
    elif isinstance(value, BaseException):
        yield f"{type(value).__name__}: {value}"
    else:
        yield str(value)


def outcome_of(ask: Callable[[], object], *, is_callback: bool = False) -> Lines:
    """Call a function, and describe its result or its error."""
    try:
        got = ask()
    except (ReservationError, TypeError, ValueError) as error:
        yield from described(error)
        if error.__cause__ is not None:
            yield f"because of {error.__cause__!r}"
    else:
        if isinstance(got, Command):
            cautions = got.callback_cautions if is_callback else got.cautions
            yield from (f"{caution} ({caution.evidence})" for caution in cautions)
        else:
            yield from described(got)


# --- the lifecycle -------------------------------------------------------------------------------


def decisions() -> Lines:
    """Decisions: every command, in every state."""
    for state in (*Status, ON_HOLD):
        for command in COMMANDS:
            yield f"{command.__name__} while {state}"
            yield str(decide(state, command.trigger))


# --- the commands --------------------------------------------------------------------------------

Made: TypeAlias = tuple[Callable[..., object], dict[str, object]]

WRONG: Final[list[Made]] = [
    (Command, {}),
    (Reject, {"worker_activity_sid": "not-a-sid"}),
    (
        Dequeue,
        {"from_": "", "to": " ", "timeout": 0, "status_callback_event": [], "record": "often"},
    ),
    (Dequeue, {"to": "sip:agent@example.com", "timeout": 601}),
    (Dequeue, {"to": "+15005550009", "from_": "client:alice"}),
    (Call, {}),
    (Call, {"from_": "bob", "to": "+15005550009", "url": "ftp://example.com/", "accept": 1}),
    (Redirect, {"call_sid": "CA1", "url": URL}),
    (
        Conference,
        {
            "timeout": "20",
            "max_participants": 1,
            "muted": "no",
            "beep": True,
            "wait_url": 5,
            "conference_status_callback": "x",
        },
    ),
    (
        Conference,
        {"to": "sip:agent@example.com", "from_": "who ever", "sip_auth_password": "x" * 300},
    ),
    (
        Conference,
        {
            "conference_status_callback_event": "start end",
            "status_callback_event": ["initiated", None],
        },
    ),
    (Supervise, {"supervisor_mode": "listen", "supervisor": ""}),
]
CALLING: Final[dict[str, object]] = {"from_": "5550006", "url": URL}
DISPUTED: Final[list[Made]] = [
    (Wrap, {}),
    (Supervise, {"supervisor_mode": "barge", "supervisor": f"WK{HEX}"}),
    *((Call, {**CALLING, "to": to}) for to in ("client:a", "sip:a@b", "SIPS:a@b", "+15005550006")),
    *((Call, {**CALLING, "record": word}) for word in ("do-not-record", "record-from-answer")),
    (
        Conference,
        {"to": "client:app:a", "wait_url": "https://example.com/a b", "sip_auth_username": "abc"},
    ),
    (Conference, {"to": f"app:AP{HEX}"}),
    (Conference, {"to": "whatsapp:+15005550006"}),
    (Supervise, {"supervisor_mode": "barge", "supervisor": "15005550006"}),
    (
        Conference,
        {
            "post_work_activity_sid": f"WA{HEX}",
            "conference_trim": "trim-silence",
            "timeout": 999,
            "max_participants": 250,
        },
    ),
    (
        Conference,
        {
            "conference_status_callback_event": ["start", "end"],
            "conference_recording_status_callback_method": "GET",
        },
    ),
    (
        Dequeue,
        {
            "status_callback_event": ["initiated", "initiated"],
            "post_work_activity_sid": f"WA{HEX}",
            "record": "record-from-ringing",
        },
    ),
    (Redirect, {"call_sid": f"CA{HEX}", "url": URL, "accept": False}),
]
FORMS: Final[list[tuple[tuple[str, str], ...]]] = [
    (),
    (("ReservationStatus", "accepted"), ("Instruction", "call")),
    (("ReservationStatus", "accepted"), ("ReservationStatus", "accepted")),
    (("ReservationStatus", "timeout"),),
    (("Instruction", "wrap"),),
    (("ReservationStatus", "accepted"), ("WorkerActivitySid", f"WA{HEX}")),
    (("ReservationStatus", "accepted"), ("", "")),
    (
        ("Instruction", "conference"),
        ("To", "client:a"),
        ("To", "client:b"),
        ("Record", "true"),
        ("Record", "false"),
    ),
    (("Instruction", "call"), ("CallFrom", "5550006"), ("CallFrom", "5550006")),
    (("Instruction", "conference"), ("CallTo", "client:a"), ("Muted", "1"), ("Timeout", "020")),
    (
        ("Instruction", "DEQUEUE"),
        ("DequeueStatusCallbackEvents", "answered,Completed"),
        ("Nonsense", "5"),
    ),
    (
        ("Instruction", "conference"),
        ("to", "client:alice"),
        ("Beep", "onenter"),
        ("Record", "TRUE"),
    ),
    (("Instruction", "conference"), ("From", "client:alice"), ("Beep", "aloud")),
]
ANSWERS: Final[list[Mapping[str, object]]] = [
    {},
    {"instruction": "banana"},
    {"instruction": ["accept"]},
    {"instruction": "WRAP"},
    {"instruction": "ACCEPT", "to": "client:alice"},
    {"instruction": "call"},
    {"instruction": "call", "from": 5550006, "url": URL, "accept": "TRUE"},
    {"instruction": "call", "from": "5550006", "url": URL, "to": {}, "accept": 1, "timeout": True},
    {"instruction": "dequeue", "status_callback_events": []},
    {"instruction": "dequeue", "status_callback_events": ["answered", "Completed"]},
    {"instruction": "dequeue", "status_callback_events": ["answered", 1]},
    {"instruction": "conference", "record": "True", "timeout": "20", "room_name": "x"},
    {"instruction": "reject", "activity_sid": "WA1"},
]


def invalid_and_odd_commands() -> Lines:
    """Arguments, forms and responses, invalid or odd."""
    for kind, given in (*WRONG, *DISPUTED):
        yield f"{kind.__name__} of {given}"
        yield from outcome_of(functools.partial(kind, **given))
    for form in FORMS:
        yield f"the form {form}"
        yield from outcome_of(functools.partial(Command.from_form, form))
    yield "the form of a reject, for an accept"
    yield from outcome_of(lambda: Accept.from_form([("ReservationStatus", "rejected")]))
    for answer in ANSWERS:
        yield f"the response {answer}"
        yield from outcome_of(functools.partial(Command.from_instruction, answer), is_callback=True)
    yield "the response of a reject, for an accept"
    yield from outcome_of(lambda: Accept.from_instruction({"instruction": "reject"}))
    for command in (Wrap(), Complete(), Supervise(supervisor_mode="barge", supervisor=f"WK{HEX}")):
        yield f"{command} as a response"
        yield from outcome_of(command.instruction)


# --- payloads and replies ------------------------------------------------------------------------

PAYLOADS: Final[list[Mapping[str, object] | str | bytes]] = [
    "",
    " \n",
    b"\xff",
    "[]",
    "5",
    '{\n "a": }',
    '{"a":' * 100_000,
    "no form",
    {},
    {"reservation_status": "reserved"},
    {"reservation_status": None},
    {
        "reservation_status": 5,
        "sid": 5,
        "worker_name": ["x"],
        "date_created": "yesterday",
        "links": [],
    },
    {**BODY, "sid": "WR1", "task_sid": "TASK", "links": {"task": 5, "worker": None}, "url": {}},
    {**BODY, "task_sid": None, "task": {"sid": "WT1"}},
    {**BODY, "reservation_status": b"accepted", "worker_name": {1}, "url": 5.5, "links": None},
    {"ReservationSid": ""},
    {**CALLBACK, "WorkerSid": "WK1", "TaskSid": "", "WorkspaceSid": 5},
    {**CALLBACK, "EventType": "reservation.accepted"},
    "ReservationSid=WR1&TaskSid=WT1",
    "ReservationSid=%ff",
    f"ReservationSid=WR{HEX}&" + "a=1&" * 1000,
]
UNSENT: Final[list[tuple[Reservation, Command, Route]]] = [
    (PENDING, Wrap(), Route.TASK),
    (attrs.evolve(PENDING, on_hold=True), Accept(), Route.TASK),
    (
        attrs.evolve(PENDING, status=Status.ACCEPTED),
        Supervise(supervisor_mode="barge", supervisor=f"WK{HEX}"),
        Route.WORKER,
    ),
    (attrs.evolve(PENDING, etag="3\r\nX: 1"), Accept(), Route.TASK),
    (attrs.evolve(PENDING, task_sid=None, workspace_sid="WS1"), Accept(), Route.TASK),
]
REPLIES: Final[list[Reply]] = [
    Reply(200, {}, b'{"reservation_status": "accepted", "sid": "WR' + b"f" * 32 + b'"}'),
    Reply(
        200,
        {},
        b'{"reservation_status": "accepted", "task_sid": "client:alice", '
        b'"date_updated": "hush-hush"}',
    ),
    Reply(200, {}, b'{"reservation_status": "hush-hush +15005550006"}'),
    Reply(200, {}, b'{"reservation_status": "timeout"}'),
    Reply(200, {}, b'{"reservation_status": "wrapping"}'),
    Reply(200, {}, b"<html>"),
    Reply(204),
    Reply(301, {"Location": "https://elsewhere.example.com/"}),
    Reply(
        400,
        {},
        b'{"code": 40137, "message": "client:alice is no contact", "more_info": "https://www.twilio.com/docs/errors/40137"}',
    ),
    Reply(
        400,
        {},
        b'{"message": "Reservation WR is already in state [accepted] '
        b'and cannot be updated to [accepted]"}',
    ),
    Reply(400, {}, b'{"title": "No", "detail": "hush-hush"}'),
    Reply(401),
    Reply(403, {}, b'{"code": 20003, "message": "Authenticate"}'),
    Reply(404, {}, b'{"code": 20404, "message": "Not here"}'),
    Reply(409),
    Reply(412),
    Reply(429, {"Retry-After": "7"}),
    Reply(429),
    Reply(500),
    Reply(503, {}, b"upstream"),
]


def payloads_and_replies() -> Lines:
    """Payloads, commands that are not sent, and replies."""
    for payload in PAYLOADS:
        yield f"the payload {str(payload)[:120]!r}"
        yield from outcome_of(functools.partial(read_reservation, payload))
    for reservation, command, route in UNSENT:
        where = f"{reservation.workspace_sid}, {reservation.task_sid}, {reservation.etag!r}"
        yield f"{command} to {reservation.state} by {route} in {where}"
        yield from outcome_of(functools.partial(prepare, reservation, command, route=route))
    callback_name = Conference(
        to="client:alice",
        from_="+15005550006",
        sip_auth_username="abc",
        sip_auth_password="hush-hush",
    )
    for reply in REPLIES:
        yield f"the reply {reply.status} {reply.body.decode()}"
        yield from outcome_of(functools.partial(conclude, PENDING, callback_name, reply))
    for reply in REPLIES[:3]:
        yield f"the reply {reply.status} {reply.body.decode()} to a fetch by its address"
        yield from outcome_of(
            functools.partial(
                conclude_fetch,
                Address(workspace_sid=f"WS{HEX}", task_sid=f"WT{HEX}", sid=f"WR{HEX}"),
                reply,
            )
        )


# --- deliveries ----------------------------------------------------------------------------------


class _RecordingObserver(Observer):
    """Observer that keeps a line for each call."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def before_attempt(self, attempt: Attempt) -> None:
        self.lines.append(f"before {self._of(attempt)}")

    def after_attempt(self, attempt: Attempt) -> None:
        self.lines.append(f"after {self._of(attempt)}: {attempt.outcome}, took {attempt.duration}")

    def _of(self, attempt: Attempt) -> str:
        where = "tasks" if "/Tasks/" in attempt.request.path else "workers"
        sent = f"{attempt.number}, {attempt.request.method} by {where}"
        return f"{sent}, at {attempt.started} after a pause of {attempt.pause}"

    def reconciled(self, reservation: Reservation, result: str) -> None:
        self.lines.append(f"fetched as {reservation.state}, version {reservation.etag}: {result}")

    def gave_up(self, error: ReservationError) -> None:
        self.lines.append(f"gave up: {type(error).__name__}")


LOST: Final = GatewayError("no whole reply")
AGAIN: Final = Reply(412)


def shows(status: str, etag: str | None = None) -> Reply:
    """Build the reply that shows the reservation."""
    return Reply(
        200,
        {} if etag is None else {"ETag": etag},
        f'{{"reservation_status": "{status}"}}'.encode(),
    )


Case: TypeAlias = tuple[str, Command, list[Reply | GatewayError], dict[str, object]]
CASES: Final[list[Case]] = [
    ("done at once", Accept(), [shows("accepted")], {}),
    (
        "not sent, throttled, then done",
        Accept(),
        [NotSent("no"), Reply(429, {"Retry-After": "7"}), Reply(429), shows("accepted")],
        {},
    ),
    ("refused permanently", Accept(), [Reply(404)], {}),
    ("all attempts are used up", Accept(), [NotSent("no")] * 9, {"attempts": 2}),
    (
        "throttled beyond the deadline",
        Accept(),
        [Reply(429, {"Retry-After": "30"})],
        {"deadline": 30.0},
    ),
    (
        "throttled until just before the deadline",
        Accept(),
        [Reply(429, {"Retry-After": "28"})],
        {"deadline": 30.0, "takes": 2.0},
    ),
    ("an exchange ends when the deadline does", Accept(), [LOST], {"deadline": 8.0, "takes": 8.0}),
    (
        "lost, not done, and sent again",
        Accept(),
        [LOST, shows("pending", "4"), shows("accepted")],
        {"takes": 0.5},
    ),
    (
        "lost, and accepted by us or a rival",
        Accept(),
        [LOST, shows("accepted", "4")],
        {"takes": 0.5},
    ),
    (
        "lost, and accepted, as the sole writer",
        Accept(),
        [LOST, shows("accepted", "4")],
        {"sole_writer": True},
    ),
    ("lost, and canceled meanwhile", Accept(), [LOST, shows("canceled")], {}),
    (
        "lost, and the fetch shows nothing",
        Conference(),
        [Reply(503), shows("pending", "3")],
        {},
    ),
    (
        "lost, and every fetch fails",
        Accept(),
        [LOST, LOST, Reply(429, {"Retry-After": "2"}), Reply(500)],
        {"attempts": 3},
    ),
    ("lost, and deleted", Accept(), [LOST, Reply(404)], {}),
    (
        "an unreadable reply, and the status moved on",
        Wrap(),
        [Reply(200, {}, b"<html>"), shows("completed")],
        {},
    ),
    ("the state refuses it", Accept(), [Reply(409), shows("rescinded")], {}),
    ("the state refuses it, and the fetch fails", Accept(), [Reply(409), Reply(403)], {}),
    (
        "stale, fetched, sent again",
        Accept(),
        [AGAIN, shows("pending", "4"), shows("accepted")],
        {},
    ),
    (
        "stale again and again",
        Accept(),
        [AGAIN, shows("pending", "4"), AGAIN, shows("pending", "5")],
        {"attempts": 2},
    ),
    (
        "stale, and retry_stale is off",
        Accept(),
        [AGAIN, shows("pending", "4")],
        {"retry_stale": False},
    ),
    ("lost, then refused permanently", Accept(), [LOST, shows("pending"), Reply(404)], {}),
    (
        "lost, and the deadline leaves no pause",
        Accept(),
        [LOST, shows("pending")],
        {"deadline": 1.1, "takes": 0.5},
    ),
    (
        "an unreadable reply, and reconcile is off",
        Accept(),
        [Reply(200, {}, b"<html>")],
        {"reconcile": False},
    ),
    ("lost, then not sent", Accept(), [LOST, shows("pending"), NotSent("no")], {"attempts": 2}),
    ("reconcile is off", Accept(), [LOST], {"reconcile": False}),
    ("resumed, and done by us or a rival", Accept(), [shows("accepted", "4")], {"resume": True}),
    ("resumed, and the fetch fails", Accept(), [Reply(404)], {"resume": True}),
    (
        "on the worker route",
        Accept(),
        [LOST, shows("pending"), shows("accepted")],
        {"route": Route.WORKER},
    ),
]


class _Scripted:
    """Gateway that replies by script, in virtual time."""

    def __init__(
        self, answers: list[Reply | GatewayError], clock: VirtualClock, takes: float
    ) -> None:
        self._coming, self._clock, self._takes = list(answers), clock, takes

    def send(self, request: Request) -> Reply:  # noqa: ARG002 - the port names it so
        self._clock.sleep(self._takes)
        answer = self._coming.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def deliveries() -> Lines:
    """Deliveries: what an observer is called with, and the outcome."""
    for title, command, answers, how in CASES:
        yield title
        observer, clock = _RecordingObserver(), VirtualClock()
        clock.sleep(100.0)
        policy = Policy(
            **cast(
                "dict[str, bool]",
                {name: value for name, value in how.items() if name in attrs.fields_dict(Policy)},
            )
        )
        try:
            got = perform(
                attrs.evolve(PENDING, status=Status.ACCEPTED)
                if isinstance(command, Wrap)
                else PENDING,
                command,
                _Scripted(answers, clock, cast("float", how.get("takes", 0.0))),
                route=cast("Route", how.get("route", Route.TASK)),
                policy=policy,
                observer=observer,
                resume=bool(how.get("resume")),
                clock=clock,
                sleep=clock.sleep,
                random=lambda: 0.5,
            )
        except ReservationError as error:
            observer.lines += described(error)
            known = getattr(error, "last_known", getattr(error, "reservation", None))
            observer.lines.append(
                f"{len(getattr(error, 'attempts', ()))} attempts, known: {known}, "
                f"because of {error.__cause__!r}"
            )
        else:
            observer.lines.append(str(got))
        yield from observer.lines
        yield f"ended after {clock() - 100.0}"


def transcript() -> Lines:
    """Yield all lines, with the digits of SIDs replaced."""
    for part in (decisions, invalid_and_odd_commands, payloads_and_replies, deliveries):
        yield f"=== {part.__doc__}"
        yield from (line.replace(HEX, "…") for line in part())


if __name__ == "__main__":
    print("\n".join(transcript()))
