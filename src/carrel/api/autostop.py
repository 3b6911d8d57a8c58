"""The front for autostop: everything that will stop a workspace, and when; stop in batches."""

from datetime import timedelta
from typing import ClassVar

from carrel.api.controller import WorkspaceController
from carrel.api.results import RunResults, ScheduledStop
from carrel.control.fleet import deciding, governing, warning
from carrel.domain.fleet.workspaces import FleetWorkspace
from carrel.domain.governance.plans import Purpose
from carrel.domain.governance.warnings import Warned
from carrel.planning.timeline import Timeline, timeline

_POLICY = "autostop"


class AutoStopAgent(WorkspaceController):
    """Finds what stops workspaces by itself, foresees when, and does stops of our own.

    `[policy.autostop]` says what is stopped by us; it is in force here even without such a table.
    """

    POLICIES: ClassVar[tuple[str, ...]] = (_POLICY,)

    def detect_autostop(self, workspace: str | None = None) -> dict[str, Timeline]:
        """Return every source of a stop that applies to workspaces, by `owner/name`.

        Args:
            workspace: Only of this one; None: of all that run.
        """
        wanted = None if workspace is None else self.get_workspace(workspace).workspace_id
        return {
            one.full_name: found
            for one, found in self._timelines()
            if (one.running if wanted is None else one.workspace_id == wanted)
        }

    def get_stop_timeline(self, hours: float | None = None) -> list[ScheduledStop]:
        """Return the stops that will come if nothing else happens, the first one first.

        Args:
            hours: Only those within so many hours from now.
        """
        found: list[ScheduledStop] = []
        until = None if hours is None else timedelta(hours=hours)
        for workspace, known in self._timelines():
            if known.stops_at is None or not workspace.running:
                continue
            entry = next(e for e in known.entries if e.applies and e.at == known.stops_at)
            if until is None or known.stops_at <= self._ctx.now() + until:
                found.append(
                    ScheduledStop(
                        known.stops_at,
                        workspace.full_name,
                        entry.source,
                        str(entry.by),
                        entry.why,
                    )
                )
        return sorted(found, key=lambda one: (one.at, one.workspace))

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

    def _timelines(self) -> list[tuple[FleetWorkspace, Timeline]]:
        ctx = self._with()
        seen, now = ctx.seen, ctx.now()
        if seen is None:
            return []
        decisions = deciding.decide(ctx, observation=seen)
        return [(one.workspace, timeline(one.workspace, seen, now, one)) for one in decisions]
