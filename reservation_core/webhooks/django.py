"""Webhooks in Django.

::

    from reservation_core.webhooks.django import receive, respond
    # pip install 'reservation-core[django]'

    @csrf_exempt
    @require_POST
    def assign(request: HttpRequest) -> HttpResponse:
        try:
            assignment = read_assignment(receive(request, verifier))
        except (Forged, MalformedReply) as error:
            return respond(refuse_webhook(error))
        is_english = assignment.task_attributes.get("language") == "en"
        return respond(answer(Accept() if is_english else None))

No other code may read the form before ``receive``: it would consume the body, and Django would
raise a ``RawPostDataException``. Django refuses a body longer than ``DATA_UPLOAD_MAX_MEMORY_SIZE``.
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
    """The part of a Django request that is used here."""

    @property
    def META(self) -> dict[str, object]:  # noqa: N802 - the framework's name
        """The WSGI environment."""
        ...

    @property
    def body(self) -> bytes:
        """The whole body."""
        ...

    @property
    def scheme(self) -> str | None:
        """The scheme, from the proxy's header if Django is configured so."""
        ...


def receive(request: DjangoRequest, verifier: Verifier) -> bytes:
    """Verify a request, and return its fields.

    :returns: the body, or the query of the URL if there is no body (GET).
    :raises Forged: if it fails verification.
    """
    scope: Mapping[str, object] | None = getattr(request, "scope", None)  # under ASGI only
    head = (
        from_environ(request.META, scheme=request.scheme)
        if scope is None
        else from_scope(scope, scheme=request.scheme)
    )
    verifier.check_head(head)
    return verifier.verify(head.with_body(request.body))


def respond(reply: Reply) -> HttpResponse:
    """Convert a reply to a response."""
    return HttpResponse(reply.body, status=reply.status, headers=dict(reply.headers))
