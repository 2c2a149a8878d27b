"""Flags of the catalogue's parameters."""

from __future__ import annotations

import importlib

import pytest

from reservation_core import Command
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.member_docs import read_member_docs
from tests.cli.running import run


@pytest.mark.parametrize("kind", COMMANDS)
@pytest.mark.parametrize("name", ["encode", "send"])
def test_help_lists_each_parameter_with_its_summary(
    kind: type[Command], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    result = run(name, kind.trigger, "--help")
    assert result.code == 0
    words = " ".join(result.out.split())
    assert ":param" not in words
    for parameter in kind.parameters:
        assert f"--{parameter.field.replace('_', '-').strip('-')}"[:35] in words
        assert read_member_docs(kind)[parameter.field].split()[-1] in words
    assert "--from-" not in words
    assert "``" not in words


def test_secret_can_be_given_by_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESERVATION_CORE_SIP_AUTH_PASSWORD", "hush-hush")
    result = run("encode", "conference", "--to", "sip:alice@example.com")
    assert "SipAuthPassword=***" in result.out
    assert "hush" not in result.out + result.err


def test_violations_are_the_same_when_pydantic_is_loaded() -> None:
    importlib.import_module("pydantic")
    result = run(
        "encode",
        "conference",
        "--timeout",
        "soon",
        "--beep",
        "loud",
        "--sip-auth-password",
        "",
    )
    assert (result.code, result.out) == (1, "")
    for name in ("--timeout = 'soon'", "--beep = 'loud'", "--sip-auth-password = <secret>"):
        assert name in result.err
    assert run("encode", "conference", "--timeout", "30").code == 0
