"""Files of a parity report: a page, JSON, and settings of the emulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from reservation_core.emulator.documents import as_json
from reservation_core.emulator.platform.settings_file import write_settings_file
from reservation_core.parity.findings import Finding, ParityReport, Subject
from reservation_core.parity.observations import REPORT_FORMAT

PAGE_NAME: Final = "parity.md"
JSON_NAME: Final = "parity.json"
SETTINGS_NAME: Final = "parity-settings.toml"
FILE_NAMES: Final = (PAGE_NAME, JSON_NAME, SETTINGS_NAME)
"""Names of the three files of a report."""


_TITLES: Final = {
    Subject.SETTING: "Settings of the emulator",
    Subject.RULE: "Rules",
    Subject.LIFECYCLE: "Commands in each state",
}


def report_document(report: ParityReport) -> dict[str, object]:
    """Return a report as a JSON object."""
    fields = as_json(report)
    assert isinstance(fields, dict)
    return {"format": REPORT_FORMAT, **fields, "settings": as_json(report.settings)}


def write_report(report: ParityReport, folder: Path) -> tuple[Path, ...]:
    """Write the three files of a report, and return their paths.

    :raises SettingsFileError: if the settings cannot be written.
    :raises OSError: if another file cannot be written.
    """
    page, document, settings = (folder / name for name in FILE_NAMES)
    page.write_text(write_page(report), encoding="utf-8")
    document.write_text(json.dumps(report_document(report), indent=2) + "\n", encoding="utf-8")
    write_settings_file(settings, report.settings)
    return page, document, settings


def write_page(report: ParityReport) -> str:
    """Return a report as Markdown."""
    return "\n".join(_write_lines(report)) + "\n"


def _write_lines(report: ParityReport) -> Iterator[str]:
    known = [finding for finding in report.findings if finding.is_known]
    different = [finding for finding in known if not finding.is_as_expected]
    yield "# Parity report"
    yield ""
    yield f"* Platform: {report.platform}, workspace {report.workspace or 'none'}"
    yield f"* Made at: {report.made_at}" + ("" if report.is_complete else " (interrupted)")
    yield f"* Voice instructions: {'sent' if report.has_voice else 'not sent'}"
    yield f"* Experiments: {len(report.findings)}, of which {len(known)} have a result"
    yield f"* Different from this library's interpretation: {_list_names(different)}"
    if report.left_over:
        yield ""
        yield "**Not deleted.** Delete this yourself:"
        yield ""
        yield from (f"* {each}" for each in report.left_over)
    for subject, title in _TITLES.items():
        findings = [finding for finding in report.findings if finding.subject is subject]
        if findings:
            yield from ("", f"## {title}", "", "| name | rule | seen | interpretation | evidence |")
            yield "| --- | --- | --- | --- | --- |"
            yield from map(_write_row, findings)
    yield from ("", "## Requests and replies")
    for finding in report.findings:
        yield from _write_finding(finding)


def _list_names(findings: list[Finding]) -> str:
    return ", ".join(f"`{finding.name}`" for finding in findings) or "none"


def _write_row(finding: Finding) -> str:
    answer = finding.answer if finding.is_as_expected else f"**{finding.answer}**"
    cells = (finding.rule, answer, finding.expected, finding.evidence)
    return f"| `{finding.name}` | {' | '.join(map(_escape, cells))} |"


def _write_finding(finding: Finding) -> Iterator[str]:
    yield from ("", f"### {finding.name}", "")
    yield f"* Rule: {_escape(finding.rule)}"
    yield f"* Interpretation: {_escape(finding.expected)} ({finding.evidence})"
    yield f"* Seen: {_escape(f'{finding.answer}: {finding.seen}')}"
    if finding.exchanges:
        yield from ("", "```text")
        for exchange in finding.exchanges:
            yield exchange.request.replace("`", "'")
            yield f"  -> {exchange.reply}".replace("`", "'")
        yield "```"


def _escape(text: str) -> str:
    """Return a text of the platform without markup."""
    return text.replace("|", "\\|").replace("`", "'").replace("<", "&lt;")
