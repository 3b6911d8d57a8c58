"""Endpoints about the deployment itself: version, licence, settings, provisioners, banners."""

from datetime import timedelta
from typing import TYPE_CHECKING

from carrel.domain.fleet.workspaces import BuildStatus
from carrel.simulators.coder.chance import identity
from carrel.simulators.coder.model.history import Licence
from carrel.simulators.coder.protocol.call import Answer, Call, a_list, an_object
from carrel.simulators.coder.protocol.routing import Route
from carrel.simulators.coder.refusals import hidden, invalid
from carrel.simulators.coder.wire.builds import Document, provisioner_job
from carrel.simulators.coder.wire.writing import stamp

if TYPE_CHECKING:
    from carrel.simulators.coder.model.workspaces import Job

FEATURES = (
    *("advanced_template_scheduling", "audit_log", "connection_log", "template_rbac"),
    *("user_role_management", "workspace_prebuilds", "appearance", "multiple_organizations"),
    *("workspace_batch_actions", "external_provisioner_daemons", "access_control"),
)
RECENT = timedelta(minutes=10)
"""Jobs that ended so long ago are still listed."""


def buildinfo(call: Call) -> Answer:
    """Tell the version, to everybody."""
    return Answer(
        content={
            "external_url": "https://coder.example.com/buildinfo",
            "version": call.world.setup.version,
            "dashboard_url": "https://coder.example.com",
            "telemetry": False,
            "workspace_proxy": False,
            "agent_api_version": "2.6",
            "provisioner_api_version": "1.14",
            "upgrade_message": "",
            "deployment_id": identity(call.world.seed, "deployment"),
            "webpush_public_key": "",
        }
    )


def entitlements(call: Call) -> Answer:
    """Tell what was paid for."""
    paid = call.world.setup.licence is Licence.PREMIUM
    feature = {"entitlement": "entitled" if paid else "not_entitled", "enabled": paid}
    return Answer(
        content={
            "features": dict.fromkeys(FEATURES, feature),
            "warnings": [],
            "errors": [],
            "has_license": paid,
            "trial": False,
            "require_telemetry": False,
            "refreshed_at": stamp(call.world.now),
        }
    )


def config(call: Call) -> Answer:
    """Show the settings that matter to a client."""
    call.need("deployment_config", "read")
    setup = call.world.setup
    values: Document = {
        "user_quiet_hours_schedule": {
            "default_schedule": setup.quiet_schedule,
            "allow_user_custom": setup.quiet_custom,
        },
        "rate_limit": {"disable_all": False, "api": 512},
        "autobuild_poll_interval": 60_000_000_000,
    }
    return Answer(content={"config": values, "options": []})


def authcheck(call: Call) -> Answer:
    """Tell what the caller may do."""
    checks = an_object(call.body.get("checks"))
    if checks is None:
        invalid("checks", "Validation failed for tag 'required'")
    return Answer(content={name: _allowed(call, check) for name, check in checks.items()})


def _allowed(call: Call, check: object) -> bool:
    asked = an_object(check) or {}
    wanted = an_object(asked.get("object"))
    if wanted is None:
        invalid("checks", "each needs an action and an object")
    owner = str(wanted.get("owner_id") or "")
    owner = call.caller.person.user_id if owner == "me" else owner
    return call.caller.may(str(wanted.get("resource_type")), str(asked.get("action")), owner)


def appearance(call: Call) -> Answer:
    """Show the banners."""
    return Answer(
        content={
            "application_name": "",
            "logo_url": "",
            "docs_url": "",
            "service_banner": {"enabled": False, "message": "", "background_color": ""},
            "announcement_banners": call.world.setup.banners,
            "support_links": [],
        }
    )


def set_appearance(call: Call) -> Answer:
    """Announce something to everybody."""
    call.need_licence("Appearance")
    call.need("deployment_config", "update")
    banners = a_list(call.body.get("announcement_banners"))
    if banners is None:
        invalid("announcement_banners", "must be a list")
    call.world.setup.banners = [one for one in map(an_object, banners) if one is not None]
    return Answer(content=dict(call.body))


def prebuilds(call: Call) -> Answer:
    """Tell whether the pools are left alone."""
    call.need_licence("Prebuilt workspaces")
    call.need("deployment_config", "read")
    return Answer(content={"reconciliation_paused": call.world.setup.prebuilds_paused})


def set_prebuilds(call: Call) -> Answer:
    """Pause the refilling of the pools, or let it go on."""
    call.need_licence("Prebuilt workspaces")
    call.need("deployment_config", "update")
    paused = call.body.get("reconciliation_paused")
    if not isinstance(paused, bool):
        invalid("reconciliation_paused", "must be true or false")
    if paused == call.world.setup.prebuilds_paused:
        return Answer(304)
    call.site.life.set_prebuilds_paused(paused=paused)
    return Answer(content={"reconciliation_paused": paused})


def provisioner_jobs(call: Call) -> Answer:
    """List the jobs of an organization that wait, run or have lately ended; 50 by default."""
    call.need("provisioner_jobs", "read")
    world, org = call.world, _organization(call)
    since = world.now - RECENT
    statuses = set(filter(None, call.query.get("status", "").split(",")))
    found: list[Job] = []
    for job in reversed(world.jobs.values()):
        ended = job.completed_at
        if world.spaces[job.workspace_id].organization_id != org or (ended and ended < since):
            continue
        if not statuses or str(job.status) in statuses:
            found.append(job)
    page = found[: call.number("limit") or 50]
    return Answer(
        content=[provisioner_job(world, world.spaces[job.workspace_id], job) for job in page]
    )


def provisioners(call: Call) -> Answer:
    """List the provisioners, the same for every organization."""
    call.need("provisioner_daemons", "read")
    org, world = _organization(call), call.world
    busy = {
        job.worker
        for job in world.active_jobs()
        if job.status in {BuildStatus.RUNNING, BuildStatus.CANCELING}
    }
    return Answer(
        content=[
            {
                "id": identity("provisioner", number),
                "organization_id": org,
                "key_id": identity("key", org),
                "created_at": stamp(world.now - timedelta(days=30)),
                "last_seen_at": stamp(world.now),
                "name": f"provisioner-{number}",
                "version": world.setup.version,
                "api_version": "1.14",
                "provisioners": ["terraform"],
                "tags": {"owner": "", "scope": "organization"},
                "key_name": "built-in",
                "status": "busy" if number in busy else "idle",
            }
            for number in range(world.setup.provisioners)
        ]
    )


def notify_me(call: Call) -> Answer:
    """Send a notification to the caller alone."""
    if not isinstance(call.body.get("content"), dict):
        invalid("content", "Validation failed for tag 'required'")
    return Answer(204)


def _organization(call: Call) -> str:
    wanted = call.names["organization"]
    for org in call.world.orgs.values():
        if wanted in {org.organization_id, org.name} or (wanted == "default" and org.is_default):
            return org.organization_id
    raise hidden()


ROUTES = (
    Route("GET", "/buildinfo", buildinfo, open=True),
    Route("GET", "/entitlements", entitlements),
    Route("GET", "/deployment/config", config),
    Route("POST", "/authcheck", authcheck),
    Route("GET", "/appearance", appearance),
    Route("PUT", "/appearance", set_appearance),
    Route("GET", "/prebuilds/settings", prebuilds),
    Route("PUT", "/prebuilds/settings", set_prebuilds),
    Route("GET", "/organizations/{organization}/provisionerjobs", provisioner_jobs),
    Route("GET", "/organizations/{organization}/provisionerdaemons", provisioners),
    Route("POST", "/notifications/custom", notify_me),
)
