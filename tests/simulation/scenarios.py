"""Programs of the nodes, in each scenario."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from reservation_core import Accept, Call, Command, Complete, Policy, Reject, Status, Wrap
from reservation_core.book import AsyncBook
from tests.simulation.world import (
    LEASE,
    WR,
    Budget,
    GatedGateway,
    Program,
    Scenario,
    World,
    at_gate,
)

CALL: Final = Call(from_="+15005550006", url="https://example.com")
POLICY: Final = Policy(backoff=0.0, attempts=2)
COMMANDS: Final[Sequence[Command]] = (Accept(), Reject(), CALL, Wrap(), Complete())


def perform(command: Command) -> Program:
    """Perform a command."""

    async def program(world: World, book: AsyncBook) -> object:
        return await book.perform(WR, command, GatedGateway(world), policy=POLICY)

    return program


async def recover(world: World, book: AsyncBook) -> object:
    """Recover open commands."""
    swept = await book.recover(GatedGateway(world), older_than=LEASE, lease=LEASE, policy=POLICY)
    return str(swept)


async def reconcile(world: World, book: AsyncBook) -> object:
    """Fetch what may be outdated."""
    return str(await book.reconcile(GatedGateway(world), older_than=LEASE, lease=LEASE))


async def purge(world: World, book: AsyncBook) -> object:
    """Delete ended entries without recent news."""
    del world
    return await book.purge(LEASE)


async def record(world: World, book: AsyncBook) -> object:
    """Record the events of the platform, the latest first."""
    recorded = 0
    for _ in range(2):
        new = world.events[recorded:]
        recorded += len(new)
        await book.record_all(reversed(new))
    return recorded


def change(*changes: Status | Command) -> Program:
    """Change the reservation as a concurrent writer."""

    async def program(world: World, book: AsyncBook) -> object:
        del book
        for each in changes:
            await at_gate(f"sets {each}" if isinstance(each, Status) else each.trigger)
            world.apply(each)
        return None

    return program


OUTSIDE: Final = -1

SCENARIOS: Final[Sequence[Scenario]] = (
    Scenario(
        name="a paused or ended node, and another that recovers its call",
        programs=((0, "A performs call", perform(CALL)), (1, "B recovers", recover)),
        budget=Budget(crashes=1, jumps=1),
    ),
    Scenario(
        name="a lost request or reply, a crash, and another node that recovers",
        programs=((0, "A performs accept", perform(Accept())), (1, "B recovers", recover)),
        budget=Budget(crashes=1, faults=1, jumps=1),
        offsets=(5.0, 0.0),
    ),
    Scenario(
        name="two nodes that recover one command, with leases that end meanwhile",
        programs=(
            (0, "A performs call", perform(CALL)),
            (1, "B recovers", recover),
            (2, "C recovers", recover),
        ),
        budget=Budget(jumps=2),
        offsets=(0.0, 3.0, -3.0),
    ),
    Scenario(
        name="two nodes that perform commands to one reservation",
        programs=(
            (0, "A performs accept", perform(Accept())),
            (1, "B performs reject", perform(Reject())),
        ),
        budget=Budget(crashes=1, faults=1),
    ),
    Scenario(
        name="a command, and events in another order",
        programs=(
            (0, "A performs accept", perform(Accept())),
            (1, "B records", record),
            (OUTSIDE, "the platform", change(Status.CANCELED)),
        ),
        budget=Budget(crashes=1),
    ),
    Scenario(
        name="events in another order, and a fetch",
        programs=(
            (0, "A records", record),
            (1, "B reconciles", reconcile),
            (OUTSIDE, "the platform", change(Status.ACCEPTED, Status.WRAPPING)),
        ),
        budget=Budget(jumps=1),
    ),
    Scenario(
        name="a command to a reservation that times out and is purged",
        programs=(
            (0, "A performs reject", perform(Reject())),
            (1, "B records", record),
            (1, "B purges", purge),
            (OUTSIDE, "the platform", change(Status.TIMEOUT)),
        ),
        budget=Budget(jumps=1),
    ),
    Scenario(
        name="a command without a known version, and a recovery",
        programs=((0, "A performs reject", perform(Reject())), (1, "B recovers", recover)),
        budget=Budget(crashes=1, jumps=1),
        has_etag=False,
    ),
)
"""The scenarios of which everything is explored."""


def draw_scenario(seed: int) -> Scenario:
    """Draw a scenario beyond the bound: three nodes, more programs, and more faults."""
    random = Random(seed)
    programs: list[tuple[int, str, Program]] = []
    for number, command in enumerate(random.sample(COMMANDS, random.randint(1, 3))):
        name = f"{'ABC'[number]} performs {command.trigger}"
        programs.append((number, name, perform(command)))
    kinds = {"recovers": recover, "reconciles": reconcile, "records": record, "purges": purge}
    for number in range(random.randint(1, 4)):
        node, kind = random.randrange(3), random.choice(list(kinds))
        programs.append((node, f"{'ABC'[node]} {kind} ({number})", kinds[kind]))
    changes = random.sample(list(Status), random.randint(0, 2))
    programs.append((OUTSIDE, "the platform", change(*changes)))
    return Scenario(
        name=f"seed {seed}",
        programs=programs,
        budget=Budget(
            crashes=random.randint(0, 2), faults=random.randint(0, 3), jumps=random.randint(0, 3)
        ),
        offsets=[random.choice((0.0, 0.0, 4.0, -4.0)) for _ in range(3)],
        has_etag=random.random() < 0.8,
    )
