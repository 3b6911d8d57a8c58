"""Who sits in a workspace: leases with a holder and a heartbeat."""

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from carrel.control.context import Context
from carrel.control.workspaces import present
from carrel.domain.leases import DEFAULT_TERM, Lease
from carrel.domain.workspaces import Workspace
from carrel.errors import CarrelError, RefusedError
from carrel.ports.store import Session
from carrel.system import identity

_BEAT = DEFAULT_TERM.total_seconds() / 4

_ended: set[str] = set()
"""Tokens that this process is done with, though the database could not yet be told."""


def acquire(ctx: Context, workspace: Workspace, holder: str) -> Lease:
    """Take the lease of a workspace.

    Args:
        ctx: The context.
        workspace: What to occupy.
        holder: Who, as a person would say it.

    Raises:
        RefusedError: `workspace_occupied`, naming the holder.
    """
    now = ctx.clock.now()
    lease = Lease(
        workspace_id=workspace.workspace_id,
        holder=holder,
        token=identity.new_id("lease", 20),
        host=identity.host(),
        pid=identity.pid(),
        acquired_at=now,
        heartbeat_at=now,
    )
    with ctx.noting("lease.taken", workspace.workspace_id, holder=holder) as tx:
        refuse_occupied(ctx, tx, workspace)
        tx.put_lease(lease)
        tx.save_workspace(replace(workspace, updated_at=now))
    return lease


def beat(ctx: Context, lease: Lease) -> Lease:
    """Give a sign of life.

    Raises:
        RefusedError: `lease_lost` when somebody else holds the workspace now.
    """
    with ctx.store.writing() as tx:
        held = tx.lease(lease.workspace_id)
        if held is None or held.token != lease.token:
            raise RefusedError(
                "lease_lost",
                f"{lease.holder} no longer holds {lease.workspace_id}.",
                cure="Stop working there, and take the workspace again.",
            )
        renewed = replace(lease, heartbeat_at=ctx.clock.now())
        tx.put_lease(renewed)
    return renewed


def release(ctx: Context, lease: Lease) -> None:
    """Give a lease back; nothing happens if it is somebody else's by now.

    Should the database refuse it (a full disk, say), this process no longer counts the lease,
    and goes on trying in the background: as long as it lives, others would wait for it.
    """
    try:
        _release(ctx, lease)
    except CarrelError:
        _ended.add(lease.token)
        threading.Thread(target=_release_later, args=(ctx, lease), daemon=True).start()
        raise


def _release(ctx: Context, lease: Lease) -> None:
    with ctx.noting("lease.released", lease.workspace_id, holder=lease.holder) as tx:
        tx.drop_lease(lease.workspace_id, lease.token)


def holder_of(ctx: Context, tx: Session, workspace: Workspace) -> Lease | None:
    """Return the living lease of a workspace.

    A lease whose heartbeat stopped still counts while its process exists on this machine:
    a frozen holder is a holder.
    """
    lease = tx.lease(workspace.workspace_id)
    if lease is None or lease.token in _ended:
        return None
    if lease.host == identity.host():
        return lease if _lives(lease) else None
    return None if lease.expired(ctx.clock.now()) else lease


def _lives(lease: Lease) -> bool:
    return identity.process_lives(lease.pid, lease.heartbeat_at.timestamp())


def refuse_occupied(ctx: Context, tx: Session, workspace: Workspace) -> None:
    """Refuse when somebody holds the workspace.

    Raises:
        RefusedError: `workspace_occupied`.
    """
    lease = holder_of(ctx, tx, workspace)
    if lease is None and tx.lease(workspace.workspace_id) is not None:
        _refuse_left_behind(ctx, workspace)
    if lease is not None:
        raise RefusedError(
            "workspace_occupied",
            f"{workspace.agent_id} is occupied by {lease.holder} (process {lease.pid} "
            f"on {lease.host}).",
            why="One workspace has one occupant.",
            cure="Let it finish or end it, then try again.",
        )


def _refuse_left_behind(ctx: Context, workspace: Workspace) -> None:
    """Refuse when a dead holder's own processes still sit in the tree."""
    sitting = [one for one in ctx.driver(workspace).occupants(ctx.place(workspace)) if one.sits]
    if sitting:
        raise RefusedError(
            "workspace_occupied",
            f"Process {sitting[0].pid} ({sitting[0].command}) is still in {workspace.agent_id}.",
            why="Whoever started it is gone.",
            cure="Let it finish or end it, then try again.",
        )


@contextmanager
def occupied(ctx: Context, workspace: Workspace, holder: str) -> Generator[Lease]:
    """Hold a workspace for the length of a block, with a heartbeat in the background."""
    lease = acquire(ctx, workspace, holder)
    stop = threading.Event()
    thread = threading.Thread(target=_heart, args=(ctx, lease, stop), daemon=True)
    thread.start()
    try:
        yield lease
    finally:
        stop.set()
        thread.join()
        release(ctx, lease)


def inside(
    ctx: Context, workspace: Workspace, command: Sequence[str]
) -> tuple[list[str], str | None]:
    """Return the command line and folder with which `command` runs in a workspace.

    The folder is None when the command line itself leads there (a namespace).
    """
    present(ctx, workspace)
    driver, place = ctx.driver(workspace), ctx.place(workspace)
    if driver.capabilities.host_path:
        return list(command), place.tree
    return driver.enter(place, list(command)), None


def _heart(ctx: Context, lease: Lease, stop: threading.Event) -> None:
    while not stop.wait(_BEAT):
        try:
            lease = beat(ctx, lease)
        except RefusedError:
            return
        except CarrelError:  # the next beat may be heard
            continue


def _release_later(ctx: Context, lease: Lease) -> None:
    never = threading.Event()
    while not never.wait(_BEAT):
        try:
            _release(ctx, lease)
        except CarrelError:
            continue
        _ended.discard(lease.token)
        return
