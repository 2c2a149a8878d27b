import pytest

from reservation_core.testing import strategies as kit
from reservation_core.testing.faults import FaultKind, Rival
from tests.testing.drawing import drawn


def test_plans_cover_every_fault() -> None:
    found = drawn(kit.plans(), 150)
    faults = [fault for plan in found for fault in plan]
    assert {fault.kind for fault in faults} == set(FaultKind)
    assert {fault.rival for fault in faults} == set(Rival)
    assert {fault.status for fault in faults} == {500, 503}
    assert {fault.retry_after for fault in faults} == {None, 0.0, 2.0, 60.0}
    assert {fault.late for fault in faults} == {1, 2, 3}
    assert {len(plan) for plan in found} == set(range(9))


@pytest.mark.parametrize("longest", [0, 3])
def test_plans_keep_to_the_given_faults_and_length(longest: int) -> None:
    kinds = [FaultKind.NONE, FaultKind.THROTTLED]
    found = drawn(kit.plans(kinds, [Rival.CANCELS], longest=longest), 60)
    assert max(len(plan) for plan in found) == longest
    assert {fault.kind for plan in found for fault in plan} <= set(kinds)
    assert {fault.rival for plan in found for fault in plan} <= {Rival.CANCELS}
