"""Engine: repetition, limits, resumption and final failures."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import attrs
import pytest

from reservation_core import (
    Accept,
    Command,
    CommandNotAllowed,
    Complete,
    GatewayError,
    IllegalSuccession,
    Indistinguishable,
    InvalidCommand,
    LoggingObserver,
    LostRace,
    MalformedReply,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Refused,
    Reject,
    Reply,
    Request,
    Reservation,
    ReservationError,
    ServerFailed,
    SetStatus,
    Status,
    Throttled,
    Unauthorized,
    Wrap,
    aperform,
    perform,
    prepare,
)
from reservation_core.delivery.engine import Pause, PermissionCheck, Steps
from reservation_core.delivery.engine import deliver as deliver_steps
from reservation_core.delivery.observer import NO_OBSERVER
from reservation_core.delivery.policy import DEFAULT_POLICY
from tests.delivery.scripted import (
    ACCEPTED,
    ALREADY_ACCEPTED,
    CALL,
    CONFERENCE,
    PENDING,
    STALE,
    SUPERVISE,
    TIMED_OUT,
    RecordingObserver,
    ScriptedGateway,
    deliver,
    fails,
    shows,
)


def start_delivery(*, resume: bool = False, has_permission_check: bool = False) -> Steps:
    """Start the generator of an accept."""
    return deliver_steps(
        PENDING,
        Accept(),
        route="task",
        policy=DEFAULT_POLICY,
        observer=NO_OBSERVER,
        clock=lambda: 0.0,
        random=lambda: 0.5,
        began=0.0,
        first=None,
        resume=resume,
        has_permission_check=has_permission_check,
    )


@pytest.mark.parametrize(("resume", "method"), [(False, "POST"), (True, "GET")])
def test_delivery_sends_first_and_fetches_first_when_resumed(resume: bool, method: str) -> None:
    step = next(start_delivery(resume=resume))
    assert isinstance(step, Request)
    assert step.method == method


@pytest.mark.parametrize("has_check", [False, True])
def test_delivery_yields_a_permission_check_only_on_request(has_check: bool) -> None:
    steps = start_delivery(has_permission_check=has_check)
    sent = next(steps)
    assert steps.send(NotSent("no")) == Pause(0.125)
    again = steps.send(None)
    assert again == (PermissionCheck() if has_check else sent)


@pytest.mark.parametrize("command", [Accept(), CALL, CONFERENCE])
def test_not_sent_is_repeated_after_growing_pauses(command: Command) -> None:
    gateway = ScriptedGateway(NotSent("no"), NotSent("no"), NotSent("no"), shows("pending"))
    deliver(gateway, command=command)
    assert gateway.methods == "PPPP"
    assert gateway.pauses == [0.125, 0.25, 0.5]
    assert len(set(gateway.requests)) == 1


def test_throttled_command_is_repeated_after_retry_after_or_backoff() -> None:
    gateway = ScriptedGateway(Reply(429, {"Retry-After": "7"}), Reply(429), shows("pending"))
    assert deliver(gateway, command=CONFERENCE).on_hold
    assert gateway.pauses == [7.0, 0.25]


@pytest.mark.parametrize(("failure", "kind"), [(NotSent("no"), NotSent), (Reply(429), Throttled)])
def test_delivery_ends_at_the_limit_of_attempts(
    failure: Reply | GatewayError, kind: type[ReservationError]
) -> None:
    gateway = ScriptedGateway(*[failure] * 9)
    error = fails(gateway, kind, attempts=3)
    assert gateway.methods == "PPP"
    assert [(attempt.number, attempt.outcome, attempt.pause) for attempt in error.attempts] == [
        (1, kind.__name__, 0.0),
        (2, kind.__name__, 0.125),
        (3, kind.__name__, 0.25),
    ]


def test_delivery_ends_at_the_deadline() -> None:
    throttled = ScriptedGateway(Reply(429, {"Retry-After": "31"}))
    assert fails(throttled, Throttled).attempts[0].outcome == "Throttled"
    assert throttled.pauses == []
    late = ScriptedGateway(TIMED_OUT, takes=40.0)
    assert fails(late, OutcomeUnknown).last_known == PENDING
    assert late.methods == "P"
    in_time = ScriptedGateway(TIMED_OUT, shows("accepted", "4"), takes=10.0)
    fails(in_time, OutcomeUnknown, deadline=10.0)
    assert in_time.methods == "P"
    unsent = ScriptedGateway(NotSent("no"))
    assert fails(unsent, NotSent, deadline=0).reason == "no"
    assert unsent.methods == "P"


def test_backoff_never_exceeds_its_cap() -> None:
    gateway = ScriptedGateway(*[NotSent("no")] * 80)
    fails(gateway, NotSent, attempts=80, deadline=86_400)
    assert max(gateway.pauses) == 2.5


@pytest.mark.parametrize(
    ("reply", "kind", "command"),
    [
        (Reply(404), NotFound, Accept()),
        (Reply(401), Unauthorized, Accept()),
        (Reply(403), Unauthorized, Accept()),
        (Reply(400), Refused, CONFERENCE),
        (Reply(422), Refused, Accept()),
    ],
)
def test_other_refusals_are_final(reply: Reply, kind: type[Refused], command: Command) -> None:
    gateway = ScriptedGateway(reply)
    error = fails(gateway, kind, PENDING, command)
    assert gateway.methods == "P"
    assert error.http_status == reply.status
    assert len(error.attempts) == 1


REWORDED: Final = Reply(
    400, {}, b'{"code": 20001, "message": "WR0 has ended, sorry", "more_info": "https://a.example"}'
)


def test_reworded_refusal_of_a_status_update_is_read_back() -> None:
    gateway = ScriptedGateway(REWORDED, shows("canceled", "4"))
    error = fails(gateway, LostRace)
    assert gateway.methods == "PG"
    assert error.reservation.status is Status.CANCELED
    assert (error.http_status, error.code, error.message) == (400, 20001, "WR0 has ended, sorry")
    assert error.more_info == "https://a.example"


def test_refusal_for_another_reason_stays_final_after_reading_back() -> None:
    gateway, observer = ScriptedGateway(REWORDED, shows("pending", "3")), RecordingObserver()
    error = fails(gateway, Refused, observer=observer)
    assert gateway.methods == "PG"
    assert (error.code, len(error.attempts)) == (20001, 2)
    assert observer.lines[-2:] == ["fetched pending: Refused", "Refused"]


@pytest.mark.parametrize(
    ("etag", "kind"),
    [("3", Refused), ("4", Refused), ("5", OutcomeUnknown), (None, OutcomeUnknown)],
)
def test_refused_wrap_is_believed_unless_the_platform_may_have_undone_it(
    etag: str | None, kind: type[ReservationError]
) -> None:
    gateway = ScriptedGateway(Reply(400), shows("accepted", etag))
    fails(gateway, kind, ACCEPTED, Wrap())


def test_refusal_that_cannot_be_read_back_stays_final() -> None:
    gateway = ScriptedGateway(REWORDED, Reply(404))
    assert fails(gateway, Refused).code == 20001
    assert gateway.methods == "PG"


def test_refusal_after_an_unknown_outcome_is_read_back() -> None:
    gateway = ScriptedGateway(TIMED_OUT, shows("pending", "3"), REWORDED, shows("accepted", "4"))
    assert fails(gateway, Indistinguishable).reservation.status is Status.ACCEPTED


@pytest.mark.parametrize("refusal", [(Reply(404),), (REWORDED, shows("pending", "3"))])
def test_final_refusal_says_nothing_of_an_earlier_request(refusal: tuple[Reply, ...]) -> None:
    gateway = ScriptedGateway(TIMED_OUT, shows("pending", "3"), *refusal)
    assert fails(gateway, OutcomeUnknown, PENDING, Reject()).reason == (
        "the last failure rules out a retry; a request that was sent may have acted, "
        "or may act later"
    )


@pytest.mark.parametrize("code", [20409, 20412, 40151])
def test_conflict_that_is_not_about_the_status_does_not_put_on_hold(code: int) -> None:
    gateway = ScriptedGateway(Reply(400, {}, b'{"code": %d}' % code), shows("pending", "3"))
    command, kind = (CONFERENCE, LostRace) if code == 40151 else (Accept(), OutcomeUnknown)
    error = fails(gateway, kind, PENDING, command)
    now = getattr(error, "reservation" if kind is LostRace else "last_known")
    assert not now.on_hold


@pytest.mark.parametrize("unread", [NotSent("no"), TIMED_OUT, Reply(429), Reply(503), Reply(200)])
def test_failed_fetch_is_repeated(unread: Reply | GatewayError) -> None:
    gateway = ScriptedGateway(TIMED_OUT, unread, shows("wrapping", "9"))
    fails(gateway, Indistinguishable, ACCEPTED, Wrap())
    assert gateway.methods == "PGG"
    assert gateway.pauses == [0.125]
    failing = ScriptedGateway(TIMED_OUT, *[unread] * 9)
    assert fails(failing, OutcomeUnknown, ACCEPTED, Wrap()).last_known == ACCEPTED
    assert failing.methods == "PGGGG"
    assert failing.pauses == [0.125, 0.25, 0.5]


def test_throttled_fetch_is_repeated_after_retry_after() -> None:
    gateway = ScriptedGateway(TIMED_OUT, Reply(429, {"Retry-After": "7"}), shows("wrapping", "9"))
    fails(gateway, Indistinguishable, ACCEPTED, Wrap())
    assert gateway.pauses == [7.0]


def test_fetch_takes_the_route_of_the_command() -> None:
    gateway = ScriptedGateway(TIMED_OUT, shows("accepted"))
    with pytest.raises(Indistinguishable):
        perform(PENDING, Accept(), gateway, route="worker")
    assert [request.path.split("/")[4] for request in gateway.requests] == ["Workers"] * 2


@pytest.mark.parametrize(
    ("answers", "kind", "command", "is_final"),
    [
        ((TIMED_OUT, shows("accepted", "4")), Indistinguishable, Accept(), True),
        ((TIMED_OUT, shows("pending", "3")), OutcomeUnknown, CONFERENCE, True),
        ((TIMED_OUT, Reply(404)), OutcomeUnknown, Accept(), False),
    ],
)
def test_outcome_is_final_after_a_fetch(
    answers: tuple[Reply | GatewayError, ...],
    kind: type[ReservationError],
    command: Command,
    is_final: bool,
) -> None:
    error = fails(ScriptedGateway(*answers), kind, PENDING, command)
    assert error.is_final is is_final


def test_refused_fetch_ends_the_delivery() -> None:
    gateway = ScriptedGateway(TIMED_OUT, Reply(404))
    reason = "the reservation could not be fetched; a request that was sent may have acted"
    assert fails(gateway, OutcomeUnknown).reason == f"{reason}, or may act later"
    assert gateway.methods == "PG"


def test_version_that_is_not_a_header_value_is_not_sent() -> None:
    gateway = ScriptedGateway(STALE, shows("pending", "é"), shows("accepted"))
    deliver(gateway)
    assert gateway.requests[2].headers.get("If-Match") is None


@pytest.mark.parametrize(
    ("command", "answers", "outcome", "methods"),
    [
        (Accept(), [shows("pending", "3"), shows("accepted", "4")], "accepted", ["GET", "POST"]),
        (Accept(), [shows("accepted", "4")], Indistinguishable, ["GET"]),
        (Accept(), [shows("timeout", "4")], LostRace, ["GET"]),
        (CALL, [shows("pending", "3"), shows("pending", "4")], "pending", ["GET", "POST"]),
        (CONFERENCE, [shows("pending", "3")], OutcomeUnknown, ["GET"]),
        (Accept(), [Reply(404)], OutcomeUnknown, ["GET"]),
    ],
)
def test_resumed_delivery_fetches_first(
    command: Command,
    answers: list[Reply],
    outcome: str | type[ReservationError],
    methods: list[str],
) -> None:
    gateway = ScriptedGateway(*answers)
    if isinstance(outcome, str):
        assert deliver(gateway, PENDING, command, resume=True).status == outcome
    else:
        error = fails(gateway, outcome, PENDING, command, resume=True)
        assert error.__cause__ == GatewayError("the process that may have sent the command ended")
    assert [request.method for request in gateway.requests] == methods


def test_resumed_request_may_have_any_version() -> None:
    """The process that ended may have fetched it."""
    gateway = ScriptedGateway(shows("pending", "4"), Reply(404))
    fails(gateway, OutcomeUnknown, PENDING, Reject(), resume=True)


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("answers", "resume", "methods"),
    [
        ([NotSent("no"), NotSent("no"), shows("accepted", "4")], False, "PPP"),
        ([STALE, shows("pending", "4"), NotSent("no"), shows("accepted", "5")], False, "PGPP"),
        ([shows("pending", "3"), NotSent("no"), shows("accepted", "4")], True, "GPP"),
    ],
)
def test_permission_is_asked_before_the_command_is_sent_again(
    answers: list[Reply | GatewayError], resume: bool, methods: str, is_async: bool
) -> None:
    for permitted in range(3):
        gateway, asked = ScriptedGateway(*answers), list[str]()

        def may_send_again(
            gateway: ScriptedGateway = gateway, asked: list[str] = asked, most: int = permitted
        ) -> bool:
            asked.append(gateway.methods)
            return len(asked) <= most

        async def amay_send_again(ask: Callable[[], bool] = may_send_again) -> bool:
            return ask()

        def send(
            gateway: ScriptedGateway = gateway,
            ask: Callable[[], bool] = may_send_again,
            aask: Callable[[], Awaitable[bool]] = amay_send_again,
        ) -> Reservation:
            if is_async:
                return asyncio.run(
                    aperform(
                        PENDING,
                        Accept(),
                        gateway,
                        resume=resume,
                        may_send_again=aask,
                        sleep=gateway.asleep,
                    )
                )
            return perform(
                PENDING,
                Accept(),
                gateway,
                resume=resume,
                may_send_again=ask,
                sleep=gateway.sleep,
            )

        if permitted == 2:
            assert send().status is Status.ACCEPTED
        else:
            with pytest.raises(OutcomeUnknown) as caught:
                send()
            error = caught.value
            assert error.reason == "another process has taken the command over"
            assert len(error.attempts) == len(gateway.methods)
            assert error.last_known is not None
            assert error.last_known.status is Status.PENDING
        ends = [place for place, method in enumerate(methods) if method == "P"]
        sent_again = [methods[:end] for end in ends if resume or end]
        assert asked == sent_again[: permitted + 1]
        assert gateway.methods == (methods if permitted == 2 else asked[-1])


def test_resumed_delivery_refuses_a_command_that_is_not_allowed() -> None:
    gateway = ScriptedGateway()
    with pytest.raises(CommandNotAllowed):
        perform(ACCEPTED, Accept(), gateway, resume=True)
    with pytest.raises(InvalidCommand):
        perform(ACCEPTED, SUPERVISE, gateway, route="worker", resume=True)
    assert gateway.methods == ""


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (TIMED_OUT, GatewayError),
        (Reply(503), ServerFailed),
        (Reply(200), MalformedReply),
        (ALREADY_ACCEPTED, LostRace),
        (NotSent("no"), NotSent),
        (Reply(429), Throttled),
    ],
)
def test_once_sends_one_request_and_raises_the_failure(
    answer: Reply | GatewayError, kind: type[ReservationError]
) -> None:
    gateway = ScriptedGateway(answer)
    error = fails(gateway, kind, attempts=1, reconcile=False)
    assert gateway.methods == "P"
    assert error.__cause__ is None or error.__cause__ == error


def test_once_raises_an_illegal_succession_as_it_is() -> None:
    gateway = ScriptedGateway(shows("timeout"))
    fails(gateway, IllegalSuccession, ACCEPTED, Wrap(), attempts=1, reconcile=False)
    assert gateway.methods == "P"


def test_command_that_is_not_allowed_is_not_sent_and_not_observed() -> None:
    observer, gateway = RecordingObserver(), ScriptedGateway()
    fails(gateway, CommandNotAllowed, PENDING, Wrap(), observer)
    with pytest.raises(InvalidCommand):
        perform(ACCEPTED, SUPERVISE, gateway, route="worker")
    assert gateway.requests == ()
    assert observer.lines == []


def test_lost_race_without_a_fetch_has_no_reservation() -> None:
    unread = ScriptedGateway(ALREADY_ACCEPTED, Reply(404))
    assert fails(unread, LostRace, command=CALL).reservation is None
    read_before = ScriptedGateway(STALE, shows("pending", "4"), Reply(400), Reply(404))
    assert fails(read_before, Refused, command=Reject()).attempts[-1].outcome == "NotFound"


def test_refusal_that_the_own_act_explains_claims_nothing_without_a_fetch() -> None:
    for refusal in (ALREADY_ACCEPTED, STALE):
        unread = ScriptedGateway(refusal, Reply(404))
        assert fails(unread, OutcomeUnknown).last_known == PENDING


# --- a report that cannot follow -----------------------------------------------------------------

WRAPPING: Final = attrs.evolve(ACCEPTED, status=Status.WRAPPING)
CANCELED: Final = attrs.evolve(ACCEPTED, status=Status.CANCELED, etag="4")


def test_report_that_cannot_follow_is_read_once_and_ends_as_a_lost_race() -> None:
    gateway = ScriptedGateway(ALREADY_ACCEPTED, shows("canceled", "4"))
    error = fails(gateway, LostRace, ACCEPTED, Complete())
    assert gateway.methods == "PG"
    assert gateway.pauses == []
    assert (error.http_status, error.reservation) == (400, CANCELED)
    assert "is canceled now: decide again" in str(error)
    assert error.reservation.allowed == ()


@pytest.mark.parametrize("unknown", [TIMED_OUT, shows("canceled", "4"), Reply(503)], ids=repr)
def test_unknown_outcome_and_a_report_that_cannot_follow_is_a_lost_race(
    unknown: Reply | GatewayError,
) -> None:
    """Nothing can follow the completion, so it was not carried out."""
    gateway = ScriptedGateway(unknown, shows("canceled", "4"))
    error = fails(gateway, LostRace, ACCEPTED, Complete())
    assert (error.http_status, error.reservation) == (200, CANCELED)
    assert gateway.methods == "PG"


@pytest.mark.parametrize(
    ("etag", "kind"), [(None, OutcomeUnknown), ("5", OutcomeUnknown), ("4", LostRace)]
)
def test_command_with_a_live_effect_may_have_acted_before_an_unexpected_step(
    etag: str | None, kind: type[ReservationError]
) -> None:
    gateway = ScriptedGateway(TIMED_OUT, shows("canceled", etag))
    error = fails(gateway, kind, ACCEPTED, Wrap())
    now = error.reservation if isinstance(error, LostRace) else error.last_known
    assert now == attrs.evolve(CANCELED, etag=etag)
    assert gateway.methods == "PG"


def test_unexpected_report_is_not_followed_by_a_repetition_unless_accepted() -> None:
    script = (Reply(412), shows("accepted", "9"), shows("completed", "10"))
    gateway = ScriptedGateway(*script)
    error = fails(gateway, LostRace, WRAPPING, Complete())
    assert (gateway.methods, error.reservation.state) == ("PG", "accepted")
    taken, observer = ScriptedGateway(*script), RecordingObserver()
    done = deliver(taken, WRAPPING, Complete(), observer, accept_unexpected=True)
    assert (taken.methods, done.status, done.etag) == ("PGP", "completed", "10")
    assert [line for line in observer.lines if "cannot follow" in line] == [
        f"caution {IllegalSuccession(Status.WRAPPING, error.reservation).caution}"
    ]


def test_unexpected_reply_is_taken_over_by_policy() -> None:
    """The remedies that the error names."""
    gateway = ScriptedGateway(shows("timeout", "4"))
    error = fails(gateway, IllegalSuccession, ACCEPTED, Wrap(), attempts=1, reconcile=False)
    assert "Policy(accept_unexpected=True)" in str(error)
    gateway, observer = ScriptedGateway(shows("timeout", "4")), RecordingObserver()
    taken = deliver(gateway, ACCEPTED, Wrap(), observer, accept_unexpected=True)
    assert taken == error.reservation
    assert f"caution {error.caution}" in observer.lines
    assert (taken.status, taken.etag) == ("timeout", "4")


@pytest.mark.parametrize(
    ("answer", "command", "kind"),
    [
        (ALREADY_ACCEPTED, SUPERVISE, LostRace),
        (REWORDED, Wrap(), LostRace),
        (TIMED_OUT, SUPERVISE, OutcomeUnknown),
    ],
)
def test_unknown_status_is_read_once_and_carried_by_the_error(
    answer: Reply | GatewayError, command: Command, kind: type[ReservationError]
) -> None:
    ninth = Reply(200, {"ETag": "9"}, b'{"reservation_status": "escalated", "worker_name": "Zo"}')
    gateway = ScriptedGateway(answer, ninth)
    error = fails(gateway, kind, ACCEPTED, command)
    assert kind is OutcomeUnknown or error.reservation is None
    assert gateway.methods == "PG"
    assert gateway.pauses == []
    assert "the unknown status 'escalated'" in str(error)
    assert "Zo" not in f"{error} {error!r}"
    found = error.unknown_status
    assert (found.raw_status, found.fields) == ("escalated", {"worker_name": "Zo", "etag": "9"})
    assert attrs.evolve(ACCEPTED, **found.fields).etag == "9"


# --- a command that is refused on weak evidence --------------------------------------------------


def test_command_refused_on_weak_evidence_is_sent_by_policy() -> None:
    """The remedy that the refusal names."""
    observer, gateway = RecordingObserver(), ScriptedGateway(shows("completed", "4"))
    with pytest.raises(CommandNotAllowed, match=r"Policy\(strict=False\), or prepare"):
        perform(PENDING, Complete(), gateway)
    done = deliver(gateway, PENDING, Complete(), observer, strict=False)
    assert done == attrs.evolve(PENDING, status=Status.COMPLETED, etag="4")
    (request,) = gateway.requests
    (caution,) = request.cautions
    assert "only accepted or wrapping work can be completed" in str(caution)
    assert observer.lines[0] == f"caution {caution}"
    assert request == prepare(PENDING, Complete(), strict=False)


def test_effect_of_a_command_sent_on_weak_evidence_can_follow() -> None:
    """Though the tables do not lead there."""
    rejected = attrs.evolve(PENDING, status=Status.REJECTED)
    done = deliver(ScriptedGateway(shows("accepted", "4")), rejected, Accept(), strict=False)
    assert done.status is Status.ACCEPTED
    gateway = ScriptedGateway(TIMED_OUT, shows("accepted", "4"))
    error = fails(gateway, Indistinguishable, rejected, Accept(), strict=False)
    assert error.reservation.status is Status.ACCEPTED
    alone = ScriptedGateway(TIMED_OUT, shows("accepted", "4"))
    assert deliver(alone, rejected, Accept(), strict=False, sole_writer=True) == done


def test_command_sent_on_weak_evidence_is_repeated_in_the_same_state() -> None:
    gateway = ScriptedGateway(TIMED_OUT, shows("pending", "3"), shows("completed", "4"))
    assert deliver(gateway, PENDING, Complete(), strict=False).status is Status.COMPLETED
    moved = ScriptedGateway(TIMED_OUT, shows("timeout", "4"))
    assert fails(moved, LostRace, PENDING, Complete(), strict=False).reservation.status == "timeout"


def test_refusal_of_a_command_sent_on_weak_evidence_is_a_lost_race_without_a_hold() -> None:
    refusal = Reply(
        400,
        {},
        b'{"message": "Reservation WR not in expected state [accepted] '
        b'and cannot be updated to [wrapping]"}',
    )
    gateway = ScriptedGateway(refusal, shows("pending", "3"))
    error = fails(gateway, LostRace, PENDING, Wrap(), strict=False)
    assert (error.http_status, error.reservation) == (400, PENDING)


def test_command_refused_on_strong_evidence_is_never_sent() -> None:
    gateway = ScriptedGateway()
    fails(gateway, CommandNotAllowed, ACCEPTED, Accept(), strict=False)
    fails(gateway, CommandNotAllowed, ACCEPTED, Accept(), strict=False, resume=True)
    assert gateway.requests == ()


def test_logging_observer_logs_a_caution(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("WARNING", "reservation_core.delivery"):
        gateway = ScriptedGateway(shows("completed"))
        deliver(gateway, PENDING, Complete(), LoggingObserver(), strict=False)
    (record,) = [each for each in caplog.records if each.name == "reservation_core.delivery"]
    assert record.getMessage().startswith(
        f"complete of {PENDING.sid}: caution: ReservationStatus: only accepted or wrapping"
    )


def test_lost_status_without_a_command_may_have_acted() -> None:
    cancel = SetStatus(status=Status.CANCELED)
    assert deliver(ScriptedGateway(shows("canceled", "4")), ACCEPTED, cancel) == CANCELED
    gateway = ScriptedGateway(TIMED_OUT, shows("canceled", "4"))
    assert fails(gateway, Indistinguishable, ACCEPTED, cancel).reservation == CANCELED
    again = ScriptedGateway(TIMED_OUT, shows("accepted", "3"), shows("canceled", "4"))
    assert deliver(again, ACCEPTED, cancel) == CANCELED
