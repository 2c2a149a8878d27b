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

No other code may read the form before ``receive``: it would consume the body.
"""

from __future__ import annotations

from flask import Response, request

from reservation_core.rest.messages import Reply
from reservation_core.webhooks.signature import Verifier
from reservation_core.webhooks.wsgi import from_environ


def receive(verifier: Verifier) -> bytes:
    """Verify the current request, and return its fields.

    :returns: the body, or the query of the URL if there is no body (GET).
    :raises Forged: if it fails verification.
    """
    head = from_environ(request.environ)
    verifier.check_head(head)
    body = (
        request.stream.read(verifier.max_body + 1)
        if request.content_length is None
        else request.get_data()
    )
    return verifier.verify(head.with_body(body))


def respond(reply: Reply) -> Response:
    """Convert a reply to a response."""
    return Response(reply.body, reply.status, dict(reply.headers))
