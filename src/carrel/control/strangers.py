"""Folders among the workspaces that the database knows nothing of."""

import os
from collections.abc import Iterator
from functools import partial

from carrel.control.context import Context
from carrel.control.findings import Finding, Step
from carrel.errors import RefusedError
from carrel.system import disk, mounts, processes_seen
from carrel.system.mounts import Mount


def unknown_folders(ctx: Context) -> Iterator[Step]:
    """Find folders of ours without a row: they go to the trash folder, never away.

    A row is there before its folder. So the rows are read after the folders were listed: a
    workspace that somebody makes meanwhile has its row.
    """
    root = ctx.config.workspace_root
    names = sorted(os.listdir(root)) if os.path.isdir(root) else []
    with ctx.store.reading() as tx:
        known = {workspace.workspace_id for workspace in tx.workspaces()}
    for name in names:
        if name.startswith("ws-") and name not in known:
            yield (
                Finding(
                    "unknown_folder",
                    f"{root}/{name}",
                    "No workspace in the database owns it.",
                    "It is put aside in the trash folder, unless somebody uses it.",
                ),
                partial(_put_aside, f"{root}/{name}", f"{root}/.trash/{name}"),
            )


def _put_aside(folder: str, aside: str) -> None:
    """Move a folder away, unless that would pull it from under somebody's feet.

    Raises:
        RefusedError: `folder_in_use`.
    """
    use = _use_of(os.path.realpath(folder))
    if use:
        raise RefusedError(
            "folder_in_use",
            f"{folder} is left where it is: {use}.",
            why="It may belong to a Carrel with another database.",
            cure="End that use, then reconcile again; or leave it alone.",
        )
    disk.rename_aside(folder, aside)


def _use_of(folder: str) -> str:
    """Tell in words who uses a folder; empty when nobody does."""
    path = os.fsencode(folder)

    def inside(mount: Mount) -> bool:
        return any(
            place == path or place.startswith(path + b"/") for place in (mount.point, mount.upper)
        )

    for mount in mounts.mounts():
        if inside(mount):
            return f"something is mounted at {os.fsdecode(mount.point)}"
    sitting = processes_seen.sitting_in(folder)
    sitting += [seen for seen, _ in processes_seen.seeing(inside)]
    if sitting:
        return f"process {sitting[0].pid} ({sitting[0].command}) {sitting[0].how}"
    return ""
