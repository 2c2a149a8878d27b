"""Tests of performing commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
import pytest

from reservation_core import (
    ONCE,
    Accept,
    Command,
    CommandNotAllowed,
    Complete,
    Conference,
    GatewayError,
    Indistinguishable,
    LostRace,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Policy,
    Reject,
    Reply,
    ReservationError,
    Status,
    Unauthorized,
    Wrap,
)
from reservation_core.book import (
    Change,
    CommandInProgress,
    Doubt,
    Ending,
    Entry,
    NotInBook,
    ReportSource,
)
from reservation_core.domain.lifecycle import ON_HOLD
from tests.book.scenario import sid
from tests.book.world import ALONE, NO_WAIT, WR, ProcessCrash, S, World

_NO_REPLY: Final = GatewayError("no whole reply")
_CONFLICT: Final = Reply(
    400,
    {},
    b'{"message": "Reservation WR not in expected state [pending] and cannot be updated to '
    b'[onHold]"}',
)


def test_perform_writes_the_intent_before_sending_and_closes_it_after(world: World) -> None:
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


def test_refused_command_is_not_written(world: World) -> None:
    with pytest.raises(CommandNotAllowed):
        world.book.perform(WR, Wrap(), world)
    with pytest.raises(NotInBook, match=r"Fetch it and record it first"):
        world.book.perform(sid("WR", 9), Accept(), world)
    assert world.lines == [("reservation.created", "applied")]
    assert world.methods == []


def test_perform_refuses_a_second_command_in_progress(world: World) -> None:
    """Another node cannot perform one either."""

    def perform_from_another_node() -> None:
        with pytest.raises(
            CommandInProgress, match=f"the accept to reservation {WR} is still in progress"
        ):
            world.open_node().perform(WR, Reject(), world)

    world.before = [perform_from_another_node]
    world.book.perform(WR, Accept(), world)
    assert world.actions == ["accept"]


def test_concurrent_intent_of_another_node_wins(world: World) -> None:
    """It is written between reading and writing. Nothing is sent."""
    write = world.store.write

    def write_late(changes: Sequence[Change]) -> Sequence[bool]:
        world.store.write = write  # type: ignore[method-assign]
        world.before = [ProcessCrash()]
        with pytest.raises(ProcessCrash):
            world.open_node().perform(WR, Reject(), world)
        return write(changes)

    world.store.write = write_late  # type: ignore[method-assign]
    with pytest.raises(CommandInProgress):
        world.book.perform(WR, Accept(), world)
    assert world.methods == ["POST"]


def test_perform_recognizes_its_own_intent(world: World) -> None:
    """The store returns false for an intent that it wrote. The command is sent once."""
    write = world.store.write

    def write_but_return_false(changes: Sequence[Change]) -> Sequence[bool]:
        world.store.write = write  # type: ignore[method-assign]
        assert write(changes) == [True]
        return write(changes)

    world.store.write = write_but_return_false  # type: ignore[method-assign]
    assert world.book.perform(WR, Accept(), world).status is S.ACCEPTED
    assert (world.entry.intent, world.actions) == (None, ["accept"])
    assert [outcome for type_, outcome in world.lines if type_ == "accept"].count("done") == 1


def test_newer_event_before_the_reply_is_kept(world: World) -> None:
    def report() -> None:
        for status in (S.ACCEPTED, S.WRAPPING):
            world.scenario.apply(status)
        world.book.record(world.scenario.events[-1])

    world.after = [report]
    world.before = [lambda: world.scenario.apply(Accept())]
    with pytest.raises(Indistinguishable):
        world.book.perform(WR, Accept(), world, policy=NO_WAIT)
    assert (world.entry.status, world.entry.intent) == (S.WRAPPING, None)


def test_conference_is_on_hold_until_an_event_reports_the_outcome(world: World) -> None:
    world.book.perform(WR, Conference(to="client:alice"), world)
    assert world.entry.reservation.state == ON_HOLD
    with pytest.raises(CommandNotAllowed):
        world.book.perform(WR, Accept(), world)
    world.scenario.apply(S.ACCEPTED)
    world.book.record(world.scenario.events[-1])
    assert world.entry.reservation.state is S.ACCEPTED


def test_concurrent_write_while_closing_is_kept(world: World) -> None:
    write = world.store.write

    def write_late(changes: Sequence[Change]) -> Sequence[bool]:
        if changes[0].lines[0].outcome is Ending.DONE:
            world.store.write = write  # type: ignore[method-assign]
            world.scenario.apply(S.WRAPPING)
            world.open_node().record(world.scenario.events[-1])
        return write(changes)

    world.store.write = write_late  # type: ignore[method-assign]
    assert world.book.perform(WR, Accept(), world).status is S.ACCEPTED
    assert (world.entry.status, world.entry.intent) == (S.WRAPPING, None)


def test_perform_returns_the_reservation_of_a_purged_entry(world: World) -> None:
    def delete_entry() -> None:
        world.store._entries.clear()  # pyright: ignore[reportPrivateUsage]

    world.after = [delete_entry]
    assert world.book.perform(WR, Accept(), world).status is S.ACCEPTED
    assert world.book.get(WR) is None


@pytest.mark.parametrize(
    ("policy", "answers", "raised", "ending", "status"),
    [
        (ONCE, [NotSent("no connection")], NotSent, "not done", S.PENDING),
        (ONCE, [Reply(401)], Unauthorized, "not done", S.PENDING),
        (ONCE, [Reply(404)], NotFound, "not done", S.PENDING),
        (ONCE, [Reply(503)], ReservationError, None, S.PENDING),
        (ONCE, [Reply(200)], ReservationError, None, S.PENDING),
        (ONCE, [_NO_REPLY], GatewayError, None, S.PENDING),
        (NO_WAIT, [_CONFLICT], OutcomeUnknown, "unknown", S.PENDING),
        (NO_WAIT, [_NO_REPLY, Reply(404)], OutcomeUnknown, None, S.PENDING),
    ],
)
def test_error_determines_the_ending(
    world: World,
    policy: Policy,
    answers: list[BaseException | Reply],
    raised: type[Exception],
    ending: str | None,
    status: Status,
) -> None:
    """The command stays open if the outcome is not known."""
    world.before = [*answers]
    with pytest.raises(raised):
        world.book.perform(WR, Accept(), world, policy=policy)
    assert (world.entry.intent is None) is (ending is not None)
    assert world.entry.status is status
    assert [outcome for type_, outcome in world.lines if type_ == "accept"] == [
        "intended",
        *([ending] if ending else []),
    ]
    assert world.entry.is_live


def test_404_to_a_command_ends_an_entry_without_recent_news(world: World) -> None:
    world.scenario.clock.advance(300)
    world.before = [Reply(404)]
    with pytest.raises(NotFound):
        world.book.perform(WR, Accept(), world)
    assert (world.entry.deleted, world.entry.intent, world.lines[-1]) == (
        True,
        None,
        ("accept", "deleted"),
    )


def test_indistinguishable_command_ends_as_unknown(world: World) -> None:
    world.after = [_NO_REPLY]
    with pytest.raises(Indistinguishable):
        world.book.perform(WR, Accept(), world, policy=NO_WAIT)
    assert (world.entry.status, world.entry.intent) == (S.ACCEPTED, None)
    assert ("accept", "unknown") in world.lines


def test_conference_with_an_unknown_outcome_is_on_hold_in_the_book(world: World) -> None:
    """A second conference would call the worker twice."""
    conference = Conference(from_="+15005550006")
    world.book.record(world.scenario.get())  # with its version
    world.after = [_NO_REPLY]
    with pytest.raises(OutcomeUnknown, match="released"):
        world.book.perform(WR, conference, world, policy=NO_WAIT)
    assert (world.entry.status, world.entry.reservation.on_hold) == (S.PENDING, True)
    with pytest.raises(CommandNotAllowed):
        world.book.perform(WR, conference, world, policy=NO_WAIT)
    assert world.methods == ["POST", "GET"]
    assert not world.book.release(WR).reservation.on_hold  # the remedy that the error names


@pytest.mark.parametrize("command", [Accept(), Conference(from_="+15005550006")])
def test_resume_closes_a_command_with_an_unknown_outcome(world: World, command: Command) -> None:
    """The remedy that both errors name, without waiting for the sweep."""
    world.book.record(world.scenario.get())  # with its version
    world.before = [None, *[_NO_REPLY] * 9]
    world.after = [_NO_REPLY]
    with pytest.raises(OutcomeUnknown, match=r"book\.resume\(sid, gateway\)"):
        world.book.perform(WR, command, world, policy=NO_WAIT)
    with pytest.raises(CommandInProgress, match=r"book\.resume\(sid, gateway\)"):
        world.book.perform(WR, command, world, policy=NO_WAIT)
    world.before = []
    assert not world.book.recover(world).settled  # it is too recent for the sweep
    if isinstance(command, Accept):
        assert world.book.resume(WR, world, policy=ALONE).status is S.ACCEPTED
    else:
        assert world.book.resume(WR, world, policy=ALONE).on_hold
    assert world.entry.intent is None
    assert [request.method for request in world.requests].count("POST") == 1


def test_resume_closes_a_command_whose_outcome_no_fetch_can_show(world: World) -> None:
    world.before = [_NO_REPLY]
    conference = Conference(from_="+15005550006")
    with pytest.raises(OutcomeUnknown, match="Wait for the platform's next report") as first:
        world.book.perform(WR, conference, world, policy=NO_WAIT)
    assert "book.resume(sid, gateway)" in str(first.value)
    assert "conference is open" in str(world.entry)
    with pytest.raises(OutcomeUnknown):
        world.book.resume(WR, world, policy=NO_WAIT)
    assert world.entry.intent is None
    assert world.book.resume(WR, world, policy=NO_WAIT) == world.entry.reservation


def test_repr_of_entry_and_history_holds_nothing_personal(world: World) -> None:
    command = Conference(
        to="sip:alice@example.com", sip_auth_username="alice", sip_auth_password="hush-this"
    )
    shown: list[str] = []
    world.before = [lambda: shown.append(repr(world.entry) + repr(world.book.history(WR)))]
    world.book.record(attrs.evolve(world.scenario.get(), worker_name="Zenobia"))
    world.book.perform(WR, command, world)
    assert "Conference(" in shown[0]
    assert not [word for word in ("hush-this", "alice", "Zenobia") if word in shown[0]]


def test_lost_race_with_a_step_that_the_lifecycle_does_not_have_is_taken_over(
    world: World,
) -> None:
    """The delivery has fetched it, and nothing was written since."""
    world.scenario.apply(S.ACCEPTED)
    world.book.record(world.scenario.get())
    world.scenario.platform.force_status(WR, S.CANCELED)
    with pytest.raises(LostRace) as caught:
        world.book.perform(WR, Complete(), world, policy=NO_WAIT)
    assert caught.value.reservation is not None
    assert caught.value.reservation.status is S.CANCELED
    assert (world.entry.status, world.entry.doubt) == (S.CANCELED, None)
    with pytest.raises(CommandNotAllowed):
        world.book.perform(WR, Complete(), world)


def test_lost_race_contradicts_an_entry_that_changed_meanwhile(world: World) -> None:
    world.scenario.apply(S.ACCEPTED)
    world.book.record(world.scenario.get())
    world.scenario.platform.force_status(WR, S.CANCELED)
    newer = attrs.evolve(world.entry.reservation, status=S.WRAPPING, etag=None)
    world.before = [None, lambda: world.book.record(newer)]
    with pytest.raises(LostRace):
        world.book.perform(WR, Complete(), world, policy=NO_WAIT)
    assert (world.entry.status, world.entry.doubt) == (S.WRAPPING, Doubt.CONTRADICTION)
