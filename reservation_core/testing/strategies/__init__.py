"""Hypothesis strategies for reservations, commands, payloads, replies, runs and fault plans.

* The parameters of a command and their kinds are taken from its declaration. Values are written by
  hand.
* A value that is drawn as valid is valid. One that is drawn as invalid is wrong in exactly one way,
  which is returned with it.
* Each strategy shrinks to what a person would write. Its docstring names its simplest value.
* ``st.from_type`` draws the library's classes (:mod:`reservation_core.testing.registration`).
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
    reservations,
    statuses,
    timestamps,
)
from reservation_core.testing.strategies.runs import Action, Run, RunStep, runs
from reservation_core.testing.strategies.texts import (
    app_contacts,
    bare_names,
    caller_numbers,
    callers,
    client_contacts,
    contacts,
    hosts,
    names,
    near_callers,
    near_contacts,
    near_names,
    near_recording_modes,
    near_sids,
    near_urls,
    phone_numbers,
    recording_modes,
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
    "RunStep",
    "addresses",
    "app_contacts",
    "arguments",
    "bare_names",
    "bodies",
    "build",
    "callbacks",
    "caller_numbers",
    "callers",
    "client_contacts",
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
    "names",
    "near_callers",
    "near_contacts",
    "near_misses",
    "near_names",
    "near_recording_modes",
    "near_sids",
    "near_urls",
    "payloads",
    "phone_numbers",
    "plans",
    "recording_modes",
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
    "timestamps",
    "unreadable_replies",
    "urls",
    "values",
    "words",
]
