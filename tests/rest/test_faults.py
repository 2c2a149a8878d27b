"""The faults of one body are bounded, and the others counted."""

from __future__ import annotations

import json
import pickle

import pytest

from reservation_core import MalformedReply, PayloadFault, Reply, Status
from reservation_core.emulator.control.seed import read_seed
from reservation_core.emulator.documents import UnreadableDocument, read_document
from reservation_core.rest.errors import UnknownStatus
from reservation_core.rest.faults import MAX_FAULTS, Faults
from reservation_core.rest.field_reader import FieldReader
from reservation_core.rest.listing import LARGEST_PAGE, ListQuery, conclude_list
from reservation_core.rest.reservation_payload import read_reservation

QUERY = ListQuery(workspace_sid="WS" + "0" * 32, task_sid="WT" + "0" * 32)


def fault(number: int) -> PayloadFault:
    """Return a fault."""
    return PayloadFault(f"field{number}", "is wrong")


def test_hundred_faults_are_kept_and_the_others_counted() -> None:
    faults = Faults()
    for number in range(100):
        assert not faults.is_full
        faults.add(fault(number))
    assert faults.is_full
    faults.add(fault(100))
    faults.extend([fault(101), fault(102)], omitted=4)
    assert list(faults) == [fault(number) for number in range(100)]
    assert (len(faults), faults.omitted) == (100, 7)


def test_fault_is_added_once() -> None:
    faults = Faults()
    faults.extend([fault(1), fault(2), fault(1)])
    assert list(faults) == [fault(1), fault(2)]
    assert faults.omitted == 0


@pytest.mark.parametrize(("fields", "more"), [(100, ""), (101, "and 1 more fault"), (350, "250")])
def test_error_shows_hundred_faults_and_the_count(fields: int, more: str) -> None:
    reader = FieldReader({f"a{number}": 1 for number in range(fields)})
    with pytest.raises(MalformedReply) as caught:
        reader.finish()
    error = caught.value
    assert len(error.faults) == MAX_FAULTS == 100
    assert error.omitted == fields - 100
    lines = str(error).splitlines()
    assert len(lines) == 101 + bool(more)
    assert more in lines[-1]
    assert pickle.loads(pickle.dumps(error)) == error


def test_wrong_fields_beyond_the_limit_are_counted() -> None:
    reader = FieldReader({f"a{number}": "x" for number in range(150)})
    for number in range(150):
        reader.integer(f"a{number}", None)
    assert (len(reader.faults), reader.faults.omitted) == (100, 50)


def test_unknown_status_keeps_hundred_faults() -> None:
    links = {f"link{number}": 1 for number in range(100)}
    body = {"reservation_status": "x", "sid": 1, "url": 1, "links": links}
    with pytest.raises(UnknownStatus) as caught:
        read_reservation(body)
    assert (len(caught.value.faults), caught.value.omitted) == (100, 3)
    assert str(caught.value).endswith("and 3 more faults")


def test_too_many_links_are_one_fault() -> None:
    links = {f"link{number}": "x" for number in range(101)}
    with pytest.raises(MalformedReply) as caught:
        read_reservation({"reservation_status": "pending", "links": links})
    assert caught.value.faults == (
        PayloadFault("links", "has 101 links, more than the limit of 100"),
    )
    del links["link0"]
    read = read_reservation({"reservation_status": "pending", "links": links})
    assert read.status is Status.PENDING


def test_items_are_not_read_beyond_hundred_faults() -> None:
    reader = FieldReader({"items": [{"a": 1}] * 500})
    seen = 0
    for item in reader.each("items"):
        seen += 1
        item.text("a")
    assert seen == 100


def test_document_of_the_emulator_keeps_hundred_faults() -> None:
    reader = read_document(json.dumps({f"a{number}": 1 for number in range(120)}))
    with pytest.raises(UnreadableDocument) as caught:
        reader.finish()
    assert (len(caught.value.faults), caught.value.omitted) == (100, 20)
    assert str(caught.value).endswith("\n  and 20 more faults")


def test_seed_with_many_faulty_tasks_is_read_to_the_hundredth_fault() -> None:
    reader = read_document(json.dumps({"tasks": [{"workspace_sid": 1}] * 5000}))
    read_seed(reader)
    assert len(reader.faults) == 100
    assert reader.faults.omitted < 10


def _page(rows: int, row: object) -> Reply:
    return Reply(200, {}, json.dumps({"reservations": [row] * rows}).encode())


def test_page_of_more_reservations_than_the_platform_sends_is_refused() -> None:
    row = {"sid": "WR" + "0" * 32, "reservation_status": "pending"}
    assert len(conclude_list(QUERY, _page(1000, row)).reservations) == LARGEST_PAGE == 1000
    unreadable: list[object] = []
    with pytest.raises(MalformedReply) as caught:
        conclude_list(QUERY, _page(1001, {}), on_unreadable=unreadable.append)
    assert [str(found) for found in caught.value.faults] == [
        "reservations: has 1001 items, more than 1000"
    ]
    assert unreadable == []


def test_page_with_many_faults_keeps_hundred() -> None:
    with pytest.raises(MalformedReply) as caught:
        conclude_list(QUERY, _page(1000, {}))
    assert len(caught.value.faults) == 100
