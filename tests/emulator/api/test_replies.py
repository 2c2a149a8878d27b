"""Bodies of replies."""

from __future__ import annotations

import json

import attrs

from reservation_core import (
    Request,
)
from reservation_core.emulator import (
    InMemoryGateway,
    ManualClock,
    Platform,
    Snapshot,
)
from tests.emulator.platform.stage import WORKSPACE, Stage


def test_reservation_without_a_date_has_null_in_its_body() -> None:
    platform = Platform(ManualClock())
    stored = Stage(1).platform.snapshot().reservations[0]
    platform.restore(
        Snapshot(
            reservations=(
                attrs.evolve(
                    stored, reservation=attrs.evolve(stored.reservation, date_created=None)
                ),
            )
        )
    )
    reservation = platform.all()[0]
    body = (
        InMemoryGateway(platform)
        .send(
            Request(
                "GET",
                f"/v1/Workspaces/{WORKSPACE}/Tasks/{reservation.task_sid}/Reservations/{reservation.sid}",
            )
        )
        .body
    )
    assert json.loads(body)["date_created"] is None
