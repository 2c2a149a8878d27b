"""The canaries, and the search for them in all that is shown."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import io
import logging
import traceback
import warnings
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from types import CodeType
from typing import Any, Final, cast

import attrs
from rich.pretty import pretty_repr

import reservation_core
from reservation_core import ReservationError
from reservation_core.gateways.settings import Credentials

PHONE: Final = "+14155550143"
NAME: Final = "Canaria Alba"
CONTACT: Final = "sip:canaria@example.com"
PASSWORD: Final = "canary-pa55word"
TOKEN: Final = "canary0t0ken"
CREDENTIALS: Final = Credentials("SK0123", PASSWORD)

CANARIES: Final = (
    PHONE.removeprefix("+"),
    NAME.split()[0],
    CONTACT.partition(":")[2].partition("@")[0],
    PASSWORD,
    TOKEN,
    CREDENTIALS.authorization.split()[1],
)
"""The parts of the values to look for. Encoding as a form or as JSON does not change them."""

_PACKAGE: Final = str(Path(reservation_core.__file__).parent)
_ATTRIBUTES: Final = ("args", "__notes__", "doc", "object", "filename", "name", "obj", "__dict__")
"""Attributes of foreign errors that may hold values."""


@attrs.frozen
class Case:
    """Something that handles canaries.

    :param run: does it, and returns what may be shown. It may be a coroutine function.
    :param error: the error that it raises, if it raises one.
    """

    run: Callable[[], object]
    error: type[BaseException] | None = None


def find_canaries(case: Case) -> list[str]:
    """Run a case, and return the places where a canary is shown."""
    log, output = _Log(), io.StringIO()
    root = logging.getLogger()
    level = root.level
    root.addHandler(log)
    root.setLevel(logging.DEBUG)
    logging.disable(logging.NOTSET)
    try:
        with (
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(output),
            warnings.catch_warnings(record=True) as warned,
        ):
            warnings.simplefilter("always")
            places = [*_run(case)]
    finally:
        root.removeHandler(log)
        root.setLevel(level)
    places += _look("log", log.records)
    places += [f"log: {place}" for error in log.errors for place in _look_at_errors(error)]
    places += _look("output", output.getvalue())
    places += _look("warnings", [str(each.message) for each in warned])
    return places


def _run(case: Case) -> Iterator[str]:
    try:
        result = case.run()
        if inspect.iscoroutine(result):
            result = asyncio.run(cast("Coroutine[Any, Any, object]", result))
    except BaseException as error:
        if case.error is None or not isinstance(error, case.error):
            raise
        yield from _look_at_errors(error)
    else:
        assert case.error is None, "it must fail"
        yield from _look("result", result)
        yield from _look("result", str(result))


def _look_at_errors(error: BaseException) -> Iterator[str]:
    """Look at an error, its causes and its contexts, displayed or not."""
    found: list[BaseException] = [error]
    for each in found:
        yield from _look_at_error(each)
        chained = filter(None, (each.__cause__, each.__context__))
        found += [one for one in chained if all(one is not other for other in found)]


def _look_at_error(error: BaseException) -> Iterator[str]:
    kind = type(error).__name__
    yield from _look(f"{kind}: text", str(error))
    yield from _look(f"{kind}: repr", error)
    yield from _look(f"{kind}: traceback", "".join(traceback.format_exception(error)))
    own = ("args", "__notes__") if isinstance(error, ReservationError) else _ATTRIBUTES
    for name in own:
        yield from _look(f"{kind}: {name}", getattr(error, name, None))
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if _is_own(frame.f_code):
            place = f"{Path(frame.f_code.co_filename).name}: {frame.f_code.co_name}"
            for name, value in frame.f_locals.items():
                yield from _look(f"{kind}: {place}: {name}", value)


def _is_own(code: CodeType) -> bool:
    return code.co_filename.startswith(_PACKAGE)


def _look(place: str, value: object) -> Iterator[str]:
    """Yield the place for each way of printing that shows a canary."""
    for way in (repr, pretty_repr):
        try:
            shown = way(value)
        except Exception:  # noqa: BLE001 - of an object that was not built to its end
            continue
        if any(canary in shown for canary in CANARIES):
            yield f"{place} ({way.__name__})"


class _Log(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[object] = []
        self.errors: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith("reservation_core") and record.levelno < logging.WARNING:
            return  # the debug log of another library
        self.records += [record.getMessage(), record.args]
        if record.exc_info and record.exc_info[1]:
            self.errors.append(record.exc_info[1])
