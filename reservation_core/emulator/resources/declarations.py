"""The emulated resources as data: parameters, filters, orderings and links.

Names, limits and defaults are those of the official API description, unless a comment says
otherwise. A parameter is shown under its name in snake_case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Flag, auto
from functools import cache
from typing import Final

import attrs

from reservation_core.domain.member_docs import document_members
from reservation_core.emulator.platform.model import TaskStatus
from reservation_core.emulator.platform.validation import MAX_RESERVATION_TIMEOUT
from reservation_core.emulator.resources import kinds
from reservation_core.rest.bodies import Json

_TEXT: Final = kinds.text()


@document_members
class On(Flag):
    """Operations that take a parameter."""

    CREATE = auto()
    """The creation of a resource."""
    UPDATE = auto()
    """The update of a resource."""
    BOTH = CREATE | UPDATE
    """Creation and update."""


@document_members
class Effect(Flag):
    """Effect of a parameter or a filter in the emulator."""

    ACTS = auto()
    """It has the documented effect."""
    KEPT = auto()
    """It is kept and shown, without an effect on the routing."""
    IGNORED = auto()
    """It is read and has no effect."""


@attrs.frozen
class ResourceParameter:
    """Parameter of a resource.

    :param name: its name in a form.
    :param kind: reads its text.
    :param is_required: true if a creation needs it.
    :param default: value of a new resource that is created without it.
    :param refers_to: kind of the record in the workspace that a SID must belong to.
    :param is_shown: true if the resource has a property of its name.
    """

    name: str
    kind: kinds.FieldKind
    on: On = On.BOTH
    is_required: bool = False
    default: Json = None
    effect: Effect = Effect.ACTS
    refers_to: str | None = None
    is_shown: bool = True

    @property
    def property_name(self) -> str:
        """The name of the property that shows it."""
        return snake_case(self.name)


@attrs.frozen
class ListFilter:
    """Query parameter that filters a list by a property.

    :param name: its name in a query.
    :param shown_as: the property that is compared; by default that of the same name.
    :param kind: reads its text, to compare it with the property's value.
    :param is_list: true if a text may hold several values, separated by commas or spaces.
    """

    name: str
    shown_as: str = ""
    kind: kinds.FieldKind = _TEXT
    effect: Effect = Effect.ACTS
    is_list: bool = False

    @property
    def property_name(self) -> str:
        """The name of the property that is compared."""
        return self.shown_as or snake_case(self.name)


@attrs.frozen(kw_only=True, eq=False)
class Resource:
    """One kind of resource.

    :param kind: its name in snake_case.
    :param segment: its collection in a path.
    :param key: the name of its list in a page.
    :param prefix: the first two letters of its SIDs.
    :param orderings: properties that a list can be ordered by.
    :param links: paths of related resources. Properties of the resource stand in braces, and so do
        ``workspace`` and ``self`` for two paths.
    :param has_version: true if replies have an ETag, and updates and deletions an If-Match.
    """

    kind: str
    segment: str
    key: str
    prefix: str
    parameters: tuple[ResourceParameter, ...]
    filters: tuple[ListFilter, ...] = ()
    orderings: tuple[str, ...] = ()
    links: Mapping[str, str]
    has_version: bool = False


def default_values(resource: Resource) -> dict[str, Json]:
    """Return the properties of a resource that is created without parameters."""
    shown = (parameter for parameter in resource.parameters if parameter.is_shown)
    return {parameter.property_name: parameter.default for parameter in shown}


@cache
def snake_case(name: str) -> str:
    """Return a name in snake_case.

    >>> snake_case("MaxReservedWorkers")
    'max_reserved_workers'
    """
    return re.sub("(?<!^)(?=[A-Z])", "_", name).lower()


_NAME: Final = ResourceParameter("FriendlyName", kinds.text(64), is_required=True)
_KEPT, _IGNORED = Effect.KEPT, Effect.IGNORED
_WORKSPACE: Final = {"workspace": "{workspace}"}
_ORDER: Final = kinds.word("FIFO", "LIFO")
_SECONDS: Final = kinds.integer(1, MAX_RESERVATION_TIMEOUT)


def _statistics(path: str) -> dict[str, str]:
    return {
        "statistics": f"{path}/Statistics",
        "real_time_statistics": f"{path}/RealTimeStatistics",
        "cumulative_statistics": f"{path}/CumulativeStatistics",
    }


WORKSPACE: Final = Resource(
    kind="workspace",
    segment="Workspaces",
    key="workspaces",
    prefix="WS",
    parameters=(
        _NAME,
        ResourceParameter("EventCallbackUrl", kinds.url),
        ResourceParameter("EventsFilter", kinds.text()),
        ResourceParameter("MultiTaskEnabled", kinds.flag, default=True, effect=_KEPT),
        ResourceParameter("Template", kinds.word("NONE", "FIFO"), On.CREATE, is_shown=False),
        ResourceParameter("PrioritizeQueueOrder", _ORDER, default="FIFO", effect=_KEPT),
        ResourceParameter(
            "DefaultActivitySid", kinds.sid_of("WA"), On.UPDATE, refers_to="activity"
        ),
        ResourceParameter(
            "TimeoutActivitySid", kinds.sid_of("WA"), On.UPDATE, refers_to="activity"
        ),
    ),
    filters=(ListFilter("FriendlyName"),),
    links={
        "activities": "{self}/Activities",
        **_statistics("{self}"),
        "task_queues": "{self}/TaskQueues",
        "tasks": "{self}/Tasks",
        "workers": "{self}/Workers",
        "workflows": "{self}/Workflows",
        "task_channels": "{self}/TaskChannels",
        "events": "{self}/Events",
    },
)

ACTIVITY: Final = Resource(
    kind="activity",
    segment="Activities",
    key="activities",
    prefix="WA",
    parameters=(_NAME, ResourceParameter("Available", kinds.flag, On.CREATE, default=False)),
    filters=(ListFilter("FriendlyName"), ListFilter("Available", kind=kinds.flag)),
    links=_WORKSPACE,
)

TASK_QUEUE: Final = Resource(
    kind="task_queue",
    segment="TaskQueues",
    key="task_queues",
    prefix="WQ",
    parameters=(
        _NAME,
        ResourceParameter("TargetWorkers", kinds.text(), default="1==1", effect=_KEPT),
        ResourceParameter("MaxReservedWorkers", kinds.integer(1, 50), default=1),
        ResourceParameter("TaskOrder", _ORDER, default="FIFO", effect=_KEPT),
        ResourceParameter(
            "ReservationActivitySid", kinds.sid_of("WA"), effect=_KEPT, refers_to="activity"
        ),
        ResourceParameter(
            "AssignmentActivitySid", kinds.sid_of("WA"), effect=_KEPT, refers_to="activity"
        ),
    ),
    filters=(
        ListFilter("FriendlyName"),
        ListFilter("EvaluateWorkerAttributes", kind=kinds.expression, effect=_IGNORED),
        ListFilter("WorkerSid", effect=_IGNORED),  # every worker is eligible for every queue
    ),
    orderings=("DateCreated", "DateUpdated", "FriendlyName"),
    links={
        "assignment_activity": "{workspace}/Activities/{assignment_activity_sid}",
        "reservation_activity": "{workspace}/Activities/{reservation_activity_sid}",
        **_WORKSPACE,
        **_statistics("{self}"),
        "list_statistics": "{workspace}/TaskQueues/Statistics",
        "bulk_real_time_statistics": "{workspace}/TaskQueues/RealTimeStatistics",
    },
)

WORKFLOW: Final = Resource(
    kind="workflow",
    segment="Workflows",
    key="workflows",
    prefix="WW",
    parameters=(
        _NAME,
        ResourceParameter("Configuration", kinds.json_text, is_required=True),
        ResourceParameter("AssignmentCallbackUrl", kinds.url),
        ResourceParameter("FallbackAssignmentCallbackUrl", kinds.url),
        ResourceParameter("TaskReservationTimeout", _SECONDS),  # by default the setting's
        ResourceParameter(
            "ReEvaluateTasks", kinds.text(), On.UPDATE, effect=_IGNORED, is_shown=False
        ),
    ),
    filters=(ListFilter("FriendlyName"),),
    links=_statistics("{self}"),
)

TASK_CHANNEL: Final = Resource(
    kind="task_channel",
    segment="TaskChannels",
    key="channels",
    prefix="TC",
    parameters=(
        _NAME,
        ResourceParameter("UniqueName", kinds.text(), On.CREATE, is_required=True),
        ResourceParameter("ChannelOptimizedRouting", kinds.flag, default=True, effect=_KEPT),
    ),
    links=_WORKSPACE,
)

WORKER: Final = Resource(
    kind="worker",
    segment="Workers",
    key="workers",
    prefix="WK",
    parameters=(
        _NAME,
        ResourceParameter("ActivitySid", kinds.sid_of("WA"), refers_to="activity"),
        ResourceParameter("Attributes", kinds.json_object),
        ResourceParameter("RejectPendingReservations", kinds.flag, On.UPDATE, is_shown=False),
    ),
    filters=(
        ListFilter("ActivityName"),
        ListFilter("ActivitySid"),
        ListFilter("Available", kind=kinds.flag),
        ListFilter("FriendlyName"),
        ListFilter("TargetWorkersExpression", kind=kinds.expression, effect=_IGNORED),
        ListFilter("TaskQueueName", effect=_IGNORED),  # every worker is eligible for every queue
        ListFilter("TaskQueueSid", effect=_IGNORED),
    ),
    orderings=("DateCreated", "DateUpdated", "DateStatusChanged", "FriendlyName"),
    links={
        "channels": "{self}/Channels",
        "activity": "{workspace}/Activities/{activity_sid}",
        **_WORKSPACE,
        **_statistics("{workspace}/Workers"),
        "worker_statistics": "{self}/Statistics",
        "worker_channels": "{self}/Channels",
        "reservations": "{self}/Reservations",
    },
    has_version=True,
)

TASK: Final = Resource(
    kind="task",
    segment="Tasks",
    key="tasks",
    prefix="WT",
    parameters=(
        ResourceParameter("Timeout", kinds.integer(1, 1_209_600), On.CREATE, default=86_400),
        ResourceParameter("Priority", kinds.integer(0, kinds.MAX_PRIORITY), default=0),
        ResourceParameter("TaskChannel", kinds.text(), default="default", effect=_KEPT),
        ResourceParameter("WorkflowSid", kinds.sid_of("WW"), On.CREATE, refers_to="workflow"),
        ResourceParameter("Attributes", kinds.json_object),
        ResourceParameter("VirtualStartTime", kinds.date, effect=_KEPT),
        ResourceParameter("RoutingTarget", kinds.sid_of("WK", "WQ", "WW"), On.CREATE),
        ResourceParameter("IgnoreCapacity", kinds.flag, On.CREATE, default=False, effect=_KEPT),
        ResourceParameter("TaskQueueSid", kinds.sid_of("WQ"), On.CREATE, refers_to="task_queue"),
        ResourceParameter("AssignmentStatus", kinds.word(*TaskStatus), On.UPDATE),
        ResourceParameter("Reason", kinds.text(), On.UPDATE),
    ),
    filters=(
        ListFilter("Priority", kind=kinds.integer(0, kinds.MAX_PRIORITY)),
        ListFilter("AssignmentStatus", kind=kinds.word(*TaskStatus), is_list=True),
        ListFilter("WorkflowSid"),
        ListFilter("WorkflowName", "workflow_friendly_name"),
        ListFilter("TaskQueueSid"),
        ListFilter("TaskQueueName", "task_queue_friendly_name"),
        ListFilter("EvaluateTaskAttributes", kind=kinds.expression, effect=_IGNORED),
        ListFilter("RoutingTarget"),
        ListFilter("HasAddons", kind=kinds.flag, effect=_IGNORED),  # no task has any
    ),
    orderings=("DateCreated", "Priority", "VirtualStartTime"),
    links={
        "task_queue": "{workspace}/TaskQueues/{task_queue_sid}",
        "workflow": "{workspace}/Workflows/{workflow_sid}",
        **_WORKSPACE,
        "reservations": "{self}/Reservations",
    },
    has_version=True,
)

RESOURCES: Final = {
    resource.segment: resource
    for resource in (WORKSPACE, ACTIVITY, WORKER, TASK, TASK_QUEUE, WORKFLOW, TASK_CHANNEL)
}
"""All resources, by their collections in a path."""


def find_wrong_value(kind: str, fields: Mapping[str, Json]) -> str | None:
    """Return the name of a wrong property of a stored record."""
    resource = next((each for each in RESOURCES.values() if each.kind == kind), None)
    names = {} if resource is None else default_values(resource)
    if fields.keys() != names.keys():
        return min(fields.keys() ^ names.keys())
    for parameter in () if resource is None else resource.parameters:
        name = parameter.property_name
        if parameter.is_shown and not _can_be_stored(parameter, fields[name]):
            return name
    return None


def _can_be_stored(parameter: ResourceParameter, value: Json) -> bool:
    if value is None:
        return parameter.default is None and not parameter.is_required
    text = str(value).lower() if isinstance(value, bool) else str(value)
    try:
        found = parameter.kind(text)
    except ValueError:
        return False
    return (type(found), found) == (type(value), value)
