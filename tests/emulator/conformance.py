"""What the platform was seen or is documented to do, one test each, named after where that is known from.

The tests know a :class:`Drive` only, so that the same ones run in process and over HTTP: subclass :class:`Conformance` and give its one
fixture, ``launch``. Whoever drives also holds the :class:`Platform` behind it, to let the worker answer and time pass.
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
    """What came back: the body as JSON, an empty object when there was none."""

    status: int
    headers: Headers
    body: dict[str, object]

    def told(self, *names: str) -> tuple[object, ...]:
        """Give the status and some of the body's fields."""
        return (self.status, *(self.body.get(name) for name in names))


def answer(status: int, headers: Iterable[tuple[str, str]], body: bytes) -> Answer:
    """Read an answer as it came."""
    return Answer(status, Headers(tuple(headers)), json.loads(body) if body else {})


class Drive(Protocol):
    """What sends requests to an emulator, in whatever way, and holds the platform behind it."""

    platform: Platform
    origin: str

    def send(
        self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes
    ) -> Answer:
        """Send one request as it stands, and bring back the answer."""
        ...


Launch: TypeAlias = Callable[[Settings], Drive]


class Scene:
    """A task with its call, some workers, and a drive to an emulator that knows them; its clock is moved by hand."""

    def __init__(
        self,
        drive: Drive,
        *,
        attributes: dict[str, object] | None = None,
        contact: bool = True,
        timeout: int | None = None,
    ) -> None:
        self.drive = drive
        self.platform = drive.platform
        given = {"call_sid": CALL, "from": NUMBER} if attributes is None else attributes
        self.task: Task = self.platform.add_task(
            WORKSPACE, attributes=given, reservation_timeout=timeout
        )
        contacts: list[dict[str, object]] = [
            {"contact_uri": f"client:worker{number}"} if contact else {} for number in range(3)
        ]
        self.workers: list[Worker] = [
            self.platform.add_worker(WORKSPACE, name=f"Worker {n}", attributes=a)
            for n, a in enumerate(contacts)
        ]

    def reserve(self, worker: int = 0) -> str:
        """Reserve a worker for the task."""
        return str(self.platform.reserve(self.task.sid, self.workers[worker].sid).sid)

    def path(self, sid: str = "", *, worker: int | None = None) -> str:
        """Write the path of a reservation, or of all, on the task route or on a worker's."""
        owner = (
            f"Tasks/{self.task.sid}" if worker is None else f"Workers/{self.workers[worker].sid}"
        )
        return f"/v1/Workspaces/{WORKSPACE}/{owner}/Reservations{sid and '/'}{sid}"

    def update(self, sid: str, form: Form, *, worker: int | None = None, **headers: str) -> Answer:
        """Send an update; a header's name is written with underscores."""
        own = [(name.replace("_", "-"), value) for name, value in headers.items()]
        kind = ("Content-Type", "application/x-www-form-urlencoded")
        return self.drive.send(
            "POST", self.path(sid, worker=worker), [kind, *own], urlencode(list(form)).encode()
        )

    def fetch(self, sid: str, *, worker: int | None = None) -> Answer:
        """Read one reservation."""
        return self.drive.send("GET", self.path(sid, worker=worker), (), b"")

    def list(self, query: str = "", *, worker: int | None = None) -> Answer:
        """Read a page."""
        return self.drive.send("GET", self.path(worker=worker) + query, (), b"")

    def status(self, sid: str) -> object:
        """Read the status that a body shows."""
        return self.fetch(sid).body["reservation_status"]

    @property
    def task_status(self) -> TaskStatus:
        """How the task stands."""
        return self.platform.task(self.task.sid).status

    def held(self, sid: str) -> Reservation:
        """How a reservation really stands."""
        return self.platform.get(sid)


class Conformance:
    """The suite. Over another transport, only ``launch`` differs."""

    @pytest.fixture
    def launch(self) -> Launch:
        """Give what starts an emulator with these settings, empty, its clock moved by hand."""
        raise NotImplementedError

    @pytest.fixture
    def scene(self, launch: Launch) -> Scene:
        """Give a task and its workers on an emulator as it is by default."""
        return Scene(launch(Settings()))

    # --- domain 3.3: the messages that were seen -------------------------------------------------------------------------------------

    def test_php_342(self, scene: Scene) -> None:
        """A repeated accept is a 400 that names the state and the target, not a success."""
        sid = scene.reserve()
        assert scene.update(sid, ACCEPT).status == 200
        message = (
            f"Reservation {sid} is already in state [accepted] and cannot be updated to [accepted]"
        )
        assert scene.update(sid, ACCEPT).told("message", "status") == (400, message, 400)

    def test_help_double_accept(self, scene: Scene) -> None:
        """An accept while another answer is being carried out is a 400 that names the state nobody documented."""
        sid = scene.reserve()
        scene.update(sid, CONFERENCE)
        message = (
            f"Reservation {sid} not in expected state [pending] and cannot be updated to [onHold]"
        )
        assert scene.update(sid, ACCEPT).told("message") == (400, message)

    def test_dialpad_31(self, scene: Scene) -> None:
        """A conference on a reservation that is not pending is a 400 in the words for instructions."""
        sid = scene.reserve()
        scene.update(sid, ACCEPT)
        message = f"Unable to execute Conference instruction. Reservation {sid} is not currently in a Pending state."
        assert scene.update(sid, CONFERENCE).told("message") == (400, message)

    def test_lehel_12(self, launch: Launch) -> None:
        """A conference on a task that knows of no call is a 400 that asks for Enqueue."""
        scene = Scene(launch(Settings()), attributes={})
        sid = scene.reserve()
        message = "The conference instruction can only be issued on a task that was created using the <Enqueue> TwiML verb."
        assert scene.update(sid, CONFERENCE).told("message", "code") == (400, message, 40142)
        assert scene.held(sid).etag == "0"

    def test_end_chat_12(self, scene: Scene) -> None:
        """What is not there is a 404 that repeats the path; 20404 and the address of its page are in the body."""
        path = scene.path("WR" + "f" * 32)
        found = scene.fetch("WR" + "f" * 32)
        assert found.told("code", "message", "status") == (
            404,
            20404,
            f"The requested resource {path} was not found",
            404,
        )
        assert found.body["more_info"] == "https://www.twilio.com/docs/errors/20404"

    def test_lehel_31(self, scene: Scene) -> None:
        """A task that is not assigned cannot be wrapped up."""
        scene.reserve()
        with pytest.raises(TaskConflict, match="reserved"):
            scene.platform.wrap_task(scene.task.sid)

    def test_queued_callbacks_35(self, scene: Scene) -> None:
        """A task that is assigned cannot be canceled any more, only completed."""
        sid = scene.reserve()
        scene.update(sid, ACCEPT)
        with pytest.raises(TaskConflict, match="assigned"):
            scene.platform.cancel_task(scene.task.sid)
        scene.platform.complete_task(scene.task.sid)
        assert (scene.status(sid), scene.task_status) == ("completed", "completed")

    # --- domain 1.3 and 1.5: what each step does ----------------------------------------------------------------------------------------

    def test_reservations_page_accept(self, scene: Scene) -> None:
        """An acceptance assigns the task and rescinds the other workers' reservations of it."""
        first, second, third = scene.reserve(0), scene.reserve(1), scene.reserve(2)
        assert scene.update(second, ACCEPT, worker=1).told("reservation_status") == (
            200,
            "accepted",
        )
        assert [scene.status(sid) for sid in (first, second, third)] == [
            "rescinded",
            "accepted",
            "rescinded",
        ]
        assert scene.task_status == "assigned"

    def test_lifecycle_page_back_to_pending(self, scene: Scene) -> None:
        """A task is pending again only when all that were reserved together have ended without acceptance."""
        first, second = scene.reserve(0), scene.reserve(1)
        assert scene.task_status == "reserved"
        scene.update(first, REJECT)
        assert scene.task_status == "reserved"
        scene.update(second, REJECT)
        assert scene.task_status == "pending"

    def test_limits_page_timeout(self, scene: Scene) -> None:
        """Nobody answers for 120 seconds: the reservation has timed out, not a second sooner, and the task is pending again."""
        sid = scene.reserve()
        scene.platform.advance(119)
        assert scene.status(sid) == "pending"
        scene.platform.advance(1)
        assert (scene.status(sid), scene.task_status) == ("timeout", "pending")

    def test_limits_page_longest_timeout(self, launch: Launch) -> None:
        """A task may give its workers up to 24 hours, and no second more."""
        scene = Scene(launch(Settings()), timeout=86_400)
        sid = scene.reserve()
        scene.platform.advance(86_399)
        assert scene.status(sid) == "pending"
        scene.platform.advance(1)
        assert scene.status(sid) == "timeout"
        with pytest.raises(ValueError, match="86400"):
            scene.platform.add_task(WORKSPACE, reservation_timeout=86_401)

    @pytest.mark.parametrize("form", [CONFERENCE, DEQUEUE], ids=["conference", "dequeue"])
    def test_canceled_help_on_hold(self, scene: Scene, form: Form) -> None:
        """What is on hold is shown pending, does not time out, and is accepted once the worker answers."""
        sid = scene.reserve()
        assert scene.update(sid, form).told("reservation_status") == (200, "pending")
        scene.platform.advance(1000)
        assert (scene.status(sid), scene.held(sid).on_hold, scene.task_status) == (
            "pending",
            True,
            "reserved",
        )
        scene.platform.answer_call(sid)
        assert (scene.status(sid), scene.task_status) == ("accepted", "assigned")

    def test_canceled_help_loop(self, scene: Scene) -> None:
        """A set-up that fails cancels the reservation and not the task, so that created and canceled may go on in a loop."""
        for _ in range(3):
            sid = scene.reserve()
            scene.update(sid, CONFERENCE)
            scene.platform.miss_call(sid)
            assert (scene.status(sid), scene.task_status) == ("canceled", "pending")

    def test_changelog_2019(self, scene: Scene) -> None:
        """A worker who accepts has the others rescinded at once, on the worker route as well."""
        first, second = scene.reserve(0), scene.reserve(1)
        scene.update(first, (*CALL_WORKER, ("CallAccept", "true")))
        assert scene.fetch(second, worker=1).body["reservation_status"] == "rescinded"

    def test_twiml_queue_caller_hangs_up(self, scene: Scene) -> None:
        """A caller who leaves before anybody answered takes the task and all its reservations along."""
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
    def test_assignment_callback_page_accept_flag(
        self, scene: Scene, form: tuple[tuple[str, str], ...], flag: str
    ) -> None:
        """Call and redirect accept nothing unless their flag is true; then they accept at once, before anybody answers."""
        sid = scene.reserve()
        for extra in ((), ((flag, "false"),)):
            assert scene.update(sid, form + extra).told("reservation_status") == (200, "pending")
        assert scene.update(sid, (*form, (flag, "true"))).told("reservation_status") == (
            200,
            "accepted",
        )

    def test_assignment_callback_page_worker_call(self, scene: Scene) -> None:
        """A dequeue calls the worker, and the call's SID is in the task's attributes from then on."""
        sid = scene.reserve()
        scene.update(sid, DEQUEUE)
        assert str(scene.platform.task(scene.task.sid).attributes["worker_call_sid"]).startswith(
            "CA"
        )

    @pytest.mark.parametrize("end", ["complete_task", "cancel_task"])
    def test_lifecycle_page_deletion(self, scene: Scene, end: str) -> None:
        """Five minutes after its task ended a reservation is not there any more."""
        sid = scene.reserve()
        if end == "complete_task":
            scene.update(sid, ACCEPT)
        getattr(scene.platform, end)(scene.task.sid)
        scene.platform.advance(299)
        assert scene.fetch(sid).status == 200
        scene.platform.advance(1)
        assert scene.fetch(sid).told("code") == (404, 20404)
        assert scene.update(sid, COMPLETE).status == 404
        assert scene.list(worker=0).body["reservations"] == []

    def test_limits_page_rounds(self, launch: Launch) -> None:
        """A task that was reserved a thousand times in vain is canceled; one round of several workers counts once."""
        scene = Scene(launch(Settings()))
        for _ in range(999):
            scene.platform.set_status(scene.reserve(0), Status.REJECTED)
        first, second = scene.reserve(0), scene.reserve(1)
        scene.update(first, REJECT)
        assert scene.task_status == "reserved"
        scene.update(second, REJECT)
        assert scene.task_status == "canceled"

    # --- domain 2.2: what an instruction needs ------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("form", "attributes", "code"),
        [
            (DEQUEUE, {"outbound_to": NUMBER}, 40140),
            (CONFERENCE, {"from": NUMBER}, 40142),
        ],
    )
    def test_error_dictionary_task(
        self, launch: Launch, form: Form, attributes: dict[str, object], code: int
    ) -> None:
        """A task without the attributes that an instruction needs is a 400 with the dictionary's number, and nothing has changed."""
        scene = Scene(launch(Settings()), attributes=attributes)
        sid = scene.reserve()
        assert scene.update(sid, form).told("code") == (400, code)
        assert (scene.held(sid).etag, scene.held(sid).on_hold) == ("0", False)

    @pytest.mark.parametrize(
        ("form", "to", "code"),
        [(DEQUEUE, "DequeueTo", 40131), (CALL_WORKER, "CallTo", 40110), (CONFERENCE, "To", 40137)],
        ids=["dequeue", "call", "conference"],
    )
    def test_error_dictionary_contact(
        self, launch: Launch, form: tuple[tuple[str, str], ...], to: str, code: int
    ) -> None:
        """A worker whom nothing says how to reach is a 400; a contact in the instruction mends it."""
        scene = Scene(launch(Settings()), contact=False)
        sid = scene.reserve()
        assert scene.update(sid, form).told("code") == (400, code)
        assert scene.update(sid, (*form, (to, "client:alice"))).status == 200

    def test_error_dictionary_outbound(self, launch: Launch) -> None:
        """An outbound task is known by its number, which does for a conference."""
        scene = Scene(launch(Settings()), attributes={"outbound_to": NUMBER})
        assert scene.update(scene.reserve(), CONFERENCE).status == 200

    def test_error_dictionary_redirect(self, scene: Scene) -> None:
        """A call that is over cannot be redirected: 40122."""
        sid = scene.reserve()
        assert scene.update(sid, REDIRECT).status == 200
        scene.platform.end_call(scene.task.sid)
        assert scene.update(sid, REDIRECT).told("code") == (400, 40122)

    def test_error_dictionary_supervise(self, launch: Launch) -> None:
        """Supervise needs somebody to supervise (40146), a supervisor who can be reached (40147) and the task's caller (40148)."""
        scene = Scene(launch(Settings()), attributes={"call_sid": CALL})
        sid, boss = scene.reserve(), scene.platform.add_worker(WORKSPACE)
        form = (
            ("Instruction", "supervise"),
            ("SupervisorMode", "monitor"),
            ("Supervisor", boss.sid),
        )
        assert scene.update(sid, form).told("code") == (400, 40146)
        scene.update(sid, ACCEPT)
        assert scene.update(sid, form).told("code") == (400, 40147)
        scene.platform.add_worker(
            WORKSPACE, sid=boss.sid, attributes={"contact_uri": "client:boss"}
        )
        assert scene.update(sid, form).told("code") == (400, 40148)
        scene.platform.set_task_attributes(scene.task.sid, {"call_sid": CALL, "from": NUMBER})
        assert scene.update(sid, form).told("reservation_status") == (200, "accepted")

    def test_error_dictionary_unknown_instruction(self, scene: Scene) -> None:
        """An instruction nobody knows is 55555."""
        assert scene.update(scene.reserve(), [("Instruction", "banana")]).told("code") == (
            400,
            55555,
        )

    # --- domain 1.6 and 1.7: reason codes and transfers -----------------------------------------------------------------------------------

    @pytest.mark.parametrize("code", [13223, 21215])
    def test_worker_sdk_26_reason_code(self, launch: Launch, code: int) -> None:
        """A leg that fails on an outbound task cancels reservation and task; the number is kept, but in no REST body."""
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

    def test_worker_sdk_transfer(self, scene: Scene) -> None:
        """A transfer is a second reservation of a task that shows reserved again; the task is completed with the last one only."""
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
    def test_worker_sdk_27_transfer_fails(self, scene: Scene, end: str) -> None:
        """A transfer that comes to nothing leaves the task to the worker who has it: assigned again."""
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
    def test_error_dictionary_40151(self, scene: Scene, form: Form) -> None:
        """On a transfer only accept, reject, conference and supervise are valid."""
        first = scene.reserve(0)
        scene.update(first, ACCEPT)
        second = str(scene.platform.transfer(first, scene.workers[1].sid).sid)
        assert scene.update(second, form).told("code") == (400, 40151)
        assert scene.update(second, REJECT).status == 200

    def test_error_dictionary_40149(self, scene: Scene) -> None:
        """A conference on a transfer needs the conference that is going on."""
        first = scene.reserve(0)
        scene.update(first, ACCEPT)
        second = str(scene.platform.transfer(first, scene.workers[1].sid).sid)
        assert scene.update(second, CONFERENCE).told("code") == (400, 40149)
        scene.platform.set_task_attributes(scene.task.sid, {"conference_sid": "CF" + HEX})
        assert scene.update(second, CONFERENCE).status == 200
        scene.platform.answer_call(second)
        assert (scene.status(first), scene.status(second)) == ("accepted", "accepted")

    # --- wire 4.4: what the worker SDK's tests show ---------------------------------------------------------------------------------------

    def test_worker_sdk_16_17_19(self, scene: Scene) -> None:
        """Pending, accepted, completed, without wrapping in between; each raises the version by exactly one."""
        sid = scene.reserve()
        told = [scene.update(sid, form) for form in (ACCEPT, COMPLETE)]
        assert [answer.told("reservation_status") for answer in told] == [
            (200, "accepted"),
            (200, "completed"),
        ]
        assert [answer.headers["ETag"] for answer in told] == ["1", "2"]
        assert scene.task_status == "completed"

    def test_worker_sdk_18(self, scene: Scene) -> None:
        """Accepted work may be wrapped up, and the task with it; task wrap and task complete drive it too."""
        sid = scene.reserve()
        scene.update(sid, ACCEPT)
        assert scene.update(sid, WRAP).told("reservation_status") == (200, "wrapping")
        assert scene.task_status == "wrapping"
        scene.platform.complete_task(scene.task.sid)
        assert (scene.status(sid), scene.task_status) == ("completed", "completed")

    def test_worker_sdk_18_by_the_task(self, scene: Scene) -> None:
        """Wrapping up the task wraps up its reservation."""
        sid = scene.reserve()
        scene.update(sid, ACCEPT)
        scene.platform.wrap_task(scene.task.sid)
        assert (scene.status(sid), scene.task_status) == ("wrapping", "wrapping")

    def test_worker_sdk_20(self, scene: Scene) -> None:
        """A rejection is answered as it is then read."""
        sid = scene.reserve()
        assert (
            scene.update(sid, REJECT, worker=0).body["reservation_status"]
            == scene.status(sid)
            == "rejected"
        )

    def test_worker_sdk_21(self, scene: Scene) -> None:
        """A task that is canceled takes its pending reservation along, without a reason code."""
        sid = scene.reserve()
        scene.platform.cancel_task(scene.task.sid)
        assert (scene.status(sid), scene.platform.stored(sid).canceled_reason_code) == (
            "canceled",
            None,
        )

    def test_worker_sdk_22(self, scene: Scene) -> None:
        """A task that is deleted after it was accepted has its reservation completed; then it is gone."""
        sid = scene.reserve()
        scene.update(sid, ACCEPT)
        scene.platform.delete_task(scene.task.sid)
        last = scene.platform.journal[-1]
        assert (last.sid, last.reservation.status) == (sid, "completed")
        assert scene.fetch(sid).status == 404

    def test_worker_sdk_23(self, scene: Scene) -> None:
        """A task that is completed keeps its reason, and its worker has no open reservation left."""
        sid = scene.reserve()
        scene.update(sid, ACCEPT)
        scene.platform.complete_task(scene.task.sid, reason="done")
        assert scene.platform.task(scene.task.sid).reason == "done"
        assert scene.list("?ReservationStatus=accepted", worker=0).body["reservations"] == []

    def test_worker_sdk_24(self, scene: Scene) -> None:
        """A worker who leaves may have all pending reservations rejected, and no others."""
        sid = scene.reserve()
        other = scene.platform.add_task(WORKSPACE, attributes={"call_sid": CALL})
        accepted = str(scene.platform.reserve(other.sid, scene.workers[0].sid).sid)
        scene.platform.set_status(accepted, Status.ACCEPTED)
        moved = scene.platform.set_worker_activity(
            scene.workers[0].sid, ACTIVITY, reject_pending=True
        )
        assert (moved.activity_sid, scene.status(sid), scene.held(accepted).status) == (
            ACTIVITY,
            "rejected",
            "accepted",
        )

    def test_worker_sdk_25(self, scene: Scene) -> None:
        """A conference is accepted once it runs, wrapped up when it ends, and completed by the worker."""
        sid = scene.reserve()
        scene.update(sid, CONFERENCE)
        scene.platform.answer_call(sid)
        scene.platform.hang_up(sid)
        assert (scene.status(sid), scene.task_status) == ("wrapping", "wrapping")
        assert scene.update(sid, COMPLETE).told("reservation_status") == (200, "completed")

    def test_worker_sdk_28(self, scene: Scene) -> None:
        """Other attributes of the task leave the reservation as it is."""
        sid = scene.reserve()
        before = scene.fetch(sid)
        scene.platform.set_task_attributes(scene.task.sid, {"language": "de"})
        assert scene.fetch(sid) == before

    def test_worker_sdk_29(self, scene: Scene) -> None:
        """A reservation raises its worker's version by one; rejecting it does not."""
        worker = scene.workers[0].sid
        sid = scene.reserve()
        assert scene.platform.worker(worker).version == 1
        scene.update(sid, REJECT)
        assert scene.platform.worker(worker).version == 1

    def test_worker_sdk_3(self, scene: Scene) -> None:
        """Call and redirect raise the version by one while the status stays pending."""
        sid = scene.reserve()
        told = [scene.update(sid, form) for form in (CALL_WORKER, REDIRECT, CONFERENCE)]
        assert [(each.body["reservation_status"], each.headers["ETag"]) for each in told] == [
            ("pending", str(n)) for n in (1, 2, 3)
        ]

    def test_worker_sdk_11(self, scene: Scene) -> None:
        """The task's status that goes with each event is the one after everything that came with it."""
        first, second = scene.reserve(0), scene.reserve(1)
        scene.update(first, ACCEPT)
        scene.update(first, COMPLETE)
        acts = [
            (act.reservation.status.value, act.task_status.value)
            for act in scene.platform.journal
            if act.before is not None
        ]
        assert acts == [
            ("accepted", "assigned"),
            ("rescinded", "assigned"),
            ("completed", "completed"),
        ]
        assert [act.sid for act in scene.platform.journal if act.trigger == "rescinded"] == [second]

    # --- wire 1.3, 1.4, 2, 3 and 6: the surface ---------------------------------------------------------------------------------------

    @pytest.mark.parametrize("written", ["{}", '"{}"'], ids=["bare", "quoted"])
    def test_if_match(self, scene: Scene, written: str) -> None:
        """The present version is taken bare and quoted; any other is a 412 with 20412, and nothing is done."""
        sid = scene.reserve()
        assert scene.update(sid, ACCEPT, If_Match=written.format(7)).told("code", "status") == (
            412,
            20412,
            412,
        )
        assert scene.status(sid) == "pending"
        assert scene.update(sid, ACCEPT, if_match=written.format(0)).status == 200
        assert scene.update(sid, COMPLETE, worker=0, If_Match=written.format(0)).status == 412

    def test_openapi_etag(self, scene: Scene) -> None:
        """The task route tells the version on fetch, list and update; the worker route on its list only."""
        sid = scene.reserve()
        for replied, tells in (
            (scene.fetch(sid), True),
            (scene.list(), True),
            (scene.update(sid, CALL_WORKER), True),
            (scene.list(worker=0), True),
            (scene.fetch(sid, worker=0), False),
            (scene.update(sid, CALL_WORKER, worker=0), False),
        ):
            assert replied.status == 200
            assert ("etag" in {name.lower() for name in replied.headers}) is tells

    def test_openapi_body(self, scene: Scene) -> None:
        """A body has the reference's eleven fields; its address is the asked route's, its links the emulator's own, its dates end in Z."""
        sid, worker = scene.reserve(), scene.workers[0]
        body = scene.fetch(sid, worker=0).body
        base = f"{scene.drive.origin}/v1/Workspaces/{WORKSPACE}"
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
            "url": scene.drive.origin + scene.path(sid, worker=0),
            "links": {
                "task": f"{base}/Tasks/{scene.task.sid}",
                "worker": f"{base}/Workers/{worker.sid}",
                "workspace": base,
            },
        }

    def test_openapi_supervise_is_on_the_task_route(self, scene: Scene) -> None:
        """The worker route has no supervise."""
        sid = scene.reserve()
        scene.update(sid, ACCEPT)
        form = [
            ("Instruction", "supervise"),
            ("SupervisorMode", "monitor"),
            ("Supervisor", scene.workers[1].sid),
        ]
        assert scene.update(sid, form, worker=0).status == 400
        assert scene.update(sid, form).status == 200

    def test_clients_follow_next_page_url(self, scene: Scene) -> None:
        """Every link of a page leads back to where the emulator is, and following them shows every reservation once."""
        made = [scene.reserve(worker) for worker in (0, 1, 2)]
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
                link.startswith(f"{scene.drive.origin}{scene.path()}?")
                for link in links
                if link is not None
            )
            following = meta["next_page_url"]
            target = None if following is None else "?" + following.partition("?")[2]
        assert seen == made

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
    def test_clients_write_otherwise(self, scene: Scene, form: Form) -> None:
        """What the official clients of all languages write is understood: unknown fields, letter case, lists of both kinds."""
        assert scene.update(scene.reserve(), form).status == 200

    def test_reports_401(self, launch: Launch) -> None:
        """Where accounts are configured, wrong credentials are a 401 with 20003, and the right ones pass."""
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
            assert refused.told("code", "message") == (401, 20003, "Authenticate")
        assert scene.fetch(sid).status == 401
        assert scene.held(sid).etag == "0"
        assert scene.update(sid, ACCEPT, Authorization="Basic QUMxOnRva2Vu").status == 200

    def test_error_20429(self, launch: Launch) -> None:
        """More requests than a second may have are a 429 that is never processed; a second later it goes on."""
        scene = Scene(launch(Settings(rate_limit=2)))
        sid = scene.reserve()
        told = [scene.update(sid, CALL_WORKER) for _ in range(3)]
        assert [each.status for each in told] == [200, 200, 429]
        assert [each.headers["X-Rate-Limit-Remaining"] for each in told] == ["1", "0", "0"]
        assert {each.headers["X-Rate-Limit-Limit"] for each in told} == {"2"}
        assert told[2].body["code"] == 20429
        assert (scene.held(sid).etag, scene.fetch(sid).status) == ("2", 200)
        scene.platform.advance(0.5)
        assert [scene.update(sid, CALL_WORKER).status for _ in range(2)] == [200, 429]

    def test_browser_sdk_preflight(self, scene: Scene) -> None:
        """A browser may ask from any origin, with the headers that the worker SDK sends, and read the version."""
        asked = scene.drive.send(
            "OPTIONS", scene.path("WR" + HEX), [("Origin", "https://example.com")], b""
        )
        assert asked.status == 204
        allowed = asked.headers["Access-Control-Allow-Headers"].lower()
        assert all(
            name in allowed
            for name in ("authorization", "content-type", "if-match", "apiversion", "clientversion")
        )
        assert "POST" in asked.headers["Access-Control-Allow-Methods"]
        read = scene.fetch(scene.reserve())
        assert read.headers["Access-Control-Allow-Origin"] == "*"
        assert "ETag" in read.headers["Access-Control-Expose-Headers"]
