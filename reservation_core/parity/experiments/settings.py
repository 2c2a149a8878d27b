"""Experiments about the settings of the emulator that need no call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from reservation_core.emulator.platform.settings import (
    AttributesWithStatus,
    BlankValues,
    EmptyUpdate,
    ErrorCodes,
    ForeignParameters,
    StatusAndInstruction,
    SystemStatus,
)
from reservation_core.parity.experiments.instructions import EXAMPLE_URL, conference_form
from reservation_core.parity.findings import CouldNotTell, Seen
from reservation_core.parity.scene import SETTLE_SECONDS, Held, ParityScene
from reservation_core.parity.wire import WireAnswer, must

_STALE: Final = "999999"
_STALE_STATUS: Final = 412
_GENERIC: Final = 20001
_MAX_TASKS: Final = 6
_MAX_ROUNDS: Final = 5
_DELETE_STEP: Final = 5.0
_DELETE_LIMIT: Final = 400.0


def show(answer: WireAnswer) -> str:
    """Describe an answer as evidence."""
    return f"the answer was {answer.describe()}"


def read_code(answer: WireAnswer, dictionary: int) -> ErrorCodes:
    """Return the kind of error number that a refusal has.

    :param dictionary: the number that the error dictionary has for it.
    :raises CouldNotTell: if it is another number, or no refusal.
    """
    if answer.status != 400:
        raise CouldNotTell(f"a refusal was expected, but {show(answer)}")
    kinds = {
        dictionary: ErrorCodes.DICTIONARY,
        _GENERIC: ErrorCodes.GENERIC,
        None: ErrorCodes.NONE,
    }
    if answer.code not in kinds:
        raise CouldNotTell(f"the error number is another one: {show(answer)}")
    return kinds[answer.code]


def refusal_or_success(answer: WireAnswer) -> bool:
    """Return true for a success and false for a 400.

    :raises CouldNotTell: for anything else.
    """
    if answer.is_done:
        return True
    if answer.status == 400:
        return False
    raise CouldNotTell(f"neither a success nor a 400: {show(answer)}")


def require_control(answer: WireAnswer, refused: WireAnswer) -> None:
    """Check that the same request without the tried part is carried out.

    :raises CouldNotTell: if it is refused, too.
    """
    if not answer.is_done:
        raise CouldNotTell(
            f"{show(refused)}; but without it the request is refused, too: {answer.describe()}"
        )


def _try_reject(scene: ParityScene, name: str, text: str) -> tuple[bool, str]:
    """Try a reject with a parameter, and return outcome and evidence."""
    held = scene.one()
    answer = held.set_status("rejected", (name, text))
    is_done = refusal_or_success(answer)
    if not is_done:
        require_control(held.set_status("rejected"), answer)
    return is_done, show(answer)


def _state_codes(scene: ParityScene) -> Seen:
    held = scene.one(scene.call_attributes() if scene.voice else None)
    held.must_set("accepted")
    again = held.set_status("accepted")
    if again.status == 400 and again.code is None:
        return Seen(ErrorCodes.NONE, show(again))
    if scene.voice is None:
        raise CouldNotTell(
            f"a repeated accept has the number {again.code}; the number of a refused instruction "
            "needs --voice"
        )
    instruction = held.update(*conference_form(scene))
    return Seen(read_code(instruction, 40136), show(instruction))


def _instruction_codes(scene: ParityScene) -> Seen:
    answer = scene.one().set_status("rejected", ("WorkerActivitySid", "WA1"))
    return Seen(read_code(answer, 40100), show(answer))


def _both_given(scene: ParityScene) -> Seen:
    seen = _try_unknown_instruction(scene)
    if scene.voice is None or seen.value is StatusAndInstruction.STATUS:
        return seen
    scene.finish()
    held = scene.one(scene.call_attributes())
    answer = held.update(("ReservationStatus", "rejected"), *conference_form(scene))
    if answer.is_done:
        text = f"a conference with a status: {show(answer)}, and then it is {held.status}"
        return Seen(StatusAndInstruction.INSTRUCTION, text)
    require_control(held.update(*conference_form(scene)), answer)
    return Seen(StatusAndInstruction.REFUSED, f"a conference with a status: {show(answer)}")


def _try_unknown_instruction(scene: ParityScene) -> Seen:
    """Give a status and an unknown instruction, which places no call."""
    held = scene.one()
    unknown = ("Instruction", "parity")
    alone = held.update(unknown)
    both = held.update(("ReservationStatus", "rejected"), unknown)
    if both.is_done and held.status == "rejected":
        return Seen(StatusAndInstruction.STATUS, show(both))
    if both.is_done:
        raise CouldNotTell(f"an unknown instruction was taken: {show(both)}")
    is_same = (both.status, both.code, both.message) == (alone.status, alone.code, alone.message)
    value = StatusAndInstruction.INSTRUCTION if is_same else StatusAndInstruction.REFUSED
    like = "the same as" if is_same else "not the same as"
    return Seen(value, f"{show(both)}; {like} without the status, {alone.describe()}")


def _neither_given(scene: ParityScene) -> Seen:
    answer = scene.one().update()
    is_done = refusal_or_success(answer)
    return Seen(EmptyUpdate.UNCHANGED if is_done else EmptyUpdate.REFUSED, show(answer))


def _checks_version_first(scene: ParityScene) -> Seen:
    held = scene.one()
    held.must_set("accepted")
    answer = held.update(("ReservationStatus", "accepted"), version=_STALE)
    if answer.status not in (400, _STALE_STATUS):
        raise CouldNotTell(f"neither a 412 nor a 400: {show(answer)}")
    return Seen(answer.status == _STALE_STATUS, show(answer))


def _has_quoted_etag(scene: ParityScene) -> Seen:
    answer = must(scene.one().fetch(), "fetching the reservation")
    if answer.etag is None:
        raise CouldNotTell("the reply has no ETag")
    return Seen(answer.etag.endswith('"'), f"the ETag is {answer.etag}")


def is_on_hold(held: Held) -> bool:
    """Return true if the platform is still carrying out an earlier command.

    It completes the reservation if it is accepted.
    """
    return not held.set_status("completed").is_done


def _orchestrated_accept(scene: ParityScene) -> Seen:
    held = scene.one()
    accept = held.must_set("accepted")
    complete = held.set_status("completed")
    text = f"an accept was answered {accept.describe()}, and then complete {complete.describe()}"
    return Seen(not refusal_or_success(complete), text)


def _system_status(scene: ParityScene) -> Seen:
    held = scene.one()
    answer = held.set_status("canceled")
    if not refusal_or_success(answer):
        return Seen(SystemStatus.REFUSED, show(answer))
    if not held.wait_for("canceled"):
        raise CouldNotTell(f"it was taken, but the reservation is {held.status}: {show(answer)}")
    return Seen(SystemStatus.CARRIED_OUT, show(answer))


def _foreign_parameters(scene: ParityScene) -> Seen:
    is_done, text = _try_reject(scene, "CallUrl", EXAMPLE_URL)
    return Seen(ForeignParameters.IGNORED if is_done else ForeignParameters.REFUSED, text)


def _blank_values(scene: ParityScene) -> Seen:
    is_done, text = _try_reject(scene, "WorkerActivitySid", "")
    return Seen(BlankValues.UNSET if is_done else BlankValues.CHECKED, text)


def _strict(scene: ParityScene) -> Seen:
    is_done, text = _try_reject(scene, "ParityUnknown", "x")
    scene.finish()
    held = scene.one()
    page = scene.wire.ask("GET", f"{held.path.rpartition('/')[0]}?PageSize=0")
    text = f"an unknown parameter: {text}; a page size of 0: {page.describe()}"
    if refusal_or_success(page) is not is_done:
        raise CouldNotTell(f"it is strict in one thing only; {text}")
    return Seen(not is_done, text)


def _rate_limit(scene: ParityScene) -> Seen:
    answer = must(scene.one().fetch(), "fetching the reservation")
    limit, _, config = answer.reply.rate_limit
    if limit is None:
        return Seen(None, "the reply has no rate-limit headers")
    if config != f"{limit} per second":
        raise CouldNotTell(f"the limit is {limit}, but the unit is not stated ({config})")
    return Seen(limit, f"the header says {config}")


def _end_task(scene: ParityScene, held: Held, **more: str) -> WireAnswer:
    form = {"AssignmentStatus": "completed", **more}
    return scene.wire.ask("POST", scene.path("Tasks", held.task_sid), tuple(form.items()))


def _attributes_with_status(scene: ParityScene) -> Seen:
    held = scene.one()
    held.must_set("accepted")
    answer = _end_task(scene, held, Reason="parity", Attributes='{"x": "y"}')
    if not refusal_or_success(answer):
        require_control(_end_task(scene, held, Reason="parity"), answer)
        return Seen(AttributesWithStatus.REFUSED, show(answer))
    is_applied = '"x"' in answer.text("attributes")
    text = f"the attributes are {'the new' if is_applied else 'the old'} ones: {answer.describe()}"
    return Seen(AttributesWithStatus.APPLIED if is_applied else AttributesWithStatus.IGNORED, text)


def _task_end_needs_reason(scene: ParityScene) -> Seen:
    held = scene.one()
    held.must_set("accepted")
    answer = _end_task(scene, held)
    is_done = refusal_or_success(answer)
    if not is_done:
        require_control(_end_task(scene, held, Reason="parity"), answer)
    return Seen(not is_done, f"without a reason {show(answer)}")


def _can_leave_with_pending(scene: ParityScene) -> Seen:
    held = scene.one()
    answer = scene.set_activity(held.worker_sid, "away")
    if not refusal_or_success(answer):
        return Seen(False, show(answer))
    scene.wire.pause(SETTLE_SECONDS)
    if held.status != "pending":
        raise CouldNotTell(f"it was taken, and the reservation is {held.status}")
    return Seen(True, f"the reservation stays pending; {show(answer)}")


def _worker_capacity(scene: ParityScene) -> Seen:
    scene.set_available(1)
    tasks = [scene.add_task() for _ in range(_MAX_TASKS)]
    scene.wait_for_offers(tasks[0])
    scene.wire.pause(SETTLE_SECONDS)
    count = sum(bool(scene.reservations(sid)) for sid in tasks)
    if count == _MAX_TASKS:
        raise CouldNotTell(f"it is {count} or more: all tasks were offered at once")
    return Seen(count, f"{count} of {_MAX_TASKS} tasks were offered to one worker")


def _refills_reservations(scene: ParityScene) -> Seen:
    first, second = scene.reserve(2)[:2]
    must(scene.set_activity(scene.worker(2), "here"), "setting a worker's activity")
    first.must_set("rejected")
    scene.wire.pause(SETTLE_SECONDS)
    if second.status != "pending":
        raise CouldNotTell(f"the other reservation is {second.status}")
    count = len(scene.reservations(first.task_sid))
    return Seen(count > 2, f"after a reject the task has {count} reservations")


def _reservation_timeout(scene: ParityScene) -> Seen:
    path = scene.path("Workflows", scene.workflow(timeout=None))
    answer = must(scene.wire.ask("GET", path), "fetching the workflow")
    value = answer.body.get("task_reservation_timeout")
    if type(value) is not int:
        raise CouldNotTell(f"the workflow shows no reservation timeout: {value!r}")
    return Seen(value, f"a workflow that is created without one shows {value}")


def _max_rounds(scene: ParityScene) -> Seen:
    held = scene.one()
    for count in range(1, _MAX_ROUNDS + 1):
        held.must_set("rejected")
        task = must(scene.wire.ask("GET", scene.path("Tasks", held.task_sid)), "fetching the task")
        if task.body.get("assignment_status") == "canceled":
            return Seen(count, f"the task was canceled after {count} rejects")
        held = scene.wait_for_offers(held.task_sid)[0]
    raise CouldNotTell(f"it is more than {_MAX_ROUNDS}; counting further takes too many requests")


def _delete_after(scene: ParityScene) -> Seen:
    held = scene.one()
    held.must_set("accepted")
    held.must_set("completed")
    start = scene.wire.now()
    while held.fetch().status != 404:
        scene.wire.pause(_DELETE_STEP)
    seconds = round((scene.wire.now() - start) / _DELETE_STEP) * int(_DELETE_STEP)
    return Seen(seconds, f"it was gone {seconds} seconds after the end, to {_DELETE_STEP:g} s")


PLAIN_SETTINGS: Final[Mapping[str, Callable[[ParityScene], Seen]]] = {
    "state_codes": _state_codes,
    "instruction_codes": _instruction_codes,
    "both_given": _both_given,
    "neither_given": _neither_given,
    "checks_version_first": _checks_version_first,
    "has_quoted_etag": _has_quoted_etag,
    "orchestrated_accept": _orchestrated_accept,
    "system_status": _system_status,
    "foreign_parameters": _foreign_parameters,
    "blank_values": _blank_values,
    "strict": _strict,
    "rate_limit": _rate_limit,
    "attributes_with_status": _attributes_with_status,
    "task_end_needs_reason": _task_end_needs_reason,
    "can_leave_with_pending": _can_leave_with_pending,
    "worker_capacity": _worker_capacity,
    "refills_reservations": _refills_reservations,
    "reservation_timeout": _reservation_timeout,
    "max_rounds": _max_rounds,
}
"""Experiments that are quick, by setting."""

SLOW_SETTINGS: Final[Mapping[str, tuple[Callable[[ParityScene], Seen], float]]] = {
    "delete_after": (_delete_after, _DELETE_LIMIT),
}
"""Experiments that take minutes, with their time limits."""
