"""A replay of a million events into one file.

    python -m tests.benchmarks.replay [--events 1000000]

It prints, for each tenth, the events recorded durably a second and the peak memory of the process.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from reservation_core.book import Book, SQLiteStore, Verdict
from tests.benchmarks.books import events


def replay(count: int) -> list[tuple[int, float, float]]:
    """Replay events in ten parts: events so far, events a second, peak megabytes."""
    lives = max(1, count // 40)
    parts: list[tuple[int, float, float]] = []
    with tempfile.TemporaryDirectory() as directory:
        book = Book(SQLiteStore(Path(directory) / "book.db"))
        for part in range(10):
            start = time.perf_counter()
            assert book.record_all(events(lives, part * lives)) == {Verdict.APPLIED: lives * 4}
            took = time.perf_counter() - start
            most = (
                resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            )  # in kilobytes, on Linux
            parts.append((lives * 4 * (part + 1), lives * 4 / took, most))
        book.close()
    return parts


def main() -> None:
    """Replay and print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.replay", description=(__doc__ or "").partition(":")[0]
    )
    parser.add_argument("--events", type=int, default=1_000_000)
    sys.stdout.write("| events | events/s | MB at most |\n| --- | --- | --- |\n")
    for events_, speed, most in replay(parser.parse_args().events):
        sys.stdout.write(f"| {events_:,} | {speed:,.0f} | {most:,.1f} |\n")


if __name__ == "__main__":
    main()
