"""`carrel ttl` against a simulated deployment."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.cli.fleets.rehearsal import Rehearsal

from carrel.control.fleet import living
from carrel.control.fleet.context import FleetContext
from carrel.errors import FailedError
from carrel.simulators.coder.model.workspaces import Space

Cli = Callable[..., Any]
HOUR = timedelta(hours=1)


def due(deployment: Rehearsal, name: str, ahead: timedelta) -> Space:
    """Let a workspace's deadline lie so far ahead; the deployment forgets to stop it."""
    space = deployment.space(name)
    deadline = deployment.world.now + ahead
    space.latest.clock = replace(space.latest.clock, deadline=deadline)
    space.due = None
    return space


def listed(found: dict[str, Any]) -> dict[str, str]:
    return {one["workspace"]: one["standing"] for one in found["workspaces"]}


@pytest.fixture
def names(deployment: Rehearsal) -> list[str]:
    """Four running workspaces: late, soon, in time, and one that nothing stops."""
    late, soon, later, never = sorted(deployment.on())[:4]
    due(deployment, late, -HOUR)
    due(deployment, soon, HOUR / 2)
    due(deployment, later, 5 * HOUR)
    deployment.space(never).latest.clock = replace(
        deployment.space(never).latest.clock, deadline=None
    )
    return [late, soon, later, never]


def test_the_report_tells_who_is_late_and_who_stops_soon(
    cli: Cli, deployment: Rehearsal, names: list[str]
) -> None:
    late, soon, later, never = names
    found = cli("ttl", "report", "--json").json
    assert late in found["should_have_stopped"]
    assert soon in found["will_stop_soon"]
    left = {one["workspace"]: one["left_seconds"] for one in found["workspaces"]}
    assert (left[late], left[never]) == (-3600, None)
    assert 0 < left[soon] <= 3600, "whoever is at work moves it on"
    assert listed(found)[never] == "unlimited"
    assert later not in listed(found)
    assert found["running"] == len(deployment.on())
    told = cli("ttl", "report").out
    assert "1 should have stopped" in told
    assert "1h ago" in told
    everything = listed(cli("ttl", "report", "--show-all", "--json").json)
    assert everything[later] == "compliant"
    assert set(everything) == deployment.on()


@pytest.mark.parametrize("threshold", ["6h", "6", "360m"])
def test_the_threshold_says_what_is_soon(cli: Cli, names: list[str], threshold: str) -> None:
    found = cli("ttl", "report", "--threshold", threshold, "--json").json
    assert found["threshold_seconds"] == 6 * 3600
    assert {names[1], names[2]} <= set(found["will_stop_soon"])


def test_a_report_of_one_user_has_no_others(cli: Cli, deployment: Rehearsal) -> None:
    owner = min(deployment.on()).partition("/")[0]
    found = cli("ttl", "report", "--user", owner, "--show-all", "--json").json
    assert {one["owner"] for one in found["workspaces"]} == {owner}
    failed = cli("ttl", "report", "--user", owner + "x", "--json", expect=5)
    assert failed.error["code"] == "unknown_fleet_user"
    assert owner in failed.error["cure"]


def test_other_organizations_are_looked_at_on_request(
    cli: Cli, deployment: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = next(
        one
        for one in deployment.world.people.values()
        if f"{one.username}/" in " ".join(deployment.on())
    )
    monkeypatch.setenv("CODER_SESSION_TOKEN", deployment.token_of(member.username))
    mine = cli("ttl", "report", "--show-all", "--json").json
    every = cli("ttl", "report", "--show-all", "--all-orgs", "--json").json
    assert set(mine["organizations"]) <= set(every["organizations"])
    assert mine["running"] + mine["left_out"] == every["running"]


def test_a_time_to_live_that_the_policy_demands_and_nobody_has_is_drift(
    cli: Cli, deployment: Rehearsal
) -> None:
    deployment.settings("[policy.time_to_live]\nrequired_hours = 8\nmax_hours = 9\n")
    found = cli("ttl", "report", "--json").json
    drift = [one for one in found["workspaces"] if one["standing"] == "drift"]
    assert drift
    assert all("required" in one["reason"] or "longest" in one["reason"] for one in drift)
    assert found["percent"] < 100


def test_what_is_late_is_told_though_its_time_is_against_the_rules_too(
    cli: Cli, deployment: Rehearsal, names: list[str]
) -> None:
    deployment.settings("[policy.time_to_live]\nmax_hours = 0.5\nrequired_hours = 0.5\n")
    found = cli("ttl", "report", "--json").json
    assert listed(found)[names[0]] == "overdue"
    assert listed(found)[names[2]] == "drift"
    assert names[1] in found["will_stop_soon"]


def test_watching_tells_the_whole_at_first_and_then_what_changed(
    cli: Cli, deployment: Rehearsal, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    late, soon, later, _ = names
    waits: list[float] = []
    look = living.compliance

    def looked(ctx: FleetContext, **named: object) -> living.Compliance:
        if len(waits) == 2:
            raise FailedError("fleet_unreachable", "Nobody answers.")
        return look(ctx, **named)  # type: ignore[arg-type]

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:
            deployment.advance(4.5 * HOUR)
        if len(waits) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(living, "compliance", looked)
    monkeypatch.setattr(deployment.clock, "wait", wait)
    said = cli("ttl", "watch", "--interval", "5", expect=130)
    first, second = said.out.split("2026-03-04 00:30:00 UTC\n")[:2]
    assert late in first
    assert soon in first
    assert later not in first
    assert f"{later}: will stop soon (it was: in time)" in second
    assert "Nobody answers." in said.err
    assert waits == [300.0] * 4


def test_watching_fails_at_once_where_the_first_look_does(
    cli: Cli, deployment: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODER_SESSION_TOKEN", "wrong")
    assert cli("ttl", "watch", "--json", expect=None).error["code"] == "token_refused"


def test_a_time_to_live_is_set_and_taken_back(
    cli: Cli, deployment: Rehearsal, names: list[str]
) -> None:
    space = deployment.space(names[2])
    before = space.ttl
    rehearsed = cli("ttl", "set", names[2], "7h", "--dry-run", "--json").json
    assert rehearsed["plan"]["actions"][0]["argument"] == 7 * 3600 * 1000
    assert space.ttl == before
    done = cli("ttl", "set", names[2], "7h", "--reason", "asked", "--json").json
    assert space.ttl == 7 * HOUR
    assert done["plan"]["actions"][0]["reason"] == "asked"
    assert "counts from the next start" in done["plan"]["notes"][0]
    cli("plan", "undo", done["plan"]["plan_id"], "--json")
    assert space.ttl == before


def test_a_time_to_live_is_taken_away(cli: Cli, deployment: Rehearsal, names: list[str]) -> None:
    assert "set ttl none" in cli("ttl", "set", names[2], "none").out
    assert deployment.space(names[2]).ttl is None
    assert deployment.space(names[2]).latest.clock.deadline is None


@pytest.mark.parametrize(
    ("length", "code", "exit_code"),
    [("999h", "bad_ttl", 2), ("soon", "bad_duration", 2), ("10h", "ttl_refused", 6)],
)
def test_what_can_or_may_not_be_set_is_refused(
    cli: Cli, deployment: Rehearsal, names: list[str], length: str, code: str, exit_code: int
) -> None:
    deployment.settings("[policy.time_to_live]\nmax_hours = 9\n")
    before = deployment.space(names[2]).ttl
    failed = cli("ttl", "set", names[2], length, "--json", expect=exit_code)
    assert failed.error["code"] == code
    assert deployment.space(names[2]).ttl == before


def test_what_the_template_sets_is_not_even_planned(
    cli: Cli, deployment: Rehearsal, names: list[str]
) -> None:
    blueprint = deployment.world.blueprints[deployment.space(names[2]).template_id]
    blueprint.rules = replace(blueprint.rules, allow_user_autostop=False)
    failed = cli("ttl", "set", names[2], "7h", "--dry-run", "--json", expect=6)
    assert failed.error["code"] == "ttl_refused"
    assert "its template sets it" in failed.error["message"]
    assert cli("plan", "ls", "--json").json["plans"] == []


def test_a_deadline_is_moved(cli: Cli, deployment: Rehearsal, names: list[str]) -> None:
    space = deployment.space(names[2])
    before = space.latest.clock.deadline
    assert before is not None
    cli("ttl", "extend", names[2], "45m", "--dry-run")
    assert space.latest.clock.deadline == before
    cli("ttl", "extend", names[2], "45m")
    assert space.latest.clock.deadline == before + timedelta(minutes=45)
    failed = cli("ttl", "extend", names[3], "45m", "--json", expect=6)
    assert failed.error["code"] == "no_deadline"
