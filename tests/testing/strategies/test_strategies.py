"""Every public strategy says what it draws and shrinks to what it says."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from typing import Final

import pytest
from hypothesis.strategies import SearchStrategy

from reservation_core import (
    Accept,
    Address,
    Call,
    Command,
    Complete,
    Conference,
    Redirect,
    Reject,
    Reservation,
    Status,
    Supervise,
)
from reservation_core.domain.commands.kinds import Boolean, Choice, Integer, sid
from reservation_core.domain.reservation import Links
from reservation_core.emulator.faults import FaultKind
from reservation_core.testing import strategies as kit
from reservation_core.testing.faults import Fault
from tests.testing.drawing import least

ZEROS: Final = "0" * 32
URL: Final = "https://example.com/"
NUMBER: Final = "+15005550006"
FIRST: Final = datetime(2016, 1, 1, tzinfo=UTC)
PLACE: Final = f"https://taskrouter.twilio.com/v1/Workspaces/WS{ZEROS}"
PLAIN: Final = Reservation(
    sid=f"WR{ZEROS}",
    account_sid=f"AC{ZEROS}",
    workspace_sid=f"WS{ZEROS}",
    task_sid=f"WT{ZEROS}",
    worker_sid=f"WK{ZEROS}",
    status=Status.PENDING,
    date_created=FIRST,
    date_updated=FIRST,
    url=f"{PLACE}/Tasks/WT{ZEROS}/Reservations/WR{ZEROS}",
    links=Links(
        (
            ("task", f"{PLACE}/Tasks/WT{ZEROS}"),
            ("worker", f"{PLACE}/Workers/WK{ZEROS}"),
            ("workspace", PLACE),
        )
    ),
)

LEAST: Final[dict[str, tuple[SearchStrategy[object], object]]] = {
    "addresses": (
        kit.addresses(),
        Address(
            workspace_sid=f"WS{ZEROS}",
            sid=f"WR{ZEROS}",
            task_sid=f"WT{ZEROS}",
            worker_sid=f"WK{ZEROS}",
        ),
    ),
    "apps": (kit.apps(), f"app:AP{ZEROS}"),
    "arguments": (kit.arguments(Call), {"from_": NUMBER, "url": URL}),
    "bare_names": (kit.bare_names(), "alice"),
    "callers": (kit.callers(), NUMBER),
    "clients": (kit.clients(), "client:alice"),
    "commands": (kit.commands(), Accept()),
    "contacts": (kit.contacts(), "client:alice"),
    "faults": (kit.faults(), Fault()),
    "hosts": (kit.hosts(), "example.com"),
    "illegal_commands": (kit.illegal_commands(Reservation(status="completed")), Accept()),
    "legal_commands": (kit.legal_commands(Reservation(status="pending")), Accept()),
    "moments": (kit.moments(), FIRST),
    "names": (kit.names(), "alice"),
    "near_callers": (kit.near_callers(), ""),
    "near_contacts": (kit.near_contacts(), ""),
    "near_misses": (kit.near_misses(Integer(2, 250)), 1),
    "near_names": (kit.near_names(), ""),
    "near_recordings": (kit.near_recordings(), ""),
    "near_sids": (kit.near_sids("WR"), ""),
    "near_urls": (kit.near_urls(), "example.com"),
    "numbers": (kit.numbers(), NUMBER),
    "phones": (kit.phones(), NUMBER),
    "plans": (kit.plans(), ()),
    "recordings": (kit.recordings(), "record-from-answer"),
    "reservations": (kit.reservations(), PLAIN),
    "sids": (kit.sids("WR"), f"WR{ZEROS}"),
    "sip_uris": (kit.sip_uris(), "sip:alice@example.com"),
    "statuses": (kit.statuses(), Status.PENDING),
    "supervisors": (kit.supervisors(), f"WK{ZEROS}"),
    "texts": (kit.texts(), "0"),
    "urls": (kit.urls(), URL),
    "values": (kit.values(Integer(2, 250)), 2),
    "words": (kit.words(), "0"),
}
"""Every strategy whose least value can be written down; that of the others is looked into below."""

LOOKED_INTO: Final = {
    "bodies",
    "callbacks",
    "events",
    "invalid_commands",
    "runs",
    "malformed_bodies",
    "malformed_callbacks",
    "malformed_payloads",
    "payloads",
    "refusals",
    "replies",
    "requests",
    "unreadable_replies",
}


def test_the_public_names_are_pinned() -> None:
    """Every public name is there once, sorted, says what it is, and a strategy names its least value."""
    assert list(kit.__all__) == sorted(
        set(kit.__all__), key=lambda name: (not name[0].isupper(), name)
    )
    functions = {
        name for name in kit.__all__ if inspect.isfunction(inspect.unwrap(getattr(kit, name)))
    }
    assert functions - {"build"} == LEAST.keys() | LOOKED_INTO
    for name in functions:
        text = inspect.cleandoc(getattr(kit, name).__doc__ or "")
        assert text.startswith("Build " if name == "build" else "Draw "), name
        assert name == "build" or "least" in text, name


@pytest.mark.parametrize("name", LEAST)
def test_it_shrinks_to_what_it_says(name: str) -> None:
    """The least value is the one its docstring names: what a person would write."""
    strategy, expected = LEAST[name]
    assert least(strategy) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Accept, Accept()),
        (Reject, Reject()),
        (Call, Call(from_=NUMBER, url=URL)),
        (Redirect, Redirect(call_sid=f"CA{ZEROS}", url=URL)),
        (Conference, Conference()),
        (Supervise, Supervise(supervisor_mode="monitor", supervisor=f"WK{ZEROS}")),
        (Complete, Complete()),
    ],
    ids=repr,
)
def test_a_command_shrinks_to_what_it_requires(kind: type[Command], expected: Command) -> None:
    """The least command of a kind has what it requires and nothing else."""
    assert least(kit.commands(kind)) == expected


def test_what_does_not_matter_is_left_out() -> None:
    """Two parameters that matter are all that is left of a conference, each at its least."""
    found = least(
        kit.commands(Conference),
        lambda command: command.muted and command.region,
    )
    assert found == Conference(muted=True, region="us1")


def test_values_shrink_to_the_first() -> None:
    """A number shrinks to its minimum, a flag to false, a word to the first, a SID to zeros."""
    assert [
        least(kit.values(kind))
        for kind in (Integer(5, 600), Boolean(), Choice(("b", "a")), sid("CA"))
    ] == [5, False, "b", f"CA{ZEROS}"]


def test_the_least_life_is_one_step_long() -> None:
    """The least life is that of the plainest reservation, reported rejected, and that is all; its events are two."""
    life = least(kit.runs())
    assert [step.deed for step in life.steps] == [Status.REJECTED]
    assert life.first == least(
        kit.reservations(Status.PENDING).map(
            lambda one: one.with_status(one.status, etag="0", date_updated=FIRST)
        )
    )
    assert [report.event.type for report in least(kit.events())] == [
        "reservation.created",
        "reservation.rejected",
    ]


def test_a_life_shrinks_to_what_matters() -> None:
    """A life in which somebody wraps is accepted, wrapped and completed, without anything between."""
    life = least(
        kit.runs(),
        lambda life: Status.WRAPPING in [told.status for told in life.told],
    )
    assert [told.status.value for told in life.told] == [
        "pending",
        "accepted",
        "wrapping",
        "completed",
    ]


def test_the_least_of_what_is_told_is_plain() -> None:
    """Bodies, callbacks, replies and requests shrink to the plainest, as mappings, and tell of the plainest reservation."""
    told = least(kit.payloads())
    assert isinstance(told.payload, dict)
    assert (told, told.reservation) == (least(kit.bodies()), PLAIN)
    announced = least(kit.callbacks())
    assert isinstance(announced.payload, dict)
    assert announced.reservation.sid == PLAIN.sid
    assert [*least(kit.replies()).headers] == ["Content-Type"]
    assert least(kit.requests()).method == "GET"


def test_the_least_of_what_is_wrong_is_wrong_plainly() -> None:
    """What is wrong shrinks to one empty thing, and a refusal to the repeated accept."""
    invalid = least(kit.invalid_commands())
    assert (invalid.command, invalid.arguments) == (Reject, {"worker_activity_sid": ""})
    bad = least(kit.malformed_bodies())
    assert isinstance(bad.payload, dict)
    assert bad.payload[bad.path] == ""
    assert least(kit.malformed_payloads()) == bad
    assert least(kit.malformed_callbacks()).path == "ReservationSid"
    refusal = least(kit.refusals())
    assert (refusal.reply.status, refusal.family) == (400, kit.ErrorFamily.LEGACY)
    assert b"already in state [accepted]" in refusal.reply.body
    assert least(kit.unreadable_replies()).status == 200


def test_a_plan_shrinks_to_the_fault_that_matters() -> None:
    """Of a plan nothing is left but the fault that matters, in its place."""
    plan = least(
        kit.plans(),
        lambda plan: len(plan) > 1 and plan[1].kind is FaultKind.LOST_REPLY,
    )
    assert plan == (Fault(), Fault(FaultKind.LOST_REPLY))
