"""A small service that a reader may start from: it accepts reservations while there is room, and rejects the others.

It keeps what it was last told, commands through any gateway, and knows nothing of the tests.
"""

from __future__ import annotations

from typing import Final

from reservation_core import (
    Accept,
    Command,
    Complete,
    Conference,
    Gateway,
    GatewayError,
    Indistinguishable,
    LostRace,
    Policy,
    Reject,
    ReplyError,
    Reservation,
    Status,
    Wrap,
    follow,
    perform,
)

WORKING: Final = (Status.ACCEPTED, Status.WRAPPING)


class Desk:
    """Answers each reservation once, and finishes the work when a worker says so.

    :param room: how many reservations may be worked on at once.
    :param connects: whether it takes a call by a conference, and not by a plain accept.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        room: int = 2,
        connects: bool = False,
        policy: Policy | None = None,
    ) -> None:
        self.gateway = gateway
        self.room = room
        self.connects = connects
        self.policy = policy or Policy()
        self.known: dict[str, Reservation] = {}

    def hear(self, told: Reservation) -> None:
        """Take in what was told of a reservation, by an assignment or an event; answer it when it is new and pending."""
        is_new = told.sid not in self.known
        self.keep(told)
        if is_new and told.status is Status.PENDING:
            self.ask(told, self.choose())

    def choose(self) -> Command:
        """Choose the answer: take it while there is room."""
        busy = sum(held.status in WORKING or held.on_hold for held in self.known.values())
        if busy >= self.room:
            return Reject()
        return Conference(to="client:alice") if self.connects else Accept()

    def finish(self, sid: str) -> None:
        """Let a worker go on: accepted work is wrapped up, wrapped up work is completed."""
        held = self.known.get(sid)
        for command in (Wrap(), Complete()):
            if held is not None and held.allows(command):
                self.ask(held, command)
                return

    def ask(self, held: Reservation, command: Command) -> None:
        """Ask for a command, and keep what came of it."""
        try:
            self.keep(self.send(held, command))
        except (LostRace, Indistinguishable) as outcome:
            if (
                outcome.reservation is not None
            ):  # somebody else was first, or nobody can tell who was: this is how it stands
                self.keep(outcome.reservation)
        except (ReplyError, GatewayError):
            pass  # nothing is known but what was; the next event tells

    def send(self, held: Reservation, command: Command) -> Reservation:
        """Have a command carried out: the library sends it again only where that is safe."""
        return perform(held, command, self.gateway, policy=self.policy)

    def keep(self, told: Reservation) -> None:
        """Keep what is newer than what is known; events come late, twice and out of order."""
        held = self.known.get(str(told.sid))
        if (
            held is None
            or told.on_hold
            or (follow(held.status, told.status) and told.status is not held.status)
        ):
            self.known[str(told.sid)] = told
