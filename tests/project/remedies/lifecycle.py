"""Remedies of refusals by the lifecycle."""

from __future__ import annotations

import re

import attrs
import pytest

from reservation_core import (
    Accept,
    Complete,
    LostRace,
    Status,
    Wrap,
    fetch,
    perform,
    prepare,
)
from reservation_core.book import Book, MemoryStore
from reservation_core.emulator import InMemoryGateway
from reservation_core.testing.faults import FaultyGateway
from reservation_core.testing.paths import example_command
from tests.project.remedies.base import (
    CONFERENCE,
    NO_WAIT,
    SID,
    World,
    follows,
    text_of,
)


@follows("Allowed instead: {}.")
def send_what_is_allowed() -> str:
    text = text_of(Exception, lambda: World().perform(Wrap()))
    names = re.findall(r"\w+", text.partition("Allowed instead: ")[2].partition(".")[0])
    for name in names:
        assert World().held.allows(example_command(name.lower()))
    assert World().perform(Accept()).status is Status.ACCEPTED
    return text


@follows(
    "Wait for its report. If the earlier command was not carried out, give up the hold: "
    "book.release(sid), or released() without a book."
)
def wait_or_release() -> str:
    world = World()
    held = world.perform(CONFERENCE)
    text = text_of(Exception, lambda: perform(held, Accept(), world.gateway))
    world.platform.answer_call(SID)  # its report
    assert fetch(held, world.gateway).allows(Complete)
    other = World()  # there the conference was not carried out
    free = attrs.evolve(held.released(), etag=None)
    perform(free, Accept(), other.gateway, policy=NO_WAIT)
    book = Book(MemoryStore())
    book.answer(other.held, CONFERENCE)
    book.release(SID)
    again = World()
    assert book.perform(SID, Accept(), again.gateway).status is Status.ACCEPTED
    return text


@follows("Policy(strict=False), or prepare(..., strict=False), sends it.")
def send_it_without_strict() -> str:
    world = World()
    text = text_of(Exception, lambda: world.perform(Wrap()))
    assert prepare(world.held, Wrap(), strict=False).cautions
    gateway = FaultyGateway(InMemoryGateway(world.platform))
    with pytest.raises(LostRace):  # it was sent: the platform decided
        perform(world.held, Wrap(), gateway, policy=attrs.evolve(NO_WAIT, strict=False))
    return text
