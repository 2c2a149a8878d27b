"""Plan of a parity run, in words."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Final

from reservation_core.parity.experiments.model import Experiment
from reservation_core.parity.report import FILE_NAMES
from reservation_core.parity.scene import Voice
from reservation_core.webhooks.request import redact_url

_CLEANUP: Final = (
    "At the end, also after Ctrl-C, it deletes everything that it created. It names what it cannot "
    "delete. It changes and deletes nothing else."
)
_NAMED: Final = (
    "Its workers are available for seconds at a time. A queue of that workspace whose expression "
    "matches every worker may offer them a task of yours. A new workspace cannot."
)
_SECONDS: Final = 4.0  # of a quick experiment, on average
_TASKS_PER_EXPERIMENT: Final = 2  # on average; the commands of a state need some more


def describe_plan(
    experiments: Sequence[Experiment],
    *,
    workspace_sid: str | None,
    voice: Voice | None,
    platform: str = "",
    folder: Path | None = None,
) -> tuple[str, ...]:
    """Return sentences about the objects, calls, files and costs of a run.

    :param platform: the origin of the platform.
    :param folder: the folder of the report's files.
    """
    calls = _count(sum(experiment.calls for experiment in experiments), "call")
    tasks = f"about {len(experiments) * _TASKS_PER_EXPERIMENT} tasks"
    where = f"in workspace {workspace_sid}" if workspace_sid else "in a new workspace"
    objects = f"2 activities, up to 3 workers, up to 4 queues with workflows, and {tasks}"
    call = (
        f"It places up to {calls} to the number of --voice-to, from that of --voice-from. "
        "Do not answer."
        if voice
        else "It sends no voice instruction and places no call. --voice allows both."
    )
    seconds = sum(each.limit if each.is_slow else _SECONDS for each in experiments)
    return (
        f"A parity run makes {_count(len(experiments), 'experiment')} with your account"
        + (f" at {redact_url(platform)}." if platform else "."),
        f"It creates these {where}: {objects}. It uses the official REST API only.",
        *((_NAMED,) if workspace_sid else ()),
        call,
        _CLEANUP,
        *_describe_files(folder),
        f"It may cost what your plan charges for {tasks}" + (f" and {calls}." if voice else "."),
        f"It takes about {_count(ceil(seconds / 60), 'minute')}.",
    )


def _describe_files(folder: Path | None) -> tuple[str, ...]:
    if folder is None:
        return ()
    replaced = [name for name in FILE_NAMES if (folder / name).exists()]
    writes = f"It writes {_list(FILE_NAMES)} to {folder.absolute()}."
    return (f"{writes} It replaces {_list(replaced)} there." if replaced else writes,)


def _list(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
