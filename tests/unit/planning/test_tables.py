"""Tables of policies: what options lay over them, and whose windows pruning goes by."""

import pytest

from carrel.errors import RefusedError
from carrel.planning.deciding import overlaid, table_of

NIGHT = {"start": "19:00", "end": "07:00", "timezone": "Europe/Berlin", "grace_minutes": 5}


def test_pruning_without_windows_goes_by_those_of_the_quiet_hours() -> None:
    tables = {"quiet_hours": {**NIGHT, "enabled": False}, "prune": {"exclude_users": ["ada"]}}
    assert table_of(tables, "prune") == {
        "start": "19:00", "end": "07:00", "timezone": "Europe/Berlin", "exclude_users": ["ada"],
    }  # fmt: skip


def test_pruning_with_windows_of_its_own_goes_by_these_alone() -> None:
    tables = {"quiet_hours": NIGHT, "prune": {"rule": [{"start": "00:00", "end": "04:00"}]}}
    assert table_of(tables, "prune") == tables["prune"]


def test_other_policies_read_their_own_tables_without_the_switch() -> None:
    assert table_of({"quiet_hours": {**NIGHT, "enabled": True}}, "quiet_hours") == NIGHT
    assert table_of({"quiet_hours": NIGHT}, "autostop") == {}


def test_what_is_laid_over_wins_key_by_key_and_puts_its_policy_into_force() -> None:
    found = overlaid({"prune": {"native": True, "duration_hours": 4}}, {"prune": {"native": False}})
    assert found == {"prune": {"native": False, "duration_hours": 4}}
    assert overlaid({}, {"autostop": {}}) == {"autostop": {}}


def test_what_the_settings_switch_off_is_not_put_into_force() -> None:
    with pytest.raises(RefusedError) as caught:
        overlaid({"prune": {"enabled": False}}, {"prune": {}})
    assert caught.value.code == "policy_switched_off"
