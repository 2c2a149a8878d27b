"""Client: links from one page of a list to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pytest

from reservation_core import MalformedReply, Request
from tests.delivery.clients import Client
from tests.delivery.lists import (
    HEX,
    OF_TASK,
    ORIGIN,
    SID,
    TASK_LIST,
    WORKER_LIST,
    gateway_at,
    numbers_of,
    page,
)
from tests.delivery.scripted import ScriptedGateway

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
def test_list_follows_a_link_within_its_origin(
    client: Client, origin: str, link: str, path: str
) -> None:
    gateway = gateway_at(origin, page(1, next_url=link), page(2))
    assert numbers_of(client.take(gateway, OF_TASK)) == [1, 2]
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
    5,
    True,
    [],
    {"href": TASK_LIST},
]


@pytest.mark.parametrize("link", BAD_LINKS, ids=ascii)
def test_list_refuses_a_link_that_leads_away(client: Client, link: object) -> None:
    gateway = gateway_at(ORIGIN, page(1, next_url=link))
    with pytest.raises(MalformedReply) as caught:
        client.take(gateway, OF_TASK)
    assert [fault.path for fault in caught.value.faults] == ["meta.next_page_url"]
    assert len(gateway.requests) == 1
    assert "evil" not in str(caught.value) + repr(caught.value)


def test_list_takes_the_origin_of_the_page_if_the_gateway_has_none(client: Client) -> None:
    gateway = ScriptedGateway(page(1, next_url=f"{ORIGIN}{TASK_LIST}?Page=1"), page(2))
    assert numbers_of(client.take(gateway, OF_TASK)) == [1, 2]
    for url in (f"http://127.0.0.1:8080{TASK_LIST}", f"{ORIGIN}:8443{TASK_LIST}"):
        with pytest.raises(MalformedReply, match="leads away"):
            client.take(
                ScriptedGateway(page(1, next_url=f"{ORIGIN}{TASK_LIST}?Page=1", url=url)), OF_TASK
            )


@pytest.mark.parametrize("url", [None, 5, "", "https://[x", "no url"], ids=repr)
def test_list_checks_only_the_path_without_any_origin(client: Client, url: object) -> None:
    gateway = ScriptedGateway(page(1, next_url=f"{ORIGIN}{TASK_LIST}?Page=1", url=url), page(2))
    assert numbers_of(client.take(gateway, OF_TASK)) == [1, 2]
    assert gateway.requests[1].path == f"{TASK_LIST}?Page=1"
    with pytest.raises(MalformedReply, match="leads away"):
        client.take(ScriptedGateway(page(1, next_url=f"{ORIGIN}{WORKER_LIST}", url=url)), OF_TASK)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_list_refuses_a_page_that_was_read_already(client: Client, length: int) -> None:
    paths = [f"{TASK_LIST}?Page={number}" for number in range(1, length + 1)]
    pages = [page(number, next_url=path) for number, path in enumerate([*paths, paths[0]])]
    gateway = gateway_at(ORIGIN, *pages)
    assert numbers_of(client.take(gateway_at(ORIGIN, *pages), OF_TASK, length + 1)) == list(
        range(length + 1)
    )
    with pytest.raises(MalformedReply, match="leads back"):
        client.take(gateway, OF_TASK)
    assert len(gateway.requests) == length + 1
