"""Docstrings of enum members."""

from __future__ import annotations

import inspect
import pickle
import pydoc
from enum import Enum
from typing import cast

from reservation_core import Evidence, Status
from reservation_core.domain.member_docs import document_members


@document_members
class Colour(Enum):
    """Colour of a light."""

    RED = "red"
    """Stop.

    Wait for green.
    """
    AMBER = "amber"
    GREEN, BLUE = "green", "blue"
    """Not the text of one member."""

    @property
    def is_red(self) -> bool:
        """True if it is red."""
        return self is Colour.RED


def test_member_has_the_string_below_it() -> None:
    assert Colour.RED.__doc__ == "Stop.\n\nWait for green."
    assert Status.RESCINDED.__doc__ == "Another reservation of the same task was accepted first."


def test_member_without_a_string_has_the_docstring_of_its_class() -> None:
    assert Colour.AMBER.__doc__ == Colour.GREEN.__doc__ == Colour.__doc__ == "Colour of a light."


def test_help_shows_the_members() -> None:
    text = pydoc.plain(pydoc.render_doc(Evidence))
    assert "Strength of the evidence for a rule, strongest first." in text
    for member in Evidence:
        assert str(member.__doc__) in text


def test_member_without_source_has_the_docstring_of_its_class() -> None:
    names: dict[str, object] = {"Enum": Enum, "document_members": document_members}
    exec("@document_members\nclass Built(Enum):\n  'Colour.'\n  RED = 1\n  'Stop.'", names)
    (red,) = cast("type[Enum]", names["Built"])
    assert red.__doc__ == "Colour."


def test_documented_enum_stays_an_enum() -> None:
    assert pickle.loads(pickle.dumps(Colour.RED)) is Colour.RED
    assert inspect.getdoc(Colour) == "Colour of a light."
    assert Colour("red").is_red
