"""Commands and facts move reservations as the hand-written lifecycle says."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs
import pytest

from reservation_core import (
    Accept,
    Complete,
    IncompleteReservation,
    LostRace,
    Refused,
    Reject,
    Route,
    Status,
    Supervise,
    Wrap,
    conclude,
)
from reservation_core.emulator import (
    InMemoryGateway,
    Platform,
    Settings,
    StateConflict,
    TaskStatus,
)
from tests.emulator.platform.stage import ACTIVITY, CONFERENCE, Stage
from tests.emulator.samples import (
    BASES,
    EXAMPLES,
    HEX,
    PENDING,
    SID,
    STATES,
    holding,
    in_state,
    numbered,
    read_json,
    update,
)
from tests.reference.oracle import rows

MATRIX: Final = rows("matrix")


CASES: Final = [
    pytest.param(row, route, id=f"{row['command']} {row['state']} {route.value}")
    for row in MATRIX
    for route in Route
]


@pytest.mark.parametrize(("row", "route"), CASES)
def test_command_is_answered_by_the_lifecycle(row: dict[str, str], route: Route) -> None:
    """On both routes. An illegal command changes nothing."""
    gateway = holding(in_state(row["state"]), command=row["command"])
    command = EXAMPLES[row["command"]]
    before = gateway.platform.get(SID)
    reply = gateway.send(update(command.form(), route))
    after = gateway.platform.get(SID)
    if row["allowed"] == "no" or (command.is_task_route_only and route is Route.WORKER):
        assert reply.status == 400
        assert read_json(reply)["status"] == 400
        assert after == before
        return
    assert reply.status == 200
    sets = before.status.value if row["sets"] in ("later", "nothing") else row["sets"]
    assert read_json(reply)["reservation_status"] == sets
    assert reply.etag == ("1" if route is Route.TASK else None)
    assert after == attrs.evolve(
        before,
        status=sets,
        etag="1",
        on_hold=row["sets"] == "later",
        date_updated=datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC),
    )
    assert BASES[route] in str(read_json(reply)["url"])


SENTENCES: Final = {
    (row["sent"], row["state"]): row["message"].format(sid=SID) for row in rows("conflicts")
}


FAMILIES: Final = re.compile(
    rf"Reservation {SID} (is already in state|not in expected state) \[\w+\]"
    r" and cannot be updated to \[\w+\]"
    r"|Unable to execute (Dequeue|Call|Redirect|Conference) instruction\."
    rf" Reservation {SID} is not currently in a Pending state\."
)


@pytest.mark.parametrize(
    "row",
    [row for row in MATRIX if row["allowed"] == "no" and row["command"] != "supervise"],
    ids=lambda row: f"{row['command']} {row['state']}",
)
def test_conflict_has_an_observed_message(row: dict[str, str]) -> None:
    """The library takes it for a lost race."""
    gateway = holding(in_state(row["state"]), command=row["command"])
    command = EXAMPLES[row["command"]]
    reply = gateway.send(update(command.form()))
    sentence = SENTENCES.get((row["command"], row["state"]))
    assert sentence is None or read_json(reply)["message"] == sentence
    assert FAMILIES.fullmatch(str(read_json(reply)["message"]))
    with pytest.raises(LostRace):
        conclude(PENDING, command, reply)


@pytest.mark.parametrize(
    "state",
    [row["state"] for row in MATRIX if row["command"] == "supervise" and row["allowed"] == "no"],
)
def test_supervise_in_a_wrong_state_is_a_lost_race(state: str) -> None:
    """Its message does not contradict the state."""
    reply = holding(in_state(state)).send(update(EXAMPLES["supervise"].form()))
    with pytest.raises(LostRace):
        conclude(PENDING, EXAMPLES["supervise"], reply)
    if state in ("pending", "onHold"):
        assert "not currently in a Pending state" not in str(read_json(reply)["message"])


def test_supervise_on_the_worker_route_is_not_a_lost_race() -> None:
    reply = holding(in_state("accepted")).send(update(EXAMPLES["supervise"].form(), Route.WORKER))
    with pytest.raises(Refused, match="not available on this route") as caught:
        conclude(in_state("accepted"), EXAMPLES["supervise"], reply)
    assert not isinstance(caught.value, LostRace)


FACTS: Final = {(row["from"], row["to"]) for row in rows("facts")}


@pytest.mark.parametrize("fact", Status)
@pytest.mark.parametrize("state", STATES)
def test_set_status_makes_only_the_facts_of_the_reference(state: str, fact: Status) -> None:
    """Any other is a conflict that names reservation, state and fact."""
    gateway = holding(in_state(state))
    before = gateway.platform.get(SID)
    if (state, fact.value) in FACTS:
        after = gateway.platform.set_status(SID, fact)
        assert (after.status, after.etag, after.on_hold) == (fact, "1", False)
        assert after.date_updated == datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC)
        assert gateway.platform.get(SID) == after
    else:
        with pytest.raises(StateConflict) as caught:
            gateway.platform.set_status(SID, fact)
        assert (caught.value.sid, caught.value.state, caught.value.trigger) == (
            SID,
            state,
            fact.value,
        )
        assert all(word in str(caught.value) for word in (SID, state, fact.value))
        assert gateway.platform.get(SID) == before


def test_conflict_can_be_pickled() -> None:
    conflict = StateConflict(SID, Status.PENDING, "wrap")
    copy: object = pickle.loads(pickle.dumps(conflict))
    assert isinstance(copy, StateConflict)
    assert (copy.sid, copy.state, copy.trigger, str(copy)) == (
        SID,
        Status.PENDING,
        "wrap",
        str(conflict),
    )


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: f"{row['command']} {row['state']}")
def test_execute_carries_out_a_command_or_raises_a_conflict(row: dict[str, str]) -> None:
    platform = holding(in_state(row["state"]), command=row["command"]).platform
    command = EXAMPLES[row["command"]]
    if row["allowed"] == "yes":
        assert platform.execute(SID, command) == platform.get(SID)
    else:
        with pytest.raises(StateConflict) as caught:
            platform.execute(SID, command)
        assert (caught.value.state, caught.value.trigger) == (row["state"], command.trigger)


def test_unknown_reservation_raises_key_error() -> None:
    platform = Platform()
    assert platform.all() == ()
    with pytest.raises(KeyError):
        platform.get(SID)
    with pytest.raises(KeyError):
        platform.execute(SID, Accept())
    with pytest.raises(KeyError):
        platform.set_status(SID, Status.TIMEOUT)


def test_added_reservation_has_version_0() -> None:
    """With the clock's dates, unless it has a date of creation."""
    platform = holding().platform
    first = platform.add(attrs.evolve(PENDING, etag="9"))
    created = datetime(2020, 1, 1, tzinfo=UTC)
    second = platform.add(numbered(1, date_created=created))
    assert (first.etag, first.date_created, first.date_updated) == (
        "0",
        first.date_updated,
        datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert (second.etag, second.date_created) == ("0", created)
    assert platform.all() == (first, second)


def test_default_clock_is_real() -> None:
    """Dates are in UTC and to the second."""
    added = Platform().add(PENDING)
    assert added.date_updated is not None
    assert abs(added.date_updated - datetime.now(UTC)) < timedelta(seconds=60)
    assert added.date_updated.microsecond == 0


@pytest.mark.parametrize("wrong", [None, "", "WR1", "XX" + HEX, f"WR{HEX}\n"], ids=repr)
@pytest.mark.parametrize("field", ["sid", "workspace_sid", "task_sid", "worker_sid"])
def test_reservation_without_an_address_is_refused(field: str, wrong: str | None) -> None:
    """Both routes need their SIDs."""
    platform = Platform()
    with pytest.raises(IncompleteReservation) as caught:
        platform.add(numbered(1, **{field: wrong}))
    assert caught.value.missing == (field,)
    assert platform.all() == ()


ACCEPTING: Final[Mapping[str, Callable[[InMemoryGateway], object]]] = {
    "accept": lambda gateway: gateway.send(update(Accept().form())),
    "accept on the worker route": lambda gateway: gateway.send(
        update(Accept().form(), Route.WORKER)
    ),
    "call": lambda gateway: gateway.platform.execute(SID, EXAMPLES["call+accept"]),
    "redirect": lambda gateway: gateway.platform.execute(SID, EXAMPLES["redirect+accept"]),
    "fact": lambda gateway: gateway.platform.set_status(SID, Status.ACCEPTED),
    "conference": lambda gateway: (
        gateway.platform.execute(SID, EXAMPLES["conference"]),
        gateway.platform.set_status(SID, Status.ACCEPTED),
    ),
}


@pytest.mark.parametrize("accept", ACCEPTING.values(), ids=ACCEPTING)
def test_acceptance_ends_only_the_siblings_that_wait(
    accept: Callable[[InMemoryGateway], object],
) -> None:
    """In every way of accepting. One on hold cannot be rescinded by default."""
    others = [
        numbered(3, status=Status.REJECTED),
        numbered(4, status=Status.ACCEPTED),
        numbered(5, task_sid="WT" + "f" * 32),
    ]
    gateway = holding(numbered(1), PENDING, numbered(2), *others, numbered(6, on_hold=True))
    untouched = [gateway.platform.get(str(other.sid)) for other in others]
    accept(gateway)
    assert gateway.platform.get(SID).status is Status.ACCEPTED
    for number in (1, 2):
        sibling = gateway.platform.get(f"WR{number:032x}")
        assert (sibling.status, sibling.etag) == (Status.RESCINDED, "1")
    assert gateway.platform.get(f"WR{6:032x}").state is Status.CANCELED
    assert [gateway.platform.get(str(other.sid)) for other in others] == untouched


@pytest.mark.parametrize("name", ["conference", "accept+orchestrated"])
def test_answer_rescinds_the_pending_siblings_before_the_outcome(name: str) -> None:
    """At the first worker's answer (documented), even if the set-up fails."""
    gateway = holding(PENDING, numbered(1), command=name)
    gateway.send(update(EXAMPLES[name].form()))
    held, sibling = gateway.platform.all()
    assert (held.state, sibling.status, sibling.etag) == ("onHold", Status.RESCINDED, "1")
    with pytest.raises(StateConflict):
        gateway.platform.execute(str(sibling.sid), Accept())
    gateway.platform.miss_call(SID)
    assert gateway.platform.get(str(sibling.sid)).status is Status.RESCINDED


@pytest.mark.parametrize(("setting", "status"), [(False, "canceled"), (True, "accepted")])
def test_missed_call_ends_the_hold_by_setting(setting: bool, status: str) -> None:
    stage = Stage(1, settings=Settings(accepts_unanswered=setting))
    stage.platform.execute(stage.sids[0], CONFERENCE)
    assert stage.platform.miss_call(stage.sids[0]).status == status


def test_dequeue_rescinds_the_siblings_by_setting() -> None:
    stage = Stage(2, settings=Settings(dequeue_rescinds=True))
    stage.platform.execute(stage.sids[0], EXAMPLES["dequeue"])
    assert stage.platform.get(stage.sids[1]).status is Status.RESCINDED


WINNING: Final[Mapping[str, Callable[[Platform, str], object]]] = {
    "accept": lambda platform, sid: platform.execute(sid, Accept()),
    "call": lambda platform, sid: platform.execute(sid, EXAMPLES["call+accept"]),
    "dequeue": lambda platform, sid: (
        platform.execute(sid, EXAMPLES["dequeue"]),
        platform.answer_call(sid),
    ),
    "conference": lambda platform, sid: (
        platform.execute(sid, EXAMPLES["conference"]),
        platform.answer_call(sid),
    ),
    "fact": lambda platform, sid: platform.set_status(sid, Status.ACCEPTED),
}


@pytest.mark.parametrize("can_rescind", [False, True])
@pytest.mark.parametrize("win", WINNING.values(), ids=WINNING)
def test_one_worker_has_the_task_though_another_one_was_called(
    win: Callable[[Platform, str], object], can_rescind: bool
) -> None:
    """A dequeue leaves its siblings pending by default. Its call can then be answered too late."""
    stage = Stage(2, settings=Settings(can_rescind_on_hold=can_rescind))
    platform, (called, winner) = stage.platform, stage.sids
    platform.execute(called, EXAMPLES["dequeue"])
    win(platform, winner)
    with pytest.raises(StateConflict):
        platform.answer_call(called)
    end = Status.RESCINDED if can_rescind else Status.CANCELED
    assert [platform.get(sid).state for sid in stage.sids] == [end, Status.ACCEPTED]
    assert platform.task(stage.task).status is TaskStatus.ASSIGNED
    platform.execute(winner, Complete())
    assert platform.task(stage.task).status is TaskStatus.COMPLETED


@pytest.mark.parametrize("setting", [False, True])
@pytest.mark.parametrize("given", [None, False, True])
def test_task_is_orchestrated_as_it_says_or_by_setting(setting: bool, given: bool | None) -> None:
    platform = Platform(settings=Settings(orchestrated_accept=setting))
    task = platform.add_task(str(PENDING.workspace_sid), orchestrated=given)
    worker = platform.add_worker(str(PENDING.workspace_sid))
    held = platform.execute(str(platform.reserve(task.sid, worker.sid).sid), Accept())
    assert held.on_hold is (setting if given is None else given)


@pytest.mark.parametrize("name", ["reject", "call", "redirect", "dequeue"])
def test_command_without_acceptance_leaves_the_siblings(name: str) -> None:
    gateway = holding(PENDING, numbered(1))
    gateway.send(update(EXAMPLES[name].form()))
    sibling = gateway.platform.get(f"WR{1:032x}")
    assert (sibling.status, sibling.etag) == (Status.PENDING, "0")


def test_later_commands_leave_the_siblings() -> None:
    """As in a transfer."""
    gateway = holding(in_state("accepted"), numbered(1))
    for command in (EXAMPLES["supervise"], Wrap(), Complete()):
        gateway.platform.execute(SID, command)
    assert gateway.platform.get(f"WR{1:032x}").status is Status.PENDING


def test_every_change_raises_the_version_by_one() -> None:
    """A refusal does not."""
    gateway = holding(PENDING)
    seen = [gateway.platform.get(SID).etag]
    changes: Sequence[Callable[[], object]] = (
        lambda: gateway.send(update(EXAMPLES["call"].form())),
        lambda: gateway.send(update(Wrap().form())),
        lambda: gateway.send(update(EXAMPLES["dequeue"].form())),
        lambda: gateway.platform.set_status(SID, Status.ACCEPTED),
        lambda: gateway.send(update(EXAMPLES["supervise"].form())),
        lambda: gateway.platform.set_status(SID, Status.WRAPPING),
        lambda: gateway.send(update(Complete().form())),
        lambda: gateway.send(update(Complete().form())),
    )
    for change in changes:
        change()
        seen.append(gateway.platform.get(SID).etag)
    assert seen == ["0", "1", "1", "2", "3", "4", "5", "6", "6"]


def test_reject_sets_the_worker_activity_if_given() -> None:
    stage = Stage(2)
    stage.platform.execute(stage.sids[0], Reject(worker_activity_sid=ACTIVITY))
    stage.platform.execute(stage.sids[1], Reject())
    assert [stage.platform.worker(sid).activity_sid for sid in stage.workers] == [ACTIVITY, None]


@pytest.mark.parametrize(
    "ends", [(Wrap(), Complete()), (Complete(),)], ids=["wrapped", "completed"]
)
def test_post_work_activity_is_set_after_the_work(
    ends: tuple[Wrap | Complete, ...],
) -> None:
    """Even with a supervisor meanwhile."""
    stage = Stage(1)
    (sid,), (worker,) = stage.sids, stage.workers
    stage.platform.execute(sid, CONFERENCE)
    stage.platform.answer_call(sid)
    stage.platform.execute(sid, Supervise(supervisor=worker, supervisor_mode="monitor"))
    assert stage.platform.worker(worker).activity_sid is None
    stage.platform.execute(sid, ends[0])
    assert stage.platform.worker(worker).activity_sid == ACTIVITY
    stage.platform.set_worker_activity(worker, f"WA{'f' * 32}")
    for command in ends[1:]:
        stage.platform.execute(sid, command)
    assert stage.platform.worker(worker).activity_sid == f"WA{'f' * 32}"
    assert stage.platform.worker(worker).version == 4  # reserved, moved, moved, completed


def test_reservation_on_hold_can_be_rejected_or_rescinded_by_setting() -> None:
    strict, loose = (
        Stage(2),
        Stage(2, settings=Settings(can_reject_on_hold=True, can_rescind_on_hold=True)),
    )
    for stage in (strict, loose):
        stage.platform.execute(stage.sids[0], EXAMPLES["dequeue"])
        stage.platform.execute(stage.sids[1], Accept())
    assert strict.platform.get(strict.sids[0]).status is Status.CANCELED
    assert loose.platform.get(loose.sids[0]).status is Status.RESCINDED
    for setting in (False, True):
        again = Stage(1, settings=Settings(can_reject_on_hold=setting))
        again.platform.execute(again.sids[0], CONFERENCE)
        with nullcontext() if setting else pytest.raises(StateConflict):
            again.platform.execute(again.sids[0], Reject())
        assert (again.platform.get(again.sids[0]).state is Status.REJECTED) is setting


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("status", Status)
def test_forced_status_is_one_that_no_source_rules_out(state: str, status: Status) -> None:
    """Each of these is a step that no log shows either way."""
    platform = Platform()
    sid = str(platform.add(in_state(state)).sid)
    ends = (Status.CANCELED, Status.TIMEOUT, Status.RESCINDED)
    unlisted = {"accepted": ends, "wrapping": (*ends, Status.ACCEPTED)}
    if status in unlisted.get(state, ()):
        assert platform.force_status(sid, status).status is status
        assert (platform.journal[-1].trigger, platform.journal[-1].by) == (status, "platform")
        assert platform.get(sid).etag == "1"
        return
    with pytest.raises(StateConflict):
        platform.force_status(sid, status)
    assert platform.get(sid).state == state
