"""One raw exchange: bytes are sent as they are, and the status is read."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterable
from typing import Final

TIMEOUT: Final = 30.0
"""Seconds to wait for a server."""

CLOSED: Final = 0
"""The status of a connection that was closed without a response."""

SILENT: Final = -1
"""The status of a server that neither responds nor closes the connection."""


def exchange(port: int, chunks: Iterable[bytes], *, half_close: bool = False) -> tuple[int, int]:
    """Send the chunks until a response comes.

    :param half_close: end the sending side after the last chunk.
    :returns: the status, and the number of bytes that were sent.
    """
    sent = 0
    with socket.create_connection(("127.0.0.1", port), TIMEOUT) as connection:
        try:
            for chunk in chunks:
                if sent and select.select([connection], [], [], 0)[0]:
                    break
                connection.sendall(chunk)
                sent += len(chunk)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        except TimeoutError:
            return SILENT, sent
        except OSError:
            pass  # closed by the server: a response may have come before
        return _read_status(connection), sent


def _read_status(connection: socket.socket) -> int:
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
            for head in received.split(b"\r\n\r\n")[:-1]:
                if head.startswith(b"HTTP/1.") and head[9:12] != b"100":
                    return int(head[9:12])
    except TimeoutError:
        return SILENT
    except OSError:
        pass
    return CLOSED
