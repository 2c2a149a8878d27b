"""The commands ``explain``, ``allowed``, ``encode`` and ``send``. Their docstrings are the help."""

from __future__ import annotations

import json
from typing import Annotated, Final

import attrs
import cyclopts

from reservation_core.cli.console import TerminalOutput, describe_no_command
from reservation_core.cli.redaction import HIDDEN, curl_command, redact
from reservation_core.delivery.client import fetch, perform
from reservation_core.delivery.policy import ONCE
from reservation_core.domain.commands.base import Command
from reservation_core.domain.decisions import decide
from reservation_core.domain.errors import IncompleteReservation
from reservation_core.domain.lifecycle import COMMAND_EDGES, ON_HOLD, TRIGGERS, Edge, State, Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.api.gateway import ORIGIN
from reservation_core.gateways.settings import Credentials, GatewaySettings
from reservation_core.rest.addresses import Address, Route
from reservation_core.rest.messages import IF_MATCH, Request
from reservation_core.rest.update import prepare
from reservation_core.rest.urlencoding import encode_form


class UsageError(Exception):
    """Wrong usage of the command line. The text says what to change."""


@attrs.frozen(kw_only=True)
class SendOptions:
    """Flags of ``send``: the reservation's address, and how the command is sent.

    :param workspace_sid: The workspace (WS...).
    :param sid: The reservation (WR...).
    :param task_sid: The task (WT...). The task route needs it.
    :param worker_sid: The worker (WK...). The worker route needs it.
    :param route: The address of the reservation to use. The worker route has no version.
    :param base_url: The base URL of the platform.
    :param if_match: Send the fetched version, so that the platform refuses if there is a newer one.
    :param dry_run: Show the request. Nothing is fetched or sent.
    :param status: With --dry-run: the assumed status. By default the first that allows the command.
    """

    workspace_sid: str
    sid: str
    task_sid: str | None = None
    worker_sid: str | None = None
    route: Route = Route.TASK
    base_url: str = ORIGIN
    if_match: bool = True
    dry_run: Annotated[bool, cyclopts.Parameter(negative=())] = False
    status: Status | None = None

    @property
    def address(self) -> Address:
        """The address of the reservation."""
        return Address(
            workspace_sid=self.workspace_sid,
            sid=self.sid,
            task_sid=self.task_sid,
            worker_sid=self.worker_sid,
        )


class CommandLine:
    """Commands that explain the rules, and print or send a command."""

    def __init__(self, output: TerminalOutput) -> None:
        self._output: Final = output

    def explain(self, status: State, command: str, /, *, accept: bool = False) -> None:
        """Explain if a command is allowed in a status, with evidence.

        :param status: The status of the reservation.
        :param command: The command's name.
        :param accept: For call and redirect: the command has its accept flag.
        """
        if command not in TRIGGERS:
            raise UsageError(f"COMMAND must be one of {', '.join(TRIGGERS)}")
        decision = decide(status, command, accept)
        style = "green" if decision.is_allowed else "red"
        self._output.write_wrapped(str(decision), style, indent=0)

    def allowed(self, status: State, /) -> None:
        """List the commands allowed in a status, with effect and evidence.

        :param status: The status of the reservation.
        """
        edges = [edge for edge in COMMAND_EDGES if edge.source == status and not edge.orchestrated]
        for edge in edges:
            name = f"{edge.trigger}{' --accept' if edge.accept else ''}"
            self._output.write_wrapped(f"{name}: {_describe_effect(edge)}", "bold green", indent=0)
            decision = decide(status, edge.trigger, edge.accept is True)
            self._output.write_wrapped(decision.reason)
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
                help="Print only the JSON response to an assignment callback.",
            ),
        ] = False,
    ) -> None:
        """Print the form, body, cautions and curl call of a command."""
        write = self._output.write
        if as_json:
            write(json.dumps(redact(command).instruction()))
            return
        form = redact(command).form()
        for name, value in form:
            write(f"{name}={value}", "cyan")
        write("\nbody", "bold")
        write("&".join(_encode_pair(name, value) for name, value in form))
        for caution in command.cautions:
            write("\ncaution", "bold yellow")
            self._output.write_wrapped(str(caution), indent=0)
        write("\ncurl", "bold")
        write(curl_command(command))

    def send(
        self, command: Command, *, options: Annotated[SendOptions, cyclopts.Parameter(name="*")]
    ) -> None:
        """Fetch the reservation, send the command, and show the result."""
        if options.status is not None and not options.dry_run:
            raise UsageError("--status needs --dry-run. Without it, the status is fetched")
        # This reports wrong flags before anything is sent.
        status, request = _prepare_dry(command, options)
        if options.dry_run:
            self._show_dry_run(command, options, status, request)
            return
        try:
            from reservation_core.gateways.pyreqwest import PyreqwestGateway  # noqa: PLC0415 - it needs an extra
        except ImportError as error:
            raise UsageError(str(error)) from None
        with PyreqwestGateway(base_url=options.base_url) as gateway:
            before = fetch(options.address, gateway, route=options.route)
            known = before if options.if_match else attrs.evolve(before, etag=None)
            after = perform(known, command, gateway, route=options.route, policy=ONCE)
        self._output.write_wrapped(f"reservation {after.sid}", "bold", indent=0)
        self._output.write_change(before, after)

    def _show_dry_run(
        self, command: Command, options: SendOptions, status: Status, request: Request
    ) -> None:
        unused = Credentials("unused", "unused")
        url = GatewaySettings(credentials=unused, base_url=options.base_url).base_url
        self._output.write_wrapped(
            f"Nothing is sent. For a reservation that is {status}, this would go to {url}:",
            indent=0,
        )
        headers = dict(request.headers)
        if options.if_match and options.route is Route.TASK:
            headers[IF_MATCH] = "<the fetched version>"
        self._output.write_request(
            attrs.evolve(request, headers=headers, form=redact(command).form())
        )


def _describe_effect(edge: Edge) -> str:
    if edge.target == edge.source:
        return "does not change the status"
    return "sets no status yet" if edge.target == ON_HOLD else f"sets {edge.target}"


def _encode_pair(name: str, value: str) -> str:
    return f"{name}={HIDDEN}" if value == HIDDEN else encode_form(((name, value),)).decode()


def _prepare_dry(command: Command, options: SendOptions) -> tuple[Status, Request]:
    """Return the assumed status and the request for it."""
    first_allowed = next(
        status
        for status in Status
        if decide(status, command.trigger, command.is_accepting).is_allowed
    )
    assumed = Reservation(
        status=options.status or first_allowed,
        workspace_sid=options.workspace_sid,
        task_sid=options.task_sid,
        worker_sid=options.worker_sid,
        sid=options.sid,
    )
    try:
        return assumed.status, prepare(assumed, command, route=options.route)
    except IncompleteReservation as error:
        flags = ", ".join(f"--{field.replace('_', '-')}" for field in error.missing)
        raise UsageError(
            f"{flags}: missing or not a SID (two letters and 32 hexadecimal digits)"
        ) from None
