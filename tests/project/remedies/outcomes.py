"""Remedies about unknown outcomes."""

from __future__ import annotations

import attrs
import pytest

from reservation_core import (
    ONCE,
    Accept,
    Complete,
    GatewayError,
    NotSent,
    OutcomeUnknown,
    Reject,
    Reply,
    Status,
    perform,
)
from reservation_core.testing.faults import Fault, FaultKind, Rival
from tests.project.remedies.base import (
    CONFERENCE,
    NO_WAIT,
    SID,
    Scripted,
    World,
    error_of,
    follows,
    shows,
    text_of,
    times,
)


@follows("Nothing was commanded: read again.")
def read_again() -> str:
    world = World(Fault(FaultKind.LOST_REPLY), Fault(FaultKind.FAILED_BEFORE))
    texts = [text_of(Exception, world.fetch) for _ in range(2)]
    assert world.fetch().sid == SID
    assert all("read again" in text for text in texts)
    return texts[0]


@follows("The request was not sent: it may be sent again.")
def send_again() -> str:
    world = World(Fault(FaultKind.NOT_SENT))
    text = text_of(NotSent, lambda: world.perform(Accept(), policy=ONCE))
    assert world.perform(Accept()).status is Status.ACCEPTED
    return text


@follows(
    "The outcome is unknown: fetch the reservation before sending anything again. {}",
    "Fetch the reservation before sending anything again{}. {}",
    "With a book, call book.resume(sid, gateway).",
)
def fetch_first_or_resume() -> str:
    world = World(Fault(FaultKind.LOST_REPLY))
    once = text_of(GatewayError, lambda: world.perform(Accept(), policy=ONCE))
    assert world.fetch().status is Status.ACCEPTED
    world = World(times(FaultKind.LOST_REPLY, 9))
    gave_up = text_of(OutcomeUnknown, lambda: world.perform(Accept()))
    world.gateway.plan.clear()
    assert world.fetch().status is Status.ACCEPTED
    world = World(times(FaultKind.LOST_REQUEST, 9))
    book = world.book()
    in_book = text_of(
        OutcomeUnknown, lambda: book.perform(SID, Accept(), world.gateway, policy=NO_WAIT)
    )
    world.gateway.plan.clear()
    assert book.resume(SID, world.gateway).status is Status.ACCEPTED
    return f"{once} {gave_up} {in_book}"


@follows(
    "{}Wait for the platform's next report. {} {}",
    "If it is still allowed and may act twice, set Policy.repeat_unknown.",
)
def wait_or_repeat() -> str:
    world = World(Fault(FaultKind.LOST_REQUEST))
    error = error_of(OutcomeUnknown, lambda: world.perform(CONFERENCE))
    world.platform.set_status(SID, Status.CANCELED)
    assert error.last_known.follow(world.fetch()).status is Status.CANCELED  # the next report
    world = World(Fault(FaultKind.LOST_REQUEST))
    assert world.perform(CONFERENCE, policy=attrs.evolve(NO_WAIT, repeat_unknown=True)).on_hold
    world = World(Fault(FaultKind.LOST_REQUEST))
    book = world.book()
    text = text_of(
        OutcomeUnknown, lambda: book.perform(SID, CONFERENCE, world.gateway, policy=NO_WAIT)
    )
    with pytest.raises(OutcomeUnknown):  # no fetch can tell, so it is closed as unknown
        book.resume(SID, world.gateway, policy=NO_WAIT)
    assert book.perform(SID, Reject(), world.gateway).status is Status.REJECTED
    return f"{error} {text}"


@follows(
    "Continue from the reservation that this error carries.",
    "{} If there are no concurrent writers, set Policy.sole_writer.",
)
def continue_or_be_the_sole_writer() -> str:
    world = World(Fault(FaultKind.LOST_REPLY))
    error = error_of(OutcomeUnknown, lambda: world.perform(Accept()))
    assert perform(error.reservation, Complete(), world.gateway).status is Status.COMPLETED
    world = World(Fault(FaultKind.LOST_REPLY))
    policy = attrs.evolve(NO_WAIT, sole_writer=True)
    assert world.perform(Accept(), policy=policy).status is Status.ACCEPTED
    return str(error)


@follows(
    "Wait for the platform's next report. {}",
    "If the hold is over, give it up with released(), or with book.release(sid).",
)
def wait_or_give_the_hold_up() -> str:
    held = attrs.evolve(World().held, etag="3")
    shown = Reply(200, {"ETag": "4"}, shows(held, "pending"))
    gateway = Scripted(GatewayError("no reply"), shown)
    error = error_of(OutcomeUnknown, lambda: perform(held, CONFERENCE, gateway, policy=NO_WAIT))
    known = error.last_known
    assert known.on_hold
    assert known.follow(attrs.evolve(known, status="canceled", on_hold=False)).status.is_terminal
    free = attrs.evolve(known.released(), etag=None)
    perform(free, Accept(), World().gateway, policy=NO_WAIT)
    book = World().book()
    book.record(attrs.evolve(known, etag=None))
    book.release(SID)
    book.perform(SID, Accept(), World().gateway, policy=NO_WAIT)
    return str(error)


@follows("The reservation is {}: nothing can be sent any more.")
def send_nothing_any_more() -> str:
    world = World(Fault(FaultKind.LOST_REQUEST), Fault(rival=Rival.CANCELS))
    error = error_of(OutcomeUnknown, lambda: world.perform(CONFERENCE))
    assert error.last_known.allowed == ()
    return str(error)
