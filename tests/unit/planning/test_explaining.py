"""Explaining: every rule with its outcome, the timeline of stops, drift, autostart lines."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from carrel.domain.fleet.deployment import Feature, Source
from carrel.domain.fleet.people import QuietHours, User
from carrel.domain.fleet.schedule import deadlines, parse_daily
from carrel.domain.fleet.templates import Template
from carrel.domain.fleet.workspaces import Transition
from carrel.domain.governance.keeping import KeepAlive
from carrel.domain.governance.verdicts import Policy, Situation
from carrel.planning.deciding import Configured, decide_fleet
from carrel.planning.explaining import explain
from carrel.planning.foreseeing import first_stops
from carrel.planning.linting import check_policies
from carrel.planning.starts import next_start
from carrel.planning.timeline import timeline
from carrel.plugins import Catalog
from carrel.testing.observations import NOW, build, observation, workspace

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CATALOG = Catalog("carrel.policies", "POLICY", "unknown_policy")


def configured(**tables) -> list[Configured]:
    policies = {name: cast("Policy", CATALOG.load(name)) for name in tables}
    return [Configured(one, one.read(tables[name])) for name, one in policies.items()]


POLICIES = configured(
    exclusions={},
    keep_alive={},
    quiet_hours={"start": "18:00", "end": "08:00"},
    time_to_live={"required_hours": 8},
    dormancy={"unused_days": 30},
)


def test_every_rule_is_heard_with_its_outcome():
    one = workspace()
    found = explain(one, POLICIES, Situation(NOW, observation(one)))
    assert {each.verdict.policy: each.outcome for each in found.heard} == {
        "exclusions": "silent",
        "keep_alive": "silent",
        "quiet_hours": "wins",
        "time_to_live": "corrects",
        "dormancy": "silent",
    }
    assert found.answer.startswith("It is to be stopped now, by quiet_hours: ")
    assert found.next_change == datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert all(name and value for name, value in found.inputs)


def test_a_lease_wins_and_the_stop_is_overruled():
    one = workspace()
    keeps = {"w1": (KeepAlive("k", "w1", "ann", "demo", NOW, NOW + HOUR),)}
    found = explain(one, POLICIES, Situation(NOW, observation(one), keeps=keeps))
    outcomes = {each.verdict.policy: each.outcome for each in found.heard}
    assert (outcomes["keep_alive"], outcomes["quiet_hours"]) == ("wins", "overruled")
    assert outcomes["time_to_live"] == "overruled"
    assert found.answer.startswith("It is kept, by keep_alive")
    assert found.next_change == NOW + HOUR
    assert found.timeline.stops_at is None


def test_a_sleep_follows_a_stop_and_is_not_beaten_by_it():
    one = workspace()
    night = {"start": "18:00", "end": "08:00"}
    rules = configured(exclusions={}, quiet_hours=night, prune=night)
    found = explain(one, rules, Situation(NOW, observation(one)))
    assert {each.verdict.policy: each.outcome for each in found.heard} == {
        "exclusions": "silent",
        "quiet_hours": "wins",
        "prune": "follows",
    }
    assert found.answer.endswith(" prune makes it dormant then.")
    assert found.decision.overruled == ()
    assert not any("overruled" in each.message for each in check_policies(rules, observation(one)))


def test_what_is_only_corrected_is_not_said_to_be_left_alone():
    one = workspace()
    rules = configured(exclusions={}, time_to_live={"required_hours": 8})
    found = explain(one, rules, Situation(NOW, observation(one)))
    assert found.answer == (
        "It is corrected, by time_to_live: It has no time to live; 8 h is required."
    )


def test_nothing_wants_anything():
    one = workspace()
    found = explain(one, configured(exclusions={}), Situation(NOW, observation(one)))
    assert found.answer == "Nothing is done to it: no policy wants anything."


def test_a_grace_tells_when():
    one = workspace(build=build(completed_at=NOW - timedelta(minutes=10)))
    found = explain(one, POLICIES, Situation(NOW, observation(one)))
    assert "stopped at 2026-11-20 23:20 UTC" in found.answer
    assert found.timeline.stops_at == NOW + timedelta(minutes=50)


FACTS = Template(
    "t-python", "python", "o1", default_ttl=9 * HOUR, activity_bump=HOUR,
    required_days=frozenset({5}), time_til_dormant=30 * DAY, failure_ttl=2 * HOUR,
)  # fmt: skip
OWN = QuietHours("CRON_TZ=UTC 0 1 * * *", user_set=True)
STARTED = NOW - 3 * HOUR
GIVEN = deadlines(STARTED, 8 * HOUR, FACTS, quiet=parse_daily(OWN.schedule))


def seen(one, facts: Template = FACTS):
    users = {"u-ann": User("u-ann", "ann", quiet_hours=OWN)}
    return observation(one, licensed=True, templates={"t-python": facts}, users=users)


def running(**facts):
    times = {
        "completed_at": STARTED,
        "deadline": GIVEN.deadline,
        "max_deadline": GIVEN.max_deadline,
    }
    return workspace(ttl=8 * HOUR, build=build(**{**times, **facts}))


def test_a_timeline_names_every_source():
    one = running()
    found = timeline(one, seen(one), NOW, decide_fleet(POLICIES, Situation(NOW, seen(one)))[0])
    by_name = {entry.source: entry for entry in found.entries}
    assert set(by_name) >= {
        "deadline", "time_to_live", "template_default", "requirement", "activity_bump",
        "failure_cleanup", "dormancy", "deletion", "autostart", "quiet_hours",
        "policy:quiet_hours", "policy:exclusions",
    }  # fmt: skip
    assert by_name["deadline"].at == datetime(2026, 11, 21, 1, tzinfo=UTC)
    assert by_name["requirement"].applies
    assert "Sat" in by_name["requirement"].why
    assert by_name["time_to_live"].applies
    assert not by_name["template_default"].applies
    assert not by_name["activity_bump"].applies  # the requirement allows no later moment
    assert not by_name["quiet_hours"].applies
    assert by_name["dormancy"].at == one.last_used_at + 30 * DAY
    assert found.stops_at == by_name["deadline"].at
    assert found.drift == ""


@pytest.mark.parametrize("begin", ["18:00", "23:00"])
def test_what_is_kept_for_a_while_is_stopped_when_that_ends(begin: str):
    one = workspace()
    keeps = {"w1": (KeepAlive("k", "w1", "ann", "demo", NOW, NOW + 3 * HOUR),)}
    rules = configured(keep_alive={}, quiet_hours={"start": begin, "end": "08:00"})
    held = Situation(NOW, observation(one), keeps=keeps)
    decision = decide_fleet(rules, held)[0]
    foreseen = first_stops(rules, held, [one], DAY)["w1"]
    found = timeline(one, held.observation, NOW, decision, foreseen)
    assert found.stopped_by is not None
    assert (found.stops_at, found.stopped_by.source) == (NOW + 3 * HOUR, "policy:quiet_hours")
    assert timeline(one, held.observation, NOW, decision).stops_at is None


def test_without_the_licence_a_templates_times_do_nothing():
    one = running()
    whole = seen(one)
    ours = Feature("dormancy", Source.OURS, "It is not licensed.")
    bare = replace(whole, deployment=replace(whole.deployment, features=(ours,)))
    entry = {entry.source: entry for entry in timeline(one, bare, NOW).entries}["dormancy"]
    assert (entry.applies, entry.at) == (False, None)
    assert "licence" in entry.why


def test_what_applies_comes_first_in_the_order_of_time():
    entries = timeline(running(), seen(running()), NOW).entries
    assert [one.applies for one in entries] == sorted(
        (one.applies for one in entries), reverse=True
    )
    moments = [one.at for one in entries if one.applies and one.at]
    assert moments == sorted(moments)


@pytest.mark.parametrize(
    ("one", "facts", "said"),
    [
        (running(deadline=None), FACTS, "It has no deadline"),
        (running(), replace(FACTS, required_days=frozenset({2})), "Its latest moment"),
        (
            replace(running(max_deadline=None), ttl=None),
            replace(FACTS, required_days=frozenset()),
            "It has a deadline",
        ),
        (running(deadline=GIVEN.deadline - HOUR), FACTS, ""),  # a person may move it
        (running(transition=Transition.STOP), FACTS, ""),
    ],
)
def test_drift(one, facts: Template, said: str):
    found = timeline(one, seen(one, facts), NOW).drift
    assert found.startswith(said)
    assert bool(found) == bool(said)


@pytest.mark.parametrize(("status", "applies"), [("active", True), ("suspended", False)])
def test_an_autostart_is_for_active_owners_alone(status: str, applies: bool):
    one = replace(running(), autostart="0 9 * * *", next_start_at=NOW + HOUR)
    known = seen(one)
    users = {key: replace(user, status=status) for key, user in known.users.items()}
    found = timeline(one, replace(known, users=users), NOW)
    (entry,) = [each for each in found.entries if each.source == "autostart"]
    assert entry.applies is applies
    assert ("suspended" in entry.why) is not applies


def test_autostart_lines():
    after = next_start("CRON_TZ=Europe/Berlin 30 9 * * 1-5")
    assert after(NOW) == datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
    assert next_start(" ") is None
    with pytest.raises(ValueError, match="no cron line"):
        next_start("30 9 * *")
    # Once on the night with an hour twice, and once on the one without it.
    night = next_start("CRON_TZ=Europe/Berlin 30 2 * * *")
    first = night(datetime(2026, 10, 24, 12, tzinfo=UTC))
    assert night(first) - first > 20 * HOUR
    assert night(datetime(2026, 3, 28, 12, tzinfo=UTC)).date().isoformat() == "2026-03-29"


def test_policies_that_never_act_or_never_win_are_found():
    one = workspace()
    found = check_policies(POLICIES, observation(one))
    idle = [(each.policy, each.severity) for each in found if "coming week" in each.message]
    assert idle == [("dormancy", "note")]
    assert not any("always overruled" in each.message for each in found), "a correction stands"
    old = workspace(build=build(transition=Transition.STOP), last_used_at=NOW - 60 * DAY,
                    created_at=NOW - 90 * DAY)  # fmt: skip
    found = check_policies(POLICIES, observation(replace(old, workspace_id="w2"), one))
    assert "dormancy" not in {one.policy for one in found if "coming week" in one.message}
    kept = configured(exclusions={"users": ["ann"]}, quiet_hours={"start": "18:00", "end": "08:00"})
    over = check_policies(kept, observation(one))
    assert any("always overruled" in each.message for each in over)
    # What is left uncorrected because it is excluded is as it should be.
    right = configured(exclusions={"users": ["ann"]}, time_to_live={"required_hours": 8})
    kept_right = check_policies(right, observation(one))
    assert [(each.policy, each.severity) for each in kept_right] == [("time_to_live", "note")]
    assert "stops anything" in check_policies(configured(working={}), None)[0].message


def test_an_expression_may_act_or_only_keep():
    def found(wish: str, **others) -> str:
        rule = {"name": "gpu", "when": "running", "wish": wish}
        policies = configured(**others, expression={"rule": [rule]})
        return " ".join(each.message for each in check_policies(policies, observation(workspace())))

    assert "stops anything" in found("keep")
    assert found("stop") == ""
    assert "always overruled" in found("stop", exclusions={"users": ["ann"]})


def test_the_same_finding_is_told_once():
    twins = {
        key: Template(key, "gpu", "o1", allow_user_autostop=False) for key in ("t-one", "t-two")
    }
    found = check_policies(POLICIES, observation(workspace(), templates=twins))
    assert len([one for one in found if "'gpu'" in one.message]) == 1
