"""Commands as they may be printed.

Personal values (numbers, contacts) are printed as they were given, because the caller asked to see
them. Secrets and the user information of URLs are printed as ``***``.
"""

from __future__ import annotations

import re
import shlex
from typing import Any, Final

import attrs

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.kinds import Uri
from reservation_core.domain.commands.parameters import Parameter
from reservation_core.domain.redaction import Sensitivity
from reservation_core.gateways.settings import default_base_url
from reservation_core.rest.addresses import SID_PREFIXES, Address, Route, reservation_path

HIDDEN: Final = "***"
"""Text that replaces a secret."""

_PATH_VARIABLES: Final = {
    "workspace_sid": "$WORKSPACE_SID",
    "task_sid": "$TASK_SID",
    "sid": "$RESERVATION_SID",
}


def is_secret(parameter: Parameter) -> bool:
    """Return true if the parameter's value must never be printed."""
    return parameter.kind.sensitivity is Sensitivity.SECRET


def secret_variable(parameter: Parameter) -> str:
    """Return the environment variable that may hold a secret parameter."""
    return f"RESERVATION_CORE_{parameter.field.upper()}"


def hide_url_users(text: str) -> str:
    """Replace the user information in every URL of a text."""
    return re.sub(r"(?<=://)[^\s/?#]*@", f"{HIDDEN}@", text)


def redact(command: Command) -> Command:
    """Return the command with its secrets replaced for printing."""
    changes: dict[str, Any] = {}
    for parameter in command.parameters:
        value = getattr(command, parameter.field)
        if value is not None and is_secret(parameter):
            changes[parameter.field] = HIDDEN
        elif isinstance(value, str) and isinstance(parameter.kind, Uri):
            changes[parameter.field] = hide_url_users(value)
    return attrs.evolve(command, **changes)


def curl_command(command: Command) -> str:
    """Return the update as a shell command.

    SIDs, credentials and secrets are shell variables.
    """
    sids = {field: SID_PREFIXES[field] + "0" * 32 for field in _PATH_VARIABLES}
    path = reservation_path(Address(**sids), Route.TASK)
    for field, variable in _PATH_VARIABLES.items():
        path = path.replace(sids[field], variable)
    variables = {p.wire_name: secret_variable(p) for p in command.parameters if is_secret(p)}
    lines = [f'curl "{default_base_url()}{path}"', '-u "$TWILIO_ACCOUNT_SID:$TWILIO_AUTH_TOKEN"']
    for name, value in redact(command).form():
        if name in variables:
            pair = f'"{name}=${variables[name]}"'
        else:
            pair = shlex.quote(f"{name}={value}")
        lines.append(f"--data-urlencode {pair}")
    return " \\\n  ".join(lines)
