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

No other code may read uploaded files before ``receive``: it would consume the body.

At most ``max_body`` bytes are read, and one more. A body longer than Django's
``DATA_UPLOAD_MAX_MEMORY_SIZE`` is refused, too. The URL's host must be one of ``ALLOWED_HOSTS``,
unless the verifier has settings of its own. Under ASGI, Django stores the whole body before any
view runs: put :class:`reservation_core.webhooks.asgi.Guard` in front of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from reservation_core._extras import extra
from reservation_core.domain.errors import hides_locals
from reservation_core.rest.messages import Reply
from reservation_core.webhooks.asgi import from_scope
from reservation_core.webhooks.request import Forged, broken_body, read_up_to
from reservation_core.webhooks.signature import Verifier
from reservation_core.webhooks.wsgi import from_environ

with extra("django"):
    from django import conf  # pyright: ignore[reportMissingTypeStubs]
    from django.http import (  # pyright: ignore[reportMissingTypeStubs]
        HttpResponse,
        UnreadablePostError,
    )


_DEBUG_HOSTS: Final = ("localhost", ".localhost", "127.0.0.1", "[::1]")
_KEPT_BODY: Final = "_body"


class DjangoRequest(Protocol):
    """The part of a Django request that is used here."""

    @property
    def META(self) -> dict[str, object]:  # noqa: N802 - the framework's name
        """The WSGI environment."""
        ...

    @property
    def scheme(self) -> str | None:
        """The scheme, from the proxy's header if Django is configured so."""
        ...

    def read(self, size: int, /) -> bytes:
        """Read up to so many bytes of the body."""
        ...


@hides_locals(Forged)
def receive(request: DjangoRequest, verifier: Verifier) -> bytes:
    """Verify a request, and return its fields.

    :returns: the body, or the query of the URL if there is no body (GET).
    :raises Forged: if it fails verification.
    """
    scope: Mapping[str, object] | None = getattr(request, "scope", None)  # under ASGI only
    hosts = tuple(conf.settings.ALLOWED_HOSTS) or (_DEBUG_HOSTS if conf.settings.DEBUG else ())
    head = (
        from_environ(request.META, scheme=request.scheme, allowed_hosts=hosts)
        if scope is None
        else from_scope(scope, scheme=request.scheme, allowed_hosts=hosts)
    )
    verifier.check_head(head)
    return verifier.verify(head.with_body(_read(request, verifier.max_body, head.url)))


def _read(request: DjangoRequest, max_body: int, url: str) -> bytes:
    kept: bytes | None = getattr(request, _KEPT_BODY, None)
    if kept is not None:
        return kept
    limit: int | None = conf.settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    try:
        most = max_body if limit is None else min(limit, max_body)
        body = read_up_to(most + 1, request.read)
    except UnreadablePostError:
        raise broken_body(url) from None
    if limit is not None and len(body) > limit:
        reason = f"the body is longer than DATA_UPLOAD_MAX_MEMORY_SIZE, {limit} bytes"
        remedy = "If it is the platform's, configure smaller batches or a larger setting."
        raise Forged(reason, url, remedy)
    # Where Django's own ``body`` keeps it, for readers after this one (checked with 4.2 to 5.2). To
    # remove it, say that nothing may read the body after ``receive``.
    setattr(request, _KEPT_BODY, body)
    return body


def respond(reply: Reply) -> HttpResponse:
    """Convert a reply to a response."""
    return HttpResponse(reply.body, status=reply.status, headers=dict(reply.headers))
