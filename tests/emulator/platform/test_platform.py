"""The platform is safe to use from many threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from reservation_core import Accept
from reservation_core.emulator import Settings, StateConflict
from tests.emulator.platform.stage import WORKSPACE, Stage

THREADS: Final = 16


def test_one_of_many_concurrent_accepts_wins() -> None:
    """The journal shows one acceptance."""
    stage = Stage(1, settings=Settings(reservation_timeout=86_400))
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(20):
            sid = str(
                stage.platform.reserve(stage.platform.add_task(WORKSPACE).sid, stage.workers[0]).sid
            )
            start = threading.Barrier(THREADS)

            def accept(sid: str = sid, start: threading.Barrier = start) -> bool:
                start.wait(10)
                try:
                    stage.platform.execute(sid, Accept())
                except StateConflict:
                    return False
                return True

            assert (
                sum(future.result(10) for future in [pool.submit(accept) for _ in range(THREADS)])
                == 1
            )
            assert [entry.trigger for entry in stage.platform.journal if entry.sid == sid] == [
                "created",
                "accept",
            ]
