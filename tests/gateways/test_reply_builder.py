"""Tests of the reply that is read piece by piece."""

import gzip

import pytest

from reservation_core.gateways.failures import ErrorFactory
from reservation_core.gateways.reply_builder import ReplyBuilder
from reservation_core.gateways.settings import GatewaySettings
from reservation_core.rest.errors import GatewayError
from reservation_core.testing.contract.gateway import CREDENTIALS

GZIP = [(b"Content-Encoding", b"GZIP")]


def builder(headers: list[tuple[bytes, bytes]], limit: int = 10) -> ReplyBuilder:
    settings = GatewaySettings(credentials=CREDENTIALS, max_reply_bytes=limit)
    return ReplyBuilder(200, headers, ErrorFactory(settings))


def test_pieces_are_joined() -> None:
    reply = builder([(b"ETag", b"7"), (b"X-Name", b"caf\xe9")])
    reply.add(b"ab")
    reply.add(b"cd")
    assert (reply.finish().body, reply.finish().headers.pairs) == (b"abcd", (("ETag", "7"),))


def test_gzip_is_decompressed_up_to_the_limit() -> None:
    reply = builder(GZIP)
    for byte in gzip.compress(b"x" * 10):
        reply.add(bytes([byte]))
    assert reply.finish().body == b"x" * 10


def test_oversized_gzip_is_not_decompressed_beyond_the_limit() -> None:
    with pytest.raises(GatewayError, match="exceeds max_reply_bytes: 10"):
        builder(GZIP).add(gzip.compress(b"x" * 50_000_000))


def test_empty_gzip_body_is_empty() -> None:
    assert builder(GZIP).finish().body == b""


@pytest.mark.parametrize(
    "body",
    [b"not gzip", gzip.compress(b"x")[:-1], gzip.compress(b"x") + b"y"],
    ids=["other bytes", "too short", "too long"],
)
def test_invalid_gzip_is_refused(body: bytes) -> None:
    reply = builder(GZIP)
    with pytest.raises(GatewayError, match="bad gzip"):  # noqa: PT012 - either step may fail
        reply.add(body)
        reply.finish()
