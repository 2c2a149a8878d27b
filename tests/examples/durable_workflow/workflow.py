"""The workflow of a reservation, from its assignment to its completion.

The engine (DBOS) keeps the sequence of steps, the timers and the retries across crashes. It repeats
a step that was cut off. The book makes that safe: it knows if the step's command was sent, and
finds out if it acted.
"""

from __future__ import annotations

import os
from typing import Final

from dbos import DBOS, DBOSConfiguredInstance

from reservation_core import (
    Accept,
    Command,
    CommandNotAllowed,
    Complete,
    Gateway,
    GatewayError,
    LostRace,
    NotFound,
    Policy,
    Reservation,
    ServerFailed,
    Status,
    Throttled,
    Wrap,
)
from reservation_core.book import Book, Ending, StoreUnavailable

ALONE: Final = Policy(sole_writer=True)  # nobody but the workflow answers and ends its reservations
COMMANDS: Final[dict[str, Command]] = {"accept": Accept(), "wrap": Wrap(), "complete": Complete()}
FINISHED: Final = "finished"
"""The topic on which the worker's screen reports that the work is done."""

LONGEST_WORK: Final = 8 * 3600.0
AFTER_WORK: Final = float(os.environ.get("AFTER_WORK", "30"))


def may_pass(error: BaseException) -> bool:
    """Return True for a failure that may pass."""
    return isinstance(error, GatewayError | ServerFailed | StoreUnavailable | Throttled)


@DBOS.dbos_class()
class ReservationWorkflow(DBOSConfiguredInstance):
    """Workflow of one reservation. Its identifier is the SID, so it is started once.

    Only SIDs, command names and statuses are stored by the engine: nothing personal.
    """

    def __init__(self, book: Book, gateway: Gateway) -> None:
        super().__init__("reservations")  # the name by which a restarted process finds it
        self.book = book
        self.gateway = gateway

    @DBOS.workflow()
    def run(self, sid: str) -> str:
        """Accept, wait for the end of the work, and complete."""
        status = self.carry_out(sid, "accept")
        if status != Status.ACCEPTED:
            return status  # another status: the caller hung up, or time ran out
        DBOS.recv(FINISHED, timeout_seconds=LONGEST_WORK)
        if self.carry_out(sid, "wrap") == Status.WRAPPING:
            DBOS.sleep(AFTER_WORK)
        return self.carry_out(sid, "complete")

    @DBOS.step(retries_allowed=True, interval_seconds=0.5, max_attempts=12, should_retry=may_pass)
    def carry_out(self, sid: str, trigger: str) -> str:
        """Carry out a command once, however often the engine runs this step.

        :returns: the status of the reservation afterwards, by the command or by a faster change.
        """
        try:
            held = self.book.resume(sid, self.gateway, policy=ALONE)  # of an earlier run, if any
            if not self._is_done(sid, trigger):
                held = self.book.perform(sid, COMMANDS[trigger], self.gateway, policy=ALONE)
        except (CommandNotAllowed, LostRace, NotFound):
            held = self._last_reported(sid)
        return str(held.status)

    def _last_reported(self, sid: str) -> Reservation:
        entry = self.book.get(sid)
        assert entry is not None  # it was recorded before the workflow was started
        return entry.reservation

    def _is_done(self, sid: str, trigger: str) -> bool:
        history = self.book.history(sid)
        return any(line.type == trigger and line.outcome is Ending.DONE for line in history)
