"""Parity runs against an emulated platform whose time the run itself moves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Final

from reservation_core import Gateway, Reply, Request
from reservation_core.emulator import ManualClock, Platform, Settings
from reservation_core.emulator.resources.gateway import WorkspaceGateway
from reservation_core.parity.findings import Finding, ParityReport
from reservation_core.parity.runner import ParityRun, Progress, choose
from reservation_core.parity.scene import ParityScene, Voice
from reservation_core.parity.wire import Wire

CALLER, CALLEE = "+15005550006", "+15005550009"
VOICE: Final = Voice(caller=CALLER, callee=CALLEE)

Twist = Callable[[Request, Reply], Reply]
"""Changes the reply to a request, or raises an error in its place."""


class TwistedGateway:
    """Gateway that changes the replies of another one."""

    def __init__(self, gateway: Gateway, twist: Twist) -> None:
        self._gateway = gateway
        self.twist = twist
        self.requests: list[str] = []

    def send(self, request: Request) -> Reply:
        """Send a request, and change its reply."""
        self.requests.append(describe(request))
        return self.twist(request, self._gateway.send(request))


def describe(request: Request) -> str:
    """Return method, path and form of a request in one line."""
    form = "&".join(f"{name}={value}" for name, value in request.form)
    return f"{request.method} {request.path} {form}"


def change(
    pattern: str,
    status: int | None = None,
    body: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    first: int = 0,
) -> Twist:
    """Return a twist that changes matching replies.

    :param pattern: a regular expression that is searched for in method, path and form.
    :param body: properties to replace.
    :param headers: replace all headers.
    :param first: the number of matching replies that stay as they are.
    """
    count = 0

    def twist(request: Request, reply: Reply) -> Reply:
        nonlocal count
        if not re.search(pattern, describe(request)):
            return reply
        count += 1
        if count <= first:
            return reply
        content = {**json.loads(reply.body or b"{}"), **(body or {})}
        kept = reply.headers if headers is None else headers
        return Reply(status or reply.status, kept, json.dumps(content).encode())

    return twist


class Stage:
    """An emulated platform, and a run on it.

    :param twist: changes the replies.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        names: Collection[str] = (),
        voice: Voice | None = VOICE,
        slow: bool = False,
        twist: Twist | None = None,
        limit: float | None = None,
        workspace_sid: str | None = None,
        gateway: Gateway | None = None,
        platform: Platform | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.platform: Final = platform or Platform(ManualClock(), settings=settings)
        inner = gateway or WorkspaceGateway(self.platform)
        self.gateway: Final = TwistedGateway(inner, twist or (lambda _, reply: reply))
        self.wire: Final = Wire(
            self.gateway,
            hidden=(CALLER, CALLEE),
            sleep=self.platform.advance,
            now=lambda: self.platform.now().timestamp(),
        )
        self.scene: Final = ParityScene(self.wire, workspace_sid=workspace_sid, voice=voice)
        chosen = choose(names=names, has_voice=voice is not None, is_slow=slow)
        self.experiments: Final = chosen
        self._run: Final = ParityRun(self.wire, self.scene, chosen, limit=limit, progress=progress)

    def run(self) -> ParityReport:
        """Make all experiments and return the report."""
        self._run.run()
        return self.report()

    def report(self) -> ParityReport:
        """Return the report until now."""
        return self._run.report("https://example.com")

    @property
    def is_empty(self) -> bool:
        """True if nothing is left on the platform."""
        reply = self.gateway.send(Request("GET", "/v1/Workspaces"))
        return (
            json.loads(reply.body)["workspaces"] == []
            and not self.platform.tasks()
            and not self.platform.workers()
        )


@cache
def run_by_default() -> tuple[Stage, ParityReport]:
    """Make all experiments on a default platform, once for all tests."""
    stage = Stage(slow=True)
    return stage, stage.run()


def find(
    name: str,
    settings: Settings | None = None,
    *,
    voice: Voice | None = VOICE,
    twist: Twist | None = None,
    limit: float | None = None,
) -> Finding:
    """Make one experiment and return its finding."""
    stage = Stage(settings, names=[name], voice=voice, slow=True, twist=twist, limit=limit)
    (finding,) = stage.run().findings
    assert stage.is_empty
    return finding
