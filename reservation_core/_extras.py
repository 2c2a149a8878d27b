"""Extras of the package: a failed import names the missing one."""

import contextlib
from collections.abc import Generator


@contextlib.contextmanager
def extra(name: str) -> Generator[None]:
    """Name the missing extra if an import in the block fails.

    :raises ImportError: if a package of the extra is missing, or too old.
    """
    try:
        yield
    except ImportError as error:
        what = "is missing" if isinstance(error, ModuleNotFoundError) else "is not supported"
        package = (error.name or "").partition(".")[0] or "a package"
        raise ModuleNotFoundError(
            f"{package} {what}: pip install 'reservation-core[{name}]'", name=error.name
        ) from error
