"""The demo: one reservation's whole life, offline, told to a page.

It knows what happens and how the library is asked for it; it knows nothing of terminals. Every value in it is made up, so it may
be shown. The same story is told each time: the clock stands still.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Protocol
from urllib.parse import urlencode

from reservation_core import (
    Accept,
    Command,
    CommandNotAllowed,
    Complete,
    Conference,
    Gateway,
    Request,
    Reservation,
    Status,
    Wrap,
    conclude,
    fetch,
    perform,
    prepare,
    read_reservation,
)
from reservation_core.emulator import InMemoryGateway, ManualClock, Platform
from reservation_core.rest.messages import IF_MATCH

ASSIGNMENT_FORM: Final = urlencode(
    {
        "AccountSid": "AC" + "0" * 31 + "1",
        "WorkspaceSid": "WS" + "0" * 31 + "2",
        "TaskSid": "WT" + "0" * 31 + "3",
        "WorkerSid": "WK" + "0" * 31 + "4",
        "WorkerName": "alice",
        "ReservationSid": "WR" + "0" * 31 + "5",
    }
)
"""What the platform posts when it has reserved a worker."""

_NOON: Final = datetime(2030, 1, 1, 12, tzinfo=UTC)


class DemoOutput(Protocol):
    """What a story is told to."""

    def step(self, title: str) -> None:
        """Begin a step."""
        ...

    def say(self, text: str) -> None:
        """Tell something, wrapped to the page."""
        ...

    def refuse(self, text: str) -> None:
        """Tell a refusal."""
        ...

    def request(self, request: Request) -> None:
        """Show a whole request: method, path, headers, every pair of its form."""
        ...

    def change(self, before: Reservation, after: Reservation) -> None:
        """Show how a reservation stood, how it stands now, and what is allowed now."""
        ...


def run_demo(page: DemoOutput) -> None:
    """Tell the whole life of a reservation: read, refused, sent, on hold, reported, wrapped up, completed."""
    platform = Platform(ManualClock(_NOON))
    gateway = InMemoryGateway(platform)

    page.step("A worker is reserved: an assignment callback comes in, and is read")
    page.say(ASSIGNMENT_FORM)
    reserved = read_reservation(ASSIGNMENT_FORM)
    sid = platform.add(reserved).sid or ""
    reservation = fetch(reserved, gateway)
    page.say("It names no version, so the reservation is fetched:")
    page.change(reserved, reservation)

    page.step("Wrap it up now? Refused, and nothing is sent")
    try:
        perform(reservation, Wrap(), gateway)
    except CommandNotAllowed as refusal:
        page.refuse(str(refusal))

    page.step("Call the worker into a conference")
    conference = Conference(
        to="client:alice",
        from_="+15005550006",
        status_callback="https://example.com/leg",
        status_callback_event=["initiated", "answered"],
        end_conference_on_exit=True,
    )
    page.say(f"A repr masks what is personal or secret: {conference!r}")
    page.say("The whole request, shown because its values are made up:")
    request = prepare(reservation, conference)
    page.request(request)
    before, reservation = reservation, conclude(reservation, conference, gateway.send(request))
    page.change(before, reservation)

    page.step("Accept it as well, while it is on hold? Refused, and nothing is sent")
    try:
        perform(reservation, Accept(), gateway)
    except CommandNotAllowed as refusal:
        page.refuse(str(refusal))

    page.step("The worker answers: a fact, nobody's command, and a fetch brings it")
    platform.set_status(sid, Status.ACCEPTED)
    before, reservation = reservation, fetch(reservation, gateway)
    page.change(before, reservation)

    page.step("Now it can be wrapped up")
    reservation = _ask(page, gateway, reservation, Wrap())

    page.step("And completed")
    _ask(page, gateway, reservation, Complete())


def _ask(
    page: DemoOutput, gateway: Gateway, reservation: Reservation, command: Command
) -> Reservation:
    request = prepare(reservation, command)
    pairs = "&".join(f"{name}={value}" for name, value in request.form)
    page.say(f"{request.method} to the same path, {IF_MATCH}: {request.headers[IF_MATCH]}, {pairs}")
    after = conclude(reservation, command, gateway.send(request))
    page.change(reservation, after)
    return after
