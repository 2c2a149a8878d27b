"""Raw requests have their outcome in every framework under every server."""

from __future__ import annotations

import pytest

from tests.webhooks.raw.campaign import ALL, SOME, running_servers, send_table
from tests.webhooks.raw.table import TABLE, VARYING

pytestmark = pytest.mark.slow


def test_raw_requests_have_their_outcome_under_every_server() -> None:
    with running_servers() as ports:
        results = send_table(ports, SOME)
    assert [result for result in results if not result.is_right] == []
    assert len(results) == len(TABLE) * sum(map(len, SOME.values()))


def test_some_pairs_hold_every_framework_and_are_pairs() -> None:
    assert all(set(frameworks) <= set(ALL[server]) for server, frameworks in SOME.items())
    every = {name for frameworks in ALL.values() for name in frameworks}
    assert {name for frameworks in SOME.values() for name in frameworks} == every


def test_other_outcomes_belong_to_requests_and_servers() -> None:
    assert {name for name, _, _ in VARYING} <= {raw.name for raw in TABLE}
    assert {server for _, server, _ in VARYING} <= ALL.keys()
    assert len({raw.name for raw in TABLE}) == len(TABLE)
