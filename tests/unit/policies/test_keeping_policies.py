"""What only keeps: exclusions, keep-alive leases, work under way."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from carrel.domain.fleet.observation import Gap
from carrel.domain.fleet.workspaces import Activity, TaskStatus, Work
from carrel.domain.governance.keeping import KeepAlive
from carrel.domain.governance.verdicts import Situation, Verdict, Wish
from carrel.errors import CarrelError
from carrel.policies import exclusions, keep_alive, working
from carrel.testing.observations import NOW, observation, workspace

HOUR = timedelta(hours=1)


def judge(policy, table, one=None, seen=None, **facts) -> Verdict:
    one = one or workspace()
    now = Situation(facts.pop("at", NOW), seen or observation(one), **facts)
    return policy.prepare(policy.read(table), now)(one)


@pytest.mark.parametrize(
    ("table", "kept"),
    [
        ({}, False),
        ({"users": ["ann"]}, True),
        ({"users": ["ANN"]}, True),
        ({"users": ["u-ann"]}, True),
        ({"users": ["an"]}, False),
        ({"groups": ["dev?"]}, True),
        ({"templates": ["py*"]}, True),
        ({"organizations": ["acme"]}, True),
        ({"workspaces": ["ann/desk"]}, True),
        ({"workspaces": ["desk"]}, True),
        ({"workspaces": ["bob/*"]}, False),
        ({"users": ["bob"], "templates": ["python"]}, True),
        ({"rule": [{"users": ["bob"], "templates": ["python"]}]}, False),
        ({"rule": [{"users": ["ann"], "templates": ["python"]}]}, True),
        ({"rule": [{"users": ["ann"], "until": "2026-11-20"}]}, True),
        ({"rule": [{"users": ["ann"], "until": "2026-11-19"}]}, False),
        ({"rule": [{"users": ["ann"], "until": "2026-11-20T23:00:00+01:00"}]}, False),
    ],
)
def test_exclusions(table, kept: bool):
    assert (judge(exclusions.POLICY, table).wish is Wish.KEEP) == kept


def test_an_exclusion_that_expires_says_when_and_why():
    table = {"rule": [{"users": ["ann"], "until": "2026-12-31", "reason": "on call"}]}
    found = judge(exclusions.POLICY, table)
    assert found.until == datetime(2027, 1, 1, tzinfo=UTC)
    assert "on call" in found.reason
    assert found.category == "excluded"


def test_prebuilds_are_left_to_their_pool():
    pool = workspace(is_prebuild=True)
    assert judge(exclusions.POLICY, {}, pool).category == "prebuild"
    named = judge(exclusions.POLICY, {"templates": ["python"]}, pool)
    assert named.category == "excluded", "an emergency overrules what is only a prebuild"
    assert judge(exclusions.POLICY, {"spare_prebuilds": False}, pool).wish is Wish.NOTHING


def test_groups_that_can_not_be_seen_exclude_everybody_who_may_be_in_them():
    seen = observation(workspace(), gaps=(Gap("groups", "no permission"),))
    found = judge(exclusions.POLICY, {"groups": ["oncall"]}, seen=seen)
    assert (found.wish, found.category) == (Wish.KEEP, "withheld")
    assert judge(exclusions.POLICY, {"users": ["bob"]}, seen=seen).wish is Wish.NOTHING


def test_lint_of_exclusions():
    table = {"users": ["nobody"], "rule": [{"users": ["ann"], "until": "2026-01-01"}]}
    found = exclusions.POLICY.check(exclusions.POLICY.read(table), observation(workspace()))
    assert [one.severity for one in found] == ["warning", "note"]


def lease(at: datetime, hours: float, name: str = "k") -> KeepAlive:
    return KeepAlive(name, "w1", "ann", "a long run", at, at + hours * HOUR)


def test_a_lease_keeps_until_it_ends():
    found = judge(keep_alive.POLICY, {}, keeps={"w1": (lease(NOW, 2),)})
    assert (found.wish, found.until) == (Wish.KEEP, NOW + 2 * HOUR)
    assert "a long run" in found.reason
    assert judge(keep_alive.POLICY, {}, keeps={"w2": (lease(NOW, 2),)}).wish is Wish.NOTHING


def test_a_lease_over_begins_later_or_beyond_the_cap_does_not_keep():
    def kept(one: KeepAlive, **table) -> bool:
        return judge(keep_alive.POLICY, table, keeps={"w1": (one,)}).wish is Wish.KEEP

    assert not kept(lease(NOW - 2 * HOUR, 2))
    assert not kept(lease(NOW + HOUR, 2))
    assert kept(lease(NOW - 3 * HOUR, 9))
    assert not kept(lease(NOW - 3 * HOUR, 9), max_hours=3)


def test_the_lease_that_lasts_longest_counts():
    both = (lease(NOW, 5, "a"), lease(NOW - HOUR, 2, "b"))
    assert judge(keep_alive.POLICY, {}, keeps={"w1": both}).until == NOW + 5 * HOUR


def test_a_lease_is_granted_within_the_cap():
    settings = keep_alive.POLICY.read({"max_hours": 4, "require_reason": True})
    assert settings.grant(NOW, 4 * HOUR, "demo") == NOW + 4 * HOUR
    for wanted, reason, code in [
        (5 * HOUR, "demo", "keep_alive_too_long"),
        (timedelta(0), "demo", "bad_keep_alive"),
        (HOUR, " ", "bad_keep_alive"),
    ]:
        with pytest.raises(CarrelError) as refused:
            settings.grant(NOW, wanted, reason)
        assert refused.value.code == code


def active(work: Work, minutes: int = 60, **facts):
    since = NOW - timedelta(minutes=minutes)
    return workspace(activity=Activity(work, since, "As the test says."), **facts)


TASK = {"task_id": "t1"}


@pytest.mark.parametrize(
    ("one", "table", "category"),
    [
        (active(Work.IDLE), {}, ""),
        (active(Work.CONNECTED), {}, ""),
        (active(Work.CONNECTED), {"keep_connected": True}, "connected"),
        (active(Work.WORKING), {}, "working"),
        (active(Work.WORKING, 300), {"max_hours": 4}, ""),
        (active(Work.WORKING, 200), {"max_hours": 4}, "working"),
        (active(Work.UNKNOWN), {}, "unknown"),
        (active(Work.IDLE, **TASK, task=TaskStatus.WORKING), {}, "working"),
        (active(Work.IDLE, **TASK, task=TaskStatus.UNKNOWN), {}, "unknown"),
        (active(Work.IDLE, 10, **TASK, task=TaskStatus.IDLE), {}, "settling"),
        (active(Work.IDLE, 16, **TASK, task=TaskStatus.IDLE), {}, ""),
        (active(Work.IDLE, 16, **TASK, task=TaskStatus.IDLE), {"settle_minutes": 20}, "settling"),
    ],
)
def test_work_under_way(one, table, category: str):
    found = judge(working.POLICY, table, one)
    assert found.category == category
    assert (found.wish is Wish.KEEP) == bool(category)


def test_tasks_that_can_not_be_seen_keep_their_workspaces():
    gaps = (Gap("tasks", "no permission"),)
    one = active(Work.IDLE, **TASK, task=TaskStatus.IDLE)
    assert judge(working.POLICY, {}, one, observation(one, gaps=gaps)).category == "withheld"
    plain = active(Work.IDLE)
    assert judge(working.POLICY, {}, plain, observation(plain, gaps=gaps)).wish is Wish.NOTHING


def test_what_does_not_run_needs_no_keeping():
    one = active(Work.UNKNOWN)
    stopped = replace(one, build=replace(one.build, transition="stop"))
    assert judge(working.POLICY, {}, stopped).wish is Wish.NOTHING


@pytest.mark.parametrize(
    ("first", "second", "idle"),
    [
        ({"users": ["a*"]}, {"users": ["ann"]}, True),
        ({"users": ["a*"], "until": "2027-01-01"}, {"users": ["ann"]}, False),
        ({"users": ["a*"]}, {"users": ["ann"], "until": "2027-01-01"}, True),
        ({"users": ["ann"]}, {"users": ["a*"]}, False),
    ],
)
def test_an_exclusion_that_another_one_holds_already_is_told(first, second, *, idle: bool):
    found = exclusions.POLICY.check(exclusions.POLICY.read({"rule": [first, second]}), None)
    assert ["adds nothing" in one.message for one in found] == ([True] if idle else [])
