from collections import Counter

import pytest

from reservation_core import ON_HOLD, CommandNotAllowed, Reservation, Status, perform
from reservation_core.domain.lifecycle import EDGES, TRIGGERS
from reservation_core.emulator import InMemoryGateway, Platform, Settings
from reservation_core.testing.paths import (
    Path,
    RefusedCommand,
    edge_paths,
    example_command,
    refused_commands,
    shortest_path,
    shortest_paths,
    simple_paths,
    trigger_label,
    walk,
    walk_to_end,
    walkable_edges,
)
from tests.reference.oracle import rows

TERMINAL = {"rejected", "timeout", "canceled", "rescinded", "completed"}
HEX = "0" * 32
RESERVED = Reservation(
    sid=f"WR{HEX}",
    account_sid=f"AC{HEX}",
    workspace_sid=f"WS{HEX}",
    task_sid=f"WT{HEX}",
    worker_sid=f"WK{HEX}",
    status=Status.PENDING,
)


def simple_routes(
    state: str, seen: tuple[str, ...] = (), *, without: str
) -> list[list[tuple[str, str]]]:
    """Return every simple path from a state by the reference tables.

    :param without: the accept of the other kind of task.
    """
    if state in TERMINAL:
        return [[]]
    steps = [(row["from"], row["to"]) for row in rows("facts") if row["from"] == state]
    for row in rows("matrix"):
        if row["state"] == state and row["allowed"] == "yes" and row["command"] != without:
            steps.append(
                (state, {"later": ON_HOLD, "nothing": state}.get(row["sets"], row["sets"]))
            )
    found: list[list[tuple[str, str]]] = []
    for step in steps:
        if step[1] not in (*seen, state):
            found += [
                [step, *rest] for rest in simple_routes(step[1], (*seen, state), without=without)
            ]
    return found


@pytest.mark.parametrize(
    ("orchestrated", "without", "count"),
    [(False, "accept+orchestrated", 43), (True, "accept", 44)],
)
def test_simple_paths_are_those_of_the_reference_tables(
    orchestrated: bool, without: str, count: int
) -> None:
    paths = simple_paths(orchestrated=orchestrated)
    found = Counter(
        tuple((str(edge.source), str(edge.target)) for edge in path.edges) for path in paths
    )
    assert found == Counter(map(tuple, simple_routes("pending", without=without)))
    assert len(paths) == len(set(map(str, paths))) == count


def test_simple_paths_start_in_any_state() -> None:
    assert sorted(map(str, simple_paths(Status.WRAPPING))) == ["complete", "completed"]
    assert [path.end for path in simple_paths(ON_HOLD)].count(Status.CANCELED) == 1
    (empty,) = simple_paths(Status.REJECTED)
    assert (str(empty), empty.edges, empty.states) == ("rejected", (), (Status.REJECTED,))


def test_shortest_paths_reach_each_state_once_in_the_fewest_steps() -> None:
    lengths = {str(path.end): len(path.edges) for path in shortest_paths()}
    one_step = ["accepted", "rejected", "timeout", "canceled", "rescinded", ON_HOLD]
    assert lengths == {"pending": 0, **dict.fromkeys(one_step, 1), "wrapping": 2, "completed": 2}
    assert [len(path.edges) for path in shortest_paths()] == sorted(lengths.values())
    assert str(shortest_path(Status.COMPLETED)) == "accept-complete"
    assert {str(path.end) for path in shortest_paths(Status.ACCEPTED)} == {
        "accepted",
        "wrapping",
        "completed",
    }


def test_shortest_path_to_an_unreachable_state_is_an_error() -> None:
    with pytest.raises(LookupError, match="from completed to pending"):
        shortest_path(Status.PENDING, Status.COMPLETED)


def test_edge_paths_end_with_every_edge() -> None:
    walked = {path.edges[-1] for path in (*edge_paths(), *edge_paths(orchestrated=True))}
    assert walked == set(EDGES)
    assert [path.edges[-1] for path in edge_paths()] == list(walkable_edges())
    assert [edge for edge in EDGES if edge not in walkable_edges()] == [
        path.edges[-1] for path in edge_paths(orchestrated=True) if "orch" in str(path)[-12:]
    ]
    assert len(EDGES) == len(rows("facts")) + sum(row["allowed"] == "yes" for row in rows("matrix"))
    assert len(set(map(str, edge_paths()))) == len(walkable_edges()) == len(EDGES) - 1
    assert "accept-wrap-supervise" in map(str, edge_paths())


def test_refused_commands_are_those_of_the_reference_matrix() -> None:
    assert {(refusal.trigger, refusal.state) for refusal in refused_commands()} == {
        (row["command"], row["state"])
        for row in rows("matrix")
        if row["allowed"] == "no" and "+" not in row["command"]
    }
    assert len(refused_commands()) == 70
    assert str(RefusedCommand("wrap", Status.PENDING)) == "wrap-while-pending"


@pytest.mark.parametrize("path", [*simple_paths(), *edge_paths()], ids=str)
def test_walk_follows_every_path(path: Path) -> None:
    follow_path(path, InMemoryGateway())


@pytest.mark.parametrize(
    "path", [*simple_paths(orchestrated=True), *edge_paths(orchestrated=True)], ids=str
)
def test_walk_follows_every_path_of_an_orchestrated_task(path: Path) -> None:
    follow_path(path, InMemoryGateway(Platform(settings=Settings(orchestrated_accept=True))))


def follow_path(path: Path, gateway: InMemoryGateway) -> None:
    """Walk a path, and compare it with the platform's journal."""
    platform = gateway.platform
    walked = list(walk(path, platform.add(RESERVED), gateway, platform.set_status))
    assert tuple(edge for edge, _ in walked) == path.edges
    assert tuple(held.state for _, held in walked) == path.states[1:]
    acts = [act.trigger for act in platform.journal if act.sid == RESERVED.sid]
    assert acts[-len(path.edges) :] == [edge.trigger for edge in path.edges]


@pytest.mark.parametrize("refusal", refused_commands(), ids=str)
def test_every_refusal_is_met_before_anything_is_sent(refusal: RefusedCommand) -> None:
    gateway = InMemoryGateway()
    platform = gateway.platform
    path = shortest_path(refusal.state)
    held = walk_to_end(path, platform.add(RESERVED), gateway, platform.set_status)
    assert held.state == refusal.state
    journal = len(platform.journal)
    with pytest.raises(CommandNotAllowed):
        perform(held, example_command(refusal.trigger), gateway)
    assert len(platform.journal) == journal


def test_walk_fails_at_a_step_that_leads_elsewhere() -> None:
    platform = Platform()
    gateway = InMemoryGateway(platform)

    def cancel(sid: str, _: Status) -> object:
        return platform.set_status(sid, Status.CANCELED)

    with pytest.raises(
        AssertionError,
        match="timeout leads from pending to timeout, but the reservation is canceled",
    ):
        list(walk(shortest_path(Status.TIMEOUT), platform.add(RESERVED), gateway, cancel))


def test_example_command_exists_for_every_trigger() -> None:
    assert [example_command(trigger).trigger for trigger in TRIGGERS] == list(TRIGGERS)
    assert not example_command("call").is_accepting
    assert example_command("call", accept=True).is_accepting
    assert {trigger_label(edge) for edge in EDGES} >= {
        "call",
        "call+accept",
        "redirect",
        "redirect+accept",
    }
    with pytest.raises(KeyError):
        example_command("dance")
