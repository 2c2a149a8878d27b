"""Remedies about arguments of another kind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from urllib.parse import parse_qsl

import attrs

from reservation_core import (
    Accept,
    Address,
    Command,
    LoggingObserver,
    Observer,
    Policy,
    Reply,
    Request,
    Reservation,
    Status,
    aperform,
    fetch,
    perform,
    read_reservation,
)
from reservation_core.book import AsyncBook, Book, MemoryStore, ThreadedStore
from reservation_core.emulator import InMemoryGateway
from reservation_core.webhooks import answer, read_assignment, read_event
from tests.project.remedies.base import (
    SID,
    LoopGateway,
    World,
    cast_any,
    follows,
    text_of,
    world_path,
)


@follows(
    "not a reservation: it is of type {}. Give one, such as that of a fetch(), an event or an "
    "assignment"
)
def give_a_reservation() -> str:
    world = World()
    text = text_of(TypeError, lambda: perform(cast_any(SID), Accept(), world.gateway))
    assert perform(world.fetch(), Accept(), world.gateway).status is Status.ACCEPTED
    form = {"ReservationSid": SID, "EventType": "reservation.wrapup", "Timestamp": "1"}
    event = read_event(form).reservation
    assert event is not None
    assert world.fetch().follow(event).status is Status.WRAPPING
    assignment = read_assignment({"ReservationSid": SID})
    assert answer(Accept(), assignment.reservation).reservation.status is Status.ACCEPTED
    return text


@follows("not a SID: it is of type {}. Give the text, such as reservation.sid")
def give_a_sid() -> str:
    book, held = Book(MemoryStore()), World().held
    book.record(held)
    calls: tuple[Callable[[str], object], ...] = (book.get, book.history, book.release, book.forget)
    texts = {text_of(TypeError, partial(call, cast_any(held))) for call in calls}
    assert [bool(call(SID)) for call in calls] == [True] * 4
    (text,) = texts
    return text


@follows(
    "not the pairs of a form: it is of type {}. Give names and values, such as form.items() or "
    "parse_qsl(body)"
)
def give_pairs() -> str:
    body = "ReservationStatus=accepted"
    form = dict(parse_qsl(body))
    for wrong in (body, body.encode(), 5, None):
        text_of(TypeError, partial(Command.from_form, cast_any(wrong)))
    assert Command.from_form(form.items()) == Command.from_form(parse_qsl(body)) == Accept()
    return text_of(TypeError, lambda: Command.from_form(cast_any(form)))


@follows(
    "not the object of an instruction: it is of type {}. Give a mapping, such as json.loads(body)"
)
def give_an_object() -> str:
    body = '{"instruction": "accept"}'
    for wrong in (body.encode(), None, [body]):
        text_of(TypeError, partial(Command.from_instruction, cast_any(wrong)))
    assert Command.from_instruction(json.loads(body)) == Accept()
    return text_of(TypeError, lambda: Command.from_instruction(cast_any(body)))


@follows(
    "not an address: it is of type {}. Give a Reservation, or an "
    "Address(workspace_sid=..., task_sid=..., sid=...)"
)
def give_an_address() -> str:
    world = World()
    text = text_of(TypeError, lambda: fetch(cast_any(SID), world.gateway))
    held = world.held
    where = Address(workspace_sid=held.workspace_sid, task_sid=held.task_sid, sid=held.sid)
    assert fetch(where, world.gateway).sid == fetch(held, world.gateway).sid == SID
    return text


@follows("Set it, or read the reservation from a full payload.")
def set_the_sid() -> str:
    world = World()
    bare = Reservation(status="pending", sid=SID)
    text = text_of(Exception, lambda: perform(bare, Accept(), world.gateway))
    where = attrs.evolve(bare, workspace_sid=world.held.workspace_sid, task_sid=world.held.task_sid)
    assert fetch(where, world.gateway).sid == SID
    payload = world.gateway.send(Request("GET", world_path(world))).body
    perform(read_reservation(payload), Accept(), world.gateway)
    return text


@follows("cannot read the document of a {}: {}. Write it with to_dict().")
def write_it_with_to_dict() -> str:
    held = World().held
    text = text_of(Exception, lambda: Reservation.from_dict({"sid": 1}))
    assert Reservation.from_dict(held.to_dict()) == held
    return text


@follows("the gateway is for {}: use {}, or a gateway for {}")
def use_the_other_function() -> str:
    world = World()
    gateway = cast_any(LoopGateway(world))
    text = text_of(TypeError, lambda: perform(world.held, Accept(), gateway))
    assert "use aperform()" in text
    assert asyncio.run(aperform(world.held, Accept(), gateway)).status is Status.ACCEPTED
    return text


@follows(
    "the gateway's send() is a coroutine function: name it asend(), and use it in an event loop"
)
def name_it_asend() -> str:
    world = World()

    class Misnamed:
        async def send(self, request: Request) -> Reply:
            return world.gateway.send(request)

    text = text_of(TypeError, lambda: perform(world.held, Accept(), cast_any(Misnamed())))
    asyncio.run(aperform(world.held, Accept(), LoopGateway(world)))
    return text


@follows("not a gateway: it is the class {}. Build it, as in {}(...)")
def build_the_gateway() -> str:
    world = World()
    text = text_of(TypeError, lambda: fetch(world.held, cast_any(InMemoryGateway)))
    fetch(world.held, InMemoryGateway(world.platform))
    return text


@follows(
    "not a gateway: it is of type {}. Give one, such as PyreqwestGateway() or "
    "AsyncPyreqwestGateway()"
)
def give_a_gateway() -> str:
    world = World()
    text = text_of(TypeError, lambda: fetch(world.held, cast_any(None)))
    fetch(world.held, world.gateway)
    return text


@follows("not a policy: it is {}. Give one, such as Policy(attempts=2)")
def give_a_policy() -> str:
    world = World()
    text = text_of(TypeError, lambda: world.perform(Accept(), policy=Policy))
    world.perform(Accept(), policy=Policy(attempts=2))
    return text


@follows("not an observer: it is of type {}. Give one of a subclass of Observer")
def give_an_observer() -> str:
    world = World()
    text = text_of(TypeError, lambda: world.perform(Accept(), observer=print))
    world.perform(Accept(), observer=type("Mine", (Observer,), {})())
    return text


@follows("not an observer: it is the class {}. Build it, as in {}()")
def build_the_observer() -> str:
    world = World()
    text = text_of(TypeError, lambda: world.perform(Accept(), observer=LoggingObserver))
    world.perform(Accept(), observer=LoggingObserver())
    return text


@follows("not a store: it is {}. Give one, such as SQLiteStore(path) or MemoryStore()")
def give_a_store() -> str:
    text = text_of(TypeError, lambda: Book(cast_any("book.db")))
    Book(MemoryStore()).close()
    return text


@follows("the store is for an event loop: use AsyncBook, or a store for threads")
def use_async_book() -> str:
    store = ThreadedStore(MemoryStore())
    text = text_of(TypeError, lambda: Book(cast_any(store)))
    asyncio.run(AsyncBook(store).close())
    return text


@follows("the store is for threads: wrap it in ThreadedStore(store), or use Book")
def wrap_the_store() -> str:
    store = MemoryStore()
    text = text_of(TypeError, lambda: AsyncBook(cast_any(store)))
    asyncio.run(AsyncBook(ThreadedStore(store)).close())
    return text


@follows(
    "not recordable: it is of type {}. Give an event, a reservation or a reply, such as that of "
    "read_event() or fetch()"
)
def give_a_recordable() -> str:
    world, book = World(), Book(MemoryStore())
    text = text_of(TypeError, lambda: book.record(cast_any({"sid": SID})))
    assert book.record(world.fetch()).entry
    return text
