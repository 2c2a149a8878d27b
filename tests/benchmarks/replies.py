"""Row 6: a reply's bytes to an entity, beside ``cattrs`` on standard library JSON."""

from collections.abc import Callable
from datetime import datetime

import attrs
from attrs.validators import matches_re, optional
from cattrs import BaseValidationError
from cattrs.gen import make_dict_structure_fn, override
from cattrs.preconf.json import make_converter

from reservation_core import MalformedReply, Status, read_reservation
from tests.benchmarks import samples
from tests.benchmarks.measure import Comparison, Effort, clock


def _sid(prefix: str) -> str | None:
    return attrs.field(default=None, validator=optional(matches_re(prefix + "[0-9a-fA-F]{32}")))


@attrs.frozen(kw_only=True)
class _Reservation:
    """The reservation of a ``cattrs`` user: frozen, slotted, its SIDs validated."""

    status: Status
    sid: str | None = _sid("WR")
    account_sid: str | None = _sid("AC")
    workspace_sid: str | None = _sid("WS")
    task_sid: str | None = _sid("WT")
    worker_sid: str | None = _sid("WK")
    worker_name: str | None = None
    date_created: datetime | None = None
    date_updated: datetime | None = None
    url: str | None = None
    links: dict[str, str] | None = None


def _peer() -> Callable[[bytes], _Reservation]:
    """Build the converter of the cattrs documentation, with detailed validation."""
    converter = make_converter()
    renamed = make_dict_structure_fn(
        _Reservation, converter, status=override(rename="reservation_status")
    )
    converter.register_structure_hook(_Reservation, renamed)
    return lambda body: converter.loads(body, _Reservation)


def read(effort: Effort) -> list[Comparison]:
    """Read a reservation from a reply's bytes.

    Ours is :func:`read_reservation`, the peer's ``converter.loads``. Both check the five SIDs, the
    status and the dates, gather all faults, and give an attrs class with the same values. Ours also
    checks the texts and the links, and tells an assignment callback from a resource.
    """
    peer = _peer()
    ours, theirs = read_reservation(samples.ACCEPTED), peer(samples.ACCEPTED)
    names = [field.name for field in attrs.fields(_Reservation) if field.name != "links"]
    assert [getattr(ours, name) for name in names] == [getattr(theirs, name) for name in names]
    assert dict(ours.links or {}) == theirs.links
    for name, wrong in (
        ("sid", "WR1"),
        ("worker_sid", "none"),
        ("reservation_status", "reserved"),
        ("date_created", "yesterday"),
    ):
        assert _refuses(read_reservation, {**samples.BODY, name: wrong})
        assert _refuses(peer, {**samples.BODY, name: wrong})
    return [
        Comparison(
            row=6,
            measure="reply to entity, standard library JSON",
            against="cattrs preconf json",
            ours=clock(lambda: read_reservation(samples.ACCEPTED), effort),
            peer=clock(lambda: peer(samples.ACCEPTED), effort),
            reach=1.5,
        )
    ]


def _refuses(read: Callable[[bytes], object], body: dict[str, object]) -> bool:
    try:
        read(samples.as_json(body))
    except (MalformedReply, BaseValidationError):
        return True
    return False
