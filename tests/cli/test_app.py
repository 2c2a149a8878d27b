"""Help, usage errors and local refusals."""

from __future__ import annotations

import re

import pytest

from reservation_core.cli.app import EXIT_CODES
from tests.cli.running import SID, TASK, WORKER, WORKSPACE, run


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("--help",),
        ("encode",),
        ("send", "--help"),
        ("encode", "conference", "--help"),
    ],
)
def test_help_ends_with_the_exit_codes(argv: tuple[str, ...]) -> None:
    result = run(*argv)
    assert result.code == 0
    words = " ".join(result.out.split())
    assert words.endswith(EXIT_CODES)
    assert result.out.isascii()


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
        (("encode", "conference", "--from-", "x"), "unknown flag (did you mean --from?)"),
        (("encode", "conference", "--xyzzy"), "unknown flag. See"),
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
            "base_url must have the form",
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
        (("encode", "call"), "CallUrl = <unset>: is required (platform error 40112)"),
        (("encode", "wrap", "--json"), "cannot answer an assignment callback"),
        (
            ("send", "accept", WORKSPACE, TASK, SID, "--dry-run", "--status", "accepted"),
            "Accept is refused while accepted",
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
            "is not available on the worker route. Use the task route",
        ),
    ],
)
def test_local_refusal_ends_with_1(argv: tuple[str, ...], message: str) -> None:
    result = run(*argv)
    assert (result.code, result.out) == (1, "")
    assert message in " ".join(result.err.split())
