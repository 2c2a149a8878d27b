"""Demo: one reservation from assignment to completion, offline on the emulated platform.

All values are made up, so they may be shown. The clock stands still, so the output is always the
same.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from reservation_core import (
    Accept,
    Command,
    CommandNotAllowed,
    Complete,
    Conference,
    Gateway,
    Reservation,
    Status,
    Wrap,
    conclude,
    fetch,
    perform,
    prepare,
    read_reservation,
)
from reservation_core.cli.console import TerminalOutput
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
"""The assignment callback that the platform sends when it has reserved a worker."""

_NOON: Final = datetime(2030, 1, 1, 12, tzinfo=UTC)


def run_demo(output: TerminalOutput) -> None:
    """Print one reservation: read, refused, sent, on hold, accepted, wrapping, completed."""
    output.write_wrapped(
        "One reservation from assignment to completion, offline, with made-up values.",
        "bold",
        indent=0,
    )
    platform = Platform(ManualClock(_NOON))
    gateway = InMemoryGateway(platform)

    output.write_step("A worker is reserved: the assignment callback is received and read")
    output.write_wrapped(ASSIGNMENT_FORM)
    assigned = read_reservation(ASSIGNMENT_FORM)
    sid = platform.add(assigned).sid or ""
    reservation = fetch(assigned, gateway)
    output.write_wrapped("It contains no version, so the reservation is fetched:")
    output.write_change(assigned, reservation)

    output.write_step("Wrap is refused now, and nothing is sent")
    _perform_refused(output, gateway, reservation, Wrap())

    output.write_step("The worker is called into a conference")
    conference = Conference(
        to="client:alice",
        from_="+15005550006",
        status_callback="https://example.com/leg",
        status_callback_event=["initiated", "answered"],
        end_conference_on_exit=True,
    )
    output.write_wrapped(f"A repr masks personal and secret values: {conference!r}")
    output.write_wrapped("The whole request, shown because its values are made up:")
    request = prepare(reservation, conference)
    output.write_request(request)
    before, reservation = reservation, conclude(reservation, conference, gateway.send(request))
    output.write_change(before, reservation)

    output.write_step("Accept is refused during the hold, and nothing is sent")
    _perform_refused(output, gateway, reservation, Accept())

    output.write_step("The worker answers, without any command, and a fetch shows it")
    platform.set_status(sid, Status.ACCEPTED)
    before, reservation = reservation, fetch(reservation, gateway)
    output.write_change(before, reservation)

    output.write_step("Wrap is allowed now")
    reservation = _perform_shown(output, gateway, reservation, Wrap())

    output.write_step("The reservation is completed")
    _perform_shown(output, gateway, reservation, Complete())


def _perform_refused(
    output: TerminalOutput, gateway: Gateway, reservation: Reservation, command: Command
) -> None:
    try:
        perform(reservation, command, gateway)
    except CommandNotAllowed as refusal:
        output.write_wrapped(str(refusal), "red")


def _perform_shown(
    output: TerminalOutput, gateway: Gateway, reservation: Reservation, command: Command
) -> Reservation:
    request = prepare(reservation, command)
    form = "&".join(f"{name}={value}" for name, value in request.form)
    version = request.headers[IF_MATCH]
    output.write_wrapped(f"{request.method} to the same path, {IF_MATCH}: {version}, {form}")
    after = conclude(reservation, command, gateway.send(request))
    output.write_change(reservation, after)
    return after
