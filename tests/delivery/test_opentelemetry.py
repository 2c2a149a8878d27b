"""OpenTelemetry spans and events."""

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from reservation_core import IllegalSuccession, Indistinguishable, Wrap
from reservation_core.delivery.opentelemetry import OpenTelemetryObserver
from tests.delivery.scripted import (
    ACCEPTED,
    PENDING,
    SECRET,
    TIMED_OUT,
    ScriptedGateway,
    fails,
    shows,
)


def test_spans_and_events_contain_nothing_personal() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("caller"):
        fails(
            ScriptedGateway(TIMED_OUT, shows("canceled")),
            Indistinguishable,
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
