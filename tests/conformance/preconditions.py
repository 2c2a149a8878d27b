"""Preconditions of instructions (domain 2.2)."""

from __future__ import annotations

import pytest

from reservation_core.emulator import Settings
from tests.conformance.scene import (
    ACCEPT,
    CALL,
    CALL_WORKER,
    CONFERENCE,
    DEQUEUE,
    NUMBER,
    REDIRECT,
    WORKSPACE,
    Form,
    Launch,
    Scene,
)


class Preconditions:
    """Preconditions of instructions (domain 2.2)."""

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
