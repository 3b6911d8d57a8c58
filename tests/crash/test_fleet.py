"""SIGKILL between every two steps of applying a plan: nothing is done twice, nothing is lost."""

import os
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.crash.fleet_world import FleetWorld, governed

from carrel.control.fleet import applying, deciding, emergency, freezing, plans, undoing
from carrel.domain.governance.plans import ActionState, Plan, Purpose
from carrel.simulators.coder.peopling.population import Population

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240)]

EARLY = 3
"""So many passes of each point are tried, and the last."""
SMALL = Population(workspaces=5, people=2, failing=0.0)


@contextmanager
def planned(top: Path, population: Population = SMALL) -> Generator[tuple[FleetWorld, Plan]]:
    """A deployment, and a stored plan that stops all of it."""
    with governed(top, population, "[safety]\nbatch_size = 2\n") as world:
        plan = plans.store(world.ctx, emergency.plan(world.ctx, "a rehearsal"))
        assert plan.stops >= 2
        yield world, plan


def specs(top: Path, every_stop: Callable[[list[str]], list[str]]) -> list[str]:
    """Learn at which points a process that applies a plan can be killed."""
    with planned(top) as (world, plan):
        told = world.child(plan_id=plan.plan_id).end()
        assert told.result == "over"
        assert set(world.stops().values()) == {1}
    # Making the tables is killed elsewhere; the actions after the second are like it.
    passed = [one for one in told.points if one != "stores.create"]
    last = {f"{one}:{passed.count(one) - 1}" for one in passed}
    return [one for one in every_stop(passed) if int(one.partition(":")[2]) < EARLY or one in last]


def test_killed_anywhere_it_resumes_without_doing_anything_twice(
    tmp_path: Path, stops: Callable[[list[str]], list[str]]
) -> None:
    found = specs(tmp_path / "learn", stops)
    assert {one.partition(":")[0] for one in found} >= {"fleet.sent", "fleet.answered"}
    for number, spec in enumerate(found):
        with planned(tmp_path / str(number)) as (world, plan):
            child = world.child(spec, plan.plan_id)
            child.end()
            assert child.killed, spec
            report = applying.apply(world.ctx, plan.plan_id)
            assert report.end is applying.End.OVER, spec
            uncertain = report.count(ActionState.UNCERTAIN)
            assert uncertain <= 1, spec
            assert report.count(ActionState.DONE) == len(report.progress) - uncertain, spec
            assert set(world.stops().values()) <= {1}, spec
            # What is uncertain was not stopped: the next plan does it.
            world.ctx.seen = None
            rest = emergency.plan(world.ctx, "the rest")
            assert rest.stops == uncertain, spec
            if rest.stops:
                assert applying.carry_out(world.ctx, rest).end is applying.End.OVER, spec
            assert set(world.stops().values()) == {1}, spec
            world.verify()


def test_processes_together_stop_everything_once(tmp_path: Path) -> None:
    with planned(tmp_path) as (world, plan):
        children = [world.child(plan_id=plan.plan_id) for _ in range(3)]
        results = [child.end().result for child in children]
        assert set(results) <= {"over", "waiting"}, results
        assert set(world.stops().values()) == {1}
        standing = plans.get(world.ctx, plan.plan_id)
        assert standing.count(ActionState.DONE) == len(standing.plan.actions)
        world.verify()


def test_one_of_two_is_killed_and_the_other_does_the_rest(tmp_path: Path) -> None:
    with planned(tmp_path, replace(SMALL, workspaces=30)) as (world, plan):
        killed = world.child("fleet.answered", plan.plan_id)
        other = world.child(plan_id=plan.plan_id, held=True)
        # Else the other might do everything before the first has begun.
        while not world.stops() and killed.process.exitcode is None:
            killed.process.join(0.01)
        other.go()
        killed.end()
        assert killed.killed
        other.end()
        report = applying.apply(world.ctx, plan.plan_id)
        assert report.end is applying.End.OVER
        assert report.count(ActionState.DONE) == len(plan.actions)
        assert set(world.stops().values()) == {1}
        assert len(world.stops()) == plan.stops
        world.verify()


NIGHT = """
[safety]
max_percent = 100

[policy.quiet_hours]
timezone = "UTC"
start = "00:00"
end = "00:00"
grace_minutes = 0

[policy.time_to_live]
required_hours = 4
max_hours = 5

[policy.exclusions]
templates = ["web-light"]

[policy.dormancy]
unused_days = 1
leave_native = false
"""


@pytest.mark.parametrize("purpose", ["emergency", "govern"])
def test_a_plan_applied_leaves_an_empty_plan_and_undo_the_former_state(
    tmp_path: Path, purpose: str
) -> None:
    with governed(tmp_path, replace(SMALL, workspaces=60, people=20), NIGHT) as world:
        ctx = world.ctx

        def made() -> Plan:
            ctx.seen = None
            if purpose == "emergency":
                return emergency.plan(ctx, "a rehearsal")
            return deciding.plan(ctx, Purpose.GOVERN)

        before, plan = world.states(), made()
        kept = {one.name for one in ctx.fleet.observe().workspaces if one.template == "web-light"}
        assert kept
        assert kept.isdisjoint(one.workspace.rpartition("/")[2] for one in plan.actions)
        assert applying.carry_out(ctx, plan).end is applying.End.OVER
        assert made().actions == ()
        assert world.states() != before
        undo = undoing.undo(ctx, plan.plan_id)
        report = applying.apply(ctx, undo.plan_id)
        assert report.end is applying.End.OVER
        assert report.count(ActionState.DONE) == len(undo.actions)
        after = world.states()
        assert {name: after[name] for name in before} == before
        world.verify()


def test_a_freeze_by_another_process_ends_what_is_under_way_at_once(tmp_path: Path) -> None:
    with planned(tmp_path, replace(SMALL, workspaces=30)) as (world, plan):
        began: list[int] = []

        def told(_: object, __: object) -> None:
            if not began:
                carrel = [sys.executable, "-m", "carrel", "freeze", "--reason", "somebody saw it"]
                subprocess.run(carrel, env=os.environ | world.environment, check=True)
                began.append(len(world.ours()))

        report = applying.apply(world.ctx, plan.plan_id, told)
        assert report.end is applying.End.FROZEN
        assert len(world.ours()) == began[0] < plan.stops
        freezing.unfreeze(world.ctx)
        assert applying.apply(world.ctx, plan.plan_id).end is applying.End.OVER
        assert set(world.stops().values()) == {1}
        assert len(world.stops()) == plan.stops
