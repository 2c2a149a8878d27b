"""The platform changes whole units of work or nothing, tells them in order, and lets time pass exactly."""

from __future__ import annotations

import json
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from typing import Final, cast

import attrs
import pytest

from reservation_core import (
    Accept,
    Complete,
    Conference,
    Dequeue,
    Redirect,
    Reject,
    Request,
    ReservationError,
    Status,
    Supervise,
    Wrap,
)
from reservation_core.emulator import (
    Changes,
    InMemoryGateway,
    JournalEntry,
    ManualClock,
    Platform,
    Settings,
    Snapshot,
    StateConflict,
    TaskConflict,
    TaskStatus,
    UnmetPrecondition,
)
from reservation_core.emulator.platform.clock import DEFAULT_START
from reservation_core.emulator.platform.model import DEFAULT_ACCOUNT_SID

HEX: Final = "0123456789abcdef" * 2
WORKSPACE, ACTIVITY = f"WS{HEX}", f"WA{HEX}"
CONFERENCE: Final = Conference(from_="+15005550006", post_work_activity_sid=ACTIVITY)


class Stage:
    """A platform with one task and some workers reserved for it, and what it kept and told."""

    def __init__(self, workers: int = 2, *, settings: Settings | None = None) -> None:
        self.kept: list[Changes] = []
        self.told: list[JournalEntry] = []
        self.breaks = False
        self.platform = Platform(
            ManualClock(), settings=settings or Settings(), on_commit=self.keep
        )
        self.task = self.platform.add_task(
            WORKSPACE, attributes={"call_sid": f"CA{HEX}", "from": "+15005550006"}
        ).sid
        self.workers = [
            self.platform.add_worker(WORKSPACE, attributes={"contact_uri": "client:a"}).sid
            for _ in range(workers)
        ]
        self.sids = [str(self.platform.reserve(self.task, worker).sid) for worker in self.workers]
        self.kept.clear()
        self.platform.journal.clear()
        self.platform.subscribe(self.told.append)

    def keep(self, changes: Changes) -> None:
        """Keep, or break."""
        if self.breaks:
            raise OSError("the disk is full")
        self.kept.append(changes)

    def everything(self) -> tuple[object, ...]:
        """Give all that can be seen of the platform."""
        platform = self.platform
        held = [(platform.stored(str(one.sid)), one) for one in platform.all()]
        workers = [platform.all(worker) for worker in self.workers]
        return (
            held,
            platform.tasks(),
            platform.workers(),
            platform.all(self.task),
            workers,
            list(platform.journal),
            platform.next_due(),
        )


def seen(acts: list[JournalEntry]) -> list[tuple[str, str]]:
    """Give what happened, and to whom."""
    return [(act.sid, act.trigger) for act in acts]


# --- units of work ----------------------------------------------------------------------------------------------------------------------


def test_what_changes_together_is_kept_once() -> None:
    """An acceptance, the rescinded siblings and the task are kept by one call, with the acts, before anybody is told."""
    stage = Stage(3)
    first, *others = stage.sids
    stage.platform.execute(first, Accept())
    (changes,) = stage.kept
    assert {sid: held.reservation.status.value for sid, held in changes.reservations.items()} == {
        first: "accepted",
        **dict.fromkeys(others, "rescinded"),
    }
    assert {sid: task.status for sid, task in changes.tasks.items()} == {
        stage.task: TaskStatus.ASSIGNED
    }
    assert (changes.workers, changes.removed) == ({}, ())
    assert list(changes.entries) == stage.told == list(stage.platform.journal)
    assert seen(stage.told) == [(first, "accept"), *((sid, "rescinded") for sid in others)]


def test_a_nested_unit_is_part_of_the_outer_one() -> None:
    """Whatever is done within transaction() is kept, told and written down together, when it is left."""
    stage = Stage()
    with stage.platform.transaction():
        stage.platform.execute(stage.sids[0], Accept())
        with stage.platform.transaction():
            stage.platform.execute(stage.sids[0], Wrap())
        stage.platform.execute(stage.sids[0], Complete())
        assert (stage.kept, stage.told, list(stage.platform.journal)) == ([], [], [])
        assert stage.platform.get(stage.sids[0]).status is Status.COMPLETED
    assert len(stage.kept) == 1
    assert [act.version for act in stage.told if act.sid == stage.sids[0]] == ["1", "2", "3"]


def test_nothing_changed_is_nothing_kept() -> None:
    """Reading, refusing and letting time pass in which nothing falls due keep nothing."""
    stage = Stage()
    stage.platform.get(stage.sids[0])
    stage.platform.advance(1)
    with pytest.raises(StateConflict):
        stage.platform.execute(stage.sids[0], Wrap())
    assert (stage.kept, stage.told) == ([], [])
    for sid in stage.sids:
        stage.platform.execute(sid, CONFERENCE)  # whose timers are left behind
    stage.kept.clear()
    stage.platform.advance(1000)
    assert stage.kept == []


CHANGES: Final[dict[str, Callable[[Stage], object]]] = {
    "accept": lambda stage: stage.platform.execute(stage.sids[0], Accept()),
    "hold": lambda stage: stage.platform.execute(stage.sids[0], CONFERENCE),
    "reject": lambda stage: stage.platform.execute(
        stage.sids[0], Reject(worker_activity_sid=ACTIVITY)
    ),
    "reserve": lambda stage: stage.platform.reserve(stage.task, stage.workers[0]),
    "add": lambda stage: stage.platform.add(stage.platform.get(stage.sids[1])),
    "worker": lambda stage: stage.platform.add_worker(WORKSPACE),
    "task": lambda stage: stage.platform.add_task(WORKSPACE),
    "cancel": lambda stage: stage.platform.cancel_task(stage.task),
    "delete": lambda stage: stage.platform.delete_task(stage.task),
    "time": lambda stage: stage.platform.advance(120),
    "reset": lambda stage: stage.platform.reset(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_cannot_be_kept_has_not_happened(change: Callable[[Stage], object]) -> None:
    """When keeping fails, everything is as it was, to the last timer and the order; nobody is told; and it can be done later."""
    stage = Stage()
    stage.platform.execute(stage.sids[0], Redirect(call_sid=f"CA{HEX}", url="https://example.com"))
    stage.kept.clear()
    before = stage.everything()
    stage.breaks = True
    with pytest.raises(OSError, match="disk is full"):
        change(stage)
    stage.breaks = False
    if change is not CHANGES["time"]:
        assert stage.everything() == before
        change(stage)
    assert stage.everything() != before
    assert stage.kept


def test_what_raises_within_has_not_happened() -> None:
    """When the caller's own code raises within transaction(), nothing of what it did remains."""
    stage = Stage()
    before = stage.everything()

    def fail() -> None:
        with stage.platform.transaction():
            stage.platform.execute(stage.sids[0], Accept())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert stage.everything() == before
    assert stage.told == []


def test_a_subscriber_may_act() -> None:
    """What a subscriber does is told after what it was told of, to everybody in the same order, until the subscription ends."""
    stage = Stage(1)
    (sid,) = stage.sids
    other: list[JournalEntry] = []

    def wrap(act: JournalEntry) -> None:
        if act.trigger == "accept":
            stage.platform.execute(sid, Wrap(), by="subscriber")

    end_wrap, end_other = stage.platform.subscribe(wrap), stage.platform.subscribe(other.append)
    stage.platform.execute(sid, Accept())
    assert seen(other) == seen(stage.told) == [(sid, "accept"), (sid, "wrap")]
    end_wrap()
    end_other()
    end_other()
    stage.platform.execute(sid, Complete())
    assert (len(other), len(stage.told)) == (2, 3)


def test_a_subscriber_that_fails_undoes_nothing() -> None:
    """What a subscriber raises reaches whoever acted; the act stands, and the others are told of it with the next one."""
    stage = Stage(1)

    def fail(act: JournalEntry) -> None:
        raise ZeroDivisionError(act.trigger)

    end = stage.platform.subscribe(fail)
    with pytest.raises(ZeroDivisionError, match="accept"):
        stage.platform.execute(stage.sids[0], Accept())
    end()
    stage.platform.execute(stage.sids[0], Complete())
    assert [act.trigger for act in stage.told] == ["accept", "complete"]


# --- time -------------------------------------------------------------------------------------------------------------------------------


def test_what_falls_due_is_dated_when_it_was_due() -> None:
    """However late one looks, a time-out happened when it was due, before anything that came after it, and in order."""
    stage = Stage(2)
    late = str(
        stage.platform.reserve(
            stage.platform.add_task(WORKSPACE, reservation_timeout=60).sid, stage.workers[0]
        ).sid
    )
    stage.platform.clock.advance(1000)  # behind the platform's back
    assert stage.platform.get(stage.sids[0]).status is Status.TIMEOUT
    times = [
        (act.sid, (act.at - DEFAULT_START).total_seconds())
        for act in stage.told
        if act.trigger == "timeout"
    ]
    assert times[0] == (late, 60.0)
    assert sorted(times[1:]) == sorted((sid, 120.0) for sid in stage.sids)
    assert stage.platform.get(stage.sids[0]).date_updated == DEFAULT_START + timedelta(seconds=120)


def test_it_is_known_when_something_falls_due() -> None:
    """The next time-out is known until it is answered or on hold; after the end of the task it is its deletion."""
    stage = Stage(1)
    platform, (sid,) = stage.platform, stage.sids
    assert platform.next_due() == DEFAULT_START + timedelta(seconds=120)
    platform.advance(10)
    platform.execute(sid, CONFERENCE)
    assert platform.next_due() is None
    platform.answer_call(sid)
    platform.execute(sid, Complete())
    assert platform.next_due() == DEFAULT_START + timedelta(seconds=310)
    platform.advance(300)
    assert (platform.next_due(), platform.all(), platform.tasks()) == (None, (), ())
    assert stage.kept[-1].removed == (sid, stage.task)
    with pytest.raises(KeyError):
        platform.task(stage.task)
    with pytest.raises(KeyError):
        platform.get(sid)


def test_a_timer_that_is_set_anew_counts_anew() -> None:
    """A call that accepts nothing leaves the time-out where it is; a reservation that is added again has its whole time again."""
    stage = Stage(1)
    stage.platform.advance(100)
    stage.platform.execute(stage.sids[0], Redirect(call_sid=f"CA{HEX}", url="https://example.com"))
    assert stage.platform.stored(stage.sids[0]).due == DEFAULT_START + timedelta(seconds=120)
    stage.platform.add(stage.platform.get(stage.sids[0]))
    stage.platform.advance(119)
    assert stage.platform.get(stage.sids[0]).status is Status.PENDING
    stage.platform.advance(1)
    assert stage.platform.get(stage.sids[0]).status is Status.TIMEOUT


def test_many_lives_leave_nothing_behind() -> None:
    """After any number of lives a platform holds no more than after one: no reservation, no timer, no index, a journal of fixed length."""
    platform = Platform(ManualClock(), settings=Settings(journal_length=10))
    worker = platform.add_worker(WORKSPACE).sid
    for life in range(500):
        task = platform.add_task(WORKSPACE).sid
        sid = str(platform.reserve(task, worker).sid)
        if life % 2:
            platform.execute(sid, Accept())
            platform.execute(sid, Complete())
        else:
            platform.cancel_task(task)
        platform.advance(300 if life % 5 == 0 else 0)
        assert (
            len(platform._tables.timers)
            <= 2 * (len(platform._tables.reservations) + len(platform._tables.tasks)) + 64
        )  # pyright: ignore[reportPrivateUsage]
    platform.advance(300)
    assert (platform.all(), platform.tasks(), len(platform.journal)) == ((), (), 10)
    assert not platform._tables._children  # pyright: ignore[reportPrivateUsage]
    assert not platform._tables.timers  # pyright: ignore[reportPrivateUsage]


def test_stale_timers_are_swept() -> None:
    """Timers that were answered do not pile up while their time has not come."""
    platform = Platform(ManualClock())
    worker, task = platform.add_worker(WORKSPACE).sid, platform.add_task(WORKSPACE).sid
    sid = str(platform.reserve(task, worker).sid)
    for _ in range(500):
        platform.add(platform.get(sid))
        platform.advance(0.01)
    assert len(platform._tables.timers) < 70  # pyright: ignore[reportPrivateUsage]
    platform.advance(119.98)
    assert platform.get(sid).status is Status.PENDING
    platform.advance(0.02)
    assert platform.get(sid).status is Status.TIMEOUT


# --- the whole --------------------------------------------------------------------------------------------------------------------------


def test_a_snapshot_is_restored_whole() -> None:
    """What was held at one moment, timers and holds included, goes on elsewhere as it would have gone on there."""
    stage = Stage(2)
    stage.platform.execute(stage.sids[0], CONFERENCE)
    snapshot = pickle.loads(pickle.dumps(stage.platform.snapshot()))
    assert isinstance(snapshot, Snapshot)
    other = Platform(ManualClock(DEFAULT_START + timedelta(seconds=119)))
    other.add_task(WORKSPACE)
    other.restore(snapshot)
    assert other.all() == stage.platform.all()
    assert [task.sid for task in other.tasks()] == [stage.task]
    other.advance(1)
    assert [one.state for one in other.all()] == ["onHold", "timeout"]
    other.answer_call(stage.sids[0])
    other.execute(stage.sids[0], Complete())
    assert other.worker(stage.workers[0]).activity_sid == ACTIVITY
    number = other.stored(
        str(other.reserve(other.add_task(WORKSPACE).sid, stage.workers[0]).sid)
    ).number
    assert number == 2


def test_a_reset_forgets_everything() -> None:
    """After a reset there is nothing, which is kept as such."""
    stage = Stage(2)
    stage.platform.execute(stage.sids[0], Accept())
    stage.platform.reset()
    assert (stage.platform.snapshot(), list(stage.platform.journal)) == (Snapshot(), [])
    assert set(stage.kept[-1].removed) == {*stage.sids, stage.task, *stage.workers}


def test_sids_are_the_same_in_every_run() -> None:
    """What the platform names itself is the same each time, another source gives others, and none is given twice."""
    assert Stage().sids == Stage().sids
    assert Platform(random=Random(7)).add_task(WORKSPACE).sid != Platform().add_task(WORKSPACE).sid
    platform = Platform(random=Random(0))
    first = platform.add_task(WORKSPACE).sid
    platform._routing._random = Random(0)  # pyright: ignore[reportPrivateUsage]
    assert platform.add_task(WORKSPACE).sid != first


# --- tasks and workers --------------------------------------------------------------------------------------------------------------------


def test_what_is_added_is_what_was_given() -> None:
    """Tasks and workers keep what they are given, their attributes as a copy that nobody changes, and have an account in any case."""
    platform = Platform(ManualClock())
    attributes: dict[str, object] = {"contact_uri": "client:a", "skills": ["de"]}
    worker = platform.add_worker(
        WORKSPACE,
        sid=f"WK{HEX}",
        account_sid=f"AC{HEX}",
        name="Käthe",
        attributes=attributes,
        activity_sid=ACTIVITY,
    )
    task = platform.add_task(WORKSPACE, sid=f"WT{HEX}", attributes={"a": 1}, reservation_timeout=7)
    attributes.clear()
    assert platform.worker(worker.sid).attributes == {"contact_uri": "client:a", "skills": ["de"]}
    assert (worker.sid, worker.account_sid, worker.name, worker.activity_sid) == (
        f"WK{HEX}",
        f"AC{HEX}",
        "Käthe",
        ACTIVITY,
    )
    assert (task.sid, task.account_sid, task.reservation_timeout, task.status) == (
        f"WT{HEX}",
        DEFAULT_ACCOUNT_SID,
        7,
        "pending",
    )
    assert (platform.workers(), platform.tasks()) == ((worker,), (task,))
    assert "Käthe" not in repr(worker)
    assert "client:a" not in repr(worker)
    reserved = platform.reserve(task.sid, worker.sid, sid=f"WR{HEX}")
    assert (reserved.sid, reserved.worker_name, reserved.account_sid, reserved.etag) == (
        f"WR{HEX}",
        "Käthe",
        DEFAULT_ACCOUNT_SID,
        "0",
    )


WRONG: Final[list[tuple[Callable[[Platform], object], str]]] = [
    (lambda p: p.add_task("WS1"), "workspace_sid must be a SID"),
    (lambda p: p.add_task(WORKSPACE, sid="WT1"), "task_sid must be a SID"),
    (lambda p: p.add_worker("x"), "workspace_sid must be a SID"),
    (lambda p: p.add_worker(WORKSPACE, sid=f"WT{HEX}"), "worker_sid must be a SID"),
    (
        lambda p: p.add_worker(WORKSPACE, attributes=cast("dict[str, object]", [1])),
        "attributes must be a JSON object",
    ),
    (
        lambda p: p.add_worker(WORKSPACE, attributes={"a": object()}),
        "attributes must be a JSON object",
    ),
    (lambda p: p.add_task(WORKSPACE, attributes={"a": float("nan")}), "JSON"),
    (lambda p: p.add_task(WORKSPACE, reservation_timeout=0), "from 1 to 86400"),
    (lambda p: p.add_task(WORKSPACE, sid=p.add_task(WORKSPACE).sid), "the SID is in use"),
]


@pytest.mark.parametrize(("wrong", "says"), WRONG)
def test_what_is_none_is_not_added(wrong: Callable[[Platform], object], says: str) -> None:
    """A SID that is none, attributes that are no JSON object, a time out of bounds and a SID given twice are refused, and say so."""
    platform = Platform()
    with pytest.raises(ValueError, match=says):
        wrong(platform)
    assert len(platform.tasks()) + len(platform.workers()) <= 1


def test_a_reservation_needs_a_free_task_and_a_name_of_its_own() -> None:
    """Nobody is reserved for a task that somebody works on or that has ended, nor under a SID that is another's or none."""
    stage = Stage(2)
    platform, (first, second) = stage.platform, stage.sids
    with pytest.raises(ValueError, match="the SID is in use"):
        platform.reserve(stage.task, stage.workers[0], sid=first)
    with pytest.raises(ValueError, match="sid must be a SID"):
        platform.reserve(stage.task, stage.workers[0], sid="WR1")
    with pytest.raises(KeyError):
        platform.reserve(stage.task, f"WK{'f' * 32}")
    with pytest.raises(StateConflict):
        platform.transfer(second, stage.workers[0])
    platform.execute(first, Accept())
    platform.transfer(first, stage.workers[1])
    with pytest.raises(TaskConflict, match=r"cannot reserve a worker for task .* reserved"):
        platform.reserve(stage.task, stage.workers[0])
    platform.complete_task(stage.task)
    with pytest.raises(TaskConflict, match=r"cannot reserve a worker for task .* completed"):
        platform.reserve(stage.task, stage.workers[0])
    with pytest.raises(TaskConflict, match="cannot complete task"):
        platform.complete_task(stage.task)


def test_a_rejection_may_move_the_worker() -> None:
    """A worker who rejects with an activity goes there; without one the activity stays."""
    stage = Stage(2)
    stage.platform.execute(stage.sids[0], Reject(worker_activity_sid=ACTIVITY))
    stage.platform.execute(stage.sids[1], Reject())
    assert [stage.platform.worker(sid).activity_sid for sid in stage.workers] == [ACTIVITY, None]


@pytest.mark.parametrize(
    "ends", [(Wrap(), Complete()), (Complete(),)], ids=["wrapped", "completed"]
)
def test_the_worker_goes_where_the_instruction_said_after_the_work(
    ends: tuple[Wrap | Complete, ...],
) -> None:
    """The post-work activity of an instruction is the worker's once the work is over, a supervisor meanwhile or not."""
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


@pytest.mark.parametrize("outcome", ["answer_call", "miss_call", "fail_call"])
def test_an_outcome_needs_an_answer_that_is_being_carried_out(outcome: str) -> None:
    """Nobody answers, or fails to, unless an instruction put the reservation on hold."""
    stage = Stage(1)
    arguments = (13223,) if outcome == "fail_call" else ()
    with pytest.raises(StateConflict):
        getattr(stage.platform, outcome)(stage.sids[0], *arguments)
    stage.platform.execute(stage.sids[0], Dequeue(from_="+15005550006"))
    getattr(stage.platform, outcome)(stage.sids[0], *arguments)
    assert stage.told[-1].reason


def test_a_caller_hangs_up_once() -> None:
    """A caller who left a transfer cancels it and wraps up the work; nothing is left to hang up from after that."""
    stage = Stage(1)
    (sid,) = stage.sids
    stage.platform.execute(sid, Accept())
    second = str(stage.platform.transfer(sid, stage.workers[0]).sid)
    assert stage.platform.hang_up(second).status is Status.CANCELED
    assert stage.platform.get(sid).status is Status.WRAPPING
    for gone in (sid, second):
        with pytest.raises(StateConflict):
            stage.platform.hang_up(gone)


def test_a_task_that_nobody_was_reserved_for_can_end() -> None:
    """A pending task is canceled or deleted by itself, without any act."""
    platform = Platform(ManualClock())
    first, second = (platform.add_task(WORKSPACE).sid for _ in range(2))
    assert (platform.cancel_task(first, reason="gone").status, platform.task(first).reason) == (
        "canceled",
        "gone",
    )
    platform.delete_task(second)
    assert [task.sid for task in platform.tasks()] == [first]
    assert not platform.journal


def test_a_hold_can_be_left_where_a_setting_says_so() -> None:
    """On hold nothing can be rejected or rescinded, unless a setting lets it."""
    strict, loose = (
        Stage(2),
        Stage(2, settings=Settings(can_reject_on_hold=True, can_rescind_on_hold=True)),
    )
    for stage in (strict, loose):
        stage.platform.execute(stage.sids[0], CONFERENCE)
        stage.platform.execute(stage.sids[1], Accept())
    assert strict.platform.get(strict.sids[0]).on_hold
    assert loose.platform.get(loose.sids[0]).status is Status.RESCINDED
    with pytest.raises(StateConflict):
        strict.platform.execute(strict.sids[0], Reject())
    again = Stage(1, settings=Settings(can_reject_on_hold=True))
    again.platform.execute(again.sids[0], CONFERENCE)
    assert again.platform.execute(again.sids[0], Reject()).state is Status.REJECTED


def test_errors_say_what_and_where_and_survive_a_journey() -> None:
    """The errors of the platform name the thing, its state and what was asked; they can be pickled and compared."""
    errors: list[ReservationError] = [
        StateConflict(f"WR{HEX}", Status.PENDING, "wrap"),
        TaskConflict(f"WT{HEX}", TaskStatus.ASSIGNED, "cancel"),
        UnmetPrecondition(f"WR{HEX}", "dequeue", 40140, "The task's attributes have no call_sid"),
    ]
    words = [
        (f"WR{HEX}", "pending", "wrap"),
        (f"WT{HEX}", "assigned", "cancel"),
        (f"WR{HEX}", "dequeue", "40140", "call_sid"),
    ]
    for error, said in zip(errors, words, strict=True):
        assert pickle.loads(pickle.dumps(error)) == error
        assert all(word in str(error) for word in said)


def test_a_supervisor_by_address_needs_no_attributes() -> None:
    """A supervisor given by an address is reached there; one that nobody knows is not, except where all was only assumed."""
    stage = Stage(1)
    stage.platform.execute(stage.sids[0], Accept())
    stage.platform.execute(
        stage.sids[0], Supervise(supervisor="client:boss", supervisor_mode="barge")
    )
    unknown = Supervise(supervisor=f"WK{'f' * 32}", supervisor_mode="barge")
    with pytest.raises(UnmetPrecondition, match="40147"):
        stage.platform.execute(stage.sids[0], unknown)
    assumed = Platform()
    assumed.add(stage.platform.get(stage.sids[0]))
    assert assumed.execute(stage.sids[0], unknown).etag == "1"


@pytest.mark.parametrize(
    ("settings", "command", "code"),
    [
        (Settings(dequeue_needs_from=True), Dequeue(), 40132),
        (Settings(conference_needs_from=True), Conference(), 40138),
        (
            Settings(redirects_only_task_calls=True),
            Redirect(call_sid=f"CA{'f' * 32}", url="https://example.com"),
            40122,
        ),
    ],
)
def test_disputed_needs_are_settings(
    settings: Settings, command: Dequeue | Conference | Redirect, code: int
) -> None:
    """What sources dispute is let pass by default, and refused with the dictionary's number where a setting says so."""
    lenient, strict = Stage(1), Stage(1, settings=settings)
    lenient.platform.execute(lenient.sids[0], command)
    with pytest.raises(UnmetPrecondition) as caught:
        strict.platform.execute(strict.sids[0], command)
    assert caught.value.code == code


# --- many at once -----------------------------------------------------------------------------------------------------------------------

RIVALS: Final = 16


def test_one_of_many_accepts_wins() -> None:
    """Of many threads that accept one reservation exactly one wins, as often as it is tried, and the journal shows one act."""
    stage = Stage(1, settings=Settings(reservation_timeout=86_400))
    with ThreadPoolExecutor(RIVALS) as pool:
        for _ in range(20):
            sid = str(
                stage.platform.reserve(stage.platform.add_task(WORKSPACE).sid, stage.workers[0]).sid
            )
            start = threading.Barrier(RIVALS)

            def accept(sid: str = sid, start: threading.Barrier = start) -> bool:
                start.wait(10)
                try:
                    stage.platform.execute(sid, Accept())
                except StateConflict:
                    return False
                return True

            assert (
                sum(rival.result(10) for rival in [pool.submit(accept) for _ in range(RIVALS)]) == 1
            )
            assert [act.trigger for act in stage.platform.journal if act.sid == sid] == [
                "created",
                "accept",
            ]


def test_readers_never_see_half_a_unit() -> None:
    """While siblings are accepted by turns, nobody ever sees two of a task accepted, or one accepted and one pending."""
    stage = Stage(0)
    workers = [stage.platform.add_worker(WORKSPACE).sid for _ in range(2)]
    stop = threading.Event()

    def read() -> list[list[str]]:
        wrong: list[list[str]] = []
        while not stop.is_set():
            for task in stage.platform.tasks():
                states = sorted(one.status.value for one in stage.platform.all(task.sid))
                if states not in (
                    [],
                    ["pending"],
                    ["pending", "pending"],
                    ["accepted", "rescinded"],
                ):
                    wrong.append(states)
        return wrong

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for _ in range(30):
            task = stage.platform.add_task(WORKSPACE).sid
            first, _ = (stage.platform.reserve(task, worker).sid for worker in workers)
            stage.platform.execute(str(first), Accept())
        stop.set()
        assert [reader.result(10) for reader in readers] == [[], []]


def test_a_reservation_may_be_added_again_elsewhere() -> None:
    """A reservation that is added again for another task and worker is theirs, and nobody else's any more; the order stays."""
    stage = Stage(2)
    first, second = stage.sids
    moved = attrs.evolve(stage.platform.get(first), task_sid=f"WT{HEX}", worker_sid=f"WK{HEX}")
    added = stage.platform.add(moved)
    assert stage.platform.all(f"WT{HEX}") == stage.platform.all(f"WK{HEX}") == (added,)
    assert [one.sid for one in stage.platform.all(stage.task)] == [second]
    stage.platform.add(attrs.evolve(stage.platform.get(second), task_sid=f"WT{HEX}"))
    assert [(task.sid, task.status.value) for task in stage.platform.tasks()] == [
        (stage.task, "pending"),
        (f"WT{HEX}", "reserved"),
    ]
    assert stage.platform.all(stage.workers[0]) == ()
    assert [one.sid for one in stage.platform.all()] == [first, second]


def test_a_reservation_without_dates_is_shown_so() -> None:
    """A platform that was restored from what somebody else wrote shows no date where none is known."""
    platform = Platform(ManualClock())
    held = Stage(1).platform.snapshot().reservations[0]
    platform.restore(
        Snapshot(
            reservations=(
                attrs.evolve(held, reservation=attrs.evolve(held.reservation, date_created=None)),
            )
        )
    )
    one = platform.all()[0]
    body = (
        InMemoryGateway(platform)
        .send(
            Request(
                "GET", f"/v1/Workspaces/{WORKSPACE}/Tasks/{one.task_sid}/Reservations/{one.sid}"
            )
        )
        .body
    )
    assert json.loads(body)["date_created"] is None


@pytest.mark.parametrize(
    ("status", "task"),
    [
        (Status.PENDING, "reserved"),
        (Status.ACCEPTED, "assigned"),
        (Status.WRAPPING, "wrapping"),
        (Status.COMPLETED, "completed"),
        (Status.CANCELED, "canceled"),
        (Status.REJECTED, "pending"),
        (Status.TIMEOUT, "pending"),
        (Status.RESCINDED, "pending"),
    ],
)
def test_an_assumed_task_is_as_far_as_its_reservation(status: Status, task: str) -> None:
    """A reservation that is added by itself, be it twice, tells how its task stands, and one that is over goes with it in time."""
    platform = Platform(ManualClock())
    reservation = attrs.evolve(Stage(1).platform.all()[0], status=status)
    for _ in range(2):
        platform.add(reservation)
        assert [one.status.value for one in platform.tasks()] == [task]
    platform.advance(300)
    assert len(platform.all()) == (task not in ("completed", "canceled"))
