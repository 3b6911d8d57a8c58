"""A fleet of 500 lives through a month of nights in which everything goes wrong.

Requests time out, are refused, break in the middle, are done without an answer; every few passes
the process is killed at the worst moment. What must hold is looked at from the deployment's
side, in its own history of builds, with rules that are written here a second time.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import cycle
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.crash.fleet_world import FleetWorld, governed

from carrel.control.fleet import governing, keeping, plans, settling
from carrel.domain.governance.plans import STOPPING, Action, ActionState, Progress
from carrel.errors import CarrelError
from carrel.simulators.coder.model.workspaces import Space
from carrel.simulators.coder.peopling.population import Population
from carrel.simulators.coder.serving.faults import Fault, Kind

THOROUGH = os.environ.get("CARREL_REAL") == "required"
pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.timeout(1800)]

BERLIN = ZoneInfo("Europe/Berlin")
# The clocks go forward on 29 March.
FIRST, DAYS = (date(2026, 3, 9), 30) if THOROUGH else (date(2026, 3, 27), 3)
EVENING, MORNING, GRACE = time(20), time(6), timedelta(minutes=30)
CAP = 30
PASSES = (time(17), time(20, 10), time(20, 40), time(1, 15), time(5, 15))
KILLED = (2, 3)
"""In these of each day, the process that governs is killed."""
LATER = 4
POINTS = ("fleet.sent:2", "fleet.answered", "stores.commit:9", "fleet.sent", "fleet.answered:4")
TOML = f"""
[coder]
timeout_seconds = 0.3

[safety]
max_percent = 100
max_stops = 500
max_stops_per_minute = {CAP}
max_concurrent_stops = {CAP}
batch_size = {CAP}

[policy.quiet_hours]
timezone = "Europe/Berlin"
start = "20:00"
end = "06:00"
grace_minutes = 30
native = false

[policy.exclusions]
workspaces = ["infra-*"]
"""
WRONG = (
    Fault(Kind.HANG, share=0.0005),
    Fault(Kind.STATUS, share=0.01, status=429, seconds=1),
    Fault(Kind.STATUS, share=0.01, status=500),
    Fault(Kind.TRUNCATED, share=0.004),
    Fault(Kind.RESET, share=0.004),
    Fault(Kind.STATUS, share=0.03, status=504, method="POST", path="/builds$", after=True),
    Fault(Kind.DROP, share=0.03, method="POST", path="/builds$", after=True),
    Fault(Kind.STATUS, share=0.02, status=503, method="POST", path="/builds$"),
    Fault(Kind.RACE, share=0.02, method="POST", path="/builds$"),
)


@dataclass
class Month:
    """What happened, beside what the deployment and the ledger tell."""

    world: FleetWorld
    kept: dict[str, tuple[datetime, datetime]] = field(
        default_factory=dict[str, tuple[datetime, datetime]]
    )
    passes: Counter[str] = field(default_factory=Counter[str])

    def run(self) -> None:
        """Let the days go by."""
        points = cycle(POINTS)
        for number, at in enumerate(_moments()):
            now = self.world.simulator.clock.now()
            self.world.simulator.advance(max(at - now, timedelta(0)))
            self._govern(next(points) if number % len(PASSES) in KILLED else "")
            local = at.astimezone(BERLIN).time()
            if local == PASSES[0]:
                self._keep_some()
                self.world.simulator.restart()
            if local == PASSES[-1]:
                for _ in range(LATER):  # what kills and faults left over, before the night ends
                    self._govern("")
                self.nobody_is_forgotten()

    def nobody_is_forgotten(self) -> None:
        """Nothing ran all night without a reason."""
        now = self.world.simulator.clock.now()
        evening = datetime.combine(now.astimezone(BERLIN) - timedelta(hours=12), EVENING, BERLIN)
        left = [
            self.world.simulator.world.people[space.owner_id].username + "/" + space.name
            for space in self.world.simulator.world.spaces.values()
            if _ran_since(space, evening)
            and not space.name.startswith("infra-")
            and not space.is_prebuild
            and not self._held(space.workspace_id, now)
            and not (space.app is not None and space.app.state == "working")
        ]
        assert left == [], now

    def all_was_allowed(self) -> None:
        """Each stop of ours lies in the night, after the grace, and hits nobody who is kept."""
        for job in self.world.ours():
            space = self.world.simulator.world.spaces[job.workspace_id]
            local = job.created_at.astimezone(BERLIN)
            since = local - GRACE
            assert since.time() >= EVENING or local.time() < MORNING, (space.name, local)
            assert not space.name.startswith("infra-")
            assert not self._held(space.workspace_id, job.created_at), (space.name, local)

    def all_is_told(self) -> None:
        """The ledger knows each stop that the deployment knows of us, and the other way round."""
        builds = {job.build_id: job for job in self.world.ours()}
        told = {row.build_id for _, row in self.stops() if row.build_id}
        uncertain = [row for _, row in self.stops() if row.state is ActionState.UNCERTAIN]
        assert len(builds.keys() - told) <= len(uncertain)
        for action, row in self.stops():
            assert row.state.over, (action.workspace, row.state)
            if row.state is ActionState.DONE and row.build_id in builds:
                assert builds[row.build_id].workspace_id == action.workspace_id

    def stops(self) -> Iterator[tuple[Action, Progress]]:
        """Return all actions that stop, and how far they are."""
        for line in plans.listing(self.world.ctx, limit=100_000):
            held = plans.get(self.world.ctx, line.plan_id)
            for row in held.progress:
                action = held.plan.actions[row.number - 1]
                if action.deed in STOPPING:
                    yield action, row

    def _govern(self, fault: str) -> None:
        if fault:
            child = self.world.child(fault)
            told = child.end()
            self.passes["killed" if child.killed else "survived"] += 1
            assert "Traceback" not in told.result or "carrel.errors" in told.result
            return
        try:
            governing.once(self.world.ctx)
            self.passes["made"] += 1
        except CarrelError:
            self.passes["missed"] += 1

    def _keep_some(self) -> None:
        """Let somebody keep some of what runs for the first half of the night."""
        simulator, ctx = self.world.simulator, self.world.ctx
        running = [
            space
            for space in simulator.world.spaces.values()
            if space.running and not space.is_prebuild and space.workspace_id not in self.kept
        ]
        for space in running[:3]:
            owner = simulator.world.people[space.owner_id].username
            try:
                found = keeping.snooze(
                    ctx, f"{owner}/{space.name}", timedelta(hours=8), "A training runs."
                )
            except CarrelError:
                continue
            self.kept[space.workspace_id] = (found.keep.at, found.keep.until)

    def _held(self, workspace_id: str, at: datetime) -> bool:
        since, until = self.kept.get(workspace_id, (at, at))
        return since <= at < until


def _moments() -> Iterator[datetime]:
    """Return when a pass is made."""
    for day in range(DAYS):
        for number, at in enumerate(PASSES):
            here = FIRST + timedelta(days=day + (number >= PASSES.index(time(1, 15))))
            yield datetime.combine(here, at, BERLIN).astimezone(UTC)


def _ran_since(space: Space, evening: datetime) -> bool:
    return not space.deleted and space.running and space.latest.created_at < evening


def test_a_fleet_lives_through_a_month_of_faults(tmp_path: Path) -> None:
    start = datetime.combine(FIRST, time(9), BERLIN).astimezone(UTC)
    people = Population(workspaces=500, seed=11, start=start)
    with governed(tmp_path, people, TOML, wrong=WRONG) as world:
        world.ctx.pace = replace(world.ctx.pace, poll=45.0)
        month = Month(world)
        month.run()
        world.simulator.faults.faults.clear()
        settling.settle_all(world.ctx)
        world.simulator.advance(timedelta(minutes=30))
        settling.settle_all(world.ctx)
        month.all_was_allowed()
        month.all_is_told()
        world.verify()
        assert month.kept, "nobody held a lease, so none was put to the test"
        assert month.passes["killed"] >= DAYS
        assert month.passes["made"] > 3 * month.passes["missed"]
        assert len(world.ours()) > 25 * DAYS
