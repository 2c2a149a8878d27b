"""Plan of a parity run, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reservation_core.parity.experiments.model import Experiment
from reservation_core.parity.scene import Voice

_CLEANUP: Final = (
    "At the end, also after Ctrl-C, it deletes everything that it created. It names what it cannot "
    "delete. It changes and deletes nothing else."
)
_NAMED: Final = (
    "Its workers are available for seconds at a time. A queue of that workspace whose expression "
    "matches every worker may offer them a task of yours. A new workspace cannot."
)
_PER_MINUTE: Final = 15
_TASKS_PER_EXPERIMENT: Final = 2  # on average; the commands of a state need some more


def describe_plan(
    experiments: Sequence[Experiment], *, workspace_sid: str | None, voice: Voice | None
) -> tuple[str, ...]:
    """Return sentences about the objects, calls and costs of a run."""
    calls = sum(experiment.calls for experiment in experiments) if voice else 0
    tasks = len(experiments) * _TASKS_PER_EXPERIMENT
    where = f"in workspace {workspace_sid}" if workspace_sid else "in a new workspace"
    objects = f"2 activities, up to 3 workers, up to 4 queues with workflows, about {tasks} tasks"
    call = (
        f"It places up to {calls} calls to the number of --voice-to, from that of --voice-from. "
        "Do not answer them."
        if voice
        else "It sends no voice instruction and calls nobody. --voice allows that."
    )
    return (
        f"A parity run makes {len(experiments)} experiments with your account.",
        f"It creates {objects}, {where}. It uses the official REST API only.",
        *((_NAMED,) if workspace_sid else ()),
        call,
        _CLEANUP,
        f"It may cost what your plan charges for about {tasks} tasks and {calls} calls.",
        f"It takes about {-(-len(experiments) // _PER_MINUTE)} minutes, and longer with --slow.",
    )
