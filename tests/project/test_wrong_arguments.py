"""Natural mistakes at the front doors are errors that name the remedy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final

import attrs
import pytest

from reservation_core import (
    Accept,
    Conference,
    LoggingObserver,
    Policy,
    Reply,
    Request,
    Reservation,
    Status,
    afetch,
    alist_reservations,
    aperform,
    conclude,
    explain,
    fetch,
    list_reservations,
    perform,
    prepare,
)
from reservation_core.book import AsyncBook, Book, MemoryStore, ThreadedStore
from reservation_core.domain.decisions import decide
from reservation_core.emulator import InMemoryGateway, Platform
from reservation_core.testing.faults import FaultyGateway
from reservation_core.testing.recording import RecordingGateway
from reservation_core.webhooks import answer, read_assignment, read_event

PENDING: Final = Reservation(
    status="pending",
    workspace_sid="WS" + "0" * 32,
    task_sid="WT" + "0" * 32,
    sid="WR" + "0" * 32,
)
GATEWAY: Final = InMemoryGateway()
WORKER_SID: Final = "WK" + "0" * 32


def book() -> Book:
    made = Book(MemoryStore())
    made.record(PENDING)
    return made


def async_book() -> AsyncBook:
    return AsyncBook(ThreadedStore(MemoryStore()))


async def perform_in_async_book(command: Any) -> None:
    made = async_book()
    await made.record(PENDING)
    try:
        await made.perform(str(PENDING.sid), command, GATEWAY)
    finally:
        await made.close()


async def answer_in_async_book(command: Any) -> None:
    made = async_book()
    try:
        await made.answer(PENDING, command)
    finally:
        await made.close()


DOORS: Final[dict[str, Callable[[Any], object]]] = {
    "perform": lambda command: perform(PENDING, command, GATEWAY),
    "aperform": lambda command: asyncio.run(aperform(PENDING, command, GATEWAY)),
    "prepare": lambda command: prepare(PENDING, command),
    "conclude": lambda command: conclude(PENDING, command, Reply(200)),
    "answer": answer,
    "answer with a reservation": lambda command: answer(command, PENDING),
    "after": PENDING.after,
    "Book.perform": lambda command: book().perform(str(PENDING.sid), command, GATEWAY),
    "Book.answer": lambda command: book().answer(PENDING, command),
    "AsyncBook.perform": lambda command: asyncio.run(perform_in_async_book(command)),
    "AsyncBook.answer": lambda command: asyncio.run(answer_in_async_book(command)),
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_class_of_a_command_is_refused_with_the_way_to_build_it(
    door: Callable[[Any], object],
) -> None:
    with pytest.raises(TypeError, match=r"it is the class Conference\. Build it, as in Conf"):
        door(Conference)
    with pytest.raises(TypeError, match=r"it is of type str\. Give one such as Accept\(\)$"):
        door("+15005550006")


QUESTIONS: Final[list[Callable[[Any], object]]] = [
    lambda command: explain(Status.PENDING, command),
    PENDING.explain,
    PENDING.allows,
]
HOLDERS: Final[list[Callable[[Any], object]]] = [
    PENDING.follow,
    lambda known: conclude(known, Accept(), Reply(200)),
    lambda held: answer(Accept(), held),
    lambda held: answer(None, held),
    lambda held: book().answer(held, Accept()),
]
SENDERS: Final[list[Callable[[Any], object]]] = [
    lambda where: prepare(where, Accept()),
    lambda where: perform(where, Accept(), GATEWAY),
    lambda where: asyncio.run(aperform(where, Accept(), GATEWAY)),
]


@pytest.mark.parametrize("door", QUESTIONS)
def test_question_about_a_name_is_refused(door: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match=r"not a command: it is of type str\."):
        door("accept")
    assert door(Accept)
    assert door(Accept())


@pytest.mark.parametrize("door", [*SENDERS, *HOLDERS])
def test_other_value_than_a_reservation_is_refused(door: Callable[[Any], object]) -> None:
    assignment = read_assignment({"ReservationSid": PENDING.sid})
    event = read_event({"ReservationSid": PENDING.sid, "EventType": "x", "Timestamp": "1"})
    for value in (PENDING.sid, {"sid": PENDING.sid}, assignment, event, Reservation):
        refusal = rf"not a reservation: it is of type {type(value).__name__}\."
        with pytest.raises(TypeError, match=refusal):
            door(value)


async def record_in_async_book(item: Any) -> None:
    made = async_book()
    try:
        await made.record(item)
    finally:
        await made.close()


RECORDERS: Final[list[Callable[[Any], object]]] = [
    lambda item: book().record(item),
    lambda item: book().record_all([item]),
    lambda item: asyncio.run(record_in_async_book(item)),
]


@pytest.mark.parametrize("door", RECORDERS)
def test_book_refuses_to_record_an_unread_payload(door: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match=r"^not recordable: it is of type dict\. Give an event,"):
        door({"ReservationSid": PENDING.sid})


@pytest.mark.parametrize("command", [Accept, Accept()])
def test_decision_about_a_command_names_explain(command: Any) -> None:
    with pytest.raises(TypeError, match=r"For a command: explain\(\)$"):
        decide(Status.PENDING, command)


# --- gateways ------------------------------------------------------------------------------------


class ThreadGateway:
    def send(self, request: Request) -> Reply:
        return GATEWAY.send(request)


class LoopGateway:
    async def asend(self, request: Request) -> Reply:
        return GATEWAY.send(request)


class MisnamedGateway:
    async def send(self, request: Request) -> Reply:
        return GATEWAY.send(request)


async def list_in_loop(gateway: Any) -> None:
    async for _ in alist_reservations(gateway, **LIST):
        raise AssertionError("it is empty")


def in_book(ask: Callable[[Book], object]) -> object:
    """Ask a book, and check that nothing was written down."""
    made = book()
    try:
        return ask(made)
    finally:
        entry = made.get(SID)
        assert entry is not None
        assert entry.intent is None


async def in_async_book(ask: Callable[[AsyncBook], Any]) -> None:
    """Ask a book, and check that nothing was written down."""
    made = async_book()
    await made.record(PENDING)
    try:
        await ask(made)
    finally:
        entry = await made.get(SID)
        assert entry is not None
        assert entry.intent is None
        await made.close()


SID: Final = str(PENDING.sid)
LIST: Final[dict[str, Any]] = {"workspace_sid": PENDING.workspace_sid, "task_sid": PENDING.task_sid}
THREAD_DOORS: Final[dict[str, tuple[Callable[[Any], object], str]]] = {
    "perform": (lambda gateway: perform(PENDING, Accept(), gateway), r"aperform\(\)"),
    "fetch": (lambda gateway: fetch(PENDING, gateway), r"afetch\(\)"),
    "list": (lambda gateway: list_reservations(gateway, **LIST), r"alist_reservations\(\)"),
    "Book.perform": (
        lambda gateway: in_book(lambda made: made.perform(SID, Accept(), gateway)),
        "AsyncBook",
    ),
    "Book.resume": (lambda gateway: in_book(lambda made: made.resume(SID, gateway)), "AsyncBook"),
    "Book.recover": (lambda gateway: in_book(lambda made: made.recover(gateway)), "AsyncBook"),
    "Book.reconcile": (lambda gateway: in_book(lambda made: made.reconcile(gateway)), "AsyncBook"),
    "wrapper": (
        lambda gateway: perform(PENDING, Accept(), FaultyGateway(gateway)),
        r"aperform\(\) or afetch\(\)",
    ),
}
LOOP_DOORS: Final[dict[str, tuple[Callable[[Any], object], str]]] = {
    "aperform": (
        lambda gateway: asyncio.run(aperform(PENDING, Accept(), gateway)),
        r"perform\(\)",
    ),
    "afetch": (lambda gateway: asyncio.run(afetch(PENDING, gateway)), r"fetch\(\)"),
    "alist": (lambda gateway: asyncio.run(list_in_loop(gateway)), r"list_reservations\(\)"),
    "AsyncBook.perform": (
        lambda gateway: asyncio.run(
            in_async_book(lambda made: made.perform(SID, Accept(), gateway))
        ),
        "Book",
    ),
    "AsyncBook.resume": (
        lambda gateway: asyncio.run(in_async_book(lambda made: made.resume(SID, gateway))),
        "Book",
    ),
    "AsyncBook.recover": (
        lambda gateway: asyncio.run(in_async_book(lambda made: made.recover(gateway))),
        "Book",
    ),
    "AsyncBook.reconcile": (
        lambda gateway: asyncio.run(in_async_book(lambda made: made.reconcile(gateway))),
        "Book",
    ),
    "wrapper": (
        lambda gateway: asyncio.run(afetch(PENDING, RecordingGateway(gateway))),
        r"perform\(\) or fetch\(\)",
    ),
}


@pytest.mark.parametrize(("door", "instead"), THREAD_DOORS.values(), ids=THREAD_DOORS)
def test_gateway_of_an_event_loop_is_refused_with_the_function_to_use(
    door: Callable[[Any], object], instead: str
) -> None:
    with pytest.raises(TypeError, match=rf"^the gateway is for an event loop: use {instead}, or a"):
        door(LoopGateway())


@pytest.mark.parametrize(("door", "instead"), LOOP_DOORS.values(), ids=LOOP_DOORS)
def test_gateway_for_threads_is_refused_with_the_function_to_use(
    door: Callable[[Any], object], instead: str
) -> None:
    with pytest.raises(TypeError, match=rf"^the gateway is for threads: use {instead}, or a"):
        door(ThreadGateway())


@pytest.mark.parametrize(
    ("door", "instead"), [*THREAD_DOORS.values(), *list(LOOP_DOORS.values())[:-1]]
)
def test_other_value_than_a_gateway_is_refused(
    door: Callable[[Any], object],
    instead: str,  # noqa: ARG001 - of the tables
) -> None:
    with pytest.raises(TypeError, match=r"^not a gateway: it is the class InMemoryGateway\. Build"):
        door(InMemoryGateway)
    with pytest.raises(TypeError, match=r"^not a gateway: it is of type str\. Give one"):
        door("https://taskrouter.twilio.com")
    with pytest.raises(TypeError, match=r"is a coroutine function: name it asend\(\)"):
        door(MisnamedGateway())


def test_gateway_may_be_any_object_with_the_method() -> None:
    platform = Platform()
    held = platform.add(attrs.evolve(PENDING, account_sid="AC" + "0" * 32, worker_sid=WORKER_SID))
    gateway: Any = SimpleNamespace(send=InMemoryGateway(platform).send)
    assert fetch(held, gateway).status is Status.PENDING
    assert perform(held, Accept(), gateway).status is Status.ACCEPTED


# --- policies, observers and addresses -----------------------------------------------------------


def perform_at_once(**given: Any) -> object:
    return perform(PENDING, Accept(), GATEWAY, **given)


def perform_in_loop(**given: Any) -> object:
    return asyncio.run(aperform(PENDING, Accept(), GATEWAY, **given))


def perform_in_book(**given: Any) -> object:
    return in_book(lambda made: made.perform(SID, Accept(), GATEWAY, **given))


def resume_in_book(**given: Any) -> object:
    return in_book(lambda made: made.resume(SID, GATEWAY, **given))


def recover_in_book(**given: Any) -> object:
    return in_book(lambda made: made.recover(GATEWAY, **given))


DELIVERIES: Final = [
    perform_at_once,
    perform_in_loop,
    perform_in_book,
    resume_in_book,
    recover_in_book,
]


@pytest.mark.parametrize("deliver", DELIVERIES)
def test_other_value_than_a_policy_or_an_observer_is_refused(
    deliver: Callable[..., object],
) -> None:
    for policy, found in ((Policy, "the class Policy"), (None, "of type NoneType")):
        with pytest.raises(TypeError, match=rf"^not a policy: it is {found}\. Give one, such as"):
            deliver(policy=policy)
    with pytest.raises(TypeError, match=r"^not an observer: it is the class LoggingObserver\. Bui"):
        deliver(observer=LoggingObserver)
    with pytest.raises(TypeError, match=r"^not an observer: it is of type NoneType\. Give one of"):
        deliver(observer=None)


@pytest.mark.parametrize("where", [SID, {"sid": SID}, None])
def test_fetch_of_another_value_than_an_address_is_refused(where: Any) -> None:
    refusal = r"^not an address: it is of type \w+\. Give a Reservation, or an Address\("
    with pytest.raises(TypeError, match=refusal):
        fetch(where, GATEWAY)
    with pytest.raises(TypeError, match=refusal):
        asyncio.run(afetch(where, GATEWAY))
