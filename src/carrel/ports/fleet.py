"""A fleet as a port: what Carrel needs of a backend whose workspaces run on machines elsewhere."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from carrel.domain.fleet.deployment import Deployment
from carrel.domain.fleet.history import AuditEntry, Connection, Usage
from carrel.domain.fleet.observation import Observation
from carrel.domain.fleet.people import QuietHours
from carrel.domain.fleet.workspaces import Build, FleetWorkspace
from carrel.domain.records import dataclass


class Outcome(StrEnum):
    """What became of a request that changes something."""

    ACCEPTED = "accepted"
    """It is done, or a build does it."""
    UNCHANGED = "unchanged"
    """It was so already."""
    CONFLICT = "conflict"
    """Another build is under way; nothing was changed."""
    REFUSED = "refused"
    """The backend says no: permission, template rules, or what was asked makes no sense."""
    UNCERTAIN = "uncertain"
    """No answer, and re-reading showed nothing. Never send it again without a look."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a request that changes something.

    Attributes:
        outcome: What became of it.
        build_id: The build that does it, or empty.
        why: One sentence.
        cure: What a person can do; empty when nothing is needed.
    """

    outcome: Outcome
    build_id: str = ""
    why: str = ""
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Queue:
    """How busy the backend's provisioners are.

    Attributes:
        pending: Jobs that wait.
        running: Jobs that run.
    """

    pending: int
    running: int


class Fleet(Protocol):
    """One deployment, with the rights of one token. Safe for threads.

    Reading is retried; a request that changes something is sent once. Errors: BadInputError
    `bad_coder_url`, `no_coder_token`; FailedError `fleet_unreachable`, `token_refused`,
    `fleet_answer_unknown`, `fleet_forbidden`, `fleet_not_offered`; NotFoundError
    `unknown_fleet_workspace`. A request that changes something ends in a receipt; it raises
    only `token_refused`, and `fleet_unreachable` when it surely was not sent.
    """

    def deployment(self) -> Deployment:
        """Find out version, features and permissions."""
        ...

    def observe(self, previous: Observation | None = None) -> Observation:
        """See the whole fleet.

        Args:
            previous: What was seen last: what has surely not changed is not read again.
        """
        ...

    def workspace(self, workspace_id: str) -> FleetWorkspace:
        """See one workspace anew, its activity included."""
        ...

    def look(self, name: str) -> Observation:
        """See one workspace, and besides it only what policies need to judge it.

        Args:
            name: `owner/name`, a name alone where it is unique, or an id.

        Raises:
            NotFoundError: `unknown_fleet_workspace`.
            BadInputError: `ambiguous_workspace`.
        """
        ...

    def builds(self, workspace_id: str, since: datetime | None = None) -> list[Build]:
        """Return the builds of a workspace, newest first."""
        ...

    def build(self, build_id: str) -> Build:
        """See one build anew."""
        ...

    def queue(self) -> Queue:
        """See how busy the provisioners are."""
        ...

    def quiet_hours(self, user_id: str) -> QuietHours | None:
        """Return a user's quiet hours; None when the backend offers none."""
        ...

    def connections(self, since: datetime, until: datetime) -> Iterator[Connection]:
        """Return the connections that were open at some time between two moments."""
        ...

    def audit(self, since: datetime, until: datetime) -> Iterator[AuditEntry]:
        """Return what the backend's audit log says, newest first."""
        ...

    def usage(self, since: datetime, until: datetime) -> list[Usage]:
        """Return for how long users were connected, where the backend counts that.

        The backend may widen the span to whole days at its begin and to a full hour at its end.
        """
        ...

    def deleted(self) -> Iterator[FleetWorkspace]:
        """Return workspaces that were deleted, as far as the backend remembers them."""
        ...

    def stop(self, workspace: FleetWorkspace) -> Receipt:
        """Queue a stop build; never sent twice."""
        ...

    def start(self, workspace: FleetWorkspace) -> Receipt:
        """Queue a start build; never sent twice."""
        ...

    def pause(self, workspace: FleetWorkspace) -> Receipt:
        """Pause the AI task that a workspace works for."""
        ...

    def resume(self, workspace: FleetWorkspace) -> Receipt:
        """Resume the AI task that a workspace works for."""
        ...

    def delete(self, workspace: FleetWorkspace) -> Receipt:
        """Queue a delete build; never sent twice."""
        ...

    def set_ttl(self, workspace_id: str, ttl: timedelta | None) -> Receipt:
        """Set a workspace's own time to live. None also clears a running build's deadline."""
        ...

    def set_deadline(self, workspace_id: str, deadline: datetime) -> Receipt:
        """Move the deadline of a running workspace, either way; at least 30 minutes ahead."""
        ...

    def set_dormant(self, workspace_id: str, *, dormant: bool) -> Receipt:
        """Make a workspace dormant, or wake it. Stops and starts nothing by itself."""
        ...

    def set_autostart(self, workspace_id: str, schedule: str) -> Receipt:
        """Set the autostart schedule; empty: none."""
        ...

    def prebuilds_paused(self) -> bool | None:
        """Tell whether prebuild reconciliation is paused; None when there is none to pause."""
        ...

    def set_prebuilds_paused(self, *, paused: bool) -> Receipt:
        """Pause prebuild reconciliation, or let it go on."""
        ...

    def close(self) -> None:
        """Close all connections; the next request opens new ones."""
        ...
