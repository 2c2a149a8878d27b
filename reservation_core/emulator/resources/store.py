"""Port of the engine to the resources of one kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import attrs

from reservation_core.emulator.platform.platform import Parts, Platform
from reservation_core.emulator.platform.settings import Settings
from reservation_core.emulator.platform.storage import Storage
from reservation_core.emulator.platform.tables import Tables
from reservation_core.emulator.resources.declarations import Resource
from reservation_core.rest.bodies import Json

Values: TypeAlias = Mapping[str, Json]
"""Values of parameters, by the names of their properties."""


@attrs.frozen
class ResourceRow:
    """A resource as the engine sees it.

    :param properties: all properties but the SIDs of itself and its workspace, and addresses.
    """

    sid: str
    workspace_sid: str
    properties: Values
    version: str | None = None


class ResourceStore(ABC):
    """Resources of one kind. Every method is called inside a transaction.

    :param platform: the platform that holds them.
    :param resource: their declaration.
    """

    def __init__(self, platform: Platform, resource: Resource) -> None:
        self.resource = resource
        self.parts: Parts = platform.parts
        self.storage: Storage = platform.parts.storage
        self.tables: Tables = platform.parts.storage.tables
        self.settings: Settings = platform.settings

    @abstractmethod
    def rows(self, workspace_sid: str) -> Iterable[ResourceRow]:
        """Return all resources of a workspace, oldest first."""

    @abstractmethod
    def find(self, workspace_sid: str, sid: str) -> ResourceRow | None:
        """Return a resource, ``None`` if it is not in the workspace."""

    @abstractmethod
    def create(self, workspace_sid: str, values: Values, account_sid: str) -> ResourceRow:
        """Create a resource.

        :param values: all values, with defaults.
        :raises RefusedRequest: if the platform refuses it.
        """

    @abstractmethod
    def update(self, sid: str, values: Values) -> ResourceRow:
        """Update a resource.

        :param values: only the values that were given.
        :raises RefusedRequest: if the platform refuses it.
        """

    @abstractmethod
    def delete(self, sid: str) -> None:
        """Delete a resource.

        :raises RefusedRequest: if the platform refuses it.
        """
