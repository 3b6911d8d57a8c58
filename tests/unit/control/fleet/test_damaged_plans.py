"""A plan that somebody changed in the database: refused, and in nobody's way."""

from datetime import timedelta

import pytest

from carrel.control.fleet import applying, deciding, plans
from carrel.control.fleet.applying import End
from carrel.control.fleet.context import FleetContext
from carrel.domain.governance.acting import Beginning
from carrel.domain.governance.plans import ActionState, Purpose
from carrel.domain.ledger import first_break
from carrel.errors import FailedError
from carrel.stores.database import DatabaseService
from carrel.system import holders
from carrel.testing.fleets import FakeFleet

CHANGED = "UPDATE plans SET body = replace(body, 'w-1', 'w-2')"


def change(ctx: FleetContext, statement: str) -> None:
    assert isinstance(ctx.store, DatabaseService)
    with ctx.store.engine().begin() as connection:
        connection.exec_driver_sql(statement)


@pytest.mark.parametrize("statement", [CHANGED, "DELETE FROM plan_actions WHERE number = 1"])
def test_it_is_not_applied(ctx: FleetContext, fleet: FakeFleet, statement: str) -> None:
    fleet.add("dev")
    plan = plans.store(ctx, deciding.plan(ctx, Purpose.GOVERN))
    change(ctx, statement)
    with pytest.raises(FailedError) as told:
        applying.apply(ctx, plan.plan_id)
    assert told.value.code == "database_damaged"
    assert fleet.asked("stop") == []


def test_what_it_sent_holds_up_no_other_plan(ctx: FleetContext, fleet: FakeFleet) -> None:
    fleet.add("dev")
    damaged = plans.store(ctx, deciding.plan(ctx, Purpose.GOVERN))
    with holders.held() as holder, ctx.store.writing() as session:
        beginning = Beginning(damaged.plan_id, 1, ctx.now(), holder, build_number=1)
        session.governance.begin(beginning, ctx.safety)
    change(ctx, CHANGED)
    ctx.clock.wait(timedelta(minutes=2).total_seconds())
    ctx.seen = None
    other = plans.store(ctx, deciding.plan(ctx, Purpose.GOVERN))
    applying.apply(ctx, other.plan_id)
    ctx.clock.wait(1)  # what was just given up may still arrive: the workspace is looked at anew
    assert applying.apply(ctx, other.plan_id).end is End.OVER
    assert fleet.asked("stop") == ["w-1"]
    with ctx.store.reading() as session:
        (left,) = session.governance.progress(damaged.plan_id)
        events = list(session.events())
    assert left.state is ActionState.UNCERTAIN
    given_up = next(one for one in events if one.action == "action.uncertain")
    assert (given_up.subject, given_up.data["number"]) == (damaged.plan_id, 1)
    assert first_break(events) is None


def test_of_an_unknown_one_it_is_told_where_all_are_listed(ctx: FleetContext) -> None:
    with pytest.raises(Exception, match="no plan") as told:
        plans.get(ctx, "0123456789ab")
    assert "lists the plans" in getattr(told.value, "cure", "")
