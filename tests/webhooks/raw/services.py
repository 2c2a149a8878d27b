"""The same webhook in every framework. The first part of the path chooses the framework.

The second part chooses the verifier.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import fastapi
import flask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reservation_core.rest.messages import Headers, Reply
from reservation_core.webhooks import Forged, Verifier, refuse_webhook
from reservation_core.webhooks import django as on_django
from reservation_core.webhooks import flask as on_flask
from reservation_core.webhooks import starlette as on_starlette
from reservation_core.webhooks.asgi import Guard
from tests.webhooks.raw.table import HOST, MAX_BODY, TOKEN

VERIFIERS: Final = {
    "plain": Verifier(TOKEN, max_body=MAX_BODY),
    "proxied": Verifier(TOKEN, trusted_proxies="127.0.0.1", max_body=MAX_BODY),
    "public": Verifier(TOKEN, public_url=f"https://{HOST}", max_body=MAX_BODY),
}
WSGI_FRAMEWORKS: Final = ("flask", "django")
ASGI_FRAMEWORKS: Final = ("starlette", "fastapi", "django")


def _reply(receive: Callable[[], bytes]) -> Reply:
    """Respond with the number of received bytes."""
    try:
        body = receive()
    except Forged as error:
        return refuse_webhook(error)
    return Reply(200, Headers((("Content-Type", "text/plain"),)), f"{len(body)}".encode())


async def _endpoint(request: Request) -> Response:
    try:
        body = await on_starlette.receive(request, VERIFIERS[request.path_params["verifier"]])
    except Forged as error:
        return on_starlette.respond(refuse_webhook(error))
    return on_starlette.respond(_reply(lambda: body))


def _flask() -> Callable[..., Iterable[bytes]]:
    app = flask.Flask("service")

    def hook(verifier: str, rest: str) -> flask.Response:  # noqa: ARG001 - the URL has it
        return on_flask.respond(_reply(lambda: on_flask.receive(VERIFIERS[verifier])))

    app.add_url_rule(
        "/flask/<verifier>/<path:rest>", view_func=hook, methods=["GET", "POST", "PUT"]
    )
    return app


def _configure_django() -> Any:  # the library brings no types
    settings = importlib.import_module("django.conf").settings

    def hook(request: on_django.DjangoRequest, verifier: str, rest: str) -> object:  # noqa: ARG001
        return on_django.respond(_reply(lambda: on_django.receive(request, VERIFIERS[verifier])))

    class Urls:
        urlpatterns: Final = (
            importlib.import_module("django.urls").path("django/<verifier>/<path:rest>", hook),
        )

    settings.configure(
        ALLOWED_HOSTS=[f".{HOST}", "127.0.0.1"], LOGGING_CONFIG=None, ROOT_URLCONF=Urls
    )
    importlib.import_module("django").setup(set_prefix=False)


def build_wsgi() -> Callable[..., Iterable[bytes]]:
    """Return the WSGI application with all frameworks."""
    apps: dict[str, Callable[..., Iterable[bytes]]] = {
        "flask": _flask(),
        "django": importlib.import_module("django.core.handlers.wsgi").WSGIHandler(),
    }

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        framework = environ.get("PATH_INFO", "").split("/")[1:2]
        return apps.get("".join(framework), apps["flask"])(environ, start_response)

    return application


def build_asgi() -> Callable[..., Awaitable[None]]:
    """Return the ASGI application with all frameworks."""
    methods = ["GET", "POST", "PUT"]
    app = fastapi.FastAPI()
    app.api_route("/fastapi/{verifier}/{rest:path}", methods=methods, response_model=None)(
        _endpoint
    )
    django = importlib.import_module("django.core.handlers.asgi").ASGIHandler()
    guard = Guard(django, VERIFIERS["public"])
    apps: dict[str, Any] = {
        "starlette": Starlette(
            routes=[Route("/starlette/{verifier}/{rest:path}", _endpoint, methods=methods)]
        ),
        "fastapi": app,
        "django": guard,
    }

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await asyncio.sleep(0)
            return
        framework = scope["path"].split("/")[1:2]
        await apps.get("".join(framework), apps["starlette"])(scope, receive, send)

    return application


_configure_django()
