"""Canaries in parity runs: the numbers that may ring, and what a platform answers."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote

from reservation_core import Gateway, GatewayError, Reply, Request
from reservation_core.emulator import ManualClock, Platform
from reservation_core.emulator.resources.gateway import WorkspaceGateway
from reservation_core.parity.experiments.catalogue import EXPERIMENTS
from reservation_core.parity.findings import ParityFailed, ParityReport
from reservation_core.parity.plan import describe_plan
from reservation_core.parity.report import report_document, write_report
from reservation_core.parity.runner import ParityRun, choose
from reservation_core.parity.scene import ParityScene, Voice
from reservation_core.parity.wire import Wire
from tests.parity.stage import TwistedGateway
from tests.project.secrecy.canaries import CONTACT, NAME, PHONE, Case

VOICE: Final = Voice(caller=PHONE, callee=CONTACT)
_VOICE_EXPERIMENTS: Final = [each.name for each in EXPERIMENTS if each.needs_voice][:2]
_ECHO: Final = {
    "code": 20001,
    "message": f"{PHONE} or {quote(PHONE)} cannot call {CONTACT} or {quote(CONTACT)}",
    "worker_name": NAME,
}


def _echo(request: Request, reply: Reply) -> Reply:
    """Refuse each instruction, and show the numbers in it."""
    if any(name == "Instruction" for name, _ in request.form):
        return Reply(400, {}, json.dumps(_ECHO).encode())
    return reply


def _refuse(_: Request, reply: Reply) -> Reply:
    return Reply(400, reply.headers, json.dumps(_ECHO).encode())


def _fail(_: Request, __: Reply) -> Reply:
    raise GatewayError("the reply was lost")


def _run(twist: Callable[[Request, Reply], Reply]) -> ParityReport:
    platform = Platform(ManualClock())
    gateway: Gateway = TwistedGateway(WorkspaceGateway(platform), twist)
    wire = Wire(
        gateway,
        hidden=(VOICE.caller, VOICE.callee),
        sleep=platform.advance,
        now=lambda: platform.now().timestamp(),
    )
    scene = ParityScene(wire, voice=VOICE)
    run = ParityRun(wire, scene, choose(names=_VOICE_EXPERIMENTS, has_voice=True))
    run.run()
    return run.report("https://example.com")


def _write(twist: Callable[[Request, Reply], Reply]) -> object:
    report = _run(twist)
    with tempfile.TemporaryDirectory() as folder:
        paths = write_report(report, Path(folder))
        return [report, report_document(report), *(path.read_text("utf-8") for path in paths)]


CASES: Final = {
    "consent": Case(lambda: VOICE),
    "a plan": Case(lambda: describe_plan(EXPERIMENTS, workspace_sid=None, voice=VOICE)),
    "a report": Case(lambda: _write(lambda _, reply: reply)),
    "a report of refusals": Case(lambda: _write(_echo)),
    "a refused scene": Case(lambda: _run(_refuse), ParityFailed),
    "a lost reply": Case(lambda: _run(_fail), GatewayError),
}
