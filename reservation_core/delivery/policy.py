"""Retry policy of a delivery."""

from __future__ import annotations

from typing import Final

import attrs

_MAX_SECONDS: Final = 86_400.0


def _check_count(_: object, field: attrs.Attribute[int], value: object) -> None:
    if type(value) is not int or not 1 <= value <= 100:
        raise ValueError(f"{field.name} must be a whole number from 1 to 100, not {value!r}")


def _check_seconds(_: object, field: attrs.Attribute[float], value: object) -> None:
    if (
        not isinstance(value, (int, float))
        or isinstance(value, bool)
        or not 0 <= value <= _MAX_SECONDS
    ):
        raise ValueError(
            f"{field.name} must be a number of seconds from 0 to {_MAX_SECONDS:g}, not {value!r}"
        )


def _check_flag(_: object, field: attrs.Attribute[bool], value: object) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{field.name} must be True or False, not {value!r}")


@attrs.frozen(kw_only=True)
class Policy:
    """Retry policy of one delivery.

    :param attempts: maximum number of times the command is sent, 1 to 100. It is also the maximum
        number of fetches in a row.
    :param deadline: seconds from the start, 0 to 86,400. After it nothing more is sent and no pause
        begins. An exchange under way is not interrupted: the gateway's timeout limits it.
    :param backoff: maximum seconds of the first pause. It doubles with each pause. Every pause is
        drawn evenly from 0 to the maximum (full jitter).
    :param backoff_cap: maximum seconds of any such pause. A ``Retry-After`` is not limited by it.
    :param retry_stale: send again, with the fetched version, if only a stale version (412) was
        refused.
    :param repeat_unknown: send again if the command may have been carried out but has no visible
        effect at first (dequeue, conference, supervise, a call or redirect that does not accept).
        The worker may then be called twice.
    :param sole_writer: the caller states that there are no concurrent writers: no other client, no
        worker's screen, no automatic wrap-up. Then a visible effect of the command counts as its
        own.
    :param trust_refusals: the caller states that nothing on the way repeats requests, such as a
        proxy that retries. Then a refusal proves that the command did not act. One because of the
        state ends in ``LostRace``, also if the command's own act could have led there.
    :param strict: refuse a command on any evidence before it is sent. Without it, a command that is
        refused on inferred or unknown evidence is sent with a caution, and the platform decides.
    :param accept_unexpected: take over a report whose status cannot follow the known one, with a
        caution. Without it, such a report ends the delivery. The error carries the report.
    :param reconcile: fetch the reservation if the outcome is unknown or the command was refused
        because of the state. Otherwise that failure is raised as it is.
    :raises ValueError: if a number is out of range.
    :raises TypeError: if a flag is not a bool.
    """

    attempts: int = attrs.field(default=4, validator=_check_count)
    deadline: float = attrs.field(default=30.0, validator=_check_seconds)
    backoff: float = attrs.field(default=0.25, validator=_check_seconds)
    backoff_cap: float = attrs.field(default=5.0, validator=_check_seconds)
    retry_stale: bool = attrs.field(default=True, validator=_check_flag)
    repeat_unknown: bool = attrs.field(default=False, validator=_check_flag)
    sole_writer: bool = attrs.field(default=False, validator=_check_flag)
    trust_refusals: bool = attrs.field(default=False, validator=_check_flag)
    strict: bool = attrs.field(default=True, validator=_check_flag)
    accept_unexpected: bool = attrs.field(default=False, validator=_check_flag)
    reconcile: bool = attrs.field(default=True, validator=_check_flag)


DEFAULT_POLICY: Final = Policy()

ONCE: Final = Policy(attempts=1, reconcile=False)
"""Policy that sends one request and raises any failure as it is.

``Policy(attempts=1)`` also sends the command once, but fetches the reservation after a failure that
needs it.
"""


def require_policy(policy: object) -> None:
    """Raise TypeError for anything but a policy, such as its class."""
    if not isinstance(policy, Policy):
        kind = "the class Policy" if policy is Policy else f"of type {type(policy).__name__}"
        raise TypeError(f"not a policy: it is {kind}. Give one, such as Policy(attempts=2)")
