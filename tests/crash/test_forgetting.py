"""SIGKILL while old plans are forgotten, and several that forget at once: all or nothing, once."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from tests.crash.conftest import Ended
from tests.databases import KINDS, fresh

from carrel.control.fleet import forgetting, plans
from carrel.control.fleet.context import FleetContext
from carrel.domain.governance.plans import Action, Deed, Plan, Purpose, sealed
from carrel.domain.ledger import first_break
from carrel.stores.database import DatabaseService
from carrel.testing.clocks import HandClock
from carrel.testing.fleets import ADDRESS, FakeFleet, Postbox

pytestmark = [pytest.mark.crash, pytest.mark.timeout(120)]

PLANS = 5


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with fresh(request.param, tmp_path) as address:
        yield address


def opened(url: str, *, days: int = 0) -> FleetContext:
    """A fleet in a database, so many days after its plans were made."""
    clock, store = HandClock(), DatabaseService(url)
    fleet = FakeFleet(clock)
    clock.advance(timedelta(days=days))
    ctx = FleetContext(store, clock, lambda: fleet, ADDRESS, "test", Postbox())
    ctx.ending += (store.close,)
    return ctx


def rehearsed(ctx: FleetContext, count: int) -> None:
    """Store plans that were only shown."""
    at = ctx.now()
    for number in range(count):
        stop = Action(1, Deed.STOP, f"w-{number}", "ada/dev", "u-1", "night", "It is night.")
        plan = Plan("", "", Purpose.GOVERN, ADDRESS, at, at, f"test {number}", (stop,))
        plans.store(ctx, sealed(plan))


def forget(url: str) -> int:
    """Forget what is old, a week and a day later."""
    with closing(opened(url, days=8)) as ctx:
        return forgetting.forget(ctx)


def found(url: str) -> tuple[int, int]:
    """Return how many plans are left, and how many the ledger says were forgotten."""
    with closing(opened(url)) as ctx, ctx.store.reading() as session:
        lines = session.governance.plan_lines()
        assert all(sum(line.states.values()) == 1 for line in lines)
        events = list(session.events())
    assert first_break(events) is None
    counts = [one.data["plans"] for one in events if one.action == "plan.forgotten"]
    return len(lines), sum(int(str(count)) for count in counts)


def test_killed_anywhere_it_has_forgotten_all_or_nothing(
    url: str, run_in_fork: Callable[..., Ended], stops: Callable[[list[str]], list[str]]
) -> None:
    with closing(opened(url)) as ctx:
        rehearsed(ctx, PLANS)
    learned = run_in_fork(lambda: forget(url))
    assert (learned.error, found(url)) == ("", (0, PLANS))
    assert "forgetting.plans" in learned.points
    for number, spec in enumerate(stops(learned.points), 1):
        with closing(opened(url)) as ctx:
            rehearsed(ctx, PLANS)
        assert run_in_fork(lambda: forget(url), spec).killed, spec
        assert found(url) == (PLANS, number * PLANS), spec
        assert forget(url) == PLANS
        assert found(url) == (0, (number + 1) * PLANS), spec


RACER = """
import sys
from tests.crash.test_forgetting import forget, forgetting

forgetting.MOST = 1
print("ready", flush=True)
sys.stdin.readline()
print(sum(iter(lambda: forget(sys.argv[1]), 0)))
"""


def test_several_that_forget_at_once_count_each_plan_once(url: str) -> None:
    with closing(opened(url)) as ctx:
        rehearsed(ctx, 4 * PLANS)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:  # all of them, before the first is waited for
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    told = [int(racer.communicate(timeout=100)[0]) for racer in racers]
    assert sum(told) == 4 * PLANS
    assert found(url) == (0, 4 * PLANS)
