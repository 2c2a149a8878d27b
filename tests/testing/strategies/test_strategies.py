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
from reservation_core.domain.commands.kinds import Boolean, Choice, Integer, Kind, sid_kind
from reservation_core.domain.reservation import Links
from reservation_core.testing import strategies as kit
from reservation_core.testing.faults import Fault, FaultKind
from reservation_core.testing.strategies import texts
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

SIMPLEST: Final[dict[str, tuple[SearchStrategy[object], object]]] = {
    "extra_pairs": (texts.extra_pairs(), ()),
    "addresses": (
        kit.addresses(),
        Address(
            workspace_sid=f"WS{ZEROS}",
            sid=f"WR{ZEROS}",
            task_sid=f"WT{ZEROS}",
            worker_sid=f"WK{ZEROS}",
        ),
    ),
    "app_contacts": (texts.app_contacts(), f"app:AP{ZEROS}"),
    "arguments": (kit.arguments(Call), {"from_": NUMBER, "url": URL}),
    "bare_names": (texts.bare_names(), "alice"),
    "callers": (texts.callers(), NUMBER),
    "client_contacts": (texts.client_contacts(), "client:alice"),
    "commands": (kit.commands(), Accept()),
    "contacts": (texts.contacts(), "client:alice"),
    "faults": (kit.faults(), Fault()),
    "hosts": (texts.hosts(), "example.com"),
    "illegal_commands": (kit.illegal_commands(Reservation(status="completed")), Accept()),
    "legal_commands": (kit.legal_commands(Reservation(status="pending")), Accept()),
    "timestamps": (kit.timestamps(), FIRST),
    "names": (texts.names(), "alice"),
    "near_callers": (texts.near_callers(), ""),
    "near_contacts": (texts.near_contacts(), ""),
    "near_misses": (kit.near_misses(Integer(2, 250)), 1),
    "near_names": (texts.near_names(), ""),
    "near_recording_modes": (texts.near_recording_modes(), ""),
    "near_sids": (texts.near_sids("WR"), ""),
    "near_urls": (texts.near_urls(), "example.com"),
    "caller_numbers": (texts.caller_numbers(), NUMBER),
    "phone_numbers": (texts.phone_numbers(), NUMBER),
    "plans": (kit.plans(), ()),
    "recording_modes": (texts.recording_modes(), "record-from-answer"),
    "reservations": (kit.reservations(), PLAIN),
    "sids": (texts.sids("WR"), f"WR{ZEROS}"),
    "sip_uris": (texts.sip_uris(), "sip:alice@example.com"),
    "statuses": (kit.statuses(), Status.PENDING),
    "supervisors": (texts.supervisors(), f"WK{ZEROS}"),
    "texts": (texts.texts(), "0"),
    "unnamed_contacts": (texts.unnamed_contacts(), "15005550006"),
    "urls": (texts.urls(), URL),
    "values": (kit.values(Integer(2, 250)), 2),
    "words": (texts.words(), "0"),
}
"""Simplest value of each strategy, where it can be written down."""

CHECKED_BELOW: Final = {
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


def test_every_public_strategy_is_documented_with_its_simplest_value() -> None:
    assert list(kit.__all__) == sorted(
        set(kit.__all__), key=lambda name: (not name[0].isupper(), name)
    )
    public = {name: getattr(kit, name) for name in kit.__all__ if name != "build"}
    public |= {name: each for name, each in vars(texts).items() if not name.startswith("_")}
    strategies = {
        name: each
        for name, each in public.items()
        if inspect.isfunction(inspect.unwrap(each)) and each.__module__.startswith(kit.__name__)
    }
    assert strategies.keys() == SIMPLEST.keys() | CHECKED_BELOW
    for name, strategy in strategies.items():
        text = inspect.cleandoc(strategy.__doc__ or "")
        assert text.startswith("Draw "), name
        assert "simplest" in text, name


@pytest.mark.parametrize("name", SIMPLEST)
def test_strategy_shrinks_to_its_simplest_value(name: str) -> None:
    strategy, expected = SIMPLEST[name]
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
def test_command_shrinks_to_its_required_arguments(kind: type[Command], expected: Command) -> None:
    assert least(kit.commands(kind)) == expected


def test_irrelevant_arguments_shrink_away() -> None:
    found = least(kit.commands(Conference), lambda command: command.muted and command.region)
    assert found == Conference(muted=True, region="us1")


def test_values_shrink_to_the_first_of_their_kind() -> None:
    kinds: list[Kind[object]] = [Integer(5, 600), Boolean(), Choice(("b", "a")), sid_kind("CA")]
    assert [least(kit.values(kind)) for kind in kinds] == [5, False, "b", f"CA{ZEROS}"]


def test_run_shrinks_to_one_rejection_with_two_events() -> None:
    run = least(kit.runs())
    assert [step.action for step in run.steps] == [Status.REJECTED]
    assert run.first == least(
        kit.reservations(Status.PENDING).map(
            lambda one: one.with_status(one.status, etag="0", date_updated=FIRST)
        )
    )
    assert [delivered.event.type for delivered in least(kit.events())] == [
        "reservation.created",
        "reservation.rejected",
    ]


def test_run_shrinks_to_the_steps_that_matter() -> None:
    run = least(
        kit.runs(), lambda run: Status.WRAPPING in [held.status for held in run.reservations]
    )
    assert [held.status.value for held in run.reservations] == [
        "pending",
        "accepted",
        "wrapping",
        "completed",
    ]


def test_payloads_shrink_to_mappings_of_the_simplest_reservation() -> None:
    body = least(kit.payloads())
    assert isinstance(body.payload, dict)
    assert (body, body.reservation) == (least(kit.bodies()), PLAIN)
    announced = least(kit.callbacks())
    assert isinstance(announced.payload, dict)
    assert announced.reservation.sid == PLAIN.sid
    assert [*least(kit.replies()).headers] == ["Content-Type"]
    assert least(kit.requests()).method == "GET"


def test_invalid_values_shrink_to_an_empty_one_and_refusals_to_a_repeated_accept() -> None:
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


def test_plan_shrinks_to_the_fault_that_matters() -> None:
    plan = least(kit.plans(), lambda plan: len(plan) > 1 and plan[1].kind is FaultKind.LOST_REPLY)
    assert plan == (Fault(), Fault(FaultKind.LOST_REPLY))
