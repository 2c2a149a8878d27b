"""Preconditions that sources dispute, and supervisors."""

from __future__ import annotations

import pytest

from reservation_core import (
    Accept,
    Conference,
    Dequeue,
    Redirect,
    Supervise,
)
from reservation_core.emulator import (
    Platform,
    Settings,
    UnmetPrecondition,
)
from tests.emulator.platform.stage import Stage


def test_supervisor_by_address_counts_as_reachable() -> None:
    """An unknown worker does not, unless the task is assumed."""
    stage = Stage(1)
    stage.platform.execute(stage.sids[0], Accept())
    stage.platform.execute(
        stage.sids[0], Supervise(supervisor="client:boss", supervisor_mode="barge")
    )
    unknown = Supervise(supervisor=f"WK{'f' * 32}", supervisor_mode="barge")
    with pytest.raises(UnmetPrecondition, match="40147"):
        stage.platform.execute(stage.sids[0], unknown)
    assumed = Platform()
    assumed.add(stage.platform.get(stage.sids[0]))
    assert assumed.execute(stage.sids[0], unknown).etag == "1"


@pytest.mark.parametrize(
    ("settings", "command", "code"),
    [
        (Settings(dequeue_needs_from=True), Dequeue(), 40132),
        (Settings(conference_needs_from=True), Conference(), 40138),
        (
            Settings(redirects_only_task_calls=True),
            Redirect(call_sid=f"CA{'f' * 32}", url="https://example.com"),
            40122,
        ),
    ],
)
def test_disputed_preconditions_are_settings(
    settings: Settings, command: Dequeue | Conference | Redirect, code: int
) -> None:
    lenient, strict = Stage(1), Stage(1, settings=settings)
    lenient.platform.execute(lenient.sids[0], command)
    with pytest.raises(UnmetPrecondition) as caught:
        strict.platform.execute(strict.sids[0], command)
    assert caught.value.code == code
