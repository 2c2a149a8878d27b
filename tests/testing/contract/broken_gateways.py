"""Gateways that each break one promise in an ordinary way; ``test_contract`` holds them to the contract."""

import asyncio
import functools
import time
from collections.abc import Callable
from typing import TypeVar, Unpack

import attrs
import pytest
from pyreqwest.client import BaseClientBuilder

from reservation_core.gateways.aiohttp import AiohttpGateway
from reservation_core.gateways.pyreqwest import AsyncPyreqwestGateway, PyreqwestGateway
from reservation_core.gateways.settings import Credentials, GatewayOptions
from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.rest.messages import Reply, Request
from reservation_core.testing.contract.gateway import (
    CREDENTIALS,
    AsyncOwnClientContract,
    OwnClientContract,
)

_BuilderT = TypeVar("_BuilderT", bound=BaseClientBuilder)


class FollowsRedirects(PyreqwestGateway):
    def _configure(self, builder: _BuilderT) -> _BuilderT:
        return super()._configure(builder).follow_redirects(True)


class KeepsCookies(PyreqwestGateway):
    def _configure(self, builder: _BuilderT) -> _BuilderT:
        return super()._configure(builder).default_cookie_store(True)


class ShowsTheSecret(PyreqwestGateway):
    def __repr__(self) -> str:
        return f"<gateway as {self._settings.credentials.username} with {self._settings.credentials.password}>"


class TellsWhatItSent(PyreqwestGateway):
    def send(self, request: Request) -> Reply:
        try:
            return super().send(request)
        except GatewayError as error:
            raise type(error)(f"{error.reason} of {request.body.decode()}") from error


class Repeats(PyreqwestGateway):
    """Sends again after a failure, and after a reply that says busy."""

    def send(self, request: Request) -> Reply:
        try:
            reply = super().send(request)
        except GatewayError as error:
            if isinstance(error, NotSent):
                raise
            return super().send(request)
        return super().send(request) if reply.status == 503 else reply


class CallsEverythingUnsent(PyreqwestGateway):
    def send(self, request: Request) -> Reply:
        try:
            return super().send(request)
        except GatewayError as error:
            raise NotSent(error.reason) from error


class CallsEverythingUnknown(PyreqwestGateway):
    def send(self, request: Request) -> Reply:
        try:
            return super().send(request)
        except NotSent as error:
            raise GatewayError(error.reason) from error


class RaisesOnStatus(PyreqwestGateway):
    def send(self, request: Request) -> Reply:
        reply = super().send(request)
        if reply.status >= 500:
            raise GatewayError("the server is in trouble")
        return reply


class ReadsWithoutLimit(PyreqwestGateway):
    def __init__(self, credentials: Credentials, **options: Unpack[GatewayOptions]) -> None:
        options["max_reply_bytes"] = 2**31 - 1
        super().__init__(credentials, **options)


class WaitsForEver(PyreqwestGateway):
    def __init__(self, credentials: Credentials, **options: Unpack[GatewayOptions]) -> None:
        options["timeout"] = 60
        super().__init__(credentials, **options)


class DropsIfMatch(PyreqwestGateway):
    def send(self, request: Request) -> Reply:
        return super().send(
            attrs.evolve(
                request, headers=[pair for pair in request.headers.pairs if pair[0] != "If-Match"]
            )
        )


class JoinsLists(PyreqwestGateway):
    """Sends a parameter given twice once, joined with a comma."""

    def send(self, request: Request) -> Reply:
        joined: dict[str, str] = {}
        for name, value in request.form:
            joined[name] = f"{joined[name]},{value}" if name in joined else value
        return super().send(attrs.evolve(request, form=tuple(joined.items())))


class ForgetsTheCredentials(PyreqwestGateway):
    def __init__(self, credentials: Credentials, **options: Unpack[GatewayOptions]) -> None:
        super().__init__(attrs.evolve(credentials, password="other"), **options)


class MixesUpCallers(PyreqwestGateway):
    """Keeps the request on itself, where the next caller overwrites it."""

    def send(self, request: Request) -> Reply:
        self._request = request
        time.sleep(0.001)
        return super().send(self._request)


class OpensOneEach(PyreqwestGateway):
    """Opens a client for every request."""

    def send(self, request: Request) -> Reply:
        settings = self._settings
        with PyreqwestGateway(
            settings.credentials, base_url=settings.base_url, timeout=settings.timeout
        ) as fresh:
            return fresh.send(request)


class NeverCloses(PyreqwestGateway):
    def close(self) -> None:
        """Do nothing."""


class CallsClosingUnsent(PyreqwestGateway):
    """Says of the exchange under way what is true of the next one only."""

    def send(self, request: Request) -> Reply:
        try:
            return super().send(request)
        except GatewayError as error:
            raise (NotSent("the gateway is closed") if self._closed else error) from None


class SwallowsCancelling(AsyncPyreqwestGateway):
    async def asend(self, request: Request) -> Reply:
        try:
            return await super().asend(request)
        except asyncio.CancelledError:
            raise GatewayError("broke off") from None


class OneAfterTheOther(AsyncPyreqwestGateway):
    """Blocks the event loop while it waits."""

    async def asend(self, request: Request) -> Reply:
        def wait() -> Reply:
            with PyreqwestGateway(
                CREDENTIALS, base_url=self._settings.base_url, timeout=1
            ) as gateway:
                return gateway.send(request)

        return wait()


class RepeatsInTasks(AiohttpGateway):
    async def asend(self, request: Request) -> Reply:
        try:
            return await super().asend(request)
        except NotSent:
            raise
        except GatewayError:
            return await super().asend(request)


class Held(OwnClientContract):
    """Holds the gateway named by ``kind`` to the contract."""

    kind: type[PyreqwestGateway]

    @pytest.fixture
    def open_gateway(self) -> Callable[..., PyreqwestGateway]:
        """Open the gateway."""
        return functools.partial(self.kind, CREDENTIALS)


class AsyncHeld(AsyncOwnClientContract):
    """Holds the gateway for asyncio named by ``kind`` to the contract."""

    kind: type[AsyncPyreqwestGateway | AiohttpGateway]

    @pytest.fixture
    def open_gateway(self) -> Callable[..., AsyncPyreqwestGateway | AiohttpGateway]:
        """Open the gateway."""
        return functools.partial(self.kind, CREDENTIALS)
