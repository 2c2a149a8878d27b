"""Strategies for reservations as the platform reports them, and for their parts."""

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
_DAY: Final = 86_400  # seconds; the longest reservation time-out


def statuses() -> SearchStrategy[Status]:
    """Draw one of the eight statuses. The simplest is pending."""
    return st.sampled_from(Status)


def timestamps() -> SearchStrategy[datetime]:
    """Draw dates in UTC to the second. The simplest is the beginning of 2016."""
    return st.integers(0, _SPAN).map(lambda seconds: _FIRST + timedelta(seconds=seconds))


def reservations(
    *among: Status, on_hold: bool | None = False, complete: bool = True
) -> SearchStrategy[Reservation]:
    """Draw reservations.

    The simplest is pending (or of the first given status), has SIDs of zeros, and has neither name
    nor version.

    :param among: the statuses to choose from; any by default.
    :param on_hold: whether it is on hold, which only a pending one can be; ``None`` for either.
    :param complete: whether all SIDs, dates and links are set. Otherwise each may be missing, as
        in the API description.
    :raises ValueError: for a reservation that is on hold and not pending.
    """
    if on_hold and set(among) - {Status.PENDING}:
        raise ValueError("only a pending reservation can be on hold. Pass Status.PENDING or none")
    whole = _reservations((Status.PENDING,) if on_hold else among or tuple(Status), on_hold)
    return whole if complete else _incomplete(whole)


@st.composite
def _reservations(draw: DrawFn, among: tuple[Status, ...], on_hold: bool | None) -> Reservation:
    drawn = {field: draw(sids(prefix)) for field, prefix in SID_PREFIXES.items()}
    status = draw(st.sampled_from(among))
    held = draw(st.booleans()) if on_hold is None and status is Status.PENDING else bool(on_hold)
    created = draw(timestamps())
    workspace = f"https://taskrouter.twilio.com/v1/Workspaces/{drawn['workspace_sid']}"
    task = f"{workspace}/Tasks/{drawn['task_sid']}"
    worker = f"{workspace}/Workers/{drawn['worker_sid']}"
    return Reservation(
        **drawn,
        worker_name=draw(st.none() | names()),
        status=status,
        date_created=created,
        date_updated=created + timedelta(seconds=draw(st.integers(0, _DAY))),
        url=f"{task}/Reservations/{drawn['sid']}",
        links=Links((("task", task), ("worker", worker), ("workspace", workspace))),
        etag=draw(st.none() | st.integers(0, 99).map(str)),
        on_hold=held,
        on_hold_since=created if held else None,
    )


_NULLABLE: Final = tuple(field.name for field in attrs.fields(Reservation) if field.default is None)


@st.composite
def _incomplete(draw: DrawFn, whole: SearchStrategy[Reservation]) -> Reservation:
    known = draw(st.sets(st.sampled_from(_NULLABLE)))
    missing: dict[str, Any] = {field: None for field in _NULLABLE if field not in known}
    return attrs.evolve(draw(whole), **missing)


def addresses() -> SearchStrategy[Address]:
    """Draw addresses that are complete for both routes. The simplest has SIDs of zeros."""
    return st.builds(
        Address,
        **{field: sids(prefix) for field, prefix in SID_PREFIXES.items() if field != "account_sid"},
    )
