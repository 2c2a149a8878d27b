"""Tests of the gateway contract itself."""

import ast
import fnmatch
import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

from reservation_core import gateways
from reservation_core.gateways.aiohttp import AiohttpGateway
from reservation_core.gateways.pyreqwest import AsyncPyreqwestGateway, PyreqwestGateway
from reservation_core.testing.contract import gateway as contract_modules
from reservation_core.testing.contract.gateway import (
    AsyncGatewayContract,
    AsyncOwnClientContract,
    GatewayContract,
    OwnClientContract,
)
from tests.testing.contract import broken_gateways as broken

pytest_plugins = ["pytester"]

BROKEN_PROMISES: list[
    tuple[type[PyreqwestGateway | AsyncPyreqwestGateway | AiohttpGateway], str]
] = [
    (broken.FollowsRedirects, "test_redirect_is_returned_not_followed[302 Found]"),
    (broken.KeepsCookies, "test_cookies_are_not_kept"),
    (broken.ShowsThePassword, "test_secrets_are_not_shown_or_logged"),
    (broken.ShowsTheRequestInErrors, "test_failure_after_sending_is_outcome_unknown[end at once]"),
    (
        broken.RepeatsRequests,
        "test_failure_after_sending_is_outcome_unknown[reset after the request]",
    ),
    (broken.RepeatsRequests, "test_every_status_is_returned_as_reply[503 No]"),
    (broken.RepeatsRequests, "test_request_is_sent_once"),
    (
        broken.ReportsEveryFailureAsNotSent,
        "test_failure_after_sending_is_outcome_unknown[reset after the request]",
    ),
    (broken.ReportsEveryFailureAsNotSent, "test_missing_reply_is_outcome_unknown"),
    (broken.ReportsEveryFailureAsUnknown, "test_refused_connection_is_not_sent"),
    (broken.ReportsEveryFailureAsUnknown, "test_certificate_of_unknown_authority_is_refused"),
    (broken.ReportsEveryFailureAsUnknown, "test_waiting_for_a_free_connection_is_not_sent"),
    (broken.RaisesForStatus, "test_every_status_is_returned_as_reply[500 Oh]"),
    (broken.ReadsWithoutLimit, "test_oversized_reply_is_refused[plain]"),
    (broken.ReadsWithoutLimit, "test_gzip_bomb_is_refused"),
    (broken.IgnoresTheTimeout, "test_timeout_covers_the_whole_body"),
    (broken.IgnoresTheTimeout, "test_timeout_covers_the_head"),
    (broken.IgnoresTheTimeout, "test_timeout_covers_the_whole_exchange"),
    (broken.ReadsWithoutLimit, "test_memory_of_a_reply_is_bounded"),
    (broken.DropsIfMatch, "test_if_match_is_sent_unchanged[7]"),
    (broken.JoinsRepeatedParameters, "test_post_is_sent_as_prepared"),
    (broken.SendsOtherCredentials, "test_get_is_sent_without_body"),
    (broken.MixesUpCallers, "test_concurrent_callers_get_their_own_replies"),
    (broken.OpensOneClientPerRequest, "test_connection_is_reused"),
    (broken.NeverCloses, "test_closed_gateway_sends_nothing"),
    (broken.ReportsClosingAsNotSent, "test_close_aborts_exchange_under_way"),
    (broken.SwallowsCancellation, "test_cancellation_drops_one_exchange"),
    (broken.BlocksTheEventLoop, "test_cancellation_drops_one_exchange"),
    (broken.BelievesUnaskedBytes, "test_bytes_at_rest_are_not_taken_for_a_reply"),
    (broken.BelievesUnaskedBytes, "test_bytes_at_rest_do_not_shift_the_replies"),
    (broken.BelievesUnaskedBytes, "test_connection_with_bytes_at_rest_is_dropped"),
    (broken.BelievesUnaskedBytes, "test_connection_with_bytes_behind_a_reply_is_dropped"),
    (
        broken.RepeatsRequestsAsync,
        "test_failure_after_sending_is_outcome_unknown[reset after the request]",
    ),
]


def run_contract(
    pytester: pytest.Pytester, kind: type[object], promises: list[str]
) -> dict[str, int]:
    """Run tests of the contract on a gateway. Return pytest's outcomes."""
    contract = "AsyncioContractOf" if hasattr(kind, "asend") else "ThreadContractOf"
    pytester.makepyfile(
        test_gateway=f"""
            from {kind.__module__} import {kind.__name__}
            from {broken.__name__} import {contract}

            class TestGateway({contract}):
                kind = {kind.__name__}
        """
    )
    return pytester.runpytest_inprocess(
        "-p", "no:cacheprovider", *(f"test_gateway.py::TestGateway::{name}" for name in promises)
    ).parseoutcomes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "promise"),
    BROKEN_PROMISES,
    ids=[f"{kind.__name__}-{promise}" for kind, promise in BROKEN_PROMISES],
)
def test_broken_promise_fails_its_test(
    pytester: pytest.Pytester, kind: type[object], promise: str
) -> None:
    assert run_contract(pytester, kind, [promise]) == {"failed": 1}


@pytest.mark.parametrize("kind", [PyreqwestGateway, AsyncPyreqwestGateway])
def test_sound_gateway_passes_the_same_tests(pytester: pytest.Pytester, kind: type[object]) -> None:
    promises = sorted(
        {
            promise
            for other, promise in BROKEN_PROMISES
            if hasattr(other, "asend") == hasattr(kind, "asend")
        }
    )
    assert run_contract(pytester, kind, promises) == {"passed": len(promises)}


# --- the shipped gateways ------------------------------------------------------------------------


def ports(classes: list[type]) -> set[str]:
    """Return the methods of the port, ``send`` or ``asend``, that classes have."""
    return {port for kind in classes for port in ("send", "asend") if hasattr(kind, port)}


def public_classes(module: ModuleType) -> list[type]:
    """Return the public classes that a module defines."""
    return [
        kind
        for name, kind in vars(module).items()
        if isinstance(kind, type) and kind.__module__ == module.__name__ and name[0] != "_"
    ]


@pytest.mark.parametrize(
    "name", [module.name for module in pkgutil.iter_modules(gateways.__path__)]
)
def test_shipped_gateway_inherits_every_test_unchanged(name: str) -> None:
    defined = public_classes(importlib.import_module(f"{gateways.__name__}.{name}"))
    shipped = ports([kind for kind in defined if kind.__name__.endswith("Gateway")])
    if not shipped or name == "port":  # a module without a gateway
        return
    tested: set[str] = set()
    for kind in public_classes(importlib.import_module(f"tests.gateways.test_{name}")):
        for port, contract in (("send", GatewayContract), ("asend", AsyncGatewayContract)):
            if issubclass(kind, contract):
                tested.add(port)
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
    assert tested == shipped


@pytest.mark.parametrize(
    "contract", [GatewayContract, AsyncGatewayContract, OwnClientContract, AsyncOwnClientContract]
)
def test_every_test_of_the_contract_states_its_promise(contract: type) -> None:
    promises = [
        promise for name, promise in inspect.getmembers(contract) if name.startswith("test_")
    ]
    assert promises
    assert all((inspect.getdoc(promise) or "").endswith(".") for promise in promises)


def test_every_check_of_the_contract_says_what_to_do() -> None:
    for module in pkgutil.iter_modules(contract_modules.__path__):
        source = inspect.getsource(
            importlib.import_module(f"{contract_modules.__name__}.{module.name}")
        )
        for node in ast.walk(ast.parse(source)):
            assert not isinstance(node, ast.Assert) or node.msg, f"{module.name}:{node.lineno}"


@pytest.mark.parametrize(
    ("kind", "promise", "remedy"),
    [
        (
            broken.ReportsEveryFailureAsNotSent,
            "test_failure_after_sending_is_outcome_unknown[reset after the request]",
            "the request was already written: raise GatewayError, not NotSent('*')",
        ),
        (
            broken.ReportsEveryFailureAsUnknown,
            "test_refused_connection_is_not_sent",
            "the connection was refused, so nothing was written: raise NotSent, not GatewayError*",
        ),
        (
            broken.LeaksClientErrors,
            "test_refused_connection_is_not_sent",
            "the gateway raised OSError: raise GatewayError instead, or NotSent if nothing of*",
        ),
        (
            broken.HidesThatItIsClosed,
            "test_closed_gateway_sends_nothing",
            "name the cause: the word 'closed' must stand in the reason of NotSent('ended')*",
        ),
        (
            broken.ReportsClosingAsReply,
            "test_close_aborts_exchange_under_way",
            "no complete reply arrived: raise GatewayError, do not return a Reply*",
        ),
        (
            broken.NeverCloses,
            "test_closed_gateway_sends_nothing",
            "no complete reply arrived: raise GatewayError, or NotSent* returned 1 replies*",
        ),
    ],
)
def test_failed_check_says_what_to_do(
    pytester: pytest.Pytester,
    capsys: pytest.CaptureFixture[str],
    kind: type[object],
    promise: str,
    remedy: str,
) -> None:
    assert run_contract(pytester, kind, [promise]) == {"failed": 1}
    assert fnmatch.fnmatchcase(capsys.readouterr().out, f"*AssertionError: {remedy}*")
