"""State that the control surface works on, and its requests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import attrs

from reservation_core.domain.redaction import shorten
from reservation_core.emulator.api.exchange_log import ExchangeLog
from reservation_core.emulator.callbacks.queue import CallbackQueue
from reservation_core.emulator.documents import UnreadableDocument
from reservation_core.emulator.faults import FaultPlan
from reservation_core.emulator.platform.model import JournalEntry
from reservation_core.emulator.platform.platform import Platform
from reservation_core.rest.errors import PayloadFault
from reservation_core.rest.field_reader import FieldReader


class ControlState:
    """State of one emulator, as the control surface reads and changes it.

    :param platform: the platform that is controlled.
    :param faults: faults to inject into the emulated API.
    :param callback_queue: the callbacks; by default a queue of its own, which nothing sends.
    """

    def __init__(
        self, platform: Platform, faults: FaultPlan, callback_queue: CallbackQueue | None = None
    ) -> None:
        self.platform: Final = platform
        self.faults: Final = faults
        self.callback_queue: Final = callback_queue or CallbackQueue(platform)
        self.exchanges: Final = ExchangeLog(platform)
        self.last_entry: int = len(platform.journal)
        """Number of the last entry of the journal, forgotten entries included."""
        platform.subscribe(self._count)

    def _count(self, _: JournalEntry) -> None:
        self.last_entry += 1


@attrs.frozen
class ControlRequest:
    """Request of the control surface.

    :param sids: SIDs in the path.
    :param body: reader of the JSON body.
    """

    sids: tuple[str, ...]
    query: Mapping[str, str]
    body: FieldReader

    @property
    def sid(self) -> str:
        """The first SID in the path."""
        return self.sids[0]

    @property
    def since(self) -> int:
        """The query parameter ``since``: the last number that the client has read.

        :raises UnreadableDocument: if it is not a number.
        """
        text = self.query.get("since", "0")
        if re.fullmatch("[0-9]{1,15}", text):
            return int(text)
        problem = "is not a number; give the last one that was read"
        raise UnreadableDocument((PayloadFault("since", problem, shorten(text)),))
