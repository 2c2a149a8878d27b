"""The control surface: what a test or a page may ask of the emulator beside the emulated API, as JSON under ``/_emulator``.

Every way is one line of the table ``WAYS``: method, path, and what it does. A body is a JSON object; what cannot be read of it comes
back as a 400 that names every fault with its path. Nothing here does I/O, and nothing is decided: the platform does that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from itertools import islice
from typing import Final, cast
from urllib.parse import parse_qsl, unquote

import attrs

from reservation_core.domain.errors import ReservationError
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.redaction import mask, shorten
from reservation_core.emulator.api.exchange_log import ExchangeLog
from reservation_core.emulator.callbacks.queue import CallbackQueue
from reservation_core.emulator.callbacks.settings import CallbackSettings
from reservation_core.emulator.control.callback_documents import (
    read_callbacks,
    show_alerts,
    show_callbacks,
    show_sent,
)
from reservation_core.emulator.control.overview import overview, why
from reservation_core.emulator.control.seed import (
    SIDS,
    load,
    load_reservation,
    load_task,
    load_worker,
    read_seed,
    read_seed_reservation,
    read_seed_task,
    read_seed_worker,
)
from reservation_core.emulator.documents import UnreadableDocument, as_json, read_document
from reservation_core.emulator.faults import HTTP_KINDS, Fault, FaultKind, FaultPlan
from reservation_core.emulator.platform.model import JournalEntry
from reservation_core.emulator.platform.platform import Platform
from reservation_core.emulator.platform.settings import describe_settings
from reservation_core.rest.errors import PayloadFault
from reservation_core.rest.field_reader import FieldReader
from reservation_core.rest.messages import Reply

ROOT: Final = "/_emulator"
"""Where the control surface begins."""

FAILED_LEG: Final = 13223
"""Why a leg fails unless another reason is given: the number is no number."""

MOST: Final = 16 << 20
"""Bytes that a body may have."""

LONGEST_WAIT: Final = 300.0
"""Seconds that a fault may take."""


@attrs.frozen
class Order:
    """One thing that is asked: the SIDs in its path, its query, and its body as it is being read."""

    sids: tuple[str, ...]
    query: Mapping[str, str]
    body: FieldReader

    @property
    def sid(self) -> str:
        """The SID in its path."""
        return self.sids[0]

    def since(self) -> int:
        """Read from which number on the journal is wanted."""
        text = self.query.get("since", "0")
        if re.fullmatch("[0-9]{1,15}", text):
            return int(text)
        raise UnreadableDocument(
            (
                PayloadFault(
                    "since",
                    "is no number in the journal; give the last one that was read",
                    shorten(text),
                ),
            )
        )


@attrs.frozen
class Way:
    """One thing that can be asked: by which method, where, what it is for, and what does it."""

    method: str
    path: str
    says: str
    do: Callable[[Control, Order], object]


class Control:
    """What answers on the control surface.

    :param platform: what is looked at and changed.
    :param faults: where what is to go wrong is put.
    :param callback_queue: who is called back, and with what success; its own, which nobody sends, by default.
    """

    def __init__(
        self, platform: Platform, faults: FaultPlan, callback_queue: CallbackQueue | None = None
    ) -> None:
        self.platform: Final = platform
        self.faults: Final = faults
        self.callback_queue: Final = callback_queue or CallbackQueue(platform)
        self.exchanges: Final = ExchangeLog(platform)
        self.last_act: int = len(platform.journal)
        """How many acts were told: the number of the last one in the journal."""
        platform.subscribe(self._count)

    def _count(self, _: JournalEntry) -> None:
        self.last_act += 1

    def receive(self, method: str, target: str, body: bytes) -> Reply:
        """Answer one request, whatever it holds."""
        path, _, query = target.partition("?")
        found = [(way, match) for way, form in _WAYS if (match := form.fullmatch(unquote(path)))]
        if not found:
            return _refuse(
                HTTPStatus.NOT_FOUND,
                f"nothing is at {shorten(path)}",
                f"GET {ROOT}/ways lists all that is",
            )
        ways = {way.method: (way, match.groups()) for way, match in found}
        if method not in ways:
            return _refuse(
                HTTPStatus.METHOD_NOT_ALLOWED,
                f"{shorten(method)} is not done here",
                f"use {', '.join(ways)}",
                {"Allow": ", ".join(ways)},
            )
        if len(body) > MOST:
            return _refuse(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"the body has more than {MOST} bytes",
                "send it in parts",
            )
        return self._carry_out(*ways[method], query, body)

    def _carry_out(self, way: Way, sids: tuple[str, ...], query: str, body: bytes) -> Reply:
        try:
            order = Order(sids, dict(parse_qsl(query)), read_document(body))
            with self.platform.transaction():
                done = as_json(way.do(self, order))
        except UnreadableDocument as error:
            return _json(
                HTTPStatus.BAD_REQUEST, {"error": str(error), "faults": as_json(error.faults)}
            )
        except ValueError as error:
            return _json(HTTPStatus.BAD_REQUEST, {"error": mask(str(error))})
        except KeyError as error:
            return _refuse(
                HTTPStatus.NOT_FOUND,
                f"there is no {shorten(error.args[0])}",
                f"GET {ROOT}/state shows what there is",
            )
        except ReservationError as error:
            return _json(HTTPStatus.CONFLICT, {"error": mask(str(error))})
        return _json(HTTPStatus.OK, done)

    # --- looking -----------------------------------------------------------------------------------------------------------------

    def ways(self, order: Order) -> object:
        """List what can be asked."""
        order.body.finish()
        return [{"method": way.method, "path": ROOT + way.path, "says": way.says} for way in WAYS]

    def state(self, order: Order) -> object:
        """Show all that is held."""
        order.body.finish()
        platform = self.platform
        return {
            "now": platform.now(),
            "next_due": platform.next_due(),
            "told": self.last_act,
            **attrs.asdict(platform.snapshot(), recurse=False),
        }

    def overview(self, order: Order) -> object:
        """Show the newest reservations as they stand, and what may happen to each."""
        order.body.finish()
        return {**overview(self.platform), "told": self.last_act}

    def settings(self, order: Order) -> object:
        """Show the settings, each with what is known of it; accounts by their number."""
        order.body.finish()
        now = self.platform.settings
        return {
            name: {
                "value": len(now.accounts) if name == "accounts" else getattr(now, name),
                "usual": usual,
                **attrs.asdict(about),
            }
            for name, usual, about in describe_settings()
        }

    def journal(self, order: Order) -> object:
        """Show the acts after a number, each with its own."""
        since = order.since()
        order.body.finish()
        first = self.last_act - len(self.platform.journal)
        acts = islice(enumerate(self.platform.journal, first + 1), max(0, since - first), None)
        return {"told": self.last_act, "acts": [numbered(number, act) for number, act in acts]}

    def show_exchanges(self, order: Order) -> object:
        """Show the exchanges of the emulated API after a number, each with its own."""
        since = order.since()
        order.body.finish()
        return {"told": self.exchanges.last_number, "exchanges": tuple(self.exchanges.since(since))}

    # --- making ------------------------------------------------------------------------------------------------------------------

    def seed(self, order: Order) -> object:
        """Plant a seed."""
        load(read_seed(order.body), self.platform)
        return self.platform.snapshot()

    def add_worker(self, order: Order) -> object:
        """Add a worker."""
        seed = read_seed_worker(order.body)
        order.body.finish()
        return load_worker(seed, self.platform)

    def add_task(self, order: Order) -> object:
        """Add a task, with reservations where they are given."""
        seed = read_seed_task(order.body)
        order.body.finish()
        return load_task(seed, self.platform)

    def reserve(self, order: Order) -> object:
        """Reserve a worker for a task."""
        seed = read_seed_reservation(order.body)
        order.body.finish()
        return load_reservation(seed, order.sid, self.platform)

    def transfer(self, order: Order) -> object:
        """Hand the work to another worker."""
        worker_sid = order.body.required_sid("worker_sid", SIDS["worker_sid"])
        order.body.finish()
        return self.platform.transfer(order.sid, worker_sid)

    # --- happening ---------------------------------------------------------------------------------------------------------------

    def report(self, order: Order) -> object:
        """Let a fact happen."""
        fact = order.body.choice("fact", tuple(Status))
        order.body.finish()
        return self.platform.set_status(order.sid, Status(fact))

    def fail_call(self, order: Order) -> object:
        """Let the leg to the worker fail, for a reason."""
        code = order.body.integer("code", FAILED_LEG)
        order.body.finish()
        return self.platform.fail_call(order.sid, code)

    def advance(self, order: Order) -> object:
        """Put the clock forward."""
        seconds = order.body.number("seconds", 0.0)
        order.body.finish()
        self.platform.advance(seconds)
        return {"now": self.platform.now(), "next_due": self.platform.next_due()}

    # --- going wrong -------------------------------------------------------------------------------------------------------------

    def show_faults(self, order: Order) -> object:
        """List what is to go wrong."""
        order.body.finish()
        return self._pending_faults()

    def add_fault(self, order: Order) -> object:
        """Let something go wrong with requests to come."""
        read = order.body
        fault = Fault(
            kind=FaultKind(read.choice("kind", HTTP_KINDS)),
            times=read.integer("times", 1, minimum=1),
            seconds=read.number("seconds", None, maximum=LONGEST_WAIT),
            status=read.integer("status", 503, minimum=500, maximum=599),
            retry_after=read.number("retry_after", None),
            method=read.text("method"),
            path_contains=read.text("path_contains") or "",
        )
        read.finish()
        self.faults.add(fault)
        return self._pending_faults()

    def _pending_faults(self) -> object:
        """Return the pending faults without the fields that are used in process only."""
        in_process_only = attrs.filters.exclude("rival", "late")
        return [attrs.asdict(each, filter=in_process_only) for each in self.faults.pending]

    def clear_faults(self, order: Order) -> object:
        """Let nothing go wrong any more."""
        order.body.finish()
        self.faults.clear()
        return ()

    # --- calling back ------------------------------------------------------------------------------------------------------------

    def callbacks(self, order: Order) -> object:
        """Show who is called back."""
        order.body.finish()
        return show_callbacks(self.callback_queue)

    def call_back(self, order: Order) -> object:
        """Set who is called back from now on."""
        self.callback_queue.settings = read_callbacks(order.body)
        return show_callbacks(self.callback_queue)

    def call_nobody(self, order: Order) -> object:
        """Call nobody back any more."""
        order.body.finish()
        self.callback_queue.settings = CallbackSettings()
        return show_callbacks(self.callback_queue)

    def sent(self, order: Order) -> object:
        """Show what was sent after a number."""
        since = order.since()
        order.body.finish()
        return show_sent(self.callback_queue, since)

    def alerts(self, order: Order) -> object:
        """Show what went wrong with notices."""
        order.body.finish()
        return show_alerts(self.callback_queue)

    def reset(self, order: Order) -> object:
        """Hold nothing any more; who is called back stays as it is."""
        order.body.finish()
        self.faults.clear()
        self.callback_queue.clear()
        self.platform.reset()
        return {"now": self.platform.now()}


def numbered(number: int, act: JournalEntry) -> dict[str, object]:
    """Show an act with its number, and on what ground it was possible."""
    return {"number": number, **cast("dict[str, object]", as_json(act)), "why": why(act)}


def _happening(name: str) -> Callable[[Control, Order], object]:
    """Make what calls a method of the platform that needs a SID and nothing else."""

    def do(control: Control, order: Order) -> object:
        order.body.finish()
        return getattr(control.platform, name)(order.sid)

    return do


WAYS: Final = (
    Way("GET", "/ways", "list all that can be asked here", Control.ways),
    Way("GET", "/state", "show all that is held", Control.state),
    Way(
        "GET",
        "/overview",
        "show the newest reservations as they stand, and what may happen to each",
        Control.overview,
    ),
    Way("GET", "/settings", "show the settings, each with what is known of it", Control.settings),
    Way("GET", "/journal", "show what happened; ?since=NUMBER after that act", Control.journal),
    Way(
        "GET",
        "/exchanges",
        "show the requests of the emulated API; ?since=NUMBER after that one",
        Control.show_exchanges,
    ),
    Way("POST", "/seed", "plant a seed: workers, tasks and their reservations", Control.seed),
    Way("POST", "/reset", "hold nothing any more", Control.reset),
    Way("POST", "/clock", "put the clock forward by {seconds}", Control.advance),
    Way("POST", "/workers", "add a worker", Control.add_worker),
    Way("GET", "/workers/WK", "show a worker", _happening("worker")),
    Way("POST", "/tasks", "add a task", Control.add_task),
    Way("GET", "/tasks/WT", "show a task", _happening("task")),
    Way("POST", "/tasks/WT/reservations", "reserve {worker_sid} for a task", Control.reserve),
    Way(
        "POST",
        "/tasks/WT/wrap",
        "let the work on a task end, and after-work begin",
        _happening("wrap_task"),
    ),
    Way("POST", "/tasks/WT/cancel", "cancel a task", _happening("cancel_task")),
    Way("POST", "/tasks/WT/complete", "complete a task", _happening("complete_task")),
    Way("DELETE", "/tasks/WT", "delete a task, with its reservations", _happening("delete_task")),
    Way(
        "GET", "/reservations/WR", "show a reservation as it is, on hold or not", _happening("get")
    ),
    Way("POST", "/reservations/WR/facts", "let {fact} happen", Control.report),
    Way(
        "POST",
        "/reservations/WR/answer-call",
        "let the worker answer the call",
        _happening("answer_call"),
    ),
    Way(
        "POST",
        "/reservations/WR/miss-call",
        "let the worker's telephone ring out",
        _happening("miss_call"),
    ),
    Way(
        "POST",
        "/reservations/WR/hang-up",
        "let the caller hang up",
        _happening("hang_up"),
    ),
    Way(
        "POST",
        "/reservations/WR/fail-call",
        "let the leg to the worker fail, with a reason {code}",
        Control.fail_call,
    ),
    Way("POST", "/reservations/WR/transfers", "hand the work to {worker_sid}", Control.transfer),
    Way("GET", "/faults", "list what is to go wrong", Control.show_faults),
    Way(
        "POST",
        "/faults",
        f"let {{kind}} happen to requests to come: {', '.join(HTTP_KINDS)}",
        Control.add_fault,
    ),
    Way("DELETE", "/faults", "let nothing go wrong any more", Control.clear_faults),
    Way("GET", "/callbacks", "show who is called back", Control.callbacks),
    Way(
        "POST",
        "/callbacks",
        "call back {assignment_url}, {fallback_url} and {event_url}, signed with {auth_token}",
        Control.call_back,
    ),
    Way("DELETE", "/callbacks", "call nobody back any more", Control.call_nobody),
    Way(
        "GET",
        "/notices",
        "show what was sent, and what came of it; ?since=NUMBER after that one",
        Control.sent,
    ),
    Way("GET", "/alerts", "show what went wrong with what was sent or answered", Control.alerts),
)
"""All that can be asked; WK, WT and WR stand for the SID of a worker, a task and a reservation."""

_WAYS: Final = tuple(
    (way, re.compile(ROOT + re.sub("(?<=/)W[KTR](?=/|$)", "([^/]+)", way.path))) for way in WAYS
)


def _refuse(
    status: HTTPStatus, what: str, remedy: str, headers: Mapping[str, str] | None = None
) -> Reply:
    return _json(status, {"error": f"{what}; {remedy}"}, headers)


def _json(status: HTTPStatus, body: object, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(
        status,
        {"Content-Type": "application/json", "Cache-Control": "no-store", **(headers or {})},
        json.dumps(body).encode(),
    )
