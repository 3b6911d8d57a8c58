"""Builds and provisioner jobs as JSON."""

from carrel.domain.fleet.workspaces import BuildStatus, Transition
from carrel.simulators.coder.chance import identity
from carrel.simulators.coder.model.workspaces import Job, Machine, Space
from carrel.simulators.coder.model.world import World
from carrel.simulators.coder.wire.writing import PRESENT, ZERO_TIME, maybe, stamp

Document = dict[str, object]

STATUS = {
    Transition.START: ("starting", "running"),
    Transition.STOP: ("stopping", "stopped"),
    Transition.DELETE: ("deleting", "deleted"),
}


def build_status(job: Job) -> str:
    """Return the status of a build, which is also its workspace's."""
    during, after = STATUS[job.transition]
    if job.status is BuildStatus.RUNNING:
        return during
    return after if job.status is BuildStatus.SUCCEEDED else str(job.status)


def build(world: World, space: Space, job: Job) -> Document:
    """Write a build."""
    owner = world.people[space.owner_id]
    blueprint = world.blueprints[space.template_id]
    running = job is space.latest and space.machine is not None
    credits_ = blueprint.daily_credits if job.transition is Transition.START else 1
    return {
        "id": job.build_id,
        "created_at": stamp(job.created_at),
        "updated_at": stamp(job.completed_at or job.started_at or job.created_at),
        "workspace_id": space.workspace_id,
        "workspace_name": space.name,
        "workspace_owner_id": owner.user_id,
        "workspace_owner_name": owner.username,
        "workspace_owner_avatar_url": "",
        "template_version_id": job.version_id,
        "template_version_name": version_name(world, space, job.version_id),
        "build_number": job.number,
        "transition": str(job.transition),
        "initiator_id": job.initiator_id,
        "initiator_name": world.people[job.initiator_id].username,
        "job": provisioner_job(world, space, job),
        "reason": job.reason,
        "resources": _resources(world, space, job, space.machine if running else None),
        **_deadlines(job),
        "status": build_status(job),
        "daily_cost": credits_,
        "matched_provisioners": {
            "count": world.setup.provisioners,
            "available": world.setup.provisioners,
            "most_recently_seen": PRESENT,
        },
        "template_version_preset_id": None,
        "has_ai_task": blueprint.ai,
        "has_external_agent": False,
    }


def provisioner_job(world: World, space: Space, job: Job) -> Document:
    """Write the job that does a build."""
    blueprint = world.blueprints[space.template_id]
    waits = job.status is BuildStatus.PENDING
    document: Document = {
        "id": job.job_id,
        "created_at": stamp(job.created_at),
        "status": str(job.status),
        "file_id": identity("file", job.version_id),
        "tags": {"owner": "", "scope": "organization"},
        "queue_position": world.waiting.index(job) + 1 if waits else 0,
        "queue_size": len(world.waiting) if waits else 0,
        "organization_id": space.organization_id,
        "initiator_id": job.initiator_id,
        "input": {"workspace_build_id": job.build_id},
        "type": "workspace_build",
        "metadata": {
            "template_version_name": version_name(world, space, job.version_id),
            "template_id": space.template_id,
            "template_name": blueprint.rules.name,
            "template_display_name": blueprint.display_name,
            "template_icon": "",
            "workspace_id": space.workspace_id,
            "workspace_name": space.name,
            "workspace_build_transition": str(job.transition),
        },
        "logs_overflowed": False,
    }
    for name in ("started_at", "completed_at", "canceled_at"):
        moment = getattr(job, name)
        if moment is not None:
            document[name] = stamp(moment)
    if job.worker >= 0:
        document["worker_id"] = identity("provisioner", job.worker)
        document["worker_name"] = f"provisioner-{job.worker}"
    if job.error:
        document["error"] = job.error
    return document


def version_name(world: World, space: Space, version_id: str) -> str:
    """Return the name of a template version."""
    blueprint = world.blueprints[space.template_id]
    current = version_id == blueprint.rules.active_version_id
    return blueprint.version_name if current else "former_walrus0"


def _deadlines(job: Job) -> Document:
    """Write the deadlines: null for a start that has none, Go's zero for anything else."""
    if job.transition is not Transition.START:
        return {"deadline": ZERO_TIME, "max_deadline": ZERO_TIME}
    return {"deadline": maybe(job.clock.deadline), "max_deadline": maybe(job.clock.max_deadline)}


def _resources(world: World, space: Space, job: Job, machine: Machine | None) -> list[Document]:
    if job.status is not BuildStatus.SUCCEEDED or job.transition is Transition.DELETE:
        return []
    found = [_resource(job, "kubernetes_persistent_volume_claim", "home", [], 1)]
    if job.transition is Transition.START:
        agents = [_agent(space, job, machine)] if machine else []
        cost = world.blueprints[space.template_id].daily_credits - 1
        found.append(_resource(job, "kubernetes_deployment", "main", agents, cost))
    return found


def _resource(job: Job, kind: str, name: str, agents: list[Document], cost: int) -> Document:
    return {
        "id": identity("resource", job.build_id, name),
        "created_at": stamp(job.created_at),
        "job_id": job.job_id,
        "workspace_transition": str(job.transition),
        "type": kind,
        "name": name,
        "hide": False,
        "icon": "",
        "agents": agents,
        "metadata": [],
        "daily_cost": cost,
    }


def _agent(space: Space, job: Job, machine: Machine) -> Document:
    healthy = machine.status == "connected"
    gone = machine.disconnected_at
    agent: Document = {
        "id": machine.agent_id,
        "parent_id": None,
        "created_at": stamp(job.created_at),
        "updated_at": stamp(machine.connected_at),
        "first_connected_at": stamp(machine.connected_at),
        "last_connected_at": PRESENT if healthy else stamp(gone or machine.connected_at),
        "started_at": stamp(machine.connected_at),
        "ready_at": stamp(machine.connected_at),
        "status": machine.status,
        "lifecycle_state": machine.lifecycle,
        "name": "main",
        "resource_id": identity("resource", job.build_id, "main"),
        "architecture": "amd64",
        "operating_system": "linux",
        "directory": "/home/coder",
        "version": "v2.35.3",
        "api_version": "2.6",
        "apps": _apps(space, machine),
        "display_apps": ["vscode", "web_terminal", "ssh_helper", "port_forwarding_helper"],
        "connection_timeout_seconds": 120,
        "troubleshooting_url": "",
        "health": {
            "healthy": healthy,
            **({} if healthy else {"reason": "agent has lost connection"}),
        },
        "log_sources": [],
        "scripts": [],
        "subsystems": [],
        "logs_length": 0,
        "logs_overflowed": False,
        "startup_script_behavior": "non-blocking",
    }
    if gone is not None:
        agent["disconnected_at"] = stamp(gone)
    return agent


def _apps(space: Space, machine: Machine) -> list[Document]:
    app_id = identity("app", machine.agent_id)
    app: Document = {
        "id": app_id,
        "slug": "agent" if space.task_id else "code",
        "display_name": "Agent" if space.task_id else "Editor",
        "url": "http://localhost:13337",
        "external": False,
        "subdomain": False,
        "sharing_level": "owner",
        "health": "healthy",
        "hidden": False,
        "open_in": "slim-window",
        "statuses": [app_status(space, machine.agent_id)] if space.app else [],
    }
    return [app]


def app_status(space: Space, agent_id: str) -> Document | None:
    """Write what the AI agent of a workspace last said, or null."""
    said = space.app
    if said is None:
        return None
    return {
        "id": said.status_id,
        "created_at": stamp(said.at),
        "workspace_id": space.workspace_id,
        "agent_id": agent_id,
        "app_id": identity("app", agent_id),
        "state": said.state,
        "message": said.message,
        "uri": "",
        "icon": "",
        "needs_user_attention": said.state == "idle",
    }
