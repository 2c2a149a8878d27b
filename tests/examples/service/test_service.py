"""The example service, called by the emulator over real connections.

The official validator checks every signature.
"""

from __future__ import annotations

import json
import logging
import queue
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Final

import attrs
import pytest
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reservation_core import Accept, Complete, Conference, Reject, Status
from reservation_core.book import (
    AsyncBook,
    Book,
    Ending,
    Recorded,
    ReportSource,
    SQLiteStore,
    Swept,
    ThreadedStore,
    Verdict,
)
from reservation_core.emulator import Platform, Settings, StateConflict
from reservation_core.emulator.callbacks.settings import CallbackSettings
from reservation_core.emulator.faults import Fault, FaultKind
from reservation_core.emulator.server import Emulator, running_emulator
from reservation_core.gateways.pyreqwest import AsyncPyreqwestGateway
from reservation_core.gateways.settings import Credentials
from reservation_core.rest.messages import FORM_CONTENT_TYPE
from reservation_core.rest.urlencoding import encode_form
from reservation_core.webhooks import Verifier, Webhook, add_body_hash, read_assignment, sign
from tests.examples.service.service import Service, decide, log_sweep
from tests.webhooks.referee import verdict

ACCOUNT: Final = "AC" + "0" * 32
TOKEN: Final = "fedcba9876543210" * 2
WORKSPACE: Final = "WS" + "0" * 32
CALL: Final[Mapping[str, object]] = {
    "language": "en",
    "call_sid": "CA" + "1" * 32,
    "from": "+15005550009",
}
LETTER: Final[Mapping[str, object]] = {"language": "de"}
FOREIGN: Final[Mapping[str, object]] = {"language": ["fr"]}
WAIT: Final = 20.0


# --- the scene -----------------------------------------------------------------------------------


@attrs.frozen
class ReceivedWebhook:
    """A webhook that the service received, and the status of its response."""

    webhook: Webhook
    status: int

    @property
    def is_genuine(self) -> bool:
        """True if the official validator accepts it."""
        return "X-Twilio-Signature" in self.webhook.headers and verdict(self.webhook, TOKEN)


class RecordingMiddleware:
    """ASGI middleware that keeps the received webhooks."""

    def __init__(self, app: ASGIApp, origin: str, received: list[ReceivedWebhook]) -> None:
        self.app = app
        self.origin = origin
        self.received = received

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in ("/assignment", "/events"):
            await self.app(scope, receive, send)
            return
        body = bytearray()

        async def recording_receive() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        async def recording_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = tuple((name.decode(), value.decode()) for name, value in scope["headers"])
                self.received.append(
                    ReceivedWebhook(
                        Webhook(self.origin + scope["path"], headers, bytes(body)),
                        message["status"],
                    )
                )
            await send(message)

        await self.app(scope, recording_receive, recording_send)


class LogWaiter(logging.Handler):
    """Log handler that waits for a line."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines = queue.SimpleQueue[str]()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.put(record.getMessage())

    def wait_for(self, words: str) -> None:
        """Wait for a line with these words."""
        while words not in self.lines.get(timeout=WAIT):
            pass


@attrs.frozen
class Scene:
    """The emulator, the service it calls back, and the book."""

    emulator: Emulator
    service: Service
    url: str
    book: Book
    received: list[ReceivedWebhook]
    log: LogWaiter

    @property
    def platform(self) -> Platform:
        return self.emulator.platform

    def reserve(self, attributes: Mapping[str, object]) -> str:
        """Add a task, reserve a worker, and wait for the callback."""
        worker = self.platform.add_worker(
            WORKSPACE, name="Alice", attributes={"contact_uri": "client:alice"}
        )
        task = self.platform.add_task(WORKSPACE, attributes=attributes)
        sid = str(self.platform.reserve(task.sid, worker.sid).sid)
        self.emulator.settle()
        return sid

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, str]:
        """Send a request to the service."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, body, named, method=method)
        try:
            with urllib.request.urlopen(request, timeout=WAIT) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def complete(self, sid: str) -> tuple[int, str]:
        """Complete a reservation at the desk."""
        return self.ask("POST", f"/reservations/{sid}/complete")

    def send_event(self, event: str, sid: str, token: str = TOKEN, **more: str) -> int:
        """Send a signed event, and return the status of the response."""
        form = tuple(
            {"EventType": event, "ReservationSid": sid, "Timestamp": "1900000000", **more}.items()
        )
        signature = sign(f"{self.url}/events", form, token)
        return self.ask(
            "POST",
            "/events",
            encode_form(form),
            Content_Type=FORM_CONTENT_TYPE,
            X_Twilio_Signature=signature,
        )[0]

    def differences(self) -> dict[str, str]:
        """Return the reservations on which book and platform differ."""
        both = {
            str(held.sid): (self.book.get(str(held.sid)), held.status)
            for held in self.platform.all()
        }
        return {
            sid: f"{entry} is {status}"
            for sid, (entry, status) in both.items()
            if entry is None or entry.status is not status
        }

    def callback_failures(self) -> list[str]:
        """Return the failures of the emulator's callbacks."""
        return [alert.text for alert in self.emulator.callback_queue.alerts]


@contextmanager
def answering(service: Service, received: list[ReceivedWebhook]) -> Generator[str]:
    """Run the service on a loopback port, in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(
        uvicorn.Config(
            RecordingMiddleware(service.app(), url, received), log_config=None, access_log=False
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture
def scene(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Generator[Scene]:
    """Connect emulator and service, with a fast sweep."""
    caplog.set_level(logging.INFO, "service")
    log, received = LogWaiter(), list[ReceivedWebhook]()
    logging.getLogger("service").addHandler(log)
    file = tmp_path / "reservations.db"
    with running_emulator(Platform(settings=Settings(accounts={ACCOUNT: TOKEN}))) as emulator:
        gateway = AsyncPyreqwestGateway(Credentials(ACCOUNT, TOKEN), base_url=emulator.url)
        service = Service(
            Verifier(TOKEN), AsyncBook(ThreadedStore(SQLiteStore(file))), gateway, sweep_every=0.1
        )
        with answering(service, received) as url:
            emulator.callback_queue.settings = CallbackSettings(
                assignment_url=f"{url}/assignment", event_url=f"{url}/events", auth_token=TOKEN
            )
            book = Book(SQLiteStore(file))
            yield Scene(emulator, service, url, book, received, log)
            book.close()
            emulator.callback_queue.settings = CallbackSettings()
    logging.getLogger("service").removeHandler(log)


# --- what it decides -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "command"),
    [
        (
            '{"language": "en", "call_sid": "CA1"}',
            Conference(from_="+15005550006", end_conference_on_exit=True),
        ),
        ('{"language": "de"}', Accept()),
        ('{"language": "fr", "call_sid": "CA1"}', Reject()),
        ('{"language": ["en"]}', Reject()),
        ("{}", Reject()),
    ],
)
def test_decide_chooses_by_task_attributes(attributes: str, command: object) -> None:
    assert (
        decide(read_assignment({"ReservationSid": "WR" + "1" * 32, "TaskAttributes": attributes}))
        == command
    )


# --- what it answers -----------------------------------------------------------------------------


def test_emulator_carries_out_each_response(scene: Scene) -> None:
    call, letter, foreign = (scene.reserve(attributes) for attributes in (CALL, LETTER, FOREIGN))
    assert scene.platform.get(call).on_hold
    assert scene.platform.get(letter).status is Status.ACCEPTED
    assert scene.platform.get(foreign).status is Status.REJECTED
    assert scene.callback_failures() == []


def test_forged_webhook_gets_403(scene: Scene) -> None:
    """A wrong signature gets 403 and changes nothing. The official validator agrees."""
    sid = scene.reserve(LETTER)
    before = scene.book.history(sid)
    genuine = len(scene.received)
    assert scene.send_event("reservation.canceled", sid, token="0" * 32) == 403
    assert (
        scene.ask(
            "POST", "/events", b"EventType=reservation.canceled", Content_Type=FORM_CONTENT_TYPE
        )[0]
        == 403
    )
    real = scene.received[0].webhook
    altered = real.body.replace(sid.encode(), b"WR" + b"9" * 32)
    assert altered != real.body
    signature = real.headers["X-Twilio-Signature"]
    assert (
        scene.ask(
            "POST",
            "/assignment",
            altered,
            Content_Type=FORM_CONTENT_TYPE,
            X_Twilio_Signature=signature,
        )[0]
        == 403
    )
    assert [one.is_genuine for one in scene.received] == [True] * genuine + [False] * 3
    assert scene.book.history(sid) == before
    assert scene.book.get("WR" + "9" * 32) is None


def test_repeated_webhook_changes_nothing(scene: Scene) -> None:
    sid = scene.reserve(LETTER)
    assert scene.complete(sid) == (200, '"completed"')
    scene.emulator.settle()
    before = scene.book.get(sid)
    events = [line for line in scene.book.history(sid) if line.event_key]
    for one in tuple(scene.received):
        headers = {
            name: one.webhook.headers[name] for name in ("Content-Type", "X-Twilio-Signature")
        }
        status, body = scene.ask(
            "POST", one.webhook.url.removeprefix(scene.url), one.webhook.body, **headers
        )
        assert (status, body) == (
            one.status,
            "",
        )  # an assignment callback that comes late is answered with nothing
        assert one.is_genuine
    after = scene.book.get(sid)
    assert before is not None
    assert after is not None
    assert attrs.evolve(after, revision=before.revision) == before
    assert [line for line in scene.book.history(sid) if line.event_key] == events


def test_desk_cannot_accept_a_call_that_was_answered_with_a_conference(scene: Scene) -> None:
    """It is refused by the book. Without the hold, the platform would answer with 400."""
    sid = scene.reserve(CALL)
    held = scene.book.get(sid)
    assert held is not None
    assert held.reservation.on_hold
    version = scene.platform.get(sid).etag
    status, text = scene.ask("POST", f"/reservations/{sid}/accept")
    assert (status, "on hold" in text) == (409, True)
    assert scene.platform.get(sid).etag == version
    scene.platform.answer_call(sid)
    scene.emulator.settle()
    after = scene.book.get(sid)
    assert after is not None
    assert (after.status, after.doubt) == (Status.ACCEPTED, None)


def test_unreadable_webhook_gets_400(scene: Scene) -> None:
    assert scene.send_event("reservation.accepted", "WR" + "1" * 32, Timestamp="soon") == 400
    assert scene.send_event("reservation.accepted", "WR" + "1" * 32) == 204


def test_batch_is_recorded(scene: Scene) -> None:
    """A signed batch is recorded except for its unreadable events."""
    sid = scene.reserve(FOREIGN)
    both = {"reservation_sid": "WR" + "1" * 32, "timestamp": "2030-01-01T12:00:00Z"}
    types = ("reservation.created", "reservation.accepted", "reservation.wrapup")
    events = [
        {
            "type": f"com.twilio.taskrouter.{type_}",
            "data": {"payload": {**both, "sid": f"EV{type_}"}},
        }
        for type_ in types
    ]
    body = json.dumps(
        [*events, {"type": "com.twilio.taskrouter.reservation.completed", "data": "?"}]
    ).encode()
    url = add_body_hash(f"{scene.url}/events", body)
    signed = {"Content_Type": "application/json", "X_Twilio_Signature": sign(url, (), TOKEN)}
    assert verdict(
        Webhook(url, {name.replace("_", "-"): value for name, value in signed.items()}, body), TOKEN
    )
    path = url.removeprefix(scene.url)
    assert (
        scene.ask("POST", path, body.replace(b"WR" + b"1" * 32, sid.encode()), **signed)[0] == 403
    )
    assert scene.ask("POST", path, body, **signed)[0] == 204
    assert [line.status for line in scene.book.history("WR" + "1" * 32)] == [
        Status.PENDING,
        Status.ACCEPTED,
        Status.WRAPPING,
    ]
    scene.log.wait_for("an event was skipped")


# --- what the desk gets --------------------------------------------------------------------------


def test_desk_shows_live_reservations_only(scene: Scene) -> None:
    letter, _ = scene.reserve(LETTER), scene.reserve(FOREIGN)
    held = scene.platform.get(letter)
    status, body = scene.ask("GET", "/reservations")
    assert status == 200
    assert (
        f'"sid":"{letter}","status":"accepted","task_sid":"{held.task_sid}","worker_sid":"{held.worker_sid}"'
        in body
    )
    assert body.count("sid") == 3


def test_desk_reports_each_outcome_by_status(scene: Scene) -> None:
    assert scene.complete("WR" + "1" * 32)[0] == 404
    call, letter = scene.reserve(CALL), scene.reserve(LETTER)
    assert scene.complete(call)[0] == 409
    scene.emulator.faults.add(Fault(kind=FaultKind.FAILED_AFTER, times=50, path_contains=letter))
    assert scene.complete(letter)[0] == 503
    held = scene.book.get(letter)
    assert held is not None
    assert held.intent is not None
    assert held.intent.command == Complete()
    status, text = scene.complete(letter)
    assert status == 409
    assert "still in progress" in text


# --- the whole -----------------------------------------------------------------------------------


def test_book_agrees_with_platform_after_faults(scene: Scene) -> None:
    """After 24 runs with repeated, reordered and lost events, both agree."""
    random, addresses = Random(6), scene.emulator.callback_queue.settings
    unreliable = attrs.evolve(addresses, duplicates=0.4, reordered=0.5, seed=6)
    scene.emulator.callback_queue.settings = unreliable
    sids = [scene.reserve(random.choice((CALL, LETTER, FOREIGN))) for _ in range(24)]
    scene.emulator.callback_queue.settings = (
        unreliable  # from here on, which events are overtaken follows from the seed alone
    )
    platform = scene.platform
    courses = (
        (platform.answer_call, platform.hang_up),
        (platform.miss_call,),
        (platform.hang_up,),
    )
    for sid in sids:
        for happen in random.choices(courses, weights=(4, 1, 1))[0]:
            with suppress(StateConflict):
                happen(sid)
    scene.emulator.settle()
    assert scene.differences() == {}

    live = [sid for sid in sids if not scene.platform.get(sid).status.is_terminal]
    lost = live.pop()
    assert {scene.complete(sid) for sid in live} == {(200, '"completed"')}
    scene.emulator.settle()
    assert scene.differences() == {}

    scene.emulator.callback_queue.settings = CallbackSettings()
    scene.platform.set_status(lost, Status.COMPLETED)  # no event is sent
    assert scene.differences().keys() == {lost}
    scene.service.patience = 0.0
    scene.log.wait_for(f"reconciled WR…{lost[-4:]}: applied, now completed")
    assert scene.differences() == {}

    assert all(one.is_genuine for one in scene.received)
    assert {one.status for one in scene.received} == {200, 204}
    outcomes = Counter(
        line.outcome
        for sid in sids
        for line in scene.book.history(sid)
        if line.source is not ReportSource.FETCH
    )
    assert outcomes[Verdict.OLDER] > 0
    assert outcomes[Ending.DONE] == len(live) > 3
    assert len(scene.received) > len({one.webhook.body for one in scene.received})
    acts = Counter((act.sid, act.trigger) for act in scene.platform.journal if act.by != "platform")
    assert set(acts.values()) == {1}


def test_entry_that_was_purged_during_a_sweep_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "service")
    log_sweep("recovered", Swept((Recorded(Ending.DONE, None),), {}))
    assert caplog.messages == ["recovered a reservation that was purged meanwhile: done"]


# --- the one command -----------------------------------------------------------------------------


def test_story_exits_with_0() -> None:
    story = subprocess.run(
        [sys.executable, "-m", "tests.examples.service"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert story.returncode == 0, story.stdout + story.stderr
    assert story.stderr == ""
    for words in (
        "answered with conference",
        "HTTP 403",
        "recovered WR…",
        "reconciled WR…",
        "each of them once",
        "All is well.",
    ):
        assert words in story.stdout
    assert "WRONG" not in story.stdout
    assert "NOT" not in story.stdout
