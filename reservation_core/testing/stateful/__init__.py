"""Generated runs: many reservations at once, around a service under test."""

from reservation_core.testing.stateful.machine import ReportedEvent, ReservationRuns, reported_event

__all__ = ["ReportedEvent", "ReservationRuns", "reported_event"]
