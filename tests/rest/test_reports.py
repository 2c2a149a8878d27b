"""Reports are compared with the known reservation: SIDs, status, hold."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from reservation_core import (
    Accept,
    Conference,
    IllegalSuccession,
    MalformedReply,
    Refused,
    Reply,
    Reservation,
    Status,
    conclude,
    conclude_fetch,
)
from reservation_core.domain.reservation import Links
from tests.reference.oracle import rows
from tests.rest.examples import (
    ACCEPTED,
    DATED,
    HELD,
    PENDING,
    READERS,
    SIDS,
    body_of,
    changed,
    reply_of,
    report_of,
)

# --- SIDs and links ------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [True, False], ids=["null", "missing"])
@pytest.mark.parametrize("field", SIDS)
def test_sid_missing_in_the_reply_is_kept(field: str, kept: bool) -> None:
    body = body_of(ACCEPTED, **{field: None})
    if not kept:
        del body[field]
    assert conclude(PENDING, Accept(), reply_of(body)) == ACCEPTED
    assert conclude_fetch(PENDING, reply_of(body)) == ACCEPTED


@pytest.mark.parametrize("field", SIDS)
def test_unknown_sid_is_taken_from_the_reply(field: str) -> None:
    assert (
        conclude(changed(PENDING, **{field: None}), Accept(), reply_of(body_of(ACCEPTED)))
        == ACCEPTED
    )


@pytest.mark.parametrize("field", SIDS)
def test_reply_with_another_sid_is_malformed(field: str) -> None:
    other = getattr(PENDING, field)[:2] + "f" * 32
    for read in READERS:
        with pytest.raises(MalformedReply) as caught:
            read(reply_of(body_of(ACCEPTED, **{field: other})))
        assert [fault.path for fault in caught.value.faults] == [field]


def test_repeated_links_are_reused() -> None:
    """Many reports of a reservation share one copy."""
    links = {"task": "https://example.com/task"}
    held = attrs.evolve(PENDING, links=Links(tuple(links.items())))
    assert conclude_fetch(held, reply_of(body_of(ACCEPTED, links=links))).links is held.links
    assert conclude(held, Accept(), reply_of(body_of(ACCEPTED, links=links))).links is held.links
    assert conclude_fetch(held, reply_of(body_of(ACCEPTED, links={"worker": "x"}))).links == Links(
        (("worker", "x"),)
    )


# --- succession ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row", rows("reachable"), ids=lambda row: f"{row['before']} {row['after']}"
)
def test_unreachable_status_is_an_illegal_succession(row: dict[str, str]) -> None:
    before, after = (changed(PENDING, status=row[name]) for name in ("before", "after"))
    if row["reachable"] == "yes":
        assert conclude_fetch(before, reply_of(body_of(after))) == after
    else:
        with pytest.raises(IllegalSuccession) as caught:
            conclude_fetch(before, reply_of(body_of(after)))
        assert (caught.value.before, caught.value.after) == (before.status, after.status)


# --- on hold -------------------------------------------------------------------------------------


def test_repeated_report_keeps_the_hold() -> None:
    assert conclude_fetch(HELD, report_of(DATED)) == HELD
    assert conclude_fetch(conclude_fetch(HELD, report_of(DATED)), report_of(DATED)) == HELD


@pytest.mark.parametrize(
    "newer",
    [
        attrs.evolve(DATED, etag="4"),
        attrs.evolve(DATED, date_updated=datetime(2026, 1, 1, 12, 0, 1, tzinfo=UTC)),
        attrs.evolve(DATED, status=Status.ACCEPTED),
        attrs.evolve(DATED, status=Status.CANCELED),
    ],
    ids=["version", "date", "accepted", "canceled"],
)
def test_newer_report_clears_the_hold(newer: Reservation) -> None:
    assert conclude_fetch(HELD, report_of(newer)) == newer


def test_report_without_a_version_keeps_the_hold() -> None:
    """The worker route has no versions."""
    assert conclude_fetch(HELD, report_of(attrs.evolve(DATED, etag=None))).on_hold


def test_first_version_keeps_the_hold() -> None:
    """The hold may have begun on the worker route, without versions."""
    assert conclude_fetch(attrs.evolve(HELD, etag=None), report_of(DATED)).on_hold


def test_older_report_keeps_the_hold() -> None:
    older = datetime(2026, 1, 1, 12, tzinfo=UTC) - timedelta(seconds=5)
    assert conclude_fetch(HELD, report_of(attrs.evolve(DATED, date_updated=older))).on_hold


@pytest.mark.parametrize("status", [199, 300, 301])
def test_status_outside_2xx_is_refused(status: int) -> None:
    with pytest.raises(Refused):
        conclude(PENDING, Accept(), Reply(status, {}, reply_of(body_of(ACCEPTED)).body))


def test_values_of_all_parameters_are_redacted_in_faults() -> None:
    command = Conference(to="client:zoe.quill", sip_auth_password="hush-hush-9", muted=True)
    body = body_of(ACCEPTED, url=5, date_created="zoe.quill hush-hush-9")
    with pytest.raises(MalformedReply) as caught:
        conclude(PENDING, command, reply_of(body))
    assert "zoe.quill" not in str(caught.value)
    assert "hush-hush-9" not in str(caught.value)
