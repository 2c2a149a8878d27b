"""Settings are kept in a file. A wrong file is one error."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from reservation_core.emulator import Settings, SettingsFileError
from reservation_core.emulator.platform.settings import (
    BlankValues,
    EmptyUpdate,
    ErrorCodes,
    OnHoldStatus,
    StatusAndInstruction,
    SystemStatus,
)

ANY: Final = st.builds(
    Settings,
    state_codes=st.sampled_from(ErrorCodes),
    both_given=st.sampled_from(StatusAndInstruction),
    neither_given=st.sampled_from(EmptyUpdate),
    on_hold_shown_as=st.sampled_from(OnHoldStatus),
    system_status=st.sampled_from(SystemStatus),
    blank_values=st.sampled_from(BlankValues),
    strict=st.booleans(),
    rate_limit=st.none() | st.integers(1, 10**6),
    reservation_timeout=st.integers(1, 86_400),
    delete_after=st.floats(0, 1e9) | st.integers(0, 10**9),
)


@pytest.mark.parametrize("name", ["settings.json", "settings.toml", "SETTINGS.TOML", "settings"])
@limits(max_examples=15)
@given(settings=ANY)
def test_saved_settings_are_loaded(
    tmp_path_factory: pytest.TempPathFactory, name: str, settings: Settings
) -> None:
    """All of them, in both formats."""
    path = tmp_path_factory.getbasetemp() / name
    settings.save(path)
    loaded = Settings.load(str(path))
    fields = [field.name for field in attrs.fields(Settings)]
    assert {name: getattr(loaded, name) for name in fields} == {
        name: getattr(settings, name) for name in fields
    }
    assert type(loaded.both_given) is StatusAndInstruction


def test_accounts_are_never_in_a_file(tmp_path: Path) -> None:
    for name in ("settings.json", "settings.toml"):
        Settings(accounts={"AC1": "hush"}).save(tmp_path / name)
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "hush" not in text
        assert "AC1" not in text
        assert "accounts" not in text
        assert Settings.load(tmp_path / name).accounts == {}
    assert [each.name for each in sorted(tmp_path.iterdir())] == ["settings.json", "settings.toml"]


def test_file_may_name_some_settings_only(tmp_path: Path) -> None:
    """A byte order mark does no harm."""
    path = tmp_path / "some.json"
    path.write_bytes('\ufeff{"strict": true, "rate_limit": null, "delete_after": 2}'.encode())
    loaded = Settings.load(path)
    assert (loaded.strict, loaded.rate_limit, loaded.delete_after) == (True, None, 2)
    assert loaded.both_given is Settings().both_given


WRONG: Final[dict[str, tuple[str, str | bytes, str | None, str]]] = {
    "misspelt": ("a.json", '{"strct": true}', "strct", "strct is not a setting. Did you mean st"),
    "unknown": ("a.json", '{"zzz": 1}', "zzz", "zzz is not a setting. There are state_codes, "),
    "accounts": ("a.json", '{"accounts": {"AC1": "hush"}}', "accounts", "accounts is secret, and"),
    "number for a flag": ("a.json", '{"strict": 1}', "strict", "is 1. It must be true or false"),
    "text for a flag": ("a.toml", 'strict = "yes"', "strict", "It must be true or false"),
    "flag for a number": ("a.json", '{"max_rounds": true}', "max_rounds", "be a whole number"),
    "fraction": ("a.json", '{"max_rounds": 1.5}', "max_rounds", "It must be a whole number"),
    "null": ("a.json", '{"strict": null}', "strict", "is None. It must be true or false"),
    "optional": ("a.json", '{"rate_limit": "x"}', "rate_limit", "be a whole number or null"),
    "list for a number": ("a.json", '{"delete_after": [1]}', "delete_after", "must be a number"),
    "word": ("a.json", '{"both_given": "x"}', "both_given", "of refused, instruction, status"),
    "list for a word": ("a.json", '{"both_given": []}', "both_given", "It must be one of"),
    "bounds": ("a.json", '{"rate_limit": 0}', "rate_limit", "is 0. It must be from 1 to 1e+06"),
    "not a number": ("a.json", '{"delete_after": NaN}', "delete_after", "is nan. It must be from"),
    "list": ("a.json", "[1]", None, "it is not a JSON object. Write an object such as"),
    "damaged": ("a.json", '{"strict"', None, "it is not JSON ("),
    "damaged TOML": ("a.toml", "strict =", None, "it is not TOML ("),
    "empty": ("a.json", "", None, "it is not JSON ("),
    "bytes": ("a.json", b"\xff\xfe", None, "it is not JSON ("),
    "twice": ("a.json", '{"strict": true, "strict": false}', None, "a key is given more than once"),
    "deep": ("a.json", "[" * 100_000, None, "it is not JSON ("),
    "huge number": ("a.json", f'{{"max_rounds": {"9" * 5000}}}', None, "it is not JSON ("),
}
"""Name, content, named setting, and part of the message."""


@pytest.mark.parametrize(("name", "content", "key", "message"), WRONG.values(), ids=WRONG)
def test_wrong_file_is_one_error(
    tmp_path: Path, name: str, content: str | bytes, key: str | None, message: str
) -> None:
    """It names the file, the setting and the remedy."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SettingsFileError) as caught:
        Settings.load(path)
    error = caught.value
    assert (error.path, error.key) == (str(path), key)
    assert str(error).startswith(f"cannot use {path} as a settings file: ")
    assert message in str(error)
    assert len(error.problem) < 300
    assert "hush" not in str(error)
    assert pickle.loads(pickle.dumps(error)) == error


def test_missing_file_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsFileError, match=r"cannot be read \(No such file.*Check the name"):
        Settings.load(tmp_path / "none.json")
    with pytest.raises(SettingsFileError, match=r"cannot be read \(Is a directory\)"):
        Settings.load(tmp_path)


def test_unwritable_path_is_one_error_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "settings.json"
    Settings(strict=True).save(path)

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(SettingsFileError, match=r"written \(No space left on device\)\. Choose "):
        Settings().save(path)
    assert json.loads(path.read_text(encoding="utf-8"))["strict"] is True
    assert [each.name for each in tmp_path.iterdir()] == ["settings.json"]
    with pytest.raises(SettingsFileError, match="cannot be written"):
        Settings().save(tmp_path / "none" / "settings.json")
