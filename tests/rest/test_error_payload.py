"""Replies outside 2xx become errors, which show nothing personal or secret."""

import json
import re
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservation_core import (
    Accept,
    Call,
    Command,
    Conference,
    Dequeue,
    LostRace,
    NotFound,
    Refused,
    Reply,
    ServerFailed,
    Supervise,
    Throttled,
    Unauthorized,
    conclude,
    prepare,
)
from reservation_core.rest.error_payload import read_error
from tests.reference.oracle import rows
from tests.rest.examples import (
    ACCEPTED,
    EXAMPLES,
    PENDING,
    READERS,
    SIDS,
    body_of,
    reply_of,
)

# --- classes and texts ---------------------------------------------------------------------------

CLASSES: Final[Mapping[str, type[Refused]]] = {
    kind.__name__: kind
    for kind in (Refused, LostRace, NotFound, Throttled, Unauthorized, ServerFailed)
}

MESSAGES: Final = rows("messages")


@pytest.mark.parametrize(
    "row",
    MESSAGES,
    ids=lambda row: f"{row['http_status']} {row['code']} {row['expected_error']} {row['meaning']}",
)
def test_known_refusal_becomes_its_error(row: dict[str, str]) -> None:
    sent = {"code": int(row["code"]) if row["code"] else None, "message": row["message"] or None}
    body = {name: value for name, value in sent.items() if value is not None}
    with pytest.raises(Refused) as caught:
        conclude(
            PENDING,
            EXAMPLES["conference"],
            reply_of({**body, "status": int(row["http_status"])}, int(row["http_status"])),
        )
    assert type(caught.value) is CLASSES[row["expected_error"]]
    assert caught.value.http_status == int(row["http_status"])
    assert (caught.value.code, caught.value.message) == (sent["code"], sent["message"])


@pytest.mark.parametrize("code", [20409, 20412])
def test_generic_conflict_with_400_is_a_lost_race(code: int) -> None:
    with pytest.raises(LostRace) as caught:
        conclude(PENDING, Accept(), reply_of({"code": code, "message": "Conflict"}, 400))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "caller", ["state", "already", "Pending", "expected", "updated", "cannot be updated to"]
)
@pytest.mark.parametrize(
    "row",
    [row for row in MESSAGES if "state" in row["message"] and not row["code"]],
    ids=lambda row: row["meaning"],
)
def test_lost_race_is_recognised_before_masking(row: dict[str, str], caller: str) -> None:
    """A caller's name may be a word of the message."""
    with pytest.raises(LostRace):
        conclude(
            PENDING,
            Conference(to="client:alice", from_=caller),
            reply_of({"message": row["message"]}, 400),
        )


def test_lost_race_is_recognised_in_a_long_message() -> None:
    message = (
        "x " * 400
        + "Reservation WR is already in state [accepted] and cannot be updated to [accepted]"
    )
    with pytest.raises(LostRace):
        conclude(PENDING, Accept(), reply_of({"message": message}, 400))


LEGACY: Final = {
    "code": 20404,
    "message": "Not here",
    "more_info": "https://www.twilio.com/docs/errors/20404",
    "status": 404,
}


RFC_9457: Final = {
    "type": "https://www.twilio.com/docs/api/errors/20001",
    "title": "Invalid parameter",
    "status": 400,
    "code": 20001,
    "detail": "Timeout is out of range",
    "instance": "/v1/Workspaces",
    "errors": [{"detail": "x", "pointer": "#/Timeout"}],
}


@pytest.mark.parametrize(
    ("body", "code", "message", "more_info"),
    [
        (json.dumps(LEGACY), 20404, "Not here", "https://www.twilio.com/docs/errors/20404"),
        (
            json.dumps({"message": "Authenticate", "detail": "The token was incorrect."}),
            None,
            "Authenticate: The token was incorrect.",
            None,
        ),
        (
            json.dumps(RFC_9457),
            20001,
            "Invalid parameter: Timeout is out of range",
            "https://www.twilio.com/docs/api/errors/20001",
        ),
        (json.dumps({"type": "about:blank", "title": "Gone", "status": 410}), None, "Gone", None),
        (
            json.dumps({"code": "20001", "message": 5, "more_info": "javascript:alert(1)"}),
            None,
            None,
            None,
        ),
        (json.dumps({"code": True, "message": " ", "detail": None}), None, None, None),
        (json.dumps({"code": 20001.0}), None, None, None),
        ("{}", None, None, None),
        ("", None, None, None),
        (" \r\n", None, None, None),
        (
            "<html><body>Bad Gateway</body></html>",
            None,
            "the body is not a JSON object (text/html)",
            None,
        ),
        ("upstream timed out", None, "the body is not a JSON object (text/html)", None),
        ('{"code": 20404, "mess', None, "the body is not a JSON object (text/html)", None),
        ("[]", None, "the body is not a JSON object (text/html)", None),
        ("null", None, "the body is not a JSON object (text/html)", None),
        ('"gone"', None, "the body is not a JSON object (text/html)", None),
        ("5", None, "the body is not a JSON object (text/html)", None),
    ],
)
@pytest.mark.parametrize("status", [301, 304, 400, 404, 410, 500])
def test_every_family_of_error_bodies_is_read(
    status: int, body: str, code: int | None, message: str | None, more_info: str | None
) -> None:
    with pytest.raises(Refused) as caught:
        conclude(PENDING, Accept(), Reply(status, {"content-type": "text/html"}, body.encode()))
    assert (
        caught.value.http_status,
        caught.value.code,
        caught.value.message,
        caught.value.more_info,
    ) == (status, code, message, more_info)
    assert str(status) in str(caught.value)


def test_body_without_content_type_is_reported_as_such() -> None:
    with pytest.raises(ServerFailed, match="not a JSON object \\(of unknown type\\)"):
        conclude(PENDING, Accept(), Reply(502, {}, b"oops"))


@pytest.mark.parametrize(
    ("statuses", "kind", "remedy"),
    [
        ((300, 301, 302, 303, 304, 307, 308, 399), ServerFailed, "not followed"),
        ((100, 101, 199), ServerFailed, "is unknown|: read again"),
        ((400, 402, 405, 410, 413, 415, 422, 451, 499), Refused, "Correct the request"),
        ((401, 403), Unauthorized, "credentials"),
        ((404,), NotFound, "five minutes"),
        ((409, 412), LostRace, "moved on"),
        ((429,), Throttled, "not processed"),
        ((500, 501, 502, 503, 504, 599, 999), ServerFailed, "is unknown|: read again"),
    ],
)
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", json.dumps(body_of(ACCEPTED)).encode()],
    ids=["empty", "html", "a reservation"],
)
def test_http_status_decides_the_error(
    statuses: Sequence[int], kind: type[Refused], remedy: str, body: bytes
) -> None:
    for status in statuses:
        for read in READERS:
            with pytest.raises(Refused, match=remedy) as caught:
                read(Reply(status, {}, body))
            assert type(caught.value) is kind


@pytest.mark.parametrize("status", [401, 404, 422, 429, 500])
def test_message_about_a_state_counts_only_with_400(status: int) -> None:
    body = {
        "code": 40136,
        "message": "Reservation WR is already in state [accepted] "
        "and cannot be updated to [accepted]",
    }
    with pytest.raises(Refused) as caught:
        conclude(PENDING, Accept(), reply_of(body, status))
    assert not isinstance(caught.value, LostRace)


@pytest.mark.parametrize("field", ["message", "title", "detail", "more_info"])
def test_error_with_a_lone_surrogate_can_be_printed(
    field: str,
) -> None:
    with pytest.raises(Refused) as caught:
        conclude(PENDING, Accept(), reply_of({field: "http://\ud800 \udfff"}, 400))
    assert str(caught.value).encode()
    assert repr(caught.value).encode()


@pytest.mark.parametrize("mark", ["\n", "\r", "\x1b[31m", "\x00", "\u2028"])
def test_message_stays_on_one_line(mark: str) -> None:
    with pytest.raises(Refused) as caught:
        conclude(PENDING, Accept(), reply_of({"message": f"no{mark}ERROR all is lost"}, 400))
    assert mark not in str(caught.value)


# --- nothing personal ----------------------------------------------------------------------------

SIP_CONFERENCE: Final = Conference(
    to="sip:zoe.quill@pbx.example",
    from_="zoequill",
    sip_auth_username="quillzoe77",
    sip_auth_password="hush-hush-9!(.*)",
)

PRIVATE: Final[Mapping[str, tuple[Command, tuple[str, ...]]]] = {
    "conference": (
        SIP_CONFERENCE,
        ("sip:zoe.quill@pbx.example", "zoequill", "quillzoe77", "hush-hush-9!(.*)"),
    ),
    "conference to a client": (
        Conference(to="client:zoé quill", from_="Zoé's desk"),
        ("client:zoé quill", "Zoé's desk"),
    ),
    "call": (
        Call(from_="18001234567", to="joey_b", url="https://example.com"),
        ("18001234567", "joey_b"),
    ),
    "dequeue": (Dequeue(from_="+15005550006", to="+15005550009"), ("+15005550006", "+15005550009")),
    "supervise": (Supervise(supervisor_mode="barge", supervisor="client:zoe"), ("client:zoe",)),
}


@pytest.mark.parametrize("name", PRIVATE)
@pytest.mark.parametrize(
    "around",
    ["{}", "'{}'", '"{}"', "({})", "={}&", ": {}.", "{}, {}", "<{}>", "x {} y", "[{}]", "„{}“"],
)
@pytest.mark.parametrize("key", ["message", "title", "detail"])
def test_sent_values_are_masked_in_the_error(name: str, around: str, key: str) -> None:
    command, values = PRIVATE[name]
    for value, status in product(values, (400, 404, 429, 500)):
        with pytest.raises(Refused) as caught:
            conclude(
                ACCEPTED if name == "supervise" else PENDING,
                command,
                reply_of({key: around.format(value, value)}, status),
            )
        assert value not in str(caught.value) + repr(caught.value)
        assert re.search("<personal>|<secret>", str(caught.value))


@given(
    st.data(),
    st.sampled_from(sorted(PRIVATE)),
    st.sampled_from((301, 400, 401, 404, 409, 412, 429, 500, 503)),
)
@settings(max_examples=100)
def test_sent_values_are_masked_in_any_text(data: st.DataObject, name: str, status: int) -> None:
    """A name of letters is not masked within a longer word."""
    command, values = PRIVATE[name]
    sent: dict[str, str] = {}
    for key in data.draw(st.sets(st.sampled_from(("message", "title", "detail")), min_size=1)):
        value = data.draw(st.sampled_from(values))
        before, after = data.draw(st.text(max_size=6)), data.draw(st.text(max_size=6))
        gap = " " if value.isalpha() else ""
        sent[key] = f"{before}{gap}{value}{gap}{after}"
    with pytest.raises(Refused) as caught:
        conclude(ACCEPTED if name == "supervise" else PENDING, command, reply_of(sent, status))
    for value in values:
        assert value not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize(
    "part",
    [
        "zoe:hush-pw",
        "hush-pw",
        "token=s3cr3t",
        "https://zoe:hush-pw@example.com/twiml?token=s3cr3t",
    ],
)
def test_secret_parts_of_a_sent_url_are_masked(part: str) -> None:
    command = Call(from_="+15005550006", url="https://zoe:hush-pw@example.com/twiml?token=s3cr3t")
    with pytest.raises(Refused, match="<secret>") as caught:
        conclude(PENDING, command, reply_of({"message": f"Url {part} is not reachable"}, 400))
    for secret in ("hush", "s3cr3t"):
        assert secret not in str(caught.value) + repr(caught.value)


def test_secret_is_masked_as_the_form_encodes_it() -> None:
    command = Conference(to="client:alice", from_="+15005550006", sip_auth_password="p@ss word&9")
    sent = prepare(PENDING, command).body.decode()
    with pytest.raises(Refused) as caught:
        conclude(PENDING, command, reply_of({"message": f"Cannot read {sent}"}, 400))
    assert "ss+word" not in str(caught.value)
    with pytest.raises(Refused, match="<secret>") as caught:
        conclude(
            PENDING, command, reply_of({"message": "bad SipAuthPassword=p%40ss%20word%269"}, 400)
        )
    assert "ss%20word" not in str(caught.value)


def test_value_that_contains_another_is_masked_whole() -> None:
    command = Conference(
        to="sip:zoe@pbx.example",
        from_="zoe",
        sip_auth_username="zoe",
        sip_auth_password="zoe-s3cret",
    )
    with pytest.raises(Refused) as caught:
        conclude(PENDING, command, reply_of({"message": "Bad password zoe-s3cret for zoe"}, 400))
    assert "s3cret" not in str(caught.value)
    assert "zoe" not in str(caught.value)


@pytest.mark.parametrize("around", ["x{}", "{}x", "_{}_", "password{}9"])
def test_secret_is_masked_inside_a_word(around: str) -> None:
    command = Conference(to="sip:a@pbx.example", from_="a", sip_auth_password="hush-hush-9")
    with pytest.raises(Refused) as caught:
        conclude(PENDING, command, reply_of({"message": around.format("hush-hush-9")}, 400))
    assert "hush-hush-9" not in str(caught.value)


@pytest.mark.parametrize(
    "contact",
    [
        "+15005550006",
        "+1 500 555 0006",
        "+1 (500) 555-0006",
        "15005550006",
        "client:alice",
        "sip:alice@example.com",
        "SIPS:a@b",
        "tel:5550006",
    ],
)
@pytest.mark.parametrize("key", ["message", "title", "detail", "more_info"])
def test_unknown_contact_is_masked(key: str, contact: str) -> None:
    sent = (
        f"https://example.com/?to={contact}"
        if key == "more_info"
        else f"Cannot call {contact}, try later"
    )
    with pytest.raises(Refused) as caught:
        conclude(PENDING, Accept(), reply_of({key: sent}, 400))
    assert contact not in str(caught.value) + repr(caught.value)
    assert "<personal>" in str(caught.value)


def test_contact_in_a_content_type_is_masked() -> None:
    with pytest.raises(Refused) as caught:
        conclude(
            PENDING, Accept(), Reply(400, {"Content-Type": "x" * 999 + "+15005550006"}, b"no json")
        )
    assert "5005550006" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_long_message_is_masked_then_cut() -> None:
    with pytest.raises(Refused) as caught:
        conclude(
            PENDING,
            Accept(),
            reply_of({"message": "x" * 490 + " +15005550006 " + "y" * 99_999}, 400),
        )
    assert len(caught.value.message or "") == 500
    assert "+1500" not in str(caught.value)


@pytest.mark.parametrize("sid", SIDS)
def test_sid_in_a_message_stays_readable(sid: str) -> None:
    with pytest.raises(Refused, match=getattr(PENDING, sid)):
        conclude(
            PENDING,
            EXAMPLES["conference"],
            reply_of({"message": f"Resource {getattr(PENDING, sid)} was not found"}, 404),
        )


def test_long_message_is_shown_shortened() -> None:
    link = "http://" + "i" * 9999
    body = json.dumps({"code": 20001, "message": "m" * 3_000_000, "more_info": link})
    error = read_error(Reply(400, {}, body.encode()))
    assert (error.message, error.code) == ("m" * 499 + "…", 20001)
    assert error.more_info == "http://" + "i" * 492 + "…"
