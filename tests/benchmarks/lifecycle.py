"""Rows 1 to 3: decide, ask and hold many reservations, beside ``transitions``."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, cast

import attrs
from transitions import Machine, MachineError

from reservation_core import ON_HOLD, Accept, Conference, Reservation, Status, decide
from reservation_core.domain.lifecycle import COMMAND_EDGES, FACT_EDGES
from reservation_core.domain.reservation import Links
from tests.benchmarks import samples
from tests.benchmarks.measure import Comparison, Effort, clock, weigh

_STATES = [*(status.value for status in Status), ON_HOLD]


def _machine(model: object = None) -> Machine:
    """Build the same lifecycle without automatic transitions, event data or queue."""
    machine = Machine(
        model=model,
        states=_STATES,
        initial="pending",
        auto_transitions=False,
        ignore_invalid_triggers=False,
    )
    for edge in (*COMMAND_EDGES, *FACT_EDGES):
        only = None if edge.accept is None else "is_accepting"
        machine.add_transition(
            edge.trigger,
            str(edge.source),
            str(edge.target),
            conditions=only if edge.accept else None,
            unless=None if edge.accept else only,
        )
    return machine


# --- row 1 ---------------------------------------------------------------------------------------


class _Model:
    """The smallest model that ``transitions`` can move: slotted and unbound."""

    __slots__ = ("accept", "state")

    def __init__(self) -> None:
        self.state = "pending"
        self.accept = False

    def is_accepting(self) -> bool:
        """Answer the guards of call and redirect."""
        return self.accept


def decide_and_renew(effort: Effort) -> list[Comparison]:
    """Take one legal step, and be refused one illegal step.

    Ours: ``decide`` on an accept, the new entity with all of its fields, ``decide`` on a conference
    that is no longer an edge. The peer: the events triggered on one slotted model, the second one's
    ``MachineError`` caught. It moves the model in place and makes no new entity, so it does less.
    Both end accepted, and refuse.
    """
    pending = samples.pending()
    model, events = _Model(), _machine().events

    def ours() -> tuple[str, bool]:
        edge = decide(pending.state, Accept.trigger).edge
        assert edge is not None
        after = pending.with_status(
            Status(edge.target), etag=pending.etag, date_updated=pending.date_updated
        )
        return after.status, decide(after.state, Conference.trigger).edge is None

    def peer() -> tuple[str, bool]:
        model.state = "pending"
        events["accept"].trigger(model)
        try:
            events["conference"].trigger(model)
        except MachineError:
            return model.state, True
        return model.state, False

    assert ours() == peer() == ("accepted", True)
    return [
        Comparison(
            row=1,
            measure="decide + new entity, legal and illegal",
            against="transitions, slotted model, events[t].trigger",
            ours=clock(ours, effort),
            peer=clock(peer, effort),
            reach=5,
        )
    ]


# --- rows 2 and 3 --------------------------------------------------------------------------------


@dataclass(eq=False)
class _Held:
    """The reservation of a ``transitions`` user: the same fields and a machine's state."""

    sid: str | None
    account_sid: str | None
    workspace_sid: str | None
    task_sid: str | None
    worker_sid: str | None
    worker_name: str | None
    date_created: datetime | None
    date_updated: datetime | None
    url: str | None
    links: Links | None
    etag: str | None
    accept: bool = False

    def is_accepting(self) -> bool:
        """Answer the guards of call and redirect."""
        return self.accept


class _MayConference(Protocol):
    def may_conference(self) -> bool:
        """Say whether the trigger is allowed now."""
        ...


def _fields() -> dict[str, object]:
    fields = {
        field.name: getattr(samples.pending(), field.name) for field in attrs.fields(Reservation)
    }
    state = ("status", "on_hold", "on_hold_since")  # the machine sets it
    return {name: value for name, value in fields.items() if name not in state}


def _held(fields: dict[str, object]) -> _Held:
    return _Held(**fields)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def is_it_allowed(effort: Effort) -> list[Comparison]:
    """Ask ``reservation.allows(Conference)``, or ``may_conference()`` of a model."""
    pending = samples.pending()
    model = _held(_fields())
    _machine(model)
    may = cast("_MayConference", model)

    def ours() -> bool:
        return pending.allows(Conference)

    def peer() -> bool:
        return may.may_conference()

    assert ours() is peer() is True
    return [
        Comparison(
            row=2,
            measure="is it allowed",
            against="transitions, model.may_conference()",
            ours=clock(ours, effort),
            peer=clock(peer, effort),
            reach=15,
        )
    ]


def weight(effort: Effort) -> list[Comparison]:
    """Weigh a live reservation among 100,000.

    The peers' weight grows evenly, so 2,000 and 200 of them are weighed. Ours:
    :class:`Reservation`. The peers: a data class with the same fields, added to one machine
    (``add_model``) or given a machine each. All instances share the values of the fields, so these
    weigh nothing on either side.
    """
    fields = _fields()
    shared = _machine()

    def ours() -> Reservation:
        return Reservation(**fields, status=Status.PENDING)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    def added() -> object:
        shared.add_model(model := _held(fields))
        return model

    def machine_each() -> object:
        _machine(model := _held(fields))
        return model

    names = [*fields, "state"]
    told = [[getattr(made, name) for name in names] for made in (ours(), added(), machine_each())]
    assert told[0] == told[1] == told[2]
    return [
        Comparison(
            row=3,
            measure="bytes per live reservation, 100,000",
            against=against,
            ours=weigh(ours, effort.instances),
            peer=weigh(peer, max(10, effort.instances // fraction)),
            reach=reach,
            unit="B",
        )
        for against, peer, fraction, reach in (
            ("transitions, add_model", added, 50, 60),
            ("transitions, a Machine each", machine_each, 500, 140),
        )
    ]
