"""Campaign: plausible bugs in the example service, and the generated run that finds each.

``python -m tests.campaigns.mutants`` prints the table for the kit's default settings. It is
deterministic: every execution generates the same runs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import ClassVar, Final

import attrs
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from reservation_core import (
    Accept,
    Call,
    Command,
    Complete,
    GatewayError,
    Indistinguishable,
    LostRace,
    Reject,
    ReplyError,
    Reservation,
    Status,
    Wrap,
    conclude,
    fetch,
    prepare,
)
from tests.examples.desk import Desk
from tests.examples.test_desk import AT_ONCE, DeskRuns

CALL: Final = Call(from_="+15005550006", url="https://example.com/voice")


class _Careless(Desk):
    """Desk that sends a command once, without asking the lifecycle."""

    def post(self, held: Reservation, command: Command) -> Reservation:
        pending = attrs.evolve(held, status=_before(command), on_hold=False)
        return conclude(held, command, self.gateway.send(prepare(pending, command)))


def _before(command: Command) -> Status:
    return Status.ACCEPTED if command.trigger in ("wrap", "complete") else Status.PENDING


class AcceptsAgainOnTimeout(_Careless):
    """It sends the accept again after a time-out, without reading the reservation."""

    def send(self, held: Reservation, command: Command) -> Reservation:
        try:
            return self.post(held, command)
        except GatewayError:
            return self.post(held, command)


class RingsTwice(Desk):
    """It calls the worker again after a server error."""

    def choose_answer(self) -> Command:
        return CALL

    def send(self, held: Reservation, command: Command) -> Reservation:
        request = prepare(held, command)
        reply = self.gateway.send(request)
        if reply.status >= 500:
            reply = self.gateway.send(request)
        return conclude(held, command, reply)


class IgnoresStaleVersion(Desk):
    """It fetches, sends that version, and takes a 412 for success."""

    def send(self, held: Reservation, command: Command) -> Reservation:
        fresh = fetch(held, self.gateway)
        if not fresh.allows(command):
            return fresh
        reply = self.gateway.send(prepare(fresh, command))
        return (
            fresh.with_status(Status(command.first_pair[1]))
            if reply.status == 412
            else conclude(fresh, command, reply)
        )


class TakesConflictForDone(Desk):
    """It takes a 400 for an accept that had arrived before."""

    def send(self, held: Reservation, command: Command) -> Reservation:
        reply = self.gateway.send(prepare(held, command))
        return (
            held.with_status(Status(command.first_pair[1]))
            if reply.status == 400
            else conclude(held, command, reply)
        )


class NeverLooksAtTheReply(Desk):
    """It ignores the reply and believes that the command succeeded."""

    def send(self, held: Reservation, command: Command) -> Reservation:
        self.gateway.send(prepare(held, command))
        return held.with_status(Status(command.first_pair[1]))


class WrapsWhatWasRejected(_Careless):
    """It wraps up any reservation the worker clicks on, accepted or not."""

    def finish(self, sid: str) -> None:
        self.command(self.known[sid], Wrap())

    def send(self, held: Reservation, command: Command) -> Reservation:
        return self.post(held, command)


class CompletesTwice(_Careless):
    """It completes a reservation again on a second click."""

    def finish(self, sid: str) -> None:
        if self.known[sid].status in (Status.WRAPPING, Status.COMPLETED):
            self.command(self.known[sid], Complete())
        else:
            super().finish(sid)

    def send(self, held: Reservation, command: Command) -> Reservation:
        return self.post(held, command)


class LastEventWins(Desk):
    """It stores the last received event, even if it is older."""

    def store(self, reported: Reservation) -> None:
        self.known[str(reported.sid)] = reported


class AnswersEveryAssignment(Desk):
    """It answers each assignment, including repeated ones."""

    def receive(self, reported: Reservation) -> None:
        self.store(reported)
        if reported.status is Status.PENDING:
            self.command(reported, self.choose_answer())


class RetriesAfterConference(_Careless):
    """It takes a pending conference for a failure, and accepts."""

    def send(self, held: Reservation, command: Command) -> Reservation:
        now = super().send(held, command)
        return self.post(now, Accept()) if now.status is Status.PENDING else now


class MissesTheHold(Desk):
    """It stores only the status, and forgets the hold."""

    def store(self, reported: Reservation) -> None:
        super().store(attrs.evolve(reported, on_hold=False))

    def receive(self, reported: Reservation) -> None:
        super().receive(reported)
        if self.known[str(reported.sid)].status is Status.PENDING and len(self.known) > 1:
            self.command(self.known[str(reported.sid)], self.choose_answer())


class TakesConferenceForAccepted(Desk):
    """It takes a 200 to a conference for an acceptance."""

    def send(self, held: Reservation, command: Command) -> Reservation:
        now = super().send(held, command)
        return now.with_status(Status.ACCEPTED) if now.on_hold else now


class HopesForTheBest(Desk):
    """It shows the reservation as accepted before the accept is sent."""

    def command(self, held: Reservation, command: Command) -> None:
        if isinstance(command, Accept):
            self.store(held.with_status(Status.ACCEPTED))
        super().command(held, command)


class RejectsAfterTimeout(_Careless):
    """It rejects after its accept timed out."""

    def send(self, held: Reservation, command: Command) -> Reservation:
        try:
            return self.post(held, command)
        except GatewayError:
            return self.post(held, Reject())


class GivesUpOnErrors(Desk):
    """It forgets the reservation on any error."""

    def command(self, held: Reservation, command: Command) -> None:
        try:
            self.store(self.send(held, command))
        except (LostRace, Indistinguishable, ReplyError, GatewayError):
            del self.known[str(held.sid)]


class KnowsNoRescinded(Desk):
    """It ignores the status rescinded."""

    def store(self, reported: Reservation) -> None:
        if reported.status is not Status.RESCINDED:
            super().store(reported)


class ConcludesForSiblings(Desk):
    """It takes siblings for rescinded without an event."""

    def store(self, reported: Reservation) -> None:
        super().store(reported)
        if reported.status is Status.ACCEPTED:
            for sid, other in self.known.items():
                if other.task_sid == reported.task_sid and other.status is Status.PENDING:
                    self.known[sid] = other.with_status(Status.RESCINDED)


class ForgetsAtWrapup(Desk):
    """It forgets a reservation when the call ends, before the work ends."""

    def store(self, reported: Reservation) -> None:
        super().store(reported)
        if reported.status is Status.WRAPPING:
            self.known.pop(str(reported.sid))


class KeepsByTask(Desk):
    """It stores one reservation per task, though there may be several."""

    def store(self, reported: Reservation) -> None:
        super().store(reported)
        kept = self.known[str(reported.sid)]
        for sid, other in self.known.items():
            if other.task_sid == reported.task_sid:
                self.known[sid] = kept


@attrs.frozen
class Mutant:
    """A bug: the desk that has it, and its way to take a call."""

    desk: type[Desk]
    connects: bool = False

    @property
    def name(self) -> str:
        """Name of the bug."""
        return self.desk.__name__

    @property
    def description(self) -> str:
        """Description of the bug, in a sentence."""
        return (self.desk.__doc__ or "").strip()


MUTANTS: Final = (
    Mutant(AcceptsAgainOnTimeout),
    Mutant(RingsTwice),
    Mutant(IgnoresStaleVersion),
    Mutant(TakesConflictForDone),
    Mutant(NeverLooksAtTheReply),
    Mutant(WrapsWhatWasRejected),
    Mutant(CompletesTwice),
    Mutant(LastEventWins),
    Mutant(AnswersEveryAssignment),
    Mutant(RetriesAfterConference, connects=True),
    Mutant(MissesTheHold, connects=True),
    Mutant(TakesConferenceForAccepted, connects=True),
    Mutant(HopesForTheBest),
    Mutant(RejectsAfterTimeout),
    Mutant(GivesUpOnErrors),
    Mutant(KnowsNoRescinded),
    Mutant(ConcludesForSiblings, connects=True),
    Mutant(ForgetsAtWrapup),
    Mutant(KeepsByTask),
)


class Hunt(DeskRuns):
    """Counted runs around a mutant."""

    mutant: ClassVar[Mutant] = Mutant(Desk)
    count: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).count += 1
        self.desk = self.mutant.desk(self.gateway, connects=self.mutant.connects, policy=AT_ONCE)


@attrs.frozen
class Found:
    """Outcome of a hunt: the number of the failing run, if any, and its message."""

    run: int | None
    message: str


def hunt(mutant: Mutant, most: int | None = None) -> Found:
    """Generate runs around a mutant until one fails.

    Every execution generates the same runs.

    :param most: the largest number of runs; the kit's default if ``None``.
    """

    class Runs(Hunt):
        pass

    Runs.mutant = mutant
    deterministic = settings(
        Runs.TestCase.settings,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    if most is not None:
        deterministic = settings(deterministic, max_examples=most)
    try:
        run_state_machine_as_test(Runs, settings=deterministic)
    except AssertionError as found:
        return Found(Runs.count - 1, str(found))  # hypothesis repeats the failing run to show it
    return Found(None, "not found")


def rows() -> Iterator[str]:
    """Yield the lines of the table, a row for each bug."""
    yield "| the bug | found in run | message |"
    yield "| --- | --- | --- |"
    for mutant in MUTANTS:
        found = hunt(mutant)
        yield f"| {mutant.description} | {found.run or '**not found**'} | {found.message} |"


def main() -> int:
    """Print the table. Return 1 if a bug was not found."""
    started = time.perf_counter()
    text = "\n".join(rows())
    sys.stdout.write(f"{text}\n{len(MUTANTS)} bugs in {time.perf_counter() - started:.1f} s\n")
    return int("not found" in text)


if __name__ == "__main__":
    sys.exit(main())
