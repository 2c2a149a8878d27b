"""Kept until installed metadata names ``_reservation_core_plugins``."""

from _reservation_core_plugins.hypothesis_plugin import register as register  # noqa: PLC0414
