"""Pages of lists, and the values that the list tests share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from reservation_core import Reply, Reservation
from tests.delivery.clients import Query
from tests.delivery.scripted import ScriptedGateway

HEX: Final = "0123456789abcdef" * 2
WORKSPACE, TASK, WORKER, SID = (f"{prefix}{HEX}" for prefix in ("WS", "WT", "WK", "WR"))
ORIGIN: Final = "https://taskrouter.twilio.com"
TASK_LIST: Final = f"/v1/Workspaces/{WORKSPACE}/Tasks/{TASK}/Reservations"
WORKER_LIST: Final = f"/v1/Workspaces/{WORKSPACE}/Workers/{WORKER}/Reservations"
OF_TASK: Final[Query] = {"workspace_sid": WORKSPACE, "task_sid": TASK}
OF_WORKER: Final[Query] = {"workspace_sid": WORKSPACE, "worker_sid": WORKER}


def gateway_at(origin: str, *answers: Reply) -> ScriptedGateway:
    """Make a scripted gateway that declares an origin."""
    return ScriptedGateway(*answers, origin=origin)


def rows_of(*numbers: int) -> list[dict[str, str]]:
    """Make list items that differ in their SIDs."""
    return [
        {
            "sid": f"WR{number:032x}",
            "workspace_sid": WORKSPACE,
            "task_sid": TASK,
            "worker_sid": WORKER,
            "reservation_status": "pending",
        }
        for number in numbers
    ]


def page(
    *numbers: int, next_url: object = None, url: object = f"{ORIGIN}{TASK_LIST}?PageSize=50&Page=0"
) -> Reply:
    """Make a page of a list."""
    meta = {"key": "reservations", "url": url, "next_page_url": next_url}
    return Reply(200, {}, json.dumps({"meta": meta, "reservations": rows_of(*numbers)}).encode())


def numbers_of(reservations: Sequence[Reservation]) -> list[int]:
    """Return the numbers that :func:`rows_of` put into the SIDs."""
    return [int(f"0x{(reservation.sid or '')[2:]}", 0) for reservation in reservations]
