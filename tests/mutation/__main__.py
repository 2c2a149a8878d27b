"""Mutation testing of the modules that decide.

    pip install -e '.[dev,mutation]'
    python -m tests.mutation                         # two hours, on two cores
    python -m tests.mutation --into DIR              # the same, in a directory that is kept
    python -m tests.mutation --into DIR --again      # there, the changes since, and the survivors

mutmut changes the code in one small place at a time and runs, for each change, the tests that reach
the changed function. It cannot see code that runs while the tests are loaded, such as the compiled
declarations. So each survivor is run once more in a new interpreter: against the transcript of the
messages, and against all tests if its function is called while they are loaded.

It works on a copy without ``@cache``, because mutmut skips decorated functions. It exits with 1 if
fewer than 95 of 100 mutants of a module are killed, or if one survives that ``mutation.md`` does
not show.
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
COPIED: Final = (
    "pyproject.toml",
    "README.md",
    "_reservation_core_plugins",
    "reservation_core",
    "tests",
)
KNOWN_SURVIVORS: Final = Path(__file__).with_name("mutation.md")
TRANSCRIPT: Final = "tests/project/test_messages.py"
KILLED: Final = (1, 3, 24, 36, 152, 255, -24)  # mutmut: a test failed, pytest did, or it hangs
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
    """Copy, mutate, run the survivors again, and report."""
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
            mutate(into, given.workers, survivors(into))
        run_survivors_again(into, given.workers)
        sys.exit(report(into))


def settings() -> dict[str, list[str]]:
    """Read ``[tool.mutmut]``."""
    return cast(
        "dict[str, list[str]]",
        tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["tool"]["mutmut"],
    )


def copy(into: Path) -> None:
    """Copy the project, and remove the caches of the functions under test."""
    into.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
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
    """Run mutmut on all new mutants, or on the given ones."""
    subprocess.run(
        [sys.executable, "-m", "mutmut", "run", "--max-children", str(workers), *names],
        cwd=into,
        check=True,
    )


def mutants(into: Path) -> Mapping[str, tuple[bool, str]]:
    """Read, for each mutant, whether mutmut killed it, and its function's hash."""
    results: dict[str, tuple[bool, str]] = {}
    for found in sorted((into / "mutants").rglob("*.py.meta")):
        meta = json.loads(found.read_text("utf-8"))
        for name, ended in meta["exit_code_by_key"].items():
            results[name] = (ended in KILLED, meta["hash_by_function_name"][_function(name)])
    return results


def _function(name: str) -> str:
    return name.rpartition("__mutmut_")[0].rpartition(".")[2]


def kill_results(into: Path) -> Mapping[str, bool]:
    """Return, for each mutant, whether mutmut or this program killed it."""
    again = _killed_again(into)
    return {
        name: killed or again.get(name) == function
        for name, (killed, function) in mutants(into).items()
    }


def survivors(into: Path) -> Sequence[str]:
    """Return the names of the survivors."""
    return [name for name, killed in kill_results(into).items() if not killed]


def _killed_again(into: Path) -> dict[str, str]:
    kept = into / "again.json"
    return json.loads(kept.read_text("utf-8")) if kept.exists() else {}


def run_survivors_again(into: Path, workers: int) -> None:
    """Run each survivor in a new interpreter, and record the killed ones."""
    names, killed, made = survivors(into), _killed_again(into), mutants(into)
    print(f"{len(names)} survivors run again", flush=True)
    if _fails(into, "none", _tests()):
        sys.exit("the tests fail on unchanged code")
    listing = [sys.executable, "-c", _LOADED, *_tests()]
    listed = subprocess.run(
        listing, cwd=into / "mutants", capture_output=True, text=True, check=True
    ).stdout
    loaded = {line.rpartition(".")[2] for line in listed.splitlines()}
    with ThreadPoolExecutor(workers) as pool:
        for name, seen in zip(
            names, pool.map(functools.partial(is_killed, into, loaded), names), strict=True
        ):
            if seen:
                killed[name] = made[name][1]
                (into / "again.json").write_text(json.dumps(killed), "utf-8")


def _tests() -> Sequence[str]:
    mutmut = settings()
    return [*mutmut["pytest_add_cli_args_test_selection"], *mutmut["pytest_add_cli_args"]]


def is_killed(into: Path, loaded: set[str], name: str) -> bool:
    """Return whether one mutant is killed in a new interpreter."""
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


def report(into: Path) -> int:
    """Print the rate of each module and the survivors. Return the exit code."""
    results, shown = (
        kill_results(into),
        KNOWN_SURVIVORS.read_text("utf-8") if KNOWN_SURVIVORS.exists() else "",
    )
    wrong = False
    for module in sorted({name.rpartition(".")[0] for name in results}):
        of_it = [killed for name, killed in results.items() if name.rpartition(".")[0] == module]
        wrong |= sum(of_it) * 100 < REACH * len(of_it)
        print(
            f"| `{module.removeprefix('reservation_core.')}` | {len(of_it)} | {sum(of_it)} "
            f"| {sum(of_it) / len(of_it):.1%} |"
        )
    print(
        f"| all | {len(results)} | {sum(results.values())} "
        f"| {sum(results.values()) / len(results):.1%} |"
    )
    for name in sorted(survivors(into)):
        change = change_of(into, name)
        wrong |= change not in shown
        print(f"{'' if change in shown else 'NEW '}{name}\n{change}")
    return int(wrong)


def change_of(into: Path, name: str) -> str:
    """Return the lines that a mutant changes, without indentation."""
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
