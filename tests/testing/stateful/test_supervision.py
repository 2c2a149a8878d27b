"""What the kit holds against a service, case by case, and what it does not."""

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
from reservation_core.testing.stateful.supervision import Arrivals, Supervision

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


def _ignore(_: Request, __: Reply) -> None:
    pass


class Watched:
    """A service's view of a platform with one reservation, through a network that can be broken: ``fails`` replaces each answer."""

    def __init__(self) -> None:
        self.platform = Platform()
        self.held = self.platform.add(RESERVED)
        self.fails: GatewayError | Reply | None = None
        self.arrivals = Arrivals(InMemoryGateway(self.platform), _ignore)
        self.gateway = Supervision(self, self.arrivals, lambda _: "it")
        self.gateway.learn(RESERVED)

    def send(self, request: Request) -> Reply:
        """Reach the platform, unless nothing left."""
        reply = Reply(500) if isinstance(self.fails, NotSent) else self.arrivals.send(request)
        if isinstance(self.fails, GatewayError):
            raise self.fails
        return self.fails or reply

    async def asend(self, request: Request) -> Reply:
        """Do so in an event loop."""
        return self.send(request)

    def post(self, command: Command, held: Reservation = RESERVED) -> None:
        """Send a command without asking anybody, as a careless service does."""
        before = Status.ACCEPTED if isinstance(command, (Wrap, Complete)) else Status.PENDING
        with suppress(GatewayError):
            self.gateway.send(prepare(attrs.evolve(held, status=before, on_hold=False), command))

    @property
    def wrongs(self) -> list[str]:
        """What is held against the service."""
        return self.gateway.wrongs


@pytest.fixture
def watched() -> Watched:
    """Give a service's view."""
    return Watched()


def test_what_is_right(watched: Watched) -> None:
    """Commands that are legal, readings, lists and updates that nobody can read are nothing to hold against a service."""
    held = perform(watched.held, Accept(), watched.gateway)
    held = asyncio.run(aperform(fetch(held, watched.gateway), Wrap(), watched.gateway))
    watched.gateway.send(Request("GET", "/v1/Workspaces/WS0/Tasks/WT0/Reservations"))
    watched.gateway.send(Request("POST", "/elsewhere"))
    assert watched.wrongs == []


@pytest.mark.parametrize(
    "fails",
    [GatewayError("reset"), Reply(500), Reply(200, body=b"<html>")],
    ids=["reset", "500", "unreadable"],
)
def test_a_blind_repeat(watched: Watched, fails: GatewayError | Reply) -> None:
    """After an outcome that is not known nothing is sent that could act again."""
    watched.fails = fails
    watched.post(Accept())
    assert watched.wrongs == []
    watched.fails = None
    watched.post(Accept())
    (wrong,) = watched.wrongs
    assert (
        wrong
        == "accept was sent for it while it was not known what became of an earlier command; read the reservation first"
    )


def test_a_blind_repeat_in_a_loop(watched: Watched) -> None:
    """It is the same in an event loop."""
    watched.fails = GatewayError("reset")
    for _ in range(2):
        with pytest.raises(GatewayError):
            asyncio.run(watched.gateway.asend(prepare(RESERVED, Accept())))
    assert len(watched.wrongs) == 1


def test_a_reading_clears_it(watched: Watched) -> None:
    """Once the reservation was read, the service may send again."""
    watched.fails = GatewayError("reset")
    watched.post(
        Reject(), attrs.evolve(watched.held, etag="99")
    )  # refused for its version, which the service does not learn
    watched.fails = None
    assert fetch(RESERVED, watched.gateway).status is Status.PENDING
    watched.post(Accept())
    assert watched.wrongs == []


def test_a_newer_notice_clears_it(watched: Watched) -> None:
    """Once the service was told what became of it, it may send what is legal then; an old notice tells nothing."""
    watched.fails = GatewayError("reset")
    watched.post(Accept())
    watched.fails = None
    watched.gateway.learn(watched.platform.get(str(RESERVED.sid)))
    watched.gateway.learn(RESERVED)
    watched.post(Wrap())
    assert watched.wrongs == []


def test_a_version_makes_it_safe(watched: Watched) -> None:
    """A sending that names the version cannot act twice, and is not held against it; nor is one after a request that never left."""
    watched.fails = GatewayError("reset")
    watched.post(Accept(), watched.held)
    watched.post(Accept(), watched.held)
    assert watched.wrongs == []
    other = Watched()
    other.fails = NotSent("no connection")
    other.post(Accept())
    other.post(Accept())
    assert other.wrongs == []


def test_a_command_for_what_is_over(watched: Watched) -> None:
    """A command for a reservation that the service was told is over is held against it, whatever the platform answers."""
    watched.platform.set_status(str(RESERVED.sid), Status.CANCELED)
    watched.post(Accept())
    assert watched.wrongs == []  # it could not know
    watched.gateway.learn(watched.platform.get(str(RESERVED.sid)))
    watched.post(Accept())
    assert watched.wrongs == [
        "accept was sent for it, which the service was told is over (canceled)"
    ]


def test_a_second_answer_while_on_hold(watched: Watched) -> None:
    """A command is held against it while its own conference, which was taken, is still being carried out."""
    watched.post(Conference(to="client:alice"))
    fetch(RESERVED, watched.gateway)  # shows it pending, and clears nothing
    watched.post(Accept())
    (wrong,) = watched.wrongs
    assert wrong.startswith(
        "accept was sent for it, and the service could know: accept is refused while onHold"
    )


def test_an_act_done_twice(watched: Watched) -> None:
    """The same command that acts twice is held against it, a network that doubles a request is not, and two different ones are not."""
    request = prepare(RESERVED, CALL)
    watched.arrivals.send(request)
    watched.arrivals.send(request)
    watched.post(Call(from_="+15005550006", url="https://example.com/other"))
    assert watched.wrongs == []
    watched.post(CALL)
    assert watched.wrongs == ["the same command acted 2 times on it"]
