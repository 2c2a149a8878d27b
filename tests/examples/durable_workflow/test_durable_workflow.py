"""Test of the durable workflow: two crashes of its process, on two databases."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import URL

from reservation_core import Status
from reservation_core.emulator.callbacks.settings import CallbackSettings
from reservation_core.emulator.faults import Fault, FaultKind
from reservation_core.emulator.server import Emulator, running_emulator
from tests.book.server import server

ROOT = Path(__file__).parents[3]
TOKEN = "0123456789abcdef" * 2
WORKSPACE = "WS" + "0" * 32
WAIT = 30.0


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Generator[dict[str, str]]:
    """Return the setting of an empty database."""
    if request.param == "sqlite":
        yield {}
        return
    with server(durable=False) as make:
        parts = conninfo_to_dict(make("unused"))
        url = URL.create(
            "postgresql",
            str(parts["user"]),
            database=str(parts["dbname"]),
            query={"host": str(parts["host"])},
        )
        yield {"DATABASE_URL": url.render_as_string()}


@contextmanager
def running_service(emulator: Emulator, settings: dict[str, str], folder: Path) -> Generator[str]:
    """Run the service, and kill it at the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.examples.durable_workflow.service"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **settings},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().split()[-1]
        url = f"http://127.0.0.1:{port}"
        emulator.callback_queue.settings = CallbackSettings(
            assignment_url=f"{url}/assignment", event_url=f"{url}/events", auth_token=TOKEN
        )
        yield url
    finally:
        process.kill()
        process.communicate()


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_each_command_acts_once_through_two_crashes(
    database: dict[str, str], tmp_path: Path
) -> None:
    with running_emulator() as emulator:
        platform = emulator.platform
        settings = database | {
            "TASKROUTER_URL": emulator.url,
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "AFTER_WORK": "0.5",
            "PORT": "0",
        }

        def reports(status: Status) -> bool:
            return platform.get(sid).status is status

        with running_service(emulator, settings, tmp_path):
            emulator.faults.add(Fault(kind=FaultKind.LOST_REPLY, method="POST", seconds=2))
            task, worker = platform.add_task(WORKSPACE), platform.add_worker(WORKSPACE)
            sid = str(platform.reserve(task.sid, worker.sid).sid)
            wait_until(lambda: reports(Status.ACCEPTED))
        # It was killed before it knew that the accept had acted.
        with running_service(emulator, settings, tmp_path) as url:
            urllib.request.urlopen(f"{url}/reservations/{sid}/finished", b"", timeout=WAIT).close()
            wait_until(lambda: reports(Status.WRAPPING))
        # It was killed during the after-work.
        with running_service(emulator, settings, tmp_path):
            wait_until(lambda: reports(Status.COMPLETED))
            emulator.settle()
        assert [(act.trigger, act.by) for act in platform.journal] == [
            ("created", "platform"),
            ("accept", "client"),
            ("wrap", "client"),
            ("complete", "client"),
        ]
