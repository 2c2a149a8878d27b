"""Classes that compare, hash and show by their fields do so as attrs itself would have them do."""

import pickle
from typing import Any, Final

import attrs
import pytest

from reservation_core import Fault, Headers, Reply, Request, ServerFailed
from reservation_core.errors import Refused
from reservation_core.fields import ByFields


@attrs.frozen(eq=False, repr=False)
class Ours(ByFields):
    """A class of ours."""

    name: str
    hidden: str = attrs.field(default="h", repr=False)
    masked: str = attrs.field(default="m", repr=lambda text: f"<{len(text)}>")
    aside: int = attrs.field(default=0, eq=False)


@attrs.frozen
class Theirs:
    """The same, left to attrs."""

    name: str
    hidden: str = attrs.field(default="h", repr=False)
    masked: str = attrs.field(default="m", repr=lambda text: f"<{len(text)}>")
    aside: int = attrs.field(default=0, eq=False)


class Heir(Ours):
    """A class that declares nothing of its own."""


GIVEN: Final[list[tuple[Any, ...]]] = [("a",), ("b",), ("a", "x"), ("a", "h", "xyz"), ("a", "h", "m", 1), ("it's", "h", "m", 1)]


@pytest.mark.parametrize("one", GIVEN, ids=repr)
def test_it_is_as_attrs_has_it(one: tuple[Any, ...]) -> None:
    """Equality, hash and text are those of a class whose methods attrs has written."""
    ours, theirs = Ours(*one), Theirs(*one)
    for other in GIVEN:
        same = theirs == Theirs(*other)
        assert (ours == Ours(*other)) is same
        assert (hash(ours) == hash(Ours(*other))) is same
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert pickle.loads(pickle.dumps(ours)) == ours == attrs.evolve(ours)


def test_only_the_same_class_is_equal() -> None:
    """An heir with the same fields is another value, and so is anything else."""
    assert Ours("a") != Heir("a")
    assert Heir("a") == Heir("a")
    assert repr(Heir("a")) == "Heir(name='a', masked=<1>, aside=0)"
    assert Ours("a") != ("a", "h", "m", 0)
    assert Refused(500) != ServerFailed(500)


def test_no_field_can_be_set() -> None:
    """Frozen they are by attrs itself, with slots and without."""
    for value in (Ours("a"), Fault("sid", "is missing"), Request("GET", "/"), Reply(200), Headers()):
        for name in (attrs.fields(type(value))[0].name, "another"):
            with pytest.raises(attrs.exceptions.FrozenInstanceError):
                setattr(value, name, "x")
