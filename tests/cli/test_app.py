"""Help, usage errors and local refusals."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from reservation_core.cli.exit_codes import EXIT_CODES
from tests.cli.running import SID, TASK, WORKER, WORKSPACE, run, run_on_terminal


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("--help",),
        ("encode",),
        ("send", "--help"),
        ("encode", "conference", "--help"),
        ("serve", "--help"),
    ],
)
def test_help_ends_with_the_table_of_exit_codes(argv: tuple[str, ...]) -> None:
    table = [f"{code} {meaning}" for code, meaning in EXIT_CODES]
    for result in (run(*argv), run_on_terminal(*argv)):
        assert result.code == 0
        lines = [" ".join(line.split()) for line in result.out.splitlines()]
        assert lines[-len(table) :] == table
        assert result.out.isascii()


def test_exit_codes_are_distinct() -> None:
    codes = [code for code, _ in EXIT_CODES]
    assert codes == sorted(set(codes))
    assert codes == [0, 1, 2, 3, 4, 5, 6, 7, 8, 130]


@pytest.mark.parametrize(
    "argv",
    [
        ("EXPLAIN", "Pending", "CALL", "--accept"),
        ("explain", "PENDING", "Call", "--accept=TRUE"),
    ],
)
def test_letter_case_of_commands_and_statuses_does_not_matter(argv: tuple[str, ...]) -> None:
    assert run(*argv) == run("explain", "pending", "call", "--accept")


@pytest.mark.parametrize("state", ["onHold", "onhold", "ON-HOLD", "on hold", "on_hold"])
def test_on_hold_is_read_in_all_spellings(state: str) -> None:
    assert run("allowed", state).out == "nothing until the platform reports\n"


def test_letter_case_of_words_does_not_matter() -> None:
    one = run("encode", "conference", "--beep", "onEnter", "--muted=false")
    assert one.code == 0
    assert run("Encode", "CONFERENCE", "--beep", "ONENTER", "--muted=False") == one
    sent = ("accept", WORKSPACE, WORKER, SID, "--dry-run", "--route")
    assert run("SEND", *sent, "WORKER") == run("send", *sent, "worker")


def test_help_of_encode_names_what_is_printed() -> None:
    assert "Numbers and contacts are printed as given. Secrets are never printed." in " ".join(
        run("encode", "--help").out.split()
    )


def test_version_is_printed_beside_the_name() -> None:
    assert re.fullmatch(r"reservation-core( [0-9].*)?\n", run("--version").out)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("explain", "gone", "wrap"), "STATUS must be one of pending, accepted,"),
        (("explain", "pending", "wave"), "COMMAND must be one of accept, reject,"),
        (("explain", "pending"), "COMMAND is missing"),
        (
            ("explain", "pending", "call", "--accept=maybe"),
            "--accept must be true or false. See reservation-core explain --help",
        ),
        (("wave",), "unknown command. See reservation-core --help"),
        (("encode", "wave"), "unknown command. See reservation-core encode --help"),
        (
            ("encode", "accept", "now"),
            "too many arguments. See reservation-core encode accept --help",
        ),
        (("encode", "conference", "--fron", "x"), "unknown flag --fron (did you mean --from?)"),
        (
            ("encode", "conference", "--Time-Out=hush"),
            "unknown flag --Time-Out (did you mean --timeout?)",
        ),
        (("encode", "conference", "--xyzzy"), "unknown flag --xyzzy. See"),
        (("encode", "conference", "--hush4"), "unknown flag. See"),
        (("encode", "conference", f"--hush{'x' * 50}"), "unknown flag. See"),
        (("show", "--workspace-sid", "x"), "--sid is missing"),
        (("show", WORKSPACE, SID), "--task-sid: missing or not a SID"),
        (("list", WORKSPACE), "--task-sid or --worker-sid is missing"),
        (("list", WORKSPACE, "--task-sid=x"), "--task-sid: missing or not a SID"),
        (("list", WORKSPACE, TASK, "--limit=1.5"), "--limit must be a whole number from 1 to"),
        (("list", WORKSPACE, TASK, "--limit=0"), "--limit must be a whole number from 1 to"),
        (("list", WORKSPACE, TASK, "--status=sea"), "--status must be one of pending,"),
        (("completion", "tcsh"), "SHELL must be one of bash, zsh, fish"),
        (("encode", "conference", "--to"), "--to is missing or has no value"),
        (("encode", "conference", "--to", "a", "--to", "b"), "--to is given more than once"),
        (("send", "accept", "--sid", "x"), "--workspace-sid is missing"),
        (("send", "accept", WORKSPACE, SID), "--task-sid: missing or not a SID"),
        (
            ("send", "accept", WORKSPACE, SID, "--route", "worker"),
            "--worker-sid: missing or not a SID",
        ),
        (
            ("send", "accept", WORKSPACE, SID, "--route", "sea"),
            "--route must be one of task, worker",
        ),
        (
            ("send", "accept", WORKSPACE, TASK, SID, "--status", "pending"),
            "--status needs --dry-run",
        ),
        (
            ("send", "accept", WORKSPACE, TASK, SID),
            "TWILIO_API_KEY and TWILIO_API_SECRET",
        ),
        (
            (
                "send",
                "accept",
                WORKSPACE,
                TASK,
                SID,
                "--dry-run",
                "--base-url",
                "https://hush@host",
            ),
            "--base-url must have the form",
        ),
    ],
)
def test_wrong_usage_ends_with_2_and_names_the_flag(argv: tuple[str, ...], message: str) -> None:
    result = run(*argv)
    assert (result.code, result.out) == (2, "")
    assert message in " ".join(result.err.split())
    assert result.err.startswith("reservation-core: ")
    assert "hush" not in result.err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("encode", "call"), "--url = <unset>: is required (platform error 40112)"),
        (("encode", "set-status", "--status", "accepted"), "Use accept."),
        (
            ("send", "accept", WORKSPACE, TASK, SID, "--dry-run", "--status", "accepted"),
            "accept is refused while accepted: the platform answers a repeated accept",
        ),
        (
            (
                "send",
                "supervise",
                WORKSPACE,
                WORKER,
                SID,
                "--route=worker",
                "--supervisor-mode=barge",
                "--supervisor=client:bob",
            ),
            "is not available on the worker route. Use --route task.",
        ),
    ],
)
def test_local_refusal_ends_with_1(argv: tuple[str, ...], message: str) -> None:
    result = run(*argv)
    assert (result.code, result.out) == (1, "")
    assert message in " ".join(result.err.split())


def test_refusal_names_commands_as_they_are_typed() -> None:
    refused = run("send", "wrap", WORKSPACE, TASK, SID, "--dry-run", "--status", "pending").err
    explained = run("explain", "pending", "wrap").out
    assert refused == f"reservation-core: {explained.rstrip()} --no-strict sends it.\n"
    accept = run("send", "accept", WORKSPACE, TASK, SID, "--dry-run", "--status", "accepted").err
    assert accept == f"reservation-core: {run('explain', 'accepted', 'accept').out}"
    terminal = run("send", "wrap", WORKSPACE, TASK, SID, "--dry-run", "--status", "completed").err
    assert "Allowed instead: nothing, completed is terminal. --no-strict sends it." in terminal
    invalid = run("encode", "call").err
    assert invalid.startswith("reservation-core: call cannot be sent:")


@pytest.mark.parametrize(
    ("argv", "code", "name", "message"),
    [
        (("encode", "call"), 1, "InvalidCommand", "call cannot be sent:\n  --from = <unset>"),
        (("encode", "wrap"), 1, "InvalidCommand", "send the command with send."),
        (("encode", "accept", "--body"), 2, "UsageError", "--json and --body exclude each other"),
        (("explain", "sea", "wrap"), 2, "UsageError", "STATUS must be one of"),
        (("show", WORKSPACE, TASK, SID), 2, "ConfigurationError", "credentials are missing."),
    ],
)
def test_json_error_repeats_the_message(
    argv: tuple[str, ...], code: int, name: str, message: str
) -> None:
    result = run(*argv, "--json")
    error = json.loads(result.out)["error"]
    assert (result.code, error["class"]) == (code, name)
    assert message in error["message"]
    assert result.err == f"reservation-core: {error['message']}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "FISH"])
def test_completion_is_a_script_that_knows_commands_and_flags(shell: str) -> None:
    result = run("completion", shell)
    assert (result.code, result.err) == (0, "")
    for word in ("reservation-core", "explain", "conference", "beep-on-customer-entrance"):
        assert word in result.out
    assert str(Path.cwd()) not in result.out


def test_completion_works_in_bash() -> None:
    script = (
        run("completion", "bash").out
        + """
        complete_words() {
            COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
            _reservation_core; echo "${COMPREPLY[@]}"
        }
        complete_words reservation-core exp
        complete_words reservation-core send comp
        complete_words reservation-core encode conference --beep onEn
        complete_words reservation-core allowed pe
    """
    )
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, check=True, encoding="utf-8", timeout=60
    )
    assert done.stdout.splitlines() == ["explain", "complete", "onEnter", "pending"]


@pytest.mark.parametrize(
    "argv",
    [
        ("encode", "accept"),
        ("send", "accept", WORKSPACE, TASK, SID, "--dry-run"),
    ],
)
def test_region_of_the_environment_shapes_the_address(
    monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...]
) -> None:
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    assert "https://taskrouter.ie1.twilio.com" in run(*argv).out
    monkeypatch.setenv("TWILIO_REGION", "a.b")
    result = run(*argv)
    assert result.code == 2
    assert "TWILIO_REGION is not part of a host name" in " ".join(result.err.split())
