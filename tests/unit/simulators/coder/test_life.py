"""What happens by itself: the scheduler, people, AI agents, pools."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrel.domain.fleet.schedule import Deadlines
from carrel.domain.fleet.workspaces import BuildStatus, Transition
from carrel.simulators.coder.living.timing import settle
from carrel.simulators.coder.model.people import Manner
from carrel.simulators.coder.model.world import POOL
from carrel.simulators.coder.peopling.population import Population
from carrel.simulators.coder.simulator import Simulator

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def quiet() -> Simulator:
    """A fleet on a Sunday night, when nobody comes."""
    start = datetime(2026, 3, 1, 2, tzinfo=UTC)
    simulator = Simulator(Population(workspaces=60, seed=2, start=start, failing=0))
    for person in simulator.world.people.values():
        person.habits = None
    return simulator


def idle(simulator: Simulator, *, running: bool):
    return next(
        one
        for one in simulator.world.alive()
        if (one.running if running else one.stopped)
        and not (one.connections or one.dormant_at or one.is_prebuild or one.task_id)
    )


def deadline_of(simulator: Simulator, space, deadline: datetime) -> None:
    space.latest.clock = Deadlines(deadline, None)
    simulator.world.changed(space)


def test_a_workspace_stops_in_the_minute_of_its_deadline(quiet):
    space = idle(quiet, running=True)
    deadline = quiet.world.now + 10.5 * MINUTE
    deadline_of(quiet, space, deadline)
    quiet.advance(10.5 * MINUTE)
    assert space.running
    quiet.advance(0.5 * MINUTE)
    assert (str(space.latest.transition), space.latest.reason) == ("stop", "autostop")


def test_a_deadline_stops_nothing_while_provisioners_are_gone(quiet):
    space = idle(quiet, running=True)
    deadline_of(quiet, space, quiet.world.now + MINUTE)
    quiet.set_provisioners(0)
    quiet.advance(HOUR)
    assert space.running
    quiet.set_provisioners(5)
    quiet.advance(10 * MINUTE)
    assert space.stopped


def test_the_workspaces_of_a_suspended_user_stop_at_once(quiet):
    space = idle(quiet, running=True)
    quiet.life.set_status(space.owner_id, "suspended")
    quiet.advance(10 * MINUTE)
    assert space.stopped


def test_an_autostart_starts_and_winds_the_clock(quiet):
    space = idle(quiet, running=False)
    rules = quiet.world.blueprints[space.template_id].rules
    space.ttl, space.autostart = 3 * HOUR, "CRON_TZ=UTC 30 2 * * 0-6"
    space.next_start_at = quiet.world.now + 30 * MINUTE
    quiet.world.blueprints[space.template_id].rules = replace(
        rules, allow_user_autostop=True, allow_user_autostart=True, required_days=frozenset()
    )
    quiet.world.changed(space)
    quiet.advance(45 * MINUTE)
    assert (space.running, space.latest.reason) == (True, "autostart")
    assert space.latest.clock.deadline == space.latest.completed_at + 3 * HOUR


def test_a_failed_start_is_cleaned_up_and_never_stopped_by_its_deadline(quiet):
    space = idle(quiet, running=False)
    blueprint = quiet.world.blueprints[space.template_id]
    blueprint.rules = replace(blueprint.rules, failure_ttl=2 * HOUR)
    space.failing = 1
    quiet.life.builder.ask(space, Transition.START, "cli", space.owner_id)
    quiet.advance(HOUR)
    assert space.latest.status is BuildStatus.FAILED
    quiet.advance(2 * HOUR)
    assert space.stopped


def test_what_is_unused_sleeps_then_goes(quiet):
    space = idle(quiet, running=True)
    blueprint = quiet.world.blueprints[space.template_id]
    blueprint.rules = replace(blueprint.rules, time_til_dormant=DAY, time_til_delete=2 * DAY)
    space.used_at = quiet.world.now
    deadline_of(quiet, space, quiet.world.now + 9 * DAY)
    quiet.advance(DAY + 10 * MINUTE)
    assert (space.stopped, space.latest.reason) == (True, "dormancy")
    assert space.deleting_at == space.dormant_at + 2 * DAY
    quiet.advance(2 * DAY)
    assert space.deleted


@given(st.lists(st.integers(190, 204), max_size=6))
@settings(max_examples=40)
def test_looking_more_often_moves_no_deadline_elsewhere(minutes):
    """Whoever looks, and how often, the deadline of who is connected is the same."""

    def moved(looks: list[int]) -> datetime | None:
        simulator = Simulator(Population(workspaces=3, people=1, seed=1, history=timedelta(0)))
        space = next(iter(simulator.world.spaces.values()))
        blueprint = simulator.world.blueprints[space.template_id]
        blueprint.rules = replace(blueprint.rules, activity_bump=HOUR)
        simulator.world.boot(space)
        space.latest.transition = space.latest.transition.START
        space.latest.clock = Deadlines(simulator.world.now + 2 * HOUR, None)
        begin = simulator.world.now
        simulator.world.open_link(space, space.owner_id, "ssh")
        for look in sorted(looks):
            simulator.world.now = begin + look * MINUTE
            settle(simulator.world, space)
        return space.latest.clock.deadline

    assert moved([*minutes, 205]) == moved([205])


def test_an_editor_that_was_left_open_starts_again_what_was_stopped():
    simulator = Simulator(Population(workspaces=200, seed=4))
    world = simulator.world
    for _ in range(4 * 24):
        simulator.advance(HOUR / 2)
        flapping = [one for one in world.connected() if _left_open(simulator, one)]
        if flapping:
            break
    space = flapping[0]
    before = len(world.interruptions)
    simulator.life.builder.ask(space, Transition.STOP, "cli", world.person("admin").user_id)
    simulator.advance(10 * MINUTE)
    assert space.builds[-1].reason in {"vscode_connection", "jetbrains_connection"}
    assert len(world.interruptions) == before


def _left_open(simulator: Simulator, space) -> bool:
    habits = simulator.world.people[space.owner_id].habits
    presences = simulator.life.crowd.present_in(space.workspace_id)
    return (
        habits is not None
        and habits.manner is Manner.FLAPPING
        and len(presences) == 1
        and presences[0].leaves < simulator.world.now < presences[0].ends - HOUR
        and presences[0].kind in {"vscode", "jetbrains"}
        and space.running
    )


def test_a_stop_at_work_is_known_to_have_interrupted(simulator):
    world = simulator.world
    space = next(
        one
        for one in world.connected()
        if any(
            presence.leaves > world.now + HOUR
            for presence in simulator.life.crowd.present_in(one.workspace_id)
        )
    )
    job = simulator.life.builder.ask(space, Transition.STOP, "cli", world.person("admin").user_id)
    simulator.advance(3 * MINUTE)
    hit = [one for one in world.interruptions if one.build_id == job.build_id]
    assert [one.user_id for one in hit] == [space.owner_id]
    assert hit[0].working == "person"


def test_pools_are_refilled_unless_that_is_paused(api, simulator):
    simulator.advance(10 * MINUTE)
    world = simulator.world

    def pool() -> list[str]:
        keys = world.person(POOL).desk
        return [key for key in keys if world.spaces[key].running]

    full = pool()
    assert full
    first = world.spaces[full[0]]
    api.send("PUT", "prebuilds/settings", reconciliation_paused=True)
    assert api.send("PUT", "prebuilds/settings", reconciliation_paused=True).status_code == 304
    api.build(first, "stop")
    simulator.advance(30 * MINUTE)
    assert len(pool()) == len(full) - 1
    api.send("PUT", "prebuilds/settings", reconciliation_paused=False)
    simulator.advance(30 * MINUTE)
    assert len(pool()) == len(full)
    assert first.deleted


def _story(seed: int, steps: list[int]) -> list[tuple[object, ...]]:
    simulator = Simulator(Population(workspaces=30, seed=seed))
    for hours in steps:
        simulator.advance(hours * HOUR)
    world = simulator.world
    builds = [(job.build_id, job.reason, job.created_at, job.status) for job in world.history()]
    links = [(link.link_id, link.opened_at, link.closed_at) for link in world.links]
    return [*builds, *links]


@given(st.integers(0, 1000), st.lists(st.integers(1, 20), min_size=1, max_size=4))
@settings(max_examples=8)
def test_a_seed_tells_one_story_however_time_is_cut(seed, steps):
    assert _story(seed, steps) == _story(seed, [sum(steps)])


def test_another_seed_tells_another_story():
    assert _story(1, [24]) != _story(2, [24])


def test_a_month_of_five_hundred_workspaces_is_lived_by_events_not_by_minutes():
    simulator = Simulator(Population(workspaces=500, seed=3))
    begun = simulator.world.agenda.done
    simulator.advance(30 * DAY)
    assert simulator.world.agenda.done - begun < 100_000
    assert simulator.double_stops() == []
    reasons = {job.reason for job in simulator.history()}
    assert {"autostop", "autostart", "dormancy", "task_auto_pause", "vscode_connection"} <= reasons


def test_time_runs_at_a_speed():
    class Real:
        moment = datetime(2026, 1, 1, tzinfo=UTC)

        def now(self) -> datetime:
            return self.moment

        def wait(self, seconds: float) -> None:
            self.moment += timedelta(seconds=seconds)

    simulator = Simulator(Population(workspaces=5), speed=60, real=Real())
    begun = simulator.clock.now()
    simulator.real.wait(2)
    assert simulator.clock.now() == begun + 2 * MINUTE
    simulator.clock.wait(60)
    assert simulator.clock.now() == begun + 3 * MINUTE
