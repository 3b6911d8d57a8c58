"""What a month has cost its holders so far: what ends costs no more, and each month begins anew."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from carrel.domain.fleet.people import User
from carrel.planning.metering import Meter
from carrel.testing.observations import NOW, observation, workspace

HOUR, TEN = timedelta(hours=1), timedelta(days=10)
DESK = workspace()
SHED = workspace(workspace_id="w2", owner_id="u-bob", owner="bob", template="java")
SEEN = observation(DESK, SHED)


def month(at: datetime) -> tuple[datetime, datetime]:
    """A month of ten days."""
    begin = NOW + (at - NOW) // TEN * TEN
    return begin, begin + TEN


def test_what_ends_costs_no_more() -> None:
    meter = Meter(month)
    meter.on(DESK, 2.0, NOW)
    meter.on(SHED, 3.0, NOW)
    meter.off(DESK, 2.0, NOW + 2 * HOUR)
    spent = meter.at(NOW + 5 * HOUR, SEEN)
    assert dict(spent) == {
        "user:ann": 4.0,
        "template:python": 4.0,
        "user:bob": 15.0,
        "template:java": 15.0,
        "group:devs": 4.0,
    }
    assert len(spent) == 5
    with pytest.raises(KeyError):
        spent["user:eve"]


def test_a_month_begins_at_nothing_whoever_runs_on() -> None:
    meter = Meter(month)
    meter.on(DESK, 2.0, NOW)
    assert meter.at(NOW + TEN - HOUR, SEEN)["user:ann"] == 2 * 239
    assert meter.at(NOW + TEN + 3 * HOUR, SEEN)["user:ann"] == 6.0
    meter.off(DESK, 2.0, NOW + TEN + 4 * HOUR)
    assert meter.at(NOW + 2 * TEN - HOUR, SEEN)["user:ann"] == 8.0
    assert meter.at(NOW + 2 * TEN, SEEN)["user:ann"] == 0.0


def test_what_starts_counts_from_its_start_and_without_a_price_it_costs_nothing() -> None:
    meter = Meter(month)
    meter.on(SHED, None, NOW)
    meter.on(DESK, 2.0, NOW + HOUR)
    meter.on(replace(DESK, workspace_id="w3"), 2.0, NOW + 2 * HOUR)
    spent = meter.at(NOW + 4 * HOUR, SEEN)
    assert (spent["user:bob"], spent["user:ann"]) == (0.0, 10.0)


def test_a_group_costs_what_its_present_members_do() -> None:
    meter = Meter(month)
    meter.on(DESK, 2.0, NOW)
    meter.on(SHED, 3.0, NOW)
    assert meter.at(NOW + HOUR, SEEN)["group:devs"] == 2.0
    joined = {**SEEN.users, "u-bob": User("u-bob", "bob", groups=frozenset({"g-devs"}))}
    assert meter.at(NOW + HOUR, replace(SEEN, users=joined))["group:devs"] == 5.0
