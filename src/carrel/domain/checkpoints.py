"""A checkpoint: a commit of a workspace's whole state, outside the agent's index and hooks."""

from datetime import datetime

from carrel.domain.records import dataclass


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One row of `workspace_commits`.

    Attributes:
        checkpoint_id: Unique, such as `cp-3kq9…`.
        workspace_id: What was captured.
        agent_id: Whose workspace it was.
        number: 1, 2, 3 … in the workspace; the reference is `refs/carrel/ws/<id>/checkpoint/<n>`.
        iteration: Validation iteration, unique in the workspace; None for others.
        commit_sha: The commit in the vault.
        files_changed: Paths that differ from the checkpoint before.
        message: As stored in the commit.
        created_at: UTC.
        empty: Nothing had changed.
        reason: `validation`, `manual`, `child`, `merge`, `restore`, `removal`, `auto`.
    """

    checkpoint_id: str
    workspace_id: str
    agent_id: str
    number: int
    iteration: int | None
    commit_sha: str
    files_changed: int
    message: str
    created_at: datetime
    empty: bool
    reason: str
