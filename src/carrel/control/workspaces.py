"""Making workspaces, showing them, and making their trees visible."""

import os
from collections.abc import Mapping
from dataclasses import field, replace

from carrel.control import checkpoints, projects
from carrel.control.context import Context
from carrel.control.explaining import explained
from carrel.control.finding import find, find_active, reread
from carrel.control.furnishing import Wishes, furnish, refuse_impossible
from carrel.control.undoing import undo_creation
from carrel.domain.names import branch_for, checked_name
from carrel.domain.projects import Project
from carrel.domain.records import dataclass
from carrel.domain.workspaces import OPEN_STATES, Outcome, State, Workspace
from carrel.errors import CarrelError, LimitError, RefusedError
from carrel.git.refs import Move, zeros
from carrel.git.storing import upstream
from carrel.git.storing.seed import full_seed, layered_seed
from carrel.git.storing.upstream import News
from carrel.system import disk, faults
from carrel.system.identity import new_id


@dataclass(frozen=True, slots=True)
class Request:
    """What a new workspace should be.

    Attributes:
        agent_id: Who will work there; its name.
        project: Name or id of a registered project.
        repo_url: Path or URL of a repository; registered when it is new.
        branch: Branch, tag or commit to start from; the project's default when None.
        parent: Agent, workspace or ticket to inherit from, uncommitted work included.
        driver: Driver to use; None takes the setting.
        use_docker: Ask for a container.
        cwd: The caller's folder, for finding the project.
        offline: Do not ask a remote for news.
        wishes: What it gets besides the files of its commit.
    """

    agent_id: str
    project: str | None = None
    repo_url: str | None = None
    branch: str | None = None
    parent: str | None = None
    driver: str | None = None
    use_docker: bool = False
    cwd: str | None = None
    offline: bool = False
    wishes: Wishes = field(default_factory=Wishes)


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a new workspace begins."""

    commit: str
    ref: str
    target: str
    parent: Workspace | None

    @property
    def depth(self) -> int:
        return 0 if self.parent is None else self.parent.depth + 1


@explained()
def create(ctx: Context, request: Request) -> Workspace:
    """Make a workspace, or return the agent's open one if it was asked for in equal words.

    Raises:
        BadInputError: A bad name, an unknown branch or repository.
        LimitError: `max_count`, `max_depth` or `disk_threshold_gb`.
        RefusedError: `no_container_backend`; `workspace_differs` when the agent's open
            workspace was asked for in other words.
    """
    name = checked_name(request.agent_id)
    _refuse_container(request)
    existing = _settled(ctx, name)
    if existing is not None:
        return _same(ctx, existing, request)
    project = _project(ctx, request)
    refuse_impossible(project, request.wishes)
    start = _start(ctx, project, request)
    driver = ctx.ladder.choose(_root(ctx), request.driver or ctx.config.driver)
    _check_disk(ctx)
    draft = _draft(ctx, project, start, name, driver.name)
    try:
        with ctx.lock(project.project_id, draft.workspace_id):
            return _built(ctx, project, _reserved(ctx, project, draft), request.wishes)
    except RefusedError as error:
        if error.code != "agent_busy":
            raise
        other = _settled(ctx, name)  # somebody made the same one at the same moment
        if other is None:
            raise
        return _same(ctx, other, request)


def listing(
    ctx: Context, *, project_id: str | None = None, everything: bool = False
) -> list[Workspace]:
    """Return the open workspaces, oldest first; with `everything` also what is gone."""
    states = None if everything else tuple(OPEN_STATES)
    with ctx.store.reading() as tx:
        return tx.workspaces(project_id, states)


def view(ctx: Context, workspace: Workspace) -> dict[str, object]:
    """Return what `carrel show --json` says of a workspace."""
    driver = ctx.driver(workspace)
    with ctx.store.reading() as tx:
        # Nobody sits in what is in the trash, though its last holder may have died unheard.
        lease = tx.lease(workspace.workspace_id) if workspace.state in OPEN_STATES else None
        last = tx.last_checkpoint(workspace.workspace_id)
    now = ctx.clock.now()
    here = workspace.state is State.ACTIVE and driver.presented(ctx.place(workspace))
    return {
        "workspace_id": workspace.workspace_id,
        "agent_id": workspace.agent_id,
        "project": projects.name_of(ctx, workspace.project_id),
        "working_directory": workspace.working_directory if driver.capabilities.host_path else None,
        "branch_name": workspace.branch_name,
        "parent_commit": workspace.parent_commit,
        "parent_id": workspace.parent_id,
        "depth": workspace.depth,
        "start_ref": workspace.start_ref,
        "target_branch": workspace.target_branch,
        "head_commit": workspace.head_commit,
        "driver": workspace.driver,
        "presented": here,
        "state": str(workspace.state),
        "outcome": str(workspace.outcome),
        "merged_to": workspace.merged_to,
        "created_at": workspace.created_at.isoformat(),
        "updated_at": workspace.updated_at.isoformat(),
        "checkpoints": 0 if last is None else last.number,
        "lease": None
        if lease is None
        else {
            "holder": lease.holder,
            "since": lease.acquired_at.isoformat(),
            "heartbeat_at": lease.heartbeat_at.isoformat(),
            "expired": lease.expired(now),
        },
    }


@explained()
def path(ctx: Context, workspace: Workspace) -> str:
    """Return the workspace's folder, made visible first (after a reboot, say).

    Raises:
        RefusedError: `no_host_path` when the driver shows the tree only inside.
    """
    driver = ctx.driver(workspace)
    if not driver.capabilities.host_path:
        raise RefusedError(
            "no_host_path",
            f"The workspace {workspace.agent_id} has no path on this host.",
            why=f"The driver {driver.name} shows its tree only inside a namespace of its own.",
            cure=f"Work inside with 'carrel shell {workspace.agent_id}' or "
            f"'carrel exec {workspace.agent_id} -- COMMAND'.",
        )
    present(ctx, workspace)
    return workspace.working_directory


@explained()
def present(ctx: Context, workspace: Workspace) -> None:
    """Make a workspace's tree visible if it isn't."""
    driver, place = ctx.driver(workspace), ctx.place(workspace)
    if driver.presented(place):
        return
    with ctx.lock(workspace.project_id, workspace.workspace_id):
        driver.present(place, lowers(ctx, workspace))


def lowers(ctx: Context, workspace: Workspace) -> tuple[str, ...]:
    """Return the folders of the layer a workspace stands on; none for a checked-out tree."""
    if not ctx.driver(workspace).capabilities.layered:
        return ()
    return ctx.layers(projects.by_id(ctx, workspace.project_id)).ensure(workspace.layer).lowers


@explained()
def mark(ctx: Context, workspace: Workspace, outcome: Outcome) -> Workspace:
    """Say what became of the work; retention looks at it."""
    with ctx.lock(workspace.project_id, workspace.workspace_id):
        marked = replace(reread(ctx, workspace), outcome=outcome, updated_at=ctx.clock.now())
        with ctx.noting("workspace.marked", marked.workspace_id, outcome=str(outcome)) as tx:
            tx.save_workspace(marked)
    return marked


def _refuse_container(request: Request) -> None:
    if request.use_docker:
        raise RefusedError(
            "no_container_backend",
            f"{request.agent_id!r} was asked for as a container workspace.",
            why="This version has no container backend, and it never runs on the host what "
            "was meant for a container.",
            cure="Leave out use_docker to work in a local workspace.",
        )


def _settled(ctx: Context, name: str) -> Workspace | None:
    """Return the agent's open workspace, waiting for whoever is making it right now."""
    with ctx.store.reading() as tx:
        found = tx.open_workspace_of(name)
    if found is None or found.state is State.ACTIVE:
        return found
    with ctx.lock(found.project_id, found.workspace_id):  # held by a living creator
        found = reread(ctx, found)
        if found.state is State.CREATING:  # its creator is dead
            undo_creation(ctx, found, "Its creator died.")
            return None
    if found.state is State.REMOVING:
        raise RefusedError(
            "workspace_not_ready",
            f"The last workspace of {name} is only half removed.",
            why="The process that removed it was stopped in the middle.",
            cure="Run 'carrel reconcile'; it finishes the removal.",
        )
    return found if found.state is State.ACTIVE else None


def _same(ctx: Context, existing: Workspace, request: Request) -> Workspace:
    differences = _differences(ctx, existing, request)
    if differences:
        raise RefusedError(
            "workspace_differs",
            f"{existing.agent_id} has an open workspace already, asked for in other words.",
            why="; ".join(differences) + ".",
            cure=f"Use it as it is, or remove it first with 'carrel rm {existing.agent_id}'.",
        )
    present(ctx, existing)
    return existing


def _differences(ctx: Context, existing: Workspace, request: Request) -> list[str]:
    there = projects.by_id(ctx, existing.project_id)
    if request.project or request.repo_url or request.parent:
        asked = _project(ctx, request)
    else:
        asked = (projects.holding(ctx, request.cwd) if request.cwd else None) or there
    parent = find(ctx, request.parent).workspace_id if request.parent else None
    compared: list[tuple[str, object, object]] = [
        ("project", there.name, asked.name),
        ("parent", existing.parent_id, parent),
        ("driver", existing.driver, request.driver or existing.driver),
    ]
    if parent is None:
        compared.append(("branch", existing.start_ref, request.branch or there.default_branch))
    had, wished = _wished(ctx, existing), request.wishes.as_mapping()
    compared += [(what, had.get(what, wished[what]), wished[what]) for what in wished]
    return [
        f"{what}: it has {is_!r}, asked was {was!r}" for what, is_, was in compared if is_ != was
    ]


def _wished(ctx: Context, existing: Workspace) -> Mapping[str, object]:
    """Return what the ledger says that a workspace was asked for with."""
    with ctx.store.reading() as tx:
        told = tx.events(subject=existing.workspace_id)
    made = [event.data for event in told if event.action == "workspace.created"]
    return made[-1] if made else {}


def _project(ctx: Context, request: Request) -> Project:
    if request.repo_url:
        return projects.for_source(ctx, request.repo_url)
    if request.parent and request.project is None:
        return projects.by_id(ctx, find(ctx, request.parent).project_id)
    return projects.find(ctx, request.project, cwd=request.cwd)


def _start(ctx: Context, project: Project, request: Request) -> _Start:
    if request.parent:
        parent = find_active(ctx, request.parent)
        if parent.project_id != project.project_id:
            raise RefusedError(
                "parent_elsewhere",
                f"{parent.agent_id} belongs to another project than {project.name}.",
                cure="A child inherits from a workspace of its own project.",
            )
        captured = checkpoints.checkpoint(ctx, parent, reason="child")
        return _Start(captured.commit_sha, parent.branch_name, parent.target_branch, parent)
    ref = request.branch or project.default_branch
    stores = ctx.stores(project)
    news = News(fetch=not request.offline, access=ctx.access, say=ctx.say)
    commit, target = upstream.start(stores, project, ref, fetch=news.fetch, news=news)
    return _Start(commit, ref, target or project.default_branch, None)


def _root(ctx: Context) -> str:
    os.makedirs(ctx.config.workspace_root, exist_ok=True)
    return ctx.config.workspace_root


def _check_disk(ctx: Context) -> None:
    need = ctx.config.limits.disk_threshold_gb
    free = disk.free_bytes(_root(ctx)) / 1e9
    if free < need:
        raise LimitError(
            "disk_threshold_gb",
            f"Only {free:.1f} GB are free where workspaces live, and {need:g} GB must stay free.",
            cure="Free space with 'carrel gc', or lower workspace.disk_threshold_gb.",
        )


def _draft(ctx: Context, project: Project, start: _Start, name: str, driver: str) -> Workspace:
    now, workspace_id = ctx.clock.now(), new_id("ws")
    return Workspace(
        workspace_id=workspace_id,
        project_id=project.project_id,
        agent_id=name,
        branch_name=branch_for(name),
        start_ref=start.ref,
        target_branch=start.target,
        parent_commit=start.commit,
        parent_id=start.parent.workspace_id if start.parent else None,
        depth=start.depth,
        driver=driver,
        home=f"{ctx.config.workspace_root}/{workspace_id}",
        state=State.CREATING,
        outcome=Outcome.OPEN,
        head_commit=start.commit,
        layer=start.commit,
        created_at=now,
        updated_at=now,
    )


def _reserved(ctx: Context, project: Project, draft: Workspace) -> Workspace:
    stores = ctx.stores(project)
    with ctx.store.writing() as tx:
        branch = branch_for(
            draft.agent_id,
            lambda name: (
                tx.branch_taken(project.project_id, name)
                or upstream.branch_exists(stores, project, name)
            ),
        )
        workspace = replace(draft, branch_name=branch)
        tx.add_workspace(workspace, ctx.config.limits)
    return workspace


def _built(ctx: Context, project: Project, workspace: Workspace, wishes: Wishes) -> Workspace:
    faults.point("create.reserved")
    driver, place = ctx.driver(workspace), ctx.place(workspace)
    stores = ctx.stores(project)
    try:
        with ctx.lock(project.project_id, "layers", shared=True):
            below: tuple[str, ...] = ()
            if driver.capabilities.layered:
                below = ctx.layers(project).ensure(workspace.layer).lowers
            faults.point("create.layer")
            os.makedirs(place.home)
            make_seed = layered_seed if driver.capabilities.layered else full_seed
            seed = make_seed(stores, project, workspace.branch_name, workspace.parent_commit)
            driver.create(place, below, seed)
        faults.point("create.tree")
        furnish(ctx, project, workspace, wishes)
        head = f"refs/carrel/ws/{workspace.workspace_id}/head"
        stores.vault_refs.move((Move(head, workspace.head_commit, zeros(stores.width)),))
        faults.point("create.refs")
        active = replace(workspace, state=State.ACTIVE)
        with ctx.noting(
            "workspace.created",
            workspace.workspace_id,
            agent=workspace.agent_id,
            branch=workspace.branch_name,
            commit=workspace.parent_commit,
            driver=driver.name,
            parent=workspace.parent_id,
            **wishes.as_mapping(),
        ) as tx:
            tx.save_workspace(active)
    except (CarrelError, OSError) as error:
        undo_creation(ctx, workspace, str(error))
        raise
    return active
