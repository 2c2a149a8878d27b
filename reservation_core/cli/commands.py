"""The commands ``explain``, ``allowed`` and ``encode``. Their docstrings are the help."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final, TypeAlias

from reservation_core._extras import extra
from reservation_core.cli.console import TerminalOutput, describe_no_command
from reservation_core.cli.documents import decision_document
from reservation_core.cli.error_texts import describe_caution
from reservation_core.cli.exit_codes import DONE, EXPLAINED_REFUSAL, UsageError
from reservation_core.cli.flags import JsonFlag, SwitchFlag
from reservation_core.cli.names import name_command, name_flag, read_command, read_state
from reservation_core.cli.redaction import HIDDEN, curl_command, is_secret, redact
from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.cautions import Caution
from reservation_core.domain.decisions import Decision, decide
from reservation_core.domain.lifecycle import COMMAND_EDGES, ON_HOLD, Edge, State
from reservation_core.parity.observations import ParityFileError, read_observations
from reservation_core.rest.urlencoding import encode_form

with extra("cli"):
    import cyclopts


StateName: TypeAlias = Annotated[State, cyclopts.Parameter(converter=read_state)]
"""A state in any letter case."""


class CommandLine:
    """Commands that explain the rules, and print a command."""

    def __init__(self, output: TerminalOutput, errors: TerminalOutput) -> None:
        self._output: Final = output
        self._errors: Final = errors

    def explain(
        self,
        status: StateName,
        command: str,
        /,
        *,
        accept: bool = False,
        orchestrated: SwitchFlag = False,
        parity: Path | None = None,
        as_json: JsonFlag = False,
    ) -> int:
        """Explain if a command is allowed in a status, with evidence.

        :param status: The status of the reservation.
        :param command: The command's name, as encode and send take it.
        :param accept: For call and redirect: the command has its accept flag.
        :param orchestrated: For accept: the platform sets up the channel first, as Flex does.
        :param parity: A JSON report of the command parity. Its results replace the evidence.
        """
        kind = read_command(command)
        decision = decide(status, kind.trigger, accept, orchestrated)
        if parity is not None:
            try:
                decision = decision.with_observations(read_observations(parity))
            except ParityFileError as error:
                raise UsageError(str(error)) from None
        decision = decision._replace(trigger=name_command(kind))
        if as_json:
            self._output.write_json(decision_document(decision, accept=accept))
        else:
            style = "green" if decision.is_allowed else "red"
            self._output.write_wrapped(str(decision), style, indent=0)
        return DONE if decision.is_allowed else EXPLAINED_REFUSAL

    def allowed(
        self,
        status: StateName,
        /,
        *,
        orchestrated: SwitchFlag = False,
        as_json: JsonFlag = False,
    ) -> None:
        """List the commands allowed in a status, with effect and evidence.

        :param status: The status of the reservation.
        :param orchestrated: The platform sets up the channel before an accept, as Flex does.
        """
        edges = [
            edge
            for edge in COMMAND_EDGES
            if edge.source == status and edge.orchestrated in (None, orchestrated)
        ]
        if as_json:
            self._output.write_json(
                [
                    decision_document(_decide_edge(edge), accept=edge.accept is True)
                    for edge in edges
                ]
            )
            return
        for edge in edges:
            name = f"{edge.trigger}{' --accept' if edge.accept else ''}"
            self._output.write_wrapped(f"{name}: {_describe_effect(edge)}", "bold green", indent=0)
            self._output.write_wrapped(_decide_edge(edge).reason)
        if not edges:
            self._output.write_wrapped(describe_no_command(status), indent=0)

    def encode(
        self,
        command: Command,
        *,
        as_json: Annotated[
            bool,
            cyclopts.Parameter(
                name="--json",
                negative=(),
                help="Print only the JSON response to an assignment callback. "
                "Cautions go to stderr.",
            ),
        ] = False,
        body: Annotated[
            bool,
            cyclopts.Parameter(
                negative=(), help="Print only the raw form body. Cautions go to stderr."
            ),
        ] = False,
    ) -> None:
        """Print the form, body, cautions and curl call of a command."""
        if as_json and body:
            raise UsageError("--json and --body exclude each other. Give one of them")
        shown, write = redact(command), self._output.write
        form = shown.form()
        encoded = "&".join(_encode_pair(name, value) for name, value in form)
        if as_json:
            write(json.dumps(shown.instruction()))
            self._warn(command, command.callback_cautions)
        elif body:
            write(encoded, end="\n" if self._output.is_terminal else "")
            self._warn(command, command.cautions)
        else:
            for name, value in form:
                write(f"{name}={value}", "cyan")
            write("\nbody", "bold")
            write(encoded)
            for caution in command.cautions:
                write("\ncaution", "bold yellow")
                self._output.write_wrapped(describe_caution(caution, type(command)), indent=0)
            write("\ncurl", "bold")
            write(curl_command(command))

    def _warn(self, command: Command, cautions: Iterable[Caution]) -> None:
        """Write cautions and the names of hidden secrets to stderr."""
        for caution in cautions:
            text = describe_caution(caution, type(command))
            self._errors.write_wrapped(f"caution: {text}", "yellow", indent=0)
        for parameter in command.parameters:
            if is_secret(parameter) and getattr(command, parameter.field) is not None:
                name = name_flag(parameter.field)
                self._errors.write_wrapped(
                    f"caution: {name} is secret, and printed as {HIDDEN}. Set it before sending",
                    "yellow",
                    indent=0,
                )


def _decide_edge(edge: Edge) -> Decision:
    return decide(edge.source, edge.trigger, edge.accept is True, edge.orchestrated is True)


def _describe_effect(edge: Edge) -> str:
    if edge.target == edge.source:
        return "does not change the status"
    return "sets no status yet" if edge.target == ON_HOLD else f"sets {edge.target}"


def _encode_pair(name: str, value: str) -> str:
    return f"{name}={HIDDEN}" if value == HIDDEN else encode_form(((name, value),)).decode()
