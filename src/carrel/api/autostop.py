"""The front for autostop: everything that will stop a workspace, and when; stop in batches."""

from datetime import timedelta
from typing import ClassVar

from carrel.api.controller import WorkspaceController
from carrel.api.results import RunResults, ScheduledStop
from carrel.control.fleet import deciding, governing, sources, warning
from carrel.domain.governance.plans import Purpose
from carrel.domain.governance.warnings import Warned
from carrel.planning.timeline import Timeline

_POLICY = "autostop"


class AutoStopAgent(WorkspaceController):
    """Finds what stops workspaces by itself, foresees when, and does stops of our own.

    `[policy.autostop]` says what is stopped by us; it is in force here even without such a table.
    """

    POLICIES: ClassVar[tuple[str, ...]] = (_POLICY,)

    def detect_autostop(self, workspace: str | None = None) -> dict[str, Timeline]:
        """Return every source of a stop that applies to workspaces, by `owner/name`.

        Args:
            workspace: Only of this one; None: of all that run, without what waits prebuilt in a
                pool.
        """
        found = (
            sources.of_fleet(self._ctx)
            if workspace is None
            else sources.of_one(self._ctx, workspace)
        )
        return {one.workspace.full_name: one.timeline for one in found.every}

    def get_stop_timeline(self, hours: float | None = None) -> list[ScheduledStop]:
        """Return the stops that will come if nothing else happens, the first one first.

        What our own policies will do is foreseen for a day, or for `hours` if that is more.

        Args:
            hours: Only those within so many hours from now.
        """
        within = None if hours is None else timedelta(hours=hours)
        far = max(within or sources.AHEAD, sources.AHEAD)
        return [
            ScheduledStop(first.at, one.workspace.full_name, first.source, str(first.by), first.why)
            for one in sources.of_fleet(self._ctx, ahead=far).coming(within)
            if (first := one.first) is not None and first.at is not None
        ]

    def stop_workspaces_for_autostop(self, *, dry_run: bool = False) -> RunResults:
        """Stop what is idle or has run too long, and what the backend should have stopped.

        Raises:
            RefusedError: `frozen`.
        """
        return self._run(self._with(), Purpose.AUTOSTOP, dry_run=dry_run)

    def notify_users(self) -> tuple[Warned, ...]:
        """Warn the owners of what will be stopped soon; nobody is told twice of the same stop.

        Nothing is stopped, and nobody is warned where `[notifications]` are not enabled.
        """
        ctx = self._with()
        made = deciding.plan(
            ctx,
            Purpose.AUTOSTOP,
            policies=frozenset(self.POLICIES),
            horizon=governing.horizon(ctx),
        )
        standing = governing.standing(ctx, made)
        return warning.warn(ctx, standing) if standing is not None else ()
