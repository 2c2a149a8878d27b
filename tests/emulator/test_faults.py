from reservation_core.emulator.faults import Fault, FaultKind, FaultPlan


def test_plan_gives_each_request_its_first_matching_fault() -> None:
    plan = FaultPlan(
        [Fault(kind=FaultKind.RESET_BEFORE, method="POST", path_contains="WT1", times=2)]
    )
    plan.add(Fault(kind=FaultKind.THROTTLED))
    taken = [
        plan.take(*request)
        for request in (
            ("POST", "/WT2"),
            ("GET", "/WT1"),
            ("POST", "/WT1/x"),
            ("POST", "/WT1"),
            ("POST", "/WT1"),
        )
    ]
    assert [None if fault is None else fault.kind for fault in taken] == [
        FaultKind.THROTTLED,
        None,
        FaultKind.RESET_BEFORE,
        FaultKind.RESET_BEFORE,
        None,
    ]


def test_fault_delay_is_half_a_minute_only_for_lost_messages() -> None:
    assert {kind: Fault(kind).delay for kind in FaultKind} == {
        kind: 30.0 if kind in (FaultKind.LOST_REQUEST, FaultKind.LOST_REPLY) else 0.0
        for kind in FaultKind
    }
    assert Fault(FaultKind.LOST_REPLY, seconds=1.5).delay == 1.5
