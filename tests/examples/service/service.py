"""A routing service: it answers assignment callbacks, keeps a book by the events, and commands what its desk asks for.

1. A webhook is verified before it is read: a forged one is turned away, and so is an unreadable one.
2. What it tells is in the book, on the disk, before it is answered; told twice or late, it changes nothing.
3. A command is in the book before it is sent. A crash between the two is made good at the next start, before anything else is done.
4. What nobody told, because an event was lost, the sweeper reads from the platform.

One process has the book. With several on one (PostgreSQL, many machines), ``recover`` must leave alone what is younger than a delivery
takes, at the start as well: let it have its usual ``older_than`` there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI, HTTPException, Request, Response

from reservation_core import (
    Accept,
    Command,
    CommandError,
    Complete,
    Conference,
    GatewayError,
    MalformedReply,
    Policy,
    Reject,
    ReplyError,
    Status,
)
from reservation_core.book import (
    DEFAULT_OLDER_THAN,
    AsyncBook,
    Entry,
    NotInBook,
    StoreFailed,
    Swept,
)
from reservation_core.gateways.pyreqwest import AsyncPyreqwestGateway
from reservation_core.webhooks import (
    ACKNOWLEDGEMENT,
    Assignment,
    Deadline,
    Forged,
    Verifier,
    answer,
    read_assignment,
    read_events,
    refuse_webhook,
)
from reservation_core.webhooks.starlette import receive, respond

LANGUAGES = ("de", "en")
CALLER_ID = "+15005550006"
ALONE = Policy(sole_writer=True)  # nobody but this service completes its reservations

log = logging.getLogger("service")


def decide(assignment: Assignment) -> Command:
    """Decide by the task's attributes: what nobody here can read or speak is refused, a call is put through, the rest is accepted."""
    task = assignment.task_attributes
    if task.get("language") not in LANGUAGES:
        return Reject()
    return (
        Conference(from_=CALLER_ID, end_conference_on_exit=True) if "call_sid" in task else Accept()
    )


@dataclass(frozen=True)
class Shown:
    """A reservation as the desk sees it. ``doubt`` is why it will be read again, ``command`` what is being asked of the platform."""

    sid: str
    status: str
    task_sid: str | None
    worker_sid: str | None
    doubt: str | None
    command: str | None


class Service:
    """The service. Its app owns the book and the gateway, and closes both when it ends.

    :param sweep_every: seconds from one sweep to the next.
    :param patience: seconds without news after which a live reservation is read from the platform. A command that was left open is
        taken up after the book's own ``DEFAULT_OLDER_THAN``, for it may still be under way until then.
    """

    def __init__(
        self,
        verifier: Verifier,
        book: AsyncBook,
        gateway: AsyncPyreqwestGateway,
        *,
        sweep_every: float = 30.0,
        patience: float = DEFAULT_OLDER_THAN,
    ) -> None:
        self.verifier = verifier
        self.book = book
        self.gateway = gateway
        self.sweep_every = sweep_every
        self.patience = patience

    def app(self) -> FastAPI:
        """Make the app."""
        app = FastAPI(title="A routing service", lifespan=self._live)
        app.add_api_route("/assignment", self.assign, methods=["POST"])
        app.add_api_route("/events", self.hear, methods=["POST"])
        app.add_api_route(
            "/reservations", self.show, methods=["GET"]
        )  # these two are the desk's: put them behind your own login
        app.add_api_route("/reservations/{sid}/complete", self.complete, methods=["POST"])
        app.add_exception_handler(Forged, _turn_away)
        app.add_exception_handler(MalformedReply, _turn_away)
        return app

    # --- what the platform asks and tells --------------------------------------------------------------------------------------------

    async def assign(self, request: Request) -> Response:
        """Answer an assignment callback; when there is no answer in time, the decision is left for later."""
        budget = Deadline()
        assignment = read_assignment(await receive(request, self.verifier))
        command = await budget.adecide(self._consider(assignment))
        said = command.trigger if command else "nothing"
        log.info(
            "assignment of %s: verified, answered with %s", short(assignment.reservation.sid), said
        )
        return respond(answer(command))

    async def _consider(self, assignment: Assignment) -> Command | None:
        recorded = await self.book.record(assignment.reservation)
        is_pending = recorded.entry is not None and recorded.entry.status is Status.PENDING
        return (
            decide(assignment) if is_pending else None
        )  # else it comes late, and was settled meanwhile

    async def hear(self, request: Request) -> Response:
        """Record what an event callback, or a batch of Event Streams, tells; what cannot be read must not hold up the rest of a batch."""
        events = read_events(await receive(request, self.verifier), on_unreadable=_pass_over)
        recorded = await asyncio.gather(
            *map(self.book.record, events)
        )  # written together, in their order
        for event, came in zip(events, recorded, strict=True):
            log.info("event %s of %s: %s", event.type, short(event.reservation_sid), came.outcome)
        return respond(ACKNOWLEDGEMENT)

    # --- what the desk asks ----------------------------------------------------------------------------------------------------------

    async def show(self) -> list[Shown]:
        """Show the reservations to which anything can still happen."""
        return [_shown(entry) async for entry in self.book.live()]

    async def complete(self, sid: str) -> str:
        """Complete a reservation, and give the status it then has."""
        try:
            reservation = await self.book.perform(sid, Complete(), self.gateway, policy=ALONE)
        except NotInBook as error:
            raise HTTPException(404, str(error)) from error
        except (
            CommandError,
            ReplyError,
        ) as error:  # it was not done: it is not legal (any more), or the platform refused it
            raise HTTPException(409, str(error)) from error
        except (
            GatewayError
        ) as error:  # it never left, or nobody knows yet: the sweeper will find out
            raise HTTPException(503, str(error)) from error
        log.info("complete of %s: sent, and the platform says %s", short(sid), reservation.status)
        return reservation.status

    # --- what is made good -----------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _live(self, _: FastAPI) -> AsyncGenerator[None]:
        _tell("recovered", await self.book.recover(self.gateway, older_than=0, policy=ALONE))
        sweeper = asyncio.create_task(self._sweep())
        try:
            yield
        finally:
            sweeper.cancel()
            await asyncio.wait((sweeper,))
            await self.gateway.aclose()
            await self.book.close()

    async def _sweep(self) -> None:
        """Make good what was missed: first all that is live, for much may have happened before the start; then what is due."""
        older_than = 0.0
        while True:
            try:
                _tell("reconciled", await self.book.reconcile(self.gateway, older_than=older_than))
                _tell("recovered", await self.book.recover(self.gateway, policy=ALONE))
            except StoreFailed:
                log.exception("the book cannot be swept; it is tried again")
            older_than = self.patience
            await asyncio.sleep(self.sweep_every)


async def _turn_away(_: Request, error: Exception) -> Response:
    assert isinstance(error, Forged | MalformedReply)
    log.warning("a webhook was turned away: %s", error)
    return respond(refuse_webhook(error))


def _pass_over(error: MalformedReply) -> None:
    log.warning("an event was passed over: %s", error)


def _tell(what: str, swept: Swept) -> None:
    for settled in swept.settled:
        assert settled.entry is not None
        log.info(
            "%s %s: %s, and it is %s",
            what,
            short(settled.entry.sid),
            settled.outcome,
            settled.entry.status,
        )
    for sid, error in swept.failed.items():
        log.warning("%s could not be read, and will be again: %s", short(sid), error)


def _shown(entry: Entry) -> Shown:
    held = entry.reservation
    command = entry.intent.command.trigger if entry.intent else None
    return Shown(entry.sid, entry.status, held.task_sid, held.worker_sid, entry.doubt, command)


def short(sid: str | None) -> str:
    """Shorten a SID for people."""
    return f"{sid[:2]}…{sid[-4:]}" if sid else "nothing"
