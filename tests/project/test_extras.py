"""Tests of the extras: each module that needs one names it, and each names a least version."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

import reservation_core
from reservation_core._extras import extra
from tests.project.least_versions import EXTRAS, least_versions, pinned

IMPORT_EVERY_MODULE = """
import importlib, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

blocked = set(sys.argv[1].split())
sys.meta_path.insert(0, Missing())
for module in sys.argv[2].split():
    try:
        importlib.import_module(module)
    except ImportError as error:
        print(module, error, sep="|")
"""

THIRD_PARTY = """aiohttp aiohttp_retry cyclopts django flask httpcore2 httptools httpx2 hypothesis
opentelemetry psycopg psycopg_pool pyreqwest pytest requests rich starlette trustme twilio urllib3
uvicorn yarl"""

NEEDS = {
    "book.stores.postgres": "postgres",
    "cli": "cli",
    "delivery.opentelemetry": "otel",
    "emulator.http": "emulator",
    "emulator.server": "emulator",
    "gateways.aiohttp": "aiohttp",
    "gateways.aiohttp_connections": "aiohttp",
    "gateways.given_clients": "twilio",
    "gateways.httpx2": "httpx2",
    "gateways.httpx2_transport": "httpx2",
    "gateways.pyreqwest": "http",
    "gateways.requests_connections": "twilio",
    "gateways.requests_support": "twilio",
    "gateways.twilio": "twilio",
    "testing": "testing",
    "webhooks.django": "django",
    "webhooks.flask": "flask",
    "webhooks.starlette": "starlette",
}
"""The extra that a module, or each module of a package, needs."""


def needed_extra(module: str) -> str | None:
    """Return the extra that a module needs."""
    parts = module.removeprefix("reservation_core.").split(".")
    packages = itertools.accumulate(parts, "{}.{}".format)
    return next((NEEDS[package] for package in packages if package in NEEDS), None)


def test_each_module_names_the_extra_that_it_needs() -> None:
    root = Path(reservation_core.__file__).parent
    paths = (path.relative_to(root.parent).with_suffix("") for path in root.rglob("*.py"))
    modules = sorted(
        ".".join(path.parts).removesuffix(".__init__") for path in paths if path.name != "__main__"
    )
    output = subprocess.run(
        [sys.executable, "-S", "-c", IMPORT_EVERY_MODULE, THIRD_PARTY, " ".join(modules)],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    ).stdout
    texts = dict(line.split("|") for line in output.splitlines())
    assert len(texts) > 50
    assert {
        module: text
        for module, text in texts.items()
        if f"is missing: pip install 'reservation-core[{needed_extra(module)}]'" not in text
    } == {}


def test_package_that_is_too_old_names_the_extra() -> None:
    expected = r"^json is not supported: pip install 'reservation-core\[http\]'$"
    with pytest.raises(ImportError, match=expected), extra("http"):
        raise ImportError(name="json.tool")
    with (
        pytest.raises(ImportError, match=r"^a package is not supported: pip"),
        extra("http"),
    ):
        raise ImportError


def test_package_of_an_extra_within_an_extra_is_not_called_missing() -> None:
    expected = r"^aiohttp is not supported: pip install 'reservation-core\[twilio\]'$"
    with pytest.raises(ImportError, match=expected), extra("twilio"), extra("aiohttp"):
        raise ImportError(name="aiohttp")


def test_each_requirement_has_a_least_version() -> None:
    assert "httpx2==2.16.1" in least_versions(EXTRAS)
    with pytest.raises(ValueError, match="names no least version"):
        pinned("attrs")
