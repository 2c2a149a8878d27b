"""Messages of the platform that were observed (domain 3.3)."""

from __future__ import annotations

import pytest

from reservation_core.emulator import Settings, TaskConflict
from tests.conformance.scene import (
    ACCEPT,
    CONFERENCE,
    Launch,
    Scene,
)


class Messages:
    """Messages of the platform that were observed (domain 3.3)."""

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

    @pytest.mark.parametrize(
        ("status", "expected"),
        [("rejected", "pending"), ("wrapping", "accepted"), ("completed", "accepted")],
    )
    def test_other_update_on_hold_names_what_it_asked_for(
        self, scene: Scene, status: str, expected: str
    ) -> None:
        """The same sentence. Nothing but an accept leads to on hold."""
        sid = scene.reserve()
        scene.update(sid, CONFERENCE)
        message = (
            f"Reservation {sid} not in expected state [{expected}] "
            f"and cannot be updated to [{status}]"
        )
        assert scene.update(sid, [("ReservationStatus", status)]).fields("message") == (
            400,
            message,
        )

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
