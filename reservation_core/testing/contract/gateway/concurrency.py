"""Tests of sharing, interrupting, cancelling and closing a gateway, and of secrecy."""

import asyncio
import logging
import signal
from collections.abc import Callable
from typing import Unpack

import pytest

from reservation_core.gateways.settings import GatewayOptions
from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.rest.messages import Reply
from reservation_core.testing.contract import loopback
from reservation_core.testing.contract.gateway import checks
from reservation_core.testing.contract.gateway.drivers import (
    AsyncGatewayUnderTest,
    DriverFactory,
    SendResult,
)
from reservation_core.testing.contract.gateway.support import (
    serving,
    update_request,
)
from reservation_core.testing.contract.loopback import (
    LoopbackServer,
    json_response,
    no_response,
    raw_response,
    response_head,
)

_COMPLETE = response_head(headers=[("Content-Length", "2")]) + b"{}"


class SharingTests:
    """Concurrency, reuse of connections, closing and secrecy."""

    def test_concurrent_callers_get_their_own_replies(self, open_driver: DriverFactory) -> None:
        """Concurrent callers get their own replies and reuse connections."""
        requests = [update_request([("Number", str(number))]) for number in range(200)]
        options: GatewayOptions = {"max_connections": 50, "timeout": 60}  # for a busy machine
        with serving(open_driver, loopback.echo_response(), **options) as driver:
            results = driver.send_all(requests)
        failures = [result for result in results if not isinstance(result, Reply)]
        assert failures == [], "answer every caller"
        bodies = [result.body for result in results if isinstance(result, Reply)]
        assert bodies == [request.body for request in requests], "keep concurrent callers apart"
        assert 1 <= driver.server.connections < 200, "reuse connections"

    def test_connection_is_reused(self, open_driver: DriverFactory) -> None:
        """Requests one after the other use one connection."""
        with serving(open_driver) as driver:
            for _ in range(20):
                driver.send(update_request())
        assert len(driver.server.requests) == 20, "send each request once"
        assert driver.server.connections == 1, "keep and reuse the connection"

    def test_request_is_sent_once(self, open_driver: DriverFactory) -> None:
        """A connection that the server closed is replaced. Nothing is sent twice."""
        script = [
            raw_response(_COMPLETE),
            json_response(),
            loopback.reset_connection(after=b""),
        ] * 20
        requests = [update_request([("Number", str(number))]) for number in range(40)]
        with serving(open_driver, *script) as driver:
            results = [driver.send_all([request])[0] for request in requests]
        received = [request.body for request in driver.server.requests]
        assert len(received) == len(set(received)), "send nothing twice"
        not_sent = {
            request.body
            for request, result in zip(requests, results, strict=True)
            if isinstance(result, NotSent)
        }
        assert not_sent.isdisjoint(received), "raise NotSent only if nothing was sent"
        assert sum(isinstance(result, Reply) for result in results) >= 10, (
            "replace a connection that the server has closed"
        )

    def test_close_ends_exchange_with_reply_or_outcome_unknown(
        self, open_driver: DriverFactory
    ) -> None:
        """Closing ends an exchange with its reply or with an unknown outcome."""
        with serving(open_driver, json_response(b"late", pause=0.3)) as driver:
            (result,) = driver.send_and_close([update_request()], 0.1)
            if isinstance(result, Reply):
                assert result.body == b"late", "return the exchange's own reply"
            else:
                checks.check_outcome_unknown(result)
            checks.expect_closed(driver)
        checks.only_request(driver)

    def test_closed_gateway_sends_nothing(self, open_driver: DriverFactory) -> None:
        """A closed gateway raises NotSent and says that it is closed. Closing twice is allowed."""
        with serving(open_driver) as driver:
            driver.send(update_request())
            driver.close()
            driver.close()
            checks.expect_closed(driver)
        checks.only_request(driver)

    def test_secrets_are_not_shown_or_logged(
        self, open_driver: DriverFactory, caplog: pytest.LogCaptureFixture
    ) -> None:
        """No repr and no log line shows a secret or a number."""
        for logger in (None, *logging.Logger.manager.loggerDict):
            caplog.set_level(1, logger)
        with serving(open_driver, json_response(), raw_response()) as driver:
            driver.send(update_request())
            checks.expect_failure(driver, update_request())
            checks.check_no_secret(repr(driver.gateway) + str(driver.gateway) + caplog.text)


class ThreadSharingTests(SharingTests):
    """Concurrency of a gateway for threads."""

    @pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer that interrupts")
    def test_keyboard_interrupt_propagates(self, open_driver: DriverFactory) -> None:
        """Ctrl-C during an exchange is raised. The gateway still works."""

        def interrupt(_number: int, _frame: object) -> None:
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            with serving(open_driver, json_response(pause=0.3), json_response()) as driver:
                signal.setitimer(signal.ITIMER_REAL, 0.1)
                with pytest.raises(KeyboardInterrupt):
                    driver.send(update_request())
                assert driver.send(update_request()).status == 200, "stay open after Ctrl-C"
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


class AsyncioSharingTests(SharingTests):
    """Concurrency of a gateway for asyncio."""

    def test_cancellation_drops_one_exchange(
        self, open_gateway: Callable[..., AsyncGatewayUnderTest]
    ) -> None:
        """A cancelled asyncio task ends at once. Other exchanges continue."""

        async def run(**options: Unpack[GatewayOptions]) -> None:
            gateway = open_gateway(**options)
            cancelled = asyncio.ensure_future(gateway.asend(update_request([("Number", "1")])))
            await asyncio.sleep(0.1)
            other = asyncio.ensure_future(gateway.asend(update_request([("Number", "2")])))
            await asyncio.sleep(0.1)
            cancelled.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cancelled
            assert (await other).body == b"other", "cancel one exchange, not the others"
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(gateway.asend(update_request()), 0.1)
            following = await gateway.asend(update_request())
            assert following.body == b"next", "drop the connection of a cancelled exchange"
            await gateway.aclose()

        other, last = json_response(b"other", pause=0.25), json_response(b"next")
        with LoopbackServer(no_response(), other, no_response(), last) as server:
            asyncio.run(run(base_url=server.origin, timeout=60))

    # A connection whose event loop has ended cannot be closed.
    @pytest.mark.filterwarnings("ignore::ResourceWarning")
    def test_second_event_loop_is_served_or_refused(
        self, open_gateway: Callable[..., AsyncGatewayUnderTest]
    ) -> None:
        """In a second event loop, the gateway sends or raises NotSent."""

        async def leave_exchange_under_way(origin: str) -> AsyncGatewayUnderTest:
            gateway = open_gateway(base_url=origin)
            sending = asyncio.ensure_future(gateway.asend(update_request()))
            await asyncio.sleep(0.1)
            assert not sending.done(), "wait for the reply: the server has sent none"
            return gateway

        async def send(gateway: AsyncGatewayUnderTest) -> SendResult:
            try:
                return await gateway.asend(update_request())
            except GatewayError as error:
                return error
            finally:
                await gateway.aclose()

        with LoopbackServer(no_response(), json_response()) as server:
            gateway = asyncio.run(leave_exchange_under_way(server.origin))
            result = asyncio.run(send(gateway))
        assert isinstance(result, Reply | NotSent), (
            "serve a second event loop, or raise NotSent before sending"
        )
        assert len(server.requests) == 1 + isinstance(result, Reply), (
            "send each request once, and none after NotSent"
        )
