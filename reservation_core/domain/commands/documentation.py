"""Docstrings of the commands, with an entry for each parameter.

The sentence about a parameter is the string literal below its field, where editors show it.
Without the source, such as in a frozen application, the docstring has all facts but these
sentences.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Final

from reservation_core.domain.commands.extra import EXTRA_FIELD
from reservation_core.domain.commands.parameters import Parameter, Rule
from reservation_core.domain.member_docs import read_member_docs

_RAISES: Final = ":raises InvalidCommand: if a value breaks a rule. It names all broken rules."


def complete_docstring(
    command: type, description: str, parameters: Sequence[Parameter], rules: Sequence[Rule]
) -> str:
    """Return the description of a command with its rules and parameters."""
    summaries = read_member_docs(command)
    sentences = (f"``{rule.fields[0]}`` {rule.rule}." for rule in rules)
    entries = [_write_entry(parameter, summaries) for parameter in parameters]
    if extra := summaries.get(EXTRA_FIELD):
        entries.append(f":param {EXTRA_FIELD}: {' '.join(extra.split())}")
    return "\n\n".join(
        (description, *map(_wrap, sentences), "\n".join((*map(_wrap, entries), _RAISES)))
    )


def _wrap(text: str) -> str:
    return textwrap.fill(
        text, 100, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )


def _write_entry(parameter: Parameter, summaries: Mapping[str, str]) -> str:
    info = parameter.info
    facts = (
        f":param {parameter.field}:",
        summaries.get(parameter.field, ""),
        f"Takes {parameter.kind.describe()}.",
        "Required." if parameter.is_required else "",
        f"If unset: {info.if_unset}." if info.if_unset else "",
        f"Has an effect only with ``{'`` or ``'.join(info.depends_on)}``."
        if info.depends_on
        else "",
        f"Sent as ``{parameter.wire_name}``" + ("." if info.code is None else ";"),
        f"platform error {info.code}." if info.code else "",
    )
    return " ".join(filter(None, facts))
