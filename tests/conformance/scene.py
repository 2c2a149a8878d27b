"""A scene on an emulator, reached by a transport."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Final, Protocol, TypeAlias
from urllib.parse import urlencode

import attrs

from reservation_core import Headers, Reservation
from reservation_core.emulator import Platform, Settings, Task, TaskStatus, Worker

HEX: Final = "0123456789abcdef" * 2
WORKSPACE: Final = f"WS{HEX}"
CALL: Final = f"CA{HEX}"
ACTIVITY: Final = f"WA{HEX}"
NUMBER: Final = "+15005550006"
URL: Final = "https://example.com/twiml"

Form: TypeAlias = Iterable[tuple[str, str]]
ACCEPT: Final = (("ReservationStatus", "accepted"),)
REJECT: Final = (("ReservationStatus", "rejected"),)
WRAP: Final = (("ReservationStatus", "wrapping"),)
COMPLETE: Final = (("ReservationStatus", "completed"),)
DEQUEUE: Final = (("Instruction", "dequeue"), ("DequeueFrom", NUMBER))
CALL_WORKER: Final = (("Instruction", "call"), ("CallFrom", NUMBER), ("CallUrl", URL))
REDIRECT: Final = (("Instruction", "redirect"), ("RedirectCallSid", CALL), ("RedirectUrl", URL))
CONFERENCE: Final = (("Instruction", "conference"), ("From", NUMBER))


@attrs.frozen
class Answer:
    """A reply. A missing body is an empty object."""

    status: int
    headers: Headers
    body: dict[str, object]

    def fields(self, *names: str) -> tuple[object, ...]:
        """Return the status and fields of the body."""
        return (self.status, *(self.body.get(name) for name in names))


def answer(status: int, headers: Iterable[tuple[str, str]], body: bytes) -> Answer:
    """Convert a raw reply."""
    return Answer(status, Headers(tuple(headers)), json.loads(body) if body else {})


class Transport(Protocol):
    """Access to an emulator and to the platform behind it."""

    platform: Platform
    origin: str

    def send(
        self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes
    ) -> Answer:
        """Send one request and return the reply."""
        ...


Launch: TypeAlias = Callable[[Settings], Transport]


class Scene:
    """A task with a live call, three workers, and a transport. Its clock is set by hand."""

    def __init__(
        self,
        transport: Transport,
        *,
        attributes: dict[str, object] | None = None,
        contact: bool = True,
        timeout: int | None = None,
    ) -> None:
        self.transport = transport
        self.platform = transport.platform
        defaults = {"call_sid": CALL, "from": NUMBER} if attributes is None else attributes
        self.task: Task = self.platform.add_task(
            WORKSPACE, attributes=defaults, reservation_timeout=timeout
        )
        contacts: list[dict[str, object]] = [
            {"contact_uri": f"client:worker{number}"} if contact else {} for number in range(3)
        ]
        self.workers: list[Worker] = [
            self.platform.add_worker(WORKSPACE, name=f"Worker {n}", attributes=a)
            for n, a in enumerate(contacts)
        ]

    def reserve(self, worker: int = 0) -> str:
        """Reserve a worker for the task and return the SID."""
        return str(self.platform.reserve(self.task.sid, self.workers[worker].sid).sid)

    def path(self, sid: str = "", *, worker: int | None = None) -> str:
        """Return the path of one or all reservations."""
        owner = (
            f"Tasks/{self.task.sid}" if worker is None else f"Workers/{self.workers[worker].sid}"
        )
        return f"/v1/Workspaces/{WORKSPACE}/{owner}/Reservations{sid and '/'}{sid}"

    def update(self, sid: str, form: Form, *, worker: int | None = None, **headers: str) -> Answer:
        """Send an update. Header names have underscores."""
        own = [(name.replace("_", "-"), value) for name, value in headers.items()]
        kind = ("Content-Type", "application/x-www-form-urlencoded")
        return self.transport.send(
            "POST", self.path(sid, worker=worker), [kind, *own], urlencode(list(form)).encode()
        )

    def fetch(self, sid: str, *, worker: int | None = None) -> Answer:
        """Fetch one reservation."""
        return self.transport.send("GET", self.path(sid, worker=worker), (), b"")

    def list(self, query: str = "", *, worker: int | None = None) -> Answer:
        """Fetch a page."""
        return self.transport.send("GET", self.path(worker=worker) + query, (), b"")

    def status(self, sid: str) -> object:
        """Return the status that a body shows."""
        return self.fetch(sid).body["reservation_status"]

    @property
    def task_status(self) -> TaskStatus:
        """The current status of the task."""
        return self.platform.task(self.task.sid).status

    def stored(self, sid: str) -> Reservation:
        """Return a reservation as the platform stores it."""
        return self.platform.get(sid)
