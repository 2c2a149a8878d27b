"""The command ``serve``: the emulator on a port.

Its address is printed on stdout, the log of requests and callbacks on stderr.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from reservation_core.cli.console import TerminalOutput
from reservation_core.cli.exit_codes import UsageError
from reservation_core.cli.flags import RepeatedFlag, SwitchFlag, read_whole_number
from reservation_core.domain.errors import ReservationError
from reservation_core.emulator.callbacks.settings import CallbackSettings
from reservation_core.emulator.control.route import CONTROL_ROOT
from reservation_core.emulator.control.seed import read_seed_file
from reservation_core.emulator.http.request_log import make_callback_logger, make_exchange_logger
from reservation_core.emulator.offers.router import Router
from reservation_core.emulator.platform.clock import Clock, ManualClock, RealClock
from reservation_core.emulator.platform.platform import Platform
from reservation_core.emulator.platform.settings import Settings
from reservation_core.emulator.platform.settings_file import SettingsFileError
from reservation_core.emulator.state_file import open_platform
from reservation_core.gateways.settings import ConfigurationError

if TYPE_CHECKING:
    from reservation_core.emulator.http.sites import SiteOptions
    from reservation_core.emulator.server import Emulator

DEFAULT_PORT: Final = 8420
EXAMPLE_SEED: Final = Path(__file__).with_name("example_seed.json")
"""Scene with workers, tasks, and pending, accepted and wrapping reservations."""

_TOKEN_VARIABLE: Final = "TWILIO_AUTH_TOKEN"  # noqa: S105 - the name of a variable
_FLAGS: Final = {
    "public_url": "--public-url",
    "allowed_hosts": "--allow-host",
    "trusted_proxies": "--trusted-proxy",
    "assignment_url": "--assignment-url",
    "fallback_url": "--fallback-url",
    "event_url": "--event-url",
    "auth_token": _TOKEN_VARIABLE,
}
"""Flags, and the variable, by the names of the options."""

_MAX_PORT: Final = 65_535


class ServeCommand:
    """The command that serves the emulator. Its docstring is the help."""

    def __init__(self, output: TerminalOutput) -> None:
        self._output: Final = output

    def serve(
        self,
        *,
        port: str = str(DEFAULT_PORT),
        host: str = "127.0.0.1",
        seed: Path | None = None,
        seed_example: SwitchFlag = False,
        state: Path | None = None,
        clock: str = "real",
        settings: Path | None = None,
        strict: bool | None = None,
        orchestrated: bool | None = None,
        quiet: SwitchFlag = False,
        assignment_url: str | None = None,
        fallback_url: str | None = None,
        event_url: str | None = None,
        public_url: str | None = None,
        allow_host: RepeatedFlag = (),
        trusted_proxy: RepeatedFlag = (),
    ) -> None:
        """Serve the emulator on a port until it is interrupted.

        Official clients can create workspaces, workers and tasks there. Tasks are offered to the
        available workers. The page docs/explanation/emulator.md says what is not emulated.

        A seed is loaded only if the state file is empty, and causes no callbacks.
        TWILIO_AUTH_TOKEN, if set, signs the callbacks.

        :param port: The port. 0 takes a free one.
        :param host: The address to listen on.
        :param seed: A JSON file with initial workers, tasks and reservations.
        :param seed_example: Load an example: workers, tasks, and reservations in three statuses.
        :param state: A file that keeps the state between runs.
        :param clock: real, manual (time moves only on request), or a factor such as 60.
        :param settings: A JSON or TOML file of settings. The other flags win over it.
        :param strict: Refuse what the platform is known to tolerate.
        :param orchestrated: Set up the channel before an accept, as Flex does.
        :param quiet: Log no requests and callbacks.
        :param assignment_url: The URL of the assignment callback.
        :param fallback_url: The URL to call if the assignment URL fails.
        :param event_url: The URL of event callbacks.
        :param public_url: The start of links in replies. By default the host of the request.
        :param allow_host: A further name of the emulator, such as a container's. * for every name.
        :param trusted_proxy: A proxy's address or network. Links follow its X-Forwarded headers.
        """
        port_number = read_whole_number("--port", port, 0, _MAX_PORT)
        _check_host(host)
        if seed is not None and seed_example:
            raise UsageError("--seed and --seed-example exclude each other. Give one of them")
        seed_file = EXAMPLE_SEED if seed_example else seed
        callbacks = _read_callback_settings(assignment_url, fallback_url, event_url)
        try:
            from reservation_core.emulator.http.sites import check_site_options  # noqa: PLC0415 - it needs an extra
            from reservation_core.emulator.server import serve as serve_emulator  # noqa: PLC0415
        except ImportError:
            raise ConfigurationError(
                "the emulator needs an extra: pip install 'reservation-core[emulator]'"
            ) from None
        sites: SiteOptions = {
            "public_url": public_url,
            "allowed_hosts": allow_host,
            "trusted_proxies": trusted_proxy,
        }
        try:
            check_site_options(sites)
        except ValueError as error:
            raise UsageError(_name_flags(str(error))) from None

        given = _read_settings(settings, strict=strict, orchestrated_accept=orchestrated)

        def on_start(emulator: Emulator) -> None:
            self._announce(public_url or emulator.url, callbacks)
            if not quiet:
                emulator.callback_queue.subscribe(make_callback_logger(_log))

        try:
            with open_platform(state, read_clock(clock), settings=given) as platform:
                Router.attach(platform)  # before the seed lets the time pass
                if seed_file is not None:
                    _load_seed_file(seed_file, platform)
                serve_emulator(
                    platform,
                    host=host,
                    port=port_number,
                    callbacks=callbacks,
                    on_start=on_start,
                    on_exchange=None
                    if quiet
                    else make_exchange_logger(_log, platform.now, platform),
                    **sites,
                )
        except ReservationError as error:
            raise ConfigurationError(str(error)) from None
        except OSError as error:
            reason = str(error.strerror).partition(" (while")[0]  # the rest repeats the address
            raise ConfigurationError(
                f"cannot listen on port {port} of {host}: {reason}. Use another --port or --host"
            ) from None
        except KeyboardInterrupt:
            return

    def _announce(self, url: str, callbacks: CallbackSettings) -> None:
        self._output.write_wrapped(
            f"The emulator answers at {url} until it is interrupted (Ctrl-C).", "bold", indent=0
        )
        self._output.write_wrapped("Point an official client here:", indent=0)
        self._output.write(f'   client.taskrouter.base_url = "{url}"  # Python', "cyan")
        self._output.write(f'   client.taskrouter.baseUrl = "{url}";  // Node', "cyan")
        self._output.write_wrapped("Its state, live, and its control requests:", indent=0)
        self._output.write(f"   {url}{CONTROL_ROOT}/\n   {url}{CONTROL_ROOT}/routes", "cyan")
        self._announce_callbacks(callbacks)

    def _announce_callbacks(self, callbacks: CallbackSettings) -> None:
        write = self._output.write_wrapped
        urls = {
            "assignment": callbacks.assignment_url,
            "fallback": callbacks.fallback_url,
            "event": callbacks.event_url,
        }
        if not callbacks.urls:
            write(
                "No callbacks are sent. --assignment-url and --event-url set their addresses.",
                indent=0,
            )
            return
        write("Callbacks are sent to:", indent=0)
        for name, url in urls.items():
            if url is not None:
                self._output.write(f"   {name}: {url}", "cyan")
        if callbacks.auth_token is None:
            write(
                f"Callbacks are not signed. Set {_TOKEN_VARIABLE} to the token that your service "
                "checks.",
                "yellow",
                indent=0,
            )
        else:
            write(
                f"Callbacks are signed with {_TOKEN_VARIABLE}, for these addresses as they stand.",
                indent=0,
            )


def _name_flags(text: str) -> str:
    for name, flag in _FLAGS.items():
        text = text.replace(name, flag)
    return text


def _check_host(host: str) -> None:
    try:
        is_name = [host] == host.split() and host.isprintable() and bool(host.encode("idna"))
    except UnicodeError:  # a part is empty or too long
        is_name = False
    if not is_name:
        raise UsageError("--host must be an address or a name such as 127.0.0.1")


def _log(line: str) -> None:
    with suppress(OSError):  # the emulator answers even if the log cannot be written
        print(line, file=sys.stderr, flush=True)


def _read_callback_settings(
    assignment_url: str | None, fallback_url: str | None, event_url: str | None
) -> CallbackSettings:
    try:
        return CallbackSettings(
            assignment_url=assignment_url,
            fallback_url=fallback_url,
            event_url=event_url,
            auth_token=os.environ.get(_TOKEN_VARIABLE) or None,
        )
    except ValueError as error:
        raise ConfigurationError(_name_flags(str(error))) from None


def _read_settings(file: Path | None, **flags: bool | None) -> Settings:
    """Return the settings of a file, changed by the flags."""
    try:
        settings = Settings() if file is None else Settings.load(file)
    except SettingsFileError as error:
        raise ConfigurationError(str(error)) from None
    changes: dict[str, Any] = {name: flag for name, flag in flags.items() if flag is not None}
    return attrs.evolve(settings, **changes)


def _load_seed_file(file: Path, platform: Platform) -> None:
    """Load a seed file into a platform that is empty."""
    load = read_seed_file(file)
    if platform.workers() or platform.tasks():
        return
    try:
        load(platform)
    except KeyError as error:
        raise ConfigurationError(
            f"{file}: there is no {error.args[0]}. Add it to the seed"
        ) from None
    except (ReservationError, ValueError) as error:
        raise ConfigurationError(f"{file}: {error}") from None


def read_clock(text: str) -> Clock:
    """Return the clock that a flag names.

    :param text: ``real``, ``manual``, or the factor by which time passes faster.
    :raises ConfigurationError: if it is none of these.
    """
    if text == "manual":
        return ManualClock()
    try:
        plain = text.replace("_", "?")  # float() takes 1_0 for 10
        return RealClock(1.0 if text == "real" else float(plain.encode("ascii")))
    except ValueError:
        raise ConfigurationError(
            "--clock must be real, manual or a factor above 0 such as 60"
        ) from None
