"""Taking a project off the list. The user's repository is never touched, nor what was kept."""

import os

from carrel.control import projects
from carrel.control.context import Context
from carrel.control.explaining import explained
from carrel.control.retention import drop_unused_layers
from carrel.domain.projects import Project
from carrel.domain.records import dataclass
from carrel.domain.workspaces import State, Workspace
from carrel.errors import RefusedError
from carrel.system import disk, faults

_NAMED = 4


@dataclass(frozen=True, slots=True)
class Unregistered:
    """What taking a project off the list did, or would do.

    Attributes:
        project: Which.
        kept_in: Folder with its history and the last states of its workspaces; empty when it
            is not on this machine.
        kept_bytes: Space that folder takes on disk.
        bytes_freed: Space that checked-out commits took.
    """

    project: Project
    kept_in: str
    kept_bytes: int
    bytes_freed: int


@explained()
def unregister(ctx: Context, wanted: str, *, dry_run: bool = False) -> Unregistered:
    """Take a project off the list; its name and its repository can be registered again.

    Only what can be made anew is deleted: the layers. The stores stay where they are, for the
    last states of removed workspaces are in them and perhaps nowhere else.

    Args:
        ctx: The context.
        wanted: Name or id of the project.
        dry_run: Only tell.

    Raises:
        NotFoundError: `unknown_project`.
        RefusedError: `project_in_use` while workspaces of it are open or in the trash.
    """
    project = projects.find(ctx, wanted)
    _refuse_in_use(ctx, project)
    here = os.path.isdir(f"{project.home}/vault.git")
    dropped = drop_unused_layers(ctx, project, dry_run=dry_run) if here else []
    freed = sum(deed.bytes_freed for deed in dropped)
    if not dry_run:
        faults.point("unregister.dropped")
        with ctx.noting("project.unregistered", project.project_id, name=project.name) as tx:
            tx.remove_project(project.project_id)  # looks once more, and keeps others out
        ctx.forget(project)
    return Unregistered(
        project=project,
        kept_in=project.home if here else "",
        kept_bytes=disk.used_bytes(project.home) if here else 0,
        bytes_freed=freed,
    )


def _refuse_in_use(ctx: Context, project: Project) -> None:
    with ctx.store.reading() as tx:
        left = [one for one in tx.workspaces(project.project_id) if one.state is not State.REMOVED]
    trashed = [one for one in left if one.state is State.TRASHED]
    living = [one for one in left if one.state is not State.TRASHED]
    if living:
        raise RefusedError(
            "project_in_use",
            f"{project.name} still has workspaces: {_names(living)}.",
            why="Without its project a workspace could be neither saved nor merged.",
            cure="Remove each with 'carrel rm NAME', then try again.",
        )
    if trashed:
        raise RefusedError(
            "project_in_use",
            f"{project.name} still has workspaces in the trash: {_names(trashed)}.",
            why="They could not be taken back without it.",
            cure="Take them back with 'carrel trash restore NAME', or delete them for good with "
            "'carrel trash empty NAME', then try again.",
        )


def _names(workspaces: list[Workspace]) -> str:
    names = ", ".join(one.agent_id for one in workspaces[:_NAMED])
    more = len(workspaces) - _NAMED
    return f"{names} and {more} more" if more > 0 else names
