from __future__ import annotations

from functools import cache
from itertools import pairwise

from reservation_core import Status
from reservation_core.testing import strategies as kit
from reservation_core.testing.strategies import DeliveredEvent
from reservation_core.webhooks.events import EventShape, read_event
from tests.testing.drawing import drawn, least


@cache
def _long_run() -> kit.Run:
    return least(
        kit.runs(),
        lambda run: run.last.status is Status.COMPLETED and len(run.steps) >= 3,
    )


def versions(events: tuple[DeliveredEvent, ...]) -> list[int]:
    """Return the versions in the order of delivery."""
    return [delivered.event.version or 0 for delivered in events]


def test_events_parse_as_the_returned_event_in_every_form() -> None:
    draws = drawn(kit.events(), 50)
    for events in draws:
        assert [read_event(each.payload) for each in events] == [each.event for each in events]
        assert all(each.event.payload for each in events)
        assert len({each.event.shape for each in events}) == 1
        assert all(read_event(each.payload).shape is each.event.shape for each in events)
    flat = [each for events in draws for each in events]
    assert {each.event.status for each in flat} == set(Status)
    assert {type(each.payload) for each in flat} == {dict, str, bytes}
    assert {each.event.shape for each in flat} == set(EventShape)


def test_ordered_events_report_each_change_of_status_once() -> None:
    for run in drawn(kit.runs(), 20):
        (events,) = drawn(kit.events(run), 1)
        changes = [
            run.first,
            *(
                after
                for before, after in pairwise(run.reservations)
                if before.status != after.status
            ),
        ]
        assert [each.event.status for each in events] == [held.status for held in changes]
        assert versions(events) == [int(held.etag or 0) for held in changes]
        assert len({each.event.key for each in events}) == len(events)


def test_events_repeat_reorder_and_get_lost_only_when_allowed() -> None:
    (whole,) = {tuple(versions(events)) for events in drawn(kit.events(_long_run()), 20)}
    assert list(whole) == sorted(set(whole))
    repeated = [versions(events) for events in drawn(kit.events(_long_run(), repeated=True), 50)]
    assert all(sorted(set(found)) == list(whole) and found == sorted(found) for found in repeated)
    assert {found.count(version) for found in repeated for version in whole} == {1, 2, 3}
    reordered = [versions(events) for events in drawn(kit.events(_long_run(), reordered=True), 50)]
    assert all(sorted(found) == list(whole) for found in reordered)
    assert any(found != sorted(found) for found in reordered)
    lossy = [versions(events) for events in drawn(kit.events(_long_run(), lossy=True), 50)]
    assert all(found == sorted(set(found)) and set(found) <= set(whole) for found in lossy)
    assert {len(found) for found in lossy} == set(range(len(whole) + 1))
    everything = kit.events(_long_run(), repeated=True, reordered=True, lossy=True)
    assert any(
        found != sorted(found) and len(found) > len(set(found)) and set(found) < set(whole)
        for found in map(versions, drawn(everything, 100))
    )
