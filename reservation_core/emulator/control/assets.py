"""Files of the page, with headers that forbid all other content.

The page may use no other origin, no inline script and no frame. Its picture is drawn from the
lifecycle. The style sheet inside the picture is allowed by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from reservation_core.diagrams.svg import draw_lifecycle
from reservation_core.emulator.control.route import CONTROL_ROOT
from reservation_core.rest.messages import Reply

_PICTURE: Final = "<!-- lifecycle.svg -->"
_TYPES: Final = {
    "index.html": "text/html; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@cache
def page_files() -> Mapping[str, Reply]:
    """Return the files of the page by their paths."""
    folder = files("reservation_core.emulator.control") / "page"
    content = {name: (folder / name).read_text("utf-8") for name in _TYPES}
    picture = draw_lifecycle()
    content["index.html"] = content["index.html"].replace(_PICTURE, picture)
    policy = _policy(picture)
    replies = {
        f"{CONTROL_ROOT}/{name}": _reply(text, _TYPES[name], policy)
        for name, text in content.items()
    }
    replies[f"{CONTROL_ROOT}/"] = replies.pop(f"{CONTROL_ROOT}/index.html")
    replies[CONTROL_ROOT] = Reply(308, {"Location": f"{CONTROL_ROOT}/"}, b"")
    replies["/"] = Reply(307, {"Location": f"{CONTROL_ROOT}/"}, b"")
    return replies


def _policy(picture: str) -> str:
    hashes = (
        base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        for style in re.findall("<style>(.*?)</style>", picture, re.DOTALL)
    )
    styles = " ".join(["'self'", *(f"'sha256-{each}'" for each in hashes)])
    return (
        f"default-src 'none'; script-src 'self'; style-src {styles}; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _reply(text: str, kind: str, policy: str) -> Reply:
    headers = {
        "Content-Type": kind,
        "Content-Security-Policy": policy,
        "Cache-Control": "no-cache",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Reply(200, headers, text.encode())
