"""Webhooks in Starlette and FastAPI.

::

    from reservation_core.webhooks.starlette import receive, respond
    # pip install 'reservation-core[starlette]'

    async def assign(request: Request) -> Response:
        try:
            assignment = read_assignment(await receive(request, verifier))
        except (Forged, MalformedReply) as error:
            return respond(refuse_webhook(error))
        is_english = assignment.task_attributes.get("language") == "en"
        return respond(answer(Accept() if is_english else None))

No other code may read the body before ``receive``, not even as the ``Form()`` of a FastAPI
parameter: it would consume the body, and Starlette would raise a ``RuntimeError``.

Some servers replace scheme and peer themselves, as uvicorn does for proxies that it trusts. Then
``trusted_proxies`` has no effect. Set ``public_url`` instead.
"""

from __future__ import annotations

import contextlib
from typing import Final

from reservation_core._extras import extra
from reservation_core.rest.messages import Reply
from reservation_core.webhooks.asgi import from_scope
from reservation_core.webhooks.request import Webhook, broken_body
from reservation_core.webhooks.signature import Verifier

with extra("starlette"):
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response


_KEPT_BODY: Final = "_body"


async def receive(request: Request, verifier: Verifier) -> bytes:
    """Verify a request, and return its fields.

    :returns: the body, or the query of the URL if there is no body (GET).
    :raises Forged: if it fails verification.
    """
    head = from_scope(request.scope)
    verifier.check_head(head)
    webhook: Webhook | None = None
    with contextlib.suppress(ClientDisconnect):
        webhook = head.with_body(await _read(request, verifier.max_body))
    if webhook is None:
        raise broken_body(head.url)
    return verifier.verify(webhook)


async def _read(request: Request, max_body: int) -> bytes:
    """Read the body up to the limit, whatever the headers say."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_body:
            return bytes(body)
    # Where Starlette's own ``body()`` keeps it, for readers after this one (checked with 0.41.3 to
    # 1.10). To remove it, say that nothing may read the body after ``receive``.
    setattr(request, _KEPT_BODY, bytes(body))
    return bytes(body)


def respond(reply: Reply) -> Response:
    """Convert a reply to a response."""
    return Response(reply.body, reply.status, dict(reply.headers))
