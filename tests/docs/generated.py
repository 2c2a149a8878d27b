"""Parts of the pages that are generated from the code.

``python -m tests.docs.generated`` writes tables and texts into the pages, between two marks, so
that a checkout can be read without the site. With ``--check`` it only prints the pages that are out
of date. The directives of the API pages are written when the site is built.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import partial
from keyword import iskeyword
from pathlib import Path
from typing import Any, Final
from unittest import mock

from reservation_core.cli.main import main
from reservation_core.diagrams.tables import write_parameters, write_statuses
from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.lifecycle import COMMAND_EDGES, Edge, label_state
from reservation_core.emulator.control.body_schema import describe_body
from reservation_core.emulator.control.route import CONTROL_ROOT, ControlRoute
from reservation_core.emulator.control.routes import CONTROL_ROUTES
from reservation_core.emulator.platform.settings import describe_settings
from reservation_core.rest import errors
from tests.docs.api import IMPORTED_FROM, write_room
from tests.docs.emulator_coverage import write_emulator
from tests.docs.pages import DOCS

CLI_COMMANDS: Final = (
    *("", "demo", "explain", "allowed", "encode"),
    *("show", "list", "send", "serve", "parity", "completion"),
)
"""The commands whose help is shown."""


def write_generated(folder: Path) -> None:
    """Write the changed directives of the API pages into a folder."""
    folder.mkdir(exist_ok=True)
    for name, write in FILES.items():
        path, text = folder / name, write()
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def write_settings() -> str:
    """Return the table of the emulator's settings."""
    rows = (
        (f"`{name}`", f"`{_show(default)}`", info.description, info.evidence, _choices(default))
        for name, default, info in describe_settings()
    )
    return _table("setting", "default", "meaning", "evidence", "values", rows=rows)


def _show(default: object) -> str:
    return str(default.value) if isinstance(default, StrEnum) else repr(default)


def _choices(default: object) -> str:
    if not isinstance(default, StrEnum):
        return ""
    return ", ".join(f"`{choice.value}`" for choice in type(default))


def write_routes() -> str:
    """Return the table of the emulator's control routes."""
    rows = (
        (route.method, f"`{CONTROL_ROOT}{route.path}`", route.description, _body_fields(route))
        for route in CONTROL_ROUTES
    )
    return _table("method", "path", "use", "fields of the body", rows=rows)


def _body_fields(route: ControlRoute) -> str:
    schema: Any = {} if route.read is None else describe_body(route.read)
    required = schema.get("required", ())
    return ", ".join(
        f"`{name}`{' (required)' if name in required else ''}"
        for name in schema.get("properties", ())
    )


def write_commands() -> str:
    """Return the table of the commands, with the steps of each."""
    rows = (
        (
            f"`{command.__name__}`",
            ", ".join(dict.fromkeys(edge.source for edge in _edges(command))),
            "; ".join(dict.fromkeys(map(_effect, _edges(command)))),
            str(len(command.parameters) or ""),
            "yes" if command.can_answer_callback else "no",
            (command.__doc__ or "").partition("\n")[0],
        )
        for command in COMMANDS
    )
    header = ("command", "allowed while", "sets", "parameters", "answers a callback", "use")
    return _table(*header, rows=rows)


def _edges(command: type[Command]) -> list[Edge]:
    return [edge for edge in COMMAND_EDGES if edge.trigger == command.trigger]


def _effect(edge: Edge) -> str:
    effect = "nothing" if edge.target == edge.source else label_state(edge.target)
    if edge.orchestrated:
        return f"{effect} if the platform orchestrates the task (Flex)"
    return effect if edge.accept is None else f"{effect} if `accept={edge.accept}`"


def write_error_tree() -> str:
    """Return the tree of errors, as the package's documentation draws it."""
    text = inspect.cleandoc(errors.__doc__ or "")
    tree = re.search(r"::\n\n((?: {4}.*\n|\n)+)", text)
    assert tree is not None
    return f"```text\n{textwrap.dedent(tree[1]).strip()}\n```\n"


def write_migrating() -> str:
    """Return the table of arguments of the official client's ``update``."""
    return _table("argument of `update` in `twilio`", "here", rows=_migrating_rows())


def _migrating_rows() -> Iterator[Sequence[str]]:
    yield "`if_match`", "sent by itself if the reservation has an `etag`"
    for command in COMMANDS:
        keyword = write_keyword(command.first_pair[0])
        yield f'`{keyword}="{command.first_pair[1]}"`', f"`{command.__name__}(…)`"
        for parameter in command.parameters:
            keyword = write_keyword(parameter.wire_name)
            yield f"`{keyword}=…`", f"`{command.__name__}({parameter.field}=…)`"


def write_keyword(wire_name: str) -> str:
    """Return the official Python client's argument for a wire name."""
    keyword = re.sub("(?<=[a-z])(?=[A-Z])", "_", wire_name).lower()
    return f"{keyword}_" if iskeyword(keyword) else keyword


def write_cli_help() -> str:
    """Return the help of the command line, as it is printed."""
    return "\n".join(
        f"## `{' '.join(['reservation-core', *words])}`\n\n```text\n{_help(*words)}```\n"
        for words in (name.split() for name in CLI_COMMANDS)
    )


_STYLE: Final = re.compile(r"\x1b\[[0-9;]*m")


class _Terminal(io.StringIO):
    """Stream on which the help is wrapped."""

    def isatty(self) -> bool:
        return True


def _help(*words: str) -> str:
    out = _Terminal()
    with (
        contextlib.redirect_stdout(out),
        mock.patch.dict(os.environ, COLUMNS="100", TERM="xterm"),  # a dumb one has 80 columns
    ):
        main([*words, "--help"])
    plain = _STYLE.sub("", out.getvalue()).strip()
    return "\n".join(line.rstrip() for line in plain.splitlines()) + "\n"


def _table(*header: str, rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(
        f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines
    )


def _without_head(write: Callable[[], str]) -> str:
    """Return a file of ``diagrams/`` without its title and its remark."""
    return write().partition("not this file.")[2]


FILES: Final[Mapping[str, Callable[[], str]]] = {
    f"api-{room}.md": partial(write_room, room) for room in IMPORTED_FROM
}
"""The directives of the API pages, which only Sphinx can read."""

PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "explanation/lifecycle.md": write_commands,
    "reference/cli.md": write_cli_help,
    "reference/control.md": write_routes,
    "reference/emulator.md": write_emulator,
    "reference/errors.md": write_error_tree,
    "reference/migrating.md": write_migrating,
    "reference/parameters.md": partial(_without_head, write_parameters),
    "reference/settings.md": write_settings,
    "reference/statuses.md": partial(_without_head, write_statuses),
    "../diagrams/emulator.md": write_emulator,
}
"""The parts that are kept in the pages, by page."""

_START: Final = "<!-- generated: python -m tests.docs.generated -->\n"
_END: Final = "<!-- end of the generated part -->\n"


def fill(text: str, part: str) -> str:
    """Return a page with a new generated part."""
    before, start, rest = text.partition(_START)
    _, end, after = rest.partition(_END)
    assert start, "the page has no mark for the generated part"
    assert end, "the page has no mark for the end of the generated part"
    return f"{before}{start}\n{part.strip()}\n\n{end}{after}"


def update_pages(docs: Path, *, check: bool = False) -> list[str]:
    """Write the generated parts into the pages.

    :param check: write nothing.
    :returns: the pages that were out of date.
    """
    outdated: list[str] = []
    for name, write in PARTS.items():
        page = docs / name
        text = page.read_text("utf-8")
        filled = fill(text, write())
        if text != filled:
            outdated.append(name)
            if not check:
                page.write_text(filled, "utf-8")
    return outdated


if __name__ == "__main__":
    is_check = sys.argv[1:] == ["--check"]
    pages = update_pages(DOCS, check=is_check)
    for page in pages:
        path = (DOCS / page).resolve().relative_to(DOCS.parent)
        sys.stdout.write(f"{path} {'is out of date' if is_check else 'written'}\n")
    sys.exit(bool(pages) and is_check)
