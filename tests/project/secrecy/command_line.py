"""Canaries on the command line: what it prints, also about errors.

It prints numbers and contacts as they were typed. So there are only secrets here.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Final
from unittest import mock

from reservation_core.testing.contract.loopback import (
    LoopbackServer,
    Responder,
    closed_port,
    json_response,
)
from tests.cli.running import SID, SIDS, TASK, WORKSPACE, run
from tests.project.secrecy.canaries import CREDENTIALS, NAME, PASSWORD, PHONE, TOKEN, Case

_ENVIRONMENT: Final = {
    "TWILIO_API_KEY": CREDENTIALS.username,
    "TWILIO_API_SECRET": PASSWORD,
    "TWILIO_AUTH_TOKEN": TOKEN,
    "RESERVATION_CORE_SIP_AUTH_PASSWORD": PASSWORD,
}
_WHERE: Final = (WORKSPACE, TASK, SID)
_CONFERENCE: Final = ("conference", "--to=client:a", f"--sip-auth-password={PASSWORD}")


def _run(*argv: str, code: int | None = None) -> Case:
    def call() -> str:
        with mock.patch.dict(os.environ, _ENVIRONMENT):
            result = run(*argv)
        assert code is None or result.code == code
        return result.out + result.err

    return Case(call)


def _ask(*argv: str, answers: tuple[Responder, ...] = (), credentials: str = "") -> Case:
    def call() -> str:
        server = LoopbackServer(*answers) if answers else None
        with server or closed_port() as opened:
            origin = opened if isinstance(opened, str) else opened.origin
            origin = origin.replace("://", f"://{credentials}")
            with mock.patch.dict(os.environ, _ENVIRONMENT):
                result = run(*argv, f"--base-url={origin}")
        assert result.code != 0
        return result.out + result.err

    return Case(call)


def _with_file(*argv: str, content: str) -> Case:
    def call() -> str:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "file.json")
            path.write_text(content, "utf-8")
            result = run(*argv, str(path))
        assert result.code != 0
        return result.out + result.err

    return Case(call)


def _run_parity() -> str:
    with tempfile.TemporaryDirectory() as folder, closed_port() as origin:
        with mock.patch.dict(os.environ, _ENVIRONMENT):
            result = run(
                "parity", "--yes", "--limit=1", f"--output={folder}", f"--base-url={origin}"
            )
        written = [path.read_text("utf-8") for path in Path(folder).iterdir()]
    assert result.code != 0
    return result.out + result.err + "".join(written)


_PENDING: Final = json_response(
    json.dumps({"sid": SIDS["sid"], "reservation_status": "pending", "worker_name": NAME}).encode()
)
_REFUSAL: Final = json_response(
    json.dumps({"code": 20001, "message": f"{PHONE} or {PASSWORD}"}).encode(), "400 Bad Request"
)
CASES: Final = {
    "explain": _run("explain", "pending", "conference"),
    "explain with a secret": _run("explain", PASSWORD, TOKEN),
    "explain with a wrong report": _with_file(
        "explain", "pending", "wrap", "--parity", content=f'{{"{NAME}": "{PASSWORD}'
    ),
    "encode": _run("encode", *_CONFERENCE, code=0),
    "encode as JSON": _run("encode", *_CONFERENCE, "--json", code=0),
    "encode a wrong command": _run("encode", *_CONFERENCE, "--timeout=0", code=1),
    "encode a URL with a password": _run(
        "encode", "conference", f"--status-callback=https://u:{PASSWORD}@example.com/", code=0
    ),
    "an unknown command": _run(PASSWORD, TOKEN, code=2),
    "an unknown flag": _run("encode", "conference", f"--{PASSWORD}={TOKEN}", code=2),
    "a dry run": _run("send", *_CONFERENCE, *_WHERE, "--dry-run", code=0),
    "send without a connection": _ask("send", *_CONFERENCE, *_WHERE),
    "send, refused": _ask("send", *_CONFERENCE, *_WHERE, answers=(_PENDING, _REFUSAL)),
    "show without a connection": _ask("show", *_WHERE, "--json"),
    "show with a password in the URL": _ask("show", *_WHERE, credentials=f"user:{PASSWORD}@"),
    "list without a connection": _ask("list", WORKSPACE, TASK),
    "serve with a password in a URL": _run(
        "serve", f"--event-url=https://user:{PASSWORD}@example.com", code=2
    ),
    "serve at a URL with a password": _run(
        "serve", f"--public-url=https://user:{PASSWORD}@example.com", code=2
    ),
    "serve with a wrong seed": _with_file("serve", "--seed", content=f'{{"{NAME}": "{PASSWORD}'),
    "serve with wrong settings": _with_file(
        "serve", "--settings", content=json.dumps({"accounts": {"AC1": PASSWORD}})
    ),
    "serve with a wrong state": _with_file("serve", "--state", content=f"{NAME} {PASSWORD}" * 99),
    "plan of a parity run": _run("parity", f"--base-url=https://u:{PASSWORD}@example.com"),
    "parity without a connection": Case(_run_parity),
}
