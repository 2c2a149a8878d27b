"""Callbacks that are due, in order, and the effect of responses.

The queue does no I/O. A sender takes callbacks from it and reports the result of each.

1. Each new reservation makes an assignment callback. Each change of its public status makes an
   event callback. That a transfer's second reservation is assigned like any other is inferred.
2. An assignment callback that fails is sent once more, to the fallback URL. If that fails too, the
   reservation waits for its timer.
3. Both copies of a duplicate have the same event SID and token. The seed alone decides which
   callbacks are duplicated and which events arrive late.
4. Callbacks that are due, results and alerts are kept up to a limit. A callback beyond the limit
   is dropped with an alert.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from random import Random, SystemRandom
from typing import Final, TypeAlias
from urllib.parse import urlsplit
from uuid import UUID

import attrs

from reservation_core.domain.commands.extra import FormPairs
from reservation_core.emulator.callbacks.forms import (
    assignment_form,
    event_form,
    event_type,
    resource_event_form,
)
from reservation_core.emulator.callbacks.known_fields import (
    assignment_urls,
    event_target,
    task_fields,
    worker_fields,
)
from reservation_core.emulator.callbacks.model import (
    RETRIEVAL_FAILURE,
    Callback,
    CallbackAlert,
    CallbackKind,
    SentCallback,
)
from reservation_core.emulator.callbacks.responses import UnusableResponse, process_response
from reservation_core.emulator.callbacks.settings import CallbackSettings, is_callable_url
from reservation_core.emulator.platform.model import JournalEntry, ResourceEvent, Task, Worker
from reservation_core.emulator.platform.platform import Platform
from reservation_core.rest.messages import FORM_CONTENT_TYPE, Headers, Reply
from reservation_core.webhooks.signature import SIGNATURE_HEADER, sign

TOKEN_HEADER: Final = "I-Twilio-Idempotency-Token"  # noqa: S105 - a header's name
"""Header whose value both copies of a duplicate share."""

MAX_WAITING: Final = 10_000
"""Number of events, and of assignment callbacks, that may wait."""

MAX_REMEMBERED: Final = 1000
"""Number of results, and of alerts, that are kept."""

_MAX_OVERTAKING: Final = 3  # later events that arrive before a delayed one

_Line: TypeAlias = deque[tuple[int, Callback]]  # a waiting line, each with its place in the order


def _requested_url(url: str) -> str:
    """Return the URL that a server receives, the one to sign."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.lower(), path=parts.path or "/", fragment="").geturl()


class CallbackQueue:
    """Callbacks of a platform from now on. Safe to share between threads.

    :param platform: the platform that is observed, and on which instructions are carried out.
    :param settings: the callback URLs; none by default.
    :param random: source of event SIDs and tokens, such as ``Random(7)`` to make the same ones in
        every run. By default none comes again.
    """

    def __init__(
        self,
        platform: Platform,
        settings: CallbackSettings | None = None,
        *,
        random: Random | None = None,
    ) -> None:
        self.platform: Final = platform
        self.sent: Final[deque[SentCallback]] = deque(maxlen=MAX_REMEMBERED)
        self.alerts: Final[deque[CallbackAlert]] = deque(maxlen=MAX_REMEMBERED)
        self.on_new: Callable[[CallbackKind], object] | None = None
        """Called for each new callback, possibly in a transaction. It must return quickly."""
        self._random = random or SystemRandom()
        self._observers: tuple[Callable[[SentCallback], object], ...] = ()
        self._lock = threading.Lock()
        self._made = self._placed = self._finished = 0
        self._events: _Line = deque()
        self._assignments: _Line = deque()
        self._delayed: list[tuple[int, Callback]] = []  # with the events that still overtake each
        self.settings = settings or CallbackSettings()
        self._tables: Final = platform.parts.storage.tables
        self._subscriptions = (
            platform.subscribe(self._handle_entry),
            platform.subscribe_events(self._handle_event),
        )

    def close(self) -> None:
        """Stop making callbacks for what happens from then on."""
        for unsubscribe in self._subscriptions:
            unsubscribe()

    @property
    def settings(self) -> CallbackSettings:
        """The settings of new callbacks. A callback that is due keeps its URL."""
        return self._settings

    @settings.setter
    def settings(self, settings: CallbackSettings) -> None:
        self.flush_delayed()
        with self._lock:
            self._settings = settings
            self._chance = Random(settings.seed)  # noqa: S311 - chooses duplicates, not secrets

    # --- making callbacks ------------------------------------------------------------------------

    def _handle_entry(self, entry: JournalEntry) -> None:
        if entry.before is None:
            url, fallback_url = self._assignment_urls(entry.task, entry.sid)
            if url is not None:
                form = assignment_form(entry, self._fields(entry.task, entry.worker))
                kind = CallbackKind.ASSIGNMENT
                self._make(kind, url, entry.sid, form, fallback_url=fallback_url)
        type_ = event_type(entry)
        url = type_ and self._event_url(entry.task.workspace_sid, type_)
        if type_ and url:
            fields = self._fields(entry.task, entry.worker)
            form = event_form(entry, type_, self._make_event_sid(), fields)
            self._make(CallbackKind.EVENT, url, entry.sid, form, type_)

    def _handle_event(self, event: ResourceEvent) -> None:
        subject = event.task or event.worker
        url = subject and self._event_url(subject.workspace_sid, event.type)
        if url:
            fields = self._fields(event.task, event.worker)
            form = resource_event_form(event, self._make_event_sid(), fields)
            self._make(CallbackKind.EVENT, url, "", form, event.type.value)

    def _make_event_sid(self) -> str:
        return f"EV{self._random.getrandbits(128):032x}"

    def _fields(self, task: Task | None, worker: Worker | None) -> dict[str, str]:
        return {
            **self._settings.fields,
            **(worker_fields(self._tables, worker) if worker else {}),
            **(task_fields(self._tables, task) if task else {}),
        }

    def _assignment_urls(self, task: Task, sid: str) -> tuple[str | None, str | None]:
        """Return the assignment and fallback URLs of a task's reservations."""
        settings = self._settings
        found = assignment_urls(self._tables, task) if settings.calls_resources else None
        if found is None:
            return settings.assignment_url, settings.fallback_url
        return self._check_url(found[0], sid), self._check_url(found[1], sid)

    def _event_url(self, workspace_sid: str, type_: str) -> str | None:
        settings = self._settings
        target = event_target(self._tables, workspace_sid) if settings.calls_resources else None
        if target is None:
            return settings.event_url if type_ in settings.event_types else None
        return self._check_url(target.url, "") if target.takes(type_) else None

    def _check_url(self, url: str | None, sid: str) -> str | None:
        """Return a client's URL, or alert that it cannot be called."""
        if url is None or is_callable_url(url):
            return url
        text = "the emulator cannot call the URL. Use one in ASCII, without user information"
        self.alerts.append(CallbackAlert(0, sid, self.platform.now(), None, text))
        return None

    def _make(
        self,
        kind: CallbackKind,
        url: str,
        sid: str,
        form: FormPairs,
        event: str | None = None,
        fallback_url: str | None = None,
    ) -> None:
        with self._lock:
            self._made += 1
            url = _requested_url(url)
            token = str(UUID(int=self._random.getrandbits(128), version=4))
            headers = [
                ("Content-Type", f"{FORM_CONTENT_TYPE}; charset=UTF-8"),
                (TOKEN_HEADER, token),
            ]
            if self._settings.auth_token is not None:
                headers.append((SIGNATURE_HEADER, sign(url, form, self._settings.auth_token)))
            callback = Callback(
                number=self._made,
                kind=kind,
                reservation_sid=sid,
                url=url,
                headers=Headers(tuple(headers)),
                form=form,
                event=event,
                fallback_url=fallback_url,
            )
            copies = [callback]
            if kind is not CallbackKind.FALLBACK and self._happens(self._settings.duplicates):
                copies.append(attrs.evolve(callback, again=True))
            for copy in copies:
                self._schedule(copy)
        self._announce(kind, len(copies))

    def _happens(self, share: float) -> bool:
        return share > 0 and self._chance.random() < share

    def _schedule(self, callback: Callback) -> None:
        """Make a callback due, or delay it.

        A due event also makes the delayed events due that it is the last one to overtake.
        """
        if not callback.kind.is_event:
            self._put(callback)
        elif self._happens(self._settings.reordered):
            self._delayed.append((self._chance.randint(1, _MAX_OVERTAKING), callback))
        else:
            self._put(callback)
            overtaken = [each for left, each in self._delayed if left == 1]
            self._delayed = [(left - 1, each) for left, each in self._delayed if left > 1]
            for each in overtaken:
                self._put(each)

    def _put(self, callback: Callback) -> None:
        line = self._line(event=callback.kind.is_event)
        if len(line) >= MAX_WAITING:
            self._alert(callback, None, f"dropped: {MAX_WAITING} callbacks are waiting")
            return
        self._placed += 1
        line.append((self._placed, callback))

    def _line(self, *, event: bool) -> _Line:
        return self._events if event else self._assignments

    def _announce(self, kind: CallbackKind, count: int) -> None:
        if (on_new := self.on_new) is not None:
            for _ in range(count):
                on_new(kind)

    # --- taking callbacks ------------------------------------------------------------------------

    def take(self) -> tuple[Callback, ...]:
        """Take all callbacks in the order to send them. Delayed events come last."""
        with self._lock:
            self._flush_delayed()
            placed = sorted((*self._events, *self._assignments), key=lambda each: each[0])
            self._events.clear()
            self._assignments.clear()
            return tuple(callback for _, callback in placed)

    def next(self, *, event: bool) -> Callback | None:
        """Take the next due callback, or return ``None``.

        :param event: true for the next event, false for the next assignment callback.
        """
        with self._lock:
            line = self._line(event=event)
            return line.popleft()[1] if line else None

    def flush_delayed(self) -> None:
        """Make the delayed events due now."""
        with self._lock:
            count = self._flush_delayed()
        self._announce(CallbackKind.EVENT, count)

    def _flush_delayed(self) -> int:
        delayed, self._delayed = self._delayed, []
        for _, callback in delayed:
            self._put(callback)
        return len(delayed)

    def due_count(self, *, event: bool) -> int:
        """Return the number of events, or of assignment callbacks, that are due."""
        return len(self._line(event=event))

    @property
    def delayed_count(self) -> int:
        """The number of delayed events."""
        return len(self._delayed)

    @property
    def waiting_count(self) -> int:
        """The number of callbacks that are due or delayed."""
        with self._lock:
            return len(self._events) + len(self._assignments) + len(self._delayed)

    def clear(self) -> None:
        """Drop all callbacks, results and alerts. The settings stay."""
        with self._lock:
            for kept in (self._events, self._assignments, self._delayed, self.sent, self.alerts):
                kept.clear()

    # --- recording results -----------------------------------------------------------------------

    def record_response(self, callback: Callback, reply: Reply, seconds: float = 0.0) -> None:
        """Carry out the instruction in a response, or call the fallback URL.

        :param callback: the callback that was sent.
        :param reply: the response to it.
        :param seconds: duration of the exchange. A response to an assignment callback is invalid
            if it took longer than the platform's setting ``callback_timeout``.
        """
        try:
            outcome = process_response(self.platform, callback, reply, seconds)
        except UnusableResponse as error:
            self._fail(callback, error, reply.status, seconds)
        else:
            self._record(callback, reply.status, seconds, outcome)

    def record_failure(
        self,
        callback: Callback,
        reason: str,
        code: int = RETRIEVAL_FAILURE,
        seconds: float = 0.0,
    ) -> None:
        """Record that no response was received.

        An assignment callback is then sent to the fallback URL.

        :param callback: the callback that was sent.
        :param reason: the failure in words, without personal data.
        :param code: number in the platform's error dictionary.
        :param seconds: duration of the exchange.
        """
        error = UnusableResponse(code, reason, allows_fallback=True)
        self._fail(callback, error, None, seconds)

    def subscribe(self, observer: Callable[[SentCallback], object]) -> None:
        """Call an observer with each result from now on. It should return quickly."""
        with self._lock:
            self._observers = (*self._observers, observer)

    def _fail(
        self, callback: Callback, error: UnusableResponse, status: int | None, seconds: float
    ) -> None:
        self._alert(callback, error.code, error.reason)
        outcome = error.reason if error.code is None else f"{error.code}: {error.reason}"
        self._record(callback, status, seconds, outcome)
        fallback = callback.fallback_url
        if error.allows_fallback and callback.kind is CallbackKind.ASSIGNMENT and fallback:
            self._make(CallbackKind.FALLBACK, fallback, callback.reservation_sid, callback.form)

    def _record(self, callback: Callback, status: int | None, seconds: float, outcome: str) -> None:
        with self._lock:
            self._finished += 1
            result = SentCallback(
                number=self._finished,
                callback=callback,
                at=self.platform.now(),
                status=status,
                seconds=seconds,
                outcome=outcome,
            )
            self.sent.append(result)
        for observer in self._observers:
            observer(result)

    def _alert(self, callback: Callback, code: int | None, text: str) -> None:
        at = self.platform.now()
        alert = CallbackAlert(callback.number, callback.reservation_sid, at, code, text)
        self.alerts.append(alert)
