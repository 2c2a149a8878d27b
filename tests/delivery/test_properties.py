"""Whatever lives reservations lead, what is held is what the platform reports, and what is refused changes nothing."""

import json
from itertools import pairwise
from typing import Final
from urllib.parse import parse_qsl

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservation_core import (
    Address,
    Command,
    CommandNotAllowed,
    InvalidCommand,
    LostRace,
    Reply,
    Request,
    Reservation,
    Route,
    Status,
    Supervise,
    fetch,
    list_reservations,
    perform,
    prepare,
    prepare_fetch,
    read_reservation,
)
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.emulator import InMemoryGateway, Platform, Settings, StateConflict
from reservation_core.testing.strategies import commands, reservations
from tests.emulator.clocks import Ticking
from tests.reference.oracle import rows

ENDS: Final = {"rejected", "timeout", "canceled", "rescinded", "completed"}
FACTS: Final = {(row["from"], row["to"]) for row in rows("facts")}
REACHABLE: Final = {
    (row["before"], row["after"]) for row in rows("reachable") if row["reachable"] == "yes"
}


class Watched(InMemoryGateway):
    """A gateway that counts what it is sent, to a platform whose clock goes on by a second each time it is read."""

    def __init__(self) -> None:
        super().__init__(
            Platform(Ticking(), settings=Settings(reservation_timeout=86_400, delete_after=86_400))
        )
        self.sent = 0

    def send(self, request: Request) -> Reply:
        """Count, then answer."""
        self.sent += 1
        return super().send(request)


def as_reported(held: Reservation, read: Reservation) -> Reservation:
    """Write what the platform holds as it is reported on the route that ``read`` came by."""
    etag = held.etag if "/Tasks/" in (read.url or "") else None
    return attrs.evolve(held, url=read.url, links=read.links, etag=etag)


class Life:
    """Up to three reservations of one task, each as the platform holds it and as a client does, over one route."""

    def __init__(self, first: Reservation, number: int, route: Route) -> None:
        self.gateway = Watched()
        self.route = route
        self.known: dict[str, Reservation] = {}
        self.stale: set[str] = set()
        self.told: dict[str, list[str]] = {}
        for own in range(number):
            held = self.platform.add(
                attrs.evolve(
                    first, sid=f"WR{own:032x}", worker_sid=f"WK{own:032x}", status=Status.PENDING
                )
            )
            self.told[str(held.sid)] = []
            self.read(
                Address(
                    sid=held.sid,
                    workspace_sid=held.workspace_sid,
                    task_sid=held.task_sid,
                    worker_sid=held.worker_sid,
                )
            )

    @property
    def platform(self) -> Platform:
        """The platform that it is lived on."""
        return self.gateway.platform

    def read(self, where: Reservation | Address) -> None:
        """Fetch one reservation and hold it."""
        self.hold(fetch(where, self.gateway, route=self.route))

    def hold(self, reservation: Reservation) -> None:
        """Hold what was read, which is fresh."""
        self.known[str(reservation.sid)] = reservation
        self.stale.discard(str(reservation.sid))

    def happened(self, before: tuple[Reservation, ...]) -> None:
        """Note whose reservations have changed behind the client's back."""
        self.stale |= {
            str(now.sid) for old, now in zip(before, self.platform.all(), strict=True) if old != now
        }

    def ask(self, data: st.DataObject, sid: str) -> None:
        """Ask for a command that is legal as far as the client knows."""
        known = self.known[sid]
        kinds = [
            kind for kind in known.allowed if not (kind is Supervise and self.route is Route.WORKER)
        ]
        if not kinds:
            return
        before, command = self.platform.all(), data.draw(commands(*kinds))
        was_stale = sid in self.stale
        try:
            answer = perform(known, command, self.gateway, route=self.route)
        except LostRace:
            assert was_stale
            assert self.platform.all() == before
            self.read(known)
        else:
            self.happened(before)
            self.hold(answer)

    def ask_in_vain(self, data: st.DataObject, sid: str) -> None:
        """Ask for a command that is not legal: nothing is sent and nothing changes."""
        known = self.known[sid]
        before, sent, command = (
            self.platform.all(),
            self.gateway.sent,
            data.draw(commands(*set(COMMANDS) - set(known.allowed))),
        )
        with pytest.raises(CommandNotAllowed):
            perform(known, command, self.gateway, route=self.route)
        assert (self.platform.all(), self.gateway.sent, self.known[sid]) == (before, sent, known)

    def report(self, data: st.DataObject, sid: str) -> None:
        """Let a fact happen, or not happen where it cannot."""
        before, state = self.platform.all(), self.platform.get(sid).state
        possible = [fact for fact in Status if (state, fact) in FACTS]
        fact = data.draw(st.sampled_from(possible or Status) | st.sampled_from(Status))
        if fact in possible:
            assert self.platform.set_status(sid, fact).status is fact
            self.happened(before)
        else:
            with pytest.raises(StateConflict):
                self.platform.set_status(sid, fact)
            assert self.platform.all() == before

    def refresh(self, data: st.DataObject, sid: str) -> None:
        """Fetch what the client holds, and in passing whatever else."""
        for other in {sid} | data.draw(st.sets(st.sampled_from(sorted(self.known)))):
            self.read(self.known[other])

    def check(self) -> None:
        """Compare what the client holds with what the platform does, and note where everything stands."""
        for sid, known in self.known.items():
            held = self.platform.get(sid)
            if sid not in self.stale:
                assert known == as_reported(held, known)
            assert (known.status.value, held.status.value) in REACHABLE
            self.told[sid].append(held.status.value)


@given(st.data(), reservations(), st.integers(1, 3), st.sampled_from(Route))
@settings(max_examples=150, deadline=None)
def test_what_is_held_is_what_the_platform_reports(
    data: st.DataObject, first: Reservation, number: int, route: Route
) -> None:
    """Through any life of commands, facts, siblings and late news, the client holds what it was told, and an end is an end."""
    life = Life(first, number, route)
    life.check()
    steps = {
        "ask": life.ask,
        "ask in vain": life.ask_in_vain,
        "report": life.report,
        "refresh": life.refresh,
    }
    for step in data.draw(
        st.lists(st.sampled_from(["ask", "ask", "report", *steps]), min_size=4, max_size=18)
    ):
        steps[step](data, data.draw(st.sampled_from(sorted(life.known))))
        life.check()
    for told in life.told.values():
        assert set(pairwise(told)) <= REACHABLE
        ended = [number for number, status in enumerate(told) if status in ENDS]
        assert len({told[number] for number in ended}) <= 1
        assert not ended or set(told[ended[0] :]) <= ENDS


@given(reservations(), commands(), st.sampled_from(Route))
@settings(max_examples=200)
def test_one_step_is_taken_or_refused(
    reservation: Reservation, command: Command, route: Route
) -> None:
    """From any reservation any command is either carried out and held as reported, or refused with nothing sent and nothing changed."""
    gateway = Watched()
    held = gateway.platform.add(reservation)
    if reservation.allows(command) and not (
        isinstance(command, Supervise) and route is Route.WORKER
    ):
        answer = perform(held, command, gateway, route=route)
        assert gateway.sent == 1
        assert answer == as_reported(gateway.platform.get(str(held.sid)), answer)
        assert gateway.platform.get(str(held.sid)).etag == "1"
        return
    with pytest.raises((CommandNotAllowed, InvalidCommand)):
        perform(held, command, gateway, route=route)
    assert gateway.sent == 0
    assert gateway.platform.all() == (held,)


@given(reservations())
@settings(max_examples=100)
def test_what_is_written_reads_back_the_same(reservation: Reservation) -> None:
    """The platform's own body of any reservation is read as the reservation it holds, from a fetch and from a list, on both routes."""
    gateway = Watched()
    held = gateway.platform.add(reservation)
    reply = gateway.send(prepare_fetch(held))
    assert read_reservation(reply.body, etag=reply.etag) == held
    assert read_reservation(reply.body.decode(), etag=reply.etag) == held
    assert read_reservation(json.loads(reply.body), etag=reply.etag) == held
    on_worker_route = fetch(held, gateway, route="worker")
    assert on_worker_route == as_reported(held, on_worker_route)
    workspace = str(held.workspace_sid)
    assert [*list_reservations(gateway, workspace_sid=workspace, task_sid=held.task_sid)] == [
        attrs.evolve(held, etag=None)
    ]
    assert [*list_reservations(gateway, workspace_sid=workspace, worker_sid=held.worker_sid)] == [
        on_worker_route
    ]


@given(reservations(), commands(), st.sampled_from(Route))
@settings(max_examples=150)
def test_what_is_sent_reads_back_the_same(
    reservation: Reservation, command: Command, route: Route
) -> None:
    """The bytes of any request are read back as its pairs, and the pairs as the command."""
    if not reservation.allows(command) or isinstance(command, Supervise):
        reservation, route = attrs.evolve(reservation, status="pending"), Route.TASK
    if not reservation.allows(command):
        reservation = attrs.evolve(reservation, status="accepted")
    request = prepare(reservation, command, route=route)
    assert request.body.isascii()
    assert tuple(parse_qsl(request.body.decode(), keep_blank_values=True)) == request.form
    assert Command.from_form(request.form) == command
