"""What happens between a plan and its actions counts: leases, a freeze, half of it done already."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from carrel.control.fleet import applying, deciding, freezing, governing, keeping, plans
from carrel.control.fleet.applying import End
from carrel.control.fleet.context import FleetContext, Recipients
from carrel.domain.governance.plans import ActionState, Deed, Plan, Purpose, sealed
from carrel.domain.governance.verdicts import Wish
from carrel.domain.governance.warnings import Delivery
from carrel.errors import RefusedError
from carrel.testing.clocks import HandClock
from carrel.testing.fleets import FakeFleet, Postbox

MINUTE = timedelta(minutes=1)


def of_two(ctx: FleetContext, fleet: FakeFleet) -> Plan:
    """A plan that stops two workspaces, w-1 first."""
    fleet.add("one")
    fleet.add("two")
    return plans.store(ctx, deciding.plan(ctx, Purpose.GOVERN))


def test_a_lease_that_is_taken_while_a_plan_is_applied_keeps_what_is_left(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock, limiting: Callable[..., None]
) -> None:
    limiting(max_percent=100.0, max_stops_per_minute=1)
    plan = of_two(ctx, fleet)

    def snooze() -> None:
        clock.on_wait = None
        keeping.snooze(ctx, "two", timedelta(hours=1), "Training runs.")

    clock.on_wait = snooze
    report = applying.apply(ctx, plan.plan_id)
    assert [one.state for one in report.progress] == [ActionState.DONE, ActionState.SKIPPED]
    assert "Training runs." in report.progress[1].note
    assert fleet.asked("stop") == ["w-1"]


@pytest.mark.parametrize("off", [False, True])
def test_what_is_no_longer_to_sleep_is_neither_stopped_nor_put_to_sleep(
    ctx: FleetContext, fleet: FakeFleet, night: object, *, off: bool
) -> None:
    workspace = fleet.add("dev")
    night.wish = Wish.SLEEP  # type: ignore[attr-defined]
    plan = plans.store(ctx, deciding.plan(ctx, Purpose.GOVERN))
    assert [one.deed for one in plan.actions] == [Deed.STOP, Deed.MAKE_DORMANT]
    night.wish = Wish.NOTHING  # type: ignore[attr-defined]
    if off:  # its owner has stopped it meanwhile
        fleet.stop(workspace)
        ctx.clock.wait(60)
        fleet.requests.clear()
    report = applying.apply(ctx, plan.plan_id)
    assert {one.state for one in report.progress} == {ActionState.SKIPPED}
    assert fleet.requests == []


@pytest.mark.parametrize("purpose", Purpose)
def test_a_freeze_holds_every_plan_but_those_that_a_person_asked_for_by_name(
    ctx: FleetContext, fleet: FakeFleet, night: object, purpose: Purpose
) -> None:
    fleet.add("dev")
    night.wish, night.ttl = Wish.CORRECT, 60 * MINUTE  # type: ignore[attr-defined]
    plan = plans.store(ctx, sealed(replace(deciding.plan(ctx, Purpose.GOVERN), purpose=purpose)))
    freezing.freeze(ctx, "Wait.")
    if purpose in {Purpose.UNDO, Purpose.SET}:
        assert applying.apply(ctx, plan.plan_id).end is End.OVER
        assert fleet.asked("set_ttl") == ["w-1"]
        return
    with pytest.raises(RefusedError) as told:
        applying.apply(ctx, plan.plan_id)
    assert (told.value.code, fleet.requests) == ("frozen", [])


def test_of_what_is_half_done_only_the_rest_is_shown_and_a_pass_goes_on_with_it(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock, limiting: Callable[..., None]
) -> None:
    limiting(batch_size=1, max_percent=100.0)
    half = of_two(ctx, fleet)
    clock.on_wait = lambda: freezing.freeze(ctx, "Wait.") and None
    assert applying.apply(ctx, half.plan_id).end is End.FROZEN
    clock.on_wait, ctx.seen = None, None
    freezing.unfreeze(ctx)
    rest = deciding.plan(ctx, Purpose.GOVERN)
    assert [one.workspace_id for one in rest.actions] == ["w-2"]
    shown = governing.keep(ctx, rest)
    assert (shown.actions, plans.get(ctx, shown.plan_id).plan) == (rest.actions, shown)
    assert governing.keep(ctx, rest).plan_id == shown.plan_id
    plans.drop_waiting(ctx, shown.plan_id, "The test wants the older one.")
    assert governing.standing(ctx, rest) == half


def test_a_warning_goes_out_so_early_that_the_next_pass_is_not_too_late(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock, night: object, postbox: Postbox
) -> None:
    ctx.recipients = Recipients(enabled=True, lead=15 * MINUTE, mail="mailtos://u:secret@smtp")
    fleet.add("dev")
    night.due = clock.now() + 19 * MINUTE  # type: ignore[attr-defined]
    governing.once(ctx)
    assert len(postbox.sent) == 1
    clock.advance(5 * MINUTE)
    governing.once(ctx)
    clock.advance(14 * MINUTE)
    governing.once(ctx)
    assert fleet.asked("stop") == ["w-1"]


def test_a_warning_that_fails_again_and_again_is_written_down_once(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock, night: object, postbox: Postbox
) -> None:
    ctx.recipients = Recipients(enabled=True, lead=15 * MINUTE, mail="mailtos://smtp")
    postbox.broken = {"mailtos://smtp?to=ada%40example.org"}
    fleet.add("dev")
    began = clock.now()
    night.due = began + 5 * MINUTE  # type: ignore[attr-defined]
    for _ in range(3):
        assert [one.delivery for one in governing.once(ctx).warned] == [Delivery.FAILED]
        clock.advance(MINUTE)
    with ctx.store.reading() as session:
        (row,) = session.governance.warnings(ctx.address, began)
    assert (row.due, row.at) == (began + 5 * MINUTE, began + 2 * MINUTE)
