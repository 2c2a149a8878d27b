"""Requests and replies: headers, versions, rate limits, and nothing secret in a repr."""

import attrs
import pytest

from reservation_core import (
    Accept,
    Headers,
    RateLimit,
    Reply,
    Throttled,
    conclude,
    prepare,
)
from tests.rest.examples import EXAMPLES, NOW, PENDING


def test_repr_of_request_and_reply_shows_no_values() -> None:
    request = prepare(attrs.evolve(PENDING, etag="secret-etag"), EXAMPLES["conference"])
    assert repr(request).count("Instruction, To, From") == 1
    reply = Reply(200, {"Authorization": "secret-header"}, b"secret-body")
    assert "If-Match" in repr(request)
    assert "Authorization" in repr(reply)
    for secret in ("secret", "alice", "5550006"):
        assert secret not in repr(request) + repr(reply)


def test_header_lookup_ignores_case() -> None:
    headers = Headers((("ETag", "1"), ("etag", "2"), ("X", "3")))
    assert (headers["etag"], headers["ETAG"], headers["x"]) == ("1", "1", "3")
    assert "eTaG" in headers
    assert headers.get("Y") is None
    assert headers.pairs == (("ETag", "1"), ("etag", "2"), ("X", "3"))
    assert Reply(200, headers).headers is headers
    assert Reply(200, [("a", "b")]).headers == Reply(200, {"a": "b"}).headers


def test_headers_count_each_name_once() -> None:
    headers = Headers((("ETag", "1"), ("etag", "2"), ("X", "3")))
    assert list(headers) == ["ETag", "X"]
    assert len(headers) == 2
    assert dict(headers) == {"ETag": "1", "X": "3"}


@pytest.mark.parametrize("text", ["", "many", "-1", "1.5", "1e3", "٣", "9" * 5000])
def test_malformed_rate_limit_is_none(text: str) -> None:
    reply = Reply(200, {"X-Rate-Limit-Limit": text})
    assert reply.rate_limit == RateLimit(None, None, None)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "5"}, 5.0),
        ({"retry-after": " 5 "}, 5.0),
        ({"RETRY-AFTER": "1.5"}, 1.5),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": NOW}, 30.0),
        ({"Retry-After": "Wed, 21 Oct 2026 09:28:30 +0200", "date": NOW}, 30.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:27:00 GMT", "Date": NOW}, 0.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 -0000", "Date": NOW}, None),
        ({"Retry-After": "Wed, 99 Oct 2026 07:28:30 GMT", "Date": NOW}, None),
        ({"Retry-After": "soon", "Date": NOW}, None),
        ({"Retry-After": "", "Date": NOW}, None),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "+1"}, None),
        ({"Retry-After": "1e3"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "٣"}, None),
        ({"Retry-After": "9" * 5000}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_seconds(headers: dict[str, str], seconds: float | None) -> None:
    """A date counts from the reply's own date. Anything else is ``None``."""
    with pytest.raises(Throttled) as caught:
        conclude(PENDING, Accept(), Reply(429, headers, b""))
    assert caught.value.retry_after == seconds
    assert ("after a back-off" if seconds is None else f"after {seconds:g} s") in str(caught.value)
