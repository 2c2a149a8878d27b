"""Canaries in the emulator: its log, its control surface, its callbacks and its values."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote, urlencode

from reservation_core import Reply
from reservation_core.emulator import (
    CallbackQueue,
    CallbackSettings,
    InMemoryGateway,
    ManualClock,
    Platform,
    Settings,
)
from reservation_core.emulator.api.exchange_log import ExchangeLog, RawRequest
from reservation_core.emulator.control.route import CONTROL_ROOT
from reservation_core.emulator.control.routes import CONTROL_ROUTES
from reservation_core.emulator.control.surface import Control
from reservation_core.emulator.faults import FaultPlan
from reservation_core.emulator.http.request_log import make_callback_logger, make_exchange_logger
from reservation_core.emulator.resources.gateway import WorkspaceGateway
from tests.emulator.worlds import TASK, WORKERS, WORKSPACE, path, people, worker_path
from tests.project.secrecy.canaries import CONTACT, CREDENTIALS, NAME, PASSWORD, PHONE, TOKEN, Case
from tests.project.secrecy.commands import CONFERENCE

FORM: Final = (("Content-Type", "application/x-www-form-urlencoded"),)
HOOK: Final = f"https://hooks.example.com/{{}}?token={TOKEN}"
CALLBACKS: Final = CallbackSettings(
    assignment_url=HOOK.format("assign"),
    fallback_url=HOOK.format("fallback"),
    event_url=HOOK.format("events"),
    auth_token=PASSWORD,
)
ATTRIBUTES: Final = {
    "contact_uri": CONTACT,
    "from": PHONE,
    "name": NAME,
    "password": PASSWORD,
    "hook": f"https://user:{PASSWORD}@example.com/?token={TOKEN}",
}
HEADERS: Final = (*FORM, ("Authorization", CREDENTIALS.authorization), ("If-Match", PHONE))


def _platform() -> Platform:
    accounts = {CREDENTIALS.username: PASSWORD}
    platform = Platform(ManualClock(), settings=Settings(accounts=accounts))
    people(platform)
    platform.add_worker(WORKSPACE, sid="WK" + "9" * 32, name=NAME, attributes=ATTRIBUTES)
    platform.set_task_attributes(TASK, ATTRIBUTES)
    return platform


# --- the log of requests -------------------------------------------------------------------------


def _requests(sid: str) -> Iterator[tuple[str, str, bytes]]:
    conference = urlencode(CONFERENCE.form()).encode()
    root = f"/v1/Workspaces/{WORKSPACE}"
    for target in (path(sid), worker_path(sid, WORKERS[0]), path(PHONE)):
        yield "POST", target, conference
        yield "POST", target, conference + b"&Timeout=soon"
        yield "POST", target, urlencode([("Instruction", CONTACT), ("To", PHONE)]).encode()
        yield "POST", target, f"{PHONE}=%ff&Name={NAME}".encode()
        yield "GET", target, b""
    worker = urlencode({"FriendlyName": NAME, "Attributes": json.dumps(ATTRIBUTES)}).encode()
    for _ in range(2):  # the second one has a name that is taken
        yield "POST", f"{root}/Workers", worker
    yield "POST", f"{root}/Workers", worker.replace(b"Attributes=%7B", b"Attributes=")
    yield "POST", f"{root}/Tasks", urlencode({"Attributes": json.dumps(ATTRIBUTES)}).encode()
    yield (
        "POST",
        f"{root}/Workflows",
        urlencode({"AssignmentCallbackUrl": ATTRIBUTES["hook"]}).encode(),
    )
    yield "GET", f"{root}/Workers?FriendlyName={quote(NAME)}&PageSize={quote(PHONE)}", b""
    yield "GET", f"{root}/Tasks?EvaluateTaskAttributes={quote(NAME)}", b""
    yield "GET", f"{root}/{quote(CONTACT)}?password={PASSWORD}", b""


def _answer_requests() -> object:
    platform = _platform()
    sid = str(platform.reserve(TASK, WORKERS[0]).sid)
    write = logging.getLogger("reservation_core.test").info
    log = make_exchange_logger(write, platform.now, platform)
    exchanges = ExchangeLog(platform)
    reservations, workspaces = InMemoryGateway(platform), WorkspaceGateway(platform)
    for method, target, body in _requests(sid):
        request = RawRequest(method, target, HEADERS, body)
        gateway = reservations if "/Reservations" in target else workspaces
        reply = gateway.receive(method, target, HEADERS, body)
        log(request, reply, 0.001, "")
        exchanges.add(0, platform.now(), request, reply, 0.001)
        write(repr(request))
    return list(exchanges.since(0))


# --- the control surface -------------------------------------------------------------------------


def _without_personal(values: Any) -> Any:
    """Leave credentials only: the surface shows the names and numbers that services sent."""
    text = json.dumps(values)
    for personal in (PHONE, CONTACT, NAME):
        text = text.replace(personal, "x")
    return json.loads(text)


def _control() -> Control:
    platform = Platform(ManualClock(), settings=Settings(accounts={"AC1": PASSWORD}))
    people(platform)
    queue = CallbackQueue(platform, CALLBACKS)
    attributes = _without_personal(ATTRIBUTES)
    platform.set_task_attributes(TASK, attributes)
    worker = platform.add_worker(WORKSPACE, name=attributes["hook"], attributes=attributes)
    sid = str(platform.reserve(TASK, worker.sid).sid)
    control = Control(platform, FaultPlan(), queue)
    request = RawRequest("POST", f"{path(sid)}?token={TOKEN}", HEADERS, b"Instruction=accept")
    control.exchanges.add(0, platform.now(), request, Reply(401, HEADERS), 0.001)
    for callback in queue.take():
        queue.record_failure(callback, f"no answer from {callback.url}", 11200, 0.1)
    return control


def _show(route: str) -> Case:
    def run() -> str:
        return _control().receive("GET", CONTROL_ROOT + route, b"").body.decode()

    return Case(run)


def _refuse(method: str, target: str, body: object) -> Case:
    def run() -> str:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        reply = Control(_platform(), FaultPlan()).receive(method, CONTROL_ROOT + target, sent)
        assert reply.status >= 400
        return reply.body.decode()

    return Case(run)


_SHOWN: Final = [
    route.path for route in CONTROL_ROUTES if route.method == "GET" and "W" not in route.path
]

# --- callbacks -----------------------------------------------------------------------------------


def _respond(body: bytes, headers: Iterable[tuple[str, str]] = ()) -> Case:
    def run() -> object:
        platform = _platform()
        queue = CallbackQueue(platform, CALLBACKS)
        queue.subscribe(make_callback_logger(logging.getLogger("reservation_core.test").info))
        platform.reserve(TASK, WORKERS[0])
        for callback in queue.take():
            if not callback.kind.is_event:
                given = {"Content-Type": "application/json", **dict(headers)}
                queue.record_response(callback, Reply(200, given, body), 0.1)
        return [list(queue.sent), list(queue.alerts)]

    return Case(run)


CASES: Final = {
    "requests": Case(_answer_requests),
    "a platform": Case(lambda: [_platform(), *_platform().workers(), *_platform().tasks()]),
    "a journal": Case(lambda: [*_platform().journal]),
    "settings": Case(lambda: Settings(accounts={"AC1": PASSWORD})),
    "callback settings": Case(lambda: CALLBACKS),
    "wrong settings": Case(lambda: CallbackSettings(auth_token=f"{TOKEN} "), ValueError),
    "a wrong URL": Case(lambda: CallbackSettings(event_url=ATTRIBUTES["hook"]), ValueError),
    **{f"GET {route}": _show(route) for route in _SHOWN},
    "a wrong body": _refuse("POST", "/workers", {"name": [NAME], "sid": CONTACT, PHONE: TOKEN}),
    "a body that is no JSON": _refuse("POST", "/seed", f'{{"{NAME}": "{PHONE}'.encode()),
    "a body that is not UTF-8": _refuse(
        "POST", "/seed", f'{{"{NAME}": "\udcff'.encode(errors="surrogateescape")
    ),
    "a wrong path": _refuse("GET", f"/{CONTACT}", {}),
    "wrong callbacks": _refuse("PUT", "/callbacks", {"auth_token": f" {TOKEN}", "event_url": HOOK}),
    "a response": _respond(json.dumps({"instruction": "conference", "to": PHONE}).encode()),
    "an invalid response": _respond(
        json.dumps({"instruction": "conference", "to": NAME, "from": PHONE}).encode()
    ),
    "an unknown instruction": _respond(json.dumps({"instruction": CONTACT}).encode()),
    "a response that is no JSON": _respond(f'{{"to": "{PHONE}'.encode()),
    "a response of another type": _respond(PHONE.encode(), [("Content-Type", CONTACT)]),
    "a response with a wrong password": _respond(
        json.dumps({"instruction": "conference", "sip_auth_password": f"{PASSWORD}\n"}).encode()
    ),
}
