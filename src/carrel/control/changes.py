"""What changed in a workspace."""

from carrel.control.context import Context
from carrel.control.finding import checked_active, reread
from carrel.control.subjects import subject
from carrel.domain.results import WorkspaceChanges
from carrel.domain.workspaces import Workspace
from carrel.git import adopt
from carrel.git import changes as comparing


def changes(
    ctx: Context, workspace: Workspace, *, since: str | None = None, diff: bool = False
) -> WorkspaceChanges:
    """Compare a workspace's present state, committed or not, with a commit.

    Args:
        ctx: The context.
        workspace: Which one.
        since: A commit, branch or tag; the commit it started at when None.
        diff: Whether to give the unified diff too.

    Raises:
        NotFoundError: `unknown_revision`.
    """
    with ctx.lock(workspace.project_id, workspace.workspace_id):
        current = checked_active(reread(ctx, workspace))
        tree = subject(ctx, current)
        if since is not None:
            adopt.adopt(tree)  # `since` may be a commit that the agent made
        return comparing.changes(
            tree,
            since=since or current.parent_commit,
            last=current.head_commit,
            max_file_bytes=ctx.config.max_file_bytes,
            diff=diff,
        )
