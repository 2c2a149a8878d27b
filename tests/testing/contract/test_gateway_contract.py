"""The contract notices: each gateway that breaks a promise fails the test of that promise, and a sound one passes it."""

import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

from reservation_core import gateways
from reservation_core.gateways.aiohttp import AiohttpGateway
from reservation_core.gateways.pyreqwest import AsyncPyreqwestGateway, PyreqwestGateway
from reservation_core.testing.contract.gateway import (
    AsyncGatewayContract,
    AsyncOwnClientContract,
    GatewayContract,
    OwnClientContract,
)
from tests.testing.contract import broken_gateways as broken

pytest_plugins = ["pytester"]

NOTICED: list[tuple[type[PyreqwestGateway | AsyncPyreqwestGateway | AiohttpGateway], str]] = [
    (broken.FollowsRedirects, "test_redirect_is_returned_not_followed[302 Found]"),
    (broken.KeepsCookies, "test_cookies_are_not_kept"),
    (broken.ShowsTheSecret, "test_secrets_are_not_shown_or_logged"),
    (broken.TellsWhatItSent, "test_failure_after_sending_is_outcome_unknown[end at once]"),
    (broken.Repeats, "test_failure_after_sending_is_outcome_unknown[reset after the request]"),
    (broken.Repeats, "test_every_status_is_returned_as_reply[503 No]"),
    (broken.Repeats, "test_request_is_sent_once"),
    (
        broken.CallsEverythingUnsent,
        "test_failure_after_sending_is_outcome_unknown[reset after the request]",
    ),
    (broken.CallsEverythingUnsent, "test_missing_reply_is_outcome_unknown"),
    (broken.CallsEverythingUnknown, "test_refused_connection_is_not_sent"),
    (broken.CallsEverythingUnknown, "test_certificate_of_unknown_authority_is_refused"),
    (broken.CallsEverythingUnknown, "test_waiting_for_a_free_connection_is_not_sent"),
    (broken.RaisesOnStatus, "test_every_status_is_returned_as_reply[500 Oh]"),
    (broken.ReadsWithoutLimit, "test_oversized_reply_is_refused[plain]"),
    (broken.ReadsWithoutLimit, "test_gzip_bomb_is_refused"),
    (broken.WaitsForEver, "test_timeout_covers_the_whole_body"),
    (broken.WaitsForEver, "test_timeout_covers_the_head"),
    (broken.DropsIfMatch, "test_if_match_is_sent_unchanged[7]"),
    (broken.JoinsLists, "test_post_is_sent_as_prepared"),
    (broken.ForgetsTheCredentials, "test_get_is_sent_without_body"),
    (broken.MixesUpCallers, "test_concurrent_callers_get_their_own_replies"),
    (broken.OpensOneEach, "test_connection_is_reused"),
    (broken.NeverCloses, "test_closed_gateway_sends_nothing"),
    (broken.CallsClosingUnsent, "test_close_aborts_exchange_under_way"),
    (broken.SwallowsCancelling, "test_cancellation_drops_one_exchange"),
    (broken.OneAfterTheOther, "test_cancellation_drops_one_exchange"),
    (
        broken.RepeatsInTasks,
        "test_failure_after_sending_is_outcome_unknown[reset after the request]",
    ),
]


def outcomes(pytester: pytest.Pytester, kind: type[object], promises: list[str]) -> dict[str, int]:
    """Hold a gateway to some of the promises, in a pytest of its own."""
    contract = "AsyncHeld" if hasattr(kind, "asend") else "Held"
    pytester.makepyfile(
        test_held=f"""
            from {kind.__module__} import {kind.__name__}
            from {broken.__name__} import {contract}

            class TestHeld({contract}):
                kind = {kind.__name__}
        """
    )
    return pytester.runpytest_inprocess(
        "-p", "no:cacheprovider", *(f"test_held.py::TestHeld::{name}" for name in promises)
    ).parseoutcomes()


@pytest.mark.parametrize(
    ("kind", "promise"), NOTICED, ids=[f"{kind.__name__}-{promise}" for kind, promise in NOTICED]
)
def test_a_broken_promise_is_noticed(
    pytester: pytest.Pytester, kind: type[object], promise: str
) -> None:
    """A gateway that breaks a promise fails the test of that promise."""
    assert outcomes(pytester, kind, [promise]) == {"failed": 1}


@pytest.mark.parametrize("kind", [PyreqwestGateway, AsyncPyreqwestGateway])
def test_a_kept_promise_passes(pytester: pytest.Pytester, kind: type[object]) -> None:
    """Held to the same promises the same way, a sound gateway passes: the failures are the broken gateways' own."""
    promises = sorted(
        {promise for other, promise in NOTICED if hasattr(other, "asend") == hasattr(kind, "asend")}
    )
    assert outcomes(pytester, kind, promises) == {"passed": len(promises)}


# --- who is held to it ------------------------------------------------------------------------------------------------------------


def flavours(classes: list[type]) -> set[str]:
    """Tell the gateways for threads, with ``send``, and for asyncio, with ``asend``."""
    return {port for kind in classes for port in ("send", "asend") if hasattr(kind, port)}


def public(module: ModuleType) -> list[type]:
    """Give the classes that a module defines for others."""
    return [
        kind
        for name, kind in vars(module).items()
        if isinstance(kind, type) and kind.__module__ == module.__name__ and name[0] != "_"
    ]


@pytest.mark.parametrize(
    "name", [module.name for module in pkgutil.iter_modules(gateways.__path__)]
)
def test_every_shipped_gateway_is_held_to_the_whole(name: str) -> None:
    """Each gateway of this library, for threads and for asyncio, inherits every promise, and its tests change none of them."""
    shipped = flavours(public(importlib.import_module(f"{gateways.__name__}.{name}")))
    if not shipped or name == "port":  # the port, settings, and what gateways share
        return
    held: set[str] = set()
    for kind in public(importlib.import_module(f"tests.gateways.test_{name}")):
        for port, contract in (("send", GatewayContract), ("asend", AsyncGatewayContract)):
            if issubclass(kind, contract):
                held.add(port)
                promises = dict(inspect.getmembers(contract, inspect.isfunction))
                assert {
                    promise: getattr(kind, promise)
                    for promise in promises
                    if promise.startswith("test_")
                } == {
                    promise: test
                    for promise, test in promises.items()
                    if promise.startswith("test_")
                }
    assert held == shipped


@pytest.mark.parametrize(
    "contract", [GatewayContract, AsyncGatewayContract, OwnClientContract, AsyncOwnClientContract]
)
def test_every_promise_is_a_sentence(contract: type) -> None:
    """Every test of the contract says in its docstring what is promised."""
    promises = [
        promise for name, promise in inspect.getmembers(contract) if name.startswith("test_")
    ]
    assert promises
    assert all((promise.__doc__ or "").endswith(".") for promise in promises)
