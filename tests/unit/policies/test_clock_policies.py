"""Policies that go by clocks and money: time to live, autostop, prune, dormancy, budget."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from carrel.domain.fleet.observation import Gap
from carrel.domain.fleet.people import QuietHours, User
from carrel.domain.fleet.templates import Template
from carrel.domain.fleet.workspaces import Activity, Transition, Work
from carrel.domain.governance.verdicts import Situation, Verdict, Wish
from carrel.errors import BadInputError, CarrelError
from carrel.policies import autostop, budget, dormancy, prune, time_to_live
from carrel.testing.observations import NOW, build, observation, workspace

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def judge(policy, table, one=None, seen=None, **facts) -> Verdict:
    one = one or workspace()
    now = Situation(facts.pop("at", NOW), seen or observation(one), **facts)
    return policy.prepare(policy.read(table), now)(one)


def due(minutes: int | None, **facts):
    deadline = None if minutes is None else NOW + timedelta(minutes=minutes)
    return workspace(build=build(deadline=deadline, **facts))


@pytest.mark.parametrize(
    ("one", "category"),
    [
        (due(None), "unlimited"),
        (due(300), "compliant"),
        (due(61), "compliant"),
        (due(60), "soon"),
        (due(-14), "soon"),
        (due(-15), "overdue"),
        (due(300, transition=Transition.STOP), "compliant"),
    ],
)
def test_times_to_live(one, category: str):
    found = judge(time_to_live.POLICY, {}, one)
    assert (found.category, found.wish) == (category, Wish.NOTHING)


def test_what_is_overdue_is_stopped_only_by_force_or_setting():
    assert judge(time_to_live.POLICY, {}, due(-20), force=True).wish is Wish.STOP
    assert judge(time_to_live.POLICY, {"stop_overdue": True}, due(-20)).wish is Wish.STOP


@pytest.mark.parametrize(
    ("ttl", "table", "corrected"),
    [
        (None, {"required_hours": 8}, 8 * HOUR),
        (4 * HOUR, {"required_hours": 8}, None),
        (9 * HOUR, {"max_hours": 8}, 8 * HOUR),
        (None, {"max_hours": 8}, None),
        (None, {"rule": [{"users": ["bob"], "required_hours": 8}]}, None),
        (None, {"rule": [{"users": ["ann"], "required_hours": 2}], "required_hours": 8}, 2 * HOUR),
    ],
)
def test_drift_is_corrected(ttl, table, corrected):
    found = judge(time_to_live.POLICY, table, workspace(ttl=ttl))
    assert found.ttl == corrected
    assert (found.wish is Wish.CORRECT) == (corrected is not None)


def test_drift_and_an_overdue_stop_are_told_together():
    one = replace(due(-20), ttl=None)
    found = judge(time_to_live.POLICY, {"required_hours": 8, "stop_overdue": True}, one)
    assert (found.wish, found.ttl, found.corrects) == (Wish.STOP, 8 * HOUR, True)


def test_a_template_that_sets_the_time_itself_is_no_drift():
    fixed = Template("t-python", "python", "o1", allow_user_autostop=False)
    seen = observation(workspace(), templates={"t-python": fixed})
    assert judge(time_to_live.POLICY, {"required_hours": 8}, seen=seen).wish is Wish.NOTHING
    waiting = workspace(is_prebuild=True)
    assert judge(time_to_live.POLICY, {"required_hours": 8}, waiting).wish is Wish.NOTHING


def test_extending_within_the_policy():
    settings = time_to_live.POLICY.read({"max_extension_hours": 6})
    assert settings.extension(due(60), NOW, 2 * HOUR) == NOW + 3 * HOUR
    assert settings.extension(due(-60), NOW, HOUR) == NOW + HOUR
    for one, wanted in [
        (due(None), HOUR),
        (due(60), 6 * HOUR),
        (due(60), -timedelta(minutes=40)),
        (due(60, max_deadline=NOW + 2 * HOUR), 2 * HOUR),
        (due(60, transition=Transition.STOP), HOUR),
    ]:
        with pytest.raises(CarrelError) as refused:
            settings.extension(one, NOW, wanted)
        assert refused.value.code == "extension_refused"


def test_setting_a_time_to_live_within_the_policy():
    settings = time_to_live.POLICY.read({"required_hours": 8, "max_hours": 12})
    seen = observation(workspace())
    assert settings.allowed(workspace(), seen, 12 * HOUR) == 12 * HOUR
    for wanted, code in [
        (None, "ttl_refused"),
        (13 * HOUR, "ttl_refused"),
        (timedelta(seconds=30), "bad_ttl"),
        (31 * DAY, "bad_ttl"),
    ]:
        with pytest.raises(CarrelError) as refused:
            settings.allowed(workspace(), seen, wanted)
        assert refused.value.code == code


def idle(minutes: int, work: Work = Work.IDLE, **facts):
    since = NOW - timedelta(minutes=minutes)
    return workspace(activity=Activity(work, since, "Said."), last_used_at=since, **facts)


def in_use(one):
    return replace(one, activity=Activity(Work.CONNECTED, NOW, "Said."))


@pytest.mark.parametrize(
    ("one", "table", "category", "wish"),
    [
        (idle(100), {"idle_hours": 2}, "idle", Wish.NOTHING),
        (idle(120), {"idle_hours": 2}, "idle", Wish.STOP),
        (idle(600), {"idle_hours": 4}, "idle", Wish.NOTHING),  # it runs for three hours only
        (idle(120, Work.CONNECTED), {"idle_hours": 2}, "", Wish.NOTHING),
        (idle(120, Work.UNKNOWN), {"idle_hours": 2}, "", Wish.NOTHING),
        (idle(1, Work.CONNECTED), {"max_hours": 3}, "too_long", Wish.STOP),
        (idle(1, Work.CONNECTED), {"max_hours": 3.4}, "too_long", Wish.STOP),  # warned of
        (idle(1, Work.CONNECTED), {"max_hours": 4}, "within", Wish.NOTHING),
        (idle(120), {"idle_hours": 2, "excluded_users": ["ann"]}, "excluded", Wish.NOTHING),
        (due(-29), {}, "native", Wish.NOTHING),
        (due(-30), {}, "late", Wish.STOP),
        (due(-30), {"stop_late": False}, "native", Wish.NOTHING),
        (in_use(due(-30)), {}, "native", Wish.NOTHING),  # use may yet move the deadline
        (in_use(due(-30, max_deadline=NOW - HOUR / 2)), {}, "late", Wish.STOP),  # but not past this
        (due(-300, transition=Transition.STOP), {}, "off", Wish.NOTHING),
    ],
)
def test_autostop(one, table, category: str, wish: Wish):
    found = judge(autostop.POLICY, table, one)
    assert (found.category, found.wish) == (category, wish)


def test_idle_without_any_sign_is_withheld():
    one = workspace(activity=Activity(Work.IDLE, None, "Said."), last_used_at=None)
    seen = observation(one, gaps=(Gap("connections", "no permission"),))
    assert judge(autostop.POLICY, {"idle_hours": 1}, one, seen).category == "withheld"


def test_where_connections_are_not_seen_the_last_use_tells_of_idleness():
    seen = observation(gaps=(Gap("connections", "no permission"),))
    for minutes, wish in ((120, Wish.STOP), (100, Wish.NOTHING)):
        found = judge(autostop.POLICY, {"idle_hours": 2}, idle(minutes), seen)
        assert (found.category, found.wish) == ("idle", wish)


NIGHT = {"start": "18:00", "end": "08:00"}
ONE_OF = {"groups": ["devs"]}


@pytest.mark.parametrize("what", ["groups", "users"])
@pytest.mark.parametrize(
    ("policy", "table"),
    [
        (time_to_live.POLICY, {"rule": [{"required_hours": 8, **ONE_OF}]}),
        (autostop.POLICY, {"idle_hours": 1, "excluded_groups": ["oncall"]}),
        (autostop.POLICY, {"idle_hours": 1, "rule": [{"idle_hours": 9, **ONE_OF}]}),
        (prune.POLICY, {**NIGHT, "exclude_groups": ["oncall"]}),
        (prune.POLICY, {**NIGHT, "include_groups": ["devs"]}),
        (prune.POLICY, {"rule": [{**NIGHT, **ONE_OF}]}),
        (dormancy.POLICY, {"unused_days": 1, "excluded_groups": ["oncall"]}),
        (dormancy.POLICY, {"unused_days": 1, "rule": [{"unused_days": 9, **ONE_OF}]}),
        (budget.POLICY, {"prices": {"*": 1}, "limit": [{"group": "devs", "amount": 1}]}),
    ],
)
def test_nobody_is_touched_by_name_of_a_group_when_groups_are_not_seen(policy, table, what: str):
    one = idle(9 * 24 * 60)
    seen = observation(one, gaps=(Gap(what, "no permission"),))
    found = judge(policy, table, one, seen, spent={"group:devs": 99.0})
    assert (found.category, found.wish) == ("withheld", Wish.NOTHING)


def test_who_is_at_work_is_spared_by_pruning_or_nobody_is_pruned():
    one = workspace()
    blind = observation(one, gaps=(Gap("connections", "no permission"),))
    assert judge(prune.POLICY, NIGHT, in_use(one)).category == "active"
    assert judge(prune.POLICY, NIGHT, one, blind).category == "withheld"
    assert judge(prune.POLICY, {**NIGHT, "spare_active": False}, one, blind).wish is Wish.SLEEP
    assert judge(prune.POLICY, NIGHT, replace(one, dormant_at=NOW)).category == "off"


@pytest.mark.parametrize(
    ("table", "category"),
    [
        (NIGHT, "prune"),
        ({**NIGHT, "include_users": ["ann"]}, "prune"),
        ({**NIGHT, "include_users": ["bob"]}, "filtered"),
        ({**NIGHT, "include_groups": ["devs"], "exclude_templates": ["python"]}, "filtered"),
        ({**NIGHT, "include_organizations": ["acme"], "exclude_groups": ["oncall"]}, "prune"),
        ({"start": "01:00", "end": "02:00"}, "outside"),
        ({}, ""),
    ],
)
def test_prune_filters(table, category: str):
    found = judge(prune.POLICY, table)
    assert found.category == category
    assert (found.wish is Wish.SLEEP) == (category == "prune")


def test_prune_goes_by_each_users_own_hours_and_the_duration():
    own = QuietHours("CRON_TZ=UTC 0 18 * * *", user_set=True)
    one = workspace()
    seen = observation(one, licensed=True, users={"u-ann": User("u-ann", "ann", quiet_hours=own)})
    assert judge(prune.POLICY, {}, one, seen).category == "outside"
    assert judge(prune.POLICY, {}, in_use(one), seen).category == "outside"
    assert judge(prune.POLICY, {"duration_hours": 12}, one, seen).wish is Wish.SLEEP


def test_prune_says_where_the_hours_come_from():
    found = prune.POLICY.check(prune.POLICY.read({}), observation(workspace()))
    assert "only those of carrel.toml" in found[0].message


def used(days: float, **facts):
    return workspace(last_used_at=NOW - days * DAY, **facts)


@pytest.mark.parametrize(
    ("one", "category", "wish"),
    [
        (used(5), "used", Wish.NOTHING),
        (used(10), "unused", Wish.SLEEP),
        (used(10, created_at=NOW - DAY), "used", Wish.NOTHING),
        (used(10, activity=Activity(Work.CONNECTED, None, "Said.")), "used", Wish.NOTHING),
        (workspace(last_used_at=None), "withheld", Wish.NOTHING),
        (used(40, dormant_at=NOW - 20 * DAY), "dormant", Wish.NOTHING),
        (used(90, dormant_at=NOW - 60 * DAY), "deletable", Wish.DELETE),
        (used(90, dormant_at=NOW - 60 * DAY, deleting_at=NOW + DAY), "native", Wish.NOTHING),
        (used(90, is_prebuild=True), "prebuild", Wish.NOTHING),
    ],
)
def test_dormancy(one, category: str, wish: Wish):
    found = judge(dormancy.POLICY, {"unused_days": 10, "delete_after_days": 30}, one)
    assert (found.category, found.wish) == (category, wish)


@pytest.mark.parametrize(("licensed", "category"), [(True, "native"), (False, "unused")])
def test_dormancy_is_left_to_a_backend_that_does_it(licensed: bool, category: str):
    one = used(90)
    sleeps = Template("t-python", "python", "o1", time_til_dormant=30 * DAY)
    seen = observation(one, licensed=licensed, templates={"t-python": sleeps})
    assert judge(dormancy.POLICY, {"unused_days": 10}, one, seen).category == category
    ours = {"unused_days": 10, "leave_native": False}
    assert judge(dormancy.POLICY, ours, one, seen).wish is Wish.SLEEP


BUDGET = {"prices": {"py*": 0.5}, "limit": [{"user": "*", "amount": 10}]}


@pytest.mark.parametrize(
    ("spent", "category", "wish"),
    [
        ({"user:ann": 7.9}, "within", Wish.NOTHING),
        ({"user:ann": 8.0}, "near", Wish.NOTHING),
        ({"user:ann": 10.0}, "over", Wish.STOP),
        ({"user:bob": 99.0}, "within", Wish.NOTHING),
        ({}, "withheld", Wish.NOTHING),
    ],
)
def test_budget(spent, category: str, wish: Wish):
    found = judge(budget.POLICY, BUDGET, spent=spent)
    assert (found.category, found.wish) == (category, wish)


def test_the_budget_that_is_used_up_most_counts_and_ends_with_the_month():
    limits = [
        {"user": "ann", "amount": 100},
        {"group": "dev*", "amount": 10, "then": "tell"},
        {"template": "python", "amount": 100},
    ]
    spent = {"user:ann": 50.0, "group:devs": 11.0, "template:python": 60.0}
    found = judge(budget.POLICY, {"prices": {"*": 1}, "limit": limits}, spent=spent)
    assert (found.category, found.wish) == ("over", Wish.NOTHING)
    assert "Group 'devs' spent 11.00 of 10.00 USD" in found.reason
    assert found.until == datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("returns", "graces"), [([0], 1), ([-90, 0], 2), ([-300, -90, 0], 4), ([-9] * 40, 24)]
)
def test_what_a_connection_starts_again_is_not_stopped_again_and_again(returns, graces: int):
    again = tuple(NOW + timedelta(minutes=one) for one in returns)
    due = again[-1] + timedelta(hours=graces)
    for at in (NOW, due - timedelta(seconds=1), due, due + timedelta(hours=3)):
        found = judge(budget.POLICY, BUDGET, spent={"user:ann": 12.0}, flaps={"w1": again}, at=at)
        assert (found.wish, found.due, found.category) == (Wish.STOP, due, "over")
        assert found.until == (due if at < due else datetime(2026, 12, 1, tzinfo=UTC))
        assert "started it again" in found.reason
    other = judge(budget.POLICY, BUDGET, spent={"user:ann": 12.0}, flaps={"w2": again})
    assert other.due is None
    within = judge(budget.POLICY, BUDGET, spent={"user:ann": 1.0}, flaps={"w1": again})
    assert (within.due, within.category) == (None, "within")


def test_prices_and_months():
    settings = budget.POLICY.read({**BUDGET, "timezone": "Europe/Berlin"})
    assert settings.price(workspace()) == 0.5
    assert settings.price(workspace(template="java")) is None
    first, last = settings.month(datetime(2026, 3, 31, 23, tzinfo=UTC))
    assert (first.isoformat(), last.isoformat()) == (
        "2026-03-31T22:00:00+00:00",
        "2026-04-30T22:00:00+00:00",
    )
    found = budget.POLICY.check(settings, observation(workspace(), workspace(template="java")))
    assert ["java" in one.message for one in found] == [True]


@pytest.mark.parametrize(
    ("policy", "table"),
    [
        (time_to_live.POLICY, {"required_hours": 721}),
        (time_to_live.POLICY, {"rule": [{"users": ["ann"]}]}),
        (autostop.POLICY, {"idle_hours": 0}),
        (autostop.POLICY, {"rule": [{"users": ["ann"]}]}),
        (prune.POLICY, {**NIGHT, "duration_hours": 25}),
        (dormancy.POLICY, {"unused_days": 0}),
        (dormancy.POLICY, {"rule": [{"users": ["ann"]}]}),
        (budget.POLICY, {"limit": [{"amount": 3}]}),
        (budget.POLICY, {"limit": [{"user": "a", "group": "b", "amount": 3}]}),
        (budget.POLICY, {"limit": [{"user": "a"}]}),
        (budget.POLICY, {"limit": [{"user": "a", "amount": 1, "then": "shout"}]}),
        (budget.POLICY, {"prices": {"a": "cheap"}}),
    ],
)
def test_impossible_settings_are_refused(policy, table):
    with pytest.raises(BadInputError) as refused:
        policy.read(table)
    assert refused.value.code == "bad_policy"


@pytest.mark.parametrize(
    ("policy", "key"),
    [(time_to_live.POLICY, "max_hours"), (autostop.POLICY, "idle_hours"),
     (dormancy.POLICY, "unused_days")],
)  # fmt: skip
def test_a_rule_behind_one_for_all_is_found(policy, key: str):
    rules = [{key: 9}, {key: 8, "users": ["ann"]}]
    assert "never reached" in policy.check(policy.read({"rule": rules}), None)[0].message
