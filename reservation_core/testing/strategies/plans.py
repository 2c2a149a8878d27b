"""Strategies for fault plans of :class:`reservation_core.testing.faults.FaultyGateway`."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reservation_core.testing.faults import Fault, FaultKind, Rival


def faults(
    kinds: Iterable[FaultKind] = FaultKind, rivals: Iterable[Rival] = Rival
) -> SearchStrategy[Fault]:
    """Draw the fault of one exchange.

    The simplest has the first kind and the first rival: ``Fault()`` by default.
    """
    return st.builds(
        Fault,
        st.sampled_from(tuple(kinds)),
        st.sampled_from(tuple(rivals)),
        status=st.sampled_from((503, 500)),
        retry_after=st.none() | st.sampled_from((0.0, 2.0, 60.0)),
        late=st.integers(1, 3),
    )


def plans(
    kinds: Iterable[FaultKind] = FaultKind, rivals: Iterable[Rival] = Rival, *, longest: int = 8
) -> SearchStrategy[tuple[Fault, ...]]:
    """Draw fault plans. The simplest is empty, with which every exchange succeeds.

    :param kinds: the network faults to choose from, simplest first.
    :param rivals: the concurrent writer's acts to choose from, simplest first.
    :param longest: the largest number of faults.
    """
    return st.lists(faults(kinds, rivals), max_size=longest).map(tuple)
