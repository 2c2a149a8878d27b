"""What is known of one parameter, and how a field's annotation says it.

A parameter is declared once, as a typed field of a command::

    timeout: Annotated[Seconds | None, ParameterInfo("How long the worker's phone rings.", default="60")] = None

The annotation holds the kind of value, what the parameter does, what the platform does without it, what it depends on, and what
sources dispute about it. The wire name is a law: the command's prefix and the field in CamelCase (``Dequeue`` + ``from_`` is
``DequeueFrom``).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import UnionType
from typing import TYPE_CHECKING, Annotated, NamedTuple, Union, get_args, get_origin

import attrs

from reservation_core.domain.commands.kinds import Kind
from reservation_core.domain.errors import Violation
from reservation_core.domain.evidence import Evidence, Source

if TYPE_CHECKING:
    from reservation_core.domain.commands.base import Command


class Interpretation(NamedTuple):
    """What one source says of a disputed rule."""

    statement: str
    source: Source


class Caution(NamedTuple):
    """A rule that sources dispute, or that is only inferred, met by this command: it is built and can be sent all the same.

    ``readings`` are the two ways to see it; ``taken`` is the one this library acts on.
    """

    parameter: str
    interpretations: tuple[Interpretation, Interpretation]
    applied: str
    evidence: Evidence = Evidence.DOCUMENTED

    def __str__(self) -> str:
        """Name the parameter, both readings with their sources, and the reading taken."""
        first, second = self.interpretations
        return f"{self.parameter}: {first.statement} ({first.source}); but {second.statement} ({second.source}). Taken here: {self.applied}."


class Dispute(NamedTuple):
    """A caution waiting for its case, which ``when`` tells from the parameter's value (``None`` when unset) and the command.

    Where the dispute is about the command itself, the command stands in the value's place.
    """

    condition: Callable[[object, Command], bool]
    interpretations: tuple[Interpretation, Interpretation]
    applied: str
    evidence: Evidence = Evidence.DOCUMENTED


class ParameterInfo(NamedTuple):
    """What is known of a parameter beyond its type.

    :param says: what it does, in one sentence.
    :param default: what the platform does when it is unset; documented here, never sent.
    :param needs: the field, or fields of which one, must be set for this one to matter (inferred: met by a caution, not refused).
    :param code: the platform's error number for a missing or bad value.
    :param spoken: its name in the assignment-callback dialect, where that is not the field's.
    :param disputes: the rules of it that sources dispute.
    """

    summary: str
    default: str | None = None
    depends_on: tuple[str, ...] = ()
    code: int | None = None
    callback_name: str | None = None
    disputes: tuple[Dispute, ...] = ()


@attrs.frozen
class Parameter:
    """One form parameter of one command, as its field declares it."""

    field: str
    wire_name: str
    kind: Kind
    is_required: bool
    info: ParameterInfo

    @property
    def callback_name(self) -> str:
        """Its name in the assignment-callback dialect."""
        return self.info.callback_name or self.field.rstrip("_")

    def find_violation(self, value: object) -> Violation | None:
        """Say which rule a value breaks, or ``None``."""
        if value is None:
            if not self.is_required:
                return None
            return Violation(
                self.wire_name,
                self.field,
                "is required",
                "nothing",
                f"give {self.kind.describe()}",
                self.info.code,
            )
        if (problem := self.kind.find_problem(value)) is None:
            return None
        return Violation(
            self.wire_name,
            self.field,
            problem.rule,
            self.kind.show(value),
            problem.remedy,
            self.info.code,
        )


class Rule(NamedTuple):
    """A rule over several parameters of one command, asked only when all of them are set and right by themselves.

    :param fields: the fields; their values are the arguments of ``broken``, and the first is the one to blame.
    :param broken: whether these values break it.
    """

    fields: tuple[str, ...]
    is_broken: Callable[..., bool]
    rule: str
    remedy: str


def camel_case(field: str) -> str:
    """Write a field's name as the platform writes a parameter's.

    >>> camel_case("end_conference_on_exit"), camel_case("from_")
    ('EndConferenceOnExit', 'From')
    """
    return "".join(word.capitalize() for word in field.split("_"))


def declared_parameters(declared: type, prefix: str) -> Iterator[Parameter]:
    """Read the parameters that a class's annotations declare, in order; one without a default is required."""
    for field, hint in inspect.get_annotations(declared, eval_str=True).items():
        kind, about = _read_hint(hint)
        yield Parameter(
            field, prefix + camel_case(field), kind, field not in declared.__dict__, about
        )


def _read_hint(hint: object) -> tuple[Kind, ParameterInfo]:
    """Take the kind and the description out of an annotation such as ``Annotated[Seconds | None, ParameterInfo(...)]``."""
    notes = list(_notes(hint))
    (kind,) = (note.bind(base) for base, note in notes if isinstance(note, Kind))
    (about,) = (note for _, note in notes if isinstance(note, ParameterInfo))
    return kind, about


def _notes(hint: object) -> Iterator[tuple[object, object]]:
    if get_origin(hint) is Annotated:
        base, *notes = get_args(hint)
        yield from ((base, note) for note in notes)
        yield from _notes(base)
    elif get_origin(hint) in (Union, UnionType):
        for arm in get_args(hint):
            yield from _notes(arm)
