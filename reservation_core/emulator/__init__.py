"""The platform's double: reservations that live by the same lifecycle, behind the same address."""

from reservation_core.emulator.platform import Platform, StateConflict
from reservation_core.emulator.routes import InMemoryGateway

__all__ = ["InMemoryGateway", "Platform", "StateConflict"]
