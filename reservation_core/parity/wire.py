"""Raw requests of a parity run, with a record of each exchange."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Final, cast

import attrs

from reservation_core.domain.commands.extra import FormPairs
from reservation_core.domain.redaction import Sensitivity, mask
from reservation_core.gateways.port import Gateway
from reservation_core.parity.findings import CouldNotTell, Exchange
from reservation_core.rest.messages import FORM_HEADERS, JSON_HEADERS, Reply, Request

_SID: Final = re.compile(r"\b([A-Z]{2})[0-9a-fA-F]{26}([0-9a-fA-F]{6})\b")
_ORIGIN: Final = re.compile(r"https?://[^/\s\"]+")
_THROTTLED: Final = 429
_MAX_THROTTLES: Final = 8
_POLL_SECONDS: Final = 0.25


@attrs.frozen
class WireAnswer:
    """A reply, with its body as a JSON object. It is empty if the body is not one."""

    status: int
    body: Mapping[str, object] = attrs.field(repr=False)
    reply: Reply = attrs.field(repr=False)

    @property
    def is_done(self) -> bool:
        """True if the request was carried out."""
        return 200 <= self.status < 300

    @property
    def code(self) -> int | None:
        """The platform's error number, if the body has one."""
        code = self.body.get("code")
        return code if type(code) is int else None

    @property
    def message(self) -> str:
        """The platform's message, or an empty text."""
        return str(self.body.get("message") or "")

    @property
    def etag(self) -> str | None:
        """The version of the resource, as the header shows it."""
        return self.reply.etag

    def text(self, name: str) -> str:
        """Return a property that is a text.

        :raises CouldNotTell: if the reply does not have it.
        """
        value = self.body.get(name)
        if not isinstance(value, str):
            raise CouldNotTell(f"the reply has no {name}: {self.describe()}")
        return value

    def describe(self) -> str:
        """Describe the reply in a few words, without personal values."""
        parts: list[str] = [str(self.status)]
        if self.code is not None:
            parts.append(str(self.code))
        if self.message:
            parts.append(shorten_sids(mask(self.message)))
        statuses = ("reservation_status", "assignment_status")
        parts += [str(self.body[name]) for name in statuses if name in self.body]
        if self.etag is not None:
            parts.append(f"ETag {self.etag}")
        for name, value in self.body.items():
            if isinstance(value, list) and "meta" in self.body:
                parts.append(f"{len(cast('list[object]', value))} {name}")
        return " ".join(parts)


def must(answer: WireAnswer, what: str) -> WireAnswer:
    """Return an answer that carried out a request.

    :raises CouldNotTell: if it was refused.
    """
    if not answer.is_done:
        raise CouldNotTell(f"{what} was refused: {answer.describe()}")
    return answer


def shorten_sids(text: str) -> str:
    """Return a text with shortened SIDs, and without origins.

    >>> shorten_sids("/v1/Workspaces/WS0123456789abcdef0123456789abcdef/Tasks")
    '/v1/Workspaces/WS…abcdef/Tasks'
    """
    return _SID.sub(r"\1…\2", _ORIGIN.sub("", text))


class Wire:
    """Sender of raw requests. It waits if it is throttled, and ends at a time limit.

    :param gateway: any gateway.
    :param hidden: personal values that no record may show.
    :param sleep: waits for some seconds.
    :param now: returns the time in seconds.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        hidden: tuple[str, ...] = (),
        sleep: Callable[[float], object] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gateway: Final = gateway
        self._hidden: Final = dict.fromkeys(hidden, Sensitivity.PERSONAL)
        self._sleep: Final = sleep
        self.now: Final = now
        self.exchanges: list[Exchange] = []
        self.deadline: float | None = None

    def begin(self, limit: float | None) -> None:
        """Begin a new record, with a time limit in seconds, if any."""
        self.exchanges = []
        self.deadline = None if limit is None else self.now() + limit

    def ask(
        self,
        method: str,
        path: str,
        form: FormPairs = (),
        headers: Mapping[str, str] | None = None,
    ) -> WireAnswer:
        """Send a request and return the reply.

        :raises CouldNotTell: if the time limit is over, or the platform fails or keeps throttling.
        :raises GatewayError: if no complete reply arrived.
        """
        base = FORM_HEADERS if form else JSON_HEADERS
        request = Request(method, path, {**base, **(headers or {})}, form)
        for _ in range(_MAX_THROTTLES):
            self.check_time()
            reply = self._gateway.send(request)
            answer = WireAnswer(reply.status, _read_body(reply), reply)
            self.exchanges.append(Exchange(self._describe(request), answer.describe()))
            if reply.status == _THROTTLED:
                self._sleep(reply.retry_after or 1.0)
            elif answer.is_done or 400 <= reply.status < 500:
                return answer
            else:  # it may have acted
                raise CouldNotTell(f"the platform failed: {answer.describe()}")
        raise CouldNotTell("the platform throttles the requests (429)")

    def wait_for(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait for a condition, and return true if it came true."""
        end = self.now() + seconds
        while not condition():
            if self.now() >= end:
                return False
            self.pause(_POLL_SECONDS)
        return True

    def pause(self, seconds: float) -> None:
        """Wait, unless the time limit is over."""
        self.check_time()
        self._sleep(seconds)

    def check_time(self) -> None:
        """Raise :class:`CouldNotTell` if the time limit is over."""
        if self.deadline is not None and self.now() > self.deadline:
            raise CouldNotTell("the time limit is over")

    def _describe(self, request: Request) -> str:
        form = "&".join(f"{name}={value}" for name, value in request.form)
        parts = [request.method, request.path, form]
        if (version := request.headers.get("If-Match")) is not None:
            parts.append(f"(If-Match: {version})")
        text = mask(" ".join(filter(None, parts)), self._hidden)
        return shorten_sids(text)


def _read_body(reply: Reply) -> Mapping[str, object]:
    try:
        body: object = json.loads(reply.body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, object]", body) if isinstance(body, dict) else {}
