"""The commands ``send``, ``show`` and ``list``. They need a platform."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from itertools import islice
from typing import Annotated, Final, TypedDict

import attrs

from reservation_core._extras import extra
from reservation_core.cli.console import OutputFailed, TerminalOutput
from reservation_core.cli.documents import request_document, reservation_document
from reservation_core.cli.exit_codes import UsageError
from reservation_core.cli.flags import JsonFlag, SwitchFlag, read_whole_number
from reservation_core.cli.names import name_command, name_flag
from reservation_core.cli.progress import ProgressObserver
from reservation_core.cli.redaction import redact
from reservation_core.delivery.client import fetch, list_reservations, perform
from reservation_core.delivery.policy import DEFAULT_POLICY, ONCE
from reservation_core.domain.commands.base import Command
from reservation_core.domain.decisions import decide
from reservation_core.domain.errors import IncompleteReservation
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.gateways.port import Gateway
from reservation_core.gateways.settings import Credentials, GatewaySettings, default_base_url
from reservation_core.rest.addresses import Address, Route
from reservation_core.rest.fetch import prepare_fetch
from reservation_core.rest.listing import ListQuery, prepare_list
from reservation_core.rest.messages import IF_MATCH, Request
from reservation_core.rest.update import prepare

with extra("cli"):
    import cyclopts


CREDENTIALS_HELP: Final = (
    "Credentials: TWILIO_API_KEY and TWILIO_API_SECRET, or TWILIO_ACCOUNT_SID and "
    "TWILIO_AUTH_TOKEN, in the environment."
)
_MAX_LIMIT: Final = 1_000_000


@attrs.frozen(kw_only=True)
class AddressOptions:
    """Flags of the reservation's address.

    :param workspace_sid: The workspace (WS...).
    :param sid: The reservation (WR...).
    :param task_sid: The task (WT...). The task route needs it.
    :param worker_sid: The worker (WK...). The worker route needs it.
    :param route: The address of the reservation to use. The worker route has no version.
    :param base_url: The platform's base URL. By default that of TWILIO_REGION and TWILIO_EDGE.
    """

    workspace_sid: str
    sid: str
    task_sid: str | None = None
    worker_sid: str | None = None
    route: Route = Route.TASK
    base_url: str | None = None

    @property
    def address(self) -> Address:
        """The address of the reservation."""
        return Address(
            workspace_sid=self.workspace_sid,
            sid=self.sid,
            task_sid=self.task_sid,
            worker_sid=self.worker_sid,
        )


@attrs.frozen(kw_only=True)
class SendOptions:
    """Flags of the way in which a command is sent.

    :param if_match: Send the fetched version, so that the platform refuses if there is a newer one.
    :param retry: After a lost reply, a throttle or a stale version, look again and try again.
    :param strict: Refuse a command on any evidence. Without it, on certain evidence only.
    :param dry_run: Show the request. Nothing is fetched or sent.
    :param status: With --dry-run: the assumed status. By default the first that allows the command.
    """

    if_match: bool = True
    retry: bool = True
    strict: bool = True
    dry_run: SwitchFlag = False
    status: Status | None = None


class _ListFlags(TypedDict):
    workspace_sid: str
    task_sid: str | None
    worker_sid: str | None
    status: Status | None


_DEFAULT_OPTIONS: Final = SendOptions()


class RemoteCommands:
    """Commands that send a command, and show or list reservations."""

    def __init__(self, output: TerminalOutput, errors: TerminalOutput) -> None:
        self._output: Final = output
        self._errors: Final = errors

    def send(
        self,
        command: Command,
        *,
        where: Annotated[AddressOptions, cyclopts.Parameter(name="*")],
        options: Annotated[SendOptions, cyclopts.Parameter(name="*")] = _DEFAULT_OPTIONS,
        as_json: JsonFlag = False,
    ) -> None:
        """Fetch the reservation, send the command, and show the result."""
        if options.status is not None and not options.dry_run:
            raise UsageError("--status needs --dry-run. Without it, the status is fetched")
        progress = ProgressObserver(self._errors, type(command))
        # This reports wrong flags before anything is sent.
        status, request = _prepare_dry(command, where, options)
        if options.dry_run:
            for caution in request.cautions:
                progress.cautioned(caution)
            self._show_dry_run(command, where, options, status, request, as_json=as_json)
            return
        with open_gateway(where.base_url) as gateway:
            before = fetch(where.address, gateway, route=where.route)
            known = before if options.if_match else attrs.evolve(before, etag=None)
            after = perform(
                known,
                command,
                gateway,
                route=where.route,
                policy=attrs.evolve(
                    DEFAULT_POLICY if options.retry else ONCE, strict=options.strict
                ),
                observer=progress,
                sleep=progress.pause,
            )
        try:
            if as_json:
                pair = {"before": before, "after": after}
                self._output.write_json({k: reservation_document(v) for k, v in pair.items()})
            else:
                self._output.write_wrapped(f"reservation {after.sid}", "bold", indent=0)
                self._output.write_change(before, after)
        except OutputFailed as error:
            name = name_command(type(command))
            raise OutputFailed(f"the {name} was carried out, but {error}") from None

    def show(
        self,
        *,
        where: Annotated[AddressOptions, cyclopts.Parameter(name="*")],
        as_json: JsonFlag = False,
    ) -> None:
        """Fetch one reservation, and show it with the commands allowed now."""
        with _naming_flags():  # before credentials are asked for
            prepare_fetch(where.address, route=where.route)
        with open_gateway(where.base_url) as gateway:
            reservation = fetch(where.address, gateway, route=where.route)
        if as_json:
            self._output.write_json(reservation_document(reservation))
        else:
            self._output.write_reservation(reservation)

    def list_(
        self,
        *,
        workspace_sid: str,
        task_sid: str | None = None,
        worker_sid: str | None = None,
        status: Status | None = None,
        limit: str | None = None,
        base_url: str | None = None,
        as_json: JsonFlag = False,
    ) -> None:
        """List the reservations of a task or of a worker.

        :param workspace_sid: The workspace (WS...).
        :param task_sid: List the reservations of this task (WT...).
        :param worker_sid: List the reservations of this worker (WK...), of the task if it is given.
        :param status: List only the reservations in this status.
        :param limit: The most reservations to list. All by default.
        :param base_url: The platform's base URL. By default that of TWILIO_REGION and TWILIO_EDGE.
        """
        if task_sid is None and worker_sid is None:
            raise UsageError("--task-sid or --worker-sid is missing")
        most = None if limit is None else read_whole_number("--limit", limit, 1, _MAX_LIMIT)
        query = _ListFlags(
            workspace_sid=workspace_sid, task_sid=task_sid, worker_sid=worker_sid, status=status
        )
        with _naming_flags():  # before credentials are asked for
            prepare_list(ListQuery(**query))
        with open_gateway(base_url) as gateway:
            reservations = islice(list_reservations(gateway, **query), most)
            if as_json:
                self._output.write_json([reservation_document(each) for each in reservations])
                return
            count = 0
            for count, each in enumerate(reservations, 1):  # noqa: B007 - it is read below
                self._output.write(
                    f"{each.sid} {each.status:<9} task {each.task_sid} worker {each.worker_sid}"
                )
            if not count:
                self._errors.write_wrapped("no reservations", indent=0)

    def _show_dry_run(
        self,
        command: Command,
        where: AddressOptions,
        options: SendOptions,
        status: Status,
        request: Request,
        *,
        as_json: bool,
    ) -> None:
        unused = Credentials("unused", "unused")
        base_url = where.base_url or default_base_url()
        url = GatewaySettings(credentials=unused, base_url=base_url).base_url
        headers = dict(request.headers)
        if options.if_match and where.route is Route.TASK:
            headers[IF_MATCH] = "<the fetched version>"
        shown = attrs.evolve(request, headers=headers, form=redact(command).form())
        if as_json:
            self._output.write_json(request_document(shown, url))
            return
        self._output.write_wrapped(
            f"Nothing is sent. For a reservation that is {status}, this would go to {url}:",
            indent=0,
        )
        self._output.write_request(shown)


@contextmanager
def open_gateway(base_url: str | None) -> Generator[Gateway]:
    """Open the default gateway, with the credentials of the environment.

    :param base_url: the platform's base URL; that of the environment by default.
    """
    try:
        from reservation_core.gateways.pyreqwest import PyreqwestGateway  # noqa: PLC0415 - it needs an extra
    except ImportError as error:
        raise UsageError(str(error)) from None
    with PyreqwestGateway(base_url=base_url or default_base_url()) as gateway:
        yield gateway


@contextmanager
def _naming_flags() -> Generator[None]:
    """Name the flags of SIDs that are missing."""
    try:
        yield
    except IncompleteReservation as error:
        flags = ", ".join(map(name_flag, error.missing))
        raise UsageError(
            f"{flags}: missing or not a SID (two letters and 32 hexadecimal digits)"
        ) from None


def _prepare_dry(
    command: Command, where: AddressOptions, options: SendOptions
) -> tuple[Status, Request]:
    """Return the assumed status and the request for it."""
    first_allowed = next(
        status
        for status in Status
        if decide(status, command.trigger, command.is_accepting).is_allowed
    )
    assumed = Reservation(
        status=options.status or first_allowed,
        workspace_sid=where.workspace_sid,
        task_sid=where.task_sid,
        worker_sid=where.worker_sid,
        sid=where.sid,
    )
    with _naming_flags():
        return assumed.status, prepare(assumed, command, route=where.route, strict=options.strict)
