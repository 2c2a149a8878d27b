"""Every request has a reply, and unsettled behavior follows the settings."""

from __future__ import annotations

import json
import re
from typing import Final
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservation_core import (
    ON_HOLD,
    InvalidCommand,
    Reply,
    Request,
    Reservation,
    Status,
    read_reservation,
)
from reservation_core.emulator import InMemoryGateway, ManualClock, Platform, Settings
from reservation_core.emulator.api.exchange_log import ExchangeLog, RawRequest
from reservation_core.emulator.api.update_reading import UnreadableRequest, read_pairs, read_update
from reservation_core.emulator.platform.settings import (
    BlankValues,
    EmptyUpdate,
    ErrorCodes,
    ForeignParameters,
    OnHoldStatus,
    StatusAndInstruction,
    SystemStatus,
)
from tests.reference.oracle import rows

HEX: Final = "0123456789abcdef" * 2
SID, TASK, WORKER, WORKSPACE = (f"{prefix}{HEX}" for prefix in ("WR", "WT", "WK", "WS"))
PENDING: Final = Reservation(
    sid=SID, workspace_sid=WORKSPACE, task_sid=TASK, worker_sid=WORKER, status=Status.PENDING
)
PATH: Final = f"/v1/Workspaces/{WORKSPACE}/Tasks/{TASK}/Reservations/{SID}"
LIST: Final = PATH.rpartition("/")[0]
FORM: Final = (("Content-Type", "application/x-www-form-urlencoded"),)


def gateway(given: Settings | None = None, state: str = "pending") -> InMemoryGateway:
    """Return a gateway to a platform with one reservation."""
    platform = Platform(ManualClock(), settings=given or Settings())
    on_hold = state == ON_HOLD
    platform.add(
        Reservation(
            sid=SID,
            workspace_sid=WORKSPACE,
            task_sid=TASK,
            worker_sid=WORKER,
            status=Status.PENDING if on_hold else Status(state),
            on_hold=on_hold,
        )
    )
    return InMemoryGateway(platform)


def post(
    body: str | bytes, given: Settings | None = None, state: str = "pending", **headers: str
) -> tuple[int, dict[str, object]]:
    """Update the reservation, and return the status and the body."""
    own = [(name.replace("_", "-"), value) for name, value in headers.items()]
    reply = gateway(given, state).receive(
        "POST", PATH, [*FORM, *own], body if isinstance(body, bytes) else body.encode()
    )
    return reply.status, json.loads(reply.body)


@pytest.mark.parametrize(
    ("method", "target", "headers", "body", "status"),
    [
        ("POST", PATH, FORM, b"ReservationStatus=%", 400),
        ("POST", PATH, FORM, b"ReservationStatus=%zz", 400),
        ("POST", PATH, FORM, b"ReservationStatus=%ff", 400),
        ("POST", PATH, FORM, b"ReservationStatus=%ed%a0%80", 400),
        ("POST", PATH, FORM, b"\xff\xfe", 400),
        ("POST", PATH, FORM, b"&".join([b"a=1"] * 1001), 400),
        ("POST", PATH, FORM, b"x" * 65_536, 400),
        ("POST", PATH, FORM, b"x" * 65_537, 413),
        ("POST", PATH, FORM, b'{"a":' * 5000, 400),
        ("POST", PATH, FORM, b"=&=&=", 400),
        (
            "POST",
            PATH,
            [("content-type", "application/json")],
            b'{"ReservationStatus": "accepted"}',
            415,
        ),
        ("POST", PATH, [("Content-Type", "multipart/form-data; boundary=x")], b"--x--", 415),
        (
            "POST",
            PATH,
            [("Content-Type", "application/x-www-form-urlencoded; charset=utf-16")],
            b"a=1",
            415,
        ),
        ("POST", PATH, [("Content-Type", "application/json")], b"", 400),
        ("GET", LIST + "?PageSize=%", (), b"", 400),
        ("GET", LIST + "?PageSize=é", (), b"", 400),
        ("GET", LIST + "?\ud800", (), b"", 400),
        ("GET", LIST + "?PageToken=x", (), b"", 400),
        ("GET", LIST + f"?PageToken=PFWR{'f' * 32}", (), b"", 400),
        ("GET", LIST + "?" + "a=1&" * 1001, (), b"", 400),
        ("GET", PATH + "\ud800", (), b"", 404),
        ("GET", "/" + "a" * 100_000, (), b"", 404),
        ("PATCH", PATH, FORM, b"", 405),
        ("get", PATH, (), b"", 405),
        ("", PATH, (), b"", 405),
        ("POST", LIST, FORM, b"", 405),
    ],
)
def test_unreadable_request_is_4xx_and_changes_nothing(
    method: str, target: str, headers: list[tuple[str, str]], body: bytes, status: int
) -> None:
    """Bad encodings, too many fields, huge bodies, other types."""
    emulated = gateway()
    before = emulated.platform.all()
    reply = emulated.receive(method, target, headers, body)
    content = json.loads(reply.body)
    assert (reply.status, content["status"]) == (status, status)
    assert content["message"]
    assert emulated.platform.all() == before
    assert (
        re.fullmatch(r"https://www\.twilio\.com/docs/errors/[0-9]+", content["more_info"])
        if "code" in content
        else "more_info" not in content
    )
    assert ("allow" in {name.lower() for name in reply.headers}) is (status == 405)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "Application/X-WWW-Form-Urlencoded; charset=UTF-8",
        'application/x-www-form-urlencoded;charset="utf-8"',
        "",
    ],
)
def test_content_type_of_a_form_may_be_spelled_in_any_way(content_type: str) -> None:
    reply = gateway().receive(
        "POST", PATH, [("CONTENT-TYPE", content_type)], b"ReservationStatus=accepted"
    )
    assert reply.status == 200
    assert (
        gateway()
        .receive("POST", PATH, {"content-type": content_type}, b"ReservationStatus=accepted")
        .status
        == 200
    )


def test_non_ascii_text_is_read_raw_and_escaped() -> None:
    for body in (
        "Instruction=conference&To=client:Käthe".encode(),
        b"Instruction=conference&To=client%3AK%C3%A4the",
    ):
        assert post(body)[0] == 200


NAMES: Final = [
    *(row["name"] for row in rows("parameters")),
    "DequeueStatusCallbackEvents",
    "Transcribe",
]
VALUES: Final = (
    st.sampled_from(
        [
            *(status.value for status in Status),
            "conference",
            "Call",
            "supervise",
            "true",
            "client:a",
            SID,
            "",
            "%",
        ]
    )
    | st.text()
)
BODIES: Final = (
    st.binary(max_size=60)
    | st.text(max_size=60).map(lambda text: text.encode(errors="surrogatepass"))
    | st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=4).map(
        lambda pairs: "&".join(f"{name}={value}" for name, value in pairs).encode(
            errors="surrogatepass"
        )
    )
)
TARGETS: Final = (
    st.sampled_from(
        [PATH, LIST, LIST + "?", PATH.replace(f"Tasks/{TASK}", f"Workers/{WORKER}"), "/", ""]
    )
    | st.text(max_size=20).map(lambda text: f"{LIST}?{text}")
    | st.text(max_size=20)
)
HEADERS: Final = st.lists(
    st.tuples(
        st.sampled_from(["If-Match", "content-type", "Authorization", "x"]),
        st.sampled_from(['"0"', "0", "application/json", FORM[0][1]]) | st.text(max_size=8),
    ),
    max_size=3,
)
ANY_SETTINGS: Final = st.builds(
    Settings,
    strict=st.booleans(),
    checks_version_first=st.booleans(),
    has_quoted_etag=st.booleans(),
    state_codes=st.sampled_from(ErrorCodes),
    instruction_codes=st.sampled_from(ErrorCodes),
    both_given=st.sampled_from(StatusAndInstruction),
    neither_given=st.sampled_from(EmptyUpdate),
    on_hold_shown_as=st.sampled_from([OnHoldStatus.PENDING, OnHoldStatus.ACCEPTED]),
    can_reject_on_hold=st.booleans(),
    system_status=st.sampled_from(SystemStatus),
    foreign_parameters=st.sampled_from(ForeignParameters),
    blank_values=st.sampled_from(BlankValues),
    rate_limit=st.sampled_from([None, 1]),
    accounts=st.sampled_from([{}, {"a": "b"}]),
)


@settings(max_examples=300)
@given(
    ANY_SETTINGS,
    st.lists(
        st.tuples(st.sampled_from(["GET", "POST"]) | st.text(max_size=4), TARGETS, HEADERS, BODIES),
        min_size=1,
        max_size=4,
    ),
)
def test_any_bytes_have_a_reply(
    given: Settings, requests: list[tuple[str, str, list[tuple[str, str]], bytes]]
) -> None:
    """Under any settings a 2xx or 4xx with JSON. A 4xx changes nothing."""
    emulated = gateway(given)
    for method, target, headers, body in requests:
        before = emulated.platform.all()
        reply: Reply = emulated.receive(method, target, headers, body)
        assert 200 <= reply.status < 300 or 400 <= reply.status < 500
        if reply.status == 204:
            assert method == "OPTIONS"
            continue
        content = json.loads(reply.body)
        if reply.status >= 400:
            assert content["status"] == reply.status
            assert emulated.platform.all() == before
        elif "reservations" not in content:
            assert read_reservation(reply.body).sid == SID


@pytest.mark.parametrize(
    ("codes", "conference", "accept"),
    [
        (ErrorCodes.GENERIC, 20001, 20001),
        (ErrorCodes.DICTIONARY, 40136, 20001),
        (ErrorCodes.NONE, None, None),
    ],
)
def test_code_of_a_state_conflict_is_a_setting(
    codes: ErrorCodes, conference: int | None, accept: int | None
) -> None:
    """The message is the same."""
    given = Settings(state_codes=codes)
    assert post("Instruction=conference", given, "accepted")[1].get("code") == conference
    assert post("ReservationStatus=accepted", given, "accepted")[1].get("code") == accept
    supervise = f"Instruction=supervise&Supervisor={WORKER}&SupervisorMode=monitor"
    assert post(supervise, given)[1].get("code") == (None if codes is ErrorCodes.NONE else 40146)


@pytest.mark.parametrize(
    ("codes", "code"),
    [(ErrorCodes.GENERIC, 20001), (ErrorCodes.DICTIONARY, 40112), (ErrorCodes.NONE, None)],
)
def test_code_of_an_invalid_parameter_is_a_setting(codes: ErrorCodes, code: int | None) -> None:
    status, content = post("Instruction=call&CallFrom=1234", Settings(instruction_codes=codes))
    assert (status, content.get("code")) == (400, code)
    assert "CallUrl is required" in str(content["message"])


@pytest.mark.parametrize(
    ("both", "status", "on_hold"),
    [
        (StatusAndInstruction.REFUSED, 400, False),
        (StatusAndInstruction.INSTRUCTION, 200, True),
        (StatusAndInstruction.STATUS, 200, False),
    ],
)
def test_status_and_instruction_together_is_a_setting(
    both: StatusAndInstruction, status: int, on_hold: bool
) -> None:
    emulated = gateway(Settings(both_given=both))
    reply = emulated.receive(
        "POST", PATH, FORM, b"ReservationStatus=rejected&Instruction=conference"
    )
    stored = emulated.platform.get(SID)
    assert (reply.status, stored.on_hold) == (status, on_hold)
    assert (stored.status is Status.REJECTED) is (both is StatusAndInstruction.STATUS)
    assert (
        emulated.receive("POST", LIST + f"/WR{'f' * 32}", FORM, b"Instruction=conference").status
        == 404
    )


def test_empty_update_is_a_setting() -> None:
    """With a stale version it is a 412."""
    lenient = Settings(neither_given=EmptyUpdate.UNCHANGED)
    assert post("")[0] == post("To=client:a")[0] == 400
    for body in ("", "To=client:a", "Transcribe=true"):
        assert post(body, lenient)[1]["reservation_status"] == "pending"
    assert post("", lenient, If_Match="7")[0] == 412
    assert (
        post(
            "",
            Settings(neither_given=EmptyUpdate.UNCHANGED, checks_version_first=False),
            If_Match="7",
        )[0]
        == 412
    )


@pytest.mark.parametrize(
    ("body", "state", "first", "second"),
    [
        ("ReservationStatus=accepted", "accepted", 412, 400),
        ("Instruction=banana", "pending", 412, 400),
        ("ReservationStatus=accepted", "pending", 412, 412),
    ],
)
def test_order_of_version_and_state_is_a_setting(
    body: str, state: str, first: int, second: int
) -> None:
    """Either way nothing changes."""
    assert post(body, Settings(checks_version_first=True), state, If_Match="7")[0] == first
    assert post(body, Settings(checks_version_first=False), state, If_Match="7")[0] == second
    assert (
        post(
            "ReservationStatus=timeout",
            Settings(checks_version_first=False, system_status=SystemStatus.CARRIED_OUT),
            If_Match="7",
        )[0]
        == 412
    )


def test_quoted_etag_is_a_setting() -> None:
    for quoted, form in ((False, "[0-9]+"), (True, '"[0-9]+"')):
        emulated = gateway(Settings(has_quoted_etag=quoted))
        for target in (PATH, LIST):
            assert re.fullmatch(form, emulated.receive("GET", target, (), b"").headers["ETag"])


@pytest.mark.parametrize("shown", OnHoldStatus)
def test_status_shown_on_hold_is_a_setting(shown: OnHoldStatus) -> None:
    """In the body, in lists and in their filter."""
    emulated = gateway(Settings(on_hold_shown_as=shown), ON_HOLD)
    assert json.loads(emulated.receive("GET", PATH, (), b"").body)["reservation_status"] == shown
    listed = json.loads(emulated.receive("GET", f"{LIST}?ReservationStatus={shown}", (), b"").body)
    assert [row["reservation_status"] for row in listed["reservations"]] == [shown]


@pytest.mark.parametrize("word", ["timeout", "canceled", "rescinded"])
def test_system_status_from_a_client_is_a_setting(word: str) -> None:
    lenient = Settings(system_status=SystemStatus.CARRIED_OUT)
    assert post(f"ReservationStatus={word}")[0] == 400
    assert post(f"ReservationStatus={word}", lenient)[1]["reservation_status"] == word
    status, content = post(f"ReservationStatus={word}", lenient, "accepted")
    assert (status, content["message"]) == (
        400,
        f"Reservation {SID} not in expected state [pending] and cannot be updated to [{word}]",
    )
    again = f"Reservation {SID} is already in state [pending] and cannot be updated to [pending]"
    assert post("ReservationStatus=pending", lenient)[1]["message"] == again


@pytest.mark.parametrize("row", rows("spellings"), ids=str)
def test_tolerated_spelling_is_carried_out(row: dict[str, str]) -> None:
    names = {"accept": "ReservationStatus", "reject": "ReservationStatus"}
    name = names.get(row["command"], "Instruction")
    pairs = {name: row["command"], row["parameter"]: row["text"]}
    assert post(urlencode(pairs))[0] == 200


def test_system_status_in_any_letter_case_is_the_same_setting() -> None:
    lenient = Settings(system_status=SystemStatus.CARRIED_OUT)
    assert post("ReservationStatus=Canceled")[0] == 400
    assert post("ReservationStatus=Canceled", lenient)[1]["reservation_status"] == "canceled"


@pytest.mark.parametrize(
    "body",
    ["Instruction=conference&CallUrl=x", f"ReservationStatus=accepted&WorkerActivitySid=WA{HEX}"],
)
def test_foreign_parameter_is_a_setting(body: str) -> None:
    """Strict refuses it in any case."""
    assert post(body)[0] == 200
    for refusing in (Settings(foreign_parameters=ForeignParameters.REFUSED), Settings(strict=True)):
        status, content = post(body, refusing)
        assert (status, "is not a parameter of" in str(content["message"])) == (400, True)


def test_blank_value_is_a_setting() -> None:
    """A blank WaitUrl is valid: silence as hold music."""
    checked = Settings(blank_values=BlankValues.CHECKED)
    assert post("Instruction=conference&To=", checked)[0] == 400
    assert post("Instruction=conference&To=")[0] == 200
    assert post("Instruction=conference&WaitUrl=", checked)[0] == 200
    assert post("Instruction=", checked)[1]["code"] == 55555
    assert post("Instruction=")[1]["code"] == 55555


def test_blank_word_of_a_list_is_unset() -> None:
    """The official Node client sends it for a null in a list."""
    body = "Instruction=conference&StatusCallbackEvent=ringing&StatusCallbackEvent="
    assert post(body)[0] == 200
    assert post(body, Settings(blank_values=BlankValues.CHECKED))[0] == 400


STATES: Final = {"on hold": ("pending", True)}


@pytest.mark.parametrize("row", rows("tolerances"), ids=lambda row: row["form"])
@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
def test_form_is_tolerated_with_a_caution_or_refused(row: dict[str, str], strict: bool) -> None:
    """Strict refuses. As pairs and as bytes, a form has the same result."""
    expected = row["strict" if strict else "lenient"]
    state = STATES.get(expected, (expected, False)) if expected != "refused" else ("pending", False)
    status = 400 if expected == "refused" else 200
    other = gateway(Settings(strict=strict))
    pairs = Request("POST", PATH, dict(FORM), read_pairs(row["form"]))
    assert (other.send(pairs).status, other.platform.get(SID).status) == (status, state[0])
    request = RawRequest("POST", PATH, FORM, row["form"].encode())
    emulated = gateway(Settings(strict=strict))
    reply = emulated.receive(*request)
    found = emulated.platform.get(SID)
    assert (reply.status, found.status, found.on_hold) == (status, *state)
    exchanges = ExchangeLog(emulated.platform)
    exchanges.add(0, emulated.platform.now(), request, reply, 0.001)
    (logged,) = exchanges.since(0)
    named = {caution.partition(":")[0] for caution in logged.cautions}
    assert named >= {row["caution"]} - {""} if status == 200 else not named
    assert row["caution"] or not named


def test_gateway_warns_about_what_it_tolerates(caplog: pytest.LogCaptureFixture) -> None:
    """Once for each update, without its values. Other updates have no warning."""
    emulated = gateway()
    emulated.send(Request("POST", PATH, {}, (("Instruction", "call"), ("CallFrom", "1234"))))
    assert caplog.messages == []
    form = (("ReservationStatus", "accepted"), ("Instruction", "conference"), ("To", "client:ada"))
    emulated.send(Request("POST", PATH, {}, form))
    (message,) = caplog.messages
    assert message.startswith("tolerated: ReservationStatus: a live service sends a status and an ")
    assert message.endswith("ignored in favor of the other one (setting both_given).")
    assert "ada" not in message


@pytest.mark.parametrize(
    "body",
    [
        "ReservationStatus=accepted&Transcribe=true",
        "Instruction=dequeue&DequeueStatusCallbackEvents=ringing&x=1",
    ],
)
def test_strict_refuses_unknown_fields(body: str) -> None:
    assert post(body)[0] == 200
    status, content = post(body, Settings(strict=True))
    assert (status, content["code"]) == (400, 20001)
    assert "is not a parameter" in str(content["message"])


def test_unreadable_request_names_its_reason() -> None:
    with pytest.raises(UnreadableRequest, match=r"incomplete percent-escape \(answered 400\)"):
        read_pairs("a=%")


def test_strict_update_names_hundred_unknown_parameters_and_counts_the_others() -> None:
    pairs = (("ReservationStatus", "accepted"), *((f"Name{number}", "x") for number in range(103)))
    with pytest.raises(InvalidCommand) as caught:
        read_update(pairs, Settings(strict=True))
    assert [violation.parameter for violation in caught.value.violations] == [
        *(f"Name{number}" for number in range(100)),
        "(form)",
    ]
    assert "has 3 more names that are not parameters" in str(caught.value)
