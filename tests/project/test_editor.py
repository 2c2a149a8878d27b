"""Hover texts of pyright's language server for the package."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.member_docs import read_member_docs

pytestmark = pytest.mark.slow
ROOT: Final = Path(__file__).parents[2]
FIELDS: Final = [(command, p.field) for command in COMMANDS for p in command.parameters]
PROGRAM: Final = "\n".join(
    (
        "from reservation_core import *",
        "from reservation_core.book import Book",
        "def use(book: Book, conference: Conference) -> None:",
        "    conference.timeout",
        "    book.perform",
        "    perform",
        *(f"    {command.__name__}()" for command in COMMANDS),
        *(f"    {command.__name__}({field}=None)" for command, field in FIELDS),
    )
)


class LanguageServer:
    """Client of a language server that runs as a child process."""

    def __init__(self) -> None:
        folder = Path(sys.executable).parent
        self._process = subprocess.Popen(
            [str(folder / "basedpyright-langserver"), "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._ids = count(1)
        capabilities = {"textDocument": {"hover": {"contentFormat": ["plaintext"]}}}
        self.request(
            "initialize",
            processId=None,
            capabilities=capabilities,
            rootUri=ROOT.as_uri(),
            workspaceFolders=[{"uri": ROOT.as_uri(), "name": "root"}],
        )
        self.send(method="initialized", params={})

    def close(self) -> None:
        """Stop the server."""
        self._process.kill()
        self._process.communicate()

    def send(self, **message: object) -> None:
        """Send one message."""
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def request(self, method: str, **params: object) -> Any:
        """Send a request and return its result."""
        number = next(self._ids)
        self.send(id=number, method=method, params=params)
        while True:
            message = self._receive()
            if "method" not in message and message["id"] == number:
                return message["result"]
            if "method" in message and "id" in message:  # the server asks for its settings
                items = message["params"].get("items", ()) if message["params"] else ()
                self.send(id=message["id"], result=[None for _ in items])

    def _receive(self) -> dict[str, Any]:
        length = 0
        assert self._process.stdout
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return message


@pytest.fixture(scope="module")
def server() -> Iterator[LanguageServer]:
    """Start a server that has opened the program."""
    server = LanguageServer()
    document = {"uri": URI, "languageId": "python", "version": 1, "text": PROGRAM}
    server.send(method="textDocument/didOpen", params={"textDocument": document})
    yield server
    server.close()


URI: Final = (ROOT / "program_in_an_editor.py").as_uri()


def hover(server: LanguageServer, line: str, word: str) -> str:
    """Return the hover text of a word of a line."""
    position = {"line": PROGRAM.splitlines().index(line), "character": line.index(word)}
    found = server.request("textDocument/hover", textDocument={"uri": URI}, position=position)
    text: str = found["contents"]["value"]
    return text


def test_hover_on_a_command_shows_its_own_docstring_and_plain_types(
    server: LanguageServer,
) -> None:
    for command in COMMANDS:
        text = hover(server, f"    {command.__name__}()", command.__name__)
        assert text.startswith(f"class {command.__name__}(")
        assert text.endswith(command.description)
    text = hover(server, "    Conference()", "Conference")
    assert "    timeout: int | None = None,\n    record: bool | None = None,\n" in text
    assert "    beep: Beep | None = None,\n" in text


def test_hover_on_a_parameter_shows_its_sentence(server: LanguageServer) -> None:
    assert hover(server, "    conference.timeout", "timeout") == (
        "(variable) timeout: int | None\n\nSeconds that the worker's phone rings."
    )
    for command, field in FIELDS:
        text = hover(server, f"    {command.__name__}({field}=None)", f"{field}=")
        assert text.startswith(f"(variable) {field}: ")
        assert text.endswith(f"\n\n{read_member_docs(command)[field]}")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("    book.perform", "Perform a command on a reservation of the book"),
        ("    perform", "Send a command and return the reported reservation."),
    ],
)
def test_hover_on_perform_shows_its_docstring(
    line: str, expected: str, server: LanguageServer
) -> None:
    text = hover(server, line, "perform")
    assert "def perform(" in text
    for part in (
        expected,
        ":param command: the command",
        ":param policy:",
        ":raises CommandError:",
    ):
        assert part in text
