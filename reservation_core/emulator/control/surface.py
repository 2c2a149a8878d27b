"""The control surface: JSON requests under ``/_emulator``, apart from the emulated API.

A body is a JSON object. One that cannot be read is refused with a 400 that names every fault with
its path. A request is one transaction of the platform.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, unquote

from reservation_core.domain.errors import ReservationError
from reservation_core.domain.redaction import mask, shorten
from reservation_core.emulator.api.refusals import list_methods
from reservation_core.emulator.control.credentials import hide_credentials
from reservation_core.emulator.control.route import CONTROL_ROOT, SID_IN_PATH, ControlRoute
from reservation_core.emulator.control.routes import CONTROL_ROUTES
from reservation_core.emulator.control.state import ControlRequest, ControlState
from reservation_core.emulator.documents import UnreadableDocument, as_json, read_document
from reservation_core.emulator.platform.errors import StorageFailure
from reservation_core.rest.messages import Reply

_log: Final = logging.getLogger("reservation_core.emulator")

MAX_CONTROL_BODY_BYTES: Final = 16 << 20
"""Length of the longest body of a request."""

_PATTERNS: Final = tuple(
    (re.compile(CONTROL_ROOT + SID_IN_PATH.sub("([^/]+)", route.path)), route)
    for route in CONTROL_ROUTES
)


class Control(ControlState):
    """Control surface of one emulator.

    :param faults: faults to inject into the emulated API.
    :param callback_queue: the callbacks; by default a queue of its own, which nothing sends.
    """

    def receive(self, method: str, target: str, body: bytes) -> Reply:
        """Return the reply to a request. It never raises.

        :param method: the HTTP method.
        :param target: path and query.
        :param body: a JSON object; empty for none.
        """
        path, _, query = target.partition("?")
        matches = [(pattern.fullmatch(unquote(path)), route) for pattern, route in _PATTERNS]
        routes = {route.method: (route, match.groups()) for match, route in matches if match}
        if not routes:
            message = f"not found: {shorten(path)}. See GET {CONTROL_ROOT}/routes"
            return _refusal(HTTPStatus.NOT_FOUND, message)
        if method not in routes:
            return refuse_method(method, routes)
        if len(body) > MAX_CONTROL_BODY_BYTES:
            message = f"the body has more than {MAX_CONTROL_BODY_BYTES} bytes. Send it in parts"
            return _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)
        return self._run(*routes[method], query, body)

    def _run(self, route: ControlRoute, sids: tuple[str, ...], query: str, body: bytes) -> Reply:
        try:
            request = ControlRequest(sids, dict(parse_qsl(query)), read_document(body))
            with self.platform.transaction() if route.is_transaction else nullcontext():
                result = as_json(route.handle(self, request))
        except UnreadableDocument as error:
            content = {"error": str(error), "faults": as_json(error.faults)}
            return _json_reply(HTTPStatus.BAD_REQUEST, content)
        except ValueError as error:
            return _refusal(HTTPStatus.BAD_REQUEST, mask(str(error)))
        except KeyError as error:
            message = f"there is no {shorten(error.args[0])}. See GET {CONTROL_ROOT}/state"
            return _refusal(HTTPStatus.NOT_FOUND, message)
        except StorageFailure as error:
            return _refusal(HTTPStatus.INSUFFICIENT_STORAGE, mask(str(error)))
        except ReservationError as error:
            return _refusal(HTTPStatus.CONFLICT, mask(str(error)))
        except Exception:  # noqa: BLE001 - the server continues
            _log.exception("the control surface could not answer")
            message = "the emulator failed. See its log"
            return _refusal(HTTPStatus.INTERNAL_SERVER_ERROR, message)
        return _json_reply(HTTPStatus.OK, result if sids else hide_credentials(result))


def refuse_method(method: str, allowed: Iterable[str]) -> Reply:
    """Return the reply for a wrong HTTP method."""
    methods = list_methods(allowed)
    message = f"method not allowed: {shorten(method)}. Use {methods}"
    return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, message, {"Allow": methods})


def _refusal(status: HTTPStatus, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    return _json_reply(status, {"error": message}, headers)


def _json_reply(
    status: HTTPStatus, content: object, headers: Mapping[str, str] | None = None
) -> Reply:
    common = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Reply(status, {**common, **(headers or {})}, json.dumps(content).encode())
