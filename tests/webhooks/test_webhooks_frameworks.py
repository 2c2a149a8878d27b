"""Webhooks are verified, read and answered in every framework."""

from __future__ import annotations

import asyncio
import importlib
import io
import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, TypeAlias
from urllib.parse import unquote, urlencode

import fastapi
import flask
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from reservation_core import Accept, MalformedReply
from reservation_core.rest.messages import Reply
from reservation_core.webhooks import (
    ACKNOWLEDGEMENT,
    Forged,
    Verifier,
    add_body_hash,
    answer,
    read_assignment,
    read_events,
    refuse_webhook,
    sign,
)
from reservation_core.webhooks import django as on_django
from reservation_core.webhooks import flask as on_flask
from reservation_core.webhooks import starlette as on_starlette
from reservation_core.webhooks.asgi import Guard, from_scope
from reservation_core.webhooks.wsgi import from_environ

Answered: TypeAlias = tuple[int, str | None, bytes]
"""The status, the content type and the body of a response."""

Send: TypeAlias = Callable[[str, Mapping[str, str], bytes], Answered]
"""Function that sends a path with its query, headers and a body to a service."""

Decide: TypeAlias = Callable[[str, bytes], Reply]
"""Function that answers a path and a verified body."""

TOKEN: Final = "0123456789abcdef" * 2
ORIGIN: Final = "https://hooks.example.com"
PEER: Final = "10.0.0.1"
SID: Final = "WR" + "6" * 32
FIELDS: Final = (
    ("ReservationSid", SID),
    ("TaskAttributes", '{"name": "Zoë"}'),
    ("Tag", "b"),
    ("Tag", "a"),
)
PATH: Final = "/hooks/assign%20to%2Fme;v=1?node=a%20b&node=c+d"
FORM: Final = "application/x-www-form-urlencoded"


def decide(path: str, body: bytes) -> Reply:
    """Accept the task of Zoë, and acknowledge an event."""
    if "events" in path:
        return (
            ACKNOWLEDGEMENT
            if [event.type for event in read_events(body)] == ["reservation.accepted"]
            else Reply(500)
        )
    return answer(Accept() if read_assignment(body).task_attributes["name"] == "Zoë" else None)


# --- a small service in each framework -----------------------------------------------------------


def _endpoint(verifier: Verifier) -> Callable[[Request], Awaitable[Response]]:
    async def hook(request: Request) -> Response:
        try:
            reply = decide(request.url.path, await on_starlette.receive(request, verifier))
        except (Forged, MalformedReply) as error:
            reply = refuse_webhook(error)
        return on_starlette.respond(reply)

    return hook


def _asgi(app: Starlette) -> Send:
    client = TestClient(app, base_url=ORIGIN, client=(PEER, 50000))

    def send(path: str, headers: Mapping[str, str], body: bytes) -> Answered:
        method = "POST" if body else "GET"
        response = client.request(method, path, content=body or None, headers=dict(headers))
        return response.status_code, response.headers.get("content-type"), response.content

    return send


def starlette_service(verifier: Verifier) -> Send:
    """Serve with Starlette."""
    return _asgi(
        Starlette(
            routes=[Route("/hooks/{rest:path}", _endpoint(verifier), methods=["GET", "POST"])]
        )
    )


def fastapi_service(verifier: Verifier) -> Send:
    """Serve with FastAPI."""
    app = fastapi.FastAPI()
    app.api_route("/hooks/{rest:path}", methods=["GET", "POST"], response_model=None)(
        _endpoint(verifier)
    )
    return _asgi(app)


def flask_service(verifier: Verifier) -> Send:
    """Serve with Flask."""
    app = flask.Flask("service")

    def hook(rest: str) -> flask.Response:
        try:
            reply = decide(rest, on_flask.receive(verifier))
        except (Forged, MalformedReply) as error:
            reply = refuse_webhook(error)
        return on_flask.respond(reply)

    app.add_url_rule("/hooks/<path:rest>", view_func=hook, methods=["GET", "POST"])
    client = app.test_client()

    def send(path: str, headers: Mapping[str, str], body: bytes) -> Answered:
        response = client.open(
            path,
            method="POST" if body else "GET",
            base_url=ORIGIN,
            data=body,
            headers=dict(headers),
            environ_overrides={"REMOTE_ADDR": PEER},
        )
        return response.status_code, response.headers.get("Content-Type"), response.data

    return send


def _django(module: str) -> Any:  # the library brings no types
    settings = importlib.import_module("django.conf").settings
    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None, USE_TZ=True)
        importlib.import_module("django").setup()
    return importlib.import_module(module)


def django_service(verifier: Verifier) -> Send:
    """Serve with Django."""

    def hook(request: on_django.DjangoRequest, rest: str) -> object:
        try:
            reply = decide(rest, on_django.receive(request, verifier))
        except (Forged, MalformedReply) as error:
            reply = refuse_webhook(error)
        return on_django.respond(reply)

    class Urls:
        urlpatterns: Final = (_django("django.urls").path("hooks/<path:rest>", hook),)

    client = _django("django.test").Client(headers={"host": "hooks.example.com"})

    def send(path: str, headers: Mapping[str, str], body: bytes) -> Answered:
        given = dict(headers)
        kind = given.pop("Content-Type", "")
        method = "POST" if body else "GET"
        with _django("django.test.utils").override_settings(ROOT_URLCONF=Urls):
            response = client.generic(
                method, path, body, kind, secure=True, headers=given, REMOTE_ADDR=PEER, RAW_URI=path
            )
        return response.status_code, response.headers.get("Content-Type"), response.content

    return send


each = pytest.mark.parametrize(
    "service", [starlette_service, fastapi_service, flask_service, django_service]
)


def callback(
    url: str = ORIGIN + PATH, fields: tuple[tuple[str, str], ...] = FIELDS
) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of an assignment callback."""
    return {"X-Twilio-Signature": sign(url, fields, TOKEN), "Content-Type": FORM}, urlencode(
        fields
    ).encode()


# --- every framework -----------------------------------------------------------------------------


@each
def test_callback_is_verified_read_and_answered(service: Callable[[Verifier], Send]) -> None:
    """Escapes, repeated fields and non-ASCII letters arrive as they were signed."""
    assert service(Verifier(TOKEN))(PATH, *callback()) == (
        200,
        "application/json",
        b'{"instruction": "accept"}',
    )
    assert service(Verifier(TOKEN))("/hooks/a", *callback(ORIGIN + "/hooks/a"))[0] == 200


@each
def test_empty_response_keeps_its_content_type(service: Callable[[Verifier], Send]) -> None:
    fields = (("ReservationSid", SID), ("TaskAttributes", '{"name": "Max"}'))
    assert service(Verifier(TOKEN))(PATH, *callback(fields=fields)) == (
        200,
        "application/json",
        b"",
    )


@each
def test_batch_of_events_is_verified_read_and_acknowledged(
    service: Callable[[Verifier], Send],
) -> None:
    payload = {
        "reservation_sid": SID,
        "timestamp": "2014-05-13T16:53:20.123Z",
        "worker_name": "Zoë",
    }
    batch = [
        {
            "type": "com.twilio.taskrouter.reservation.accepted",
            "id": "NO1",
            "data": {"payload": payload},
        }
    ]
    body = json.dumps(batch, ensure_ascii=False, indent=1).encode()
    path = add_body_hash("/hooks/events", body)
    headers = {
        "X-Twilio-Signature": sign(ORIGIN + path, (), TOKEN),
        "Content-Type": "application/json",
    }
    send = service(Verifier(TOKEN))
    assert send(path, headers, body) == (204, "application/json", b"")
    assert send(path, headers, body + b" ")[0] == 403


@each
def test_forged_and_unreadable_webhooks_are_refused_without_a_body(
    service: Callable[[Verifier], Send],
) -> None:
    send = service(Verifier(TOKEN))
    headers, body = callback()
    assert send(PATH, headers, body + b"&More=1") == (403, "text/plain; charset=utf-8", b"")
    assert send(PATH.replace("node=c", "node=d"), headers, body)[0] == 403
    assert send(PATH.replace("%2F", "/"), headers, body)[0] == 403
    assert send(PATH, {"Content-Type": FORM}, body)[0] == 403
    assert send(PATH, *callback(fields=(("ReservationSid", "x"),))) == (
        400,
        "text/plain; charset=utf-8",
        b"",
    )


@each
def test_url_is_resolved_behind_a_proxy(
    service: Callable[[Verifier], Send],
) -> None:
    headers, body = callback("http://public.example:8443" + PATH)
    headers |= {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "public.example:8443"}
    assert (
        service(Verifier(TOKEN, public_url="http://public.example:8443"))(PATH, headers, body)[0]
        == 200
    )
    assert service(Verifier(TOKEN, trusted_proxies=PEER))(PATH, headers, body)[0] == 200
    assert service(Verifier(TOKEN, trusted_proxies="10.0.0.2"))(PATH, headers, body)[0] == 403
    assert service(Verifier(TOKEN))(PATH, headers, body)[0] == 403


@each
def test_callback_by_get_is_verified_read_and_answered(
    service: Callable[[Verifier], Send],
) -> None:
    """Its fields are in the query. There is no body and no content type."""
    path = f"/hooks/assign?{urlencode(FIELDS)}"
    headers = {"X-Twilio-Signature": sign(ORIGIN + path, (), TOKEN)}
    send = service(Verifier(TOKEN))
    assert send(path, headers, b"") == (200, "application/json", b'{"instruction": "accept"}')
    assert send(path + "&More=1", headers, b"")[0] == 403


# --- servers with less information ---------------------------------------------------------------


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [
        (name.lower().encode(), value.encode())
        for name, value in ({"Host": "hooks.example.com"} | dict(headers)).items()
    ]


def test_starlette_escapes_the_path_without_raw_path() -> None:
    """Path and peer are optional in ASGI."""
    headers, body = callback(ORIGIN + "/hooks/assign%20me")

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "https",
        "path": "/hooks/assign me",
        "query_string": b"",
        "server": ("app", 8000),
        "headers": _raw(headers),
    }
    assert asyncio.run(on_starlette.receive(Request(scope, receive), Verifier(TOKEN))) == body


@pytest.mark.parametrize(
    ("server", "url"), [(("app", 8000), "http://app:8000/"), (("::1", None), "http://[::1]:0/")]
)
def test_asgi_uses_the_servers_host_without_a_host_header(server: object, url: str) -> None:
    assert from_scope({"path": "/", "headers": [], "server": server}).url == url


def test_asgi_needs_the_host_of_request_or_server() -> None:
    with pytest.raises(Forged, match="the Host header is not a host"):
        from_scope({"path": "/", "headers": [], "server": None})


def test_wsgi_escapes_the_path_without_raw_uri() -> None:
    """Without a Host header, the host is the server's own."""
    environ: dict[str, object] = {
        "wsgi.url_scheme": "http",
        "SERVER_NAME": "app",
        "SERVER_PORT": "8000",
        "SCRIPT_NAME": "/hooks",
        "PATH_INFO": "/käthe 1".encode().decode("latin-1"),
        "CONTENT_TYPE": FORM,
        "HTTP_X_TWILIO_SIGNATURE": "abc",
        "REMOTE_ADDR": PEER,
    }
    webhook = from_environ(environ)
    assert (webhook.url, webhook.peer, webhook.body) == (
        "http://app:8000/hooks/k%C3%A4the%201",
        PEER,
        b"",
    )
    assert dict(webhook.headers) == {"Content-Type": FORM, "X-Twilio-Signature": "abc"}
    assert (
        from_environ(environ | {"QUERY_STRING": "a=%20"}).url
        == "http://app:8000/hooks/k%C3%A4the%201?a=%20"
    )
    assert (
        from_environ(environ | {"REQUEST_URI": "http://evil.example/"}).url
        == "http://app:8000/hooks/k%C3%A4the%201"
    )
    assert (
        from_environ(environ | {"SERVER_NAME": "::1"}).url
        == "http://[::1]:8000/hooks/k%C3%A4the%201"
    )


def test_flask_test_client_may_pass_the_query_apart() -> None:
    """Then the query is in QUERY_STRING only, and not in REQUEST_URI."""
    query = urlencode(FIELDS)
    headers = {"X-Twilio-Signature": sign(f"{ORIGIN}/assign?{query}", (), TOKEN)}
    app = flask.Flask("service")
    with app.test_request_context("/assign", base_url=ORIGIN, query_string=query, headers=headers):
        assert on_flask.receive(Verifier(TOKEN)) == query.encode()
    with (
        app.test_request_context("/assign", base_url=ORIGIN, query_string="a=1", headers=headers),
        pytest.raises(Forged, match="does not match"),
    ):
        on_flask.receive(Verifier(TOKEN))


@pytest.mark.parametrize(
    ("uri", "query", "other"),
    [
        ("/a%20b?x=1", "x=1", None),
        ("/a%20b?x=1", None, None),
        ("/a%20b", "x=1", "http://app:8000/a%20b?x=1"),
        ("/a%20b?x=1", "", "http://app:8000/a%20b"),
        ("/a%20b?x=%7E", "x=~", "http://app:8000/a%20b?x=~"),
        (None, "x=1", None),
    ],
)
def test_wsgi_keeps_both_queries_where_they_differ(
    uri: str | None, query: str | None, other: str | None
) -> None:
    given = {"REQUEST_URI": uri, "QUERY_STRING": query}
    environ = {"wsgi.url_scheme": "http", "HTTP_HOST": "app:8000", "PATH_INFO": "/a b"}
    environ |= {name: value for name, value in given.items() if value is not None}
    webhook = from_environ(environ)
    assert webhook.url == f"http://app:8000{uri or '/a%20b?x=1'}"
    assert webhook.other_url == other


@pytest.mark.parametrize("factory", ["RequestFactory", "AsyncRequestFactory"])
def test_django_escapes_the_path_without_raw_path(factory: str) -> None:
    headers, body = callback("https://testserver/hooks/assign%20me?a=%20")
    kind = headers.pop("Content-Type")
    made = getattr(_django("django.test"), factory)()
    request = made.post("/hooks/assign%20me?a=%20", body, kind, secure=True, headers=headers)
    assert on_django.receive(request, Verifier(TOKEN)) == body


@pytest.mark.parametrize("path", ["/a;v=1", "/a=b", "/a%2Fb", "/k%c3%a4", "/%61", "/a%20b", "/a"])
def test_django_under_asgi_uses_the_raw_path(path: str) -> None:
    headers, body = callback(ORIGIN + path + "?a=%20")
    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "https",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": b"a=%20",
        "headers": _raw(headers),
    }
    request = _django("django.core.handlers.asgi").ASGIRequest(scope, io.BytesIO(body))
    assert on_django.receive(request, Verifier(TOKEN)) == body


@pytest.mark.parametrize(
    "host",
    [
        "h.example/v1",
        "h.example/events?next=",
        "h.example#",
        "user@h.example/v1",
        "[abc",
        "a]b",
        "a b",
        "",
    ],
)
@pytest.mark.parametrize("public_url", [None, "https://h.example"])
def test_host_header_cannot_shift_the_path(host: str, public_url: str | None) -> None:
    """A request signed for one path is not accepted for another."""
    verifier = Verifier(TOKEN, public_url=public_url)
    for path in ("/v1/assign", "/events?next=/assign", "/assign", "/"):
        headers, _ = callback("https://h.example" + path)
        environ: dict[str, object] = {
            "wsgi.url_scheme": "https",
            "HTTP_HOST": host,
            "SERVER_NAME": "",
            "PATH_INFO": "/assign",
            "CONTENT_TYPE": FORM,
            "HTTP_X_TWILIO_SIGNATURE": headers["X-Twilio-Signature"],
        }
        scope = {
            "type": "http",
            "scheme": "https",
            "path": "/assign",
            "headers": _raw({**headers, "Host": host}),
            "server": None,
        }
        for make in (partial(from_environ, environ), partial(from_scope, scope)):
            with pytest.raises(Forged, match="the Host header is not a host"):
                verifier.check_head(make())


# --- long bodies ---------------------------------------------------------------------------------


@each
def test_body_over_the_limit_is_refused(service: Callable[[Verifier], Send]) -> None:
    headers, body = callback()
    assert service(Verifier(TOKEN, max_body=len(body)))(PATH, headers, body)[0] == 200
    assert service(Verifier(TOKEN, max_body=len(body) - 1))(PATH, headers, body)[0] == 403


@pytest.mark.parametrize("headers", [{}, callback()[0] | {"Content-Length": "1048577"}])
def test_starlette_does_not_read_the_body_of_a_refused_head(headers: dict[str, str]) -> None:
    async def receive() -> dict[str, object]:
        pytest.fail("the body is read")

    scope = {"type": "http", "path": "/", "headers": _raw(headers)}
    with pytest.raises(Forged):
        asyncio.run(on_starlette.receive(Request(scope, receive), Verifier(TOKEN)))


@pytest.mark.parametrize(("most", "reads"), [(100, 3), (40, 3), (39, 3), (29, 2)])
def test_starlette_stops_reading_over_the_limit(most: int, reads: int) -> None:
    headers, body = callback(ORIGIN + "/", (("Note", "a" * 35),))
    assert len(body) == 40
    chunks = [body[start : start + 15] for start in range(0, 40, 15)]
    asked: list[bytes] = []

    async def receive() -> dict[str, object]:
        asked.append(chunks[len(asked)])
        return {"type": "http.request", "body": asked[-1], "more_body": len(asked) < len(chunks)}

    scope = {"type": "http", "scheme": "https", "path": "/", "headers": _raw(headers)}
    receiving = on_starlette.receive(Request(scope, receive), Verifier(TOKEN, max_body=most))
    if most >= len(body):
        assert asyncio.run(receiving) == body
    else:
        with pytest.raises(Forged, match="more than"):
            asyncio.run(receiving)
    assert len(asked) == reads


@pytest.mark.parametrize(("most", "read"), [(100, 40), (40, 40), (20, 21)])
def test_flask_stops_reading_over_the_limit(most: int, read: int) -> None:
    headers, body = callback(ORIGIN + "/", (("Note", "a" * 35),))
    sent = io.BytesIO(body)
    environ = {
        "REQUEST_METHOD": "POST",
        "wsgi.url_scheme": "https",
        "HTTP_HOST": "hooks.example.com",
        "PATH_INFO": "/",
        "CONTENT_TYPE": FORM,
        "HTTP_X_TWILIO_SIGNATURE": headers["X-Twilio-Signature"],
        "wsgi.input": sent,
        "wsgi.input_terminated": True,
    }
    with flask.Flask("service").request_context(environ):
        if most >= len(body):
            assert on_flask.receive(Verifier(TOKEN, max_body=most)) == body
        else:
            with pytest.raises(Forged, match="more than"):
                on_flask.receive(Verifier(TOKEN, max_body=most))
    assert sent.tell() == read


def test_flask_reports_a_form_that_was_read_before() -> None:
    headers, body = callback()
    with flask.Flask("service").test_request_context(
        PATH, base_url=ORIGIN, method="POST", data=body, headers=headers
    ):
        assert flask.request.form["ReservationSid"] == SID
        with pytest.raises(
            Forged,
            match=r"only 0 of the body's .* bytes are present .*before any other code reads it",
        ):
            on_flask.receive(Verifier(TOKEN))


# --- the bytes read are counted, whatever a header says ------------------------------------------

UNTRUE: Final[tuple[dict[str, str], ...]] = (
    {},
    {"Content-Length": "5"},
    {"Content-Length": "5", "Transfer-Encoding": "chunked"},
    {"Content-Length": "5", "Transfer-Encoding": "gzip, chunked"},
)
untrue = pytest.mark.parametrize("more", UNTRUE)


class Endless(io.RawIOBase):
    """A body without an end, which counts the bytes that are read."""

    given = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0, "everything is read"
        self.given += size
        return b"a" * size


@untrue
def test_starlette_stops_at_the_limit_whatever_the_headers_say(more: dict[str, str]) -> None:
    given = 0

    async def receive() -> dict[str, object]:
        nonlocal given
        given += 65536
        return {"type": "http.request", "body": b"a" * 65536, "more_body": True}

    headers = _raw(callback()[0] | more)
    scope = {"type": "http", "scheme": "https", "path": "/", "headers": headers}
    with pytest.raises(Forged, match="more than the limit of 1000"):
        asyncio.run(on_starlette.receive(Request(scope, receive), Verifier(TOKEN, max_body=1000)))
    assert given == 65536


def _environ(body: io.IOBase) -> dict[str, object]:
    return {
        "REQUEST_METHOD": "POST",
        "wsgi.url_scheme": "https",
        "HTTP_HOST": "hooks.example.com",
        "PATH_INFO": "/",
        "CONTENT_TYPE": FORM,
        "HTTP_X_TWILIO_SIGNATURE": "abc",
        "wsgi.input": body,
    }


@untrue
def test_flask_stops_at_the_limit_whatever_the_headers_say(more: dict[str, str]) -> None:
    body = Endless()
    environ = _environ(body) | {"wsgi.input_terminated": True}
    if "Content-Length" in more:
        environ["CONTENT_LENGTH"] = more["Content-Length"]
    if "Transfer-Encoding" in more:
        environ["HTTP_TRANSFER_ENCODING"] = more["Transfer-Encoding"]
    with (
        flask.Flask("service").request_context(environ),
        pytest.raises(Forged, match="more than the limit of 1000"),
    ):
        on_flask.receive(Verifier(TOKEN, max_body=1000))
    assert body.given == 1001


def _django_asgi(body: io.IOBase, headers: Mapping[str, str]) -> Any:
    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "https",
        "path": "/",
        "query_string": b"",
        "headers": _raw(headers),
    }
    return _django("django.core.handlers.asgi").ASGIRequest(scope, body)


@untrue
@pytest.mark.parametrize(("site", "read"), [(None, 1001), (2000, 1001), (500, 501)])
def test_django_under_asgi_stops_at_the_limits_whatever_the_headers_say(
    more: dict[str, str], site: int | None, read: int
) -> None:
    body = Endless()
    request = _django_asgi(body, callback()[0] | more)
    with (
        _django("django.test.utils").override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=site),
        pytest.raises(
            Forged, match=r"more than the limit of 1000|DATA_UPLOAD_MAX_MEMORY_SIZE, 500"
        ),
    ):
        on_django.receive(request, Verifier(TOKEN, max_body=1000))
    assert body.given == read


@pytest.mark.parametrize("length", ["abc", "1e3", "0x10", "5, 5", "9" * 19, "²", "1_0", ""])
def test_django_under_wsgi_reads_no_body_of_a_wrong_length(length: str) -> None:
    body = Endless()
    environ = _environ(body) | {"CONTENT_LENGTH": length}
    request = _django("django.core.handlers.wsgi").WSGIRequest(environ)
    with pytest.raises(Forged):
        on_django.receive(request, Verifier(TOKEN, max_body=1000))
    assert body.given == 0


def test_django_reports_a_body_over_its_own_limit() -> None:
    headers, body = callback(ORIGIN + "/")
    request = _django_asgi(io.BytesIO(body), headers)
    limited = _django("django.test.utils").override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=20)
    with limited, pytest.raises(Forged, match=r"DATA_UPLOAD_MAX_MEMORY_SIZE, 20 bytes .*smaller"):
        on_django.receive(request, Verifier(TOKEN))


class Broken(io.RawIOBase):
    """A body whose connection breaks off."""

    def readable(self) -> bool:
        return True

    def read(self, _: int | None = -1, /) -> bytes:
        raise ConnectionResetError


def test_body_that_breaks_off_is_refused() -> None:
    headers, _ = callback(ORIGIN + "/")
    request = _django_asgi(Broken(), headers)
    with pytest.raises(Forged, match="the request broke off"):
        on_django.receive(request, Verifier(TOKEN))

    environ = {"wsgi.input": Broken(), "wsgi.input_terminated": True}
    with (
        flask.Flask("service").test_request_context(
            "/", base_url=ORIGIN, method="POST", headers=headers, environ_overrides=environ
        ),
        pytest.raises(Forged, match="the request broke off"),
    ):
        on_flask.receive(Verifier(TOKEN))

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "scheme": "https", "path": "/", "headers": _raw(headers)}
    with pytest.raises(Forged, match="the request broke off"):
        asyncio.run(on_starlette.receive(Request(scope, receive), Verifier(TOKEN)))


# --- readers before and after --------------------------------------------------------------------


def test_flask_lets_others_read_the_body_before_and_after() -> None:
    headers, body = callback()
    with flask.Flask("service").test_request_context(
        PATH, base_url=ORIGIN, method="POST", data=body, headers=headers
    ):
        assert on_flask.receive(Verifier(TOKEN)) == body
        assert on_flask.receive(Verifier(TOKEN)) == body
        assert flask.request.form["ReservationSid"] == SID
    with flask.Flask("service").test_request_context(
        PATH, base_url=ORIGIN, method="POST", data=body, headers=headers
    ):
        assert flask.request.get_data() == body
        assert on_flask.receive(Verifier(TOKEN)) == body


def test_django_lets_others_read_the_body_before_and_after() -> None:
    headers, body = callback(ORIGIN + "/")
    request = _django_asgi(io.BytesIO(body), headers)
    assert on_django.receive(request, Verifier(TOKEN)) == body
    assert on_django.receive(request, Verifier(TOKEN)) == body
    assert request.body == body
    assert request.POST["ReservationSid"] == SID
    request = _django_asgi(io.BytesIO(body), headers)
    assert request.POST["ReservationSid"] == SID
    assert on_django.receive(request, Verifier(TOKEN)) == body


def test_starlette_lets_others_read_the_body_before_and_after() -> None:
    headers, body = callback(ORIGIN + "/")

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def read() -> None:
        scope = {"type": "http", "scheme": "https", "path": "/", "headers": _raw(headers)}
        request = Request(scope, receive)
        assert await on_starlette.receive(request, Verifier(TOKEN)) == body
        assert await on_starlette.receive(request, Verifier(TOKEN)) == body
        assert await request.body() == body
        request = Request(scope, receive)
        assert await request.body() == body
        assert await on_starlette.receive(request, Verifier(TOKEN)) == body

    asyncio.run(read())


# --- hosts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowed", "debug", "is_allowed"),
    [
        (["hooks.example.com"], False, True),
        ([".example.com"], False, True),
        (["*"], False, True),
        (["example.com"], False, False),
        ([], False, False),
        ([], True, False),
    ],
)
def test_django_allows_only_its_allowed_hosts(
    allowed: list[str], *, debug: bool, is_allowed: bool
) -> None:
    headers, body = callback(ORIGIN + "/")

    def receive(verifier: Verifier) -> bytes:
        return on_django.receive(_django_asgi(io.BytesIO(body), headers), verifier)

    with _django("django.test.utils").override_settings(ALLOWED_HOSTS=allowed, DEBUG=debug):
        assert receive(Verifier(TOKEN, public_url=ORIGIN)) == body
        assert receive(Verifier(TOKEN, allowed_hosts="hooks.example.com")) == body
        if is_allowed:
            assert receive(Verifier(TOKEN)) == body
        else:
            with pytest.raises(Forged, match="not one of the framework's allowed hosts"):
                receive(Verifier(TOKEN))
    with pytest.raises(Forged, match="host is not one of allowed_hosts"):
        receive(Verifier(TOKEN, allowed_hosts="other.example.com"))


def test_django_allows_local_hosts_in_debug_mode() -> None:
    headers, body = callback("https://localhost:8000/")
    request = _django_asgi(io.BytesIO(body), headers | {"Host": "localhost:8000"})
    with _django("django.test.utils").override_settings(ALLOWED_HOSTS=[], DEBUG=True):
        assert on_django.receive(request, Verifier(TOKEN)) == body


def test_flask_allows_only_its_trusted_hosts() -> None:
    headers, body = callback()
    headers |= {"X-Forwarded-Host": "hooks.example.com"}
    app = flask.Flask("service")
    app.config["TRUSTED_HOSTS"] = ["inner.example.com"]
    with app.test_request_context(
        PATH,
        base_url="https://inner.example.com",
        method="POST",
        data=body,
        headers=headers,
        environ_overrides={"REMOTE_ADDR": PEER},
    ):
        with pytest.raises(Forged, match="not one of the framework's allowed hosts"):
            on_flask.receive(Verifier(TOKEN, trusted_proxies=PEER))
        own = Verifier(TOKEN, trusted_proxies=PEER, allowed_hosts=".example.com")
        assert on_flask.receive(own) == body


def test_empty_host_is_refused_behind_a_proxy() -> None:
    """The proxy's header would replace it."""
    headers, _ = callback(ORIGIN + "/")
    headers |= {"X-Forwarded-Host": "hooks.example.com", "Host": ""}
    environ: dict[str, object] = {"HTTP_HOST": "", "PATH_INFO": "/", "REMOTE_ADDR": PEER}
    scope = {"type": "http", "path": "/", "headers": _raw(headers), "client": (PEER, 1)}
    for make in (partial(from_environ, environ), partial(from_scope, scope)):
        with pytest.raises(Forged, match="the Host header is not a host"):
            make()


# --- the guard -----------------------------------------------------------------------------------


def _guarded(
    headers: Mapping[str, str], path: str, messages: list[dict[str, object]]
) -> tuple[list[int], int]:
    """Return the statuses that are sent, and the number of reads."""
    statuses: list[int] = []
    reads = 0

    async def application(_: object, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200})

    async def receive() -> dict[str, object]:
        nonlocal reads
        reads += 1
        return messages[reads - 1]

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope: dict[str, object] = {
        "type": "http",
        "scheme": "https",
        "path": path,
        "headers": _raw(headers),
    }
    guard = Guard(application, Verifier(TOKEN, max_body=100), "/hooks/")
    asyncio.run(guard(scope, receive, send))
    return statuses, reads


def _parts(*sizes: int) -> list[dict[str, object]]:
    sent: list[dict[str, object]] = [
        {"type": "http.request", "body": b"a" * size, "more_body": True} for size in sizes
    ]
    return [*sent, {"type": "http.request"}]


def test_guard_passes_requests_on_up_to_the_limit() -> None:
    headers = callback()[0]
    assert _guarded(headers, "/hooks/a", _parts(60, 40)) == ([200], 3)
    assert _guarded(headers, "/hooks/a", _parts(60, 41, 60)) == ([403], 2)
    assert _guarded(headers | {"Content-Length": "5"}, "/hooks/a", _parts(101, 1)) == ([403], 1)


def test_guard_reads_no_body_of_a_refused_head() -> None:
    assert _guarded({}, "/hooks/a", []) == ([403], 0)
    assert _guarded(callback()[0] | {"Content-Length": "101"}, "/hooks/a", []) == ([403], 0)


def test_guard_leaves_other_paths_alone() -> None:
    assert _guarded({}, "/upload", _parts(1000, 1000)) == ([200], 3)


def test_guard_leaves_other_connections_alone() -> None:
    seen: list[object] = []

    async def application(scope: Any, *_: object) -> None:
        seen.append(scope["type"])

    given: Any = None
    asyncio.run(Guard(application, Verifier(TOKEN))({"type": "lifespan"}, given, given))
    assert seen == ["lifespan"]


class Dripping(io.RawIOBase):
    """A body of which each read returns at most three bytes."""

    def __init__(self, body: bytes) -> None:
        self._rest = body

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        part, self._rest = self._rest[: min(size, 3)], self._rest[min(size, 3) :]
        return part


def test_body_in_small_parts_is_read_whole() -> None:
    headers, body = callback(ORIGIN + "/")
    request = _django_asgi(Dripping(body), headers)
    assert on_django.receive(request, Verifier(TOKEN)) == body
    environ = {
        "wsgi.input": Dripping(body),
        "wsgi.input_terminated": True,
        "CONTENT_LENGTH": str(len(body)),
    }
    with flask.Flask("service").test_request_context(
        "/", base_url=ORIGIN, method="POST", headers=headers, environ_overrides=environ
    ):
        assert on_flask.receive(Verifier(TOKEN)) == body
