"""The front for quiet hours: whose are when, who runs in them, and stop what should not."""

from datetime import timedelta
from typing import ClassVar, Protocol, cast

from carrel.api.controller import WorkspaceController
from carrel.api.results import RunResults, WorkspaceStanding
from carrel.control.fleet import quieting
from carrel.control.fleet.quieting import Status
from carrel.domain.governance.plans import Purpose
from carrel.domain.governance.quiet import QuietRules

_STOPPING_NOW = "stopping_now"
CATEGORIES = (
    _STOPPING_NOW, "in_grace", "running_past_end", "ttl_expired", "normal", "excluded",
)  # fmt: skip


class _Settings(Protocol):
    """The settings of the policy, as far as they say when something is stopped."""

    @property
    def rules(self) -> QuietRules: ...
    @property
    def grace(self) -> timedelta: ...


class QuietHoursAgent(WorkspaceController):
    """Stops what runs in its owner's quiet hours, after a grace.

    `[policy.quiet_hours]` says when they are; it is in force here even without such a table.
    """

    POLICIES: ClassVar[tuple[str, ...]] = (quieting.POLICY,)

    def get_status(self) -> Status:
        """Return whose quiet hours are when, and what was decided of each workspace."""
        return quieting.status(self._with())

    def is_quiet_hours(self) -> bool:
        """Tell whether quiet hours are now: the fleet's, or those of anything that runs."""
        if any(one.began is not None for one in self.get_status().hours):
            return True
        now = self._ctx.now()
        fleet = (rule for rule in self._settings().rules.rules if rule.scope.empty)
        return any(rule.timetable.state(now).present is not None for rule in fleet)

    def is_grace_period_over(self, workspace: str | None = None) -> bool:
        """Tell whether it is time to stop something: quiet hours are now, and their grace is over.

        Args:
            workspace: Asks about this one. None asks whether the fleet's own quiet hours have
                lasted that long, or those of anything that runs.

        Raises:
            NotFoundError: `unknown_fleet_workspace`.
        """
        found = [one for ones in self._standings_now().values() for one in ones]
        if workspace is not None:
            wanted = self.get_workspace(workspace).workspace_id
            found = [one for one in found if one.workspace.workspace_id == wanted]
        if any(one.category == _STOPPING_NOW for one in found):
            return True
        return workspace is None and self._fleets_grace_over()

    def categorize_workspaces(self, *, force: bool = False) -> dict[str, list[WorkspaceStanding]]:
        """Return the workspaces that run by category, each with its reason.

        The categories are `stopping_now`, `in_grace`, `running_past_end`, `ttl_expired`,
        `normal` and `excluded`; all are there, empty ones too. What could not be judged is
        under `withheld`, and what keeps coming back after a stop under `flapping`.

        Args:
            force: As a forced run would see them.
        """
        return self._standings_now(force=force)

    def stop_workspaces_for_quiet_hours(
        self, *, dry_run: bool = False, force: bool = False
    ) -> RunResults:
        """Stop what runs in its quiet hours, after its grace; safe to repeat.

        Args:
            dry_run: Only tell what would be done.
            force: Stop also what its time to live should have stopped. It never overrides
                exclusions, missing data, limits or a freeze.

        Raises:
            RefusedError: `frozen`.
        """
        return self._run(self._with(), Purpose.QUIET_HOURS, dry_run=dry_run, force=force)

    def _standings_now(self, *, force: bool = False) -> dict[str, list[WorkspaceStanding]]:
        found: dict[str, list[WorkspaceStanding]] = {name: [] for name in CATEGORIES}
        for one in quieting.status(self._with(), force=force).running:
            stands = quieting.standing(one)
            named = WorkspaceStanding(
                one.workspace, stands.category, stands.reason, stands.due, stands.until
            )
            found.setdefault(stands.category, []).append(named)
        return found

    def _fleets_grace_over(self) -> bool:
        settings, now = self._settings(), self._ctx.now()
        for rule in settings.rules.rules:
            present = rule.timetable.state(now).present if rule.scope.empty else None
            grace = settings.grace if rule.grace is None else rule.grace
            if present is not None and now >= present.start + grace:
                return True
        return False

    def _settings(self) -> _Settings:
        held = next(one.settings for one in self._ctx.policies if one.name == quieting.POLICY)
        return cast("_Settings", held)
