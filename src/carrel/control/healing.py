"""Catching the database up with references after a crash between the two."""

from dataclasses import replace
from datetime import UTC, datetime

from carrel.control import projects
from carrel.control.context import Context
from carrel.control.trailers import split_trailers
from carrel.domain.checkpoints import Checkpoint
from carrel.domain.workspaces import Workspace
from carrel.git.refs import tip
from carrel.git.storing.stores import Stores
from carrel.system.identity import new_id


def healed(ctx: Context, workspace: Workspace) -> Workspace:
    """Return the workspace with its rows caught up to its references.

    References move before rows do. A process killed in between leaves a head that the
    database doesn't know yet; the missing rows are written from the commits themselves.
    Call it with the workspace's lock held.
    """
    project = projects.by_id(ctx, workspace.project_id)
    stores = ctx.stores(project)
    reader = stores.vault_reader
    # Read from its file, which costs no word with a process.
    head = tip(stores.vault, f"refs/carrel/ws/{workspace.workspace_id}/head")
    if head is None or head == workspace.head_commit or reader.info(head) is None:
        return workspace
    with ctx.store.reading() as tx:
        last = tx.last_checkpoint(workspace.workspace_id)
    number = 1 if last is None else last.number + 1
    missing: list[Checkpoint] = []
    before = workspace.head_commit
    while True:
        found = tip(stores.vault, f"refs/carrel/ws/{workspace.workspace_id}/checkpoint/{number}")
        if found is None or reader.info(found) is None:
            break
        missing.append(_row(stores, workspace, number, found, before))
        before = found
        number += 1
    caught_up = replace(workspace, head_commit=head, updated_at=ctx.clock.now())
    with ctx.noting(
        "workspace.recovered",
        workspace.workspace_id,
        head=head,
        checkpoints=[row.commit_sha for row in missing],
    ) as tx:
        for row in missing:
            tx.add_checkpoint(row)
        tx.save_workspace(caught_up)
    return caught_up


def _row(
    stores: Stores, workspace: Workspace, number: int, commit_id: str, before: str
) -> Checkpoint:
    commit = stores.vault_reader.commit(commit_id)
    message, iteration, reason = split_trailers(commit.message.decode(errors="replace"))
    changed = stores.vault.run(
        "diff-tree", "-r", "-z", "--name-only", "--no-renames", before, commit_id
    ).out.count(b"\0")
    return Checkpoint(
        checkpoint_id=new_id("cp"),
        workspace_id=workspace.workspace_id,
        agent_id=workspace.agent_id,
        number=number,
        iteration=iteration,
        commit_sha=commit_id,
        files_changed=changed,
        message=message,
        created_at=datetime.fromtimestamp(commit.time, UTC),
        empty=changed == 0,
        reason=reason or "recovered",
    )
