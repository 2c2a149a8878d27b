"""The command ``parity``: experiments with an account, and a report of what they show."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import attrs

from reservation_core._extras import extra
from reservation_core.cli.console import TerminalOutput
from reservation_core.cli.exit_codes import (
    DONE,
    INTERRUPTED,
    LEFT_OVER,
    NOT_CONSENTED,
    UsageError,
)
from reservation_core.cli.flags import JsonFlag, SwitchFlag, read_whole_number
from reservation_core.cli.remote import open_gateway
from reservation_core.emulator.platform.settings_file import SettingsFileError
from reservation_core.gateways.settings import ConfigurationError, default_base_url
from reservation_core.parity.experiments.catalogue import EXPERIMENTS
from reservation_core.parity.experiments.model import Experiment
from reservation_core.parity.findings import Finding, ParityReport
from reservation_core.parity.plan import describe_plan
from reservation_core.parity.report import report_document, write_report
from reservation_core.parity.runner import ParityRun, Progress, choose
from reservation_core.parity.scene import ParityScene, Voice
from reservation_core.parity.wire import Wire
from reservation_core.rest.addresses import is_sid

with extra("cli"):
    import cyclopts


_MAX_LIMIT: Final = 3600


@attrs.frozen(kw_only=True)
class VoiceOptions:
    """Flags of voice instructions.

    :param voice: Allow voice instructions. They need --voice-from and --voice-to.
    :param voice_from: A number of the account, as the caller ID.
    :param voice_to: The number or contact that may ring. Do not answer it.
    :param voice_call: The SID (CA...) of a live call that waits in a queue, if there is one.
    """

    voice: SwitchFlag = False
    voice_from: str | None = None
    voice_to: str | None = None
    voice_call: str | None = None

    def read(self) -> Voice | None:
        """Return the consent to voice instructions, ``None`` without one."""
        if not self.voice:
            if self.voice_from or self.voice_to or self.voice_call:
                raise UsageError("--voice is missing. Without it no number is used")
            return None
        if not self.voice_from or not self.voice_to:
            raise UsageError("--voice needs --voice-from and --voice-to")
        return Voice(caller=self.voice_from, callee=self.voice_to, call_sid=self.voice_call)


_NO_VOICE: Final = VoiceOptions()


class _TerminalProgress(Progress):
    """Progress of a run on stderr."""

    def __init__(self, errors: TerminalOutput) -> None:
        self._errors = errors

    def started(self, experiment: Experiment, number: int, total: int) -> None:
        self._errors.write_wrapped(f"{number}/{total} {experiment.name}", "dim", indent=0)

    def finished(self, finding: Finding) -> None:
        style = "yellow" if not finding.is_known else "" if finding.is_as_expected else "magenta"
        text = finding.answer if finding.is_known else f"could not tell: {finding.seen}"
        self._errors.write_wrapped(text, style)

    def cleaning_up(self, count: int) -> None:
        self._errors.write_wrapped(f"deleting {count} objects", "dim", indent=0)


class ParityCommand:
    """The command that runs experiments. Its docstring is the help."""

    def __init__(self, output: TerminalOutput, errors: TerminalOutput) -> None:
        self._output: Final = output
        self._errors: Final = errors

    def parity(
        self,
        *,
        yes: SwitchFlag = False,
        workspace_sid: str | None = None,
        voice: Annotated[VoiceOptions, cyclopts.Parameter(name="*")] = _NO_VOICE,
        slow: SwitchFlag = False,
        only: Annotated[list[str] | None, cyclopts.Parameter(negative_iterable=())] = None,
        limit: str | None = None,
        output: Path = Path(),
        base_url: str | None = None,
        as_json: JsonFlag = False,
    ) -> int:
        """Find out how the platform of your account behaves.

        It runs experiments over the official REST API, and deletes what it created. Without --yes
        it only prints its plan.

        It writes three files: a report to read (parity.md), the report for explain --parity
        (parity.json), and settings for serve --settings (parity-settings.toml).

        Credentials: TWILIO_API_KEY and TWILIO_API_SECRET, or TWILIO_ACCOUNT_SID and
        TWILIO_AUTH_TOKEN, in the environment.

        :param yes: Run the experiments. You consent to the plan that is printed without this flag.
        :param workspace_sid: An existing workspace (WS...). By default a new one is created.
        :param slow: Also measure the deletion of ended tasks, which takes minutes.
        :param only: The name of an experiment to run. May be repeated. All by default.
        :param limit: The time limit of each experiment in seconds.
        :param output: The folder of the files.
        :param base_url: The platform's base URL. By default that of TWILIO_REGION and TWILIO_EDGE.
        """
        consent = voice.read()
        experiments = _choose(only, has_voice=consent is not None, is_slow=slow)
        if workspace_sid is not None and not is_sid(workspace_sid, "workspace_sid"):
            raise UsageError("--workspace-sid must be a SID (WS and 32 hexadecimal digits)")
        seconds = None if limit is None else read_whole_number("--limit", limit, 1, _MAX_LIMIT)
        if not output.is_dir():
            raise UsageError(f"--output must be a folder that exists, not {output}")
        url = base_url or default_base_url()
        if not yes:
            plan = describe_plan(
                experiments,
                workspace_sid=workspace_sid,
                voice=consent,
                platform=url,
                folder=output,
            )
            if as_json:
                self._output.write_json({"plan": plan})
                return NOT_CONSENTED
            for line in plan:
                self._output.write_wrapped(line, indent=0)
            self._output.write_wrapped(
                "Nothing was done. Add --yes to run the experiments.", "bold", indent=0
            )
            return NOT_CONSENTED
        with open_gateway(url) as gateway, _stopping_cleanly():
            hidden = (consent.caller, consent.callee) if consent else ()
            wire = Wire(gateway, hidden=hidden)
            scene = ParityScene(wire, workspace_sid=workspace_sid, voice=consent)
            progress = _TerminalProgress(self._errors)
            run = ParityRun(wire, scene, experiments, limit=seconds, progress=progress)
            code = DONE
            try:
                run.run()
            except KeyboardInterrupt:
                code = INTERRUPTED
            finally:
                report = run.report(url)
                self._write(report, output, as_json=as_json)
        if code == INTERRUPTED:
            self._errors.write_wrapped(_describe_interrupt(report), "red", indent=0)
            return code
        return LEFT_OVER if report.left_over else DONE

    def _write(self, report: ParityReport, folder: Path, *, as_json: bool) -> None:
        if not report.findings and not report.left_over:
            return
        try:
            paths = write_report(report, folder)
        except (OSError, SettingsFileError) as error:
            raise ConfigurationError(f"cannot write the report: {error}") from None
        for each in report.left_over:
            self._errors.write_wrapped(f"not deleted: {each}", "red", indent=0)
        if as_json:
            self._output.write_json(report_document(report))
            return
        known = sum(finding.is_known for finding in report.findings)
        self._output.write_wrapped(
            f"{known} of {len(report.findings)} experiments have a result.", "bold", indent=0
        )
        for path in paths:
            self._output.write(f"   {path}", "cyan")


def _describe_interrupt(report: ParityReport) -> str:
    left = len(report.left_over)
    return "interrupted. " + (
        f"{left} objects are not deleted. They are listed" if left else "Everything is deleted"
    )


def _choose(names: list[str] | None, *, has_voice: bool, is_slow: bool) -> tuple[Experiment, ...]:
    known = {experiment.name: experiment for experiment in EXPERIMENTS}
    chosen = choose(names=names or (), has_voice=has_voice, is_slow=is_slow)
    for name in names or ():
        if name not in known:
            raise UsageError(f"there is no experiment of that name. Give one of {', '.join(known)}")
        if known[name] not in chosen:
            raise UsageError(f"{name} needs {'--voice' if known[name].needs_voice else '--slow'}")
    return chosen


@contextmanager
def _stopping_cleanly() -> Generator[None]:
    """Let SIGTERM end a run as Ctrl-C does, with everything deleted."""

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread receives signals
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
