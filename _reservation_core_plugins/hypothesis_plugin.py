"""Hypothesis' entry point, which registers the classes of an imported library.

A library that is imported after hypothesis registers them itself.
"""

import sys


def register() -> None:
    """Register the library's classes, if the library is imported."""
    if "reservation_core" in sys.modules:
        from reservation_core.testing import registration  # noqa: PLC0415 - only then

        registration.register()
