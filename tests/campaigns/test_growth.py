"""The readers of untrusted bytes take steps in proportion to the size.

The processor time is measured by hand (see :mod:`tests.campaigns.growth`).
"""

from __future__ import annotations

import sys
from typing import Final

import pytest

from reservation_core import MalformedReply, ReservationError
from tests.campaigns.growth import MOST_GROWTH, Shape, main, measure, shapes
from tests.campaigns.readers import READERS, Reader

pytestmark = pytest.mark.slow

SIZE: Final = 2_000
SHAPES: Final = {
    name: shape
    for name, shape in shapes()
    if name
    in (
        "[{}, …]",
        '{"events": [{}, …]}',
        '{"events": [{"type":"reservation.accepted"}, …]}',
        '{"reservations": [{"sid":1,"task":{"sid":1},"date_created":[]}, …]}',
        '{"tasks": [{}, …]}',
        '{"links": {…: 1}}',
        '{"fields": {…: 1}}',
        '{"k#": 1, …}',
        "k#=a&…",
        "From=a&…",
        '{"message": "+1 …"}',
    )
}


def _count_steps(reader: Reader, body: bytes) -> int:
    """Return the number of calls, and check the number of faults."""
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    sys.setprofile(count)
    try:
        reader(body)
    except ReservationError as error:
        text = str(error)
    else:
        text = ""
    finally:
        sys.setprofile(None)
    assert text.count("\n") <= 102
    return steps


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_steps_grow_in_proportion_to_the_size(shape: Shape) -> None:
    for name, reader in READERS.items():
        few, many = (_count_steps(reader, shape(size)) for size in (SIZE, 4 * SIZE))
        assert many <= 4.5 * few + 500, name


def test_every_shape_has_about_the_size_that_is_asked_for() -> None:
    for name, shape in shapes():
        assert 0.3 * 20_000 <= len(shape(20_000)) <= 1.3 * 20_000, name


def _quadratic(body: bytes) -> object:
    numbers = list(range(len(body) // 20))
    if sum(one < other for one in numbers for other in numbers):
        raise MalformedReply(())
    return None


def test_measurement_finds_growth() -> None:
    first = next(measure(24_000, {"quadratic": _quadratic}))
    assert first.reader == "quadratic"
    assert first.result == "MalformedReply"
    assert first.growth > MOST_GROWTH
    assert not first.is_right


def test_command_fails_if_a_bound_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(READERS, "quadratic", _quadratic)
    given = ["--size", "24000", "--every", "999", "--reader", "quadratic"]
    assert main(given) == 1
    assert "1 beyond a bound" in capsys.readouterr().out
    monkeypatch.setitem(READERS, "quadratic", len)
    assert main(given) == 0
