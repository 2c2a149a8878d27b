"""Reconciliation: the result of a fetch after a failure."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
import pytest

from reservation_core import (
    Accept,
    Command,
    Complete,
    Dequeue,
    GatewayError,
    Indistinguishable,
    LostRace,
    NotSent,
    OutcomeUnknown,
    Redirect,
    Reject,
    Reply,
    Request,
    ReservationError,
    ServerFailed,
    SetStatus,
    Status,
    Wrap,
    perform,
)
from reservation_core.delivery.reconciliation import max_actions_between
from reservation_core.emulator import InMemoryGateway, Platform
from reservation_core.emulator.faults import FaultKind
from reservation_core.testing.faults import Fault, FaultyGateway, Rival
from tests.campaigns.delivery_cases import WHERE
from tests.delivery.scripted import (
    ALREADY_ACCEPTED,
    CALL,
    CONFERENCE,
    NOT_PENDING,
    PENDING,
    STALE,
    SUPERVISE,
    TIMED_OUT,
    ScriptedGateway,
    deliver,
    fails,
    shows,
)

# --- the outcome is unknown ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "unknown",
    [TIMED_OUT, Reply(500), Reply(503), Reply(200, {}, b"<html>")],
    ids=["time-out", "500", "503", "unreadable"],
)
def test_command_that_did_not_act_is_repeated_with_the_fetched_version(
    unknown: Reply | GatewayError,
) -> None:
    gateway = ScriptedGateway(unknown, shows("pending", "5"), shows("accepted", "6"))
    assert deliver(gateway).etag == "6"
    assert gateway.methods == "PGP"
    assert [request.headers.get("If-Match") for request in gateway.requests] == ["3", None, "5"]
    assert gateway.pauses == [0.125]


@pytest.mark.parametrize(
    ("command", "start", "now", "versions"),
    [
        (Accept(), "pending", "accepted", ("3", "4")),
        (Accept(), "pending", "accepted", (None, None)),
        (Accept(), "pending", "wrapping", ("3", "5")),
        (Accept(), "pending", "completed", ('"3"', 'W/"5"')),
        (Reject(), "pending", "rejected", ("3", "4")),
        (attrs.evolve(CALL, accept=True), "pending", "accepted", ("3", "4")),
        (Wrap(), "accepted", "wrapping", ("3", "4")),
        (Complete(), "accepted", "completed", ("x", "y")),
        (CONFERENCE, "pending", "accepted", ("3", "5")),
        (Dequeue(), "pending", "completed", (None, None)),
    ],
)
def test_own_action_and_a_concurrent_writers_are_indistinguishable(
    command: Command, start: str, now: str, versions: tuple[str | None, str | None]
) -> None:
    gateway = ScriptedGateway(TIMED_OUT, shows(now, versions[1]))
    error = fails(
        gateway, Indistinguishable, attrs.evolve(WHERE, status=start, etag=versions[0]), command
    )
    assert gateway.methods == "PG"
    assert error.reservation == attrs.evolve(WHERE, status=now, etag=versions[1])
    assert error.last_known == error.reservation
    assert "cannot be told apart" in str(error)
    assert [attempt.outcome for attempt in error.attempts] == ["GatewayError", now]
    assert error.__cause__ == TIMED_OUT


ACCEPTING_CALL: Final = attrs.evolve(CALL, accept=True)
ACCEPTING_REDIRECT: Final = Redirect(call_sid="CA" + "0" * 32, url="https://x.y", accept=True)


@pytest.mark.parametrize(
    ("command", "start", "now", "versions"),
    [
        # An orchestrated accept was on hold first. No source shows that a hold raises the version.
        (Accept(), "pending", "canceled", (None, None)),
        (Accept(), "pending", "canceled", ("3", "4")),
        (Accept(), "pending", "canceled", ("3", "5")),
        # An accepting call may leave the reservation pending at first.
        *(
            (command, "pending", status, ("3", "5"))
            for command in (ACCEPTING_CALL, ACCEPTING_REDIRECT, CALL, Dequeue())
            for status in ("canceled", "timeout", "rescinded")
        ),
        (ACCEPTING_CALL, "pending", "rescinded", (None, None)),
        # Another action may have raised the version, and shows nothing else.
        (CALL, "pending", "pending", ("3", "4")),
        (CONFERENCE, "pending", "pending", ("3", "4")),
        (SUPERVISE, "accepted", "accepted", ("3", "4")),
        # No source shows that a conference raises the version.
        (CONFERENCE, "pending", "canceled", ("3", "4")),
        (SUPERVISE, "accepted", "wrapping", ("3", "4")),
        (CALL, "pending", "accepted", ("3", "5")),
    ],
)
def test_outcome_is_unknown_if_the_effect_is_not_shown(
    command: Command, start: str, now: str, versions: tuple[str | None, str | None]
) -> None:
    """The fetch can follow with and without the command."""
    gateway = ScriptedGateway(TIMED_OUT, shows(now, versions[1]))
    held = attrs.evolve(WHERE, status=start, etag=versions[0])
    error = fails(gateway, OutcomeUnknown, held, command)
    assert gateway.methods == "PG"
    on_hold = now == "pending" and command is CONFERENCE
    assert error.last_known == attrs.evolve(WHERE, status=now, etag=versions[1], on_hold=on_hold)
    assert error.is_final
    assert f"if the {command.trigger} was carried out" in str(error)
    shown = "timed out" if now == "timeout" else now
    assert (f"may be {shown} with or without it" in str(error)) is (now != start)
    is_over = now not in ("pending", "accepted", "wrapping")
    assert ("nothing can be sent any more" in str(error)) is is_over


def _received_by_client(faults: tuple[Fault, ...]) -> list[tuple[int, bytes, str | None]]:
    """Perform an accept through faults. Return what was received, without dates."""
    platform = Platform()
    held = platform.add(attrs.evolve(WHERE, date_created=None))
    received: list[tuple[int, bytes, str | None]] = []

    class RecordedGateway(FaultyGateway):
        def send(self, request: Request) -> Reply:
            reply = super().send(request)
            body = {
                name: value
                for name, value in json.loads(reply.body).items()
                if not name.startswith("date")
            }
            received.append((reply.status, json.dumps(body).encode(), reply.etag))
            return reply

    gateway = RecordedGateway(InMemoryGateway(platform), faults, platform=platform)
    with pytest.raises(Indistinguishable):
        perform(held, Accept(), gateway)
    return received


def test_lost_reply_and_concurrent_accept_show_the_same_bytes() -> None:
    """No rule could decide between the two."""
    transcripts = [
        _received_by_client((Fault(FaultKind.LOST_REPLY),)),
        _received_by_client((Fault(FaultKind.LOST_REQUEST), Fault(rival=Rival.ACCEPTS))),
    ]
    assert transcripts[0] == transcripts[1] != []


@pytest.mark.parametrize(
    ("command", "start", "now", "etag"),
    [
        (Accept(), "pending", "timeout", None),
        (Accept(), "pending", "rescinded", "9"),
        (Accept(), "pending", "rejected", "4"),
        (Reject(), "pending", "accepted", None),
        # There was one action, and it was not the command.
        *(
            (command, "pending", status, "4")
            for command in (CALL, ACCEPTING_CALL, ACCEPTING_REDIRECT, Dequeue())
            for status in ("canceled", "timeout", "rescinded")
        ),
        (Dequeue(), "pending", "accepted", "4"),
        (Wrap(), "accepted", "completed", "4"),
    ],
)
def test_change_that_excludes_the_command_is_a_lost_race(
    command: Command, start: str, now: str, etag: str | None
) -> None:
    gateway = ScriptedGateway(TIMED_OUT, shows(now, etag))
    error = fails(gateway, LostRace, attrs.evolve(PENDING, status=start), command)
    assert gateway.methods == "PG"
    assert error.reservation.status == now
    shown = "timed out" if now == "timeout" else now
    assert str(error) == (
        "the command was not carried out: the reservation moved on. "
        f"The reservation is {shown} now: decide again."
    )
    assert len(error.attempts) == 2


@pytest.mark.parametrize("command", [CONFERENCE, Dequeue(), CALL, SUPERVISE])
def test_command_without_visible_effect_is_repeated_only_on_request(command: Command) -> None:
    start = attrs.evolve(WHERE, status="accepted" if command is SUPERVISE else "pending")
    error = fails(
        gateway := ScriptedGateway(TIMED_OUT, shows(start.status)), OutcomeUnknown, start, command
    )
    assert gateway.methods == "PG"
    holds = command in (CONFERENCE, Dequeue())
    assert error.may_be_on_hold is holds
    assert ("The reservation may be on hold." in str(error)) is holds
    assert not error.last_known.on_hold  # it is not claimed
    assert f"if the {command.trigger} was carried out" in str(error)
    gateway = ScriptedGateway(TIMED_OUT, shows(start.status), shows(start.status))
    deliver(gateway, start, command, repeat_unknown=True)
    assert gateway.methods == "PGP"


@pytest.mark.parametrize(
    ("command", "repeated"), [(CALL, True), (Dequeue(), True), (CONFERENCE, False)]
)
def test_unchanged_version_shows_that_a_versioned_command_did_not_act(
    command: Command, repeated: bool
) -> None:
    gateway = ScriptedGateway(TIMED_OUT, shows("pending", "3"), shows("pending", "4"))
    if not repeated:
        fails(gateway, OutcomeUnknown, command=command)
        return
    deliver(gateway, command=command)
    assert [request.headers.get("If-Match") for request in gateway.requests] == ["3", None, "3"]


@pytest.mark.parametrize(
    ("command", "start", "now", "etag", "on_hold"),
    [
        (Accept(), "pending", "accepted", "4", False),
        (Accept(), "pending", "wrapping", "5", False),
        (Complete(), "accepted", "completed", None, False),
        (CONFERENCE, "pending", "pending", "4", True),
        (CALL, "pending", "pending", "4", False),
    ],
)
def test_sole_writer_is_done_when_the_effect_shows(
    command: Command, start: str, now: str, etag: str | None, on_hold: bool
) -> None:
    gateway = ScriptedGateway(TIMED_OUT, shows(now, etag))
    done = deliver(gateway, attrs.evolve(PENDING, status=start), command, sole_writer=True)
    assert done == attrs.evolve(WHERE, status=now, etag=etag, on_hold=on_hold)


@pytest.mark.parametrize(("command", "on_hold"), [(CONFERENCE, True), (CALL, False)])
def test_command_that_may_have_put_on_hold_is_shown_on_hold(
    command: Command, on_hold: bool
) -> None:
    """Continuing from the reservation must not call the worker twice."""
    gateway = ScriptedGateway(TIMED_OUT, shows("pending", "4"))
    error = fails(gateway, OutcomeUnknown, command=command)
    assert error.last_known == attrs.evolve(WHERE, etag="4", on_hold=on_hold)
    assert error.may_be_on_hold is on_hold
    assert ("book.release(sid)" in str(error)) is on_hold


def test_sole_writer_cannot_tell_about_a_status_the_platform_sets() -> None:
    fails(
        ScriptedGateway(TIMED_OUT, shows("canceled", "5")),
        OutcomeUnknown,
        command=CONFERENCE,
        sole_writer=True,
    )


@pytest.mark.parametrize("command", [CALL, CONFERENCE, ACCEPTING_CALL, Dequeue(), SUPERVISE])
@pytest.mark.parametrize(
    ("held", "shown"), [("abc", "abc-gzip"), ('"3"', '"3-gzip"'), ("abc", 'W/"abc"'), ("3", None)]
)
def test_sole_writer_is_not_done_if_the_version_is_only_spelled_otherwise(
    command: Command, held: str, shown: str | None
) -> None:
    status = Status.ACCEPTED if command is SUPERVISE else Status.PENDING
    start = attrs.evolve(WHERE, status=status, etag=held)
    gateway = ScriptedGateway(TIMED_OUT, shows(status, shown))
    error = fails(gateway, OutcomeUnknown, start, command, sole_writer=True)
    assert (error.last_known.state, error.last_known.etag) == (status, shown)
    assert gateway.methods == "PG"


@pytest.mark.parametrize("command", [CALL, CONFERENCE, Accept(), Reject()])
@pytest.mark.parametrize("alone", [True, False])
def test_fetch_of_an_older_version_is_repeated(command: Command, alone: bool) -> None:
    """A replica shows it."""
    gateway = ScriptedGateway(TIMED_OUT, *[shows("pending", "2")] * 4)
    error = fails(gateway, OutcomeUnknown, PENDING, command, sole_writer=alone)
    assert error.last_known == PENDING
    assert "could not be fetched" in str(error)
    assert gateway.methods == "PGGGG"
    gateway = ScriptedGateway(TIMED_OUT, shows("pending", "2"), shows("rejected", "4"))
    kind = LostRace if command is not Reject() and command != Reject() else Indistinguishable
    if alone and command == Reject():
        assert deliver(gateway, PENDING, command, sole_writer=True).status is Status.REJECTED
    else:
        fails(gateway, kind, PENDING, command, sole_writer=alone)
    assert gateway.methods == "PGG"


def test_sole_writer_is_not_done_by_a_version_after_a_fetch() -> None:
    """The fetched version may have been an old one."""
    unversioned = attrs.evolve(PENDING, etag=None)
    script = (shows("pending", "2"), TIMED_OUT, shows("pending", "3"))
    gateway = ScriptedGateway(*script, NotSent("no"))
    fails(gateway, OutcomeUnknown, unversioned, resume=True, sole_writer=True, attempts=2)


@pytest.mark.parametrize(
    ("command", "now", "kind"),
    [
        (CALL, "accepted", OutcomeUnknown),
        (CALL, "canceled", OutcomeUnknown),
        (ACCEPTING_CALL, "accepted", Indistinguishable),
        (Reject(), "rejected", None),
    ],
)
def test_sole_writer_is_not_done_by_the_end_of_a_hold(
    command: Command, now: str, kind: type[ReservationError] | None
) -> None:
    """The platform ends it by itself, but never with a rejection."""
    held = attrs.evolve(PENDING, on_hold=True)
    gateway = ScriptedGateway(TIMED_OUT, shows(now, "5"))
    if kind is None:
        assert deliver(gateway, held, command, strict=False, sole_writer=True).status == now
    else:
        fails(gateway, kind, held, command, strict=False, sole_writer=True)


def test_old_status_is_no_effect() -> None:
    """A replica may show that a wrapping reservation is accepted."""
    wrapping = attrs.evolve(WHERE, status="wrapping")
    for alone in (True, False):
        gateway = ScriptedGateway(TIMED_OUT, shows("accepted"))
        fails(gateway, OutcomeUnknown, wrapping, Accept(), strict=False, sole_writer=alone)
    newer = ScriptedGateway(TIMED_OUT, shows("accepted", "4"))
    held = attrs.evolve(wrapping, etag="3")
    fails(newer, Indistinguishable, held, Accept(), strict=False)


def test_hold_that_a_newer_report_no_longer_shows_does_not_rule_a_late_request_out() -> None:
    """It may still end as accepted, and then the completion acts."""
    held = attrs.evolve(WHERE, on_hold=True)
    reports: list[Reply] = []
    for second in (2, 3):
        shown = json.loads(shows("pending").body)
        shown["date_updated"] = f"2030-01-01T12:00:0{second}Z"
        reports.append(Reply(200, {}, json.dumps(shown).encode()))
    gateway = ScriptedGateway(reports[0], TIMED_OUT, reports[1])
    error = fails(gateway, OutcomeUnknown, held, Complete(), resume=True, strict=False)
    assert gateway.methods == "GPG"
    assert "may act later" in str(error)


def test_old_status_does_not_rule_a_late_request_out() -> None:
    """A completion may still be on its way."""
    accepted = attrs.evolve(WHERE, status="accepted")
    gateway = ScriptedGateway(TIMED_OUT, shows("pending", "2"))
    error = fails(gateway, OutcomeUnknown, accepted, Complete())
    assert "may act later" in str(error)
    assert gateway.methods == "PG"


def test_passed_version_rules_out_a_request_on_its_way() -> None:
    gateway = ScriptedGateway(TIMED_OUT, shows("pending", "4"))
    assert fails(gateway, LostRace, PENDING, Reject(), attempts=1).reservation.etag == "4"
    accept_may_be_on_hold = ("4", Accept())
    for version, command in (("3", Reject()), ("3", Accept()), accept_may_be_on_hold):
        still = ScriptedGateway(TIMED_OUT, shows("pending", version))
        assert "may act later" in str(fails(still, OutcomeUnknown, PENDING, command, attempts=1))


@pytest.mark.parametrize(
    ("command", "start", "holds"),
    [
        (CONFERENCE, "pending", True),
        (Dequeue(), "pending", True),
        (Accept(), "pending", True),  # it may be orchestrated
        (attrs.evolve(CALL, accept=True), "pending", True),
        (CALL, "pending", False),
        (Reject(), "pending", False),
        (SUPERVISE, "accepted", False),
        (Complete(), "accepted", False),
    ],
)
def test_delivery_that_gives_up_tells_if_a_hold_is_possible(
    command: Command, start: str, holds: bool
) -> None:
    gateway = ScriptedGateway(*[TIMED_OUT] * 2)
    held = attrs.evolve(WHERE, status=start)
    error = fails(gateway, OutcomeUnknown, held, command, attempts=1)
    assert (error.is_final, error.may_be_on_hold) == (False, holds)
    assert ("it may be on hold" in str(error)) is holds


def test_accept_that_may_be_on_hold_stays_in_doubt() -> None:
    gateway = ScriptedGateway(TIMED_OUT, shows("pending", "4"), NOT_PENDING, shows("pending", "4"))
    assert fails(gateway, OutcomeUnknown).last_known.on_hold
    assert gateway.methods == "PGPG"
    sent = ScriptedGateway(TIMED_OUT, shows("pending", "4"), *[NotSent("no")] * 3)
    assert fails(sent, OutcomeUnknown).last_known.etag == "4"


@pytest.mark.parametrize("command", [ACCEPTING_CALL, ACCEPTING_REDIRECT])
def test_accepting_call_is_not_repeated(command: Command) -> None:
    """It is documented to accept at once, but seen to leave pending."""
    gateway = ScriptedGateway(TIMED_OUT, shows("pending", "4"))
    held = fails(gateway, OutcomeUnknown, PENDING, command).last_known
    assert (held.etag, held.on_hold) == ("4", True)
    unversioned = ScriptedGateway(TIMED_OUT, shows("pending", None))
    fails(unversioned, OutcomeUnknown, attrs.evolve(PENDING, etag=None), command)
    for script in (gateway, unversioned):
        assert script.methods == "PG"
    alone = ScriptedGateway(TIMED_OUT, shows("pending", "4"))
    is_held_as_after_the_lost_reply = deliver(alone, PENDING, command, sole_writer=True).on_hold
    assert is_held_as_after_the_lost_reply
    again = ScriptedGateway(TIMED_OUT, shows("pending", "3"), shows("accepted", "4"))
    assert deliver(again, PENDING, command).status is Status.ACCEPTED


@pytest.mark.parametrize("versions", [("3", "5"), ("x", "y"), (None, None), (None, "4")])
def test_lost_wrap_is_not_repeated_if_the_platform_may_have_undone_it(
    versions: tuple[str | None, str | None],
) -> None:
    """No source rules out that wrapping becomes accepted again."""
    held = attrs.evolve(WHERE, status="accepted", etag=versions[0])
    for alone in (False, True):
        gateway = ScriptedGateway(TIMED_OUT, shows("accepted", versions[1]))
        error = fails(gateway, OutcomeUnknown, held, Wrap(), sole_writer=alone)
        assert gateway.methods == "PG"
        assert error.is_final
        assert error.reason == (
            "no fetch can show if the wrap was carried out: the platform may have undone it"
        )
        assert error.last_known == attrs.evolve(held, etag=versions[1])
    again = ScriptedGateway(TIMED_OUT, shows("accepted", versions[1]), shows("wrapping", "6"))
    assert deliver(again, held, Wrap(), repeat_unknown=True).status is Status.WRAPPING


@pytest.mark.parametrize("versions", [("3", "3"), ("3", "4")])
def test_lost_wrap_is_repeated_if_the_version_leaves_no_room_for_two_actions(
    versions: tuple[str, str],
) -> None:
    held = attrs.evolve(WHERE, status="accepted", etag=versions[0])
    gateway = ScriptedGateway(TIMED_OUT, shows("accepted", versions[1]), shows("wrapping", "9"))
    assert deliver(gateway, held, Wrap()).status is Status.WRAPPING
    assert [request.headers.get("If-Match") for request in gateway.requests] == [
        "3",
        None,
        versions[1],
    ]


@pytest.mark.parametrize(("seconds", "repeated"), [(0, True), (1, False)])
def test_lost_wrap_without_versions_is_repeated_only_if_the_date_is_the_same(
    seconds: int, repeated: bool
) -> None:
    date = datetime(2030, 1, 1, 12, tzinfo=UTC)
    held = attrs.evolve(WHERE, status="accepted", date_updated=date)
    shown = json.loads(shows("accepted").body)
    shown["date_updated"] = (date + timedelta(seconds=seconds)).isoformat()
    fetched = Reply(200, {}, json.dumps(shown).encode())
    gateway = ScriptedGateway(TIMED_OUT, fetched, shows("wrapping"))
    if repeated:
        assert deliver(gateway, held, Wrap()).status is Status.WRAPPING
    else:
        fails(gateway, OutcomeUnknown, held, Wrap())


def test_unknown_outcome_survives_later_refusals() -> None:
    for answer in (Reply(404), Reply(429), NotSent("no")):
        gateway = ScriptedGateway(TIMED_OUT, shows("pending", "3"), answer)
        error = fails(gateway, OutcomeUnknown, attempts=2)
        assert len(error.attempts) == 3
    assert fails(
        ScriptedGateway(TIMED_OUT, shows("pending", "3"), STALE, shows("accepted", "4")),
        Indistinguishable,
    )
    assert fails(
        ScriptedGateway(TIMED_OUT, shows("pending", "3"), NOT_PENDING, shows("pending", "3")),
        OutcomeUnknown,
    ).last_known.on_hold
    unheld = attrs.evolve(WHERE, etag=None)
    stale = ScriptedGateway(TIMED_OUT, shows("pending", "4"), STALE, shows("pending", "5"))
    assert fails(stale, OutcomeUnknown, unheld, retry_stale=False)


# --- the status was refused ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "refusal", [ALREADY_ACCEPTED, STALE, Reply(409)], ids=["400", "412", "409"]
)
@pytest.mark.parametrize("status", ["rejected", "timeout", "rescinded"])
def test_refusal_because_of_the_status_is_a_lost_race(refusal: Reply, status: str) -> None:
    gateway = ScriptedGateway(refusal, shows(status, "4"))
    error = fails(gateway, LostRace)
    assert gateway.methods == "PG"
    assert (error.http_status, error.reservation) == (
        refusal.status,
        attrs.evolve(PENDING, status=status, etag="4"),
    )


@pytest.mark.parametrize(
    "refusal",
    [ALREADY_ACCEPTED, STALE, Reply(409), Reply(400, {}, b'{"code": 20412}'), Reply(400)],
    ids=["400", "412", "409", "20412", "without a reason"],
)
@pytest.mark.parametrize(
    ("command", "start", "now"),
    [
        (Accept(), "pending", "accepted"),
        (Accept(), "pending", "completed"),
        (Reject(), "pending", "rejected"),
        (Wrap(), "accepted", "wrapping"),
        (Complete(), "wrapping", "completed"),
        (SetStatus(status=Status.CANCELED), "pending", "canceled"),
    ],
)
def test_refusal_that_the_own_act_explains_claims_nothing(
    refusal: Reply, command: Command, start: str, now: str
) -> None:
    """A proxy may have repeated the request, and returned the second answer."""
    held = attrs.evolve(PENDING, status=start)
    gateway = ScriptedGateway(refusal, shows(now, "5"))
    error = fails(gateway, Indistinguishable, held, command)
    assert (gateway.methods, error.reservation.status) == ("PG", now)
    alone = ScriptedGateway(refusal, shows(now, "5"))
    if now == "canceled":
        fails(alone, Indistinguishable, held, command, sole_writer=True)
    else:
        assert deliver(alone, held, command, sole_writer=True).status == now


@pytest.mark.parametrize(("etag", "kind"), [("3", LostRace), ("4", OutcomeUnknown)])
def test_refused_accept_of_an_ended_reservation_may_have_failed_on_hold(
    etag: str, kind: type[ReservationError]
) -> None:
    """No source shows that a hold raises the version. Its end does."""
    ended = attrs.evolve(PENDING, status="canceled")
    gateway = ScriptedGateway(NOT_PENDING, shows("canceled", etag))
    fails(gateway, kind, ended, Accept(), strict=False)


@pytest.mark.parametrize("etag", ["5", None])
@pytest.mark.parametrize("now", ["canceled", "rescinded", "accepted", "completed"])
def test_trusted_refusal_is_a_lost_race(now: str, etag: str | None) -> None:
    for refusal in (ALREADY_ACCEPTED, STALE, Reply(409), Reply(400)):
        gateway = ScriptedGateway(refusal, shows(now, etag))
        error = fails(gateway, LostRace, PENDING, Accept(), trust_refusals=True)
        assert (gateway.methods, error.reservation.status) == ("PG", now)


def test_trusted_refusal_says_nothing_of_an_earlier_request() -> None:
    gateway = ScriptedGateway(TIMED_OUT, shows("pending"), NOT_PENDING, shows("canceled"))
    unheld = attrs.evolve(PENDING, etag=None)
    fails(gateway, OutcomeUnknown, unheld, Accept(), trust_refusals=True)


def test_trusted_stale_version_is_repeated() -> None:
    gateway = ScriptedGateway(STALE, shows("pending", "4"), shows("pending", "5"))
    deliver(gateway, PENDING, CALL, trust_refusals=True)
    assert [request.headers.get("If-Match") for request in gateway.requests] == ["3", None, "4"]


@pytest.mark.parametrize(
    ("refusal", "command", "now", "etag", "kind"),
    [
        # A 412 hides only an act that raised the version.
        (STALE, Accept(), "canceled", "4", LostRace),
        (STALE, Accept(), "canceled", "5", OutcomeUnknown),
        (Reply(409), Accept(), "canceled", "4", LostRace),
        (STALE, CONFERENCE, "canceled", "4", LostRace),
        (STALE, CALL, "timeout", "4", LostRace),
        (STALE, CALL, "timeout", "5", OutcomeUnknown),
        # A state error hides only an act after which the command is refused.
        (NOT_PENDING, Accept(), "canceled", "4", OutcomeUnknown),
        (NOT_PENDING, CALL, "canceled", "9", LostRace),
        (NOT_PENDING, CALL, "pending", None, LostRace),
        (NOT_PENDING, ACCEPTING_CALL, "pending", "5", LostRace),
        (NOT_PENDING, ACCEPTING_CALL, "canceled", "5", LostRace),
        (NOT_PENDING, ACCEPTING_CALL, "accepted", "5", Indistinguishable),
        (NOT_PENDING, Reject(), "pending", "4", LostRace),
        # A replica may show it from before the rejection.
        (NOT_PENDING, Reject(), "pending", "3", OutcomeUnknown),
        (NOT_PENDING, Reject(), "pending", None, OutcomeUnknown),
        # A hold is always named.
        (Reply(400), Accept(), "canceled", "5", LostRace),
        # A task under transfer is no state.
        (Reply(400, {}, b'{"code": 40151}'), CONFERENCE, "canceled", "9", LostRace),
    ],
)
def test_refusal_is_believed_if_the_own_act_cannot_explain_it(
    refusal: Reply, command: Command, now: str, etag: str | None, kind: type[ReservationError]
) -> None:
    gateway = ScriptedGateway(refusal, shows(now, etag))
    fails(gateway, kind, PENDING, command)
    assert gateway.methods == "PG"


@pytest.mark.parametrize("command", [CALL, ACCEPTING_CALL, SUPERVISE, CONFERENCE, Dequeue()])
@pytest.mark.parametrize("etag", ["4", "5", "9", "x", None])
def test_stale_version_is_not_repeated_if_the_own_act_may_have_raised_it(
    command: Command, etag: str | None
) -> None:
    """The command would act a second time."""
    start = attrs.evolve(PENDING, status="accepted" if command is SUPERVISE else "pending")
    for alone in (False, True):
        gateway = ScriptedGateway(STALE, shows(start.status, etag))
        error = fails(gateway, OutcomeUnknown, start, command, sole_writer=alone)
        assert (gateway.methods, error.last_known.etag) == ("PG", etag)


@pytest.mark.parametrize("command", [CALL, ACCEPTING_CALL, Dequeue()])
def test_stale_version_is_repeated_with_the_same_version(command: Command) -> None:
    """The first of the two that acts uses the version up."""
    gateway = ScriptedGateway(STALE, shows("pending", "3"), STALE, shows("pending", "4"))
    fails(gateway, OutcomeUnknown, PENDING, command)
    assert [request.headers.get("If-Match") for request in gateway.requests] == [
        "3",
        None,
        "3",
        None,
    ]


@pytest.mark.parametrize(
    ("command", "start"),
    [(Accept(), "pending"), (Reject(), "pending"), (Wrap(), "accepted"), (Complete(), "wrapping")],
)
def test_stale_version_is_repeated_if_a_second_act_is_impossible(
    command: Command, start: str
) -> None:
    """The own act would show, or the platform refuses a second one."""
    held = attrs.evolve(PENDING, status=start)
    done = {"accept": "accepted", "reject": "rejected", "wrap": "wrapping"}
    gateway = ScriptedGateway(
        STALE, shows(start, "4"), shows(done.get(command.trigger, "completed"), "5")
    )
    assert deliver(gateway, held, command).etag == "5"
    assert [request.headers.get("If-Match") for request in gateway.requests] == ["3", None, "4"]


@pytest.mark.parametrize(("command", "kind"), [(Reject(), LostRace), (Accept(), OutcomeUnknown)])
@pytest.mark.parametrize("limit", [{"retry_stale": False}, {"attempts": 1}])
def test_stale_version_that_is_not_repeated_is_a_lost_race_unless_it_may_be_on_hold(
    command: Command, kind: type[ReservationError], limit: dict[str, Any]
) -> None:
    gateway = ScriptedGateway(STALE, shows("pending", "4"))
    error = fails(gateway, kind, PENDING, command, **limit)
    now = getattr(error, "reservation" if kind is LostRace else "last_known")
    assert (gateway.methods, now.etag) == ("PG", "4")


def test_pending_reservation_refused_as_not_pending_is_on_hold() -> None:
    gateway = ScriptedGateway(NOT_PENDING, shows("pending"))
    error = fails(gateway, LostRace, command=CALL)
    assert error.reservation == attrs.evolve(WHERE, on_hold=True)
    for command in (Accept(), CONFERENCE, ACCEPTING_CALL):  # their own act may explain it
        gateway = ScriptedGateway(NOT_PENDING, shows("pending"))
        error = fails(gateway, OutcomeUnknown, command=command)
        assert error.last_known == attrs.evolve(WHERE, on_hold=True)
    gateway = ScriptedGateway(Reply(409), shows("pending"))
    assert not fails(gateway, OutcomeUnknown).last_known.on_hold


@pytest.mark.parametrize("status", [100, 101, 199, 300, 301, 302, 303, 304, 307, 308])
def test_answer_that_says_nothing_leaves_the_outcome_unknown(status: int) -> None:
    gateway = ScriptedGateway(Reply(status), shows("accepted", "4"))
    assert fails(gateway, Indistinguishable).attempts[0].outcome == "ServerFailed"
    gateway = ScriptedGateway(Reply(status), shows("pending", "3"), shows("accepted", "4"))
    assert deliver(gateway).status is Status.ACCEPTED
    once = ScriptedGateway(Reply(status))
    error = fails(once, ServerFailed, reconcile=False)
    assert "The outcome is unknown: fetch the reservation" in str(error)
    assert ("not followed: check the gateway's base URL" in str(error)) is (status >= 300)


# --- versions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "most"),
    [
        (None, "1", None),
        ("1", None, None),
        ("1", "1", 0),
        ("x", "x", 0),
        ("x", "y", None),
        ("1", "4", 3),
        ('W/"1"', '"2"', 1),
        ('W/"1"', '"1"', 0),
        ("4", "1", None),
        ("1", "y", None),
    ],
)
def test_max_actions_between_counts_versions(
    before: str | None, after: str | None, most: int | None
) -> None:
    assert (
        max_actions_between(attrs.evolve(WHERE, etag=before), attrs.evolve(WHERE, etag=after))
        == most
    )
