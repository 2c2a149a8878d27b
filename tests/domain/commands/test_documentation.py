"""Signatures, types and docstrings of the commands, as ``help`` shows them."""

from __future__ import annotations

import inspect
import pydoc
import re
from collections.abc import Sequence
from typing import Literal, get_type_hints

import pytest

from reservation_core import Accept, Command, Conference, Supervise
from reservation_core.domain import member_docs
from reservation_core.domain.commands.base import Command as Base
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.commands.parameters import param
from reservation_core.domain.commands.types import SECONDS
from reservation_core.domain.member_docs import read_member_docs

CallEvents = Sequence[Literal["initiated", "ringing", "answered", "completed"]]


def test_signature_shows_types_that_a_caller_passes() -> None:
    signature = inspect.signature(Conference)
    text = str(signature)
    assert "(*, to: str | None = None, from_: str | None = None, status_callback: str" in text
    assert "timeout: int | None = None, record: bool | None = None" in text
    assert not re.search("Annotated|object|reservation_core", text)
    assert len(text) < 2500
    assert signature.parameters["status_callback_event"].annotation == CallEvents | None


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.trigger)
def test_types_of_constructor_are_those_of_the_fields(command: type[Command]) -> None:
    hints = get_type_hints(command.__init__)
    fields = get_type_hints(command)
    assert hints.pop("return") is type(None)
    assert hints.pop("extra") == fields["extra"] == tuple[tuple[str, str], ...]
    assert hints == {parameter.field: fields[parameter.field] for parameter in command.parameters}
    for parameter in command.parameters:
        assert (type(None) in getattr(hints[parameter.field], "__args__", ())) == (
            not parameter.is_required
        )


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.trigger)
def test_each_parameter_has_one_sentence(command: type[Command]) -> None:
    summaries = read_member_docs(command)
    assert "extra" in summaries
    for summary in (summaries[p.field] for p in command.parameters):
        assert re.fullmatch(r"[A-Z].*[^.]\.", summary)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.trigger)
def test_docstring_lists_all_facts_of_each_parameter(command: type[Command]) -> None:
    text = inspect.getdoc(command)
    assert text is not None
    assert text == command.__doc__
    assert text.startswith(command.description + "\n\n")
    joined = " ".join(text.split())
    for rule in command.rules:
        assert f"``{rule.fields[0]}`` {rule.rule}." in joined
    entries = dict(re.findall(r":param (\w+): (.*?)(?= :\w)", joined))
    assert list(entries) == [*(parameter.field for parameter in command.parameters), "extra"]
    for parameter in command.parameters:
        entry = entries[parameter.field]
        info = parameter.info
        assert entry.startswith(read_member_docs(command)[parameter.field])
        assert f"Takes {parameter.kind.describe()}." in entry
        assert ("Required." in entry) == parameter.is_required
        assert (f"If unset: {info.if_unset}." in entry) == (info.if_unset is not None)
        assert ("Has an effect only with" in entry) == bool(info.depends_on)
        assert all(f"``{field}``" in entry for field in info.depends_on)
        assert f"``{parameter.wire_name}``" in entry
        assert (f"platform error {info.code}" in entry) == (info.code is not None)
    assert all(len(line) <= 100 for line in text.splitlines())


HELP = """
Conference(*, to: str | None = None, from_: str | None = None,
Call the worker into a conference and move the caller there.
``timeout`` must be at most 600 seconds when the contact is a SIP address.
:param timeout: Seconds that the worker's phone rings. Takes a whole number of seconds from 1 to
  999. If unset: 60. Sent as ``Timeout``; platform error 14233.
:param beep: Occasions on which a beep is played. Takes one of true, false, onEnter, onExit.
  If unset: true. Sent as ``Beep``.
:param wait_method: HTTP method that fetches the music. Takes one of GET, POST. If unset: POST.
  Has an effect only with ``wait_url``. Sent as ``WaitMethod``.
:param to: Contact at which the worker is called. Takes a contact: +E.164 number, client:name,
  sip:user@domain, or another text that is not blank. If unset: the worker's contact_uri. Sent as
  ``To``; platform error 40137.
:raises InvalidCommand: if a value breaks a rule. It names all broken rules.
"""


def test_help_shows_a_conference_like_a_reference_page() -> None:
    text = re.sub(r"\s*\n \|\s*", " ", pydoc.plain(pydoc.render_doc(Conference)))
    for expected in HELP.replace("\n  ", " ").strip().splitlines():
        assert expected in text
    assert "beep = None" not in text


def test_docstring_of_an_instance_and_a_subclass() -> None:
    class Derived(Supervise):
        """Own text."""

    assert Derived.__doc__ == "Own text."
    assert Accept().__doc__ == Accept.__doc__
    assert (Accept.__doc__ or "").startswith("Take the task at once.\n\n:param extra: Further")


def test_docstring_without_source_has_all_facts_but_the_sentences(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(module: object) -> str:
        raise OSError(f"no source of {module}")

    member_docs._read_module.cache_clear()  # pyright: ignore[reportPrivateUsage]
    with monkeypatch.context() as patch:
        patch.setattr(inspect, "getsource", refuse)
        assert read_member_docs(Supervise) == {}
        assert ":param supervisor_mode: Takes one of monitor, whisper, barge." in (
            Supervise.__doc__ or ""
        )
    member_docs._read_module.cache_clear()  # pyright: ignore[reportPrivateUsage]
    assert read_member_docs(Supervise)


def test_class_of_unknown_module_has_no_sentences() -> None:
    made = type("Made", (), {"__module__": "no.such.module"})
    assert read_member_docs(made) == {}


class Outer:
    """Class with a class."""

    class Inner:
        """Class with fields."""

        described: int | None = param(SECONDS, default=None)
        """Seconds until the end.

        More about it.
        """
        bare: int | None = param(SECONDS, default=None)
        plain = 1
        plain_too = 2
        """Constant."""
        number: int = 2
        3  # pyright: ignore[reportUnusedExpression]  # noqa: B018


async def _make_local() -> type:
    class Inner:
        """Class of the same name."""

        local: int | None = param(SECONDS, default=None)
        """Seconds until then."""

    return Inner


def test_sentences_are_found_by_qualified_name() -> None:
    assert read_member_docs(Outer.Inner) == {
        "described": "Seconds until the end.\n\nMore about it.",
        "plain_too": "Constant.",
    }
    with pytest.raises(StopIteration) as stop:
        _make_local().send(None)
    assert read_member_docs(stop.value.value) == {"local": "Seconds until then."}
    assert read_member_docs(Outer) == {}
    assert Base is Command
