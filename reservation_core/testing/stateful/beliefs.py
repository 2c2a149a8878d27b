"""Rule 1 of generated runs: a service believes nothing false."""

from __future__ import annotations

from typing import Final, TypeAlias

from reservation_core.domain.lifecycle import TERMINAL, State, Status
from reservation_core.domain.reservation import Reservation
from reservation_core.testing.paths import STATES, shortest_paths

Belief: TypeAlias = Reservation | Status | None
"""Belief of a service about a reservation. ``None`` if it holds nothing."""

_REACHABLE: Final = {(state, path.end) for state in STATES for path in shortest_paths(state)}


class BeliefCheck:
    """Check of successive beliefs against the reservations' true states."""

    def __init__(self) -> None:
        self._last: dict[str, State] = {}

    def check(self, name: str, belief: Belief, actual: State) -> None:
        """Check one belief.

        :param name: the reservation's name, for messages.
        :param belief: the service's belief.
        :param actual: the reservation's true state.
        :raises AssertionError: if the belief is false, went back, or was lost.
        """
        last = self._last.get(name)
        if belief is None:
            if last is not None and last not in TERMINAL:
                raise AssertionError(f"{name}: the service forgot it while it was {last}")
            return
        state = belief.state if isinstance(belief, Reservation) else belief
        if (state, actual) not in _REACHABLE:
            raise AssertionError(f"{name}: the service believes it is {state}, but it is {actual}")
        if last is not None and (last, state) not in _REACHABLE:
            raise AssertionError(f"{name}: the service went back from {last} to {state}")
        self._last[name] = state


def check_up_to_date(name: str, belief: Belief, actual: Status) -> None:
    """Check the belief after every event was delivered.

    :raises AssertionError: if it is not the actual status. An ended reservation may be forgotten.
    """
    status = belief.status if isinstance(belief, Reservation) else belief
    if status is not actual and not (belief is None and actual in TERMINAL):
        raise AssertionError(
            f"{name}: all events were delivered,"
            f" but the service believes it is {status}, not {actual}"
        )
