"""The front for what the deployment itself keeps of quiet hours."""

from carrel.api.controller import WorkspaceController
from carrel.control.fleet import quieting
from carrel.control.fleet.quieting import Enterprise, Schedule


class EnterpriseQuietHours(WorkspaceController):
    """Shows the quiet hours that a licensed deployment keeps: its default, and users' own."""

    def get_enterprise_quiet_hours(self) -> Enterprise:
        """Return the deployment's default and the users' own, or why it keeps none."""
        return quieting.enterprise(self._with())

    def get_user_quiet_hours(self, username: str) -> Schedule | None:
        """Return one user's, which needs the right to see it; None when there are none.

        Raises:
            FailedError: `fleet_forbidden`, `fleet_not_offered`.
        """
        users = quieting.enterprise(self._ctx, username).users
        return users[0] if users else None
