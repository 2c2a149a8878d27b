"""The commands explain, allowed and encode."""

from __future__ import annotations

import json
import re
import shlex
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservation_core import Command, Status
from reservation_core.cli.error_texts import describe_caution
from reservation_core.cli.names import COMMANDS_BY_NAME
from reservation_core.cli.redaction import redact
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.testing.strategies import arguments, build
from tests.cli.running import flags, run, run_on_terminal
from tests.reference.oracle import rows

MATRIX = [row for row in rows("matrix") if row["command"] != "accept+orchestrated"]
EVIDENCE = {"D": "documented", "S": "observed", "I": "inferred", "U": "unknown"}

# --- explain and allowed -------------------------------------------------------------------------


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: f"{row['command']}-{row['state']}")
def test_explain_agrees_with_the_reference_matrix(row: dict[str, str]) -> None:
    trigger, _, accept = row["command"].partition("+")
    result = run("explain", row["state"], trigger, *([f"--{accept}"] if accept else []))
    answer = "allowed" if row["allowed"] == "yes" else "refused"
    assert result.code == (0 if answer == "allowed" else 5)
    name = "on hold" if row["state"] == "onHold" else row["state"]
    assert result.out.startswith(f"{trigger} is {answer} while {name}")
    assert f"[{EVIDENCE[row['evidence']]}:" in result.out


@pytest.mark.parametrize("name", COMMANDS_BY_NAME)
def test_explain_names_the_command_as_it_is_typed(name: str) -> None:
    assert run("explain", "completed", name).out.startswith(f"{name} is refused while completed")
    assert json.loads(run("explain", "completed", name, "--json").out)["command"] == name


def test_explain_respects_the_accept_flag() -> None:
    assert "and sets accepted:" in run("explain", "pending", "call", "--accept").out
    assert "and does not change the status:" in run("explain", "pending", "call").out


@pytest.mark.parametrize("state", [*Status, "onHold"])
def test_allowed_lists_the_commands_of_the_reference_matrix(state: str) -> None:
    result = run("allowed", state)
    assert result.code == 0
    expected = {
        row["command"].replace("+", " --")
        for row in MATRIX
        if row["state"] == state and row["allowed"] == "yes"
    }
    listed = re.findall(
        r"^(\w+(?: --accept)?): (?:sets|does not change) ", result.out, re.MULTILINE
    )
    assert set(listed) == expected
    assert len(re.findall("documented:|observed:|inferred:|unknown:", result.out)) == len(listed)
    if not expected:
        assert result.out.startswith(
            "nothing until the platform reports"
            if state == "onHold"
            else f"nothing, {state} is terminal"
        )


def test_allowed_shows_the_effect_of_each_command() -> None:
    result = run("allowed", "pending").out.splitlines()
    assert {
        "accept: sets accepted",
        "call: does not change the status",
        "call --accept: sets accepted",
        "conference: sets no status yet",
    } <= set(result)


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: f"{row['command']}-{row['state']}")
def test_json_of_explain_agrees_with_the_reference_matrix(row: dict[str, str]) -> None:
    trigger, _, accept = row["command"].partition("+")
    flags = [f"--{accept}"] if accept else []
    result = run("explain", row["state"], trigger, "--json", *flags)
    document = json.loads(result.out)
    assert document["command"] == trigger
    assert document["accept"] == bool(accept)
    assert document["state"] == row["state"]
    assert document["is_allowed"] == (row["allowed"] == "yes") == (result.code == 0)
    assert (document["target"] is not None) == document["is_allowed"]
    assert document["evidence"] == EVIDENCE[row["evidence"]]
    text = run("explain", row["state"], trigger, *flags).out
    assert f"{document['reason']} [{document['evidence']}: {document['source']}]" in text
    assert ", ".join(document["alternatives"]) in text or document["is_allowed"]


@pytest.mark.parametrize("state", [*Status, "onHold"])
def test_json_of_allowed_lists_the_decisions(state: str) -> None:
    documents = json.loads(run("allowed", state, "--json").out)
    for document in documents:
        flags = ["--accept"] if document["accept"] else []
        explained = run("explain", state, document["command"], "--json", *flags)
        assert json.loads(explained.out) == document
    expected = {
        row["command"] for row in MATRIX if (row["state"], row["allowed"]) == (state, "yes")
    }
    assert {f"{each['command']}{'+accept' * each['accept']}" for each in documents} == expected


# --- encode --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", COMMANDS)
@given(data=st.data())
@settings(max_examples=15)
def test_encode_prints_form_body_and_curl_of_the_same_command(
    kind: type[Command], data: st.DataObject
) -> None:
    command = build(kind, data.draw(arguments(kind)))
    result = run("encode", kind.trigger, *flags(command))
    assert (result.code, result.err) == (0, "")
    form, _, rest = result.out.partition("\n\nbody\n")
    pairs = [(name, value) for name, _, value in (line.partition("=") for line in form.split("\n"))]
    assert Command.from_form(pairs) == redact(command)
    assert parse_qsl(rest.split("\n", 1)[0], keep_blank_values=True, strict_parsing=True) == pairs

    words = shlex.split(rest[rest.index("\ncurl\n") :])
    data_words = [
        words[place + 1] for place, word in enumerate(words) if word == "--data-urlencode"
    ]
    variable = "SipAuthPassword=$RESERVATION_CORE_SIP_AUTH_PASSWORD"
    assert data_words == [
        variable if name == "SipAuthPassword" else f"{name}={value}" for name, value in pairs
    ]
    assert "-u $TWILIO_ACCOUNT_SID:$TWILIO_AUTH_TOKEN" in " ".join(words)
    place = "https://taskrouter.twilio.com/v1/Workspaces/$WORKSPACE_SID/Tasks/$TASK_SID/Reservations/$RESERVATION_SID"
    assert words[1:3] == ["curl", place]


@given(data=st.data())
@settings(max_examples=25)
def test_encode_json_prints_the_callback_instruction(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([kind for kind in COMMANDS if kind.can_answer_callback]))
    command = build(kind, data.draw(arguments(kind)))
    result = run("encode", kind.trigger, "--json", *flags(command))
    assert result.code == 0
    assert json.loads(result.out) == redact(command).instruction()
    assert result.err.count("caution: ") >= len(command.callback_cautions)
    for caution in command.callback_cautions:
        assert f"caution: {describe_caution(caution, kind)}\n" in result.err


def test_encode_takes_extra_parameters() -> None:
    result = run("encode", "accept", "--extra", "Transcribe=true", "--extra=A=b=c", "--extra", "B")
    lines = result.out.split("\n\n")[0].split("\n")
    assert lines == ["ReservationStatus=accepted", "Transcribe=true", "A=b=c", "B="]
    assert "caution --extra (Transcribe):" in " ".join(result.out.split())


def test_encode_set_status_takes_a_status_without_a_command() -> None:
    result = run("encode", "set-status", "--status", "canceled")
    assert result.out.startswith("ReservationStatus=canceled\n")
    assert "caution set-status (ReservationStatus):" in " ".join(result.out.split())
    refused = run("encode", "set-status", "--status", "accepted")
    assert (refused.code, "Use accept." in refused.err) == (1, True)


def test_encode_shows_cautions() -> None:
    result = " ".join(run("encode", "dequeue").out.split())
    assert "caution --from (DequeueFrom): the caller ID is required (https://" in result
    assert "Applied here: sent without it; set it to be sure." in result


def test_caution_names_the_flags_that_it_needs() -> None:
    """People type flags, and see the names on the wire."""
    trim = run("encode", "conference", "--from=client:a", "--conference-trim=do-not-trim").out
    assert (
        "--conference-trim (ConferenceTrim): it has no effect without --conference-record or "
        "--record (https://"
    ) in trim
    events = run("encode", "dequeue", "--json", "--status-callback-event=answered").err
    assert (
        "--status-callback-event (status_callback_events): it has no effect without "
        "--status-callback-url"
    ) in events
    assert run("encode", "wrap").out.count("wrap (ReservationStatus): wrapping is for Flex") == 1


@pytest.mark.parametrize("as_json", [False, True])
def test_orchestrated_accept_is_explained_and_listed(as_json: bool) -> None:
    more = ["--json"] if as_json else []
    explained = run("explain", "pending", "accept", "--orchestrated", *more).out
    listed = run("allowed", "pending", "--orchestrated", *more).out
    if as_json:
        assert json.loads(explained)["target"] == "onHold"
        targets = {each["command"]: each["target"] for each in json.loads(listed)}
        assert (targets["accept"], targets["reject"]) == ("onHold", "rejected")
    else:
        assert "sets no status yet (on hold until the platform reports" in explained
        assert "accept: sets no status yet\n" in listed
    plain = run("explain", "pending", "accept", *more).out
    assert "onHold" not in plain
    assert run("explain", "accepted", "wrap", "--orchestrated").code == 0


def test_encode_body_prints_only_the_body() -> None:
    conference = ("encode", "conference", "--to", "client:al ice", "--body")
    result = run(*conference)
    assert (result.code, result.out) == (0, "Instruction=conference&To=client%3Aal+ice")
    assert "caution: --from (From): the caller ID is optional" in result.err
    assert run_on_terminal(*conference).out == f"{result.out}\n"
    secret = run(*conference, "--sip-auth-password=hush")
    assert secret.out.endswith("&SipAuthPassword=***")
    assert "--sip-auth-password is secret, and printed as ***. Set it before sending" in secret.err


def test_caution_about_callbacks_is_shown_for_the_callback_only() -> None:
    text = "the callback page does not list conference"
    form, body, callback = (
        run("encode", "conference", *more) for more in ((), ("--body",), ("--json",))
    )
    assert text not in form.out + form.err + body.out + body.err
    assert f"caution: conference (instruction): {text}" in callback.err


def test_encode_reports_every_violation_at_once() -> None:
    result = run(
        "encode",
        "conference",
        "--to",
        "nobody\nat all",
        "--timeout",
        "soon",
        "--beep",
        "loud",
        "--sip-auth-password",
        "",
    )
    assert (result.code, result.out) == (1, "")
    for name in (
        "--to = <personal>",
        "--timeout = 'soon'",
        "--beep = 'loud'",
        "--sip-auth-password = <secret>",
    ):
        assert name in result.err
    assert "nobody" not in result.err
