"""A routing service: assignment callbacks, events, a book and a desk."""

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
    """Choose the response from the task's attributes.

    A task in a language that no worker speaks is rejected, a call is connected, anything else is
    accepted.
    """
    task = assignment.task_attributes
    if task.get("language") not in LANGUAGES:
        return Reject()
    return (
        Conference(from_=CALLER_ID, end_conference_on_exit=True) if "call_sid" in task else Accept()
    )


@dataclass(frozen=True)
class Shown:
    """A reservation as the desk sees it.

    :param doubt: why it will be fetched again.
    :param command: the command in progress.
    """

    sid: str
    status: str
    task_sid: str | None
    worker_sid: str | None
    doubt: str | None
    command: str | None


class Service:
    """The service. Its app owns the book and the gateway, and closes both."""

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
        """Build the app."""
        app = FastAPI(title="A routing service", lifespan=self._live)
        app.add_api_route("/assignment", self.assign, methods=["POST"])
        app.add_api_route("/events", self.record_events, methods=["POST"])
        app.add_api_route(
            "/reservations", self.show, methods=["GET"]
        )  # these are the desk's: put them behind your own login
        app.add_api_route("/reservations/{sid}/accept", self.accept, methods=["POST"])
        app.add_api_route("/reservations/{sid}/complete", self.complete, methods=["POST"])
        app.add_exception_handler(Forged, _refuse)
        app.add_exception_handler(MalformedReply, _refuse)
        return app

    # --- webhooks of the platform ----------------------------------------------------------------

    async def assign(self, request: Request) -> Response:
        """Answer an assignment callback. Without an answer in time, decide later."""
        budget = Deadline()
        assignment = read_assignment(await receive(request, self.verifier))
        command, response = await budget.adecide(self._consider(assignment)), answer()
        try:
            answered = await self.book.answer(assignment.reservation, command)
        except CommandError:  # the callback is late: the book has a newer status
            command = None
        else:
            response = answered.response  # the book holds the reservation as on hold now
        given = command.trigger if command else "nothing"
        log.info(
            "assignment of %s: verified, answered with %s", short(assignment.reservation.sid), given
        )
        return respond(response)

    async def _consider(self, assignment: Assignment) -> Command | None:
        await self.book.record(assignment.reservation)
        return decide(assignment)

    async def record_events(self, request: Request) -> Response:
        """Record the events of a callback or of an Event Streams batch.

        An unreadable event does not stop the rest of the batch.
        """
        events = read_events(await receive(request, self.verifier), on_unreadable=_skip)
        recorded = await asyncio.gather(
            *map(self.book.record, events)
        )  # written together, in their order
        for event, recorded_event in zip(events, recorded, strict=True):
            log.info(
                "event %s of %s: %s",
                event.type,
                short(event.reservation_sid),
                recorded_event.outcome,
            )
        return respond(ACKNOWLEDGEMENT)

    # --- requests of the desk --------------------------------------------------------------------

    async def show(self) -> list[Shown]:
        """Return the live reservations."""
        return [_shown(entry) async for entry in self.book.live()]

    async def accept(self, sid: str) -> str:
        """Accept a reservation whose callback was not answered, and return its status."""
        return await self._perform(sid, Accept())

    async def complete(self, sid: str) -> str:
        """Complete a reservation, and return its status."""
        return await self._perform(sid, Complete())

    async def _perform(self, sid: str, command: Command) -> str:
        try:
            reservation = await self.book.perform(sid, command, self.gateway, policy=ALONE)
        except NotInBook as error:
            raise HTTPException(404, str(error)) from error
        except (
            CommandError,
            ReplyError,
        ) as error:  # not done: illegal, or refused by the platform
            raise HTTPException(409, str(error)) from error
        except GatewayError as error:  # not sent, or unknown: the next sweep finds out
            raise HTTPException(503, str(error)) from error
        log.info(
            "%s of %s: sent, and the platform reports %s",
            command.trigger,
            short(sid),
            reservation.status,
        )
        return reservation.status

    # --- recovery and reconciliation -------------------------------------------------------------

    @asynccontextmanager
    async def _live(self, _: FastAPI) -> AsyncGenerator[None]:
        log_sweep("recovered", await self.book.recover(self.gateway, older_than=0, policy=ALONE))
        sweeper = asyncio.create_task(self._sweep())
        try:
            yield
        finally:
            sweeper.cancel()
            await asyncio.wait((sweeper,))
            await self.gateway.aclose()
            await self.book.close()

    async def _sweep(self) -> None:
        """Reconcile all live reservations at the start, then those that are due."""
        older_than = 0.0
        while True:
            try:
                log_sweep(
                    "reconciled", await self.book.reconcile(self.gateway, older_than=older_than)
                )
                log_sweep("recovered", await self.book.recover(self.gateway, policy=ALONE))
            except StoreFailed:
                log.exception("the book cannot be swept; will retry")
            older_than = self.patience
            await asyncio.sleep(self.sweep_every)


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, Forged | MalformedReply)
    log.warning("a webhook was refused: %s", error)
    return respond(refuse_webhook(error))


def _skip(error: MalformedReply) -> None:
    log.warning("an event was skipped: %s", error)


def log_sweep(what: str, swept: Swept) -> None:
    """Log the result of each entry. One that was purged meanwhile has no entry."""
    for settled in swept.settled:
        if (entry := settled.entry) is None:
            log.info("%s a reservation that was purged meanwhile: %s", what, settled.outcome)
        else:
            log.info("%s %s: %s, now %s", what, short(entry.sid), settled.outcome, entry.status)
    for sid, error in swept.failed.items():
        log.warning("%s could not be fetched, will retry: %s", short(sid), error)


def _shown(entry: Entry) -> Shown:
    held = entry.reservation
    command = entry.intent.command.trigger if entry.intent else None
    return Shown(entry.sid, entry.status, held.task_sid, held.worker_sid, entry.doubt, command)


def short(sid: str | None) -> str:
    """Shorten a SID for a log line."""
    return f"{sid[:2]}…{sid[-4:]}" if sid else "nothing"
