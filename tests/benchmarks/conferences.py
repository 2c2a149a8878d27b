"""Rows 4 and 5: build a 27-parameter conference, and encode its form."""

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Final, Literal, cast
from urllib.parse import urlencode

import attrs
from attrs.validators import (
    and_,
    deep_iterable,
    ge,
    in_,
    instance_of,
    le,
    matches_re,
    min_len,
    optional,
)
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reservation_core import Conference, InvalidCommand, prepare
from tests.benchmarks import samples
from tests.benchmarks.measure import Comparison, Effort, clock

# The rules of each parameter, as both peers declare them. Ours are a little stricter. Only ours has
# the rules over several parameters: a SIP address rings 600 seconds at most, a number is called by
# a number, a SIP address by a SIP user.
_NOT_BLANK: Final = r"[ -~]*[!-~][ -~]*"
_URL: Final = r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[ -~]*)?"
_URL_OR_SILENCE: Final = rf"(?:{_URL})?"
_TEXT: Final = r"[ -~]+"
_ACTIVITY: Final = r"WA[0-9a-fA-F]{32}"
_CALL_EVENTS: Final = ("initiated", "ringing", "answered", "completed")
_CONFERENCE_EVENTS: Final = ("start", "end", "join", "leave", "mute", "hold", "speaker")

# --- attrs, a validator per field ----------------------------------------------------------------


def _text(pattern: str) -> str | None:
    return attrs.field(default=None, validator=optional(matches_re(pattern)))


def _word(*words: str) -> str | None:
    return attrs.field(default=None, validator=optional(in_(words)))


def _words(words: tuple[str, ...]) -> list[str] | None:
    return attrs.field(
        default=None,
        validator=optional(and_(min_len(1), deep_iterable(in_(words), instance_of(list)))),
    )


def _whole(minimum: int, maximum: int) -> int | None:
    return attrs.field(
        default=None, validator=optional(and_(instance_of(int), ge(minimum), le(maximum)))
    )


def _flag() -> bool | None:
    return attrs.field(default=None, validator=optional(instance_of(bool)))


@attrs.frozen(kw_only=True)
class _WithAttrs:
    """The conference of an attrs user: frozen, slotted, with ready-made validators."""

    to: str | None = _text(_NOT_BLANK)
    from_: str | None = _text(_NOT_BLANK)
    status_callback: str | None = _text(_URL)
    status_callback_method: str | None = _word("GET", "POST")
    status_callback_event: Sequence[str] | None = _words(_CALL_EVENTS)
    timeout: int | None = _whole(1, 999)
    record: bool | None = _flag()
    muted: bool | None = _flag()
    beep: str | None = _word("true", "false", "onEnter", "onExit")
    start_conference_on_enter: bool | None = _flag()
    end_conference_on_exit: bool | None = _flag()
    wait_url: str | None = _text(_URL_OR_SILENCE)
    wait_method: str | None = _word("GET", "POST")
    early_media: bool | None = _flag()
    max_participants: int | None = _whole(2, 250)
    conference_status_callback: str | None = _text(_URL)
    conference_status_callback_method: str | None = _word("GET", "POST")
    conference_status_callback_event: Sequence[str] | None = _words(_CONFERENCE_EVENTS)
    conference_record: str | None = _word("true", "false", "record-from-start", "do-not-record")
    conference_trim: str | None = _word("trim-silence", "do-not-trim")
    recording_channels: str | None = _word("mono", "dual")
    recording_status_callback: str | None = _text(_URL)
    recording_status_callback_method: str | None = _word("GET", "POST")
    conference_recording_status_callback: str | None = _text(_URL)
    conference_recording_status_callback_method: str | None = _word("GET", "POST")
    region: str | None = _word("us1", "us2", "ie1", "de1", "sg1", "br1", "au1", "jp1")
    sip_auth_username: str | None = _text(_TEXT)
    sip_auth_password: str | None = _text(_TEXT)
    post_work_activity_sid: str | None = _text(_ACTIVITY)
    end_conference_on_customer_exit: bool | None = _flag()
    beep_on_customer_entrance: bool | None = _flag()
    jitter_buffer_size: str | None = _word("small", "medium", "large", "off")


# --- pydantic ------------------------------------------------------------------------------------

_Method = Literal["GET", "POST"]
_Url = Annotated[str, Field(pattern=f"^(?:{_URL})$")]
_Text = Annotated[str, Field(pattern=f"^(?:{_TEXT})$")]


class _WithPydantic(BaseModel):
    """The conference of a pydantic user: frozen, strict, nothing extra."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    to: Annotated[str, Field(pattern=f"^(?:{_NOT_BLANK})$")] | None = None
    from_: Annotated[str, Field(pattern=f"^(?:{_NOT_BLANK})$")] | None = None
    status_callback: _Url | None = None
    status_callback_method: _Method | None = None
    status_callback_event: (
        Annotated[
            list[Literal["initiated", "ringing", "answered", "completed"]], Field(min_length=1)
        ]
        | None
    ) = None
    timeout: Annotated[int, Field(ge=1, le=999)] | None = None
    record: bool | None = None
    muted: bool | None = None
    beep: Literal["true", "false", "onEnter", "onExit"] | None = None
    start_conference_on_enter: bool | None = None
    end_conference_on_exit: bool | None = None
    wait_url: Annotated[str, Field(pattern=f"^(?:{_URL_OR_SILENCE})$")] | None = None
    wait_method: _Method | None = None
    early_media: bool | None = None
    max_participants: Annotated[int, Field(ge=2, le=250)] | None = None
    conference_status_callback: _Url | None = None
    conference_status_callback_method: _Method | None = None
    conference_status_callback_event: (
        Annotated[
            list[Literal["start", "end", "join", "leave", "mute", "hold", "speaker"]],
            Field(min_length=1),
        ]
        | None
    ) = None
    conference_record: Literal["true", "false", "record-from-start", "do-not-record"] | None = None
    conference_trim: Literal["trim-silence", "do-not-trim"] | None = None
    recording_channels: Literal["mono", "dual"] | None = None
    recording_status_callback: _Url | None = None
    recording_status_callback_method: _Method | None = None
    conference_recording_status_callback: _Url | None = None
    conference_recording_status_callback_method: _Method | None = None
    region: Literal["us1", "us2", "ie1", "de1", "sg1", "br1", "au1", "jp1"] | None = None
    sip_auth_username: _Text | None = None
    sip_auth_password: _Text | None = None
    post_work_activity_sid: Annotated[str, Field(pattern=f"^(?:{_ACTIVITY})$")] | None = None
    end_conference_on_customer_exit: bool | None = None
    beep_on_customer_entrance: bool | None = None
    jitter_buffer_size: Literal["small", "medium", "large", "off"] | None = None


# --- row 4 ---------------------------------------------------------------------------------------

_MADE: Final[tuple[Callable[..., object], ...]] = (Conference, _WithAttrs, _WithPydantic)


def _wrong_values() -> Iterable[tuple[str, object]]:
    """Yield two wrong values for every parameter.

    All three classes must refuse them.
    """
    for name, value in samples.CONFERENCE.items():
        if isinstance(value, bool):
            yield from ((name, "true"), (name, 1))
        elif isinstance(value, int):
            yield from ((name, "20"), (name, 0), (name, 1000), (name, 20.0))
        elif isinstance(value, list):
            yield from ((name, []), (name, ["never"]), (name, "start"), (name, 1))
        else:
            yield from ((name, "\n"), (name, 1), (name, value + "\n"))


def _as_given(value: object) -> object:
    return (
        list(cast("tuple[str, ...]", value)) if isinstance(value, tuple) else value
    )  # ours takes a list over as a tuple


def _refuses(make: Callable[..., object], name: str, value: object) -> bool:
    try:
        make(**{**samples.CONFERENCE, name: value})
    except (InvalidCommand, ValidationError, ValueError, TypeError):
        return True
    return False


def build(effort: Effort) -> list[Comparison]:
    """Build and check a conference of 27 parameters, 32 are declared.

    All sides declare the same types, patterns, words and bounds. Ours also checks the three rules
    over several parameters.
    """
    given: dict[str, Any] = samples.CONFERENCE
    for made in _MADE:
        held = made(**given)
        assert {name: _as_given(getattr(held, name)) for name in given} == given
        assert [
            (name, value) for name, value in _wrong_values() if not _refuses(made, name, value)
        ] == []
    return [
        Comparison(
            row=4,
            measure="build and validate a 27-parameter Conference",
            against=against,
            ours=clock(lambda: Conference(**given), effort),
            peer=clock(peer, effort),
            reach=reach,
        )
        for against, peer, reach in (
            ("attrs, a validator per field", lambda: _WithAttrs(**given), 2),
            ("pydantic v2", lambda: _WithPydantic(**given), 1.0),
        )
    ]


# --- row 5 ---------------------------------------------------------------------------------------


def encode(effort: Effort) -> list[Comparison]:
    """Encode the form: ``request.body``, or ``urllib.parse.urlencode``. The bytes are equal."""
    request = prepare(samples.pending(), samples.conference())
    pairs = request.form
    assert request.body == urlencode(pairs).encode()
    return [
        Comparison(
            row=5,
            measure="form-encode it, bytes equal",
            against="urllib.parse.urlencode",
            ours=clock(lambda: request.body, effort),
            peer=clock(lambda: urlencode(pairs).encode(), effort),
            reach=6,
        )
    ]
