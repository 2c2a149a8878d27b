"""Table of the control surface's routes, and the functions behind them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Final

import attrs

from reservation_core.domain.lifecycle import Status
from reservation_core.emulator.callbacks.settings import CallbackSettings
from reservation_core.emulator.control.callbacks import (
    describe_alerts,
    describe_callback_settings,
    describe_sent,
    read_callback_settings,
)
from reservation_core.emulator.control.openapi import describe_openapi
from reservation_core.emulator.control.overview import describe_entry, describe_platform
from reservation_core.emulator.control.people import describe_tasks, describe_workers
from reservation_core.emulator.control.route import (
    CONTROL_ROOT,
    body_route,
    plain_route,
    sid_route,
    since_route,
)
from reservation_core.emulator.control.seed import (
    SEED_PREFIXES,
    read_seed,
    read_seed_reservation,
    read_seed_task,
    read_seed_worker,
)
from reservation_core.emulator.control.state import ControlRequest, ControlState
from reservation_core.emulator.faults import HTTP_KINDS, Fault, FaultKind
from reservation_core.emulator.platform.platform import Platform
from reservation_core.emulator.platform.settings import describe_settings
from reservation_core.rest.field_reader import FieldReader

DEFAULT_CALL_FAILURE: Final = 13223
"""Default reason code of a failed call: the number is invalid."""

MAX_FAULT_SECONDS: Final = 300.0
"""Longest delay of a fault, in seconds."""


# --- reading -------------------------------------------------------------------------------------


def _list_routes(_: ControlState, __: ControlRequest) -> object:
    return [
        {"method": each.method, "path": CONTROL_ROOT + each.path, "description": each.description}
        for each in CONTROL_ROUTES
    ]


def _show_openapi(_: ControlState, __: ControlRequest) -> object:
    return describe_openapi(CONTROL_ROUTES)


def _show_state(state: ControlState, _: ControlRequest) -> object:
    snapshot = attrs.asdict(state.platform.snapshot(), recurse=False)
    return {**_show_clock(state), "last": state.last_entry, **snapshot}


def _show_clock(state: ControlState) -> dict[str, object]:
    return {"now": state.platform.now(), "next_due": state.platform.next_due()}


def _show_overview(state: ControlState, _: ControlRequest) -> object:
    return {**describe_platform(state.platform), "last": state.last_entry}


def _show_tasks(state: ControlState, _: ControlRequest) -> object:
    return describe_tasks(state.platform)


def _show_workers(state: ControlState, _: ControlRequest) -> object:
    return describe_workers(state.platform)


def _show_settings(state: ControlState, _: ControlRequest) -> object:
    settings = state.platform.settings
    values = {name: getattr(settings, name) for name, _, _ in describe_settings()}
    values["accounts"] = len(settings.accounts)  # passwords are not shown
    return {
        name: {"value": values[name], "default": default, **attrs.asdict(info)}
        for name, default, info in describe_settings()
    }


def _show_journal(state: ControlState, since: int) -> object:
    forgotten = state.last_entry - len(state.platform.journal)
    numbered = enumerate(state.platform.journal, forgotten + 1)
    new = islice(numbered, max(0, since - forgotten), None)
    return {"last": state.last_entry, "entries": [describe_entry(*each) for each in new]}


def _show_exchanges(state: ControlState, since: int) -> object:
    exchanges = tuple(state.exchanges.since(since))
    return {"last": state.exchanges.last_number, "exchanges": exchanges}


# --- changing ------------------------------------------------------------------------------------


def _load(state: ControlState, _: ControlRequest, load: Callable[[Platform], object]) -> object:
    return load(state.platform)


def _advance(state: ControlState, _: ControlRequest, seconds: float) -> object:
    state.platform.advance(seconds)
    return _show_clock(state)


def _reset(state: ControlState, _: ControlRequest) -> object:
    state.platform.reset()
    state.faults.clear()
    state.callback_queue.clear()
    return {"now": state.platform.now()}


# --- faults and callbacks ------------------------------------------------------------------------


def _read_fault(body: FieldReader) -> Fault:
    return Fault(
        kind=FaultKind(body.choice("kind", HTTP_KINDS)),
        times=body.integer("times", 1, minimum=1),
        seconds=body.number("seconds", None, maximum=MAX_FAULT_SECONDS),
        status=body.integer("status", 503, minimum=500, maximum=599),
        retry_after=body.number("retry_after", None),
        method=(body.text("method") or "").upper() or None,
        path_contains=body.text("path_contains") or "",
    )


def _add_fault(state: ControlState, request: ControlRequest, fault: Fault) -> object:
    state.faults.add(fault)
    return _show_faults(state, request)


def _show_faults(state: ControlState, _: ControlRequest) -> object:
    in_process_only = attrs.filters.exclude("rival", "late")
    return [attrs.asdict(each, filter=in_process_only) for each in state.faults.pending]


def _clear_faults(state: ControlState, request: ControlRequest) -> object:
    state.faults.clear()
    return _show_faults(state, request)


def _show_callbacks(state: ControlState, _: ControlRequest) -> object:
    return describe_callback_settings(state.callback_queue.settings)


def _set_callbacks(
    state: ControlState, request: ControlRequest, settings: CallbackSettings
) -> object:
    state.callback_queue.settings = settings
    return _show_callbacks(state, request)


# --- the table -----------------------------------------------------------------------------------

CONTROL_ROUTES: Final = (
    plain_route("GET", "/routes", "list these routes", _list_routes),
    plain_route("GET", "/openapi.json", "show these routes as OpenAPI 3.1", _show_openapi),
    plain_route("GET", "/state", "show everything that the emulator holds", _show_state),
    plain_route(
        "GET", "/overview", "show the newest reservations and their actions", _show_overview
    ),
    plain_route("GET", "/tasks", "show the newest tasks and who has them", _show_tasks),
    plain_route("GET", "/workers", "show the newest workers and their activities", _show_workers),
    plain_route("GET", "/settings", "show the settings with their evidence", _show_settings),
    since_route("/journal", "show the entries after ?since=NUMBER", _show_journal),
    since_route("/exchanges", "show the API requests after ?since=NUMBER", _show_exchanges),
    body_route("/seed", "load workers, tasks and their reservations", read_seed, _load),
    plain_route("POST", "/reset", "delete everything", _reset).outside_transaction(),
    body_route(
        "/clock",
        "move the clock forward by {seconds}",
        lambda body: body.number("seconds", 0.0),
        _advance,
    ).outside_transaction(),
    body_route("/workers", "add a worker", read_seed_worker, _load),
    sid_route("GET", "/workers/WK", "show a worker", Platform.worker),
    body_route("/tasks", "add a task", read_seed_task, _load),
    sid_route("GET", "/tasks/WT", "show a task", Platform.task),
    body_route(
        "/tasks/WT/reservations",
        "reserve {worker_sid} for a task",
        read_seed_reservation,
        lambda state, request, load: load(state.platform, request.sid),
    ),
    body_route(
        "/tasks/WT/attributes",
        "replace the {attributes} of a task",
        lambda body: body.mapping("attributes") or {},
        lambda state, request, new: state.platform.set_task_attributes(request.sid, new),
    ),
    sid_route("POST", "/tasks/WT/wrap", "begin wrapping up a task", Platform.wrap_task),
    sid_route("POST", "/tasks/WT/cancel", "cancel a task", Platform.cancel_task),
    sid_route("POST", "/tasks/WT/complete", "complete a task", Platform.complete_task),
    sid_route("DELETE", "/tasks/WT", "delete a task and its reservations", Platform.delete_task),
    sid_route("GET", "/reservations/WR", "show a reservation", Platform.get),
    body_route(
        "/reservations/WR/facts",
        "let the platform report the status {fact}",
        lambda body: Status(body.choice("fact", tuple(Status))),
        lambda state, request, status: state.platform.set_status(request.sid, status),
    ),
    sid_route(
        "POST",
        "/reservations/WR/answer-call",
        "let the worker answer the call",
        Platform.answer_call,
    ),
    sid_route(
        "POST", "/reservations/WR/miss-call", "let the worker miss the call", Platform.miss_call
    ),
    body_route(
        "/reservations/WR/fail-call",
        "let the call to the worker fail with the reason {code}",
        lambda body: body.integer("code", DEFAULT_CALL_FAILURE),
        lambda state, request, code: state.platform.fail_call(request.sid, code),
    ),
    sid_route("POST", "/reservations/WR/hang-up", "let the caller hang up", Platform.hang_up),
    body_route(
        "/reservations/WR/transfers",
        "transfer the task to {worker_sid}",
        lambda body: body.required_sid("worker_sid", SEED_PREFIXES["worker_sid"]),
        lambda state, request, worker_sid: state.platform.transfer(request.sid, worker_sid),
    ),
    plain_route("GET", "/faults", "list the faults still to come", _show_faults),
    body_route(
        "/faults",
        f"inject a fault {{kind}} into coming requests: {', '.join(HTTP_KINDS)}",
        _read_fault,
        _add_fault,
    ),
    plain_route("DELETE", "/faults", "remove the faults", _clear_faults),
    plain_route("GET", "/callbacks", "show the callback settings", _show_callbacks),
    body_route(
        "/callbacks",
        "call {assignment_url}, {fallback_url} and {event_url}, signed with {auth_token}",
        read_callback_settings,
        _set_callbacks,
    ),
    plain_route(
        "DELETE",
        "/callbacks",
        "send no more callbacks",
        lambda state, request: _set_callbacks(state, request, CallbackSettings()),
    ),
    since_route(
        "/callbacks/sent",
        "show the callbacks sent after ?since=NUMBER",
        lambda state, since: describe_sent(state.callback_queue, since),
    ),
    plain_route(
        "GET",
        "/callbacks/alerts",
        "show the failed callbacks",
        lambda state, _: describe_alerts(state.callback_queue),
    ),
)
"""All routes of the control surface."""
