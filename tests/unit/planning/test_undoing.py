"""Undo gives back the former state where nobody has moved on, and says why where not."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from carrel.domain.fleet.workspaces import BuildStatus, FleetWorkspace, Transition
from carrel.domain.governance.plans import Action, ActionState, Deed, Plan, Progress, Purpose
from carrel.domain.governance.safety import Safety
from carrel.domain.governance.verdicts import Verdict, Wish
from carrel.planning.planner import Order, make
from carrel.planning.precedence import settle
from carrel.planning.undoing import undo
from carrel.testing.observations import NOW, build, observation, workspace

HOUR = timedelta(hours=1)
LATER = NOW + HOUR
RUNNING = workspace(ttl=8 * HOUR, build=build(number=4, deadline=NOW + 5 * HOUR))


def stopped(one: FleetWorkspace = RUNNING, number: int = 5, **facts) -> FleetWorkspace:
    ended = replace(one.build, number=number, transition=Transition.STOP, deadline=None)
    return replace(one, build=ended, **facts)


def planned(*wishes: Verdict, one: FleetWorkspace = RUNNING) -> Plan:
    decision = settle(one, wishes)
    order = Order(Purpose.GOVERN, NOW, "me")
    return make([decision], observation(one), order, Safety())


def says(wish: Wish, **facts) -> Verdict:
    return Verdict("test", wish, "Says the test.", **facts)


def taken_back(made: Plan, now: FleetWorkspace, *, at: datetime = LATER, state=ActionState.DONE):
    rows = [Progress(made.plan_id, one.number, state, NOW) for one in made.actions]
    seen = observation(now, at=at)
    return undo(made, rows, seen, at=at, made_by="me", safety=Safety())


def steps(plan: Plan) -> list[tuple[Deed, object, int]]:
    return [(one.deed, one.argument, one.expected_build) for one in plan.actions]


def test_a_stop_is_taken_back_with_its_deadline():
    made = planned(says(Wish.STOP))
    back = taken_back(made, stopped())
    assert steps(back) == [
        (Deed.START, None, 5),
        (Deed.SET_DEADLINE, (NOW + 5 * HOUR).isoformat(), 6),
    ]
    assert (back.purpose, back.undoes) == (Purpose.UNDO, made.plan_id)
    late = taken_back(made, stopped(), at=NOW + 4.5 * HOUR)
    assert [one.deed for one in late.actions] == [Deed.START]


def test_what_was_done_last_is_taken_back_first():
    made = planned(says(Wish.SLEEP), says(Wish.CORRECT, ttl=2 * HOUR))
    assert [one.deed for one in made.actions] == [Deed.SET_TTL, Deed.STOP, Deed.MAKE_DORMANT]
    now = stopped(ttl=2 * HOUR, dormant_at=NOW)
    back = taken_back(made, now, at=NOW + 4.5 * HOUR)
    assert steps(back) == [
        (Deed.WAKE, None, 5),
        (Deed.START, None, 5),
        (Deed.SET_TTL, 8 * 3600 * 1000, 5),
    ]


def test_a_paused_task_is_resumed():
    task = replace(RUNNING, task_id="t")
    made = planned(says(Wish.STOP), one=task)
    assert taken_back(made, stopped(task)).actions[0].deed is Deed.RESUME


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (replace(RUNNING, build=replace(RUNNING.build, number=6)), "started, stopped or updated"),
        (stopped(number=7), "started, stopped or updated"),
        (RUNNING, "runs already"),
        (stopped(workspace_id="other"), "can't be seen"),
    ],
)
def test_what_moved_on_is_left_alone(now: FleetWorkspace, why: str):
    back = taken_back(planned(says(Wish.STOP)), now)
    assert back.actions == ()
    assert why in back.held_back[0][1]


def test_a_build_under_way_is_waited_for():
    busy = stopped()
    busy = replace(busy, build=replace(busy.build, status=BuildStatus.RUNNING))
    assert "under way" in taken_back(planned(says(Wish.STOP)), busy).held_back[0][1]


def test_settings_that_somebody_changed_since_stay():
    made = planned(says(Wish.CORRECT, ttl=2 * HOUR))
    changed = replace(RUNNING, ttl=3 * HOUR)
    assert "another time to live" in taken_back(made, changed).held_back[0][1]
    back = taken_back(made, replace(RUNNING, ttl=2 * HOUR))
    assert steps(back) == [(Deed.SET_TTL, 8 * 3600 * 1000, 4)]


def test_a_time_to_live_that_was_none_becomes_none_again():
    bare = replace(RUNNING, ttl=None)
    made = planned(says(Wish.CORRECT, ttl=2 * HOUR), one=bare)
    back = taken_back(made, replace(bare, ttl=2 * HOUR))
    assert steps(back) == [(Deed.SET_TTL, None, 4)]


def test_only_what_was_done_within_the_window_is_taken_back():
    made = planned(says(Wish.STOP))
    assert taken_back(made, stopped(), state=ActionState.SKIPPED).actions == ()
    late = taken_back(made, stopped(), at=NOW + timedelta(hours=25))
    assert late.actions == ()
    assert "more than 1 d ago" in late.held_back[0][1]


def by(initiator: str) -> FleetWorkspace:
    now = stopped()
    return replace(now, build=replace(now.build, initiator=initiator))


def test_what_is_uncertain_is_judged_by_what_is_there():
    made = planned(says(Wish.STOP))
    assert taken_back(made, by("operator"), state=ActionState.UNCERTAIN).actions
    others = taken_back(made, by("ann"), state=ActionState.UNCERTAIN)
    assert others.actions == ()
    assert "ann's" in others.held_back[0][1]
    assert not taken_back(made, RUNNING, state=ActionState.UNCERTAIN).actions


def test_where_nobody_knows_who_we_are_an_uncertain_stop_counts_as_ours():
    made, now = planned(says(Wish.STOP)), by("ann")
    rows = [Progress(made.plan_id, 1, ActionState.UNCERTAIN, NOW)]
    seen = observation(now, at=LATER)
    nobody = replace(seen, deployment=replace(seen.deployment, user=""))
    assert undo(made, rows, nobody, at=LATER, made_by="me", safety=Safety()).actions


def test_what_did_not_run_before_its_stop_is_not_started():
    failed = replace(RUNNING, build=replace(RUNNING.build, status=BuildStatus.FAILED))
    made = planned(says(Wish.STOP), one=failed)
    assert [one.deed for one in made.actions] == [Deed.STOP]
    back = taken_back(made, stopped())
    assert back.actions == ()
    assert "did not run before" in back.held_back[0][1]


def test_prebuilds_and_deletions():
    first = Action(1, Deed.PAUSE_PREBUILDS, "", "", "", "emergency_stop", "x", before={"paused": 0})
    gone = Action(2, Deed.DELETE, "w1", "ann/desk", "u", "dormancy", "x", expected_build=4)
    made = replace(planned(says(Wish.STOP)), actions=(first, gone))
    back = taken_back(made, RUNNING)
    assert [one.deed for one in back.actions] == [Deed.RESUME_PREBUILDS]
    assert "can't be undone" in back.held_back[0][1]
    before = replace(made, actions=(replace(first, before={"paused": 1}),))
    assert "stay paused" in taken_back(before, RUNNING).held_back[0][1]
