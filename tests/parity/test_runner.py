"""A run ends cleanly, however it ends."""

from __future__ import annotations

import json
from typing import Final

import pytest

from reservation_core import GatewayError, NotSent, Reply, Request
from reservation_core.emulator import ManualClock, Platform
from reservation_core.emulator.resources.gateway import WorkspaceGateway
from reservation_core.parity.experiments.catalogue import EXPERIMENTS
from reservation_core.parity.experiments.model import Experiment
from reservation_core.parity.findings import CouldNotTell, Finding, ParityFailed
from reservation_core.parity.report import report_document
from reservation_core.parity.runner import Progress, choose, run_parity
from reservation_core.parity.scene import Voice
from tests.parity.stage import CALLEE, CALLER, VOICE, Stage, Twist, change, describe, run_by_default

SHORT: Final = ("both_given", "siblings_at_conference")


class Kept(Progress):
    """Progress that keeps what it receives."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def started(self, experiment: Experiment, number: int, total: int) -> None:
        self.lines.append(f"{number}/{total} {experiment.name}")

    def finished(self, finding: Finding) -> None:
        self.lines.append(finding.answer)

    def cleaning_up(self, count: int) -> None:
        self.lines.append(f"deleting {count}")


def test_default_platform_is_as_this_library_interprets_it() -> None:
    """Every experiment that has a result agrees with the interpretation."""
    stage, report = run_by_default()
    assert stage.is_empty
    assert report.left_over == ()
    assert report.is_complete
    assert [each.name for each in report.findings] == [each.name for each in EXPERIMENTS]
    assert [each.name for each in report.findings if not each.is_as_expected] == []
    untold = {each.name for each in report.findings if not each.is_known}
    assert untold == {
        "accepts_unanswered",
        "accounts",
        "max_rounds",
        "callback_timeout",
        "max_body_bytes",
        "journal_length",
    }
    assert all(each.exchanges for each in report.findings if each.is_known)


def test_interpretation_has_the_form_of_the_value() -> None:
    """A program that reads the report can compare the two."""
    _, report = run_by_default()
    findings = json.loads(json.dumps(report_document(report)))["findings"]
    others = [each for each in findings if each["subject"] != "lifecycle" and each["is_known"]]
    assert len(others) > 50
    assert [each["name"] for each in others if each["value"] != each["interpretation"]] == []
    assert {each.name: each.expected for each in report.findings}["commands_while_accepted"] == (
        "wrap, complete"
    )


def test_report_shows_no_personal_value() -> None:
    shown = repr(run_by_default()[1])
    assert CALLER not in shown
    assert CALLEE not in shown
    assert "5005550" not in shown


def test_progress_is_reported() -> None:
    progress = Kept()
    Stage(names=["both_given", "accounts"], progress=progress).run()
    assert progress.lines == [
        "1/2 both_given",
        "instruction",
        "2/2 accounts",
        "could not tell",
        "deleting 6",
    ]
    Stage(names=["both_given"], progress=Progress()).run()


def _fail_at(number: int, error: BaseException) -> Twist:
    """Return a twist that raises an error in place of one reply."""
    count = 0

    def twist(_: Request, reply: Reply) -> Reply:
        nonlocal count
        count += 1
        if count == number:
            raise error
        return reply

    return twist


class _Counting(Progress):
    """Progress that counts the requests before the deletion."""

    stage: Stage
    before_deletion = 0

    def cleaning_up(self, count: int) -> None:
        assert count
        self.before_deletion = len(self.stage.gateway.requests)


def _count() -> tuple[int, int]:
    """Return the number of requests before the deletion, and of all."""
    counting = _Counting()
    counting.stage = Stage(names=SHORT, progress=counting)
    counting.stage.run()
    return counting.before_deletion, len(counting.stage.gateway.requests)


BEFORE_DELETION, REQUESTS = _count()


@pytest.mark.parametrize("number", range(1, REQUESTS + 1))
def test_interrupt_at_any_request_leaves_nothing(number: int) -> None:
    """The platform has acted, but the run does not know."""
    stage = Stage(names=SHORT, twist=_fail_at(number, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        stage.run()
    assert stage.is_empty is (number <= BEFORE_DELETION or number == REQUESTS)
    assert bool(stage.report().left_over) is (number > BEFORE_DELETION)


@pytest.mark.parametrize("number", range(1, REQUESTS + 1, 2))
def test_lost_reply_at_any_request_leaves_nothing(number: int) -> None:
    """The run goes on, unless the scene could not be created."""
    stage = Stage(names=SHORT, twist=_fail_at(number, GatewayError("the reply was lost")))
    try:
        report = stage.run()
    except GatewayError:
        report = stage.report()
        assert number <= 3
    assert stage.is_empty
    assert report.left_over == ()
    assert {each.seen for each in report.findings if not each.is_known} <= {
        "no usable answer: the reply was lost"
    }


def _answer_at(number: int, answer: Reply) -> Twist:
    """Return a twist that replaces one reply."""
    count = 0

    def twist(_: Request, reply: Reply) -> Reply:
        nonlocal count
        count += 1
        return answer if count == number else reply

    return twist


@pytest.mark.parametrize("number", range(2, REQUESTS + 1, 2))
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Reply(503, body=b'{"code": 20500}'), "the platform failed: 503 20500"),
        (Reply(302), "the platform failed: 302"),
        (Reply(200, body=b"<html>"), ""),
    ],
    ids=["503", "302", "unreadable"],
)
def test_answer_without_the_outcome_at_any_request_leaves_nothing(
    number: int, answer: Reply, reason: str
) -> None:
    """The platform has acted. What the answer does not show is neither done nor refused."""
    stage = Stage(names=SHORT, twist=_answer_at(number, answer))
    try:
        report = stage.run()
    except ParityFailed:
        report = stage.report()
        assert number <= 3
    assert stage.is_empty
    assert report.left_over == ()
    assert all(reason in each.seen for each in report.findings if not each.is_known)


def test_object_that_cannot_be_looked_up_is_listed_as_left() -> None:
    twist = change("POST .*/Workers ", 503)
    blind = change(r"GET .*/Workers\?FriendlyName=", 503)
    platform = Platform(ManualClock())
    gateway = WorkspaceGateway(platform)
    made = gateway.send(Request("POST", "/v1/Workspaces", form=(("FriendlyName", "ours"),)))
    sid = made.body.decode().partition('"sid": "')[2][:34]
    stage = Stage(
        names=["neither_given"],
        platform=platform,
        workspace_sid=sid,
        twist=lambda request, reply: blind(request, twist(request, reply)),
    )
    query = f"/v1/Workspaces/{sid}/Workers?FriendlyName={stage.scene.name}-0"
    expected = f"{query}: it may have been created, and cannot be found"
    assert stage.run().left_over[0] == expected


def test_lost_task_among_others_is_deleted() -> None:
    """Also a task in the middle of an experiment."""
    count = 0

    def twist(request: Request, reply: Reply) -> Reply:
        nonlocal count
        count += request.path.endswith("/Tasks")
        if count == 3:
            count += 1
            raise GatewayError("the reply was lost")
        return reply

    stage = Stage(names=["worker_capacity", "both_given"], twist=twist)
    known = {each.name: each.is_known for each in stage.run().findings}
    assert known == {"worker_capacity": False, "both_given": True}
    assert stage.is_empty


def test_scene_without_consent_has_no_call() -> None:
    with pytest.raises(CouldNotTell, match="it needs a voice instruction, which --voice allows"):
        Stage(voice=None).scene.call_attributes()


def test_undeletable_things_are_listed() -> None:
    platform = Platform(ManualClock())
    stage = Stage(names=["both_given"], voice=None, platform=platform, gateway=Guarded(platform))
    report = stage.run()
    assert [each.rpartition("/")[2][:2] for each in report.left_over] == [
        "WT",
        "WW",
        "WQ",
        "WK",
        "WA",
        "WA",
        "WS",
    ]
    assert all(each.endswith(": 500") for each in report.left_over)
    assert stage.scene.workspace_sid in report.left_over[0]


class Guarded:
    """Gateway that refuses deletions, also on the platform."""

    def __init__(self, platform: Platform) -> None:
        self._gateway = WorkspaceGateway(platform)

    def send(self, request: Request) -> Reply:
        """Send everything but a deletion."""
        return Reply(500) if request.method == "DELETE" else self._gateway.send(request)


def test_named_workspace_and_what_others_made_are_kept() -> None:
    """Also if a reply was lost."""
    platform = Platform(ManualClock())
    gateway = WorkspaceGateway(platform)
    form = (("FriendlyName", "ours"),)
    made = gateway.send(Request("POST", "/v1/Workspaces", form=form))
    sid = made.body.decode().partition('"sid": "')[2][:34]
    for kind in ("Workers", "Activities"):
        gateway.send(Request("POST", f"/v1/Workspaces/{sid}/{kind}", form=form))
    for number in range(1, 20):
        twist = _fail_at(number, GatewayError("lost"))
        stage = Stage(names=SHORT[:1], platform=platform, workspace_sid=sid, twist=twist)
        try:
            report = stage.run()
        except GatewayError:
            report = stage.report()
        assert report.left_over == ()
        assert [worker.name for worker in platform.workers()] == ["ours"]
        names = gateway.send(Request("GET", f"/v1/Workspaces/{sid}/Activities")).body.decode()
        assert ("parity" in names, names.count("friendly_name")) == (False, 4)
        for kind in ("TaskQueues", "Workflows", "Tasks"):
            listed = gateway.send(Request("GET", f"/v1/Workspaces/{sid}/{kind}")).body.decode()
            assert "friendly_name" not in listed


@pytest.mark.parametrize("voice", [None, VOICE])
def test_run_parity_returns_the_report(voice: Voice | None) -> None:
    """In real time, with any gateway."""
    gateway = WorkspaceGateway()
    report = run_parity(gateway, voice=voice, names=["has_quoted_etag"], platform="here", limit=9)
    assert (report.settings, report.platform) == ({"has_quoted_etag": False}, "here")
    assert (report.has_voice, report.left_over, gateway.platform.workers()) == (bool(voice), (), ())


def test_worker_of_others_is_left_alone() -> None:
    """The emulator offers a task to the worker that waits longest."""
    platform = Platform(ManualClock())
    gateway = WorkspaceGateway(platform)
    made = gateway.send(Request("POST", "/v1/Workspaces", form=(("FriendlyName", "ours"),)))
    path = f"/v1/Workspaces/{json.loads(made.body)['sid']}"
    rows = json.loads(gateway.send(Request("GET", f"{path}/Activities")).body)["activities"]
    (here,) = (row["sid"] for row in rows if row["available"])
    form = (("FriendlyName", "ours"), ("ActivitySid", here))
    worker = json.loads(gateway.send(Request("POST", f"{path}/Workers", form=form)).body)["sid"]
    stage = Stage(
        names=["both_given", "can_leave_with_pending"],
        platform=platform,
        workspace_sid=path.rpartition("/")[2],
    )
    report = stage.run()
    assert report.findings[0].seen == "the task was offered to 0 of 1 workers"
    assert not any(worker in each for each in stage.gateway.requests)
    assert [each.sid for each in platform.workers()] == [worker]


@pytest.mark.parametrize(
    ("twist", "workspace_sid", "problem"),
    [
        (change("POST /v1/Workspaces ", 401), None, "creating parity-.* was refused: 401"),
        (change("POST .*/Activities", 403), None, "creating parity-.* was refused: 403"),
        (change("nothing"), "WS" + "0" * 32, "fetching the workspace was refused: 404"),
    ],
)
def test_run_that_cannot_begin_names_the_reason(
    twist: Twist, workspace_sid: str | None, problem: str
) -> None:
    stage = Stage(twist=twist, workspace_sid=workspace_sid)
    with pytest.raises(ParityFailed, match=f"cannot begin: {problem}.*Check the credentials"):
        stage.run()
    assert stage.report().findings == ()


def test_unreachable_platform_is_the_gateways_error() -> None:
    def twist(_: Request, __: Reply) -> Reply:
        raise NotSent("no connection")

    with pytest.raises(NotSent):
        Stage(twist=twist).run()


def test_time_limit_ends_an_experiment() -> None:
    """The run goes on with the next one."""
    stage = Stage(names=["accepts_unanswered", "both_given"], limit=3)
    slow, quick = stage.run().findings
    assert quick.name == "accepts_unanswered" or slow.name == "both_given"
    findings = {each.name: each for each in (slow, quick)}
    assert findings["accepts_unanswered"].seen == "the time limit is over (3 s)"
    assert findings["both_given"].is_known
    assert stage.is_empty


def test_throttled_request_is_sent_again() -> None:
    count = 0

    def twist(request: Request, reply: Reply) -> Reply:
        nonlocal count
        if "ReservationStatus=rejected" not in describe(request) or count > 1:
            return reply
        count += 1
        return Reply(429, {"Retry-After": "2"} if count == 1 else {})

    stage = Stage(names=["unknown_parameter"], twist=twist)
    assert stage.run().findings[0].exchanges[-2].reply == "429"
    stage = Stage(names=["unknown_parameter"], twist=change("=rejected", 429), limit=60)
    assert stage.run().findings[0].seen == "the platform throttles the requests (429)"


def test_choose_leaves_out_what_is_not_consented() -> None:
    names = {each.name for each in choose()}
    assert names.isdisjoint(each.name for each in EXPERIMENTS if each.needs_voice or each.is_slow)
    assert len(choose(has_voice=True, is_slow=True)) == len(EXPERIMENTS)
    assert [each.name for each in choose(names=["strict", "delete_after"])] == ["strict"]
    assert VOICE.caller not in repr(VOICE)
