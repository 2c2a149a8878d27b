"""The book records, asks, performs, recovers and reconciles as it says, for threads and in an event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import attrs
import pytest

from reservation_core import (
    ONCE,
    Accept,
    Call,
    CommandNotAllowed,
    Complete,
    Conference,
    GatewayError,
    IncompleteReservation,
    Indistinguishable,
    LostRace,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Policy,
    Reject,
    Reply,
    Request,
    Reservation,
    ReservationError,
    Status,
    Unauthorized,
    Wrap,
    fetch,
)
from reservation_core.book import (
    AsyncBook,
    Book,
    Change,
    CommandInProgress,
    Doubt,
    Ending,
    Entry,
    EventRef,
    LookupResult,
    MemoryStore,
    NotInBook,
    ReportSource,
    StoreFailed,
    StoreUnavailable,
    Swept,
    ThreadedStore,
    Verdict,
)
from reservation_core.book.sync_book import _run  # pyright: ignore[reportPrivateUsage]
from reservation_core.domain.lifecycle import ON_HOLD
from reservation_core.emulator import InMemoryGateway
from reservation_core.webhooks import Event
from tests.book.runs import Life, pending, sid

S: Final = Status
WR: Final = sid("WR", 0)
NO_WAIT: Final = Policy(backoff=0.0)
ALONE: Final = Policy(backoff=0.0, sole_writer=True)
CALL: Final = Call(from_="+15005550006", url="https://example.com")


class Crash(BaseException):
    """The process ends, as far as it can within a test."""


class World:
    """A platform, a book on a store in memory, and a gateway that fails as it is told to."""

    def __init__(self, count: int = 1) -> None:
        self.life = Life(count)
        self.beneath = InMemoryGateway(self.life.platform)
        self.store = MemoryStore()
        self.book = self.node()
        self.book.record_all(self.life.events)
        self.requests: list[Request] = []
        self.before: list[
            BaseException | Reply | Callable[[], object] | None
        ] = []  # what befalls each request before it arrives
        self.after: list[
            BaseException | Reply | Callable[[], object] | None
        ] = []  # and after it was answered

    def node(self) -> Book:
        """Open the book as another process."""
        return Book(self.store, clock=self.life.clock, sleep=lambda _: None)

    def send(self, request: Request) -> Reply:
        """Move a request, as far as it comes."""
        self.requests.append(request)
        reply = Reply(0)
        for plan in (self.before, self.after):
            if plan is self.after:
                reply = self.beneath.send(request)
            match plan.pop(0) if plan else None:
                case None:
                    pass
                case BaseException() as failure:
                    raise failure
                case Reply() as other:
                    return other
                case happening:
                    happening()
        return reply

    async def asend(self, request: Request) -> Reply:
        """Move a request in an event loop."""
        await asyncio.sleep(0)
        return self.send(request)

    @property
    def entry(self) -> Entry:
        """What the book holds."""
        entry = self.book.get(WR)
        assert entry is not None
        return entry

    @property
    def lines(self) -> list[tuple[str, str]]:
        """The history, in short."""
        return [(line.type, line.outcome.value) for line in self.book.history(WR)]

    @property
    def acts(self) -> list[str]:
        """What clients did."""
        return [act.trigger for act in self.life.platform.journal if act.by == "client"]

    @property
    def sent(self) -> list[str]:
        """The methods of the requests."""
        return [request.method for request in self.requests]


@pytest.fixture
def world() -> World:
    """Make a world with one reservation, pending and in the book."""
    return World()


# --- recording -------------------------------------------------------------------------------------------------------------------


def test_events_are_recorded_once_and_in_their_own_order(world: World) -> None:
    """Whatever order a life's events come in, and however often, the newest is held, and each is in the history once."""
    for status in (S.ACCEPTED, S.WRAPPING, S.COMPLETED):
        world.life.happen(status)
    created, accepted, wrapup, completed = world.life.events
    outcomes = [
        world.book.record(event).outcome
        for event in (accepted, completed, wrapup, created, completed)
    ]
    assert outcomes == [
        Verdict.APPLIED,
        Verdict.GAP,
        Verdict.OLDER,
        Verdict.DUPLICATE,
        Verdict.DUPLICATE,
    ]
    assert world.entry.status is S.COMPLETED
    assert [line.event_key for line in world.book.history(WR)] == [
        created.key,
        accepted.key,
        completed.key,
        wrapup.key,
    ]


def test_an_event_tells_what_it_came_to(world: World) -> None:
    """What record returns is the verdict and the entry as it now is, with its new revision; a duplicate writes nothing."""
    world.life.happen(S.ACCEPTED)
    event = world.life.events[-1]
    first, again = world.book.record(event), world.book.record(event)
    assert (first.outcome, again.outcome) == (Verdict.APPLIED, Verdict.DUPLICATE)
    assert first.entry == again.entry == world.entry
    assert (world.entry.status, world.entry.revision, world.entry.version) == (S.ACCEPTED, 2, 1)


def test_an_event_of_no_reservation_is_passed_over(world: World) -> None:
    """Events of tasks and workers may be recorded without harm; those that fail a reservation are noted."""
    other = attrs.evolve(
        world.life.events[0],
        type="task.created",
        sid="EV1",
        status=None,
        reservation=None,
        reservation_sid=None,
    )
    failed = attrs.evolve(other, type="reservation.failed", sid="EV2", reservation_sid=sid("WR", 9))
    assert world.book.record(other).outcome is Verdict.IGNORED
    assert (world.book.record(failed).outcome, world.book.record(failed).outcome) == (
        Verdict.HISTORY_ONLY,
        Verdict.DUPLICATE,
    )
    assert world.book.get(sid("WR", 9)) is None
    assert [line.type for line in world.book.history(sid("WR", 9))] == ["reservation.failed"]
    assert world.book.record_all([other, failed]) == {Verdict.IGNORED: 1, Verdict.DUPLICATE: 1}


def test_many_are_recorded_in_few_writings(world: World) -> None:
    """Many events are written some at a time, and counted as if each came alone."""
    for status in (S.ACCEPTED, S.WRAPPING, S.COMPLETED):
        world.life.happen(status)
    written: list[int] = []
    keep = world.store.write

    def keep_and_count(changes: Sequence[Change]) -> Sequence[bool]:
        written.append(len(changes))
        return keep(changes)

    world.store.write = keep_and_count  # type: ignore[method-assign]
    assert world.book.record_all(iter([*world.life.events, *world.life.events]), batch_size=5) == {
        Verdict.APPLIED: 3,
        Verdict.DUPLICATE: 5,
    }
    assert written == [1]
    assert len(world.book.history(WR)) == 4


def test_a_reservation_that_was_read_is_recorded(world: World) -> None:
    """A reply, a callback's reservation or a list's is a report like any other, and brings the platform's version."""
    world.life.happen(S.ACCEPTED)
    assert world.book.record(world.life.get()).outcome is Verdict.APPLIED
    assert world.entry.reservation == world.life.get()
    assert world.entry.reservation.etag == "1"
    assert world.book.record(pending(0)).outcome is Verdict.OLDER
    with pytest.raises(IncompleteReservation):
        world.book.record(Reservation(status=S.PENDING))


def test_a_write_that_comes_between_is_judged_first(world: World) -> None:
    """Where another node writes between reading and writing, what it wrote is read, and the report is judged again."""
    for status in (S.ACCEPTED, S.COMPLETED):
        world.life.happen(status)
    _, accepted, completed = world.life.events
    keep = world.store.write

    def keep_late(changes: Sequence[Change]) -> Sequence[bool]:
        world.store.write = keep  # type: ignore[method-assign]
        world.node().record(completed)
        return keep(changes)

    world.store.write = keep_late  # type: ignore[method-assign]
    assert world.book.record(accepted).outcome is Verdict.OLDER
    assert world.entry.status is S.COMPLETED


def test_threads_share_a_writing(world: World) -> None:
    """Records that come while another is being written are written together, each with its own answer, right or wrong."""
    life = Life(40)
    begun, go_on = threading.Event(), threading.Event()
    keep, written = world.store.write, list[int]()

    def slow(changes: Sequence[Change]) -> Sequence[bool]:
        written.append(len(changes))
        begun.set()
        assert go_on.wait(10)
        return keep(changes)

    world.store.write = slow  # type: ignore[method-assign]
    outcomes: dict[int, object] = {}

    def record(number: int) -> None:
        outcomes[number] = world.book.record(
            attrs.evolve(life.events[number], sid=None) if number else world.life.events[0]
        ).outcome

    threads = [threading.Thread(target=record, args=(number,)) for number in range(1, 40)]
    threads[0].start()
    assert begun.wait(10)
    for thread in threads[1:]:
        thread.start()
    while len(world.book._recording._waiting) < 38:  # pyright: ignore[reportPrivateUsage]
        pass
    go_on.set()
    for thread in threads:
        thread.join()
    assert outcomes == dict.fromkeys(range(1, 40), Verdict.APPLIED)
    assert written == [1, 38]


# --- asking ----------------------------------------------------------------------------------------------------------------------


def test_live_goes_through_all() -> None:
    """Live entries come one after the other, however many there are, without those that ended."""
    world = World(1200)
    world.life.happen(S.TIMEOUT, 7)
    world.book.record_all(world.life.events)
    assert [entry.sid for entry in world.book.live()] == [
        sid("WR", number) for number in range(1200) if number != 7
    ]
    assert next(world.book.live()).sid == WR  # who stops early leaves nothing behind


def test_due_is_claimed(world: World) -> None:
    """What was not heard of for so long is given to one sweeper, until the lease ends."""
    assert world.book.due(60) == []
    world.life.clock.advance(60)
    assert [entry.sid for entry in world.book.due(60, lease=30)] == [WR]
    assert world.node().due(60) == []
    world.life.clock.advance(30)
    assert [entry.sid for entry in world.node().due(60)] == [WR]


def test_purge_deletes_what_ended_long_ago(world: World) -> None:
    """What ended is deleted when it is old enough, and counted."""
    world.life.happen(S.TIMEOUT)
    world.book.record(world.life.events[-1])
    assert world.book.purge(3600) == 0
    world.life.clock.advance(3600)
    assert world.book.purge(3600) == 1
    assert world.book.get(WR) is None


# --- performing ------------------------------------------------------------------------------------------------------------------


def test_a_command_is_written_before_it_is_sent_and_closed_after(world: World) -> None:
    """When the request arrives the intent is in the store; when perform returns, the reply is, and the intent is closed."""
    seen: list[Entry] = []
    world.before = [lambda: seen.append(world.entry)]
    now = world.book.perform(WR, Accept(), world)
    assert seen[0].intent is not None
    assert (seen[0].intent.command, seen[0].intent.reservation, seen[0].status) == (
        Accept(),
        seen[0].reservation,
        S.PENDING,
    )
    assert now == world.entry.reservation
    assert (now.status, now.etag, world.entry.intent) == (S.ACCEPTED, "1", None)
    assert world.lines[1:] == [("accept", "intended"), ("accept", "done"), ("", "applied")]
    assert [line.source for line in world.book.history(WR)][1:] == [
        ReportSource.COMMAND,
        ReportSource.COMMAND,
        ReportSource.REPLY,
    ]


def test_what_must_not_be_asked_is_not_written(world: World) -> None:
    """A command that is refused before it is sent leaves no trace."""
    with pytest.raises(CommandNotAllowed):
        world.book.perform(WR, Wrap(), world)
    with pytest.raises(NotInBook, match=r"Fetch it and record it first"):
        world.book.perform(sid("WR", 9), Accept(), world)
    assert world.lines == [("reservation.created", "applied")]
    assert world.sent == []


def test_one_command_at_a_time(world: World) -> None:
    """While a command is under way, no other is asked of the same reservation, by whatever node."""

    def rival() -> None:
        with pytest.raises(
            CommandInProgress, match=f"the accept to reservation {WR} is still in progress"
        ):
            world.node().perform(WR, Reject(), world)

    world.before = [rival]
    world.book.perform(WR, Accept(), world)
    assert world.acts == ["accept"]


def test_of_two_who_intend_at_once_one_wins(world: World) -> None:
    """Where another node writes an intent between reading and writing, it is seen, and nothing is sent."""
    keep = world.store.write

    def keep_late(changes: Sequence[Change]) -> Sequence[bool]:
        world.store.write = keep  # type: ignore[method-assign]
        world.before = [Crash()]
        with pytest.raises(Crash):
            world.node().perform(WR, Reject(), world)
        return keep(changes)

    world.store.write = keep_late  # type: ignore[method-assign]
    with pytest.raises(CommandInProgress):
        world.book.perform(WR, Accept(), world)
    assert world.sent == ["POST"]


def test_an_intent_that_was_kept_after_all_is_one_s_own(world: World) -> None:
    """Where a store tells that it was not kept, and it was, the command is sent once, and nobody is told of another."""
    keep = world.store.write

    def keep_untold(changes: Sequence[Change]) -> Sequence[bool]:
        world.store.write = keep  # type: ignore[method-assign]
        assert keep(changes) == [True]
        return keep(changes)

    world.store.write = keep_untold  # type: ignore[method-assign]
    assert world.book.perform(WR, Accept(), world).status is S.ACCEPTED
    assert (world.entry.intent, world.acts) == (None, ["accept"])
    assert [outcome for type_, outcome in world.lines if type_ == "accept"].count("done") == 1


def test_an_event_may_come_before_the_reply(world: World) -> None:
    """An event that is recorded while its command is under way, and one that is newer than the reply, are kept."""

    def report() -> None:
        for status in (S.ACCEPTED, S.WRAPPING):
            world.life.happen(status)
        world.book.record(world.life.events[-1])

    world.after = [report]
    world.before = [lambda: world.life.happen(Accept())]
    with pytest.raises(LostRace):
        world.book.perform(WR, Accept(), world, policy=NO_WAIT)
    assert (world.entry.status, world.entry.intent) == (S.WRAPPING, None)


def test_a_conference_holds(world: World) -> None:
    """What is being carried out is on hold in the book, too, until an event tells the outcome."""
    world.book.perform(WR, Conference(to="client:alice"), world)
    assert world.entry.reservation.state == ON_HOLD
    with pytest.raises(CommandNotAllowed):
        world.book.perform(WR, Accept(), world)
    world.life.happen(S.ACCEPTED)
    world.book.record(world.life.events[-1])
    assert world.entry.reservation.state is S.ACCEPTED


def test_what_is_written_while_a_command_is_closed_is_kept(world: World) -> None:
    """Where another node writes between reading and closing, what it wrote is read, and the command is closed upon that."""
    keep = world.store.write

    def keep_late(changes: Sequence[Change]) -> Sequence[bool]:
        if changes[0].lines[0].outcome is Ending.DONE:
            world.store.write = keep  # type: ignore[method-assign]
            world.life.happen(S.WRAPPING)
            world.node().record(world.life.events[-1])
        return keep(changes)

    world.store.write = keep_late  # type: ignore[method-assign]
    assert world.book.perform(WR, Accept(), world).status is S.ACCEPTED
    assert (world.entry.status, world.entry.intent) == (S.WRAPPING, None)


def test_a_book_for_threads_is_given_nothing_that_suspends() -> None:
    """What cannot be finished at once is a fault of the book's own, and is said."""
    waiting = asyncio.sleep(0)
    with pytest.raises(AssertionError, match="suspended"):
        _run(waiting)
    waiting.close()


def test_a_purge_may_come_between(world: World) -> None:
    """Where the entry is purged while its command is under way, the reply is returned all the same."""

    def forget() -> None:
        world.store._entries.clear()  # pyright: ignore[reportPrivateUsage]

    world.after = [forget]
    assert world.book.perform(WR, Accept(), world).status is S.ACCEPTED
    assert world.book.get(WR) is None


_LATE: Final = GatewayError("no whole reply")
_CONFLICT: Final = Reply(
    400,
    {},
    b'{"message": "Reservation WR not in expected state [pending] and cannot be updated to [onHold]"}',
)


@pytest.mark.parametrize(
    ("policy", "answers", "raised", "ending", "status"),
    [
        (ONCE, [NotSent("no connection")], NotSent, "not done", S.PENDING),
        (ONCE, [Reply(401)], Unauthorized, "not done", S.PENDING),
        (ONCE, [Reply(404)], NotFound, "deleted", S.PENDING),
        (ONCE, [Reply(503)], ReservationError, None, S.PENDING),
        (ONCE, [Reply(200)], ReservationError, None, S.PENDING),
        (ONCE, [_LATE], GatewayError, None, S.PENDING),
        (NO_WAIT, [_CONFLICT], LostRace, "not done", S.PENDING),
        (NO_WAIT, [_LATE, Reply(404)], OutcomeUnknown, None, S.PENDING),
    ],
)
def test_how_a_command_ends(
    world: World,
    policy: Policy,
    answers: list[BaseException | Reply],
    raised: type[Exception],
    ending: str | None,
    status: Status,
) -> None:
    """An error is written down as what it means; where the outcome is not known, the command stays open."""
    world.before = [*answers]
    with pytest.raises(raised):
        world.book.perform(WR, Accept(), world, policy=policy)
    assert (world.entry.intent is None) is (ending is not None)
    assert world.entry.status is status
    assert [outcome for type_, outcome in world.lines if type_ == "accept"] == [
        "intended",
        *([ending] if ending else []),
    ]
    assert world.entry.is_live is (ending != "deleted")


def test_what_nobody_can_tell_is_closed_as_unknown(world: World) -> None:
    """Where somebody may have done the same, the command is closed as unknown, and the reservation is as it was read."""
    world.after = [_LATE]
    with pytest.raises(Indistinguishable):
        world.book.perform(WR, Accept(), world, policy=NO_WAIT)
    assert (world.entry.status, world.entry.intent) == (S.ACCEPTED, None)
    assert ("accept", "unknown") in world.lines


def test_nothing_personal_is_shown(world: World) -> None:
    """What the book holds of people and passwords is in no text that a log could show."""
    command = Conference(
        to="sip:alice@example.com", sip_auth_username="alice", sip_auth_password="hush-this"
    )
    shown: list[str] = []
    world.before = [lambda: shown.append(repr(world.entry) + repr(world.book.history(WR)))]
    world.book.record(attrs.evolve(world.life.get(), worker_name="Zenobia"))
    world.book.perform(WR, command, world)
    assert "Conference(" in shown[0]
    assert not [word for word in ("hush-this", "alice", "Zenobia") if word in shown[0]]


# --- recovering ------------------------------------------------------------------------------------------------------------------


def crash(world: World, *, acted: bool, command: Accept | Reject | Call = Accept()) -> None:  # noqa: B008 - it is frozen
    """Let the process end before the request arrives, or when it was answered."""
    if acted:
        world.after = [Crash()]
    else:
        world.before = [Crash()]
    with pytest.raises(Crash):
        world.book.perform(WR, command, world)
    world.life.clock.advance(120)
    world.requests.clear()


@pytest.mark.parametrize("policy", [NO_WAIT, ALONE])
def test_what_was_never_sent_is_sent(world: World, policy: Policy) -> None:
    """A command whose process ended before sending it is carried out by whoever recovers."""
    crash(world, acted=False)
    (settled,) = world.node().recover(world, policy=policy).settled
    assert settled.outcome is Ending.DONE
    assert settled.entry == world.entry
    assert (world.entry.status, world.entry.intent, world.acts) == (S.ACCEPTED, None, ["accept"])
    assert world.sent == ["GET", "POST"]


@pytest.mark.parametrize(("policy", "ending"), [(NO_WAIT, Ending.UNKNOWN), (ALONE, Ending.DONE)])
def test_what_was_carried_out_is_not_done_again(
    world: World, policy: Policy, ending: Ending
) -> None:
    """A command whose process ended after it acted is found by reading, and who is alone knows that it was its own."""
    crash(world, acted=True)
    (settled,) = world.node().recover(world, policy=policy).settled
    assert settled.outcome is ending
    assert (world.entry.status, world.entry.intent, world.acts, world.sent) == (
        S.ACCEPTED,
        None,
        ["accept"],
        ["GET"],
    )


def test_what_shows_nothing_is_closed_as_unknown(world: World) -> None:
    """A call that may have been made is not made again without a version to tell by: the worker may have been called."""
    world.book.record(attrs.evolve(world.life.get(), etag=None))
    crash(world, acted=True, command=CALL)
    (settled,) = world.book.recover(world, policy=NO_WAIT).settled
    assert settled.outcome is Ending.UNKNOWN
    assert (world.entry.intent, world.acts, world.sent) == (None, ["call"], ["GET"])


def test_what_shows_nothing_is_told_by_its_version(world: World) -> None:
    """A call that raised no version was not made, and is made."""
    world.book.record(world.life.get())
    crash(world, acted=False, command=CALL)
    (settled,) = world.book.recover(world, policy=NO_WAIT).settled
    assert (settled.outcome, world.acts) == (Ending.DONE, ["call"])


def test_what_is_impossible_by_now_is_not_done(world: World) -> None:
    """A command that was never sent and came too late is closed as not done."""
    crash(world, acted=False)
    world.life.happen(S.CANCELED)
    (settled,) = world.book.recover(world, policy=NO_WAIT).settled
    assert settled.outcome is Ending.NOT_DONE
    assert (world.entry.status, world.entry.intent, world.acts) == (S.CANCELED, None, [])


def test_what_is_gone_is_closed(world: World) -> None:
    """Where the platform has the reservation no more, the command is closed, and what was last reported stays."""
    crash(world, acted=True)
    world.before = [Reply(404)]
    (settled,) = world.book.recover(world, policy=NO_WAIT).settled
    assert settled.outcome is Ending.DELETED
    assert (world.entry.status, world.entry.deleted, world.entry.intent) == (S.PENDING, True, None)


def test_what_cannot_be_read_stays_open(world: World) -> None:
    """Where the platform does not answer, the command stays open, is claimed until its lease ends, and then is tried again."""
    crash(world, acted=True)
    world.before = [Reply(503)] * 4
    swept = world.book.recover(world, policy=NO_WAIT, lease=60)
    assert (swept.settled, [type(error) for error in swept.failed.values()]) == (
        (),
        [OutcomeUnknown],
    )
    assert world.entry.intent is not None
    assert world.book.recover(world, policy=ALONE) == Swept((), {})
    world.life.clock.advance(60)
    assert [settled.outcome for settled in world.book.recover(world, policy=ALONE).settled] == [
        Ending.DONE
    ]


@pytest.mark.parametrize("moved", [False, True])
def test_what_there_was_no_time_for_stays_open(world: World, *, moved: bool) -> None:
    """Where a reading told that a command was not carried out, and its deadline passed meanwhile, it is carried out by the next sweep."""
    world.book.record(world.life.get())
    crash(world, acted=False, command=Reject())
    if moved:  # no request that was sent before can act any more
        world.life.happen(CALL)
    world.before = [lambda: time.sleep(0.02)]
    swept = world.book.recover(world, policy=Policy(backoff=0.0, deadline=0.01))
    assert (swept.settled, [type(error) for error in swept.failed.values()]) == (
        (),
        [GatewayError if moved else OutcomeUnknown],
    )
    assert (world.sent, world.entry.intent is None) == (["GET"], False)
    world.life.clock.advance(120)
    (settled,) = world.book.recover(world, policy=NO_WAIT).settled
    assert (settled.outcome, world.entry.intent, world.life.get().status) == (
        Ending.DONE,
        None,
        S.REJECTED,
    )


def test_what_there_were_no_attempts_for_stays_open(world: World) -> None:
    """Where a reading told that it was not carried out, and it was tried often enough for once, the next sweep goes on."""
    world.book.record(world.life.get())
    crash(world, acted=False, command=Reject())

    def lose() -> None:
        world.life.happen(CALL)  # so that what is lost can never act any more
        raise GatewayError("no whole reply")

    world.before = [None, lose]
    swept = world.book.recover(world, policy=Policy(backoff=0.0, attempts=1))
    assert (swept.settled, [type(error) for error in swept.failed.values()]) == ((), [LostRace])
    assert (world.sent, world.entry.intent is None) == (["GET", "POST", "GET"], False)
    world.life.clock.advance(120)
    (settled,) = world.book.recover(world, policy=NO_WAIT).settled
    assert (settled.outcome, world.entry.intent, world.life.get().status) == (
        Ending.DONE,
        None,
        S.REJECTED,
    )


def test_what_is_under_way_is_left_alone(world: World) -> None:
    """A command that was written down a moment ago is somebody's who is at work, unless the caller knows better."""
    world.before = [Crash()]
    with pytest.raises(Crash):
        world.book.perform(WR, Accept(), world)
    assert world.book.recover(world) == Swept((), {})
    assert len(world.book.recover(world, older_than=0).settled) == 1


def test_who_was_slow_does_not_close_another_command(world: World) -> None:
    """Where a command was recovered while its own process was only slow, that writes its line and touches nothing else."""

    def meanwhile() -> None:
        world.life.clock.advance(120)
        world.after = [None, None]
        assert [
            settled.outcome for settled in world.node().recover(world, policy=ALONE).settled
        ] == [Ending.DONE]
        world.after = [Crash()]
        with pytest.raises(Crash):
            world.node().perform(WR, Complete(), world)

    world.after = [meanwhile]
    assert world.book.perform(WR, Accept(), world).status is S.ACCEPTED
    assert world.entry.intent is not None
    assert world.entry.intent.command == Complete()
    assert [outcome for type_, outcome in world.lines if type_ == "accept"] == [
        "intended",
        "done",
        "done",
    ]


# --- reconciling -----------------------------------------------------------------------------------------------------------------


def test_what_was_lost_is_read(world: World) -> None:
    """What was not heard of for so long is read, and is then as the platform has it."""
    world.life.happen(S.ACCEPTED)
    assert world.book.reconcile(world) == Swept((), {})
    world.life.clock.advance(120)
    (settled,) = world.book.reconcile(world).settled
    assert settled.outcome is Verdict.APPLIED
    assert settled.entry == world.entry
    assert world.entry.reservation == fetch(world.entry.reservation, world)
    assert world.book.reconcile(world) == Swept((), {})


def test_a_doubt_is_settled_at_once(world: World) -> None:
    """What is in doubt is read at the next sweep, however lately it was heard of."""
    for status in (S.ACCEPTED, S.WRAPPING):
        world.life.happen(status)
    assert world.book.record(world.life.events[-1]).outcome is Verdict.GAP
    assert world.entry.doubt is Doubt.GAP
    world.book.reconcile(world)
    settled = world.entry
    assert settled.doubt is None
    assert settled.reservation == fetch(pending(0), world)


def test_what_is_gone_is_marked(world: World) -> None:
    """Where the platform has a reservation no more, its last status stays, and it is not asked for again."""
    world.before = [Reply(404)]
    (settled,) = world.book.reconcile(world, older_than=0).settled
    assert settled.outcome is Ending.DELETED
    assert (world.entry.status, world.entry.is_live) == (S.PENDING, False)
    assert world.lines[-1] == ("", "deleted")
    assert world.book.reconcile(world, older_than=0) == Swept((), {})


def test_what_cannot_be_read_is_due_again(world: World) -> None:
    """A reading that fails is told, with its reason, and is made again when its lease has ended."""
    world.before = [Reply(503)]
    assert list(world.book.reconcile(world, older_than=0, lease=10).failed) == [WR]
    assert world.book.reconcile(world, older_than=0) == Swept((), {})
    world.life.clock.advance(10)
    assert len(world.book.reconcile(world, older_than=0).settled) == 1


def test_what_is_written_meanwhile_is_newer_than_a_reading(world: World) -> None:
    """Where an event is recorded while the reservation is being read, the reading is a report like any other."""

    def report() -> None:
        world.life.happen(S.ACCEPTED)
        world.book.record(world.life.events[-1])

    world.after = [report]
    (settled,) = world.book.reconcile(world, older_than=0).settled
    assert (settled.outcome, world.entry.status) == (Verdict.OLDER, S.ACCEPTED)

    def gone_but_heard_of() -> None:
        world.life.happen(S.WRAPPING)
        world.book.record(world.life.events[-1])

    world.after, world.before = (
        [],
        [
            gone_but_heard_of,
        ],
    )
    world.before, world.after = [gone_but_heard_of], [Reply(404)]
    (settled,) = world.book.reconcile(world, older_than=0).settled
    assert (settled.entry, world.entry.status, world.entry.deleted) == (
        world.entry,
        S.WRAPPING,
        False,
    )


def test_a_late_copy_is_asked_for_again_only_in_the_next_sweep(world: World) -> None:
    """Where the platform shows what is older than a report that left a doubt, the doubt stays, and the sweep ends."""
    world.book.record(attrs.evolve(world.life.get(), status=S.ACCEPTED))
    world.book.record(
        attrs.evolve(
            world.life.events[0],
            sid="EV9",
            status=S.REJECTED,
            reservation=attrs.evolve(pending(0), status=S.REJECTED),
        )
    )
    assert world.entry.doubt is Doubt.CONTRADICTION
    assert [settled.outcome for settled in world.book.reconcile(world).settled] == [Verdict.OLDER]
    assert (world.entry.status, world.entry.doubt, world.sent) == (
        S.ACCEPTED,
        Doubt.CONTRADICTION,
        ["GET"],
    )


@pytest.mark.parametrize("lease", [0, 120])
def test_what_cannot_be_read_holds_up_no_sweep(lease: float) -> None:
    """However short the lease of what cannot be settled is, what waits behind it is settled, each once."""
    world = World(5)
    world.life.clock.advance(200)

    class Deaf:
        def send(self, request: Request) -> Reply:
            return (
                Reply(503)
                if sid("WR", 0) in request.path or sid("WR", 1) in request.path
                else world.send(request)
            )

    swept = world.book.reconcile(Deaf(), lease=lease)
    assert (len(swept.settled), set(swept.failed)) == (3, {sid("WR", 0), sid("WR", 1)})
    assert len(world.requests) == 3


def test_a_sweep_is_bounded() -> None:
    """A sweep settles so many and no more; the next goes on."""
    world = World(5)
    assert len(world.book.reconcile(world, older_than=0, limit=3).settled) == 3
    assert len(world.book.reconcile(world, older_than=0).settled) == 5


# --- in an event loop ------------------------------------------------------------------------------------------------------------


def test_the_same_in_an_event_loop() -> None:
    """A book in an event loop records, performs, recovers and reconciles as one for threads does."""
    world = World(3)

    async def live() -> list[str]:
        book = AsyncBook(
            ThreadedStore(world.store), clock=world.life.clock, sleep=lambda _: asyncio.sleep(0)
        )
        try:
            assert [(await book.record(event)).outcome for event in world.life.events] == [
                Verdict.DUPLICATE
            ] * 3
            assert (await book.perform(WR, Accept(), world)).status is S.ACCEPTED
            world.after = [Crash()]
            with pytest.raises(Crash):
                await book.perform(WR, Complete(), world)
            assert [
                settled.outcome
                for settled in (await book.recover(world, older_than=0, policy=ALONE)).settled
            ] == [Ending.DONE]
            world.life.happen(S.TIMEOUT, 1)
            assert len((await book.reconcile(world, older_than=0)).settled) == 2
            assert len(await book.history(WR)) == 7
            assert len(await book.due(0)) == 1
            assert await book.purge(0) == 2
            return [entry.sid async for entry in book.live()]
        finally:
            await book.close()

    assert asyncio.run(live()) == [sid("WR", 2)]


def test_a_failing_store_fails_each_caller() -> None:
    """Where the store fails for some who are written together, each is tried alone, and those who can be served are."""
    life = Life(4)

    class Broken(MemoryStore):
        def write(self, changes: Sequence[Change]) -> Sequence[bool]:
            if any(change.sid == sid("WR", 2) for change in changes):
                raise StoreFailed("of a bad value")
            return super().write(changes)

    async def record() -> list[object]:
        book = AsyncBook(ThreadedStore(Broken()))
        try:
            return list(
                await asyncio.gather(*map(book.record, life.events), return_exceptions=True)
            )
        finally:
            await book.close()

    outcomes = asyncio.run(record())
    assert [isinstance(outcome, StoreFailed) for outcome in outcomes] == [False, False, True, False]


def test_a_store_that_is_not_there_is_asked_once_for_all() -> None:
    """Where it would fail whatever it was asked, those who wait together are told together, and none waits for its patience again."""
    life = Life(4)
    asked: list[int] = []
    go_on = threading.Event()

    class Away(MemoryStore):
        def look_up(self, sids: Sequence[str], events: Sequence[EventRef]) -> LookupResult:
            asked.append(min(len(sids), len(events)))
            assert go_on.wait(10)
            raise StoreUnavailable("SQLITE_BUSY")

    async def record() -> list[object]:
        book = AsyncBook(ThreadedStore(Away()))
        try:
            return list(
                await asyncio.gather(*map(book.record, life.events), return_exceptions=True)
            )
        finally:
            await book.close()

    book = Book(Away())
    outcomes: list[object] = []

    def tell(event: Event) -> None:
        try:
            outcomes.append(book.record(event))
        except StoreUnavailable as failure:
            outcomes.append(failure)

    threads = [threading.Thread(target=tell, args=(event,)) for event in life.events]
    for number, thread in enumerate(threads):
        thread.start()
        while not asked or len(book._recording._waiting) < number:  # pyright: ignore[reportPrivateUsage]
            pass
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert outcomes == [StoreUnavailable("SQLITE_BUSY")] * 4
    assert asked == [1, 3]
    assert asyncio.run(record()) == [StoreUnavailable("SQLITE_BUSY")] * 4
    assert asked == [1, 3, 4]


def test_who_is_cancelled_leaves_the_others() -> None:
    """A task that is cancelled while it waits to be written disturbs none of those it waits with."""
    life = Life(3)

    async def record() -> list[object]:
        book = AsyncBook(ThreadedStore(MemoryStore()))
        try:
            tasks = [asyncio.ensure_future(book.record(event)) for event in life.events]
            await asyncio.sleep(0)
            tasks[1].cancel()
            return list(await asyncio.gather(*tasks, return_exceptions=True))
        finally:
            await book.close()

    outcomes = asyncio.run(record())
    assert [isinstance(outcome, asyncio.CancelledError) for outcome in outcomes] == [
        False,
        True,
        False,
    ]
