"""Replies and errors of ``requests``, for the gateway on a ``twilio`` client.

``requests`` limits neither the size of a reply nor the time of a whole exchange. But an
authentication object may register a response hook, and that hook runs before the reply is read. So
:class:`ReplyReadingAuth` authenticates a request and also reads its reply, within both limits.

This order is not documented. It was tested with requests 2.32.2 and 2.34.2, and urllib3 2.2.0 and
2.8.0. If the hook does not run, the gateway uses the text that the client read, and checks its size
afterwards.
"""

import io
import ssl
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final, overload

from reservation_core._extras import extra
from reservation_core.gateways.failures import ErrorFactory, describe_cause
from reservation_core.gateways.reply_builder import ReplyBuilder
from reservation_core.rest.errors import GatewayError
from reservation_core.rest.messages import Reply

with extra("twilio"):
    from requests import PreparedRequest, Response
    from requests.auth import AuthBase
    from requests.exceptions import ConnectTimeout
    from urllib3.exceptions import NewConnectionError, ReadTimeoutError


_BODILESS: Final = frozenset((HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED))
_PIECE: Final = 65_536  # bytes


class ReplyReadingAuth(AuthBase, Sequence[str]):
    """Authentication of one request that also reads its reply.

    It is also the pair of username and password, for a client that does not use ``requests``.
    ``reply`` is the reply, or ``None`` until it is read.
    """

    def __init__(self, errors: ErrorFactory, deadline: float) -> None:
        """Prepare one exchange.

        :param errors: builds the errors, and has the settings: credentials and limits.
        :param deadline: the end of the exchange, in terms of ``time.monotonic``.
        """
        self.reply: Reply | None = None
        self._errors = errors
        self._deadline = deadline

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add the headers and the response hook to a request.

        A request of another library is authenticated only.
        """
        request.headers.update({"Authorization": self._errors.settings.credentials.authorization})
        if isinstance(request, PreparedRequest):  # pyright: ignore[reportUnnecessaryIsInstance]
            request.headers.update({"Accept-Encoding": "gzip"})
            request.register_hook("response", self._receive)
        return request

    def __len__(self) -> int:
        """Return 2."""
        return len(self._pair)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        """Return the username or the password."""
        return self._pair[index]

    def __eq__(self, other: object) -> bool:
        """Return True for the same pair."""
        return self._pair == other

    def __hash__(self) -> int:
        return object.__hash__(self)

    @property
    def _pair(self) -> tuple[str, str]:
        credentials = self._errors.settings.credentials
        return credentials.username, credentials.password

    def _receive(self, response: Response, **_: object) -> None:
        try:
            self._check_head(response)
            self.reply = self._read(response.raw)
        except BaseException:
            response.raw.close()  # and the connection, which holds the rest of the reply
            raise
        response.raw = io.BytesIO(self.reply.body)  # for the client, which reads it afterwards

    def _check_head(self, response: Response) -> None:
        """Refuse a head that ``http.client`` misreads."""
        if response.status_code < HTTPStatus.OK:  # an interim reply, read as the final one
            raise self._errors.exchange_failed("received early hints instead of the reply")
        if not response.headers.get("Content-Length", "0").isdecimal():  # read as no length
            raise self._errors.exchange_failed("bad Content-Length")

    def _read(self, raw: Any) -> Reply:
        headers = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in raw.headers.items()
        ]
        builder = ReplyBuilder(raw.status, headers, self._errors)
        while piece := raw.read1(_PIECE, decode_content=False):
            builder.add(piece)
            if time.monotonic() > self._deadline:
                raise self._errors.exchange_timed_out()
        reply = builder.finish()
        has_frame = "Content-Length" in reply.headers or "Transfer-Encoding" in reply.headers
        if not (reply.body or reply.status in _BODILESS or has_frame):
            # http.client reads a truncated head as an empty reply.
            raise self._errors.exchange_failed("the reply ended within its head")
        return reply


def translate_requests_error(error: Exception, errors: ErrorFactory) -> GatewayError:
    """Return the gateway error for an error of requests or urllib3."""
    if isinstance(error, ConnectTimeout):
        return errors.connect_timed_out(errors.settings.timeout)
    wrapped = _first_argument(error)
    reason = getattr(wrapped, "reason", None)  # of urllib3's MaxRetryError
    is_untrusted = isinstance(_first_argument(reason), ssl.SSLCertVerificationError)
    if is_untrusted or isinstance(reason, NewConnectionError):
        return errors.connect_failed(describe_cause(error))
    if isinstance(error, ReadTimeoutError) or isinstance(wrapped, ReadTimeoutError):
        return errors.exchange_timed_out()
    return errors.exchange_failed(describe_cause(error))


def _first_argument(error: object) -> object:
    return error.args[0] if isinstance(error, Exception) and error.args else None
