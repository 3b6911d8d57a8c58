"""Bringing database, references, folders and mounts into agreement after a crash."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from carrel.control import cleanup, occupancy, projects
from carrel.control.context import Context
from carrel.control.explaining import explained
from carrel.control.finding import reread
from carrel.control.findings import Finding, Step
from carrel.control.healing import healed
from carrel.control.strangers import unknown_folders
from carrel.control.undoing import undo_creation
from carrel.control.workspaces import lowers
from carrel.domain.workspaces import State, Workspace
from carrel.errors import CarrelError
from carrel.git.landing import landing
from carrel.git.refs import Move
from carrel.git.storing import stalelocks
from carrel.system import locks


@explained()
def reconcile(ctx: Context, *, dry_run: bool = False) -> list[Finding]:
    """Find what does not agree and cure it; nothing that somebody made is ever deleted."""

    def dealt_with(steps: Iterator[Step]) -> list[Finding]:
        return [found if dry_run else _applied(found, cure) for found, cure in steps]

    findings = dealt_with(_stale_locks(ctx))  # first, for they stop all else
    with ctx.store.reading() as tx:
        rows = tx.workspaces()
    for workspace in rows:
        findings += _reconciled(ctx, workspace, dry_run=dry_run)
    for rest in (unknown_folders(ctx), _landings(ctx), _probes(ctx)):
        findings += dealt_with(rest)
    return findings


def _reconciled(ctx: Context, workspace: Workspace, *, dry_run: bool) -> list[Finding]:
    if workspace.state is State.REMOVED or not ctx.is_here(workspace):
        return []
    lock = locks.try_acquire(ctx.lock_path(workspace.project_id, workspace.workspace_id))
    if lock is None:
        return []  # a living process is at it
    try:
        current = reread(ctx, workspace)
        steps = list(_differences(ctx, current))
        return [found if dry_run else _applied(found, cure) for found, cure in steps]
    finally:
        locks.release(lock)


def _applied(finding: Finding, cure: Callable[[], object]) -> Finding:
    try:
        cure()
    except (CarrelError, OSError) as error:
        return replace(finding, detail=str(error))
    return replace(finding, applied=True)


def _differences(ctx: Context, workspace: Workspace) -> Iterator[Step]:
    if workspace.state is State.CREATING:
        yield (
            Finding(
                "half_created",
                workspace.agent_id,
                "Its creation was stopped in the middle; nobody has worked in it.",
                "It is undone.",
            ),
            lambda: undo_creation(ctx, workspace, "Its creator died."),
        )
    elif workspace.state is State.REMOVING:
        yield (
            Finding(
                "half_removed",
                workspace.agent_id,
                "Its removal was stopped in the middle; its work is kept.",
                "The removal is finished.",
            ),
            lambda: cleanup.finish_removal(ctx, cleanup.judged_unfinished(ctx, workspace)),
        )
    elif workspace.state is State.TRASHED:
        yield from _of_trashed(ctx, workspace)
    else:
        yield from _of_active(ctx, workspace)


def _of_trashed(ctx: Context, workspace: Workspace) -> Iterator[Step]:
    if os.path.isdir(cleanup.trash_folder(ctx, workspace)):
        return
    home = ctx.place(workspace).home
    if os.path.isdir(home):
        yield (
            Finding(
                "half_restored",
                workspace.agent_id,
                "It was being brought back from the trash.",
                "It is brought back.",
            ),
            lambda: cleanup.bring_back(ctx, workspace),
        )
        return
    yield (
        Finding(
            "trash_gone",
            workspace.agent_id,
            "Its folder is no longer in the trash.",
            "It is marked as removed; its last state stays in the vault.",
        ),
        lambda: cleanup.purge(ctx, workspace),
    )


def _of_active(ctx: Context, workspace: Workspace) -> Iterator[Step]:
    driver, place = ctx.driver(workspace), ctx.place(workspace)
    if not os.path.isdir(place.home):
        yield (
            Finding(
                "tree_gone",
                workspace.agent_id,
                "Its folder is gone from the disk.",
                f"It is marked as removed; its last checkpoint is {workspace.head_commit}.",
            ),
            lambda: _lost(ctx, workspace),
        )
        return
    head = _head(ctx, workspace)
    if head is not None and head != workspace.head_commit:
        yield (
            Finding(
                "unrecorded_checkpoint",
                workspace.agent_id,
                "A checkpoint was made that the database does not know.",
                "It is written down.",
            ),
            lambda: healed(ctx, workspace),
        )
    mounted = driver.capabilities.mounts and driver.capabilities.host_path
    if mounted and not driver.presented(place):
        yield (
            Finding(
                "not_mounted",
                workspace.agent_id,
                "Its tree is not mounted.",
                "It is mounted again.",
            ),
            lambda: driver.present(place, lowers(ctx, workspace)),
        )
    yield from _of_lease(ctx, workspace)


def _of_lease(ctx: Context, workspace: Workspace) -> Iterator[Step]:
    with ctx.store.reading() as tx:
        lease = tx.lease(workspace.workspace_id)
        living = occupancy.holder_of(ctx, tx, workspace)
    if lease is not None and living is None and not _somebody_sits(ctx, workspace):
        yield (
            Finding(
                "dead_lease",
                workspace.agent_id,
                f"Its occupant, {lease.holder}, is gone.",
                "The lease is given back.",
            ),
            lambda: occupancy.release(ctx, lease),
        )


def _somebody_sits(ctx: Context, workspace: Workspace) -> bool:
    """Tell whether a dead holder's programs are left; the lease then stays to say so."""
    return any(one.sits for one in ctx.driver(workspace).occupants(ctx.place(workspace)))


def _stale_locks(ctx: Context) -> Iterator[Step]:
    for project in projects.here(ctx):
        stores = ctx.stores(project)
        found = stalelocks.stale_locks(stores)
        if found:
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            yield (
                Finding(
                    "stale_lock",
                    project.name,
                    f"A killed git left its lock in the project's store: {found[0]}{more}.",
                    "It is deleted; whoever made it is gone.",
                ),
                partial(stalelocks.delete_stale_locks, stores),
            )


def _probes(ctx: Context) -> Iterator[Step]:
    root = ctx.config.workspace_root
    left = ctx.ladder.leftovers(root)
    if left:
        yield (
            Finding(
                "left_probe",
                left[0],
                "A trial of a driver was stopped in the middle.",
                "Its scratch folder is cleared away.",
            ),
            partial(ctx.ladder.sweep, root),
        )


def _landings(ctx: Context) -> Iterator[Step]:
    for project in projects.here(ctx):
        stores = ctx.stores(project)
        if landing.pending(stores):
            yield (
                Finding(
                    "half_landed",
                    project.name,
                    "A merge was stopped while files of your clone were being written.",
                    "It is finished, or taken back.",
                ),
                partial(landing.recover, stores, project),
            )


def _head(ctx: Context, workspace: Workspace) -> str | None:
    with ctx.store.reading() as tx:
        project = tx.project(workspace.project_id)
    if project is None:
        return None
    found = ctx.stores(project).vault_reader.info(f"refs/carrel/ws/{workspace.workspace_id}/head")
    return None if found is None else found.oid


def _lost(ctx: Context, workspace: Workspace) -> None:
    ctx.driver(workspace).withdraw(ctx.place(workspace))
    with ctx.store.reading() as tx:
        project = tx.project(workspace.project_id)
    if project is not None:
        kept = f"refs/carrel/kept/{workspace.workspace_id}"
        ctx.stores(project).vault_refs.move((Move(kept, workspace.head_commit),))
    gone = replace(workspace, state=State.REMOVED, updated_at=ctx.clock.now())
    with ctx.noting("workspace.lost", workspace.workspace_id, head=workspace.head_commit) as tx:
        tx.save_workspace(gone)
