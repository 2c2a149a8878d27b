"""Create, fetch, list, update and delete, for every resource alike."""

from __future__ import annotations

import json

import pytest

from reservation_core.emulator import Settings
from reservation_core.emulator.platform.settings import BlankValues
from tests.emulator.resources.scene import Workplace

NAMED = {
    "Activities": {"FriendlyName": "Break", "Available": "true"},
    "TaskQueues": {"FriendlyName": "Sales", "MaxReservedWorkers": "50"},
    "Workflows": {"FriendlyName": "Calls", "Configuration": "{}"},
    "TaskChannels": {"FriendlyName": "Fax", "UniqueName": "fax"},
    "Workers": {"FriendlyName": "ann", "Attributes": '{"a": 1}'},
}


@pytest.fixture
def place() -> Workplace:
    return Workplace()


@pytest.mark.parametrize("segment", NAMED)
def test_resource_is_created_fetched_listed_updated_and_deleted(
    place: Workplace, segment: str
) -> None:
    created = place.create(f"/{segment}", **NAMED[segment])
    path = f"/{segment}/{created['sid']}"
    assert created["friendly_name"] == NAMED[segment]["FriendlyName"]
    assert created["url"] == f"https://taskrouter.twilio.com{place.root}{path}"
    assert created["workspace_sid"] == place.sid
    assert place.fetch(path) == created
    key = next(key for key in place.fetch(f"/{segment}") if key != "meta")
    assert created in place.rows(f"/{segment}", key)
    place.platform.advance(60)
    updated = place.update(path, FriendlyName="New")
    assert updated["friendly_name"] == "New"
    assert updated["date_created"] == created["date_created"] == "2030-01-01T00:00:00Z"
    assert updated["date_updated"] == "2030-01-01T00:01:00Z"
    kept = set(created) - {"friendly_name", "date_updated"}
    assert {name: updated[name] for name in kept} == {name: created[name] for name in kept}
    reply = place.ask("DELETE", path)
    assert (reply.status, reply.body) == (204, b"")
    assert place.refusal("GET", path) == (
        404,
        f"The requested resource {place.root}{path} was not found",
    )
    assert place.refusal("DELETE", path)[0] == place.refusal("POST", path)[0] == 404


@pytest.mark.parametrize("segment", NAMED)
def test_required_parameter_is_missed_by_name(place: Workplace, segment: str) -> None:
    assert place.refusal("POST", f"/{segment}") == (
        400,
        "Missing required parameter FriendlyName in the post body",
    )
    assert place.refusal("POST", f"/{segment}", FriendlyName="")[0] == 400


def test_wrong_parameter_is_refused_with_its_rule(place: Workplace) -> None:
    refused = place.refusal("POST", "/TaskQueues", FriendlyName="a", MaxReservedWorkers=51)
    assert refused == (400, "MaxReservedWorkers must be a whole number from 1 to 50")
    assert place.refusal("POST", "/Activities", FriendlyName="a" * 65)[0] == 400
    assert len(place.rows("/TaskQueues", "task_queues")) == 0


def test_sid_of_another_workspace_is_refused(place: Workplace) -> None:
    other = Workplace(platform=place.platform)
    sid = other.activities["Available"]
    assert place.refusal("POST", "/Workers", FriendlyName="a", ActivitySid=sid) == (
        400,
        f"ActivitySid {sid} is not in workspace {place.sid}",
    )
    assert place.refusal("GET", f"/Activities/{sid}")[0] == 404


def test_resource_of_another_kind_is_not_found(place: Workplace) -> None:
    sid = place.activities["Available"]
    assert place.refusal("GET", f"/TaskQueues/{sid}")[0] == 404
    assert place.refusal("GET", f"/Workers/{sid}")[0] == 404
    assert place.refusal("GET", f"/Tasks/{sid}")[0] == 404
    assert place.gateway.receive("GET", f"/v1/Workspaces/{sid}", {}, b"").status == 404


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_list_of_unknown_workspace_is_not_found(place: Workplace, method: str) -> None:
    path = f"/v1/Workspaces/WS{'f' * 32}/Activities"
    reply = place.gateway.receive(method, path, {}, b"FriendlyName=a")
    assert (reply.status, json.loads(reply.body)["code"]) == (404, 20404)


def test_blank_value_is_unset_where_it_cannot_be_a_value() -> None:
    place = Workplace()
    created = place.create("/TaskQueues", FriendlyName="a", MaxReservedWorkers="", TaskOrder="")
    assert (created["max_reserved_workers"], created["task_order"]) == (1, "FIFO")
    workspace = {"EventCallbackUrl": "https://example.com", "EventsFilter": "task.created"}
    assert place.update("", **workspace)["event_callback_url"] == "https://example.com"
    cleared = place.update("", EventCallbackUrl="", EventsFilter="")
    assert (cleared["event_callback_url"], cleared["events_filter"]) == (None, "")


@pytest.mark.parametrize(
    "settings", [Settings(strict=True), Settings(blank_values=BlankValues.CHECKED)]
)
def test_blank_value_is_checked_where_settings_say_so(settings: Settings) -> None:
    place = Workplace(settings=settings)
    assert place.refusal("POST", "/TaskQueues", FriendlyName="a", MaxReservedWorkers="")[0] == 400


def test_unknown_parameter_is_ignored_unless_strict(place: Workplace) -> None:
    assert place.create("/Activities", FriendlyName="a", Colour="red")["friendly_name"] == "a"
    assert len(place.rows("/Activities?Colour=red&Ordering=x", "activities")) == 4
    strict = Workplace(settings=Settings(strict=True))
    assert strict.refusal("POST", "/Activities", FriendlyName="a", Colour="red") == (
        400,
        "Colour is not a parameter of this operation",
    )
    assert strict.refusal("GET", "/Activities?Colour=red") == (
        400,
        "Colour is not a parameter of this list",
    )
    assert strict.ask("GET", "/Activities?PageSize=2&Ordering=x").status == 200
    assert strict.refusal("GET", "/Activities?PageSize=0")[0] == 400


# --- lists ---------------------------------------------------------------------------------------


def test_list_is_paged_in_both_directions(place: Workplace) -> None:
    place.add_workers(*"abcde")
    first = place.fetch("/Workers?PageSize=2")
    assert [row["friendly_name"] for row in first["workers"]] == ["a", "b"]
    assert (first["meta"]["key"], first["meta"]["page_size"]) == ("workers", 2)
    assert first["meta"]["previous_page_url"] is None
    place.ask("DELETE", f"/Workers/{first['workers'][0]['sid']}")
    second = place.fetch(first["meta"]["next_page_url"].partition(place.root)[2])
    assert [row["friendly_name"] for row in second["workers"]] == ["c", "d"]
    third = place.fetch(second["meta"]["next_page_url"].partition(place.root)[2])
    assert [row["friendly_name"] for row in third["workers"]] == ["e"]
    assert third["meta"]["next_page_url"] is None
    back = place.fetch(third["meta"]["previous_page_url"].partition(place.root)[2])
    assert back["workers"] == second["workers"]


def test_list_is_read_whole_while_its_resources_are_deleted(place: Workplace) -> None:
    """As by a client that deletes the tasks of each page."""
    place.route()
    tasks = [place.add_task() for _ in range(5)]
    path, seen = "/Tasks?PageSize=2", list[str]()
    while path:
        page = place.fetch(path)
        for row in page["tasks"]:
            seen.append(f"/Tasks/{row['sid']}")
            place.ask("DELETE", seen[-1])
        path = (page["meta"]["next_page_url"] or "").partition(place.root)[2]
    assert seen == tasks


def test_page_token_of_another_list_is_refused(place: Workplace) -> None:
    token = f"PF{place.activities['Offline']}"
    assert place.ask("GET", f"/Activities?PageToken={token}").status == 200
    refused = place.refusal("GET", f"/TaskQueues?PageToken={token}")
    assert refused == (400, "PageToken names a resource that no longer exists")
    assert place.refusal("GET", "/Activities?PageToken=PA1")[0] == 400


def test_list_has_etag_that_changes_with_it(place: Workplace) -> None:
    before = place.ask("GET", "/Workers").headers.get("ETag")
    place.add_workers("a")
    assert place.ask("GET", "/Workers").headers.get("ETag") not in (before, None)


def test_filters_of_activities_and_workers(place: Workplace) -> None:
    place.add_workers("ann")
    place.add_workers("bob", "cy", activity="Offline")

    def names(path: str) -> list[str]:
        key = path.partition("?")[0][1:].lower()
        return [row["friendly_name"] for row in place.rows(path, key)]

    assert names("/Activities?Available=true") == ["Available"]
    assert names("/Activities?Available=no") == ["Offline", "Unavailable"]
    assert names("/Activities?FriendlyName=Offline") == ["Offline"]
    assert names("/Workers?Available=1") == ["ann"]
    assert names("/Workers?ActivityName=Offline&FriendlyName=cy") == ["cy"]
    assert names(f"/Workers?ActivitySid={place.activities['Offline']}") == ["bob", "cy"]
    assert names("/Workers?TargetWorkersExpression=1==1&TaskQueueName=x") == ["ann", "bob", "cy"]
    assert names("/Workers?Ordering=FriendlyName:desc") == ["cy", "bob", "ann"]
    refused = place.refusal("GET", "/Workers?TargetWorkersExpression=a==1")
    assert refused[1].startswith("TargetWorkersExpression is an expression")


def test_filters_and_ordering_of_tasks(place: Workplace) -> None:
    queue = place.route()
    tasks = [place.add_task(Priority=priority)[-34:] for priority in (1, 0, 1)]
    place.update(f"/Tasks/{tasks[2]}", AssignmentStatus="canceled", Reason="x")

    def found(query: str) -> list[int]:
        return [tasks.index(row["sid"]) for row in place.rows(f"/Tasks?{query}", "tasks")]

    assert found("AssignmentStatus=pending") == [0, 1]
    assert found("AssignmentStatus=pending&AssignmentStatus=canceled") == [0, 1, 2]
    assert found("AssignmentStatus=canceled,%20reserved") == [2]
    assert found("Priority=1") == [0, 2]
    assert found(f"TaskQueueSid={queue}&TaskQueueName=All&WorkflowName=W") == [0, 1, 2]
    assert found("WorkflowName=other") == []
    assert found("Ordering=Priority:asc,DateCreated:desc") == [1, 0, 2]
    assert found("Ordering=Priority:desc") == [0, 2, 1]
    assert found("HasAddons=true") == [0, 1, 2]
    assert place.refusal("GET", "/Tasks?AssignmentStatus=waiting")[0] == 400


# --- versions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("segment", ["Tasks", "Workers"])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_stale_version_is_refused_and_changes_nothing(
    place: Workplace, segment: str, method: str
) -> None:
    place.route()
    path = place.add_task() if segment == "Tasks" else place.add_workers("ann")[0]
    form = {"Attributes": '{"a": 1}'}
    version = place.ask("GET", path).headers.get("ETag")
    assert version is not None
    reply = place.send("POST", path, form, {"If-Match": f'"{version}"'})
    assert (reply.status, reply.headers.get("ETag")) == (200, str(int(version) + 1))
    before = place.fetch(path)
    stale = place.send(method, path, {"Attributes": "{}"}, {"If-Match": version})
    assert (stale.status, json.loads(stale.body)["code"]) == (412, 20412)
    assert place.fetch(path) == before
    fresh = place.send(method, path, {}, {"If-Match": str(int(version) + 1)})
    assert fresh.status == (204 if method == "DELETE" else 200)


def test_state_is_checked_before_version_where_setting_says_so() -> None:
    place = Workplace(settings=Settings(checks_version_first=False))
    place.route()
    task = place.add_task()
    refused = place.send("POST", task, {"AssignmentStatus": "wrapping"}, {"If-Match": "99"})
    assert refused.status == 400
    stale = place.send("POST", task, {"AssignmentStatus": "canceled"}, {"If-Match": "99"})
    assert stale.status == 412
    assert place.status(task) == "pending"


def test_if_match_is_ignored_where_it_is_not_documented(place: Workplace) -> None:
    path = f"/Activities/{place.activities['Offline']}"
    reply = place.send("POST", path, {"FriendlyName": "Gone"}, {"If-Match": "99"})
    assert (reply.status, reply.headers.get("ETag")) == (200, None)
