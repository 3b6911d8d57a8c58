"""A whole fleet seen: complete, or the gap named; and not decoded twice."""

import httpx2
import pytest

from carrel.backends.coder.ownhours import OwnHours
from carrel.domain.fleet.deployment import Source
from carrel.domain.fleet.people import QuietHours
from carrel.domain.fleet.workspaces import TaskStatus, Work
from carrel.errors import FailedError

LICENSED = (
    "advanced_template_scheduling",
    "template_rbac",
    "audit_log",
    "connection_log",
)
QUIET = {"raw_schedule": "CRON_TZ=Europe/Oslo 0 2 * * *", "user_set": True}


@pytest.fixture
def fleet(deployment, workspace):
    """Make a licensed deployment with one running workspace."""
    features = {name: {"entitlement": "entitled", "enabled": True} for name in LICENSED}
    schedule = {"default_schedule": "CRON_TZ=UTC 0 0 * * *", "allow_user_custom": True}
    deployment.on("GET", "/buildinfo", {"version": "v2.35.3", "deployment_id": "d"})
    deployment.on("GET", "/users/me", {"username": "admin"})
    deployment.on("GET", "/entitlements", {"features": features})
    deployment.on("POST", "/authcheck", {})
    deployment.on("GET", "/tasks", {"tasks": [], "count": 0})
    deployment.on("GET", "/workspaces", _workspaces([workspace()]))
    deployment.on("GET", "/users", _counted("users", [{"id": "user-1", "username": "ada"}]))
    deployment.on("GET", "/templates", [{"id": "t-1", "name": "go"}])
    deployment.on("GET", "/organizations", [{"id": "o-1", "name": "acme"}])
    group = {"id": "g-1", "name": "devs", "members": [{"id": "user-1"}], "total_member_count": 1}
    deployment.on("GET", "/groups", [group])
    deployment.on("GET", "/deployment/config", {"config": {"user_quiet_hours_schedule": schedule}})
    deployment.on("GET", "/connectionlog", _counted("connection_logs", []))
    deployment.on("GET", "/users/user-1/quiet-hours", QUIET)
    return deployment


def _workspaces(items, dormant=()):
    def answer(request):
        found = dormant if "dormant" in request.url.params.get("q", "") else items
        return _page("workspaces", found, request)

    return answer


def _counted(key, items):
    return lambda request: _page(key, items, request)


def _page(key, items, request):
    begin, size = int(request.url.params["offset"]), int(request.url.params["limit"])
    assert size > 0
    return {key: items[begin : begin + size], "count": len(items)}


def _gaps(observation):
    return {gap.what for gap in observation.gaps}


def test_a_whole_fleet(coder, fleet):
    seen = coder.observe()
    assert seen.complete
    user = seen.users["user-1"]
    assert user.groups == {"g-1"}
    assert user.quiet_hours == QuietHours("CRON_TZ=Europe/Oslo 0 2 * * *", user_set=True)
    assert seen.default_quiet_hours == QuietHours("CRON_TZ=UTC 0 0 * * *")
    assert seen.workspaces[0].activity.work is Work.IDLE
    assert (set(seen.templates), set(seen.organizations)) == ({"t-1"}, {"o-1"})


def test_dormant_workspaces_are_asked_for(coder, fleet, workspace):
    asleep = workspace(transition="stop", id="ws-2", name="a", dormant_at="2026-02-01T00:00:00Z")
    fleet.on("GET", "/workspaces", _workspaces([workspace()], [asleep]))
    assert [one.name for one in coder.observe().workspaces] == ["a", "dev"]


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/users", "users"),
        ("/templates", "templates"),
        ("/organizations", "organizations"),
        ("/groups", "groups"),
        ("/deployment/config", "quiet_hours"),
        ("/users/user-1/quiet-hours", "quiet_hours"),
        ("/connectionlog", "connections"),
    ],
)
@pytest.mark.parametrize(
    "trouble",
    [(403, {"message": "forbidden"}), (503, {}), httpx2.ReadTimeout(""), {"a": 1}, "junk"],
)
def test_a_part_that_can_not_be_seen_is_a_gap(coder, fleet, path, what, trouble):
    fleet.on("GET", path, trouble)
    seen = coder.observe()
    assert _gaps(seen) == {what}
    assert all(gap.why and gap.cure for gap in seen.gaps)
    assert len(seen.workspaces) == 1


@pytest.mark.parametrize(
    ("used", "work"),
    [
        ("2026-03-03T08:59:00Z", Work.CONNECTED),
        ("2026-03-03T08:05:00Z", Work.IDLE),
        ("0001-01-01T00:00:00Z", Work.UNKNOWN),
    ],
)
def test_connections_that_can_not_be_seen_leave_the_last_use_to_judge_from(
    coder, fleet, workspace, used, work
):
    fleet.on("GET", "/connectionlog", (403, {}))
    fleet.on("GET", "/workspaces", _workspaces([workspace(last_used_at=used)]))
    seen = coder.observe()
    assert seen.lacks("connections")
    assert seen.workspaces[0].activity.work is work


def test_a_task_that_can_not_be_seen_counts_as_active(coder, fleet, workspace):
    fleet.on("GET", "/workspaces", _workspaces([workspace(task_id="task-1")]))
    fleet.on("GET", "/tasks", {"tasks": []}, (500, {}))
    seen = coder.observe()
    assert _gaps(seen) == {"tasks"}
    assert seen.workspaces[0].task is TaskStatus.UNKNOWN
    assert seen.workspaces[0].activity.work.active


@pytest.mark.parametrize("path", ["/workspaces", "/users", "/buildinfo", "/connectionlog"])
def test_a_refused_token_is_an_error_wherever_it_is_noticed(coder, fleet, path):
    fleet.on("GET", path, (401, {}))
    with pytest.raises(FailedError) as caught:
        coder.observe()
    assert caught.value.code == "token_refused"


def test_a_fleet_without_workspaces_to_be_seen_is_an_error(coder, fleet):
    fleet.on("GET", "/workspaces", (503, {}))
    with pytest.raises(FailedError) as caught:
        coder.observe()
    assert caught.value.code == "fleet_unreachable"


def test_another_web_site_is_no_deployment(coder, deployment):
    deployment.on("GET", "/buildinfo", {"hello": "world"})
    with pytest.raises(FailedError) as caught:
        coder.observe()
    assert caught.value.code == "fleet_answer_unknown"


def test_who_a_prebuild_belongs_to_until_it_is_claimed_is_not_asked_for_quiet_hours(
    coder, fleet, workspace
):
    fleet.on("GET", "/workspaces", _workspaces([workspace(is_prebuild=True)]))
    assert coder.observe().complete
    assert "/api/v2/users/user-1/quiet-hours" not in [one.url.path for one in fleet.asked]


def test_without_a_licence_nothing_is_missing_and_nothing_licensed_is_asked_for(coder, fleet):
    fleet.on("GET", "/entitlements", {"has_license": False, "features": {}})
    seen = coder.observe()
    assert seen.complete
    asked = {request.url.path.removeprefix("/api/v2") for request in fleet.asked}
    assert not asked & {"/groups", "/deployment/config", "/connectionlog", "/audit"}


@pytest.mark.parametrize(
    ("told", "source", "why"),
    [
        ({"entitlement": "entitled", "enabled": True}, Source.NATIVE, "on."),
        ({"entitlement": "entitled", "enabled": False}, Source.OURS, "It is licensed, but off."),
        ({"entitlement": "grace_period", "enabled": True}, Source.NATIVE, "time of grace"),
        ({"entitlement": "not_entitled", "enabled": True}, Source.OURS, "not licensed here"),
    ],
)
def test_what_is_licensed_must_be_on_to_count(coder, fleet, told, source: Source, why: str):
    fleet.on("GET", "/entitlements", {"features": {"advanced_template_scheduling": told}})
    found = {one.name: one for one in coder.deployment().features}["quiet_hours"]
    assert (found.source, why in found.why) == (source, True)


def test_a_licence_that_can_not_be_seen_is_a_gap(coder, fleet):
    fleet.on("GET", "/entitlements", (403, {}))
    assert _gaps(coder.observe()) == {"quiet_hours", "groups", "connections"}


def test_members_that_are_hidden_are_a_gap(coder, fleet):
    fleet.on(
        "GET", "/groups", [{"id": "g", "name": "devs", "members": [], "total_member_count": 3}]
    )
    assert coder.observe().lacks("groups")


def test_a_connection_of_an_earlier_run_is_over(coder, fleet):
    rows = [
        {"id": f"c{number}", "workspace_id": "ws-1", "type": "ssh", "connect_time": at}
        for number, at in enumerate(["2026-03-02T09:00:00Z", "2026-03-03T08:40:00Z"])
    ]
    fleet.on("GET", "/connectionlog", _counted("connection_logs", rows[:1]))
    assert coder.observe().workspaces[0].activity.work is Work.IDLE
    fleet.on("GET", "/connectionlog", _counted("connection_logs", rows))
    assert coder.observe().workspaces[0].activity.work is Work.CONNECTED


def test_a_list_that_changes_under_the_reading_is_read_again(coder, fleet, workspace):
    every = [workspace(id=f"ws-{n}", name=f"w{n:03}", transition="stop") for n in range(1_100)]
    asked = []

    def answer(request):
        if "dormant" in request.url.params.get("q", ""):
            return _page("workspaces", [], request)
        asked.append(int(request.url.params["offset"]))
        # While the first sweep goes on, the first one stops and moves to the end.
        moved = len(asked) > 1 and len(asked) <= 3
        return _page("workspaces", [*every[1:], every[0]] if moved else every, request)

    fleet.on("GET", "/workspaces", answer)
    seen = coder.observe()
    assert seen.complete
    assert len({one.workspace_id for one in seen.workspaces}) == 1_100
    assert len(asked) == 6


def test_a_list_that_never_holds_still_is_a_gap(coder, fleet, workspace):
    item = workspace()

    def answer(request):
        return {"workspaces": [item], "count": 5}

    fleet.on("GET", "/workspaces", answer)
    assert _gaps(coder.observe()) == {"workspaces"}


def test_a_deployment_that_sends_smaller_pages_is_read_to_the_end(coder, fleet, workspace):
    every = [workspace(id=f"ws-{n}", name=f"w{n:03}", transition="stop") for n in range(95)]

    def answer(request):
        if "dormant" in request.url.params.get("q", ""):
            return _page("workspaces", [], request)
        begin = int(request.url.params["offset"])
        return {"workspaces": every[begin : begin + 10], "count": 95}

    fleet.on("GET", "/workspaces", answer)
    seen = coder.observe()
    assert seen.complete
    assert len(seen.workspaces) == 95


def test_what_did_not_change_is_not_decoded_again(coder, fleet, workspace):
    first = coder.observe()
    second = coder.observe()
    assert second.templates["t-1"] is first.templates["t-1"]
    fleet.on("GET", "/workspaces", _workspaces([workspace(name="renamed")]))
    assert coder.observe().workspaces[0].name == "renamed"


def test_own_quiet_hours_are_asked_for_once_an_hour_and_only_where_they_may_differ(
    coder, fleet, clock
):
    path = "/users/user-1/quiet-hours"

    def asked():
        return sum(request.url.path.endswith(path) for request in fleet.asked)

    coder.observe()
    coder.observe()
    assert asked() == 1
    clock.wait(3601)
    coder.observe()
    assert asked() == 2
    same = {"default_schedule": "CRON_TZ=UTC 0 0 * * *", "allow_user_custom": False}
    fleet.on("GET", "/deployment/config", {"config": {"user_quiet_hours_schedule": same}})
    clock.wait(3601)
    assert coder.observe().users["user-1"].quiet_hours is None
    assert asked() == 2


def test_what_an_earlier_program_saw_of_quiet_hours_counts_until_it_is_read_anew(coder, fleet):
    earlier = coder.observe()
    fleet.on("GET", "/users/user-1/quiet-hours", (503, {}))
    coder._own = OwnHours(coder._client)  # noqa: SLF001 - another program, as it were
    assert coder.observe().lacks("quiet_hours")
    seen = coder.observe(earlier)
    assert seen.complete
    assert seen.users["user-1"].quiet_hours == earlier.users["user-1"].quiet_hours
