"""Row 12: what it costs to import the library, and to have its plugin in pytest."""

from tests.benchmarks.measure import Comparison, Effort, Relation, time_import


def imports(effort: Effort) -> list[Comparison]:
    """Import each in fresh interpreters, all caches warm; then the same with what is first loaded when an update is addressed.

    Both sides leave something to the first use: ours the machine's library, the peer all it has for this platform's part. Both give all
    that one needs to build, send and read an update; ours without the gateway's HTTP client, the peer with it.
    """
    ours = (
        "import reservation_core as r; t = lambda p: p + '0' * 32;"
        "r.prepare(r.Reservation(status='pending', workspace_sid=t('WS'), task_sid=t('WT'), worker_sid=t('WK'), sid=t('WR')), r.Accept())"
    )
    peer = (
        "from twilio.rest import Client; t = lambda p: p + '0' * 32;"
        "Client(t('AC'), 'x').taskrouter.v1.workspaces(t('WS')).tasks(t('WT')).reservations(t('WR'))"
    )
    return [
        Comparison(
            row=12,
            measure="import time",
            against="from twilio.rest import Client",
            ours=time_import("import reservation_core", effort),
            peer=time_import("from twilio.rest import Client", effort),
            reach=0.6,
            unit="ms",
            relation=Relation.SHARE,
        ),
        Comparison(
            row=12,
            measure="import, and address the first update",
            against="the same with twilio.rest.Client",
            ours=time_import(ours, effort),
            peer=time_import(peer, effort),
            reach=0.6,
            unit="ms",
            relation=Relation.SHARE,
        ),
        Comparison(
            row=12,
            measure="import pytest and our plugin",
            against="import pytest and hypothesis",
            ours=time_import("import pytest, reservation_core.testing.pytest_plugin", effort),
            peer=time_import("import pytest, hypothesis", effort),
            reach=0.8,
            unit="ms",
            relation=Relation.SHARE,
        ),
    ]
