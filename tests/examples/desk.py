"""Example of a small service: it accepts reservations while there is room, and rejects others.

It keeps the last report of each reservation and sends its commands through any gateway.
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
    fetch,
    follow,
    perform,
)

WORKING: Final = (Status.ACCEPTED, Status.WRAPPING)


class Desk:
    """Service that answers each reservation once, and finishes its work.

    :param room: the largest number of reservations worked on at once.
    :param connects: answer with a conference instead of a plain accept.
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
        self.unclear: set[str] = set()  # the outcome of the last command is unknown

    def receive(self, reported: Reservation) -> None:
        """Store what an assignment or event reports. Answer a new, pending reservation."""
        is_new = reported.sid not in self.known
        self.store(reported)
        if is_new and reported.status is Status.PENDING:
            self.command(reported, self.choose_answer())

    def choose_answer(self) -> Command:
        """Return the command that answers the next reservation."""
        busy = sum(held.status in WORKING or held.on_hold for held in self.known.values())
        if busy >= self.room:
            return Reject()
        return Conference(to="client:alice") if self.connects else Accept()

    def finish(self, sid: str) -> None:
        """Wrap up accepted work, or complete work that is wrapping up."""
        held = self.look_again(sid) if sid in self.unclear else self.known.get(sid)
        for command in (Wrap(), Complete()):
            if held is not None and held.allows(command):
                self.command(held, command)
                return

    def command(self, held: Reservation, command: Command) -> None:
        """Perform a command and store its outcome."""
        try:
            self.store(self.send(held, command))
        except (LostRace, Indistinguishable) as outcome:
            if outcome.reservation is not None:  # another writer may have been first
                self.store(outcome.reservation)
        except (ReplyError, GatewayError):
            self.unclear.add(str(held.sid))  # an event may report the outcome

    def look_again(self, sid: str) -> Reservation | None:
        """Fetch a reservation again. ``None`` if it cannot be read."""
        try:
            self.store(fetch(self.known[sid], self.gateway))
        except (ReplyError, GatewayError):
            return None
        self.unclear.discard(sid)
        return self.known[sid]

    def send(self, held: Reservation, command: Command) -> Reservation:
        """Perform a command. The library repeats it only where that is safe."""
        return perform(held, command, self.gateway, policy=self.policy)

    def store(self, reported: Reservation) -> None:
        """Store a report if it is newer: events arrive late, twice and out of order."""
        held = self.known.get(str(reported.sid))
        if (
            held is None
            or reported.on_hold
            or (follow(held.status, reported.status) and reported.status is not held.status)
        ):
            self.known[str(reported.sid)] = reported
