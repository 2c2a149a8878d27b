"""Webhooks in Starlette and FastAPI: the verified body of a request, and an answer as a response.

    from reservation_core.webhooks.starlette import receive, respond          # pip install 'reservation-core[starlette]'

    async def assign(request: Request) -> Response:
        try:
            assignment = read_assignment(await receive(request, verifier))
        except (Forged, MalformedReply) as error:
            return respond(turn_away(error))
        return respond(answer(Accept() if assignment.task_attributes.get("language") == "en" else None))

Nothing may read the body before, not even as the ``Form()`` of a FastAPI parameter: that would leave none to verify, and Starlette says so
with a ``RuntimeError``.

A server that rewrites scheme and peer by itself (uvicorn does, for proxies it trusts) leaves nothing to ``trusted_proxies``; a
``public_url`` holds in any case.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from reservation_core.rest.messages import Reply
from reservation_core.webhooks.asgi import from_scope
from reservation_core.webhooks.signature import Verifier


async def receive(request: Request, verifier: Verifier) -> bytes:
    """Give the body of a request that is the platform's.

    :raises Forged: when it is not believed to be.
    """
    head = from_scope(request.scope)
    verifier.admit(head)
    body = (
        await request.body()
        if "content-length" in request.headers
        else await _read(request, verifier.max_body)
    )
    verifier.verify(head.with_body(body))
    return body


async def _read(request: Request, most: int) -> bytes:
    """Read a body of which nobody said how long it is, and no more than would be refused."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            break
    return bytes(body)


def respond(reply: Reply) -> Response:
    """Make a response of an answer."""
    return Response(reply.body, reply.status, dict(reply.headers))
