"""The emulator from the command line: what ``reservation-core serve`` does, and what it says.

The announcement goes to stdout, the request log to stderr.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final

import cyclopts

from reservation_core.cli.console import TerminalOutput
from reservation_core.domain.errors import ReservationError
from reservation_core.emulator.callbacks.settings import CallbackSettings
from reservation_core.emulator.control.routes import CONTROL_ROOT
from reservation_core.emulator.control.seed import read_seed_file
from reservation_core.emulator.http.request_log import make_callback_logger, make_exchange_logger
from reservation_core.emulator.platform.clock import Clock, ManualClock, RealClock
from reservation_core.emulator.platform.platform import Platform
from reservation_core.emulator.platform.settings import Settings
from reservation_core.emulator.state_file import open_platform
from reservation_core.gateways.settings import ConfigurationError

PORT: Final = 8420
TOKEN: Final = "TWILIO_AUTH_TOKEN"  # noqa: S105 - where it is, not what it is


class ServeCommand:
    """The sub-command, onto a page."""

    def __init__(self, page: TerminalOutput) -> None:
        self.page: Final = page

    def serve(
        self,
        *,
        port: Annotated[int, cyclopts.Parameter(help="The port; 0 for a free one.")] = PORT,
        host: Annotated[str, cyclopts.Parameter(help="The address to answer on.")] = "127.0.0.1",
        seed: Annotated[
            Path | None,
            cyclopts.Parameter(
                help="A JSON file with workers, tasks and reservations to begin with."
            ),
        ] = None,
        state: Annotated[
            Path | None, cyclopts.Parameter(help="A file to keep everything in, and to go on from.")
        ] = None,
        clock: Annotated[
            str,
            cyclopts.Parameter(
                help="real, hand (time passes only when it is told to), or a factor such as 60."
            ),
        ] = "real",
        strict: Annotated[
            bool,
            cyclopts.Parameter(negative=(), help="Refuse what the platform is known to tolerate."),
        ] = False,
        quiet: Annotated[bool, cyclopts.Parameter(negative=(), help="Log no requests.")] = False,
        assignment_url: Annotated[
            str | None, cyclopts.Parameter(help="What to ask about each reservation that is made.")
        ] = None,
        fallback_url: Annotated[
            str | None, cyclopts.Parameter(help="What to ask when that fails.")
        ] = None,
        event_url: Annotated[
            str | None, cyclopts.Parameter(help="What to tell each event.")
        ] = None,
    ) -> None:
        """Let an emulator of the platform answer on a port, until it is interrupted. What it does not imitate is in the README.

        A seed is planted only where the state file holds nothing yet; nobody is called back for it. CallbackSettings are signed with the token in
        TWILIO_AUTH_TOKEN, where there is one.
        """
        callbacks = _read_callbacks(assignment_url, fallback_url, event_url)

        try:
            from reservation_core.emulator.server import Emulator  # noqa: PLC0415 - nothing else needs that extra
            from reservation_core.emulator.server import serve as answer  # noqa: PLC0415
        except ImportError:
            raise ConfigurationError(
                "the emulator needs an extra: pip install 'reservation-core[emulator]'"
            ) from None

        def on_start(emulator: Emulator) -> None:
            self.page.say(
                f"The emulator answers at {emulator.url} until it is interrupted (Ctrl-C).",
                "bold",
                indent=0,
            )
            self.page.say("Point an official client here:", indent=0)
            self.page.write(f'   client.taskrouter.base_url = "{emulator.url}"  # Python', "cyan")
            self.page.write(f'   client.taskrouter.baseUrl = "{emulator.url}";  // Node', "cyan")
            self.page.say("What it holds, live, and all that can be asked of it:", indent=0)
            self.page.write(
                f"   {emulator.url}{CONTROL_ROOT}/\n   {emulator.url}{CONTROL_ROOT}/ways", "cyan"
            )
            if callbacks.urls and callbacks.auth_token is None:
                self.page.say(
                    f"What it calls back is not signed: set {TOKEN} to the token your service checks with.",
                    "yellow",
                    indent=0,
                )
            if not quiet:
                emulator.callback_queue.subscribe(make_callback_logger(_print))

        try:
            with open_platform(
                state, read_clock(clock), settings=Settings(strict=strict)
            ) as platform:
                if seed is not None:
                    _plant(seed, platform)
                on_exchange = None if quiet else make_exchange_logger(_print, platform.now)
                answer(
                    platform,
                    host=host,
                    port=port,
                    callbacks=callbacks,
                    on_start=on_start,
                    on_exchange=on_exchange,
                )
        except ReservationError as error:
            raise ConfigurationError(str(error)) from None
        except OSError as error:
            raise ConfigurationError(
                f"port {port} of {host} cannot be taken ({os.strerror(error.errno or 0)}); name another with --port"
            ) from None
        except KeyboardInterrupt:
            return


def _print(line: str) -> None:
    with suppress(OSError):  # nobody reads the log any more, which is no reason not to answer
        print(line, file=sys.stderr, flush=True)


def _read_callbacks(
    assignment_url: str | None, fallback_url: str | None, event_url: str | None
) -> CallbackSettings:
    try:
        return CallbackSettings(
            assignment_url=assignment_url,
            fallback_url=fallback_url,
            event_url=event_url,
            auth_token=os.environ.get(TOKEN) or None,
        )
    except ValueError as error:
        raise ConfigurationError(str(error)) from None


def _plant(file: Path, platform: Platform) -> None:
    """Plant a seed file where nothing is held yet."""
    load = read_seed_file(file)
    if platform.workers() or platform.tasks():
        return
    try:
        load(platform)
    except KeyError as error:
        raise ConfigurationError(
            f"{file}: there is no {error.args[0]}; put it into the seed"
        ) from None
    except (ReservationError, ValueError) as error:
        raise ConfigurationError(f"{file}: {error}") from None


def read_clock(text: str) -> Clock:
    """Read which clock is wanted: ``real``, ``hand``, or how many seconds are to pass in a real one.

    :raises ConfigurationError: when it is neither.
    """
    if text == "hand":
        return ManualClock()
    try:
        return RealClock(1.0 if text == "real" else float(text))
    except ValueError:
        raise ConfigurationError("--clock is real, hand, or a factor above 0 such as 60") from None
