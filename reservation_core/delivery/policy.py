"""Retry policy of a delivery."""

from __future__ import annotations

from typing import Final

import attrs

_LONGEST: Final = 86_400.0  # seconds


def _whole(_: object, field: attrs.Attribute[int], value: object) -> None:
    if type(value) is not int or not 1 <= value <= 100:
        raise ValueError(f"{field.name} must be a whole number from 1 to 100, not {value!r}")


def _seconds(_: object, field: attrs.Attribute[float], value: object) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= _LONGEST:
        raise ValueError(
            f"{field.name} must be a number of seconds from 0 to {_LONGEST:g}, not {value!r}"
        )


def _flag(_: object, field: attrs.Attribute[bool], value: object) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{field.name} must be True or False, not {value!r}")


@attrs.frozen(kw_only=True)
class Policy:
    """How hard to try. Wrong values raise ValueError or TypeError when it is built.

    :param attempts: how often the command is sent at most; and how often in a row it is tried to read the reservation.
    :param deadline: seconds after which nothing more is sent and no pause begins. An exchange under way is not cut short: that is the
        gateway's time-out.
    :param backoff: seconds of the first pause at most; it doubles each time. Every pause is drawn evenly from 0 to that (full jitter).
    :param backoff_cap: seconds of any such pause at most. ``Retry-After`` is honoured as it is.
    :param retry_stale: whether to send again, with the fresh version, what was refused only for its stale one.
    :param repeat_unconfirmed: whether to send again what may have been taken, but shows nothing at first (a dequeue, a conference, a
        supervise, a call or redirect that accepts nothing). The worker may then be called twice.
    :param sole_writer: the caller knows that nobody and nothing else commands this reservation: no other client, no worker's screen,
        no automatic wrap-up. Then what a command sets was set by this one.
    :param reconcile: whether to read the reservation at all when the outcome is not known or the state refused it; else that failure
        comes out as it is.
    """

    attempts: int = attrs.field(default=4, validator=_whole)
    deadline: float = attrs.field(default=30.0, validator=_seconds)
    backoff: float = attrs.field(default=0.25, validator=_seconds)
    backoff_cap: float = attrs.field(default=5.0, validator=_seconds)
    retry_stale: bool = attrs.field(default=True, validator=_flag)
    repeat_unknown: bool = attrs.field(default=False, validator=_flag)
    sole_writer: bool = attrs.field(default=False, validator=_flag)
    reconcile: bool = attrs.field(default=True, validator=_flag)


DEFAULT_POLICY: Final = Policy()
ONCE: Final = Policy(attempts=1, reconcile=False)
"""One request, whatever comes of it. ``Policy(attempts=1)`` also sends once, but reads the reservation when the outcome is not known."""
