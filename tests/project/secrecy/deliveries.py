"""Canaries in deliveries: verdicts, log lines, spans and metrics."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Final

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from reservation_core import (
    CommandNotAllowed,
    GatewayError,
    IllegalSuccession,
    Indistinguishable,
    LoggingObserver,
    LostRace,
    MalformedReply,
    NotSent,
    OutcomeUnknown,
    Policy,
    Refused,
    Reply,
    ReservationError,
    Status,
    Throttled,
    Unauthorized,
    UnknownStatus,
    afetch,
    aperform,
    fetch,
    perform,
)
from reservation_core.delivery.observer import NO_OBSERVER, Observer
from reservation_core.delivery.opentelemetry import OpenTelemetryObserver
from reservation_core.testing.recording import RecordingGateway, ScriptedReply
from tests.project.secrecy.canaries import CONTACT, NAME, PASSWORD, PHONE, TOKEN, Case
from tests.project.secrecy.commands import CONFERENCE, RESERVATION

HEADERS: Final = {
    "Twilio-Request-Id": PHONE,
    "Set-Cookie": TOKEN,
    "X-Rate-Limit-Config": CONTACT,
    "Retry-After": "0",
}
LOST: Final = GatewayError("the reply was lost")


def shows(status: str, etag: str = "1") -> Reply:
    """Make the reply that shows the reservation in a status."""
    body = {"sid": RESERVATION.sid, "reservation_status": status, "worker_name": NAME}
    return Reply(200, {"ETag": etag, **HEADERS}, json.dumps(body).encode())


def refuses(status: int, text: str = f"{PASSWORD} and {TOKEN}") -> Reply:
    """Make a refusal that shows contacts, and repeats values of the command."""
    body = {"message": f"{PHONE} and {CONTACT} and {text}", "code": 20001}
    return Reply(status, HEADERS, json.dumps(body).encode())


_SCRIPTS: Final[dict[str, tuple[type[ReservationError] | None, tuple[ScriptedReply, ...]]]] = {
    "done": (None, (shows("pending", "2"),)),
    "done after a lost reply": (Indistinguishable, (LOST, shows("accepted", "2"))),
    "refused": (Refused, (refuses(400),)),
    "throttled": (Throttled, (refuses(429),) * 3),
    "unauthorized": (Unauthorized, (refuses(401),)),
    "lost race": (LostRace, (refuses(412), shows("canceled", "2"))),
    "deleted": (OutcomeUnknown, (LOST, refuses(404, ""))),
    "not sent": (NotSent, (NotSent("no connection"),) * 3),
    "failed": (OutcomeUnknown, (refuses(503), *(refuses(503, ""),) * 3)),
    "unreadable": (OutcomeUnknown, (Reply(200, {}, f'["{NAME}", "{PHONE}'.encode()),) * 6),
    "of an unknown status": (OutcomeUnknown, (LOST, shows(PHONE))),
    "of another reservation": (
        OutcomeUnknown,
        (Reply(200, {}, shows("accepted").body.replace(b"aaa", b"bbb")),) * 6,
    ),
}


def _deliver(
    observe: Callable[[], Observer],
    scripted: tuple[ScriptedReply, ...],
    error: type[ReservationError] | None,
    policy: Policy,
) -> Case:
    def run() -> object:
        gateway = RecordingGateway()
        gateway.script(*scripted)
        return perform(
            RESERVATION,
            CONFERENCE,
            gateway,
            policy=policy,
            observer=observe(),
            sleep=lambda _: None,
        )

    return Case(run, error)


async def _adeliver() -> None:
    gateway = RecordingGateway()
    gateway.script(refuses(503), *[refuses(503, "")] * 3)
    policy = Policy(attempts=3, backoff=0)
    await aperform(RESERVATION, CONFERENCE, gateway, policy=policy, observer=LoggingObserver())


def _fetch(reply: Reply, error: type[ReservationError]) -> list[Case]:
    def gateway() -> RecordingGateway:
        made = RecordingGateway()
        made.script(reply)
        return made

    return [
        Case(lambda: fetch(RESERVATION, gateway()), error),
        Case(lambda: afetch(RESERVATION, gateway()), error),
    ]


class _Tracing(OpenTelemetryObserver):
    """Observer that logs its spans and metrics when the delivery ends."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        meter = MeterProvider([self._reader]).get_meter("test")
        super().__init__(provider.get_tracer("test"), meter=meter)

    def gave_up(self, error: ReservationError) -> None:
        super().gave_up(error)
        spans = [span.to_json() for span in self._exporter.get_finished_spans()]
        log = logging.getLogger("reservation_core.test")
        log.info("%s %s", spans, self._reader.get_metrics_data())


_POLICIES: Final = {
    "": Policy(attempts=3, backoff=0),
    ", once": Policy(attempts=1, reconcile=False, backoff=0),
}
_OBSERVERS: Final = {"": lambda: NO_OBSERVER, ", logged": LoggingObserver, ", traced": _Tracing}

CASES: Final = {
    **{
        f"{name}{how}": _deliver(observe, scripted, error, _POLICIES[""])
        for name, (error, scripted) in _SCRIPTS.items()
        for how, observe in _OBSERVERS.items()
    },
    **{
        f"{name}, once": _deliver(
            LoggingObserver, scripted, error and ReservationError, _POLICIES[", once"]
        )
        for name, (error, scripted) in _SCRIPTS.items()
    },
    "failed in an event loop": Case(_adeliver, OutcomeUnknown),
    **{
        f"fetch {number}: {name}": case
        for name, reply, error in (
            ("refused", refuses(404, ""), Refused),
            ("unreadable", Reply(200, {}, f'["{NAME}"'.encode()), MalformedReply),
            ("of an unknown status", shows(PHONE), UnknownStatus),
        )
        for number, case in enumerate(_fetch(reply, error))
    },
    "impossible": Case(
        lambda: perform(RESERVATION.with_status(Status.CANCELED), CONFERENCE, RecordingGateway()),
        CommandNotAllowed,
    ),
    "unexpected": _deliver(
        LoggingObserver, (shows("wrapping"),), None, Policy(accept_unexpected=True)
    ),
    "impossible report": Case(
        lambda: RESERVATION.with_status(Status.CANCELED).follow(RESERVATION), IllegalSuccession
    ),
}
