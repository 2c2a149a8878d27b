"""Draws reservations as the platform tells them, in any status, and what belongs to one: moments, addresses, links."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Links, Reservation
from reservation_core.rest.addresses import SID_PREFIXES, Address
from reservation_core.testing.strategies.texts import names, sids

_FIRST: Final = datetime(2016, 1, 1, tzinfo=UTC)
_SPAN: Final = 20 * 365 * 86_400
_DAY: Final = 86_400  # the longest that a reservation may wait


def statuses() -> SearchStrategy[Status]:
    """Draw one of the eight statuses; the least is pending."""
    return st.sampled_from(Status)


def moments() -> SearchStrategy[datetime]:
    """Draw moments in UTC, to the second, as the platform writes them; the least is the beginning of 2016."""
    return st.integers(0, _SPAN).map(lambda seconds: _FIRST + timedelta(seconds=seconds))


def reservations(
    *among: Status, on_hold: bool | None = False, complete: bool = True
) -> SearchStrategy[Reservation]:
    """Draw reservations; the least is pending (or the first of ``among``), its SIDs end in zeros, and it has no name and no version.

    :param among: the statuses to be in; any by default.
    :param on_hold: whether an answer is being carried out, which only a pending one can be; ``None`` for either.
    :param complete: whether all SIDs, dates and links are there; else each may be missing, as the API description allows.
    :raises ValueError: for one on hold that is not pending.
    """
    if on_hold and set(among) - {Status.PENDING}:
        raise ValueError(
            "only a pending reservation can be on hold; ask for Status.PENDING, or for no status"
        )
    whole = _reservations((Status.PENDING,) if on_hold else among or tuple(Status), on_hold)
    return whole if complete else _incomplete(whole)


@st.composite
def _reservations(draw: DrawFn, among: tuple[Status, ...], on_hold: bool | None) -> Reservation:
    own = {field: draw(sids(prefix)) for field, prefix in SID_PREFIXES.items()}
    status = draw(st.sampled_from(among))
    held = draw(st.booleans()) if on_hold is None and status is Status.PENDING else bool(on_hold)
    created = draw(moments())
    place = f"https://taskrouter.twilio.com/v1/Workspaces/{own['workspace_sid']}"
    task, worker = f"{place}/Tasks/{own['task_sid']}", f"{place}/Workers/{own['worker_sid']}"
    return Reservation(
        **own,
        worker_name=draw(st.none() | names()),
        status=status,
        date_created=created,
        date_updated=created + timedelta(seconds=draw(st.integers(0, _DAY))),
        url=f"{task}/Reservations/{own['sid']}",
        links=Links((("task", task), ("worker", worker), ("workspace", place))),
        etag=draw(st.none() | st.integers(0, 99).map(str)),
        on_hold=held,
    )


_NULLABLE: Final = tuple(field.name for field in attrs.fields(Reservation) if field.default is None)


@st.composite
def _incomplete(draw: DrawFn, whole: SearchStrategy[Reservation]) -> Reservation:
    known = draw(st.sets(st.sampled_from(_NULLABLE)))
    missing: dict[str, Any] = {field: None for field in _NULLABLE if field not in known}
    return attrs.evolve(draw(whole), **missing)


def addresses() -> SearchStrategy[Address]:
    """Draw addresses of reservations, good for both routes; the least has SIDs that end in zeros."""
    return st.builds(
        Address,
        **{field: sids(prefix) for field, prefix in SID_PREFIXES.items() if field != "account_sid"},
    )
