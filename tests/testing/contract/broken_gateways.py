"""Gateways that each break one promise of the contract."""

import asyncio
import functools
import time
from collections.abc import Callable
from typing import TypeVar, Unpack

import attrs
import pytest
from aiohttp import ClientSession
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


class ShowsThePassword(PyreqwestGateway):
    def __repr__(self) -> str:
        credentials = self._settings.credentials
        return f"<gateway as {credentials.username} with {credentials.password}>"


class ShowsTheRequestInErrors(PyreqwestGateway):
    def send(self, request: Request) -> Reply:
        try:
            return super().send(request)
        except GatewayError as error:
            raise type(error)(f"{error.reason} of {request.body.decode()}") from error


class RepeatsRequests(PyreqwestGateway):
    """Sends again after a failure and after a 503."""

    def send(self, request: Request) -> Reply:
        try:
            reply = super().send(request)
        except GatewayError as error:
            if isinstance(error, NotSent):
                raise
            return super().send(request)
        return super().send(request) if reply.status == 503 else reply


class ReportsEveryFailureAsNotSent(PyreqwestGateway):
    def send(self, request: Request) -> Reply:
        try:
            return super().send(request)
        except GatewayError as error:
            raise NotSent(error.reason) from error


class ReportsEveryFailureAsUnknown(PyreqwestGateway):
    def send(self, request: Request) -> Reply:
        try:
            return super().send(request)
        except NotSent as error:
            raise GatewayError(error.reason) from error


class RaisesForStatus(PyreqwestGateway):
    def send(self, request: Request) -> Reply:
        reply = super().send(request)
        if reply.status >= 500:
            raise GatewayError("the server failed")
        return reply


class ReadsWithoutLimit(PyreqwestGateway):
    def __init__(self, credentials: Credentials, **options: Unpack[GatewayOptions]) -> None:
        options["max_reply_bytes"] = 2**31 - 1
        super().__init__(credentials, **options)


class IgnoresTheTimeout(PyreqwestGateway):
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


class JoinsRepeatedParameters(PyreqwestGateway):
    """Sends a repeated parameter once, its values joined with commas."""

    def send(self, request: Request) -> Reply:
        joined: dict[str, str] = {}
        for name, value in request.form:
            joined[name] = f"{joined[name]},{value}" if name in joined else value
        return super().send(attrs.evolve(request, form=tuple(joined.items())))


class SendsOtherCredentials(PyreqwestGateway):
    def __init__(self, credentials: Credentials, **options: Unpack[GatewayOptions]) -> None:
        super().__init__(attrs.evolve(credentials, password="other"), **options)


class MixesUpCallers(PyreqwestGateway):
    """Keeps the request in an attribute, which the next caller overwrites."""

    def send(self, request: Request) -> Reply:
        self._request = request
        time.sleep(0.001)
        return super().send(self._request)


class OpensOneClientPerRequest(PyreqwestGateway):
    def send(self, request: Request) -> Reply:
        settings = self._settings
        with PyreqwestGateway(
            settings.credentials, base_url=settings.base_url, timeout=settings.timeout
        ) as fresh:
            return fresh.send(request)


class NeverCloses(PyreqwestGateway):
    def close(self) -> None:
        pass


class LeaksClientErrors(PyreqwestGateway):
    def send(self, request: Request) -> Reply:
        try:
            return super().send(request)
        except GatewayError as error:
            raise OSError("no route to host") from error


class HidesThatItIsClosed(PyreqwestGateway):
    def send(self, request: Request) -> Reply:
        try:
            return super().send(request)
        except NotSent:
            raise NotSent("ended") from None


class ReportsClosingAsReply(PyreqwestGateway):
    def send(self, request: Request) -> Reply:
        try:
            return super().send(request)
        except GatewayError:
            return Reply(503)


class ReportsClosingAsNotSent(PyreqwestGateway):
    """Reports the exchange under way at closing as not sent."""

    def send(self, request: Request) -> Reply:
        try:
            return super().send(request)
        except GatewayError as error:
            raise (NotSent("the gateway is closed") if self._closed else error) from None


class SwallowsCancellation(AsyncPyreqwestGateway):
    async def asend(self, request: Request) -> Reply:
        try:
            return await super().asend(request)
        except asyncio.CancelledError:
            raise GatewayError("cancelled") from None


class BlocksTheEventLoop(AsyncPyreqwestGateway):
    async def asend(self, request: Request) -> Reply:
        blocking = PyreqwestGateway(CREDENTIALS, base_url=self._settings.base_url, timeout=1)
        with blocking:
            return blocking.send(request)


class RepeatsRequestsAsync(AiohttpGateway):
    async def asend(self, request: Request) -> Reply:
        try:
            return await super().asend(request)
        except NotSent:
            raise
        except GatewayError:
            return await super().asend(request)


class BelievesUnaskedBytes(AiohttpGateway):
    """Uses a connection again, whatever arrived on it."""

    def _open_session(self) -> ClientSession:
        session = super()._open_session()
        connector = session.connector
        assert connector is not None
        del connector.connect
        return session


class ThreadContractOf(OwnClientContract):
    """The contract, applied to the gateway class ``kind``."""

    kind: type[PyreqwestGateway]

    @pytest.fixture
    def open_gateway(self) -> Callable[..., PyreqwestGateway]:
        return functools.partial(self.kind, CREDENTIALS)


class AsyncioContractOf(AsyncOwnClientContract):
    """The contract, applied to the gateway class ``kind``."""

    kind: type[AsyncPyreqwestGateway | AiohttpGateway]

    @pytest.fixture
    def open_gateway(self) -> Callable[..., AsyncPyreqwestGateway | AiohttpGateway]:
        return functools.partial(self.kind, CREDENTIALS)
