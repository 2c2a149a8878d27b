"""Scene of a parity run: workspace, workers, queues, tasks and reservations."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Final, cast

import attrs

from reservation_core.parity.creations import Creations
from reservation_core.parity.findings import CouldNotTell, ParityFailed
from reservation_core.parity.wire import Wire, WireAnswer, must
from reservation_core.rest.messages import IF_MATCH

SETTLE_SECONDS: Final = 2.0
"""Time after which the platform has done what it will do."""

_OFFER_SECONDS: Final = 20.0  # until a new task is offered to a worker
_RESERVATION_TIMEOUT: Final = 600  # seconds; no reservation times out during an experiment


@attrs.frozen(kw_only=True)
class Voice:
    """Consent to voice instructions, with what they may use.

    :param caller: a number of the account, as the caller ID.
    :param callee: the number or contact that may ring.
    :param call_sid: a live call that waits in a queue; without one, a SID of no call is used.
    """

    caller: str = attrs.field(repr=False)
    callee: str = attrs.field(repr=False)
    call_sid: str | None = None


@attrs.frozen
class Held:
    """A reservation of the scene."""

    scene: ParityScene = attrs.field(repr=False)
    task_sid: str
    sid: str
    worker_sid: str

    @property
    def path(self) -> str:
        """Its path on the task route."""
        return self.scene.path("Tasks", self.task_sid, "Reservations", self.sid)

    @property
    def worker_path(self) -> str:
        """Its path on the worker route."""
        return self.scene.path("Workers", self.worker_sid, "Reservations", self.sid)

    def update(self, *form: tuple[str, str], version: str | None = None) -> WireAnswer:
        """Update it.

        :param version: the version for If-Match, as it is sent.
        """
        headers = {} if version is None else {IF_MATCH: version}
        return self.scene.wire.ask("POST", self.path, form, headers)

    def set_status(self, status: str, *more: tuple[str, str]) -> WireAnswer:
        """Set its status."""
        return self.update(("ReservationStatus", status), *more)

    def must_set(self, status: str) -> WireAnswer:
        """Set its status.

        :raises CouldNotTell: if that is refused.
        """
        return must(self.set_status(status), f"setting {status}")

    def fetch(self) -> WireAnswer:
        """Fetch it."""
        return self.scene.wire.ask("GET", self.path)

    @property
    def status(self) -> str:
        """The status that the platform shows now."""
        return self.fetch().text("reservation_status")

    def wait_for(self, status: str, seconds: float = SETTLE_SECONDS) -> bool:
        """Wait until it shows a status."""
        return self.scene.wire.wait_for(lambda: self.status == status, seconds)


class ParityScene:
    """Workspace, workers, queues and tasks of a parity run. All of it is deleted by ``close``.

    :param workspace_sid: an existing workspace; by default a new one is created.
    :param voice: consent to voice instructions.
    """

    def __init__(
        self, wire: Wire, *, workspace_sid: str | None = None, voice: Voice | None = None
    ) -> None:
        self.wire: Final = wire
        self.voice: Final = voice
        self.name: Final = f"parity-{secrets.token_hex(4)}"
        """The beginning of the names of everything that is created."""
        self.workspace_sid: str = workspace_sid or ""
        self.activities: dict[str, str] = {}
        self._is_own_workspace: Final = workspace_sid is None
        self._creations: Final = Creations(wire)
        self._workers: list[str] = []
        self._workflows: dict[tuple[int, int | None], str] = {}

    def path(self, *parts: str) -> str:
        """Return a path in the workspace."""
        return "/".join(("/v1/Workspaces", self.workspace_sid, *parts))

    def open(self) -> None:
        """Create the workspace, unless one is named, and two activities.

        :raises ParityFailed: if the platform refuses that.
        """
        try:
            if self._is_own_workspace:
                self.workspace_sid = self._creations.create(
                    "/v1/Workspaces", FriendlyName=self.name
                )
            else:
                must(self.wire.ask("GET", self.path()), "fetching the workspace")
            for activity, is_available in (("here", "true"), ("away", "false")):
                self.activities[activity] = self._creations.create(
                    self.path("Activities"),
                    FriendlyName=f"{self.name}-{activity}",
                    Available=is_available,
                )
            self._creations.away = self.activities["away"]
        except CouldNotTell as error:
            remedy = "Check the credentials, the base URL and the workspace"
            raise ParityFailed(str(error), remedy) from None

    # --- workers and tasks ---

    def worker(self, number: int) -> str:
        """Return the SID of a worker. It is created at the first use."""
        while len(self._workers) <= number:
            attributes = {"parity": self.name, "contact_uri": f"client:{self.name}"}
            self._workers.append(
                self._creations.create(
                    self.path("Workers"),
                    FriendlyName=f"{self.name}-{len(self._workers)}",
                    ActivitySid=self.activities["away"],
                    Attributes=json.dumps(attributes),
                )
            )
        return self._workers[number]

    def set_activity(self, worker_sid: str, activity: str, *more: tuple[str, str]) -> WireAnswer:
        """Set a worker's activity: ``here`` or ``away``."""
        form = (("ActivitySid", self.activities[activity]), *more)
        return self.wire.ask("POST", self.path("Workers", worker_sid), form)

    def set_available(self, count: int) -> None:
        """Make the first workers available, and no other."""
        self.worker(count - 1)
        for number, sid in enumerate(self._workers):
            activity = "here" if number < count else "away"
            must(self.set_activity(sid, activity), "setting a worker's activity")

    def workflow(self, max_reserved: int = 1, timeout: int | None = _RESERVATION_TIMEOUT) -> str:
        """Return the SID of a workflow with its own queue. It is created at the first use.

        :param max_reserved: number of workers that a task is offered to at once.
        :param timeout: the reservation timeout; ``None`` for the platform's default.
        """
        key = (max_reserved, timeout)
        if key not in self._workflows:
            name = f"{self.name}-{max_reserved}-{timeout}"
            queue_sid = self._creations.create(
                self.path("TaskQueues"),
                FriendlyName=name,
                TargetWorkers=f'parity == "{self.name}"',
                MaxReservedWorkers=str(max_reserved),
            )
            default: dict[str, object] = {"filters": [], "default_filter": {"queue": queue_sid}}
            more = {} if timeout is None else {"TaskReservationTimeout": str(timeout)}
            self._workflows[key] = self._creations.create(
                self.path("Workflows"),
                FriendlyName=name,
                Configuration=json.dumps({"task_routing": default}),
                **more,
            )
        return self._workflows[key]

    def add_task(
        self,
        attributes: Mapping[str, object] | None = None,
        *,
        max_reserved: int = 1,
        timeout: int | None = _RESERVATION_TIMEOUT,
    ) -> str:
        """Create a task and return its SID. It ends with the experiment."""
        return self._creations.create(
            self.path("Tasks"),
            WorkflowSid=self.workflow(max_reserved, timeout),
            Attributes=json.dumps(attributes or {"parity": self.name}),
        )

    def update_task(self, sid: str, status: str) -> WireAnswer:
        """Set a task's status."""
        form = (("AssignmentStatus", status), ("Reason", "parity"))
        return self.wire.ask("POST", self.path("Tasks", sid), form)

    def reservations(self, task_sid: str, query: str = "") -> list[Held]:
        """Return the reservations of a task, in any status."""
        answer = self.wire.ask("GET", self.path("Tasks", task_sid, "Reservations") + query)
        rows = must(answer, "listing the reservations").body.get("reservations")
        return [
            Held(self, task_sid, str(row.get("sid")), str(row.get("worker_sid")))
            for row in cast("list[dict[str, object]]", rows if isinstance(rows, list) else [])
        ]

    def reserve(
        self,
        count: int = 1,
        attributes: Mapping[str, object] | None = None,
        *,
        timeout: int | None = _RESERVATION_TIMEOUT,
    ) -> list[Held]:
        """Create a task, and return the reservations of some workers.

        :raises CouldNotTell: if the platform does not offer it in time.
        """
        self.set_available(count)
        task_sid = self.add_task(attributes, max_reserved=count, timeout=timeout)
        return self.wait_for_offers(task_sid, count)

    def wait_for_offers(self, task_sid: str, count: int = 1) -> list[Held]:
        """Wait for the pending reservations of a task, and return them.

        Only those of the run's own workers count. Another worker is left alone.

        :raises CouldNotTell: if that takes too long.
        """
        found: list[Held] = []

        def has_enough() -> bool:
            offered = self.reservations(task_sid, "?ReservationStatus=pending")
            found[:] = [held for held in offered if held.worker_sid in self._workers]
            return len(found) >= count

        if not self.wire.wait_for(has_enough, _OFFER_SECONDS):
            raise CouldNotTell(f"the task was offered to {len(found)} of {count} workers")
        return found

    def one(self, attributes: Mapping[str, object] | None = None) -> Held:
        """Return a new pending reservation."""
        return self.reserve(1, attributes)[0]

    # --- calls ---

    def require_voice(self) -> Voice:
        """Return the consent to voice instructions.

        :raises CouldNotTell: if there is none.
        """
        if self.voice is None:
            raise CouldNotTell("it needs a voice instruction, which --voice allows")
        return self.voice

    @property
    def call_sid(self) -> str:
        """The SID of the live call, or of no call."""
        given = self.voice.call_sid if self.voice else None
        return given or f"CA{secrets.token_hex(16)}"

    def call_attributes(self, call_sid: str | None = None) -> dict[str, object]:
        """Return the attributes of a task with a call."""
        voice = self.require_voice()
        return {
            "parity": self.name,
            "call_sid": call_sid or self.call_sid,
            "from": voice.caller,
            "to": voice.callee,
            "outbound_to": voice.callee,
        }

    # --- the end ---

    def finish(self) -> None:
        """End the tasks of an experiment. What cannot be deleted is tried again at the end."""
        self._creations.delete_tasks()

    def close(self) -> tuple[str, ...]:
        """Delete everything that was created.

        :returns: what is left, with the reason.
        """
        return self._creations.delete_all()

    @property
    def remaining(self) -> tuple[str, ...]:
        """The paths of everything that was created and not deleted yet."""
        return self._creations.remaining
