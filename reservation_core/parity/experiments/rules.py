"""Experiments about rules that are disputed, inferred or unknown."""

from __future__ import annotations

from typing import Final

from reservation_core.domain.commands import disputes
from reservation_core.domain.evidence import Evidence
from reservation_core.domain.observations import REFUSED_RESULT
from reservation_core.parity.experiments.instructions import conference_form
from reservation_core.parity.experiments.model import Experiment
from reservation_core.parity.experiments.settings import refusal_or_success, show
from reservation_core.parity.experiments.voice_settings import hold
from reservation_core.parity.findings import CouldNotTell, Seen, Subject
from reservation_core.parity.scene import SETTLE_SECONDS, Held, ParityScene
from reservation_core.parity.wire import WireAnswer, must

CARRIED_OUT: Final = "carried out"
"""Result of a request that the platform carried out."""


def verdict(answer: WireAnswer) -> str:
    """Return if a request was carried out or refused, in words.

    :raises CouldNotTell: if it was neither.
    """
    return CARRIED_OUT if refusal_or_success(answer) else REFUSED_RESULT


def _tell(answer: WireAnswer) -> Seen:
    return Seen(verdict(answer), show(answer))


def _accepted(scene: ParityScene) -> Held:
    held = scene.one()
    held.must_set("accepted")
    return held


def _version(held: Held) -> int:
    etag = (must(held.fetch(), "fetching the reservation").etag or "").strip('"')
    if not etag.isdecimal():
        raise CouldNotTell(f"the version is not a number: {etag or 'no ETag'}")
    return int(etag)


def _fetch_task(scene: ParityScene, sid: str) -> WireAnswer:
    return scene.wire.ask("GET", scene.path("Tasks", sid))


def _repeated_accept(scene: ParityScene) -> Seen:
    answer = _accepted(scene).set_status("accepted")
    return Seen(f"{answer.status} {answer.code or 'without a number'}", show(answer))


def _stale_version(scene: ParityScene) -> Seen:
    answer = scene.one().update(("ReservationStatus", "rejected"), version="999999")
    return Seen(f"{answer.status} {answer.code or 'without a number'}", show(answer))


def _unknown_parameter(scene: ParityScene) -> Seen:
    return _tell(scene.one().set_status("rejected", ("ParityUnknown", "x")))


def _letter_case(scene: ParityScene) -> Seen:
    return _tell(scene.one().set_status("ReJeCtEd"))


def _if_match_spellings(scene: ParityScene) -> Seen:
    taken: list[str] = []
    texts: list[str] = []
    for name, pattern in (("bare", "{}"), ("quoted", '"{}"'), ("weak", 'W/"{}"')):
        held = scene.one()
        version = pattern.format(_version(held))
        answer = held.update(("ReservationStatus", "rejected"), version=version)
        texts.append(f"{name}: {answer.describe()}")
        if answer.is_done:
            taken.append(name)
        scene.finish()
    return Seen(", ".join(taken) or "none", "; ".join(texts))


def _version_of_accept(scene: ParityScene) -> Seen:
    held = scene.one()
    before = _version(held)
    held.must_set("accepted")
    after = _version(held)
    return Seen(after - before, f"the version was {before}, and then {after}")


def _version_of_hold(scene: ParityScene) -> Seen:
    held = hold(scene)
    version = _version(held)
    return Seen(version, f"the version is {version} while on hold; a new reservation has 0")


def _worker_route_etag(scene: ParityScene) -> Seen:
    answer = must(scene.wire.ask("GET", scene.one().worker_path), "fetching it")
    return Seen("absent" if answer.etag is None else "present", show(answer))


def _siblings_at_accept(scene: ParityScene) -> Seen:
    first, second = scene.reserve(2)[:2]
    first.must_set("accepted")
    at_once = second.status
    second.wait_for("rescinded")
    return Seen(second.status, f"right after the accept it was {at_once}")


def _siblings_at_conference(scene: ParityScene) -> Seen:
    first, second = scene.reserve(2, scene.call_attributes())[:2]
    must(first.update(*conference_form(scene)), "a conference")
    at_once = second.status
    second.wait_for("rescinded")
    return Seen(second.status, f"right after the conference, while it rings, it was {at_once}")


def _deleted_task(scene: ParityScene) -> Seen:
    held = scene.one()
    deleted = must(scene.wire.ask("DELETE", scene.path("Tasks", held.task_sid)), "the deletion")
    answer = held.fetch()
    return Seen(
        f"{answer.status} {answer.code or 'without a number'}",
        f"after a deletion ({deleted.status}) {show(answer)}",
    )


def _deletion_of_accepted_task(scene: ParityScene) -> Seen:
    held = _accepted(scene)
    return _tell(scene.wire.ask("DELETE", scene.path("Tasks", held.task_sid)))


def _cancel_of_reserved_task(scene: ParityScene) -> Seen:
    held = scene.one()
    answer = must(scene.update_task(held.task_sid, "canceled"), "canceling the task")
    held.wait_for("canceled")
    return Seen(held.status, f"after {answer.describe()}")


def _cancel_of_assigned_task(scene: ParityScene) -> Seen:
    return _tell(scene.update_task(_accepted(scene).task_sid, "canceled"))


def _completion_of_reserved_task(scene: ParityScene) -> Seen:
    return _tell(scene.update_task(scene.one().task_sid, "completed"))


def _completion_ends_the_task(scene: ParityScene) -> Seen:
    held = _accepted(scene)
    held.must_set("completed")
    scene.wire.pause(SETTLE_SECONDS)
    return Seen(
        _fetch_task(scene, held.task_sid).text("assignment_status"),
        "the status of the task after its only reservation was completed",
    )


def _worker_leaves_and_rejects(scene: ParityScene) -> Seen:
    held = scene.one()
    flag = ("RejectPendingReservations", "true")
    answer = must(scene.set_activity(held.worker_sid, "away", flag), "leaving")
    held.wait_for("rejected")
    return Seen(held.status, show(answer))


def _activity_after_reject(scene: ParityScene) -> Seen:
    held = scene.one()
    held.must_set("rejected")
    answer = scene.wire.ask("GET", scene.path("Workers", held.worker_sid))
    same = answer.text("activity_sid") == scene.activities["here"]
    return Seen("kept" if same else "changed", f"after a reject {show(answer)}")


def _list_filter_case(scene: ParityScene) -> Seen:
    held = scene.one()
    count = len(scene.reservations(held.task_sid, "?ReservationStatus=PENDING"))
    return Seen("ignored" if count else "matters", f"a filter in capitals finds {count}")


def _page_number(scene: ParityScene) -> Seen:
    held = scene.reserve(2)[0]
    path = held.path.rpartition("/")[0]
    answer = scene.wire.ask("GET", f"{path}?PageSize=1&Page=1")
    if not refusal_or_success(answer):
        return Seen(REFUSED_RESULT, show(answer))
    return Seen(CARRIED_OUT if answer.body.get("reservations") else "empty", show(answer))


_D, _S, _I, _U = Evidence.DOCUMENTED, Evidence.OBSERVED, Evidence.INFERRED, Evidence.UNKNOWN
# fmt: off
_ROWS: Final = (
    ("repeated_accept", "the answer to a second accept", "400 20001", _S, _repeated_accept),
    ("stale_version", "the answer to another version in If-Match", "412 20412", _S, _stale_version),
    ("unknown_parameter", "a parameter that no page names", CARRIED_OUT, _I, _unknown_parameter),
    ("letter_case", "a status in another letter case", CARRIED_OUT, _D, _letter_case),
    ("if_match_spellings", "the spellings of If-Match that are compared", "bare, quoted", _U,
     _if_match_spellings),
    ("version_of_accept", "an accept raises the version by", 1, _S, _version_of_accept),
    ("version_of_hold", "the version while a new reservation is on hold", 1, _I,
     _version_of_hold, 1),
    ("worker_route_etag", "the ETag on the worker route", "absent", _D, _worker_route_etag),
    ("siblings_at_accept", "the sibling of an accepted reservation", "rescinded", _D,
     _siblings_at_accept),
    ("siblings_at_conference", "the sibling while a conference rings", "rescinded", _D,
     _siblings_at_conference, 1),
    ("deleted_task", "a reservation after its task was deleted", "404 20404", _S, _deleted_task),
    ("deletion_of_accepted_task", "the deletion of a task that is accepted", CARRIED_OUT, _S,
     _deletion_of_accepted_task),
    ("cancel_of_reserved_task", "the reservation of a task that is canceled", "canceled", _D,
     _cancel_of_reserved_task),
    ("cancel_of_assigned_task", "the cancellation of an assigned task", REFUSED_RESULT, _D,
     _cancel_of_assigned_task),
    ("completion_of_reserved_task", "the completion of a task that is reserved", REFUSED_RESULT,
     _S, _completion_of_reserved_task),
    ("completion_ends_the_task", "the task after its reservation is completed", "completed", _S,
     _completion_ends_the_task),
    ("worker_leaves_and_rejects", "an unavailable activity with RejectPendingReservations",
     "rejected", _S, _worker_leaves_and_rejects),
    ("activity_after_reject", "the worker's activity after a reject without one", "kept", _D,
     _activity_after_reject),
    ("list_filter_case", "the letter case of a status in a list's filter", "ignored", _I,
     _list_filter_case),
    ("page_number", "a page of a list by its number", CARRIED_OUT, _D, _page_number),
)
# fmt: on

_DISPUTES: Final = {"activity_after_reject": (disputes.REJECT_ACTIVITY_DEFAULT,)}

RULES: Final = tuple(
    Experiment(
        name=name,
        subject=Subject.RULE,
        rule=rule,
        interpretation=interpretation,
        evidence=evidence,
        run=run,
        needs_voice=bool(calls),
        calls=sum(calls),
        disputes=_DISPUTES.get(name, ()),
    )
    for name, rule, interpretation, evidence, run, *calls in _ROWS
)
"""Experiments about rules."""
