"""Replies and errors of HTTP clients that a service passes in.

Such a client may be any object with the ``request`` method of the ``twilio`` package: one for a
proxy, one that signs requests, a mock. Whatever it returns or raises becomes a ``Reply`` or a
``GatewayError`` here, for threads and for asyncio.

1. A response needs a status. Its headers may be missing, and its text may be text or bytes.
2. Errors of ``requests``, ``urllib3`` and ``aiohttp`` are translated as for a client of our own.
   But such an error may be that of another request of the client, such as a repetition. So it means
   ``NotSent`` only if the client certainly made no other.
3. After any other error, a cancellation inside the client, or an unusable response, the outcome is
   unknown.
4. The client's errors may hold credentials. They are never chained to ours.
"""

import inspect
from typing import Any

from reservation_core._extras import extra
from reservation_core.gateways.failures import ErrorFactory, describe_cause
from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.rest.messages import Reply

with extra("twilio"):
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    from reservation_core.gateways.aiohttp import AIOHTTP_ERRORS, translate_aiohttp_error
    from reservation_core.gateways.requests_support import translate_requests_error


def is_async_client(http_client: object) -> bool:
    """Return True if the ``request`` method of a client is awaited.

    Its ``is_async`` says so. A class that does not call ``HttpClient.__init__`` has none, and that
    of a mock is a mock. Then the method decides.
    """
    declared = getattr(http_client, "is_async", None)
    if isinstance(declared, bool):
        return declared
    return inspect.iscoroutinefunction(getattr(http_client, "request", None))


def find_session(http_client: Any) -> object:
    """Return the session of a client, ``None`` without one."""
    try:
        return http_client.session
    except Exception:  # noqa: BLE001 - aiohttp, for one, needs a running event loop
        return None


def read_response(response: object, errors: ErrorFactory) -> Reply:
    """Return the reply of a response that the client has read completely.

    :raises GatewayError: if it is not a response, or is longer than the limit.
    """
    status: object = getattr(response, "status_code", None)
    text: object = getattr(response, "text", None)
    if not isinstance(status, int) or not isinstance(text, str | bytes | None):
        if inspect.iscoroutine(response):
            response.close()  # it was not started, and Python would warn
        kind = type(response).__name__
        raise errors.exchange_failed(f"the HTTP client returned an unusable {kind}")
    body = text.encode(errors="replace") if isinstance(text, str) else text or b""
    if len(body) > errors.settings.max_reply_bytes:
        raise errors.reply_too_long(status)
    return Reply(int(status), read_headers(getattr(response, "headers", None)), body)


def read_headers(headers: Any) -> list[tuple[str, str]]:
    """Return the headers in ASCII. The rest is dropped."""
    pairs: Any = headers.items() if hasattr(headers, "items") else headers or ()
    return [
        (name, value)
        for name, value in pairs
        if isinstance(name, str) and isinstance(value, str) and (name + value).isascii()
    ]


def translate_client_error(
    error: BaseException, errors: ErrorFactory, *, is_only_request: bool
) -> GatewayError:
    """Return the gateway error for any error of the client.

    :param is_only_request: True if the client certainly made one request.
    """
    if isinstance(error, GatewayError):
        return error
    failure = errors.exchange_failed(describe_cause(error))
    translated = failure
    if isinstance(error, RequestException | HTTPError):
        translated = translate_requests_error(error, errors)
    elif isinstance(error, AIOHTTP_ERRORS):
        translated = translate_aiohttp_error(error, errors)
    is_certain = is_only_request or not isinstance(translated, NotSent)
    return translated if is_certain else failure
