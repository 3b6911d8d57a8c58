"""Checkpoints of workspaces, and going back to one."""

from dataclasses import replace
from datetime import UTC
from typing import cast

from carrel.control import projects
from carrel.control.context import Context
from carrel.control.explaining import explained
from carrel.control.finding import checked_active, reread
from carrel.control.healing import healed
from carrel.control.subjects import subject
from carrel.control.trailers import with_trailers
from carrel.domain.checkpoints import Checkpoint
from carrel.domain.records import dataclass
from carrel.domain.results import CommitInfo
from carrel.domain.workspaces import Outcome, Workspace
from carrel.errors import BadInputError, NotFoundError
from carrel.git.capturing import adopt
from carrel.git.capturing.checkpoint import Captured, capture, record
from carrel.git.restoring import restore as restoring
from carrel.system import faults
from carrel.system.identity import new_id

_LEAST_PREFIX = 4


@dataclass(frozen=True, slots=True)
class Restored:
    """What going back did.

    Attributes:
        commit_sha: The checkpoint that the files show now.
        saved: The state from before, as a checkpoint.
        files_changed: Paths that were written or removed.
    """

    commit_sha: str
    saved: CommitInfo
    files_changed: int


@explained()
def checkpoint(
    ctx: Context,
    workspace: Workspace,
    *,
    iteration: int | None = None,
    message: str | None = None,
    reason: str | None = None,
) -> CommitInfo:
    """Record a workspace's whole state as a commit in the vault.

    Nothing of the occupant's is touched: not its index, HEAD, hooks, signing or identity. A
    numbered iteration is recorded once; asking again gives back the first answer. Without a
    number, an unchanged workspace gives back its last checkpoint.

    Args:
        ctx: The context.
        workspace: Which one.
        iteration: Validation iteration, 0 or more.
        message: Commit message; one is made up when None.
        reason: Why, see `Checkpoint.reason`; None means `validation` for an iteration, else
            `manual`.

    Raises:
        BadInputError: `bad_iteration`.
        RefusedError: `file_too_large`, and others of the tree engine; nothing is recorded.
    """
    asked: object = iteration  # whoever calls from Python may hand in anything
    if asked is not None and (type(asked) is not int or asked < 0):
        raise BadInputError(
            "bad_iteration",
            f"{asked!r} can't be an iteration.",
            cure="Count iterations from 0 or 1 upwards.",
        )
    why = reason or ("manual" if iteration is None else "validation")
    with ctx.lock(workspace.project_id, workspace.workspace_id):
        return checkpoint_locked(ctx, workspace, iteration=iteration, message=message, reason=why)


def checkpoint_locked(
    ctx: Context,
    workspace: Workspace,
    *,
    iteration: int | None = None,
    message: str | None = None,
    reason: str,
    leave_out: bool = False,
) -> CommitInfo:
    """Do what `checkpoint` does, for a caller that holds the workspace's lock.

    With `leave_out`, what is too large or can't be read is left out instead of refused.
    """
    ctx.stores(projects.by_id(ctx, workspace.project_id)).start()
    current = checked_active(healed(ctx, reread(ctx, workspace)))
    if iteration is not None:
        with ctx.store.reading() as tx:
            before = tx.iteration(current.workspace_id, iteration)
        if before is not None:
            return replace(_info(before), skipped=_skipped(ctx, before))
    text = message or _made_up(current, iteration, reason)
    stored = with_trailers(text, current.workspace_id, iteration, reason)
    captured = _capture(
        ctx, current, stored, allow_empty=iteration is not None, leave_out=leave_out
    )
    if captured.commit == current.head_commit:
        return _unchanged(ctx, current, captured)
    faults.point("checkpoint.captured")
    return _recorded(ctx, current, captured, _Entry(iteration, text, reason))


def listing(ctx: Context, workspace: Workspace) -> list[Checkpoint]:
    """Return a workspace's checkpoints, oldest first."""
    with ctx.store.reading() as tx:
        return tx.checkpoints(workspace.workspace_id)


@explained()
def restore(ctx: Context, workspace: Workspace, which: str) -> Restored:
    """Let the files be as they were at a checkpoint, saving the present state first.

    The occupant's branch, HEAD and index stay as they are; ignored files stay too.

    Args:
        ctx: The context.
        workspace: Which one.
        which: A checkpoint's number, `iteration:N`, `start`, or the beginning of its commit id.

    Raises:
        NotFoundError: `unknown_checkpoint`.
    """
    with ctx.lock(workspace.project_id, workspace.workspace_id):
        target = named(ctx, workspace, which)
        saved = checkpoint_locked(
            ctx, workspace, message=f"State before going back to {which}", reason="restore"
        )
        faults.point("restore.saved")
        current = reread(ctx, workspace)
        changed = restoring.apply(
            subject(ctx, current), from_commit=current.head_commit, to_commit=target
        )
        faults.point("restore.applied")
        touched = replace(current, updated_at=ctx.clock.now())
        with ctx.noting(
            "workspace.restored", current.workspace_id, commit=target, saved=saved.commit_sha
        ) as tx:
            tx.save_workspace(touched)
    return Restored(target, saved, changed)


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a checkpoint is recorded under."""

    iteration: int | None
    message: str
    reason: str


def _capture(
    ctx: Context, current: Workspace, message: str, *, allow_empty: bool, leave_out: bool
) -> Captured:
    tree = subject(ctx, current)
    adopted = adopt.adopt(tree)
    faults.point("checkpoint.adopted")
    captured = capture(
        tree,
        last=current.head_commit,
        head=adopted.head,
        start=current.parent_commit,
        message=message,
        when=ctx.clock.now(),
        identity=ctx.config.identity,
        max_file_bytes=ctx.config.max_file_bytes,
        allow_empty=allow_empty,
        leave_out=leave_out,
    )
    return replace(captured, skipped=(*captured.skipped, *adopted.skipped))


def _recorded(ctx: Context, current: Workspace, captured: Captured, entry: _Entry) -> CommitInfo:
    now = ctx.clock.now()
    with ctx.store.reading() as tx:
        last = tx.last_checkpoint(current.workspace_id)
    number = 1 if last is None else last.number + 1
    stores = ctx.stores(projects.by_id(ctx, current.project_id))
    record(
        stores,
        current.workspace_id,
        number=number,
        commit=captured.commit,
        previous=current.head_commit,
    )
    faults.point("checkpoint.referenced")
    row = Checkpoint(
        checkpoint_id=new_id("cp"),
        workspace_id=current.workspace_id,
        agent_id=current.agent_id,
        number=number,
        iteration=entry.iteration,
        commit_sha=captured.commit,
        files_changed=captured.files_changed,
        message=entry.message,
        created_at=now,
        empty=captured.empty,
        reason=entry.reason,
    )
    outcome = Outcome.OPEN if current.outcome is Outcome.MERGED else current.outcome
    saved = replace(current, head_commit=captured.commit, updated_at=now, outcome=outcome)
    with ctx.noting(
        "workspace.checkpointed",
        current.workspace_id,
        commit=captured.commit,
        number=number,
        iteration=entry.iteration,
        files_changed=captured.files_changed,
        reason=entry.reason,
        skipped=[list(pair) for pair in captured.skipped],
    ) as tx:
        tx.add_checkpoint(row)
        tx.save_workspace(saved)
    return replace(_info(row), skipped=captured.skipped)


def _unchanged(ctx: Context, current: Workspace, captured: Captured) -> CommitInfo:
    with ctx.store.reading() as tx:
        for row in tx.checkpoints(current.workspace_id):
            if row.commit_sha == captured.commit:
                return replace(_info(row), files_changed=0, empty=True, skipped=captured.skipped)
    return CommitInfo(
        commit_sha=captured.commit,
        files_changed=0,
        message="The state it was started with",
        timestamp=current.created_at.astimezone(UTC).isoformat(timespec="seconds"),
        empty=True,
        skipped=captured.skipped,
    )


def _skipped(ctx: Context, row: Checkpoint) -> tuple[tuple[str, str], ...]:
    """Return what a checkpoint left out when it was made, as the ledger has it."""
    with ctx.store.reading() as tx:
        told = tx.events(subject=row.workspace_id)
    for event in told:
        if event.action == "workspace.checkpointed" and event.data.get("number") == row.number:
            pairs = cast("list[list[str]]", event.data.get("skipped", []))
            return tuple((path, reason) for path, reason in pairs)
    return ()


def _info(row: Checkpoint) -> CommitInfo:
    return CommitInfo(
        commit_sha=row.commit_sha,
        files_changed=row.files_changed,
        message=row.message,
        timestamp=row.created_at.astimezone(UTC).isoformat(timespec="seconds"),
        iteration=row.iteration,
        empty=row.empty,
    )


def _made_up(workspace: Workspace, iteration: int | None, reason: str) -> str:
    if iteration is not None:
        return f"[Validation] Iteration {iteration} of {workspace.agent_id}"
    return f"Checkpoint of {workspace.agent_id} ({reason})"


def named(ctx: Context, workspace: Workspace, which: str) -> str:
    """Return the commit of a checkpoint.

    Args:
        ctx: The context.
        workspace: Whose.
        which: Its number, `iteration:N`, `start`, or the beginning of its commit id.

    Raises:
        NotFoundError: `unknown_checkpoint`.
    """
    rows = listing(ctx, workspace)
    if which == "start":
        return workspace.parent_commit
    kind, _, number = which.partition(":")
    matching = [
        row
        for row in rows
        if which == str(row.number)
        or (kind == "iteration" and number == str(row.iteration))
        or (len(which) >= _LEAST_PREFIX and row.commit_sha.startswith(which.lower()))
    ]
    exact = [row for row in matching if which == str(row.number)] or matching
    if len({row.commit_sha for row in exact}) == 1:
        return exact[0].commit_sha
    raise NotFoundError(
        "unknown_checkpoint",
        f"{workspace.agent_id} has {'several' if exact else 'no'} checkpoints called {which!r}.",
        why=f"It has {len(rows)}, numbered from 1.",
        cure=f"See them with 'carrel checkpoints {workspace.agent_id}'.",
    )
