"""Observer hooks and the logging observer."""

import logging
import pickle

import attrs
import pytest

from reservation_core import (
    Accept,
    Attempt,
    Command,
    IllegalSuccession,
    Indistinguishable,
    InvalidCommand,
    LoggingObserver,
    LostRace,
    NotSent,
    Observer,
    OutcomeUnknown,
    RateLimit,
    Reply,
    Reservation,
    Wrap,
)
from tests.campaigns.delivery_cases import SID, WHERE
from tests.delivery.scripted import (
    ACCEPTED,
    PENDING,
    SECRET,
    TIMED_OUT,
    RecordingObserver,
    ScriptedGateway,
    deliver,
    fails,
    shows,
)


def test_observer_receives_attempts_fetches_and_failures() -> None:
    observer = RecordingObserver()
    deliver(ScriptedGateway(TIMED_OUT, shows("pending", "3"), shows("accepted")), observer=observer)
    assert observer.lines == [
        "before 1 None",
        "after 1 GatewayError",
        "before 2 None",
        "after 2 pending",
        "fetched pending: repeat",
        "before 3 None",
        "after 3 accepted",
    ]
    lost = RecordingObserver()
    fails(ScriptedGateway(TIMED_OUT, shows("timeout")), LostRace, observer=lost)
    assert lost.lines[-2:] == ["fetched timeout: LostRace", "LostRace"]
    alone = RecordingObserver()
    deliver(ScriptedGateway(TIMED_OUT, shows("accepted")), observer=alone, sole_writer=True)
    assert alone.lines[-1] == "fetched accepted: done"


def test_observer_receives_each_attempt_before_it_is_made() -> None:
    attempts: list[Attempt] = []

    class Before(Observer):
        def before_attempt(self, attempt: Attempt) -> None:
            attempts.append(attempt)

    gateway = ScriptedGateway(NotSent("no"), shows("accepted"), takes=0.5)
    deliver(gateway, observer=Before())
    first, second = gateway.requests
    assert attempts == [Attempt(1, first, 0.0, 0.0), Attempt(2, second, 0.625, 0.125)]


def test_log_contains_nothing_personal(caplog: pytest.LogCaptureFixture) -> None:
    refusal = Reply(404, {}, b'{"message": "call +15005550001"}')
    with caplog.at_level(logging.DEBUG, "reservation_core.delivery"):
        error = fails(
            ScriptedGateway(TIMED_OUT, Reply(429), refusal),
            OutcomeUnknown,
            attrs.evolve(WHERE, worker_name="Zoë"),
            SECRET,
            LoggingObserver(),
        )
        fails(
            ScriptedGateway(TIMED_OUT, shows("accepted")),
            Indistinguishable,
            observer=LoggingObserver(logging.getLogger("reservation_core.delivery.x")),
        )
        fails(
            ScriptedGateway(shows("timeout")),
            IllegalSuccession,
            ACCEPTED,
            Wrap(),
            LoggingObserver(),
            reconcile=False,
        )
    text = caplog.text + repr(error) + str(error)
    assert "attempt 1: POST /v1/Workspaces" in text
    assert "gave up after 3 attempts: OutcomeUnknown" in text
    assert "fetched as accepted: Indistinguishable" in text
    for secret in ("50001", "50006", "hush", "Zoë"):
        assert secret not in text
    assert pickle.loads(pickle.dumps(error)).attempts == error.attempts


def test_log_has_a_line_per_attempt_fetch_and_failure(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "reservation_core.delivery"):
        fails(
            ScriptedGateway(TIMED_OUT, shows("timeout"), takes=0.5),
            LostRace,
            PENDING,
            Accept(),
            LoggingObserver(),
        )
        LoggingObserver().gave_up(InvalidCommand("Accept", ()))
    path = f"/v1/Workspaces/{WHERE.workspace_sid}/Tasks/{WHERE.task_sid}/Reservations/{SID}"
    name = f"accept of {SID}"
    times = "after a pause of 0.000 s, took 0.500 s"
    assert [(record.name, record.levelname, record.getMessage()) for record in caplog.records] == [
        ("reservation_core.delivery", level, text)
        for level, text in (
            ("DEBUG", f"{name}: attempt 1: POST {path}: GatewayError (at 0.000 s, {times})"),
            ("DEBUG", f"{name}: attempt 2: GET {path}: timeout (at 0.500 s, {times})"),
            ("DEBUG", f"{name}: fetched as timeout: LostRace"),
            ("WARNING", f"{name}: gave up after 2 attempts: LostRace"),
            ("WARNING", "command: gave up after 1 attempts: InvalidCommand"),
        )
    ]


@pytest.mark.parametrize("observed", [True, False])
def test_headers_of_the_reply_reach_observer_and_error(
    observed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {
        "Twilio-Request-Id": "RQ" + "1" * 32,
        "X-Rate-Limit-Limit": "60",
        "X-Rate-Limit-Remaining": "0",
        "X-Rate-Limit-Config": "Update",
    }
    gateway = ScriptedGateway(Reply(429, headers), NotSent("no"))
    observer = LoggingObserver() if observed else Observer()
    with caplog.at_level(logging.DEBUG, "reservation_core.delivery"):
        error = fails(gateway, NotSent, PENDING, Wrap(), observer, attempts=2, strict=False)
    throttled, unsent = error.attempts
    assert (throttled.http_status, throttled.request_id) == (429, "RQ" + "1" * 32)
    assert throttled.rate_limit == RateLimit(60, 0, "Update")
    assert throttled.headers == Reply(429, headers).headers
    assert (unsent.http_status, unsent.request_id) == (None, None)
    assert unsent.rate_limit == RateLimit(None, None, None)
    assert (f"request RQ{'1' * 32})" in caplog.text) is observed
    assert "RQ" not in repr(throttled)


def test_log_does_not_warn_when_the_command_is_done(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        deliver(ScriptedGateway(shows("accepted")), observer=LoggingObserver())
        fails(
            ScriptedGateway(TIMED_OUT, shows("accepted")),
            Indistinguishable,
            observer=LoggingObserver(),
        )
        fails(
            ScriptedGateway(TIMED_OUT, shows("canceled")),
            OutcomeUnknown,
            PENDING,
            SECRET,
            LoggingObserver(),
        )
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", f"accept of {SID}: done, now accepted"),
        (
            "INFO",
            f"accept of {SID}: done after 2 attempts, perhaps by a concurrent writer, now accepted",
        ),
        ("WARNING", f"conference of {SID}: gave up after 2 attempts: OutcomeUnknown"),
    ]


def test_observer_of_one_delivery_receives_its_hooks() -> None:
    """Also the last one, after which the delivery is done."""
    received: list[str] = []

    class Last(Observer):
        def delivered(self, reservation: Reservation) -> None:
            received.append(f"{reservation.status}")

    class Every(Observer):
        def for_delivery(self, reservation: Reservation, command: Command) -> Observer:
            received.append(f"{command.trigger} while {reservation.status}")
            return Last()

    deliver(ScriptedGateway(shows("accepted")), observer=Every())
    assert received == ["accept while pending", "accepted"]
