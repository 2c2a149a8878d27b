"""The application: its commands, help, error messages and exit codes.

An error is one message on stderr, with nothing secret or personal in it.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import cyclopts
from cyclopts.help import DefaultFormatter, PanelSpec
from rich.box import Box

from reservation_core.cli.commands import CommandLine, UsageError
from reservation_core.cli.console import OutputClosed, TerminalOutput
from reservation_core.cli.demo import run_demo
from reservation_core.cli.flags import make_group
from reservation_core.cli.redaction import hide_url_users
from reservation_core.cli.serve import ServeCommand
from reservation_core.domain.errors import CommandError, ReplyError, ReservationError
from reservation_core.gateways.settings import ConfigurationError, user_agent
from reservation_core.rest.errors import GatewayError

EXIT_CODES: Final = (
    "Exit codes: 0 done; 1 refused locally, before the command was sent; 2 wrong usage, missing "
    "credentials or extra; 3 refused or not properly answered by the platform; 4 no usable answer."
)
_ERROR_CODES: Final = ((CommandError, 1), (ReplyError, 3), (GatewayError, 4))


def run_command_line(argv: Sequence[str]) -> int:
    """Run the command line and return its exit code.

    The exit code is right even if the output cannot be written.
    """
    output, errors = TerminalOutput(), TerminalOutput(stderr=True)
    try:
        _make_app(output)(
            argv, exit_on_error=False, print_error=False, result_action="return_value"
        )
    except (UsageError, ConfigurationError) as error:
        message, code = str(error), 2
    except cyclopts.CycloptsError as error:
        message, code = _describe_usage(error), 2
    except ReservationError as error:
        message = str(error)
        code = next(code for kind, code in _ERROR_CODES if isinstance(error, kind))
    except KeyboardInterrupt:
        code = 130  # as in a shell
        message = (
            "interrupted. If a command was on its way, fetch the reservation before sending it "
            "again"
        )
    except (OutputClosed, SystemExit):  # rich raises the latter when help cannot be written
        return 0
    else:
        return 0
    with suppress(OutputClosed):
        errors.write_wrapped(f"reservation-core: {hide_url_users(message)}", "red", indent=0)
    return code


def _make_app(output: TerminalOutput) -> cyclopts.App:
    commands = CommandLine(output)
    app = cyclopts.App(
        name="reservation-core",
        help="Explain, encode and send commands for TaskRouter reservations.",
        help_format="plaintext",
        suppress_keyboard_interrupt=False,
        help_formatter=DefaultFormatter(
            panel_spec=PanelSpec(box=Box("    \n" * 8), padding=(0, 0))  # without lines
        ),
        help_epilogue=EXIT_CODES,
        version=user_agent().replace("/", " "),
        console=output.console,
    )

    @app.command
    def demo() -> None:
        """Show one reservation from assignment to completion, offline."""
        run_demo(output)

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
        make_group(
            "send",
            "Send a command to one reservation. Credentials: TWILIO_API_KEY and TWILIO_API_SECRET, "
            "or TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, in the environment.",
            commands.send,
        )
    )
    app.command(ServeCommand(output).serve)
    return app


def _describe_usage(error: cyclopts.CycloptsError) -> str:
    """Describe a usage error.

    What was typed is not repeated, because a secret may stand in the wrong place.
    """
    name = error.argument.name if error.argument else ""
    match error:
        case cyclopts.UnknownOptionError():
            known = [name for argument in error.argument_collection for name in argument.names]
            typed = (error.token.keyword or error.token.value).partition("=")[0]
            similar = difflib.get_close_matches(typed, known, n=1)
            problem = f"unknown flag (did you mean {similar[0]}?)" if similar else "unknown flag"
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
