"""The texts and values that the kit draws are right, or wrong, by the documents, and reach their limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

import pytest
from hypothesis.strategies import SearchStrategy

from reservation_core import Parameter
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.commands.kinds import Integer, Kind, MultipleChoice, Text, Value
from reservation_core.testing import strategies as kit
from tests.testing.drawing import drawn
from tests.testing.value_judge import ROWS, is_caller, is_contact, is_right, is_sid, is_text, is_url

PARAMETERS: Final = {
    parameter.wire_name: parameter for kind in COMMANDS for parameter in kind.parameters
}

Judge = Callable[[object], bool]
RIGHT: Final[dict[str, tuple[SearchStrategy[str], Judge]]] = {
    "apps": (kit.apps(), is_contact),
    "bare_names": (kit.bare_names(), is_text),
    "callers": (kit.callers(), is_caller),
    "clients": (kit.clients(), is_contact),
    "contacts": (kit.contacts(), is_contact),
    "names": (kit.names(), is_text),
    "numbers": (kit.numbers(), lambda value: str(value).removeprefix("+").isdigit()),
    "phones": (kit.phones(), is_contact),
    "recordings": (kit.recordings(), is_text),
    "sids": (kit.sids("WR"), lambda value: is_sid("WR", value)),
    "sip_uris": (kit.sip_uris(), is_contact),
    "supervisors": (kit.supervisors(), lambda value: is_sid("WK", value) or is_contact(value)),
    "urls": (kit.urls(), is_url),
}
WRONG: Final[dict[str, tuple[SearchStrategy[str], Judge]]] = {
    "near_callers": (kit.near_callers(), is_caller),
    "near_contacts": (kit.near_contacts(), is_contact),
    "near_names": (kit.near_names(), is_text),
    "near_sids": (kit.near_sids("WR"), lambda value: is_sid("WR", value)),
    "near_urls": (kit.near_urls(), is_url),
}


@cache
def right(kind: Kind) -> Sequence[Value]:
    """Draw right values of a kind, once for all parameters of it."""
    return drawn(kit.values(kind), 60)


@cache
def near(kind: Kind) -> Sequence[object]:
    """Draw near misses of a kind, once for all parameters of it."""
    return drawn(kit.near_misses(kind), 100)


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_is_right(name: str) -> None:
    """Each text is what its strategy is named for."""
    strategy, is_it = RIGHT[name]
    assert [text for text in drawn(strategy, 50) if not is_it(text)] == []


@pytest.mark.parametrize("name", WRONG)
def test_what_is_almost_right_is_wrong(name: str) -> None:
    """No text that is almost something is it."""
    strategy, is_it = WRONG[name]
    assert [text for text in drawn(strategy, 80) if is_it(text)] == []


def test_contacts_come_in_every_form() -> None:
    """Contacts begin with every scheme; phones have 15 digits at most, and some have; SIDs come in small and in capital letters."""
    assert {
        text.partition(":")[0].lower().rstrip("0123456789") for text in drawn(kit.contacts(), 200)
    } == {
        "+",
        "client",
        "sip",
        "sips",
        "app",
    }
    lengths = {len(text) - 1 for text in drawn(kit.phones(), 300)}
    assert (min(lengths), max(lengths)) == (7, 15)
    letters = {char for text in drawn(kit.sids("WR"), 200) for char in text[2:]}
    assert letters == set("0123456789abcdefABCDEF")


def test_addresses_come_with_everything() -> None:
    """Some addresses have a user, a port, a query, a fragment, a blank, letters beyond ASCII."""
    found = drawn(kit.urls(), 300)
    for sign in ("user:pass@", ":65535", "?", "#", " ", "ü", "[::1]", "HTTPS"):
        assert any(sign in text for text in found), sign


@pytest.mark.parametrize("name", PARAMETERS)
def test_values_are_right_by_the_table(name: str) -> None:
    """Every value of a parameter is right by its row; every listed word and both limits are drawn."""
    found = right(PARAMETERS[name].kind)
    assert [value for value in found if not is_right(name, value)] == []
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
def test_near_misses_are_wrong_by_the_table(name: str) -> None:
    """No near miss is right by the parameter's row, none is missing, and some are just beyond the limits or of another type."""
    parameter: Parameter = PARAMETERS[name]
    found = near(parameter.kind)
    assert [value for value in found if value is None or is_right(name, value)] == []
    if isinstance(parameter.kind, Integer):
        assert {int(ROWS[name]["minimum"]) - 1, int(ROWS[name]["maximum"]) + 1} <= {
            value for value in found if type(value) is int
        }
    if isinstance(parameter.kind, MultipleChoice):
        assert [] in found
    assert len({type(value) for value in found}) >= 4


def test_a_strange_kind_is_told() -> None:
    """For a kind of text that is none of the vocabulary's, no look is made up."""
    with pytest.raises(LookupError):
        kit.values(Text(pattern="[0-9]+"))
    with pytest.raises(LookupError):
        kit.near_misses(Text(pattern="[0-9]+"))
