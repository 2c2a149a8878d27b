"""The routing campaign, and many workers that accept the same task."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from reservation_core.emulator.offers import router
from reservation_core.emulator.platform.transitions import Transitions
from tests.campaigns import routing
from tests.emulator.resources.scene import FORM, Workplace


def test_router_keeps_its_promises() -> None:
    assert sum(routing.run(seed, 40) for seed in range(25)) > 150


def _choose_first(
    idle: Iterable[str], _order: object, _asked: object, reserved: Container[str], _limit: object
) -> str | None:
    return next((worker for worker in idle if worker not in reserved), None)


def _returns(value: object) -> Callable[..., object]:
    def broken(*_: object) -> object:
        return value

    return broken


@pytest.mark.parametrize(
    ("owner", "name", "broken", "problem"),
    [
        (router.Router, "_max_workers", _returns(9), "is reserved for"),
        (router.Router, "_is_idle", _returns(False), "are idle"),
        (router, "_choose", _choose_first, "was offered to .* 2 times"),
        (Transitions, "_end_siblings", _returns(()), "was won"),
    ],
)
def test_broken_router_is_noticed(
    owner: object,
    name: str,
    broken: Callable[..., object],
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(owner, name, broken)
    with pytest.raises(routing.BrokenPromise, match=problem) as caught:
        sum(routing.run(seed, 200) for seed in range(1, 11))
    assert caught.value.__notes__[0].startswith("seed ")


def test_one_of_many_accepts_of_a_routed_task_wins() -> None:
    place = Workplace()
    place.route(50)  # the most that the platform allows
    place.add_workers(*(f"w{number}" for number in range(50)))
    task = place.add_task()
    paths = [
        f"{place.root}{task}/Reservations/{row['sid']}"
        for row in place.rows(f"{task}/Reservations?PageSize=100", "reservations")
    ]
    assert len(paths) == 50
    start = Barrier(64, timeout=30)

    def accept(path: str) -> tuple[int, str]:
        start.wait()
        reply = place.gateway.receive("POST", path, FORM, b"ReservationStatus=accepted")
        return reply.status, json.loads(reply.body).get("sid", "")

    with ThreadPoolExecutor(64) as threads:
        replies = list(threads.map(accept, paths + paths[:14]))
    winners = [sid for status, sid in replies if status == 200]
    assert len(winners) == 1
    assert sorted(status for status, _ in replies)[1:] == [400] * 63
    statuses = [status for _, status in place.offers(task)]
    assert statuses.count("accepted") == 1
