"""Experiments about values of parameters on which the sources disagree.

Each sends an instruction with the value. Some of them call the number that may ring.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from reservation_core.domain.commands import disputes
from reservation_core.domain.commands.cautions import Dispute
from reservation_core.domain.commands.extra import FormPairs
from reservation_core.parity.experiments.instructions import (
    EXAMPLE_URL,
    call_form,
    conference_form,
    redirect_form,
    supervise_form,
)
from reservation_core.parity.experiments.model import Experiment
from reservation_core.parity.experiments.rules import CARRIED_OUT, verdict
from reservation_core.parity.experiments.settings import show
from reservation_core.parity.findings import CouldNotTell, Seen, Subject
from reservation_core.parity.scene import Held, ParityScene

_SID: Final = "0" * 31 + "1"


@attrs.frozen
class _Row:
    """A value, and the instruction that has it.

    :param form: returns the form with the value. It needs consent to voice instructions.
    :param calls: number of calls.
    :param is_for_accepted: true if the reservation is accepted before.
    """

    name: str
    dispute: Dispute
    rule: str
    form: Callable[[ParityScene, Held], FormPairs]
    calls: int = 1
    is_for_accepted: bool = False


def _conference(*more: tuple[str, str]) -> Callable[[ParityScene, Held], FormPairs]:
    return lambda scene, _: conference_form(scene, *more)


# fmt: off
_ROWS: Final = (
    _Row("recording_mode", disputes.RECORDING_MODE, "a call with CallRecord=record-from-ringing",
         lambda scene, _: call_form(scene, ("CallRecord", "record-from-ringing"))),
    _Row("bare_client_name", disputes.BARE_CLIENT_NAME, "a conference with To=parity",
         _conference(("To", "parity")), 0),
    _Row("application_contact", disputes.APPLICATION_CONTACT, "a conference with an application",
         _conference(("To", f"app:AP{_SID}")), 0),
    _Row("unnamed_contact", disputes.UNNAMED_CONTACT, "a conference with To of no known form",
         _conference(("To", "parity desk")), 0),
    _Row("call_timeout_limit", disputes.CALL_TIMEOUT_LIMIT, "a conference with Timeout=601",
         _conference(("Timeout", "601"))),
    _Row("space_in_url", disputes.SPACE_IN_URL, "a conference with a space in a URL",
         _conference(("StatusCallback", f"{EXAMPLE_URL}?a b"))),
    _Row("record_type", disputes.RECORD_TYPE, "a conference with Record=do-not-record",
         _conference(("Record", "do-not-record"))),
    _Row("newer_region", disputes.NEWER_REGION, "a conference with Region=de1",
         _conference(("Region", "de1"))),
    _Row("post_work_activity", disputes.POST_WORK_ACTIVITY_DEPRECATED,
         "a conference with PostWorkActivitySid",
         lambda scene, _: conference_form(
             scene, ("PostWorkActivitySid", scene.activities["here"]))),
    _Row("sip_credentials", disputes.SIP_CREDENTIALS_WITHOUT_SIP,
         "a conference with SIP credentials for another contact",
         _conference(("SipAuthUsername", "parity"), ("SipAuthPassword", "parity"))),
    _Row("supervise", disputes.SUPERVISE_UNLISTED, "supervise on accepted work",
         lambda _, held: supervise_form(held.worker_sid), 0, is_for_accepted=True),
    _Row("supervisor_form", disputes.SUPERVISOR_FORM, "a supervisor of no known form",
         lambda _, __: supervise_form("parity desk"), 0, is_for_accepted=True),
)
# fmt: on


def _make(row: _Row) -> Experiment:
    def run(scene: ParityScene) -> Seen:
        held = scene.one(scene.call_attributes())
        if row.is_for_accepted:
            held.must_set("accepted")
        answer = held.update(*row.form(scene, held))
        return Seen(verdict(answer), show(answer))

    return Experiment(
        name=row.name,
        subject=Subject.RULE,
        rule=row.rule,
        interpretation=CARRIED_OUT,
        evidence=row.dispute.evidence,
        run=run,
        needs_voice=True,
        calls=row.calls,
        disputes=(row.dispute,),
    )


def _redirect_accepts(scene: ParityScene) -> Seen:
    held = scene.one(scene.call_attributes())
    answer = held.update(*redirect_form(scene.call_sid))
    if not answer.is_done:
        raise CouldNotTell(f"the redirect was refused: {answer.describe()}")
    return Seen(held.status, f"after a redirect without RedirectAccept: {answer.describe()}")


VALUES: Final = (
    *map(_make, _ROWS),
    Experiment(
        name="redirect_accept",
        subject=Subject.RULE,
        rule="the status after a redirect without RedirectAccept",
        interpretation="pending",
        evidence=disputes.REDIRECT_ACCEPT_DEFAULT.evidence,
        run=_redirect_accepts,
        needs_voice=True,
        disputes=(disputes.REDIRECT_ACCEPT_DEFAULT,),
    ),
)
"""Experiments about disputed values."""

UNOBSERVABLE_DISPUTES: Final = {
    "CALLBACK_METHOD": "it needs a server that the platform can reach",
    "CONFERENCE_IN_CALLBACK": "it needs a server that the platform can reach",
}
"""Disputes that no experiment settles, by name, with the reason."""
