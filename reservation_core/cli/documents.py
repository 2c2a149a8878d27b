"""JSON documents that ``--json`` prints."""

from __future__ import annotations

from reservation_core.domain.decisions import Decision, find_allowed_triggers
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.documents import as_json
from reservation_core.rest.messages import Request
from reservation_core.rest.urlencoding import encode_form


def decision_document(decision: Decision, *, accept: bool) -> dict[str, object]:
    """Return a decision as a JSON object.

    :param accept: the ``accept`` flag of the command.
    """
    edge, refusal, observation = decision.edge, decision.refusal, decision.observation
    if edge is not None:
        reason, evidence, source = edge.note, edge.evidence, edge.reference
    else:
        assert refusal is not None
        reason, evidence, source = refusal.statement, refusal.evidence, refusal.source
    return {
        "command": decision.trigger,
        "accept": accept,
        "state": str(decision.state),
        "is_allowed": decision.is_allowed,
        "target": str(edge.target) if edge else None,
        "reason": reason,
        "evidence": str(evidence),
        "source": str(source),
        "alternatives": list(decision.alternatives),
        "observed": observation and observation.result,
    }


def reservation_document(reservation: Reservation) -> dict[str, object]:
    """Return a reservation as a JSON object, with the commands allowed now."""
    fields = as_json(reservation)
    assert isinstance(fields, dict)
    return {
        **fields,
        "state": str(reservation.state),
        "allowed": list(find_allowed_triggers(reservation.state)),
    }


def request_document(request: Request, base_url: str) -> dict[str, object]:
    """Return a request as a JSON object."""
    return {
        "method": request.method,
        "url": f"{base_url}{request.path}",
        "headers": dict(request.headers),
        "form": [list(pair) for pair in request.form],
        "body": encode_form(request.form).decode(),
    }
