"""`carrel policy simulate`, `backtest` and `forecast` against a simulated deployment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.fleets.rehearsal import NIGHT, Rehearsal

from carrel.cli.fleets.answers import ANSWERS

Cli = Callable[..., Any]
PRICES = '[policy.budget]\ncurrency = "EUR"\n[policy.budget.prices]\n"*" = 0.5\n'
FIGURES = ("running_hours", "saved_hours", "money", "saved_money")


def fields(name: str) -> set[str]:
    return set(ANSWERS[name].split())


@pytest.fixture
def priced(deployment: Rehearsal) -> Rehearsal:
    """The deployment with quiet hours and prices; its logs tell of the days before."""
    deployment.settings(NIGHT + PRICES)
    return deployment


def test_a_simulation_answers_with_its_fields(cli: Cli, deployment: Rehearsal) -> None:
    found = cli("policy", "simulate", "--at", "+1h", "--json").json
    assert set(found) == fields("policy simulate")
    assert found["decisions"]["stop"] >= len(found["plan"]["actions"]) > 0
    assert found["recorded"] is False


def test_a_backtest_tells_each_stop_and_its_sums_agree(cli: Cli, priced: Rehearsal) -> None:
    asked = ("policy", "backtest", "--since", "2d")
    found = cli(*asked, "--json").json
    assert set(found) == fields("policy backtest")
    assert (found["source"], found["currency"]) == ("logs", "EUR")
    stops, hits = found["stops"], found["hits"]
    assert stops
    assert hits == [one for one in stops if one["hit"]]
    assert {one["policy"] for one in stops} == {"quiet_hours"} == set(found["by_policy"])
    mine = found["by_policy"]["quiet_hours"]
    assert (mine["stops"], mine["hits"]) == (len(stops), len(hits))
    assert mine["saved_hours"] == found["saved_hours"] > 0
    assert found["saved_money"] == pytest.approx(found["saved_hours"] / 2, abs=0.02)
    assert found["came_back"] == sum(one["met"] == "came_back" for one in stops)
    for name in FIGURES:
        days = sum(day[name] for day in found["days"].values())
        assert days == pytest.approx(found[name], abs=0.05)
    told = cli(*asked).out
    assert f"{len(stops)} stops" in told
    assert "EUR" in told
    everything = cli(*asked, "--show-all").out
    assert all(one["workspace"] in everything for one in stops)


def test_a_backtest_tries_another_file_and_only_some_policies(
    cli: Cli, priced: Rehearsal, tmp_path: Path
) -> None:
    other = tmp_path / "later.toml"
    other.write_text(NIGHT.replace("18:00", "23:00"))
    asked = ("policy", "backtest", "--since", "2d", "--json")
    now, later = cli(*asked).json, cli(*asked, "--config", str(other)).json
    assert later["saved_hours"] < now["saved_hours"]
    assert (later["currency"], later["money"]) == ("", 0.0)
    assert any("price book" in note for note in later["notes"])
    only = cli(*asked, "--policy", "budget").json
    assert (only["stops"], "quiet_hours" in only["policies"]) == ([], False)
    assert {"exclusions", "keep_alive", "working"} <= set(only["policies"])


@pytest.mark.parametrize(
    ("words", "code", "expect"),
    [
        (["backtest", "--since", "2d", "--policy", "prune"], "policy_not_in_force", 2),
        (["backtest", "--since", "2d", "--from", "hearsay"], "usage", 2),
        (["backtest", "--since", "2d", "--from", "recorded"], "nothing_recorded", 5),
        (["backtest", "--since", "1d", "--until", "2d"], "bad_time_span", 2),
        (["forecast", "--days", "0"], "bad_number", 2),
        (["simulate", "--at", "whenever"], "bad_moment", 2),
    ],
)
def test_what_can_not_be_foreseen_is_told(
    cli: Cli, deployment: Rehearsal, words: list[str], code: str, expect: int
) -> None:
    assert cli("policy", *words, "--json", expect=expect).error["code"] == code


def test_a_forecast_tells_what_it_stands_on_and_what_stops_first(
    cli: Cli, priced: Rehearsal
) -> None:
    asked = ("policy", "forecast", "--days", "14")
    found = cli(*asked, "--json").json
    assert set(found) == fields("policy forecast")
    assert found["rhythm"]["source"] == "logs"
    assert found["sure"] == {0: "low", 1: "low", 2: "medium", 3: "medium"}.get(
        found["rhythm"]["weeks"], "high"
    )
    spaces = found["workspaces"]
    assert found["stops"] == sum(one["stops"] for one in spaces) > 0
    assert [one["first"] for one in spaces] == sorted(one["first"] for one in spaces)
    assert found["since"] <= spaces[0]["first"] <= found["until"]
    assert (found["least"] is None) == (found["most"] is None)
    told = cli(*asked, "--show-all").out
    assert f"How sure: {found['sure']}." in told
    assert all(one["workspace"] in told for one in spaces)
