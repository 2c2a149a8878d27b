"""Reason codes and transfers (domain 1.6 and 1.7)."""

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
    HEX,
    NUMBER,
    REDIRECT,
    REJECT,
    WRAP,
    Form,
    Launch,
    Scene,
)


class Transfers:
    """Reason codes and transfers (domain 1.6 and 1.7)."""

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
