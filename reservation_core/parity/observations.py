"""Observations of a parity run, read from its JSON report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, cast

import attrs

from reservation_core.domain.errors import ReservationError, hides_locals
from reservation_core.domain.lifecycle import ON_HOLD, State, Status
from reservation_core.domain.observations import Observation, Observations
from reservation_core.parity.findings import STATE_PREFIX

REPORT_FORMAT: Final = 1
"""Format number of the JSON report. A report with another number is not read."""

_STATES: Final[tuple[State, ...]] = (*Status, ON_HOLD)


@attrs.frozen(slots=False)
class ParityFileError(ReservationError):
    """A JSON report of a parity run cannot be read.

    :param path: the file.
    :param problem: the reason.
    """

    path: str
    problem: str

    def __str__(self) -> str:
        """Name the file, the problem and the remedy."""
        remedy = "Give the JSON report that the command parity wrote"
        return f"cannot read {self.path}: {self.problem}. {remedy}"


@hides_locals(ParityFileError)
def read_observations(path: str | Path) -> Observations:
    """Return what a parity run saw, for :func:`~reservation_core.explain`.

    :param path: the JSON report of the run.
    :raises ParityFileError: if it is not such a report.
    """
    try:
        document: object = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise ParityFileError(str(path), str(error.strerror)) from None
    except (ValueError, RecursionError):
        raise ParityFileError(str(path), "it is not JSON") from None
    if not isinstance(document, dict):
        raise ParityFileError(str(path), "it is not a JSON object")
    report = cast("Mapping[str, object]", document)
    if report.get("format") != REPORT_FORMAT:
        raise ParityFileError(str(path), f"its format is not {REPORT_FORMAT}")
    try:
        return Observations(_read_findings(cast("list[object]", report["findings"])))
    except (AttributeError, KeyError, TypeError) as error:
        problem = f"its content is damaged ({type(error).__name__})"
        raise ParityFileError(str(path), problem) from None


def _read_findings(findings: list[object]) -> Iterator[Observation]:
    for each in findings:
        finding = cast("Mapping[str, object]", each)
        name, value = str(finding["name"]), finding["value"]
        state = name.removeprefix(STATE_PREFIX)
        if not isinstance(value, dict) or state not in _STATES:
            continue
        for trigger, result in cast("Mapping[str, object]", value).items():
            yield Observation(trigger, _STATES[_STATES.index(cast("State", state))], str(result))
