"""Random runs of routed tasks: ``python -m tests.campaigns.routing``.

Workers come, go and leave; tasks are created, answered, transferred, canceled and deleted; time
passes. After each step the platform must keep the promises of the router:

* no task is reserved for more workers than its queue allows;
* no worker is offered a task again while an idle one was asked less often;
* at most one worker wins a task, and no other reservation of it stays pending then;
* no task waits while a worker is idle that it may be offered to.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final

from reservation_core import Reservation, Status
from reservation_core.emulator import ManualClock, Platform
from reservation_core.emulator.platform.model import JournalEntry, TaskStatus
from tests.emulator.resources.scene import Workplace

_LIVE: Final = (Status.PENDING, Status.ACCEPTED, Status.WRAPPING)
_DEQUEUE: Final = {"Instruction": "dequeue", "DequeueTo": "client:a"}
_ANSWERS: Final = ("accepted", "completed", "rejected", "rejected", "rejected")


class BrokenPromise(AssertionError):
    """A promise of the router that was not kept."""


class RoutingRun:
    """One random run.

    :param seed: decides every step.
    """

    def __init__(self, seed: int) -> None:
        self.random: Final = Random(seed)
        self.most: Final = self.random.randint(1, 3)
        self.place: Final = Workplace(platform=Platform(ManualClock(), random=Random(seed)))
        self.platform: Final = self.place.platform
        self.place.route(self.most, TaskReservationTimeout=30)
        self.asked: Final[Counter[tuple[str, str]]] = Counter()
        self.winners: Final[dict[str, set[str]]] = {}
        self.transferred: Final[set[str]] = set()
        self.dequeued: Final[set[str]] = set()
        self.created: Final[list[JournalEntry]] = []
        self.count = 0
        self.platform.subscribe(self._record)
        self.place.add_workers(*"abcd")

    def _record(self, entry: JournalEntry) -> None:
        task, reservation = str(entry.reservation.task_sid), entry.reservation
        if entry.before is None:
            self.created.append(entry)
            self.asked[task, str(reservation.worker_sid)] += 1
        if reservation.status is Status.ACCEPTED and task not in self.transferred:
            self.winners.setdefault(task, set()).add(str(reservation.sid))

    # --- steps -----------------------------------------------------------------------------------

    def step(self) -> str:
        """Take a random step, check the promises, and return the step."""
        self.created.clear()
        name, act = self.random.choice(_STEPS)
        shown = f"{name} {act(self) or ''}".strip()
        self.count += 1
        for problem in self._problems():
            raise BrokenPromise(f"after {shown!r}: {problem}")
        return shown

    def add_worker(self) -> str:
        """Create a worker, usually in an available activity."""
        if len(self.platform.workers()) >= 8:
            return "(enough)"
        activity = self.random.choice(("Available", "Available", "Offline"))
        return self.place.add_workers(f"w{self.count}", activity=activity)[0]

    def move_worker(self) -> str:
        """Set a worker's activity."""
        if not (workers := self.platform.workers()):
            return "(none)"
        worker = self.random.choice(workers)
        name = self.random.choice(("Available", "Available", "Unavailable"))
        rejects = name != "Available" and self.random.random() < 0.5
        form = {"RejectPendingReservations": "true"} if rejects else {}
        activity = self.place.activities[name]
        self.place.ask("POST", f"/Workers/{worker.sid}", ActivitySid=activity, **form)
        return f"{worker.name} {name}{' rejecting' if rejects else ''}"

    def delete_worker(self) -> str:
        """Delete a worker. The platform may refuse it."""
        if not (workers := self.platform.workers()):
            return "(none)"
        worker = self.random.choice(workers)
        return f"{worker.name} {self.place.ask('DELETE', f'/Workers/{worker.sid}').status}"

    def add_task(self) -> str:
        """Create a task."""
        form = {"Attributes": json.dumps({"call_sid": "CA" + "1" * 32})}
        priority, timeout = self.random.randint(0, 2), self.random.choice((20, 100, 86_400))
        return self.place.add_task(Priority=priority, Timeout=timeout, **form)

    def end_task(self) -> str:
        """Cancel, complete or delete a task. The platform may refuse it."""
        if not (tasks := self.platform.tasks()):
            return "(none)"
        path = f"/Tasks/{self.random.choice(tasks).sid}"
        status = self.random.choice(("canceled", "completed", "deleted"))
        if status == "deleted":
            return f"{path} deleted {self.place.ask('DELETE', path).status}"
        return f"{path} {status} {self.place.ask('POST', path, AssignmentStatus=status).status}"

    def answer(self) -> str:
        """Update a live reservation. The platform may refuse it."""
        if not (live := [each for each in self.platform.all() if each.status in _LIVE]):
            return "(none)"
        reservation = self.random.choice(live)
        calls = ({"Instruction": "conference", "To": "client:a"}, _DEQUEUE)
        answers = ({"ReservationStatus": word} for word in _ANSWERS)
        form = self.random.choice((*answers, self.random.choice(calls)))
        if form is _DEQUEUE:
            self.dequeued.add(str(reservation.sid))
        path = f"/Tasks/{reservation.task_sid}/Reservations/{reservation.sid}"
        return f"{path} {form} {self.place.ask('POST', path, **form).status}"

    def end_call(self) -> str:
        """Answer or miss a call to a worker."""
        held = [each for each in self.platform.all() if each.on_hold]
        if not held:
            return "(none)"
        sid = str(self.random.choice(held).sid)
        is_answered = self.random.random() < 0.5
        act = self.platform.answer_call if is_answered else self.platform.miss_call
        return f"{act.__name__} {act(sid).sid}"

    def transfer(self) -> str:
        """Transfer an accepted task to a second worker."""
        accepted = [each for each in self.platform.all() if each.status is Status.ACCEPTED]
        if not accepted or not (workers := self.platform.workers()):
            return "(none)"
        first = self.random.choice(accepted)
        task_sid = str(first.task_sid)
        if len([each for each in self.platform.all(task_sid) if each.status in _LIVE]) > 1:
            return "(already)"
        self.transferred.add(task_sid)
        return str(self.platform.transfer(str(first.sid), self.random.choice(workers).sid).sid)

    def pass_time(self) -> str:
        """Let time pass."""
        seconds = self.random.choice((1, 10, 31, 90))
        self.platform.advance(seconds)
        return f"{seconds} s"

    # --- promises --------------------------------------------------------------------------------

    def _problems(self) -> Iterator[str]:
        idle = set(self._idle_workers())
        for task in self.platform.tasks():
            live = [each for each in self.platform.all(task.sid) if each.status in _LIVE]
            if task.sid in self.transferred:
                continue
            if len(live) > self.most:
                yield f"{task.sid} is reserved for {len(live)} workers, not {self.most}"
            won = [each for each in live if self._has_task(each)]
            waiting = [each for each in live if each not in won and not each.on_hold]
            if won and len(won) + len(waiting) > 1:
                yield f"{task.sid} was won, and has {len(live)} live reservations"
            if task.status is TaskStatus.PENDING and idle:
                yield f"{task.sid} waits, and {idle} are idle"
        for task_sid, sids in self.winners.items():
            if len(sids) > 1:
                yield f"{task_sid} was won by {sids}"
        for entry in self.created:
            task_sid, worker_sid = str(entry.reservation.task_sid), entry.reservation.worker_sid
            times = self.asked[task_sid, str(worker_sid)]
            others = {each: self.asked[task_sid, each] for each in idle if each != worker_sid}
            rarer = {each: n for each, n in others.items() if n < times - 1}
            if rarer and task_sid not in self.transferred:
                yield f"{task_sid} was offered to {worker_sid} {times} times, but {rarer}"

    def _has_task(self, reservation: Reservation) -> bool:
        """Return true if the siblings have lost. By default a dequeue leaves them pending."""
        is_called = reservation.on_hold and str(reservation.sid) not in self.dequeued
        return is_called or reservation.status is not Status.PENDING

    def _idle_workers(self) -> Iterator[str]:
        available = self.place.activities["Available"]
        for worker in self.platform.workers():
            has_none = not any(each.status in _LIVE for each in self.platform.all(worker.sid))
            if worker.activity_sid == available and has_none:
                yield worker.sid


_STEPS: Final[tuple[tuple[str, Callable[[Any], str]], ...]] = (
    *[("add a task", RoutingRun.add_task)] * 3,
    *[("answer", RoutingRun.answer)] * 8,
    *[("move a worker", RoutingRun.move_worker)] * 4,
    ("add a worker", RoutingRun.add_worker),
    ("delete a worker", RoutingRun.delete_worker),
    ("end a task", RoutingRun.end_task),
    ("end a call", RoutingRun.end_call),
    ("transfer", RoutingRun.transfer),
    ("wait", RoutingRun.pass_time),
)


def run(seed: int, steps: int) -> int:
    """Take random steps, and return the number of reservations that were made.

    :raises BrokenPromise: names the seed and the steps so far.
    """
    routing, taken = RoutingRun(seed), list[str]()
    try:
        for _ in range(steps):
            taken.append(routing.step())
    except BrokenPromise as error:
        error.add_note(f"seed {seed}, after:\n" + "\n".join(taken))
        raise
    return routing.asked.total()


def main() -> None:
    """Take random runs and print the number of reservations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="seed of the first run")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.runs)
    made = sum(run(seed, options.steps) for seed in seeds)
    print(f"{options.runs} runs of {options.steps} steps, {made} reservations: all promises kept")


if __name__ == "__main__":
    main()
