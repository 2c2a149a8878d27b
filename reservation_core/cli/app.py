"""The application: its commands, help, error messages and exit codes.

An error is one message on stderr, with nothing secret or personal in it. With ``--json``, stdout
has the same message in a JSON document.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Final, Literal, TypeAlias

from reservation_core._extras import extra
from reservation_core.cli.commands import CommandLine
from reservation_core.cli.console import OutputClosed, OutputFailed, TerminalOutput
from reservation_core.cli.demo import run_demo
from reservation_core.cli.error_texts import describe_error, error_document
from reservation_core.cli.exit_codes import (
    DONE,
    INTERRUPTED,
    NOT_WRITTEN,
    USAGE,
    UsageError,
    find_exit_code,
    format_exit_codes,
)
from reservation_core.cli.flags import make_group
from reservation_core.cli.names import (
    CASE_RULE,
    describe_unknown_flag,
    lower_commands,
    read_word,
)
from reservation_core.cli.parity import ParityCommand
from reservation_core.cli.redaction import hide_url_users
from reservation_core.cli.remote import CREDENTIALS_HELP, RemoteCommands
from reservation_core.cli.serve import ServeCommand
from reservation_core.domain.errors import ReservationError
from reservation_core.gateways.settings import ConfigurationError, user_agent

with extra("cli"):
    import cyclopts
    from cyclopts.help import DefaultFormatter, PanelSpec
    from rich.box import Box


Shell: TypeAlias = Annotated[
    Literal["bash", "zsh", "fish"], cyclopts.Parameter(converter=read_word)
]
"""A shell with a completion script, in any letter case."""

_PROGRAM: Final = "reservation-core"


def run_command_line(argv: Sequence[str]) -> int:
    """Run the command line and return its exit code.

    The exit code is right even if the error message cannot be written.
    """
    output, errors = TerminalOutput(), TerminalOutput(stderr=True)
    app = _make_app(output, errors)
    try:
        code: int | None = app(
            lower_commands(argv, app),
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
    except OutputClosed:
        return DONE
    except OutputFailed as error:
        name, message, code = type(error).__name__, str(error), NOT_WRITTEN
    except (UsageError, ConfigurationError) as error:
        name, message, code = type(error).__name__, describe_error(error), USAGE
    except cyclopts.CycloptsError as error:
        name, message, code = UsageError.__name__, _describe_usage(error), USAGE
    except ReservationError as error:
        name, message, code = type(error).__name__, describe_error(error), find_exit_code(error)
    except KeyboardInterrupt:
        name, code = KeyboardInterrupt.__name__, INTERRUPTED
        message = (
            "interrupted. If a command was on its way, fetch the reservation before sending it "
            "again"
        )
    else:
        return code or DONE
    message = hide_url_users(message)
    with suppress(OutputClosed, OutputFailed):
        errors.write_wrapped(f"{_PROGRAM}: {message}", "red", indent=0)
        if "--json" in argv and code != NOT_WRITTEN:
            output.write_json(error_document(name, message))
    return code


def _make_app(output: TerminalOutput, errors: TerminalOutput) -> cyclopts.App:
    app = cyclopts.App(
        name=_PROGRAM,
        help=f"Explain, encode and send commands for TaskRouter reservations. {CASE_RULE}",
        help_format="plaintext",
        suppress_keyboard_interrupt=False,
        help_formatter=DefaultFormatter(
            panel_spec=PanelSpec(box=Box("    \n" * 8), padding=(0, 0))  # without lines
        ),
        help_epilogue=format_exit_codes(),
        version=user_agent().replace("/", " "),
        console=output.console,
    )

    @app.command
    def demo() -> None:
        """Show one reservation from assignment to completion, offline."""
        run_demo(output)

    @app.command
    def completion(shell: Shell, /) -> None:
        """Print the completion script of a shell.

        bash: eval "$(reservation-core completion bash)". zsh: write it to a file _reservation-core
        in a folder of fpath. fish: write it to completions/reservation-core.fish.

        :param shell: The shell.
        """
        output.write(app.generate_completion(shell=shell), end="")

    commands, remote = CommandLine(output, errors), RemoteCommands(output, errors)
    app.command(commands.explain)
    app.command(commands.allowed)
    app.command(
        make_group(
            "encode",
            "Print a command as it would be sent. Nothing is sent. "
            "Numbers and contacts are printed as given. Secrets are never printed.",
            commands.encode,
        )
    )
    app.command(
        make_group("send", f"Send a command to one reservation. {CREDENTIALS_HELP}", remote.send)
    )
    app.command(remote.show)
    app.command(remote.list_, name="list")
    app.command(ServeCommand(output).serve)
    app.command(ParityCommand(output, errors).parity)
    return app


def _describe_usage(error: cyclopts.CycloptsError) -> str:
    """Describe a usage error.

    What was typed is not repeated, because a secret may stand in the wrong place.
    """
    name = error.argument.name if error.argument else ""
    match error:
        case cyclopts.UnknownOptionError():
            known = [name for argument in error.argument_collection for name in argument.names]
            problem = describe_unknown_flag(error.token, known)
        case cyclopts.UnknownCommandError():
            problem = "unknown command"
        case cyclopts.MissingArgumentError():
            problem = f"{name} is missing or has no value"
        case cyclopts.RepeatArgumentError():
            problem = f"{error.token.keyword} is given more than once"
        case cyclopts.CoercionError():
            choices = error.argument.get_choices() if error.argument else None
            rule = f"one of {', '.join(choices)}" if choices else "true or false"
            problem = f"{name} must be {rule}"
        case _:
            problem = "too many arguments"
    return f"{problem}. See reservation-core {' '.join([*(error.command_chain or ()), '--help'])}"
