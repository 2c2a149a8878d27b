"""Consequences of each step (domain 1.3 and 1.5)."""

from __future__ import annotations

import pytest

from reservation_core import Status
from reservation_core.emulator import Settings
from tests.conformance.scene import (
    ACCEPT,
    CALL_WORKER,
    COMPLETE,
    CONFERENCE,
    DEQUEUE,
    REDIRECT,
    REJECT,
    WORKSPACE,
    Form,
    Launch,
    Scene,
)


class Steps:
    """Consequences of each step (domain 1.3 and 1.5)."""

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
