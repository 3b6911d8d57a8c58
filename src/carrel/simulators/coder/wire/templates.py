"""Templates and tasks as JSON."""

from carrel.domain.fleet.workspaces import BuildStatus
from carrel.simulators.coder.model.templates import Blueprint
from carrel.simulators.coder.model.workspaces import Assignment, Space
from carrel.simulators.coder.model.world import ADMIN, World
from carrel.simulators.coder.wire.builds import Document, build_status
from carrel.simulators.coder.wire.writing import millis, stamp, weekdays


def template(world: World, blueprint: Blueprint) -> Document:
    """Write a template."""
    rules = blueprint.rules
    org = world.orgs[rules.organization_id]
    admin = world.person(ADMIN)
    times = {"P50": blueprint.start_seconds * 1000, "P95": blueprint.start_seconds * 2000}
    return {
        "id": rules.template_id,
        "created_at": stamp(blueprint.created_at),
        "updated_at": stamp(blueprint.updated_at),
        "organization_id": org.organization_id,
        "organization_name": org.name,
        "organization_display_name": org.display_name,
        "organization_icon": "",
        "name": rules.name,
        "display_name": blueprint.display_name,
        "provisioner": "terraform",
        "active_version_id": rules.active_version_id,
        "active_user_count": -1,
        "build_time_stats": {"start": times, "stop": times, "delete": times},
        "description": "",
        "deprecated": bool(blueprint.deprecation),
        "deprecation_message": blueprint.deprecation,
        "deleted": False,
        "icon": "",
        "default_ttl_ms": millis(rules.default_ttl),
        "activity_bump_ms": millis(rules.activity_bump),
        "autostop_requirement": {
            "days_of_week": weekdays(rules.required_days),
            "weeks": rules.required_weeks,
        },
        "autostart_requirement": {"days_of_week": weekdays(blueprint.autostart_days)},
        "created_by_id": admin.user_id,
        "created_by_name": admin.username,
        "allow_user_autostart": rules.allow_user_autostart,
        "allow_user_autostop": rules.allow_user_autostop,
        "allow_user_cancel_workspace_jobs": blueprint.allow_cancel,
        "failure_ttl_ms": millis(rules.failure_ttl),
        "time_til_dormant_ms": millis(rules.time_til_dormant),
        "time_til_dormant_autodelete_ms": millis(rules.time_til_delete),
        "time_til_autostop_notify_ms": millis(rules.notify_lead),
        "require_active_version": blueprint.require_active,
        "max_port_share_level": "owner",
        "use_classic_parameter_flow": False,
        "cors_behavior": "simple",
        "disable_module_cache": False,
    }


def task_status(space: Space) -> str:
    """Return what a task does, as its workspace shows it."""
    job = space.latest
    if job.status is BuildStatus.PENDING:
        return "pending"
    if job.status is BuildStatus.FAILED:
        return "error"
    if space.running:
        return "active" if space.machine else "unknown"
    return "paused" if space.stopped else "initializing"


def task(world: World, one: Assignment) -> Document:
    """Write a task."""
    space = world.spaces[one.workspace_id]
    blueprint = world.blueprints[space.template_id]
    document: Document = {
        "id": one.task_id,
        "organization_id": space.organization_id,
        "owner_id": one.owner_id,
        "owner_name": world.people[one.owner_id].username,
        "owner_avatar_url": "",
        "name": one.name,
        "display_name": one.prompt,
        "template_id": space.template_id,
        "template_version_id": space.latest.version_id,
        "template_name": blueprint.rules.name,
        "template_display_name": blueprint.display_name,
        "template_icon": "",
        "workspace_id": space.workspace_id,
        "workspace_name": space.name,
        "workspace_status": build_status(space.latest),
        "workspace_build_number": space.latest.number,
        "workspace_agent_id": space.machine.agent_id if space.machine else None,
        "workspace_app_id": None,
        "initial_prompt": one.prompt,
        "status": task_status(space),
        "current_state": None,
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.updated_at),
    }
    if space.app is not None:
        said = "failed" if space.app.state == "failure" else space.app.state
        document["current_state"] = {
            "timestamp": stamp(space.app.at),
            "state": said,
            "message": space.app.message,
            "uri": "",
        }
    return document
