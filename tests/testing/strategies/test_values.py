from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

import pytest
from hypothesis.strategies import SearchStrategy

from reservation_core import Evidence, Parameter
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.commands.kinds import Integer, Kind, MultipleChoice, Text, Value
from reservation_core.testing import strategies as kit
from reservation_core.testing.strategies import texts
from tests.testing.drawing import drawn
from tests.testing.value_oracle import (
    ROWS,
    contact_evidence,
    is_caller,
    is_named_contact,
    is_sid,
    is_text,
    is_url,
    is_valid_value,
)

PARAMETERS: Final = {
    parameter.wire_name: parameter for kind in COMMANDS for parameter in kind.parameters
}

Check = Callable[[object], bool]
VALID: Final[dict[str, tuple[SearchStrategy[str], Check]]] = {
    "app_contacts": (texts.app_contacts(), lambda text: is_sid("AP", str(text)[4:])),
    "bare_names": (texts.bare_names(), is_text),
    "callers": (texts.callers(), is_caller),
    "client_contacts": (texts.client_contacts(), is_named_contact),
    "contacts": (texts.contacts(), is_caller),
    "names": (texts.names(), is_text),
    "caller_numbers": (
        texts.caller_numbers(),
        lambda value: str(value).removeprefix("+").isdigit(),
    ),
    "phone_numbers": (texts.phone_numbers(), is_named_contact),
    "recording_modes": (texts.recording_modes(), is_text),
    "sids": (texts.sids("WR"), lambda value: is_sid("WR", value)),
    "sip_uris": (texts.sip_uris(), is_named_contact),
    "supervisors": (texts.supervisors(), is_caller),
    "unnamed_contacts": (texts.unnamed_contacts(), is_caller),
    "urls": (texts.urls(), is_url),
}
NEAR: Final[dict[str, tuple[SearchStrategy[str], Check]]] = {
    "near_callers": (texts.near_callers(), is_caller),
    "near_contacts": (texts.near_contacts(), is_caller),
    "near_names": (texts.near_names(), is_text),
    "near_sids": (texts.near_sids("WR"), lambda value: is_sid("WR", value)),
    "near_urls": (texts.near_urls(), is_url),
}


@cache
def drawn_values(kind: Kind[object]) -> Sequence[Value]:
    """Draw valid values of a kind, once for all its parameters."""
    return drawn(kit.values(kind), 60)


@cache
def drawn_near_misses(kind: Kind[object]) -> Sequence[object]:
    """Draw near misses of a kind, once for all its parameters."""
    return drawn(kit.near_misses(kind), 100)


@pytest.mark.parametrize("name", VALID)
def test_texts_are_valid(name: str) -> None:
    strategy, is_valid = VALID[name]
    assert [text for text in drawn(strategy, 50) if not is_valid(text)] == []


@pytest.mark.parametrize("name", NEAR)
def test_near_misses_of_texts_are_not_valid(name: str) -> None:
    strategy, is_valid = NEAR[name]
    assert [text for text in drawn(strategy, 80) if is_valid(text)] == []


def test_contacts_phone_numbers_and_sids_cover_every_form() -> None:
    found = drawn(texts.contacts(), 400)
    schemes = {text.partition(":")[0].lower() for text in found if is_named_contact(text)}
    assert {scheme.rstrip("0123456789") for scheme in schemes} == {"+", "client", "sip", "sips"}
    others = {contact_evidence(text) for text in found}
    assert others == {None, Evidence.DOCUMENTED, Evidence.INFERRED}
    unnamed = drawn(texts.unnamed_contacts(), 100)
    assert {contact_evidence(text) for text in unnamed} == {Evidence.INFERRED}
    assert {"15005550006", "whatsapp:+15005550006"} <= set(unnamed)
    lengths = {len(text) - 1 for text in drawn(texts.phone_numbers(), 300)}
    assert (min(lengths), max(lengths)) == (7, 15)
    letters = {char for text in drawn(texts.sids("WR"), 200) for char in text[2:]}
    assert letters == set("0123456789abcdefABCDEF")


def test_urls_cover_every_part() -> None:
    found = drawn(texts.urls(), 300)
    for sign in ("user:pass@", ":65535", "?", "#", " ", "ü", "[::1]", "HTTPS"):
        assert any(sign in text for text in found), sign


@pytest.mark.parametrize("name", PARAMETERS)
def test_values_are_valid_by_the_reference_table_and_reach_its_limits(name: str) -> None:
    found = drawn_values(PARAMETERS[name].kind)
    assert [value for value in found if not is_valid_value(name, value)] == []
    row = ROWS[name]
    words = {
        word for value in found for word in (value if isinstance(value, (list, tuple)) else [value])
    }
    if row["kind"] in {"enum", "method", "list"}:
        assert words == set(row["values"].split())
    if row["kind"] == "open-enum":
        assert words > set(row["values"].split())
    if row["kind"] == "integer":
        assert {int(row["minimum"]), int(row["maximum"])} < words
    if row["kind"] == "boolean":
        assert words == {True, False}
    if row["kind"] == "list":
        assert {type(value) for value in found} == {list, tuple}
        assert max(len(value) for value in found if isinstance(value, (list, tuple))) > 1
    if name == "WaitUrl":
        assert "" in words


@pytest.mark.parametrize("name", PARAMETERS)
def test_near_misses_are_not_valid_by_the_reference_table(name: str) -> None:
    parameter: Parameter = PARAMETERS[name]
    found = drawn_near_misses(parameter.kind)
    assert [value for value in found if value is None or is_valid_value(name, value)] == []
    if isinstance(parameter.kind, Integer):
        assert {int(ROWS[name]["minimum"]) - 1, int(ROWS[name]["maximum"]) + 1} <= {
            value for value in found if type(value) is int
        }
    if isinstance(parameter.kind, MultipleChoice):
        assert [] in found
    assert len({type(value) for value in found}) >= 4


def test_unknown_kind_of_text_is_an_error() -> None:
    with pytest.raises(LookupError):
        kit.values(Text(pattern="[0-9]+"))
    with pytest.raises(LookupError):
        kit.near_misses(Text(pattern="[0-9]+"))
