"""Merging a workspace's work into a branch, or into its parent's workspace."""

from dataclasses import replace

from carrel.control import projects
from carrel.control.checkpoints import checkpoint_locked
from carrel.control.context import Context
from carrel.control.explaining import explained
from carrel.control.finding import checked_active, find, reread
from carrel.control.joining import merge_into_workspace
from carrel.control.recording import Landed, finish, note_left, plan, unfinished
from carrel.domain.conflicts import Rules
from carrel.domain.projects import Project
from carrel.domain.records import dataclass
from carrel.domain.results import MergeResult
from carrel.domain.workspaces import OPEN_STATES, Workspace
from carrel.errors import BadInputError, FailedError, NotFoundError
from carrel.git.landing import landing, pushing
from carrel.git.merging.merge import Merged
from carrel.git.merging.merge import merge as merge_trees
from carrel.git.objects import PackWriter
from carrel.git.storing.stores import Stores
from carrel.system import faults
from carrel.system.identity import new_id

_TRIES = 20


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """How to merge.

    Attributes:
        into: Target branch; None means the parent's workspace for a child, and for any other
            the branch it was started from.
        rules: How conflicts are settled; None takes the settings.
        dry_run: Say what would happen and change nothing (a checkpoint is still made).
        push: Also push the target to the remote (projects registered by URL).
    """

    into: str | None = None
    rules: Rules | None = None
    dry_run: bool = False
    push: bool = False


@explained()
def merge(ctx: Context, workspace: Workspace, request: MergeRequest) -> MergeResult:
    """Merge a workspace's present state, uncommitted work included.

    The target moves by compare-and-swap; a lost race starts over on the new tip. Losing
    versions are kept under references before the target moves.

    Raises:
        RefusedError: The target can't be updated safely; nothing changed.
        NotFoundError: `unknown_branch`.
        FailedError: `target_busy` when the target kept moving.
    """
    with ctx.lock(workspace.project_id, workspace.workspace_id):
        if request.into is not None or workspace.parent_id is None:
            project = projects.by_id(ctx, workspace.project_id)
            landing.start(ctx.stores(project), project)
        checkpoint_locked(ctx, workspace, reason="merge")
        faults.point("merge.checkpointed")
        current = reread(ctx, workspace)
        if request.into is None and current.parent_id is not None:
            parent = _parent(ctx, current)
            return merge_into_workspace(
                ctx, current, parent, _rules(ctx, request), dry_run=request.dry_run
            )
        return _into_branch(ctx, current, request)


def _parent(ctx: Context, child: Workspace) -> Workspace:
    try:
        return checked_active(find(ctx, child.parent_id or "", states=OPEN_STATES))
    except NotFoundError as error:
        raise NotFoundError(
            "parent_gone",
            f"The workspace that {child.agent_id} inherited from is gone.",
            cure=f"Name a branch: 'carrel merge {child.agent_id} --into {child.target_branch}'.",
        ) from error


def _rules(ctx: Context, request: MergeRequest) -> Rules:
    return request.rules if request.rules is not None else ctx.config.rules


@dataclass(frozen=True, slots=True)
class _Target:
    project: Project
    stores: Stores
    branch: str


def _into_branch(ctx: Context, current: Workspace, request: MergeRequest) -> MergeResult:
    project = projects.by_id(ctx, current.project_id)
    branch = request.into or current.target_branch
    if branch == current.branch_name:
        raise BadInputError(
            "merge_into_itself",
            f"{branch} is the workspace's own branch.",
            cure="Name another branch with --into.",
        )
    target = _Target(project, ctx.stores(project), branch)
    with ctx.lock(project.project_id, "landing"):
        for _ in range(_TRIES):
            result = _attempt(ctx, current, target, request)
            if result is not None:
                return result
    raise FailedError(
        "target_busy",
        f"{branch} moved {_TRIES} times while {current.agent_id} was being merged.",
        why="Something else writes to it all the time.",
        cure="Try again; nothing is lost.",
    )


def _attempt(
    ctx: Context, current: Workspace, target: _Target, request: MergeRequest
) -> MergeResult | None:
    rules = _rules(ctx, request)
    tip = landing.tip(
        target.stores, target.project, target.branch, fetch=request.push, access=ctx.access
    )
    merge_id = new_id("m")
    fresh = PackWriter(f"{target.stores.vault.git_dir}/objects", target.stores.width)
    merged = merge_trees(
        target.stores.vault,
        target.stores.vault_reader,
        tip,
        current.head_commit,
        rules,
        merge_id=merge_id,
        fresh=fresh,
    )
    if merged.left:
        answer = _left(target.branch, tip, merged, rules)
        if not request.dry_run:
            note_left(ctx, current, answer)
        return answer
    if merged.up_to_date:
        return _already(ctx, current, target, tip, rules, request)
    if request.dry_run:
        fresh.flush()
        landing.check(target.stores, target.project, target.branch, merged.tree_id, expected=tip)
        return _result(target.branch, tip, merged, rules)
    commit = landing.commit(
        target.stores,
        tree=merged.tree_id,
        parents=(tip, current.head_commit),
        message=_message(current, target.branch, merged),
        when=ctx.clock.now(),
        identity=ctx.config.identity,
        fresh=fresh,
    )
    faults.point("merge.committed")
    landed = Landed(merge_id, target.branch, commit, current.head_commit, merged.settlements)
    plan(ctx, target.stores, current, landed, merged.keep)
    faults.point("merge.planned")
    if not landing.land(
        target.stores,
        target.project,
        target.branch,
        commit,
        expected=tip,
        fresh=fresh,
        push=request.push,
        access=ctx.access,
    ):
        return None
    faults.point("merge.landed")
    finish(ctx, current, landed)
    return replace(_result(target.branch, commit, merged, rules), pushed=request.push)


def _left(branch: str, tip: str, merged: Merged, rules: Rules) -> MergeResult:
    left = tuple(conflict.path for conflict in merged.left)
    return MergeResult(
        status="conflicts_left",
        merged_to=branch,
        commit_sha=tip,
        conflicts_resolved=[],
        resolution_strategy=str(rules.default),
        total_conflicts=len(left) + len(merged.settlements),
        conflicts_left=left,
        why_left=merged.why_left,
    )


def _already(
    ctx: Context,
    current: Workspace,
    target: _Target,
    tip: str,
    rules: Rules,
    request: MergeRequest,
) -> MergeResult:
    """Answer for work that the target has: perhaps from a merge that was killed at its end."""
    landed = unfinished(ctx, target.stores, current, target.branch, tip)
    if landed is not None and not request.dry_run:
        finish(ctx, current, landed)
    if request.push and not request.dry_run:
        pushing.push(target.stores, target.project, target.branch, access=ctx.access)
    done = landed.settlements if landed is not None else ()
    return MergeResult(
        status="conflict_resolved" if done else "success",
        merged_to=target.branch,
        commit_sha=landed.commit if landed is not None else tip,
        conflicts_resolved=sorted(settled.path for settled in done),
        resolution_strategy=str(rules.default),
        total_conflicts=len(done),
        settlements=done,
        pushed=request.push and not request.dry_run,
    )


def _result(branch: str, commit: str, merged: Merged, rules: Rules) -> MergeResult:
    return MergeResult(
        status="conflict_resolved" if merged.settlements else "success",
        merged_to=branch,
        commit_sha=commit,
        conflicts_resolved=sorted(settled.path for settled in merged.settlements),
        resolution_strategy=str(rules.default),
        total_conflicts=len(merged.settlements),
        settlements=merged.settlements,
    )


def _message(current: Workspace, branch: str, merged: Merged) -> str:
    lines = [f"Merge {current.branch_name} into {branch}", ""]
    lines += [
        f"Settled {done.path} ({done.kind}): {done.reason}" for done in merged.settlements[:50]
    ]
    return "\n".join(lines).rstrip() + f"\n\nCarrel-Workspace: {current.workspace_id}\n"
