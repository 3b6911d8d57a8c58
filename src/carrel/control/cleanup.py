"""Taking a workspace away without losing anything, and bringing it back from the trash."""

import os
from dataclasses import replace

from carrel.control import occupancy, projects
from carrel.control.checkpoints import checkpoint_locked
from carrel.control.context import Context
from carrel.control.explaining import explained
from carrel.control.finding import find, reread
from carrel.control.merging import MergeRequest, merge
from carrel.control.subjects import subject
from carrel.control.workspaces import lowers
from carrel.domain.projects import Project
from carrel.domain.records import dataclass
from carrel.domain.results import CommitInfo
from carrel.domain.workspaces import OPEN_STATES, Place, State, Workspace
from carrel.errors import BadInputError, CarrelError, NotFoundError, RefusedError
from carrel.git.capturing.adopt import adopt
from carrel.git.capturing.flatten import OF_SUBMODULE, left_out
from carrel.git.capturing.submodules import without_work
from carrel.git.landing import landing
from carrel.git.merging.merged import is_merged
from carrel.git.refs import Move
from carrel.system import disk, faults

_MEGABYTE = 1_000_000
_LEFT_OUT = frozenset({"file_too_large", "file_unreadable"})


@dataclass(frozen=True, slots=True)
class Removal:
    """How a workspace was (or would be) removed.

    Attributes:
        workspace: As it is now.
        merged: Proof that its work is in the target, or None.
        branch_preserved: Its branch stays as an ordinary branch.
        branch_name: That branch.
        kept_ref: Reference in the vault that keeps its last state.
        bytes_freed: Space its tree took on disk.
        unsaved: Paths that are in the folder alone, each with the reason; only with `discard`.
    """

    workspace: Workspace
    merged: str | None
    branch_preserved: bool
    branch_name: str
    kept_ref: str
    bytes_freed: int
    unsaved: tuple[tuple[str, str], ...] = ()

    def as_mapping(self) -> dict[str, object]:
        """Return the mapping that the guide promises, and more."""
        return {
            "status": "removed" if self.workspace.state is not State.ACTIVE else "would_remove",
            "workspace_id": self.workspace.workspace_id,
            "agent_id": self.workspace.agent_id,
            "branch_preserved": self.branch_preserved,
            "branch_name": self.branch_name,
            "disk_space_freed_mb": round(self.bytes_freed / _MEGABYTE),
            "disk_space_freed_bytes": self.bytes_freed,
            "kept_ref": self.kept_ref,
            "merged": self.merged,
            "unsaved": [{"path": path, "reason": reason} for path, reason in self.unsaved],
        }


@explained()
def remove(
    ctx: Context,
    workspace: Workspace,
    *,
    preserve_branch: bool = True,
    discard: bool = False,
    dry_run: bool = False,
) -> Removal:
    """Remove a workspace; its last state is kept under a reference in any case.

    With `preserve_branch` its branch, last state included, becomes an ordinary branch of the
    project's repository. Without, the work must be merged, or `discard` must be said. The
    tree goes to the trash, from where `restore_from_trash` brings it back until its time is
    over.

    Raises:
        RefusedError: `workspace_occupied` when somebody sits in it; `unmerged_work`;
            `unsaved_files` when it holds what no checkpoint records.
    """
    if ctx.config.auto_merge and not discard and not dry_run:
        merge(ctx, workspace, MergeRequest())
    with ctx.lock(workspace.project_id, workspace.workspace_id):
        current, unsaved = reread(ctx, workspace), list[tuple[str, str]]()
        if current.state is State.ACTIVE:
            _refuse_occupied(ctx, current)
            saved = _saved(ctx, current, discard=discard)
            unsaved = _left_alone(ctx, current, saved)
            if unsaved and not discard:
                raise _unsaved_files(current, unsaved)
            faults.point("remove.checkpointed")
            current = reread(ctx, current)
        removal = _judged(ctx, current, preserve_branch=preserve_branch, discard=discard)
        removal = replace(removal, unsaved=tuple(unsaved))
        if dry_run:
            return removal
        return finish_removal(ctx, removal)


def finish_removal(ctx: Context, removal: Removal) -> Removal:
    """Take the tree away; every step may be repeated. Call it with the lock held."""
    current, place = removal.workspace, ctx.place(removal.workspace)
    project = projects.by_id(ctx, current.project_id)
    stores = ctx.stores(project)
    branch = removal.branch_name
    stores.vault_refs.move((Move(removal.kept_ref, current.head_commit),))
    faults.point("remove.kept")
    if removal.branch_preserved:
        branch = landing.publish_branch(stores, project, branch, current.head_commit)
    faults.point("remove.published")
    removing = replace(current, state=State.REMOVING)
    with ctx.noting(
        "workspace.removing",
        current.workspace_id,
        merged=removal.merged,
        kept=removal.kept_ref,
        branch=branch if removal.branch_preserved else None,
    ) as tx:
        tx.save_workspace(removing)
    faults.point("remove.noted")
    if os.path.isdir(place.home):
        ctx.driver(current).withdraw(place)
    faults.point("remove.withdrawn")
    freed = _aside(ctx, current)
    faults.point("remove.aside")
    trashed = replace(removing, state=State.TRASHED, updated_at=ctx.clock.now())
    with ctx.noting("workspace.trashed", current.workspace_id, bytes=freed) as tx:
        tx.save_workspace(trashed)
    if not ctx.config.retention.trash:
        trashed = purge(ctx, trashed)
    return replace(removal, workspace=trashed, bytes_freed=freed, branch_name=branch)


def judged_unfinished(ctx: Context, workspace: Workspace) -> Removal:
    """Return the removal that a killed process had begun, from what it wrote down."""
    with ctx.store.reading() as tx:
        told = [
            event.data
            for event in tx.events(subject=workspace.workspace_id)
            if event.action == "workspace.removing"
        ]
    branch = told[-1].get("branch") if told else workspace.branch_name
    merged = told[-1].get("merged") if told else None
    return Removal(
        workspace=workspace,
        merged=None if merged is None else str(merged),
        branch_preserved=branch is not None,
        branch_name=str(branch or workspace.branch_name),
        kept_ref=_kept_ref(workspace),
        bytes_freed=0,
    )


def trash(ctx: Context) -> list[Workspace]:
    """Return what is in the trash, oldest first."""
    with ctx.store.reading() as tx:
        return tx.workspaces(states=(State.TRASHED,))


@explained()
def restore_from_trash(ctx: Context, wanted: str) -> Workspace:
    """Bring a workspace back as it was, ignored files included.

    Raises:
        NotFoundError: `unknown_workspace`, or `trash_empty` when its tree is gone.
        RefusedError: `agent_busy` when the agent has another open workspace.
    """
    workspace = find(ctx, wanted, states=(State.TRASHED,))
    with ctx.lock(workspace.project_id, workspace.workspace_id):
        current = reread(ctx, workspace)
        return current if current.state is State.ACTIVE else bring_back(ctx, current)


def bring_back(ctx: Context, workspace: Workspace) -> Workspace:
    """Do what `restore_from_trash` does, for a caller that holds the workspace's lock."""
    _refuse_second(ctx, workspace)
    place, aside = ctx.place(workspace), trash_folder(ctx, workspace)
    if not os.path.isdir(place.home):
        if not os.path.isdir(aside):
            raise NotFoundError(
                "trash_empty",
                f"The files of {workspace.agent_id} are no longer in the trash.",
                cure=f"Its last state is the commit {workspace.head_commit}; start anew with "
                f"'carrel new NAME --from {workspace.head_commit}'.",
            )
        os.rename(aside, place.home)
    faults.point("trash.renamed")
    back = replace(workspace, state=State.ACTIVE, updated_at=ctx.clock.now())
    try:
        ctx.driver(workspace).present(place, lowers(ctx, workspace))
        faults.point("trash.presented")
        with ctx.noting("workspace.restored_from_trash", workspace.workspace_id) as tx:
            tx.save_workspace(back, ctx.config.limits)
    except (CarrelError, OSError):
        ctx.driver(workspace).withdraw(place)
        disk.rename_aside(place.home, aside)
        raise
    return back


@explained()
def purge_trashed(ctx: Context, workspace: Workspace, *, dry_run: bool = False) -> int:
    """Delete a workspace that is in the trash for good; return the bytes of its folder.

    Raises:
        RefusedError: `workspace_not_ready` when it is no longer in the trash.
    """
    with ctx.lock(workspace.project_id, workspace.workspace_id):
        current = reread(ctx, workspace)
        if current.state is not State.TRASHED:  # somebody took it back, or was faster
            raise RefusedError(
                "workspace_not_ready",
                f"{current.agent_id} is no longer in the trash.",
                why=f"It is {current.state} now.",
                cure="Nothing was deleted; look with 'carrel ls --all'.",
            )
        size = disk.used_bytes(trash_folder(ctx, current))
        if not dry_run:
            purge(ctx, current)
    return size


def purge(ctx: Context, workspace: Workspace) -> Workspace:
    """Delete a trashed tree for good, in the background; its references stay.

    Call it with the workspace's lock held.
    """
    disk.delete_in_background(trash_folder(ctx, workspace))
    gone = replace(workspace, state=State.REMOVED, updated_at=ctx.clock.now())
    with ctx.noting("workspace.removed", workspace.workspace_id) as tx:
        tx.save_workspace(gone)
    return gone


def trash_folder(ctx: Context, workspace: Workspace) -> str:
    """Return where a trashed workspace's folder is."""
    return f"{os.path.dirname(ctx.place(workspace).home)}/.trash/{workspace.workspace_id}"


def _refuse_occupied(ctx: Context, workspace: Workspace) -> None:
    with ctx.store.reading() as tx:
        occupancy.refuse_occupied(ctx, tx, workspace)
    present = ctx.driver(workspace).occupants(ctx.place(workspace))
    sitting = [one for one in present if one.sits]
    if sitting:
        first = sitting[0]
        more = f" and {len(sitting) - 1} more" if len(sitting) > 1 else ""
        raise RefusedError(
            "workspace_occupied",
            f"Process {first.pid} ({first.command}){more} is in {workspace.agent_id}.",
            why=f"It {first.how}.",
            cure="Let it finish or end it, then try again.",
        )


def _saved(ctx: Context, workspace: Workspace, *, discard: bool) -> CommitInfo:
    """Record the last state; with `discard` as much of it as can be recorded."""
    try:
        return checkpoint_locked(ctx, workspace, reason="removal", leave_out=discard)
    except RefusedError as error:
        if discard or error.code not in _LEFT_OUT:
            raise
        raise RefusedError(
            error.code,
            error.what,
            why=error.why,
            cure=f"{error.cure} Or say --discard: all else is saved, and the whole folder stays "
            "in the trash for a while.",
        ) from error


def _left_alone(ctx: Context, workspace: Workspace, saved: CommitInfo) -> list[tuple[str, str]]:
    """Return what is in no checkpoint, each path with the reason."""
    left = [(path, reason) for path, reason in saved.skipped if left_out(reason)]
    submodules = [path for path, reason in left if reason == OF_SUBMODULE]
    if submodules:
        harmless = without_work(subject(ctx, workspace), submodules)
        left = [(path, reason) for path, reason in left if path not in harmless]
    return left


def _unsaved_files(workspace: Workspace, left: list[tuple[str, str]]) -> RefusedError:
    named = ", ".join(repr(path) for path, _ in left[:5])
    reasons = "; ".join(dict.fromkeys(reason for _, reason in left))
    return RefusedError(
        "unsaved_files",
        f"{workspace.agent_id} holds what no checkpoint records: {named}.",
        why=f"{reasons[0].upper()}{reasons[1:]}.",
        cure="Move it elsewhere or push it from there, or say --discard (it stays in the "
        "trash for a while).",
    )


def _judged(ctx: Context, current: Workspace, *, preserve_branch: bool, discard: bool) -> Removal:
    if current.state not in OPEN_STATES or current.state is State.CREATING:
        raise RefusedError(
            "workspace_not_ready",
            f"The workspace {current.agent_id} is {current.state}.",
            cure="Run 'carrel reconcile' if it stays so.",
        )
    if current.state is State.REMOVING:
        return judged_unfinished(ctx, current)
    project = projects.by_id(ctx, current.project_id)
    proof = None
    if not preserve_branch:
        proof = _proof(ctx, project, current)
        if proof is None and not discard:
            raise RefusedError(
                "unmerged_work",
                f"{current.agent_id} has work that is not in {current.target_branch}.",
                why="Without its branch that work would be hard to find again.",
                cure=f"Merge it ('carrel merge {current.agent_id}'), keep the branch, or say "
                "--discard (it stays in the trash for a while, and in the vault).",
            )
        if not discard:
            _refuse_own_branches(ctx, project, current)
    return Removal(
        workspace=current,
        merged=proof,
        branch_preserved=preserve_branch,
        branch_name=current.branch_name,
        kept_ref=_kept_ref(current),
        bytes_freed=disk.used_bytes(_measured(ctx.place(current))),
    )


def _proof(ctx: Context, project: Project, current: Workspace) -> str | None:
    if current.head_commit == current.parent_commit:
        return "nothing was changed"
    stores = ctx.stores(project)
    branch = current.merged_to or current.target_branch
    tip = _tip(ctx, project, current, branch)
    if tip is None:
        return None
    proof = is_merged(
        stores.vault, stores.vault_reader, current.head_commit, current.parent_commit, tip
    )
    return None if proof is None else f"{proof} ({branch})"


def _refuse_own_branches(ctx: Context, project: Project, current: Workspace) -> None:
    """Refuse while a branch that the occupant made has work which is nowhere else."""
    stores = ctx.stores(project)
    tip = _tip(ctx, project, current, current.merged_to or current.target_branch)
    there = [current.head_commit, *([tip] if tip else [])]
    alone = [
        name.removeprefix("refs/heads/")
        for name, oid in adopt(subject(ctx, current)).branches
        if not stores.in_base(oid)
        and not any(
            is_merged(stores.vault, stores.vault_reader, oid, current.parent_commit, one)
            for one in there
        )
    ]
    if alone:
        raise RefusedError(
            "unmerged_work",
            f"{current.agent_id} has branches of its own with work that is not in "
            f"{current.target_branch}: {', '.join(alone)}.",
            why="Without their names that work would be hard to find again.",
            cure="Merge them in the workspace or push them from there, or say --discard (they "
            "stay in the trash for a while, and their commits in the vault).",
        )


def _tip(ctx: Context, project: Project, current: Workspace, branch: str) -> str | None:
    """Return the tip its work should be in: a branch, or the head of its parent's workspace."""
    if current.parent_id is not None:
        with ctx.store.reading() as tx:
            parent = tx.workspace(current.parent_id)
        if parent is not None and parent.branch_name == branch:
            return parent.head_commit
    try:
        return landing.tip(ctx.stores(project), project, branch, fetch=False)
    except (BadInputError, NotFoundError):
        return None


def _kept_ref(workspace: Workspace) -> str:
    return f"refs/carrel/kept/{workspace.workspace_id}"


def _measured(place: Place) -> str:
    """Return the folder that holds what the workspace itself takes on disk."""
    upper = f"{place.home}/upper"
    return upper if os.path.isdir(upper) else place.home


def _aside(ctx: Context, workspace: Workspace) -> int:
    """Rename a workspace's folder into the trash; return the bytes it takes."""
    aside = trash_folder(ctx, workspace)
    disk.rename_aside(ctx.place(workspace).home, aside)
    return disk.used_bytes(aside)


def _refuse_second(ctx: Context, workspace: Workspace) -> None:
    with ctx.store.reading() as tx:
        other = tx.open_workspace_of(workspace.agent_id)
    if other is not None:
        raise RefusedError(
            "agent_busy",
            f"{workspace.agent_id} has another open workspace now.",
            cure=f"Remove that one first: 'carrel rm {workspace.agent_id}'.",
        )
