"""Files of settings: JSON, or TOML if the name ends in ``.toml``.

A file is one object with a value for each named setting. What it does not name keeps its default.
Secrets are neither written nor read.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from difflib import get_close_matches
from enum import Enum, StrEnum
from pathlib import Path
from types import NoneType
from typing import Final, cast, get_args

import attrs

from reservation_core.domain.errors import ReservationError
from reservation_core.domain.redaction import mask, shorten

_TOML: Final = ".toml"
_CHECK_NAME: Final = "Check the name of the file"


@attrs.frozen(slots=False)
class SettingsFileError(ReservationError):
    """A file of settings cannot be loaded or saved.

    :param path: the file.
    :param problem: the reason.
    :param remedy: what to do.
    :param key: the setting that is wrong; ``None`` if it is the file.
    """

    path: str
    problem: str
    remedy: str
    key: str | None = None

    def __str__(self) -> str:
        """Name the file, the setting, the problem and the remedy."""
        problem = self.problem if self.key is None else f"{self.key} {self.problem}"
        return f"cannot use {self.path} as a settings file: {problem}. {self.remedy}"


def read_settings_file(path: Path, hints: Mapping[str, object]) -> dict[str, object]:
    """Read a file.

    :param hints: the types of the settings, by name.
    :raises SettingsFileError: if the file cannot be read, or a setting is unknown or of a wrong
        type.
    """
    values: dict[str, object] = {}
    for key, value in _read_object(path).items():
        if key not in hints:
            raise SettingsFileError(str(path), *_describe_unknown(key, hints), mask(key, limit=60))
        convert = _make_converter(hints[key])
        try:
            values[key] = convert(value)
        except ValueError as error:
            problem = f"is {shorten(value)}"
            raise SettingsFileError(str(path), problem, f"It must be {error}", key) from None
    return values


def write_settings_file(path: Path, values: Mapping[str, object]) -> None:
    """Write a file. A reader sees the old one or the new one whole.

    :raises SettingsFileError: if it cannot be written.
    """
    plain = {name: each.value if isinstance(each, Enum) else each for name, each in values.items()}
    if path.suffix.lower() == _TOML:  # TOML has no null: what is left out is the default
        lines = (f"{key} = {json.dumps(each)}\n" for key, each in plain.items() if each is not None)
        text = "".join(lines)
    else:
        text = json.dumps(plain, indent=2) + "\n"
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        problem = f"it cannot be written ({error.strerror})"
        raise SettingsFileError(str(path), problem, "Choose another path") from None


def _describe_unknown(key: str, known: Collection[str]) -> tuple[str, str]:
    """Return the problem and the remedy of an unknown setting."""
    if key == "accounts":
        return "is secret, and no setting of a file", "Remove it, and pass Settings(accounts=...)"
    close = get_close_matches(key, known, n=1)
    remedy = f"Did you mean {close[0]}?" if close else f"There are {', '.join(known)}"
    return "is not a setting", remedy


def _read_object(path: Path) -> Mapping[str, object]:
    is_toml = path.suffix.lower() == _TOML
    try:
        text = path.read_bytes().decode("utf-8-sig")
        document = tomllib.loads(text) if is_toml else _parse_json(text)
    except OSError as error:
        problem = f"it cannot be read ({error.strerror})"
        raise SettingsFileError(str(path), problem, _CHECK_NAME) from None
    except (ValueError, RecursionError) as error:
        language = "TOML" if is_toml else "JSON"
        problem = f"it is not {language} ({error})"
        remedy = f"Write {language}, or save the settings again"
        raise SettingsFileError(str(path), problem, remedy) from None
    if not isinstance(document, dict):
        remedy = 'Write an object such as {"strict": true}'
        raise SettingsFileError(str(path), "it is not a JSON object", remedy)
    return cast("dict[str, object]", document)


def _parse_json(text: str) -> object:
    document: object = json.loads(text, object_pairs_hook=_make_dict)
    return document


def _make_dict(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key is given more than once")
    return values


def _make_converter(hint: object) -> Callable[[object], object]:
    """Return the function that converts a JSON value to an annotated type.

    It raises :class:`ValueError` with what the value must be.
    """
    kinds = get_args(hint) or (hint,)
    is_optional = NoneType in kinds
    kind = cast("type[object]", kinds[0])

    def convert(value: object) -> object:
        if value is None and is_optional:
            return None
        if issubclass(kind, StrEnum):
            words = [str(member.value) for member in kind]
            if value in words:
                return kind(value)
            raise ValueError(f"one of {', '.join(words)}")
        # A flag is no number, although bool derives from int.
        allowed: tuple[type[object], ...] = (int, float) if kind is float else (kind,)
        if type(value) in allowed:
            return value
        raise ValueError(_DESCRIPTIONS[kind] + (" or null" if is_optional else ""))

    return convert


_DESCRIPTIONS: Final[Mapping[type, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
}
