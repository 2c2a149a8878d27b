"""Paths hold well-formed SIDs only, on both routes."""

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservation_core import (
    Accept,
    Address,
    IncompleteReservation,
    Route,
    prepare,
    prepare_fetch,
)
from reservation_core.rest.addresses import (
    collection_path,
    parent_paths,
    parse_path,
    reservation_path,
)
from reservation_core.testing.strategies.texts import near_sids
from tests.rest.examples import EMPTY, HEX, PATHS, PENDING, changed

ADDRESS_FIELDS: Final = [
    (route, field) for route in Route for field in ("sid", "workspace_sid", f"{route.value}_sid")
]


@pytest.mark.parametrize(
    "wrong",
    [
        "WR{}?x=1",
        "WR{}/",
        "/WR{}",
        "..",
        "../WR{}",
        "WR{}\n",
        "\nWR{}",
        "WR{}#",
        "WR{}%2F..",
        " WR{}",
        "WR1",
        "",
        None,
        5,
        b"WR",
        "XX{}",
    ],
)
@pytest.mark.parametrize(("route", "field"), ADDRESS_FIELDS)
def test_malformed_sid_is_refused_and_named(route: Route, field: str, wrong: object) -> None:
    right = getattr(PENDING, field)
    value = wrong.replace("WR{}", right).format(HEX) if isinstance(wrong, str) else wrong
    broken = changed(PENDING, **{field: value})
    with pytest.raises(IncompleteReservation, match=field) as caught:
        prepare(broken, Accept(), route=route)
    assert caught.value.missing == (field,)
    with pytest.raises(IncompleteReservation, match=field):
        prepare_fetch(broken, route=route)


@given(st.data(), st.sampled_from(ADDRESS_FIELDS))
@settings(max_examples=60)
def test_near_miss_of_a_sid_is_refused(data: st.DataObject, place: tuple[Route, str]) -> None:
    route, field = place
    broken = changed(PENDING, **{field: data.draw(near_sids(getattr(PENDING, field)[:2]))})
    with pytest.raises(IncompleteReservation):
        prepare(broken, Accept(), route=route)


@pytest.mark.parametrize("route", Route)
def test_all_missing_sids_of_the_route_are_named(route: Route) -> None:
    with pytest.raises(IncompleteReservation) as caught:
        prepare(EMPTY, Accept(), route=route)
    assert set(caught.value.missing) == {"workspace_sid", f"{route.value}_sid", "sid"}
    other = {"task_sid": None} if route is Route.WORKER else {"worker_sid": None}
    assert (
        prepare(changed(PENDING, account_sid=None, **other), Accept(), route=route).path
        == PATHS[route]
    )


def test_unknown_route_is_refused() -> None:
    with pytest.raises(ValueError, match="banana"):
        prepare(PENDING, Accept(), route="banana")


# --- paths ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", Route)
def test_path_is_parsed_as_it_was_written(route: Route) -> None:
    fields = {"workspace_sid": f"WS{HEX}", f"{route.value}_sid": getattr(PENDING, f"{route}_sid")}
    address = Address(sid=PENDING.sid, **fields)
    assert parse_path(reservation_path(PENDING, route)) == (route, address)
    assert parse_path(reservation_path(PENDING, route) + "?x=/1") == (route, address)
    assert parse_path(collection_path(PENDING, route)) == (route, Address(**fields))


@pytest.mark.parametrize("path", ["", "/v1/Workspaces/WS1/Tasks/WT1", "/v1/Workspaces/WS1/Events"])
def test_other_path_is_not_parsed(path: str) -> None:
    assert parse_path(path) is None


def test_parent_paths_are_those_of_workspace_task_and_worker() -> None:
    workspace = f"/v1/Workspaces/WS{HEX}"
    assert parent_paths(PENDING) == (
        workspace,
        f"{workspace}/Tasks/WT{HEX}",
        f"{workspace}/Workers/WK{HEX}",
    )
    with pytest.raises(IncompleteReservation, match="worker_sid"):
        parent_paths(changed(PENDING, worker_sid=None))
