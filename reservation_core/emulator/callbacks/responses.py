"""Responses to callbacks: an instruction, a later decision, or a failure.

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
    Callback,
)
from reservation_core.emulator.platform.errors import StateConflict, UnmetPrecondition
from reservation_core.emulator.platform.platform import Platform
from reservation_core.rest.messages import Reply

CALLBACK_ACTOR: Final = "callback"
"""Author of journal entries that a response asked for."""


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


def process_response(platform: Platform, callback: Callback, reply: Reply, seconds: float) -> str:
    """Carry out the instruction in a response, and return the outcome.

    :param seconds: duration of the exchange.
    :raises UnusableResponse: if the response is invalid, too late or refused by the platform.
    """
    if callback.kind.is_event:
        if not 200 <= reply.status < 300:
            reason = f"the response has status {reply.status}. Respond with 204"
            raise UnusableResponse(RETRIEVAL_FAILURE, reason)
        return "taken"
    limit = platform.settings.callback_timeout
    if seconds > limit:
        reason = f"the response took more than {limit:g} s. Respond in time, act later"
        raise UnusableResponse(RETRIEVAL_FAILURE, reason, allows_fallback=True)
    command = _read_instruction(reply)
    if command is None:
        return "decided later"
    return _carry_out(platform, callback.reservation_sid, command)


def _read_instruction(reply: Reply) -> Command | None:
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


def _carry_out(platform: Platform, sid: str, command: Command) -> str:
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
