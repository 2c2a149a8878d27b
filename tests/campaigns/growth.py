"""Measure the processor time of every reader of untrusted bytes.

    python -m tests.campaigns.growth [--size 1048576] [--show 20] [--every 1]

Each reader reads bodies of many shapes: wide, deep, long and repeated. The body has the whole size,
a quarter and an eighth. A reader may take 50 ms for a body of up to 1 MiB, and as much for each
further MiB. Its time may grow by a factor of 8 from the quarter to the whole: the factor is 4 if
the time is linear, and 16 if it is quadratic.

The slowest are printed. The command fails if one of these bounds is broken.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from tests.campaigns.readers import READERS, Reader, read

Shape: TypeAlias = Callable[[int], bytes]
"""A function that makes a body of about so many bytes."""

MIB: Final = 1 << 20
MOST_MS: Final = 50.0
"""The time for a body of up to 1 MiB, and for each further MiB."""
MOST_GROWTH: Final = 8.0
"""The growth from a quarter of a body to the whole."""
_PARTS: Final = (4, 8)
_LEAST_MS: Final = 5.0
"""The growth of a shorter time is not measured: it would be that of the noise."""

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
    long = "1" * 4299  # as many digits as Python reads
    yield "[4,299 digits, …]", _repeat(long, "[", "]")
    for field in ("ReservationVersion", "TimestampMs", "code", "sid"):
        item = f'{{"EventType":"a","{field}":{long}}}'
        yield f'[{{"{field}": 4,299 digits}}, …]', _repeat(item, "[", "]")
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

    :param ms: the time for the size at which it is longest, in terms of :data:`MOST_MS`.
    :param size: that size.
    :param growth: the time of the full size over that of a quarter, about 4 if it is linear.
    """

    reader: str
    shape: str
    result: str
    ms: float
    size: int
    growth: float

    @property
    def is_right(self) -> bool:
        """True if both bounds hold."""
        return self.ms <= MOST_MS and self.growth <= MOST_GROWTH

    def __str__(self) -> str:
        """Return one line."""
        place = f"{self.reader}: {self.shape}"
        return f"{self.ms:8.1f} ms at {self.size:>9,} bytes  x{self.growth:4.1f}  {place}"


def _time(reader: Reader, body: bytes) -> tuple[float, str]:
    started = time.process_time()
    result = read(reader, body)
    return (time.process_time() - started) * 1000, result


def _measure_one(name: str, reader: Reader, shape: str, bodies: Sequence[bytes]) -> Measurement:
    """Measure a reader with a body and its parts."""
    times, results = zip(*(_time(reader, body) for body in bodies), strict=True)
    scaled = [spent / max(1, len(body) / MIB) for spent, body in zip(times, bodies, strict=True)]
    worst = scaled.index(max(scaled))
    whole, quarter = times[0], max(times[1], 0.5)
    growth = whole / quarter if whole > _LEAST_MS else 1.0
    return Measurement(name, shape, results[0], scaled[worst], len(bodies[worst]), growth)


def measure(
    size: int, readers: dict[str, Reader] = READERS, every: int = 1
) -> Iterator[Measurement]:
    """Measure every reader with every shape.

    What breaks a bound is measured again, and the best of three counts.

    :param every: 1 for every shape, 2 for every second one.
    """
    for shape, make in itertools.islice(shapes(), 0, None, every):
        bodies = [make(size), *(make(size // part) for part in _PARTS)]
        for name, reader in readers.items():
            found = _measure_one(name, reader, shape, bodies)
            for _ in range(2):
                if not found.is_right:
                    found = min(found, _measure_one(name, reader, shape, bodies), key=_excess)
            yield found


def _excess(found: Measurement) -> float:
    return max(found.ms / MOST_MS, found.growth / MOST_GROWTH)


def main(given: Sequence[str] | None = None) -> int:
    """Print the worst measurements. Return 1 if a bound is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.growth")
    parser.add_argument("--size", type=int, default=MIB)
    parser.add_argument("--show", type=int, default=20)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--reader", default="")
    arguments = parser.parse_args(given)
    readers = {name: each for name, each in READERS.items() if arguments.reader in name}
    found = sorted(measure(arguments.size, readers, arguments.every), key=lambda one: -one.ms)
    wrong = [one for one in found if not one.is_right]
    for one in found[: arguments.show]:
        print(one)
    print(f"{len(found)} pairs of a reader and a shape: {len(wrong)} beyond a bound")
    for one in wrong:
        print(one)
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
