"""Run the contract of the gateways with the least supported versions.

A new virtual environment gets the least version of each requirement that ``pyproject.toml`` names
for the gateways. What those require in turn is as new as they allow.

    python -m tests.project.least_versions [options of pytest]
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
EXTRAS: Final = ("http", "httpx2", "aiohttp", "twilio", "emulator", "testing")
"""The gateways, and what their tests need."""

TOOLS: Final = ("cryptography", "pytest-timeout", "trustme")
TESTS: Final = ("tests/gateways", "tests/testing/contract/test_gateway_contract.py")


def least_versions(extras: tuple[str, ...] = EXTRAS) -> list[str]:
    """Return the requirements of extras, each with its least version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements: list[str] = [*project["dependencies"]]
    for extra in extras:
        requirements += project["optional-dependencies"][extra]
    return sorted({pinned(requirement) for requirement in requirements})


def pinned(requirement: str) -> str:
    """Return a requirement with its least version, and no other.

    >>> pinned("transitions>=0.9.3,<0.10")
    'transitions==0.9.3'
    """
    found = re.match(r"([\w\[\]-]+)>=([\w.]+)", requirement)
    if not found:
        raise ValueError(f"{requirement} names no least version. Give one with >=")
    return f"{found[1]}=={found[2]}"


def main(options: list[str]) -> int:
    """Install the least versions and run the tests. Return pytest's exit code."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = f"{folder}/bin/python"
        install = [python, "-m", "pip", "install", "--quiet", "--no-compile"]
        subprocess.run([*install, *least_versions(), *TOOLS], check=True)
        subprocess.run([*install, "--no-deps", "--editable", str(ROOT)], check=True)
        tests = [python, "-m", "pytest", "-p", "no:cacheprovider", *TESTS, *options]
        return subprocess.run(tests, check=False, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
