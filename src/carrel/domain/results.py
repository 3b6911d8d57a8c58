"""What the public methods give back; field names are stable (Python and JSON)."""

from collections.abc import Mapping
from dataclasses import field

from carrel.domain.conflicts import Settlement
from carrel.domain.records import dataclass


@dataclass(frozen=True, slots=True)
class WorkspaceInfo:
    """A workspace as its creator needs it.

    Attributes:
        working_directory: Absolute path of its files (see `carrel path` for drivers without).
        branch_name: Its branch in git.
        parent_commit: Full object id of the commit it started at.
        workspace_id: Unique for ever.
    """

    working_directory: str
    branch_name: str
    parent_commit: str | None = None
    workspace_id: str | None = None


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """A checkpoint.

    Attributes:
        commit_sha: Full object id in the project's vault.
        files_changed: Paths that differ from the previous checkpoint (or the start).
        message: As stored in the commit.
        timestamp: ISO 8601, UTC, seconds.
        iteration: Which iteration it belongs to, if any.
        empty: True when nothing had changed.
        skipped: Paths left out on purpose, each with the reason.
    """

    commit_sha: str
    files_changed: int
    message: str
    timestamp: str | None = None
    iteration: int | None = None
    empty: bool = False
    skipped: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class WorkspaceChanges:
    r"""What differs from a commit, committed or not.

    Paths are text; bytes that are not UTF-8 are kept as surrogate escapes.

    Attributes:
        files_created: Paths, sorted.
        files_modified: Paths with other content, mode or type, sorted.
        files_deleted: Paths, sorted.
        total_changes: Number of paths in the lists (a rename or copy counts once).
        stats: `insertions`, `deletions`, `created`, `modified`, `deleted`, `renamed`, `copied`,
            `type_changed`, `mode_changed`, `binary`.
        detailed_diff: Unified diff, when asked for.
        files_renamed: (old, new) pairs.
        files_copied: (source, new) pairs.
        files_type_changed: Paths whose type changed; also in `files_modified`.
        files_mode_changed: Paths whose mode alone or also changed; also in `files_modified`.
        since_commit: Object id compared against.
    """

    files_created: list[str]
    files_modified: list[str]
    files_deleted: list[str]
    total_changes: int
    stats: dict[str, int]
    detailed_diff: str | None = None
    files_renamed: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    files_copied: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    files_type_changed: list[str] = field(default_factory=list[str])
    files_mode_changed: list[str] = field(default_factory=list[str])
    since_commit: str | None = None


@dataclass(frozen=True, slots=True)
class MergeResult:
    """How a merge ended; whatever is not one of its three states raises instead.

    Attributes:
        status: `success`, `conflict_resolved` or `conflicts_left` (nothing landed).
        merged_to: Branch it landed in (or would have).
        commit_sha: New tip of the target; the unchanged tip for `conflicts_left`.
        conflicts_resolved: Paths that were settled, sorted.
        resolution_strategy: Default strategy that was in force.
        total_conflicts: Conflicts found, settled or not.
        settlements: One per settled conflict: kind, strategy, winner, loser, where it is kept.
        conflicts_left: Paths nobody settled.
        why_left: A sentence by path, where more is known than that no rule settles it: how a
            merge program failed.
        pushed: True when the remote has it too.
    """

    status: str
    merged_to: str
    commit_sha: str
    conflicts_resolved: list[str]
    resolution_strategy: str
    total_conflicts: int
    settlements: tuple[Settlement, ...] = ()
    conflicts_left: tuple[str, ...] = ()
    why_left: Mapping[str, str] = field(default_factory=dict[str, str])
    pushed: bool = False
