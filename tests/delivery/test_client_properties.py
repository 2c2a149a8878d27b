"""Properties of the client functions on the emulated platform, in generated scenarios."""

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
    OutcomeUnknown,
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

TERMINAL: Final = {"rejected", "timeout", "canceled", "rescinded", "completed"}
FACTS: Final = {(row["from"], row["to"]) for row in rows("facts")}
REACHABLE: Final = {
    (row["before"], row["after"]) for row in rows("reachable") if row["reachable"] == "yes"
}


class CountingGateway(InMemoryGateway):
    """Counts requests. The platform's clock advances by a second at each reading."""

    def __init__(self) -> None:
        super().__init__(
            Platform(Ticking(), settings=Settings(reservation_timeout=86_400, delete_after=86_400))
        )
        self.sent = 0

    def send(self, request: Request) -> Reply:
        """Count a request and send it."""
        self.sent += 1
        return super().send(request)


def as_reported(held: Reservation, read: Reservation) -> Reservation:
    """Return the platform's reservation as reported on the route of ``read``."""
    etag = held.etag if "/Tasks/" in (read.url or "") else None
    return attrs.evolve(held, url=read.url, links=read.links, etag=etag)


class Scenario:
    """Up to three reservations of one task, on platform and client.

    ``known`` is the client's view by SID. ``stale`` names the reservations that changed since they
    were fetched. ``history`` keeps the statuses of each reservation on the platform.
    """

    def __init__(self, first: Reservation, number: int, route: Route) -> None:
        self.gateway = CountingGateway()
        self.platform = self.gateway.platform
        self.route = route
        self.known: dict[str, Reservation] = {}
        self.stale: set[str] = set()
        self.history: dict[str, list[str]] = {}
        for index in range(number):
            sid, worker_sid = f"WR{index:032x}", f"WK{index:032x}"
            held = self.platform.add(
                attrs.evolve(first, sid=sid, worker_sid=worker_sid, status=Status.PENDING)
            )
            self.history[str(held.sid)] = []
            self.fetch(
                Address(
                    sid=held.sid,
                    workspace_sid=held.workspace_sid,
                    task_sid=held.task_sid,
                    worker_sid=held.worker_sid,
                )
            )

    def fetch(self, where: Reservation | Address) -> None:
        """Fetch one reservation."""
        self.hold(fetch(where, self.gateway, route=self.route))

    def hold(self, reservation: Reservation) -> None:
        """Hold a reservation that was just reported."""
        self.known[str(reservation.sid)] = reservation
        self.stale.discard(str(reservation.sid))

    def mark_changed(self, before: tuple[Reservation, ...]) -> None:
        """Mark the reservations that changed on the platform as stale."""
        after = self.platform.all()
        self.stale |= {str(now.sid) for old, now in zip(before, after, strict=True) if old != now}

    def perform_allowed(self, data: st.DataObject, sid: str) -> None:
        """Perform a command that is allowed as far as the client knows."""
        known = self.known[sid]
        kinds = [
            kind for kind in known.allowed if not (kind is Supervise and self.route is Route.WORKER)
        ]
        if not kinds:
            return
        before, command = self.platform.all(), data.draw(commands(*kinds))
        was_stale = sid in self.stale
        try:
            after = perform(known, command, self.gateway, route=self.route)
        except (LostRace, OutcomeUnknown):
            assert was_stale
            assert self.platform.all() == before
            self.fetch(known)
        else:
            self.mark_changed(before)
            self.hold(after)

    def perform_refused(self, data: st.DataObject, sid: str) -> None:
        """Perform a command that is not allowed. Nothing changes."""
        known, before, sent = self.known[sid], self.platform.all(), self.gateway.sent
        command = data.draw(commands(*set(COMMANDS) - set(known.allowed)))
        with pytest.raises(CommandNotAllowed):
            perform(known, command, self.gateway, route=self.route)
        assert (self.platform.all(), self.gateway.sent, self.known[sid]) == (before, sent, known)

    def report(self, data: st.DataObject, sid: str) -> None:
        """Report a status on the platform, which refuses an impossible one."""
        before, state = self.platform.all(), self.platform.get(sid).state
        possible = [fact for fact in Status if (state, fact) in FACTS]
        fact = data.draw(st.sampled_from(possible or Status) | st.sampled_from(Status))
        if fact in possible:
            assert self.platform.set_status(sid, fact).status is fact
            self.mark_changed(before)
        else:
            with pytest.raises(StateConflict):
                self.platform.set_status(sid, fact)
            assert self.platform.all() == before

    def refresh(self, data: st.DataObject, sid: str) -> None:
        """Fetch the reservation and any others."""
        for other in {sid} | data.draw(st.sets(st.sampled_from(sorted(self.known)))):
            self.fetch(self.known[other])

    def check(self) -> None:
        """Compare the client's view with the platform, and record the statuses."""
        for sid, known in self.known.items():
            held = self.platform.get(sid)
            if sid not in self.stale:
                assert known == as_reported(held, known)
            assert (known.status.value, held.status.value) in REACHABLE
            self.history[sid].append(held.status.value)


@given(st.data(), reservations(), st.integers(1, 3), st.sampled_from(Route))
@settings(max_examples=60)
def test_client_holds_what_the_platform_reports_through_any_scenario(
    data: st.DataObject, first: Reservation, number: int, route: Route
) -> None:
    scenario = Scenario(first, number, route)
    scenario.check()
    steps = {
        "perform": scenario.perform_allowed,
        "perform refused": scenario.perform_refused,
        "report": scenario.report,
        "refresh": scenario.refresh,
    }
    names = st.sampled_from(["perform", "perform", "report", *steps])
    for name in data.draw(st.lists(names, min_size=4, max_size=18)):
        steps[name](data, data.draw(st.sampled_from(sorted(scenario.known))))
        scenario.check()
    for statuses in scenario.history.values():
        assert set(pairwise(statuses)) <= REACHABLE
        ends = [index for index, status in enumerate(statuses) if status in TERMINAL]
        assert len({statuses[index] for index in ends}) <= 1
        assert not ends or set(statuses[ends[0] :]) <= TERMINAL


@given(reservations(), commands(), st.sampled_from(Route))
@settings(max_examples=100)
def test_command_is_carried_out_or_refused_without_a_request(
    reservation: Reservation, command: Command, route: Route
) -> None:
    gateway = CountingGateway()
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
def test_reply_reads_back_as_the_platforms_reservation(reservation: Reservation) -> None:
    gateway = CountingGateway()
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
@settings(max_examples=100)
def test_request_reads_back_as_its_command(
    reservation: Reservation, command: Command, route: Route
) -> None:
    if not reservation.allows(command) or isinstance(command, Supervise):
        reservation, route = attrs.evolve(reservation, status="pending"), Route.TASK
    if not reservation.allows(command):
        reservation = attrs.evolve(reservation, status="accepted")
    request = prepare(reservation, command, route=route)
    assert request.body.isascii()
    assert tuple(parse_qsl(request.body.decode(), keep_blank_values=True)) == request.form
    assert Command.from_form(request.form) == command
