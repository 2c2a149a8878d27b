"""Row 12: the cost of an import, and of the installed pytest plugin."""

from tests.benchmarks.measure import Comparison, Effort, Relation, time_import


def imports(effort: Effort) -> list[Comparison]:
    """Import each in fresh interpreters, with warm caches.

    The second comparison adds the first use: prepare an update, or address it. Both sides leave
    something to the first use. Both then have all that an update needs; ours without the gateway's
    HTTP client, the peer with it.
    """
    ours = (
        "import reservation_core as r; t = lambda p: p + '0' * 32;"
        "held = r.Reservation(status='pending', workspace_sid=t('WS'), task_sid=t('WT'),"
        "worker_sid=t('WK'), sid=t('WR')); r.prepare(held, r.Accept())"
    )
    peer = (
        "from twilio.rest import Client; t = lambda p: p + '0' * 32;"
        "tasks = Client(t('AC'), 'x').taskrouter.v1.workspaces(t('WS')).tasks;"
        "tasks(t('WT')).reservations(t('WR'))"
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
            measure="import pytest with the entry point of our plugin",
            against="import pytest",
            ours=time_import("import pytest, _reservation_core_plugins.pytest_plugin", effort),
            peer=time_import("import pytest", effort),
            reach=5,
            unit="ms",
            relation=Relation.MORE,
        ),
    ]
