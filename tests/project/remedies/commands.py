"""Remedies about commands and their parameters."""

from __future__ import annotations

import re
from typing import Any

import attrs

from reservation_core import (
    Accept,
    Command,
    Conference,
    Dequeue,
    Reject,
    Route,
    SetStatus,
    Status,
    Supervise,
    Wrap,
    explain,
    prepare,
)
from reservation_core.domain.decisions import decide
from reservation_core.webhooks import answer
from tests.project.remedies.base import (
    World,
    cast_any,
    follows,
    text_of,
)
from tests.webhooks.examples import URL


@follows("Command is the base class of the commands. Build one of the nine.")
def build_one_of_the_nine() -> str:
    untyped: Any = Command
    text = text_of(TypeError, untyped)
    assert Accept().form()
    return text


@follows("not a command: it is of type {}. Give one such as Accept()")
def give_a_command() -> str:
    world, wrong = World(), "accept"
    untyped: Any = wrong
    text = text_of(TypeError, lambda: world.perform(untyped))
    assert world.perform(Accept()).status is Status.ACCEPTED
    return text


@follows("not a command: it is the class {}. Build it, as in {}(...)")
def build_the_command() -> str:
    world, untyped = World(), cast_any(Conference)
    text = text_of(TypeError, lambda: world.perform(untyped))
    assert world.perform(Conference(to="client:alice")).on_hold
    return text


@follows("a command's name is needed, such as 'accept'. For a command: explain()")
def explain_a_command() -> str:
    text = text_of(TypeError, lambda: decide(Status.PENDING, cast_any(Accept())))
    assert explain(Status.PENDING, Accept()).is_allowed
    return text


@follows("answer the callback empty and send the command with perform()")
def answer_empty_and_perform() -> str:
    world = World(status=Status.ACCEPTED)
    text = text_of(Exception, lambda: answer(Wrap()))
    assert answer().body == b""
    assert world.perform(Wrap()).status is Status.WRAPPING
    return text


@follows("pass an int")
def pass_an_int() -> str:
    text = text_of(Exception, lambda: Conference(timeout=cast_any("20")))
    assert ("Timeout", "20") in Conference(timeout=20).form()
    return text


@follows("pass a str")
def pass_a_str() -> str:
    text = text_of(Exception, lambda: Conference(beep=cast_any(True)))
    assert ("Beep", "true") in Conference(beep="true").form()
    return text


@follows("choose from {}")
def choose_from_the_words() -> str:
    wrong = cast_any("start end")
    text = text_of(Exception, lambda: Conference(conference_status_callback_event=wrong))
    words = re.findall(r"\w+", text.partition("Choose from")[2])
    assert Conference(conference_status_callback_event=cast_any(words)).form()
    return text


@follows("leave the parameter out to get the platform's default")
def leave_the_parameter_out() -> str:
    text = text_of(Exception, lambda: Dequeue(status_callback_event=()))
    assert Dequeue().form()
    return text


@follows("give one {} or one {}")
def give_one_status_or_instruction() -> str:
    text = text_of(Exception, lambda: Command.from_form([]))
    status, instruction = re.findall(r"one (\w+)", text.rpartition("Give ")[2])
    assert Command.from_form([(status, "accepted")]) == Accept()
    assert Command.from_form([(instruction, "conference")]) == Conference()
    return text


@follows("give one of {}")
def give_one_of_the_words() -> str:
    text = text_of(Exception, lambda: Command.from_form([("Instruction", "dance")]))
    for word in re.findall(r"[a-z]+", text.rpartition("Give one of ")[2]):
        error = error_or_command([("Instruction", word)])
        assert "is not an instruction" not in str(error)
    statuses = text_of(Exception, lambda: Command.from_form([("ReservationStatus", "dance")]))
    for word in re.findall(r"[a-z]+", statuses.rpartition("Give one of ")[2]):
        assert Command.from_form([("ReservationStatus", word)]).form()
    return text


def error_or_command(form: list[tuple[str, str]]) -> object:
    try:
        return Command.from_form(form)
    except Exception as error:  # noqa: BLE001 - a parameter may be missing
        return error


@follows("give {}")
def give_a_single_value() -> str:
    callback: dict[str, object] = {"instruction": "call", "from": "client:a", "url": URL, "to": {}}
    text = text_of(Exception, lambda: Command.from_instruction(callback))
    Command.from_instruction({**callback, "to": "client:name"})
    return text


@follows("leave it out, or use the command it belongs to: {}")
def leave_it_out_or_use_the_other_command() -> str:
    form = [("ReservationStatus", "accepted"), ("WorkerActivitySid", "WA" + "0" * 32)]
    text = text_of(Exception, lambda: Accept.from_form(form))
    assert Accept.from_form(form[:1]) == Accept()
    assert re.search(r"belongs to: (\w+)\.", text)
    assert Reject(worker_activity_sid="WA" + "0" * 32).form()
    return text


@follows("use the command it belongs to: {}")
def use_the_command_of_the_parameter() -> str:
    text = text_of(Exception, lambda: Accept(extra=(("WorkerActivitySid", "x"),)))
    assert "Reject" in text
    assert Reject(worker_activity_sid="WA" + "0" * 32).form()
    return text


@follows("use the field {}")
def use_the_field() -> str:
    text = text_of(Exception, lambda: Conference(extra=(("Timeout", "20"),)))
    (field,) = re.findall(r"Use the field (\w+)", text)
    assert ("Timeout", "20") in Conference(**cast_any({field: 20})).form()
    return text


@follows("give one of your numbers, starting with + and its country code")
def give_a_number() -> str:
    text = text_of(Exception, lambda: Conference(from_="client:a", to="+15005550001"))
    assert Conference(from_="+15005550006", to="+15005550001").form()
    return text


@follows("give the part before the @, without sip:")
def give_the_user_part() -> str:
    text = text_of(Exception, lambda: Conference(from_="sip:a@b.c", to="sip:d@e.f"))
    assert Conference(from_="a", to="sip:d@e.f").form()
    return text


@follows("use {}()")
def use_the_command_of_the_status() -> str:
    text = text_of(Exception, lambda: SetStatus(Status.ACCEPTED))
    assert "Use Accept()" in text
    assert World().perform(Accept()).status is Status.ACCEPTED
    return text


@follows("use the task route")
def use_the_task_route() -> str:
    world = World(status=Status.ACCEPTED)
    supervise = Supervise(supervisor=str(world.held.worker_sid), supervisor_mode="monitor")
    text = text_of(Exception, lambda: world.perform(supervise, route=Route.WORKER))
    prepare(world.held, supervise, route=Route.TASK)
    return text


@follows("set the ETag that was received, or None")
def set_the_etag() -> str:
    world = World()
    damaged = attrs.evolve(world.held, etag="3\r\nX: 1")
    text = text_of(Exception, lambda: prepare(damaged, Accept()))
    for etag in (None, world.fetch().etag):
        prepare(attrs.evolve(damaged, etag=etag), Accept())
    return text
