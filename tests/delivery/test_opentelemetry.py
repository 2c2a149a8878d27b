"""OpenTelemetry spans, events and metrics."""

from collections.abc import Iterator

import attrs
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    HistogramDataPoint,
    InMemoryMetricReader,
    NumberDataPoint,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from reservation_core import Accept, IllegalSuccession, OutcomeUnknown, Reply, Status, Wrap
from reservation_core.delivery.opentelemetry import OpenTelemetryObserver
from tests.delivery.scripted import (
    ACCEPTED,
    PENDING,
    SECRET,
    TIMED_OUT,
    ScriptedGateway,
    deliver,
    fails,
    shows,
)

CANCELED = attrs.evolve(PENDING, status=Status.CANCELED)


def test_spans_and_events_contain_nothing_personal() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("caller"):
        fails(
            ScriptedGateway(TIMED_OUT, shows("canceled")),
            OutcomeUnknown,
            PENDING,
            SECRET,
            OpenTelemetryObserver(tracer),
            backoff=0,
        )
        fails(
            ScriptedGateway(shows("timeout")),
            IllegalSuccession,
            ACCEPTED,
            Wrap(),
            OpenTelemetryObserver(tracer),
            reconcile=False,
        )
    first, second, _, caller = exporter.get_finished_spans()
    assert (first.name, second.name) == ("POST reservation", "GET reservation")
    assert first.attributes is not None
    assert first.attributes["reservation_core.outcome"] == "GatewayError"
    assert (first.status.is_ok, second.status.is_ok) == (False, True)
    assert first.parent is not None
    assert caller.context is not None
    assert first.parent.span_id == caller.context.span_id
    assert [event.name for event in caller.events] == [
        "reservation_core.reconcile",
        *["reservation_core.give_up"] * 2,
    ]
    shown = "".join(span.to_json() for span in exporter.get_finished_spans())
    for secret in ("50001", "50006", "hush"):
        assert secret not in shown
    OpenTelemetryObserver()  # without a provider nothing is shown, and nothing fails


def test_span_has_the_request_id_and_an_event_for_a_caution() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer, accepted = provider.get_tracer("test"), shows("accepted", "4")
    reply = Reply(200, {**accepted.headers, "Twilio-Request-Id": "RQ1"}, accepted.body)
    with tracer.start_as_current_span("caller"):
        deliver(
            ScriptedGateway(reply), CANCELED, Accept(), OpenTelemetryObserver(tracer), strict=False
        )
    span, caller = exporter.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["reservation_core.request_id"] == "RQ1"
    assert span.attributes["http.response.status_code"] == 200
    (event,) = caller.events
    assert event.name == "reservation_core.caution"
    assert event.attributes is not None
    assert "only a pending reservation can be accepted" in str(
        event.attributes["reservation_core.caution"]
    )


def test_metrics_count_attempts_outcomes_and_reconciliations() -> None:
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader]).get_meter("test")
    times = iter(range(0, 10**12, 10**9))
    observer = OpenTelemetryObserver(now=lambda: next(times), meter=meter)
    deliver(ScriptedGateway(shows("accepted")), observer=observer)
    fails(
        ScriptedGateway(TIMED_OUT, shows("canceled"), takes=0.5),
        OutcomeUnknown,
        PENDING,
        SECRET,
        observer,
        backoff=0,
    )
    assert dict(_points(reader)) == {
        ("reservation_core.attempts", "{attempt}"): [
            (1, "accept", "accepted", "POST", None),
            (1, "conference", "GatewayError", "POST", "GatewayError"),
            (1, "conference", "canceled", "GET", None),
        ],
        ("reservation_core.attempt.duration", "s"): [
            (0.0, "accept", "accepted", "POST", None),
            (0.5, "conference", "GatewayError", "POST", "GatewayError"),
            (0.5, "conference", "canceled", "GET", None),
        ],
        ("reservation_core.reconciliations", "{reconciliation}"): [
            (1, "conference", "OutcomeUnknown", None, None)
        ],
        ("reservation_core.delivery.duration", "s"): [
            (2.0, "accept", "accepted", None, None),
            (3.0, "conference", "OutcomeUnknown", None, "OutcomeUnknown"),
        ],
    }


def _points(reader: InMemoryMetricReader) -> Iterator[tuple[tuple[str, str], list[object]]]:
    """Yield the points of each metric: value, command, outcome, method and error."""
    data = reader.get_metrics_data()
    assert data is not None
    names = (
        "reservation_core.command",
        "reservation_core.outcome",
        "http.request.method",
        "error.type",
    )
    for metric in data.resource_metrics[0].scope_metrics[0].metrics:
        points: list[object] = []
        for point in metric.data.data_points:
            assert isinstance(point, NumberDataPoint | HistogramDataPoint)
            value = point.value if isinstance(point, NumberDataPoint) else point.sum
            given = dict(point.attributes or {})
            assert given.keys() <= set(names)
            points.append((value, *(given.get(name) for name in names)))
        yield (metric.name, str(metric.unit)), points
