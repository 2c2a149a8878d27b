"""Objects that a parity run created, and their deletion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast
from urllib.parse import quote

from reservation_core.parity.findings import CouldNotTell
from reservation_core.parity.wire import Wire, WireAnswer, must, shorten_sids
from reservation_core.rest.errors import GatewayError

_ATTEMPTS: Final = 3
_TASKS: Final = "/Tasks/"
_GONE: Final = 404


class Creations:
    """Record of everything that a run created.

    An object is found again if the reply to its creation was lost, or does not show the outcome.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire: Final = wire
        self._created: list[str] = []
        self._unsure: list[str] = []
        """Queries for objects that may have been created."""
        self.away: str = ""
        """The SID of the activity that a worker needs before its deletion."""

    @property
    def remaining(self) -> tuple[str, ...]:
        """The paths of everything that is, or may be, still there."""
        return (*self._created, *self._unsure)

    def create(self, path: str, **form: str) -> str:
        """Create an object and return its SID.

        :param path: the path of the list that it belongs to.
        :raises CouldNotTell: if the platform refuses it.
        """
        name = form.get("FriendlyName", "")
        query = f"FriendlyName={quote(name)}" if name else f"WorkflowSid={form['WorkflowSid']}"
        unsure = f"{path}?{query}"
        self._unsure.append(unsure)  # until a reply shows the outcome, also if it is interrupted
        answer = self._wire.ask("POST", path, tuple(form.items()))
        if answer.is_done:
            self._created.append(f"{path}/{answer.text('sid')}")
        self._unsure.remove(unsure)
        return must(answer, f"creating {name or 'a task'}").text("sid")

    def delete_tasks(self) -> None:
        """Delete the tasks, without a time limit. One that stays is tried again at the end."""
        deadline, self._wire.deadline = self._wire.deadline, None
        self._created += self._find_unsure()
        for path in [path for path in self._created if _TASKS in path]:
            if self._delete_with_patience(path) is None:
                self._created.remove(path)
        self._wire.deadline = deadline

    def delete_all(self) -> tuple[str, ...]:
        """Delete everything, the last object first.

        :returns: what is left, with the reason.
        """
        self._wire.begin(None)
        self._created += self._find_unsure()
        left = [f"{each}: it may have been created, and cannot be found" for each in self._unsure]
        while self._created:
            path = self._created[-1]
            problem = self._delete_with_patience(path)
            if problem is None:
                left = [each for each in left if not each.startswith(f"{path}/")]  # it was in it
            else:
                left.append(f"{path}: {problem}")
            self._created.pop()
        return tuple(left)

    def _delete_with_patience(self, path: str) -> str | None:
        problem: str | None = None
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._wire.pause(1.0)
            if "/Workers/" in path:
                self._try("POST", path, ("ActivitySid", self.away))
            elif _TASKS in path and attempt:
                for status in ("canceled", "completed"):
                    self._try("POST", path, ("AssignmentStatus", status))
            problem = self._delete(path)
            if problem is None:
                return None
        return problem

    def _delete(self, path: str) -> str | None:
        """Delete something. Return the reason if it is still there."""
        answer = self._try("DELETE", path)
        if isinstance(answer, str):
            return answer
        return None if answer.is_done or answer.status == _GONE else answer.describe()

    def _try(self, method: str, path: str, *form: tuple[str, str]) -> WireAnswer | str:
        try:
            return self._wire.ask(method, path, form)
        except (GatewayError, CouldNotTell) as error:
            return shorten_sids(str(error))

    def _find_unsure(self) -> Iterator[str]:
        """Find the results of creations whose replies did not show them."""
        for query in tuple(self._unsure):
            answer = self._look_up(query)
            if answer is None:
                continue  # it is looked up again at the next deletion
            self._unsure.remove(query)
            for rows in answer.body.values():
                for row in cast("list[object]", rows if isinstance(rows, list) else []):
                    path = query.partition("?")[0]
                    found = f"{path}/{cast('dict[str, object]', row).get('sid')}"
                    if found not in self._created:
                        yield found

    def _look_up(self, query: str) -> WireAnswer | None:
        """Return the answer to a query, ``None`` without a usable one."""
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._wire.pause(1.0)
            answer = self._try("GET", query)
            if isinstance(answer, str):
                continue
            if answer.status == _GONE or (answer.is_done and answer.body):
                return answer
        return None
