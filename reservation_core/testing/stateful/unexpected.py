"""A status outside the eight, in the replies of a generated run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

import attrs

from reservation_core.gateways.port import AsyncGateway, Gateway
from reservation_core.rest.messages import Reply, Request
from reservation_core.testing.wrapping import GatewayWrapper, WrappedExchange

NINTH_STATUS: Final = "escalated"
"""A made-up status, for a platform that has more than the eight."""


class UnknownStatusGateway(GatewayWrapper):
    """Gateway wrapper whose replies show some reservations in a ninth status.

    :param gateway: the gateway to wrap.
    """

    def __init__(self, gateway: Gateway | AsyncGateway) -> None:
        super().__init__(gateway)
        self.sids: Final[set[str]] = set()

    def exchange(self, request: Request) -> WrappedExchange:
        """Exchange one request, and replace the status in its reply."""
        reply = yield request
        return self._replace(reply) if self.sids and reply.status < 300 else reply

    def _replace(self, reply: Reply) -> Reply:
        body = json.loads(reply.body)
        listed = cast("list[dict[str, Any]]", body.get("reservations", []))
        shown = [each for each in (body, *listed) if _sid_of(each) in self.sids]
        for each in shown:
            each["reservation_status"] = NINTH_STATUS
        return attrs.evolve(reply, body=json.dumps(body).encode()) if shown else reply


def _sid_of(body: Mapping[str, Any]) -> str:
    return str(body.get("sid"))
