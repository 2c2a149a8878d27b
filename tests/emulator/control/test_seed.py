"""Workers, tasks and reservations loaded from documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reservation_core import Status
from reservation_core.emulator.control.seed import read_seed_file
from reservation_core.emulator.documents import UnreadableDocument
from tests.emulator.control.conftest import Send
from tests.emulator.worlds import ACTIVITY, WORKERS, WORKSPACE, ZEROS, World


def test_worker_is_added(send: Send, world: World) -> None:
    made = send(
        "POST",
        "/workers",
        {
            "workspace_sid": WORKSPACE,
            "name": "Zoe",
            "attributes": {"contact_uri": "client:z"},
            "activity_sid": ACTIVITY,
        },
    )
    worker = world.platform.worker(made.json["sid"])
    assert (made.status, worker.name, worker.attributes, worker.activity_sid) == (
        200,
        "Zoe",
        {"contact_uri": "client:z"},
        ACTIVITY,
    )


def test_task_is_added_with_its_reservations(send: Send, world: World) -> None:
    made = send(
        "POST",
        "/tasks",
        {
            "workspace_sid": WORKSPACE,
            "reservation_timeout": 7,
            "reservations": [{"worker_sid": WORKERS[0]}],
        },
    ).json
    assert (made["status"], made["reservation_timeout"]) == ("reserved", 7)
    second = send(
        "POST",
        f"/tasks/{made['sid']}/reservations",
        {"worker_sid": WORKERS[1], "sid": "WR" + "a" * 32},
    ).json
    assert (
        [each.sid for each in world.platform.all(made["sid"])][1]
        == second["sid"]
        == "WR" + "a" * 32
    )


def test_seed_is_loaded(send: Send, world: World) -> None:
    task = "WT" + "b" * 32
    loaded = send(
        "POST",
        "/seed",
        {
            "tasks": [
                {
                    "workspace_sid": WORKSPACE,
                    "sid": task,
                    "reservations": [{"worker_sid": WORKERS[0], "facts": ["accepted", "wrapping"]}],
                }
            ]
        },
    )
    assert loaded.status == 200
    assert [each.status for each in world.platform.all(task)] == [Status.WRAPPING]


def test_seed_is_loaded_wholly_or_not_at_all(send: Send, world: World) -> None:
    before = world.platform.snapshot()
    worker = {"workspace_sid": WORKSPACE, "sid": "WK" + "c" * 32}
    answer = send(
        "POST",
        "/seed",
        {
            "workers": [worker],
            "tasks": [{"workspace_sid": WORKSPACE, "reservations": [{"worker_sid": "WK" + ZEROS}]}],
        },
    )
    assert (answer.status, answer.json["error"].startswith(f"there is no 'WK{ZEROS}'")) == (
        404,
        True,
    )
    assert world.platform.snapshot() == before


@pytest.mark.parametrize("layers", [101, 485, 900, 5000])
def test_attributes_that_are_too_deep_are_refused(send: Send, layers: int) -> None:
    deep: object = {}
    for _ in range(layers - 1):
        deep = [deep]
    try:
        answer = send("POST", "/tasks", {"workspace_sid": WORKSPACE, "attributes": {"deep": deep}})
    except RecursionError:  # not even the test can write that
        return
    assert answer.status == 400
    assert send("GET", "/state", None).status == send("GET", "/journal", None).status == 200


def test_seed_file_is_read_before_it_is_loaded(tmp_path: Path, world: World) -> None:
    file = tmp_path / "seed.json"
    file.write_text(json.dumps({"workers": [{"workspace_sid": WORKSPACE, "name": "Zoe"}]}))
    load = read_seed_file(file)
    assert len(world.platform.workers()) == len(WORKERS)
    assert [worker.name for worker in load(world.platform).workers][-1] == "Zoe"


def test_missing_seed_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match=r"cannot be read \(No such file or directory\)"):
        read_seed_file(tmp_path / "seed.json")
