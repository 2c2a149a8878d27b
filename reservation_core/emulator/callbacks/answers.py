"""What the platform takes an assignment callback's answer for: a command, leave to decide later, or an alert with its number.

1. Only a 200 that comes in time and says ``application/json`` counts; otherwise the fallback URL is asked (documented). Nothing at all
   needs no content type.
2. Nothing, or ``{}``, leaves the decision for later (documented).
3. What cannot be read or done is told to nobody but the account's alerts (documented), with the number of the error dictionary.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final, cast

import attrs

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.parsing import CALLBACK_INSTRUCTION_FIELD
from reservation_core.domain.errors import InvalidCommand, ReservationError
from reservation_core.domain.lifecycle import STATE_ERROR_CODES
from reservation_core.domain.redaction import mask
from reservation_core.emulator.platform.model import StateConflict, UnmetPrecondition
from reservation_core.emulator.platform.platform import Platform
from reservation_core.rest.messages import Reply

NO_SUCH_ANSWER: Final = 11200
"""The number for a webhook that was not answered as it should be."""

NO_CONNECTION: Final = 11205
"""The number for a webhook that nobody takes."""

NO_JSON_TYPE: Final = 40000
NO_JSON: Final = 40001
NO_INSTRUCTION: Final = 40005

WARNINGS: Final = frozenset({NO_JSON, NO_INSTRUCTION})
"""The numbers that are only warnings."""

BY: Final = "callback"
"""Who did it, in the journal, when the answer to an assignment callback asked for it."""


@attrs.frozen
class CallbackAlert:
    """Something that went wrong with a notice or with its answer, as the platform's console would show it.

    :param notice: the number of the notice.
    :param code: the number in the platform's error dictionary, where it has one.
    """

    notice: int
    reservation_sid: str
    at: datetime
    code: int | None
    text: str

    @property
    def is_warning(self) -> bool:
        """Whether the platform would only warn."""
        return self.code in WARNINGS


@attrs.frozen(slots=False)
class Unanswered(ReservationError):
    """An answer that does not count; ``again`` is whether the fallback URL is asked instead."""

    code: int | None
    reason: str
    again: bool = False

    def __str__(self) -> str:
        """Say what is wrong with it, and what would be right."""
        return self.reason


def read_answer(reply: Reply) -> Command | None:
    """Read the answer to an assignment callback; ``None`` when the decision is left for later.

    :raises Unanswered: when it is neither.
    """
    if reply.status != 200:
        raise Unanswered(
            NO_SUCH_ANSWER, f"answered with HTTP {reply.status}; answer with 200", again=True
        )
    if not reply.body.strip():
        return None
    if (
        reply.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        != "application/json"
    ):
        raise Unanswered(
            NO_JSON_TYPE,
            "the answer does not say that it is JSON; set Content-Type: application/json",
            again=True,
        )
    said = _read_object(reply.body)
    if not said:
        return None
    if said.get(CALLBACK_INSTRUCTION_FIELD) is None:
        raise Unanswered(
            NO_INSTRUCTION,
            f"the answer has no {CALLBACK_INSTRUCTION_FIELD}; give one, or answer {{}} to decide later",
        )
    try:
        return Command.from_instruction(said)
    except InvalidCommand as error:
        code = next((violation.code for violation in error.violations if violation.code), None)
        raise Unanswered(code, "; ".join(map(str, error.violations))) from None


def _read_object(body: bytes) -> Mapping[str, object]:
    try:
        said: object = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Unanswered(
            NO_JSON, "the answer is no JSON object; see that it is not written twice over"
        )
    return cast("Mapping[str, object]", said)


def obey(platform: Platform, sid: str, command: Command) -> str:
    """Carry out what an answer asks for, and say how the reservation stands then.

    :raises Unanswered: when it cannot be carried out.
    """
    try:
        return f"{command.trigger}: {platform.execute(sid, command, by=BY).state}"
    except KeyError:
        raise Unanswered(None, f"reservation {sid} is not there any more") from None
    except UnmetPrecondition as error:
        raise Unanswered(error.code, mask(str(error))) from None
    except StateConflict as error:
        raise Unanswered(STATE_ERROR_CODES.get(error.trigger), str(error)) from None
    except ReservationError as error:  # what was done could not be kept
        raise Unanswered(None, mask(str(error))) from None
