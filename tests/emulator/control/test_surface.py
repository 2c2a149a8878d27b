"""The control surface does what it is asked, says what it cannot, and is the same in process and over HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reservation_core import Status
from reservation_core.emulator import ManualClock, Platform, Settings, TaskStatus
from reservation_core.emulator.control.routes import CONTROL_ROOT, CONTROL_ROUTES
from reservation_core.emulator.control.surface import MAX_BODY_BYTES, Control
from reservation_core.emulator.faults import Fault, FaultKind, FaultPlan
from reservation_core.emulator.server import Emulator
from reservation_core.rest.messages import Reply
from tests.emulator import wire
from tests.emulator.worlds import ACTIVITY, NOBODY, TASK, WORKERS, WORKSPACE, World, people

Steer = Callable[..., wire.Answer]


@pytest.fixture
def control() -> Control:
    """Make a control surface over the small world, whose time is moved by hand."""
    platform = Platform(ManualClock())
    people(platform)
    return Control(platform, FaultPlan())


@pytest.fixture
def world(control: Control) -> World:
    """Give the world behind it."""
    return World(control.platform)


@pytest.fixture
def steer(control: Control) -> Steer:
    """Ask the control surface in process."""

    def ask(method: str, path: str, body: object = None) -> wire.Answer:
        sent = (
            b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        )
        reply: Reply = control.receive(method, CONTROL_ROOT + path, sent)
        return wire.Answer(
            reply.status, {name.lower(): value for name, value in reply.headers.pairs}, reply.body
        )

    return ask


# --- looking -----------------------------------------------------------------------------------------------------------------------


def test_every_way_is_listed(steer: Steer) -> None:
    """All that can be asked is listed, each with its method, its path and what it is for."""
    listed = steer("GET", "/ways").json
    assert [(way["method"], way["path"], way["description"]) for way in listed] == [
        (way.method, CONTROL_ROOT + way.path, way.description) for way in CONTROL_ROUTES
    ]
    assert len({(way.method, way.path) for way in CONTROL_ROUTES}) == len(CONTROL_ROUTES)


def test_all_that_is_held_is_shown(steer: Steer, world: World) -> None:
    """The state shows the time, the workers, the tasks and the reservations with what no body shows: holds and timers."""
    sid = world.sid()
    world.platform.execute(sid, conference())
    state = steer("GET", "/state").json
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
    """Make a conference."""
    from reservation_core import Conference

    return Conference(from_="+15005550006")


def test_each_is_shown(steer: Steer, world: World) -> None:
    """A worker, a task and a reservation are shown each by its SID."""
    sid = world.sid()
    assert steer("GET", f"/workers/{WORKERS[0]}").json["name"] == "Worker 0"
    assert steer("GET", f"/tasks/{TASK}").json["reservation_timeout"] == 120
    assert steer("GET", f"/reservations/{sid}").json["status"] == "pending"


def test_the_settings_are_shown(steer: Steer) -> None:
    """Every setting is shown with its value, its default and what is known of it; accounts only by their number."""
    shown = steer("GET", "/settings").json
    assert shown["has_quoted_etag"]["value"] is False
    assert shown["has_quoted_etag"].keys() == {
        "value",
        "default",
        "description",
        "evidence",
        "source",
    }
    secret = Control(
        Platform(settings=Settings(accounts={"somebody": "a secret word"})), FaultPlan()
    )
    reply = secret.receive("GET", f"{CONTROL_ROOT}/settings", b"")
    assert b"a secret word" not in reply.body
    assert json.loads(reply.body)["accounts"]["value"] == 1


def test_the_journal_is_read_on_from_a_number(steer: Steer, world: World) -> None:
    """The journal numbers its acts from 1; who names the last one that was read gets what came after it."""
    sid = world.sid()
    first = steer("GET", "/journal").json
    assert [(act["number"], act["trigger"], act["sid"]) for act in first["entries"]] == [
        (1, "created", sid)
    ]
    world.platform.set_status(sid, Status.ACCEPTED)
    world.platform.set_status(sid, Status.WRAPPING)
    then = steer("GET", f"/journal?since={first['last']}").json
    assert [(act["number"], act["trigger"]) for act in then["entries"]] == [
        (2, "accepted"),
        (3, "wrapping"),
    ]
    assert steer("GET", "/journal?since=3").json["entries"] == []


def test_the_journal_forgets_but_counts_on() -> None:
    """What the journal has forgotten is left out; the numbers of the rest stay what they were."""
    platform = Platform(ManualClock(), settings=Settings(journal_length=2))
    control = Control(platform, FaultPlan())
    sid = people(platform).sid()
    for fact in (Status.ACCEPTED, Status.WRAPPING):
        platform.set_status(sid, fact)
    answer = json.loads(control.receive("GET", f"{CONTROL_ROOT}/journal?since=0", b"").body)
    assert (answer["last"], [act["number"] for act in answer["entries"]]) == (3, [2, 3])


# --- making --------------------------------------------------------------------------------------------------------------------------


def test_a_worker_is_added(steer: Steer, world: World) -> None:
    """A worker is added as it is described."""
    made = steer(
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


def test_a_task_is_added_and_reserved(steer: Steer, world: World) -> None:
    """A task is added with its reservations, and another worker reserved for it afterwards."""
    made = steer(
        "POST",
        "/tasks",
        {
            "workspace_sid": WORKSPACE,
            "reservation_timeout": 7,
            "reservations": [{"worker_sid": WORKERS[0]}],
        },
    ).json
    assert (made["status"], made["reservation_timeout"]) == ("reserved", 7)
    second = steer(
        "POST",
        f"/tasks/{made['sid']}/reservations",
        {"worker_sid": WORKERS[1], "sid": "WR" + "a" * 32},
    ).json
    assert (
        [each.sid for each in world.platform.all(made["sid"])][1]
        == second["sid"]
        == "WR" + "a" * 32
    )


def test_a_seed_is_planted(steer: Steer, world: World) -> None:
    """A seed adds what it says, with what has happened already."""
    task = "WT" + "b" * 32
    seeded = steer(
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
    assert seeded.status == 200
    assert [each.status for each in world.platform.all(task)] == [Status.WRAPPING]


def test_a_seed_is_planted_wholly_or_not(steer: Steer, world: World) -> None:
    """A seed of which one part cannot be leaves nothing behind."""
    before = world.platform.snapshot()
    worker = {"workspace_sid": WORKSPACE, "sid": "WK" + "c" * 32}
    answer = steer(
        "POST",
        "/seed",
        {
            "workers": [worker],
            "tasks": [
                {"workspace_sid": WORKSPACE, "reservations": [{"worker_sid": "WK" + NOBODY}]}
            ],
        },
    )
    assert (answer.status, answer.json["error"].startswith(f"there is no 'WK{NOBODY}'")) == (
        404,
        True,
    )
    assert world.platform.snapshot() == before


def test_work_is_handed_over(steer: Steer, world: World) -> None:
    """An accepted reservation is transferred: the task has a second one."""
    sid = world.sid()
    world.platform.set_status(sid, Status.ACCEPTED)
    made = steer("POST", f"/reservations/{sid}/transfers", {"worker_sid": WORKERS[1]}).json
    assert (made["task_sid"], made["worker_sid"], made["status"]) == (TASK, WORKERS[1], "pending")


# --- happening -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fact", ["accepted", "rejected", "timeout", "canceled", "rescinded"])
def test_a_fact_happens(steer: Steer, world: World, fact: str) -> None:
    """A fact that the lifecycle allows happens."""
    sid = world.sid()
    assert steer("POST", f"/reservations/{sid}/facts", {"fact": fact}).json["status"] == fact
    assert world.platform.get(sid).status == fact


OUTCOMES: Final[dict[str, tuple[dict[str, object], str]]] = {
    "answer-call": ({}, "accepted"),
    "miss-call": ({}, "canceled"),
    "fail-call": ({"code": 21215}, "canceled"),
    "hang-up": ({}, "canceled"),
}


@pytest.mark.parametrize(
    ("name", "body", "after"), [(name, *row) for name, row in OUTCOMES.items()], ids=OUTCOMES
)
def test_an_outcome_is_decided(
    steer: Steer, world: World, name: str, body: dict[str, object], after: str
) -> None:
    """How a conference turns out is decided from here: the same as by the platform's own method."""
    twin = Platform(ManualClock())
    expected = people(twin).sid()
    sid = world.sid()
    for platform, one in ((world.platform, sid), (twin, expected)):
        platform.execute(one, conference())
    answer = steer("POST", f"/reservations/{sid}/{name}", body)
    getattr(twin, name.replace("-", "_"))(expected, *body.values())
    assert answer.status == 200
    assert world.platform.get(sid).status == twin.get(expected).status == after


def test_a_leg_fails_for_a_usual_reason(steer: Steer, world: World) -> None:
    """A leg fails because the number is none, unless another reason is given."""
    sid = world.sid()
    world.platform.execute(sid, conference())
    steer("POST", f"/reservations/{sid}/fail-call")
    assert world.platform.stored(sid).canceled_reason_code == 13223


def test_a_task_goes_its_way(steer: Steer, world: World) -> None:
    """A task is wrapped up and completed; another is canceled; a third deleted, with its reservations."""
    sid = world.sid()
    world.platform.set_status(sid, Status.ACCEPTED)
    assert steer("POST", f"/tasks/{TASK}/wrap").json["status"] == TaskStatus.WRAPPING
    assert steer("POST", f"/tasks/{TASK}/complete").json["status"] == TaskStatus.COMPLETED
    second = steer("POST", "/tasks", {"workspace_sid": WORKSPACE}).json["sid"]
    assert steer("POST", f"/tasks/{second}/cancel").json["status"] == TaskStatus.CANCELED
    assert steer("DELETE", f"/tasks/{second}").json is None
    assert steer("GET", f"/tasks/{second}").status == 404


def test_time_is_put_forward(steer: Steer, world: World) -> None:
    """The clock is put forward, and what falls due by then has happened."""
    sid = world.sid()
    before = world.platform.now()
    answer = steer("POST", "/clock", {"seconds": 120.5}).json
    assert (world.platform.now() - before).total_seconds() == 120.5
    assert answer["now"] == world.platform.now().isoformat()
    assert world.platform.get(sid).status is Status.TIMEOUT


def test_everything_is_forgotten(steer: Steer, control: Control) -> None:
    """A reset leaves nothing: no worker, no task, no fault to come."""
    control.faults.add(Fault(kind=FaultKind.DELAYED))
    assert steer("POST", "/reset").status == 200
    assert (control.platform.workers(), control.platform.tasks(), control.faults.pending) == (
        (),
        (),
        (),
    )


# --- going wrong ---------------------------------------------------------------------------------------------------------------------


def test_faults_are_planned(steer: Steer, control: Control) -> None:
    """What is to go wrong is put in, listed in order, and taken back."""
    steer(
        "POST",
        "/faults",
        {"kind": "429", "retry_after": 2, "times": 3, "method": "POST", "path_contains": TASK},
    )
    listed = steer(
        "POST", "/faults", {"kind": "5xx after acting", "status": 500, "seconds": 1.5}
    ).json
    assert listed == steer("GET", "/faults").json
    assert [each["kind"] for each in listed] == ["429", "5xx after acting"]
    assert control.faults.pending == (
        Fault(kind=FaultKind.THROTTLED, retry_after=2, times=3, method="POST", path_contains=TASK),
        Fault(kind=FaultKind.FAILED_AFTER, status=500, seconds=1.5),
    )
    assert steer("DELETE", "/faults").json == []
    assert not control.faults


# --- what cannot be ------------------------------------------------------------------------------------------------------------------

FAULTY: Final[dict[str, tuple[str, str, object, dict[str, str]]]] = {
    "no object": ("POST", "/seed", [], {"(body)": "is a JSON array, not an object"}),
    "a worker": (
        "POST",
        "/workers",
        {"sid": "WK1", "name": 7, "attributes": "x", "colour": "red"},
        {
            "workspace_sid": "is missing; give a SID (WS and 32 hexadecimal digits)",
            "sid": "is not a SID (WK and 32 hexadecimal digits)",
            "name": "is a JSON number, not a text",
            "attributes": "is a JSON string, not an object",
            "colour": "is not a known field; check its spelling, or leave it out",
        },
    ),
    "deep in a seed": (
        "POST",
        "/seed",
        {
            "workers": {},
            "tasks": [{"workspace_sid": WORKSPACE}, {"workspace_sid": 1, "reservations": [1, {"worker_sid": WORKERS[0], "facts": ["x"]}]}],
        },
        {
            "workers": "is a JSON object, not a list",
            "tasks[1].workspace_sid": "is not a SID (WS and 32 hexadecimal digits)",
            "tasks[1].reservations[0]": "is a JSON number, not an object",
            "tasks[1].reservations[0].worker_sid": "is missing; give a SID (WK and 32 hexadecimal digits)",
            "tasks[1].reservations[1].facts": f"must hold only words of {', '.join(Status)}",
        },
    ),
    "no fact": ("POST", f"/reservations/WR{NOBODY}/facts", {}, {"fact": f"must be one of {', '.join(Status)}"}),
    "a time that is none": ("POST", "/clock", {"seconds": "soon"}, {"seconds": "is not a number from 0 to 1e+09"}),
    "a time that goes back": ("POST", "/clock", {"seconds": -1}, {"seconds": "is not a number from 0 to 1e+09"}),
    "a truth for a number": ("POST", "/faults", {"kind": "429", "times": True}, {"times": "is not a whole number from 1 to 1000000000"}),
    "a number that is none": ("GET", "/journal?since=x", None, {"since": "is not a number; give the last one that was read"}),
    "a body nobody asked for": ("POST", "/reset", {"all": 1}, {"all": "is not a known field; check its spelling, or leave it out"}),
}  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "faults"), FAULTY.values(), ids=FAULTY)
def test_every_fault_is_told(
    steer: Steer, world: World, method: str, path: str, body: object, faults: dict[str, str]
) -> None:
    """What cannot be read is refused (400) with every fault at once, each with its path; nothing is done."""
    before = world.platform.snapshot()
    answer = steer(method, path, body)
    assert answer.status == 400
    assert {fault["path"]: fault["problem"] for fault in answer.json["faults"]} == faults
    assert all(path in answer.json["error"] for path in faults)
    assert world.platform.snapshot() == before


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"attributes": {"a": NaN}}',
        b'{"a": 1e999}',
        b'{"name": "\\ud800"}',
        b"1" * 5000,
    ],
)
def test_what_is_no_json_is_told(steer: Steer, body: bytes) -> None:
    """A body that is no JSON, or that no JSON could be made of again, is refused (400)."""
    answer = steer("POST", "/workers", body)
    assert (answer.status, answer.json["faults"][0]["path"]) == (400, "(body)")


def test_what_is_personal_is_masked(steer: Steer) -> None:
    """An error does not repeat a telephone number."""
    answer = steer("POST", "/clock", {"seconds": "+15005550006"})
    assert b"5005550006" not in answer.body


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("GET", "/nowhere", None, 404, f"GET {CONTROL_ROOT}/ways lists all routes"),
        ("PUT", "/reset", None, 405, "Use POST"),
        ("GET", f"/reservations/WR{NOBODY}", None, 404, f"there is no 'WR{NOBODY}'"),
        (
            "POST",
            f"/reservations/WR{NOBODY}/answer-call",
            None,
            404,
            f"GET {CONTROL_ROOT}/state shows all there is",
        ),
        ("POST", f"/tasks/{TASK}/wrap", None, 409, f"cannot wrap up task {TASK}: it is pending"),
        ("POST", "/tasks", {"workspace_sid": WORKSPACE, "sid": TASK}, 400, "the SID is in use"),
        ("POST", "/seed", b"x" * (MAX_BODY_BYTES + 1), 413, "bytes"),
    ],
)
def test_what_cannot_be_is_told(
    steer: Steer, method: str, path: str, body: object, status: int, said: str
) -> None:
    """What is not there, not allowed or not possible is refused with its own status, and what to do instead."""
    answer = steer(method, path, body)
    assert answer.status == status
    assert said in answer.json["error"]


def test_a_method_that_is_allowed_is_named(steer: Steer) -> None:
    """A 405 names the methods that there are."""
    assert steer("PATCH", "/faults").headers["allow"] == "GET, POST, DELETE"


@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "BREW"]),
    way=st.sampled_from(CONTROL_ROUTES),
    sid=st.sampled_from([WORKERS[0], TASK, "WR" + NOBODY, "%ff", "\u00e4", ""]),
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from([WORKSPACE, TASK, WORKERS[0]]),
        lambda inner: st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["workspace_sid", "sid", "workers", "tasks", "reservations", "seconds", "x"]), inner, max_size=3),
        max_leaves=5,
    ).map(json.dumps).map(str.encode)
    | st.binary(max_size=20),
)  # fmt: skip
def test_whatever_is_asked_is_answered(method: str, way: object, sid: str, body: bytes) -> None:
    """Whatever is asked, in whatever way, gets an answer in JSON that is no failure of the emulator's."""
    platform = Platform(ManualClock())
    people(platform)
    path = re.sub("W[KTR](?=/|$)", lambda _: sid, getattr(way, "path"))  # noqa: B009 - the strategy's type says less
    reply = Control(platform, FaultPlan()).receive(method, f"{CONTROL_ROOT}{path}", body)
    assert reply.status in {200, 400, 404, 405, 409}
    json.loads(reply.body)


# --- over HTTP -----------------------------------------------------------------------------------------------------------------------


def test_it_is_the_same_over_http(emulator: Emulator) -> None:
    """A reservation is made, moved and read over HTTP as in process, errors included."""

    def steer(method: str, path: str, body: object = None) -> wire.Answer:
        return wire.ask(emulator.url, method, CONTROL_ROOT + path, body)

    worker = steer("POST", "/workers", {"workspace_sid": WORKSPACE, "name": "Zo\u00eb"}).json
    task = steer(
        "POST",
        "/tasks",
        {"workspace_sid": WORKSPACE, "reservations": [{"worker_sid": worker["sid"]}]},
    ).json
    (reservation,) = emulator.platform.all(task["sid"])
    assert (
        steer("POST", f"/reservations/{reservation.sid}/facts", {"fact": "accepted"}).json[
            "worker_name"
        ]
        == "Zo\u00eb"
    )
    assert steer("GET", "/journal?since=1").json["entries"][-1]["trigger"] == "accepted"
    refused = steer("POST", f"/reservations/{reservation.sid}/facts", {"fact": "pending"})
    assert (refused.status, refused.headers["content-type"]) == (409, "application/json")


# --- calling back ------------------------------------------------------------------------------------------------------------------

CALLBACKS: Final = {
    "assignment_url": "https://example.com/assign",
    "fallback_url": "https://example.com/fallback",
    "event_url": "https://example.com/events",
    "auth_token": "a secret word",
    "event_types": ["reservation.wrapup"],
    "fields": {"WorkflowSid": "WW1"},
    "duplicates": 0.25,
    "reordered": 1,
    "seed": 7,
}


def test_who_is_called_back_is_set_and_shown(control: Control, steer: Steer) -> None:
    """Everything about callbacks can be set, and is shown but for the token; what is not given is as usual, and nobody can be called."""
    shown = steer("POST", "/callbacks", CALLBACKS)
    assert shown.status == 200
    assert shown.json == steer("GET", "/callbacks").json
    expected = {
        name: value for name, value in CALLBACKS.items() if name not in ("auth_token", "fields")
    }
    assert {
        name: value for name, value in shown.json.items() if name not in ("fields", "signed")
    } == expected
    assert (shown.json["signed"], shown.json["fields"]["WorkflowSid"]) == (True, "WW1")
    assert "a secret word" not in shown.body.decode()
    assert control.callback_queue.settings.auth_token == "a secret word"
    usual = steer("POST", "/callbacks", {"event_url": "https://example.com/"}).json
    assert (
        usual["assignment_url"],
        usual["signed"],
        len(usual["event_types"]),
        usual["duplicates"],
    ) == (None, False, 8, 0)
    assert steer("DELETE", "/callbacks").json["event_url"] is None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"assignment_url": "nowhere"}, "assignment_url must be an http or https URL"),
        ({"assignment_url": 7}, "assignment_url: is a JSON number, not a text"),
        (
            {"event_types": ["reservation.created", "task.created"]},
            "event_types: must hold only words of reservation.created",
        ),
        ({"fields": {"WorkflowSid": 7}}, "fields.WorkflowSid: is not a text"),
        ({"duplicates": 2}, "duplicates: is not a number from 0 to 1"),
        ({"seed": "x"}, "seed: is not a whole number"),
        ({"token": "x"}, "token: is not a known field"),
        ({"auth_token": " "}, "auth_token must not be empty"),
    ],
)
def test_callbacks_that_cannot_be_are_told(
    steer: Steer, wrong: dict[str, object], says: str
) -> None:
    """What is wrong with callbacks is told, and who is called back stays as it was."""
    steer("POST", "/callbacks", CALLBACKS)
    answer = steer("POST", "/callbacks", wrong)
    assert answer.status == 400
    assert says in answer.json["error"]
    assert steer("GET", "/callbacks").json["event_url"] == CALLBACKS["event_url"]


def test_what_is_due_waits_and_is_forgotten(steer: Steer, world: World) -> None:
    """In process nobody sends: what is due waits to be taken; a reset forgets it, with what was sent and what went wrong."""
    steer("POST", "/callbacks", CALLBACKS)
    world.reserve()
    assert steer("GET", "/callbacks/sent").json == {"waiting": 1, "sent": []}
    steer("POST", "/reset")
    assert steer("GET", "/callbacks/sent").json["waiting"] == 0
    assert steer("GET", "/callbacks/alerts").json == []
    assert steer("GET", "/callbacks").json["signed"]


def test_no_journal_shows_a_task_twice(steer: Steer, world: World) -> None:
    """An act in the journal shows the reservation, not the task and the worker beside it."""
    world.reserve()
    (act,) = steer("GET", "/journal").json["entries"]
    assert not {"task", "worker"} & act.keys()


@pytest.mark.parametrize("layers", [101, 485, 900, 5000])
def test_attributes_that_are_too_deep_are_refused(steer: Steer, layers: int) -> None:
    """Before they are held, so that all that is held can be shown."""
    deep: object = {}
    for _ in range(layers - 1):
        deep = [deep]
    try:
        answer = steer("POST", "/tasks", {"workspace_sid": WORKSPACE, "attributes": {"deep": deep}})
    except RecursionError:  # not even the test can write that
        return
    assert answer.status == 400
    assert steer("GET", "/state", None).status == steer("GET", "/journal", None).status == 200
