"""Merging a child's work into its parent's workspace: its files and its branch."""

from dataclasses import replace

from carrel.control import occupancy, projects
from carrel.control.checkpoints import checkpoint_locked
from carrel.control.context import Context
from carrel.control.finding import reread
from carrel.control.recording import Landed, finish, note_left, plan, unfinished
from carrel.control.subjects import subject
from carrel.domain.conflicts import Rules
from carrel.domain.results import MergeResult
from carrel.domain.workspaces import Workspace
from carrel.errors import RefusedError
from carrel.git.landing import landing
from carrel.git.merging.merge import merge as merge_trees
from carrel.git.refs import Move
from carrel.git.restoring import restore
from carrel.system import faults
from carrel.system.identity import new_id


def merge_into_workspace(
    ctx: Context, child: Workspace, parent: Workspace, rules: Rules, *, dry_run: bool
) -> MergeResult:
    """Merge a child into its parent's workspace, whose lease must be free.

    The parent's uncommitted work becomes part of the merge (as a checkpoint), its files show
    the result, and its branch points to it. Call it with the child's lock held; locks are
    taken from child to parent only, so two merges never wait for each other.

    Raises:
        RefusedError: `workspace_occupied` when somebody works in the parent.
    """
    with ctx.lock(parent.project_id, parent.workspace_id):
        if dry_run:
            return _merged(ctx, child, parent, rules, dry_run=True)
        with occupancy.occupied(ctx, reread(ctx, parent), f"merge of {child.agent_id}"):
            return _merged(ctx, child, parent, rules, dry_run=False)


def _merged(
    ctx: Context, child: Workspace, parent: Workspace, rules: Rules, *, dry_run: bool
) -> MergeResult:
    checkpoint_locked(ctx, parent, reason="merge")
    target = reread(ctx, parent)
    stores = ctx.stores(projects.by_id(ctx, target.project_id))
    tip, merge_id = target.head_commit, new_id("m")
    merged = merge_trees(
        stores.vault, stores.vault_reader, tip, child.head_commit, rules, merge_id=merge_id
    )
    answer = MergeResult(
        status="conflict_resolved" if merged.settlements else "success",
        merged_to=target.branch_name,
        commit_sha=tip,
        conflicts_resolved=sorted(settled.path for settled in merged.settlements),
        resolution_strategy=str(rules.default),
        total_conflicts=len(merged.settlements) + len(merged.left),
        settlements=merged.settlements,
        conflicts_left=tuple(conflict.path for conflict in merged.left),
        why_left=merged.why_left,
    )
    if merged.left:
        if not dry_run:
            note_left(ctx, child, answer)
        return replace(answer, status="conflicts_left", conflicts_resolved=[], settlements=())
    if merged.up_to_date:
        landed = unfinished(ctx, stores, child, target.branch_name, tip)
        if landed is not None and not dry_run:
            finish(ctx, child, landed)
        return answer
    if dry_run:
        return answer
    commit = landing.commit(
        stores,
        tree=merged.tree_id,
        parents=(tip, child.head_commit),
        message=f"Merge {child.branch_name} into {target.branch_name}\n",
        when=ctx.clock.now(),
        identity=ctx.config.identity,
    )
    landed = Landed(merge_id, target.branch_name, commit, child.head_commit, merged.settlements)
    plan(ctx, stores, child, landed, merged.keep)
    faults.point("join.planned")
    _advance(ctx, target, commit)
    finish(ctx, child, landed)
    return replace(answer, commit_sha=commit)


def _advance(ctx: Context, target: Workspace, commit: str) -> None:
    """Move files first, branch second, the recorded head last.

    Killed in between, the parent's next checkpoint merely holds part of the child's work on
    top of its own, and repeating the merge completes it.
    """
    tree = subject(ctx, target)
    restore.apply(tree, from_commit=target.head_commit, to_commit=commit)
    faults.point("join.files")
    restore.advance_branch(tree, commit)
    faults.point("join.branch")
    head = f"refs/carrel/ws/{target.workspace_id}/head"
    if not tree.stores.vault_refs.move((Move(head, commit, target.head_commit),)):
        raise RefusedError(
            "checkpoint_raced",
            f"The recorded head of {target.agent_id} moved while {commit[:12]} was merged in.",
            cure="Merge again; nothing is lost.",
        )
    faults.point("join.referenced")
    moved = replace(target, head_commit=commit, updated_at=ctx.clock.now())
    with ctx.noting("workspace.received", target.workspace_id, commit=commit) as tx:
        tx.save_workspace(moved)
