"""Webhooks in Django: the verified body of a request, and an answer as a response.

from reservation_core.webhooks.django import receive, respond          # pip install 'reservation-core[django]'

@csrf_exempt
@require_POST
def assign(request: HttpRequest) -> HttpResponse:
    try:
        assignment = read_assignment(receive(request, verifier))
    except (Forged, MalformedReply) as error:
        return respond(turn_away(error))
    return respond(answer(Accept() if assignment.task_attributes.get("language") == "en" else None))

Nothing may read the form before: that would leave no body to verify, and Django says so with a ``RawPostDataException``. A body above its
``DATA_UPLOAD_MAX_MEMORY_SIZE`` is refused by Django itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from django.http import HttpResponse  # pyright: ignore[reportMissingTypeStubs]

from reservation_core.rest.messages import Reply
from reservation_core.webhooks.asgi import from_scope
from reservation_core.webhooks.signature import Verifier
from reservation_core.webhooks.wsgi import from_environ


class DjangoRequest(Protocol):
    """What is asked of a Django request, be it WSGI's or ASGI's."""

    @property
    def META(self) -> dict[str, object]:  # noqa: N802 - the framework's name
        """The environment."""
        ...

    @property
    def body(self) -> bytes:
        """The whole body."""
        ...

    @property
    def scheme(self) -> str | None:
        """The scheme, by the proxy's header where the settings say so."""
        ...


def receive(request: DjangoRequest, verifier: Verifier) -> bytes:
    """Give the body of a request that is the platform's.

    :raises Forged: when it is not believed to be.
    """
    scope: Mapping[str, object] | None = getattr(request, "scope", None)  # under ASGI only
    head = (
        from_environ(request.META, scheme=request.scheme)
        if scope is None
        else from_scope(scope, scheme=request.scheme)
    )
    verifier.admit(head)
    verifier.verify(head.with_body(request.body))
    return request.body


def respond(reply: Reply) -> HttpResponse:
    """Make a response of an answer."""
    return HttpResponse(reply.body, status=reply.status, headers=dict(reply.headers))
