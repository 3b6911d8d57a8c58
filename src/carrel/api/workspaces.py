"""The public Python interface: one service with the methods of the workspace guide."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from carrel.bootstrap import Database, open_context
from carrel.control import (
    changes,
    checkpoints,
    cleanup,
    merging,
    occupancy,
    prediction,
    projects,
    starting,
    workspaces,
)
from carrel.control import reconcile as reconciling
from carrel.control.context import Context
from carrel.control.finding import find, find_active
from carrel.control.findings import Finding
from carrel.control.furnishing import Wishes
from carrel.control.workspaces import Request
from carrel.domain.conflicts import Rules, Strategy
from carrel.domain.leases import Lease
from carrel.domain.results import CommitInfo, MergeResult, WorkspaceChanges, WorkspaceInfo
from carrel.domain.workspaces import Outcome
from carrel.errors import BadInputError
from carrel.git.merging.predict import Prediction
from carrel.system import identity

DatabaseService = Database


class WorkspaceManagerService:
    """Isolated git workspaces for agents: create, checkpoint, compare, merge, clean up.

    Every method acts on the agent's one open workspace, is safe to repeat, safe to kill and
    safe to call from several threads and processes at once. Errors are `CarrelError`: they
    say what failed, why, and the cure, and have a stable `code`.

    Args:
        db: A `DatabaseService`; None takes the one of the settings (environment variables
            and `carrel.toml`).
    """

    def __init__(self, db: Database | None = None) -> None:
        self._context: Context = open_context(store=db)
        self._started = False

    def create_workspace(  # noqa: PLR0913 - the guide's six, and wishes by name
        self,
        agent_id: str,
        repo_url: str | None = None,
        branch: str | None = "main",
        parent_id: str | None = None,
        use_docker: bool = False,
        host_port: int | None = None,
        *,
        copy: Sequence[str] = (),
        share: Sequence[str] = (),
        skip_smudge: bool = False,
    ) -> WorkspaceInfo:
        """Make an isolated workspace on a branch of its own, or return the open one.

        Args:
            agent_id: Who works there: 1 to 100 letters, digits, `.`, `_`, `-`; unique without
                regard to case.
            repo_url: Path or URL of a repository, registered when new. None means the project
                that holds the current folder, else the only one registered.
            branch: Branch, tag or commit to start from. A child starts from its parent.
            parent_id: Agent, workspace or bare ticket id to inherit from; what it has not
                committed is inherited too (captured by a checkpoint).
            use_docker: Refused until a container backend exists; never silently local.
            host_port: For containers only.
            copy: Patterns of ignored files of the user's clone to copy, besides `files.copy`.
            share: Patterns of those to link to, besides `files.share`.
            skip_smudge: Leave pointers of Git LFS and the like although their filter may run.

        Returns:
            Working directory (absolute), branch, start commit (full id) and workspace id.

        Raises:
            BadInputError: Bad name, not a repository, missing branch.
            LimitError: `max_count`, `max_depth` or `disk_threshold_gb` is reached.
            RefusedError: The agent has an open workspace that was asked for in other words;
                `use_docker` or `host_port` is given.
        """
        made = workspaces.create(
            self._ctx,
            Request(
                agent_id=agent_id,
                repo_url=repo_url,
                branch=None if parent_id else branch,
                parent=parent_id,
                use_docker=use_docker or host_port is not None,
                cwd=identity.folder(),
                wishes=Wishes(tuple(copy), tuple(share), skip_smudge),
            ),
        )
        return WorkspaceInfo(
            working_directory=made.working_directory,
            branch_name=made.branch_name,
            parent_commit=made.parent_commit,
            workspace_id=made.workspace_id,
        )

    def commit_for_validation(
        self, agent_id: str, iteration: int, message: str | None = None
    ) -> CommitInfo:
        """Record the whole present state, untracked files included, as a commit.

        The agent's index, HEAD, hooks, signing and identity are not touched. An iteration is
        recorded once: asking again returns the first answer. An unchanged state gives a
        commit marked `empty`.

        Raises:
            RefusedError: `file_too_large` names every file above the cap.
        """
        workspace = find_active(self._ctx, agent_id)
        return checkpoints.checkpoint(
            self._ctx, workspace, iteration=iteration, message=message, reason="validation"
        )

    def get_workspace_changes(
        self, agent_id: str, since_commit: str | None = None, *, detailed: bool = True
    ) -> WorkspaceChanges:
        """Compare the present state, committed or not, with a commit.

        Args:
            agent_id: Whose workspace.
            since_commit: A commit, branch, tag or checkpoint; the start when None.
            detailed: Whether to fill `detailed_diff`.

        Raises:
            NotFoundError: `unknown_revision`.
        """
        workspace = find_active(self._ctx, agent_id)
        return changes.changes(self._ctx, workspace, since=since_commit, diff=detailed)

    def merge_to_parent(
        self,
        agent_id: str,
        target_branch: str | None = None,
        *,
        strategy: str | None = None,
        push: bool = False,
    ) -> MergeResult:
        """Merge the present state, uncommitted work included, without a checkout.

        Args:
            agent_id: Whose workspace.
            target_branch: Where to; None means the parent's workspace for a child, and for
                any other the branch it was started from.
            strategy: Default strategy of this merge; None takes the settings.
            push: Also push the target to the remote.

        Returns:
            `status` is `success`, `conflict_resolved` or `conflicts_left` (nothing landed).

        Raises:
            BadInputError: `bad_rule`: no strategy has this name.
            RefusedError: The target is checked out with changes, or in use.
        """
        workspace = find_active(self._ctx, agent_id)
        request = merging.MergeRequest(into=target_branch, rules=self._rules(strategy), push=push)
        return merging.merge(self._ctx, workspace, request)

    def cleanup_workspace(
        self,
        agent_id: str,
        preserve_branch: bool = True,
        *,
        discard: bool = False,
    ) -> dict[str, object]:
        """Remove the workspace; its last state is always kept under a reference.

        Args:
            agent_id: Whose workspace.
            preserve_branch: Leave its branch, last state included, as an ordinary branch in
                the project's repository.
            discard: Allow removing what is saved nowhere, and unmerged work without a branch.

        Returns:
            `status`, `branch_preserved`, `branch_name`, `disk_space_freed_mb` (whole
            megabytes of 10⁶ bytes), `disk_space_freed_bytes`, `kept_ref`, `merged`,
            `unsaved`, `workspace_id`, `agent_id`.

        Raises:
            RefusedError: `workspace_occupied`; `unsaved_files`; `unmerged_work` without a
                preserved branch.
        """
        workspace = find(self._ctx, agent_id)
        removal = cleanup.remove(
            self._ctx, workspace, preserve_branch=preserve_branch, discard=discard
        )
        return removal.as_mapping()

    def restore_checkpoint(self, agent_id: str, which: str) -> CommitInfo:
        """Go back to a checkpoint; returns the checkpoint of the state from before.

        Args:
            agent_id: Whose workspace.
            which: Number, `iteration:N`, `start`, or the beginning of a commit id.
        """
        return checkpoints.restore(self._ctx, find_active(self._ctx, agent_id), which).saved

    def predict_conflicts(
        self, target_branch: str | None = None, *, project: str | None = None
    ) -> Prediction:
        """Foresee conflicts between all open workspaces of a project, and with the target.

        Args:
            target_branch: Where they would be merged; None means where most were started from.
            project: Name or id; None means the one that holds the current folder, else the only
                one registered.
        """
        meant = projects.find(self._ctx, project, cwd=identity.folder())
        open_ones = workspaces.listing(self._ctx, project_id=meant.project_id)
        return prediction.predict(self._ctx, open_ones, into=target_branch)

    def occupy(self, agent_id: str, holder: str) -> AbstractContextManager[Lease]:
        """Hold the workspace's lease for the length of a `with` block."""
        return occupancy.occupied(self._ctx, find_active(self._ctx, agent_id), holder)

    def mark_failed(self, agent_id: str) -> None:
        """Say that the work failed; retention then counts the time of failed workspaces."""
        workspaces.mark(self._ctx, find_active(self._ctx, agent_id), Outcome.FAILED)

    def reconcile(self, *, dry_run: bool = False) -> list[Finding]:
        """Bring database, references, folders and mounts into agreement after a crash."""
        return reconciling.reconcile(self._ctx, dry_run=dry_run)

    def close(self) -> None:
        """End the resident processes; the service starts them again when needed."""
        self._context.close()

    @property
    def _ctx(self) -> Context:
        """The context; what a crash left is put right before it is first used."""
        if not self._started:
            self._started = True
            starting.start(self._context)
        return self._context

    def _rules(self, strategy: str | None) -> Rules | None:
        if strategy is None:
            return None
        try:
            default = Strategy(strategy)
        except ValueError as error:
            raise BadInputError(
                "bad_rule",
                f"{strategy!r} is no strategy.",
                why=f"Known are: {', '.join(Strategy)}.",
                cure="Choose one of those.",
            ) from error
        return replace(self._ctx.config.rules, default=default)
