"""Names of an emulator, links in replies, and pages of other sites."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from twilio.rest import Client  # pyright: ignore[reportMissingTypeStubs]

from reservation_core.emulator import ManualClock, Platform
from reservation_core.emulator.http.sites import Access, SiteOptions, Sites, api_access
from reservation_core.emulator.server import Emulator, running_emulator
from reservation_core.rest.messages import Reply
from tests.emulator import worlds
from tests.emulator.http.helpers import ACCEPT, FORM
from tests.emulator.wire import address, ask, send_raw, status_of
from tests.emulator.worlds import WORKERS, World, people

LOCAL, EVERYWHERE = "127.0.0.1", "0.0.0.0"


def find(
    *headers: tuple[str, str],
    access: Access = Access.OPEN,
    bound: str = LOCAL,
    host: str | None = None,
    client: str = LOCAL,
    options: SiteOptions | None = None,
) -> str:
    """Return the start of the links, or the refusal as text."""
    sites = Sites(f"http://{host or bound}:8420", bound, **(options or {}))
    site = tuple((name.encode(), value.encode()) for name, value in headers)
    found = sites.find_origin(access, client, site)
    return found if isinstance(found, str) else describe(found)


def describe(reply: Reply) -> str:
    body = json.loads(reply.body)
    assert (body["status"], body["code"]) == (reply.status, 20_000 + reply.status)
    return f"{reply.status} {body['message']}"


# The Host header, and what it is at an emulator on 127.0.0.1 and at one on all addresses.
HOSTS = (
    ("127.0.0.1:8420", True, True),
    ("127.0.0.1", True, True),
    ("127.0.0.1:9999", True, True),  # a port that is mapped
    ("127.8.9.1", True, True),
    ("localhost:8420", True, True),
    ("LOCALHOST", True, True),
    ("localhost.:8420", True, True),
    ("app.localhost:8420", True, True),
    ("[::1]:8420", True, True),
    ("[0:0:0:0:0:0:0:1]", True, True),
    ("[::ffff:127.0.0.1]", True, True),
    ("0.0.0.0:8420", False, True),
    ("192.0.2.7:8420", False, True),
    ("[2001:db8::1]:8420", False, True),
    ("evil.example:8420", False, False),
    ("evil.example", False, False),
    ("notlocalhost", False, False),
    ("localhost.evil.example", False, False),
    ("127.0.0.1.evil.example", False, False),
    ("emulator", False, False),
    ("127.1", False, False),
    ("0x7f000001", False, False),
)


@pytest.mark.parametrize(("host", "is_local", "is_everywhere"), HOSTS)
def test_host_must_name_the_emulator(host: str, is_local: bool, is_everywhere: bool) -> None:
    for bound, is_served in ((LOCAL, is_local), (EVERYWHERE, is_everywhere)):
        name = host.partition(":")[0] if not host.startswith("[") else host[1:].partition("]")[0]
        found = find(("host", host), bound=bound)
        if is_served:
            assert found == f"http://{host.lower()}"
        else:
            assert found == (
                f"421 {name} is not a name of this emulator: start it with --allow-host {name}"
            )


@pytest.mark.parametrize(
    "hosts",
    [
        (),
        ("localhost", "localhost"),
        ("localhost", "evil.example"),
        ("",),
        ("local host",),
        ("localhost/path",),
        ("user@localhost",),
        ("localhost:port",),
        ("localhost:123456",),
        ("[::1",),
        ("localhost,evil.example",),
        ("\u00e9",),
        ("a" * 254,),
    ],
)
def test_missing_doubled_or_malformed_host_is_a_400(hosts: Iterable[str]) -> None:
    found = find(*(("host", host) for host in hosts), options={"allowed_hosts": ["*"]})
    assert found == "400 A request needs one Host header: a host, perhaps with a port"


def test_allowed_hosts_are_names_of_the_emulator() -> None:
    options: SiteOptions = {
        "allowed_hosts": ("emulator", "Emu.Example:80", "192.0.2.7", "b\u00fccher")
    }
    for host in ("emulator:8420", "emu.example", "192.0.2.7", "xn--bcher-kva"):
        assert find(("host", host), options=options) == f"http://{host}"
    assert find(("host", "other"), options=options).startswith("421")
    assert find(("host", "emulator"), options={"allowed_hosts": "emulator"}) == "http://emulator"
    assert find(("host", "any.example"), options={"allowed_hosts": "*"}) == "http://any.example"


def test_bound_name_and_its_address_are_names_of_the_emulator() -> None:
    for host in ("emu.lan:8420", "192.0.2.7:8420"):
        assert find(("host", host), bound="192.0.2.7", host="emu.lan") == f"http://{host}"
    assert find(("host", "192.0.2.8"), bound="192.0.2.7").startswith("421")


def test_public_url_begins_every_link() -> None:
    options: SiteOptions = {"public_url": "https://emu.example/base/"}
    for host in ("emu.example", "localhost:8420"):
        assert find(("host", host), options=options) == "https://emu.example/base"
    assert find(("host", "other.example"), options=options).startswith("421")


FORWARDED = (("x-forwarded-host", "emu.example"), ("x-forwarded-proto", "https"))


def test_links_follow_the_headers_of_a_trusted_proxy() -> None:
    options: SiteOptions = {"trusted_proxies": "10.0.0.0/8", "allowed_hosts": ("emu.example",)}
    host = ("host", "localhost:8420")
    assert find(host, *FORWARDED, client="10.1.2.3", options=options) == "https://emu.example"
    assert find(host, FORWARDED[1], client="10.1.2.3", options=options) == "https://localhost:8420"
    assert find(host, client="10.1.2.3", options=options) == "http://localhost:8420"


def test_headers_of_other_proxies_are_ignored() -> None:
    options: SiteOptions = {"trusted_proxies": ("10.0.0.0/8",), "allowed_hosts": ("emu.example",)}
    host = ("host", "localhost:8420")
    for client in ("192.0.2.1", "", "unix"):
        assert find(host, *FORWARDED, client=client, options=options) == "http://localhost:8420"
    assert find(host, *FORWARDED, client="10.1.2.3") == "http://localhost:8420"


def test_both_hosts_of_a_proxied_request_must_be_names() -> None:
    """A page on the proxy's machine can send the proxy's header."""
    options: SiteOptions = {"trusted_proxies": (LOCAL,)}
    rebound = (("host", "evil.example"), ("x-forwarded-host", "localhost"))
    assert find(*rebound, options=options).startswith("421 evil.example is not a name")
    foreign = (("host", "localhost"), ("x-forwarded-host", "evil.example"))
    assert find(*foreign, options=options).startswith("421 evil.example is not a name")
    for text in ("a, b", "u@localhost", ""):
        found = find(("host", "localhost"), ("x-forwarded-host", text), options=options)
        assert found.startswith(("400 X-Forwarded-Host is not one plain value: let", "421 "))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"public_url": "emu.example"}, "public_url must be a scheme, a host"),
        ({"public_url": "https://user:word@emu.example"}, "must hold no user information"),
        ({"public_url": "http://emu.example:99999"}, "and a port up to 65535"),
        ({"public_url": "http://emu.example:0"}, "and a port up to 65535"),
        ({"allowed_hosts": ("http://emu.example",)}, "allowed_hosts must be names or addresses"),
        ({"allowed_hosts": ("a..b",)}, "allowed_hosts must be names or addresses"),
        ({"allowed_hosts": ("",)}, "allowed_hosts must be names or addresses"),
        ({"trusted_proxies": ("10.0.0.0/99",)}, "trusted_proxies must be addresses or networks"),
        ({"public_url": "http://a", "trusted_proxies": LOCAL}, "set public_url or trusted_proxies"),
    ],
)
def test_malformed_options_are_refused(options: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem), running_emulator(**options):
        pass


# --- pages of other sites ----------------------------------------------------------------------

CONTROL_REFUSAL = (
    "403 Pages of other sites cannot control the emulator: use its own page, and start it with "
    "--public-url if that is behind a proxy"
)
CHANGE_REFUSAL = (
    "403 Pages of other sites cannot change anything here: start the emulator with --allow-host "
    "and the host of the page"
)
# Headers of a request to http://localhost:8420; may it change a reservation; may it control.
SENDERS: dict[str, tuple[tuple[tuple[str, str], ...], bool, bool]] = {
    "no browser": ((), True, True),
    "the own page": (
        (("origin", "http://localhost:8420"), ("sec-fetch-site", "same-origin")),
        True,
        True,
    ),
    "the own page, reading": ((("sec-fetch-site", "same-origin"),), True, True),
    "the address bar": ((("sec-fetch-site", "none"),), True, True),
    "the own page at another name": ((("origin", "http://127.0.0.1:8420"),), True, False),
    "another port of localhost": (
        (("origin", "http://localhost:3000"), ("sec-fetch-site", "same-site")),
        True,
        False,
    ),
    "an allowed site": (
        (("origin", "https://app.example"), ("sec-fetch-site", "cross-site")),
        True,
        False,
    ),
    "another site": (
        (("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")),
        False,
        False,
    ),
    "another site, old browser": ((("origin", "https://evil.example"),), False, False),
    "another site, without origin": ((("sec-fetch-site", "cross-site"),), False, False),
    "another address": ((("origin", "http://192.0.2.66"),), False, False),
    "a frame without origin": ((("origin", "null"),), False, False),
    "a file": ((("origin", "file://"),), False, False),
    "two origins": (
        (("origin", "http://localhost:8420"), ("origin", "https://evil.example")),
        False,
        False,
    ),
    "a name that begins alike": ((("origin", "http://localhost.evil.example"),), False, False),
}


@pytest.mark.parametrize(("headers", "can_change", "can_control"), SENDERS.values(), ids=SENDERS)
def test_pages_of_other_sites_are_refused(
    headers: tuple[tuple[str, str], ...], can_change: bool, can_control: bool
) -> None:
    options: SiteOptions = {"allowed_hosts": ("app.example",)}
    for bound in (LOCAL, EVERYWHERE):
        found = {
            access: find(
                ("host", "localhost:8420"), *headers, access=access, bound=bound, options=options
            )
            for access in Access
        }
        own = "http://localhost:8420"
        assert found == {
            Access.OPEN: own,
            Access.CHANGE: own if can_change else CHANGE_REFUSAL,
            Access.CONTROL: own if can_control else CONTROL_REFUSAL,
        }


def test_every_host_allows_no_page() -> None:
    found = find(
        ("host", "any.example"),
        ("origin", "https://evil.example"),
        access=Access.CHANGE,
        options={"allowed_hosts": "*"},
    )
    assert found == CHANGE_REFUSAL


def test_page_at_the_public_url_controls_the_emulator() -> None:
    found = find(
        ("host", "localhost:8420"),
        ("origin", "https://emu.example"),
        access=Access.CONTROL,
        options={"public_url": "https://emu.example:443"},
    )
    assert found == "https://emu.example:443"


@pytest.mark.parametrize(
    ("method", "asked", "access"),
    [
        ("GET", None, Access.OPEN),
        ("HEAD", None, Access.OPEN),
        ("POST", None, Access.CHANGE),
        ("DELETE", None, Access.CHANGE),
        ("OPTIONS", None, Access.OPEN),
        ("OPTIONS", b"GET", Access.OPEN),
        ("OPTIONS", b"POST", Access.CHANGE),
    ],
)
def test_preflight_request_has_the_access_of_its_request(
    method: str, asked: bytes | None, access: Access
) -> None:
    headers = () if asked is None else ((b"access-control-request-method", asked),)
    assert api_access(method, headers) is access


# --- over sockets ------------------------------------------------------------------------------


def send(emulator: Emulator, line: str, *headers: str, body: bytes = b"") -> tuple[int, Any]:
    head = "".join(f"{each}\r\n" for each in (line, *headers, f"Content-Length: {len(body)}"))
    raw = send_raw(emulator.url, head.encode() + FORM + b"Connection: close\r\n\r\n" + body)
    return status_of(raw), json.loads(raw.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize("version", ["1.1", "1.0"])  # 1.0 is not on the fast path
def test_rebound_host_reads_and_changes_nothing(
    emulator: Emulator, world: World, version: str
) -> None:
    sid, evil = world.sid(), "Host: evil.example:8420"
    path = worlds.path(sid)
    accept = ACCEPT.encode()
    for line, body in (
        (f"GET {path} HTTP/{version}", b""),
        (f"POST {path} HTTP/{version}", accept),
        (f"GET /_emulator/state HTTP/{version}", b""),
        (f"POST /_emulator/reset HTTP/{version}", b""),
        (f"GET /_emulator/events HTTP/{version}", b""),
        (f"GET /_emulator/ HTTP/{version}", b""),
    ):
        status, answer = send(emulator, line, evil, body=body)
        assert (status, "--allow-host evil.example" in answer["message"]) == (421, True)
    assert [str(each.status) for each in emulator.platform.all()] == ["pending"]
    exchange = ask(emulator.url, "GET", "/_emulator/exchanges").json["exchanges"][-1]
    assert (exchange["status"], exchange["reason"]) == (421, "")


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_page_of_another_site_changes_nothing(
    emulator: Emulator, world: World, version: str
) -> None:
    sid, host, origin = world.sid(), "Host: localhost", "Origin: https://evil.example"
    line = f"{worlds.path(sid)} HTTP/{version}"
    status, answer = send(emulator, f"POST {line}", host, origin, body=ACCEPT.encode())
    assert (status, answer["code"]) == (403, 20403)
    assert send(emulator, f"GET {line}", host, origin)[1]["reservation_status"] == "pending"
    assert send(emulator, f"POST /_emulator/reset HTTP/{version}", host, origin)[0] == 403
    assert send(emulator, f"GET /_emulator/state HTTP/{version}", host, origin)[0] == 403
    assert emulator.platform.get(sid).etag == "0"


def test_request_of_http_1_0_needs_no_host(emulator: Emulator, world: World) -> None:
    path = worlds.path(world.sid())
    status, answer = send(emulator, f"GET {path} HTTP/1.0")
    assert (status, answer["url"]) == (200, emulator.url + path)
    assert send(emulator, f"GET {path} HTTP/1.1")[0] == 400


def test_official_client_reads_all_pages_under_another_name() -> None:
    """The emulator listens on all addresses."""
    with running_emulator(Platform(ManualClock()), host="0.0.0.0") as emulator:
        world = people(emulator.platform)
        sids = [world.sid(worker) for worker in WORKERS]
        client: Any = Client("AC" + "0" * 32, "token")
        origin = f"http://127.0.0.2:{address(emulator.url)[1]}"
        client.taskrouter.base_url = origin
        tasks = client.taskrouter.v1.workspaces(worlds.WORKSPACE).tasks(worlds.TASK)
        found = tasks.reservations.list(page_size=1)
    assert [each.sid for each in found] == sids
    for each in found:
        assert each.url == origin + worlds.path(each.sid)
        assert each.links["worker"].startswith(origin)


def test_links_change_with_the_host_of_each_request(emulator: Emulator, world: World) -> None:
    path = worlds.path(world.sid())
    port = address(emulator.url)[1]
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"localhost:{port}"):
        assert send(emulator, f"GET {path} HTTP/1.1", f"Host: {host}")[1]["url"] == (
            f"http://{host}{path}"
        )
