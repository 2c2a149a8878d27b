"""Hypothesis strategies for everything that reservations are made of, public and documented, each shrinking to what a person would write.

Their four rules:

* which parameters a command has, and of which kinds, is taken from its declaration; how values look is written by hand;
* what is drawn as right is right, and what is drawn as wrong is wrong in exactly one way, which is told beside it;
* each strategy names the least that it shrinks to;
* ``st.from_type`` draws the library's classes by them (:mod:`reservation_core.testing.registration`).
"""

from reservation_core.testing.strategies.commands import (
    Arguments,
    InvalidArguments,
    arguments,
    build,
    commands,
    illegal_commands,
    invalid_commands,
    legal_commands,
)
from reservation_core.testing.strategies.events import DeliveredEvent, events
from reservation_core.testing.strategies.payloads import (
    DrawnPayload,
    MalformedPayload,
    bodies,
    callbacks,
    malformed_bodies,
    malformed_callbacks,
    malformed_payloads,
    payloads,
)
from reservation_core.testing.strategies.plans import faults, plans
from reservation_core.testing.strategies.replies import (
    ErrorFamily,
    RefusalReply,
    refusals,
    replies,
    requests,
    unreadable_replies,
)
from reservation_core.testing.strategies.reservations import (
    addresses,
    moments,
    reservations,
    statuses,
)
from reservation_core.testing.strategies.runs import Action, Run, Step, runs
from reservation_core.testing.strategies.texts import (
    apps,
    bare_names,
    callers,
    clients,
    contacts,
    hosts,
    names,
    near_callers,
    near_contacts,
    near_names,
    near_recordings,
    near_sids,
    near_urls,
    numbers,
    phones,
    recordings,
    sids,
    sip_uris,
    supervisors,
    texts,
    urls,
    words,
)
from reservation_core.testing.strategies.values import near_misses, values

__all__ = [
    "Action",
    "Arguments",
    "DeliveredEvent",
    "DrawnPayload",
    "ErrorFamily",
    "InvalidArguments",
    "MalformedPayload",
    "RefusalReply",
    "Run",
    "Step",
    "addresses",
    "apps",
    "arguments",
    "bare_names",
    "bodies",
    "build",
    "callbacks",
    "callers",
    "clients",
    "commands",
    "contacts",
    "events",
    "faults",
    "hosts",
    "illegal_commands",
    "invalid_commands",
    "legal_commands",
    "malformed_bodies",
    "malformed_callbacks",
    "malformed_payloads",
    "moments",
    "names",
    "near_callers",
    "near_contacts",
    "near_misses",
    "near_names",
    "near_recordings",
    "near_sids",
    "near_urls",
    "numbers",
    "payloads",
    "phones",
    "plans",
    "recordings",
    "refusals",
    "replies",
    "requests",
    "reservations",
    "runs",
    "sids",
    "sip_uris",
    "statuses",
    "supervisors",
    "texts",
    "unreadable_replies",
    "urls",
    "values",
    "words",
]
