"""`carrel autostop` against a simulated deployment."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.cli.fleets.rehearsal import NIGHT, Rehearsal

Cli = Callable[..., Any]
HOUR = timedelta(hours=1)
DAY = NIGHT.replace("18:00", "23:00")


def due(deployment: Rehearsal, name: str, ahead: timedelta | None) -> None:
    """Set a workspace's deadline so far ahead; the deployment forgets to stop it."""
    space = deployment.space(name)
    deadline = None if ahead is None else deployment.world.now + ahead
    space.latest.clock = replace(space.latest.clock, deadline=deadline)
    space.due = None


def sources(cli: Cli, name: str) -> dict[str, dict[str, Any]]:
    found = cli("autostop", "detect", name, "--json").json["workspaces"]
    assert [one["workspace"] for one in found] == [name]
    return {one["source"]: one for one in found[0]["sources"]}


def test_every_source_of_a_stop_is_told_with_its_reason(cli: Cli, deployment: Rehearsal) -> None:
    name = min(deployment.on())
    due(deployment, name, HOUR)
    found = sources(cli, name)
    assert set(found) >= {
        "deadline", "time_to_live", "template_default", "requirement", "activity_bump",
        "autostart", "quiet_hours", "dormancy", "deletion", "failure_cleanup",
        "policy:quiet_hours",
    }  # fmt: skip
    assert all(one["why"] for one in found.values())
    assert (found["deadline"]["applies"], found["deadline"]["by"]) == (True, "native")
    assert found["policy:quiet_hours"]["by"] == "ours"
    told = cli("autostop", "detect", name).out
    assert "What applies" in told
    assert "What does not" in told


def test_what_is_stopped_and_put_to_sleep_is_not_said_to_be_kept(
    cli: Cli, deployment: Rehearsal
) -> None:
    deployment.settings(f"{NIGHT}[policy.prune]\nspare_active = false\nnative = false\n")
    name = min(deployment.on())
    (one,) = cli("autostop", "detect", name, "--json").json["workspaces"]
    assert (one["stopped_by"], one["kept_because"]) == ("policy:prune", "")
    assert "It is kept" not in cli("autostop", "detect", name).out


@pytest.mark.parametrize(
    ("ahead", "source", "at"),
    [
        (HOUR, "deadline", "2026-03-03T21:00:00+00:00"),
        (9 * HOUR, "policy:quiet_hours", "2026-03-03T23:30:00+00:00"),
    ],
)
def test_the_first_of_them_stops_it(
    cli: Cli, deployment: Rehearsal, ahead: timedelta, source: str, at: str
) -> None:
    name = min(deployment.on())
    deployment.settings(DAY)
    due(deployment, name, ahead)
    one = cli("autostop", "detect", name, "--json").json["workspaces"][0]
    assert (one["stopped_by"], one["stops_at"]) == (source, at)


def test_the_timeline_has_the_stops_in_the_order_of_time(cli: Cli, deployment: Rehearsal) -> None:
    first, second = sorted(deployment.on())[:2]
    deployment.settings(DAY)
    due(deployment, first, 2 * HOUR)
    due(deployment, second, HOUR)
    found = cli("autostop", "timeline", "--json").json
    times = [one["at"] for one in found["stops"]]
    assert times == sorted(times)
    names = [one["workspace"] for one in found["stops"]]
    assert names.index(second) < names.index(first)
    assert set(names) | set(found["never"]) == deployment.on()
    near = cli("autostop", "timeline", "--within", "90m", "--json").json["stops"]
    assert second in [one["workspace"] for one in near]
    assert first not in [one["workspace"] for one in near]
    assert cli("autostop", "timeline").out.index(second) < cli("autostop", "timeline").out.index(
        first
    )


def test_one_users_stops_only(cli: Cli, deployment: Rehearsal) -> None:
    owner = min(deployment.on()).partition("/")[0]
    found = cli("autostop", "detect", "--user", owner, "--json").json["workspaces"]
    assert {one["workspace"].partition("/")[0] for one in found} == {owner}
    failed = cli("autostop", "timeline", "--user", "nobody-at-all", "--json", expect=5)
    assert failed.error["code"] == "unknown_fleet_user"


@pytest.mark.parametrize("verb", ["detect", "timeline"])
def test_a_workspace_and_a_user_do_not_go_together(
    cli: Cli, deployment: Rehearsal, verb: str
) -> None:
    name = min(deployment.on())
    failed = cli("autostop", verb, name, "--user", "somebody-else", "--json", expect=2)
    assert failed.error["code"] == "bad_options"


def test_what_is_kept_is_not_stopped_by_us(cli: Cli, deployment: Rehearsal) -> None:
    name = min(deployment.on())
    due(deployment, name, None)
    deployment.settings(f"{NIGHT}[policy.exclusions]\nworkspaces = ['{name}']\n")
    one = cli("autostop", "detect", name, "--json").json["workspaces"][0]
    assert one["stopped_by"] != "policy:quiet_hours"
    assert "xclu" in one["kept_because"]


def test_a_run_stops_what_the_deployment_forgot_and_what_is_idle(
    cli: Cli, deployment: Rehearsal
) -> None:
    forgotten, later, *_ = sorted(deployment.on())
    deployment.settings("[safety]\nmax_percent = 100\n")
    due(deployment, forgotten, -HOUR)
    due(deployment, later, HOUR)
    space = deployment.space(forgotten)
    space.connections, space.connected_since = 0, None
    shown = cli("autostop", "run", "--json").json
    assert [one["workspace"] for one in shown["plan"]["actions"]] == [forgotten]
    assert forgotten in deployment.on()
    done = cli("autostop", "run", "--execute", "--json").json
    assert [one["state"] for one in done["report"]["progress"]] == ["done"]
    assert forgotten not in deployment.on()
    assert later in deployment.on()
