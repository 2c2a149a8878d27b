"""The plan of a run names everything before it is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reservation_core.parity.plan import describe_plan
from reservation_core.parity.runner import choose
from tests.parity.stage import CALLEE, CALLER, VOICE, run_by_default


def test_plan_without_voice_places_no_call() -> None:
    text = "\n".join(describe_plan(choose(), workspace_sid=None, voice=None))
    assert "in a new workspace" in text
    assert "It sends no voice instruction and places no call." in text
    assert "It may cost what your plan charges for about 104 tasks." in text
    assert "It takes about 4 minutes." in text
    assert "it deletes everything that it created" in text


def test_plan_with_voice_counts_the_calls_and_hides_the_numbers() -> None:
    text = "\n".join(describe_plan(choose(has_voice=True), workspace_sid="WS1", voice=VOICE))
    assert "in workspace WS1" in text
    assert "It places up to " in text
    assert "A new workspace cannot." in text
    assert CALLER not in text
    assert CALLEE not in text


def test_plan_names_the_platform_and_the_files(tmp_path: Path) -> None:
    """Not the password of a URL."""

    def plan(**given: Any) -> str:
        return "\n".join(describe_plan(choose(), workspace_sid=None, voice=None, **given))

    url = "https://user:secret@example.com"
    text = plan(platform=url, folder=tmp_path)
    assert "experiments with your account at https://<secret>@example.com.\n" in text
    writes = f"It writes parity.md, parity.json and parity-settings.toml to {tmp_path}."
    assert f"{writes}\n" in text
    (tmp_path / "parity.json").touch()
    assert f"{writes} It replaces parity.json there.\n" in plan(folder=tmp_path)
    (tmp_path / "parity.md").touch()
    assert f"{writes} It replaces parity.md and parity.json there.\n" in plan(folder=tmp_path)
    assert "It writes" not in plan()


def test_plan_of_one_experiment_is_in_the_singular() -> None:
    text = "\n".join(describe_plan(choose(names=["strict"]), workspace_sid=None, voice=None))
    assert "makes 1 experiment with" in text
    assert "It takes about 1 minute." in text


def test_plan_of_a_slow_experiment_takes_its_time_limit() -> None:
    chosen = choose(names=["delete_after"], is_slow=True)
    assert describe_plan(chosen, workspace_sid=None, voice=None)[-1] == "It takes about 7 minutes."


def test_plan_counts_no_less_than_a_run_creates() -> None:
    """Calls, tasks and everything else."""
    stage, _ = run_by_default()
    calls = sum(each.calls for each in stage.experiments)
    placed = [
        each
        for each in stage.gateway.requests
        if any(f"Instruction={word}" in each for word in ("conference", "dequeue", "call"))
    ]
    assert 0 < len(placed) <= calls
    created = [
        each.split(" ")[1].rpartition("/")[2]
        for each in stage.gateway.requests
        if each.startswith("POST") and "/WR" not in each and "/WK" not in each
    ]
    assert created.count("Workers") <= 3
    assert created.count("TaskQueues") <= 4
    assert created.count("Activities") == 2
    assert created.count("Tasks") <= 2 * len(stage.experiments)
