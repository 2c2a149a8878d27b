"""What is done through a gateway: one request for one question, nothing when it is refused, and lists only as far as they are taken."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import islice
from typing import Final, Protocol, TypedDict, cast

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reservation_core import (
    ONCE,
    Accept,
    Address,
    AsyncGateway,
    Call,
    Command,
    CommandNotAllowed,
    Conference,
    Gateway,
    GatewayError,
    IncompleteReservation,
    InvalidCommand,
    LostRace,
    MalformedReply,
    NotFound,
    NotSent,
    Policy,
    Reply,
    ReplyError,
    Request,
    Reservation,
    Status,
    Supervise,
    Wrap,
    afetch,
    alist_reservations,
    aperform,
    conclude,
    fetch,
    list_reservations,
    perform,
    prepare,
    prepare_fetch,
)
from reservation_core.delivery.policy import DEFAULT_POLICY
from reservation_core.testing.strategies import near_sids
from tests.reference.oracle import load

HEX: Final = "0123456789abcdef" * 2
WORKSPACE, TASK, WORKER, SID = (f"{prefix}{HEX}" for prefix in ("WS", "WT", "WK", "WR"))
PENDING: Final = Reservation(
    sid=SID, workspace_sid=WORKSPACE, task_sid=TASK, worker_sid=WORKER, status=Status.PENDING
)
ACCEPTED: Final = attrs.evolve(PENDING, status=Status.ACCEPTED)
ORIGIN: Final = "https://taskrouter.twilio.com"
TASK_LIST: Final = f"/v1/Workspaces/{WORKSPACE}/Tasks/{TASK}/Reservations"
WORKER_LIST: Final = f"/v1/Workspaces/{WORKSPACE}/Workers/{WORKER}/Reservations"


@attrs.frozen(kw_only=True)
class Wanted:
    """What a list is asked for."""

    workspace_sid: str = WORKSPACE
    task_sid: str | None = None
    worker_sid: str | None = None
    status: Status | None = None
    page_size: int | None = None


OF_TASK: Final = Wanted(task_sid=TASK)
OF_WORKER: Final = Wanted(worker_sid=WORKER)


class Script:
    """A gateway of both kinds that keeps what it is sent, and answers by a script: replies in order, or errors to raise."""

    def __init__(self, *answers: Reply | Exception) -> None:
        self.requests: list[Request] = []
        self._answers = list(answers)

    def send(self, request: Request) -> Reply:
        """Answer a thread."""
        self.requests.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def asend(self, request: Request) -> Reply:
        """Answer a task, after others had their turn."""
        await asyncio.sleep(0)
        return self.send(request)


class Placed(Script):
    """The same, telling its origin."""

    def __init__(self, origin: str, *answers: Reply | Exception) -> None:
        super().__init__(*answers)
        self.origin = origin


class Flavour(Protocol):
    """The five things one does through a gateway, whether they wait in a thread or in an event loop."""

    def perform(
        self,
        reservation: Reservation,
        command: Command,
        gateway: Script,
        route: str = "task",
        policy: Policy = DEFAULT_POLICY,
    ) -> Reservation:
        """Ask for a command."""
        ...

    def fetch(
        self, where: Reservation | Address, gateway: Script, route: str = "task"
    ) -> Reservation:
        """Read one reservation."""
        ...

    def take(self, gateway: Script, wanted: Wanted, count: int | None = None) -> list[Reservation]:
        """Take so many reservations of a list, or all."""
        ...

    def begin(self, gateway: Script, wanted: Wanted) -> object:
        """Ask for a list and take nothing of it."""
        ...


class InThreads:
    """The functions that wait."""

    def perform(
        self,
        reservation: Reservation,
        command: Command,
        gateway: Script,
        route: str = "task",
        policy: Policy = DEFAULT_POLICY,
    ) -> Reservation:
        port: Gateway = gateway
        return perform(reservation, command, port, route=route, policy=policy)

    def fetch(
        self, where: Reservation | Address, gateway: Script, route: str = "task"
    ) -> Reservation:
        return fetch(where, gateway, route=route)

    def take(self, gateway: Script, wanted: Wanted, count: int | None = None) -> list[Reservation]:
        return list(islice(self.begin(gateway, wanted), count))

    def begin(self, gateway: Script, wanted: Wanted) -> Iterator[Reservation]:
        return list_reservations(
            gateway,
            workspace_sid=wanted.workspace_sid,
            task_sid=wanted.task_sid,
            worker_sid=wanted.worker_sid,
            status=wanted.status,
            page_size=wanted.page_size,
        )


class InAnEventLoop:
    """The functions that are awaited."""

    def perform(
        self,
        reservation: Reservation,
        command: Command,
        gateway: Script,
        route: str = "task",
        policy: Policy = DEFAULT_POLICY,
    ) -> Reservation:
        port: AsyncGateway = gateway
        return asyncio.run(aperform(reservation, command, port, route=route, policy=policy))

    def fetch(
        self, where: Reservation | Address, gateway: Script, route: str = "task"
    ) -> Reservation:
        return asyncio.run(afetch(where, gateway, route=route))

    def take(self, gateway: Script, wanted: Wanted, count: int | None = None) -> list[Reservation]:
        async def some() -> list[Reservation]:
            taken: list[Reservation] = []
            walk = self.begin(gateway, wanted)
            while count is None or len(taken) < count:
                try:
                    taken.append(await anext(walk))
                except StopAsyncIteration:
                    break
            return taken

        return asyncio.run(some())

    def begin(self, gateway: Script, wanted: Wanted) -> AsyncIterator[Reservation]:
        return alist_reservations(
            gateway,
            workspace_sid=wanted.workspace_sid,
            task_sid=wanted.task_sid,
            worker_sid=wanted.worker_sid,
            status=wanted.status,
            page_size=wanted.page_size,
        )


@pytest.fixture(params=[InThreads(), InAnEventLoop()], ids=["threads", "event loop"])
def flavour(request: pytest.FixtureRequest) -> Flavour:
    """Give one way to use a gateway after the other."""
    return cast("Flavour", request.param)


def report(reservation: Reservation, status: int = 200, **headers: str) -> Reply:
    """Make the reply that shows a reservation."""
    fields = ("sid", "workspace_sid", "task_sid", "worker_sid")
    body = {
        "reservation_status": reservation.status.value,
        **{name: getattr(reservation, name) for name in fields},
    }
    return Reply(status, headers, json.dumps(body).encode())


# --- one question, one request ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ["task", "worker"])
def test_a_command_is_sent_once_and_its_answer_is_held(flavour: Flavour, route: str) -> None:
    """Performing sends exactly the prepared request and gives what its answer concludes to."""
    gateway, held = Script(report(ACCEPTED, ETag="4")), attrs.evolve(PENDING, etag="3")
    assert flavour.perform(held, Accept(), gateway, route) == attrs.evolve(ACCEPTED, etag="4")
    assert gateway.requests == [prepare(held, Accept(), route=route)]


def test_a_command_that_has_effect_later_leaves_the_reservation_on_hold(flavour: Flavour) -> None:
    """What is held after a conference is what was reported, and that its outcome is awaited."""
    gateway = Script(report(PENDING))
    held = flavour.perform(PENDING, Conference(to="client:alice"), gateway)
    assert held == attrs.evolve(PENDING, on_hold=True)
    with pytest.raises(CommandNotAllowed):
        flavour.perform(held, Accept(), gateway)
    assert len(gateway.requests) == 1


@pytest.mark.parametrize("route", ["task", "worker"])
@pytest.mark.parametrize(
    "where", [PENDING, Address(workspace_sid=WORKSPACE, task_sid=TASK, worker_sid=WORKER, sid=SID)]
)
def test_a_fetch_is_sent_once_and_its_answer_is_held(
    flavour: Flavour, where: Reservation | Address, route: str
) -> None:
    """Fetching sends exactly the prepared request and gives what it reads."""
    gateway = Script(report(ACCEPTED, ETag="4"))
    assert flavour.fetch(where, gateway, route) == attrs.evolve(ACCEPTED, etag="4")
    assert gateway.requests == [prepare_fetch(where, route=route)]


@pytest.mark.parametrize(
    ("reservation", "command", "route", "error"),
    [
        (PENDING, Wrap(), "task", CommandNotAllowed),
        (attrs.evolve(PENDING, on_hold=True), Accept(), "task", CommandNotAllowed),
        (ACCEPTED, Supervise(supervisor_mode="barge", supervisor=WORKER), "worker", InvalidCommand),
        (attrs.evolve(PENDING, etag="\r\n"), Accept(), "task", InvalidCommand),
        (attrs.evolve(PENDING, task_sid=None), Accept(), "task", IncompleteReservation),
        (attrs.evolve(PENDING, sid="WR1?x=1"), Accept(), "worker", IncompleteReservation),
    ],
)
def test_nothing_is_sent_when_a_command_is_refused(
    flavour: Flavour, reservation: Reservation, command: Command, route: str, error: type[Exception]
) -> None:
    """What we would not ask never reaches the gateway."""
    gateway = Script()
    with pytest.raises(error):
        flavour.perform(reservation, command, gateway, route)
    assert gateway.requests == []


def test_nothing_is_sent_without_an_address(flavour: Flavour) -> None:
    """A fetch without an address never reaches the gateway."""
    gateway = Script()
    with pytest.raises(IncompleteReservation, match="task_sid"):
        flavour.fetch(Address(workspace_sid=WORKSPACE, sid=SID), gateway)
    assert gateway.requests == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Reply(404), NotFound),
        (Reply(412), LostRace),
        (Reply(200), MalformedReply),
        (Reply(503), ReplyError),
        (NotSent("no route to the host"), NotSent),
        (GatewayError("timed out"), GatewayError),
        (RuntimeError("a bug of the gateway's"), RuntimeError),
    ],
    ids=repr,
)
def test_no_failure_is_repeated_or_swallowed(
    flavour: Flavour, answer: Reply | Exception, error: type[Exception]
) -> None:
    """Told to ask once, whatever goes wrong with the one request comes out as it is, and nothing is sent again."""
    asks: Sequence[Callable[[Script], object]] = (
        lambda gateway: flavour.perform(PENDING, Accept(), gateway, policy=ONCE),
        lambda gateway: flavour.fetch(PENDING, gateway),
        lambda gateway: flavour.take(gateway, OF_TASK),
    )
    for ask in asks:
        gateway = Script(answer)
        with pytest.raises(error):
            ask(gateway)
        assert len(gateway.requests) == 1


def test_performing_is_preparing_and_concluding(flavour: Flavour) -> None:
    """There is no logic between the request and the answer but the two pure functions."""
    command, answer = (
        Call(from_="+15005550006", url="https://example.com", accept=True),
        report(PENDING, ETag="1"),
    )
    assert flavour.perform(PENDING, command, Script(answer)) == conclude(PENDING, command, answer)


# --- lists ------------------------------------------------------------------------------------------------------------------------------


def rows_of(*numbers: int) -> list[dict[str, str]]:
    """Make list items that are told apart by the end of their SIDs."""
    return [
        {
            "sid": f"WR{number:032x}",
            "workspace_sid": WORKSPACE,
            "task_sid": TASK,
            "worker_sid": WORKER,
            "reservation_status": "pending",
        }
        for number in numbers
    ]


def page(
    *numbers: int, following: object = None, url: object = f"{ORIGIN}{TASK_LIST}?PageSize=50&Page=0"
) -> Reply:
    """Make a page of a list that names the next one."""
    meta = {"key": "reservations", "url": url, "next_page_url": following}
    return Reply(200, {}, json.dumps({"meta": meta, "reservations": rows_of(*numbers)}).encode())


def numbers_of(reservations: Sequence[Reservation]) -> list[int]:
    """Tell list items apart again."""
    return [int(f"0x{(reservation.sid or '')[2:]}", 0) for reservation in reservations]


class _Recorded(TypedDict):
    id: str
    method: str
    path: str


RECORDED: Final = {
    request["id"]: request
    for request in cast("dict[str, list[_Recorded]]", load("requests"))["requests"]
}


def test_a_recorded_list_is_reproduced(flavour: Flavour) -> None:
    """The first page and the one its link leads to are asked for as the official client does it."""
    first, second = RECORDED["python-sync/task/list"], RECORDED["python-sync/task/list#2"]
    gateway = Placed(ORIGIN, page(1, following=ORIGIN + second["path"]), page(2))
    status = Status(first["path"].partition("ReservationStatus=")[2].partition("&")[0])
    assert numbers_of(
        flavour.take(gateway, attrs.evolve(OF_TASK, worker_sid=WORKER, status=status, page_size=2))
    ) == [1, 2]
    assert [(request.method, request.path) for request in gateway.requests] == [
        ("GET", first["path"]),
        ("GET", second["path"]),
    ]
    assert all(request.body == b"" for request in gateway.requests)


def test_a_recorded_list_of_a_worker_is_reproduced(flavour: Flavour) -> None:
    """A worker's reservations are asked for on the worker route."""
    gateway = Script(page())
    assert flavour.take(gateway, attrs.evolve(OF_WORKER, status=Status.PENDING)) == []
    assert gateway.requests[0].path == RECORDED["python-sync/worker/list"]["path"]


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        (OF_TASK, TASK_LIST),
        (OF_WORKER, WORKER_LIST),
        (attrs.evolve(OF_TASK, worker_sid=WORKER), f"{TASK_LIST}?WorkerSid={WORKER}"),
        (attrs.evolve(OF_TASK, page_size=1), f"{TASK_LIST}?PageSize=1"),
        (attrs.evolve(OF_WORKER, page_size=1000), f"{WORKER_LIST}?PageSize=1000"),
        (
            attrs.evolve(OF_WORKER, status=Status.ACCEPTED, page_size=7),
            f"{WORKER_LIST}?ReservationStatus=accepted&PageSize=7",
        ),
    ],
)
def test_the_filters_go_into_the_query(flavour: Flavour, wanted: Wanted, path: str) -> None:
    """Every filter stands in the query of the first request, in the order of the reference; what is not asked for is not sent."""
    gateway = Script(page())
    flavour.take(gateway, wanted)
    assert [request.path for request in gateway.requests] == [path]


@pytest.mark.parametrize("status", Status)
def test_a_list_can_be_of_any_status(flavour: Flavour, status: Status) -> None:
    """A list is filtered by each of the eight statuses."""
    gateway = Script(page())
    flavour.take(gateway, attrs.evolve(OF_TASK, status=status))
    assert gateway.requests[0].path == f"{TASK_LIST}?ReservationStatus={status.value}"


@pytest.mark.parametrize("page_size", [0, -1, 1001, "50", 2.0, True], ids=repr)
def test_a_page_size_out_of_range_is_refused_at_once(flavour: Flavour, page_size: object) -> None:
    """A page size is a whole number from 1 to 1000; anything else is refused before anything is sent."""
    gateway = Script()
    with pytest.raises((ValueError, TypeError)):
        flavour.begin(gateway, attrs.evolve(OF_TASK, page_size=cast("int", page_size)))
    assert gateway.requests == []


@pytest.mark.parametrize(
    ("wanted", "missing"),
    [
        (Wanted(workspace_sid=WORKSPACE), "worker_sid"),
        (Wanted(workspace_sid="", task_sid=TASK), "workspace_sid"),
        (Wanted(workspace_sid=WORKSPACE, task_sid=""), "task_sid"),
        (Wanted(workspace_sid=WORKSPACE, task_sid=f"{TASK}/../.."), "task_sid"),
        (Wanted(workspace_sid=WORKSPACE, worker_sid=f"{WORKER}?x=1"), "worker_sid"),
        (
            Wanted(workspace_sid=WORKSPACE, task_sid=TASK, worker_sid=f"{WORKER}&PageSize=1"),
            "worker_sid",
        ),
        (Wanted(workspace_sid=WORKSPACE, task_sid=TASK, worker_sid=""), "worker_sid"),
    ],
)
def test_a_list_without_an_address_is_refused_at_once(
    flavour: Flavour, wanted: Wanted, missing: str
) -> None:
    """A SID that is missing or brings more with it is named when the list is asked for, not when it is taken."""
    gateway = Script()
    with pytest.raises(IncompleteReservation) as caught:
        flavour.begin(gateway, wanted)
    assert caught.value.missing == (missing,)
    assert gateway.requests == []


@given(near_sids("WK"))
@settings(max_examples=40)
def test_nothing_that_is_almost_a_sid_comes_into_the_query(worker: str) -> None:
    """No near miss of a worker's SID becomes a filter."""
    with pytest.raises(IncompleteReservation):
        list_reservations(Script(), workspace_sid=WORKSPACE, task_sid=TASK, worker_sid=worker)


def test_a_list_is_fetched_only_as_far_as_it_is_taken(flavour: Flavour) -> None:
    """Nothing is sent before the first reservation is taken, and a page only when one of it is."""
    pages = [
        page(1, 2, following=f"{ORIGIN}{TASK_LIST}?Page=1"),
        page(following=f"{ORIGIN}{TASK_LIST}?Page=2"),
        page(3),
    ]
    for count, sent in ((0, 0), (1, 1), (2, 1), (3, 3), (None, 3)):
        gateway = Placed(ORIGIN, *pages)
        assert numbers_of(flavour.take(gateway, OF_TASK, count)) == [1, 2, 3][:count]
        assert len(gateway.requests) == sent
    unused = Script()
    flavour.begin(unused, OF_TASK)
    assert unused.requests == []


GOOD_LINKS: Final = [
    (
        ORIGIN,
        f"{ORIGIN}{TASK_LIST}?PageSize=2&Page=1&PageToken=PT%2B1",
        f"{TASK_LIST}?PageSize=2&Page=1&PageToken=PT%2B1",
    ),
    (ORIGIN, f"https://taskrouter.twilio.com:443{TASK_LIST}?Page=1", f"{TASK_LIST}?Page=1"),
    (f"{ORIGIN}:443", f"{ORIGIN}{TASK_LIST}?Page=1", f"{TASK_LIST}?Page=1"),
    (ORIGIN, f"HTTPS://TaskRouter.Twilio.com{TASK_LIST}?Page=1", f"{TASK_LIST}?Page=1"),
    (ORIGIN, f"{TASK_LIST}?Page=1", f"{TASK_LIST}?Page=1"),
    (ORIGIN, f"{ORIGIN}{TASK_LIST}?Page=1#top", f"{TASK_LIST}?Page=1"),
    ("http://127.0.0.1:8080", f"http://127.0.0.1:8080{TASK_LIST}?Page=1", f"{TASK_LIST}?Page=1"),
    ("http://127.0.0.1", f"http://127.0.0.1:80{TASK_LIST}?Page=1", f"{TASK_LIST}?Page=1"),
    ("http://[::1]:8080", f"http://[::1]:8080{TASK_LIST}?Page=1", f"{TASK_LIST}?Page=1"),
    (f"{ORIGIN}/proxy/", f"{ORIGIN}/proxy{TASK_LIST}?Page=1", f"{TASK_LIST}?Page=1"),
    (ORIGIN, f"/proxy{TASK_LIST}?Page=1", f"{TASK_LIST}?Page=1"),
]


@pytest.mark.parametrize(("origin", "link", "path"), GOOD_LINKS)
def test_a_link_within_the_own_origin_is_followed(
    flavour: Flavour, origin: str, link: str, path: str
) -> None:
    """The next page is asked for at its own path and query, which go over the same gateway."""
    gateway = Placed(origin, page(1, following=link), page(2))
    assert numbers_of(flavour.take(gateway, OF_TASK)) == [1, 2]
    assert gateway.requests[1] == Request("GET", path)


BAD_LINKS: Final[Sequence[object]] = [
    f"http://taskrouter.twilio.com{TASK_LIST}?Page=1",
    f"https://taskrouter.twilio.com:8443{TASK_LIST}?Page=1",
    f"https://taskrouter.twilio.com:99999{TASK_LIST}?Page=1",
    f"https://taskrouter.twilio.com:x{TASK_LIST}?Page=1",
    f"https://evil.example{TASK_LIST}?Page=1",
    f"https://taskrouter.twilio.com.evil.example{TASK_LIST}?Page=1",
    f"https://taskrouter.twilio.com@evil.example{TASK_LIST}?Page=1",
    f"https://taskrouter.twilio.com:443@evil.example{TASK_LIST}?Page=1",
    f"//evil.example{TASK_LIST}?Page=1",
    f"//evil.example:99999{TASK_LIST}?Page=1",
    f"///evil.example{WORKER_LIST}",
    "//[x",
    "https://[x",
    f"https://taskrouter.twilio.com[{TASK_LIST}",
    f"ftp://taskrouter.twilio.com{TASK_LIST}?Page=1",
    f"https:{TASK_LIST}?Page=1",
    f"https://{TASK_LIST}?Page=1",
    "javascript:alert(1)",
    TASK_LIST[1:],
    f"?{TASK_LIST}",
    f"{ORIGIN}{WORKER_LIST}?Page=1",
    f"{ORIGIN}{TASK_LIST[:-1]}?Page=1",
    f"{ORIGIN}{TASK_LIST}/{SID}",
    f"{ORIGIN}{TASK_LIST}/",
    f"{ORIGIN}{TASK_LIST.replace(HEX, 'f' * 32)}?Page=1",
    f"{ORIGIN}/?x={TASK_LIST}",
    f"{ORIGIN}/#{TASK_LIST}",
    f"{ORIGIN}{TASK_LIST}?Page=1\r\nX-Evil: 1",
    f"{ORIGIN}{TASK_LIST}?Page=1\n",
    f"{ORIGIN}{TASK_LIST}?Page=ü",
    f" {ORIGIN}{TASK_LIST}?Page=1",
    f"{ORIGIN}{TASK_LIST}?Page=1 HTTP/1.1",
    "",
    5,
    True,
    [],
    {"href": TASK_LIST},
]


@pytest.mark.parametrize("link", BAD_LINKS, ids=ascii)
def test_a_link_that_leads_away_is_refused(flavour: Flavour, link: object) -> None:
    """A next page elsewhere, or of another list, is a fault of the page; nothing is sent there and nothing of the page is given."""
    gateway = Placed(ORIGIN, page(1, following=link))
    with pytest.raises(MalformedReply) as caught:
        flavour.take(gateway, OF_TASK)
    assert [fault.path for fault in caught.value.faults] == ["meta.next_page_url"]
    assert len(gateway.requests) == 1
    assert "evil" not in str(caught.value) + repr(caught.value)


def test_without_an_origin_the_page_tells_its_own(flavour: Flavour) -> None:
    """A gateway that tells no origin is held to the one that the page itself names."""
    gateway = Script(page(1, following=f"{ORIGIN}{TASK_LIST}?Page=1"), page(2))
    assert numbers_of(flavour.take(gateway, OF_TASK)) == [1, 2]
    for url in (f"http://127.0.0.1:8080{TASK_LIST}", f"{ORIGIN}:8443{TASK_LIST}"):
        with pytest.raises(MalformedReply, match="leads away"):
            flavour.take(Script(page(1, following=f"{ORIGIN}{TASK_LIST}?Page=1", url=url)), OF_TASK)


@pytest.mark.parametrize("url", [None, 5, "", "https://[x", "no url"], ids=repr)
def test_without_any_origin_only_the_path_counts(flavour: Flavour, url: object) -> None:
    """Where neither gateway nor page tells an origin, a link is taken by its path, which goes over the same gateway."""
    gateway = Script(page(1, following=f"{ORIGIN}{TASK_LIST}?Page=1", url=url), page(2))
    assert numbers_of(flavour.take(gateway, OF_TASK)) == [1, 2]
    assert gateway.requests[1].path == f"{TASK_LIST}?Page=1"
    with pytest.raises(MalformedReply, match="leads away"):
        flavour.take(Script(page(1, following=f"{ORIGIN}{WORKER_LIST}", url=url)), OF_TASK)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_circle_of_pages_ends(flavour: Flavour, length: int) -> None:
    """A platform that leads back to a page that was read is refused, after what it gave has been given."""
    paths = [f"{TASK_LIST}?Page={number}" for number in range(1, length + 1)]
    pages = [page(number, following=path) for number, path in enumerate([*paths, paths[0]])]
    gateway, taken = Placed(ORIGIN, *pages), list[Reservation]()
    assert numbers_of(flavour.take(Placed(ORIGIN, *pages), OF_TASK, length + 1)) == list(
        range(length + 1)
    )
    with pytest.raises(MalformedReply, match="leads back"):
        taken = flavour.take(gateway, OF_TASK)
    assert taken == []
    assert len(gateway.requests) == length + 1


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        (b"", ["(body)"]),
        (b"[]", ["(body)"]),
        (b"{}", ["reservations"]),
        (b'{"reservations": null}', ["reservations"]),
        (b'{"reservations": {}}', ["reservations"]),
        (b'{"contents": []}', ["reservations"]),
        (
            b'{"reservations": [5, [], null]}',
            ["reservations[0]", "reservations[1]", "reservations[2]"],
        ),
        (
            b'{"reservations": [{"reservation_status": "accepted"}, {"sid": "x", "links": {"a": 1}}], "meta": {"next_page_url": "x"}}',
            [
                "reservations[1].sid",
                "reservations[1].reservation_status",
                "reservations[1].links.a",
                "meta.next_page_url",
            ],
        ),
    ],
)
def test_every_fault_of_a_page_is_told_with_its_path(
    flavour: Flavour, body: bytes, paths: list[str]
) -> None:
    """All that is wrong with a page is told together, each fault with its place on the page."""
    with pytest.raises(MalformedReply) as caught:
        flavour.take(Script(Reply(200, {}, body)), OF_TASK)
    assert [fault.path for fault in caught.value.faults] == paths


class _Response(TypedDict):
    id: str
    kind: str
    body: dict[str, object]


LISTS: Final = {
    response["id"]: response["body"]
    for response in cast("dict[str, list[_Response]]", load("responses"))["responses"]
    if response["kind"] == "list"
}


@pytest.mark.parametrize("name", LISTS)
def test_every_official_list_is_read(flavour: Flavour, name: str) -> None:
    """Each official list gives its reservations, and ends; the one status outside today's eight is told with its place."""
    body = LISTS[name]
    rows = cast("list[dict[str, str]]", body["reservations"])
    letter = str(cast("dict[str, object]", body["meta"])["url"]).partition("Workspaces/WS")[2][0]
    workspace, task, worker = (prefix + letter * 32 for prefix in ("WS", "WT", "WK"))
    wanted = (
        Wanted(workspace_sid=workspace, task_sid=task)
        if "/Tasks/" in str(body["meta"])
        else Wanted(workspace_sid=workspace, worker_sid=worker)
    )
    gateway = Placed(ORIGIN, Reply(200, {}, json.dumps(body).encode()))
    if any(row["reservation_status"] == "reserved" for row in rows):
        with pytest.raises(MalformedReply) as caught:
            flavour.take(gateway, wanted)
        assert [fault.path for fault in caught.value.faults] == [
            "reservations[0].reservation_status"
        ]
    else:
        taken = flavour.take(gateway, wanted)
        assert [(item.sid, item.status.value, item.etag) for item in taken] == [
            (row["sid"], row["reservation_status"], None) for row in rows
        ]


def test_a_page_without_meta_is_the_last(flavour: Flavour) -> None:
    """A list that says nothing of pages has one."""
    for meta in ("", ', "meta": null', ', "meta": []', ', "meta": {}'):
        body = f'{{"reservations": {json.dumps(rows_of(1))}{meta}}}'
        assert numbers_of(flavour.take(Script(Reply(200, {}, body.encode())), OF_TASK)) == [1]


@pytest.mark.parametrize(
    ("status", "error"),
    [(301, ReplyError), (400, ReplyError), (404, NotFound), (412, LostRace), (500, ReplyError)],
)
def test_a_page_that_is_refused_ends_the_list(
    flavour: Flavour, status: int, error: type[Exception]
) -> None:
    """A refusal on any page comes out where that page is taken."""
    gateway = Placed(ORIGIN, page(1, following=f"{ORIGIN}{TASK_LIST}?Page=1"), Reply(status))
    assert numbers_of(flavour.take(gateway, OF_TASK, 1)) == [1]
    gateway = Placed(ORIGIN, page(1, following=f"{ORIGIN}{TASK_LIST}?Page=1"), Reply(status))
    with pytest.raises(error):
        flavour.take(gateway, OF_TASK)


JSON: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(("pending", f"{ORIGIN}{TASK_LIST}", "//[", SID)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                (
                    "reservations",
                    "meta",
                    "next_page_url",
                    "url",
                    "reservation_status",
                    "sid",
                    "links",
                )
            ),
            inner,
        )
    ),
)


@given(
    st.integers(0, 999) | st.just(200),
    st.binary(max_size=20) | JSON.map(lambda value: json.dumps(value).encode()),
    st.booleans(),
)
@settings(max_examples=200)
@example(200, b'{"reservations": [], "meta": {"next_page_url": "//["}}', True)
def test_any_page_is_reservations_or_an_error_of_ours(
    status: int, body: bytes, placed: bool
) -> None:
    """Whatever a page holds, it is taken as reservations or refused with an error of the library, and never asked for again."""
    answers = [Reply(status, {}, body)] * 3
    gateway = Placed(ORIGIN, *answers) if placed else Script(*answers)
    try:
        taken = list(list_reservations(gateway, workspace_sid=WORKSPACE, task_sid=TASK))
    except ReplyError:
        taken = []
    assert all(isinstance(item, Reservation) for item in taken)
    assert 1 <= len(gateway.requests) <= 2
