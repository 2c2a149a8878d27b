"""The scripted gateway of the delivery tests, and the values they share."""

from __future__ import annotations

import json
from typing import Any, Final

import attrs
import pytest

from reservation_core import (
    Accept,
    Attempt,
    Call,
    Caution,
    Command,
    Conference,
    GatewayError,
    Observer,
    Policy,
    Reply,
    Request,
    Reservation,
    ReservationError,
    Status,
    Supervise,
    perform,
)
from reservation_core.delivery.observer import NO_OBSERVER
from reservation_core.testing.faults import VirtualClock
from reservation_core.testing.recording import RecordingGateway, ScriptedReply
from tests.campaigns.delivery_cases import SID, WHERE

PENDING: Final = attrs.evolve(WHERE, etag="3")
ACCEPTED: Final = attrs.evolve(PENDING, status=Status.ACCEPTED)
CALL: Final = Call(from_="+15005550006", url="https://example.com")
CONFERENCE: Final = Conference(to="client:alice")
SUPERVISE: Final = Supervise(supervisor=f"WK{'0' * 32}", supervisor_mode="monitor")
TIMED_OUT: Final = GatewayError("no whole reply")
STALE: Final = Reply(412)
NOT_PENDING: Final = Reply(
    400,
    {},
    b'{"message": "Reservation WR not in expected state [pending] '
    b'and cannot be updated to [onHold]"}',
)
ALREADY_ACCEPTED: Final = Reply(
    400,
    {},
    b'{"message": "Reservation WR is already in state [accepted] '
    b'and cannot be updated to [accepted]"}',
)
SECRET: Final = Conference(to="+15005550001", from_="+15005550006", sip_auth_password="hush-hush")


def shows(status: Status | str, etag: str | None = None) -> Reply:
    """Make the reply that shows the reservation in a status."""
    body = {"reservation_status": Status(status).value, "sid": SID}
    return Reply(200, {} if etag is None else {"ETag": etag}, json.dumps(body).encode())


class ScriptedGateway(RecordingGateway):
    """The kit's scripted gateway in virtual time.

    :param takes: seconds that each exchange takes.
    :param origin: the origin that the gateway declares, if any.
    """

    def __init__(
        self, *answers: ScriptedReply, takes: float = 0.0, origin: str | None = None
    ) -> None:
        super().__init__()
        self.script(*answers)
        self.answers = answers
        self.takes = takes
        self.origin = origin
        self.clock = VirtualClock()
        self.pauses: list[float] = []

    def send(self, request: Request) -> Reply:
        """Send one request."""
        self.clock.sleep(self.takes)
        return super().send(request)

    async def asend(self, request: Request) -> Reply:
        """Send one request in an event loop."""
        self.clock.sleep(self.takes)
        return await super().asend(request)

    def sleep(self, seconds: float) -> None:
        """Record a pause."""
        self.pauses.append(seconds)
        self.clock.sleep(seconds)

    async def asleep(self, seconds: float) -> None:
        """Record a pause in an event loop."""
        self.sleep(seconds)

    @property
    def methods(self) -> str:
        """The methods of the requests: P for the command, G for fetches."""
        return "".join(request.method[0] for request in self.requests)


class RecordingObserver(Observer):
    """Keeps a line for each call of a hook."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def before_attempt(self, attempt: Attempt) -> None:
        self.lines.append(f"before {attempt.number} {attempt.outcome}")

    def after_attempt(self, attempt: Attempt) -> None:
        self.lines.append(f"after {attempt.number} {attempt.outcome}")

    def cautioned(self, caution: Caution) -> None:
        self.lines.append(f"caution {caution}")

    def reconciled(self, reservation: Reservation, result: str) -> None:
        self.lines.append(f"fetched {reservation.status}: {result}")

    def gave_up(self, error: ReservationError) -> None:
        self.lines.append(type(error).__name__)


def deliver(
    gateway: ScriptedGateway,
    reservation: Reservation = PENDING,
    command: Command | None = None,
    observer: Observer = NO_OBSERVER,
    resume: bool = False,
    **policy: Any,
) -> Reservation:
    """Deliver a command twice, with and without an observer. Both must agree.

    Every pause is drawn as one half of its maximum.
    """

    def run(through: ScriptedGateway, observer: Observer) -> Reservation | ReservationError:
        try:
            return perform(
                reservation,
                command or Accept(),
                through,
                policy=Policy(**policy),
                observer=observer,
                resume=resume,
                clock=through.clock,
                sleep=through.sleep,
                random=lambda: 0.5,
            )
        except ReservationError as error:
            return error

    twin = ScriptedGateway(*gateway.answers, takes=gateway.takes)
    result, expected = run(gateway, observer), run(twin, Observer())
    assert (result, gateway.requests, gateway.pauses) == (expected, twin.requests, twin.pauses)
    if isinstance(result, Reservation):
        return result
    assert getattr(result, "attempts", None) == getattr(expected, "attempts", None)
    raise result


def fails(
    gateway: ScriptedGateway, kind: type[ReservationError], *arguments: Any, **more: Any
) -> Any:
    """Deliver a command and return its error, of exactly this class."""
    with pytest.raises(kind) as caught:
        deliver(gateway, *arguments, **more)
    assert type(caught.value) is kind
    return caught.value
