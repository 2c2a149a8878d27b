"""Counts of what the emulator has of the official description."""

from tests.docs.emulator_coverage import ACTING, EFFECTS, read_operations, write_emulator

OPERATIONS = {(each.method, each.path): each for each in read_operations()}
ROOT = "/v1/Workspaces/{WorkspaceSid}"


def test_each_parameter_of_a_reservation_update_acts_or_is_checked() -> None:
    update = OPERATIONS["POST", f"{ROOT}/Tasks/{{TaskSid}}/Reservations/{{Sid}}"]
    assert len(update.effects) == 55  # 54 of the form, and If-Match
    assert update.effects.keys() >= ACTING
    assert set(update.effects.values()) == {"acts", "checked"}
    assert (update.effects["CallAccept"], update.effects["Beep"]) == ("acts", "checked")


def test_effects_of_a_task_are_those_of_its_declaration() -> None:
    create = OPERATIONS["POST", f"{ROOT}/Tasks"]
    assert (create.effects["Priority"], create.effects["TaskChannel"]) == ("acts", "kept")


def test_literal_at_the_end_of_a_path_is_not_a_sid() -> None:
    assert not OPERATIONS["GET", f"{ROOT}/Workers/Statistics"].is_emulated
    assert OPERATIONS["GET", f"{ROOT}/Workers/{{Sid}}"].is_emulated


def test_page_counts_every_operation_and_parameter() -> None:
    text = write_emulator()
    emulated = sum(each.is_emulated for each in OPERATIONS.values())
    assert (
        f"Of {len(OPERATIONS)} operations in the official description, it has {emulated}." in text
    )
    total = sum(len(each.effects) for each in OPERATIONS.values())
    assert f"Of {total} parameters," in text
    assert {effect for each in OPERATIONS.values() for effect in each.effects.values()} == set(
        EFFECTS
    )
