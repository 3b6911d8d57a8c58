"""Plans are forgotten when nobody needs them any more, and the ledger tells of it."""

from datetime import timedelta

import pytest
from tests.unit.control.fleet.runs import govern, made, states

from carrel.control.fleet import applying, forgetting, freezing, governing, plans, undoing
from carrel.control.fleet.context import FleetContext, Recipients
from carrel.domain.governance.forgetting import SHOWN
from carrel.domain.governance.plans import Plan
from carrel.domain.ledger import Event, first_break
from carrel.errors import CarrelError, NotFoundError, RefusedError
from carrel.testing.clocks import HandClock
from carrel.testing.fleets import FakeFleet, Misbehaviour

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STEP = 12 * HOUR
NOTHING = timedelta(0)


def later(ctx: FleetContext, clock: HandClock, span: timedelta) -> int:
    """Let time pass, then forget what is old; return how much that was."""
    clock.advance(span)
    ctx.seen = None
    return forgetting.forget(ctx)


def left(ctx: FleetContext) -> list[str]:
    return [line.plan_id for line in plans.listing(ctx)]


def forgotten(ctx: FleetContext) -> list[Event]:
    with ctx.store.reading() as session:
        events = list(session.events())
    assert first_break(events) is None
    return [one for one in events if one.action == "plan.forgotten"]


def shown(ctx: FleetContext) -> Plan:
    """Rehearse."""
    return governing.keep(ctx, governing.rehearse(ctx))


def refusal(ctx: FleetContext, plan: Plan) -> CarrelError:
    with pytest.raises(NotFoundError) as told:
        applying.apply(ctx, plan.plan_id)
    return told.value


def test_a_plan_is_forgotten_after_its_time_and_the_ledger_counts_it(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    fleet.add("dev")
    plan = govern(ctx).plan
    assert later(ctx, clock, ctx.keep_plans - HOUR) == 0
    assert left(ctx) == [plan.plan_id]
    assert later(ctx, clock, HOUR + STEP) == 1
    assert left(ctx) == []
    (event,) = forgotten(ctx)
    at = plan.made_at.isoformat(timespec="seconds")
    assert event.data == {"plans": 1, "only_shown": 0, "oldest": at, "newest": at}
    assert event.subject == ctx.address
    assert later(ctx, clock, DAY) == 0
    assert forgotten(ctx) == [event]


def test_a_pass_forgets_whether_it_has_something_to_do_or_not(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    fleet.add("dev")
    old = govern(ctx).plan
    clock.advance(ctx.keep_plans + STEP)
    assert governing.once(ctx).report is None
    assert left(ctx) == []
    assert [one.data["plans"] for one in forgotten(ctx)] == [1]
    assert old.plan_id not in left(ctx)


def test_who_only_rehearses_does_not_gather_plans(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    fleet.add("dev")
    first = shown(ctx)
    clock.advance(SHOWN + STEP)
    fleet.add("web")
    second = shown(ctx)
    assert left(ctx) == [second.plan_id]
    assert forgotten(ctx)[0].data["only_shown"] == 1
    assert fleet.requests == []
    assert first.plan_id != second.plan_id


def test_a_plan_that_was_only_shown_can_be_applied_for_a_week_and_then_is_made_anew(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    fleet.add("dev")
    plan = shown(ctx)
    assert later(ctx, clock, SHOWN - HOUR) == 0
    assert plans.get(ctx, plan.plan_id).plan == plan
    assert later(ctx, clock, HOUR + STEP) == 1
    told = refusal(ctx, plan)
    assert told.code == "unknown_plan"
    assert "not kept any more" in told.what
    assert "7 days" in told.why
    assert f"carrel ledger --subject {plan.plan_id}" in told.cure
    assert states(govern(ctx)) == ["done"]


def test_a_plan_that_never_was_is_just_unknown(ctx: FleetContext) -> None:
    with pytest.raises(NotFoundError) as told:
        plans.get(ctx, "abc")
    assert told.value.what == "There is no plan 'abc'."


def test_nothing_is_forgotten_that_can_be_undone_whatever_the_settings_say(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock, limiting: object
) -> None:
    limiting(rollback=10 * DAY)  # type: ignore[operator]
    ctx.keep_plans = NOTHING
    fleet.add("dev")
    plan = govern(ctx).plan
    assert later(ctx, clock, 10 * DAY - HOUR) == 0
    assert len(undoing.plan(ctx, plan.plan_id).actions) == 1
    clock.advance(2 * HOUR)
    with pytest.raises(RefusedError) as told:
        undoing.plan(ctx, plan.plan_id)
    assert told.value.code == "too_late_to_undo"
    assert later(ctx, clock, STEP) == 1


def test_the_window_of_undoing_begins_with_the_last_action(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    ctx.keep_plans = NOTHING
    fleet.add("dev")
    plan = made(ctx)
    clock.advance(SHOWN)
    ctx.seen = None
    applying.apply(ctx, plan.plan_id)
    assert later(ctx, clock, DAY - HOUR) == 0
    assert later(ctx, clock, HOUR + STEP) == 1


def test_a_stop_that_counts_is_not_forgotten(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock, limiting: object
) -> None:
    limiting(rollback=timedelta(minutes=1))  # type: ignore[operator]
    ctx.keep_plans = NOTHING
    fleet.add("dev")
    govern(ctx)
    assert later(ctx, clock, DAY - HOUR) == 0
    with ctx.store.reading() as session:
        assert len(session.governance.stopped(ctx.address, clock.now() - DAY)) == 1


def test_what_waits_or_is_under_way_stays(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock, limiting: object
) -> None:
    limiting(max_percent=100.0, max_failures=1, batch_size=1)  # type: ignore[operator]
    for number in (1, 2):
        fleet.add(f"dev{number}")
    fleet.misbehaving["w-1"] = Misbehaviour.REFUSED
    report = govern(ctx)
    assert states(report) == ["failed", "waiting"]
    assert later(ctx, clock, 2 * ctx.keep_plans) == 0
    plans.drop_waiting(ctx, report.plan.plan_id, "It waits no more.")
    assert later(ctx, clock, DAY) == 0
    assert later(ctx, clock, ctx.keep_plans) == 1


def test_what_an_undo_takes_back_stays_as_long_as_the_undo(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    fleet.add("dev")
    plan = govern(ctx).plan
    clock.advance(HOUR)
    undo = undoing.undo(ctx, plan.plan_id)
    assert states(applying.apply(ctx, undo.plan_id)) == ["done"]
    assert later(ctx, clock, ctx.keep_plans + STEP) == 1
    assert left(ctx) == [plan.plan_id]
    assert later(ctx, clock, NOTHING) == 1
    assert left(ctx) == []


def test_a_plan_whose_owners_were_warned_waits_for_its_moment(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock, night: object
) -> None:
    ctx.recipients = Recipients(enabled=True, lead=14 * DAY, mail="mailtos://u:secret@smtp")
    night.due = clock.now() + 14 * DAY  # type: ignore[attr-defined]
    fleet.add("dev")
    current = governing.once(ctx).plan
    clock.advance(13 * DAY)
    assert governing.once(ctx).plan == current
    assert forgotten(ctx) == []


def test_nothing_is_forgotten_while_everything_is_frozen(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    fleet.add("dev")
    govern(ctx)
    freezing.freeze(ctx, "what happened here?")
    clock.advance(ctx.keep_plans + STEP)
    with pytest.raises(RefusedError):
        governing.once(ctx)
    assert len(left(ctx)) == 1


def test_many_are_forgotten_a_few_at_a_time(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "MOST", 2)
    fleet.add("dev")
    made_ = []
    for _ in range(3):
        made_.append(made(ctx).plan_id)
        clock.advance(HOUR)
        ctx.seen = None
    assert later(ctx, clock, SHOWN + STEP) == 2
    assert left(ctx) == made_[2:]
    assert later(ctx, clock, NOTHING) == 1
    assert [one.data["plans"] for one in forgotten(ctx)] == [2, 1]
