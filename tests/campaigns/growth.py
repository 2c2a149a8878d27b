"""Measure the processor time of every reader of untrusted bytes.

    python -m tests.campaigns.growth [--size 1048576] [--show 20] [--every 1]

Each reader reads bodies of many shapes: wide, deep, long and repeated. A reader may take 50 ms for
each MiB. The slowest are printed, each with the growth of its time from a quarter of the body to
the whole, which is about 4 for a linear one.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeAlias

from tests.campaigns.readers import READERS, Reader, read

Shape: TypeAlias = Callable[[int], bytes]
"""A function that makes a body of about so many bytes."""

MIB: Final = 1 << 20
MOST_MS_PER_MIB: Final = 50.0

ITEMS: Final = (
    "{}",
    "[]",
    "[[]]",
    "0",
    "-1.5e9",
    "1e999",
    '""',
    '"a"',
    '"+1 415 555 0123"',
    '"\\u00e9"',
    "null",
    "true",
    '{"a":1}',
    '{"":{}}',
    '{"type":"reservation.accepted"}',
    '{"EventType":"reservation.accepted","Timestamp":"x"}',
    '{"event_type":"a","event_data":[]}',
    '{"type":"a","data":{"payload":[]}}',
    '{"sid":"WR1","reservation_status":"x","links":[]}',
    '{"sid":1,"task":{"sid":1},"date_created":[]}',
    '{"worker_sid":1,"sid":2,"reservations":[{}]}',
)
"""The items of long lists."""

TEXTS: Final = (
    "a",
    "1",
    "+1 ",
    "+1415555",
    "(415) ",
    "client:a ",
    "client:",
    "already in state x and ",
    "\\u0001",
    "\\u00e9",
    " ",
    "a,",
    "{",
    "[",
    "%41",
    "/",
    "@",
)
"""The texts that long strings repeat."""

FIELDS: Final = (
    *("ReservationSid", "EventType", "Timestamp", "TaskAttributes", "WorkerName", "Note"),
    *("type", "data", "time", "event_type", "event_data", "event_date_ms", "events"),
    *("sid", "reservation_status", "date_created", "version", "links", "task", "reservations"),
    *("meta", "message", "code", "more_info", "instruction", "form", "extra"),
    *("workers", "tasks", "fields", "event_types", "duplicates", "assignment_url"),
    *("Instruction", "ReservationStatus", "ConferenceStatusCallbackEvent", "From"),
)
"""The names that readers know."""


def _fill(part: str, size: int, *, separator: str = ",") -> str:
    return separator.join([part] * max(1, size // len(part + separator)))


def _repeat(item: str, opening: str, closing: str) -> Shape:
    return lambda size: f"{opening}{_fill(item, size)}{closing}".encode()


def _long(opening: str, text: str, closing: str, separator: str = "") -> Shape:
    """Return the shape of a text that is repeated."""
    return lambda size: f"{opening}{_fill(text, size, separator=separator)}{closing}".encode()


def _bytes(opening: bytes, byte: bytes, closing: bytes = b"") -> Shape:
    return lambda size: opening + byte * (size // len(byte)) + closing


def _many(pattern: str, opening: str, closing: str, separator: str = ",") -> Shape:
    """Return the shape of a numbered pattern, repeated."""

    def make(size: int) -> bytes:
        parts = (pattern.replace("#", f"{number}") for number in itertools.count())
        count = max(1, size // (len(pattern) + 4 + len(separator)))
        return f"{opening}{separator.join(itertools.islice(parts, count))}{closing}".encode()

    return make


def _deep(opening: str, core: str, closing: str) -> Shape:
    def make(size: int) -> bytes:
        depth = size // len(opening + closing)
        return f"{opening * depth}{core}{closing * depth}".encode()

    return make


def shapes() -> Iterator[tuple[str, Shape]]:
    """Yield the name and the function of each shape."""
    for item in ITEMS:
        yield f"[{item}, …]", _repeat(item, "[", "]")
        for name in ("events", "reservations", "tasks", "workers", "data"):
            yield f'{{"{name}": [{item}, …]}}', _repeat(item, f'{{"{name}":[', "]}")
    for field in FIELDS:
        for item in ("{}", '"a"'):
            yield f'{{"{field}": [{item}, …]}}', _repeat(item, f'{{"{field}":[', "]}")
        for text in ("a", "1", "client:", "\\u0001"):
            yield f'{{"{field}": "{text}…"}}', _long(f'{{"{field}":"', text, '"}')
        yield f'{{"{field}": {{…: 1}}}}', _many('"k#":1', f'{{"{field}":{{', "}}")
        yield f'{{"{field}": {{"{field}": …', _deep(f'{{"{field}":', "1", "}")
        yield f"{field}=a&…", _long("", f"{field}=a", "", "&")
        yield f"{field}=%41…", _long(f"{field}=", "%41", "")
    for text in TEXTS:
        yield f"{text}…", _long("", text, "")
        yield f'["{text}…"]', _long('["', text, '"]')
        for field in ("ReservationSid", "reservation_status", "message", "date_created"):
            yield f'{{"{field}": "{text}…"}}', _long(f'{{"{field}":"', text, '"}')
            yield f"{field}={text}…", _long(f"{field}=", text, "")
    for value in ("1", "{}", "null", '"a"', "[]"):
        yield f'{{"k#": {value}, …}}', _many(f'"k#":{value}', "{", "}")
        yield f'{{"": {value}, …}}', _repeat(f'"":{value}', "{", "}")
    yield '{"+1415555#": 1, …', _many('"+1415555#":1', "{", "}")
    yield '{"links": {"k#": "a", …', _many('"k#":"a"', '{"links":{', "}}")
    yield "k#=a&…", _many("k#=a", "", "", "&")
    yield "999 fields and a long one", _long("a=1&" * 999 + "b=", "%41", "")
    yield "[[[…]]]", _deep("[", "", "]")
    yield '{"a":{"a":…', _deep('{"a":', "1", "}")
    yield "[[[… unclosed", _bytes(b"", b"[")
    yield "digits", _bytes(b"", b"1")
    yield "[digits]", _bytes(b"[", b"1", b"]")
    yield "1.digits", _bytes(b"1.", b"1")
    yield "spaces", _bytes(b"", b" ")
    yield "[ spaces", _bytes(b"[", b" ")
    yield '"a…', _bytes(b'"', b"a")
    yield '"\\\\…', _bytes(b'"', b"\\")
    yield "line feeds", _bytes(b"[", b"\n", b"x")
    yield "bytes that are not UTF-8", _bytes(b"", b"\xff")
    yield "zero bytes", _bytes(b"", b"\0")


class Measurement(NamedTuple):
    """The processor time of one reader for one shape.

    :param ms_per_mib: for a body of the full size.
    :param growth: the time of the full size over that of a quarter, about 4 if it is linear.
    """

    reader: str
    shape: str
    result: str
    ms_per_mib: float
    growth: float


def _time(reader: Reader, body: bytes) -> tuple[float, str]:
    started = time.process_time()
    result = read(reader, body)
    return (time.process_time() - started) * 1000, result


def measure(
    size: int, readers: dict[str, Reader] = READERS, every: int = 1
) -> Iterator[Measurement]:
    """Measure every reader with every shape.

    A time above the bound is measured again, and the best of three counts.

    :param every: 1 for every shape, 2 for every second one.
    """
    for shape, make in itertools.islice(shapes(), 0, None, every):
        body, quarter = make(size), make(size // 4)
        for name, reader in readers.items():
            spent, result = _time(reader, body)
            scale = MIB / len(body)
            if spent * scale > MOST_MS_PER_MIB:
                spent = min(spent, *(_time(reader, body)[0] for _ in range(2)))
            small = min(_time(reader, quarter)[0] for _ in range(2)) if spent > 5 else spent / 4
            yield Measurement(name, shape, result, spent * scale, spent / max(small, 0.5))


def main() -> int:
    """Print the worst measurements."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=MIB)
    parser.add_argument("--show", type=int, default=20)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--reader", default="")
    arguments = parser.parse_args()
    readers = {name: each for name, each in READERS.items() if arguments.reader in name}
    found = sorted(
        measure(arguments.size, readers, arguments.every), key=lambda one: -one.ms_per_mib
    )
    for one in found[: arguments.show]:
        print(f"{one.ms_per_mib:8.1f} ms/MiB  x{one.growth:4.1f}  {one.reader}: {one.shape}")
    over = [one for one in found if one.ms_per_mib > MOST_MS_PER_MIB]
    print(
        f"{len(found)} pairs of a reader and a shape: {len(over)} above {MOST_MS_PER_MIB:g} ms/MiB"
    )
    return bool(over)


if __name__ == "__main__":
    raise SystemExit(main())
