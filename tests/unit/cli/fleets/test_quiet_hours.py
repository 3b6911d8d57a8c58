"""`carrel quiet-hours` against a simulated deployment."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.cli.fleets.rehearsal import NIGHT, Rehearsal

if TYPE_CHECKING:
    from carrel.simulators.coder.model.workspaces import Space

Cli = Callable[..., Any]
WIDE = "\n[safety]\nmax_percent = 100\n"


def categories(cli: Cli, *options: str) -> dict[str, str]:
    found = cli("quiet-hours", "categorize", "--json", *options).json
    return {one["workspace"]: one["category"] for one in found["workspaces"]}


def names(plan: dict[str, Any]) -> set[str]:
    return {one["workspace"] for one in plan["actions"]}


def expire(deployment: Rehearsal, name: str) -> "Space":
    """Let a running workspace's time to live be over, and nobody stop it for that."""
    space = deployment.space(name)
    clock = space.latest.clock
    space.latest.clock = replace(clock, deadline=deployment.world.now - timedelta(hours=1))
    space.due = None
    return space


def test_status_says_where_the_windows_come_from_and_who_runs_in_them(
    cli: Cli, deployment: Rehearsal
) -> None:
    deployment.settings(NIGHT.replace("native = false", ""))
    told = cli("quiet-hours", "status").out
    assert "The deployment keeps quiet hours; they count, and those of carrel.toml." in told
    assert "rule 'fleet'" in told
    found = cli("quiet-hours", "status", "--json").json
    assert found["windows"]["source"] == "native"
    assert sum(found["categories"].values()) == found["running"]


def test_every_running_workspace_has_one_of_the_documented_categories(
    cli: Cli, deployment: Rehearsal
) -> None:
    first, second, third = sorted(deployment.on())[:3]
    deployment.settings(
        f"{NIGHT}excluded_workspaces = ['{first}']\n"
        f"[[policy.exclusions.rule]]\nworkspaces = ['{second}']\nreason = 'the release'\n"
    )
    cli("quiet-hours", "status")
    found = cli("quiet-hours", "categorize", "--json").json
    by = {one["workspace"]: one for one in found["workspaces"]}
    assert set(by) >= deployment.on()
    assert by[first]["category"] == by[second]["category"] == "excluded"
    assert first in by[first]["reason"]
    assert "the release" in by[second]["reason"]
    assert by[third]["category"] == "stopping_now"
    assert {one["category"] for one in by.values()} <= {
        "stopping_now", "in_grace", "running_past_end", "ttl_expired", "normal", "excluded",
    }  # fmt: skip
    told = cli("quiet-hours", "categorize").out
    assert "the release" in told
    assert "Excluded" in told


@pytest.mark.parametrize(
    ("start", "end", "category"),
    [
        ("18:00", "06:00", "stopping_now"),
        ("19:45", "06:00", "in_grace"),
        ("22:00", "06:00", "normal"),
        ("19:00", "19:55", "running_past_end"),
    ],
)
def test_the_category_goes_by_the_clock(
    cli: Cli, deployment: Rehearsal, start: str, end: str, category: str
) -> None:
    name = min(deployment.on())
    deployment.settings(NIGHT.replace("18:00", start).replace("06:00", end))
    assert categories(cli)[name] == category


def test_a_time_zone_moves_the_windows(cli: Cli, deployment: Rehearsal) -> None:
    name = min(deployment.on())
    assert categories(cli)[name] == "stopping_now"
    assert categories(cli, "--timezone", "America/Los_Angeles")[name] != "stopping_now"
    failed = cli("quiet-hours", "categorize", "--timezone", "Mars/Base", "--json", expect=2)
    assert failed.error["code"] == "bad_policy"


def test_without_execute_and_with_dry_run_the_same_plan_is_only_shown(
    cli: Cli, deployment: Rehearsal
) -> None:
    deployment.settings(NIGHT + WIDE)
    before = deployment.on()
    shown = cli("quiet-hours", "run", "--json").json
    rehearsed = cli("quiet-hours", "run", "--execute", "--dry-run", "--json").json
    assert shown["dry_run"] is rehearsed["dry_run"] is True
    assert shown["plan"]["actions"] == rehearsed["plan"]["actions"] != []
    assert names(shown["plan"]) == before
    assert deployment.on() == before


def test_a_run_tells_who_is_in_grace_and_until_when(cli: Cli, deployment: Rehearsal) -> None:
    deployment.settings(NIGHT.replace("18:00", "19:45") + WIDE)
    found = cli("quiet-hours", "run", "--json").json
    assert found["plan"]["actions"] == []
    assert found["in_grace"] == len(deployment.on())
    assert found["next_due"] == "2026-03-03T20:15:00+00:00"
    assert "in grace, which ends at 2026-03-03 20:15" in cli("quiet-hours", "run").out


def test_a_lease_excludes_while_it_lasts(cli: Cli, deployment: Rehearsal) -> None:
    name = min(deployment.on())
    cli("snooze", name, "--for", "2h", "--reason", "the demo")
    found = cli("quiet-hours", "categorize", "--json").json["workspaces"]
    [kept] = [one for one in found if one["workspace"] == name]
    assert kept["category"] == "excluded"
    assert "the demo" in kept["reason"]
    deployment.settings(NIGHT + WIDE)
    assert name not in names(cli("quiet-hours", "run", "--force", "--json").json["plan"])


def test_execute_stops_what_the_plan_said_and_a_second_run_has_nothing_to_do(
    cli: Cli, deployment: Rehearsal
) -> None:
    deployment.settings(NIGHT + WIDE)
    planned = names(cli("quiet-hours", "run", "--json").json["plan"])
    done = cli("quiet-hours", "run", "--execute", "--json").json
    assert names(done["plan"]) == planned
    assert {one["state"] for one in done["report"]["progress"]} == {"done"}
    assert not planned & deployment.on()
    assert deployment.double_stops() == []
    again = cli("quiet-hours", "run", "--execute", "--json").json
    assert again["plan"]["actions"] == []
    assert again["report"] is None


def test_force_adds_what_its_time_to_live_should_have_stopped(
    cli: Cli, deployment: Rehearsal
) -> None:
    deployment.settings(NIGHT.replace("18:00", "23:00") + WIDE)
    late, excluded = sorted(deployment.on())[:2]
    expire(deployment, late)
    expire(deployment, excluded)
    deployment.settings(
        NIGHT.replace("18:00", "23:00") + WIDE + f"[policy.exclusions]\nworkspaces = ['{excluded}']"
    )
    assert categories(cli)[late] == "ttl_expired"
    assert names(cli("quiet-hours", "run", "--json").json["plan"]) == set()
    done = cli("quiet-hours", "run", "--execute", "--force", "--json").json
    assert names(done["plan"]) == {late}
    assert [one["state"] for one in done["report"]["progress"]] == ["done"]
    assert excluded in deployment.on()
    assert late not in deployment.on()


def test_force_stops_nobody_whom_quiet_hours_leave_alone_and_corrects_nothing(
    cli: Cli, deployment: Rehearsal
) -> None:
    excluded = min(deployment.on())
    expire(deployment, excluded)
    deployment.settings(
        NIGHT.replace("18:00", "23:00")
        + f"excluded_workspaces = ['{excluded}']\n[policy.time_to_live]\nmax_hours = 1\n{WIDE}"
    )
    assert categories(cli, "--force")[excluded] == "excluded"
    assert names(cli("quiet-hours", "run", "--force", "--json").json["plan"]) == set()


def test_force_overrides_neither_caps_nor_a_freeze(cli: Cli, deployment: Rehearsal) -> None:
    deployment.settings(f"{NIGHT}[safety]\nmax_stops = 2\n")
    planned = cli("quiet-hours", "run", "--force", "--json").json["plan"]
    assert len(planned["actions"]) == 2
    assert planned["held_back"]
    cli("freeze", "--json")
    before = deployment.on()
    failed = cli("quiet-hours", "run", "--execute", "--force", "--json", expect=6)
    assert failed.error["code"] == "frozen"
    assert deployment.on() == before


def test_a_policy_that_is_switched_off_is_not_run(cli: Cli, deployment: Rehearsal) -> None:
    deployment.settings(f"{NIGHT}enabled = false\n")
    failed = cli("quiet-hours", "run", "--json", expect=6)
    assert failed.error["code"] == "policy_switched_off"


def test_without_licensed_quiet_hours_the_windows_are_ours_and_it_says_so(
    cli: Cli, unlicensed: Rehearsal
) -> None:
    for command in ("status", "categorize", "report", "run"):
        told = cli("quiet-hours", command)
        assert "Windows come from carrel.toml alone" in told.out
        found = cli("quiet-hours", command, "--json").json["windows"]
        assert (found["native"], found["rules"]) == (False, 1)
    unlicensed.settings("")
    assert "No window is set." in cli("quiet-hours", "run").out


def test_the_deployments_own_quiet_hours(cli: Cli, deployment: Rehearsal) -> None:
    found = cli("quiet-hours", "enterprise", "--json").json
    assert found["source"] == "native"
    assert found["default"]["schedule"] == "CRON_TZ=UTC 0 0 * * *"
    assert found["default"]["begins"] == "2026-03-04T00:00:00+00:00"
    one = found["users"][0]
    mine = cli("quiet-hours", "enterprise", "--user", one["username"], "--json").json
    assert mine["users"] == [one]
    assert one["username"] in cli("quiet-hours", "enterprise", "--user", one["username"]).out


def test_where_they_are_not_licensed_it_is_said(cli: Cli, unlicensed: Rehearsal) -> None:
    found = cli("quiet-hours", "enterprise", "--json").json
    assert found["source"] != "native"
    assert found["why"]
    assert found["users"] == []


def test_nobody_of_that_name_has_quiet_hours(cli: Cli, deployment: Rehearsal) -> None:
    failed = cli("quiet-hours", "enterprise", "--user", "nobody", "--json", expect=5)
    assert failed.error["code"] == "unknown_fleet_user"
