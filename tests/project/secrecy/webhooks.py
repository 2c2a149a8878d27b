"""Canaries in webhooks: forged, unreadable, too long, in every framework."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urlencode

import flask
from starlette.requests import Request

from reservation_core import MalformedReply, read_reservation
from reservation_core.webhooks import (
    Forged,
    Verifier,
    Webhook,
    read_assignment,
    read_event,
    read_events,
    refuse_webhook,
)
from reservation_core.webhooks import django as on_django
from reservation_core.webhooks import flask as on_flask
from reservation_core.webhooks import starlette as on_starlette
from reservation_core.webhooks.asgi import Guard, Message, Receive, Scope, Send, from_scope
from reservation_core.webhooks.wsgi import from_environ
from tests.project.secrecy.canaries import CONTACT, NAME, PASSWORD, PHONE, TOKEN, Case

FIELDS: Final = (
    ("ReservationSid", "WR" + "a" * 32),
    ("WorkerName", NAME),
    ("TaskAttributes", json.dumps({"from": PHONE, "name": NAME, "password": PASSWORD})),
    ("Unknown", CONTACT),
)
FORM: Final = urlencode(FIELDS)
FORM_TYPE: Final = "application/x-www-form-urlencoded"
HOST: Final = "hooks.example.com"
QUERY: Final = f"token={TOKEN}&phone={quote(PHONE)}&{CONTACT}"
URL: Final = f"https://user:{PASSWORD}@{HOST}/assign?{QUERY}"
VERIFIER: Final = Verifier([TOKEN, PASSWORD], max_body=2000)

# --- verification --------------------------------------------------------------------------------


def _verify(
    body: str | bytes = FORM, url: str = URL, signature: str = PASSWORD, **headers: str
) -> Case:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    webhook = Webhook(
        url,
        {"Content-Type": FORM_TYPE, "X-Twilio-Signature": signature, "Cookie": TOKEN} | names,
        body.encode() if isinstance(body, str) else body,
        "10.0.0.1",
        other_url=f"{url}&other={NAME}",
    )

    def verify() -> None:
        VERIFIER.check_head(webhook)
        VERIFIER.verify(webhook)

    return Case(verify, Forged)


_VERIFIED: Final = {
    "a verifier": Case(lambda: VERIFIER),
    "a token with a line break": Case(lambda: Verifier(f"{TOKEN}\n"), ValueError),
    "a public URL with a password": Case(
        lambda: Verifier(TOKEN, public_url=f"ftp://user:{PASSWORD}@{HOST}"), ValueError
    ),
    "a proxy that is none": Case(
        lambda: Verifier(TOKEN, trusted_proxies="10.0.0.0/99"), ValueError
    ),
    "a webhook": Case(lambda: Webhook(URL, {"X-Twilio-Signature": TOKEN}, FORM.encode())),
    "a forged form": _verify(),
    "forged JSON": _verify(json.dumps(dict(FIELDS)), Content_Type="application/json"),
    "JSON with a wrong hash": _verify(
        json.dumps(dict(FIELDS)), f"{URL}&bodySHA256={TOKEN}", Content_Type="application/json"
    ),
    "a forged GET": _verify(b""),
    "an empty signature": _verify(signature=""),
    "a signature that is not ASCII": _verify(signature=f"{TOKEN}\udcff"),
    "an unknown algorithm": _verify(X_Twilio_Webhooks_Signature_Settings=f"algorithm={CONTACT}"),
    "an unknown content type": _verify(Content_Type=f"text/{CONTACT}"),
    "a form that is not UTF-8": _verify(f"{FORM}&x=%ff"),
    "a form with too many fields": _verify(f"{FORM}{'&' * 1100}"),
    "bytes that are not text": _verify(FORM.encode() + b"\xff"),
    "a long body": _verify(FORM + NAME * 1000),
    "a wrong length": _verify(Content_Length="5"),
    "a length that is no number": _verify(Content_Length=PHONE),
    "a URL of another scheme": _verify(url=f"ftp://user:{PASSWORD}@{HOST}/?{QUERY}"),
    "a URL without a host": _verify(url=f"https://?{QUERY}"),
}

# --- reading -------------------------------------------------------------------------------------

_EVENT: Final = {
    "type": "com.twilio.taskrouter.reservation.accepted",
    "data": {"reservation_sid": CONTACT, "worker_name": NAME, "timestamp": PHONE},
}
_BODIES: Final = {
    "a form that is not UTF-8": f"{FORM}&x=%ff",
    "a form with a wrong SID": FORM.replace("WR" + "a" * 32, quote(CONTACT)),
    "attributes that are no object": urlencode([*FIELDS[:1], ("TaskAttributes", f'["{NAME}"]')]),
    "attributes that are no JSON": urlencode([*FIELDS[:1], ("TaskAttributes", PASSWORD)]),
    "a repeated field": f"{FORM}&{FORM}",
    "broken JSON": f'{{"name": "{NAME}", ',
    "JSON of another type": json.dumps([NAME, PHONE]),
    "an event": json.dumps([_EVENT, _EVENT]),
    "an event resource": json.dumps(
        {"event_type": CONTACT, "event_data": {"x": NAME}, "event_date": PHONE}
    ),
    "bytes that are not text": FORM.encode() + b"\xff",
}


def _ignore(error: MalformedReply) -> None:
    raise error


_READERS: Final[Mapping[str, Callable[[Any], object]]] = {
    "assignment": read_assignment,
    "event": read_event,
    "events": read_events,
    "events one by one": lambda body: read_events(body, on_unreadable=_ignore),
    "reservation": read_reservation,
}
_READ: Final = {
    "an assignment": Case(lambda: read_assignment(FORM)),
    "a received event": Case(
        lambda: read_event(f"{FORM}&EventType=reservation.accepted&Timestamp=1400000000")
    ),
    "a refusal": Case(lambda: refuse_webhook(Forged("forged", URL, ""))),
    **{
        f"{name} read as {kind}": Case(partial(read, body), MalformedReply)
        for kind, read in _READERS.items()
        for name, body in _BODIES.items()
        if not (kind == "reservation" and name.startswith("attributes"))  # it does not read them
    },
}

# --- frameworks ----------------------------------------------------------------------------------

_HEADERS: Final = {"Host": HOST, "Content-Type": FORM_TYPE, "X-Twilio-Signature": PASSWORD}


def _scope(**headers: str) -> dict[str, object]:
    return {
        "type": "http",
        "method": "POST",
        "scheme": "https",
        "path": "/assign",
        "query_string": QUERY.encode(),
        "headers": [
            (name.replace("_", "-").lower().encode(), value.encode())
            for name, value in (_HEADERS | headers).items()
        ],
    }


def _receiving(*messages: Message) -> Receive:
    waiting = [*messages]

    async def receive() -> Message:
        return waiting.pop(0)

    return receive


_END: Final[Message] = {"type": "http.request", "body": b"", "more_body": False}


def _message(body: str) -> Message:
    return {"type": "http.request", "body": body.encode(), "more_body": True}


def _starlette(*messages: Message, **headers: str) -> Case:
    def receive() -> object:
        request = Request(_scope(**headers), _receiving(*messages))
        return on_starlette.receive(request, VERIFIER)

    return Case(receive, Forged)


async def _guard() -> None:
    found: list[Forged] = []

    async def read_all(_: Scope, receive: Receive, __: Send) -> None:
        try:
            while True:
                await receive()
        except Forged as error:
            found.append(error)

    async def send(_: Message) -> None: ...

    await Guard(read_all, VERIFIER)(_scope(), _receiving(*[_message(FORM)] * 20), send)
    raise found[0]


def _flask(body: str, **headers: str) -> Case:
    def receive() -> None:
        environ = {"REMOTE_ADDR": "10.0.0.1", "QUERY_STRING": QUERY}
        with flask.Flask("service").test_request_context(
            "/assign",
            method="POST",
            data=body,
            headers=_HEADERS | headers,
            environ_overrides=environ,
        ):
            on_flask.receive(VERIFIER)

    return Case(receive, Forged)


def _django(body: str, **headers: str) -> Case:
    def receive() -> None:
        settings: Any = importlib.import_module("django.conf").settings
        if not settings.configured:
            settings.configure(ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None, USE_TZ=True)
            importlib.import_module("django").setup()
        make: Any = importlib.import_module("django.test").RequestFactory().generic
        given = _HEADERS | headers
        request = make("POST", f"/assign?{QUERY}", body, given.pop("Content-Type"), headers=given)
        on_django.receive(request, VERIFIER)

    return Case(receive, Forged)


_ENVIRON: Final = {"HTTP_HOST": f"user:{PASSWORD}@{HOST}/", "QUERY_STRING": QUERY, "PATH_INFO": "/"}
_FRAMEWORKS: Final = {
    "a forged webhook in Starlette": _starlette(_message(FORM), _END),
    "a long body in Starlette": _starlette(*[_message(FORM)] * 20),
    "a broken body in Starlette": _starlette(_message(FORM), {"type": "http.disconnect"}),
    "a webhook without a signature in Starlette": _starlette(**{"X-Twilio-Signature": ""}),
    "a long body before the guard": Case(_guard, Forged),
    "a forged webhook in Flask": _flask(FORM),
    "a long body in Flask": _flask(FORM * 20),
    "a webhook without a signature in Flask": _flask(FORM, **{"X-Twilio-Signature": ""}),
    "a forged webhook in Django": _django(FORM),
    "a long body in Django": _django(FORM * 20),
    "a webhook without a signature in Django": _django(FORM, **{"X-Twilio-Signature": ""}),
    "a wrong host under ASGI": Case(lambda: from_scope(_scope(Host=_ENVIRON["HTTP_HOST"])), Forged),
    "a wrong host under WSGI": Case(lambda: from_environ(_ENVIRON), Forged),
}

CASES: Final = _VERIFIED | _READ | _FRAMEWORKS
