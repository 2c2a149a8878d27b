"""The lives that the kit draws are legal by the tables and walk every edge; their events come as well or as badly as they are asked for."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import pytest

from reservation_core import Command, Reservation, Status
from reservation_core.domain.lifecycle import ON_HOLD
from reservation_core.emulator.faults import FaultKind
from reservation_core.testing import strategies as kit
from reservation_core.testing.faults import Rival
from reservation_core.testing.strategies import DeliveredEvent, Run
from reservation_core.webhooks.events import read_event
from tests.reference.oracle import rows
from tests.testing.drawing import drawn, least

ENDS: Final = {"rejected", "timeout", "canceled", "rescinded", "completed"}
FACTS: Final = {(row["from"], row["to"]) for row in rows("facts")}
MATRIX: Final = {
    (row["command"], row["state"]): row["sets"] for row in rows("matrix") if row["allowed"] == "yes"
}
LIVES: Final = drawn(kit.runs(), 150)


def state(reservation: Reservation) -> str:
    """Name where a reservation stands."""
    return ON_HOLD if reservation.on_hold else reservation.status.value


def named(deed: Command | Status) -> str:
    """Name a deed as the matrix does, and a fact so that it is no command."""
    return (
        f"is {deed}" if isinstance(deed, Status) else deed.trigger + "+accept" * deed.is_accepting
    )


def edges(life: Run) -> list[tuple[str, str, str]]:
    """Name the steps of a life: what happened, from where, to where."""
    return [
        (named(step.deed), state(before), state(step.after))
        for step, before in zip(life.steps, life.told, strict=False)
    ]


def target(command: str, before: str) -> str:
    """Say where a command leads, by the matrix."""
    return {"later": ON_HOLD, "nothing": before}.get(
        MATRIX[command, before], MATRIX[command, before]
    )


def test_lives_are_legal_from_pending_to_an_end() -> None:
    """Every step is a fact or a command of the tables and leads where they say; versions rise by one, and the end is an end."""
    for life in LIVES:
        assert (life.first.status, life.first.on_hold, life.first.etag) == (
            Status.PENDING,
            False,
            "0",
        )
        assert life.last.status in ENDS
        assert life.last == life.steps[-1].after
        assert len(life.steps) <= 12
        assert [told.etag for told in life.told] == [
            str(number) for number in range(len(life.told))
        ]
        assert {told.sid for told in life.told} == {life.first.sid}
        for (name, before, after), step in zip(edges(life), life.steps, strict=True):
            assert before not in ENDS
            if isinstance(step.deed, Command):
                assert after == target(name, before)
            else:
                assert (before, after) in FACTS
                assert after == step.deed
        for earlier, later in pairwise(life.told):
            assert earlier.date_updated is not None
            assert later.date_updated is not None
            assert earlier.date_updated <= later.date_updated


def test_every_edge_is_walked() -> None:
    """Every fact and every allowed command of the tables is a step of some life, with both answers of the accept flag."""
    walked = {edge for life in LIVES for edge in edges(life)}
    facts = {(f"is {after}", before, after) for before, after in FACTS}
    asked = {(command, before, target(command, before)) for command, before in MATRIX}
    assert walked == facts | asked


def test_a_life_can_be_kept_short() -> None:
    """No life is longer than it may be, and some are as long."""
    for longest in (1, 2, 4):
        assert max(len(life.steps) for life in drawn(kit.runs(longest=longest), 25)) == longest


# --- events ----------------------------------------------------------------------------------------------------------------------


def versions(reports: tuple[DeliveredEvent, ...]) -> list[int]:
    """Give the versions in the order of delivery."""
    return [report.event.version or 0 for report in reports]


def test_events_read_as_what_they_tell() -> None:
    """Every event is read as the one that stands beside it; all come as forms or all as CloudEvents; every status has its event."""
    found = drawn(kit.events(), 50)
    for reports in found:
        assert [read_event(report.payload) for report in reports] == [
            report.event for report in reports
        ]
        assert all(report.event.payload for report in reports)
        assert len({"EventType" in report.event.payload for report in reports}) == 1
    events = [report for reports in found for report in reports]
    assert {report.event.status for report in events} == set(Status)
    assert {type(report.payload) for report in events} == {dict, str, bytes}
    assert {"EventType" in report.event.payload for report in events} == {True, False}


def test_events_in_order_tell_each_change_once() -> None:
    """In order there is one event for each status that a life comes to, with that version, and no two share a SID."""
    for life in LIVES[:20]:
        (reports,) = drawn(kit.events(life), 1)
        comes = [
            life.first,
            *(after for before, after in pairwise(life.told) if before.status != after.status),
        ]
        assert [report.event.status for report in reports] == [told.status for told in comes]
        assert versions(reports) == [int(told.etag or 0) for told in comes]
        assert len({report.event.key for report in reports}) == len(reports)


LONG: Final = least(
    kit.runs(),
    lambda life: life.last.status is Status.COMPLETED and len(life.steps) >= 3,
)


def test_events_come_as_badly_as_they_may() -> None:
    """Events repeat, change places and get lost when they may, each alone, and never otherwise."""
    (whole,) = {tuple(versions(reports)) for reports in drawn(kit.events(LONG), 20)}
    assert list(whole) == sorted(set(whole))
    repeated = [versions(reports) for reports in drawn(kit.events(LONG, repeated=True), 50)]
    assert all(sorted(set(found)) == list(whole) and found == sorted(found) for found in repeated)
    assert {found.count(version) for found in repeated for version in whole} == {1, 2, 3}
    reordered = [versions(reports) for reports in drawn(kit.events(LONG, reordered=True), 50)]
    assert all(sorted(found) == list(whole) for found in reordered)
    assert any(found != sorted(found) for found in reordered)
    lossy = [versions(reports) for reports in drawn(kit.events(LONG, lossy=True), 50)]
    assert all(found == sorted(set(found)) and set(found) <= set(whole) for found in lossy)
    assert {len(found) for found in lossy} == set(range(len(whole) + 1))
    everything = [
        versions(reports)
        for reports in drawn(
            kit.events(LONG, repeated=True, reordered=True, lossy=True),
            100,
        )
    ]
    assert any(
        found != sorted(found) and len(found) > len(set(found)) and set(found) < set(whole)
        for found in everything
    )


# --- plans -----------------------------------------------------------------------------------------------------------------------


def test_plans_range_over_every_fault() -> None:
    """Every kind of fault and every rival is drawn, and no plan is longer than it may be."""
    found = drawn(kit.plans(), 150)
    assert {fault.kind for plan in found for fault in plan} == set(FaultKind)
    assert {fault.rival for plan in found for fault in plan} == set(Rival)
    assert {fault.status for plan in found for fault in plan} == {500, 503}
    assert {fault.retry_after for plan in found for fault in plan} == {None, 0.0, 2.0, 60.0}
    assert {fault.late for plan in found for fault in plan} == {1, 2, 3}
    assert {len(plan) for plan in found} == set(range(9))


@pytest.mark.parametrize("longest", [0, 3])
def test_plans_keep_to_what_may_happen(longest: int) -> None:
    """Told what may happen, and for how many exchanges, nothing else happens."""
    found = drawn(
        kit.plans([FaultKind.NONE, FaultKind.THROTTLED], [Rival.CANCELS], longest=longest),
        60,
    )
    assert max(len(plan) for plan in found) == longest
    assert {fault.kind for plan in found for fault in plan} <= {FaultKind.NONE, FaultKind.THROTTLED}
    assert {fault.rival for plan in found for fault in plan} <= {Rival.CANCELS}
