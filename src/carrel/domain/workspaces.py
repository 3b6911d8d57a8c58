"""A workspace: one isolated place to work, on a branch of its own."""

from datetime import datetime
from enum import StrEnum

from carrel.domain.records import dataclass


class State(StrEnum):
    """Where a workspace is in its life."""

    CREATING = "creating"
    """The row is reserved; the tree is being made."""
    ACTIVE = "active"
    """It can be worked in."""
    REMOVING = "removing"
    """Its work is safe, its tree is being taken away."""
    TRASHED = "trashed"
    """Renamed aside; `carrel trash restore` brings it back."""
    REMOVED = "removed"
    """Gone from disk; the row and the kept references remain."""


class Outcome(StrEnum):
    """What became of the work so far; retention looks at it."""

    OPEN = "open"
    MERGED = "merged"
    FAILED = "failed"


OPEN_STATES = frozenset({State.CREATING, State.ACTIVE, State.REMOVING})
"""The states in which an agent's name is taken and limits count a workspace."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """One row of `agent_workspaces`.

    Attributes:
        workspace_id: Unique for ever, such as `ws-7f3kq2m9xa`.
        project_id: The project it was made from.
        agent_id: Who works here; at most one open workspace per agent (case does not count).
        branch_name: Its branch, such as `carrel/agent-1`.
        start_ref: What it was started from, as asked (a branch name, or a revision).
        target_branch: The branch a merge lands in when none is named.
        parent_commit: Commit it started at.
        parent_id: Workspace it inherits from, if any.
        depth: 0 without a parent, else one more than the parent's.
        driver: Driver that presents its tree, such as `overlay`.
        home: Absolute folder of its own (see `Place`).
        state: See `State`.
        outcome: See `Outcome`.
        head_commit: Last checkpoint (or the start); what merges take.
        layer: Commit of the layer its tree stands on.
        created_at: UTC.
        updated_at: UTC; last time Carrel or its occupant did something with it.
        merged_to: Branch of the last merge, if any.
        merged_commit: Head commit that was merged, if any.
        options: Options of creation that matter when asked to create again (sorted pairs).
    """

    workspace_id: str
    project_id: str
    agent_id: str
    branch_name: str
    start_ref: str
    target_branch: str
    parent_commit: str
    parent_id: str | None
    depth: int
    driver: str
    home: str
    state: State
    outcome: Outcome
    head_commit: str
    layer: str
    created_at: datetime
    updated_at: datetime
    merged_to: str | None = None
    merged_commit: str | None = None
    options: tuple[tuple[str, str], ...] = ()

    @property
    def working_directory(self) -> str:
        """Where its files are, for drivers with a host path."""
        return f"{self.home}/tree"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a workspace's tree is on disk; all that drivers and the tree engine need.

    `home` holds `tree/` (the mount point or the checkout), and what the driver needs beside
    it (`upper/`, `work/`, an index of ours, locks).

    Attributes:
        workspace_id: Owner of the references `refs/carrel/ws/<id>/…`.
        home: Absolute folder.
        project_home: Absolute folder of the project (`base.git`, `vault.git`, `layers/`).
        driver: Name of the driver.
        layer: Commit of the layer (for drivers without layers: the start commit).
        branch: Branch inside the workspace.
    """

    workspace_id: str
    home: str
    project_home: str
    driver: str
    layer: str
    branch: str

    @property
    def tree(self) -> str:
        """Folder in which the occupant works."""
        return f"{self.home}/tree"

    @property
    def vault(self) -> str:
        """Store of checkpoints; invisible to workspaces."""
        return f"{self.project_home}/vault.git"

    @property
    def base(self) -> str:
        """Store of upstream history; the only one that workspaces borrow from."""
        return f"{self.project_home}/base.git"
