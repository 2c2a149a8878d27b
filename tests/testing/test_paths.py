"""The kit's paths are all there are, lead where they say, and can be driven; the oracle is the tables written by hand."""

from collections import Counter

import pytest

from reservation_core import ON_HOLD, CommandNotAllowed, Reservation, Status, perform
from reservation_core.domain.lifecycle import TRIGGERS
from reservation_core.emulator import InMemoryGateway, Platform
from reservation_core.testing.paths import (
    EDGES,
    Path,
    RefusedCommand,
    arrive,
    edge_paths,
    example,
    refused_commands,
    shortest_path,
    shortest_paths,
    simple_paths,
    trigger_label,
    walk,
)
from tests.reference.oracle import rows

ENDS = {"rejected", "timeout", "canceled", "rescinded", "completed"}
HEX = "0" * 32
WHERE = Reservation(
    sid=f"WR{HEX}",
    account_sid=f"AC{HEX}",
    workspace_sid=f"WS{HEX}",
    task_sid=f"WT{HEX}",
    worker_sid=f"WK{HEX}",
    status=Status.PENDING,
)


def ways(state: str, seen: tuple[str, ...] = ()) -> list[list[tuple[str, str]]]:
    """Find every simple way on from a state by the tables written by hand: pairs of a state and the next."""
    if state in ENDS:
        return [[]]
    steps = [(row["from"], row["to"]) for row in rows("facts") if row["from"] == state]
    for row in rows("matrix"):
        if row["state"] == state and row["allowed"] == "yes":
            steps.append(
                (state, {"later": ON_HOLD, "nothing": state}.get(row["sets"], row["sets"]))
            )
    found: list[list[tuple[str, str]]] = []
    for step in steps:
        if step[1] not in (*seen, state):
            found += [[step, *rest] for rest in ways(step[1], (*seen, state))]
    return found


def test_the_simple_paths_are_all_there_are() -> None:
    """Every way from pending to an end without a circle, by the tables written by hand, is a simple path, as often as it is a way."""
    given = Counter(
        tuple((str(edge.source), str(edge.target)) for edge in path.edges)
        for path in simple_paths()
    )
    assert given == Counter(map(tuple, ways("pending")))
    assert len(simple_paths()) == len(set(map(str, simple_paths()))) == 43


def test_simple_paths_begin_anywhere() -> None:
    """From another state the paths are those that are left, and from an end there is only the one that stays."""
    assert sorted(map(str, simple_paths(Status.WRAPPING))) == ["complete", "completed"]
    assert [path.end for path in simple_paths(ON_HOLD)].count(Status.CANCELED) == 1
    (stay,) = simple_paths(Status.REJECTED)
    assert (str(stay), stay.edges, stay.states) == ("rejected", (), (Status.REJECTED,))


def test_the_shortest_paths() -> None:
    """There is one shortest path to each of the nine states, of the length a person counts."""
    lengths = {str(path.end): len(path.edges) for path in shortest_paths()}
    one = ["accepted", "rejected", "timeout", "canceled", "rescinded", ON_HOLD]
    assert lengths == {"pending": 0, **dict.fromkeys(one, 1), "wrapping": 2, "completed": 2}
    assert [len(path.edges) for path in shortest_paths()] == sorted(lengths.values())
    assert str(shortest_path(Status.COMPLETED)) == "accept-complete"
    assert {str(path.end) for path in shortest_paths(Status.ACCEPTED)} == {
        "accepted",
        "wrapping",
        "completed",
    }


def test_no_way_back() -> None:
    """Where no path leads, that is said."""
    with pytest.raises(LookupError, match="from completed to pending"):
        shortest_path(Status.PENDING, Status.COMPLETED)


def test_the_edge_paths_walk_every_edge() -> None:
    """Each edge, also one that stays where it is, ends one path, and their names are all different."""
    assert [path.edges[-1] for path in edge_paths()] == list(EDGES)
    assert len(EDGES) == len(rows("facts")) + sum(row["allowed"] == "yes" for row in rows("matrix"))
    assert len(set(map(str, edge_paths()))) == len(EDGES)
    assert "accept-wrap-supervise" in map(str, edge_paths())


def test_the_refusals_are_all_there_are() -> None:
    """Every command × state that the matrix written by hand does not allow is a refusal."""
    assert {(refusal.trigger, refusal.state) for refusal in refused_commands()} == {
        (row["command"], row["state"])
        for row in rows("matrix")
        if row["allowed"] == "no" and "+" not in row["command"]
    }
    assert len(refused_commands()) == 70
    assert str(RefusedCommand("wrap", Status.PENDING)) == "wrap-while-pending"


@pytest.mark.parametrize("path", [*simple_paths(), *edge_paths()], ids=str)
def test_every_path_can_be_walked(path: Path) -> None:
    """The emulated platform goes along every path, one act of its journal a step, and the client holds each state on the way."""
    gateway = InMemoryGateway()
    taken = list(walk(path, gateway.platform.add(WHERE), gateway, gateway.platform.set_status))
    assert tuple(edge for edge, _ in taken) == path.edges
    assert tuple(held.state for _, held in taken) == path.states[1:]
    assert [act.trigger for act in gateway.platform.journal if act.sid == WHERE.sid][
        -len(path.edges) :
    ] == [edge.trigger for edge in path.edges]


@pytest.mark.parametrize("refusal", refused_commands(), ids=str)
def test_every_refusal_can_be_met(refusal: RefusedCommand) -> None:
    """In every state that a shortest path leads to, each command that is no step is refused before anything is sent."""
    gateway = InMemoryGateway()
    held = arrive(
        shortest_path(refusal.state),
        gateway.platform.add(WHERE),
        gateway,
        gateway.platform.set_status,
    )
    assert held.state == refusal.state
    journal = len(gateway.platform.journal)
    with pytest.raises(CommandNotAllowed):
        perform(held, example(refusal.trigger), gateway)
    assert len(gateway.platform.journal) == journal


def test_a_step_that_leads_elsewhere_is_told() -> None:
    """When the platform goes another way than the path, the walk says which step it was."""

    def other(sid: str, _: Status) -> object:
        return platform.set_status(sid, Status.CANCELED)

    platform = Platform()
    with pytest.raises(
        AssertionError, match="timeout leads from pending to timeout, and led to canceled"
    ):
        list(
            walk(
                shortest_path(Status.TIMEOUT), platform.add(WHERE), InMemoryGateway(platform), other
            )
        )


def test_examples_are_of_every_kind() -> None:
    """There is an example of each command, the two that may accept at once in both ways, and none of anything else."""
    assert [example(trigger).trigger for trigger in TRIGGERS] == list(TRIGGERS)
    assert not example("call").is_accepting
    assert example("call", accept=True).is_accepting
    assert {trigger_label(edge) for edge in EDGES} >= {
        "call",
        "call+accept",
        "redirect",
        "redirect+accept",
    }
    with pytest.raises(KeyError):
        example("dance")
