"""The front for pruning: what runs in its owner's quiet hours is listed, or put to sleep."""

from typing import ClassVar

from carrel.api.controller import WorkspaceController
from carrel.api.results import RunResults, WorkspaceStanding
from carrel.control.fleet import deciding, pruning
from carrel.control.fleet.context import FleetContext
from carrel.control.fleet.pruning import PruneFilters
from carrel.domain.governance.plans import Purpose

_PRUNED = "prune"


class PruneWorkspacesAgent(WorkspaceController):
    """Finds what runs within its owner's quiet hours, and makes it dormant; deletes nothing.

    `[policy.prune]` says when those are where the deployment keeps none.
    """

    POLICIES: ClassVar[tuple[str, ...]] = (pruning.POLICY,)

    def get_prunable_workspaces(
        self, filters: PruneFilters | None = None
    ) -> list[WorkspaceStanding]:
        """Return what runs within its owner's quiet hours and may be put to sleep, with the reason.

        What a policy keeps, and what somebody is at work in, is left out.

        Args:
            filters: Whose; by default only one's own.
        """
        return [
            WorkspaceStanding(one.workspace, one.standing, one.reason, until=one.until)
            for one in pruning.prunable(deciding.decide(self._filtered(filters)))
            if one.standing == _PRUNED
        ]

    def prune_workspaces(
        self, filters: PruneFilters | None = None, *, cleanup: bool = False, dry_run: bool = False
    ) -> RunResults:
        """Stop it and make it dormant; without `cleanup` only tell.

        Args:
            filters: Whose; by default only one's own.
            cleanup: Do it.
            dry_run: Only tell, whatever else is said.

        Raises:
            RefusedError: `frozen`.
        """
        ctx = self._filtered(filters)
        return self._run(ctx, Purpose.PRUNE, dry_run=dry_run or not cleanup)

    def _filtered(self, filters: PruneFilters | None) -> FleetContext:
        return self._with({pruning.POLICY: pruning.table(self._ctx, filters or PruneFilters())})
