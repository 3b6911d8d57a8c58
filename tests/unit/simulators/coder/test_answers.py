"""The quirks of a deployment's answers, through real HTTP."""

from datetime import datetime, timedelta

import httpx2
import pytest

from carrel.domain.fleet.schedule import Deadlines
from carrel.simulators.coder.model.history import Licence

MINUTE = timedelta(minutes=1)


def test_a_token_is_needed_except_for_the_version(api, simulator):
    assert httpx2.get(f"{simulator.url}/api/v2/buildinfo").json()["version"] == "v2.35.3"
    assert httpx2.get(f"{simulator.url}/api/v2/users/me").status_code == 401
    token = simulator.world.tokens[simulator.token]
    token.expires_at = simulator.world.now
    assert api.get("users/me").status_code == 401


def test_a_build_is_created_with_201_and_a_second_one_is_a_conflict(api, simulator, running):
    answer = api.build(running, "stop", reason="cli")
    assert (answer.status_code, answer.json()["status"]) == (201, "stopping")
    assert api.build(running, "stop").status_code == 409
    simulator.advance(5 * MINUTE)
    assert api.get(f"workspacebuilds/{answer.json()['id']}").json()["status"] == "stopped"
    assert [job.reason for job in simulator.history(by="admin")] == ["cli"]
    assert simulator.double_stops() == []


def test_stopping_what_is_stopped_is_a_double_stop(api, simulator, stopped):
    assert api.build(stopped, "stop").status_code == 201
    assert [job.workspace_id for job in simulator.double_stops()] == [stopped.workspace_id]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"transition": "sleep"}, 400),
        ({"transition": "stop", "reason": "autostop"}, 400),
        ({"transition": "stop", "template_version_id": "of another template"}, 400),
    ],
)
def test_what_makes_no_sense_is_refused(api, running, body, status):
    answer = api.send("POST", f"workspaces/{running.workspace_id}/builds", **body)
    assert answer.status_code == status
    assert answer.json()["message"]


def test_a_version_that_is_imported_starts_nothing(api, simulator, stopped):
    simulator.world.blueprints[stopped.template_id].importing = True
    assert api.build(stopped, "start").status_code == 406


def test_a_cancel_that_expects_another_status_fails(api, simulator, running):
    simulator.set_provisioners(0)
    build = api.build(running, "stop").json()["id"]
    path = f"workspacebuilds/{build}/cancel"
    assert api.client.patch(path, params={"expect_status": "running"}).status_code == 412
    assert api.client.patch(path, params={"expect_status": "pending"}).status_code == 200
    assert api.get(f"workspacebuilds/{build}").json()["job"]["status"] == "canceled"


def test_jobs_wait_for_provisioners_in_turn(api, simulator):
    simulator.set_provisioners(0)
    spaces = [one for one in simulator.world.alive() if one.running][:3]
    builds = [api.build(one, "stop").json()["job"] for one in spaces]
    assert [job["queue_position"] for job in builds] == [1, 2, 3]
    jobs = api.get("organizations/default/provisionerjobs", status="pending").json()
    assert {job["status"] for job in jobs} == {"pending"}
    waiting = [one.latest for one in spaces]
    simulator.set_provisioners(1)
    simulator.advance(20 * MINUTE)
    ends = [(job.started_at, job.completed_at) for job in waiting]
    assert ends[0][1] <= ends[1][0] <= ends[1][1] <= ends[2][0]


def test_a_time_to_live_leaves_a_running_deadline_alone_unless_it_is_none(api, running):
    deadline = api.see(running)["latest_build"]["deadline"]
    path = f"workspaces/{running.workspace_id}/ttl"
    assert api.send("PUT", path, ttl_ms=7_200_000).status_code == 204
    assert api.see(running)["latest_build"]["deadline"] == deadline
    assert api.send("PUT", path, ttl_ms=30_000).status_code == 400
    assert api.send("PUT", path, ttl_ms=31 * 86_400_000).status_code == 400
    assert api.send("PUT", path, ttl_ms=None).status_code == 204
    assert api.see(running)["latest_build"]["deadline"] is None
    assert api.see(running)["ttl_ms"] is None


def test_a_deadline_moves_both_ways_within_its_limits(api, simulator, running, stopped):
    now = simulator.world.now
    running.latest.clock = Deadlines(now + 5 * 60 * MINUTE, now + 8 * 60 * MINUTE)
    path = f"workspaces/{running.workspace_id}/extend"

    def moved(minutes: int) -> int:
        return api.send("PUT", path, deadline=(now + minutes * MINUTE).isoformat()).status_code

    assert [moved(60), moved(480), moved(20), moved(481)] == [200, 200, 400, 400]
    seen = datetime.fromisoformat(api.see(running)["latest_build"]["deadline"])
    assert seen == now + 480 * MINUTE
    running.latest.clock = Deadlines(None, None)
    assert moved(60) == 409
    path = f"workspaces/{stopped.workspace_id}/extend"
    assert moved(60) == 409


def test_dormancy_is_304_when_it_is_so_already_and_stops_nothing(api, running):
    path = f"workspaces/{running.workspace_id}/dormant"
    assert api.send("PUT", path, dormant=False).status_code == 304
    assert api.send("PUT", path, dormant=True).json()["dormant_at"]
    assert running.running
    names = [one["id"] for one in api.get("workspaces").json()["workspaces"]]
    assert running.workspace_id not in names
    hidden = api.get("workspaces", q="dormant:true").json()["workspaces"]
    assert running.workspace_id in [one["id"] for one in hidden]


def test_lists_have_no_limit_by_default_but_logs_stop_at_100(api, simulator):
    simulator.advance(timedelta(days=8))
    listed = api.get("workspaces", limit=0).json()
    assert len(listed["workspaces"]) == listed["count"] > 30
    for path, rows in (("audit", "audit_logs"), ("connectionlog", "connection_logs")):
        answer = api.get(path, limit=0).json()
        assert len(answer[rows]) == 100 < answer["count"]


def test_pages_are_cut_out_of_one_order_running_first(api):
    whole = api.get("workspaces").json()["workspaces"]
    first = api.get("workspaces", limit=7).json()["workspaces"]
    second = api.get("workspaces", limit=7, offset=7).json()["workspaces"]
    assert [one["id"] for one in (*first, *second)] == [one["id"] for one in whole[:14]]
    states = [one["latest_build"]["status"] == "running" for one in whole]
    assert states == sorted(states, reverse=True)


@pytest.mark.parametrize("query", ["group:x", "colour:red", 'name:"open', "last_used_after:noon"])
def test_a_filter_that_nobody_knows_is_an_error(api, query):
    assert api.get("workspaces", q=query).status_code == 400


def test_filters_find_what_they_say(api, simulator, running):
    owner = simulator.world.people[running.owner_id].username
    mine = api.get("workspaces", q=f"owner:{owner} status:running").json()["workspaces"]
    assert running.workspace_id in [one["id"] for one in mine]
    assert {one["owner_name"] for one in mine} == {owner}
    moment = simulator.world.now.isoformat().replace("+00:00", "Z")
    used = api.get("workspaces", q=f'last_used_before:"{moment}"').json()["count"]
    assert used == api.get("workspaces").json()["count"]


def test_nobody_and_never_are_zero_times_or_null(api, simulator, stopped):
    person = simulator.world.people[stopped.owner_id]
    person.last_seen_at = None
    assert api.get(f"users/{person.username}").json()["last_seen_at"] == "0001-01-01T00:00:00Z"
    seen = api.see(stopped)
    assert seen["latest_build"]["deadline"] == "0001-01-01T00:00:00Z"
    assert seen["dormant_at"] is None


@pytest.mark.parametrize(("licence", "status"), [(Licence.NONE, 403), (Licence.AGPL, 404)])
@pytest.mark.parametrize(
    "path", ["users/me/quiet-hours", "groups", "audit", "connectionlog", "prebuilds/settings"]
)
def test_without_a_licence_premium_is_refused_or_unknown(api, simulator, licence, status, path):
    assert api.get(path).status_code == 200
    simulator.world.setup.licence = licence
    assert api.get(path).status_code == status
    assert api.get("entitlements").json()["has_license"] is False


def test_quiet_hours_are_one_object_and_bad_ones_are_500(api, simulator):
    shown = api.get("users/me/quiet-hours").json()
    assert (shown["time"], shown["timezone"], shown["user_set"]) == ("00:00", "UTC", False)
    ours = "CRON_TZ=Europe/Berlin 30 18 * * *"
    assert api.send("PUT", "users/me/quiet-hours", schedule=ours).json()["raw_schedule"] == ours
    assert api.send("PUT", "users/me/quiet-hours", schedule="0 18 * * 1-5").status_code == 500
    assert api.send("PUT", "users/me/quiet-hours", schedule="").json()["user_set"] is False
    simulator.world.setup.quiet_custom = False
    assert api.send("PUT", "users/me/quiet-hours", schedule=ours).status_code == 403


def test_insights_want_midnight_and_full_hours(api):
    day, hour = "2026-03-02T00:00:00Z", "2026-03-03T08:00:00Z"
    good = api.get("insights/user-activity", start_time=day, end_time=hour)
    assert good.json()["report"]["users"]
    late = "2026-03-03T08:30:00Z"
    assert api.get("insights/user-activity", start_time=hour, end_time=hour).status_code == 400
    assert api.get("insights/user-activity", start_time=day, end_time=late).status_code == 400


def test_a_task_is_paused_and_resumed_with_202(api, simulator):
    task = next(iter(simulator.world.assignments.values()))
    space = simulator.world.spaces[task.workspace_id]
    simulator.advance(20 * MINUTE)
    first, second = ("pause", "resume") if space.running else ("resume", "pause")
    for word in (first, second):
        answer = api.send("POST", f"tasks/{task.owner_id}/{task.task_id}/{word}")
        assert answer.status_code == 202
        reason = answer.json()["workspace_build"]["reason"]
        assert reason == ("task_manual_pause" if word == "pause" else "task_resume")
        simulator.advance(5 * MINUTE)


def test_members_see_their_own_and_may_not_read_the_logs(simulator, running, api):
    person = simulator.world.people[running.owner_id]
    member = type(api)(simulator, simulator.token_of(person.username))
    with member.client:
        owners = {one["owner_name"] for one in member.get("workspaces").json()["workspaces"]}
        assert owners == {person.username}
        assert member.get("audit").status_code == 403
        other = next(one for one in simulator.world.alive() if one.owner_id != running.owner_id)
        assert member.get(f"workspaces/{other.workspace_id}").status_code == 404
        checks = {"stop": {"action": "stop", "object": {"resource_type": "workspace"}}}
        assert member.send("POST", "authcheck", checks=checks).json() == {"stop": False}
        assert api.send("POST", "authcheck", checks=checks).json() == {"stop": True}


def test_a_deleted_workspace_is_remembered_for_those_who_ask(api, simulator, stopped):
    assert api.build(stopped, "delete").status_code == 201
    simulator.advance(10 * MINUTE)
    path = f"workspaces/{stopped.workspace_id}"
    assert api.get(path).status_code == 410
    assert api.get(path, include_deleted="true").json()["latest_build"]["status"] == "deleted"
    assert api.get("workspaces", q="status:deleted").json()["count"] >= 1
