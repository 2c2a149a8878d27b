"""Plausible bugs, each seeded into the example service, and in how many generated lives the kit finds it with its default settings.

``python -m tests.campaigns.mutants`` prints the table. Nothing is left to chance: the lives are the same in every run.
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
from tests.examples.test_desk import AT_ONCE, DeskLives

CALL: Final = Call(from_="+15005550006", url="https://example.com/voice")


class _Careless(Desk):
    """A desk that sends by itself, once, and asks the lifecycle nothing."""

    def post(self, held: Reservation, command: Command) -> Reservation:
        pending = attrs.evolve(held, status=_before(command), on_hold=False)
        return conclude(held, command, self.gateway.send(prepare(pending, command)))


def _before(command: Command) -> Status:
    return Status.ACCEPTED if command.trigger in ("wrap", "complete") else Status.PENDING


class AcceptsAgainOnTimeout(_Careless):
    """On a time-out it sends the accept again, blindly."""

    def send(self, held: Reservation, command: Command) -> Reservation:
        try:
            return self.post(held, command)
        except GatewayError:
            return self.post(held, command)


class RingsTwice(Desk):
    """It calls the worker, and on a server error it calls again."""

    def choose(self) -> Command:
        return CALL

    def send(self, held: Reservation, command: Command) -> Reservation:
        request = prepare(held, command)
        reply = self.gateway.send(request)
        if reply.status >= 500:
            reply = self.gateway.send(request)
        return conclude(held, command, reply)


class IgnoresStaleVersion(Desk):
    """It reads the reservation, answers by that version, and takes the 412 for done."""

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
    """A 400 can only mean, it believes, that its accept had arrived before."""

    def send(self, held: Reservation, command: Command) -> Reservation:
        reply = self.gateway.send(prepare(held, command))
        return (
            held.with_status(Status(command.first_pair[1]))
            if reply.status == 400
            else conclude(held, command, reply)
        )


class NeverLooksAtTheReply(Desk):
    """It sends, and believes what it asked for, whatever the answer is."""

    def send(self, held: Reservation, command: Command) -> Reservation:
        self.gateway.send(prepare(held, command))
        return held.with_status(Status(command.first_pair[1]))


class WrapsWhatWasRejected(_Careless):
    """It wraps up whatever the worker clicks on, and asks nobody whether that was ever accepted."""

    def finish(self, sid: str) -> None:
        self.ask(self.known[sid], Wrap())

    def send(self, held: Reservation, command: Command) -> Reservation:
        return self.post(held, command)


class CompletesTwice(_Careless):
    """A second click completes once more."""

    def finish(self, sid: str) -> None:
        if self.known[sid].status in (Status.WRAPPING, Status.COMPLETED):
            self.ask(self.known[sid], Complete())
        else:
            super().finish(sid)

    def send(self, held: Reservation, command: Command) -> Reservation:
        return self.post(held, command)


class LastEventWins(Desk):
    """It keeps whatever event came last."""

    def keep(self, told: Reservation) -> None:
        self.known[str(told.sid)] = told


class AnswersEveryAssignment(Desk):
    """It answers each assignment it is told of, also one that comes twice."""

    def hear(self, told: Reservation) -> None:
        self.keep(told)
        if told.status is Status.PENDING:
            self.ask(told, self.choose())


class RetriesAfterConference(_Careless):
    """A conference that leaves the reservation pending did not work, it believes, and accepts."""

    def send(self, held: Reservation, command: Command) -> Reservation:
        now = super().send(held, command)
        return self.post(now, Accept()) if now.status is Status.PENDING else now


class MissesTheHold(Desk):
    """It keeps only the status, and so forgets that a conference is under way."""

    def keep(self, told: Reservation) -> None:
        super().keep(attrs.evolve(told, on_hold=False))

    def hear(self, told: Reservation) -> None:
        super().hear(told)
        if self.known[str(told.sid)].status is Status.PENDING and len(self.known) > 1:
            self.ask(self.known[str(told.sid)], self.choose())


class TakesConferenceForAccepted(Desk):
    """A 200 to a conference is an acceptance, it believes."""

    def send(self, held: Reservation, command: Command) -> Reservation:
        now = super().send(held, command)
        return now.with_status(Status.ACCEPTED) if now.on_hold else now


class HopesForTheBest(Desk):
    """It shows the reservation as accepted before it asks, and does not take that back."""

    def ask(self, held: Reservation, command: Command) -> None:
        if isinstance(command, Accept):
            self.keep(held.with_status(Status.ACCEPTED))
        super().ask(held, command)


class RejectsAfterTimeout(_Careless):
    """When its accept times out, it rejects."""

    def send(self, held: Reservation, command: Command) -> Reservation:
        try:
            return self.post(held, command)
        except GatewayError:
            return self.post(held, Reject())


class GivesUpOnErrors(Desk):
    """When anything goes wrong, it lets go of the reservation."""

    def ask(self, held: Reservation, command: Command) -> None:
        try:
            self.keep(self.send(held, command))
        except (LostRace, Indistinguishable, ReplyError, GatewayError):
            del self.known[str(held.sid)]


class KnowsNoRescinded(Desk):
    """Its table of statuses lacks one."""

    def keep(self, told: Reservation) -> None:
        if told.status is not Status.RESCINDED:
            super().keep(told)


class ConcludesForSiblings(Desk):
    """Once one reservation of a task is accepted it takes the others for rescinded, by itself."""

    def keep(self, told: Reservation) -> None:
        super().keep(told)
        if told.status is Status.ACCEPTED:
            for sid, other in self.known.items():
                if other.task_sid == told.task_sid and other.status is Status.PENDING:
                    self.known[sid] = other.with_status(Status.RESCINDED)


class ForgetsAtWrapup(Desk):
    """It lets go of a reservation when the call is over, and not when the work is."""

    def keep(self, told: Reservation) -> None:
        super().keep(told)
        if told.status is Status.WRAPPING:
            self.known.pop(str(told.sid))


class KeepsByTask(Desk):
    """It keeps one reservation a task, though several workers may be reserved for one."""

    def keep(self, told: Reservation) -> None:
        super().keep(told)
        kept = self.known[str(told.sid)]
        for sid, other in self.known.items():
            if other.task_sid == told.task_sid:
                self.known[sid] = kept


@attrs.frozen
class Mutant:
    """A bug: the desk that has it, and whether that desk takes calls by a conference."""

    desk: type[Desk]
    connects: bool = False

    @property
    def name(self) -> str:
        """Name the bug."""
        return self.desk.__name__

    @property
    def says(self) -> str:
        """Say what is wrong, in a sentence."""
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


class Hunt(DeskLives):
    """Lives around a mutant, which are counted."""

    mutant: ClassVar[Mutant] = Mutant(Desk)
    led: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).led += 1
        self.desk = self.mutant.desk(self.gateway, connects=self.mutant.connects, policy=AT_ONCE)


@attrs.frozen
class Found:
    """What gave a bug away, and in which life; ``lives`` is ``None`` when nothing did."""

    lives: int | None
    how: str


def hunt(mutant: Mutant, most: int | None = None) -> Found:
    """Lead lives around a mutant until one fails, in the same order in every run.

    :param most: how many lives at most; as many as the kit leads by default unless given.
    """

    class Lives(Hunt):
        pass

    Lives.mutant = mutant
    usual = (
        Lives.TestCase.settings
        if most is None
        else settings(Lives.TestCase.settings, max_examples=most)
    )
    asked = settings(
        usual, derandomize=True, database=None, phases=[Phase.generate], report_multiple_bugs=False
    )
    try:
        run_state_machine_as_test(Lives, settings=asked)
    except AssertionError as found:
        return Found(Lives.led - 1, str(found))  # the last one was led again, to show it
    return Found(None, "not found")


def rows() -> Iterator[str]:
    """Write the table, a row a bug."""
    yield "| the bug | found in life | by |"
    yield "| --- | --- | --- |"
    for mutant in MUTANTS:
        found = hunt(mutant)
        yield f"| {mutant.says} | {found.lives or '**not found**'} | {found.how} |"


def main() -> int:
    """Print the table; the exit code is 1 when a bug was not found."""
    began = time.perf_counter()
    text = "\n".join(rows())
    sys.stdout.write(f"{text}\n{len(MUTANTS)} bugs in {time.perf_counter() - began:.1f} s\n")
    return int("not found" in text)


if __name__ == "__main__":
    sys.exit(main())
