"""Cleaning up by age, and the periodic round of a caretaker."""

from dataclasses import dataclass

from carrel.control import cleanup, projects
from carrel.control.checkpoints import checkpoint
from carrel.control.context import Context
from carrel.control.explaining import explained
from carrel.domain.retention import Due, due
from carrel.domain.workspaces import State, Workspace
from carrel.errors import CarrelError
from carrel.git.storing import maintenance
from carrel.system import disk


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that a round did, or would do.

    Attributes:
        action: `remove`, `purge`, `drop layer`, `checkpoint` or `maintain`.
        subject: Agent, layer or project.
        reason: One sentence.
        done: It happened.
        detail: What came of it; the refusal when it did not happen.
        bytes_freed: Space that became free.
    """

    action: str
    subject: str
    reason: str
    done: bool
    detail: str = ""
    bytes_freed: int = 0


@explained()
def collect(ctx: Context, *, dry_run: bool = False) -> list[Deed]:
    """Remove workspaces whose time is over, empty the trash, drop layers nobody stands on.

    A removal never discards: the branch is kept, and what refuses to be removed stays.
    """
    now = ctx.clock.now()
    with ctx.store.reading() as tx:
        rows = tx.workspaces(states=(State.ACTIVE, State.TRASHED))
    # A child merges into its parent's workspace, so that one stays as long as the child.
    parents = {one.parent_id for one in rows if one.state is State.ACTIVE}
    deeds: list[Deed] = []
    for workspace in rows:
        found = due(workspace, ctx.config.retention, now)
        needed = workspace.state is State.ACTIVE and workspace.workspace_id in parents
        if found is not None and not needed and ctx.is_here(workspace):
            deeds.append(_dealt_with(ctx, found, dry_run=dry_run))
    for project in projects.here(ctx):
        deeds += _unused_layers(ctx, project.project_id, dry_run=dry_run)
    return deeds


@explained()
def tend(ctx: Context, *, dry_run: bool = False) -> list[Deed]:
    """Make one round: checkpoint what is overdue, collect, maintain the stores."""
    with ctx.store.reading() as tx:
        active = tx.workspaces(states=(State.ACTIVE,))
    deeds = [
        _checkpointed(ctx, workspace, dry_run=dry_run)
        for workspace in active
        if ctx.is_here(workspace) and _overdue(ctx, workspace)
    ]
    deeds += collect(ctx, dry_run=dry_run)
    for project in projects.here(ctx):
        deeds += [
            Deed("maintain", project.name, told, done=not dry_run)
            for told in maintenance.maintain(ctx.stores(project), dry_run=dry_run)
        ]
    return deeds


def _dealt_with(ctx: Context, found: Due, *, dry_run: bool) -> Deed:
    workspace = found.workspace
    trashed = workspace.state is State.TRASHED
    action = "purge" if trashed else "remove"
    try:
        if trashed:
            size = disk.used_bytes(cleanup.trash_folder(ctx, workspace))
            if not dry_run:
                cleanup.purge(ctx, workspace)
        else:
            size = cleanup.remove(ctx, workspace, dry_run=dry_run).bytes_freed
    except CarrelError as error:
        return Deed(action, workspace.agent_id, found.reason, done=False, detail=str(error))
    return Deed(action, workspace.agent_id, found.reason, done=not dry_run, bytes_freed=size)


def _unused_layers(ctx: Context, project_id: str, *, dry_run: bool) -> list[Deed]:
    project = projects.by_id(ctx, project_id)
    layers = ctx.layers(project)
    deeds: list[Deed] = []
    with ctx.lock(project_id, "layers"):
        with ctx.store.reading() as tx:
            used = {
                ws.layer
                for ws in tx.workspaces(
                    project_id, (State.CREATING, State.ACTIVE, State.REMOVING, State.TRASHED)
                )
            }
        for commit in layers.unused(frozenset(used)):
            reason = "No workspace stands on it."
            size = layers.drop(commit) if not dry_run else 0
            deeds.append(
                Deed("drop layer", f"{project.name} {commit[:12]}", reason, not dry_run, "", size)
            )
    return deeds


def _overdue(ctx: Context, workspace: Workspace) -> bool:
    if not ctx.config.auto_checkpoint:
        return False
    with ctx.store.reading() as tx:
        last = tx.last_checkpoint(workspace.workspace_id)
    since = workspace.created_at if last is None else last.created_at
    return ctx.clock.now() - since >= ctx.config.auto_checkpoint


def _checkpointed(ctx: Context, workspace: Workspace, *, dry_run: bool) -> Deed:
    reason = "Its last checkpoint is old."
    if dry_run:
        return Deed("checkpoint", workspace.agent_id, reason, done=False)
    try:
        made = checkpoint(ctx, workspace, reason="auto")
    except CarrelError as error:
        return Deed("checkpoint", workspace.agent_id, reason, done=False, detail=str(error))
    detail = f"{made.files_changed} files changed" if not made.empty else "nothing had changed"
    return Deed("checkpoint", workspace.agent_id, reason, done=True, detail=detail)
