"""Parity: experiments that show how the platform of an account behaves.

Where no source settles a rule, the library has an interpretation and the emulator a setting. A
parity run asks the platform itself, by the official REST API only, and writes a report, a settings
file for the emulator, and observations for :func:`~reservation_core.explain`.

* ``findings``: :class:`Finding` and :class:`ParityReport`.
* ``experiments``: the questions, as tables of small functions.
* ``scene``: workspace, workers and tasks of a run. ``creations`` deletes them again.
* ``wire``: sends the requests of a run.
* ``runner``: :func:`run_parity`. ``plan``: what it would do, in words.
* ``report``: Markdown, JSON and settings of a report. ``observations`` reads it again.
"""

from reservation_core.parity.findings import (
    Exchange,
    Finding,
    ParityFailed,
    ParityReport,
    Subject,
)
from reservation_core.parity.observations import ParityFileError, read_observations
from reservation_core.parity.plan import describe_plan
from reservation_core.parity.report import write_page, write_report
from reservation_core.parity.runner import Progress, choose, run_parity
from reservation_core.parity.scene import Voice

__all__ = [
    "Exchange",
    "Finding",
    "ParityFailed",
    "ParityFileError",
    "ParityReport",
    "Progress",
    "Subject",
    "Voice",
    "choose",
    "describe_plan",
    "read_observations",
    "run_parity",
    "write_page",
    "write_report",
]
