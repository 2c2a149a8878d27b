"""Progress of a delivery on stderr."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from reservation_core.cli.console import TerminalOutput
from reservation_core.cli.error_texts import describe_caution
from reservation_core.delivery.observer import Observer
from reservation_core.delivery.reconciliation import ReconcileResult
from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.cautions import Caution
from reservation_core.domain.lifecycle import Status, state_phrase
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.errors import Attempt

_CONCLUSIONS: Final[Mapping[str, str]] = {
    ReconcileResult.DONE: "the command was carried out",
    ReconcileResult.REPEAT: "the command was not carried out, and is sent again",
    ReconcileResult.REFUSED: "the platform refuses the command",
    ReconcileResult.LOST_RACE: "the command was not carried out",
    ReconcileResult.INDISTINGUISHABLE: "it cannot be told if this command did that",
    ReconcileResult.OUTCOME_UNKNOWN: "this does not show if the command was carried out",
}
"""The conclusions from a fetch, in plain words."""


class ProgressObserver(Observer):
    """Observer that writes a line for each retry. A first success writes nothing.

    :param errors: where the lines are written.
    :param command: the class of the command that is delivered.
    """

    def __init__(self, errors: TerminalOutput, command: type[Command]) -> None:
        self._errors: Final = errors
        self._command: Final = command

    def after_attempt(self, attempt: Attempt) -> None:
        """Write the outcome of an attempt."""
        if attempt.number > 1 or attempt.outcome not in tuple(Status):
            number, method, outcome = attempt.number, attempt.request.method, attempt.outcome
            self._write(f"request {number}: {method}: {outcome} after {attempt.duration:.1f} s")

    def cautioned(self, caution: Caution) -> None:
        """Write a caution."""
        self._errors.write_wrapped(
            f"caution: {describe_caution(caution, self._command)}", "yellow", indent=0
        )

    def reconciled(self, reservation: Reservation, result: str) -> None:
        """Write what a fetch shows."""
        self._write(f"the reservation is {state_phrase(reservation.state)}: {_CONCLUSIONS[result]}")

    def pause(self, seconds: float) -> None:
        """Announce a pause and make it."""
        self._write(f"waiting for {seconds:.1f} s")
        time.sleep(seconds)

    def _write(self, text: str) -> None:
        self._errors.write_wrapped(text, "dim", indent=0)
