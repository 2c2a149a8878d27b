"""Creations: what stays at the first attempt is deleted at a later one."""

from __future__ import annotations

from reservation_core import Reply, Request
from reservation_core.emulator import ManualClock, Platform
from reservation_core.emulator.resources.gateway import WorkspaceGateway
from tests.parity.stage import Stage


class _KeepsLiveTasks:
    """Gateway that deletes a task only after an attempt to end it."""

    def __init__(self, platform: Platform) -> None:
        self._gateway = WorkspaceGateway(platform)
        self._ended: set[str] = set()

    def send(self, request: Request) -> Reply:
        if "AssignmentStatus" in dict(request.form):
            self._ended.add(request.path)
        is_task = "/Tasks/" in request.path
        if request.method == "DELETE" and is_task and request.path not in self._ended:
            return Reply(400)
        return self._gateway.send(request)


def test_task_that_cannot_be_deleted_is_ended_first() -> None:
    platform = Platform(ManualClock())
    gateway = _KeepsLiveTasks(platform)
    scene = Stage(platform=platform, gateway=gateway).scene
    scene.open()
    scene.one()
    assert len(platform.tasks()) == 1
    scene.finish()
    assert platform.tasks() == ()
    assert not any("/Tasks/" in path for path in scene.remaining)
    assert scene.close() == ()
