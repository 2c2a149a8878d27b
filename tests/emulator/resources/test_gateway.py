"""The gateway that also answers resources: methods, accounts, limits and unreadable requests."""

from __future__ import annotations

import base64
import json
import subprocess
import sys

import pytest

from reservation_core.emulator import InMemoryGateway, ManualClock, Platform, Settings
from reservation_core.emulator.platform.settings import ErrorCodes
from reservation_core.emulator.resources.gateway import WorkspaceGateway
from reservation_core.rest.messages import Request
from tests.emulator.resources.scene import FORM, Workplace

ACCOUNT = "AC" + "5" * 32


def _login(username: str, password: str = "secret") -> dict[str, str]:
    return {
        "Authorization": f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"
    }


def test_in_memory_gateway_loads_no_code_of_resources() -> None:
    code = (
        "import sys; from reservation_core.emulator import InMemoryGateway, CallbackQueue\n"
        "print([name for name in sys.modules if '.resources' in name or '.offers' in name])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_in_memory_gateway_knows_no_workspaces() -> None:
    assert InMemoryGateway().receive("GET", "/v1/Workspaces", {}, b"").status == 404


def test_request_object_is_answered_too() -> None:
    gateway = WorkspaceGateway(Platform(ManualClock()))
    reply = gateway.send(Request("POST", "/v1/Workspaces", form=(("FriendlyName", "a"),)))
    assert (reply.status, json.loads(reply.body)["friendly_name"]) == (201, "a")
    empty = gateway.send(Request("POST", "/v1/Workspaces"))
    assert empty.status == 400


def test_wrong_method_names_the_allowed_ones() -> None:
    place = Workplace()
    lists, one = place.ask("DELETE", "/Tasks"), place.ask("PUT", f"/Tasks/WT{'0' * 32}")
    assert (lists.status, lists.headers.get("Allow")) == (405, "GET, HEAD, POST")
    assert (one.status, one.headers.get("Allow")) == (405, "GET, HEAD, POST, DELETE")


def test_created_resource_belongs_to_the_account_of_its_client() -> None:
    settings = Settings(accounts={ACCOUNT: "secret", "SK1": "secret"})
    gateway = WorkspaceGateway(Platform(ManualClock(), settings=settings))

    def create(headers: dict[str, str]) -> tuple[int, str]:
        reply = gateway.receive("POST", "/v1/Workspaces", {**FORM, **headers}, b"FriendlyName=a")
        return reply.status, json.loads(reply.body).get("account_sid", "")

    assert create(_login(ACCOUNT)) == (201, ACCOUNT)
    assert create(_login("SK1")) == (201, "AC" + "0" * 32)
    assert create(_login(ACCOUNT, "wrong")) == create({}) == (401, "")


def test_rate_limit_holds_for_each_operation() -> None:
    place = Workplace(settings=Settings(rate_limit=2))
    replies = [place.ask("GET", "/Tasks").status for _ in range(3)]
    assert replies == [200, 200, 429]
    assert place.ask("GET", "/Workers").headers.get("X-Rate-Limit-Remaining") == "1"


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": "application/json"}, b"{}", 415),
        (FORM, b"FriendlyName=%", 400),
        (FORM, b"FriendlyName=%ff", 400),
    ],
)
def test_unreadable_body_is_refused(headers: dict[str, str], body: bytes, status: int) -> None:
    gateway = WorkspaceGateway(Platform(ManualClock()))
    assert gateway.receive("POST", "/v1/Workspaces", headers, body).status == status


@pytest.mark.parametrize(
    ("settings", "codes"),
    [
        (Settings(), [20001, 20001]),
        (Settings(state_codes=ErrorCodes.NONE), [None, 20001]),
        (Settings(instruction_codes=ErrorCodes.NONE), [20001, None]),
    ],
)
def test_error_numbers_follow_the_settings(settings: Settings, codes: list[int | None]) -> None:
    place = Workplace(settings=settings)
    place.route()
    task = place.add_task()
    conflict = place.ask("POST", task, AssignmentStatus="wrapping")
    wrong = place.ask("POST", task, Priority="high")
    assert [json.loads(reply.body).get("code") for reply in (conflict, wrong)] == codes
    assert conflict.status == wrong.status == 400


def test_unknown_path_is_not_found() -> None:
    place = Workplace()
    assert place.refusal("GET", "/Statistics")[0] == 404
