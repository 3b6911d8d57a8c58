"""What changed in a workspace."""

import re

from carrel.control import checkpoints, projects
from carrel.control.context import Context
from carrel.control.explaining import explained
from carrel.control.finding import checked_active, reread
from carrel.control.subjects import subject
from carrel.domain.results import WorkspaceChanges
from carrel.domain.workspaces import Workspace
from carrel.git.capturing import adopt
from carrel.git.capturing import changes as comparing
from carrel.git.capturing.adopt import Adopted
from carrel.git.storing import upstream

_CHECKPOINT = re.compile(r"start|iteration:[0-9]+|[0-9]{1,6}")
_OWN = re.compile(r"(?P<name>[^~^]+)(?P<steps>(?:[~^][0-9]{0,6})*)")


@explained()
def changes(
    ctx: Context, workspace: Workspace, *, since: str | None = None, diff: bool = False
) -> WorkspaceChanges:
    """Compare a workspace's present state, committed or not, with a commit.

    Args:
        ctx: The context.
        workspace: Which one.
        since: A checkpoint (number, `iteration:N`, `start`), the occupant's HEAD or branch, a
            branch or tag of the project, or a commit; the commit it started at when None.
        diff: Whether to give the unified diff too.

    Raises:
        NotFoundError: `unknown_revision`, or `unknown_checkpoint`.
        BadInputError: `bad_revision`.
    """
    with ctx.lock(workspace.project_id, workspace.workspace_id):
        current = checked_active(reread(ctx, workspace))
        tree = subject(ctx, current)
        before = current.parent_commit
        if since is not None:
            # Adopted first: `since` may be a commit that the occupant made.
            before = _named(ctx, current, adopt.adopt(tree), since)
        return comparing.changes(
            tree,
            since=before,
            last=current.head_commit,
            max_file_bytes=ctx.config.max_file_bytes,
            diff=diff,
        )


def _named(ctx: Context, current: Workspace, adopted: Adopted, name: str) -> str:
    """Return the commit that a person who looks at this workspace means by a name."""
    if _CHECKPOINT.fullmatch(name):
        return checkpoints.named(ctx, current, name)
    own = {ref.removeprefix("refs/heads/"): oid for ref, oid in adopted.branches}
    if adopted.head is not None:
        own["HEAD"] = adopted.head
    found = _OWN.fullmatch(name)
    if found is not None and found["name"] in own:
        return own[found["name"]] + found["steps"]
    project = projects.by_id(ctx, current.project_id)
    return upstream.resolve(ctx.stores(project), project, name)
