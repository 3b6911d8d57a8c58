"""Over any number of processes, never more stops in a minute than the limit."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from tests.crash.fleet_world import governed
from tests.databases import KINDS, fresh

from carrel.control.fleet import applying, deciding, plans
from carrel.control.fleet.context import FleetContext
from carrel.domain.governance.plans import Plan, Purpose
from carrel.simulators.coder.peopling.population import Population

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240)]

CAP = 4
PACED = f"""
[safety]
max_percent = 100
max_stops_per_minute = {CAP}
batch_size = 10

[policy.quiet_hours]
timezone = "UTC"
start = "00:00"
end = "00:00"
grace_minutes = 0
"""


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with fresh(request.param, tmp_path) as address:
        yield address


def crowded(moments: list[datetime], cap: int) -> list[tuple[datetime, datetime]]:
    """Return the stretches of less than a minute in which more than `cap` moments lie."""
    ends = zip(moments, moments[cap:], strict=False)
    return [(first, last) for first, last in ends if last - first < timedelta(minutes=1)]


def to_the_end(ctx: FleetContext, plan: Plan) -> applying.End:
    """Apply until nothing waits: people start workspaces meanwhile, and their builds take time."""
    for _ in range(20):
        end = applying.apply(ctx, plan.plan_id).end
        if end is applying.End.OVER:
            break
        ctx.clock.wait(60)
    return end


def test_processes_with_plans_of_their_own_keep_to_one_pace(tmp_path: Path, database: str) -> None:
    afternoon = datetime(2026, 3, 3, 15, tzinfo=UTC)
    people = Population(workspaces=80, people=40, start=afternoon, failing=0.0)
    with governed(tmp_path, people, PACED, database=database) as world:
        ctx = world.ctx
        made: list[Plan] = []
        for purpose in (Purpose.GOVERN, Purpose.QUIET_HOURS):
            ctx.seen = None
            made.append(plans.store(ctx, deciding.plan(ctx, purpose)))
        assert made[0].stops > 4 * CAP
        children = [world.child(plan_id=made[n % 2].plan_id) for n in range(4)]
        results = {child.end().result for child in children}
        assert results <= {"over", "waiting", "busy"}, results
        for plan in made:
            assert to_the_end(ctx, plan) is applying.End.OVER
        moments = [job.created_at for job in world.ours()]
        assert len(moments) >= made[0].stops
        assert all(earlier <= later for earlier, later in pairwise(moments))
        assert crowded(moments, CAP) == []
        assert crowded(moments, CAP // 2) != []  # a race for one workspace takes a place, too
        world.verify()
