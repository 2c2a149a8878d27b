"""A parity run: experiment after experiment, with time limits and a clean end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Final

from reservation_core.gateways.port import Gateway
from reservation_core.parity.experiments.catalogue import EXPERIMENTS
from reservation_core.parity.experiments.model import Experiment
from reservation_core.parity.findings import CouldNotTell, Finding, ParityReport, Seen
from reservation_core.parity.scene import ParityScene, Voice
from reservation_core.parity.wire import Wire, shorten_sids
from reservation_core.rest.errors import GatewayError

_MAX_EXCHANGES: Final = 12  # of one experiment in the report


class Progress:
    """Observer of a run. Every hook does nothing by default."""

    def started(self, experiment: Experiment, number: int, total: int) -> None:
        """Do something before an experiment."""

    def finished(self, finding: Finding) -> None:
        """Do something after an experiment."""

    def cleaning_up(self, count: int) -> None:
        """Do something before everything that was created is deleted.

        :param count: number of objects.
        """


def choose(
    *, names: Collection[str] = (), has_voice: bool = False, is_slow: bool = False
) -> tuple[Experiment, ...]:
    """Return the experiments of a run, in their order.

    :param names: only these; all by default.
    :param has_voice: true to have those that need a voice instruction.
    :param is_slow: true to have those that take minutes.
    """
    return tuple(
        experiment
        for experiment in EXPERIMENTS
        if (not names or experiment.name in names)
        and (has_voice or not experiment.needs_voice)
        and (is_slow or not experiment.is_slow)
    )


class ParityRun:
    """One run on a platform. It deletes what it created, however it ends.

    :param wire: sends the requests.
    :param scene: creates and deletes the objects.
    :param experiments: what to find out.
    :param limit: the longest time of one experiment in seconds; its own limit by default.
    """

    def __init__(
        self,
        wire: Wire,
        scene: ParityScene,
        experiments: Sequence[Experiment],
        *,
        limit: float | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._wire: Final = wire
        self._scene: Final = scene
        self._experiments: Final = experiments
        self._limit: Final = limit
        self._progress: Final = progress or Progress()
        self._findings: list[Finding] = []
        self._left_over: tuple[str, ...] = ()

    def run(self) -> None:
        """Make all experiments, and delete everything.

        An exception, an interrupt included, is raised after the deletion.

        :raises ParityFailed: if the scene cannot be created.
        """
        try:
            self._wire.begin(self._limit or 60.0)
            self._scene.open()
            for number, experiment in enumerate(self._experiments, 1):
                self._progress.started(experiment, number, len(self._experiments))
                finding = self._run_one(experiment)
                self._findings.append(finding)
                self._progress.finished(finding)
        finally:
            self._progress.cleaning_up(len(self._scene.remaining))
            self._left_over = self._scene.remaining  # if the deletion itself is interrupted
            self._left_over = self._scene.close()

    def report(self, platform: str) -> ParityReport:
        """Return what was found out until now.

        :param platform: the origin of the platform.
        """
        return ParityReport(
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            platform=platform,
            workspace=shorten_sids(self._scene.workspace_sid),
            has_voice=self._scene.voice is not None,
            is_complete=len(self._findings) == len(self._experiments),
            findings=tuple(self._findings),
            left_over=self._left_over,
        )

    def _run_one(self, experiment: Experiment) -> Finding:
        wire = self._wire
        limit = min(experiment.limit, self._limit or experiment.limit)
        wire.begin(limit)
        start = wire.now()
        seen, reason = _try(experiment.run, self._scene, limit)
        exchanges, seconds = tuple(wire.exchanges[-_MAX_EXCHANGES:]), wire.now() - start
        self._scene.finish()
        return Finding(
            name=experiment.name,
            subject=experiment.subject,
            rule=experiment.rule,
            interpretation=experiment.interpretation,
            evidence=experiment.evidence,
            is_known=seen is not None,
            value=None if seen is None else seen.value,
            seen=reason if seen is None else seen.text,
            exchanges=exchanges,
            seconds=round(seconds, 2),
        )


def _try(
    run: Callable[[ParityScene], Seen], scene: ParityScene, limit: float
) -> tuple[Seen | None, str]:
    """Return the result of an experiment, or ``None`` and a reason."""
    try:
        return run(scene), ""
    except CouldNotTell as error:
        reason = str(error)
    except GatewayError as error:
        reason = f"no usable answer: {error.reason}"
    if "time limit" in reason:
        reason = f"{reason} ({limit:g} s)"
    return None, shorten_sids(reason)


def run_parity(
    gateway: Gateway,
    *,
    platform: str = "",
    workspace_sid: str | None = None,
    voice: Voice | None = None,
    names: Collection[str] = (),
    is_slow: bool = False,
    limit: float | None = None,
    progress: Progress | None = None,
) -> ParityReport:
    """Make experiments with an account, delete everything, and return the report.

    It may cost what the account's plan charges. :func:`~reservation_core.parity.describe_plan`
    says what it will do.

    :param platform: the origin of the platform, for the report.
    :param workspace_sid: an existing workspace; by default a new one is created.
    :param voice: consent to voice instructions.
    :param names: the names of the experiments; all by default.
    :param is_slow: true to have those that take minutes, too.
    :param limit: the longest time of one experiment in seconds; its own limit by default.
    :raises ParityFailed: if the platform refuses to create what the run needs.
    :raises GatewayError: if that has no complete reply.
    """
    wire = Wire(gateway, hidden=(voice.caller, voice.callee) if voice else ())
    scene = ParityScene(wire, workspace_sid=workspace_sid, voice=voice)
    chosen = choose(names=names, has_voice=voice is not None, is_slow=is_slow)
    run = ParityRun(wire, scene, chosen, limit=limit, progress=progress)
    run.run()
    return run.report(platform)
