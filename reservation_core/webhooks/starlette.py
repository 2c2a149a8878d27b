"""Webhooks in Starlette and FastAPI: the verified body of a request, and an answer as a response.

    from reservation_core.webhooks.starlette import receive, respond          # pip install 'reservation-core[starlette]'

    async def assign(request: Request) -> Response:
        try:
            assignment = read_assignment(await receive(request, verifier))
        except (Forged, MalformedReply) as error:
            return respond(turn_away(error))
        return respond(answer(Accept() if assignment.task_attributes.get("language") == "en" else None))

A server that rewrites scheme and peer by itself (uvicorn does, for proxies it trusts) leaves nothing to ``trusted_proxies``; a
``public_url`` holds in any case.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from reservation_core.messages import Reply
from reservation_core.webhooks.incoming import Webhook, escape_path
from reservation_core.webhooks.signature import Verifier


async def receive(request: Request, verifier: Verifier) -> bytes:
    """Give the body of a request that is the platform's.

    :raises Forged: when it is not believed to be.
    """
    scope = request.scope
    path = scope["raw_path"].decode("latin-1") if scope.get("raw_path") else escape_path(scope["path"])
    query = scope["query_string"].decode("latin-1")
    url = f"{request.url.scheme}://{request.url.netloc}{path}{'?' + query if query else ''}"
    body = await request.body()
    verifier.verify(Webhook(url, tuple(request.headers.items()), body, request.client.host if request.client else ""))
    return body


def respond(reply: Reply) -> Response:
    """Make a response of an answer."""
    return Response(reply.body, reply.status, dict(reply.headers))
