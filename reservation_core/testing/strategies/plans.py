"""Draws fault plans: what the network and rivals do to each exchange, for :class:`reservation_core.testing.faults.FaultyGateway`."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reservation_core.emulator.faults import FaultKind
from reservation_core.testing.faults import Fault, Rival


def faults(
    kinds: Iterable[FaultKind] = FaultKind, rivals: Iterable[Rival] = Rival
) -> SearchStrategy[Fault]:
    """Draw what befalls one exchange; the least is the first kind with the first rival, ``Fault()`` by default."""
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
    """Draw plans for so many exchanges at most; the least is empty, with which all goes well.

    :param kinds: what the network may do; give it in the order to shrink towards.
    :param rivals: what others may do, in that order.
    """
    return st.lists(faults(kinds, rivals), max_size=longest).map(tuple)
