"""Natural mistakes at the front doors are errors that name the remedy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import pytest

from reservation_core import (
    Accept,
    Conference,
    Reply,
    Reservation,
    Status,
    aperform,
    conclude,
    explain,
    perform,
    prepare,
)
from reservation_core.book import AsyncBook, Book, MemoryStore, ThreadedStore
from reservation_core.domain.decisions import decide
from reservation_core.emulator import InMemoryGateway
from reservation_core.webhooks import answer

PENDING: Final = Reservation(
    status="pending",
    workspace_sid="WS" + "0" * 32,
    task_sid="WT" + "0" * 32,
    sid="WR" + "0" * 32,
)
GATEWAY: Final = InMemoryGateway()


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


@pytest.mark.parametrize("door", SENDERS)
def test_sid_instead_of_a_reservation_is_refused(door: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match=r"not a reservation: it is of type str\."):
        door(PENDING.sid)


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
