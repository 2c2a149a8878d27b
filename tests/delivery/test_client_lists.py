"""Client: lists of reservations, page by page."""

from __future__ import annotations

import json
from typing import Final, TypedDict, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reservation_core import (
    IncompleteReservation,
    LostRace,
    MalformedReply,
    NotFound,
    Reply,
    ReplyError,
    Reservation,
    Status,
    UnknownStatus,
    list_reservations,
)
from reservation_core.testing.strategies.texts import near_sids
from tests.delivery.clients import Client, Query
from tests.delivery.lists import (
    OF_TASK,
    OF_WORKER,
    ORIGIN,
    SID,
    TASK,
    TASK_LIST,
    WORKER,
    WORKER_LIST,
    WORKSPACE,
    gateway_at,
    numbers_of,
    page,
    rows_of,
)
from tests.delivery.scripted import ScriptedGateway
from tests.reference.oracle import load


class _Recorded(TypedDict):
    id: str
    method: str
    path: str


RECORDED: Final = {
    request["id"]: request
    for request in cast("dict[str, list[_Recorded]]", load("requests"))["requests"]
}


def test_list_sends_the_recorded_requests_of_the_official_client(client: Client) -> None:
    first, second = RECORDED["python-sync/task/list"], RECORDED["python-sync/task/list#2"]
    gateway = gateway_at(ORIGIN, page(1, next_url=ORIGIN + second["path"]), page(2))
    status = Status(first["path"].partition("ReservationStatus=")[2].partition("&")[0])
    assert numbers_of(
        client.take(gateway, OF_TASK | {"worker_sid": WORKER, "status": status, "page_size": 2})
    ) == [1, 2]
    assert [(request.method, request.path) for request in gateway.requests] == [
        ("GET", first["path"]),
        ("GET", second["path"]),
    ]
    assert all(request.body == b"" for request in gateway.requests)


def test_list_of_a_worker_sends_the_recorded_request(client: Client) -> None:
    gateway = ScriptedGateway(page())
    assert client.take(gateway, OF_WORKER | {"status": Status.PENDING}) == ()
    assert gateway.requests[0].path == RECORDED["python-sync/worker/list"]["path"]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        (OF_TASK, TASK_LIST),
        (OF_WORKER, WORKER_LIST),
        (OF_TASK | {"worker_sid": WORKER}, f"{TASK_LIST}?WorkerSid={WORKER}"),
        (OF_TASK | {"page_size": 1}, f"{TASK_LIST}?PageSize=1"),
        (OF_WORKER | {"page_size": 1000}, f"{WORKER_LIST}?PageSize=1000"),
        (
            OF_WORKER | {"status": Status.ACCEPTED, "page_size": 7},
            f"{WORKER_LIST}?ReservationStatus=accepted&PageSize=7",
        ),
    ],
)
def test_list_filters_stand_in_the_query_in_reference_order(
    client: Client, query: Query, path: str
) -> None:
    gateway = ScriptedGateway(page())
    client.take(gateway, query)
    assert [request.path for request in gateway.requests] == [path]


@pytest.mark.parametrize("status", Status)
def test_list_filters_by_any_status(client: Client, status: Status) -> None:
    gateway = ScriptedGateway(page())
    client.take(gateway, OF_TASK | {"status": status})
    assert gateway.requests[0].path == f"{TASK_LIST}?ReservationStatus={status.value}"


@pytest.mark.parametrize("page_size", [0, -1, 1001, "50", 2.0, True], ids=repr)
def test_list_refuses_a_page_size_out_of_range_at_once(client: Client, page_size: object) -> None:
    gateway = ScriptedGateway()
    with pytest.raises((ValueError, TypeError)):
        client.list(gateway, OF_TASK | {"page_size": cast("int", page_size)})
    assert gateway.requests == ()


@pytest.mark.parametrize(
    ("query", "missing"),
    [
        ({"workspace_sid": WORKSPACE}, "worker_sid"),
        ({"workspace_sid": "", "task_sid": TASK}, "workspace_sid"),
        ({"workspace_sid": WORKSPACE, "task_sid": ""}, "task_sid"),
        ({"workspace_sid": WORKSPACE, "task_sid": f"{TASK}/../.."}, "task_sid"),
        ({"workspace_sid": WORKSPACE, "worker_sid": f"{WORKER}?x=1"}, "worker_sid"),
        (
            {"workspace_sid": WORKSPACE, "task_sid": TASK, "worker_sid": f"{WORKER}&PageSize=1"},
            "worker_sid",
        ),
        ({"workspace_sid": WORKSPACE, "task_sid": TASK, "worker_sid": ""}, "worker_sid"),
    ],
)
def test_list_refuses_a_wrong_sid_at_once(client: Client, query: Query, missing: str) -> None:
    gateway = ScriptedGateway()
    with pytest.raises(IncompleteReservation) as caught:
        client.list(gateway, query)
    assert caught.value.missing == (missing,)
    assert gateway.requests == ()


@given(near_sids("WK"))
@settings(max_examples=40)
def test_list_refuses_near_misses_of_a_worker_sid(worker: str) -> None:
    with pytest.raises(IncompleteReservation):
        list_reservations(
            ScriptedGateway(), workspace_sid=WORKSPACE, task_sid=TASK, worker_sid=worker
        )


def test_list_requests_a_page_only_when_it_is_needed(client: Client) -> None:
    pages = [
        page(1, 2, next_url=f"{ORIGIN}{TASK_LIST}?Page=1"),
        page(next_url=f"{ORIGIN}{TASK_LIST}?Page=2"),
        page(3),
    ]
    for count, sent in ((0, 0), (1, 1), (2, 1), (3, 3), (None, 3)):
        gateway = gateway_at(ORIGIN, *pages)
        assert numbers_of(client.take(gateway, OF_TASK, count)) == [1, 2, 3][:count]
        assert len(gateway.requests) == sent
    unused = ScriptedGateway()
    client.list(unused, OF_TASK)
    assert unused.requests == ()


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        (b"", ["(body)"]),
        (b"[]", ["(body)"]),
        (b"{}", ["reservations"]),
        (b'{"reservations": null}', ["reservations"]),
        (b'{"reservations": {}}', ["reservations"]),
        (b'{"contents": []}', ["reservations"]),
        (
            b'{"reservations": [5, [], null]}',
            ["reservations[0]", "reservations[1]", "reservations[2]"],
        ),
        (
            (
                b'{"reservations": [{"reservation_status": "accepted"}, '
                b'{"sid": "x", "links": {"a": 1}}], "meta": {"next_page_url": "x"}}'
            ),
            [
                "reservations[1].sid",
                "reservations[1].reservation_status",
                "reservations[1].links.a",
                "meta.next_page_url",
            ],
        ),
    ],
)
def test_list_reports_every_fault_of_a_page_with_its_path(
    client: Client, body: bytes, paths: list[str]
) -> None:
    with pytest.raises(MalformedReply) as caught:
        client.take(ScriptedGateway(Reply(200, {}, body)), OF_TASK)
    assert [fault.path for fault in caught.value.faults] == paths


class _Response(TypedDict):
    id: str
    kind: str
    body: dict[str, object]


LISTS: Final = {
    response["id"]: response["body"]
    for response in cast("dict[str, list[_Response]]", load("responses"))["responses"]
    if response["kind"] == "list"
}


@pytest.mark.parametrize("name", LISTS)
def test_list_reads_every_official_sample(client: Client, name: str) -> None:
    """One sample has a status outside today's eight: its place is reported."""
    body = LISTS[name]
    rows = cast("list[dict[str, str]]", body["reservations"])
    letter = str(cast("dict[str, object]", body["meta"])["url"]).partition("Workspaces/WS")[2][0]
    workspace, task, worker = (prefix + letter * 32 for prefix in ("WS", "WT", "WK"))
    query = (
        {"workspace_sid": workspace, "task_sid": task}
        if "/Tasks/" in str(body["meta"])
        else {"workspace_sid": workspace, "worker_sid": worker}
    )
    gateway = gateway_at(ORIGIN, Reply(200, {}, json.dumps(body).encode()))
    if any(row["reservation_status"] == "reserved" for row in rows):
        with pytest.raises(MalformedReply) as caught:
            client.take(gateway, query)
        assert [fault.path for fault in caught.value.faults] == [
            "reservations[0].reservation_status"
        ]
    else:
        taken = client.take(gateway, query)
        assert [(item.sid, item.status.value, item.etag) for item in taken] == [
            (row["sid"], row["reservation_status"], None) for row in rows
        ]


def test_page_without_meta_is_the_last(client: Client) -> None:
    empty = ', "meta": {"next_page_url": ""}'  # the official client ends there, too
    for meta in ("", ', "meta": null', ', "meta": []', ', "meta": {}', empty):
        body = f'{{"reservations": {json.dumps(rows_of(1))}{meta}}}'
        assert numbers_of(client.take(ScriptedGateway(Reply(200, {}, body.encode())), OF_TASK)) == [
            1
        ]


@pytest.mark.parametrize(
    ("status", "error"),
    [(301, ReplyError), (400, ReplyError), (404, NotFound), (412, LostRace), (500, ReplyError)],
)
def test_list_ends_at_a_refused_page(client: Client, status: int, error: type[Exception]) -> None:
    gateway = gateway_at(ORIGIN, page(1, next_url=f"{ORIGIN}{TASK_LIST}?Page=1"), Reply(status))
    assert numbers_of(client.take(gateway, OF_TASK, 1)) == [1]
    gateway = gateway_at(ORIGIN, page(1, next_url=f"{ORIGIN}{TASK_LIST}?Page=1"), Reply(status))
    with pytest.raises(error):
        client.take(gateway, OF_TASK)


JSON: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(("pending", f"{ORIGIN}{TASK_LIST}", "//[", SID)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                (
                    "reservations",
                    "meta",
                    "next_page_url",
                    "url",
                    "reservation_status",
                    "sid",
                    "links",
                )
            ),
            inner,
        )
    ),
)


@given(
    st.integers(0, 999) | st.just(200),
    st.binary(max_size=20) | JSON.map(lambda value: json.dumps(value).encode()),
    st.booleans(),
)
@settings(max_examples=200)
@example(200, b'{"reservations": [], "meta": {"next_page_url": "//["}}', True)
def test_any_page_gives_reservations_or_a_reply_error(
    status: int, body: bytes, placed: bool
) -> None:
    answers = [Reply(status, {}, body)] * 3
    gateway = gateway_at(ORIGIN, *answers) if placed else ScriptedGateway(*answers)
    try:
        taken = list(list_reservations(gateway, workspace_sid=WORKSPACE, task_sid=TASK))
    except ReplyError:
        taken = []
    assert all(isinstance(item, Reservation) for item in taken)
    assert 1 <= len(gateway.requests) <= 2


def test_unreadable_reservation_is_reported_and_the_others_are_listed(client: Client) -> None:
    """Without the callback it makes the page unreadable."""
    rows = json.loads(page(1, 2, 3).body)["reservations"]
    rows[1]["reservation_status"] = "escalated"
    reply = Reply(200, {}, json.dumps({"reservations": rows, "meta": {}}).encode())
    found: list[MalformedReply] = []
    gateway = gateway_at(ORIGIN, reply)
    listed = client.take(gateway, OF_TASK | {"on_unreadable": found.append})
    assert numbers_of(listed) == [1, 3]
    (error,) = found
    assert isinstance(error, UnknownStatus)
    assert error.raw_status == "escalated"
    assert error.fields["sid"] == rows[1]["sid"]
    assert [fault.path for fault in error.faults] == ["reservations[1].reservation_status"]
    with pytest.raises(MalformedReply):
        client.take(gateway_at(ORIGIN, reply), OF_TASK)


@pytest.mark.parametrize("row", [None, 5, "WR", []])
def test_row_that_is_not_an_object_is_reported_and_the_others_are_listed(
    client: Client, row: object
) -> None:
    rows = [*rows_of(1), row, *rows_of(3)]
    reply = Reply(200, {}, json.dumps({"reservations": rows, "meta": {}}).encode())
    found: list[MalformedReply] = []
    query = OF_TASK | {"on_unreadable": found.append}
    assert numbers_of(client.take(gateway_at(ORIGIN, reply), query)) == [1, 3]
    (error,) = found
    assert [fault.path for fault in error.faults] == ["reservations[1]"]
