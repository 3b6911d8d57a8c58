"""One workspace or build that can't be seen holds up no other, and is not lost itself."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from carrel.control.fleet import applying, deciding, plans
from carrel.control.fleet.applying import End
from carrel.control.fleet.context import FleetContext
from carrel.domain.fleet.workspaces import Build, FleetWorkspace
from carrel.domain.governance.plans import ActionState, Plan, Purpose
from carrel.errors import FailedError
from carrel.testing.fleets import FakeFleet, Misbehaviour

HIDDEN = ["fleet_forbidden", "fleet_answer_unknown", "fleet_not_offered"]


@pytest.fixture
def plan(ctx: FleetContext, fleet: FakeFleet, limiting: Callable[..., None]) -> Plan:
    limiting(max_percent=100.0)
    fleet.add("one")
    fleet.add("two")
    return plans.store(ctx, deciding.plan(ctx, Purpose.GOVERN))


def hide_workspace(fleet: FakeFleet, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    see = fleet.workspace

    def workspace(workspace_id: str) -> FleetWorkspace:
        if workspace_id == "w-1":
            raise FailedError(code, "It is hidden.")
        return see(workspace_id)

    monkeypatch.setattr(fleet, "workspace", workspace)


@pytest.mark.parametrize("code", HIDDEN)
def test_a_workspace_that_can_not_be_seen_waits_and_the_others_do_not(
    ctx: FleetContext, fleet: FakeFleet, plan: Plan, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    with monkeypatch.context() as patch:
        hide_workspace(fleet, patch, code)
        report = applying.apply(ctx, plan.plan_id)
    assert (report.end, fleet.asked("stop")) == (End.WAITING, ["w-2"])
    assert report.waits == {1: "It can't be seen now: It is hidden."}
    assert applying.apply(ctx, plan.plan_id).end is End.OVER
    assert fleet.asked("stop") == ["w-2", "w-1"]


@pytest.mark.parametrize("code", ["fleet_unreachable", "token_refused"])
def test_a_deployment_that_does_not_answer_ends_the_run(
    ctx: FleetContext, fleet: FakeFleet, plan: Plan, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    hide_workspace(fleet, monkeypatch, code)
    with pytest.raises(FailedError, match="hidden"):
        applying.apply(ctx, plan.plan_id)
    assert fleet.asked("stop") == []


@pytest.mark.parametrize("code", HIDDEN)
def test_a_build_that_can_not_be_seen_is_uncertain_in_the_end(
    ctx: FleetContext, fleet: FakeFleet, plan: Plan, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    fleet.misbehaving["w-1"] = Misbehaviour.SLOW
    see = fleet.build

    def build(build_id: str) -> Build:
        if "w-1" in build_id:
            raise FailedError(code, "It is hidden.")
        return see(build_id)

    monkeypatch.setattr(fleet, "build", build)
    first = applying.apply(ctx, plan.plan_id)
    assert first.count(ActionState.DONE) == 1
    ctx.clock.wait(timedelta(hours=1).total_seconds())
    report = applying.apply(ctx, plan.plan_id)
    assert report.progress[0].state is ActionState.UNCERTAIN
    assert report.progress[0].note == "It can't be seen now: It is hidden."
    assert fleet.asked("stop") == ["w-1", "w-2"]
