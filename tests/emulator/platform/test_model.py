"""Values of the platform."""

from __future__ import annotations

from reservation_core.emulator.documents import as_json
from tests.emulator.platform.stage import Stage


def test_journal_entry_json_has_no_task_or_worker() -> None:
    """Their attributes are personal."""
    stage = Stage(1)
    stage.platform.reserve(stage.task, stage.workers[0])
    (entry,) = stage.platform.journal
    assert entry.task.attributes
    assert entry.worker is not None
    shown = as_json(entry)
    assert isinstance(shown, dict)
    assert shown.keys() == {
        "sid",
        "trigger",
        "by",
        "version",
        "at",
        "reservation",
        "before",
        "task_status",
        "reason",
        "code",
    }
