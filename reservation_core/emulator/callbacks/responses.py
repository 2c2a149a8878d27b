"""Responses to assignment callbacks: a command, a decision left for later, or a failure.

1. Only a response of status 200, in time and of type ``application/json`` counts. Otherwise the
   fallback URL is called (documented). An empty response needs no content type.
2. An empty response, or ``{}``, leaves the decision for later (documented).
3. A response that cannot be read or carried out is reported in the account's alerts only
   (documented), with its number in the error dictionary.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, cast

import attrs

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.parsing import CALLBACK_INSTRUCTION_FIELD
from reservation_core.domain.errors import InvalidCommand, ReservationError
from reservation_core.domain.lifecycle import STATE_ERROR_CODES
from reservation_core.domain.redaction import mask
from reservation_core.emulator.callbacks.model import (
    NO_INSTRUCTION,
    NO_JSON_TYPE,
    RETRIEVAL_FAILURE,
    UNREADABLE_JSON,
)
from reservation_core.emulator.platform.errors import StateConflict, UnmetPrecondition
from reservation_core.emulator.platform.platform import Platform
from reservation_core.rest.messages import Reply

CALLBACK_ACTOR: Final = "callback"
"""Author, in the journal, of an act that the response to an assignment callback asked for."""


@attrs.frozen(slots=False)
class UnusableResponse(ReservationError):
    """Response to a callback that has no effect.

    :param code: number in the platform's error dictionary; ``None`` if it has none.
    :param allows_fallback: true if the fallback URL is called instead.
    """

    code: int | None
    reason: str
    allows_fallback: bool = False

    def __str__(self) -> str:
        return self.reason


def read_instruction(reply: Reply) -> Command | None:
    """Return the command in a response, or ``None`` if it leaves the decision for later.

    :raises UnusableResponse: if the response is invalid.
    """
    if reply.status != 200:
        reason = f"the response has status {reply.status}. Respond with 200"
        raise UnusableResponse(RETRIEVAL_FAILURE, reason, allows_fallback=True)
    if not reply.body.strip():
        return None
    content_type = reply.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        reason = "the response is not declared as JSON. Set Content-Type: application/json"
        raise UnusableResponse(NO_JSON_TYPE, reason, allows_fallback=True)
    instruction = _read_object(reply.body)
    if not instruction:
        return None
    if instruction.get(CALLBACK_INSTRUCTION_FIELD) is None:
        reason = f"the response has no {CALLBACK_INSTRUCTION_FIELD}. "
        raise UnusableResponse(
            NO_INSTRUCTION, f"{reason}Set one, or respond with {{}} to decide later"
        )
    try:
        return Command.from_instruction(instruction)
    except InvalidCommand as error:
        code = next((violation.code for violation in error.violations if violation.code), None)
        raise UnusableResponse(code, "; ".join(map(str, error.violations))) from None


def _read_object(body: bytes) -> Mapping[str, object]:
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        reason = "the response is not a JSON object. Check that it is not encoded twice"
        raise UnusableResponse(UNREADABLE_JSON, reason)
    return cast("Mapping[str, object]", value)


def carry_out_instruction(platform: Platform, sid: str, command: Command) -> str:
    """Carry out a command on a reservation, and return the outcome with the new state.

    :raises UnusableResponse: if the platform refuses the command.
    """
    try:
        return f"{command.trigger}: {platform.execute(sid, command, by=CALLBACK_ACTOR).state}"
    except KeyError:
        raise UnusableResponse(None, f"reservation {sid} no longer exists") from None
    except UnmetPrecondition as error:
        raise UnusableResponse(error.code, mask(str(error))) from None
    except StateConflict as error:
        raise UnusableResponse(STATE_ERROR_CODES.get(error.trigger), str(error)) from None
    except ReservationError as error:  # the change could not be stored
        raise UnusableResponse(None, mask(str(error))) from None
