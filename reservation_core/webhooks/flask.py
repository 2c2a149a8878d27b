"""Webhooks in Flask.

::

    from reservation_core.webhooks.flask import receive, respond
    # pip install 'reservation-core[flask]'

    @app.post("/assign")
    def assign() -> Response:
        try:
            assignment = read_assignment(receive(verifier))
        except (Forged, MalformedReply) as error:
            return respond(refuse_webhook(error))
        is_english = assignment.task_attributes.get("language") == "en"
        return respond(answer(Accept() if is_english else None))

No other code may read the form before ``receive``: it would consume the body. Code that runs after
it may.

At most ``max_body`` bytes are read, and one more. If Flask has ``TRUSTED_HOSTS``, the URL's host
must be one of them, unless the verifier has settings of its own.
"""

from __future__ import annotations

from io import BytesIO

from reservation_core._extras import extra
from reservation_core.domain.errors import hides_locals
from reservation_core.rest.messages import Reply
from reservation_core.webhooks.request import Forged, broken_body, read_up_to
from reservation_core.webhooks.signature import Verifier
from reservation_core.webhooks.wsgi import from_environ

with extra("flask"):
    from flask import Response, request


@hides_locals(Forged)
def receive(verifier: Verifier) -> bytes:
    """Verify the current request, and return its fields.

    :returns: the body, or the query of the URL if there is no body (GET).
    :raises Forged: if it fails verification.
    """
    verifier.check_head(head := from_environ(request.environ, allowed_hosts=request.trusted_hosts))
    body = _read(verifier.max_body + 1, head.url)
    return verifier.verify(head.with_body(body))


def _read(size: int, url: str) -> bytes:
    try:
        # Without any bytes left, get_data() has those of code that read them before.
        body = read_up_to(size, request.stream.read) or request.get_data()
    except Exception:  # noqa: BLE001 - each server has its own for too few bytes and broken chunks
        raise broken_body(url) from None
    setattr(request, "stream", BytesIO(body))  # noqa: B010 - declared read-only; for later readers
    return body


def respond(reply: Reply) -> Response:
    """Convert a reply to a response."""
    return Response(reply.body, reply.status, dict(reply.headers))
