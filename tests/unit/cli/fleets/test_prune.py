"""`carrel prune` against a simulated deployment."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.cli.fleets.rehearsal import NIGHT, Rehearsal

Cli = Callable[..., Any]
WIDE = "\n[safety]\nmax_percent = 100\n[policy.prune]\nspare_active = false\nnative = false\n"


@pytest.fixture(autouse=True)
def night(deployment: Rehearsal) -> None:
    """Everybody has the quiet hours of carrel.toml, and nobody at work is spared."""
    deployment.settings(NIGHT + WIDE)


def listed(cli: Cli, *options: str) -> dict[str, dict[str, Any]]:
    found = cli("prune", "--json", *options).json
    return {one["workspace"]: one for one in found["workspaces"] if one["standing"] == "prune"}


def test_by_default_only_ones_own_workspaces_count(
    cli: Cli, deployment: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = min(deployment.on()).partition("/")[0]
    assert listed(cli) == {}  # the administrator has none
    assert set(listed(cli, "--all")) == deployment.on()
    mine = {name for name in deployment.on() if name.startswith(f"{owner}/")}
    assert set(listed(cli, "--user", owner)) == mine
    monkeypatch.setenv("CODER_SESSION_TOKEN", deployment.token_of(owner))
    assert set(listed(cli)) <= mine


@pytest.mark.parametrize("kind", ["org", "user", "template"])
def test_filters_include_and_exclude(cli: Cli, deployment: Rehearsal, kind: str) -> None:
    every = listed(cli, "--all")
    key = {"org": "organization", "user": "owner", "template": "template"}[kind]
    values = sorted({one[key] for one in every.values()})
    assert len(values) > 1
    some = {name for name, one in every.items() if one[key] == values[0]}
    assert set(listed(cli, f"--include-{kind}", values[0])) == some
    assert set(listed(cli, "--all", f"--exclude-{kind}", values[0])) == set(every) - some
    assert set(listed(cli, f"--include-{kind}", values[0].upper())) == some
    both = (f"--include-{kind}", values[0], f"--include-{kind}", values[1])
    assert some < set(listed(cli, *both))
    assert listed(cli, f"--include-{kind}", values[0], f"--exclude-{kind}", values[0]) == {}


def test_groups_are_those_of_the_owner(cli: Cli, deployment: Rehearsal) -> None:
    team = next(one for one in deployment.world.teams.values() if one.name != "Everyone")
    people = {deployment.world.people[one].username for one in team.members}
    members = {name for name in deployment.on() if name.partition("/")[0] in people}
    assert set(listed(cli, "--include-group", team.name)) == members
    assert set(listed(cli, "--all", "--exclude-group", team.name)) == deployment.on() - members


def test_kinds_are_combined(cli: Cli, deployment: Rehearsal) -> None:
    every = listed(cli, "--all")
    name, one = min(every.items())
    found = listed(
        cli, "--include-org", one["organization"], "--include-template", one["template"],
        "--exclude-user", one["owner"],
    )  # fmt: skip
    wanted = {
        other
        for other, facts in every.items()
        if facts["organization"] == one["organization"]
        and facts["template"] == one["template"]
        and facts["owner"] != one["owner"]
    }
    assert set(found) == wanted
    assert name not in found


def test_what_the_settings_exclude_stays_excluded(cli: Cli, deployment: Rehearsal) -> None:
    first, second = sorted({name.partition("/")[0] for name in deployment.on()})[:2]
    deployment.settings(f"{NIGHT}{WIDE}exclude_users = ['{first}']\n")
    found = listed(cli, "--all", "--exclude-user", second, "--include-user", first)
    assert found == {}


def test_two_options_that_say_whose_are_refused(cli: Cli, deployment: Rehearsal) -> None:
    first, second = sorted({name.partition("/")[0] for name in deployment.on()})[:2]
    failed = cli("prune", "--user", first, "--include-user", second, "--json", expect=2)
    assert failed.error["code"] == "bad_options"


def test_listing_and_a_dry_run_change_nothing(cli: Cli, deployment: Rehearsal) -> None:
    before = deployment.on()
    shown = cli("prune", "--all", "--json").json
    rehearsed = cli("prune", "--all", "--cleanup", "--dry-run", "--json").json
    assert shown["plan"]["actions"] == rehearsed["plan"]["actions"] != []
    assert shown["dry_run"] is rehearsed["dry_run"] is True
    assert deployment.on() == before
    assert "--cleanup" in cli("prune", "--all").out


def test_cleanup_stops_and_makes_dormant_and_can_be_undone(cli: Cli, deployment: Rehearsal) -> None:
    name = min(deployment.on())
    owner = name.partition("/")[0]
    done = cli("prune", "--user", owner, "--cleanup", "--json").json
    assert [one["deed"] for one in done["plan"]["actions"]][:2] == ["stop", "make_dormant"]
    assert {one["state"] for one in done["report"]["progress"]} == {"done"}
    space = deployment.space(name)
    assert not space.running
    assert space.dormant_at is not None
    assert not space.deleted
    assert cli("prune", "--user", owner, "--cleanup", "--json").json["plan"]["actions"] == []
    cli("plan", "undo", done["plan"]["plan_id"])
    assert space.running
    assert space.dormant_at is None


def test_the_backends_own_nights_last_as_long_as_is_said(cli: Cli, deployment: Rehearsal) -> None:
    deployment.settings("[policy.prune]\nspare_active = false\n")
    # The default begins at midnight: 20 hours later it lasts only if it is long enough.
    assert len(listed(cli, "--all", "--duration", "21")) > len(listed(cli, "--all"))
    failed = cli("prune", "--duration", "25", "--json", expect=2)
    assert failed.error["code"] == "bad_duration"


def test_who_is_at_work_is_spared_unless_the_settings_say_otherwise(
    cli: Cli, deployment: Rehearsal
) -> None:
    deployment.settings(NIGHT + WIDE.replace("spare_active = false", ""))
    found = cli("prune", "--all", "--json").json["workspaces"]
    busy = {one["workspace"] for one in found if one["standing"] == "active"}
    assert busy
    planned = cli("prune", "--all", "--json").json["plan"]["actions"]
    assert not busy & {one["workspace"] for one in planned}


def test_without_licensed_quiet_hours_the_windows_are_ours_and_it_says_so(
    cli: Cli, unlicensed: Rehearsal
) -> None:
    assert "Windows come from carrel.toml alone" in cli("prune", "--all").out
    assert cli("prune", "--all", "--json").json["windows"]["native"] is False
    unlicensed.settings("")
    assert "No window is set." in cli("prune", "--all").out


def test_a_filter_that_fits_nothing_is_told(cli: Cli) -> None:
    found = cli("prune", "--all", "--exclude-user", "jonh", "--json").json
    assert found["unfit"] == ["Nothing that was seen fits 'users: jonh'."]
    assert "Nothing that was seen fits 'users: jonh'." in cli("prune", "--exclude-user", "jonh").out
    assert cli("prune", "--all", "--json").json["unfit"] == []
