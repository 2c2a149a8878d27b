"""Signed webhooks pass the verifier in each framework's test client."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import fastapi
import flask
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from reservation_core.testing.signing import SignedWebhook, sign_form, sign_json
from reservation_core.webhooks import Forged, Verifier
from reservation_core.webhooks import django as on_django
from reservation_core.webhooks import flask as on_flask
from reservation_core.webhooks import starlette as on_starlette

TOKEN: Final = "0123456789abcdef" * 2
FORM: Final = {"TaskSid": "WT1", "TaskAttributes": '{"name": "Zoë & co"}'}
VERIFIER: Final = Verifier(TOKEN)

Post: TypeAlias = Callable[[SignedWebhook], tuple[int, bytes]]
"""Posts a webhook to a service that echoes verified bodies. Returns status and body."""


async def _echo(request: Request) -> Response:
    try:
        return Response(await on_starlette.receive(request, VERIFIER))
    except Forged:
        return Response(status_code=403)


def _post_to_asgi(app: Starlette) -> Post:
    client = TestClient(app)

    def post(webhook: SignedWebhook) -> tuple[int, bytes]:
        response = client.post(**webhook.for_starlette())
        return response.status_code, response.content

    return post


def starlette_service() -> Post:
    """Serve with Starlette."""
    return _post_to_asgi(Starlette(routes=[Route("/{rest:path}", _echo, methods=["POST"])]))


def fastapi_service() -> Post:
    """Serve with FastAPI."""
    app = fastapi.FastAPI()
    app.post("/{rest:path}", response_model=None)(_echo)
    return _post_to_asgi(app)


def flask_service() -> Post:
    """Serve with Flask."""
    app = flask.Flask("service")

    def hook(rest: str) -> flask.Response:
        assert rest
        try:
            return flask.Response(on_flask.receive(VERIFIER))
        except Forged:
            return flask.Response(status=403)

    app.add_url_rule("/<path:rest>", view_func=hook, methods=["POST"])
    client = app.test_client()

    def post(webhook: SignedWebhook) -> tuple[int, bytes]:
        response = client.post(**webhook.for_flask())
        return response.status_code, response.data

    return post


def _django(module: str) -> Any:  # the library brings no types
    settings = importlib.import_module("django.conf").settings
    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None, USE_TZ=True)
        importlib.import_module("django").setup()
    return importlib.import_module(module)


def django_service() -> Post:
    """Serve with Django."""

    def hook(request: on_django.DjangoRequest, rest: str) -> object:
        assert rest
        response = _django("django.http").HttpResponse
        try:
            return response(on_django.receive(request, VERIFIER))
        except Forged:
            return response(status=403)

    class Urls:
        urlpatterns: Final = (_django("django.urls").path("<path:rest>", hook),)

    client = _django("django.test").Client()

    def post(webhook: SignedWebhook) -> tuple[int, bytes]:
        with _django("django.test.utils").override_settings(ROOT_URLCONF=Urls):
            response = client.post(**webhook.for_django())
        return response.status_code, response.content

    return post


each = pytest.mark.parametrize(
    "service", [starlette_service, fastapi_service, flask_service, django_service]
)


@each
@pytest.mark.parametrize(
    "url",
    [
        "http://testserver/assignments",
        "https://hooks.example.com/assign%20to%2Fme;v=1?node=a%20b&node=c+d",
        "http://localhost:8000/assignments?x=1",
    ],
)
def test_signed_form_is_verified(service: Callable[[], Post], url: str) -> None:
    webhook = sign_form(url, FORM, TOKEN)
    assert service()(webhook) == (200, webhook.body)
    assert webhook == sign_form(url, tuple(FORM.items()), TOKEN)


@each
def test_signed_json_is_verified(service: Callable[[], Post]) -> None:
    body = '[{"id": "NO1", "name": "Zoë"}]'.encode()
    webhook = sign_json("https://hooks.example.com/events?node=7", body, TOKEN)
    assert service()(webhook) == (200, body)


@each
def test_form_signed_with_another_token_is_refused(service: Callable[[], Post]) -> None:
    assert service()(sign_form("http://testserver/assignments", FORM, "other")) == (403, b"")
