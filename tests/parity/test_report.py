"""The files of a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import attrs
import pytest

from reservation_core import Accept, Evidence, SetStatus, Status, Wrap, explain
from reservation_core.domain.lifecycle import ON_HOLD
from reservation_core.emulator import Settings, SettingsFileError
from reservation_core.emulator.platform.settings import (
    EmptyUpdate,
    StatusAndInstruction,
    SystemStatus,
)
from reservation_core.parity.findings import Exchange, Finding, ParityReport, Subject
from reservation_core.parity.observations import ParityFileError, read_observations
from reservation_core.parity.report import report_document, write_page, write_report
from tests.parity.stage import Stage

FINDING: Final = Finding(
    name="both_given",
    subject=Subject.SETTING,
    rule="both | at once",
    interpretation="instruction",
    evidence=Evidence.UNKNOWN,
    is_known=True,
    value="refused",
    seen="the answer was 400 <b>`no`</b>",
    exchanges=(Exchange("POST /x Instruction=```", "400 20001 ``` no"),),
)
REPORT: Final = ParityReport(
    made_at="2030-01-01T00:00:00+00:00",
    platform="https://example.com",
    workspace="WS…000001",
    has_voice=False,
    is_complete=False,
    findings=(
        FINDING,
        attrs.evolve(FINDING, name="strict", is_known=False, value=None, seen="no time"),
        attrs.evolve(FINDING, name="rate_limit", interpretation=None, value=None, seen="none"),
        attrs.evolve(
            FINDING,
            name="commands_while_accepted",
            subject=Subject.LIFECYCLE,
            interpretation="supervise, wrap, complete",
            value={"accept": "refused", "wrap": "wrapping", "complete": "completed"},
            exchanges=(),
        ),
    ),
    left_over=("/v1/Workspaces/WS1: 500",),
)


def test_page_has_rule_interpretation_and_what_was_seen() -> None:
    """Nothing that the platform writes is markup."""
    page = write_page(REPORT)
    assert "* Experiments: 4, of which 3 have a result\n" in page
    assert "* Made at: 2030-01-01T00:00:00+00:00 (interrupted)\n" in page
    assert "* Different from this library's interpretation: `both_given`\n" in page
    assert "**Not deleted.** Delete this yourself:\n\n* /v1/Workspaces/WS1: 500\n" in page
    assert "| `both_given` | both \\| at once | **refused** | instruction | unknown |\n" in page
    assert "| `strict` | both \\| at once | could not tell | instruction | unknown |\n" in page
    assert "| wrap, complete | wrap, complete | unknown |\n" in page
    assert "* Seen: wrap, complete: the answer was" in page
    assert "* Interpretation: wrap, complete (unknown)\n" in page
    assert "* Rule: both \\| at once\n" in page
    assert "* Seen: refused: the answer was 400 &lt;b>'no'&lt;/b>\n" in page
    assert "```text\nPOST /x Instruction='''\n  -> 400 20001 ''' no\n```\n" in page
    assert "## Rules" not in page
    assert "(interrupted)" not in write_page(attrs.evolve(REPORT, is_complete=True))
    assert "Not deleted" not in write_page(attrs.evolve(REPORT, left_over=()))


def test_document_has_the_observed_settings() -> None:
    document = report_document(REPORT)
    assert document["settings"] == {"both_given": "refused", "rate_limit": None}
    assert json.loads(json.dumps(document))["findings"][0]["exchanges"] == [
        {"request": "POST /x Instruction=```", "reply": "400 20001 ``` no"}
    ]


def test_settings_file_makes_the_emulator_that_platform(tmp_path: Path) -> None:
    settings = Settings(
        both_given=StatusAndInstruction.STATUS,
        neither_given=EmptyUpdate.UNCHANGED,
        checks_version_first=False,
        system_status=SystemStatus.CARRIED_OUT,
        rate_limit=2000,
    )
    names = ("both_given", "neither_given", "checks_version_first", "system_status", "rate_limit")
    report = Stage(settings, names=names).run()
    paths = write_report(report, tmp_path)
    assert [path.name for path in paths] == ["parity.md", "parity.json", "parity-settings.toml"]
    loaded = Settings.load(tmp_path / "parity-settings.toml")
    assert {name: getattr(loaded, name) for name in report.settings} == report.settings
    again = Stage(loaded, names=names).run()
    assert again.settings == report.settings


def test_unwritable_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="none"):
        write_report(REPORT, tmp_path / "none")
    (tmp_path / "parity-settings.toml").mkdir()
    with pytest.raises(SettingsFileError):
        write_report(REPORT, tmp_path)


def test_observations_replace_the_evidence_of_explain(tmp_path: Path) -> None:
    """Only where the platform did what the lifecycle says."""
    write_report(Stage(names=["commands_while_wrapping", "strict"]).run(), tmp_path)
    observations = read_observations(tmp_path / "parity.json")
    assert len(observations) == 12
    before = explain(Status.WRAPPING, Accept)
    assert "[inferred: " in str(before)
    after = explain(Status.WRAPPING, Accept, observations=observations)
    assert "[observed: a parity run on your account]" in str(after)
    assert after.refusal is not None
    assert (after.is_allowed, after.refusal.evidence) == (False, Evidence.OBSERVED)
    assert explain(Status.PENDING, Wrap, observations=observations) == explain(Status.PENDING, Wrap)
    status = SetStatus(Status.CANCELED)
    other = str(explain(Status.WRAPPING, status, observations=observations))
    assert other.endswith(" A parity run saw otherwise: the platform refused it.")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "No such file or directory"),
        ("{", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[1]", "it is not a JSON object"),
        ("{}", "its format is not 1"),
        ('{"format": 1}', "its content is damaged (KeyError)"),
        ('{"format": 1, "findings": 3}', "its content is damaged (TypeError)"),
        ('{"format": 1, "findings": [{"name": "x"}]}', "its content is damaged (KeyError)"),
        ('{"format": 1, "findings": [3]}', "its content is damaged (TypeError)"),
    ],
)
def test_wrong_report_is_one_error(tmp_path: Path, content: str | None, problem: str) -> None:
    path = tmp_path / "parity.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ParityFileError) as caught:
        read_observations(str(path))
    expected = f"cannot read {path}: {problem}. Give the JSON report that the command parity wrote"
    assert str(caught.value) == expected


def test_foreign_findings_of_a_report_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "parity.json"
    findings = [
        {"name": "commands_while_asleep", "value": {"accept": "refused"}},
        {"name": "commands_while_pending", "value": None},
        {"name": "commands_while_onHold", "value": {"reject": "rejected"}},
    ]
    path.write_text(json.dumps({"format": 1, "findings": findings}), encoding="utf-8")
    observations = read_observations(path)
    (found,) = filter(None, [observations.find("reject", ON_HOLD)])
    assert (len(observations), found.is_allowed, found.state) == (1, True, ON_HOLD)
    assert str(found) == "the platform carried it out and showed rejected"
