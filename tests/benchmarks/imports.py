"""Row 12: what it costs to import the library."""

from tests.benchmarks.measure import Comparison, Effort, time_import


def imports(effort: Effort) -> list[Comparison]:
    """Import each in fresh interpreters, all caches warm.

    Both sides give all that one needs to build, send and read an update; ours without the gateway's HTTP client, the peer with it.
    """
    return [
        Comparison(
            row=12,
            measure="import time",
            against="from twilio.rest import Client",
            ours=time_import("import reservation_core", effort),
            peer=time_import("from twilio.rest import Client", effort),
            reach=0.6,
            aim=0.5,
            unit="ms",
            share=True,
        )
    ]
