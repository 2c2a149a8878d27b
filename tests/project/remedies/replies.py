"""Remedies about replies of the platform."""

from __future__ import annotations

from typing import Final

import attrs

from reservation_core import (
    ONCE,
    Accept,
    Complete,
    GatewayError,
    LostRace,
    OutcomeUnknown,
    Reject,
    Reply,
    Status,
    Wrap,
    fetch,
    perform,
)
from reservation_core.emulator import Platform, Settings
from reservation_core.emulator.server import running_emulator
from reservation_core.gateways.httpx2 import Httpx2Gateway
from reservation_core.gateways.settings import Credentials
from reservation_core.testing.faults import Fault, FaultKind, Rival
from tests.book.scenario import pending
from tests.project.remedies.base import (
    CONFERENCE,
    NO_WAIT,
    SID,
    Answering,
    Scripted,
    World,
    error_of,
    follows,
    text_of,
)


@follows("Correct the request before sending it again.")
def correct_the_request() -> str:
    world = World()
    task = str(world.held.task_sid)
    world.platform.set_task_attributes(task, {})
    text = text_of(Exception, lambda: world.perform(CONFERENCE))
    world.platform.set_task_attributes(task, {"call_sid": "CA" + "0" * 32})
    assert world.perform(CONFERENCE).on_hold
    return text


@follows("It is a redirect, which is not followed: check the gateway's base URL.")
def check_the_base_url() -> str:
    world = World()
    text = text_of(Exception, lambda: fetch(world.held, Answering(Reply(301))))
    with (
        running_emulator(world.platform) as emulator,
        Httpx2Gateway(
            Credentials(str(world.held.account_sid), "secret"), base_url=emulator.url
        ) as gateway,
    ):
        assert fetch(world.held, gateway).sid == SID
    return text


@follows("Check the gateway's credentials.")
def check_the_credentials() -> str:
    account = str(pending(0).account_sid)
    platform = Platform(settings=Settings(accounts={account: "right"}))
    held = platform.add(pending(0))
    texts: list[str] = []
    with running_emulator(platform) as emulator:
        for password in ("wrong", "right"):
            credentials = Credentials(account, password)
            with Httpx2Gateway(credentials, base_url=emulator.url) as gateway:
                try:
                    assert fetch(held, gateway).sid == SID
                except Exception as error:  # noqa: BLE001 - the first one
                    texts.append(str(error))
    (text,) = texts
    return text


@follows("Check the SIDs: a reservation is removed about five minutes after its task ends.")
def check_the_sids() -> str:
    world = World()
    wrong = attrs.evolve(world.held, sid="WR" + "f" * 32)
    text = text_of(Exception, lambda: fetch(wrong, world.gateway))
    fetch(attrs.evolve(wrong, sid=SID), world.gateway)
    return text


@follows(
    "The request was not processed and may be sent again {}.", "after a back-off", "after {} s"
)
def send_again_after_a_wait() -> str:
    throttled = [Fault(FaultKind.THROTTLED), Fault(FaultKind.THROTTLED, retry_after=7.0)]
    world = World(*throttled)
    texts = [text_of(Exception, lambda: world.perform(Accept(), policy=ONCE)) for _ in throttled]
    assert world.perform(Accept()).status is Status.ACCEPTED
    return " ".join(texts)


@follows("The reservation moved on: fetch it and decide again.")
def fetch_and_decide_again() -> str:
    world = World(Fault(rival=Rival.ACCEPTS))
    text = text_of(LostRace, lambda: world.perform(Accept(), policy=ONCE))
    assert perform(world.fetch(), Complete(), world.gateway).status is Status.COMPLETED
    return text


@follows("The reservation is {} now: decide again.")
def decide_again() -> str:
    world = World(Fault(rival=Rival.WRITES))
    policy = attrs.evolve(NO_WAIT, retry_stale=False)
    error = error_of(LostRace, lambda: world.perform(Reject(), policy=policy))
    assert perform(error.reservation, Reject(), world.gateway).status is Status.REJECTED
    return str(error)


NINTH: Final = b'{"reservation_status": "escalated", "sid": "%b"}' % SID.encode()


@follows("{}: decide by that status.")
def decide_by_that_status() -> str:
    gateway = Scripted(Reply(400), Reply(200, {}, NINTH))
    error = error_of(LostRace, lambda: perform(World().held, Accept(), gateway, policy=NO_WAIT))
    assert error.unknown_status.raw_status == "escalated"
    return str(error)


@follows("Decide by that status: this error's unknown_status holds it.")
def decide_by_the_unknown_status() -> str:
    gateway = Scripted(GatewayError("no reply"), Reply(200, {}, NINTH))
    error = error_of(
        OutcomeUnknown, lambda: perform(World().held, Accept(), gateway, policy=NO_WAIT)
    )
    assert error.unknown_status.raw_status == "escalated"
    return str(error)


@follows("Decide by this error's raw_status. Its fields hold everything else that was read.")
def decide_by_the_raw_status() -> str:
    held = World().held
    error = error_of(Exception, lambda: fetch(held, Scripted(Reply(200, {"ETag": "9"}, NINTH))))
    assert error.raw_status == "escalated"
    assert attrs.evolve(held, **error.fields).etag == "9"
    return str(error)


@follows("Fetch the reservation before assuming anything about it. The faults:")
def fetch_before_assuming() -> str:
    world = World(Fault(FaultKind.UNREADABLE))
    text = text_of(Exception, lambda: world.perform(Accept(), policy=ONCE))
    assert world.fetch().status is Status.ACCEPTED
    return text


@follows(
    "{} was reported, but cannot follow {}: the report is late, or the platform took a step that "
    "the lifecycle does not have. Continue with this error's reservation, or deliver with "
    "Policy(accept_unexpected=True)."
)
def continue_with_the_report() -> str:
    world = World(status=Status.WRAPPING)
    world.platform.force_status(SID, Status.ACCEPTED)
    error = error_of(Exception, world.fetch)
    again = perform(error.reservation, Wrap(), world.gateway)
    assert again.status is Status.WRAPPING
    other = World(Fault(FaultKind.LOST_REQUEST), status=Status.WRAPPING)
    other.platform.force_status(SID, Status.ACCEPTED)
    policy = attrs.evolve(NO_WAIT, accept_unexpected=True)
    assert other.perform(Complete(), policy=policy).status is Status.COMPLETED
    return str(error)
