import asyncio
from contextlib import suppress

import attrs
import pytest

from reservation_core import (
    Accept,
    Call,
    Command,
    Complete,
    Conference,
    GatewayError,
    NotSent,
    Reject,
    Reply,
    Request,
    Reservation,
    Status,
    Wrap,
    aperform,
    fetch,
    perform,
    prepare,
    read_reservation,
)
from reservation_core.emulator import InMemoryGateway, Platform
from reservation_core.testing.stateful.monitor import ServiceMonitor, UpdateRecorder

SIDS = {
    "account_sid": "AC",
    "workspace_sid": "WS",
    "task_sid": "WT",
    "worker_sid": "WK",
    "sid": "WR",
}
RESERVED = read_reservation(
    {"reservation_status": "pending"} | {name: prefix + "0" * 32 for name, prefix in SIDS.items()}
)
CALL = Call(from_="+15005550006", url="https://example.com/voice")


class Service:
    """A monitored service with one reservation.

    ``outcome`` replaces its network's outcomes.
    """

    def __init__(self) -> None:
        self.platform = Platform()
        self.held = self.platform.add(RESERVED)
        self.outcome: GatewayError | Reply | None = None
        self.recorder = UpdateRecorder(
            InMemoryGateway(self.platform), lambda _request, _reply: None
        )
        self.shown: list[str] = []
        self.monitor = ServiceMonitor(self, self.recorder, lambda _: "it", self.shown.append)
        self.monitor.learn(RESERVED)

    def send(self, request: Request) -> Reply:
        """Send a request through the network."""
        reply = Reply(500) if isinstance(self.outcome, NotSent) else self.recorder.send(request)
        if isinstance(self.outcome, GatewayError):
            raise self.outcome
        return self.outcome or reply

    async def asend(self, request: Request) -> Reply:
        """Send a request through the network."""
        return self.send(request)

    def post(self, command: Command, held: Reservation = RESERVED) -> None:
        """Send a command without asking the lifecycle."""
        before = Status.ACCEPTED if isinstance(command, (Wrap, Complete)) else Status.PENDING
        with suppress(GatewayError):
            self.monitor.send(prepare(attrs.evolve(held, status=before, on_hold=False), command))

    @property
    def problems(self) -> list[str]:
        """Broken rules so far."""
        return self.monitor.problems


@pytest.fixture
def service() -> Service:
    """Return a monitored service."""
    return Service()


def test_legal_commands_and_other_requests_are_no_problem(service: Service) -> None:
    held = perform(service.held, Accept(), service.monitor)
    held = asyncio.run(aperform(fetch(held, service.monitor), Wrap(), service.monitor))
    service.monitor.send(Request("GET", "/v1/Workspaces/WS0/Tasks/WT0/Reservations"))
    service.monitor.send(Request("POST", "/elsewhere"))
    assert service.problems == []


@pytest.mark.parametrize(
    "outcome",
    [GatewayError("reset"), Reply(500), Reply(200, body=b"<html>")],
    ids=["reset", "500", "unreadable"],
)
def test_blind_repeat_is_a_problem(service: Service, outcome: GatewayError | Reply) -> None:
    service.outcome = outcome
    service.post(Accept())
    assert service.problems == []
    service.outcome = None
    service.post(Accept())
    (problem,) = service.problems
    assert problem == (
        "it: accept was sent while the outcome of an earlier command was unknown."
        " Read the reservation first"
    )


def test_async_blind_repeat_is_a_problem(service: Service) -> None:
    service.outcome = GatewayError("reset")
    for _ in range(2):
        with pytest.raises(GatewayError):
            asyncio.run(service.monitor.asend(prepare(RESERVED, Accept())))
    assert len(service.problems) == 1


def test_repeat_after_a_read_is_no_problem(service: Service) -> None:
    service.outcome = GatewayError("reset")
    # refused for its version; the service does not learn that
    service.post(Reject(), attrs.evolve(service.held, etag="99"))
    service.outcome = None
    assert fetch(RESERVED, service.monitor).status is Status.PENDING
    service.post(Accept())
    assert service.problems == []


def test_command_after_a_newer_event_is_no_problem(service: Service) -> None:
    service.outcome = GatewayError("reset")
    service.post(Accept())
    service.outcome = None
    service.monitor.learn(service.platform.get(str(RESERVED.sid)))
    service.monitor.learn(RESERVED)  # an old event teaches nothing
    service.post(Wrap())
    assert service.problems == []


@pytest.mark.parametrize(
    ("outcome", "has_version"),
    [(GatewayError("reset"), True), (NotSent("no connection"), False)],
    ids=["with a version", "not sent"],
)
def test_repeat_that_cannot_act_twice_is_no_problem(
    service: Service, outcome: GatewayError, *, has_version: bool
) -> None:
    service.outcome = outcome
    for _ in range(2):
        service.post(Accept(), service.held if has_version else RESERVED)
    assert service.problems == []


def test_command_after_the_reported_end_is_a_problem(service: Service) -> None:
    service.platform.set_status(str(RESERVED.sid), Status.CANCELED)
    service.post(Accept())
    assert service.problems == []  # the end was not reported yet
    service.monitor.learn(service.platform.get(str(RESERVED.sid)))
    service.post(Accept())
    assert service.problems == ["it: accept was sent although the reservation had ended (canceled)"]


def test_second_answer_while_on_hold_is_a_problem(service: Service) -> None:
    service.post(Conference(to="client:alice"))
    fetch(RESERVED, service.monitor)  # shows it pending, and does not end the hold
    service.post(Accept())
    (problem,) = service.problems
    assert problem.startswith(
        "it: accept was sent although it is not allowed: accept is refused while on hold"
    )


def test_repeated_act_is_a_problem_unless_the_network_repeats_it(service: Service) -> None:
    request = prepare(RESERVED, CALL)
    service.recorder.send(request)
    service.recorder.send(request)
    service.post(Call(from_="+15005550006", url="https://example.com/other"))
    assert service.problems == []
    service.post(CALL)
    assert service.problems == ["it: the same command acted 2 times"]


def test_every_exchange_is_shown_without_values(service: Service) -> None:
    service.post(Accept())
    service.post(Accept())
    fetch(RESERVED, service.monitor)
    service.outcome = GatewayError("reset")
    service.post(CALL)
    service.outcome = NotSent("no connection")
    service.post(CALL)
    service.outcome = None
    path = prepare(RESERVED, Accept()).path
    service.monitor.send(Request("POST", path, form=(("From", "+15005550006"),)))
    service.monitor.send(Request("GET", "/v1/Workspaces/WS0/Tasks/WT0/Reservations?PageSize=1"))
    assert service.shown == [
        "it: POST accept -> accepted",
        "it: POST accept -> 400",
        "it: GET -> accepted",
        "it: POST call -> reset",
        "it: POST call -> no connection",
        "it: POST -> 400",
        "GET /v1/Workspaces/WS0/Tasks/WT0/Reservations -> 200, no reservation in it",
    ]
