"""Observations of a platform: what it did with a command in a state.

The command ``parity`` of the command line makes them. They replace the evidence of a decision.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from reservation_core.domain.lifecycle import State

REFUSED_RESULT: Final = "refused"
"""Result of a command that a platform refused."""


class Observation(NamedTuple):
    """A platform's answer to a command in a state.

    :param trigger: the name of the command.
    :param result: the status that the platform showed afterwards, or ``refused``.
    """

    trigger: str
    state: State
    result: str

    @property
    def is_allowed(self) -> bool:
        """True if the platform carried the command out."""
        return self.result != REFUSED_RESULT

    def __str__(self) -> str:
        """Return the result in words."""
        if self.is_allowed:
            return f"the platform carried it out and showed {self.result}"
        return "the platform refused it"


class Observations:
    """Observations of one platform.

    :param observations: at most one for each command and state.
    """

    def __init__(self, observations: Iterable[Observation] = ()) -> None:
        self._by_question: Final = {(each.trigger, each.state): each for each in observations}

    def __len__(self) -> int:
        return len(self._by_question)

    def find(self, trigger: str, state: State) -> Observation | None:
        """Return the observation of a command in a state, or ``None``."""
        return self._by_question.get((trigger, state))
