"""Rows 7 and 8: whole updates over a stub transport."""

# pyright: reportMissingTypeStubs=false

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode, urlsplit

from requests import PreparedRequest
from requests import Response as SessionResponse
from requests.adapters import BaseAdapter
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from reservation_core import Accept, Command, Conference, Reply, Request, perform
from tests.benchmarks import samples
from tests.benchmarks.measure import Comparison, Effort, clock

_Sent: TypeAlias = tuple[str, bytes]
"""Path and body of a request that a stub received."""

_Update: TypeAlias = Callable[[], str]
"""Does a whole update, and gives the status that was answered."""

_ORIGIN: Final = "https://taskrouter.twilio.com"

# --- ours ----------------------------------------------------------------------------------------


class _Gateway:
    """A stub gateway with one reply, which can encode the body."""

    def __init__(self, body: bytes, *, encodes: bool) -> None:
        self._answer = body
        self._encodes = encodes
        self._request = Request("GET", "/")
        self._body = b""

    def send(self, request: Request) -> Reply:
        self._request = request
        if self._encodes:
            self._body = request.body
        return samples.reply(self._answer)

    @property
    def sent(self) -> _Sent:
        """Path and body of the last request."""
        return self._request.path, self._body or self._request.body


def _ours(command: Callable[[], Command], gateway: _Gateway) -> _Update:
    """Build the command, prepare it, send it and conclude."""
    reservation = samples.pending()
    return lambda: perform(reservation, command(), gateway).status


# --- the official client -------------------------------------------------------------------------


class _StubClient:
    """An ``http_client`` stub that keeps the data and always answers the same."""

    def __init__(self, body: bytes) -> None:
        self._answer = body.decode()
        self._url = ""
        self._data: Mapping[str, Any] = {}

    def request(self, _: str, url: str, *, data: Mapping[str, Any], **__: object) -> Response:
        self._url, self._data = url, data
        return Response(200, self._answer, samples.HEADERS)

    @property
    def sent(self) -> _Sent:
        """Path and encoded body of the last request."""
        return self._url.removeprefix(_ORIGIN), urlencode(self._data, doseq=True).encode()


class _StubAdapter(BaseAdapter):
    """A ``requests`` adapter stub at the end of the client's own session."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self._answer = body
        self._request = PreparedRequest()

    def send(self, request: PreparedRequest, *_: object, **__: object) -> SessionResponse:
        self._request = request
        response = SessionResponse()
        response.status_code = 200
        response.headers.update(samples.HEADERS)
        response.raw = BytesIO(self._answer)
        response.url = request.url or ""
        response.request = request
        return response

    def close(self) -> None: ...
    @property
    def sent(self) -> _Sent:
        """Path and body of the last request."""
        return urlsplit(self._request.url or "").path, str(self._request.body).encode()


def _official(http_client: Any, given: Mapping[str, Any]) -> _Update:
    """Update as the client's page shows it: one statement from the client to ``update``."""
    client = Client("AC" + "0" * 32, "token", http_client=http_client, environment={"": ""})

    def update() -> str:
        reservations = (
            client.taskrouter.v1.workspaces(samples.WORKSPACE).tasks(samples.TASK).reservations
        )
        return str(reservations(samples.RESERVATION).update(**given).reservation_status)

    return update


def _own_session(adapter: _StubAdapter) -> TwilioHttpClient:
    http_client = TwilioHttpClient()
    assert http_client.session is not None
    http_client.session.mount("https://", adapter)
    return http_client


# --- the rows ------------------------------------------------------------------------------------


def accept(effort: Effort) -> list[Comparison]:
    """Accept. The reply shows accepted."""
    return _whole(
        effort,
        7,
        "accept",
        Accept,
        {"reservation_status": "accepted"},
        samples.ACCEPTED,
        stub=3.5,
        session=30,
    )


def conference(effort: Effort) -> list[Comparison]:
    """Start a 27-parameter conference, built and checked each time. The reply shows pending."""
    given = samples.CONFERENCE
    update = {"instruction": "conference", **given}
    return _whole(
        effort,
        8,
        "conference",
        lambda: Conference(**given),
        update,
        samples.PENDING,
        stub=2.2,
        session=18,
    )


def _whole(
    effort: Effort,
    row: int,
    name: str,
    command: Callable[[], Command],
    given: Mapping[str, Any],
    answer: bytes,
    *,
    stub: float,
    session: float,
) -> list[Comparison]:
    """Compare whole updates, from the call to the entity.

    Each pair ends at the same place. An ``http_client`` is given data, so our gateway does not
    encode the form beside it. An adapter is given a body, so our gateway encodes one beside it.
    Path, body and status are the same on both sides.
    """
    client, adapter = _StubClient(answer), _StubAdapter(answer)
    comparisons: list[Comparison] = []
    for against, http_client, taken, encodes, reach in (
        ("official client + stub", client, client, False, stub),
        (
            "official client + its session + stub adapter",
            _own_session(adapter),
            adapter,
            True,
            session,
        ),
    ):
        gateway = _Gateway(answer, encodes=encodes)
        ours, peer = _ours(command, gateway), _official(http_client, given)
        assert ours() == peer()
        assert gateway.sent == taken.sent
        comparisons.append(
            Comparison(
                row=row,
                measure=f"whole update, stub transport, {name}",
                against=against,
                ours=clock(ours, effort),
                peer=clock(peer, effort),
                reach=reach,
            )
        )
    return comparisons
