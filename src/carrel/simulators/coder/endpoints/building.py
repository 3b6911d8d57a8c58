"""Endpoints that build, and cancel builds."""

from carrel.domain.fleet.workspaces import BuildStatus, Transition
from carrel.simulators.coder.model.workspaces import Job, Space
from carrel.simulators.coder.protocol.call import Answer, Call
from carrel.simulators.coder.protocol.routing import Route
from carrel.simulators.coder.refusals import RefusalError, forbidden, hidden, invalid
from carrel.simulators.coder.wire.builds import build

REASONS = frozenset(
    [
        "dashboard",
        "cli",
        "ssh_connection",
        "vscode_connection",
        "jetbrains_connection",
        "task_manual_pause",
        "task_resume",
    ]
)
"""What a caller may give as a reason; all others are the deployment's own."""
CANCELABLE = frozenset({BuildStatus.PENDING, BuildStatus.RUNNING})


def ask(call: Call) -> Answer:
    """Queue a build: 201, although the published description says 200."""
    wanted = str(call.body.get("transition", ""))
    if wanted not in {"start", "stop", "delete"}:
        invalid("transition", "Validation failed for tag 'oneof' with value: " + repr(wanted))
    reason = str(call.body.get("reason") or "initiator")
    if "reason" in call.body and reason and reason not in REASONS | {"initiator"}:
        invalid("reason", f"Validation failed for tag 'oneof' with value: {reason!r}")
    space = call.space("delete" if wanted == "delete" else wanted)
    _check_version(call, space)
    job = call.site.life.builder.ask(space, Transition(wanted), reason, call.caller.person.user_id)
    return Answer(201, build(call.world, space, job))


def shown(call: Call) -> Answer:
    """Show one build."""
    job, space = _found(call)
    return Answer(content=build(call.world, space, job))


def cancel(call: Call) -> Answer:
    """Cancel a build, if it is in the state that the caller expects."""
    job, space = _found(call)
    call.need("workspace", "update", space.owner_id)
    owner = "owner" in call.caller.person.roles
    if not owner and not call.world.blueprints[space.template_id].allow_cancel:
        raise forbidden("The template does not let users cancel jobs of workspaces.")
    expected = call.query.get("expect_status", "")
    if expected not in {"", "running", "pending"}:
        invalid("expect_status", f"{expected!r} must be 'running' or 'pending'")
    if expected and str(job.status) != expected:
        raise RefusalError(412, f"Job is not {expected}.")
    if job.status not in CANCELABLE:
        raise RefusalError(400, "Job has already completed or been marked as canceled!")
    call.site.life.builder.cancel(job)
    return Answer(content={"message": "Job has been marked as canceled..."})


def _found(call: Call) -> tuple[Job, Space]:
    job = call.world.jobs.get(call.names["build"])
    if job is None:
        raise hidden()
    space = call.world.spaces[job.workspace_id]
    if not call.caller.sees(space):
        raise hidden()
    return job, space


def _check_version(call: Call, space: Space) -> None:
    version = str(call.body.get("template_version_id") or "")
    blueprint = call.world.blueprints[space.template_id]
    if version and version not in {blueprint.rules.active_version_id, *blueprint.older_versions}:
        raise RefusalError(400, "Template version does not belong to the workspace's template.")


ROUTES = (
    Route("POST", "/workspaces/{workspace}/builds", ask),
    Route("GET", "/workspacebuilds/{build}", shown),
    Route("PATCH", "/workspacebuilds/{build}/cancel", cancel),
)
