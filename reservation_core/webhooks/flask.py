"""Webhooks in Flask: the verified body of the present request, and an answer as a response.

    from reservation_core.webhooks.flask import receive, respond          # pip install 'reservation-core[flask]'

    @app.post("/assign")
    def assign() -> Response:
        try:
            assignment = read_assignment(receive(verifier))
        except (Forged, MalformedReply) as error:
            return respond(turn_away(error))
        return respond(answer(Accept() if assignment.task_attributes.get("language") == "en" else None))

Nothing may read the form before: that would leave no body to verify.
"""

from __future__ import annotations

from flask import Response, request

from reservation_core.rest.messages import Reply
from reservation_core.webhooks.signature import Verifier
from reservation_core.webhooks.wsgi import from_environ


def receive(verifier: Verifier) -> bytes:
    """Give the body of the present request when it is the platform's.

    :raises Forged: when it is not believed to be.
    """
    head = from_environ(request.environ)
    verifier.admit(head)
    body = (
        request.stream.read(verifier.max_body + 1)
        if request.content_length is None
        else request.get_data()
    )
    verifier.verify(head.with_body(body))
    return body


def respond(reply: Reply) -> Response:
    """Make a response of an answer."""
    return Response(reply.body, reply.status, dict(reply.headers))
