"""Tests of recovering open commands."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from reservation_core import (
    Accept,
    Complete,
    Conference,
    GatewayError,
    LostRace,
    NotSent,
    OutcomeUnknown,
    Policy,
    Reject,
    Reply,
    Status,
)
from reservation_core.book import (
    Change,
    Ending,
    Entry,
    Intent,
    NotInBook,
    Swept,
)
from tests.book.scenario import sid
from tests.book.world import ALONE, CALL, NO_WAIT, WR, ProcessCrash, S, World, crash

CONFERENCE = Conference(to="client:alice")


@pytest.mark.parametrize("policy", [NO_WAIT, ALONE])
def test_recover_sends_a_command_that_was_not_sent(world: World, policy: Policy) -> None:
    crash(world, acted=False)
    (settled,) = world.open_node().recover(world, policy=policy).settled
    assert settled.outcome is Ending.DONE
    assert settled.entry == world.entry
    assert (world.entry.status, world.entry.intent, world.actions) == (S.ACCEPTED, None, ["accept"])
    assert world.methods == ["GET", "POST"]


def test_recover_takes_the_policy_of_each_intent() -> None:
    """The caller is the sole writer of accepts, but not of rejects."""
    world = World(2)
    second = sid("WR", 1)
    for known, command in ((WR, Accept()), (second, Reject())):
        world.after.append(ProcessCrash())
        with pytest.raises(ProcessCrash):
            world.book.perform(known, command, world)
    world.scenario.clock.advance(120)
    asked: list[Intent] = []

    def choose(intent: Intent) -> Policy:
        asked.append(intent)
        return ALONE if intent.command == Accept() else NO_WAIT

    settled = world.open_node().recover(world, policy=choose).settled
    endings = {str(each.entry and each.entry.sid): each.outcome for each in settled}
    assert endings == {WR: Ending.DONE, second: Ending.UNKNOWN}
    assert {intent.reservation.sid for intent in asked} == {WR, second}


def test_recover_refuses_another_value_than_a_policy_of_an_intent(world: World) -> None:
    crash(world, acted=False)

    def forget(_: Intent) -> None:
        """Return nothing by mistake."""

    choices: list[Any] = [Policy, None, {"accept": ALONE}, forget]
    for policy in choices:
        with pytest.raises(TypeError, match=r"^not a policy: it is"):
            world.open_node().recover(world, policy=policy)
    assert world.entry.intent is not None
    assert world.methods == []


def test_conference_closed_as_unknown_may_be_on_hold(world: World) -> None:
    """The entry shows it until the next status, or until released."""
    crash(world, acted=True, command=CONFERENCE)
    with pytest.raises(OutcomeUnknown) as caught:
        world.book.resume(WR, world, policy=NO_WAIT)
    assert caught.value.may_be_on_hold
    assert (world.entry.intent, world.entry.may_be_on_hold) == (None, True)
    assert not world.entry.reservation.on_hold  # it is not claimed
    assert str(world.entry).startswith(f"{WR}: pending, may be on hold, revision ")
    world.book.record(world.scenario.get().released())
    assert world.entry.may_be_on_hold  # the same status does not tell
    assert not world.book.release(WR).may_be_on_hold


@pytest.mark.parametrize("status", [S.ACCEPTED, S.CANCELED])
def test_next_status_ends_what_may_be_a_hold(world: World, status: Status) -> None:
    crash(world, acted=True, command=CONFERENCE)
    with pytest.raises(OutcomeUnknown):
        world.book.resume(WR, world, policy=NO_WAIT)
    world.scenario.apply(status)
    world.book.record(world.scenario.get())
    assert (world.entry.status, world.entry.may_be_on_hold) == (status, False)


@pytest.mark.parametrize(("policy", "ending"), [(NO_WAIT, Ending.UNKNOWN), (ALONE, Ending.DONE)])
def test_recover_does_not_repeat_an_executed_command(
    world: World, policy: Policy, ending: Ending
) -> None:
    """A sole writer knows that it was its own."""
    crash(world, acted=True)
    (settled,) = world.open_node().recover(world, policy=policy).settled
    assert settled.outcome is ending
    assert (world.entry.status, world.entry.intent, world.actions, world.methods) == (
        S.ACCEPTED,
        None,
        ["accept"],
        ["GET"],
    )


def test_recover_without_versions_closes_a_call_as_unknown(world: World) -> None:
    """The worker may have been called."""
    world.book.record(attrs.evolve(world.scenario.get(), etag=None))
    crash(world, acted=True, command=CALL)
    (settled,) = world.book.recover(world, policy=NO_WAIT).settled
    assert settled.outcome is Ending.UNKNOWN
    assert (world.entry.intent, world.actions, world.methods) == (None, ["call"], ["GET"])


def test_recover_repeats_a_call_whose_version_did_not_grow(world: World) -> None:
    world.book.record(world.scenario.get())
    crash(world, acted=False, command=CALL)
    (settled,) = world.book.recover(world, policy=NO_WAIT).settled
    assert (settled.outcome, world.actions) == (Ending.DONE, ["call"])


def test_recover_closes_an_impossible_command_as_not_done(world: World) -> None:
    crash(world, acted=False)
    world.scenario.apply(S.TIMEOUT)
    (settled,) = world.book.recover(world, policy=NO_WAIT).settled
    assert settled.outcome is Ending.NOT_DONE
    assert (world.entry.status, world.entry.intent, world.actions) == (S.TIMEOUT, None, [])


def test_recover_closes_a_command_to_a_deleted_reservation(world: World) -> None:
    """The last status stays."""
    crash(world, acted=True)
    world.scenario.clock.advance(180)
    world.before = [Reply(404)]
    (settled,) = world.book.recover(world, policy=NO_WAIT).settled
    assert settled.outcome is Ending.DELETED
    assert (world.entry.status, world.entry.deleted, world.entry.intent) == (S.PENDING, True, None)


def test_recover_leaves_a_command_open_if_a_404_may_be_wrong(world: World) -> None:
    """The platform keeps a reservation for five minutes after its end."""
    crash(world, acted=True)
    world.before = [Reply(404)]
    swept = world.book.recover(world, policy=ALONE, lease=10)
    assert (swept.settled, list(swept.failed)) == ((), [WR])
    assert (world.entry.deleted, world.entry.intent is None) == (False, False)
    world.scenario.clock.advance(10)
    (settled,) = world.book.recover(world, policy=ALONE).settled
    assert (settled.outcome, world.entry.status) == (Ending.DONE, S.ACCEPTED)


def test_recover_leaves_a_command_open_if_a_404_may_be_wrong_after_news(world: World) -> None:
    """The news arrived while the command was recovered."""
    crash(world, acted=True)
    world.scenario.clock.advance(180)

    world.before = [lambda: world.book.record(world.scenario.get())]
    world.after = [Reply(404)]
    assert list(world.book.recover(world, policy=NO_WAIT).failed) == [WR]


def test_recover_leaves_a_command_open_if_the_fetch_fails(world: World) -> None:
    """It is recovered again after its lease."""
    crash(world, acted=True)
    world.before = [Reply(503)] * 4
    swept = world.book.recover(world, policy=NO_WAIT, lease=60)
    assert (swept.settled, [type(error) for error in swept.failed.values()]) == (
        (),
        [OutcomeUnknown],
    )
    assert world.entry.intent is not None
    assert world.book.recover(world, policy=ALONE) == Swept((), {})
    world.scenario.clock.advance(60)
    assert [settled.outcome for settled in world.book.recover(world, policy=ALONE).settled] == [
        Ending.DONE
    ]


@pytest.mark.parametrize("moved", [False, True])
def test_recover_leaves_a_command_open_at_the_deadline(world: World, *, moved: bool) -> None:
    """The fetch shows that it was not executed. The next sweep executes it."""
    world.book.record(world.scenario.get())
    crash(world, acted=False, command=Reject())
    if moved:  # now a request that was sent before can no longer act
        world.scenario.apply(CALL)
    world.before = [lambda: time.sleep(0.02)]
    swept = world.book.recover(world, policy=Policy(backoff=0.0, deadline=0.01))
    assert (swept.settled, [type(error) for error in swept.failed.values()]) == (
        (),
        [OutcomeUnknown],
    )
    assert (world.methods, world.entry.intent is None) == (["GET"], False)
    world.scenario.clock.advance(120)
    (settled,) = world.book.recover(world, policy=NO_WAIT).settled
    assert (settled.outcome, world.entry.intent, world.scenario.get().status) == (
        Ending.DONE,
        None,
        S.REJECTED,
    )


def test_recover_leaves_a_command_open_after_its_attempts(world: World) -> None:
    """The fetch shows that it was not executed. The next sweep executes it."""
    world.book.record(world.scenario.get())
    crash(world, acted=False, command=Reject())

    def lose_reply() -> None:
        world.scenario.apply(CALL)  # now the lost request can no longer act
        raise GatewayError("no whole reply")

    world.before = [None, lose_reply]
    swept = world.book.recover(world, policy=Policy(backoff=0.0, attempts=1))
    failures = [type(error) for error in swept.failed.values()]
    assert (swept.settled, failures) == ((), [OutcomeUnknown])
    assert (world.methods, world.entry.intent is None) == (["GET", "POST", "GET"], False)
    world.scenario.clock.advance(120)
    (settled,) = world.book.recover(world, policy=NO_WAIT).settled
    assert (settled.outcome, world.entry.intent, world.scenario.get().status) == (
        Ending.DONE,
        None,
        S.REJECTED,
    )


def test_recover_skips_recent_commands(world: World) -> None:
    world.before = [ProcessCrash()]
    with pytest.raises(ProcessCrash):
        world.book.perform(WR, Accept(), world)
    assert world.book.recover(world) == Swept((), {})
    assert len(world.book.recover(world, older_than=0).settled) == 1


def test_slow_process_does_not_close_the_intent_of_another(world: World) -> None:
    """Its command was recovered meanwhile, and closed once."""

    def recover_and_perform_another() -> None:
        world.scenario.clock.advance(120)
        world.after = [None, None]
        assert [
            settled.outcome for settled in world.open_node().recover(world, policy=ALONE).settled
        ] == [Ending.DONE]
        world.after = [ProcessCrash()]
        with pytest.raises(ProcessCrash):
            world.open_node().perform(WR, Complete(), world)

    world.after = [recover_and_perform_another]
    assert world.book.perform(WR, Accept(), world).status is S.ACCEPTED
    assert world.entry.intent is not None
    assert world.entry.intent.command == Complete()
    assert [outcome for type_, outcome in world.lines if type_ == "accept"] == [
        "intended",
        "done",
    ]


@pytest.mark.parametrize("arrives", [True, False])
def test_paused_process_sends_nothing_after_another_recovered(
    world: World, *, arrives: bool
) -> None:
    """It is paused just before its request leaves."""
    world.book.record(world.scenario.get())

    def pause() -> None:
        world.scenario.clock.advance(120)
        (settled,) = world.open_node().recover(world, policy=NO_WAIT).settled
        assert settled.outcome is Ending.DONE
        if not arrives:
            raise NotSent("no")

    world.before = [pause]
    reason = "if the call was carried out" if arrives else "another process has taken the command"
    with pytest.raises(OutcomeUnknown, match=reason):
        world.book.perform(WR, CALL, world)
    assert world.actions == ["call"]
    assert world.methods == ["POST", "GET", "POST", *(["GET"] if arrives else [])]
    assert world.entry.intent is None


def test_paused_process_sends_nothing_while_another_recovers(world: World) -> None:
    """The intent is still open, but it was taken over."""

    def pause() -> None:
        world.scenario.clock.advance(120)
        world.before = [Reply(503)] * 4
        assert list(world.open_node().recover(world, policy=NO_WAIT).failed) == [WR]
        raise NotSent("no")

    world.before = [pause]
    with pytest.raises(OutcomeUnknown, match="another process has taken the command over"):
        world.book.perform(WR, CALL, world)
    assert world.methods == ["POST", "GET", "GET", "GET", "GET"]
    assert world.entry.intent is not None


@pytest.mark.parametrize("closes", [True, False])
def test_command_that_another_process_took_meanwhile_is_not_recovered(
    world: World, monkeypatch: pytest.MonkeyPatch, *, closes: bool
) -> None:
    """It is closed or taken over between the claim and the delivery."""
    crash(world, acted=True)
    claim = world.store.claim

    def claim_and_resume(*arguments: Any, **more: Any) -> Sequence[Entry]:
        claimed = claim(*arguments, **more)
        monkeypatch.undo()
        world.before = [] if closes else [Reply(503)] * 4
        with contextlib.suppress(OutcomeUnknown):
            world.open_node().resume(WR, world, policy=ALONE)
        return claimed

    monkeypatch.setattr(world.store, "claim", claim_and_resume)
    assert world.book.recover(world, policy=ALONE) == Swept((), {})
    assert (world.entry.intent is None) is closes
    assert world.methods == ["GET"] * (1 if closes else 4)


def test_resume_continues_if_another_process_closed_the_command(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash(world, acted=True)
    node, write = world.open_node(), world.store.write

    def close_first(changes: Sequence[Change]) -> Sequence[bool]:
        monkeypatch.undo()
        assert world.open_node().resume(WR, world, policy=ALONE).status is S.ACCEPTED
        return write(changes)

    monkeypatch.setattr(world.store, "write", close_first)
    assert node.resume(WR, world).status is S.ACCEPTED
    assert world.methods == ["GET"]


def test_resume_finishes_the_command_of_one_reservation(world: World) -> None:
    crash(world, acted=False)
    held = world.open_node().resume(WR, world, policy=ALONE)
    assert (held.status, world.entry.status, world.entry.intent) == (S.ACCEPTED, S.ACCEPTED, None)
    assert (world.actions, world.methods) == (["accept"], ["GET", "POST"])


def test_resume_does_not_repeat_an_executed_command(world: World) -> None:
    crash(world, acted=True)
    assert world.open_node().resume(WR, world, policy=ALONE).status is S.ACCEPTED
    assert (world.actions, world.methods) == (["accept"], ["GET"])


def test_resume_raises_the_error_of_the_delivery(world: World) -> None:
    crash(world, acted=False)
    world.scenario.apply(S.TIMEOUT)
    with pytest.raises(LostRace):
        world.book.resume(WR, world, policy=NO_WAIT)
    assert (world.entry.status, world.entry.intent) == (S.TIMEOUT, None)


def test_resume_without_an_open_command_sends_nothing(world: World) -> None:
    assert world.book.resume(WR, world) == world.entry.reservation
    assert world.methods == []


def test_resume_of_an_unknown_reservation_is_refused(world: World) -> None:
    with pytest.raises(NotInBook):
        world.book.resume(WR[:-1] + "9", world)
