"""Routes of the control surface."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from reservation_core import Conference, Status
from reservation_core.emulator import ManualClock, Platform, Settings, TaskStatus
from reservation_core.emulator.api.exchange_log import RawRequest
from reservation_core.emulator.api.gateway import InMemoryGateway
from reservation_core.emulator.control.overview import ACTIONS
from reservation_core.emulator.control.route import CONTROL_ROOT
from reservation_core.emulator.control.routes import CONTROL_ROUTES
from reservation_core.emulator.control.surface import Control
from reservation_core.emulator.faults import Fault, FaultKind, FaultPlan
from tests.emulator import worlds
from tests.emulator.control.conftest import Send
from tests.emulator.worlds import TASK, WORKERS, WORKSPACE, World, people


def test_routes_lists_each_route(send: Send) -> None:
    listed = send("GET", "/routes").json
    assert [(route["method"], route["path"], route["description"]) for route in listed] == [
        (route.method, CONTROL_ROOT + route.path, route.description) for route in CONTROL_ROUTES
    ]
    assert len({(route.method, route.path) for route in CONTROL_ROUTES}) == len(CONTROL_ROUTES)


def test_state_shows_everything_with_holds_and_timers(send: Send, world: World) -> None:
    sid = world.sid()
    world.platform.execute(sid, conference())
    state = send("GET", "/state").json
    assert [worker["sid"] for worker in state["workers"]] == list(WORKERS)
    assert [(task["sid"], task["status"]) for task in state["tasks"]] == [(TASK, "reserved")]
    (held,) = state["reservations"]
    assert (held["reservation"]["sid"], held["reservation"]["on_hold"], held["due"]) == (
        sid,
        True,
        None,
    )
    assert state["now"] == world.platform.now().isoformat()


def conference() -> Any:

    return Conference(from_="+15005550006")


def test_worker_task_and_reservation_are_shown_by_sid(send: Send, world: World) -> None:
    sid = world.sid()
    assert send("GET", f"/workers/{WORKERS[0]}").json["name"] == "Worker 0"
    assert send("GET", f"/tasks/{TASK}").json["reservation_timeout"] == 120
    assert send("GET", f"/reservations/{sid}").json["status"] == "pending"


def test_settings_show_evidence_but_no_passwords(send: Send) -> None:
    shown = send("GET", "/settings").json
    assert shown["has_quoted_etag"]["value"] is False
    assert shown["has_quoted_etag"].keys() == {
        "value",
        "default",
        "description",
        "evidence",
        "source",
    }
    secret = Control(Platform(settings=Settings(accounts={"user": "a secret word"})), FaultPlan())
    reply = secret.receive("GET", f"{CONTROL_ROOT}/settings", b"")
    assert b"a secret word" not in reply.body
    assert json.loads(reply.body)["accounts"]["value"] == 1


def test_journal_is_read_from_a_number(send: Send, world: World) -> None:
    sid = world.sid()
    first = send("GET", "/journal").json
    assert [(act["number"], act["trigger"], act["sid"]) for act in first["entries"]] == [
        (1, "created", sid)
    ]
    world.platform.set_status(sid, Status.ACCEPTED)
    world.platform.set_status(sid, Status.WRAPPING)
    then = send("GET", f"/journal?since={first['last']}").json
    assert [(act["number"], act["trigger"]) for act in then["entries"]] == [
        (2, "accepted"),
        (3, "wrapping"),
    ]
    assert send("GET", "/journal?since=3").json["entries"] == []


def test_journal_numbers_count_forgotten_entries() -> None:
    platform = Platform(ManualClock(), settings=Settings(journal_length=2))
    control = Control(platform, FaultPlan())
    sid = people(platform).sid()
    for fact in (Status.ACCEPTED, Status.WRAPPING):
        platform.set_status(sid, fact)
    answer = json.loads(control.receive("GET", f"{CONTROL_ROOT}/journal?since=0", b"").body)
    assert (answer["last"], [act["number"] for act in answer["entries"]]) == (3, [2, 3])


def test_task_attributes_are_replaced(send: Send, world: World) -> None:
    sid = world.sid()
    world.platform.advance(1)
    path = f"/tasks/{TASK}/attributes"
    answer = send("POST", path, {"attributes": {"a": [1]}})
    assert answer.json["attributes"] == {"a": [1]}
    assert answer.json == send("GET", f"/tasks/{TASK}").json
    assert world.platform.task(TASK).date_updated == world.platform.now()
    assert world.platform.get(sid).etag == "0"
    assert send("POST", path, {"attributes": "x"}).status == 400
    assert send("POST", path).json["attributes"] == {}
    assert send("POST", f"/tasks/WT{'9' * 32}/attributes", {"attributes": {}}).status == 404


def test_transfer_reserves_a_second_worker(send: Send, world: World) -> None:
    sid = world.sid()
    world.platform.set_status(sid, Status.ACCEPTED)
    made = send("POST", f"/reservations/{sid}/transfers", {"worker_sid": WORKERS[1]}).json
    assert (made["task_sid"], made["worker_sid"], made["status"]) == (TASK, WORKERS[1], "pending")


@pytest.mark.parametrize("fact", ["accepted", "rejected", "timeout", "canceled", "rescinded"])
def test_fact_sets_the_status(send: Send, world: World, fact: str) -> None:
    sid = world.sid()
    assert send("POST", f"/reservations/{sid}/facts", {"fact": fact}).json["status"] == fact
    assert world.platform.get(sid).status == fact


CALL_RESULTS: Final[dict[str, tuple[dict[str, object], str]]] = {
    "answer-call": ({}, "accepted"),
    "miss-call": ({}, "canceled"),
    "fail-call": ({"code": 21215}, "canceled"),
    "hang-up": ({}, "canceled"),
}


@pytest.mark.parametrize(
    ("name", "body", "after"),
    [(name, *row) for name, row in CALL_RESULTS.items()],
    ids=CALL_RESULTS,
)
def test_call_result_is_that_of_the_platform_method(
    send: Send, world: World, name: str, body: dict[str, object], after: str
) -> None:
    twin = Platform(ManualClock())
    expected = people(twin).sid()
    sid = world.sid()
    for platform, one in ((world.platform, sid), (twin, expected)):
        platform.execute(one, conference())
    answer = send("POST", f"/reservations/{sid}/{name}", body)
    getattr(twin, name.replace("-", "_"))(expected, *body.values())
    assert answer.status == 200
    assert world.platform.get(sid).status == twin.get(expected).status == after


def test_failed_call_has_a_default_code(send: Send, world: World) -> None:
    sid = world.sid()
    world.platform.execute(sid, conference())
    send("POST", f"/reservations/{sid}/fail-call")
    assert world.platform.stored(sid).canceled_reason_code == 13223


def test_task_is_wrapped_completed_canceled_and_deleted(send: Send, world: World) -> None:
    sid = world.sid()
    world.platform.set_status(sid, Status.ACCEPTED)
    assert send("POST", f"/tasks/{TASK}/wrap").json["status"] == TaskStatus.WRAPPING
    assert send("POST", f"/tasks/{TASK}/complete").json["status"] == TaskStatus.COMPLETED
    second = send("POST", "/tasks", {"workspace_sid": WORKSPACE}).json["sid"]
    assert send("POST", f"/tasks/{second}/cancel").json["status"] == TaskStatus.CANCELED
    assert send("DELETE", f"/tasks/{second}").json is None
    assert send("GET", f"/tasks/{second}").status == 404


def test_clock_runs_due_timers(send: Send, world: World) -> None:
    sid = world.sid()
    before = world.platform.now()
    answer = send("POST", "/clock", {"seconds": 120.5}).json
    assert (world.platform.now() - before).total_seconds() == 120.5
    assert answer["now"] == world.platform.now().isoformat()
    assert world.platform.get(sid).status is Status.TIMEOUT


def test_reset_deletes_everything(send: Send, control: Control) -> None:
    control.faults.add(Fault(kind=FaultKind.DELAYED))
    assert send("POST", "/reset").status == 200
    assert (control.platform.workers(), control.platform.tasks(), control.faults.pending) == (
        (),
        (),
        (),
    )


def test_largest_numbers_of_the_schema_are_taken(send: Send) -> None:
    assert send("POST", "/clock", {"seconds": 1e9}).status == 200
    task = {"workspace_sid": WORKSPACE, "reservation_timeout": 86_400}
    assert send("POST", "/tasks", task).status == 200
    assert send("POST", "/tasks", {**task, "reservation_timeout": 86_401}).json["faults"] != []


def test_faults_are_added_listed_and_removed(send: Send, control: Control) -> None:
    send(
        "POST",
        "/faults",
        {"kind": "429", "retry_after": 2, "times": 3, "method": "post", "path_contains": TASK},
    )
    listed = send(
        "POST", "/faults", {"kind": "5xx after acting", "status": 500, "seconds": 1.5}
    ).json
    assert listed == send("GET", "/faults").json
    assert [each["kind"] for each in listed] == ["429", "5xx after acting"]
    assert control.faults.pending == (
        Fault(kind=FaultKind.THROTTLED, retry_after=2, times=3, method="POST", path_contains=TASK),
        Fault(kind=FaultKind.FAILED_AFTER, status=500, seconds=1.5),
    )
    assert send("DELETE", "/faults").json == []
    assert not control.faults


def test_journal_entry_shows_neither_task_nor_worker(send: Send, world: World) -> None:
    world.reserve()
    (act,) = send("GET", "/journal").json["entries"]
    assert not {"task", "worker"} & act.keys()


def test_overview_exchanges_and_journal_are_shown(world: World) -> None:
    control = Control(world.platform, FaultPlan())
    sid = world.sid()
    world.platform.set_status(sid, Status.ACCEPTED)
    request = RawRequest("GET", worlds.path(sid), (), b"")
    for _ in range(2):
        control.exchanges.add(
            2, world.platform.now(), request, InMemoryGateway(world.platform).receive(*request), 0.0
        )

    def read(path: str) -> Any:
        return json.loads(control.receive("GET", CONTROL_ROOT + path, b"").body)

    assert [exchange["number"] for exchange in read("/exchanges?since=1")["exchanges"]] == [2]
    assert read("/exchanges")["last"] == 2
    shown = read("/overview")
    assert (shown["last"], shown["tasks"], shown["workers"], shown["pace"]) == (2, 1, 3, 0.0)
    assert [each["sid"] for each in shown["reservations"]] == [sid]
    assert [action["name"] for action in shown["actions"]] == [action.name for action in ACTIONS]
    assert read("/journal?since=1")["entries"][0]["rule"].startswith(
        "the worker, or another client, accepted [documented: "
    )
