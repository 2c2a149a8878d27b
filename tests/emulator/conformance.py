"""Observed and documented behavior of the platform, with its sources.

The tests know only a :class:`Transport`, so that the same ones run in process and over HTTP:
subclass :class:`Conformance` and define its fixture ``launch``. The transport also gives access to
the :class:`Platform` behind it, to answer calls and move the clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Final, Protocol, TypeAlias, cast
from urllib.parse import urlencode

import attrs
import pytest

from reservation_core import Headers, Reservation, Status
from reservation_core.emulator import Platform, Settings, Task, TaskConflict, TaskStatus, Worker

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


class Conformance:
    """The suite. Only ``launch`` differs between transports."""

    @pytest.fixture
    def launch(self) -> Launch:
        """Return a function that starts an empty emulator with a manual clock."""
        raise NotImplementedError

    @pytest.fixture
    def scene(self, launch: Launch) -> Scene:
        """Return a scene on an emulator with default settings."""
        return Scene(launch(Settings()))

    # --- domain 3.3: observed messages ---

    def test_repeated_accept_is_refused(self, scene: Scene) -> None:
        """twilio-php issue 342: a 400 that names the state and the target."""
        sid = scene.reserve()
        assert scene.update(sid, ACCEPT).status == 200
        message = (
            f"Reservation {sid} is already in state [accepted] and cannot be updated to [accepted]"
        )
        assert scene.update(sid, ACCEPT).fields("message", "status") == (400, message, 400)

    def test_accept_on_hold_is_refused(self, scene: Scene) -> None:
        """Help page on double accepts: a 400 that names the state onHold."""
        sid = scene.reserve()
        scene.update(sid, CONFERENCE)
        message = (
            f"Reservation {sid} not in expected state [pending] and cannot be updated to [onHold]"
        )
        assert scene.update(sid, ACCEPT).fields("message") == (400, message)

    def test_conference_on_accepted_is_refused(self, scene: Scene) -> None:
        """plugin-flex-outbound-dialpad issue 31: a 400 in the words for instructions."""
        sid = scene.reserve()
        scene.update(sid, ACCEPT)
        message = (
            "Unable to execute Conference instruction. "
            f"Reservation {sid} is not currently in a Pending state."
        )
        assert scene.update(sid, CONFERENCE).fields("message") == (400, message)

    def test_conference_needs_a_call(self, launch: Launch) -> None:
        """lehel-twilio/plugin-dialpad issue 12: a 400 that asks for Enqueue."""
        scene = Scene(launch(Settings()), attributes={})
        sid = scene.reserve()
        message = (
            "The conference instruction can only be issued on a task that was created using the "
            "<Enqueue> TwiML verb."
        )
        assert scene.update(sid, CONFERENCE).fields("message", "code") == (400, message, 40142)
        assert scene.stored(sid).etag == "0"

    def test_unknown_reservation_is_not_found(self, scene: Scene) -> None:
        """example-customer-end-chat issue 12: a 404 with 20404 that repeats the path."""
        path = scene.path("WR" + "f" * 32)
        found = scene.fetch("WR" + "f" * 32)
        assert found.fields("code", "message", "status") == (
            404,
            20404,
            f"The requested resource {path} was not found",
            404,
        )
        assert found.body["more_info"] == "https://www.twilio.com/docs/errors/20404"

    def test_wrap_task_needs_an_assigned_task(self, scene: Scene) -> None:
        """lehel-twilio/plugin-dialpad issue 31."""
        scene.reserve()
        with pytest.raises(TaskConflict, match="reserved"):
            scene.platform.wrap_task(scene.task.sid)

    def test_assigned_task_can_be_completed_but_not_canceled(self, scene: Scene) -> None:
        """plugin-queued-callbacks-and-voicemail issue 35."""
        sid = scene.reserve()
        scene.update(sid, ACCEPT)
        with pytest.raises(TaskConflict, match="assigned"):
            scene.platform.cancel_task(scene.task.sid)
        scene.platform.complete_task(scene.task.sid)
        assert (scene.status(sid), scene.task_status) == ("completed", "completed")

    # --- domain 1.3 and 1.5: consequences of each step ---

    def test_accept_assigns_the_task_and_rescinds_siblings(self, scene: Scene) -> None:
        """Reservations page."""
        first, second, third = scene.reserve(0), scene.reserve(1), scene.reserve(2)
        assert scene.update(second, ACCEPT, worker=1).fields("reservation_status") == (
            200,
            "accepted",
        )
        assert [scene.status(sid) for sid in (first, second, third)] == [
            "rescinded",
            "accepted",
            "rescinded",
        ]
        assert scene.task_status == "assigned"

    def test_task_is_pending_after_its_last_rejection(self, scene: Scene) -> None:
        """Lifecycle page."""
        first, second = scene.reserve(0), scene.reserve(1)
        assert scene.task_status == "reserved"
        scene.update(first, REJECT)
        assert scene.task_status == "reserved"
        scene.update(second, REJECT)
        assert scene.task_status == "pending"

    def test_reservation_times_out_after_120_seconds(self, scene: Scene) -> None:
        """Limits page. The task is pending again."""
        sid = scene.reserve()
        scene.platform.advance(119)
        assert scene.status(sid) == "pending"
        scene.platform.advance(1)
        assert (scene.status(sid), scene.task_status) == ("timeout", "pending")

    def test_reservation_timeout_is_at_most_24_hours(self, launch: Launch) -> None:
        """Limits page."""
        scene = Scene(launch(Settings()), timeout=86_400)
        sid = scene.reserve()
        scene.platform.advance(86_399)
        assert scene.status(sid) == "pending"
        scene.platform.advance(1)
        assert scene.status(sid) == "timeout"
        with pytest.raises(ValueError, match="86400"):
            scene.platform.add_task(WORKSPACE, reservation_timeout=86_401)

    @pytest.mark.parametrize("form", [CONFERENCE, DEQUEUE], ids=["conference", "dequeue"])
    def test_reservation_on_hold_is_pending_until_the_worker_answers(
        self, scene: Scene, form: Form
    ) -> None:
        """Help page on canceled reservations. It does not time out."""
        sid = scene.reserve()
        assert scene.update(sid, form).fields("reservation_status") == (200, "pending")
        scene.platform.advance(1000)
        assert (scene.status(sid), scene.stored(sid).on_hold, scene.task_status) == (
            "pending",
            True,
            "reserved",
        )
        scene.platform.answer_call(sid)
        assert (scene.status(sid), scene.task_status) == ("accepted", "assigned")

    def test_missed_call_cancels_the_reservation_but_not_the_task(self, scene: Scene) -> None:
        """Help page on canceled reservations: a loop of created and canceled."""
        for _ in range(3):
            sid = scene.reserve()
            scene.update(sid, CONFERENCE)
            scene.platform.miss_call(sid)
            assert (scene.status(sid), scene.task_status) == ("canceled", "pending")

    def test_accept_rescinds_siblings_on_the_worker_route(self, scene: Scene) -> None:
        """Changelog of 2019."""
        first, second = scene.reserve(0), scene.reserve(1)
        scene.update(first, (*CALL_WORKER, ("CallAccept", "true")))
        assert scene.fetch(second, worker=1).body["reservation_status"] == "rescinded"

    def test_hang_up_cancels_the_task_and_its_reservations(self, scene: Scene) -> None:
        """TwiML Queue page."""
        first, second = scene.reserve(0), scene.reserve(1)
        scene.update(second, DEQUEUE)
        scene.platform.hang_up(first)
        assert (scene.status(first), scene.status(second), scene.task_status) == (
            "canceled",
            "canceled",
            "canceled",
        )

    @pytest.mark.parametrize(
        ("form", "flag"),
        [(CALL_WORKER, "CallAccept"), (REDIRECT, "RedirectAccept")],
        ids=["call", "redirect"],
    )
    def test_call_and_redirect_accept_only_with_their_flag(
        self, scene: Scene, form: tuple[tuple[str, str], ...], flag: str
    ) -> None:
        """Assignment callback page. With the flag they accept at once."""
        sid = scene.reserve()
        for extra in ((), ((flag, "false"),)):
            assert scene.update(sid, form + extra).fields("reservation_status") == (200, "pending")
        assert scene.update(sid, (*form, (flag, "true"))).fields("reservation_status") == (
            200,
            "accepted",
        )

    def test_dequeue_adds_the_worker_call_to_the_task_attributes(self, scene: Scene) -> None:
        """Assignment callback page."""
        sid = scene.reserve()
        scene.update(sid, DEQUEUE)
        assert str(scene.platform.task(scene.task.sid).attributes["worker_call_sid"]).startswith(
            "CA"
        )

    @pytest.mark.parametrize("end", ["complete_task", "cancel_task"])
    def test_reservation_is_deleted_five_minutes_after_its_task_ended(
        self, scene: Scene, end: str
    ) -> None:
        """Lifecycle page."""
        sid = scene.reserve()
        if end == "complete_task":
            scene.update(sid, ACCEPT)
        getattr(scene.platform, end)(scene.task.sid)
        scene.platform.advance(299)
        assert scene.fetch(sid).status == 200
        scene.platform.advance(1)
        assert scene.fetch(sid).fields("code") == (404, 20404)
        assert scene.update(sid, COMPLETE).status == 404
        assert scene.list(worker=0).body["reservations"] == []

    def test_task_is_canceled_after_1000_rounds(self, launch: Launch) -> None:
        """Limits page. One round of several workers counts once."""
        scene = Scene(launch(Settings()))
        for _ in range(999):
            scene.platform.set_status(scene.reserve(0), Status.REJECTED)
        first, second = scene.reserve(0), scene.reserve(1)
        scene.update(first, REJECT)
        assert scene.task_status == "reserved"
        scene.update(second, REJECT)
        assert scene.task_status == "canceled"

    # --- domain 2.2: preconditions of instructions ---

    @pytest.mark.parametrize(
        ("form", "attributes", "code"),
        [
            (DEQUEUE, {"outbound_to": NUMBER}, 40140),
            (CONFERENCE, {"from": NUMBER}, 40142),
        ],
    )
    def test_instruction_needs_task_attributes(
        self, launch: Launch, form: Form, attributes: dict[str, object], code: int
    ) -> None:
        """Error dictionary: a 400 with the dictionary's number that changes nothing."""
        scene = Scene(launch(Settings()), attributes=attributes)
        sid = scene.reserve()
        assert scene.update(sid, form).fields("code") == (400, code)
        assert (scene.stored(sid).etag, scene.stored(sid).on_hold) == ("0", False)

    @pytest.mark.parametrize(
        ("form", "to", "code"),
        [(DEQUEUE, "DequeueTo", 40131), (CALL_WORKER, "CallTo", 40110), (CONFERENCE, "To", 40137)],
        ids=["dequeue", "call", "conference"],
    )
    def test_instruction_needs_a_contact(
        self, launch: Launch, form: tuple[tuple[str, str], ...], to: str, code: int
    ) -> None:
        """Error dictionary. A contact in the instruction suffices."""
        scene = Scene(launch(Settings()), contact=False)
        sid = scene.reserve()
        assert scene.update(sid, form).fields("code") == (400, code)
        assert scene.update(sid, (*form, (to, "client:alice"))).status == 200

    def test_conference_on_outbound_task_needs_no_call(self, launch: Launch) -> None:
        """Error dictionary."""
        scene = Scene(launch(Settings()), attributes={"outbound_to": NUMBER})
        assert scene.update(scene.reserve(), CONFERENCE).status == 200

    def test_redirect_needs_a_live_call(self, scene: Scene) -> None:
        """Error dictionary: 40122."""
        sid = scene.reserve()
        assert scene.update(sid, REDIRECT).status == 200
        scene.platform.end_call(scene.task.sid)
        assert scene.update(sid, REDIRECT).fields("code") == (400, 40122)

    def test_supervise_needs_work_and_a_contact_and_a_caller(self, launch: Launch) -> None:
        """Error dictionary: 40146, 40147, 40148."""
        scene = Scene(launch(Settings()), attributes={"call_sid": CALL})
        sid, boss = scene.reserve(), scene.platform.add_worker(WORKSPACE)
        form = (
            ("Instruction", "supervise"),
            ("SupervisorMode", "monitor"),
            ("Supervisor", boss.sid),
        )
        assert scene.update(sid, form).fields("code") == (400, 40146)
        scene.update(sid, ACCEPT)
        assert scene.update(sid, form).fields("code") == (400, 40147)
        scene.platform.add_worker(
            WORKSPACE, sid=boss.sid, attributes={"contact_uri": "client:boss"}
        )
        assert scene.update(sid, form).fields("code") == (400, 40148)
        scene.platform.set_task_attributes(scene.task.sid, {"call_sid": CALL, "from": NUMBER})
        assert scene.update(sid, form).fields("reservation_status") == (200, "accepted")

    def test_unknown_instruction_is_55555(self, scene: Scene) -> None:
        """Error dictionary."""
        assert scene.update(scene.reserve(), [("Instruction", "banana")]).fields("code") == (
            400,
            55555,
        )

    # --- domain 1.6 and 1.7: reason codes and transfers ---

    @pytest.mark.parametrize("code", [13223, 21215])
    def test_failed_call_cancels_an_outbound_task_with_a_reason_code(
        self, launch: Launch, code: int
    ) -> None:
        """Worker SDK test 26. The number is in no REST body."""
        scene = Scene(launch(Settings()), attributes={"outbound_to": NUMBER})
        sid = scene.reserve()
        scene.update(sid, CONFERENCE)
        scene.platform.fail_call(sid, code)
        assert (scene.status(sid), scene.task_status) == ("canceled", "canceled")
        assert (
            scene.platform.stored(sid).canceled_reason_code
            == scene.platform.journal[-1].code
            == code
        )
        assert scene.platform.task(scene.task.sid).reason
        assert "canceled_reason_code" not in scene.fetch(sid).body

    def test_transfer_reserves_the_task_again(self, scene: Scene) -> None:
        """Worker SDK tests. Only the last completed reservation completes the task."""
        first = scene.reserve(0)
        scene.update(first, ACCEPT)
        second = str(scene.platform.transfer(first, scene.workers[1].sid).sid)
        assert (scene.status(first), scene.status(second), scene.task_status) == (
            "accepted",
            "pending",
            "reserved",
        )
        scene.update(first, WRAP)
        assert scene.task_status == "reserved"
        scene.update(second, ACCEPT)
        assert (scene.status(first), scene.task_status) == ("wrapping", "assigned")
        scene.update(first, COMPLETE)
        assert scene.task_status == "assigned"
        scene.update(second, COMPLETE)
        assert scene.task_status == "completed"

    @pytest.mark.parametrize("end", ["rejected", "timeout", "canceled"])
    def test_failed_transfer_leaves_the_task_assigned(self, scene: Scene, end: str) -> None:
        """Worker SDK test 27."""
        first = scene.reserve(0)
        scene.update(first, ACCEPT)
        second = str(scene.platform.transfer(first, scene.workers[1].sid).sid)
        if end == "timeout":
            scene.platform.advance(120)
        else:
            scene.platform.set_status(second, Status(end))
        assert (scene.status(first), scene.status(second), scene.task_status) == (
            "accepted",
            end,
            "assigned",
        )

    @pytest.mark.parametrize(
        "form", [DEQUEUE, CALL_WORKER, REDIRECT], ids=["dequeue", "call", "redirect"]
    )
    def test_transfer_allows_no_dequeue_call_or_redirect(self, scene: Scene, form: Form) -> None:
        """Error dictionary: 40151."""
        first = scene.reserve(0)
        scene.update(first, ACCEPT)
        second = str(scene.platform.transfer(first, scene.workers[1].sid).sid)
        assert scene.update(second, form).fields("code") == (400, 40151)
        assert scene.update(second, REJECT).status == 200

    def test_conference_on_transfer_needs_a_running_conference(self, scene: Scene) -> None:
        """Error dictionary: 40149."""
        first = scene.reserve(0)
        scene.update(first, ACCEPT)
        second = str(scene.platform.transfer(first, scene.workers[1].sid).sid)
        assert scene.update(second, CONFERENCE).fields("code") == (400, 40149)
        scene.platform.set_task_attributes(scene.task.sid, {"conference_sid": "CF" + HEX})
        assert scene.update(second, CONFERENCE).status == 200
        scene.platform.answer_call(second)
        assert (scene.status(first), scene.status(second)) == ("accepted", "accepted")

    # --- wire 4.4: tests of the worker SDK ---

    def test_accept_and_complete_raise_the_version_by_one(self, scene: Scene) -> None:
        """Worker SDK tests 16, 17 and 19. There is no wrapping in between."""
        sid = scene.reserve()
        replies = [scene.update(sid, form) for form in (ACCEPT, COMPLETE)]
        assert [answer.fields("reservation_status") for answer in replies] == [
            (200, "accepted"),
            (200, "completed"),
        ]
        assert [answer.headers["ETag"] for answer in replies] == ["1", "2"]
        assert scene.task_status == "completed"

    def test_wrap_wraps_the_task(self, scene: Scene) -> None:
        """Worker SDK test 18. Completing the task completes the reservation."""
        sid = scene.reserve()
        scene.update(sid, ACCEPT)
        assert scene.update(sid, WRAP).fields("reservation_status") == (200, "wrapping")
        assert scene.task_status == "wrapping"
        scene.platform.complete_task(scene.task.sid)
        assert (scene.status(sid), scene.task_status) == ("completed", "completed")

    def test_wrap_task_wraps_the_reservation(self, scene: Scene) -> None:
        """Worker SDK test 18."""
        sid = scene.reserve()
        scene.update(sid, ACCEPT)
        scene.platform.wrap_task(scene.task.sid)
        assert (scene.status(sid), scene.task_status) == ("wrapping", "wrapping")

    def test_reject_is_answered_and_read_as_rejected(self, scene: Scene) -> None:
        """Worker SDK test 20."""
        sid = scene.reserve()
        assert (
            scene.update(sid, REJECT, worker=0).body["reservation_status"]
            == scene.status(sid)
            == "rejected"
        )

    def test_cancel_task_cancels_the_reservation_without_a_reason_code(self, scene: Scene) -> None:
        """Worker SDK test 21."""
        sid = scene.reserve()
        scene.platform.cancel_task(scene.task.sid)
        assert (scene.status(sid), scene.platform.stored(sid).canceled_reason_code) == (
            "canceled",
            None,
        )

    def test_delete_task_completes_accepted_work(self, scene: Scene) -> None:
        """Worker SDK test 22. The reservation is deleted with the task."""
        sid = scene.reserve()
        scene.update(sid, ACCEPT)
        scene.platform.delete_task(scene.task.sid)
        last = scene.platform.journal[-1]
        assert (last.sid, last.reservation.status) == (sid, "completed")
        assert scene.fetch(sid).status == 404

    def test_complete_task_keeps_its_reason(self, scene: Scene) -> None:
        """Worker SDK test 23. Its worker has no open reservation."""
        sid = scene.reserve()
        scene.update(sid, ACCEPT)
        scene.platform.complete_task(scene.task.sid, reason="done")
        assert scene.platform.task(scene.task.sid).reason == "done"
        assert scene.list("?ReservationStatus=accepted", worker=0).body["reservations"] == []

    def test_set_worker_activity_rejects_only_pending_reservations(self, scene: Scene) -> None:
        """Worker SDK test 24."""
        sid = scene.reserve()
        other = scene.platform.add_task(WORKSPACE, attributes={"call_sid": CALL})
        accepted = str(scene.platform.reserve(other.sid, scene.workers[0].sid).sid)
        scene.platform.set_status(accepted, Status.ACCEPTED)
        moved = scene.platform.set_worker_activity(
            scene.workers[0].sid, ACTIVITY, reject_pending=True
        )
        assert (moved.activity_sid, scene.status(sid), scene.stored(accepted).status) == (
            ACTIVITY,
            "rejected",
            "accepted",
        )

    def test_conference_is_accepted_wrapped_and_completed(self, scene: Scene) -> None:
        """Worker SDK test 25."""
        sid = scene.reserve()
        scene.update(sid, CONFERENCE)
        scene.platform.answer_call(sid)
        scene.platform.hang_up(sid)
        assert (scene.status(sid), scene.task_status) == ("wrapping", "wrapping")
        assert scene.update(sid, COMPLETE).fields("reservation_status") == (200, "completed")

    def test_set_task_attributes_leaves_the_reservation(self, scene: Scene) -> None:
        """Worker SDK test 28."""
        sid = scene.reserve()
        before = scene.fetch(sid)
        scene.platform.set_task_attributes(scene.task.sid, {"language": "de"})
        assert scene.fetch(sid) == before

    def test_reservation_raises_the_worker_version(self, scene: Scene) -> None:
        """Worker SDK test 29. A rejection does not."""
        worker = scene.workers[0].sid
        sid = scene.reserve()
        assert scene.platform.worker(worker).version == 1
        scene.update(sid, REJECT)
        assert scene.platform.worker(worker).version == 1

    def test_call_and_redirect_raise_the_version_of_a_pending_reservation(
        self, scene: Scene
    ) -> None:
        """Worker SDK test 3."""
        sid = scene.reserve()
        replies = [scene.update(sid, form) for form in (CALL_WORKER, REDIRECT, CONFERENCE)]
        assert [(each.body["reservation_status"], each.headers["ETag"]) for each in replies] == [
            ("pending", str(n)) for n in (1, 2, 3)
        ]

    def test_journal_has_the_task_status_after_all_consequences(self, scene: Scene) -> None:
        """Worker SDK test 11."""
        first, second = scene.reserve(0), scene.reserve(1)
        scene.update(first, ACCEPT)
        scene.update(first, COMPLETE)
        entries = [
            (entry.reservation.status.value, entry.task_status.value)
            for entry in scene.platform.journal
            if entry.before is not None
        ]
        assert entries == [
            ("accepted", "assigned"),
            ("rescinded", "assigned"),
            ("completed", "completed"),
        ]
        assert [entry.sid for entry in scene.platform.journal if entry.trigger == "rescinded"] == [
            second
        ]

    # --- wire 1.3, 1.4, 2, 3 and 6: HTTP ---

    @pytest.mark.parametrize("written", ["{}", '"{}"'], ids=["bare", "quoted"])
    def test_if_match_accepts_the_current_version_only(self, scene: Scene, written: str) -> None:
        """It may be bare or quoted. Any other is a 412 with 20412 that changes nothing."""
        sid = scene.reserve()
        assert scene.update(sid, ACCEPT, If_Match=written.format(7)).fields("code", "status") == (
            412,
            20412,
            412,
        )
        assert scene.status(sid) == "pending"
        assert scene.update(sid, ACCEPT, if_match=written.format(0)).status == 200
        assert scene.update(sid, COMPLETE, worker=0, If_Match=written.format(0)).status == 412

    def test_worker_route_has_an_etag_only_on_its_list(self, scene: Scene) -> None:
        """API description."""
        sid = scene.reserve()
        for reply, has_etag in (
            (scene.fetch(sid), True),
            (scene.list(), True),
            (scene.update(sid, CALL_WORKER), True),
            (scene.list(worker=0), True),
            (scene.fetch(sid, worker=0), False),
            (scene.update(sid, CALL_WORKER, worker=0), False),
        ):
            assert reply.status == 200
            assert ("etag" in {name.lower() for name in reply.headers}) is has_etag

    def test_body_has_the_fields_of_the_reference(self, scene: Scene) -> None:
        """API description."""
        sid, worker = scene.reserve(), scene.workers[0]
        body = scene.fetch(sid, worker=0).body
        base = f"{scene.transport.origin}/v1/Workspaces/{WORKSPACE}"
        assert body == {
            "sid": sid,
            "account_sid": scene.task.account_sid,
            "workspace_sid": WORKSPACE,
            "task_sid": scene.task.sid,
            "worker_sid": worker.sid,
            "worker_name": worker.name,
            "reservation_status": "pending",
            "date_created": "2030-01-01T00:00:00Z",
            "date_updated": "2030-01-01T00:00:00Z",
            "url": scene.transport.origin + scene.path(sid, worker=0),
            "links": {
                "task": f"{base}/Tasks/{scene.task.sid}",
                "worker": f"{base}/Workers/{worker.sid}",
                "workspace": base,
            },
        }

    def test_supervise_is_only_on_the_task_route(self, scene: Scene) -> None:
        """API description."""
        sid = scene.reserve()
        scene.update(sid, ACCEPT)
        form = [
            ("Instruction", "supervise"),
            ("SupervisorMode", "monitor"),
            ("Supervisor", scene.workers[1].sid),
        ]
        assert scene.update(sid, form, worker=0).status == 400
        assert scene.update(sid, form).status == 200

    def test_page_links_lead_to_every_reservation_once(self, scene: Scene) -> None:
        """Every link leads to the emulator itself."""
        reserved = [scene.reserve(worker) for worker in (0, 1, 2)]
        seen: list[object] = []
        target: str | None = "?PageSize=1"
        while target is not None:
            found = scene.list(target)
            seen += [
                row["sid"] for row in cast("list[dict[str, object]]", found.body["reservations"])
            ]
            meta = cast("dict[str, str | None]", found.body["meta"])
            links = [
                meta[name]
                for name in ("url", "first_page_url", "previous_page_url", "next_page_url")
            ]
            assert all(
                link.startswith(f"{scene.transport.origin}{scene.path()}?")
                for link in links
                if link is not None
            )
            following = meta["next_page_url"]
            target = None if following is None else "?" + following.partition("?")[2]
        assert seen == reserved

    @pytest.mark.parametrize(
        "form",
        [
            (*ACCEPT, ("Transcribe", "true"), ("undefined", "x")),
            (
                ("Instruction", "Conference"),
                ("Record", "True"),
                ("Beep", "TRUE"),
                ("Muted", "fAlSe"),
            ),
            (("Instruction", "dequeue"), ("DequeueStatusCallbackEvents", "initiated,ringing")),
            (
                ("Instruction", "dequeue"),
                ("DequeueStatusCallbackEvent", "initiated"),
                ("DequeueStatusCallbackEvent", "ringing"),
            ),
            (
                ("Instruction", "Redirect"),
                ("RedirectCallSid", CALL),
                ("RedirectUrl", URL),
                ("RedirectAccept", "TRUE"),
            ),
        ],
        ids=["unknown fields", "letter case", "comma-joined", "repeated", "capital"],
    )
    def test_spellings_of_other_clients_are_accepted(self, scene: Scene, form: Form) -> None:
        """Unknown fields, letter case, both kinds of lists."""
        assert scene.update(scene.reserve(), form).status == 200

    def test_wrong_credentials_are_401(self, launch: Launch) -> None:
        """With 20003, if accounts are set."""
        scene = Scene(launch(Settings(accounts={"AC1": "token"})))
        sid = scene.reserve()
        for credentials in (
            "",
            "Basic",
            "Basic !",
            "Basic QUMxOndyb25n",
            "Bearer QUMxOnRva2Vu",
            "Basic QUMyOnRva2Vu",
            "Basic /w==",
        ):
            refused = scene.update(sid, ACCEPT, Authorization=credentials)
            assert refused.fields("code", "message") == (401, 20003, "Authenticate")
        assert scene.fetch(sid).status == 401
        assert scene.stored(sid).etag == "0"
        assert scene.update(sid, ACCEPT, Authorization="Basic QUMxOnRva2Vu").status == 200

    def test_rate_limit_is_429_and_refills(self, launch: Launch) -> None:
        """A refused request is not processed."""
        scene = Scene(launch(Settings(rate_limit=2)))
        sid = scene.reserve()
        replies = [scene.update(sid, CALL_WORKER) for _ in range(3)]
        assert [each.status for each in replies] == [200, 200, 429]
        assert [each.headers["X-Rate-Limit-Remaining"] for each in replies] == ["1", "0", "0"]
        assert {each.headers["X-Rate-Limit-Limit"] for each in replies} == {"2"}
        assert replies[2].body["code"] == 20429
        assert (scene.stored(sid).etag, scene.fetch(sid).status) == ("2", 200)
        scene.platform.advance(0.5)
        assert [scene.update(sid, CALL_WORKER).status for _ in range(2)] == [200, 429]

    def test_preflight_allows_any_origin(self, scene: Scene) -> None:
        """Worker SDK. A page may read the version."""
        preflight = scene.transport.send(
            "OPTIONS", scene.path("WR" + HEX), [("Origin", "https://example.com")], b""
        )
        assert preflight.status == 204
        allowed = preflight.headers["Access-Control-Allow-Headers"].lower()
        assert all(
            name in allowed
            for name in ("authorization", "content-type", "if-match", "apiversion", "clientversion")
        )
        assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
        fetched = scene.fetch(scene.reserve())
        assert fetched.headers["Access-Control-Allow-Origin"] == "*"
        assert "ETag" in fetched.headers["Access-Control-Expose-Headers"]
