"""Behavior in the tests of the worker SDK (wire 4.4)."""

from __future__ import annotations

from reservation_core import Status
from tests.conformance.scene import (
    ACCEPT,
    ACTIVITY,
    CALL,
    CALL_WORKER,
    COMPLETE,
    CONFERENCE,
    REDIRECT,
    REJECT,
    WORKSPACE,
    WRAP,
    Scene,
)


class WorkerSdk:
    """Behavior in the tests of the worker SDK (wire 4.4)."""

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
