"""Cleaning up by age, and the periodic round of a caretaker."""

from collections.abc import Sequence

from carrel.control import cleanup, projects
from carrel.control.checkpoints import checkpoint
from carrel.control.context import Context
from carrel.control.explaining import explained
from carrel.control.finding import find
from carrel.domain.projects import Project
from carrel.domain.records import dataclass
from carrel.domain.retention import due
from carrel.domain.workspaces import OPEN_STATES, State, Workspace
from carrel.errors import CarrelError
from carrel.git.storing import maintenance


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
            deeds.append(_dealt_with(ctx, workspace, found.reason, dry_run=dry_run))
    for project in projects.here(ctx):
        deeds += drop_unused_layers(ctx, project, dry_run=dry_run)
    return deeds


@explained()
def empty_trash(ctx: Context, wanted: Sequence[str] = (), *, dry_run: bool = False) -> list[Deed]:
    """Delete what is in the trash for good, before its time; last states stay in the vault.

    Args:
        ctx: The context.
        wanted: Which workspaces; all of this machine when empty.
        dry_run: Only tell.

    Raises:
        NotFoundError: `unknown_workspace`.
    """
    found = [find(ctx, one, states=(State.TRASHED,)) for one in wanted] or cleanup.trash(ctx)
    unique = {one.workspace_id: one for one in found if ctx.is_here(one)}
    reason = "It was asked for."
    return [_dealt_with(ctx, one, reason, dry_run=dry_run) for one in unique.values()]


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


def _dealt_with(ctx: Context, workspace: Workspace, reason: str, *, dry_run: bool) -> Deed:
    trashed = workspace.state is State.TRASHED
    action = "purge" if trashed else "remove"
    try:
        if trashed:
            size = cleanup.purge_trashed(ctx, workspace, dry_run=dry_run)
        else:
            size = cleanup.remove(ctx, workspace, dry_run=dry_run).bytes_freed
    except CarrelError as error:
        return Deed(action, workspace.agent_id, reason, done=False, detail=str(error))
    return Deed(action, workspace.agent_id, reason, done=not dry_run, bytes_freed=size)


def drop_unused_layers(ctx: Context, project: Project, *, dry_run: bool) -> list[Deed]:
    """Delete the layers of a project that no workspace stands on; they can be made anew."""
    layers = ctx.layers(project)
    deeds: list[Deed] = []
    with ctx.lock(project.project_id, "layers"):
        with ctx.store.reading() as tx:
            rows = tx.workspaces(project.project_id, (*OPEN_STATES, State.TRASHED))
        used = {workspace.layer for workspace in rows}
        for commit in layers.unused(frozenset(used)):
            reason = "No workspace stands on it."
            size = layers.size(commit) if dry_run else layers.drop(commit)
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
