"""Observed and documented behavior of the platform, with its sources.

The tests know only a :class:`Transport`, so that the same ones run in process and over HTTP:
subclass :class:`Conformance` and define its fixture ``launch``. The transport also gives access to
the :class:`Platform` behind it, to answer calls and move the clock.
"""

from __future__ import annotations

import pytest

from reservation_core.emulator import Settings
from tests.conformance.http_surface import HttpSurface
from tests.conformance.messages import Messages
from tests.conformance.preconditions import Preconditions
from tests.conformance.scene import Answer, Launch, Scene, Transport, answer
from tests.conformance.steps import Steps
from tests.conformance.transfers import Transfers
from tests.conformance.worker_sdk import WorkerSdk

__all__ = ["Answer", "Conformance", "Launch", "Transport", "answer"]


class Conformance(Messages, Steps, Preconditions, Transfers, WorkerSdk, HttpSurface):
    """The suite. Only ``launch`` differs between transports."""

    @pytest.fixture
    def launch(self) -> Launch:
        """Return a function that starts an empty emulator with a manual clock."""
        raise NotImplementedError

    @pytest.fixture
    def scene(self, launch: Launch) -> Scene:
        """Return a scene on an emulator with default settings."""
        return Scene(launch(Settings()))
