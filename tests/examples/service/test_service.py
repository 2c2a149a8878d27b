"""The example service, driven by the emulator's signed notices over real connections, with the official validator as referee."""

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
    ReportSource,
    SQLiteStore,
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
from tests.examples.service.service import Service, decide
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


# --- the scene -------------------------------------------------------------------------------------------------------------------


@attrs.frozen
class Arrived:
    """A webhook that reached the service, and the status it was answered with."""

    webhook: Webhook
    status: int

    @property
    def is_genuine(self) -> bool:
        """What the official validator says."""
        return "X-Twilio-Signature" in self.webhook.headers and verdict(self.webhook, TOKEN)


class Watching:
    """An app around the service that keeps what arrives."""

    def __init__(self, app: ASGIApp, origin: str, arrived: list[Arrived]) -> None:
        self.app = app
        self.origin = origin
        self.arrived = arrived

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in ("/assignment", "/events"):
            await self.app(scope, receive, send)
            return
        body = bytearray()

        async def taking() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        async def giving(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = tuple((name.decode(), value.decode()) for name, value in scope["headers"])
                self.arrived.append(
                    Arrived(
                        Webhook(self.origin + scope["path"], headers, bytes(body)),
                        message["status"],
                    )
                )
            await send(message)

        await self.app(scope, taking, giving)


class Heard(logging.Handler):
    """Waits for what the service logs."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines = queue.SimpleQueue[str]()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.put(record.getMessage())

    def wait_for(self, words: str) -> None:
        """Wait for a line that holds these words."""
        while words not in self.lines.get(timeout=WAIT):
            pass


@attrs.frozen
class Scene:
    """The emulator, the service it calls back, and the book."""

    emulator: Emulator
    service: Service
    url: str
    book: Book
    arrived: list[Arrived]
    heard: Heard

    @property
    def platform(self) -> Platform:
        return self.emulator.platform

    def reserve(self, attributes: Mapping[str, object]) -> str:
        """Let a task come in and a worker be reserved for it, and the service be asked."""
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
        """Ask the service something."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, body, named, method=method)
        try:
            with urllib.request.urlopen(request, timeout=WAIT) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def complete(self, sid: str) -> tuple[int, str]:
        """Let the desk complete a reservation."""
        return self.ask("POST", f"/reservations/{sid}/complete")

    def tell(self, event: str, sid: str, token: str = TOKEN, **more: str) -> int:
        """Report an event as somebody who has a token, right or wrong; give the status of the answer."""
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

    def differing(self) -> dict[str, str]:
        """Tell where the book and the platform differ."""
        told = {
            str(held.sid): (self.book.get(str(held.sid)), held.status)
            for held in self.platform.all()
        }
        return {
            sid: f"{entry} is {status}"
            for sid, (entry, status) in told.items()
            if entry is None or entry.status is not status
        }

    def alerts(self) -> list[str]:
        """Give what went wrong with the notices."""
        return [alert.text for alert in self.emulator.callback_queue.alerts]


@contextmanager
def answering(service: Service, arrived: list[Arrived]) -> Generator[str]:
    """Let the service answer on a port of this machine, in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(
        uvicorn.Config(Watching(service.app(), url, arrived), log_config=None, access_log=False)
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
    """Let the emulator call the service back; the sweeper is quick, and reads again only what is in doubt."""
    caplog.set_level(logging.INFO, "service")
    heard, arrived = Heard(), list[Arrived]()
    logging.getLogger("service").addHandler(heard)
    file = tmp_path / "reservations.db"
    with running_emulator(Platform(settings=Settings(accounts={ACCOUNT: TOKEN}))) as emulator:
        gateway = AsyncPyreqwestGateway(Credentials(ACCOUNT, TOKEN), base_url=emulator.url)
        service = Service(
            Verifier(TOKEN), AsyncBook(ThreadedStore(SQLiteStore(file))), gateway, sweep_every=0.1
        )
        with answering(service, arrived) as url:
            emulator.callback_queue.settings = CallbackSettings(
                assignment_url=f"{url}/assignment", event_url=f"{url}/events", auth_token=TOKEN
            )
            book = Book(SQLiteStore(file))
            yield Scene(emulator, service, url, book, arrived, heard)
            book.close()
            emulator.callback_queue.settings = CallbackSettings()
    logging.getLogger("service").removeHandler(heard)


# --- what it decides -------------------------------------------------------------------------------------------------------------


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
def test_it_decides_by_the_attributes(attributes: str, command: object) -> None:
    """A call in a known language is put through, what is written is accepted, and the rest refused."""
    assert (
        decide(read_assignment({"ReservationSid": "WR" + "1" * 32, "TaskAttributes": attributes}))
        == command
    )


# --- what it answers -------------------------------------------------------------------------------------------------------------


def test_its_answers_are_obeyed(scene: Scene) -> None:
    """The emulator takes each answer to an assignment callback for what it is meant to be."""
    call, letter, foreign = (scene.reserve(attributes) for attributes in (CALL, LETTER, FOREIGN))
    assert scene.platform.get(call).on_hold
    assert scene.platform.get(letter).status is Status.ACCEPTED
    assert scene.platform.get(foreign).status is Status.REJECTED
    assert scene.alerts() == []


def test_what_is_forged_is_refused(scene: Scene) -> None:
    """What the account did not sign, or not with this body, is answered with 403 and changes nothing; the referee says the same."""
    sid = scene.reserve(LETTER)
    before = scene.book.history(sid)
    genuine = len(scene.arrived)
    assert scene.tell("reservation.canceled", sid, token="0" * 32) == 403
    assert (
        scene.ask(
            "POST", "/events", b"EventType=reservation.canceled", Content_Type=FORM_CONTENT_TYPE
        )[0]
        == 403
    )
    real = scene.arrived[0].webhook
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
    assert [one.is_genuine for one in scene.arrived] == [True] * genuine + [False] * 3
    assert scene.book.history(sid) == before
    assert scene.book.get("WR" + "9" * 32) is None


def test_what_is_repeated_changes_nothing(scene: Scene) -> None:
    """Every webhook that ever came, sent again, is believed and answered, and leaves the book as it was."""
    sid = scene.reserve(LETTER)
    assert scene.complete(sid) == (200, '"completed"')
    scene.emulator.settle()
    before = scene.book.get(sid)
    events = [line for line in scene.book.history(sid) if line.event_key]
    for one in tuple(scene.arrived):
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


def test_what_cannot_be_read_is_refused(scene: Scene) -> None:
    """What is signed and cannot be read is answered with 400."""
    assert scene.tell("reservation.accepted", "WR" + "1" * 32, Timestamp="soon") == 400
    assert scene.tell("reservation.accepted", "WR" + "1" * 32) == 204


def test_a_batch_is_recorded(scene: Scene) -> None:
    """A signed batch of Event Streams is recorded but for what cannot be read of it; with another body it is refused."""
    sid = scene.reserve(FOREIGN)
    told = {"reservation_sid": "WR" + "1" * 32, "timestamp": "2030-01-01T12:00:00Z"}
    types = ("reservation.created", "reservation.accepted", "reservation.wrapup")
    events = [
        {
            "type": f"com.twilio.taskrouter.{type_}",
            "data": {"payload": {**told, "sid": f"EV{type_}"}},
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
    scene.heard.wait_for("an event was passed over")


# --- what the desk gets ----------------------------------------------------------------------------------------------------------


def test_the_desk_sees_what_is_live(scene: Scene) -> None:
    """The desk is shown the live reservations, and none that ended."""
    letter, _ = scene.reserve(LETTER), scene.reserve(FOREIGN)
    held = scene.platform.get(letter)
    status, body = scene.ask("GET", "/reservations")
    assert status == 200
    assert (
        f'"sid":"{letter}","status":"accepted","task_sid":"{held.task_sid}","worker_sid":"{held.worker_sid}"'
        in body
    )
    assert body.count("sid") == 3


def test_the_desk_is_told_what_came_of_it(scene: Scene) -> None:
    """What is not in the book is 404, what cannot be done 409, and what nobody knows yet 503: the book keeps it open."""
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
    assert "still under way" in text


# --- the whole -------------------------------------------------------------------------------------------------------------------


def test_the_book_equals_the_platform(scene: Scene) -> None:
    """After twenty-four lives, whose events are repeated, reordered and, at last, lost, the book equals the platform.

    Every webhook that arrived is genuine, and every command was carried out once.
    """
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
    assert scene.differing() == {}

    live = [sid for sid in sids if not scene.platform.get(sid).status.is_terminal]
    lost = live.pop()
    assert {scene.complete(sid) for sid in live} == {(200, '"completed"')}
    scene.emulator.settle()
    assert scene.differing() == {}

    scene.emulator.callback_queue.settings = CallbackSettings()
    scene.platform.set_status(lost, Status.COMPLETED)  # and nobody tells
    assert scene.differing().keys() == {lost}
    scene.service.patience = 0.0
    scene.heard.wait_for(f"reconciled WR…{lost[-4:]}: applied, and it is completed")
    assert scene.differing() == {}

    assert all(one.is_genuine for one in scene.arrived)
    assert {one.status for one in scene.arrived} == {200, 204}
    outcomes = Counter(
        line.outcome
        for sid in sids
        for line in scene.book.history(sid)
        if line.source is not ReportSource.FETCH
    )
    assert outcomes[Verdict.OLDER] > 0
    assert outcomes[Ending.DONE] == len(live) > 3
    assert len(scene.arrived) > len({one.webhook.body for one in scene.arrived})
    acts = Counter((act.sid, act.trigger) for act in scene.platform.journal if act.by != "platform")
    assert set(acts.values()) == {1}


# --- the one command -------------------------------------------------------------------------------------------------------------


def test_the_story_ends_well() -> None:
    """The one command tells the whole story, from signed callbacks over a crash to the comparison, and ends by itself with 0."""
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
