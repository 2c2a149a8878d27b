"""Deadlines of sockets, and the bytes that wait in them."""

import contextlib
import select
import socket
import threading
from collections.abc import Generator


@contextlib.contextmanager
def shut_down_after(seconds: float, sock: socket.socket) -> Generator[None]:
    """Shut down a socket unless the block ends in time.

    A TLS handshake may take many waits, and each has its own timeout. ``ssl`` takes the descriptor
    away from ``sock``, so a duplicate is shut down.
    """

    def shut_down() -> None:
        with contextlib.suppress(OSError):  # closed by the peer
            twin.shutdown(socket.SHUT_RDWR)

    with sock.dup() as twin:
        timer = threading.Timer(seconds, shut_down)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def is_readable(descriptor: int) -> bool:
    """Return True if a socket has bytes to read, or its end."""
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
