"""Tests of converting events, reservations and replies to reports."""

from __future__ import annotations

import attrs
import pytest

from reservation_core import (
    IncompleteReservation,
    MalformedReply,
    NotFound,
    Reply,
    Reservation,
    Status,
    fetch,
    prepare_fetch,
)
from reservation_core.book.reports import report_of_reservation, to_report
from reservation_core.emulator import InMemoryGateway
from tests.book.scenario import Scenario, pending


def test_to_report_converts_events_and_reservations() -> None:
    """An event of a task has no report. A reservation needs a SID."""
    event = Scenario().events[0]
    report = to_report(event)
    assert report is not None
    assert (report.sid, report.event_key, report.version, report.platform_time) == (
        pending(0).sid,
        event.key,
        0,
        event.time,
    )
    assert to_report(report) is report
    assert (
        to_report(
            attrs.evolve(
                event, reservation_sid=None, status=None, reservation=None, type="task.created"
            )
        )
        is None
    )
    for wrong in (None, "", "WR1"):
        with pytest.raises(IncompleteReservation, match="no valid sid"):
            to_report(Reservation(sid=wrong, status=Status.PENDING))


def test_to_report_reads_a_reply() -> None:
    life = Scenario()
    gateway = InMemoryGateway(life.platform)
    assert to_report(gateway.send(prepare_fetch(pending(0)))) == report_of_reservation(
        fetch(pending(0), gateway)
    )
    with pytest.raises(NotFound):
        to_report(Reply(404))
    with pytest.raises(MalformedReply):
        to_report(Reply(200, {}, b"<html>"))
    with pytest.raises(IncompleteReservation):
        to_report(Reply(200, {}, b'{"reservation_status": "pending"}'))
