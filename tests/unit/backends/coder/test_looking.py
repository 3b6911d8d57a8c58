"""One workspace seen with what policies need: whoever it is, whatever is licensed or hidden."""

import pytest

FEATURES = ("advanced_template_scheduling", "template_rbac", "connection_log")


@pytest.fixture
def offered(deployment, workspace):
    """Make a deployment with one workspace, licensed or not."""

    def make(*, licensed: bool):
        known = {name: {"entitlement": "entitled", "enabled": True} for name in FEATURES}
        deployment.on("GET", "/buildinfo", {"version": "v2.35.3", "deployment_id": "d"})
        deployment.on("GET", "/users/me", {"username": "admin"})
        deployment.on("GET", "/entitlements", {"features": known if licensed else {}})
        deployment.on("POST", "/authcheck", {})
        deployment.on("GET", "/tasks", {"tasks": [], "count": 0})
        deployment.on("GET", "/users/ada/workspace/dev", workspace())
        deployment.on("GET", "/users/user-1", {"id": "user-1", "username": "ada"})
        deployment.on("GET", "/templates/t-1", {"id": "t-1", "name": "go"})
        deployment.on("GET", "/connectionlog", {"connection_logs": [], "count": 0})
        if licensed:
            hours = {"raw_schedule": "CRON_TZ=Europe/Oslo 0 2 * * *", "user_set": True}
            default = {"default_schedule": "CRON_TZ=UTC 0 0 * * *", "allow_user_custom": True}
            config = {"config": {"user_quiet_hours_schedule": default}}
            deployment.on("GET", "/users/user-1/quiet-hours", hours)
            deployment.on("GET", "/deployment/config", config)
            # Its members are hidden; that it was found by one of them tells enough.
            group = {"id": "g-1", "name": "devs", "members": [], "total_member_count": 3}
            deployment.on("GET", "/groups", [group])
        return deployment

    return make


def test_its_owners_groups_count_although_their_members_are_hidden(coder, offered):
    deployment = offered(licensed=True)
    seen = coder.look("ada/dev")
    assert seen.gaps == ()
    assert seen.users["user-1"].groups == {"g-1"}
    assert seen.users["user-1"].quiet_hours is not None
    (asked,) = [one for one in deployment.asked if one.url.path == "/api/v2/groups"]
    assert asked.url.params["has_member"] == "user-1"


@pytest.mark.parametrize("path", ["/users/user-1/quiet-hours", "/deployment/config", "/groups"])
@pytest.mark.parametrize(("licensed", "gaps"), [(True, 1), (False, 0)])
def test_what_is_not_offered_is_no_gap_and_what_is_hidden_is_one(
    coder, offered, path: str, *, licensed: bool, gaps: int
):
    offered(licensed=licensed).on("GET", path, (403, {"message": "Forbidden."}))
    assert len(coder.look("ada/dev").gaps) == gaps


def test_a_dormant_one_is_found_by_its_name_alone(coder, offered, workspace):
    asleep = workspace(transition="stop", id="ws-9", name="old", dormant_at="2026-02-01T00:00:00Z")

    def listed(request):
        found = [asleep] if "dormant" in request.url.params["q"] else []
        begin = int(request.url.params["offset"])
        return {"workspaces": found[begin:], "count": len(found)}

    offered(licensed=True).on("GET", "/workspaces", listed)
    assert [one.workspace_id for one in coder.look("old").workspaces] == ["ws-9"]
