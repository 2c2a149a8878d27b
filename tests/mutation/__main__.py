"""Mutation testing of the modules that decide: a small change of their code is to be noticed by their tests.

    pip install -e '.[dev,mutation]'
    python -m tests.mutation.__main__                         # most of an hour, on two cores
    python -m tests.mutation.__main__ --into DIR              # the same, in a directory that is kept
    python -m tests.mutation.__main__ --into DIR --again      # there, what has changed since, and what was alive

mutmut makes the changes and runs, for each, the tests that reach the changed function. What is done while the tests are loaded (the
declarations are compiled then) is out of its reach, so each mutant that is alive after that is looked at once more in a new interpreter:
by the transcript, and by all the tests if its function is called while they are loaded.

It works on a copy, in which ``@cache`` is taken off: mutmut leaves decorated functions alone. Ends with 1 when fewer than 95 of 100 mutants
of a module are noticed, or one lives that ``tests/mutation.md`` does not show.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, cast

HOME: Final = Path(__file__).parents[2]
TAKEN: Final = (
    "pyproject.toml",
    "README.md",
    "_reservation_core_hypothesis.py",
    "reservation_core",
    "tests",
)
SHOWN: Final = Path(__file__).with_name("mutation.md")
TRANSCRIPT: Final = "tests/test_messages.py"
NOTICED: Final = (1, 3)  # as mutmut counts: a test failed, or pytest did
HANGS: Final = 120  # seconds; all the tests of one mutant take 20
REACH: Final = 95  # of 100

_LOADED: Final = """
import os, sys, pytest
os.environ["MUTANT_UNDER_TEST"] = "stats"
pytest.main(["--collect-only", "-qqq", *sys.argv[1:]])
from mutmut.state import state
print(*state()._stats, sep="\\n")
"""


def main() -> None:
    """Copy, mutate, look again, and tell."""
    parser = argparse.ArgumentParser(description="Mutation testing of the modules that decide.")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--into", type=Path, help="where the copy is kept; without it, it is thrown away"
    )
    parser.add_argument("--again", action="store_true", help="go on in a copy that was kept")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as thrown_away:
        into: Path = given.into or Path(thrown_away)
        copy(into)
        mutate(into, given.workers)
        if given.again:
            mutate(into, given.workers, alive(into))
        look_again(into, given.workers)
        sys.exit(tell(into))


def settings() -> dict[str, list[str]]:
    """Read ``[tool.mutmut]``."""
    return cast(
        "dict[str, list[str]]",
        tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["tool"]["mutmut"],
    )


def copy(into: Path) -> None:
    """Copy the project, and take the caches off the functions that are mutated."""
    into.mkdir(parents=True, exist_ok=True)
    for name in TAKEN:
        if (HOME / name).is_dir():
            shutil.copytree(
                HOME / name,
                into / name,
                ignore=shutil.ignore_patterns("__pycache__"),
                dirs_exist_ok=True,
            )
        else:
            shutil.copy(HOME / name, into / name)
    for name in settings()["only_mutate"]:
        module = into / name
        module.write_text(
            re.sub(
                r"^@(cache|dataclass_transform\(.*\))\n",
                "",
                module.read_text("utf-8"),
                flags=re.MULTILINE,
            ),
            "utf-8",
        )


def mutate(into: Path, workers: int, names: Sequence[str] = ()) -> None:
    """Have mutmut make what mutants it has not seen, and run these, or those of some names."""
    subprocess.run(
        [sys.executable, "-m", "mutmut", "run", "--max-children", str(workers), *names],
        cwd=into,
        check=True,
    )


def mutants(into: Path) -> Mapping[str, tuple[bool, str]]:
    """Read of each mutant whether mutmut noticed it, and the hash of its function: of another function, the same name is another mutant."""
    told: dict[str, tuple[bool, str]] = {}
    for found in sorted((into / "mutants").rglob("*.py.meta")):
        meta = json.loads(found.read_text("utf-8"))
        for name, ended in meta["exit_code_by_key"].items():
            told[name] = (ended in NOTICED, meta["hash_by_function_name"][_function(name)])
    return told


def _function(name: str) -> str:
    return name.rpartition("__mutmut_")[0].rpartition(".")[2]


def verdicts(into: Path) -> Mapping[str, bool]:
    """Tell which mutants were noticed, by mutmut or here."""
    again = _noticed_again(into)
    return {
        name: noticed or again.get(name) == function
        for name, (noticed, function) in mutants(into).items()
    }


def alive(into: Path) -> Sequence[str]:
    """Name the mutants that were not noticed."""
    return [name for name, noticed in verdicts(into).items() if not noticed]


def _noticed_again(into: Path) -> dict[str, str]:
    kept = into / "again.json"
    return json.loads(kept.read_text("utf-8")) if kept.exists() else {}


def look_again(into: Path, workers: int) -> None:
    """Give each mutant that was not noticed a new interpreter, and write down which are noticed there."""
    names, noticed, made = alive(into), _noticed_again(into), mutants(into)
    print(f"{len(names)} are to be looked at again", flush=True)
    if _fails(into, "none", _tests()):
        sys.exit("the tests fail where nothing is changed: they can tell nothing of a mutant")
    listing = [sys.executable, "-c", _LOADED, *_tests()]
    listed = subprocess.run(
        listing, cwd=into / "mutants", capture_output=True, text=True, check=True
    ).stdout
    loaded = {line.rpartition(".")[2] for line in listed.splitlines()}
    with ThreadPoolExecutor(workers) as pool:
        for name, seen in zip(
            names, pool.map(functools.partial(look, into, loaded), names), strict=True
        ):
            if seen:
                noticed[name] = made[name][1]
                (into / "again.json").write_text(json.dumps(noticed), "utf-8")


def _tests() -> Sequence[str]:
    said = settings()
    return [*said["pytest_add_cli_args_test_selection"], *said["pytest_add_cli_args"]]


def look(into: Path, loaded: set[str], name: str) -> bool:
    """Tell whether one mutant is noticed; it may not even load."""
    return _fails(into, name, [TRANSCRIPT]) or (
        _function(name) in loaded and _fails(into, name, _tests())
    )


def _fails(into: Path, name: str, tests: Sequence[str]) -> bool:
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests],
            cwd=into / "mutants",
            env={**os.environ, "MUTANT_UNDER_TEST": name},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=HANGS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return True
    return ended.returncode != 0


def tell(into: Path) -> int:
    """Print the rate of each module and what is alive; give 1 when anything is not as it should be, and else 0."""
    told, shown = verdicts(into), SHOWN.read_text("utf-8") if SHOWN.exists() else ""
    wrong = False
    for module in sorted({name.rpartition(".")[0] for name in told}):
        of_it = [noticed for name, noticed in told.items() if name.rpartition(".")[0] == module]
        wrong |= sum(of_it) * 100 < REACH * len(of_it)
        print(
            f"| `{module.rpartition('.')[2]}` | {len(of_it)} | {sum(of_it)} | {sum(of_it) / len(of_it):.1%} |"
        )
    print(f"| all | {len(told)} | {sum(told.values())} | {sum(told.values()) / len(told):.1%} |")
    for name in sorted(alive(into)):
        change = change_of(into, name)
        wrong |= change not in shown
        print(f"{'' if change in shown else 'NEW '}{name}\n{change}")
    return int(wrong)


def change_of(into: Path, name: str) -> str:
    """Give the lines that a mutant changes, as a diff shows them, without their indentation."""
    diff = subprocess.run(
        [sys.executable, "-m", "mutmut", "show", name],
        cwd=into,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return "\n".join(
        re.sub(r"^([-+])\s+", r"\1 ", line)
        for line in diff.splitlines()
        if re.match(r"[-+](?![-+]{2} )", line)
    )


if __name__ == "__main__":
    main()
