"""The reservation as last reported: a frozen value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from reservation_core.domain.errors import CommandError

if TYPE_CHECKING:  # errors stand below everything; these names are only for the types of fields
    from reservation_core.domain.commands.base import Command
    from reservation_core.domain.lifecycle import Status
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.lifecycle import ON_HOLD, Decision, State, Status, decide
from reservation_core.domain.lifecycle import find_allowed_triggers as allowed_in


@attrs.frozen(slots=False, repr=False)
class CommandNotAllowed(CommandError):
    """A command is no step of the lifecycle from where the reservation stands.

    ``allowed`` holds the command classes that are; ``why`` is the reason with its evidence mark and source.
    """

    command: Command
    status: Status
    allowed: tuple[type[Command], ...]
    reason: str

    def __str__(self) -> str:
        """Name the command, the status, the reason and what may be asked instead."""
        instead = (
            ", ".join(command.__name__ for command in self.allowed)
            or "nothing; fetch the reservation to see whether it moved on"
        )
        return f"{type(self.command).__name__} is refused while {self.status}: {self.reason}. Allowed instead: {instead}."


"""The reservation as it was last reported: a frozen value, asked what is allowed and replaced, never changed."""


_BY_TRIGGER = {command.trigger: command for command in COMMANDS}


@attrs.frozen
class Links(Mapping[str, str]):
    """The addresses of the resources a reservation belongs to, by name (``task``, ``worker``, ``workspace``); hashable."""

    pairs: tuple[tuple[str, str], ...] = ()

    def __getitem__(self, name: str) -> str:
        """Give the address of that name."""
        return dict(self.pairs)[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return (name for name, _ in self.pairs)

    def __len__(self) -> int:
        """Count the addresses."""
        return len(self.pairs)

    def __repr__(self) -> str:
        """Write it like the mapping it is."""
        return repr(dict(self.pairs))


def _status(word: Status | str) -> Status:
    return (
        word if isinstance(word, Status) else Status(word)
    )  # to ask the class again would cost more than all other fields


@attrs.frozen(kw_only=True, weakref_slot=False)
class Reservation:
    """What we were last told of one reservation. Every field but the status may be unknown (``None``), as in the API description.

    :param status: what the platform said, never what we hope.
    :param worker_name: a person's name; never shown in a ``repr``.
    :param date_created: aware, in UTC; so is ``date_updated``.
    :param etag: the version, opaque; sent back as ``If-Match``.
    :param on_hold: an answer (a conference, a dequeue, an orchestrated accept) was taken and its outcome is not reported yet. The
        platform shows no status for this; a newer report clears it.
    """

    sid: str | None = None
    account_sid: str | None = None
    workspace_sid: str | None = None
    task_sid: str | None = None
    worker_sid: str | None = None
    worker_name: str | None = attrs.field(
        default=None, repr=lambda name: "None" if name is None else "<personal>"
    )
    status: Status = attrs.field(converter=_status)
    date_created: datetime | None = None
    date_updated: datetime | None = None
    url: str | None = attrs.field(default=None, repr=False)
    links: Links | None = attrs.field(default=None, repr=False)
    etag: str | None = None
    on_hold: bool = False

    def with_status(
        self,
        status: Status,
        *,
        on_hold: bool = False,
        etag: str | None = None,
        date_updated: datetime | None = None,
    ) -> Reservation:
        """Give the same reservation after a step; what the step does not tell is unknown.

        Everything else stays, and is spelled out: this is the change that is made most, and ``attrs.evolve`` takes four times as long.
        """
        made = ReservationBuilder()
        made.sid = self.sid
        made.account_sid = self.account_sid
        made.workspace_sid = self.workspace_sid
        made.task_sid = self.task_sid
        made.worker_sid = self.worker_sid
        made.worker_name = self.worker_name
        made.status = status
        made.date_created = self.date_created
        made.date_updated = date_updated
        made.url = self.url
        made.links = self.links
        made.etag = etag
        made.on_hold = on_hold
        return made.build()

    @property
    def state(self) -> State:
        """Where the reservation stands in the lifecycle: its status, or on hold."""
        return ON_HOLD if self.on_hold else self.status

    @property
    def allowed(self) -> tuple[type[Command], ...]:
        """The commands that may be asked now.

        >>> [command.__name__ for command in Reservation(status="wrapping").allowed]
        ['Supervise', 'Complete']
        """
        return tuple(_BY_TRIGGER[trigger] for trigger in allowed_in(self.state))

    def allows(self, command: Command | type[Command]) -> bool:
        """Whether this command, or one of this kind, may be asked now.

        >>> from reservation_core import Accept, Wrap
        >>> Reservation(status="pending").allows(Accept), Reservation(status="pending").allows(Wrap)
        (True, False)
        """
        return decide(self.state, command.trigger).edge is not None

    def explain(self, command: Command | type[Command]) -> Decision:
        """Say why this command, or one of this kind, is allowed or refused now: the edge or the ground, its evidence and its source."""
        return explain(self, command)


class ReservationBuilder:
    """A reservation before it is frozen: the same slots, every one to be filled, as its type says.

    It is for the two places that make reservations by the thousand: a frozen class is filled by a call for each of its thirteen fields,
    and that takes three times as long.
    """

    __slots__ = tuple(field.name for field in attrs.fields(Reservation))

    sid: str | None
    account_sid: str | None
    workspace_sid: str | None
    task_sid: str | None
    worker_sid: str | None
    worker_name: str | None
    status: Status
    date_created: datetime | None
    date_updated: datetime | None
    url: str | None
    links: Links | None
    etag: str | None
    on_hold: bool

    def build(self) -> Reservation:
        """Become the reservation."""
        draft: Any = self
        draft.__class__ = Reservation
        made: Reservation = draft
        return made


def explain(state: Reservation | State, command: Command | type[Command]) -> Decision:
    """Say why a command, or one of a kind, is allowed or refused for a reservation, or in a state.

    >>> from reservation_core import Status, Wrap
    >>> print(explain(Status.ACCEPTED, Wrap))
    wrap is allowed while accepted and sets wrapping: the work is done, after-work starts [observed: https://github.com/twilio/twilio-taskrouter.js].
    """
    where = state.state if isinstance(state, Reservation) else state
    return decide(where, command.trigger, isinstance(command, Command) and command.is_accepting)
