"""The front for times to live: who should have stopped, who will soon, and set or extend them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import ClassVar

from carrel.api.controller import WorkspaceController
from carrel.api.results import TTL_CATEGORIES, RunResults, TTLReport, WorkspaceStanding
from carrel.control.fleet import living, observing, setting


class TTLMonitorAgent(WorkspaceController):
    """Watches how running workspaces keep to their times to live.

    `[policy.time_to_live]` says what is demanded; it is in force here even without such a table.
    """

    POLICIES: ClassVar[tuple[str, ...]] = (living.POLICY,)

    def get_ttl_compliance_report(
        self,
        user: str | None = None,
        threshold_hours: float | None = None,
        *,
        all_orgs: bool = False,
    ) -> TTLReport:
        """Return how each running workspace stands with its time to live.

        Args:
            user: Only this user's.
            threshold_hours: So near, a stop comes soon; None: as the settings say.
            all_orgs: Also organizations that the token's user is no member of.

        Raises:
            NotFoundError: `unknown_fleet_user`.
        """
        near = None if threshold_hours is None else timedelta(hours=threshold_hours)
        found = living.compliance(self._ctx, user=user, threshold=near, everywhere=all_orgs)
        groups: dict[str, list[WorkspaceStanding]] = {}
        for one in found.every:
            due = one.workspace.build.deadline
            standing = WorkspaceStanding(one.workspace, one.standing, one.reason, due)
            groups.setdefault(TTL_CATEGORIES[one.standing], []).append(standing)
        return TTLReport(at=found.at, **{name: tuple(ones) for name, ones in groups.items()})

    def should_have_stopped(self, user: str | None = None) -> tuple[WorkspaceStanding, ...]:
        """Return what runs although its time to live is over."""
        return self.get_ttl_compliance_report(user).should_have_stopped

    def will_stop_soon(
        self, user: str | None = None, threshold_hours: float | None = None
    ) -> tuple[WorkspaceStanding, ...]:
        """Return what stops within the threshold."""
        return self.get_ttl_compliance_report(user, threshold_hours).will_stop_soon

    def monitor(
        self,
        interval_minutes: float = 15,
        user: str | None = None,
        threshold_hours: float | None = None,
    ) -> Iterator[TTLReport]:
        """Make one report after the other, until the caller has enough.

        Args:
            interval_minutes: Time between two reports.
            user: Only this user's.
            threshold_hours: So near, a stop comes soon; None: as the settings say.
        """
        while True:
            yield self.get_ttl_compliance_report(user, threshold_hours)
            self._ctx.clock.wait(interval_minutes * 60)

    def set_ttl(
        self, workspace: str, hours: float | None, reason: str = "", *, dry_run: bool = False
    ) -> RunResults:
        """Set a workspace's time to live; None takes it away.

        Raises:
            BadInputError: `bad_ttl`.
            NotFoundError: `unknown_fleet_workspace`.
            RefusedError: `ttl_refused` by the template or the policy.
        """
        length = None if hours is None else timedelta(hours=hours)
        made = setting.ttl(self._ctx, workspace, length, reason)
        return self._carried_out(self._ctx, made, dry_run=dry_run)

    def extend(
        self, workspace: str, hours: float, reason: str = "", *, dry_run: bool = False
    ) -> RunResults:
        """Let a running workspace stop so much later than it would.

        Raises:
            BadInputError: `bad_extension`.
            NotFoundError: `unknown_fleet_workspace`.
            RefusedError: `extension_refused`: it has no deadline, or the policy says no.
        """
        made = setting.extend(self._ctx, workspace, timedelta(hours=hours), reason)
        return self._carried_out(self._ctx, made, dry_run=dry_run)

    def get_ttl(self, workspace: str) -> timedelta | None:
        """Return a workspace's own time to live; None when it has none."""
        return observing.find(self._ctx, workspace).ttl
