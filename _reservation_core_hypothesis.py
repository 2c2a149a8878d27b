"""Hypothesis' entry point: tells it what to draw for a ``reservation_core`` that is already imported.

It stands beside the package because a module of the package could not be imported without it, and a test run that never uses the
library is not to pay for it. A library that is imported after hypothesis registers itself.
"""

import sys


def register() -> None:
    """Register the library's classes, if the library is there."""
    if "reservation_core" in sys.modules:
        from reservation_core.testing import registration  # noqa: PLC0415 - only then

        registration.register()
