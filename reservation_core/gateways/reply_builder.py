"""Reply that a gateway reads piece by piece.

1. The body is decompressed while it arrives, and never beyond ``max_reply_bytes``. Truncated gzip,
   and bytes behind it, are an error.
2. A header outside ASCII is dropped. The rest of the reply is kept.
"""

import zlib
from collections.abc import Iterable

from reservation_core.gateways.failures import ErrorFactory
from reservation_core.rest.messages import Reply


class ReplyBuilder:
    """Builder of a reply whose body arrives in pieces."""

    def __init__(
        self, status: int, headers: Iterable[tuple[bytes, bytes]], errors: ErrorFactory
    ) -> None:
        """Start a reply from its head.

        :param headers: names and values as they were received.
        :param errors: builds the errors, and has the settings with the limit.
        """
        pairs = [
            (name.decode(), value.decode())
            for name, value in headers
            if name.isascii() and value.isascii()
        ]
        self._head = Reply(status, pairs)
        self._errors = errors
        self._limit = errors.settings.max_reply_bytes
        self._body = bytearray()
        self._is_empty = True
        is_gzip = self._head.headers.get("Content-Encoding", "").lower() == "gzip"
        self._gzip = zlib.decompressobj(wbits=31) if is_gzip else None

    def add(self, piece: bytes) -> None:
        """Add the next piece as it was received. Raises GatewayError."""
        self._is_empty = False
        if self._gzip:
            try:
                piece = self._gzip.decompress(piece, self._limit + 1 - len(self._body))
            except zlib.error:
                raise self._errors.exchange_failed("bad gzip") from None
            if self._gzip.unused_data:  # zlib would keep all of it
                raise self._errors.exchange_failed("bad gzip")
        self._body += piece
        if len(self._body) > self._limit:
            raise self._errors.reply_too_long(self._head.status)

    def finish(self) -> Reply:
        """Return the complete reply. Raises GatewayError."""
        if self._gzip and not self._is_empty and not self._gzip.eof:
            raise self._errors.exchange_failed("bad gzip")
        return Reply(self._head.status, self._head.headers, bytes(self._body))
