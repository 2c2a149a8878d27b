"""The notices that the emulated platform owes: which are due, signed and in which order, and what their answers bring about.

It does no I/O: who sends them takes them here and brings back what came of each.

1. A reservation that is made is asked about (assignment callback), and each change of its public status is told (event callback). That
   the second reservation of a transfer is asked about like any other is inferred.
2. What fails is asked again at the fallback URL, once; if that fails too, the reservation is left to its timer.
3. A notice that is sent twice has the same event SID and the same token. Which are, and which events are overtaken by later ones, follows
   from the seed alone.
4. What waits, what was sent and what went wrong is remembered up to a limit; beyond it, what is due is dropped, with an alert.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from random import Random
from typing import Final, TypeAlias
from urllib.parse import urldefrag
from uuid import UUID

import attrs

from reservation_core.domain.commands.parsing import FormPairs
from reservation_core.emulator.callbacks.answers import (
    NO_SUCH_ANSWER,
    CallbackAlert,
    Unanswered,
    obey,
    read_answer,
)
from reservation_core.emulator.callbacks.settings import (
    CallbackSettings,
    assignment_form,
    event_form,
    event_of,
)
from reservation_core.emulator.platform.model import JournalEntry
from reservation_core.emulator.platform.platform import Platform
from reservation_core.rest.messages import FORM_CONTENT_TYPE, Headers, Reply
from reservation_core.rest.urlencoding import encode_form
from reservation_core.webhooks.request import redact_url
from reservation_core.webhooks.signature import SIGNATURE_HEADER, sign

TOKEN_HEADER: Final = "I-Twilio-Idempotency-Token"  # noqa: S105 - a header's name
"""What tells a notice that is sent again from a new one."""

MOST_WAITING: Final = 10_000
"""How many notices of a kind may wait."""

REMEMBERED: Final = 1000
"""How many of the notices sent, and how many alerts, are remembered."""

_OVERTAKEN: Final = 3  # by how many events one is overtaken at most


class CallbackKind(StrEnum):
    """What a notice is."""

    ASSIGNMENT = "assignment"
    FALLBACK = "fallback"  #: the same question, put to the fallback URL
    EVENT = "event"


@attrs.frozen(kw_only=True, eq=False)
class Callback:
    """One request that the double owes.

    :param number: its own, from 1; the two of a duplicate share it.
    :param url: where it goes, without a fragment.
    :param event: the event's type, such as ``reservation.accepted``; ``None`` for an assignment callback.
    :param again: whether it is the second of a duplicate.
    """

    number: int
    kind: CallbackKind
    reservation_sid: str
    url: str = attrs.field(repr=lambda url: repr(redact_url(url)))
    headers: Headers
    form: FormPairs = attrs.field(repr=lambda form: f"<{', '.join(name for name, _ in form)}>")
    event: str | None = None
    again: bool = False

    @property
    def body(self) -> bytes:
        """The form as it goes over the wire."""
        return encode_form(self.form)


@attrs.frozen(kw_only=True, eq=False)
class SentCallback:
    """What came of a notice.

    :param number: how many were sent before it and with it.
    :param status: of the answer; ``None`` when there was none.
    :param outcome: what it brought about, or what went wrong.
    """

    number: int
    callback: Callback
    at: datetime
    status: int | None
    seconds: float
    outcome: str


Owed: TypeAlias = Callable[[CallbackKind], object]
Line: TypeAlias = deque[tuple[int, Callback]]


class CallbackQueue:
    """What a platform owes to those who are called back, from now on. Safe to share between threads.

    :param platform: what is watched, and what the answers are carried out on.
    :param random: where event SIDs and tokens come from; the same ones in every run unless another is given.
    """

    def __init__(
        self,
        platform: Platform,
        settings: CallbackSettings | None = None,
        *,
        random: Random | None = None,
    ) -> None:
        self.platform: Final = platform
        self.sent: Final[deque[SentCallback]] = deque(maxlen=REMEMBERED)
        self.alerts: Final[deque[CallbackAlert]] = deque(maxlen=REMEMBERED)
        self.owed: Owed | None = None
        """Is told whenever there is a new notice, it may be in the middle of a unit of work: it must be quick."""
        self._random = random or Random(0)  # noqa: S311 - names, not secrets
        self._told: tuple[Callable[[SentCallback], object], ...] = ()
        self._lock = threading.Lock()
        self._number = self._place = self._count = 0
        self._events: Line = deque()
        self._questions: Line = deque()
        self._overtaken: list[tuple[int, Callback]] = []  # by how many events each still is to be
        self.settings = settings or CallbackSettings()
        self.close: Final = platform.subscribe(self._watch)
        """Owe nothing any more for what happens from then on."""

    @property
    def settings(self) -> CallbackSettings:
        """Who is called back; what is due already goes where it was to go."""
        return self._settings

    @settings.setter
    def settings(self, settings: CallbackSettings) -> None:
        self.hurry()
        with self._lock:
            self._settings = settings
            self._chance = Random(settings.seed)  # noqa: S311 - it settles what is sent twice

    # --- what becomes due ------------------------------------------------------------------------------------------------------------

    def _watch(self, act: JournalEntry) -> None:
        settings = self._settings
        if act.before is None and settings.assignment_url:
            self._owe(
                CallbackKind.ASSIGNMENT,
                settings.assignment_url,
                act.sid,
                assignment_form(act, settings.fields),
            )
        if settings.event_url and (type_ := event_of(act)) in settings.event_types:
            form = event_form(
                act, str(type_), f"EV{self._random.getrandbits(128):032x}", settings.fields
            )
            self._owe(CallbackKind.EVENT, settings.event_url, act.sid, form, type_)

    def _owe(
        self, kind: CallbackKind, url: str, sid: str, form: FormPairs, event: str | None = None
    ) -> None:
        with self._lock:
            self._number += 1
            url = urldefrag(url).url
            token = str(UUID(int=self._random.getrandbits(128), version=4))
            headers = [
                ("Content-Type", f"{FORM_CONTENT_TYPE}; charset=UTF-8"),
                (TOKEN_HEADER, token),
            ]
            if self._settings.auth_token is not None:
                headers.append((SIGNATURE_HEADER, sign(url, form, self._settings.auth_token)))
            notice = Callback(
                number=self._number,
                kind=kind,
                reservation_sid=sid,
                url=url,
                headers=Headers(tuple(headers)),
                form=form,
                event=event,
            )
            made = [notice]
            if kind is not CallbackKind.FALLBACK and self._happens(self._settings.duplicates):
                made.append(attrs.evolve(notice, again=True))
            for one in made:
                for due in self._in_turn(one):
                    self._put(due)
        self._tell(kind, len(made))

    def _tell(self, kind: CallbackKind, times: int) -> None:
        if (owed := self.owed) is not None:
            for _ in range(times):
                owed(kind)

    def _happens(self, share: float) -> bool:
        return share > 0 and self._chance.random() < share

    def _in_turn(self, notice: Callback) -> list[Callback]:
        """Give what is due next: a notice and the events that it was the last one to overtake, or nothing when it is overtaken itself."""
        if notice.kind is not CallbackKind.EVENT:
            return [notice]
        if self._happens(self._settings.reordered):
            self._overtaken.append((self._chance.randint(1, _OVERTAKEN), notice))
            return []
        held = [(left - 1, one) for left, one in self._overtaken]
        self._overtaken = [(left, one) for left, one in held if left]
        return [notice, *(one for left, one in held if not left)]

    def _put(self, notice: Callback) -> None:
        line = self._line(event=notice.kind is CallbackKind.EVENT)
        if len(line) >= MOST_WAITING:
            self._alert(notice, None, f"{MOST_WAITING} notices wait; this one is dropped")
            return
        self._place += 1
        line.append((self._place, notice))

    def _line(self, *, event: bool) -> Line:
        return self._events if event else self._questions

    # --- who sends them --------------------------------------------------------------------------------------------------------------

    def take(self) -> tuple[Callback, ...]:
        """Take all that is due, in the order it is to be sent; an event that nothing has overtaken yet comes last."""
        with self._lock:
            self._hurry()
            due = sorted((*self._events, *self._questions), key=lambda placed: placed[0])
            self._events.clear()
            self._questions.clear()
            return tuple(notice for _, notice in due)

    def next(self, *, event: bool) -> Callback | None:
        """Take the next event, or the next assignment callback; ``None`` when none is due."""
        with self._lock:
            line = self._line(event=event)
            return line.popleft()[1] if line else None

    def hurry(self) -> None:
        """Let the events that wait to be overtaken wait no longer."""
        with self._lock:
            count = self._hurry()
        self._tell(CallbackKind.EVENT, count)

    def _hurry(self) -> int:
        late, self._overtaken = self._overtaken, []
        for _, notice in late:
            self._put(notice)
        return len(late)

    def due(self, *, event: bool) -> int:
        """Tell how many events, or how many assignment callbacks, are due and not taken yet."""
        return len(self._line(event=event))

    @property
    def withheld(self) -> int:
        """How many events wait to be overtaken."""
        return len(self._overtaken)

    @property
    def waiting(self) -> int:
        """How many there are, due or withheld, that nobody has taken yet."""
        with self._lock:
            return len(self._events) + len(self._questions) + len(self._overtaken)

    def clear(self) -> None:
        """Owe nothing, and remember nothing; who is called back stays as it is."""
        with self._lock:
            for remembered in (
                self._events,
                self._questions,
                self._overtaken,
                self.sent,
                self.alerts,
            ):
                remembered.clear()

    # --- what comes back -------------------------------------------------------------------------------------------------------------

    def answered(self, notice: Callback, reply: Reply, seconds: float = 0.0) -> None:
        """Let an answer have its effect: what it asks for is carried out, or the fallback URL is asked.

        :param seconds: how long it took; more than the setting's ``callback_timeout`` is too long for an assignment callback.
        """
        try:
            outcome = self._heed(notice, reply, seconds)
        except Unanswered as error:
            self._fail(notice, error, reply.status, seconds)
        else:
            self._note(notice, reply.status, seconds, outcome)

    def _heed(self, notice: Callback, reply: Reply, seconds: float) -> str:
        if notice.kind is CallbackKind.EVENT:
            if not 200 <= reply.status < 300:
                raise Unanswered(
                    NO_SUCH_ANSWER, f"answered with HTTP {reply.status}; answer with 204"
                )
            return "taken"
        budget = self.platform.settings.callback_timeout
        if seconds > budget:
            raise Unanswered(
                NO_SUCH_ANSWER,
                f"answered after more than {budget:g} s; answer in time, and act later",
                again=True,
            )
        command = read_answer(reply)
        return (
            "decided later"
            if command is None
            else obey(self.platform, notice.reservation_sid, command)
        )

    def failed(
        self, notice: Callback, why: str, code: int = NO_SUCH_ANSWER, seconds: float = 0.0
    ) -> None:
        """Note that no answer came; an assignment callback is then put to the fallback URL.

        :param code: the platform's number for it.
        """
        self._fail(notice, Unanswered(code, why, again=True), None, seconds)

    def _fail(
        self, notice: Callback, error: Unanswered, status: int | None, seconds: float
    ) -> None:
        self._alert(notice, error.code, error.reason)
        self._note(
            notice,
            status,
            seconds,
            error.reason if error.code is None else f"{error.code}: {error.reason}",
        )
        fallback = self._settings.fallback_url
        if error.again and notice.kind is CallbackKind.ASSIGNMENT and fallback:
            self._owe(CallbackKind.FALLBACK, fallback, notice.reservation_sid, notice.form)

    def _note(self, notice: Callback, status: int | None, seconds: float, outcome: str) -> None:
        with self._lock:
            self._count += 1
            at = self.platform.now()
            sent = SentCallback(
                number=self._count,
                callback=notice,
                at=at,
                status=status,
                seconds=seconds,
                outcome=outcome,
            )
            self.sent.append(sent)
        for told in self._told:
            told(sent)

    def subscribe(self, told: Callable[[SentCallback], object]) -> None:
        """Have each notice told that was sent, once it is known what came of it; it should be quick."""
        with self._lock:
            self._told = (*self._told, told)

    def _alert(self, notice: Callback, code: int | None, text: str) -> None:
        self.alerts.append(
            CallbackAlert(notice.number, notice.reservation_sid, self.platform.now(), code, text)
        )
