"""One experiment of a parity run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from reservation_core.domain.commands.cautions import Dispute
from reservation_core.domain.evidence import Evidence
from reservation_core.parity.findings import ObservedValue, Seen, Subject
from reservation_core.parity.scene import ParityScene

DEFAULT_LIMIT: Final = 60.0
"""Time limit of an experiment in seconds."""


@attrs.frozen(kw_only=True)
class Experiment:
    """One experiment.

    :param name: name of the setting or the rule.
    :param rule: the rule in words.
    :param interpretation: the value by this library's interpretation.
    :param run: makes the experiment. It raises ``CouldNotTell`` if it ends without a value.
    :param needs_voice: true if it sends a voice instruction and can tell nothing without.
    :param calls: number of calls that it may place.
    :param is_slow: true if it takes minutes.
    :param limit: time limit in seconds.
    :param disputes: the disputes of the catalogue that it settles.
    """

    name: str
    subject: Subject
    rule: str
    interpretation: ObservedValue
    evidence: Evidence
    run: Callable[[ParityScene], Seen]
    needs_voice: bool = False
    calls: int = 0
    is_slow: bool = False
    limit: float = DEFAULT_LIMIT
    disputes: tuple[Dispute, ...] = ()
