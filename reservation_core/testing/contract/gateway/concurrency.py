"""How a gateway is lived with: shared by many, interrupted, cancelled and closed, and showing nothing secret at any time."""

import asyncio
import logging
import signal
from collections.abc import Callable

import pytest

from reservation_core.gateways.settings import GatewayOptions
from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.rest.messages import Reply
from reservation_core.testing.contract import loopback
from reservation_core.testing.contract.gateway.drivers import AsyncGatewayUnderTest, DriverFactory
from reservation_core.testing.contract.gateway.support import (
    SECRETS,
    expect_failure,
    update_request,
)
from reservation_core.testing.contract.loopback import (
    LoopbackServer,
    json_response,
    raw_response,
    response_head,
)

_WHOLE = response_head(headers=[("Content-Length", "2")]) + b"{}"


class ConcurrencyTests:
    """Concurrency, connections used again, closing and secrecy."""

    def test_concurrent_callers_get_their_own_replies(self, open_driver: DriverFactory) -> None:
        """Many callers share a gateway: each gets its own reply, and the connections are reused."""
        requests = [update_request([("Number", str(number))]) for number in range(200)]
        with (
            LoopbackServer(loopback.echo_response()) as server,
            open_driver(base_url=server.origin, max_connections=50) as driver,
        ):
            outcomes = driver.send_all(requests)
        assert [isinstance(outcome, Reply) and outcome.body for outcome in outcomes] == [
            request.body for request in requests
        ]
        assert 1 <= server.connections < 200

    def test_connection_is_reused(self, open_driver: DriverFactory) -> None:
        """Requests one after the other use one connection."""
        with LoopbackServer() as server, open_driver(base_url=server.origin) as driver:
            for _ in range(20):
                driver.send(update_request())
        assert (server.connections, len(server.requests)) == (1, 20)

    def test_request_is_sent_once(self, open_driver: DriverFactory) -> None:
        """Connections that the server drops after each reply, or resets, are replaced without sending anything twice."""
        reply_and_drop, reply_and_reset = raw_response(_WHOLE), loopback.reset_connection(after=b"")
        requests = [update_request([("Number", str(number))]) for number in range(40)]
        with (
            LoopbackServer(*[reply_and_drop, json_response(), reply_and_reset] * 20) as server,
            open_driver(base_url=server.origin) as driver,
        ):
            outcomes = [outcome for request in requests for outcome in driver.send_all([request])]
        bodies = [received.body for received in server.requests]
        assert len(bodies) == len(set(bodies))
        never_left = {
            request.body
            for request, outcome in zip(requests, outcomes, strict=True)
            if isinstance(outcome, NotSent)
        }
        assert never_left.isdisjoint(bodies)
        assert sum(isinstance(outcome, Reply) for outcome in outcomes) >= 10

    def test_close_ends_exchange_with_reply_or_outcome_unknown(
        self, open_driver: DriverFactory
    ) -> None:
        """An exchange under way when the gateway is closed ends with its reply or with an unknown outcome; nothing is sent after it."""
        with (
            LoopbackServer(json_response(b"late", pause=0.3)) as server,
            open_driver(base_url=server.origin) as driver,
        ):
            (outcome,) = driver.send_and_close([update_request()], 0.1)
            assert (
                outcome.body == b"late"
                if isinstance(outcome, Reply)
                else not isinstance(outcome, NotSent)
            )
            with pytest.raises(NotSent, match="closed"):
                driver.send(update_request())
        assert len(server.requests) == 1

    def test_closed_gateway_sends_nothing(self, open_driver: DriverFactory) -> None:
        """A closed gateway says that it is closed; closing it twice is no error."""
        with LoopbackServer() as server, open_driver(base_url=server.origin) as driver:
            driver.send(update_request())
            driver.close()
            driver.close()
            with pytest.raises(NotSent, match="closed"):
                driver.send(update_request())
        assert len(server.requests) == 1

    def test_secrets_are_not_shown_or_logged(
        self, open_driver: DriverFactory, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Neither the gateway nor any log line, at any level, shows a secret or a number."""
        for logger in (None, *logging.Logger.manager.loggerDict):
            caplog.set_level(1, logger)
        with (
            LoopbackServer(json_response(), raw_response()) as server,
            open_driver(base_url=server.origin) as driver,
        ):
            driver.send(update_request())
            expect_failure(driver, update_request())
            shown = repr(driver.gateway) + str(driver.gateway)
        assert not [secret for secret in SECRETS if secret in shown + caplog.text]


class ThreadConcurrencyTests(ConcurrencyTests):
    """What only threads meet."""

    @pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer that interrupts")
    def test_keyboard_interrupt_propagates(self, open_driver: DriverFactory) -> None:
        """Ctrl-C during an exchange comes out as itself, and the gateway goes on."""

        def interrupt(_number: int, _frame: object) -> None:
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            with (
                LoopbackServer(json_response(pause=0.3), json_response()) as server,
                open_driver(base_url=server.origin) as driver,
            ):
                signal.setitimer(signal.ITIMER_REAL, 0.1)
                with pytest.raises(KeyboardInterrupt):
                    driver.send(update_request())
                assert driver.send(update_request()).status == 200
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


class AsyncioConcurrencyTests(ConcurrencyTests):
    """What only tasks meet."""

    def test_cancellation_drops_one_exchange(
        self, open_gateway: Callable[..., AsyncGatewayUnderTest]
    ) -> None:
        """A cancelled task ends at once, as cancelled; its connection is dropped, and the others and the gateway go on."""

        async def scene(options: GatewayOptions) -> None:
            gateway = open_gateway(**options)
            dropped = asyncio.ensure_future(gateway.asend(update_request([("Number", "1")])))
            await asyncio.sleep(0.1)
            kept = asyncio.ensure_future(gateway.asend(update_request([("Number", "2")])))
            await asyncio.sleep(0.1)
            dropped.cancel()
            with pytest.raises(asyncio.CancelledError):
                await dropped
            assert (await kept).body == b"kept"
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(gateway.asend(update_request()), 0.1)
            assert (await gateway.asend(update_request())).body == b"next"
            await gateway.aclose()

        with LoopbackServer(
            loopback.no_response(),
            json_response(b"kept", pause=0.25),
            loopback.no_response(),
            json_response(b"next"),
        ) as server:
            asyncio.run(scene({"base_url": server.origin, "timeout": 60}))

    @pytest.mark.filterwarnings(
        "ignore::ResourceWarning"
    )  # of a connection whose event loop has ended
    def test_second_event_loop_is_served_or_refused(
        self, open_gateway: Callable[..., AsyncGatewayUnderTest]
    ) -> None:
        """An event loop that ends with an exchange under way cancels it; from another loop the gateway sends, or says that it did not."""

        async def leave(options: GatewayOptions) -> AsyncGatewayUnderTest:
            gateway = open_gateway(**options)
            left = asyncio.ensure_future(gateway.asend(update_request()))
            await asyncio.sleep(0.1)
            assert not left.done()
            return gateway

        async def use(gateway: AsyncGatewayUnderTest) -> Reply | GatewayError:
            try:
                return await gateway.asend(update_request())
            except GatewayError as error:
                return error
            finally:
                await gateway.aclose()

        with LoopbackServer(loopback.no_response(), json_response()) as server:
            outcome = asyncio.run(use(asyncio.run(leave({"base_url": server.origin}))))
        assert isinstance(outcome, Reply | NotSent)
        assert len(server.requests) == 1 + isinstance(outcome, Reply)
