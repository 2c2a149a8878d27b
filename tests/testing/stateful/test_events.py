import pytest

from reservation_core import Reservation, Status
from reservation_core.book import Book, MemoryStore, Verdict
from reservation_core.emulator import InMemoryGateway
from reservation_core.testing.paths import Path, edge_paths, walk_to_end
from reservation_core.testing.stateful.events import reported_event

HEX = "0" * 32
RESERVED = Reservation(
    sid=f"WR{HEX}",
    account_sid=f"AC{HEX}",
    workspace_sid=f"WS{HEX}",
    task_sid=f"WT{HEX}",
    worker_sid=f"WK{HEX}",
    status=Status.PENDING,
)


@pytest.mark.parametrize("path", edge_paths(), ids=str)
def test_event_is_reported_for_each_change_of_status(path: Path) -> None:
    gateway = InMemoryGateway()
    platform = gateway.platform
    walk_to_end(path, platform.add(RESERVED), gateway, platform.set_status)
    entry = [entry for entry in platform.journal if entry.sid == RESERVED.sid][-1]
    event = reported_event(entry)
    edge = path.edges[-1]
    if edge.target == edge.source or edge.target not in set(Status):
        assert event is None
    else:
        assert event is not None
        assert event.type == f"reservation.{edge.target}".replace("wrapping", "wrapup")
        assert (event.reservation.status, event.reservation.etag) == (edge.target, None)
        assert not event.reservation.on_hold
        assert event.version == int(entry.version)


def test_event_of_a_new_reservation_is_created() -> None:
    platform = InMemoryGateway().platform
    task = platform.add_task(f"WS{HEX}")
    held = platform.reserve(task.sid, platform.add_worker(f"WS{HEX}").sid)
    event = reported_event(list(platform.journal)[-1])
    assert event is not None
    assert (event.type, event.reservation.sid) == ("reservation.created", held.sid)


def test_book_records_an_event_and_knows_its_repetition() -> None:
    platform = InMemoryGateway().platform
    task = platform.add_task(f"WS{HEX}")
    held = platform.reserve(task.sid, platform.add_worker(f"WS{HEX}").sid)
    platform.set_status(str(held.sid), Status.ACCEPTED)
    created, accepted = map(reported_event, platform.journal)
    assert created is not None
    assert accepted is not None
    book = Book(MemoryStore())
    given = [accepted, created, accepted]
    assert [book.record(event).outcome for event in given] == [
        Verdict.APPLIED,
        Verdict.OLDER,
        Verdict.DUPLICATE,
    ]
    entry = book.get(str(held.sid))
    assert entry is not None
    assert (entry.reservation.status, entry.version) == (Status.ACCEPTED, accepted.version)
