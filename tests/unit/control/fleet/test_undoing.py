"""Undo: a plan of its own gives back what stood when another was applied."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.control.fleet.runs import govern, made, states

from carrel.control.fleet import applying, plans, undoing
from carrel.control.fleet.applying import End
from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.plans import Deed
from carrel.errors import RefusedError
from carrel.ports.fleet import Outcome, Receipt
from carrel.testing.clocks import HandClock
from carrel.testing.fleets import FakeFleet

MINUTE = timedelta(minutes=1)


def test_undo_gives_back_what_was(
    ctx: FleetContext, fleet: FakeFleet, limiting: Callable[..., None]
) -> None:
    limiting(max_percent=100.0)
    fleet.add("dev")
    fleet.add("agent", task_id="task-1")
    fleet.add("busy")
    report = govern(ctx)
    ctx.clock.wait(60)
    fleet.restart("w-3")
    back = undoing.undo(ctx, report.plan.plan_id[:6])
    assert [name for name, _ in back.held_back] == ["ada/busy"]
    undone = applying.apply(ctx, back.plan_id)
    assert states(undone) == ["done", "done"]
    assert all(one.running for one in fleet.observe().workspaces)
    assert (fleet.asked("start"), fleet.asked("resume")) == (["w-1"], ["w-2"])


def test_what_somebody_else_stopped_a_moment_before_us_is_not_ours_to_take_back(
    ctx: FleetContext, fleet: FakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.add("dev")
    stop = fleet.stop

    def raced(workspace: FleetWorkspace) -> Receipt:
        return replace(stop(workspace), outcome=Outcome.UNCHANGED, why="It is being stopped.")

    monkeypatch.setattr(fleet, "stop", raced)
    report = govern(ctx)
    assert (states(report), report.progress[0].note) == (["skipped"], "It is being stopped.")
    ctx.clock.wait(60)
    assert undoing.undo(ctx, report.plan.plan_id).actions == ()


def test_a_setting_is_undone_after_the_start_that_undo_itself_made(
    ctx: FleetContext, fleet: FakeFleet, night: object
) -> None:
    night.ttl = 60 * MINUTE  # type: ignore[attr-defined]
    fleet.add("dev", ttl=480 * MINUTE)
    report = govern(ctx)
    assert [one.deed for one in report.plan.actions] == [Deed.SET_TTL, Deed.STOP]
    assert states(report) == ["done", "done"]
    ctx.clock.wait(60)
    back = undoing.undo(ctx, report.plan.plan_id)
    assert [one.deed for one in back.actions] == [Deed.START, Deed.SET_TTL]
    assert states(applying.apply(ctx, back.plan_id)) == ["done", "done"]
    found = fleet.workspace("w-1")
    assert (found.running, found.ttl) == (True, 480 * MINUTE)


def test_undo_goes_by_what_stood_when_the_plan_was_applied(
    ctx: FleetContext, fleet: FakeFleet, night: object
) -> None:
    night.ttl = 60 * MINUTE  # type: ignore[attr-defined]
    fleet.add("dev", ttl=480 * MINUTE)
    plan = made(ctx)
    fleet.restart("w-1")
    fleet.set_ttl("w-1", 300 * MINUTE)
    assert states(applying.apply(ctx, plan.plan_id)) == ["done", "done"]
    ctx.clock.wait(60)
    undone = applying.apply(ctx, undoing.undo(ctx, plan.plan_id).plan_id)
    assert states(undone) == ["done", "done"]
    found = fleet.workspace("w-1")
    assert (found.running, found.ttl) == (True, 300 * MINUTE)


def test_what_somebody_did_since_is_not_undone(ctx: FleetContext, fleet: FakeFleet) -> None:
    fleet.add("dev")
    back = undoing.undo(ctx, govern(ctx).plan.plan_id)
    fleet.restart("w-1")
    fleet.stop(fleet.workspaces["w-1"])
    ctx.clock.wait(60)
    report = applying.apply(ctx, back.plan_id)
    assert (states(report), fleet.asked("start")) == (["skipped"], [])


def test_what_is_still_under_way_is_not_undone(ctx: FleetContext, fleet: FakeFleet) -> None:
    ctx.pace = replace(ctx.pace, follow=timedelta(0))
    fleet.add("dev")
    report = govern(ctx)
    assert (report.end, states(report)) == (End.BUSY, ["following"])
    with pytest.raises(RefusedError) as told:
        undoing.plan(ctx, report.plan.plan_id)
    assert told.value.code == "plan_under_way"
    ctx.clock.wait(60)
    assert [one.deed for one in undoing.plan(ctx, report.plan.plan_id).actions] == [Deed.START]


def test_after_the_rollback_window_nothing_is_undone(
    ctx: FleetContext, fleet: FakeFleet, clock: HandClock
) -> None:
    fleet.add("dev")
    plan = govern(ctx).plan
    clock.advance(timedelta(hours=25))
    with pytest.raises(RefusedError) as told:
        undoing.undo(ctx, plan.plan_id)
    assert told.value.code == "too_late_to_undo"
    assert "more than 1 d ago" in told.value.why


def test_undo_drops_what_still_waits(ctx: FleetContext, fleet: FakeFleet, night: object) -> None:
    fleet.add("dev")
    night.due = ctx.now() + MINUTE  # type: ignore[attr-defined]
    plan = made(ctx)
    undoing.undo(ctx, plan.plan_id)
    assert plans.get(ctx, plan.plan_id).over
