"""Settings are data with a ground each, what is out of bounds is refused, and clocks and rates go by the time they are given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

import attrs
import pytest

from reservation_core import Evidence
from reservation_core.emulator import ManualClock, Platform, RealClock, Settings
from reservation_core.emulator.api.rate_limits import RateLimiter
from reservation_core.emulator.platform.clock import DEFAULT_START
from reservation_core.emulator.platform.settings import describe_settings

UNSETTLED: Final = {  # the platform's open questions, by hand, from the notes on its behaviour
    "state_codes",
    "instruction_codes",
    "both_given",
    "neither_given",
    "checks_version_first",
    "has_quoted_etag",
    "on_hold_shown_as",
    "can_reject_on_hold",
    "can_rescind_on_hold",
    "system_status",
    "foreign_parameters",
    "blank_values",
}


def test_every_setting_says_what_it_decides_and_how_that_is_known() -> None:
    """Each setting has a sentence, a mark and a source, and its default is the one that is told; none is told twice."""
    told = list(describe_settings())
    assert [name for name, _, _ in told] == [field.name for field in attrs.fields(Settings)]
    assert len({about.description for _, _, about in told}) == len(told)
    for name, default, about in told:
        assert default == getattr(Settings(), name)
        assert about.description
        assert about.evidence in Evidence


def test_what_no_source_settles_is_a_setting() -> None:
    """Every open question has its setting, none of which claims to be documented."""
    marks = {name: about.evidence for name, _, about in describe_settings()}
    assert marks.keys() >= UNSETTLED
    assert {name for name in UNSETTLED if marks[name] is Evidence.DOCUMENTED} == set()


def test_the_defaults_are_the_documented_times() -> None:
    """A reservation has 120 seconds, an ended task five minutes, an assignment callback five seconds, a task a thousand rounds."""
    usual = Settings()
    assert (
        usual.reservation_timeout,
        usual.delete_after,
        usual.callback_timeout,
        usual.max_rounds,
    ) == (120, 300, 5, 1000)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reservation_timeout", 0),
        ("reservation_timeout", 86_401),
        ("rate_limit", 0),
        ("delete_after", -1),
        ("delete_after", float("nan")),
        ("callback_timeout", 0),
        ("max_body_bytes", 0),
        ("max_rounds", 0),
        ("journal_length", 0),
        ("accounts", {"": "x"}),
        ("accounts", {"a:b": "x"}),
        ("accounts", {"a": ""}),
    ],
)
def test_a_setting_out_of_bounds_is_refused(name: str, value: Any) -> None:
    """What a setting cannot be is refused by name, and an account's password is not shown."""
    with pytest.raises(ValueError, match=name):
        Settings(**{name: value})


def test_accounts_are_not_shown() -> None:
    """No repr shows who is let in, and nobody changes it from outside."""
    accounts = {"AC1": "hush"}
    settings = Settings(accounts=accounts)
    accounts.clear()
    assert settings.accounts == {"AC1": "hush"}
    assert "hush" not in repr(settings)
    assert "AC1" not in repr(settings)


# --- clocks -----------------------------------------------------------------------------------------------------------------------------


def test_a_real_clock_tells_the_time() -> None:
    """The usual clock goes with the real one, in UTC."""
    now = RealClock().now()
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=60)
    assert now.tzinfo is UTC


@pytest.mark.parametrize("scale", [0.5, 1.0, 60.0])
def test_a_real_clock_is_scaled_and_advanced(scale: float) -> None:
    """Time passes by the factor, jumps when it is told to, and the wait for a moment is in real seconds."""
    real = [100.0]
    clock = RealClock(scale, ticking=lambda: real[0])
    began = clock.now()
    real[0] += 10
    assert clock.now() - began == timedelta(seconds=10 * scale)
    clock.advance(30)
    assert clock.now() - began == timedelta(seconds=10 * scale + 30)
    assert clock.wait(clock.now() + timedelta(seconds=6)) == pytest.approx(6 / scale)
    assert clock.wait(began) == 0


def test_a_hand_clock_stands_still() -> None:
    """A clock that is moved by hand goes on only then, and a moment ahead does not come by itself."""
    clock = ManualClock()
    assert (clock.now(), clock.now()) == (DEFAULT_START, DEFAULT_START)
    assert clock.wait(DEFAULT_START + timedelta(seconds=1)) is None
    clock.advance(1.5)
    assert clock.now() == DEFAULT_START + timedelta(seconds=1.5)
    assert clock.wait(DEFAULT_START + timedelta(seconds=1)) == 0
    here = timezone(timedelta(hours=2))
    assert ManualClock(datetime(2030, 1, 1, 2, tzinfo=here)).now() == DEFAULT_START
    assert ManualClock(datetime(2030, 1, 1, 2, tzinfo=here)).now().tzinfo is UTC


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e10])
@pytest.mark.parametrize("clock", [ManualClock(), RealClock()], ids=["hand", "real"])
def test_no_clock_goes_back(clock: ManualClock | RealClock, seconds: float) -> None:
    """A clock is put forward by a span of time, and by nothing else."""
    with pytest.raises(ValueError, match="goes forward"):
        clock.advance(seconds)


@pytest.mark.parametrize("clock", [ManualClock(), RealClock()], ids=["hand", "real"])
def test_every_clock_comes_to_an_end(clock: ManualClock | RealClock) -> None:
    """Before the calendar does: what is still to come from then on has a date, too."""
    longest = 999_999_999
    while clock.now() + timedelta(seconds=longest) < datetime(9000, 1, 1, tzinfo=UTC):
        clock.advance(longest)
    with pytest.raises(ValueError, match="beyond the year 9000"):
        clock.advance(longest)
    assert 8900 < clock.now().year <= 9000


def test_a_clock_must_make_sense() -> None:
    """A scale that stops time, and a start without a time zone, are refused."""
    for scale in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="scale"):
            RealClock(scale)
    with pytest.raises(ValueError, match="aware"):
        ManualClock(datetime(2030, 1, 1))  # noqa: DTZ001 - that is the point


def test_the_platform_tells_its_clock() -> None:
    """The platform's time is its clock's."""
    platform = Platform(ManualClock())
    platform.advance(3)
    assert platform.now() == platform.clock.now() == DEFAULT_START + timedelta(seconds=3)
    assert Platform().now().tzinfo is UTC


# --- rates ------------------------------------------------------------------------------------------------------------------------------


def test_a_bucket_is_filled_by_time_and_never_overflows() -> None:
    """Each operation has its own bucket: so many a second, filled as time passes, never fuller than full."""
    clock = ManualClock()
    rates = RateLimiter(2, clock.now)
    left = [rates.take("get"), rates.take("get"), rates.take("get"), rates.take("post")]
    assert [None if each is None else dict(each)["X-Rate-Limit-Remaining"] for each in left] == [
        "1",
        "0",
        None,
        "1",
    ]
    clock.advance(0.4)
    assert rates.take("get") is None
    clock.advance(0.1)
    assert rates.take("get") is not None
    clock.advance(1000)
    assert [rates.take("get") is None for _ in range(3)] == [False, False, True]
    assert [RateLimiter(None, clock.now).take("get") for _ in range(3)] == [(), (), ()]
