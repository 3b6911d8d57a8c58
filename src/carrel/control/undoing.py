"""Taking back a workspace that was never finished."""

from dataclasses import replace

from carrel.control.context import Context
from carrel.domain.workspaces import State, Workspace
from carrel.git.refs import Move
from carrel.system import disk


def undo_creation(ctx: Context, workspace: Workspace, reason: str) -> None:
    """Remove what was made of a workspace that nobody has worked in yet.

    Call it with the workspace's lock held, or for a row whose maker is known to be dead.

    Args:
        ctx: The context.
        workspace: A row in the state `creating`.
        reason: Why it was not finished, for the ledger.
    """
    driver, place = ctx.driver(workspace), ctx.place(workspace)
    driver.withdraw(place)
    disk.delete_tree(place.home)
    with ctx.store.reading() as tx:
        project = tx.project(workspace.project_id)
    if project is not None:
        head = f"refs/carrel/ws/{workspace.workspace_id}/head"
        ctx.stores(project).vault_refs.move((Move(head, ""),))
    gone = replace(workspace, state=State.REMOVED, updated_at=ctx.clock.now())
    with ctx.noting("workspace.undone", workspace.workspace_id, reason=reason) as tx:
        tx.save_workspace(gone)
