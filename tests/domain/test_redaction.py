"""Redaction of commands, errors and foreign texts."""

from __future__ import annotations

import re
from typing import Final

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservation_core import (
    Accept,
    Call,
    Command,
    CommandNotAllowed,
    Conference,
    Dequeue,
    Status,
    Supervise,
)
from reservation_core.domain.redaction import Sensitivity, mask, shorten
from reservation_core.testing.strategies import build
from tests.domain.commands.helpers import (
    everything_printed,
    refused,
    some,
)


@attrs.frozen
class Private:
    """Values to redact, each long enough to be found in a text."""

    phone: str
    client: str
    sip: str
    name: str
    password: str

    def leaked_in(self, text: str) -> list[str]:
        """Return the names of the values that a text leaks."""
        parts = {
            **attrs.asdict(self),
            "digits": self.phone[1:],
            "identity": self.client[7:],
            "user": self.sip[4:].partition("@")[0],
        }
        return [part for part, value in parts.items() if value in text]


def _word(prefix: str) -> st.SearchStrategy[str]:
    return st.text("bcdfghjkmnpqrstvwxyz", min_size=6, max_size=10).map(prefix.__add__)


PRIVATE: Final = st.builds(
    Private,
    phone=st.integers(10**9, 10**10 - 1).map("+1{}".format),
    client=_word("client:Zoë"),
    sip=_word("sip:Q").map("{}@example.com".format),
    name=_word("Jürgen "),
    password=_word("pwd-"),
)


def commands_holding(private: Private) -> list[tuple[type[Command], dict[str, object]]]:
    """Return arguments of commands that hold these values where they belong."""
    return [
        (Dequeue, {"to": private.phone, "from_": private.phone}),
        (Dequeue, {"to": private.client, "from_": private.name}),
        (
            Call,
            {
                "to": private.sip,
                "from_": private.name,
                "url": f"https://u:{private.password}@example.com/?to={private.phone}",
            },
        ),
        (
            Conference,
            {
                "to": private.sip,
                "from_": private.phone,
                "sip_auth_username": private.name,
                "sip_auth_password": private.password,
            },
        ),
        (
            Conference,
            {
                "to": private.client,
                "wait_url": f"https://example.com/{private.phone[1:]}?pw={private.password}",
            },
        ),
        (Supervise, {"supervisor": private.client, "supervisor_mode": "barge"}),
        (Supervise, {"supervisor": private.phone, "supervisor_mode": "barge"}),
        (Supervise, {"supervisor": private.name, "supervisor_mode": "barge"}),
        (Dequeue, {"to": private.phone[1:]}),
        (Conference, {"to": f"whatsapp:{private.phone}", "from_": f"whatsapp:{private.phone}"}),
        (Conference, {"to": f"messenger:{private.name}"}),
    ]


@some
@given(PRIVATE)
def test_command_redacts_personal_and_secret_values(private: Private) -> None:
    for kind, keywords in commands_holding(private):
        command = build(kind, keywords)
        assert not private.leaked_in(
            f"{command!r} {command} {command.cautions!r} {' '.join(map(str, command.cautions))}"
        )
        assert private.leaked_in(str(command.form()))
        assert set(re.findall(r"(\w+)=", repr(command))) >= set(keywords)


@settings(some, max_examples=12)
@given(PRIVATE, st.sampled_from(["\n", "\x00", "\ud800"]))
def test_error_redacts_personal_and_secret_values(private: Private, spoil: str) -> None:
    for kind, keywords in commands_holding(private):
        command = build(kind, keywords)
        wrong = {name: f"{value}{spoil}" for name, value in keywords.items()}
        errors: list[BaseException] = [
            refused(build, kind, wrong),
            refused(build, kind, {name: [value] for name, value in keywords.items()}),
            refused(Command.from_form, [*command.form(), *command.form()[1:]]),
            refused(Command.from_form, [("Instruction", "redirect"), *command.form()[1:]]),
            refused(Accept.from_form, command.form()),
            refused(
                Command.from_form,
                [
                    kind.first_pair,
                    *((p.wire_name, wrong[p.field]) for p in kind.parameters if p.field in wrong),
                ],
            ),
            CommandNotAllowed(command, Status.COMPLETED, (), "it has ended [inferred: somewhere]"),
        ]
        for error in errors:
            assert not private.leaked_in(everything_printed(error))


@settings(some, max_examples=15)
@given(PRIVATE)
def test_contact_in_wrong_field_is_redacted(private: Private) -> None:
    for value in (private.phone, private.client, private.sip, private.phone[1:]):
        for keywords in (
            {"beep": value},
            {"wait_url": value},
            {"status_callback_event": [value]},
            {"timeout": value},
            {"post_work_activity_sid": value},
        ):
            assert not private.leaked_in(everything_printed(refused(build, Conference, keywords)))
        for form in (
            [("Instruction", value)],
            [("ReservationStatus", value)],
            [("Instruction", "call"), ("ReservationStatus", value)],
        ):
            assert not private.leaked_in(everything_printed(refused(Command.from_form, form)))


def test_shorten_names_type_of_unprintable_value() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert shorten(10**5000) == "<int>"
    assert shorten(deep) == "<list>"
    assert shorten("a\nb\x1b\u2028") == repr("a\nb\x1b\u2028")
    assert mask("a\nb\x1b\u2028\ud800") == "a\\nb\\x1b\\u2028\\ud800"
    while deep:
        (deep,) = deep  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


def test_mask_replaces_contacts_and_known_values() -> None:
    assert mask("call +1 (500) 555-0006 now") == "call <personal> now"
    assert (
        mask("to client:alice, sip:bob@example.com; tel:5550006")
        == "to <personal>, <personal>; <personal>"
    )
    assert mask("to whatsapp:+15005550006") == "to <personal>"
    assert mask("caller 15005550006.") == "caller <personal>."
    assert mask("code 40135 in state [accepted]") == "code 40135 in state [accepted]"
    assert (
        mask("the caller bob is not bobby", {"bob": Sensitivity.PERSONAL})
        == "the caller <personal> is not bobby"
    )
    assert (
        mask("wrong password hunter2", {"hunter2": Sensitivity.SECRET}) == "wrong password <secret>"
    )
    assert mask("x" * 501) == "x" * 499 + "…"
    assert mask("x" * 500) == "x" * 500
    assert shorten("x" * 200) == "'" + "x" * 78 + "…"
    assert shorten("+15005550006") == "'<personal>'"


def test_mask_leaves_the_words_of_the_text() -> None:
    """A name of one or two letters may be a word. It is masked where it is quoted."""
    for name in ("a", "on", "to"):
        known = {f"client:{name}": Sensitivity.PERSONAL, name: Sensitivity.PERSONAL}
        text = "The instruction can only be issued on a task, to a worker"
        assert mask(text, known) == text
        assert mask(f"{text}: client:{name}", known) == f"{text}: <personal>"
        for quoted in (
            f"'{name}'",
            f'"{name}"',
            f"[{name}]",
            f"({name})",
            f"To={name}",
            f"<{name}>",
        ):
            shown = quoted.replace(name, "<personal>")
            assert mask(f"Cannot reach {quoted}", known) == f"Cannot reach {shown}"


def test_mask_hides_names_as_whole_words() -> None:
    for name, text, shown in (
        ("task", "a task of a multitasking workspace", "a <personal> of a multitasking workspace"),
        ("support", "unsupported, says support.", "unsupported, says <personal>."),
        ("can", "it can be canceled", "it <personal> be canceled"),
        ("alice", "To%3Dalice&From=alice_2", "To%3D<personal>&From=<personal>_2"),
        ("joey_b", "xjoey_bx", "x<personal>x"),
    ):
        assert mask(text, {name: Sensitivity.PERSONAL}) == shown
    assert mask("is hunter22", {"hunter2": Sensitivity.SECRET}) == "is <secret>2"


def test_mask_hides_whole_text_with_very_short_secret() -> None:
    assert mask("bad a banana", {"an": Sensitivity.SECRET}) == "<secret>"
    assert mask("bad pear", {"an": Sensitivity.SECRET}) == "bad pear"


def test_mask_looks_at_the_beginning_of_a_long_text() -> None:
    shown = mask("a" * 10_000_000)
    assert shown == "a" * 499 + "…"
    assert mask("a" * 100_000, limit=80) == "a" * 79 + "…"
    assert shorten("a" * 10_000_000) == "'" + "a" * 78 + "…"


@pytest.mark.parametrize("escaped", ["%2B14155550123", "%2b14155550123", "sip%3Azoe%40example.com"])
def test_contact_that_is_escaped_as_in_a_url_is_not_shown(escaped: str) -> None:
    assert mask(f"no route to /{escaped} now") == "no route to /<personal> now"


@pytest.mark.parametrize("phone", ["+14155550123", "+1 (415) 555-0123", "4155550123"])
def test_contact_across_the_end_of_what_is_looked_at_is_not_shown(phone: str) -> None:
    """A text is cut before it is masked, at any place."""
    for length in range(1500, 1570):
        for filler in ("client:" + "a" * (length - 8) + " ", "+1 415 555 0123 " * (length // 16)):
            text = filler + phone + " " + "z" * 4000
            shown = mask(text)
            assert not re.search(r"415\W*555|555\W*0123", shown), (length, shown)
            assert len(shown) <= 500


@pytest.mark.parametrize("size", [5, 70, 900, 3000])
def test_known_value_across_the_end_of_what_is_looked_at_is_not_shown(size: int) -> None:
    secret = "s" + "ecret" * (size // 5)
    for length in range(1500 - 8, 1600 + size, 97):
        text = f"client:{'a' * length} {secret} and more" + "z" * 9000
        assert "ecret" not in mask(text, {secret: Sensitivity.SECRET})
