"""Process that opened a store. Its children must not use it after a fork."""

from __future__ import annotations

import os
from typing import Final

from reservation_core.book.errors import StoreFailed


class OpeningProcess:
    """Process that opened a store.

    A forked child would write into its parent's connections.
    """

    def __init__(self) -> None:
        self._process: Final = os.getpid()

    @property
    def is_current(self) -> bool:
        """True in the process that opened the store."""
        return os.getpid() == self._process

    def require_current(self) -> None:
        """Refuse the use of the store in a child.

        :raises StoreFailed: in another process than the one that opened the store.
        """
        if not self.is_current:
            raise StoreFailed("it was opened before a fork. Open it in the child process")
