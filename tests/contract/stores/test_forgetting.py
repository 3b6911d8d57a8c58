"""Which plans may be forgotten, and that nothing else is, on both databases."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from carrel.domain.governance.acting import Beginning
from carrel.domain.governance.forgetting import Ages, OldPlan
from carrel.domain.governance.plans import Action, ActionState, Deed, Plan, Purpose, sealed
from carrel.domain.governance.safety import Safety
from carrel.stores.database import DatabaseService

FLEET = "https://coder.example.org"
MADE = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATER = MADE + 100 * HOUR
NEVER = datetime.min.replace(tzinfo=UTC)

Storing = Callable[..., Plan]


@pytest.fixture
def storing(db: DatabaseService) -> Storing:
    """Store a plan with as many stops as states are given, each as far as its state says."""

    def store(*states: ActionState, hours: int = 0, **more: object) -> Plan:
        at = MADE + hours * HOUR
        actions = tuple(
            Action(number, Deed.STOP, f"w-{hours}-{number}", "ada/dev", "u-1", "night", "Night.")
            for number, _ in enumerate(states, 1)
        )
        plain = Plan("", "", Purpose.GOVERN, FLEET, at, at, "ada", actions)
        plan = sealed(replace(plain, **more))  # type: ignore[arg-type]
        with db.writing() as session:
            assert session.governance.add_plan(plan)
        for number, state in enumerate(states, 1):
            bring(db, plan, number, state, at + HOUR)
        return plan

    return store


def bring(db: DatabaseService, plan: Plan, number: int, state: ActionState, at: datetime) -> None:
    """Let an action of a plan be so far since a moment."""
    with db.writing() as session:
        governance = session.governance
        if state is ActionState.WAITING:
            return
        if state is not ActionState.SKIPPED:
            governance.begin(Beginning(plan.plan_id, number, at, "host:1:a"), Safety())
        if state is ActionState.SENT:
            return
        row = governance.progress(plan.plan_id)[number - 1]
        assert governance.advance(row.state, replace(row, state=state, at=at))


def old(
    db: DatabaseService, *, over: datetime = LATER, shown: datetime = LATER, limit: int = 99
) -> list[OldPlan]:
    with db.reading() as session:
        return session.governance.old_plans(FLEET, Ages(over, shown), limit)


def ids(found: list[OldPlan]) -> list[str]:
    return [one.plan_id for one in found]


def test_what_ended_is_old_by_its_last_action(db: DatabaseService, storing: Storing) -> None:
    plan = storing(ActionState.DONE, ActionState.SKIPPED)
    late = storing(ActionState.WAITING, hours=1)
    bring(db, late, 1, ActionState.UNCERTAIN, LATER)
    assert old(db, over=plan.made_at + HOUR) == []
    found = old(db)
    assert found == [OldPlan(plan.plan_id, plan.made_at, shown=False)]


@pytest.mark.parametrize("state", [ActionState.WAITING, ActionState.SENT, ActionState.FOLLOWING])
def test_what_is_not_over_stays(db: DatabaseService, storing: Storing, state: ActionState) -> None:
    storing(ActionState.DONE, state)
    assert old(db) == []


def test_what_is_to_be_set_again_was_begun_and_stays(db: DatabaseService, storing: Storing) -> None:
    plan = storing(ActionState.SENT)
    with db.writing() as session:
        (row,) = session.governance.progress(plan.plan_id)
        session.governance.advance(row.state, replace(row, state=ActionState.WAITING))
    assert old(db) == []


def test_what_was_only_shown_is_old_by_itself(db: DatabaseService, storing: Storing) -> None:
    shown = storing(ActionState.WAITING, ActionState.WAITING)
    empty = storing(hours=1)
    dropped = storing(ActionState.SKIPPED, hours=2)
    assert old(db, over=NEVER, shown=MADE) == []
    assert old(db, over=NEVER) == [
        OldPlan(shown.plan_id, shown.made_at, shown=True),
    ]
    assert ids(old(db, shown=NEVER)) == [empty.plan_id, dropped.plan_id]


def test_who_was_warned_waits_for_what_was_told(db: DatabaseService, storing: Storing) -> None:
    warned = storing(ActionState.WAITING)
    with db.writing() as session:
        session.append(MADE, "ada", "plan.made", warned.plan_id, {})
    assert ids(old(db)) == [warned.plan_id]
    with db.writing() as session:
        session.append(MADE, "ada", "plan.warned", warned.plan_id, {})
    assert old(db) == []


def test_what_a_younger_plan_takes_back_stays_as_long_as_that(
    db: DatabaseService, storing: Storing
) -> None:
    plan = storing(ActionState.DONE)
    undo = storing(ActionState.DONE, hours=1, purpose=Purpose.UNDO, undoes=plan.plan_id)
    assert ids(old(db)) == [undo.plan_id]
    with db.writing() as session:
        session.governance.forget_plans([undo.plan_id])
    assert ids(old(db)) == [plan.plan_id]


def test_the_oldest_go_first_and_those_of_other_fleets_stay(
    db: DatabaseService, storing: Storing
) -> None:
    made = [storing(ActionState.DONE, hours=n) for n in (2, 0, 1)]
    shown = storing(ActionState.WAITING, hours=3)
    storing(ActionState.DONE, hours=4, fleet="https://other.example.org")
    third, first, second = (one.plan_id for one in made)
    assert ids(old(db)) == [first, second, third, shown.plan_id]
    assert ids(old(db, limit=2)) == [first, second]


def test_what_is_forgotten_is_gone_and_the_rest_is_whole(
    db: DatabaseService, storing: Storing
) -> None:
    gone, kept = storing(ActionState.DONE), storing(ActionState.DONE, ActionState.WAITING, hours=1)
    with db.writing() as session:
        session.governance.forget_plans([gone.plan_id, "nothing"])
        assert session.governance.plan(gone.plan_id) is None
        assert session.governance.progress(gone.plan_id) == []
        assert session.governance.plan(kept.plan_id) == kept
        assert len(session.governance.progress(kept.plan_id)) == 2
    with db.engine().begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM plan_actions")).scalar() == 2
