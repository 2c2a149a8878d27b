"""Rule 1 of generated runs: a service believes nothing false."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from reservation_core.domain.lifecycle import TERMINAL, State, Status
from reservation_core.domain.reservation import Reservation
from reservation_core.testing.paths import STATES, shortest_paths

Belief: TypeAlias = Reservation | Status | None
"""Belief of a service about a reservation. ``None`` if it holds nothing."""

_REACHABLE: Final = {(state, path.end) for state in STATES for path in shortest_paths(state)}


class BeliefCheck:
    """Check of successive beliefs against the reservations' true states.

    The lifecycle must lead from a belief to the true state, and to the next belief. Where the
    platform took a step that the lifecycle does not have, a belief must be a state in which the
    platform truly held the reservation, and the beliefs must follow each other as these did.
    """

    def __init__(self) -> None:
        self._last: dict[str, State] = {}
        self._places: dict[str, int] = {}

    def check(
        self, name: str, belief: Belief, actual: State, trail: Sequence[State] | None = None
    ) -> None:
        """Check one belief.

        :param name: the reservation's name, for messages.
        :param belief: the service's belief.
        :param actual: the reservation's true state.
        :param trail: all its true states so far, if it took a step that the lifecycle does not
            have.
        :raises AssertionError: if the belief is false, went back, or was lost.
        """
        last = self._last.get(name)
        if belief is None:
            if last is not None and last not in TERMINAL:
                raise AssertionError(f"{name}: the service forgot it while it was {last}")
            return
        state = belief.state if isinstance(belief, Reservation) else belief
        if trail is not None:
            self._check_place(name, state, trail)
        elif (state, actual) not in _REACHABLE:
            raise AssertionError(f"{name}: the service believes it is {state}, but it is {actual}")
        elif last is not None and (last, state) not in _REACHABLE:
            raise AssertionError(f"{name}: the service went back from {last} to {state}")
        self._last[name] = state

    def _check_place(self, name: str, state: State, trail: Sequence[State]) -> None:
        """Find the belief among the true states, after the last belief."""
        last = self._last.get(name)
        place = self._places.get(name, 0 if last is None else trail.index(last))
        if state in trail[place:]:
            self._places[name] = trail.index(state, place)
        elif state in trail:
            raise AssertionError(f"{name}: the service went back from {last} to {state}")
        else:
            raise AssertionError(f"{name}: the service believes it is {state}, but it never was")


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
