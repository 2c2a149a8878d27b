"""Extras of the package: a failed import names the missing one."""

import contextlib
from collections.abc import Generator


@contextlib.contextmanager
def extra(name: str) -> Generator[None]:
    """Name the missing extra if an import in the block fails.

    :raises ModuleNotFoundError: if a package of the extra is missing.
    :raises ImportError: if a package of the extra is too old.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(_text(error, "is missing", name), name=error.name) from error
    except ImportError as error:  # a name is missing in a package
        raise ImportError(_text(error, "is not supported", name), name=error.name) from error


def _text(error: ImportError, problem: str, extra: str) -> str:
    package = (error.name or "").partition(".")[0] or "a package"
    return f"{package} {problem}: pip install 'reservation-core[{extra}]'"
