"""Hypothesis strategies for reservations, commands, payloads, replies, runs and fault plans.

* The parameters of a command and their kinds are taken from its declaration. Values are written by
  hand.
* A value that is drawn as valid is valid. One that is drawn as invalid is wrong in exactly one way,
  which is returned with it.
* Each strategy shrinks to what a person would write. Its docstring names its simplest value.
* ``st.from_type`` draws the library's classes (:mod:`reservation_core.testing.registration`).

The module ``texts`` has strategies for SIDs, contacts, names and URLs.
"""

from reservation_core._extras import extra

with extra("testing"):
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
    "arguments",
    "bodies",
    "build",
    "callbacks",
    "commands",
    "events",
    "faults",
    "illegal_commands",
    "invalid_commands",
    "legal_commands",
    "malformed_bodies",
    "malformed_callbacks",
    "malformed_payloads",
    "near_misses",
    "payloads",
    "plans",
    "refusals",
    "replies",
    "requests",
    "reservations",
    "runs",
    "statuses",
    "timestamps",
    "unreadable_replies",
    "values",
]
