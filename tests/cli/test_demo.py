"""The demo."""

import re

import pytest

from tests.cli.running import run, run_on_terminal, run_process


def test_demo_shows_every_status_in_order() -> None:
    result = run("demo")
    assert (result.code, result.err) == (0, "")
    assert re.findall(r"^ +(\S.*) -> (.*)$", result.out, re.MULTILINE) == [
        ("pending, no ETag", "pending, ETag 0"),
        ("pending, ETag 0", "pending, on hold, ETag 1"),
        ("pending, on hold, ETag 1", "accepted, ETag 2"),
        ("accepted, ETag 2", "wrapping, ETag 3"),
        ("wrapping, ETag 3", "completed, ETag 4"),
    ]


def test_demo_shows_two_refusals_with_reason_and_evidence() -> None:
    result = " ".join(run("demo").out.split())
    assert (
        "Wrap is refused while pending: only accepted work can be wrapped up [inferred: https://"
        in result
    )
    assert (
        "Accept is refused while on hold: the platform is still carrying out an earlier command"
        in result
    )
    assert "[documented: https://support.twilio.com/hc/en-us/articles/40136086868507]" in result
    assert result.count(" is refused while ") == 2


def test_demo_shows_the_whole_request() -> None:
    result = run("demo").out
    first, form, *_ = result[result.index("POST /v1/") :].split("\n\n")
    assert re.fullmatch(
        "POST/v1/Workspaces/WS0{31}2/Tasks/WT0{31}3/Reservations/WR0{31}5Accept:application/json"
        "Content-Type:application/x-www-form-urlencodedIf-Match:0",
        "".join(first.split()),
    )
    assert form.split() == [
        "Instruction=conference",
        "To=client:alice",
        "From=+15005550006",
        "StatusCallback=https://example.com/leg",
        "StatusCallbackEvent=initiated",
        "StatusCallbackEvent=answered",
        "EndConferenceOnExit=true",
    ]
    assert "Conference(to=<personal>, from_=<personal>," in " ".join(result.split())


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_demo_on_a_terminal_is_short(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = run_on_terminal("demo").out.splitlines()
    assert max(map(len, lines)) <= columns
    assert all(line == line.rstrip() for line in lines)
    assert columns < 80 or len(lines) <= 62


def test_piped_demo_is_plain_and_repeatable() -> None:
    result = run_process("demo")
    assert (result.code, result.err) == (0, "")
    assert result.out.isascii()
    assert "\x1b" not in result.out
    assert run_process("demo") == result
