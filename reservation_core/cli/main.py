"""The command line: the rules explained, commands encoded, one reservation updated, and a demo that needs no network.

Exit codes: 0 done; 1 refused by us before the command was sent; 2 wrong usage, missing credentials or extra; 3 the platform
answered otherwise; 4 no usable answer. An error is one message on stderr, with nothing secret or personal in it.

What is printed on stdout is what was asked to be seen: personal values (numbers, contacts) stand there as they were given. Secrets
never do: they appear as ``***``. The flags of ``encode`` and ``send`` are the declared parameters of the commands.
"""

from __future__ import annotations

import difflib
import importlib.util
import inspect
import json
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Final, get_type_hints

import attrs

from reservation_core import (
    ON_HOLD,
    ONCE,
    Address,
    Command,
    CommandError,
    Edge,
    GatewayError,
    IncompleteReservation,
    Parameter,
    ReplyError,
    Request,
    Reservation,
    ReservationError,
    Route,
    Status,
    decide,
    fetch,
    perform,
    prepare,
)
from reservation_core.cli import demo
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.commands.kinds import Boolean, Choice, MultipleChoice, Uri, Value
from reservation_core.domain.commands.parsing import FormPairs
from reservation_core.domain.lifecycle import COMMAND_EDGES as EDGES
from reservation_core.domain.lifecycle import State
from reservation_core.domain.redaction import Sensitivity
from reservation_core.emulator.api.gateway import ORIGIN
from reservation_core.gateways.settings import (
    ConfigurationError,
    Credentials,
    GatewaySettings,
    user_agent,
)
from reservation_core.rest.addresses import SID_PREFIXES, reservation_path
from reservation_core.rest.messages import IF_MATCH
from reservation_core.rest.urlencoding import encode_form

_EQUIPPED: Final = all(importlib.util.find_spec(name) for name in ("cyclopts", "rich"))
if TYPE_CHECKING or _EQUIPPED:  # without them, main() says what to install
    import cyclopts
    from cyclopts.help import DefaultFormatter, PanelSpec
    from rich.box import Box

    from reservation_core.cli.console import OutputClosed, TerminalOutput, nothing_allowed
    from reservation_core.cli.serve import ServeCommand

EXITS: Final = {
    0: "done",
    1: "refused by us before the command was sent",
    2: "wrong usage, missing credentials or extra",
    3: "the platform answered otherwise",
    4: "no usable answer",
}
HIDDEN: Final = "***"
"""What stands for a secret."""

_CODES: Final = ((CommandError, 1), (ReplyError, 3), (GatewayError, 4))
_BY_TRIGGER: Final = {command.trigger: command for command in COMMANDS}


class Misuse(Exception):
    """The command line was used wrongly; the text says how to mend it."""


# --- what may be printed of a command --------------------------------------------------------------------------------------------


def _open(parameter: Parameter, value: Value) -> Value:
    """Give a value as it may be printed: as it is, but for secrets and for the user information of a URL."""
    if parameter.kind.sensitivity is Sensitivity.SECRET:
        return HIDDEN
    return (
        _without_user(value)
        if isinstance(parameter.kind, Uri) and isinstance(value, str)
        else value
    )


def _without_user(text: str) -> str:
    return re.sub(r"(?<=://)[^\s/?#]*@", f"{HIDDEN}@", text)


def _open_form(command: Command) -> FormPairs:
    parameters = {parameter.wire_name: parameter for parameter in command.parameters}
    return tuple(
        (name, str(_open(parameters[name], value)) if name in parameters else value)
        for name, value in command.form()
    )


def _open_instruction(command: Command) -> dict[str, Value]:
    parameters = {parameter.callback_name: parameter for parameter in command.parameters}
    said = command.instruction()
    return {
        name: _open(parameters[name], value) if name in parameters else value
        for name, value in said.items()
    }


def _variable(parameter: Parameter) -> str:
    """Name the environment variable that a secret may be given by."""
    return f"RESERVATION_CORE_{parameter.field.upper()}"


def _curl(command: Command) -> str:
    """Write the update for a shell: SIDs, credentials and secrets are left to its variables."""
    variables = {
        "workspace_sid": "$WORKSPACE_SID",
        "task_sid": "$TASK_SID",
        "sid": "$RESERVATION_SID",
    }
    sids = {field: SID_PREFIXES[field] + "0" * 32 for field in variables}
    path = reservation_path(Address(**sids), Route.TASK)
    for field, variable in variables.items():
        path = path.replace(sids[field], variable)
    secret = {
        p.wire_name: _variable(p)
        for p in command.parameters
        if p.kind.sensitivity is Sensitivity.SECRET
    }
    lines = [f'curl "{ORIGIN}{path}"', '-u "$TWILIO_ACCOUNT_SID:$TWILIO_AUTH_TOKEN"']
    for name, value in _open_form(command):
        pair = f'"{name}=${secret[name]}"' if name in secret else shlex.quote(f"{name}={value}")
        lines.append(f"--data-urlencode {pair}")
    return " \\\n  ".join(lines)


# --- the commands ----------------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class SendCommand:
    """Where a command is sent, and how."""

    workspace_sid: Annotated[str, cyclopts.Parameter(help="The workspace (WS...).")]
    sid: Annotated[str, cyclopts.Parameter(help="The reservation (WR...).")]
    task_sid: Annotated[
        str | None, cyclopts.Parameter(help="The task (WT...); the task route needs it.")
    ] = None
    worker_sid: Annotated[
        str | None, cyclopts.Parameter(help="The worker (WK...); the worker route needs it.")
    ] = None
    route: Annotated[
        Route,
        cyclopts.Parameter(
            help="Which of its two addresses is used; the worker's tells no version."
        ),
    ] = Route.TASK
    base_url: Annotated[str, cyclopts.Parameter(help="Where the platform is.")] = ORIGIN
    if_match: Annotated[
        bool,
        cyclopts.Parameter(
            help="Send the fetched version along, so that a newer one is not overwritten."
        ),
    ] = True
    dry_run: Annotated[
        bool, cyclopts.Parameter(negative=(), help="Fetch nothing, send nothing; show the request.")
    ] = False
    status: Annotated[
        Status | None,
        cyclopts.Parameter(
            help="With --dry-run: the status to suppose; by default the first that allows the command."
        ),
    ] = None

    @property
    def address(self) -> Address:
        """The SIDs of the reservation."""
        return Address(
            workspace_sid=self.workspace_sid,
            sid=self.sid,
            task_sid=self.task_sid,
            worker_sid=self.worker_sid,
        )


class CommandLine:
    """What each sub-command does, onto a page."""

    def __init__(self, page: TerminalOutput) -> None:
        self.page: Final = page

    def demo(self) -> None:
        """Tell one reservation's whole life, offline: read, refused, sent, on hold, reported, wrapped up, completed."""
        self.page.say(
            "One reservation's life, offline, on the in-memory platform; all values made up.",
            "bold",
            indent=0,
        )
        demo.run_demo(self.page)

    def explain(self, status: State, command: str, /, *, accept: bool = False) -> None:
        """Say whether a command is allowed in a status, why, and on what evidence.

        :param status: Where the reservation stands.
        :param command: The command's name.
        :param accept: For call and redirect: with their accept flag set.
        """
        if command not in _BY_TRIGGER:
            raise Misuse(f"COMMAND is one of {', '.join(_BY_TRIGGER)}")
        decision = decide(status, command, accept)
        self.page.say(str(decision), "green" if decision.is_allowed else "red", indent=0)

    def allowed(self, status: State, /) -> None:
        """Name the commands allowed in a status, what each sets, and on what evidence.

        :param status: Where the reservation stands.
        """
        edges = [edge for edge in EDGES if edge.source == status]
        for edge in edges:
            self.page.say(
                f"{edge.trigger}{' --accept' if edge.accept else ''}: {_effect(edge)}",
                "bold green",
                indent=0,
            )
            self.page.say(decide(status, edge.trigger, edge.accept is True).reason)
        if not edges:
            self.page.say(nothing_allowed(status), indent=0)

    def encode(
        self,
        command: Command,
        *,
        as_json: Annotated[
            bool,
            cyclopts.Parameter(
                name="--json", negative=(), help="Write the answer to an assignment callback."
            ),
        ] = False,
    ) -> None:
        """Write a command: its form, its body, what is disputed about it, and a call of curl; or as an answer to the callback."""
        if as_json:
            self.page.write(json.dumps(_open_instruction(command)))
            return
        form = _open_form(command)
        for name, value in form:
            self.page.write(f"{name}={value}", "cyan")
        self.page.write("\nbody", "bold")
        self.page.write(
            "&".join(
                f"{name}={HIDDEN}" if value == HIDDEN else encode_form(((name, value),)).decode()
                for name, value in form
            )
        )
        for caution in command.cautions:
            self.page.write("\ncaution", "bold yellow")
            self.page.say(str(caution), indent=0)
        self.page.write("\ncurl", "bold")
        self.page.write(_curl(command))

    def send(
        self, command: Command, *, options: Annotated[SendCommand, cyclopts.Parameter(name="*")]
    ) -> None:
        """Fetch the reservation, ask for the command if it is allowed, and show how the reservation then stands."""
        if options.status is not None and not options.dry_run:
            raise Misuse("--status goes with --dry-run; else the status is the one that is fetched")
        supposed, request = _rehearse(
            command, options
        )  # what is wrong with the flags comes out before anything is sent
        if options.dry_run:
            where = GatewaySettings(
                credentials=Credentials("nobody", "nothing"), base_url=options.base_url
            ).base_url
            self.page.say(
                f"Nothing is sent. To a reservation that is {supposed}, this would go to {where}:",
                indent=0,
            )
            version = "<what the fetch brings>"
            fetched = (
                {IF_MATCH: version} if options.if_match and options.route is Route.TASK else {}
            )
            self.page.request(
                attrs.evolve(
                    request, headers={**request.headers, **fetched}, form=_open_form(command)
                )
            )
            return
        try:
            from reservation_core.gateways.pyreqwest import PyreqwestGateway  # noqa: PLC0415 - nothing else needs that extra
        except ImportError as error:
            raise Misuse(str(error)) from None
        with PyreqwestGateway(base_url=options.base_url) as gateway:
            before = fetch(options.address, gateway, route=options.route)
            asked = before if options.if_match else attrs.evolve(before, etag=None)
            after = perform(asked, command, gateway, route=options.route, policy=ONCE)
        self.page.say(f"reservation {after.sid}", "bold", indent=0)
        self.page.change(before, after)


def _effect(edge: Edge) -> str:
    return {edge.source: "changes no status", ON_HOLD: "sets nothing yet"}.get(
        edge.target, f"sets {edge.target}"
    )


def _rehearse(command: Command, options: SendCommand) -> tuple[Status, Request]:
    """Prepare the request for a reservation that is in the status to suppose, and name that status."""
    first = next(
        status
        for status in Status
        if decide(status, command.trigger, command.is_accepting).is_allowed
    )
    supposed = Reservation(status=options.status or first, **attrs.asdict(options.address))
    try:
        return supposed.status, prepare(supposed, command, route=options.route)
    except IncompleteReservation as error:
        flags = ", ".join(f"--{field.replace('_', '-')}" for field in error.missing)
        raise Misuse(
            f"{flags}: missing, or no SID (two letters and 32 hexadecimal digits)"
        ) from None


# --- the declared parameters as flags --------------------------------------------------------------------------------------------


def _flags(command: type[Command]) -> Iterator[inspect.Parameter]:
    """Make a flag of each declared parameter; its value is read as off a form, so that the command itself finds all that is wrong."""
    hints = get_type_hints(command, include_extras=True)
    for parameter in command.parameters:
        secret = parameter.kind.sensitivity is Sensitivity.SECRET
        notes = [
            parameter.info.summary,
            ""
            if isinstance(parameter.kind, (Boolean, Choice))
            else f"Takes {parameter.kind.describe()}.",
            "Required." if parameter.is_required else "",
            f"Default: {parameter.info.default}." if parameter.info.default else "",
            "May be repeated." if isinstance(parameter.kind, MultipleChoice) else "",
            "Never printed; safer given by the variable than here." if secret else "",
        ]
        flag = cyclopts.Parameter(
            name=f"--{parameter.field.strip('_').replace('_', '-')}",
            help=" ".join(filter(None, notes)),
            converter=None if isinstance(parameter.kind, Boolean) else _reader(parameter),
            negative_iterable=(),
            show_default=False,
            allow_leading_hyphen=secret,
            env_var=_variable(parameter) if secret else None,
        )
        yield inspect.Parameter(
            parameter.field,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[hints[parameter.field], flag, _Unjudged()],
        )


class _Unjudged:
    """Keeps pydantic from judging what the commands judge: cyclopts asks it as soon as anything has loaded it."""

    def __get_pydantic_core_schema__(self, *_: object) -> dict[str, str]:
        """Accept any value."""
        return {"type": "any"}


def _reader(parameter: Parameter) -> Callable[[object, Sequence[cyclopts.Token]], Value]:
    return lambda _, tokens: parameter.kind.decode([token.value for token in tokens])


def _subcommand(command: type[Command], act: Callable[..., None]) -> Callable[..., None]:
    """Make the sub-command that builds a command from its flags; ``act`` is called with it, and has its own flags (keyword-only)."""
    hints = get_type_hints(act, include_extras=True)
    named = [
        flag
        for flag in inspect.signature(act).parameters.values()
        if flag.kind is flag.KEYWORD_ONLY
    ]
    flags = [*_flags(command), *(flag.replace(annotation=hints[flag.name]) for flag in named)]

    def run(**given: object) -> None:
        fields = {
            parameter.field: given.pop(parameter.field)
            for parameter in command.parameters
            if parameter.field in given
        }
        act(command(**fields), **given)

    run.__dict__["__signature__"] = inspect.Signature(flags)
    return run


def _group(name: str, help_text: str, act: Callable[..., None]) -> cyclopts.App:
    group = cyclopts.App(name=name, help=help_text)
    for command in COMMANDS:
        group.command(
            _subcommand(command, act),
            name=command.trigger,
            help=(command.__doc__ or "").replace("``", ""),
        )
    return group


def _app(page: TerminalOutput) -> cyclopts.App:
    line = CommandLine(page)
    app = cyclopts.App(
        name="reservation-core",
        help="TaskRouter reservations: what may be asked of one, on what evidence, and how it is sent.",
        help_format="plaintext",
        suppress_keyboard_interrupt=False,
        help_formatter=DefaultFormatter(
            panel_spec=PanelSpec(box=Box("    \n" * 8), padding=(0, 0))
        ),
        help_epilogue="Exit codes: "
        + "; ".join(f"{code} {meaning}" for code, meaning in EXITS.items())
        + ".",
        version=user_agent().replace("/", " "),
        console=page.console,
    )
    for told in (line.demo, line.explain, line.allowed):
        app.command(told)
    personal = "Numbers and contacts are printed as they are given; secrets never are."
    app.command(
        _group(
            "encode",
            f"Write a command as it would be sent, and send nothing. {personal}",
            line.encode,
        )
    )
    credentials = "Credentials: TWILIO_API_KEY and TWILIO_API_SECRET, or TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, in the environment."
    app.command(_group("send", f"Ask one reservation for a command. {credentials}", line.send))
    app.command(ServeCommand(page).serve)
    return app


# --- errors ----------------------------------------------------------------------------------------------------------------------


def _advise(error: cyclopts.CycloptsError) -> str:
    """Say what is wrong with the command line without repeating what was typed: a secret may stand where it does not belong."""
    name = error.argument.name if error.argument else ""
    if isinstance(error, cyclopts.UnknownOptionError):
        known = [name for argument in error.argument_collection for name in argument.names]
        meant = difflib.get_close_matches(
            (error.token.keyword or error.token.value).partition("=")[0], known, n=1
        )
        said = f"unknown flag (did you mean {meant[0]}?)" if meant else "unknown flag"
    elif isinstance(error, cyclopts.UnknownCommandError):
        said = "unknown command"
    elif isinstance(error, cyclopts.MissingArgumentError):
        said = f"{name} is missing or has no value"
    elif isinstance(error, cyclopts.RepeatArgumentError):
        said = f"{error.token.keyword} is given more than once"
    elif isinstance(error, cyclopts.CoercionError):
        choices = error.argument.get_choices() if error.argument else None
        said = f"{name} is {'one of ' + ', '.join(choices) if choices else 'true or false'}"
    else:
        said = "too many arguments"
    return f"{said}; see reservation-core {' '.join([*(error.command_chain or ()), '--help'])}"


def main(argv: Iterable[str] | None = None) -> int:
    """Run the command line and give its exit code; ``argv`` is that of the process by default."""
    if not _EQUIPPED:
        print(
            "the command line needs an extra: pip install 'reservation-core[cli]'", file=sys.stderr
        )
        return 2
    page, errors = TerminalOutput(), TerminalOutput(stderr=True)
    try:
        _app(page)(
            sys.argv[1:] if argv is None else list(argv),
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
    except (Misuse, ConfigurationError) as error:
        said, code = str(error), 2
    except cyclopts.CycloptsError as error:
        said, code = _advise(error), 2
    except ReservationError as error:
        said, code = str(error), next(code for kind, code in _CODES if isinstance(error, kind))
    except KeyboardInterrupt:
        said, code = (
            "interrupted; if a command was on its way, fetch the reservation before sending it again",
            130,
        )
    except (OutputClosed, SystemExit):  # rich's way out, where it writes the help
        return 0
    else:
        return 0
    with suppress(OutputClosed):
        errors.say(f"reservation-core: {_without_user(said)}", "red", indent=0)
    return code


if __name__ == "__main__":
    sys.exit(main())
