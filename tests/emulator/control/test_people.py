"""Tasks and workers as a page shows them."""

from __future__ import annotations

from typing import Any

from reservation_core import Status
from reservation_core.emulator.control import people
from reservation_core.emulator.control.surface import Control
from reservation_core.emulator.faults import FaultPlan
from tests.emulator.control.conftest import Send
from tests.emulator.resources.scene import Workplace
from tests.emulator.worlds import ACTIVITY, TASK, WORKERS, World


def test_task_without_a_queue_shows_the_workers_that_have_it(send: Send, world: World) -> None:
    world.platform.set_status(world.sid(WORKERS[0]), Status.REJECTED)
    last = world.sid(WORKERS[1])
    assert send("GET", "/tasks").json == {
        "total": 1,
        "tasks": [
            {
                "sid": TASK,
                "status": "reserved",
                "priority": None,
                "queue": None,
                "expires": None,
                "reservations": 2,
                "last_reservation_sid": last,
                "workers": ["Worker 1"],
            }
        ],
    }


def test_worker_without_a_known_activity_shows_its_sid(send: Send, world: World) -> None:
    world.platform.set_worker_activity(WORKERS[0], ACTIVITY)
    sid = world.sid(WORKERS[0])
    first, second, _ = send("GET", "/workers").json["workers"]
    assert first == {
        "sid": WORKERS[0],
        "name": "Worker 0",
        "activity": ACTIVITY,
        "reservations": [sid],
    }
    assert (second["activity"], second["reservations"]) == (None, [])


def test_routed_task_shows_its_queue_and_workers_their_activity() -> None:
    workplace = Workplace()
    workplace.route()
    workplace.add_workers("Ann")
    workplace.add_task(Priority=3, Timeout=60)
    control = Control(workplace.platform, FaultPlan())
    shown: Any = people.describe_tasks(control.platform)
    (task,) = shown["tasks"]
    assert (task["queue"], task["priority"], task["workers"]) == ("All", 3, ["Ann"])
    assert (task["expires"] - workplace.platform.now()).total_seconds() == 60
    workers: Any = people.describe_workers(control.platform)
    assert workers["workers"][0]["activity"] == "Available"


def test_only_the_newest_are_shown(world: World, send: Send) -> None:
    for number in range(people.MAX_PEOPLE):
        world.platform.add_task("WS" + "1" * 32, attributes={"number": number})
    shown = send("GET", "/tasks").json
    assert (shown["total"], len(shown["tasks"])) == (people.MAX_PEOPLE + 1, people.MAX_PEOPLE)
    assert TASK not in {task["sid"] for task in shown["tasks"]}
    added = [world.platform.add_worker("WS" + "1" * 32) for _ in range(people.MAX_PEOPLE)]
    shown = send("GET", "/workers").json
    assert shown["total"] == len(WORKERS) + len(added)
    assert [worker["sid"] for worker in shown["workers"]] == [worker.sid for worker in added]
