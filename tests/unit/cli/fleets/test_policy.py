"""`carrel policy` against a rehearsal: what is known, what is odd, and why."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.cli.fleets.rehearsal import NIGHT, Rehearsal

from carrel.cli.fleets.answers import ANSWERS

Cli = Callable[..., Any]


def test_policies_are_listed_with_their_state_without_a_deployment(
    cli: Cli, deployment: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CODER_URL")
    deployment.settings(f"{NIGHT}\n[policy.autostop]\nenabled = false\n")
    listed = {one["name"]: one for one in cli("policy", "ls", "--json").json["policies"]}
    states = {"working": "always", "quiet_hours": "on", "autostop": "off", "prune": "unset"}
    assert {name: listed[name]["state"] for name in states} == states
    assert listed["quiet_hours"]["in_force"]
    assert not listed["autostop"]["in_force"]
    assert listed["keep_alive"]["keeps"]
    assert listed["quiet_hours"]["settings"]["start"] == "18:00"
    told = cli("policy", "ls").out
    assert "switched off" in told
    assert "[policy.NAME]" in told


def test_a_check_tells_what_matches_nothing_and_ends_well(cli: Cli, deployment: Rehearsal) -> None:
    deployment.settings(f'{NIGHT}\nexcluded_users = ["nobody-has-this-name"]\n')
    found = cli("policy", "check", "--json").json
    assert set(found) == set(ANSWERS["policy check"].split())
    assert found["ok"]
    assert any("nobody-has-this-name" in one["message"] for one in found["findings"])
    assert "nobody-has-this-name" in cli("policy", "check").out


def test_a_check_ends_with_1_when_a_rule_is_wrong(
    cli: Cli, deployment: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CODER_URL")
    deployment.settings("[policy.time_to_live]\nrequired_hours = 9\nmax_hours = 8\n")
    found = cli("policy", "check", "--offline", "--json", expect=1).json
    assert not found["ok"]
    assert found["offline"]
    (wrong,) = [one for one in found["findings"] if one["severity"] == "error"]
    assert wrong["policy"] == "time_to_live"
    assert (
        "Make required_hours at most max_hours."
        in cli("policy", "check", "--offline", expect=1).out
    )


def test_bad_settings_are_told_with_their_cure_and_nothing_is_done(
    cli: Cli, deployment: Rehearsal
) -> None:
    running = deployment.on()
    cases = {
        'start = "18:00"\nend = "06:00"\ntimezone = "Mars/Base"\n': "Mars/Base",
        'start = "25:00"\nend = "06:00"\n': "start is wrong",
        "grace_minute = 3\n": "grace_minutes",
    }
    for text, word in cases.items():
        deployment.settings(f"[policy.quiet_hours]\n{text}")
        for words in (["policy", "check"], ["govern"], ["policy", "explain", "x"]):
            error = cli(*words, "--json", expect=2).error
            assert error["code"] == "bad_policy"
            assert word in error["message"] + error["cure"]
    assert deployment.on() == running


def test_everything_about_a_workspace_is_explained(cli: Cli, deployment: Rehearsal) -> None:
    plan = cli("govern", "--dry-run", "--json").json["plan"]
    name = plan["actions"][0]["workspace"]
    found = cli("policy", "explain", name, "--json").json
    assert set(found) == set(ANSWERS["policy explain"].split())
    assert (found["decision"], found["winner"]) == ("stop", "quiet_hours")
    rules = {one["policy"]: one for one in found["rules"]}
    assert set(rules) == {"exclusions", "keep_alive", "working", "quiet_hours"}
    assert rules["quiet_hours"]["outcome"] == "wins"
    assert rules["quiet_hours"]["reason"] in found["answer"]
    assert all(one["reason"] for one in found["rules"])
    assert found["next_change"]
    inputs = {one["name"] for one in found["inputs"]}
    assert {"activity", "time to live", "deadline", "owner's quiet hours"} <= inputs
    told = cli("policy", "explain", name).out
    assert "It is to be stopped now, by quiet_hours" in told
    assert "changes next at 2026-03-04 06:00" in told
    assert "wins" in told


def test_another_moment_gives_another_answer(cli: Cli, deployment: Rehearsal) -> None:
    name = cli("govern", "--dry-run", "--json").json["plan"]["actions"][0]["workspace"]
    noon = cli("policy", "explain", name, "--at", "2026-03-03T12:00Z", "--json").json
    assert noon["at"] == "2026-03-03T12:00:00+00:00"
    assert noon["winner"] != "quiet_hours"
    later = cli("policy", "explain", name, "--at", "+16h", "--json").json
    assert later["at"].startswith("2026-03-04T12:00")
    assert later["winner"] != "quiet_hours"
    bad = cli("policy", "explain", name, "--at", "late", "--json", expect=2)
    assert bad.error["code"] == "bad_moment"


def test_explaining_asks_for_one_workspace_and_not_for_the_fleet(
    cli: Cli, deployment: Rehearsal
) -> None:
    name = min(deployment.on())
    served = deployment.dispatcher.served
    served.clear()
    cli("policy", "explain", name)
    assert "/workspaces" not in served
    assert sum(served.values()) < 20
    unknown = cli("policy", "explain", "nobody/nothing", "--json", expect=5)
    assert unknown.error["code"] == "unknown_fleet_workspace"


def test_a_simulated_plan_is_shown_whole_for_it_is_stored_nowhere(
    cli: Cli, deployment: Rehearsal
) -> None:
    deployment.settings(f"{NIGHT}\n[policy.time_to_live]\nrequired_hours = 1\nmax_hours = 2\n")
    actions = cli("policy", "simulate", "--at", "+1h", "--json").json["plan"]["actions"]
    assert len(actions) > 20
    told = cli("policy", "simulate", "--at", "+1h").out
    assert [one["workspace"] for one in actions if one["workspace"] not in told] == []
    assert "plan show" not in told
    assert cli("plan", "ls", "--json").json["plans"] == []
