"""Files of the page: their headers, and their place in the wheel."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from reservation_core.emulator.server import Emulator
from tests.emulator.wire import ask


def test_page_forbids_other_origins_inline_scripts_and_frames(emulator: Emulator) -> None:
    answer = ask(emulator.url, "GET", "/_emulator/")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = dict(
        part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; ")
    )
    assert (
        policy["default-src"]
        == policy["frame-ancestors"]
        == policy["base-uri"]
        == policy["form-action"]
        == "'none'"
    )
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert not re.search("unsafe|http", answer.headers["content-security-policy"])
    text = answer.body.decode()
    assert not re.search(
        r"""<script(?![^>]* src="page\.js")|\son\w+=|\sstyle=|(?:src|href)="(?:https?:)?//""", text
    )
    script = ask(emulator.url, "GET", "/_emulator/page.js").body.decode()
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", script
    )
    for name, kind in (
        ("page.js", "text/javascript"),
        ("page.css", "text/css"),
        ("icon.svg", "image/svg+xml"),
    ):
        answer = ask(emulator.url, "GET", f"/_emulator/{name}")
        assert (
            answer.status,
            answer.headers["content-type"].split(";")[0],
            answer.headers["x-content-type-options"],
        ) == (200, kind, "nosniff")
    moved = ask(emulator.url, "GET", "/_emulator")
    assert (moved.status, moved.headers["location"]) == (308, "/_emulator/")


@pytest.mark.parametrize("target", ["/", "/?x=1"])
def test_root_leads_to_the_page(target: str, emulator: Emulator) -> None:
    moved = ask(emulator.url, "GET", target)
    assert (moved.status, moved.headers["location"]) == (307, "/_emulator/")
    assert ask(emulator.url, "POST", "/").status == 405


def test_picture_is_drawn_from_the_lifecycle(emulator: Emulator) -> None:
    from reservation_core.diagrams.svg import draw_lifecycle

    assert draw_lifecycle() in ask(emulator.url, "GET", "/_emulator/").body.decode()


def test_wheel_contains_the_page(tmp_path: Path) -> None:
    from hatchling.builders.wheel import WheelBuilder

    import reservation_core

    root = Path(reservation_core.__file__).parent.parent
    (wheel,) = WheelBuilder(str(root)).build(directory=str(tmp_path), versions=["standard"])
    names = set(zipfile.ZipFile(wheel).namelist())
    files = {path.name for path in (root / "reservation_core/emulator/control/page").iterdir()}
    assert files == {"index.html", "page.css", "page.js", "icon.svg"}
    assert {f"reservation_core/emulator/control/page/{name}" for name in files} <= names
