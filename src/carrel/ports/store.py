"""The database as a port: everything that Carrel remembers."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from carrel.domain.checkpoints import Checkpoint
from carrel.domain.conflicts import Settlement
from carrel.domain.leases import Lease
from carrel.domain.ledger import Event
from carrel.domain.limits import Limits
from carrel.domain.projects import Project
from carrel.domain.workspaces import State, Workspace
from carrel.ports.governance import Governance
from carrel.ports.history import History


class Session(Protocol):
    """One transaction. Methods that change something need one opened by `Store.writing`."""

    @property
    def governance(self) -> Governance:
        """What is remembered of governing fleets, in this transaction."""
        ...

    @property
    def history(self) -> History:
        """What is remembered of how fleets were, in this transaction."""
        ...

    def add_project(self, project: Project) -> None:
        """Insert a project. Raises RefusedError `project_exists` on a taken name."""
        ...

    def project(self, project_id: str) -> Project | None:
        """Return a project by id."""
        ...

    def project_named(self, name: str) -> Project | None:
        """Return a project by name; case does not count."""
        ...

    def projects(self) -> list[Project]:
        """Return all projects by name."""
        ...

    def remove_project(self, project_id: str) -> None:
        """Take a project off the list; the rows of its gone workspaces stay.

        Raises:
            NotFoundError: `unknown_project`.
            RefusedError: `project_in_use` while it has open or trashed workspaces.
        """
        ...

    def add_workspace(self, workspace: Workspace, limits: Limits) -> None:
        """Reserve a workspace: check `max_count` and `max_depth`, then insert the row.

        Raises:
            LimitError: `max_count` or `max_depth`, naming the limit and who uses it.
            RefusedError: `agent_busy` when the agent has an open workspace (any case),
                `branch_taken` when another workspace of the project has or had the branch.
            NotFoundError: `unknown_project` when the project was taken off the list,
                `unknown_workspace` when the parent does not exist.
            BadInputError: `wrong_depth` when `depth` isn't one more than the parent's.
        """
        ...

    def save_workspace(self, workspace: Workspace, limits: Limits | None = None) -> None:
        """Write all columns of an existing workspace.

        Args:
            workspace: The row.
            limits: Checked when the workspace opens again (trash restore).

        Raises:
            NotFoundError: `unknown_workspace`.
            RefusedError: `agent_busy` when it opens again and the agent has another one.
            LimitError: `max_count`.
        """
        ...

    def workspace(self, workspace_id: str) -> Workspace | None:
        """Return a workspace by id."""
        ...

    def branch_taken(self, project_id: str, branch: str) -> bool:
        """Tell whether any workspace, gone ones included, has this branch (any case)."""
        ...

    def open_workspace_of(self, agent_id: str) -> Workspace | None:
        """Return the agent's one open workspace (case does not count)."""
        ...

    def workspaces(
        self, project_id: str | None = None, states: Sequence[State] | None = None
    ) -> list[Workspace]:
        """Return workspaces, oldest first."""
        ...

    def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Insert a checkpoint. Raises RefusedError `iteration_taken` or `checkpoint_taken`."""
        ...

    def checkpoints(self, workspace_id: str) -> list[Checkpoint]:
        """Return a workspace's checkpoints by number."""
        ...

    def last_checkpoint(self, workspace_id: str) -> Checkpoint | None:
        """Return a workspace's newest checkpoint."""
        ...

    def iteration(self, workspace_id: str, iteration: int) -> Checkpoint | None:
        """Return the checkpoint of an iteration."""
        ...

    def add_settlements(
        self, merge_id: str, workspace_id: str, settlements: Sequence[Settlement], at: datetime
    ) -> None:
        """Insert one `merge_conflict_resolutions` row per settlement."""
        ...

    def settlements(self, workspace_id: str) -> list[tuple[str, Settlement]]:
        """Return (merge id, settlement) of a workspace's merges, oldest first."""
        ...

    def lease(self, workspace_id: str) -> Lease | None:
        """Return who holds a workspace, expired or not."""
        ...

    def leases(self) -> list[Lease]:
        """Return all leases, by workspace."""
        ...

    def put_lease(self, lease: Lease) -> None:
        """Insert or replace a workspace's lease."""
        ...

    def drop_lease(self, workspace_id: str, token: str) -> bool:
        """Delete a lease if the token fits; tell whether it did."""
        ...

    def append(
        self, at: datetime, actor: str, action: str, subject: str, data: Mapping[str, object]
    ) -> Event:
        """Append an event to the ledger, chained to the one before."""
        ...

    def events(
        self, *, after: int = 0, limit: int | None = None, subject: str | None = None
    ) -> Iterator[Event]:
        """Return events in order of sequence."""
        ...

    def latest_events(self, limit: int) -> list[Event]:
        """Return the newest events, the oldest of them first."""
        ...


class Store(Protocol):
    """Opens transactions. Safe for threads and processes."""

    def writing(self) -> AbstractContextManager[Session]:
        """Open a transaction that sees and keeps out every other writer (BEGIN IMMEDIATE)."""
        ...

    def reading(self) -> AbstractContextManager[Session]:
        """Open a read-only transaction."""
        ...
