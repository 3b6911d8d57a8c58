"""Projects: registering a repository, and finding the one that is meant."""

import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from carrel.control.context import Context
from carrel.control.explaining import explained
from carrel.domain.names import checked_name, folded
from carrel.domain.projects import Project, SourceKind
from carrel.domain.workspaces import Workspace
from carrel.errors import BadInputError, NotFoundError, RefusedError
from carrel.git.storing import sources, stores
from carrel.system import locks
from carrel.system.identity import new_id

_PATIENCE = 600.0
"""Seconds to wait for another registration, which may download a repository."""


@explained()
def register(
    ctx: Context,
    source: str,
    *,
    name: str | None = None,
    branch: str | None = None,
    numbered: bool = False,
) -> Project:
    """Register a repository, by path or URL; registering it again returns the same project.

    Args:
        ctx: The context.
        source: Path of a repository (or of a folder in it), or a URL.
        name: Name of the project; the repository's own name when None.
        branch: Branch that workspaces start from; the repository's own when None.
        numbered: Whether a name that is taken gets a number, for a caller who can't choose one.

    Raises:
        BadInputError: Not a repository, an empty one, a bad name or a missing branch.
        RefusedError: `inside_carrel` for a workspace or a store of Carrel's own;
            `project_exists` when the name is taken by another repository.
    """
    wanted = sources.parse(source)
    if wanted.kind is SourceKind.PATH:
        _refuse_own(ctx, wanted.location)
    chosen = checked_name(name or _usable_name(wanted.name))
    with locks.held(f"{_projects_folder(ctx)}/register.lock", timeout=_PATIENCE):
        known = _same_source(ctx, wanted)
        if known is not None:
            return _unless_different(known, name, branch)
        chosen = _free_name(ctx, chosen) if numbered else _refuse_taken(ctx, chosen)
        project_id = new_id("p", 6)
        home = ctx.project_home(project_id)
        access = replace(ctx.access, credential=wanted.credential)
        made = stores.create(home, wanted, branch=branch, access=access)
        project = Project(
            project_id=project_id,
            name=chosen,
            kind=wanted.kind,
            source=wanted.location,
            home=home,
            default_branch=made.default_branch,
            created_at=ctx.clock.now(),
        )
        with ctx.noting(
            "project.registered", project_id, name=chosen, source=wanted.location
        ) as tx:
            tx.add_project(project)
    return project


def find(ctx: Context, wanted: str | None, *, cwd: str | None = None) -> Project:
    """Return the project that is meant.

    Args:
        ctx: The context.
        wanted: Name or id; None means the one that holds `cwd`, else the only one.
        cwd: The caller's folder.

    Raises:
        NotFoundError: `no_project` or `unknown_project`.
        BadInputError: `which_project` when several are possible.
    """
    projects = listing(ctx)
    if wanted is not None:
        for project in projects:
            if wanted == project.project_id or folded(wanted) == folded(project.name):
                return project
        raise NotFoundError(
            "unknown_project",
            f"No project is called {wanted!r}.",
            why=f"Registered are: {', '.join(p.name for p in projects) or 'none'}.",
            cure="Register it with 'carrel init PATH|URL', or name one of those.",
        )
    candidates = (_here(ctx, projects, cwd) if cwd else []) or projects
    if not candidates:
        raise NotFoundError(
            "no_project",
            "No project is registered yet.",
            cure="Register a repository with 'carrel init PATH|URL'.",
        )
    if len(candidates) > 1:
        raise BadInputError(
            "which_project",
            "Several projects are registered, and none of them holds this folder.",
            why=f"They are: {', '.join(p.name for p in candidates)}.",
            cure="Name one with --project, or go into its repository.",
        )
    return candidates[0]


def by_id(ctx: Context, project_id: str) -> Project:
    """Return a project that must exist.

    Raises:
        NotFoundError: `unknown_project`.
    """
    known = ctx.projects.get(project_id)  # a project never changes
    if known is not None:
        return known
    with ctx.store.reading() as tx:
        project = tx.project(project_id)
    if project is None:
        raise NotFoundError(
            "unknown_project",
            f"The project {project_id} is not in the database.",
            cure="Run 'carrel reconcile --dry-run' to see what is left of it.",
        )
    ctx.projects[project_id] = project
    return project


def name_of(ctx: Context, project_id: str) -> str:
    """Return a project's name for people; its id once it was taken off the list."""
    try:
        return by_id(ctx, project_id).name
    except NotFoundError:
        return project_id


def for_source(ctx: Context, source: str) -> Project:
    """Return the project of a repository, registering it when it is new."""
    known = _same_source(ctx, sources.parse(source))
    return known if known is not None else register(ctx, source, numbered=True)


def holding(ctx: Context, cwd: str) -> Project | None:
    """Return the project that holds a folder: its repository, or a workspace of it."""
    here = _here(ctx, listing(ctx), cwd)
    return here[0] if len(here) == 1 else None


def listing(ctx: Context) -> list[Project]:
    """Return all projects by name."""
    with ctx.store.reading() as tx:
        return tx.projects()


def here(ctx: Context) -> list[Project]:
    """Return the projects whose stores are on this machine."""
    return [one for one in listing(ctx) if os.path.isdir(f"{one.home}/vault.git")]


def _projects_folder(ctx: Context) -> str:
    folder = f"{ctx.config.home}/projects"
    os.makedirs(folder, exist_ok=True)
    return folder


def _usable_name(name: str) -> str:
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in name)
    kept = kept.strip("._-").removesuffix(".git").replace("..", ".")
    return kept or "project"


def _same_source(ctx: Context, source: sources.Source) -> Project | None:
    for project in listing(ctx):
        if (project.kind, project.source) == (source.kind, source.location):
            return project
    return None


def _refuse_own(ctx: Context, location: str) -> None:
    """Refuse to make workspaces of what lives only as long as a workspace does."""
    workspace = _workspace_around(ctx, location)
    if workspace is not None:
        project = name_of(ctx, workspace.project_id)
        raise RefusedError(
            "inside_carrel",
            f"{location} belongs to {workspace.agent_id}, a workspace of {project}.",
            why="What is removed with a workspace can't be a project.",
            cure=f"Nothing has to be registered here: make another workspace from its present "
            f"state with 'carrel new NAME --parent {workspace.agent_id}', or one from the "
            f"start with 'carrel new NAME --project {project}'.",
        )
    if _inside(location, os.path.realpath(_projects_folder(ctx))):
        raise RefusedError(
            "inside_carrel",
            f"{location} is a store of Carrel's own.",
            why="What is kept there belongs to a project already.",
            cure="Name the repository that you want to work on.",
        )


def _workspace_around(ctx: Context, folder: str) -> Workspace | None:
    """Return the workspace whose folder holds `folder` (a path without links)."""
    root = os.path.realpath(ctx.config.workspace_root)
    if folder == root or not _inside(folder, root):
        return None
    with ctx.store.reading() as tx:
        return tx.workspace(os.path.relpath(folder, root).split(os.sep)[0])


def _unless_different(known: Project, name: str | None, branch: str | None) -> Project:
    asked = [
        f"{label} {wanted!r} instead of {present!r}"
        for label, wanted, present in (
            ("name", name, known.name),
            ("branch", branch, known.default_branch),
        )
        if wanted is not None and wanted != present
    ]
    if asked:
        raise RefusedError(
            "project_exists",
            f"{known.source} is already registered, as {known.name!r}.",
            why=f"Asked for: {', '.join(asked)}.",
            cure=f"Use it as it is with --project {known.name}.",
        )
    return known


def _free_name(ctx: Context, name: str) -> str:
    taken = {folded(project.name) for project in listing(ctx)}
    numbers = (name if number == 1 else f"{name}-{number}" for number in count(1))
    return next(one for one in numbers if folded(one) not in taken)


def _refuse_taken(ctx: Context, name: str) -> str:
    for project in listing(ctx):
        if folded(project.name) == folded(name):
            raise RefusedError(
                "project_exists",
                f"A project called {project.name!r} exists already.",
                why=f"It is the repository {project.source}.",
                cure="Choose another name with --name.",
            )
    return name


def _here(ctx: Context, projects: Sequence[Project], cwd: str) -> list[Project]:
    """Return the projects that hold a folder; of repositories in each other, the innermost."""
    depths = {project.project_id: _depth(ctx, project, cwd) for project in projects}
    deepest = max(depths.values(), default=0)
    return [one for one in projects if deepest and depths[one.project_id] == deepest]


def _depth(ctx: Context, project: Project, cwd: str) -> int:
    """Return how deep a project's folder around `cwd` lies; 0 without one."""
    folder = os.path.realpath(cwd)
    workspace = _workspace_around(ctx, folder)
    if workspace is not None and workspace.project_id == project.project_id:
        return len(f"{os.path.realpath(ctx.config.workspace_root)}/{workspace.workspace_id}")
    source = project.source.removesuffix("/.git")
    return len(source) if project.kind is SourceKind.PATH and _inside(folder, source) else 0


def _inside(folder: str, outer: str) -> bool:
    return folder == outer or folder.startswith(outer.rstrip("/") + "/")
