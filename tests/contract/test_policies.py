"""Laws that every policy keeps, and that all of them keep together, on generated fleets."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import cast

import pytest

from carrel.domain.fleet.observation import Gap, Observation
from carrel.domain.fleet.workspaces import (
    Activity,
    BuildStatus,
    FleetWorkspace,
    TaskStatus,
    Transition,
    Work,
)
from carrel.domain.governance.keeping import KeepAlive
from carrel.domain.governance.plans import STOPPING, Action, Deed, Plan, Purpose
from carrel.domain.governance.safety import Safety
from carrel.domain.governance.verdicts import Policy, Situation, Wish, use_only_spares
from carrel.errors import BadInputError
from carrel.planning.deciding import Configured, decide_fleet
from carrel.planning.judging import stops
from carrel.planning.linting import check_policies
from carrel.planning.planner import Order, make
from carrel.planning.precedence import ACTING
from carrel.plugins import Catalog
from carrel.testing.observations import NOW, fleet

CATALOG = Catalog("carrel.policies", "POLICY", "unknown_policy")
NAMES = CATALOG.names()
TABLES: Mapping[str, Mapping[str, object]] = {
    "exclusions": {"users": ["user1", "user2*"]},
    "keep_alive": {},
    "working": {},
    "quiet_hours": {"start": "18:00", "end": "08:00", "excluded_groups": ["team-g3"]},
    "time_to_live": {"required_hours": 10, "max_hours": 72, "stop_overdue": True},
    "autostop": {"idle_hours": 4, "max_hours": 48},
    "prune": {"start": "18:00", "end": "08:00", "duration_hours": 10},
    "dormancy": {"unused_days": 20, "delete_after_days": 10},
    "budget": {"prices": {"*": 0.5}, "limit": [{"user": "*", "amount": 20}]},
    "expression": {"rule": [{"when": "idle_minutes > 600 && template == 'gpu'"}]},
}
FREE = Safety(max_stops=10**6, max_percent=100)
SEEDS = (1, 2, 3)


def policy(name: str) -> Policy:
    return cast("Policy", CATALOG.load(name))


def configured(*names: str) -> list[Configured]:
    return [Configured(one, one.read(TABLES.get(one.name, {}))) for one in map(policy, names)]


def situation(seen: Observation, **facts) -> Situation:
    spent = {f"user:{user.username}": 30.0 for user in list(seen.users.values())[::3]}
    return Situation(facts.pop("at", seen.at), seen, spent=spent, **facts)


def plan(seen: Observation, *, purpose=Purpose.GOVERN, safety=FREE, **facts) -> Plan:
    now = situation(seen, **facts)
    return make(decide_fleet(configured(*NAMES), now), seen, Order(purpose, now.at, "me"), safety)


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_is_named_as_its_file_and_reads_an_empty_table(name: str):
    one = policy(name)
    assert one.name == name
    assert one.summary.endswith(".")
    decide = one.prepare(one.read({}), situation(fleet()))
    assert {decide(each).policy for each in fleet().workspaces} == {name}
    assert one.check(one.read({}), None) == one.check(one.read({"enabled": True}), None)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("table", [{"enabld": True}, {"enabled": "yes"}, {"rule": 3}])
def test_a_mistake_in_its_table_is_refused_with_the_cure(name: str, table: dict[str, object]):
    with pytest.raises(BadInputError) as refused:
        policy(name).read(table)
    assert refused.value.code == "bad_policy"
    assert f"policy.{name}" in refused.value.what
    assert refused.value.cure


@pytest.mark.parametrize("name", NAMES)
def test_a_verdict_has_a_reason_and_changes_later_than_now(name: str):
    seen = fleet(2)
    for decision in decide_fleet(configured(name), situation(seen, force=True)):
        (verdict,) = decision.verdicts
        assert verdict.reason.strip()
        assert verdict.until is None or verdict.until > NOW
        if verdict.warn_from is not None:
            assert verdict.due is not None
            assert verdict.warn_from <= verdict.due


@pytest.mark.parametrize("name", NAMES)
def test_until_its_moment_of_change_the_answer_stays(name: str):
    seen = fleet(3, workspaces=80)
    first = decide_fleet(configured(name), situation(seen))
    for decision in first[::7]:
        (verdict,) = decision.verdicts
        ends = verdict.until or NOW + timedelta(days=2)
        for part in (0.3, 0.99):
            later = NOW + (ends - NOW) * part
            alone = replace(seen, workspaces=(decision.workspace,))
            again = decide_fleet(configured(name), situation(alone, at=later))[0]
            assert again.wish is decision.wish, (decision.workspace, verdict, later)


@pytest.mark.parametrize("name", [name for name in NAMES if use_only_spares(policy(name))])
@pytest.mark.parametrize("work", [Work.CONNECTED, Work.WORKING])
def test_who_says_that_use_only_spares_stops_nothing_sooner_for_it(name: str, work: Work):
    seen, stopped = fleet(4, workspaces=80), 0
    for hours in (0, 1, 7, 13, 30):
        at = NOW + timedelta(hours=hours)
        idle = decide_fleet(configured(name), situation(seen, at=at))
        began = Activity(work, at, "Somebody began.")
        used = [replace(one, activity=began, last_used_at=at) for one in seen.workspaces]
        busy = decide_fleet(
            configured(name), situation(replace(seen, workspaces=tuple(used)), at=at)
        )
        for before, after in zip(idle, busy, strict=True):
            if before.workspace.activity.work is Work.IDLE and stops(after, at):
                assert stops(before, at), (before.winner, after.winner)
            stopped += stops(before, at)
    assert stopped, "the fleet has nothing for it to stop"


@pytest.mark.parametrize("name", NAMES)
def test_what_it_needs_and_can_not_see_makes_it_want_nothing(name: str):
    for what in policy(name).needs:
        seen = replace(fleet(), gaps=(Gap(what, "no permission", "Grant it."),))
        decisions = decide_fleet(configured(name), situation(seen, force=True))
        assert not [one for one in decisions if one.wish in ACTING]


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_with_an_error_keeps_everything(name: str):
    class Broken:
        def __init__(self, real: Policy) -> None:
            self.name, self.summary = real.name, real.summary
            self.needs, self.protects = real.needs, real.protects

        def prepare(self, settings, situation):
            return lambda _: 1 / 0

    broken = Configured(cast("Policy", Broken(policy(name))), None)
    decisions = decide_fleet([*configured(*NAMES), broken], situation(fleet()))
    assert {one.wish for one in decisions} == {Wish.KEEP}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_fleets_of_these_tests_give_every_policy_something_to_do(seed: int):
    wanted = {action.policy for action in plan(fleet(seed)).actions}
    assert wanted >= {name for name in NAMES if not policy(name).protects}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("purpose", [Purpose.GOVERN, Purpose.DELETION])
def test_what_is_excluded_kept_working_or_unknown_is_never_ended(seed: int, purpose: Purpose):
    seen = fleet(seed)
    kept = seen.workspaces[::5]
    until = NOW + timedelta(hours=1)
    keeps = {
        one.workspace_id: (KeepAlive("k", one.workspace_id, "ann", "demo", NOW, until),)
        for one in kept
    }
    made = plan(seen, purpose=purpose, keeps=keeps, force=True)
    ended = {action.workspace_id for action in made.actions if action.deed in STOPPING}
    assert not ended & set(keeps)
    known = {one.workspace_id: one for one in seen.workspaces}
    for one in map(known.__getitem__, ended):
        assert one.owner != "user1"
        assert not one.owner.startswith("user2")
        assert not one.is_prebuild
        if one.on:
            assert one.activity.work not in {Work.WORKING, Work.UNKNOWN}
            assert one.task not in {TaskStatus.WORKING, TaskStatus.UNKNOWN}


@pytest.mark.parametrize("what", ["workspaces", "tasks", "groups", "users"])
def test_missing_data_ends_nothing_that_hangs_on_it(what: str):
    seen = replace(fleet(), gaps=(Gap(what, "it failed", "Try again."),))
    made = plan(seen, force=True)
    known = {one.workspace_id: one for one in seen.workspaces}
    ended = [known[one.workspace_id] for one in made.actions if one.deed in STOPPING]
    if what == "workspaces":
        assert not ended
    if what == "tasks":
        assert not [one for one in ended if one.task_id]
    if what in {"groups", "users"}:
        stops = {one.policy for one in made.actions if one.deed in STOPPING}
        assert "quiet_hours" not in stops
    assert any(what in note for note in made.notes)


def test_stale_data_ends_nothing():
    seen = fleet()
    late = NOW + FREE.freshness + timedelta(seconds=1)
    made = plan(seen, at=late)
    assert made.actions == ()
    assert "too old" in made.notes[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_fleet_in_any_order_gives_the_same_plan(seed: int):
    seen = fleet(seed)
    mixed = list(seen.workspaces)
    Random(seed).shuffle(mixed)
    assert plan(seen) == plan(seen)
    assert plan(replace(seen, workspaces=tuple(mixed))).hash == plan(seen).hash


def after(one: FleetWorkspace, action: Action) -> FleetWorkspace:
    """Do an action to a value."""
    ended = replace(
        one.build,
        number=one.build.number + 1,
        transition=Transition.STOP,
        status=BuildStatus.SUCCEEDED,
        completed_at=NOW,
        deadline=None,
        max_deadline=None,
    )
    if action.deed in {Deed.STOP, Deed.PAUSE}:
        assert action.expected_build == one.build.number
        return replace(one, build=ended)
    if action.deed is Deed.MAKE_DORMANT:
        assert action.expected_build == one.build.number
        return replace(one, dormant_at=NOW)
    if action.deed is Deed.SET_TTL:
        return replace(one, ttl=timedelta(milliseconds=cast("int", action.argument)))
    raise AssertionError(action)


def applied(seen: Observation, made: Plan) -> Observation:
    known = {one.workspace_id: one for one in seen.workspaces}
    for action in made.actions:
        known[action.workspace_id] = after(known[action.workspace_id], action)
    return replace(seen, workspaces=tuple(known.values()))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_plan_that_was_applied_leaves_an_empty_plan(seed: int):
    seen = fleet(seed)
    made = plan(seen)
    assert made.actions
    assert plan(applied(seen, made)).actions == ()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_plan_never_stops_more_than_its_cap_and_goes_on_next_time(seed: int):
    seen = fleet(seed)
    tight = Safety(max_stops=7, max_percent=100)
    everything = {one.workspace_id for one in plan(seen).actions if one.deed in STOPPING}
    done: set[str] = set()
    while (made := plan(seen, safety=tight)).stops:
        assert made.stops <= 7
        ended = {one.workspace_id for one in made.actions if one.deed in STOPPING}
        assert not done & ended
        done |= ended
        seen = applied(seen, made)
    assert done == everything


@pytest.mark.parametrize("seed", SEEDS)
def test_deletion_is_never_mixed_with_anything_else(seed: int):
    assert Deed.DELETE not in {one.deed for one in plan(fleet(seed)).actions}
    gone = plan(fleet(seed), purpose=Purpose.DELETION)
    assert {one.deed for one in gone.actions} == {Deed.DELETE}


def test_a_running_task_is_paused_and_nothing_else_is():
    known = {one.workspace_id: one for one in fleet(1).workspaces}
    made = plan(fleet(1))
    assert {one.deed for one in made.actions} >= {Deed.STOP, Deed.PAUSE}
    for action in made.actions:
        one = known[action.workspace_id]
        if action.deed in {Deed.STOP, Deed.PAUSE}:
            assert (action.deed is Deed.PAUSE) == bool(one.task_id and one.running)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_plan_stops_no_workspace_twice_and_touches_none_that_is_kept(seed: int):
    seen = fleet(seed)
    decisions = decide_fleet(configured(*NAMES), situation(seen))
    made = make(decisions, seen, Order(Purpose.GOVERN, NOW, "me"), FREE)
    ended = [one.workspace_id for one in made.actions if one.deed in STOPPING]
    kept = {one.workspace.workspace_id for one in decisions if one.wish is Wish.KEEP}
    assert ended
    assert len(set(ended)) == len(ended)
    assert not kept & {one.workspace_id for one in made.actions}


def test_all_policies_together_pass_their_check():
    found = check_policies(configured(*NAMES), fleet(1, workspaces=40))
    assert not [one for one in found if one.severity == "error"]
