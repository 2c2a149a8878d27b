"""The platform's double: reservations that live by the same lifecycle, behind the same address."""

from reservation_core.emulator.platform import Act, Platform, StateConflict
from reservation_core.emulator.routes import InMemoryGateway

__all__ = ["Act", "InMemoryGateway", "Platform", "StateConflict"]
