"""The service: it receives callbacks and events, and starts workflows.

``python -m tests.examples.durable_workflow.service`` serves it. The environment holds its settings.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress

from dbos import DBOS, SetWorkflowID, error
from flask import Flask, Response
from werkzeug.serving import make_server

from reservation_core import MalformedReply
from reservation_core.book import Book, SQLiteStore
from reservation_core.book.stores.postgres import PostgresStore
from reservation_core.gateways.pyreqwest import PyreqwestGateway
from reservation_core.webhooks import (
    ACKNOWLEDGEMENT,
    Forged,
    Verifier,
    answer,
    read_assignment,
    read_events,
    refuse_webhook,
)
from reservation_core.webhooks.flask import receive, respond
from tests.examples.durable_workflow.workflow import FINISHED, ReservationWorkflow

SWEEP_EVERY = 30.0


def build_app(book: Book, workflow: ReservationWorkflow, verifier: Verifier) -> Flask:
    """Build the app."""
    app = Flask(__name__)

    def refuse(failure: Exception) -> Response:
        assert isinstance(failure, Forged | MalformedReply)
        return respond(refuse_webhook(failure))

    def assign() -> Response:
        reservation = read_assignment(receive(verifier)).reservation
        book.record(reservation)
        start(workflow, str(reservation.sid))
        return respond(answer(None))  # decide later: the workflow sends the accept

    def record() -> Response:
        for event in read_events(receive(verifier)):
            book.record(event)
            if event.status is not None and event.status.is_terminal:
                finish(str(event.reservation_sid))  # do not wait for the worker any longer
        return respond(ACKNOWLEDGEMENT)

    def finish(sid: str) -> Response:
        with suppress(error.DBOSNonExistentWorkflowError):
            DBOS.send(sid, None, FINISHED)
        return respond(ACKNOWLEDGEMENT)

    app.register_error_handler(Forged, refuse)
    app.register_error_handler(MalformedReply, refuse)
    app.add_url_rule("/assignment", view_func=assign, methods=["POST"])
    app.add_url_rule("/events", view_func=record, methods=["POST"])
    app.add_url_rule("/reservations/<sid>/finished", view_func=finish, methods=["POST"])
    return app


def start(workflow: ReservationWorkflow, sid: str) -> None:
    """Start the workflow of a reservation. A second start has no effect."""
    with SetWorkflowID(sid):
        DBOS.start_workflow(workflow.run, sid)


def main() -> None:
    """Serve until a signal ends the process."""
    settings = os.environ
    database = settings.get("DATABASE_URL")
    DBOS(
        config={
            "name": "reservations",
            "system_database_url": database or "sqlite:///workflows.db",
            "notification_listener_polling_interval_sec": 0.1,
            "log_level": "WARNING",
        }
    )
    book = Book(PostgresStore(database) if database else SQLiteStore("reservations.db"))
    gateway = PyreqwestGateway(base_url=settings["TASKROUTER_URL"])
    workflow = ReservationWorkflow(book, gateway)
    DBOS.launch()  # it also continues the workflows that a crash cut off
    for entry in book.live():  # a crash may have come between the record and the start
        if DBOS.get_workflow_status(entry.sid) is None:
            start(workflow, entry.sid)
    threading.Thread(target=sweep, args=(book, gateway), daemon=True).start()
    app = build_app(book, workflow, Verifier(settings["TWILIO_AUTH_TOKEN"]))
    server = make_server("127.0.0.1", int(settings.get("PORT", "8000")), app, threaded=True)
    print(f"running on {server.port}", flush=True)  # noqa: T201
    server.serve_forever()


def sweep(book: Book, gateway: PyreqwestGateway) -> None:
    """Fetch the reservations whose events were lost, now and then."""
    pause = threading.Event()
    while not pause.wait(SWEEP_EVERY):
        book.reconcile(gateway)


if __name__ == "__main__":
    main()
