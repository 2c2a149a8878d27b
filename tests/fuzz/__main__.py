"""Fuzz readers of untrusted bytes, guided by coverage.

    pip install atheris
    python -m tests.fuzz --seconds 60            # every reader, one after the other
    python -m tests.fuzz read_events --seconds 600
    python -m tests.fuzz any --seconds 600       # the first byte chooses the reader

A reader may raise a :class:`ReservationError` and nothing else. It stops at the first other
exception, with the input that causes it. Atheris has wheels for few systems, so the tests do not
use it: they try the seeds, and each input that was found once.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from tests.fuzz.seeds import SEEDS

MAX_LENGTH = 4096


def _fuzz(name: str, seconds: int, corpus: Path) -> None:
    """Fuzz one reader in this process. It does not return."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["reservation_core"]):
        readers = importlib.import_module("tests.campaigns.readers")
    reader = readers.READERS.get(name, readers.read_by_first_byte)
    options = [f"-max_total_time={seconds}", f"-max_len={MAX_LENGTH}", "-timeout=10"]
    atheris.Setup(
        [sys.argv[0], *options, "-rss_limit_mb=2048", "-print_final_stats=1", str(corpus)],
        partial(readers.read, reader),
    )
    atheris.Fuzz()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Fuzz the chosen readers, each in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("reader", nargs="?")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path)
    arguments = parser.parse_args()
    if arguments.corpus:
        _fuzz(arguments.reader, arguments.seconds, arguments.corpus)
    from tests.campaigns.readers import READERS

    names = [arguments.reader] if arguments.reader else [*READERS]
    failed = [name for name in names if not _run(name, arguments.seconds)]
    _say(f"{len(names)} readers, {arguments.seconds} s each: {failed or 'nothing found'}")
    return bool(failed)


def _run(name: str, seconds: int) -> bool:
    """Fuzz one reader in a child process. Return True if nothing is found."""
    with tempfile.TemporaryDirectory() as folder:
        prefixes = map(chr, range(30)) if name == "any" else [""]
        for number, (prefix, seed) in enumerate(itertools.product(prefixes, SEEDS)):
            Path(folder, f"seed{number}").write_bytes(prefix.encode() + seed)
        command = [sys.executable, "-m", "tests.fuzz", name]
        command += ["--seconds", str(seconds), "--corpus", folder]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    output = (ended.stdout + ended.stderr).splitlines()
    runs = [line.split()[-1] for line in output if line.startswith("stat::number_of_executed")]
    _say(f"{name}: {''.join(runs) or 'no'} runs, exit status {ended.returncode}")
    if ended.returncode:
        _say("\n".join(output[-40:]))
    return ended.returncode == 0


if __name__ == "__main__":
    raise SystemExit(main())
