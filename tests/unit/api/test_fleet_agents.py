"""The classes for fleets do what their names say, by the code that the commands use."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest

from carrel import (
    AutoStopAgent,
    CarrelError,
    EnterpriseQuietHours,
    PruneFilters,
    PruneWorkspacesAgent,
    QuietHoursAgent,
    TTLMonitorAgent,
    WorkspaceController,
)
from carrel.control.fleet import plans
from carrel.control.fleet.context import Recipients
from carrel.simulators.coder.simulator import Simulator
from carrel.testing.fleets import Postbox

EVERYBODY = PruneFilters(all_users=True)


def names(found: object) -> set[str]:
    assert isinstance(found, list | tuple)
    return {one.full_name if hasattr(one, "full_name") else one.name for one in found}


def running(simulator: Simulator) -> set[str]:
    world = simulator.world
    with simulator.lock:
        return {
            f"{world.people[space.owner_id].username}/{space.name}"
            for space in world.alive()
            if space.running
        }


def test_the_controller_sees_what_runs(evening: Simulator) -> None:
    with WorkspaceController() as controller:
        assert controller.validate_connection().user == "admin"
        assert names(controller.get_running_workspaces()) == running(evening)
        assert len(controller.get_workspaces()) == sum(1 for _ in evening.world.alive())
        one = controller.get_running_workspaces()[0]
        assert controller.get_workspace(one.full_name).workspace_id == one.workspace_id
        assert controller.get_template_mapping()[one.template_id] == one.template
        assert controller.get_build(one.build.build_id).number == one.build.number


@pytest.mark.parametrize(
    ("hour", "minute", "quiet", "over"),
    [(12, 0, False, False), (18, 20, True, False), (19, 10, True, True)],
)
def test_the_grace_is_over_an_hour_after_quiet_hours_began(
    hour: int, minute: int, quiet: bool, over: bool, opening
) -> None:
    opening(hour, minute)
    with QuietHoursAgent() as agent:
        assert agent.is_quiet_hours() is quiet
        assert agent.is_grace_period_over() is over


@pytest.mark.parametrize(("minute", "over"), [(20, False), (70, True)])
def test_the_fleets_own_grace_counts_even_where_nothing_may_be_stopped(
    minute: int, over: bool, opening, settings: Path
) -> None:
    opening(18 + minute // 60, minute % 60)
    with settings.open("a") as file:
        file.write('[policy.exclusions]\nusers = ["*"]\n')
    with QuietHoursAgent() as agent:
        assert agent.categorize_workspaces()["stopping_now"] == []
        assert agent.is_grace_period_over() is over


def test_the_grace_of_one_workspace_is_its_own(evening: Simulator) -> None:
    with QuietHoursAgent() as agent:
        found = agent.categorize_workspaces()
        assert agent.is_grace_period_over(found["stopping_now"][0].name)
        assert not agent.is_grace_period_over(found["excluded"][0].name)


def test_every_workspace_that_runs_has_a_category(evening: Simulator) -> None:
    with QuietHoursAgent() as agent:
        found = agent.categorize_workspaces()
    documented = ["stopping_now", "in_grace", "running_past_end", "ttl_expired", "normal"]
    assert list(found)[:6] == [*documented, "excluded"]
    assert {one.name for ones in found.values() for one in ones} >= running(evening)
    assert all(one.reason for ones in found.values() for one in ones)


def test_what_runs_in_quiet_hours_is_stopped_once_and_taken_back(evening: Simulator) -> None:
    before = running(evening)
    with QuietHoursAgent() as agent:
        wanted = {one.name for one in agent.categorize_workspaces()["stopping_now"]}
        foreseen = agent.stop_workspaces_for_quiet_hours(dry_run=True)
        assert foreseen.dry_run
        assert {name for name, _ in foreseen.planned} >= wanted
        assert running(evening) >= wanted

        results = agent.stop_workspaces_for_quiet_hours()
        assert results.ok
        assert results.end == "over"
        assert set(results.stopped) >= wanted
        assert not running(evening) & set(results.stopped)
        json.dumps(results.as_mapping())

        again = agent.stop_workspaces_for_quiet_hours()
        assert not set(again.stopped) & set(results.stopped)
        assert evening.double_stops() == []

        undone = agent.undo(results.plan_id)
        assert set(undone.done) == set(results.stopped)
        assert running(evening) >= before & set(results.stopped)


def test_a_workspace_is_stopped_by_name_unless_it_is_excluded(
    evening: Simulator, settings: Path
) -> None:
    with WorkspaceController() as controller:
        spared, other = sorted(names(controller.get_running_workspaces()))[:2]
    with settings.open("a") as file:
        file.write(f'[policy.exclusions]\nworkspaces = ["{spared}"]\nreason = "a demo"\n')
    with WorkspaceController() as controller:
        assert controller.stop_workspace(other, dry_run=True).planned[0][0] == other
        results = controller.stop_workspaces([spared, other], "tidying up")
        assert results.stopped == (other,)
        assert [name for name, _ in results.held_back] == [spared]
        assert "a demo" in results.held_back[0][1]
        assert controller.stop_workspace(other).held_back == ((other, "It does not run."),)


def test_an_unknown_name_stops_nothing(evening: Simulator) -> None:
    before = running(evening)
    with WorkspaceController() as controller:
        with pytest.raises(CarrelError) as caught:
            controller.stop_workspaces([*before, "nobody/nothing"])
        assert caught.value.code == "unknown_fleet_workspace"
    assert running(evening) >= before


def test_a_freeze_holds_everything_and_ends(evening: Simulator) -> None:
    with QuietHoursAgent() as agent:
        agent.freeze("an incident")
        with pytest.raises(CarrelError) as caught:
            agent.stop_workspaces_for_quiet_hours()
        assert caught.value.code == "frozen"
        assert plans.listing(agent._ctx) == [], "nothing is prepared, nobody is warned"  # noqa: SLF001
        ended = agent.unfreeze()
        assert ended is not None
        assert ended.reason == "an incident"
        assert agent.stop_workspaces_for_quiet_hours().ok


def test_owners_are_warned_before_anything_is_stopped(opening) -> None:
    simulator = opening(18, 10)
    with QuietHoursAgent() as agent:
        ctx, postbox = agent._ctx, Postbox()  # noqa: SLF001 - settings name no mailbox in memory
        ctx.notifier = postbox
        ctx.recipients = Recipients(enabled=True, lead=timedelta(hours=1), mail="mailtos://smtp")
        first = agent.stop_workspaces_for_quiet_hours()
        assert first.waiting, "the grace ends within the hour"
        assert (first.end, first.stopped) == ("waiting", ())
        assert len({address for address, *_ in postbox.sent}) == len(postbox.sent) > 1
        simulator.advance(timedelta(hours=2))
        agent.get_workspaces()  # by its answer we know of the time that went by
        assert set(agent.apply(first.plan_id).stopped) == {name for name, _ in first.waiting}


def test_the_emergency_stop_is_told_before_it_is_done(evening: Simulator) -> None:
    with WorkspaceController() as controller:
        foreseen = controller.emergency_stop("a drill", dry_run=True)
        ordinary = {name for name in running(evening) if not name.startswith("prebuilds/")}
        assert {name for name, _ in foreseen.planned} >= ordinary


def test_each_running_workspace_is_in_one_part_of_the_ttl_report(evening: Simulator) -> None:
    with TTLMonitorAgent() as agent:
        report = agent.get_ttl_compliance_report()
        ordinary = {name for name in running(evening) if not name.startswith("prebuilds/")}
        told = report.as_mapping()
        listed = [
            one["workspace"] for part in told.values() if isinstance(part, list) for one in part
        ]
        assert sorted(listed) == sorted(set(listed))
        assert set(listed) == ordinary
        assert report.total == len(ordinary)
        owner = min(ordinary).partition("/")[0]
        mine = agent.get_ttl_compliance_report(user=owner.upper())
        assert mine.total == sum(name.startswith(f"{owner}/") for name in ordinary)


def test_a_longer_threshold_finds_more_that_stops_soon(evening: Simulator) -> None:
    with TTLMonitorAgent() as agent:
        far = agent.get_ttl_compliance_report(threshold_hours=24 * 30)
        assert not far.compliant
        near = agent.get_ttl_compliance_report(threshold_hours=0.01)
        assert len(near.will_stop_soon) < len(far.will_stop_soon)
        assert agent.will_stop_soon(threshold_hours=24 * 30)


def test_what_should_have_stopped_is_told_and_can_be_forced(
    evening: Simulator, settings: Path
) -> None:
    settings.write_text("[policy.time_to_live]\ntolerance_minutes = 1\n")
    with evening.lock:
        space = next(
            one
            for one in evening.world.alive()
            if one.running and one.latest.clock.deadline and not one.is_prebuild
        )
        owner = evening.world.people[space.owner_id].username
        clock = space.latest.clock
        past = evening.world.now - timedelta(hours=2)
        space.latest.clock = type(clock)(past, clock.max_deadline)
        space.connected_since = None
        evening.set_provisioners(0)  # the deployment itself stops nothing now
    with TTLMonitorAgent() as agent:
        assert f"{owner}/{space.name}" in names(agent.should_have_stopped())


def test_times_to_live_are_set_and_extended(evening: Simulator) -> None:
    with TTLMonitorAgent() as agent:
        standing = agent.get_ttl_compliance_report(threshold_hours=720).will_stop_soon[0]
        assert agent.set_ttl(standing.name, 7, dry_run=True).planned[0][0] == standing.name
        assert agent.get_ttl(standing.name) != timedelta(hours=7)
        assert agent.set_ttl(standing.name, 7, "a long test").done == (standing.name,)
        assert agent.get_ttl(standing.name) == timedelta(hours=7)
        assert agent.set_ttl(standing.name, None).done == (standing.name,)
        with pytest.raises(CarrelError) as caught:
            agent.set_ttl(standing.name, 24 * 31)
        assert caught.value.code == "bad_ttl"


def test_a_monitor_goes_on_by_the_time_of_the_deployment(evening: Simulator) -> None:
    with TTLMonitorAgent() as agent:
        first, second = islice(agent.monitor(interval_minutes=1), 2)
        assert second.at - first.at >= timedelta(minutes=1)


def test_the_sources_of_stops_are_detected_and_ordered(evening: Simulator) -> None:
    with AutoStopAgent() as agent:
        found = agent.detect_autostop()
        waiting = {name for name in running(evening) if name.startswith("prebuilds/")}
        assert waiting
        assert set(found) == running(evening) - waiting
        one = min(found)
        assert list(agent.detect_autostop(one)) == [one]
        sources = {entry.source for entry in found[one].entries}
        assert {"deadline", "time_to_live", "requirement", "quiet_hours"} <= sources
        stops = agent.get_stop_timeline()
        assert [stop.at for stop in stops] == sorted(stop.at for stop in stops)
        assert stops
        assert {stop.workspace for stop in stops} <= set(found)


def test_the_timeline_foresees_what_our_own_policies_will_stop(opening) -> None:
    opening(12)
    with AutoStopAgent() as agent:
        nightly = [one for one in agent.get_stop_timeline() if one.source == "policy:quiet_hours"]
        assert {(one.by, one.at.hour, one.at.minute) for one in nightly} == {("ours", 19, 0)}
        at_noon = agent.get_stop_timeline(hours=2)
        assert "policy:quiet_hours" not in {one.source for one in at_noon}


def test_more_hours_than_a_day_are_foreseen_as_far_as_is_asked_for(opening, settings: Path) -> None:
    settings.write_text(settings.read_text().replace("start =", 'days = ["wed"]\nstart ='))
    simulator = opening(12)  # it is Monday
    for space in simulator.world.alive():
        space.latest.clock = replace(space.latest.clock, deadline=None)
    with AutoStopAgent() as agent:
        a_day, three = agent.get_stop_timeline(), agent.get_stop_timeline(hours=72)
    assert "policy:quiet_hours" not in {one.source for one in a_day}
    assert {one.at.isoweekday() for one in three if one.source == "policy:quiet_hours"} == {3}


def test_autostop_stops_what_has_run_too_long(evening: Simulator, settings: Path) -> None:
    with settings.open("a") as file:
        file.write("[policy.autostop]\nmax_hours = 1\nwarn_minutes = 0\n")
    with AutoStopAgent() as agent:
        foreseen = {name for name, _ in agent.stop_workspaces_for_autostop(dry_run=True).planned}
        results = agent.stop_workspaces_for_autostop()
        assert set(results.stopped) >= foreseen
        assert results.stopped
        assert not running(evening) & set(results.stopped)
        assert agent.notify_users() == ()


def test_pruning_is_about_ones_own_unless_more_is_asked_for(
    evening: Simulator, settings: Path
) -> None:
    settings.write_text(
        '[policy.prune]\nstart = "18:00"\nend = "08:00"\nnative = false\nspare_active = false\n'
        "[safety]\nmax_percent = 100\nmax_stops_per_minute = 60\n"
    )
    with PruneWorkspacesAgent() as agent:
        assert agent.get_prunable_workspaces() == []  # the administrator has none
        everybody = agent.get_prunable_workspaces(EVERYBODY)
        template, owner = everybody[0].workspace.template, everybody[0].workspace.owner
        some = agent.get_prunable_workspaces(PruneFilters(include_templates=(template,)))
        assert {one.workspace.template for one in some} == {template}
        others = PruneFilters(all_users=True, exclude_users=(owner,))
        assert owner not in {one.workspace.owner for one in agent.get_prunable_workspaces(others)}
        assert names(agent.get_prunable_workspaces(PruneFilters(user=owner))) <= names(everybody)


def test_pruning_lists_until_a_cleanup_is_asked_for(evening: Simulator, settings: Path) -> None:
    settings.write_text(
        '[policy.prune]\nstart = "18:00"\nend = "08:00"\nnative = false\nspare_active = false\n'
        "[safety]\nmax_percent = 100\nmax_stops_per_minute = 60\n"
    )
    with PruneWorkspacesAgent() as agent:
        assert agent.prune_workspaces(EVERYBODY).dry_run
        assert agent.prune_workspaces(EVERYBODY, cleanup=True, dry_run=True).dry_run
        results = agent.prune_workspaces(EVERYBODY, cleanup=True)
        assert results.stopped
        sleeping = {one.full_name for one in agent.get_workspaces() if one.dormant_at}
        assert set(results.stopped) <= sleeping
        agent.undo(results.plan_id)
        awake = {one.full_name for one in agent.get_workspaces() if not one.dormant_at}
        assert set(results.stopped) <= awake


def test_filters_add_to_what_the_settings_exclude(evening: Simulator, settings: Path) -> None:
    window = '[policy.prune]\nstart = "18:00"\nend = "08:00"\nnative = false\nspare_active = false'
    settings.write_text(window)
    with PruneWorkspacesAgent() as agent:
        first, second = sorted(
            {one.workspace.owner for one in agent.get_prunable_workspaces(EVERYBODY)}
        )[:2]
    settings.write_text(f'{window}\nexclude_users = ["{first}"]\n')
    with PruneWorkspacesAgent() as agent:
        found = agent.get_prunable_workspaces(PruneFilters(all_users=True, exclude_users=(second,)))
        assert not {first, second} & {one.workspace.owner for one in found}


def test_what_a_policy_keeps_is_not_to_be_pruned(evening: Simulator, settings: Path) -> None:
    settings.write_text(
        '[policy.prune]\nstart = "18:00"\nend = "08:00"\nnative = false\nspare_active = false\n'
        '[policy.exclusions]\nusers = ["*"]\n'
    )
    with PruneWorkspacesAgent() as agent:
        assert agent.get_prunable_workspaces(EVERYBODY) == []


@pytest.mark.parametrize("hours", [0, 25])
def test_a_night_of_no_hours_or_more_than_a_day_is_refused(hours: int, evening: Simulator) -> None:
    with PruneWorkspacesAgent() as agent, pytest.raises(CarrelError) as caught:
        agent.get_prunable_workspaces(PruneFilters(duration=timedelta(hours=hours)))
    assert caught.value.code == "bad_duration"


def test_the_deployments_own_quiet_hours_are_shown(evening: Simulator) -> None:
    with EnterpriseQuietHours() as agent:
        default = agent.get_enterprise_quiet_hours().default
        assert default is not None
        assert default.schedule == "CRON_TZ=UTC 0 0 * * *"
        own = agent.get_user_quiet_hours("admin")
        assert own is not None
        assert own.username == "admin"


def test_an_agent_whose_policy_is_switched_off_says_so(evening: Simulator, settings: Path) -> None:
    settings.write_text("[policy.quiet_hours]\nenabled = false\n")
    with pytest.raises(CarrelError) as caught:
        QuietHoursAgent()
    assert caught.value.code == "policy_switched_off"


def test_without_an_address_the_error_has_the_cure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CARREL_HOME", str(tmp_path))
    monkeypatch.delenv("CODER_URL", raising=False)
    with pytest.raises(CarrelError) as caught:
        WorkspaceController()
    assert caught.value.code == "bad_coder_url"
    assert "CODER_URL" in caught.value.cure


def test_importing_carrel_loads_no_library_of_fleets() -> None:
    program = (
        "import sys, carrel;"
        "assert not {'httpx2', 'sqlalchemy', 'carrel.bootstrap'} & set(sys.modules);"
        "carrel.WorkspaceController; assert 'httpx2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
