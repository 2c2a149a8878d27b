"""Lists return all matching reservations, page by page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Final, cast

import attrs
import pytest

from reservation_core import (
    Request,
    Reservation,
    Route,
    Status,
    alist_reservations,
    list_reservations,
)
from reservation_core.emulator import InMemoryGateway, ManualClock, Platform, Settings
from tests.emulator.api.test_update_reading import LIST, gateway
from tests.emulator.samples import (
    BASES,
    TASK,
    WORKER,
    WORKSPACE,
    holding,
    numbered,
    read_json,
)


def _many() -> InMemoryGateway:
    statuses = (Status.PENDING, Status.REJECTED, Status.TIMEOUT)
    listed = [
        numbered(number, status=statuses[number % 3], worker_sid=f"WK{number % 2:032x}")
        for number in range(7)
    ]
    return holding(
        *listed,
        numbered(90, task_sid="WT" + "f" * 32, worker_sid=f"WK{0:032x}"),
        numbered(91, workspace_sid="WS" + "f" * 32),
    )


LISTS: Final[Sequence[tuple[str | None, str | None, Status | None, list[int]]]] = [
    (TASK, None, None, [0, 1, 2, 3, 4, 5, 6]),
    (TASK, None, Status.REJECTED, [1, 4]),
    (TASK, None, Status.COMPLETED, []),
    (TASK, f"WK{1:032x}", None, [1, 3, 5]),
    (TASK, f"WK{1:032x}", Status.TIMEOUT, [5]),
    (None, f"WK{0:032x}", None, [0, 2, 4, 6, 90]),
    (None, f"WK{0:032x}", Status.PENDING, [0, 6, 90]),
    ("WT" + "e" * 32, None, None, []),
]


@pytest.mark.parametrize("size", [None, 1, 2, 3, 7, 1000])
@pytest.mark.parametrize(("task", "worker", "status", "numbers"), LISTS)
def test_list_returns_all_matching_reservations(
    task: str | None,
    worker: str | None,
    status: Status | None,
    numbers: list[int],
    size: int | None,
) -> None:
    """Oldest first, for any page size, sync and async."""
    gateway = _many()

    async def read() -> list[str | None]:
        walk = alist_reservations(
            gateway,
            workspace_sid=WORKSPACE,
            task_sid=task,
            worker_sid=worker,
            status=status,
            page_size=size,
        )
        return [item.sid async for item in walk]

    listed = [
        *list_reservations(
            gateway,
            workspace_sid=WORKSPACE,
            task_sid=task,
            worker_sid=worker,
            status=status,
            page_size=size,
        )
    ]
    assert (
        [item.sid for item in listed]
        == [f"WR{number:032x}" for number in numbers]
        == asyncio.run(read())
    )
    assert [attrs.evolve(item, etag="0") for item in listed] == [
        attrs.evolve(gateway.platform.get(str(item.sid)), url=item.url, links=item.links)
        for item in listed
    ]


@pytest.mark.parametrize(
    ("query", "size", "number", "shown"),
    [
        ("", 50, 0, 7),
        ("?PageSize=3", 3, 0, 3),
        ("?PageSize=3&Page=2", 3, 2, 1),
        ("?PageSize=3&Page=9", 3, 9, 0),
        ("?PageSize=7", 7, 0, 7),
        ("?PageSize=1&Page=6", 1, 6, 1),
        ("?PageSize=0", 1, 0, 1),
        ("?PageSize=1001", 1000, 0, 7),
        ("?PageSize=-3", 50, 0, 7),
        ("?PageSize=x&Page=y", 50, 0, 7),
        ("?PageSize=%D9%A3", 50, 0, 7),
        (f"?PageSize={'9' * 5000}", 50, 0, 7),
    ],
)
def test_page_has_its_position_and_links(query: str, size: int, number: int, shown: int) -> None:
    """The links keep the filters."""
    path = BASES[Route.TASK]
    body = read_json(_many().send(Request("GET", path + query)))
    meta = cast("dict[str, object]", body["meta"])
    assert len(cast("list[object]", body["reservations"])) == shown
    assert (meta["key"], meta["page_size"], meta["page"]) == ("reservations", size, number)

    def link(at: int) -> str:
        return f"https://taskrouter.twilio.com{path}?PageSize={size}&Page={at}"

    assert (meta["url"], meta["first_page_url"]) == (link(number), link(0))
    first, last = number * size, number * size + shown - 1
    assert meta["previous_page_url"] == (
        link(number - 1) + (f"&PageToken=PBWR{first:032x}" if shown else "") if number else None
    )
    assert meta["next_page_url"] == (
        f"{link(number + 1)}&PageToken=PFWR{last + 1:032x}" if (number + 1) * size < 7 else None
    )
    filtered = read_json(
        _many().send(Request("GET", f"{path}?ReservationStatus=rejected&PageSize=1"))
    )
    assert "ReservationStatus=rejected" in str(
        cast("dict[str, object]", filtered["meta"])["next_page_url"]
    )


@pytest.mark.parametrize(
    ("query", "strict"),
    [
        ("?PageSize=0", 400),
        ("?PageSize=1001", 400),
        ("?PageSize=x", 400),
        ("?ReservationStatus=reserved", 400),
        ("?PageSize=1000", 200),
        ("", 200),
    ],
)
def test_strict_refuses_invalid_queries(query: str, strict: int) -> None:
    assert gateway().receive("GET", LIST + query, (), b"").status == 200
    assert gateway(Settings(strict=True)).receive("GET", LIST + query, (), b"").status == strict


def test_page_token_keeps_its_place() -> None:
    """Added reservations move no page. The way back is the same."""
    emulated = InMemoryGateway(Platform(ManualClock()))
    for number in range(5):
        emulated.platform.add(
            Reservation(
                sid=f"WR{number:032x}",
                workspace_sid=WORKSPACE,
                task_sid=TASK,
                worker_sid=WORKER,
                status=Status.PENDING,
            )
        )

    def read(url: str) -> tuple[list[str], dict[str, Any]]:
        body = json.loads(emulated.receive("GET", url.removeprefix(emulated.origin), (), b"").body)
        return [row["sid"][-1] for row in body["reservations"]], body["meta"]

    first, meta = read(LIST + "?PageSize=2")
    emulated.platform.add(
        Reservation(
            sid=f"WR{5:032x}",
            workspace_sid=WORKSPACE,
            task_sid=TASK,
            worker_sid=WORKER,
            status=Status.PENDING,
        )
    )
    second, meta = read(meta["next_page_url"])
    third, last = read(meta["next_page_url"])
    assert (first, second, third) == (["0", "1"], ["2", "3"], ["4", "5"])
    assert last["next_page_url"] is None
    back, meta = read(last["previous_page_url"])
    assert (back, meta["page"]) == (["2", "3"], 1)
    assert read(meta["url"])[0] == ["2", "3"]
    assert read(meta["previous_page_url"])[0] == ["0", "1"]


def test_list_filter_ignores_the_letter_case_of_a_status() -> None:
    path = BASES[Route.TASK]
    for word in ("rejected", "Rejected", "REJECTED"):
        page = read_json(_many().send(Request("GET", f"{path}?ReservationStatus={word}")))
        assert len(cast("list[object]", page["reservations"])) == 2
