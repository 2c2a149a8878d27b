"""A gateway that keeps what went through it, answers by script where one is set, and knows what was left over.

Left over are requests nobody arranged for (no scripted answer and nothing beneath, or a platform beneath that holds no such
reservation) and scripted answers nobody asked for. They are shown without query, values and headers, any of which may be personal.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, cast

import attrs

from reservation_core.gateways.port import AsyncGateway, Gateway
from reservation_core.rest.errors import GatewayError
from reservation_core.rest.messages import Reply, Request


class UnexpectedRequest(AssertionError):
    """A request that no answer was arranged for; it fails the test, not the service's error handling for gateways."""


@attrs.frozen
class Exchange:
    """One request, and what it was answered with."""

    request: Request
    outcome: Reply | GatewayError


def show(request: Request) -> str:
    """Show a request to a person: method, path without query, and the names of what it carries."""
    names = ", ".join(dict.fromkeys(name for name, _ in request.form))
    return f"{request.method} {request.path.partition('?')[0]}" + (
        f" with {names}" if names else ""
    )


class RecordingGateway:
    """A gateway, sync and async as the one beneath it; with nothing beneath it answers by script only.

    :param beneath: what answers when no scripted answer is left.
    :param told: hears of each exchange that was answered from beneath.
    """

    def __init__(
        self,
        beneath: Gateway | AsyncGateway | None = None,
        *,
        told: Callable[[Request, Reply], None] | None = None,
    ) -> None:
        self._beneath = beneath
        self._told = told
        self._script: deque[Reply | GatewayError] = deque()
        self.exchanges: Final[list[Exchange]] = []
        self.unexpected: Final[list[Request]] = []

    @property
    def requests(self) -> tuple[Request, ...]:
        """What was sent, in order, answered or not."""
        return tuple(exchange.request for exchange in self.exchanges)

    def script(self, *answers: Reply | GatewayError) -> None:
        """Answer the next requests so, one after the other, before anything beneath is asked; an error is raised."""
        self._script.extend(answers)

    def send(self, request: Request) -> Reply:
        """Answer one request.

        :raises UnexpectedRequest: when nothing is there to answer it.
        """
        if self._beneath is None or self._script:
            return self._scripted(request)
        try:
            reply = cast("Gateway", self._beneath).send(request)
        except GatewayError as error:
            self.exchanges.append(Exchange(request, error))
            raise
        return self.record(request, reply)

    async def asend(self, request: Request) -> Reply:
        """Answer one request, in an event loop; else as :meth:`send`."""
        if self._beneath is None or self._script:
            return self._scripted(request)
        try:
            reply = await cast("AsyncGateway", self._beneath).asend(request)
        except GatewayError as error:
            self.exchanges.append(Exchange(request, error))
            raise
        return self.record(request, reply)

    def _scripted(self, request: Request) -> Reply:
        if not self._script:
            self.unexpected.append(request)
            raise UnexpectedRequest(
                f"nothing answers {show(request)}; script an answer, or put a platform beneath"
            )
        answer = self._script.popleft()
        self.exchanges.append(Exchange(request, answer))
        if isinstance(answer, GatewayError):
            raise answer
        return answer

    def record(self, request: Request, reply: Reply) -> Reply:
        """Keep an exchange that was answered from beneath, or anywhere else; a 404 is an answer to what nobody arranged for."""
        self.exchanges.append(Exchange(request, reply))
        if reply.status == 404:
            self.unexpected.append(request)
        if self._told is not None:
            self._told(request, reply)
        return reply

    def leftovers(self) -> tuple[str, ...]:
        """Say what was left over, a sentence each; nothing when all that came was arranged for and all that was arranged for came."""
        said = [f"an unexpected request: {show(request)}" for request in self.unexpected]
        said += [
            f"a scripted answer nobody asked for: {f'HTTP {answer.status}' if isinstance(answer, Reply) else type(answer).__name__}"
            for answer in self._script
        ]
        return tuple(said)
