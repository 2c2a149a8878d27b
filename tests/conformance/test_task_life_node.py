"""A task's whole life with the official Node client.

It needs ``npm install twilio`` in a folder, and ``NODE_PATH`` names its ``node_modules``.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from reservation_core.emulator.server import running_emulator

SCRIPT = Path(__file__).with_name("task_life.cjs")


@pytest.mark.slow
def test_node_client_takes_a_task_through_its_life() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    found = subprocess.run([node, "-e", "require('twilio')"], capture_output=True, check=False)
    if found.returncode:
        pytest.skip("Node does not find the package twilio: npm install twilio, and set NODE_PATH")
    with running_emulator() as emulator:
        run = subprocess.run(
            [node, str(SCRIPT), emulator.url],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (run.stdout, run.stderr, run.returncode) == ("done\n", "", 0)
