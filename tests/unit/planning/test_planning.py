"""One decision from many verdicts; a plan from decisions; both in their documented order."""

from dataclasses import replace
from datetime import timedelta

import pytest

from carrel.domain.fleet.workspaces import Activity, BuildStatus, TaskStatus, Transition, Work
from carrel.domain.governance.plans import Action, Deed, Plan, Purpose
from carrel.domain.governance.safety import Safety
from carrel.domain.governance.verdicts import Verdict, Wish
from carrel.planning.deciding import in_force
from carrel.planning.emergency import Emergency, stop_all
from carrel.planning.planner import Order, make
from carrel.planning.precedence import Decision, settle
from carrel.planning.stopping import Stopping, stopping
from carrel.testing.observations import NOW, build, observation, workspace

HOUR = timedelta(hours=1)
SAFETY = Safety()


def says(wish: Wish, policy: str = "", **facts) -> Verdict:
    return Verdict(policy or str(wish), wish, f"{wish}, says the test.", **facts)


@pytest.mark.parametrize(
    ("wishes", "winner"),
    [
        ([], Wish.NOTHING),
        ([Wish.NOTHING, Wish.CORRECT], Wish.NOTHING),
        ([Wish.DELETE, Wish.SLEEP], Wish.SLEEP),
        ([Wish.SLEEP, Wish.STOP, Wish.DELETE], Wish.STOP),
        ([Wish.DELETE, Wish.STOP, Wish.KEEP, Wish.SLEEP], Wish.KEEP),
    ],
)
def test_keep_beats_stop_beats_sleep_beats_delete(wishes: list[Wish], winner: Wish):
    for order in (wishes, wishes[::-1]):
        decision = settle(workspace(), tuple(says(wish) for wish in order))
        assert decision.wish is winner
        assert (decision.winner is None) == (winner is Wish.NOTHING)


def test_of_equal_wishes_the_one_due_first_wins():
    verdicts = (
        says(Wish.STOP, "late", due=NOW + HOUR, until=NOW + 3 * HOUR),
        says(Wish.STOP, "early", due=NOW, until=NOW + 2 * HOUR),
        says(Wish.STOP, "same", due=NOW),
    )
    decision = settle(workspace(), verdicts)
    assert decision.winner is verdicts[1]
    assert decision.until == NOW + 2 * HOUR


def test_what_is_due_at_once_comes_before_what_is_due_at_a_moment():
    at_once = says(Wish.STOP, "at once")
    overdue = says(Wish.STOP, "overdue", due=NOW - HOUR)
    assert settle(workspace(), (overdue, at_once)).winner is at_once
    assert settle(workspace(), (at_once, overdue)).winner is at_once


@pytest.mark.parametrize(
    ("transition", "status", "expected"),
    [
        ("start", "succeeded", "queue"),
        ("start", "pending", "conflict"),
        ("start", "running", "conflict"),
        ("stop", "pending", "under_way"),
        ("stop", "running", "under_way"),
        ("stop", "succeeded", "unchanged"),
        ("delete", "pending", "conflict"),
        ("delete", "running", "conflict"),
        ("delete", "succeeded", "unchanged"),
        ("start", "canceling", "conflict"),
        ("stop", "canceling", "conflict"),
        ("start", "failed", "queue"),
        ("start", "canceled", "queue"),
        ("stop", "failed", "queue"),
        ("start", "unknown", "conflict"),
        ("unknown", "succeeded", "conflict"),
    ],
)
def test_the_stop_decision_table(transition: str, status: str, expected: str):
    found = stopping(build(transition=Transition(transition), status=BuildStatus(status)))
    assert found is Stopping(expected)


def plan(*decisions: Decision, safety: Safety = SAFETY, **order) -> Plan:
    seen = observation(*(one.workspace for one in decisions))
    facts = {"purpose": Purpose.GOVERN, "at": NOW, "made_by": "me", **order}
    return make(decisions, seen, Order(**facts), safety)


def decided(*verdicts: Verdict, **facts) -> Decision:
    return settle(workspace(**facts), verdicts)


def deeds(made: Plan) -> list[Deed]:
    return [one.deed for one in made.actions]


def test_an_action_carries_all_that_apply_and_undo_need():
    ttl, deadline = 8 * HOUR, NOW + HOUR
    made = plan(
        decided(says(Wish.STOP, due=NOW), ttl=ttl, build=build(number=7, deadline=deadline))
    )
    assert made.actions == (
        Action(
            number=1,
            deed=Deed.STOP,
            workspace_id="w1",
            workspace="ann/desk",
            owner_id="u-ann",
            policy="stop",
            reason="stop, says the test.",
            due=NOW,
            expected_build=7,
            before={
                "transition": "start",
                "running": 1,
                "ttl_ms": 8 * 3600 * 1000,
                "deadline": deadline.isoformat(),
                "dormant_at": None,
                "autostart": "",
            },
        ),
    )
    assert made.stops == 1
    assert len(made.plan_id) == 12


@pytest.mark.parametrize(
    ("verdicts", "facts", "expected"),
    [
        ([says(Wish.STOP)], {}, [Deed.STOP]),
        ([says(Wish.STOP)], {"task_id": "t", "task": TaskStatus.IDLE}, [Deed.PAUSE]),
        ([says(Wish.SLEEP)], {}, [Deed.STOP, Deed.MAKE_DORMANT]),
        ([says(Wish.SLEEP), says(Wish.STOP)], {}, [Deed.STOP, Deed.MAKE_DORMANT]),
        ([says(Wish.SLEEP)], {"build": build(transition=Transition.STOP)}, [Deed.MAKE_DORMANT]),
        ([says(Wish.CORRECT, ttl=HOUR)], {}, [Deed.SET_TTL]),
        ([says(Wish.CORRECT, deadline=NOW + HOUR)], {}, [Deed.SET_DEADLINE]),
        ([says(Wish.STOP, ttl=HOUR)], {}, [Deed.SET_TTL, Deed.STOP]),
        ([says(Wish.KEEP), says(Wish.STOP)], {}, []),
        ([says(Wish.KEEP), says(Wish.CORRECT, ttl=HOUR)], {}, []),
        ([says(Wish.DELETE)], {}, []),
        ([says(Wish.STOP)], {"build": build(transition=Transition.STOP)}, []),
    ],
)
def test_wishes_become_deeds(verdicts, facts, expected: list[Deed]):
    made = plan(decided(*verdicts, **facts))
    assert deeds(made) == expected
    assert [one.number for one in made.actions] == list(range(1, len(expected) + 1))


def test_what_follows_a_stop_expects_its_build():
    made = plan(decided(says(Wish.SLEEP), build=build(number=4)))
    assert [one.expected_build for one in made.actions] == [4, 5]


def test_a_stop_comes_before_a_sleep_that_is_due_earlier():
    stop, sleep = says(Wish.STOP, due=NOW), says(Wish.SLEEP, due=NOW - HOUR)
    for verdicts in ((stop, sleep), (sleep, stop)):
        made = plan(decided(*verdicts))
        assert [(one.deed, one.policy) for one in made.actions] == [
            (Deed.STOP, "stop"),
            (Deed.MAKE_DORMANT, "sleep"),
        ]


def test_deletions_have_a_plan_of_their_own_and_wait_for_other_wishes():
    gone = decided(says(Wish.DELETE))
    assert deeds(plan(gone, purpose=Purpose.DELETION)) == [Deed.DELETE]
    both = decided(says(Wish.DELETE), says(Wish.STOP))
    assert deeds(plan(both, purpose=Purpose.DELETION)) == []
    assert deeds(plan(decided(says(Wish.STOP)), purpose=Purpose.DELETION)) == []


def test_what_is_held_back_is_told_with_the_reason():
    busy = build(status=BuildStatus.RUNNING, transition=Transition.START)
    made = plan(
        decided(says(Wish.STOP), says(Wish.KEEP), workspace_id="w1", name="a"),
        decided(says(Wish.STOP), workspace_id="w2", name="b", build=busy),
        decided(says(Wish.NOTHING, category="withheld"), workspace_id="w3", name="c"),
        decided(says(Wish.KEEP), says(Wish.CORRECT, ttl=HOUR), workspace_id="w4", name="d"),
    )
    assert made.held_back == (
        ("ann/a", "keep, says the test."),
        ("ann/b", "A build is under way (start); wait for its end."),
        ("ann/c", "nothing, says the test."),
        ("ann/d", "keep, says the test."),
    )


def idle(name: str, hours: int, work: Work = Work.IDLE, *verdicts: Verdict) -> Decision:
    since = NOW - hours * HOUR
    activity = Activity(work, since, "Said.")
    given = verdicts or (says(Wish.STOP),)
    return decided(*given, workspace_id=name, name=name, activity=activity, last_used_at=since)


def test_corrections_then_what_is_due_first_then_what_was_idle_longest():
    made = plan(
        idle("a", 1),
        idle("b", 9),
        idle("c", 5, Work.IDLE, says(Wish.STOP, due=NOW + HOUR)),
        idle("d", 5, Work.IDLE, says(Wish.STOP, due=NOW - 9 * HOUR)),
        idle("e", 0, Work.IDLE, says(Wish.CORRECT, ttl=HOUR)),
        safety=Safety(max_percent=100),
    )
    assert [one.workspace_id for one in made.actions] == ["e", "b", "d", "a", "c"]


@pytest.mark.parametrize(
    ("facts", "stopped"),
    [
        ({}, 5),
        ({"safety": Safety(max_stops=3)}, 3),
        ({"safety": Safety(max_percent=25)}, 2),
        ({"safety": Safety(max_percent=1)}, 1),
        ({"cap": 4}, 4),
        ({"cap": 0, "safety": Safety(max_stops=1)}, 10),
    ],
)
def test_caps(facts, stopped: int):
    made = plan(*(idle(f"w{n}", n) for n in range(10)), **facts)
    assert made.stops == stopped
    assert [one.workspace_id for one in made.actions] == [
        f"w{n}" for n in range(9, 9 - stopped, -1)
    ]
    assert len(made.held_back) == 10 - stopped
    assert bool(made.notes) == (stopped < 10)


def test_what_broke_off_the_last_time_comes_after_what_is_to_be_stopped_first():
    broken = decided(
        says(Wish.STOP, due=NOW - HOUR),
        workspace_id="w0",
        build=build(status=BuildStatus.FAILED, transition=Transition.STOP),
    )
    fine = decided(says(Wish.STOP, due=NOW), workspace_id="w1")
    made = plan(broken, fine, safety=Safety(max_percent=100))
    assert [one.workspace_id for one in made.actions] == ["w1", "w0"]


def test_a_cap_on_deletions_tells_of_deletions():
    off = build(transition=Transition.STOP)
    gone = [decided(says(Wish.DELETE), workspace_id=f"w{n}", name=f"n{n}", build=off)
            for n in range(3)]  # fmt: skip
    made = plan(*gone, purpose=Purpose.DELETION, cap=2)
    assert deeds(made) == [Deed.DELETE] * 2
    assert made.notes[0].startswith("3 workspaces would be deleted; a plan may delete 2.")
    assert "The cap of 2 deletions a plan is reached." in made.held_back[0][1]


def test_only_some_policies_and_only_what_is_due_soon():
    one = decided(says(Wish.STOP, "quiet_hours", due=NOW + HOUR), says(Wish.KEEP, "exclusions"))
    assert plan(one, policies=frozenset({"quiet_hours"})).held_back
    two = decided(says(Wish.STOP, "quiet_hours", due=NOW + HOUR))
    assert plan(two, policies=frozenset({"prune"})).actions == ()
    assert plan(two, horizon=timedelta(minutes=59)).actions == ()
    assert plan(two, horizon=HOUR).actions[0].due == NOW + HOUR


@pytest.mark.parametrize(
    ("early", "horizon", "warn", "planned"),
    [
        (HOUR, 20, True, True),
        (timedelta(minutes=59), 20, True, False),
        (HOUR, 20, False, False),
        (HOUR, 0, True, False),
    ],
)
def test_whose_owner_is_to_be_warned_by_now_is_planned_though_it_is_due_later(
    early: timedelta, horizon: int, warn: bool, planned: bool
):
    due = NOW + HOUR
    one = decided(says(Wish.STOP, "quiet_hours", due=due, warn_from=due - early))
    made = plan(one, horizon=timedelta(minutes=horizon), warn=warn)
    assert [action.due for action in made.actions] == ([due] if planned else [])


def test_an_emergency_stops_all_that_runs_but_what_is_excluded():
    excluded = says(Wish.KEEP, "exclusions", category="excluded")
    fleet = [
        decided(says(Wish.KEEP, "keep_alive"), workspace_id="w1", name="a"),
        decided(excluded, workspace_id="w2", name="b"),
        decided(says(Wish.KEEP, "exclusions", category="prebuild"), workspace_id="w3", name="c"),
        decided(workspace_id="w4", name="d", build=build(transition=Transition.STOP)),
    ]
    seen = observation(*(one.workspace for one in fleet))

    def made(**facts) -> Plan:
        return stop_all(fleet, seen, Emergency(NOW, "me", "the bill", **facts), SAFETY)

    kept = made(prebuilds_paused=False)
    assert deeds(kept) == [Deed.PAUSE_PREBUILDS, Deed.STOP, Deed.STOP]
    assert {one.workspace_id for one in kept.actions} == {"", "w1", "w3"}
    assert kept.purpose is Purpose.EMERGENCY_STOP
    assert kept.held_back == (("ann/b", excluded.reason),)
    assert deeds(made(include_excluded=True)) == [Deed.STOP] * 3
    late = stop_all(fleet, replace(seen, at=NOW - HOUR), Emergency(NOW, "me", "x"), SAFETY)
    assert late.actions == ()


def test_policies_are_in_force_by_their_table():
    assert in_force({}) == ("exclusions", "keep_alive", "working")
    tables = {"prune": {}, "working": {"enabled": False}, "budget": {"enabled": False}}
    assert in_force(tables) == ("exclusions", "keep_alive", "prune")
