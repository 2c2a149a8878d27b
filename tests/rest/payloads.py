"""Bodies of official material, and helpers to read any payload."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, TypedDict, cast

import pytest
from hypothesis import strategies as st

from reservation_core import (
    MalformedReply,
    Reservation,
    ReservationError,
    Status,
    read_reservation,
)
from tests.reference.oracle import load

Body: TypeAlias = dict[str, object]


class Response(TypedDict):
    """One recorded body of the reference files."""

    id: str
    kind: str
    http_status: int | None
    reservation_status: str | None
    body: Body


RESPONSES: Final = cast("dict[str, list[Response]]", load("responses"))["responses"]


REST: Final = {
    **{
        response["id"]: response["body"]
        for response in RESPONSES
        if response["kind"] == "rest_resource"
    },
    **{
        f"{response['id']}[{number}]": row
        for response in RESPONSES
        if response["kind"] == "list"
        for number, row in enumerate(cast("list[Body]", response["body"]["reservations"]))
    },
}
"""The reservations of official material in the REST API's own shape, by source."""


TODAY: Final = {
    name: body for name, body in REST.items() if body["reservation_status"] != "reserved"
}


WORKER_SDK: Final = {
    response["id"]: response["body"]
    for response in RESPONSES
    if response["kind"] == "event_bridge_reservation"
}


SID_PREFIXES: Final = {
    "sid": "WR",
    "account_sid": "AC",
    "workspace_sid": "WS",
    "task_sid": "WT",
    "worker_sid": "WK",
}


FULL: Final = TODAY["rest-resource-00"]


CALLBACK: Final = {
    "Timestamp": "1400000000",
    "AccountSid": "AC" + "0" * 32,
    "WorkspaceSid": "WS" + "1" * 32,
    "WorkflowSid": "WW" + "2" * 32,
    "TaskQueueSid": "WQ" + "3" * 32,
    "WorkerSid": "WK" + "4" * 32,
    "WorkerName": "Käthe & Söhne",
    "WorkerAttributes": '{"contact_uri": "+15005550006"}',
    "TaskSid": "WT" + "5" * 32,
    "TaskAttributes": '{"from": "+15005550009", "note": "a=b&c"}',
    "TaskAge": "0",
    "TaskPriority": "0",
    "ReservationSid": "WR" + "6" * 32,
}
"""The documented form of an assignment callback."""


TEXTS: Final[Mapping[str, Callable[[str], str | bytes]]] = {
    "str": str,
    "bytes": str.encode,
    "bytes with a byte order mark": lambda text: text.encode("utf-8-sig"),
}
"""The ways a text arrives."""


def faults_of(payload: Mapping[str, object] | str | bytes) -> list[str]:
    """Return the paths of all faults of an unreadable payload."""
    with pytest.raises(MalformedReply) as caught:
        read_reservation(payload)
    return [fault.path for fault in caught.value.faults]


HALVES: Final = st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF, categories=["Cs"])


JSON: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.text(HALVES, max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=12) | st.sampled_from([*FULL, "task"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)
"""Every value JSON has, and halves of characters, which its escapes can say too."""


def outcome(payload: Mapping[str, object] | str | bytes) -> Reservation | ReservationError:
    """Return the reservation or the error that a payload becomes."""
    try:
        return read_reservation(payload)
    except ReservationError as error:
        return error


def attempt(payload: Mapping[str, object] | str | bytes) -> None:
    """Read any payload: it becomes a reservation, or an error that can be printed."""
    read = outcome(payload)
    if isinstance(read, Reservation):
        assert read.status in Status
    else:
        assert isinstance(read, MalformedReply)
        assert read.faults
        assert str(read)
        assert repr(read)
