"""What every use-case works with: ports, stores and settings, handed in by bootstrap."""

import os
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import field
from datetime import timedelta

from carrel.domain.conflicts import Rules
from carrel.domain.limits import Limits
from carrel.domain.projects import Project
from carrel.domain.records import dataclass
from carrel.domain.retention import Retention
from carrel.domain.workspaces import Place, Workspace
from carrel.git import filters
from carrel.git.filters import Filters
from carrel.git.storing.layers import Layers
from carrel.git.storing.remote import CLOSED, Access
from carrel.git.storing.stores import Stores
from carrel.ports.clock import Clock
from carrel.ports.driver import Driver
from carrel.ports.ladder import Ladder
from carrel.ports.store import Session, Store
from carrel.system import locks

_PATIENCE = 300.0
"""Seconds to wait for another process's work on the same thing."""


@dataclass(frozen=True, slots=True)
class Config:
    """The settings that use-cases read.

    Attributes:
        home: State folder (`CARREL_HOME`).
        workspace_root: Folder that holds the workspaces.
        driver: Wanted driver, or `auto`.
        limits: What may exist at once.
        retention: How long what nobody needs is kept.
        rules: How conflicts are settled when a call says nothing else.
        max_file_bytes: Largest file that a checkpoint takes.
        auto_checkpoint: How old a last checkpoint may get before `tend` makes another.
        auto_merge: Whether cleaning up merges unmerged work first.
        identity: Name and e-mail of the commits that Carrel makes.
        copy: Patterns of ignored files that new workspaces get a copy of.
        share: Patterns of ignored files and folders that new workspaces get a link to.
        allow_filters: Names of the filters of git that may run, by the owner's own commands.
    """

    home: str
    workspace_root: str
    driver: str = "auto"
    limits: Limits = field(default_factory=Limits)
    retention: Retention = field(default_factory=Retention)
    rules: Rules = field(default_factory=Rules)
    max_file_bytes: int = 50_000_000
    auto_checkpoint: timedelta = timedelta(minutes=30)
    auto_merge: bool = False
    identity: tuple[str, str] = ("Carrel", "carrel@localhost")
    copy: tuple[str, ...] = ()
    share: tuple[str, ...] = ()
    allow_filters: tuple[str, ...] = ()


def _silent(_: str) -> None:
    """Say nothing."""


@dataclass(slots=True)
class Context:
    """Everything a use-case needs; safe for threads.

    Attributes:
        store: The database.
        clock: The time.
        ladder: The drivers of this machine.
        config: The settings.
        actor: Who asks, for the ledger.
        access: What the user lends for reaching a remote.
        say: Told, in a sentence, what a person should know though nothing failed.
        projects: Those looked up so far, by id.
    """

    store: Store
    clock: Clock
    ladder: Ladder
    config: Config
    actor: str
    access: Access = CLOSED
    say: Callable[[str], None] = _silent
    projects: dict[str, Project] = field(default_factory=dict[str, Project])
    _stores: dict[str, Stores] = field(default_factory=dict[str, Stores])
    _layers: dict[str, Layers] = field(default_factory=dict[str, Layers])
    _filters: dict[str, Filters] = field(default_factory=dict[str, Filters])

    def project_home(self, project_id: str) -> str:
        """Return the folder of a project's stores and layers."""
        return f"{self.config.home}/projects/{project_id}"

    def stores(self, project: Project) -> Stores:
        """Return the resident stores of a project."""
        found = self._stores.get(project.project_id)
        if found is None:
            found = self._stores.setdefault(project.project_id, Stores(project.home))
        return found

    def layers(self, project: Project) -> Layers:
        """Return the layers of a project."""
        found = self._layers.get(project.project_id)
        if found is None:
            found = self._layers.setdefault(project.project_id, Layers(self.stores(project)))
        return found

    def filters(self, project: Project) -> Filters:
        """Return the filters that may run on a project's files; they are looked up once."""
        if not self.config.allow_filters:
            return filters.NONE
        found = self._filters.get(project.project_id)
        if found is None:
            git = self.stores(project).vault
            lent = self.access.environment
            found = filters.owned(git, self.config.allow_filters, lent, project.source)
            self._filters[project.project_id] = found
        return found

    def driver(self, workspace: Workspace) -> Driver:
        """Return the driver that presents a workspace."""
        return self.ladder.driver(workspace.driver)

    def place(self, workspace: Workspace) -> Place:
        """Return where a workspace is on disk."""
        return Place(
            workspace_id=workspace.workspace_id,
            home=workspace.home,
            project_home=self.project_home(workspace.project_id),
            driver=workspace.driver,
            layer=workspace.layer,
            branch=workspace.branch_name,
        )

    def is_here(self, workspace: Workspace) -> bool:
        """Tell whether a workspace lives on this machine; several may share a database."""
        return os.path.isdir(f"{self.project_home(workspace.project_id)}/vault.git")

    def lock_path(self, project_id: str, name: str) -> str:
        """Return the file of a lock that every process of this machine honours."""
        folder = f"{self.project_home(project_id)}/locks"
        os.makedirs(folder, exist_ok=True)
        return f"{folder}/{name}.lock"

    def lock(
        self, project_id: str, name: str, *, shared: bool = False
    ) -> AbstractContextManager[int]:
        """Return the named lock of a project, to be held for a block."""
        return locks.held(self.lock_path(project_id, name), timeout=_PATIENCE, shared=shared)

    @contextmanager
    def noting(self, action: str, subject: str, **data: object) -> Generator[Session]:
        """Open a writing transaction that ends with an event in the ledger."""
        with self.store.writing() as session:
            yield session
            session.append(self.clock.now(), self.actor, action, subject, data)

    def forget(self, project: Project) -> None:
        """End what is resident for a project that is no longer on the list."""
        stores = self._stores.pop(project.project_id, None)
        if stores is not None:
            stores.close()
        for known in (self.projects, self._layers, self._filters):
            known.pop(project.project_id, None)

    def close(self) -> None:
        """End the resident processes."""
        for stores in self._stores.values():
            stores.close()
        self._stores.clear()
        self._layers.clear()
