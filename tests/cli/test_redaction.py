"""Secrets are never printed."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservation_core import Command
from reservation_core.cli.redaction import redact
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.commands.kinds import Uri
from reservation_core.domain.redaction import Sensitivity
from reservation_core.testing.strategies import arguments, build
from reservation_core.testing.strategies.texts import texts
from tests.cli.running import SID, TASK, WORKSPACE, run


def redacted(command: Command) -> Command:
    """Return the command with stars for secrets and URL users."""
    changes: dict[str, Any] = {}
    for parameter in command.parameters:
        value = getattr(command, parameter.field)
        if value is not None and parameter.kind.sensitivity is Sensitivity.SECRET:
            changes[parameter.field] = "***"
        elif value is not None and isinstance(parameter.kind, Uri):
            changes[parameter.field] = value.replace("://user:pass@", "://***@").replace(
                "://user@", "://***@"
            )
    return attrs.evolve(command, **changes)


@pytest.mark.parametrize("kind", COMMANDS)
@given(data=st.data())
@settings(max_examples=15)
def test_redact_replaces_secrets_and_url_users(kind: type[Command], data: st.DataObject) -> None:
    command = build(kind, data.draw(arguments(kind)))
    assert redact(command) == redacted(command)


DRY_RUN = ("send", "conference", WORKSPACE, TASK, SID, "--dry-run")


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("encode", "conference", "--sip-auth-password", "{}"), 0),
        (("encode", "conference", "--sip-auth-password={}", "--json"), 0),
        (("encode", "conference", "--status-callback=https://user:pa55@example.com/"), 0),
        (("encode", "conference", "--sip-auth-password", "{}\x00"), 1),
        (("encode", "conference", "--sip-auth-password", "{}", "--timeout=0"), 1),
        (
            (
                "encode",
                "conference",
                "--sip-auth-password",
                "{}",
                "--sip-auth-password",
                "{}",
            ),
            2,
        ),
        (("encode", "conference", "--sip-auth-pasword={}"), 2),
        (("encode", "conference", "--muted={}"), 2),
        (("encode", "conference", "{}"), 2),
        (("encode", "conference", "--{}"), 2),
        (("encode", "{}"), 2),
        (("{}",), 2),
        (("explain", "{}", "wrap"), 2),
        (("explain", "pending", "{}"), 2),
        ((*DRY_RUN, "--sip-auth-password", "{}"), 0),
        ((*DRY_RUN, "--sip-auth-password", "{}", "--status=completed"), 1),
        ((*DRY_RUN[:-1], "--sip-auth-password", "{}"), 2),
    ],
)
@given(password=texts().map("pa55".__add__))
@settings(max_examples=5)
def test_secret_is_never_printed(argv: tuple[str, ...], code: int, password: str) -> None:
    result = run(*(word.replace("{}", password) for word in argv))
    assert result.code == code
    assert "pa55" not in result.out + result.err
